"""What an app answered, and its own words where it refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.redaction import Redactor

T = TypeVar("T")

_LONGEST = 300
_READ_AT_MOST = 20_000
_BOM = b"\xef\xbb\xbf"
_WORD_KEYS = (
    "detail",
    "error_description",
    "message",
    "Message",
    "errorSummary",
    "description",
    "error",
    "title",
    "reason",
)
_MESSAGES = "errorMessages"
"""What Jira says in general; what it says of single fields is a map under `errors`."""
_CODE_KEYS = ("scimType", "errorCode", "code", "error", "type", "__type")


@dataclass(frozen=True, slots=True)
class Answer:
    """One final HTTP answer.

    Attributes:
        status: the HTTP status.
        headers: names in any case.
        content: the body, decompressed.
        url: where it came from, after redirects.
        method: the request's method.
        request_id: what was sent as `X-Request-Id`.
        redactor: takes secrets out of messages about this answer.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    url: str
    method: str = ""
    request_id: str = ""
    redactor: Redactor = field(default_factory=Redactor, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success (2xx)."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 section 15

    @property
    def etag(self) -> str:
        """The entity tag as sent (quotes and `W/` included), or empty."""
        return self.headers.get("etag", "")

    @property
    def what(self) -> str:
        """The request and its status in a few words: `GET /Users answered 403`."""
        return f"{self.method} {path_of(self.url)} answered {self.status}"

    def json(self) -> Any:
        """Parse the body as JSON, whatever content type it is sent with.

        Raises:
            TransportError: it is empty, a web page, cut off, or otherwise no JSON.
        """
        return self.decode(Any)

    def decode(self, kind: type[T]) -> T:
        """Parse the body as JSON of a shape (`msgspec.Struct`, `dict[str, Any]`, …): faster than `json` where it fits.

        Raises:
            TransportError: as `json`, or the JSON has another shape.
        """
        try:
            return msgspec.json.decode(self.content.removeprefix(_BOM), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reason = self._why_unreadable(error)
        raise TransportError(f"{self.what}: {reason}", hint=id_hint(self.request_id))

    def raise_for_refusal(self, what: str) -> None:
        """Raise unless the app agreed (a status below 400).

        Args:
            what: what was tried, for the message: `add ana to team:platform`.

        Raises:
            AnswerError: the app's own words, redacted and shortened; its status and its own code.
        """
        if self.status < 400:  # noqa: PLR2004 - RFC 9110 section 15
            return
        words = self.words()
        message = f"{what}: {self.what}" + (f": {words}" if words else "")
        raise AnswerError(message, status=self.status, code=self.code(), hint=id_hint(self.request_id))

    def words(self) -> str:
        """Return what the app said in the body, redacted, in one line of at most 300 characters; may be empty."""
        document = self._document()
        if document is not None:
            return shorten(self.redactor.clean(_words_in(document)))
        text = self.content[:_READ_AT_MOST].decode(errors="replace")
        if _is_page(text):
            title = re.search(r"<title[^>]{0,200}>([^<]{0,500})", text, re.IGNORECASE)
            text = "a web page" + (f" titled `{title[1].strip()}`" if title else "")
        return shorten(self.redactor.clean(text))

    def code(self) -> str:
        """Return the app's own error code (`scimType`, `errorCode`, …), or empty."""
        document = self._document()
        if not isinstance(document, dict):
            return ""
        inner = document.get("error")
        sources = (inner, document) if isinstance(inner, dict) else (document,)
        found = (source.get(key) for source in sources for key in _CODE_KEYS)
        code = next((str(value) for value in found if isinstance(value, str | int) and value != ""), "")
        return shorten(self.redactor.clean(code))[:80]

    def _document(self) -> Any:
        """Return the body as JSON, or None where it is none."""
        try:
            return msgspec.json.decode(self.content.removeprefix(_BOM))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _why_unreadable(self, error: Exception) -> str:
        """Say why the body could not be parsed."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        if not self.content.strip():
            return "the body is empty where JSON was expected"
        if _is_page(self.content[:_READ_AT_MOST].decode(errors="replace")):
            return f"{self.words()} where JSON was expected; is the URL right, and is the token accepted?"
        if isinstance(error, msgspec.ValidationError):
            return f"the JSON is not what was expected: {shorten(self.redactor.clean(str(error)))}"
        if "truncated" in str(error):
            return f"the JSON is cut off after {len(self.content)} bytes"
        sent = f" (sent as {kind})" if kind else ""
        return f"the body is no JSON{sent}: {self.words()}"


def path_of(url: str) -> str:
    """Return the path of a URL, without its origin and its query (which may hold names and secrets)."""
    return re.sub(r"^[A-Za-z][\w+.-]*://[^/?#]*", "", url).partition("?")[0].partition("#")[0] or "/"


def id_hint(request_id: str) -> str:
    """Return the hint that names a request to a vendor's support."""
    return f"the request's id is {request_id}" if request_id else ""


def shorten(text: str, longest: int = _LONGEST) -> str:
    """Return a text in one line without control characters, of at most so many characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _is_page(text: str) -> bool:
    """Say whether a body is a web page."""
    start = text.lstrip()[:200].lower()
    return start.startswith(("<!doctype html", "<html", "<head")) or "<html" in start


def _words_in(document: Any, depth: int = 0) -> str:
    """Return the words in an error document: SCIM's `detail`, RFC 9457's `title`, and the vendors' habits."""
    match document:
        case str():
            return document[:_READ_AT_MOST]
        case bool() | None:
            return ""
        case int() | float():
            return str(document)
        case list() if depth < 4:  # noqa: PLR2004 - deeper than any vendor's
            return "; ".join(filter(None, (_words_in(part, depth + 1) for part in document[:5])))
        case dict() if depth < 4:  # noqa: PLR2004 - same
            return _words_of(document, depth)
    return ""


def _words_of(document: dict[str, Any], depth: int) -> str:
    """Return the words under the first key that has some, and what explains them."""
    main = next(filter(None, (_words_in(document.get(key), depth + 1) for key in (*_WORD_KEYS, _MESSAGES))), "")
    causes = next((document[key] for key in ("errors", "errorCauses", "Errors") if document.get(key)), None)
    if isinstance(causes, dict) and _MESSAGES in document:
        causes = [f"{name}: {words}" for name, words in causes.items()]
    more = _words_in(causes, depth + 1) if causes else ""
    parts = [part for part in (main, "" if more == main else more) if part]
    return ": ".join(parts)
