#!/usr/bin/env bash
# The namespace as it runs, pinned to digests: a candidate, or the last known good.
#   capture_lkg.sh [NS] [--context C] [--json]
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
if [[ $# -gt 0 && $1 != -* ]]; then
  set -- --namespace "$@"
fi
exec "$mission_control" lkg capture "$@"
