# Written by docs/generate_client.py; change the routes, then run `make docs`.
"""The operations of the management API, each a method."""

from typing import Unpack

from rosterd.client import models
from rosterd.client.session import Pages, Session, path


class Operations(Session):
    """Every operation that speaks JSON; a list is an ``async for``."""

    def list_directories(self, **query: Unpack[models.ListDirectoriesQuery]) -> Pages[models.ListedDirectory]:
        """List directories by name.

        Needs the scope ``directories.read``.
        """
        return Pages(self, path("directories"), query)

    async def create_directory(self, **body: Unpack[models.CreateDirectoryBody]) -> models.Directory:
        """Create a directory.

        Needs the scope ``directories.write``.
        """
        reply: models.Directory = await self.ask("POST", path("directories"), body=body)
        return reply

    async def read_directory(self, directory: str, /) -> models.Directory:
        """Read a directory: how much is in it, and what it defines.

        Needs the scope ``directories.read``.
        """
        reply: models.Directory = await self.ask("GET", path("directories", directory))
        return reply

    async def define_directory(
        self, directory: str, /, **body: Unpack[models.DefineDirectoryBody]
    ) -> models.Directory:
        """Add schemas and resource types, or replace those with the same id or name.

        Needs the scope ``directories.write``.
        """
        reply: models.Directory = await self.ask(
            "POST", path("directories", directory, "definitions"), body=body
        )
        return reply

    def list_connections(
        self, directory: str, /, **query: Unpack[models.ListConnectionsQuery]
    ) -> Pages[models.Connection]:
        """List a directory's connections by name.

        Needs the scope ``connections.read``.
        """
        return Pages(self, path("directories", directory, "connections"), query)

    async def create_connection(
        self, directory: str, /, **body: Unpack[models.CreateConnectionBody]
    ) -> models.Connection:
        """Create a connection.

        Needs the scope ``connections.write``.
        """
        reply: models.Connection = await self.ask(
            "POST", path("directories", directory, "connections"), body=body
        )
        return reply

    async def read_connection(self, directory: str, connection: str, /) -> models.Connection:
        """Read a connection.

        Needs the scope ``connections.read``.
        """
        reply: models.Connection = await self.ask(
            "GET", path("directories", directory, "connections", connection)
        )
        return reply

    async def update_connection(
        self, directory: str, connection: str, /, **body: Unpack[models.UpdateConnectionBody]
    ) -> models.Connection:
        """Change a connection's profile, policy and limits; what is not given stays.

        Needs the scope ``connections.write``.
        """
        reply: models.Connection = await self.ask(
            "PATCH", path("directories", directory, "connections", connection), body=body
        )
        return reply

    async def move_connection(
        self, directory: str, connection: str, /, **body: Unpack[models.MoveConnectionBody]
    ) -> models.Connection:
        """Pause, resume, disable or enable a connection.

        Needs the scope ``connections.write``.
        """
        reply: models.Connection = await self.ask(
            "POST", path("directories", directory, "connections", connection, "state"), body=body
        )
        return reply

    def list_tokens(
        self, directory: str, connection: str, /, **query: Unpack[models.ListTokensQuery]
    ) -> Pages[models.Token]:
        """List a connection's tokens, newest first, without their secrets.

        Needs the scope ``connections.read``.
        """
        return Pages(self, path("directories", directory, "connections", connection, "tokens"), query)

    async def issue_token(
        self, directory: str, connection: str, /, **body: Unpack[models.IssueTokenBody]
    ) -> models.NewToken:
        """Issue a token; its text is in this reply only.

        Needs the scope ``connections.write``.
        """
        reply: models.NewToken = await self.ask(
            "POST", path("directories", directory, "connections", connection, "tokens"), body=body
        )
        return reply

    async def rotate_token(
        self, directory: str, connection: str, token: str, /, **body: Unpack[models.RotateTokenBody]
    ) -> models.NewToken:
        """Issue a token like another, which stops working after the overlap.

        Needs the scope ``connections.write``.
        """
        reply: models.NewToken = await self.ask(
            "POST",
            path("directories", directory, "connections", connection, "tokens", token, "rotate"),
            body=body,
        )
        return reply

    async def revoke_token(self, directory: str, connection: str, token: str, /) -> None:
        """Revoke a token at once.

        Needs the scope ``connections.write``.
        """
        await self.ask("DELETE", path("directories", directory, "connections", connection, "tokens", token))

    def list_clients(
        self, directory: str, connection: str, /, **query: Unpack[models.ListClientsQuery]
    ) -> Pages[models.Client]:
        """List a connection's clients of the Token Provider, newest first, without their secrets.

        Needs the scope ``connections.read``.
        """
        return Pages(self, path("directories", directory, "connections", connection, "clients"), query)

    async def create_client(
        self, directory: str, connection: str, /, **body: Unpack[models.CreateClientBody]
    ) -> models.NewClient:
        """Create a client; its secret is in this reply only.

        Needs the scope ``connections.write``.
        """
        reply: models.NewClient = await self.ask(
            "POST", path("directories", directory, "connections", connection, "clients"), body=body
        )
        return reply

    async def rotate_client(
        self, directory: str, connection: str, client: str, /, **body: Unpack[models.RotateClientBody]
    ) -> models.NewClient:
        """Give a client a new secret; those before stop working after the overlap.

        Needs the scope ``connections.write``.
        """
        reply: models.NewClient = await self.ask(
            "POST",
            path("directories", directory, "connections", connection, "clients", client, "rotate"),
            body=body,
        )
        return reply

    async def revoke_client(self, directory: str, connection: str, client: str, /) -> None:
        """Revoke a client and every token issued to it, at once.

        Needs the scope ``connections.write``.
        """
        await self.ask("DELETE", path("directories", directory, "connections", connection, "clients", client))

    def list_users(self, directory: str, /, **query: Unpack[models.ListUsersQuery]) -> Pages[models.Account]:
        """List a directory's users.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "users"), query)

    async def read_user(self, directory: str, user: str, /) -> models.User:
        """Read a user with its groups.

        Needs the scope ``users.read``.
        """
        reply: models.User = await self.ask("GET", path("directories", directory, "users", user))
        return reply

    def user_history(
        self, directory: str, user: str, /, **query: Unpack[models.UserHistoryQuery]
    ) -> Pages[models.Happened]:
        """What happened to a user, newest first.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "users", user, "history"), query)

    def list_groups(
        self, directory: str, /, **query: Unpack[models.ListGroupsQuery]
    ) -> Pages[models.Account]:
        """List a directory's groups.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "groups"), query)

    async def read_group(self, directory: str, group: str, /) -> models.Account:
        """Read a group.

        Needs the scope ``users.read``.
        """
        reply: models.Account = await self.ask("GET", path("directories", directory, "groups", group))
        return reply

    def list_members(
        self, directory: str, group: str, /, **query: Unpack[models.ListMembersQuery]
    ) -> Pages[models.Member]:
        """List a group's members by id.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "groups", group, "members"), query)

    def list_pending(
        self, directory: str, group: str, /, **query: Unpack[models.ListPendingQuery]
    ) -> Pages[models.Member]:
        """List the member values that name nobody yet.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "groups", group, "pending"), query)

    def group_history(
        self, directory: str, group: str, /, **query: Unpack[models.GroupHistoryQuery]
    ) -> Pages[models.Happened]:
        """What happened to a group, newest first.

        Needs the scope ``users.read``.
        """
        return Pages(self, path("directories", directory, "groups", group, "history"), query)
