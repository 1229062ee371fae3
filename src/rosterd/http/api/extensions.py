"""A directory's extensions and requirements over the management API: what resources have and must have."""

from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import page, ref, text, thing
from rosterd.http.problems import InvalidRequest
from rosterd.scim import errors
from rosterd.scim.schema import NAME, SchemaError
from rosterd.service.control import Directory
from rosterd.service.extensions import MAX_ATTRIBUTES, Extension
from rosterd.service.keys import DIRECTORIES_READ, DIRECTORIES_WRITE

_PREVIEW: Final = text(
    "`true` only counts who would not fit, and changes nothing.", enum=["false", "true"], default="false"
)


async def list_extensions(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/schemas."""
    directory = await api.directory(request)
    listing = f"extensions {directory.id}"
    place = api.place(request, listing)
    start = place.seq if place else 0
    numbered = tuple(enumerate(api.extensions.all(directory), 1))[start : start + request.limit + 1]
    return api.page(request, listing, numbered, lambda row: _shown(row[1]), lambda row: (row[0], None))


async def read_extension(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/schemas/{urn}."""
    directory = await api.directory(request)
    return ApiReply(200, await _described(api, directory, request.path["urn"]))


async def put_extension(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PUT …/schemas/{urn}."""
    directory, body, urn = await api.directory(request), request.body, request.path["urn"]
    try:
        changed = await api.extensions.put(
            directory,
            urn,
            body["attributes"],
            name=body.get("name", ""),
            description=body.get("description", ""),
            resource_type=body.get("resourceType", "User"),
            by=request.by,
        )
    except SchemaError as error:
        raise _invalid("/attributes", "extension", error) from error
    return ApiReply(200, await _described(api, changed, urn))


async def delete_extension(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE …/schemas/{urn}."""
    directory = await api.directory(request)
    await api.extensions.remove(directory, request.path["urn"], by=request.by)
    return ApiReply(204)


async def read_requirements(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/requirements."""
    directory = await api.directory(request)
    return ApiReply(200, await _requirements(api, directory, directory.requirements))


async def put_requirements(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PUT …/requirements; with ``preview`` nothing is changed."""
    directory, asked = await api.directory(request), request.body["requirements"]
    try:
        if request.query.get("preview") == "true":
            return ApiReply(200, await _requirements(api, directory, asked))
        changed = await api.directories.require(directory, asked, by=request.by)
    except SchemaError as error:
        raise _invalid("/requirements", "requirements", error) from error
    return ApiReply(200, await _requirements(api, changed, changed.requirements))


async def _requirements(api: ApiContext, directory: Directory, asked: Any) -> dict[str, Any]:
    return {"requirements": asked, "misfits": await api.directories.preview(directory, asked)}


async def _described(api: ApiContext, directory: Directory, urn: str) -> dict[str, Any]:
    found = api.extensions.find(directory, urn)
    return {**_shown(found), "carriers": await api.extensions.carriers(directory, found)}


def _shown(extension: Extension) -> dict[str, Any]:
    shown = extension.schema.to_json()
    return {
        "urn": shown["id"],
        "name": shown["name"],
        "description": shown["description"],
        "resourceType": extension.resource_type,
        "attributes": shown["attributes"],
    }


def _invalid(pointer: str, what: str, error: SchemaError) -> InvalidRequest:
    return InvalidRequest(f"The {what} cannot be kept: {error}.", [(pointer, str(error))])


def _many(description: str, items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items, **more}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "description": description}


_CHARACTERISTICS: Final[dict[str, Any]] = {
    "name": text("Its name.", pattern=f"^{NAME}$", maxLength=128),
    "type": text(
        "What its values are; string if not given.",
        enum=["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"],
    ),
    "multiValued": _flag("Whether it has several values."),
    "required": _flag("Whether whoever has the extension must have it."),
    "caseExact": _flag("Whether letter case matters when values are compared."),
    "mutability": text("Who may set it.", enum=["readOnly", "readWrite", "immutable", "writeOnly"]),
    "returned": text("When it is shown.", enum=["always", "never", "default", "request"]),
    "uniqueness": text("Whether two resources may have the same.", enum=["none", "server", "global"]),
    "description": text("What it means.", maxLength=1000),
    "canonicalValues": _many("Values that are suggested.", text("A value."), maxItems=200),
    "referenceTypes": _many("What a reference leads to.", text("A resource type, or external."), maxItems=20),
}
_OPTIONAL: Final = tuple(name for name in (*_CHARACTERISTICS, "subAttributes") if name != "name")
_ATTRIBUTE: Final = thing(
    "An attribute (RFC 7643 §7); only its name must be given.",
    _OPTIONAL,
    **_CHARACTERISTICS,
    subAttributes=_many(
        "The parts of a complex one.",
        thing("A part.", tuple(n for n in _OPTIONAL if n != "subAttributes"), **_CHARACTERISTICS),
        maxItems=100,
    ),
)
_EXTENSION: Final[dict[str, Any]] = {
    "urn": text("Its URN."),
    "name": text("Its name."),
    "description": text("What it is for."),
    "resourceType": text("The resource type that it extends."),
    "attributes": _many("Its attributes.", {"type": "object", "description": "An attribute (RFC 7643 §7)."}),
}

COMPONENTS: Final = {
    "Extension": thing("An extension of a directory's own.", **_EXTENSION),
    "ExtensionInUse": thing(
        "An extension, and how many use it.",
        **_EXTENSION,
        carriers={"type": "integer", "description": "How many resources have a value of it."},
    ),
    "Requirements": thing(
        "What a directory asks of its resources beyond their schemas.",
        requirements={"type": "object", "description": "By resource type: required, canonicalValues."},
        misfits=_many(
            "How many of the present resources do not keep to each rule, the most first.",
            thing(
                "A rule.",
                resourceType=text("Of which resources."),
                path=text("Of which attribute."),
                rule=text("Which rule.", enum=["required", "canonicalValues"]),
                misfits={"type": "integer", "description": "How many do not keep to it."},
            ),
        ),
    ),
}

_PLACE: Final = "/directories/{directory}"

ROUTES: Final = (
    ApiRoute(
        "GET",
        f"{_PLACE}/schemas",
        DIRECTORIES_READ,
        list_extensions,
        "List a directory's own extensions",
        query=PAGE,
        reply=page("Extension", "A page of extensions."),
    ),
    ApiRoute(
        "GET",
        f"{_PLACE}/schemas/{{urn}}",
        DIRECTORIES_READ,
        read_extension,
        "Read an extension, and how many resources have a value of it",
        reply=ref("ExtensionInUse"),
    ),
    ApiRoute(
        "PUT",
        f"{_PLACE}/schemas/{{urn}}",
        DIRECTORIES_WRITE,
        put_extension,
        "Define an extension, or replace it; 409 if that would make stored values untrue",
        body=thing(
            "The extension.",
            ("name", "description", "resourceType"),
            name=text("Its name; the end of its URN if not given.", maxLength=200),
            description=text("What it is for.", maxLength=1000),
            resourceType=text("The resource type that it extends.", maxLength=200, default="User"),
            attributes=_many("Its attributes.", _ATTRIBUTE, minItems=1, maxItems=MAX_ATTRIBUTES),
        ),
        reply=ref("ExtensionInUse"),
        statuses=(errors.Conflict.status,),
    ),
    ApiRoute(
        "DELETE",
        f"{_PLACE}/schemas/{{urn}}",
        DIRECTORIES_WRITE,
        delete_extension,
        "Remove an extension; 409 while a resource has a value of it",
        status=204,
        statuses=(errors.Conflict.status,),
    ),
    ApiRoute(
        "GET",
        f"{_PLACE}/requirements",
        DIRECTORIES_READ,
        read_requirements,
        "Read what a directory asks of its resources, and how many do not keep to it",
        reply=ref("Requirements"),
    ),
    ApiRoute(
        "PUT",
        f"{_PLACE}/requirements",
        DIRECTORIES_WRITE,
        put_requirements,
        "Replace what a directory asks of its resources, or only count who would not fit",
        query={"preview": _PREVIEW},
        body=thing(
            "The requirements.",
            requirements={"type": "object", "description": "By resource type: required, canonicalValues."},
        ),
        reply=ref("Requirements"),
        statuses=(errors.Conflict.status,),
    ),
)
