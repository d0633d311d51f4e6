"""`python -m django_company.serve PORT DATABASE`: serve SCIM on 127.0.0.1, base path /scim/v2, token in SCIM_TOKEN.

It deviates: 501 for filtered paths in PATCH, members are removed by value array only (without one it answers 200 and
does nothing), `status` in errors is a number.
"""

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

PORT = int(sys.argv[1])


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def configure() -> None:
    """Set up Django, and the tables of a new database."""
    settings.configure(
        ROOT_URLCONF="django_company.urls",
        SECRET_KEY="not a secret",
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_scim", "django_company"],
        MIDDLEWARE=["django_company.auth.require_token", "django_scim.middleware.SCIMAuthCheckMiddleware"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[2]}},
        AUTH_USER_MODEL="django_company.User",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LOGGING_CONFIG=None,
        USE_TZ=True,
        SCIM_SERVICE_PROVIDER={
            "NETLOC": f"127.0.0.1:{PORT}",
            "SCHEME": "http",
            "GROUP_MODEL": "django_company.models.Group",
            "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "token", "description": "a token"}],
        },
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


if __name__ == "__main__":
    configure()
    with make_server("127.0.0.1", PORT, get_wsgi_application(), handler_class=Quiet) as server:
        server.serve_forever()
