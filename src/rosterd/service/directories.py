"""Directories and what they define of their own; nothing is kept before all of it is known to be valid."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
from rosterd.service.audit import Actor, Entry
from rosterd.service.control import Control, Directory
from rosterd.service.ports import UniqueViolation

# Letters, digits, ".", "_", "-": a name is a segment of an address.
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
NAME_RULE: Final = "1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit"
_NAME: Final = re.compile(NAME)


def is_name(text: str) -> bool:
    """Whether a directory or connection may have this name."""
    return _NAME.fullmatch(text) is not None


def model_of(directory: Directory) -> Model:
    """The directory's compiled schemas. Raises ``SchemaError``."""
    return Model.build((*CORE_SCHEMAS, *directory.schemas), (*CORE_RESOURCE_TYPES, *directory.resource_types))


class Directories:
    """Create directories and define what is in them. ``now`` gives milliseconds since the epoch."""

    def __init__(self, control: Control, now: Callable[[], int]) -> None:
        self._control = control
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

        Raises ``SchemaError`` if they are not valid, before anything is changed.
        """
        merged_schemas = _merge(directory.schemas, schemas, "id")
        merged_types = _merge(directory.resource_types, resource_types, "name")
        Model.build((*CORE_SCHEMAS, *merged_schemas), (*CORE_RESOURCE_TYPES, *merged_types))
        if merged_schemas == list(directory.schemas) and merged_types == list(directory.resource_types):
            return directory
        before = {
            "schemas": _changed(directory.schemas, merged_schemas, "id"),
            "resourceTypes": _changed(directory.resource_types, merged_types, "name"),
        }
        after = {
            "schemas": _changed(merged_schemas, directory.schemas, "id"),
            "resourceTypes": _changed(merged_types, directory.resource_types, "name"),
        }
        target = _target(directory.name)
        entry = Entry(by, self._now(), "directory.defined", target, directory.id, before, after)
        return await self._control.define(directory.id, merged_schemas, merged_types, entry)


def _target(name: str) -> str:
    return f"directory '{name}'"


def _changed(some: Sequence[Any], others: Sequence[Any], key: str) -> list[Any]:
    """What some of them are called, that are not among the others as they are."""
    return [item.get(key) for item in some if item not in others]


def _merge(old: Sequence[Any], new: Sequence[Any], key: str) -> list[Any]:
    merged = {str(item.get(key)).casefold(): item for item in old}
    for item in new:
        name = item.get(key) if isinstance(item, dict) else None
        merged[str(name).casefold()] = item
    return list(merged.values())
