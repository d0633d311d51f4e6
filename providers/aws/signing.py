"""Signature version 4 on the core's transport, by botocore: its credential chain, its endpoints, its signer.

boto3 would bring an HTTP client of its own, beside the transport that refuses writes while planning, keeps the rates
and takes secrets out of what is logged. botocore's signer needs no client: it signs a request that httpx sends.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import httpx

from providers.aws.config import AwsConfig
from reconciler.errors import ProviderError, SecretError
from reconciler.provider.auth import SecretAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret

try:
    from botocore.auth import SigV4Auth as Signer
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials, ReadOnlyCredentials
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver
    from botocore.session import Session
except ModuleNotFoundError as error:  # the extra is not installed
    raise ProviderError(
        f"the provider aws needs the package {error.name}",
        hint="install the extra: pip install 'identity-reconciler[aws]'",
    ) from None

# It logs what it signs, a temporary key's token among it; our own debug log takes its place.
logging.getLogger("botocore").setLevel(logging.WARNING)

_SIGNED = ("content-type", "x-amz-target")
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is, and the region that its requests are signed for."""

    url: str
    region: str


def find_endpoint(service: str, region: str) -> Endpoint:
    """Return a service's endpoint: Organizations has one for all regions of a partition.

    Args:
        service: the endpoint prefix: `identitystore`, `sso`, `organizations`.
        region: as AWS calls it.

    Raises:
        ProviderError: botocore knows no such region.
    """
    found = EndpointResolver(create_loader().load_data("endpoints")).construct_endpoint(service, region)
    if not found:
        raise ProviderError(f"aws: there is no region `{region}`", hint="write it like eu-central-1")
    return Endpoint(f"https://{found['hostname']}", found.get("credentialScope", {}).get("region", region))


class Keys:
    """The credentials of one app, shared by its services: given in the YAML, or found by botocore's chain.

    Args:
        config: says which.
        surroundings: says what references may name.
    """

    def __init__(self, config: AwsConfig, surroundings: Surroundings) -> None:
        self._given = config.credentials
        self._profile = config.profile
        self._app = surroundings.app
        self._allowed = surroundings.secrets_env
        self._found: Credentials | None = None
        self._turn = asyncio.Lock()

    async def current(self, auth: "SigV4Auth") -> ReadOnlyCredentials:
        """Return keys that are valid now; those of a role are renewed in time.

        Raises:
            SecretError: there are none, or they may not be used.
        """
        async with self._turn:
            if self._found is None:
                self._found = await self._give(auth) if self._given else await asyncio.to_thread(self._find)
            try:
                keys: ReadOnlyCredentials = await asyncio.to_thread(self._found.get_frozen_credentials)
            except BotoCoreError as error:
                raise SecretError(f"{self._app}: no AWS credentials: {error}") from None
        return keys

    async def _give(self, auth: "SigV4Auth") -> Credentials:
        given = self._given
        assert given is not None  # noqa: S101 - the caller looked
        key = given.access_key_id
        return Credentials(
            await auth.reveal(key) if isinstance(key, Secret) else key,
            await auth.reveal(given.secret_access_key),
            await auth.reveal(given.session_token) if given.session_token else None,
        )

    def _find(self) -> Credentials:
        """Ask botocore's chain; it reads files and may ask STS for a role."""
        try:
            found = Session(profile=self._profile or None).get_credentials()
        except BotoCoreError as error:
            raise SecretError(f"{self._app}: no AWS credentials: {error}") from None
        if found is None:
            hint = "set `credentials`, or AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE, or a profile"
            raise SecretError(f"{self._app}: no AWS credentials were found", hint=hint)
        if found.method == "env":
            self._check_variables()
        return found

    def _check_variables(self) -> None:
        """Hold keys from the environment to the rule for every secret: only variables that references may name."""
        for name in _SECRET_VARIABLES if self._allowed is not None else ():
            if not any(fnmatchcase(name, pattern) for pattern in self._allowed or ()):
                hint = "add its name to `secrets.env` in reconciler.yaml"
                raise SecretError(f"{self._app}: the variable {name} may not be read", hint=hint)


class SigV4Auth(SecretAuth):
    """Signs requests of one service (AWS Signature Version 4).

    Args:
        keys: the app's credentials.
        service: the name that requests are signed for.
        region: the region that they are signed for.
        surroundings: says what references may name.
    """

    def __init__(self, keys: Keys, service: str, region: str, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._keys = keys
        self._service = service
        self._region = region

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add `Authorization`, `X-Amz-Date` and, for temporary keys, `X-Amz-Security-Token`."""
        keys = await self._keys.current(self)
        for value in (keys.secret_key, keys.token):
            if value:
                self._redactor.add(value)
        headers = {name: request.headers[name] for name in _SIGNED if name in request.headers}
        signed = AWSRequest(request.method, str(request.url), headers=headers, data=request.content)
        Signer(keys, self._service, self._region).add_auth(signed)
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
            if name in signed.headers:
                request.headers[name] = signed.headers[name]
        yield request
