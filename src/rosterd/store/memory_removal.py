"""``Removals`` in plain dictionaries: what leads to a directory is gone at once, its data later."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from rosterd.service.audit import Entry
from rosterd.service.removal import Removed
from rosterd.store.memory_registry import MemoryRegistry
from rosterd.store.memory_search import State


class MemoryRemoval(MemoryRegistry):
    """See ``rosterd.service.removal.Removals``."""

    def __init__(self) -> None:
        super().__init__()
        self._states: dict[int, State] = {}
        self._removed: dict[int, Removed] = {}

    async def remove_directory(self, directory: int, at: int, entry: Entry) -> bool:
        found = self._directories.pop(directory, None)
        if found is None:
            return False
        self._removed[directory] = Removed(directory, f"{found.name}#{directory}", at, None)
        self.audit.append(entry)
        gone = {id for id, key in self._keys.items() if key.directory == directory}
        self._replays = {which: kept for which, kept in self._replays.items() if which[0] not in gone}
        self._keys = {id: key for id, key in self._keys.items() if id not in gone}
        self._tokens = {id: token for id, token in self._tokens.items() if token.directory != directory}
        self._clients = {id: client for id, client in self._clients.items() if client.directory != directory}
        self._connections = {id: one for id, one in self._connections.items() if one.directory != directory}
        self._former.pop(directory, None)
        return True

    def _drop(self, connections: Collection[int]) -> None:
        """What a transaction made of connections that it deleted."""
        for id in self._connections.keys() & connections:
            gone = self._connections.pop(id)
            self._former.setdefault(gone.directory, {})[id] = gone.name
        self._tokens = {id: one for id, one in self._tokens.items() if one.connection in self._connections}
        self._clients = {id: one for id, one in self._clients.items() if one.connection in self._connections}

    async def directory_names(self, ids: Collection[int]) -> Mapping[int, str]:
        former = {id: self._removed[id].name for id in ids if id in self._removed}
        return {**await super().directory_names(ids), **former}

    async def removed_directories(self, before: int) -> tuple[Removed, ...]:
        return tuple(one for _, one in sorted(self._removed.items()) if one.removed <= before)

    async def clear_directory(self, directory: int, limit: int) -> int:
        if directory not in self._removed:
            return 0
        state = self._states.pop(directory, State())
        return len(state.rows) + len(state.events)

    async def note_cleared(self, directory: int, at: int, entry: Entry) -> bool:
        one = self._removed.get(directory)
        if one is None or one.cleared is not None:
            return False
        self._removed[directory] = replace(one, cleared=at)
        self.audit.append(entry)
        return True
