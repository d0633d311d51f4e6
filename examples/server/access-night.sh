#!/usr/bin/env bash
# The scheduled run on a server of your own: what is merged is fetched, what is due is applied, drift is told by the exit
# code. For cron (as the user that holds the tokens):
#   17 3 * * *  cd /srv/access && ACCESS_TOKENS_FILE=/etc/access/tokens /srv/access/night.sh
# or with systemd: access-night.service and access-night.timer beside this file.
set -euo pipefail

if [ -n "${ACCESS_TOKENS_FILE:-}" ]; then
  set -a
  # shellcheck disable=SC1090 # NAME=value lines, readable by this user only
  . "$ACCESS_TOKENS_FILE"
  set +a
fi
branch=${ACCESS_BRANCH:-main}
git fetch --quiet origin "$branch"
git merge --quiet --ff-only FETCH_HEAD
reconciler validate --quiet
code=0
reconciler apply --due --yes || code=$?
reconciler drift --detailed-exitcode || code=$?
exit "$code"
