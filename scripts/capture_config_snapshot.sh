#!/usr/bin/env bash
# The configuration in force, redacted, as a record (exit 0 recorded, 2 wrong usage).
#   capture_config_snapshot.sh [--namespace|-n NS] [--repository DIR] [--help]
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
arguments=()
for argument in "$@"; do
  if [[ $argument == -n ]]; then argument=--namespace; fi
  arguments+=("$argument")
done
exec "$mission_control" config-snapshot ${arguments[@]+"${arguments[@]}"}
