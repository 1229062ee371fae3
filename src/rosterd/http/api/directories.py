"""Directories over the management API: list, create, read, define, delete."""

from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import DEFINITIONS, page, ref, text, thing
from rosterd.http.problems import InvalidRequest
from rosterd.scim.render import format_time
from rosterd.scim.schema import Schema, SchemaError
from rosterd.service.control import Directory
from rosterd.service.directories import NAME
from rosterd.service.keys import DIRECTORIES_READ, DIRECTORIES_WRITE

NAME_SCHEMA: Final = text(
    "Letters, digits, '.', '_' and '-'; it is part of addresses and stays.", pattern=f"^{NAME}$"
)


async def list_directories(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories; a key that is bound sees its own."""
    bound = request.caller.directory
    if bound is not None:
        return ApiReply(200, {"items": [_listed(request, bound)], "nextCursor": None})
    place = api.place(request, "directories")
    after = str(place.key) if place else ""
    rows = await api.registry.directory_page(after, request.limit + 1)
    return api.page(
        request, "directories", rows, lambda row: _listed(request, row), lambda row: (0, row.name)
    )


async def create_directory(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories."""
    request.caller.require_unbound()
    made = await api.directories.create(request.body["name"], by=request.by)
    return ApiReply(201, await _described(api, request, made))


async def read_directory(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}."""
    return ApiReply(200, await _described(api, request, await api.directory(request)))


async def delete_directory(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE /directories/{directory}."""
    directory = await api.directory(request)
    request.caller.require_unbound()
    await api.removal.remove(directory, by=request.by)
    return ApiReply(204)


async def define_directory(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/definitions."""
    directory = await api.directory(request)
    schemas = request.body.get("schemas", [])
    types = request.body.get("resourceTypes", [])
    for number, schema in enumerate(schemas):
        try:
            Schema.from_json(schema)
        except SchemaError as error:
            raise _invalid(f"/schemas/{number}", error) from error
    try:
        defined = await api.directories.define(directory, schemas, types, by=request.by)
    except SchemaError as error:
        raise _invalid("/resourceTypes", error) from error
    return ApiReply(200, await _described(api, request, defined))


def _invalid(pointer: str, error: SchemaError) -> InvalidRequest:
    return InvalidRequest(f"The definitions are not valid: {error}.", [(pointer, str(error))])


def _listed(request: ApiRequest, directory: Directory) -> dict[str, Any]:
    return {
        "name": directory.name,
        "scimPath": f"{request.root}/scim/v2/d/{directory.name}",
        "revision": directory.revision,
        "created": format_time(directory.created),
    }


async def _described(api: ApiContext, request: ApiRequest, directory: Directory) -> dict[str, Any]:
    reader = api.store.reader(directory.id)
    return {
        **_listed(request, directory),
        "users": await reader.count("User"),
        "groups": await reader.count("Group"),
        "definitions": {"schemas": directory.schemas, "resourceTypes": directory.resource_types},
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        "/directories",
        DIRECTORIES_READ,
        list_directories,
        "List directories by name",
        query=PAGE,
        reply=page("ListedDirectory", "A page of directories."),
    ),
    ApiRoute(
        "POST",
        "/directories",
        DIRECTORIES_WRITE,
        create_directory,
        "Create a directory",
        body=thing("The new directory.", name=NAME_SCHEMA),
        reply=ref("Directory"),
        status=201,
    ),
    ApiRoute(
        "GET",
        "/directories/{directory}",
        DIRECTORIES_READ,
        read_directory,
        "Read a directory: how much is in it, and what it defines",
        reply=ref("Directory"),
    ),
    ApiRoute(
        "DELETE",
        "/directories/{directory}",
        DIRECTORIES_WRITE,
        delete_directory,
        "Delete a directory for good, at once, with everything in it; for keys that are bound to none",
        status=204,
    ),
    ApiRoute(
        "POST",
        "/directories/{directory}/definitions",
        DIRECTORIES_WRITE,
        define_directory,
        "Add schemas and resource types, or replace those with the same id or name",
        body=DEFINITIONS,
        reply=ref("Directory"),
    ),
)
