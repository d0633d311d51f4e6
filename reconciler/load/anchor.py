"""`audit: {anchor: …}` of `reconciler.yaml`: a file, or a git ref."""

import re
from typing import Any

from reconciler.load.faults import Mark
from reconciler.load.kinds import Reading, Schema, Text, read_plain
from reconciler.load.tree import Map, Node
from reconciler.model.company import KeptRef

DEFAULT_REF = "refs/heads/reconciler/audit"
_REF = re.compile(r"refs/(heads|tags|reconciler)/\w[\w./-]{0,200}(?<![./])")
_REMOTE = re.compile(r"\w[\w./-]{0,100}")


class Anchor(Text):
    """Where heads of the audit trail are kept: a file, or `{git: {ref: …, remote: …}}`."""

    schema: Schema = {  # noqa: RUF012 - never changed
        "anyOf": [
            {"type": ["string", "null"]},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["git"],
                "properties": {
                    "git": {
                        "type": ["object", "null"],
                        "additionalProperties": False,
                        "properties": {
                            "ref": {"type": "string", "pattern": f"^{_REF.pattern}$"},
                            "remote": {"type": "string", "pattern": f"^{_REMOTE.pattern}$"},
                        },
                    }
                },
            },
        ]
    }

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> Any:
        """Return the file's path, or the ref."""
        if not isinstance(node, Map):
            return super().read(reading, node, mark, what)
        said = read_plain(reading, node, mark, what)
        options = (said.get("git") or {}) if set(said) == {"git"} else None
        if isinstance(options, dict) and options.keys() <= {"ref", "remote"}:
            ref, remote = options.get("ref", DEFAULT_REF), options.get("remote", "")
            if _fits(_REF, ref) and (remote == "" or _fits(_REMOTE, remote)):
                return KeptRef(ref, remote)
        hint = f"write anchor: {{git: {{ref: {DEFAULT_REF}, remote: origin}}}}"
        reading.faults.error(mark, f"{what} is a file, or a git ref", hint)
        return ""


def _fits(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and bool(pattern.fullmatch(text)) and ".." not in text
