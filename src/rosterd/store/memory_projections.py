"""Mappings, projections and adopted users in the memory store."""

from collections.abc import Callable, Mapping, Sequence

from rosterd.service.mapping import Value
from rosterd.service.projections import Mapped
from rosterd.store.memory_search import State


class MemoryProjectionReader:
    """See ``rosterd.service.projections.ProjectionReader``."""

    _state: Callable[[], State]

    async def mapping(self) -> Mapped | None:
        return self._state().mapping

    async def projections(self, ids: Sequence[str]) -> Mapping[str, Value]:
        held = self._state().projections
        return {id: held[id] for id in ids if id in held}


class MemoryProjectionWriter:
    """See ``rosterd.service.projections.ProjectionWriter``."""

    state: State

    async def set_mapping(self, mapped: Mapped) -> None:
        self.state.mapping = mapped

    async def project(self, id: str, value: Value | None) -> None:
        if value is None:
            self.state.projections.pop(id, None)
        else:
            self.state.projections[id] = value


class MemoryAdoptionWriter:
    """See ``rosterd.service.adoption.AdoptionWriter``."""

    state: State

    async def adopt(self, name: str, id: str) -> None:
        self.state.adopted[name] = id

    async def adopted(self, name: str) -> str | None:
        return self.state.adopted.get(name)

    async def claimed(self, name: str) -> None:
        self.state.adopted.pop(name, None)
