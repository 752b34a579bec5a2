#!/usr/bin/env bash
# Everything of the hour after the close, in one run below audit_artifacts/ops_runs.
#   ops_post_market.sh [--namespace NS] [--context C] [--skip-preflight] [--skip-health]
# TRADING_FLOOR_NAMESPACE names the namespace where no flag does.
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
if [[ -n ${TRADING_FLOOR_NAMESPACE:-} ]]; then
  export MISSION_CONTROL_NAMESPACE="$TRADING_FLOOR_NAMESPACE"
fi
exec "$mission_control" post-market "$@"
