"""Tokens that a called workflow hands over as one secret: a JSON object, the names of variables to their values.

A reusable workflow cannot know how a company calls its secrets; where a company's own workflow names each of them, this
is not used.
"""

import json
import re
from collections.abc import Iterator, MutableMapping
from typing import Final

from reconciler.errors import SecretError
from reconciler.provider.redaction import REVEALED

VARIABLE: Final = "ACCESS_TOKENS"
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,100}")
_NOT_OURS: Final = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH.*|LD_.*|DYLD_.*|PYTHON.*|PIP_.*|GIT_.*|GITHUB_.*|ACTIONS_.*|RUNNER_.*|RECONCILER_.*"
    r"|SSL_.*|.*_PROXY|NODE_.*|ACCESS_TOKENS|CI"
)
"""Variables that programs obey: a token is none of them."""


def take_tokens(environ: MutableMapping[str, str]) -> Iterator[str]:
    """Put each token into its variable, and yield a command by which the runner hides it in logs.

    Raises:
        SecretError: it is no such object; the message holds nothing of it.
    """
    text = environ.pop(VARIABLE, "")
    if not text.strip():
        return
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) and value for value in found.values()):
        raise SecretError(f"{VARIABLE} is no JSON object of texts", hint='write {"SLACK_TOKEN": "…"}')
    for name in found:
        if not _NAME.fullmatch(name) or _NOT_OURS.fullmatch(name):
            raise SecretError(f"{VARIABLE} names {name[:40]!r}, which is no variable of a token")
    for name, value in found.items():
        REVEALED.add(value)
        environ[name] = value
        for line in value.splitlines():
            if line.strip():
                yield f"::add-mask::{line.replace('%', '%25')}"
