"""A word to people where they are: a webhook that takes Slack's `text`, or mail. Both addresses are secrets."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.errors import ConfigurationError, TransportError
from reconciler.provider.connections import is_loopback
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import REVEALED
from reconciler.provider.transport import Transport

WEBHOOK: Final = "ACCESS_WEBHOOK_URL"
MAIL: Final = "ACCESS_SMTP_URL"
MAIL_TO: Final = "ACCESS_MAIL_TO"
MAIL_FROM: Final = "ACCESS_MAIL_FROM"
_LONGEST: Final = 3_000
_SECONDS: Final = 30.0
_SUBMISSION, _SUBMISSIONS = 587, 465


async def send_webhook(url: str, text: str, surroundings: Surroundings) -> None:
    """Post `{"text": …}` to a webhook: Slack's, or anything that understands the same.

    Raises:
        ProviderError: the address cannot be used, or did not take it; it is never repeated in a message.
    """
    REVEALED.add(url)
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
    async with Transport(base, surroundings, name="webhook", secrets=[parts.path, path]) as transport:
        answer = await transport.request("POST", path, json={"text": _escape(text)[:_LONGEST]})
        if not answer.ok:
            raise TransportError(f"webhook: it answered {answer.status}", landed=False)


def _escape(text: str) -> str:
    """Return a text in which nothing is a link or a mention (https://api.slack.com/reference/surfaces/formatting)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def send_mail(environ: Mapping[str, str], subject: str, text: str) -> None:
    """Send a mail over `smtps://USER:PASSWORD@HOST` or `smtp://…` (with STARTTLS, except to this machine).

    Raises:
        ConfigurationError: an address is missing or is none.
        TransportError: it was not taken.
    """
    url, to = environ.get(MAIL, ""), environ.get(MAIL_TO, "")
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or not to:
        raise ConfigurationError(
            f"{MAIL} and {MAIL_TO} say how mail is sent", hint="smtps://USER:PASSWORD@HOST, and who gets it"
        )
    if parts.password:
        REVEALED.add(unquote(parts.password))
    message = EmailMessage()
    try:
        message["Subject"], message["To"] = " ".join(subject.split()), to
        message["From"] = environ.get(MAIL_FROM, "") or to.split(",")[0].strip()
    except ValueError:
        raise ConfigurationError(f"{MAIL_TO} or {MAIL_FROM} is no address") from None
    message.set_content(text[:_LONGEST])
    try:
        _deliver(
            parts.scheme,
            parts.hostname,
            parts.port,
            message,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
    except (OSError, smtplib.SMTPException) as error:
        raise TransportError(f"mail: {parts.hostname} did not take it: {type(error).__name__}", landed=None) from None


def _deliver(  # noqa: PLR0913, PLR0917 - one mail, one server
    scheme: str, host: str, port: int | None, message: EmailMessage, user: str, password: str
) -> None:
    context = ssl.create_default_context()
    if scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port or _SUBMISSIONS, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port or _SUBMISSION, timeout=_SECONDS)
    with server:
        if scheme == "smtp" and not is_loopback(host):
            server.starttls(context=context)
        if user:
            server.login(user, password)
        server.send_message(message)


async def notify(environ: Mapping[str, str], surroundings: Surroundings, text: str) -> list[str]:
    """Tell people by every way that the environment names; return what went wrong, a sentence each."""
    problems: list[str] = []
    if url := environ.get(WEBHOOK, ""):
        try:
            await send_webhook(url, text, surroundings)
        except TransportError as error:
            problems.append(error.message)
    if environ.get(MAIL, ""):
        try:
            send_mail(environ, "Access: the scheduled run", text)
        except TransportError as error:
            problems.append(error.message)
    return problems
