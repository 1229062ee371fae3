"""scim2-server in its fastest configuration, to be fair to it.

Its own command runs the WSGI application on ``wsgiref``: one thread and one TCP connection a request.
Here its ASGI application runs under uvicorn with uvloop and httptools, keep-alive, without access log,
as rosterd does, over its own in-memory storage. The storage never waits, so its calls need no thread
and no lock; the process is one because the storage is in it. ``BENCH_TOKEN`` is the bearer token.
"""

import os
from typing import Any

from scim2_models import Resource, ResourceType, ResponseParameters, SearchRequest, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.storage import AsyncScimStorage, SearchPage
from scim2_server.utils import load_default_provider


class Storage(AsyncScimStorage):
    """``InMemoryStorage`` behind the asynchronous interface."""

    supports_cursors = True

    def __init__(self) -> None:
        self._memory = InMemoryStorage()

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        return self._memory.get(resource_type, resource_id, response_parameters=response_parameters)

    async def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        return self._memory.search(resource_types, search_request, position=position)

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        return self._memory.create(resource_type, resource)

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        return self._memory.update(resource_type, resource, expected_version=expected_version)

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        self._memory.delete(resource_type, resource_id, expected_version=expected_version)


class Application(ASGIApplication):
    """The application with the one check that its command makes too."""

    def check_auth(self, request: ScimRequest) -> None:
        if request.header("Authorization") != f"Bearer {os.environ['BENCH_TOKEN']}":
            raise UnauthorizedException


app = Application(Storage(), load_default_provider())
