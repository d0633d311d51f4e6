#!/usr/bin/env bash
# Runs the tool. Git reaches the repository with the job's token, which is never written to disk.
set -euo pipefail

if [ -n "${GITHUB_TOKEN:-}" ]; then
  export GIT_CONFIG_COUNT=1
  export GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
  GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'x-access-token:%s' "$GITHUB_TOKEN" | base64 -w 0)"
  export GIT_CONFIG_VALUE_0
fi
exec "$RUNNER_TEMP/reconciler/bin/reconciler" "$@"
