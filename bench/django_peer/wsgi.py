"""The application, and the one check of the bearer token that every peer makes here."""

import os
from collections.abc import Callable

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse


class Administrator:
    """Whoever has the token."""

    is_authenticated = True
    is_anonymous = False


class Bearer:
    """Authenticates whoever has the token ``BENCH_TOKEN``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._expected = f"Bearer {os.environ['BENCH_TOKEN']}"

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let django-scim2 see who asks."""
        request.user = Administrator()
        request.user.is_authenticated = request.headers.get("Authorization") == self._expected
        return self._get_response(request)


application = get_wsgi_application()
