"""The AWS JSON 1.1 protocol of the three services: requests by operation name, pages by token, errors by code.

Every operation is a POST. What only reads is told by its name: AWS calls it `List…`, `Describe…` or `Get…`; anything
else is a write to the transport, which refuses it while planning.
Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from providers.aws.capabilities import BURST, PER_MINUTE
from providers.aws.config import AwsConfig
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Answer, Limits, Rate, Transport

STORE, CENTER, ORGANIZATIONS = "identitystore", "sso", "organizations"
PAGE = 100

_READING = ("List", "Describe", "Get")
_TARGETS = {STORE: "AWSIdentityStore", CENTER: "SWBExternalService", ORGANIZATIONS: "AWSOrganizationsV20161128"}
_PAGES = {ORGANIZATIONS: 20}
_MOST_PAGES = 10_000
_THROTTLED = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "Throttling", "RequestLimitExceeded", "SlowDown"}
)
_CONFLICT, _AT_ONCE = "ConflictException", "CONCURRENT_MODIFICATION"
_PATIENCE = Limits(attempts=10, first_wait=0.5, longest_wait=20.0)


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("aws_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the calls that are made from here while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class AwsClient:
    """Speaks with the services of one Identity Center; an asynchronous context manager.

    Args:
        config: where it is, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.

    Raises:
        ProviderError: the region, the endpoint or the credentials' references cannot be used.
    """

    def __init__(self, config: AwsConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        from providers.aws.signing import Endpoint, Keys, SigV4Auth, find_endpoint  # noqa: PLC0415 - 0.4 s of botocore

        keys = Keys(config, surroundings)
        self._transports: dict[str, Transport] = {}
        for service in _TARGETS:
            place = find_endpoint(service, config.region)
            place = Endpoint(config.endpoint, place.region) if config.endpoint else place
            self._transports[service] = Transport(
                place.url,
                surroundings,
                name=surroundings.app,
                auth=SigV4Auth(keys, service, place.region, surroundings),
                rates=[Rate("", PER_MINUTE, BURST)],
                timeout=config.timeout,
                limits=_PATIENCE,
                allow_http=config.allow_http,
                clock=clock,
                throttled=asked_to_wait,
            )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._transports.values():
            await transport.__aexit__(kind, error, trace)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return sum(transport.requests for transport in self._transports.values())

    async def call(self, service: str, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call one operation.

        Args:
            service: STORE, CENTER or ORGANIZATIONS.
            operation: as AWS names it; `List…`, `Describe…` and `Get…` are the only ones allowed while planning.
            body: its input.

        Raises:
            ReadOnlyError: it would write while planning.
            AnswerError: AWS refused; `code` is the exception's name (`ResourceNotFoundException`).
            TransportError: no answer; `landed` says whether it may have been done.
        """
        tally = _TALLY.get()
        if tally is not None:
            tally.requests += 1
        answer = await self._transports[service].request(
            "POST",
            "/",
            json=dict(body),
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"{_TARGETS[service]}.{operation}",
            },
            write=not operation.startswith(_READING),
        )
        if not answer.ok:
            words, code = answer.words(), error_code(answer)
            said = ": ".join(filter(None, (f"{operation} was refused", code, words)))
            raise AnswerError(said, status=answer.status, code=code)
        return answer.decode(dict[str, Any]) if answer.content.strip() else {}

    async def pages(
        self, service: str, operation: str, body: Mapping[str, Any], key: str
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield everything of a list, page by page, until there is no next token: an empty page ends nothing.

        Args:
            service: as for `call`.
            operation: as for `call`.
            body: as for `call`.
            key: where the list is in the answer.

        Raises:
            TransportError: as for `call`, or a token came twice, or the list is missing.
        """
        token, seen = "", set[str]()
        asked = {**body, "MaxResults": _PAGES.get(service, PAGE)}
        for _ in range(_MOST_PAGES):
            answer = await self.call(service, operation, {**asked, "NextToken": token} if token else asked)
            listed = answer.get(key)
            if not isinstance(listed, list):
                raise TransportError(f"{operation} answered without {key}")
            for each in listed:
                yield each
            token = str(answer.get("NextToken") or "")
            if not token:
                return
            if token in seen:
                raise TransportError(f"{operation} gave the same page twice")
            seen.add(token)
        raise TransportError(f"{operation} has more than {_MOST_PAGES} pages")

    async def every(self, service: str, operation: str, body: Mapping[str, Any], key: str) -> list[Any]:
        """Return all of a list; see `pages`."""
        return [each async for each in self.pages(service, operation, body, key)]


def error_code(answer: Answer) -> str:
    """Return the name of an AWS exception, without namespace and address."""
    said = answer.headers.get("x-amzn-errortype", "") or answer.code()
    return said.partition(":")[0].rpartition("#")[2]


def asked_to_wait(answer: Answer) -> float | None:
    """Say whether a refusal asks to come back, which AWS answers with 400, and when (0: it does not say).

    That is throttling, and what was changed by somebody else at the same moment (the identity store's reference,
    ConflictException): nothing of it was done.
    """
    code = error_code(answer)
    if code not in _THROTTLED and code != _CONFLICT:
        return None
    try:
        said = answer.decode(dict[str, Any])
    except TransportError:
        said = {}
    if code == _CONFLICT and said.get("Reason") != _AT_ONCE:
        return None
    told = said.get("RetryAfterSeconds")
    return float(told) if isinstance(told, int) and told > 0 else 0.0
