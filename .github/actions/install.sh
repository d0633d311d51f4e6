#!/usr/bin/env bash
# Installs the tool from the checkout that this action is part of, everything else pinned by hash; once for each job.
# Nothing of the working directory is ever imported (-I): it holds a pull request.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lock="$source/.github/actions/requirements.lock"
target="$RUNNER_TEMP/reconciler"
mark=$(sha256sum "$lock" | cut -d ' ' -f 1)

if [ -f "$target/installed" ] && [ "$(cat "$target/installed")" = "$mark" ]; then
  exit 0
fi
cd "$RUNNER_TEMP"
python3 -I -m venv --clear "$target"
"$target/bin/python" -I -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
"$target/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation "$source"
printf '%s' "$mark" > "$target/installed"
