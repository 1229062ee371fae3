"""``ClientControl`` over PostgreSQL: whoever revokes a client, or issues a token to it, locks its row."""

from rosterd.service.audit import Entry
from rosterd.service.clients import Client, ClientSecret
from rosterd.service.control import Token
from rosterd.store.postgres_control import PostgresControl, insert_token
from rosterd.store.postgres_entries import write_entry
from rosterd.store.postgres_run import Link, insert
from rosterd.store.rows import client_row, clients_of


class PostgresClients(PostgresControl):
    """See ``rosterd.service.clients.ClientControl``."""

    async def client(self, client_id: str) -> Client | None:
        found = clients_of(await self._rows("get_client", client_id))
        return found[0] if found else None

    async def clients(self, directory: int, connection: int | None = None) -> tuple[Client, ...]:
        return clients_of(await self._rows("clients", directory, connection))

    async def create_client(self, client: Client, entry: Entry) -> None:
        async def work(link: Link) -> None:
            await insert(link, "insert_client", client_row(client), client.id, "id")
            for secret in client.secrets:
                await _insert_secret(link, client.id, secret)
            await write_entry(link, entry)

        await self._write(work)

    async def add_secret(
        self, directory: int, client_id: str, secret: ClientSecret, end: int, entry: Entry
    ) -> bool:
        async def work(link: Link) -> bool:
            if await link.row("lock_client", directory, client_id) is None:
                return False
            await link.change("end_client_secrets", directory, client_id, end)
            await link.change("forget_client_secrets", directory, client_id, secret.created)
            await _insert_secret(link, client_id, secret)
            await write_entry(link, entry)
            return True

        return await self._write(work)

    async def revoke_client(self, directory: int, client_id: str, at: int, entry: Entry) -> bool:
        async def work(link: Link) -> bool:
            if await link.row("lock_client", directory, client_id) is None:
                return False
            # Only now: what was issued while the lock was waited for is seen by this statement.
            await link.change("revoke_client_tokens", directory, client_id, at)
            if await link.change("revoke_client", directory, client_id, at):
                await write_entry(link, entry)
            return True

        return await self._write(work)

    async def issue_token(self, token: Token) -> bool:
        async def work(link: Link) -> bool:
            if not await link.change("note_client_use", token.directory, token.client, token.created):
                return False
            await insert_token(link, token)
            return True

        return await self._write(work)

    async def return_token(self, token_id: str, at: int) -> None:
        await self._changed("return_token", token_id, at)

    async def purge_tokens(self, expired_before: int, limit: int) -> int:
        ids = [row[0] for row in await self._rows("expired_tokens", expired_before, limit)]
        return await self._changed("delete_tokens", ids) if ids else 0


async def _insert_secret(link: Link, client_id: str, secret: ClientSecret) -> None:
    await link.change("insert_client_secret", client_id, secret.digest, secret.created, secret.expires)
