#!/usr/bin/env bash
# What is deployed, how it fares, and what changed since the session before.
#   report_v2_deploy.sh [--namespace NS] [--context C] [--skip-health] [--output-dir DIR] [--label-selector S]
set -euo pipefail
source "$(/usr/bin/dirname "$(/usr/bin/readlink -f "${BASH_SOURCE[0]}")")/find_mission_control.sh"
exec "$mission_control" deploy-report "$@"
