"""The chat of the example company: scim2-server, with a file that keeps what it holds.

    python examples/chat_server.py FOLDER

FOLDER is the demo's folder: the port is taken from its `apps/chat.yaml`, the token from `secrets/chat-token`, and what
the chat holds is kept in `.chat/resources.json`. It answers on this machine only.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import load_default_resource_types, load_default_schemas, load_default_service_provider_config


class QuietHandler(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class KeptChat:
    """A SCIM application that writes what it holds to a file after each request that may have changed it."""

    def __init__(self, folder: Path) -> None:
        config = load_default_service_provider_config()
        config.authentication_schemes = [BEARER_TOKEN_SCHEME]
        provider = ScimProvider.from_discovery(
            load_default_schemas().values(), load_default_resource_types().values(), config=config
        )
        token = (folder / "secrets" / "chat-token").read_text(encoding="utf-8").strip()
        self._file = folder / ".chat" / "resources.json"
        self._storage = InMemoryStorage()
        self._models = {model.__name__: model for model in provider.models}
        self._load()
        self._answer = BearerTokenApplication(self._storage, provider, ScimService(provider), bearer_tokens=[token])

    def _load(self) -> None:
        if self._file.exists():
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            self._storage.resources = [self._models[one["meta"]["resourceType"]].model_validate(one) for one in kept]

    def _keep(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        kept = [resource.model_dump() for resource in self._storage.resources]
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._file)

    def __call__(self, environment: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        body = list(self._answer(environment, start))
        if environment["REQUEST_METHOD"] != "GET":
            self._keep()
        return body


def main(folder: Path) -> None:
    """Serve until interrupted."""
    text = (folder / "apps" / "chat.yaml").read_text(encoding="utf-8")
    port = int(re.findall(r"url: http://127\.0\.0\.1:(\d+)/v2", text)[0])
    with make_server("127.0.0.1", port, KeptChat(folder), handler_class=QuietHandler) as server:
        print(f"The chat answers on http://127.0.0.1:{port}/v2 (end it with Ctrl+C).", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
