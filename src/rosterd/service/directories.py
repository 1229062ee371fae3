"""Directories, what they define of their own and what they ask for; nothing is kept that does not hold.

Every change begins with the directory as it is, and is made again if another one came in between: two at
once both hold. A change that would make untrue what is stored is refused (``scim.evolution``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from rosterd.scim import errors, requirements
from rosterd.scim.bind import bind
from rosterd.scim.evolution import breaks
from rosterd.scim.filter import AttrPath, Filter, Present
from rosterd.scim.schema import Model, Ref, ResourceType, SchemaError
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
from rosterd.service.audit import ATTEMPTS, Actor, Entry
from rosterd.service.control import Control, Directory
from rosterd.service.ports import Query, Reader, Store, UniqueViolation, Writer

# Letters, digits, ".", "_", "-": a name is a segment of an address.
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
NAME_RULE: Final = "1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit"
_NAME: Final = re.compile(NAME)


def is_name(text: str) -> bool:
    """Whether a directory or connection may have this name."""
    return _NAME.fullmatch(text) is not None


def model_of(directory: Directory) -> Model:
    """The directory's compiled schemas, with what it asks laid over them. Raises ``SchemaError``."""
    model = defined_by(directory)
    if not directory.requirements:
        return model
    asked = requirements.read(directory.requirements, model)
    return requirements.tighten(model, asked, f"directory '{directory.name}'")


def defined_by(directory: Directory) -> Model:
    """The same without what it asks. Raises ``SchemaError``."""
    return Model.build((*CORE_SCHEMAS, *directory.schemas), (*CORE_RESOURCE_TYPES, *directory.resource_types))


class Directories:
    """Create directories and define what is in them. ``now`` gives milliseconds since the epoch."""

    def __init__(self, control: Control, store: Store, now: Callable[[], int]) -> None:
        self._control = control
        self._store = store
        self._now = now

    async def create(self, name: str, *, by: Actor) -> Directory:
        """A directory without definitions of its own. Raises ``InvalidValue`` and ``Uniqueness``."""
        if not is_name(name):
            raise errors.InvalidValue(f"name: must be {NAME_RULE}.")
        now = self._now()
        entry = Entry(by, now, "directory.created", _target(name), after={"name": name})
        try:
            return await self._control.create_directory(name, now, entry)
        except UniqueViolation as violation:
            raise errors.Uniqueness(f"There is a directory '{name}' already.") from violation

    async def define(
        self, directory: Directory, schemas: Sequence[Any], resource_types: Sequence[Any], *, by: Actor
    ) -> Directory:
        """Add schemas and resource types to the directory's own; same id or name replaces.

        Raises ``SchemaError`` if they are not valid, ``Conflict`` if what is stored does not allow them.
        """

        def merged(present: Directory) -> Directory:
            return replace(
                present,
                schemas=tuple(_merge(present.schemas, schemas, "id")),
                resource_types=tuple(_merge(present.resource_types, resource_types, "name")),
            )

        return await self.change(directory, merged, "directory.defined", by=by)

    async def require(self, directory: Directory, asked: Any, *, by: Actor) -> Directory:
        """Replace what the directory asks of its resources; ``{}`` asks for nothing.

        Raises ``SchemaError`` for requirements that nobody can fulfil. What is stored stays as it is.
        """

        def tightened(present: Directory) -> Directory:
            found = requirements.read(asked, defined_by(present))
            return replace(present, requirements={name: one.to_json() for name, one in found.items()})

        return await self.change(directory, tightened, "directory.required", by=by)

    async def change(
        self, directory: Directory, made: Callable[[Directory], Directory], action: str, *, by: Actor
    ) -> Directory:
        """Keep what ``made`` makes of the directory as it is now; nothing is written if that is the same.

        Raises as ``made`` does, ``SchemaError`` if it is not valid, ``Conflict`` if what is stored does not
        allow it.
        """
        present: Directory | None = directory
        for _ in range(ATTEMPTS):
            if present is None:
                raise errors.NotFound(f"There is no directory '{directory.name}' any more.")
            wanted = made(present)
            _check_requirements(wanted)
            if wanted == present:
                return present
            before, after = _difference(present, wanted), _difference(wanted, present)
            target = _target(present.name)
            entry = Entry(by, self._now(), action, target, present.id, before, after)
            kept = await self._keep(present, wanted, entry)
            if kept is not None:
                return kept
            present = next((d for d in await self._control.directories() if d.id == directory.id), None)
        raise errors.Conflict("Others change this directory all the time; nothing was changed. Try again.")

    async def preview(self, directory: Directory, asked: Any) -> list[dict[str, Any]]:
        """How many of the present resources do not keep to each of these requirements, the most first.

        One pass over the resources of the type for each rule, in the store. Raises ``SchemaError``.
        """
        model = defined_by(directory)
        found: list[dict[str, Any]] = []
        for name, one in requirements.read(asked, model).items():
            kind = model.types[name]
            for path in one.required:
                misfits = await self.count(directory, kind, requirements.lacking(path, kind))
                found.append({"resourceType": name, "path": path, "rule": "required", "misfits": misfits})
            for path, values in one.values.items():
                misfits = await self.count(directory, kind, requirements.straying(path, values, kind))
                found.append(
                    {"resourceType": name, "path": path, "rule": "canonicalValues", "misfits": misfits}
                )
        return sorted(found, key=lambda rule: -rule["misfits"])

    async def count(self, directory: Directory, kind: ResourceType, wanted: Filter) -> int:
        """How many live resources of a type fulfil a filter; counted by the store."""
        return await _count(self._store.reader(directory.id), kind, wanted)

    async def _keep(self, present: Directory, wanted: Directory, entry: Entry) -> Directory | None:
        """Replace what is present, unless it has moved on. Raises ``Conflict`` if what goes has values.

        They are looked for before, without keeping others from writing, and again in the transaction itself
        if something was written in between.
        """
        reader = self._store.reader(present.id)
        looked = await reader.last()
        await self._check(reader, present, wanted)

        async def work(tx: Writer) -> Directory | None:
            if await tx.last() != looked:
                await self._check(tx, present, wanted)
            kept = await tx.define(wanted)
            if kept is not None:
                await tx.audit(entry)
            return kept

        return await self._store.write(present.id, work)

    async def _check(self, reader: Reader, present: Directory, wanted: Directory) -> None:
        """Raise ``Conflict`` if a changed attribute has values."""
        if (present.schemas, present.resource_types) == (wanted.schemas, wanted.resource_types):
            return
        before, after = defined_by(present), defined_by(wanted)
        for name, kind in before.types.items():
            for ref, what in breaks(kind, after.types[name]) if name in after.types else ():
                found = await _count(reader, kind, _has(ref))
                if found:
                    raise errors.Conflict(
                        f"{ref} of {name}: {what}, but {found} of the resources have a value of it. Nothing "
                        "was changed and no value is lost. Have the identity provider clear these values "
                        "first, or define another attribute beside it."
                    )


