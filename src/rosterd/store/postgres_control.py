"""``Control`` over PostgreSQL. A credential is one look-up; an epoch lasts a second, or until we govern.

Several processes write at once. What must hold among several rows is held by locks: whoever means to change
something on a condition locks what the condition is about first, and looks at it only then.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import asyncpg

from rosterd.service.audit import Entry
from rosterd.service.control import Connection, Credential, Directory, Policy, Token
from rosterd.service.measures import Load
from rosterd.service.ports import StoreUnavailable, UniqueViolation
from rosterd.store.policy import limits_json
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_held import Held
from rosterd.store.postgres_run import Database, Link, Row, insert
from rosterd.store.rows import REMEMBERED, connection_of, directory_of, token_of, token_row

T = TypeVar("T")

EPOCH_SECONDS: Final = 1.0
"""How long something that another process has changed may be believed."""
_SECRET_BYTES: Final = 32


class Submit(Protocol):
    """Runs work in a directory's transaction, with others' work, and returns once that is durable."""

    def __call__(self, directory: int, work: Callable[[Held], Awaitable[T]]) -> Awaitable[T]: ...


class PostgresControl:
    """See ``rosterd.service.control.Control``."""

    _submit: Submit

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directories: dict[int, Directory] = {}
        self._asked: dict[Hashable, asyncio.Future[Credential | None]] = {}
        self._epoch = 0

    def epoch(self) -> Hashable:
        return self._epoch, int(time.monotonic() / EPOCH_SECONDS)

    async def credential(self, token_id: str) -> Credential | None:
        # When an epoch begins, all requests that are under way ask: what one of them is told is told to all.
        key = (self.epoch(), token_id)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.ensure_future(self._credential(token_id))
            asked.add_done_callback(partial(self._told, key))
        return await asyncio.shield(asked)

    def _told(self, key: Hashable, asked: "asyncio.Future[Credential | None]") -> None:
        del self._asked[key]
        if not asked.cancelled():
            asked.exception()  # whether anybody still waits or not

    async def _credential(self, token_id: str) -> Credential | None:
        row = await self._row("credential", token_id)
        if row is None:
            return None
        token = token_of(row[:11])
        directory = self._directories.get(token.directory)
        if directory is None or directory.revision != row[23]:
            found = await self._row("get_directory", token.directory)
            if found is None:  # it was deleted between the two
                return None
            directory = directory_of(found)
            if len(self._directories) >= REMEMBERED:
                self._directories.clear()
            self._directories[directory.id] = directory
        return Credential(token, connection_of(row[11:23]), directory)

    async def used(self, token_ids: Mapping[str, int]) -> None:
        await self._changed("note_use", list(token_ids), list(token_ids.values()), governs=False)

    async def secret(self, name: str) -> bytes:
        async def work(link: Link) -> bytes:
            await link.change("insert_secret", name, os.urandom(_SECRET_BYTES))
            return bytes((await link.rows("get_secret", name))[0][0])

        kept = await self._row("get_secret", name)
        return await self._write(work) if kept is None else bytes(kept[0])

    async def directories(self) -> tuple[Directory, ...]:
        return tuple(map(directory_of, await self._rows("directories")))

    async def create_directory(self, name: str, at: int, entry: Entry) -> Directory:
        async def work(link: Link) -> Directory:
            made = directory_of(await insert(link, "insert_directory", (name, at), name))
            await write_entry(link, replace(entry, directory=made.id))
            return made

        return await self._write(work)

    async def connections(self, directory: int) -> tuple[Connection, ...]:
        return tuple(connection_of(tuple(row)) for row in await self._rows("connections", directory))

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        return dict(await self._rows("connection_names", directory))

    async def create_connection(
        self, directory: int, name: str, profile: str, policy: Policy, at: int, entry: Entry
    ) -> Connection:
        limits = limits_json(policy.limits)
        parameters = (directory, name, at, profile, policy.reach, policy.on_delete, limits)

        async def work(link: Link) -> Connection:
            made = connection_of(tuple(await insert(link, "insert_connection", parameters, name)))
            await write_entry(link, entry)
            return made

        return await self._write(work)

    async def update_connection(self, old: Connection, new: Connection, entry: Entry) -> bool:
        policy = new.policy
        parameters = (
            old.directory, old.id, new.profile, policy.reach, policy.on_delete, limits_json(policy.limits),
            new.name,
        )  # fmt: skip

        async def work(link: Link) -> bool:
            row = await link.row("lock_connection", old.directory, old.id)
            now = connection_of(tuple(row)) if row else None
            if now is None or replace(now, standing=old.standing) != old:
                return False
            try:
                await link.change("update_connection", *parameters)
            except asyncpg.UniqueViolationError:
                raise UniqueViolation("name", new.name) from None
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def tokens(self, directory: int, connection: int | None = None) -> tuple[Token, ...]:
        return tuple(map(token_of, await self._rows("tokens", directory, connection)))

    async def create_token(self, token: Token, entry: Entry) -> None:
        await self._inserted("insert_token", token_row(token), token.id, entry)

    async def rotate_token(self, token: Token, old: str, at: int, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            if await link.row("lock_token", token.directory, old) is None:
                return False
            await link.change("revoke_token", token.directory, old, at)
            await insert_token(link, token)
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def revoke_token(self, directory: int, token_id: str, at: int, entry: Entry) -> bool:
        if await self._recorded("revoke_token", (directory, token_id, at), entry):
            return True
        return bool(await self._rows("get_token", directory, token_id))

    async def _rows(self, name: str, *parameters: Any) -> list[Row]:
        """The rows of a read. A text with U+0000 is asked for by whoever guesses; there can be none."""
        if any(isinstance(value, str) and "\0" in value for value in parameters):
            return []
        return await self._database.rows(name, *parameters)

    async def _row(self, name: str, *parameters: Any) -> Row | None:
        found = await self._rows(name, *parameters)
        return found[0] if found else None

    def load(self) -> Load:
        """What this process has written."""
        raise NotImplementedError

    async def _write(self, work: Callable[[Link], Awaitable[T]], *, governs: bool = True) -> T:
        """Run work in a transaction of its own, which is counted; its value, once that is durable.

        ``governs`` is false for what is written all the time and can change nothing that credentials say.
        """
        load = self.load()
        began = worked = 0.0

        async def timed(link: Link) -> T:
            nonlocal began, worked
            began = time.monotonic()
            value = await work(link)
            worked = time.monotonic()
            return value

        try:
            value = await self._database.write(timed)
        except StoreUnavailable:
            load.failed += 1
            raise
        finally:
            if governs:
                self._begin_epoch()
        load.jobs.add(1)
        load.work.add(worked - began)
        load.sync.add(time.monotonic() - worked)
        return value

    def _begin_epoch(self) -> None:
        """What was read of the control plane may not be true any more."""
        self._epoch += 1

    async def _changed(self, name: str, *parameters: Any, governs: bool = True) -> int:
        """Run a statement in a transaction of its own; how many rows it changed."""
        return await self._write(lambda link: link.change(name, *parameters), governs=governs)

    async def _recorded(
        self, name: str, parameters: Sequence[Any], entry: Entry, then: "Also | None" = None
    ) -> int:
        """The same, and keep the entry if that changed a row, with whatever else is done then."""

        async def work(link: Link) -> int:
            changed = await link.change(name, *parameters)
            if changed:
                if then is not None:
                    await then(link)
                await write_entry(link, entry)
            return changed

        return await self._write(work)

    async def _inserted(
        self, name: str, parameters: Sequence[Any], value: str, entry: Entry, attribute: str = "id"
    ) -> None:
        """Insert with an entry. Raises like ``insert``."""

        async def work(link: Link) -> None:
            await insert(link, name, parameters, value, attribute)
            await write_entry(link, entry)

        await self._write(work)


Also = Callable[[Link], Awaitable[object]]


async def insert_token(link: Link, token: Token) -> None:
    """Keep a token. Raises like ``insert``."""
    await insert(link, "insert_token", token_row(token), token.id, "id")
