"""Directories and what they define of their own; nothing is kept before all of it is known to be valid."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS
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

    async def create(self, name: str) -> Directory:
        """A directory without definitions of its own. Raises ``InvalidValue`` and ``Uniqueness``."""
        if not is_name(name):
            raise errors.InvalidValue(f"name: must be {NAME_RULE}.")
        try:
            return await self._control.create_directory(name, self._now())
        except UniqueViolation as violation:
            raise errors.Uniqueness(f"There is a directory '{name}' already.") from violation

    async def define(
        self, directory: Directory, schemas: Sequence[Any], resource_types: Sequence[Any]
    ) -> Directory:
        """Add schemas and resource types to the directory's own; same id or name replaces.

        Raises ``SchemaError`` if they are not valid, before anything is changed.
        """
        merged_schemas = _merge(directory.schemas, schemas, "id")
        merged_types = _merge(directory.resource_types, resource_types, "name")
        Model.build((*CORE_SCHEMAS, *merged_schemas), (*CORE_RESOURCE_TYPES, *merged_types))
        if merged_schemas == list(directory.schemas) and merged_types == list(directory.resource_types):
            return directory
        return await self._control.define(directory.id, merged_schemas, merged_types)


def _merge(old: Sequence[Any], new: Sequence[Any], key: str) -> list[Any]:
    merged = {str(item.get(key)).casefold(): item for item in old}
    for item in new:
        name = item.get(key) if isinstance(item, dict) else None
        merged[str(name).casefold()] = item
    return list(merged.values())
