#!/usr/bin/env bash
# May this session run? GO or NO-GO, check by check (exit 0 READY, 3 NOT READY, 2 wrong usage).
#   readiness_check.sh [--namespace|-n NS] [--skip-preflight] [--help]
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
arguments=()
for argument in "$@"; do
  if [[ $argument == -n ]]; then argument=--namespace; fi
  arguments+=("$argument")
done
exec "$mission_control" readiness ${arguments[@]+"${arguments[@]}"}
