"""The schema of a directory: what users and groups have, what it adds of its own, what it asks of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rosterd.console.context import Console
from rosterd.console.forms import Form
from rosterd.console.paging import chosen
from rosterd.console.request import PageRequest, path
from rosterd.console.route import Page
from rosterd.http.reply import Reply
from rosterd.scim import errors
from rosterd.scim.schema import Attribute, ResourceType, Schema, SchemaError
from rosterd.service.control import Directory
from rosterd.service.extensions import default_urn
from rosterd.service.visitor import OWNER, VIEWER

TYPES: Final = ("string", "boolean", "integer", "decimal", "dateTime", "reference")
"""What an attribute that is added here can hold; complex ones are defined by the API and the command line."""
USUAL: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "User": (
        ("externalId", "The identity provider's own id of the person"),
        ("name.givenName", "Given name"),
        ("name.familyName", "Family name"),
        ("displayName", "Display name"),
        ("emails.primary", "An e-mail address that is marked as primary"),
    ),
    "Group": (("externalId", "The identity provider's own id of the group"),),
}
"""Paths that are asked for most, and what they mean."""
_ALL: Final = "/directories/{directory}/schema"
_REFUSED: Final = (errors.BadRequest, errors.Conflict, errors.NotFound)


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute, or a part of one."""

    name: str
    """As a path within its schema."""
    kind: str
    description: str
    required: bool
    asked: bool
    """Whether the directory asks more of it than the schema does."""
    values: tuple[str, ...]
    part: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One schema of a resource type."""

    title: str
    urn: str
    own: bool
    """Whether it is an extension of the directory's own, which can be changed here."""
    lines: tuple[Line, ...]


async def show_schema(console: Console, request: PageRequest) -> Reply:
    """GET /directories/{directory}/schema."""
    directory = await console.directory(request)
    return await _page(console, request, directory)


async def add_attribute(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/schema/attributes."""
    directory = await console.directory(request)
    form = Form(request)
    kind = form.choice("resourceType", console.model_of(directory).types)
    urn = form.text("urn", 256) or default_urn(directory.name, kind)
    attribute = {
        "name": form.text("name", 128),
        "type": form.choice("kind", TYPES),
        "multiValued": form.text("multiValued") == "yes",
        "description": form.text("description", 1000),
        "canonicalValues": _lines(form.text("values", 20_000)),
    }
    if not attribute["name"]:
        form.errors["name"] = "Give it a name, such as costCenter."
    if form.errors:
        return await _page(console, request, directory, kind=kind, wrong=form.errors)
    try:
        await console.extensions.add_attribute(
            directory, urn, attribute, resource_type=kind, by=request.visitor.actor
        )
    except SchemaError as error:
        return await _page(console, request, directory, kind=kind, wrong={"name": str(error)})
    except _REFUSED as error:
        return await _page(console, request, directory, kind=kind, wrong={"name": error.detail})
    return console.redirect(
        request, _of(directory, kind), f"{attribute['name']} is part of {urn} now, and discovery tells it."
    )


async def remove_attribute(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/schema/attributes/remove."""
    directory = await console.directory(request)
    form = Form(request)
    kind, urn, name = form.text("resourceType"), form.text("urn", 256), form.text("name", 128)
    form.require_consent()
    await console.extensions.remove_attribute(directory, urn, name, by=request.visitor.actor)
    return console.redirect(request, _of(directory, kind), f"{name} is removed.")


async def ask(console: Console, request: PageRequest) -> Reply:
    """POST /directories/{directory}/schema/requirements: keep them, or count who would not fit."""
    directory = await console.directory(request)
    form = Form(request)
    kind = form.choice("resourceType", console.model_of(directory).types)
    asked = {**directory.requirements, kind: _asked(request, form)}
    try:
        if request.text("then") == "count":
            counted = await console.directories.preview(directory, {kind: asked[kind]})
            return await _page(console, request, directory, kind=kind, asked=asked[kind], counted=counted)
        await console.directories.require(directory, asked, by=request.visitor.actor)
    except SchemaError as error:
        wrong = {"required": str(error)}
        return await _page(console, request, directory, kind=kind, asked=asked[kind], wrong=wrong)
    return console.redirect(
        request, _of(directory, kind), "What is asked holds for everything that is written from now on."
    )


def _asked(request: PageRequest, form: Form) -> dict[str, Any]:
    """What the form asks of one resource type."""
    required = [*request.lists.get("required", ()), *_lines(form.text("more", 10_000))]
    paths, texts = request.lists.get("attribute", ()), request.lists.get("allowed", ())
    values = {where.strip(): _lines(text) for where, text in zip(paths, texts, strict=False) if where.strip()}
    return {"required": list(dict.fromkeys(required)), "canonicalValues": values}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _of(directory: Directory, kind: str) -> str:
    address = path("directories", directory.name, "schema")
    return address if kind == "User" else f"{address}?type={path(kind)[1:]}"


async def _page(
    console: Console,
    request: PageRequest,
    directory: Directory,
    *,
    kind: str | None = None,
    asked: Mapping[str, Any] | None = None,
    counted: Sequence[Mapping[str, Any]] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Reply:
    model = console.model_of(directory)
    name = kind or chosen(request, "type", model.types) or "User"
    present = asked or directory.requirements.get(name) or {"required": [], "canonicalValues": {}}
    own = [e.schema.id for e in console.extensions.all(directory) if e.resource_type == name]
    usual = USUAL.get(name, ())
    known = [where for where, _ in usual]
    return console.page(
        request,
        "schema.html",
        400 if wrong else 200,
        directory=directory,
        types=tuple(model.types),
        shown=name,
        schemas=tuple(_parts(model.types[name], own)),
        own=own,
        urn=default_urn(directory.name, name),
        kinds=TYPES,
        usual=usual,
        asked=present,
        others=[where for where in present["required"] if where not in known],
        counted=counted,
        wrong=wrong or {},
    )


def _parts(resource_type: ResourceType, own: Sequence[str]) -> Iterator[Part]:
    for schema in (resource_type.schema, *(e.schema for e in resource_type.extensions)):
        yield Part(schema.name, schema.id, schema.id in own, tuple(_of_schema(schema)))


def _of_schema(schema: Schema) -> Iterator[Line]:
    for attribute in schema.attributes:
        yield _line(attribute, "")
        for sub in attribute.sub_attributes:
            yield _line(sub, f"{attribute.name}.")


def _line(attribute: Attribute, prefix: str) -> Line:
    kind = f"several × {attribute.type}" if attribute.multi_valued else attribute.type
    if attribute.mutability == "readOnly":
        kind = f"{kind}, set by rosterd"
    return Line(
        prefix + attribute.name,
        kind,
        attribute.description,
        attribute.required,
        attribute.tightening is not None,
        attribute.canonical_values,
        bool(prefix),
    )


PAGES: Final = (
    Page("GET", _ALL, VIEWER, show_schema),
    Page("POST", f"{_ALL}/attributes", OWNER, add_attribute),
    Page("POST", f"{_ALL}/attributes/remove", OWNER, remove_attribute),
    Page("POST", f"{_ALL}/requirements", OWNER, ask),
)
