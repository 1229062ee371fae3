"""A directory's own attributes: extensions of a resource type, added and removed one by one or as a whole.

    PUT of an extension            replaces its schema, and hangs it on its resource type
    adding, removing an attribute  changes one attribute of such a schema

An attribute of which a resource has a value is never removed, nor changed in a way that would make the value
untrue: ``Directories.change`` refuses it and says how many there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.filter import AttrPath, Or, Present
from rosterd.scim.schema import Attribute, Model, ResourceType, Schema, SchemaError
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
from rosterd.service.audit import Actor
from rosterd.service.control import Directory
from rosterd.service.directories import Directories, defined_by

MAX_ATTRIBUTES: Final = 200
_CORE: Final = frozenset(str(schema["id"]).casefold() for schema in CORE_SCHEMAS)


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension of a directory's own."""

    schema: Schema
    resource_type: str
    """Name of the type it hangs on."""


def default_urn(directory: str, resource_type: str = "User") -> str:
    """The URN of the extension that the command line takes if none is named."""
    return f"urn:ietf:params:scim:schemas:extension:{directory}:2.0:{resource_type}"


class Extensions:
    """The extensions of directories."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def all(self, directory: Directory) -> tuple[Extension, ...]:
        """The directory's own extensions, in their order."""
        own = {str(schema.get("id")).casefold() for schema in directory.schemas}
        return tuple(
            Extension(extension.schema, kind.name)
            for kind in defined_by(directory).types.values()
            for extension in kind.extensions
            if extension.schema.id.casefold() in own
        )

    def find(self, directory: Directory, urn: str) -> Extension:
        """One by its URN, letter case ignored. Raises ``NotFound``."""
        for extension in self.all(directory):
            if extension.schema.id.casefold() == urn.casefold():
                return extension
        raise errors.NotFound(f"Directory '{directory.name}' has no extension '{urn}' of its own.")

    async def carriers(self, directory: Directory, extension: Extension) -> int:
        """How many resources have a value of it; one pass over the resources of its type."""
        kind = defined_by(directory).types[extension.resource_type]
        shown = [a.name for a in extension.schema.attributes if a.returned != "never"]
        present = tuple(Present(AttrPath(extension.schema.id, name)) for name in shown)
        if not present:
            return 0
        return await self._directories.count(directory, kind, Or(present) if present[1:] else present[0])

    async def put(
        self,
        directory: Directory,
        urn: str,
        attributes: Sequence[Any],
        *,
        name: str = "",
        description: str = "",
        resource_type: str = "User",
        by: Actor,
    ) -> Directory:
        """Define an extension of a resource type, or replace it.

        ``attributes`` are RFC 7643 §7 JSON, of which only ``name`` must be there. Raises ``SchemaError``,
        and ``Conflict`` as ``Directories.change`` does.
        """
        _check_own(urn)
        if not 0 < len(attributes) <= MAX_ATTRIBUTES:
            raise SchemaError(f"schema {urn}: an extension has 1 to {MAX_ATTRIBUTES} attributes")
        definition = {"id": urn, "name": name, "description": description, "attributes": list(attributes)}
        schema = Schema.from_json({k: v for k, v in definition.items() if v})

        def with_it(present: Directory) -> Directory:
            elsewhere = [e.resource_type for e in self.all(present) if _same(e.schema.id, urn)]
            if elsewhere and elsewhere[0] != resource_type:
                raise errors.Conflict(f"{urn} is an extension of {elsewhere[0]}; it stays one.")
            if not elsewhere and urn.casefold() in defined_by(present).schemas:
                raise errors.Conflict(f"{urn} is a schema of this directory, but no extension of its own.")
            return _with(present, schema, resource_type)

        return await self._directories.change(directory, with_it, "extension.defined", by=by)

    async def remove(self, directory: Directory, urn: str, *, by: Actor) -> Directory:
        """Remove an extension that no resource has a value of. Raises ``NotFound``, ``Conflict``."""

        def without(present: Directory) -> Directory:
            found = self.find(present, urn)
            return _without(present, found)

        return await self._directories.change(directory, without, "extension.removed", by=by)

    async def add_attribute(
        self,
        directory: Directory,
        urn: str,
        attribute: Mapping[str, Any],
        *,
        resource_type: str = "User",
        by: Actor,
    ) -> Directory:
        """Add an attribute, or replace the one of its name; the extension is made if there is none.

        Raises as ``put`` does.
        """
        _check_own(urn)
        added = Attribute.from_json(attribute, urn)

        def with_it(present: Directory) -> Directory:
            old = [e for e in self.all(present) if _same(e.schema.id, urn)]
            kind = old[0].resource_type if old else resource_type
            schema = old[0].schema if old else Schema.from_json({"id": urn, "attributes": []})
            if not old and urn.casefold() in defined_by(present).schemas:
                raise errors.Conflict(f"{urn} is a schema of this directory, but no extension of its own.")
            others = tuple(a for a in schema.attributes if not _same(a.name, added.name))
            if len(others) >= MAX_ATTRIBUTES:
                raise SchemaError(f"schema {urn}: an extension has 1 to {MAX_ATTRIBUTES} attributes")
            return _with(present, replace(schema, attributes=(*others, added)), kind)

        return await self._directories.change(directory, with_it, "attribute.added", by=by)

    async def remove_attribute(self, directory: Directory, urn: str, name: str, *, by: Actor) -> Directory:
        """Remove an attribute that no resource has a value of, and the extension with its last one.

        Raises ``NotFound``, ``Conflict``.
        """

        def without(present: Directory) -> Directory:
            found = self.find(present, urn)
            others = tuple(a for a in found.schema.attributes if not _same(a.name, name))
            if len(others) == len(found.schema.attributes):
                raise errors.NotFound(f"The extension {found.schema.id} has no attribute '{name}'.")
            if not others:
                return _without(present, found)
            return _with(present, replace(found.schema, attributes=others), found.resource_type)

        return await self._directories.change(directory, without, "attribute.removed", by=by)