def _check_requirements(wanted: Directory) -> None:
    """Raise ``SchemaError`` if its definitions do not hold, ``Conflict`` if it asks for what is not there."""
    defined_by(wanted)
    try:
        model_of(wanted)
    except SchemaError as error:
        raise errors.Conflict(
            f"The requirements of directory '{wanted.name}' do not fit any more ({error}). Change them first."
        ) from error


async def _count(reader: Reader, kind: ResourceType, wanted: Filter) -> int:
    query = Query({kind: bind(wanted, kind)}, connection=None, limit=0)
    return (await reader.search(query)).total or 0


def _has(ref: Ref) -> Filter:
    """Whether a resource has a value of an attribute."""
    name = ref.attribute.name if ref.attribute else ""
    return Present(AttrPath(ref.extension, name, ref.sub.name if ref.sub else None))


def _target(name: str) -> str:
    return f"directory '{name}'"


def _difference(some: Directory, other: Directory) -> dict[str, Any]:
    """What one of them has and the other has not as it is there; of a schema the attributes that differ."""
    there = {str(item.get("id")).casefold(): item for item in other.schemas}
    found: Mapping[str, Any] = {
        "schemas": [
            {"id": item.get("id"), "attributes": _others(item, there.get(str(item.get("id")).casefold(), {}))}
            for item in some.schemas
            if item not in other.schemas
        ],
        "resourceTypes": [item for item in some.resource_types if item not in other.resource_types],
        "requirements": some.requirements if some.requirements != other.requirements else None,
    }
    return {name: value for name, value in found.items() if value}


def _others(schema: Mapping[str, Any], other: Mapping[str, Any]) -> list[Any]:
    known = other.get("attributes", ())
    return [attribute for attribute in schema.get("attributes", ()) if attribute not in known]


def _merge(old: Sequence[Any], new: Sequence[Any], key: str) -> list[Any]:
    merged = {str(item.get(key)).casefold(): item for item in old}
    for item in new:
        name = item.get(key) if isinstance(item, dict) else None
        merged[str(name).casefold()] = item
    return list(merged.values())
