"""Deleting a connection: its tokens, clients and set-up links end at once, and its name is free.

Nobody's account goes with it. Live resources that are its own would be nobody's to change any more, so there
must be none: its identity provider removes them, or another connection of the directory is the heir and gets
them, and the retained ones too. They are handed over in portions, so that others write in between; the
connection is disabled before, and deleted when nothing live is left. Broken off, it can be begun again.
Without an heir the retained ones stay as they are, known to the application, and nobody brings them back.
"""

from collections.abc import Callable, Sequence
from typing import Final

from rosterd.scim import errors
from rosterd.scim.schema import ResourceType
from rosterd.service.audit import Actor, Entry
from rosterd.service.connections import Connections, described, spoken, target
from rosterd.service.control import Connection, Directory
from rosterd.service.directories import model_of
from rosterd.service.events import Event
from rosterd.service.ports import Store, Writer
from rosterd.service.standing import DELETED

PORTION: Final = 500
"""Resources handed over in a transaction."""
_STATES: Final = ("active", "inactive", "deleted")


class ConnectionRemoval:
    """Deletes connections. ``now`` gives milliseconds since the epoch."""

    def __init__(self, store: Store, connections: Connections, now: Callable[[], int]) -> None:
        self._store = store
        self._connections = connections
        self._now = now

    async def remove(
        self, directory: Directory, connection: Connection, *, by: Actor, heir: Connection | None = None
    ) -> int:
        """Delete a connection for good; how many resources the ``heir`` got.

        Raises ``Conflict`` if it has live ones and no heir, ``InvalidValue`` if it is the heir itself,
        ``NotFound`` if it, or the heir, was deleted by somebody else.
        """
        kinds = tuple(model_of(directory).types.values())
        handed = 0
        if heir is not None:
            if heir.id == connection.id:
                raise errors.InvalidValue("A connection cannot be handed over to itself.")
            await self._store.write(directory.id, lambda tx: _expect(tx, heir))
            reason = f"It is being deleted; what is its own goes to connection '{heir.name}'."
            await self._connections.move(connection, "disable", by=by, reason=reason)
            for kind in kinds:
                for state in _STATES:
                    handed += await self._hand_over(connection, heir, kind.name, state)
        await self._store.write(
            directory.id, lambda tx: self._end(tx, directory, connection, kinds, by, heir, handed)
        )
        return handed

    async def _hand_over(self, connection: Connection, heir: Connection, kind: str, state: str) -> int:
        reader = self._store.reader(connection.directory)
        handed, before = 0, None
        while rows := await reader.newest(kind, state, connection.id, before, PORTION):
            ids, before = [row.id for row in rows], rows[-1].seq

            async def work(tx: Writer, ids: Sequence[str] = ids) -> int:
                await _expect(tx, heir)
                return await tx.hand_over(connection.id, heir.id, ids)

            handed += await self._store.write(connection.directory, work)
        return handed

    async def _end(
        self,
        tx: Writer,
        directory: Directory,
        connection: Connection,
        kinds: Sequence[ResourceType],
        by: Actor,
        heir: Connection | None,
        handed: int,
    ) -> None:
        await _expect(tx, connection)
        left = {kind.endpoint: await tx.count(kind.name, connection.id) for kind in kinds}
        has = [f"{count} in {endpoint}" for endpoint, count in left.items() if count]
        if has:
            raise errors.Conflict(
                f"Connection '{connection.name}' still has resources of its own: {', '.join(has)}. Nobody "
                "could change them without it. Unassign them at its identity provider first, or hand them "
                f"over to another connection of directory '{directory.name}'."
            )
        at = self._now()
        data = {"connection": connection.name, "by": spoken(by)}
        after = {}
        if heir is not None:
            data["heir"] = heir.name
            after = {"heir": heir.name, "handedOver": handed}
        id = connection.id
        await tx.append(Event("connection.deleted", "Connection", str(id), at, id, by.request_id, data))
        await tx.remove_connection(id, at)
        before = described(connection.name, connection.profile, connection.policy)
        await tx.audit(
            Entry(by, at, "connection.deleted", target(connection.name), directory.id, before, after)
        )


def confirm(connection: Connection, text: str | None) -> None:
    """Raise ``InvalidValue`` unless the text is the connection's name."""
    if text != connection.name:
        raise errors.InvalidValue(
            f"confirm: must be the name of the connection, '{connection.name}'; its tokens cannot be given "
            "back."
        )


async def _expect(tx: Writer, connection: Connection) -> None:
    """Raise ``NotFound`` for a connection that was deleted."""
    if (await tx.standing(connection.id)).state == DELETED:
        raise errors.NotFound(f"There is no connection '{connection.name}' any more.")
