"""A repository on GitHub: where it is, by which token, and everything that is asked of it."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.forge.api import HEADERS, Api, check_repository
from reconciler.forge.checks import Checks
from reconciler.forge.issues import Issues
from reconciler.forge.protection import Protection
from reconciler.forge.pulls import Pulls
from reconciler.model.company import Settings
from reconciler.provider.auth import BearerAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Limits, Transport

PUBLIC_URL: Final = "https://api.github.com"
ACTIONS_LOGIN: Final = "github-actions[bot]"
"""Whom a workflow's own token writes as; such a token cannot ask who it is."""

_DEFAULT_TOKEN: Final = Secret("env", "GITHUB_TOKEN")
_HIDDEN: Final = frozenset({403, 404})


class GitHub:
    """One repository; an asynchronous context manager.

    Args:
        url: the API's base URL.
        repository: `OWNER/NAME`.
        token: the reference to its token.
        surroundings: says whether it may only read, and what the reference may name.
        me: the login that we write as; empty to ask.
    """

    def __init__(self, url: str, repository: str, token: Secret, surroundings: Surroundings, me: str = "") -> None:
        self._transport = Transport(
            url,
            surroundings,
            name="github",
            headers=HEADERS,
            auth=BearerAuth(token, surroundings),
            concurrency=4,
            limits=Limits(),
        )
        self._api = Api(self._transport, repository)
        self._me = me
        self.pulls = Pulls(self._api)
        self.checks = Checks(self._api)
        self.protection = Protection(self._api)
        self.issues = Issues(self._api, me)

    @property
    def repository(self) -> str:
        """`OWNER/NAME`."""
        return self._api.repository

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._transport.requests

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        if not self._me:
            try:
                self._me = await self._ask_who()
            except ReconcilerError:
                await self._transport.__aexit__(None, None, None)
                raise
            self.issues = Issues(self._api, self._me)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def _ask_who(self) -> str:
        """Return whom the token writes as; that of a workflow is refused, and writes as one for all."""
        answer = await self._transport.request("GET", "user")
        if answer.status in _HIDDEN:
            return ACTIONS_LOGIN
        answer.raise_for_refusal("ask who the token belongs to")
        found: dict[str, Any] = answer.decode(dict[str, Any])
        return str(found.get("login") or ACTIONS_LOGIN)


def open_forge(settings: Settings, *, read_only: bool = False, environ: Mapping[str, str] | None = None) -> GitHub:
    """Return the forge of a repository, not connected yet.

    On a runner of GitHub Actions, its own variables say where that is and nothing else counts: a pull request must not
    be able to name another host for the token. Elsewhere `forge` in `reconciler.yaml` says it.

    Args:
        settings: `reconciler.yaml`.
        read_only: whether its transport refuses to write.
        environ: the environment, by default that of the process.

    Raises:
        ConfigurationError: nothing says which repository it is, or what says it cannot be used.
    """
    variables = os.environ if environ is None else environ
    runner = variables.get("GITHUB_ACTIONS") == "true"
    said: Mapping[str, Any] = {} if runner else settings.forge.get("github", {})
    repository = said.get("repository") or variables.get("GITHUB_REPOSITORY", "")
    if not repository:
        raise ConfigurationError(
            "nothing says which repository this is",
            hint="add forge: {github: {repository: OWNER/NAME}} to reconciler.yaml, or set GITHUB_REPOSITORY "
            "(`reconciler request --local` needs neither)",
        )
    surroundings = Surroundings(
        app="github",
        root=settings.root,
        read_only=read_only,
        now=datetime.now(UTC),
        secrets_env=None if runner or "token" not in said else settings.secrets_env,
        secrets_files=settings.secrets_files,
        sops=settings.sops,
    )
    url = said.get("url") or variables.get("GITHUB_API_URL") or PUBLIC_URL
    token = Secret.parse(said["token"]) if "token" in said else _DEFAULT_TOKEN
    return GitHub(str(url), check_repository(str(repository)), token, surroundings, str(said.get("login") or ""))