def _check_own(urn: str) -> None:
    if urn.casefold() in _CORE:
        raise errors.Conflict(f"{urn} is a schema of the protocol; choose a URN of your own.")


def _with(present: Directory, schema: Schema, resource_type: str) -> Directory:
    """The directory with the schema as an extension of the type."""
    item = {"schema": schema.id, "required": False}
    kept = [s for s in present.schemas if not _same(s.get("id"), schema.id)]
    place = next((n for n, s in enumerate(present.schemas) if _same(s.get("id"), schema.id)), len(kept))
    kept.insert(place, schema.to_json())
    kind = _type(Model.build((*CORE_SCHEMAS, *kept), _types(present)), resource_type)
    hung = list(kind.to_json().get("schemaExtensions", []))
    if not any(_same(e["schema"], schema.id) for e in hung):
        hung.append(item)
    return replace(present, schemas=tuple(kept), resource_types=_hang(present, kind, hung))


def _without(present: Directory, found: Extension) -> Directory:
    """The directory without the extension."""
    urn = found.schema.id
    kind = _type(defined_by(present), found.resource_type)
    hung = [e for e in kind.to_json().get("schemaExtensions", []) if not _same(e["schema"], urn)]
    kept = tuple(schema for schema in present.schemas if not _same(schema.get("id"), urn))
    return replace(present, schemas=kept, resource_types=_hang(present, kind, hung))


def _hang(
    present: Directory, kind: ResourceType, extensions: list[dict[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """The directory's resource types with other extensions of one; the protocol's own are not repeated."""
    changed = {k: v for k, v in kind.to_json().items() if k != "schemaExtensions"}
    if extensions:
        changed["schemaExtensions"] = extensions
    others = tuple(t for t in present.resource_types if t.get("name") != kind.name)
    return others if changed in CORE_RESOURCE_TYPES else (*others, changed)


def _types(present: Directory) -> Sequence[Any]:
    return (*CORE_RESOURCE_TYPES, *present.resource_types)


def _type(model: Model, name: str) -> ResourceType:
    if name not in model.types:
        raise SchemaError(f"there is no resource type '{name}'; there is {', '.join(model.types)}")
    return model.types[name]


def _same(one: Any, other: Any) -> bool:
    return str(one).casefold() == str(other).casefold()
