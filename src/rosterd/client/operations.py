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

    async def delete_directory(self, directory: str, /) -> None:
        """Delete a directory for good, at once, with everything in it; for keys that are bound to none.

        Needs the scope ``directories.write``.
        """
        await self.ask("DELETE", path("directories", directory))

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

    def list_extensions(
        self, directory: str, /, **query: Unpack[models.ListExtensionsQuery]
    ) -> Pages[models.Extension]:
        """List a directory's own extensions.

        Needs the scope ``directories.read``.
        """
        return Pages(self, path("directories", directory, "schemas"), query)

    async def read_extension(self, directory: str, urn: str, /) -> models.ExtensionInUse:
        """Read an extension, and how many resources have a value of it.

        Needs the scope ``directories.read``.
        """
        reply: models.ExtensionInUse = await self.ask("GET", path("directories", directory, "schemas", urn))
        return reply

    async def put_extension(
        self, directory: str, urn: str, /, **body: Unpack[models.PutExtensionBody]
    ) -> models.ExtensionInUse:
        """Define an extension, or replace it; 409 if that would make stored values untrue.

        Needs the scope ``directories.write``.
        """
        reply: models.ExtensionInUse = await self.ask(
            "PUT", path("directories", directory, "schemas", urn), body=body
        )
        return reply

    async def delete_extension(self, directory: str, urn: str, /) -> None:
        """Remove an extension; 409 while a resource has a value of it.

        Needs the scope ``directories.write``.
        """
        await self.ask("DELETE", path("directories", directory, "schemas", urn))

    async def read_requirements(self, directory: str, /) -> models.Requirements:
        """Read what a directory asks of its resources, and how many do not keep to it.

        Needs the scope ``directories.read``.
        """
        reply: models.Requirements = await self.ask("GET", path("directories", directory, "requirements"))
        return reply

    async def put_requirements(
        self,
        directory: str,
        body: models.PutRequirementsBody,
        /,
        **query: Unpack[models.PutRequirementsQuery],
    ) -> models.Requirements:
        """Replace what a directory asks of its resources, or only count who would not fit.

        Needs the scope ``directories.write``.
        """
        reply: models.Requirements = await self.ask(
            "PUT", path("directories", directory, "requirements"), query=query, body=body
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
        """Change a connection's name, profile, policy and limits; what is not given stays.

        Needs the scope ``connections.write``.
        """
        reply: models.Connection = await self.ask(
            "PATCH", path("directories", directory, "connections", connection), body=body
        )
        return reply

    async def delete_connection(
        self, directory: str, connection: str, /, **query: Unpack[models.DeleteConnectionQuery]
    ) -> None:
        """Delete a connection for good, with its tokens, clients and set-up links; no account goes with it.

        Needs the scope ``connections.write``.
        """
        await self.ask("DELETE", path("directories", directory, "connections", connection), query=query)

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

    async def undo_connection(
        self, directory: str, connection: str, /, **body: Unpack[models.UndoConnectionBody]
    ) -> models.UndoConnectionReply:
        """Give back what a paused connection changed since a moment, or look what that would be.

        Needs the scope ``connections.write``.
        """
        reply: models.UndoConnectionReply = await self.ask(
            "POST", path("directories", directory, "connections", connection, "undo"), body=body
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

    async def erase_user(self, directory: str, user: str, /) -> models.EraseUserReply:
        """Erase a user for good, deleted before or not; it cannot be taken back.

        Needs the scope ``users.write``.
        """
        reply: models.EraseUserReply = await self.ask(
            "POST", path("directories", directory, "users", user, "erase")
        )
        return reply

    async def read_mapping(self, directory: str, /) -> models.ReadMappingReply:
        """Read the mapping.

        Needs the scope ``directories.read``.
        """
        reply: models.ReadMappingReply = await self.ask("GET", path("directories", directory, "mapping"))
        return reply

    async def save_mapping(
        self, directory: str, /, **body: Unpack[models.SaveMappingBody]
    ) -> models.SaveMappingReply:
        """Put rules in force; whoever changes by them is told by events `user.mapped`.

        Needs the scope ``directories.write``.
        """
        reply: models.SaveMappingReply = await self.ask(
            "PUT", path("directories", directory, "mapping"), body=body
        )
        return reply

    async def preview_mapping(
        self, directory: str, /, **body: Unpack[models.PreviewMappingBody]
    ) -> models.PreviewMappingReply:
        """Say what rules would change, without changing it.

        Needs the scope ``users.read``.
        """
        reply: models.PreviewMappingReply = await self.ask(
            "POST", path("directories", directory, "mapping", "preview"), body=body
        )
        return reply

    async def read_mapped_user(self, directory: str, user: str, /) -> models.ReadMappedUserReply:
        """Read what the mapping makes of a user.

        Needs the scope ``users.read``.
        """
        reply: models.ReadMappedUserReply = await self.ask(
            "GET", path("directories", directory, "users", user, "mapped")
        )
        return reply

    async def reconcile(
        self, directory: str, /, **body: Unpack[models.ReconcileBody]
    ) -> models.ReconcileReply:
        """Hold the application's accounts against the directory; changes nothing.

        Needs the scope ``users.read``.
        """
        reply: models.ReconcileReply = await self.ask(
            "POST", path("directories", directory, "reconciliation"), body=body
        )
        return reply

    async def adopt(
        self, directory: str, connection: str, /, **body: Unpack[models.AdoptBody]
    ) -> models.AdoptReply:
        """Make users of the application's accounts, which wait for the identity provider's first word.

        Needs the scope ``users.write``.
        """
        reply: models.AdoptReply = await self.ask(
            "POST", path("directories", directory, "connections", connection, "adopt"), body=body
        )
        return reply

    async def read_request(self, request: str, /, **query: Unpack[models.ReadRequestQuery]) -> models.Request:
        """Read a request with its bodies, secrets masked.

        Needs the scope ``requests.read``.
        """
        reply: models.Request = await self.ask("GET", path("requests", request), query=query)
        return reply

    def list_keys(self, **query: Unpack[models.ListKeysQuery]) -> Pages[models.ApiKey]:
        """List API keys, newest first, without their texts.

        Needs the scope ``keys.read``.
        """
        return Pages(self, path("keys"), query)

    async def create_key(self, **body: Unpack[models.CreateKeyBody]) -> models.NewApiKey:
        """Create an API key that permits no more than the asking one; its text is in this reply only.

        Needs the scope ``keys.write``.
        """
        reply: models.NewApiKey = await self.ask("POST", path("keys"), body=body)
        return reply

    async def read_key(self, key: str, /) -> models.ApiKey:
        """Read an API key, without its text.

        Needs the scope ``keys.read``.
        """
        reply: models.ApiKey = await self.ask("GET", path("keys", key))
        return reply

    async def revoke_key(self, key: str, /) -> None:
        """Revoke an API key at once.

        Needs the scope ``keys.write``.
        """
        await self.ask("DELETE", path("keys", key))

    def list_entries(self, **query: Unpack[models.ListEntriesQuery]) -> Pages[models.AuditEntry]:
        """List administrative changes, newest first.

        Needs the scope ``audit.read``.
        """
        return Pages(self, path("audit"), query)

    async def read_settings(self) -> models.Settings:
        """Read the settings of the installation.

        Needs the scope ``settings.read``.
        """
        reply: models.Settings = await self.ask("GET", path("settings"))
        return reply

    async def change_settings(self, **body: Unpack[models.ChangeSettingsBody]) -> models.Settings:
        """Change settings of the installation; what is not given stays, null is the default.

        Needs the scope ``settings.write``.
        """
        reply: models.Settings = await self.ask("PATCH", path("settings"), body=body)
        return reply

    def list_webhooks(self, **query: Unpack[models.ListWebhooksQuery]) -> Pages[models.Webhook]:
        """List webhooks, without their secrets.

        Needs the scope ``webhooks.read``.
        """
        return Pages(self, path("webhooks"), query)

    async def create_webhook(self, **body: Unpack[models.CreateWebhookBody]) -> models.NewWebhook:
        """Create a webhook; its secret is in this reply only.

        Needs the scope ``webhooks.write``.
        """
        reply: models.NewWebhook = await self.ask("POST", path("webhooks"), body=body)
        return reply

    async def read_webhook(self, webhook: str, /) -> models.Webhook:
        """Read a webhook.

        Needs the scope ``webhooks.read``.
        """
        reply: models.Webhook = await self.ask("GET", path("webhooks", webhook))
        return reply

    async def update_webhook(
        self, webhook: str, /, **body: Unpack[models.UpdateWebhookBody]
    ) -> models.Webhook:
        """Change a webhook; what is not given stays.

        Needs the scope ``webhooks.write``.
        """
        reply: models.Webhook = await self.ask("PATCH", path("webhooks", webhook), body=body)
        return reply

    async def remove_webhook(self, webhook: str, /) -> None:
        """Remove a webhook, its log and its dead letters.

        Needs the scope ``webhooks.write``.
        """
        await self.ask("DELETE", path("webhooks", webhook))

    async def rotate_webhook_secret(
        self, webhook: str, /, **body: Unpack[models.RotateWebhookSecretBody]
    ) -> models.NewWebhook:
        """Give a webhook a new secret; those before sign too until the overlap ends.

        Needs the scope ``webhooks.write``.
        """
        reply: models.NewWebhook = await self.ask(
            "POST", path("webhooks", webhook, "secret", "rotate"), body=body
        )
        return reply

    async def move_webhook(self, webhook: str, /, **body: Unpack[models.MoveWebhookBody]) -> models.Webhook:
        """Enable a webhook, or try at once what waits for a retry; or disable it.

        Needs the scope ``webhooks.write``.
        """
        reply: models.Webhook = await self.ask("POST", path("webhooks", webhook, "state"), body=body)
        return reply

    async def test_webhook(self, webhook: str, /) -> models.DeliveryDetail:
        """Send a test message once, and see what came of it.

        Needs the scope ``webhooks.write``.
        """
        reply: models.DeliveryDetail = await self.ask("POST", path("webhooks", webhook, "test"))
        return reply

    def list_lines(self, webhook: str, /, **query: Unpack[models.ListLinesQuery]) -> Pages[models.Line]:
        """List how far the messages of each directory are, and replays.

        Needs the scope ``webhooks.read``.
        """
        return Pages(self, path("webhooks", webhook, "lines"), query)

    def list_deliveries(
        self, webhook: str, /, **query: Unpack[models.ListDeliveriesQuery]
    ) -> Pages[models.Delivery]:
        """List attempts, newest first.

        Needs the scope ``webhooks.read``.
        """
        return Pages(self, path("webhooks", webhook, "deliveries"), query)

    async def read_delivery(self, webhook: str, delivery: str, /) -> models.DeliveryDetail:
        """Read an attempt with request and reply.

        Needs the scope ``webhooks.read``.
        """
        reply: models.DeliveryDetail = await self.ask(
            "GET", path("webhooks", webhook, "deliveries", delivery)
        )
        return reply

    def list_dead_letters(
        self, webhook: str, /, **query: Unpack[models.ListDeadLettersQuery]
    ) -> Pages[models.DeadLetter]:
        """List messages that were given up.

        Needs the scope ``webhooks.read``.
        """
        return Pages(self, path("webhooks", webhook, "dead-letters"), query)

    async def replay_webhook(
        self, webhook: str, /, **body: Unpack[models.ReplayWebhookBody]
    ) -> models.Replay:
        """Send events once more: one, a range, those since a time, or dead letters.

        Needs the scope ``webhooks.write``.
        """
        reply: models.Replay = await self.ask("POST", path("webhooks", webhook, "replay"), body=body)
        return reply

    async def poll(self, stream: str, /, **body: Unpack[models.PollBody]) -> models.PollReply:
        """Fetch security event tokens (RFC 8936), and acknowledge those that were fetched.

        Needs the scope ``events.read``.
        """
        reply: models.PollReply = await self.ask("POST", path("sets", stream, "poll"), body=body)
        return reply

    def list_signing_keys(self, **query: Unpack[models.ListSigningKeysQuery]) -> Pages[models.SigningKey]:
        """List the keys that sign security event tokens, newest first.

        Needs the scope ``webhooks.read``.
        """
        return Pages(self, path("signing-keys"), query)

    async def rotate_signing_key(self, **body: Unpack[models.RotateSigningKeyBody]) -> models.SigningKey:
        """Make a new signing key; it is published now and signs two days later.

        Needs the scope ``webhooks.write``.
        """
        reply: models.SigningKey = await self.ask("POST", path("signing-keys", "rotate"), body=body)
        return reply

    def list_administrators(
        self, **query: Unpack[models.ListAdministratorsQuery]
    ) -> Pages[models.Administrator]:
        """List the administrators of the console by name.

        Needs the scope ``administrators.read``.
        """
        return Pages(self, path("administrators"), query)

    async def create_administrator(
        self, **body: Unpack[models.CreateAdministratorBody]
    ) -> models.Administrator:
        """Make an administrator; without a password they log in by the OpenID provider only.

        Needs the scope ``administrators.write``.
        """
        reply: models.Administrator = await self.ask("POST", path("administrators"), body=body)
        return reply

    async def read_administrator(self, administrator: str, /) -> models.Administrator:
        """Read an administrator.

        Needs the scope ``administrators.read``.
        """
        reply: models.Administrator = await self.ask("GET", path("administrators", administrator))
        return reply

    async def update_administrator(
        self, administrator: str, /, **body: Unpack[models.UpdateAdministratorBody]
    ) -> models.Administrator:
        """Change an administrator; a new password or disabling ends their sessions.

        Needs the scope ``administrators.write``.
        """
        reply: models.Administrator = await self.ask(
            "PATCH", path("administrators", administrator), body=body
        )
        return reply

    async def remove_administrator(self, administrator: str, /) -> None:
        """Remove an administrator for good; the last owner of everything stays.

        Needs the scope ``administrators.write``.
        """
        await self.ask("DELETE", path("administrators", administrator))

    async def remove_second_factor(self, administrator: str, /) -> None:
        """Remove the second factor of an administrator who lost it, and end their sessions.

        Needs the scope ``administrators.write``.
        """
        await self.ask("DELETE", path("administrators", administrator, "second-factor"))

    def list_sessions(self, administrator: str, /) -> Pages[models.Session]:
        """List where an administrator is logged in, newest first.

        Needs the scope ``administrators.read``.
        """
        return Pages(self, path("administrators", administrator, "sessions"), {})

    async def end_sessions(self, administrator: str, /) -> None:
        """End all sessions of an administrator at once.

        Needs the scope ``administrators.write``.
        """
        await self.ask("DELETE", path("administrators", administrator, "sessions"))

    async def end_session(self, administrator: str, session: str, /) -> None:
        """End a session at once.

        Needs the scope ``administrators.write``.
        """
        await self.ask("DELETE", path("administrators", administrator, "sessions", session))

    def list_links(
        self, directory: str, connection: str, /, **query: Unpack[models.ListLinksQuery]
    ) -> Pages[models.SetupLink]:
        """List a connection's set-up links, newest first, without their addresses.

        Needs the scope ``connections.read``.
        """
        return Pages(self, path("directories", directory, "connections", connection, "setup-links"), query)

    async def create_link(
        self, directory: str, connection: str, /, **body: Unpack[models.CreateLinkBody]
    ) -> models.NewSetupLink:
        """Make a link that opens the set-up without an account; its address is in this reply only.

        Needs the scope ``connections.write``.
        """
        reply: models.NewSetupLink = await self.ask(
            "POST", path("directories", directory, "connections", connection, "setup-links"), body=body
        )
        return reply

    async def revoke_link(self, directory: str, connection: str, link: str, /) -> None:
        """Revoke a set-up link and end what was begun with it, at once.

        Needs the scope ``connections.write``.
        """
        await self.ask(
            "DELETE", path("directories", directory, "connections", connection, "setup-links", link)
        )
