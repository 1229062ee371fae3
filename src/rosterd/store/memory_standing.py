"""What a transaction of the memory store does to its directory's definitions and connections."""

from collections.abc import Sequence
from dataclasses import replace

from rosterd.service.control import Directory
from rosterd.service.limits import Loss
from rosterd.service.standing import DELETED, Standing
from rosterd.store.memory_search import State


class MemoryStandingWriter:
    """See ``rosterd.service.ports.Writer``."""

    state: State
    _connections: frozenset[int]

    async def revision(self) -> int:
        return self.state.directory.revision if self.state.directory else 0

    async def define(self, directory: Directory) -> Directory | None:
        before = self.state.directory
        if before is None or before.revision != directory.revision:
            return None
        self.state.directory = replace(
            before,
            revision=before.revision + 1,
            schemas=tuple(directory.schemas),
            resource_types=tuple(directory.resource_types),
            requirements=directory.requirements,
        )
        return self.state.directory

    async def standing(self, connection: int) -> Standing:
        removed = self.state.removed.get(connection)
        if removed is not None:
            return Standing(DELETED, since=removed)
        return self.state.standings.get(connection, Standing())

    async def hand_over(self, connection: int, heir: int, ids: Sequence[str]) -> int:
        rows = self.state.rows
        own = [id for id in ids if id in rows and rows[id].connection == connection]
        rows.update({id: rows[id]._replace(connection=heir) for id in own})
        return len(own)

    async def remove_connection(self, connection: int, at: int) -> None:
        self._require(connection)
        self.state.removed[connection] = at
        self.state.standings.pop(connection, None)
        self.state.losses.pop(connection, None)

    async def set_standing(self, connection: int, standing: Standing) -> None:
        self._require(connection)
        self.state.standings[connection] = standing
        self.state.losses.pop(connection, None)

    async def loss(self, connection: int) -> Loss | None:
        return self.state.losses.get(connection)

    async def set_loss(self, connection: int, loss: Loss) -> None:
        self._require(connection)
        self.state.losses[connection] = loss

    def _require(self, connection: int) -> None:
        if connection not in self._connections or connection in self.state.removed:
            raise LookupError(f"there is no connection {connection}")
