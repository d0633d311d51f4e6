"""The servers that the company's SCIM app may be: one with habits that faults need, and one that others wrote.

Both listen on the loopback in this process, so that what they hold can be kept and put back between two runs.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from wsgiref.simple_server import WSGIRequestHandler, make_server

from faulty_server import SECRET, FaultyServer, Habits, run_faulty_server


class Hub(Protocol):
    """What the campaign needs of a server."""

    url: str
    patience: float
    """Seconds that the company waits for an answer: few where answers are to be late, else more than it ever takes."""

    def users(self) -> list[dict[str, Any]]:
        """Return its users as SCIM has them."""
        ...

    def groups(self) -> list[dict[str, Any]]:
        """Return its groups as SCIM has them."""
        ...

    def keep(self) -> Any:
        """Return what it holds, to put it back later."""
        ...

    def restore(self, kept: Any) -> None:
        """Hold again what was kept."""
        ...

    def calm(self) -> None:
        """End whatever habits it was given."""
        ...


class FaultyHub:
    """The server whose habits can be switched; see `tests/scim/faulty_server.py`."""

    patience = 1.5

    def __init__(self, server: FaultyServer) -> None:
        self.server = server
        self.url = server.url

    def users(self) -> list[dict[str, Any]]:
        """Return its users."""
        return list(self.server.store.users.values())

    def groups(self) -> list[dict[str, Any]]:
        """Return its groups."""
        return list(self.server.store.groups.values())

    def keep(self) -> Any:
        """Return what it holds."""
        store = self.server.store
        return copy.deepcopy((store.users, store.groups)), store._made

    def restore(self, kept: Any) -> None:
        """Hold what was kept, and nothing of what came since."""
        store = self.server.store
        (store.users, store.groups), store._made = copy.deepcopy(kept[0]), kept[1]
        self.server.log.clear()
        self.calm()

    def calm(self) -> None:
        """Behave, and refuse two groups of one name."""
        self.server.habits = habits()


def habits() -> Habits:
    """Return the habits of a good server, which also refuses two groups of one name."""
    return Habits(unique=("userName", "displayName"))


class PublicHub:
    """scim2-server, as its own command runs it, with its storage in reach; it allows two groups of one name."""

    patience = 20.0

    def __init__(self, storage: Any, url: str) -> None:
        self._storage = storage
        self.url = url

    def users(self) -> list[dict[str, Any]]:
        """Return its users."""
        return self._dump("User")

    def groups(self) -> list[dict[str, Any]]:
        """Return its groups."""
        return self._dump("Group")

    def _dump(self, name: str) -> list[dict[str, Any]]:
        with self._storage.lock:
            return [one.model_dump() for one in self._storage.resources if one.meta.resource_type == name]

    def keep(self) -> Any:
        """Return what it holds."""
        with self._storage.lock:
            return copy.deepcopy(self._storage.resources)

    def restore(self, kept: Any) -> None:
        """Hold what was kept."""
        with self._storage.lock:
            self._storage.resources = copy.deepcopy(kept)

    def calm(self) -> None:
        """It has no habits to switch."""


@contextmanager
def faulty_hub() -> Iterator[FaultyHub]:
    """Run the server of our own."""
    with run_faulty_server() as server:
        yield FaultyHub(server)


@contextmanager
def public_hub() -> Iterator[PublicHub]:
    """Run scim2-server on a free port, with the token that every run holds."""
    # Only this server needs it, and it takes half a second.
    from scim2_models import ScimProvider  # noqa: PLC0415
    from scim2_server.memory import InMemoryStorage  # noqa: PLC0415
    from scim2_server.testserver.application import BearerTokenApplication  # noqa: PLC0415
    from scim2_server.testserver.cli import ThreadingWSGIServer  # noqa: PLC0415
    from scim2_server.utils import load_default_resource_types, load_default_schemas  # noqa: PLC0415
    from scim2_server.utils import load_default_service_provider_config as load_config  # noqa: PLC0415

    schemas, types = load_default_schemas().values(), load_default_resource_types().values()
    provider = ScimProvider.from_discovery(schemas, types, config=load_config())
    storage = InMemoryStorage()
    application = BearerTokenApplication(storage, provider, bearer_tokens=[SECRET])
    with make_server("127.0.0.1", 0, application, ThreadingWSGIServer, _Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield PublicHub(storage, f"http://127.0.0.1:{server.server_port}/v2")
        server.shutdown()
        thread.join(5)


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


HUBS: Mapping[str, Callable[[], Any]] = {"faulty": faulty_hub, "scim2-server": public_hub}
