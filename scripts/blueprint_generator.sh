#!/usr/bin/env bash
# The fleet as it is seen, with every gap, as a record (exit 0 recorded, 2 wrong usage).
#   blueprint_generator.sh [--namespace|-n NS] [--repository DIR] [--help]
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
arguments=()
for argument in "$@"; do
  if [[ $argument == -n ]]; then argument=--namespace; fi
  arguments+=("$argument")
done
exec "$mission_control" blueprint ${arguments[@]+"${arguments[@]}"}
