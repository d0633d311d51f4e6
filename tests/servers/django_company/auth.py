"""Bearer tokens, in place of a login."""

import os
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class Operator:
    """Whoever has the token."""

    is_authenticated = True
    is_anonymous = False


def require_token(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let requests with the token of the environment pass as an operator's; the others stay anonymous."""
    expected = f"Bearer {os.environ['SCIM_TOKEN']}"

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.headers.get("Authorization") == expected:
            request.user = Operator()
        return answer(request)

    return middleware
