"""What goes wrong between us and an app, one thing at a time: the catalogue of the campaign.

Every fault that eats a request comes twice: before it reached the app, and after the app has done what it asked.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import httpx
from hubs import Hub
from launching import CANARY, Launcher
from proxy import Exchange, Fault, Reply

SCIM_TYPE = {"Content-Type": "application/scim+json"}
SLOW = 2.2
"""Seconds: longer than the app's configuration waits (1.5)."""

Act = Callable[[Exchange], None]


def scim_faults(launcher: Launcher) -> list[Fault]:
    """Return every fault of the network, of gateways and of the vendor."""
    return [
        *_eaten("reset", lambda exchange, _: exchange.reset()),
        *_eaten("connection closed", lambda exchange, _: exchange.hang_up()),
        *_eaten("500", _status(500)),
        *_eaten("502 burst", _status(502), times=3),
        *_eaten("503 burst", _status(503), times=3),
        *_eaten("502 for good", _status(502), times=0, costly=True),
        *_eaten("slow loris", _drip),
        *_eaten("wrong content type", _page),
        *_eaten("garbage", lambda exchange, _: _garbage(exchange)),
        *_eaten("killed", lambda exchange, _: _kill(exchange, launcher)),
        Fault("reset mid-body", lambda exchange: _half(exchange, exchange.forward())),
        Fault("truncated JSON", lambda exchange: _truncated(exchange, exchange.forward())),
        Fault("answer after a retry was sent", lambda exchange: _late(exchange, exchange.forward())),
        Fault("delivered after it was given up", _delayed),
        Fault("delivered twice", _twice),
        Fault("connection refused", _refuse, times=0, costly=True),
        Fault("429 with Retry-After", lambda exchange: _throttle(exchange, {"Retry-After": "1"}), times=2),
        Fault("429 without Retry-After", lambda exchange: _throttle(exchange, {}), times=2),
        Fault("token revoked", _revoked, times=0),
        Fault("edited behind our back", _edit),
    ]


def always_closing() -> Fault:
    """Return what is no fault: every answer is whole, and its connection ends with it."""
    return Fault("connections end", lambda exchange: (exchange.answer(exchange.forward()), exchange.hang_up())[0], 0)


def _eaten(
    name: str, act: Callable[[Exchange, Reply | None], None], times: int = 1, *, costly: bool = False
) -> Iterator[Fault]:
    """Yield a fault twice: the request never arrived, and the app had done it already."""
    yield Fault(f"{name}, before", lambda exchange: act(exchange, None), times, costly)
    yield Fault(f"{name}, after", lambda exchange: act(exchange, exchange.forward()), times, costly)


def _status(status: int) -> Callable[[Exchange, Reply | None], None]:
    def act(exchange: Exchange, _: Reply | None) -> None:
        exchange.answer((status, {"Content-Type": "text/html"}, b"<h1>Gateway trouble</h1>"))

    return act


def _drip(exchange: Exchange, reply: Reply | None) -> None:
    """Send the answer byte by byte, slower than anybody waits."""
    body = (reply or (200, SCIM_TYPE, b"{}"))[2] or b"{}"
    exchange.begin((200, SCIM_TYPE, body), length=len(body) + 1000)
    until = time.monotonic() + SLOW
    for byte in body:
        if time.monotonic() > until:
            break
        exchange.raw(bytes([byte]))
        time.sleep(0.1)
    exchange.reset()


def _page(exchange: Exchange, _: Reply | None) -> None:
    """Answer as a captive portal or a maintenance page does: 200, and HTML."""
    exchange.answer((200, {"Content-Type": "text/html"}, b"<!doctype html><title>Maintenance</title><p>Back soon"))


def _garbage(exchange: Exchange) -> None:
    exchange.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no HTTP at all\r\n\r\n")
    exchange.reset()


def _kill(exchange: Exchange, launcher: Launcher) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(launcher.pid, signal.SIGKILL)
    exchange.hang_up()


def _half(exchange: Exchange, reply: Reply) -> None:
    exchange.begin(reply, length=len(reply[2]) + 50)
    exchange.raw(reply[2][: len(reply[2]) // 2])
    exchange.reset()


def _truncated(exchange: Exchange, reply: Reply) -> None:
    status, headers, body = reply
    exchange.answer((status, headers, body[: len(body) // 2]))


def _late(exchange: Exchange, reply: Reply) -> None:
    time.sleep(SLOW)
    with contextlib.suppress(OSError):
        exchange.answer(reply)
    exchange.hang_up()


def _delayed(exchange: Exchange) -> None:
    """Hang up, and hand the request on a little later: it lands while it is being looked up."""
    exchange.later(0.15, exchange.forward)
    exchange.hang_up()


def _twice(exchange: Exchange) -> None:
    exchange.forward()
    exchange.answer(exchange.forward())


def _refuse(exchange: Exchange) -> None:
    exchange.reset()
    exchange.later(0, exchange.proxy.refuse)


def _throttle(exchange: Exchange, headers: dict[str, str]) -> None:
    exchange.answer((429, {**SCIM_TYPE, **headers}, b'{"status": "429", "detail": "slow down"}'))


def _revoked(exchange: Exchange) -> None:
    exchange.answer((401, SCIM_TYPE, b'{"status": "401", "detail": "the token was revoked"}'))


def _edit(exchange: Exchange) -> None:
    """Somebody does by hand, a moment earlier, what is about to be done; or, at a reading, undoes what was done."""
    if exchange.incoming.method == "GET":
        _undo(exchange.proxy.upstream)
    else:
        exchange.forward()
    exchange.answer(exchange.forward())


def _undo(hub: Hub) -> None:
    """Take the first member away from the largest group, and rename somebody."""
    group = max(hub.groups(), key=lambda group: len(group.get("members") or ()))
    user = next(user for user in hub.users() if user["userName"].startswith("ana"))
    _replace(hub, f"Groups/{group['id']}", "members", (group.get("members") or [])[1:])
    _replace(hub, f"Users/{user['id']}", "title", "by hand")


def _replace(hub: Hub, path: str, attribute: str, value: object) -> None:
    """Change something in the app as its own administrator."""
    operation = {"op": "replace", "path": attribute, "value": value}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    headers = {"Authorization": f"Bearer {CANARY}", "Content-Type": "application/scim+json"}
    httpx.patch(f"{hub.url}/{path}", json=body, headers=headers, trust_env=False).raise_for_status()
