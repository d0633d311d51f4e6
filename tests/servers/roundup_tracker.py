"""`python -m roundup_tracker PORT FOLDER`: make a classic Roundup tracker in a folder, and serve it on loopback.

Users: `admin` (password from the environment: SCIM_TOKEN, as of every server here) and `lee`, with the same password.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

from roundup import admin, instance
from roundup.cgi.wsgi_handler import RequestDispatcher
from roundup.password import Password


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def make(home: Path, port: int, password: str) -> None:
    """Make the tracker's files and its database."""
    tool = admin.AdminTool()
    tool.settings["verbose"] = False
    settings = {
        "tracker_web": f"http://127.0.0.1:{port}/",
        "password_pbkdf2_default_rounds": "1000",  # a real tracker takes half a second for each password
        "mail_domain": "acme.example",
        "mail_host": "localhost",
        "mail_debug": str(home.parent / "mail.txt"),
    }
    pairs = ",".join(f"{name}={value}" for name, value in settings.items())
    tool.do_install(str(home), ["install", "classic", "anydbm", pairs])
    tracker = instance.open(str(home))
    tracker.init(Password(password, config=tracker.config))
    database = tracker.open("admin")
    user = {"username": "lee", "password": Password(password, config=tracker.config), "address": "lee@acme.example"}
    database.user.create(roles="User", **user)
    database.commit()
    database.close()


if __name__ == "__main__":
    make(Path(sys.argv[2], "tracker"), int(sys.argv[1]), os.environ["SCIM_TOKEN"])
    dispatcher = RequestDispatcher(str(Path(sys.argv[2], "tracker")))
    make_server("127.0.0.1", int(sys.argv[1]), dispatcher, handler_class=_Quiet).serve_forever()
