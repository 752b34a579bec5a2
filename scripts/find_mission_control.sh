# shellcheck shell=bash
# Finds Mission Control for the scripts beside it, from any folder, from cron and with any PATH.
# It is sourced: it sets `mission_control` to the command to run. Which fleet is judged is never guessed:
# without a fleet file the command says what to set, and ends with 78.
here="$(cd "$(/usr/bin/dirname "${BASH_SOURCE[0]}")" && pwd)"
project="${here%/scripts}"
mission_control="$project/.venv/bin/mission-control"
if [[ ! -x $mission_control ]]; then  # shipped in a wheel: in the environment that it was installed into
  mission_control="${here%/lib/python3*}/bin/mission-control"
fi
if [[ ! -x $mission_control ]]; then
  mission_control="$(command -v mission-control || true)"
fi
if [[ -z $mission_control ]]; then
  echo "mission-control is not installed: run 'make setup' in $project" >&2
  exit 1
fi
