"""``ClientControl`` over SQLite, beside ``sqlite_control.py``: clients, their secrets, their tokens."""

import sqlite3
from collections.abc import Callable

from rosterd.service.audit import Entry
from rosterd.service.clients import Client, ClientSecret
from rosterd.service.control import Token
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE
from rosterd.store.rows import as_json, client_row, clients_of
from rosterd.store.sqlite_control import SqliteControl, insert, insert_token


class SqliteClients(SqliteControl):
    """See ``rosterd.service.clients.ClientControl``."""

    async def client(self, client_id: str) -> Client | None:
        found = clients_of(await self._rows("get_client", (client_id,)))
        return found[0] if found else None

    async def clients(self, directory: int, connection: int | None = None) -> tuple[Client, ...]:
        return clients_of(await self._rows("clients", (directory, connection)))

    async def create_client(self, client: Client, entry: Entry) -> None:
        parameters = client_row(client)

        def work(connection: sqlite3.Connection) -> None:
            insert(connection, "insert_client", parameters, client.id, "id")
            for secret in client.secrets:
                _insert_secret(connection, client.id, secret)
            write_entry(connection, entry)

        await self._submit(work)

    async def add_secret(
        self, directory: int, client_id: str, secret: ClientSecret, end: int, entry: Entry
    ) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(SQLITE["get_client"], (client_id,)).fetchone()
            if row is None or row[1] != directory:
                return False
            run = _runner(connection, directory, client_id)
            run("end_client_secrets", end)
            run("forget_client_secrets", secret.created)
            _insert_secret(connection, client_id, secret)
            write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def revoke_client(self, directory: int, client_id: str, at: int, entry: Entry) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute(SQLITE["get_client"], (client_id,)).fetchone()
            if row is None or row[1] != directory:
                return False
            run = _runner(connection, directory, client_id)
            run("revoke_client_tokens", at)
            if run("revoke_client", at):
                write_entry(connection, entry)
            return True

        return await self._submit(work)

    async def issue_token(self, token: Token) -> bool:
        def work(connection: sqlite3.Connection) -> bool:
            run = _runner(connection, token.directory, token.client or "")
            if not run("note_client_use", token.created):
                return False
            insert_token(connection, token)
            return True

        return await self._submit(work)

    async def return_token(self, token_id: str, at: int) -> None:
        await self._submit(lambda c: c.execute(SQLITE["return_token"], (token_id, at)).rowcount)

    async def purge_tokens(self, expired_before: int, limit: int) -> int:
        ids = [row[0] for row in await self._rows("expired_tokens", (expired_before, limit))]
        if not ids:  # which is no reason to write
            return 0
        return await self._submit(lambda c: c.execute(SQLITE["delete_tokens"], (as_json(ids),)).rowcount)


def _runner(connection: sqlite3.Connection, directory: int, client_id: str) -> Callable[[str, int], int]:
    """Runs a statement about a client; returns how many rows it changed."""
    return lambda name, time: connection.execute(SQLITE[name], (directory, client_id, time)).rowcount


def _insert_secret(connection: sqlite3.Connection, client_id: str, secret: ClientSecret) -> None:
    parameters = (client_id, secret.digest, secret.created, secret.expires)
    connection.execute(SQLITE["insert_client_secret"], parameters)
