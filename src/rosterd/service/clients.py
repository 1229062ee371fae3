"""Clients of the Token Provider: who may fetch tokens for a connection, and by which secrets.

    client id = "rsc_" id
    secret    = "rss_" secret checksum    ; the words as in credential_text

Only the SHA-256 of a secret is kept. A client has several secrets while a new one takes the place of an old
one. Revoking a client revokes every token that it was issued, in the same transaction.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service import credential_text
from rosterd.service.audit import Actor, Entry
from rosterd.service.caller import SCOPES, covers
from rosterd.service.control import Credential, Token
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME, Tokens, token_id

DEFAULT_LIFETIME: Final = 86_400
"""Seconds that an issued token lives if the client does not ask for a lifetime."""
MAX_SECRETS: Final = 5
MAX_OVERLAP: Final = 31_536_000
"""Seconds; a year."""

_CLIENT: Final = re.compile(r"rsc_[0-9A-Za-z]{12}")
_PREFIX: Final = "rss"
_NOBODY: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret of a client, without its text. Times in ms."""

    digest: bytes
    """SHA-256 of the whole text."""
    created: int
    expires: int | None = None
    """When it stops working; ``None``: never."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who may fetch tokens for a connection; ``secrets`` has the newest first."""

    id: str
    directory: int
    connection: int
    label: str
    scopes: tuple[str, ...]
    """The most that a token of it may permit."""
    created: int
    secrets: tuple[ClientSecret, ...] = ()
    last_used: int | None = None
    """When it last fetched a token."""
    revoked: int | None = None


class ClientControl(Protocol):
    """The part of the control plane for clients. A look-up costs the same however many there are."""

    async def client(self, client_id: str) -> Client | None:
        """The client with its secrets, revoked ones included."""

    async def clients(self, directory: int, connection: int | None = None) -> tuple[Client, ...]:
        """The directory's clients, newest first, revoked ones included."""

    async def create_client(self, client: Client, entry: Entry) -> None:
        """Keep a new client. Raises ``UniqueViolation`` on the id, ``LookupError`` without its connection."""

    async def add_secret(
        self, directory: int, client_id: str, secret: ClientSecret, end: int, entry: Entry
    ) -> bool:
        """Add a secret; those there are end at ``end`` or earlier, and those that had ended are forgotten.

        ``False`` if the directory has no such client.
        """

    async def revoke_client(self, directory: int, client_id: str, at: int, entry: Entry) -> bool:
        """Revoke it and all its unexpired tokens at ``at``, for every process; the earlier time counts.

        ``False`` if the directory has no such client.
        """

    async def issue_token(self, token: Token) -> bool:
        """Keep a token of ``token.client`` and note that client's last use.

        ``False``, and nothing is kept, unless the client is there and not revoked.
        """

    async def purge_tokens(self, expired_before: int, limit: int) -> int:
        """Remove at most ``limit`` tokens that expired before a time, and say how many; all clients'."""

    async def credential(self, token_id: str) -> Credential | None:
        """See ``Control``."""

    async def return_token(self, token_id: str, at: int) -> None:
        """Revoke a token at ``at`` because the client that it was issued to gives it back."""

    async def connection_names(self, directory: int) -> Mapping[int, str]:
        """See ``Control``."""


class Refused(Exception):
    """The Token Provider refuses: ``code`` is RFC 6749 §5.2's ``error``, ``detail`` says what to do.

    ``detail`` is public, and holds neither a secret nor anything that is not printable ASCII.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Clients:
    """Create, rotate and revoke clients, and issue tokens to them."""

    def __init__(
        self,
        control: ClientControl,
        tokens: Tokens,
        now: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self._control = control
        self._tokens = tokens
        self._now = now
        self._random = random

    async def create(
        self,
        directory: int,
        connection: int,
        *,
        by: Actor,
        label: str = "",
        scopes: Sequence[str] = SCOPES,
    ) -> tuple[Client, str]:
        """Make a client; its secret is returned here and never again. Raises ``InvalidValue`` for scopes."""
        scopes = await self._tokens.check_scopes(directory, scopes, "client")
        now = self._now()
        secret, text = self._secret(now)
        client = Client(
            id=f"rsc_{credential_text.public_id(self._random)}",
            directory=directory,
            connection=connection,
            label=label,
            scopes=scopes,
            created=now,
            secrets=(secret,),
        )
        after = {"label": label, "scopes": list(client.scopes)}
        await self._control.create_client(client, await self._entry(by, "client.created", client, after))
        return client, text

    async def rotate(
        self, directory: int, client_id: str, *, by: Actor, overlap: int = 86_400
    ) -> tuple[Client, str]:
        """Give a client a new secret; those it has stop working ``overlap`` seconds from now, or earlier.

        Tokens issued before stay valid. Raises ``NotFound``; ``Conflict`` for a client that is revoked or
        has too many secrets that still work; ``InvalidValue`` for an overlap beyond a year.
        """
        if not 0 <= overlap <= MAX_OVERLAP:
            raise errors.InvalidValue(f"The overlap must be 0 to {MAX_OVERLAP} seconds (a year).")
        now = self._now()
        client = await self._find(directory, client_id)
        if _past(client.revoked, now):
            raise errors.Conflict(f"Client {client_id} is revoked; create a new one instead.")
        working = [secret for secret in client.secrets if not _past(secret.expires, now)]
        if overlap and len(working) >= MAX_SECRETS:
            raise errors.Conflict(
                f"Client {client_id} has {len(working)} secrets that still work, which is the most. Wait "
                "until one ends, or rotate with an overlap of 0: then only the new one works."
            )
        secret, text = self._secret(now)
        end = now + overlap * 1000
        entry = await self._entry(by, "client.rotated", client, {"formerSecretsEnd": format_time(end)})
        await self._control.add_secret(directory, client_id, secret, end, entry)
        return await self._find(directory, client_id), text

    async def revoke(self, directory: int, client_id: str, *, by: Actor) -> Client:
        """Revoke a client and every token issued to it, at once. Raises ``NotFound``."""
        client, now = await self._find(directory, client_id), self._now()
        entry = await self._entry(by, "client.revoked", client, {"revoked": format_time(now)})
        await self._control.revoke_client(directory, client_id, now, entry)
        return await self._find(directory, client_id)

    async def authenticate(self, client_id: str, secret: str) -> Client:
        """The client, if the secret is one of its own that works now; else raises ``Refused``.

        An unknown client and a wrong secret are told alike, after the same work.
        """
        now = self._now()
        if not _CLIENT.fullmatch(client_id):
            raise Refused(
                "invalid_client",
                "The client id is incomplete or mistyped: it is 'rsc_' and 12 letters and digits. "
                "'rosterd client list' shows it.",
            )
        if not credential_text.is_secret(_PREFIX, secret):
            raise Refused(
                "invalid_client",
                "The client secret is incomplete or mistyped. Copy the whole secret, from 'rss_' to its end.",
            )
        client = await self._control.client(client_id)
        matches = False
        for known in client.secrets if client else (ClientSecret(_NOBODY, 0),):
            right = credential_text.matches(known.digest, secret)
            matches |= right and not _past(known.expires, now)
        if client is None or not matches:
            raise Refused(
                "invalid_client",
                "There is no client with this id and secret here. Was the secret rotated? 'rosterd client "
                "rotate' makes a new one.",
            )
        if _past(client.revoked, now):
            raise _revoked()
        return client

    async def issue(
        self, client: Client, *, scopes: Sequence[str] | None = None, lifetime: int = DEFAULT_LIFETIME
    ) -> tuple[Token, str]:
        """Issue a token to an authenticated client; ``scopes`` are all of the client's unless given.

        Raises ``Refused`` for scopes it has not, for a lifetime outside 60 s to 10 years, and if it was
        revoked meanwhile.
        """
        wanted = tuple(client.scopes if scopes is None else dict.fromkeys(scopes))
        if not wanted or not all(covers(client.scopes, scope) for scope in wanted):
            raise Refused("invalid_scope", f"This client may ask for: {' '.join(client.scopes)}.")
        if any(scope not in client.scopes for scope in wanted):
            try:
                await self._tokens.check_scopes(client.directory, wanted, "token")
            except errors.InvalidValue as error:
                raise Refused("invalid_scope", error.detail) from error
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise Refused("invalid_request", f"A token lives {MIN_LIFETIME} to {MAX_LIFETIME} seconds.")
        token, text = self._tokens.make(
            client.directory,
            client.connection,
            label=client.label,
            scopes=wanted,
            lifetime=lifetime,
            client=client.id,
        )
        if not await self._control.issue_token(token):
            raise _revoked()
        return token, text

    async def revoke_token(self, client: Client, text: str) -> bool:
        """Revoke a token by its text (RFC 7009); ``False`` for one that is unknown, which is no error.

        Raises ``Refused`` for a token that was not issued to this client.
        """
        id = token_id(text)
        found = await self._control.credential(id) if id else None
        if found is None or not credential_text.matches(found.token.digest, text):
            return False
        if found.token.client != client.id:
            raise Refused("invalid_grant", "This token was not issued to this client; it was not revoked.")
        await self._control.return_token(found.token.id, self._now())
        return True

    def _secret(self, now: int) -> tuple[ClientSecret, str]:
        text = credential_text.make_secret(_PREFIX, self._random)
        return ClientSecret(credential_text.digest(text), now), text

    async def _find(self, directory: int, client_id: str) -> Client:
        client = await self._control.client(client_id)
        if client is None or client.directory != directory:
            raise errors.NotFound(f"There is no client {client_id} in this directory.")
        return client

    async def _entry(self, by: Actor, action: str, client: Client, after: Mapping[str, Any]) -> Entry:
        names = await self._control.connection_names(client.directory)
        target = f"client {client.id} of connection '{names[client.connection]}'"
        return Entry(by, self._now(), action, target, client.directory, after=after)


def shown_id(text: str) -> str | None:
    """A client id as it may be logged: ``None`` for anything else, which could be a secret."""
    return text if _CLIENT.fullmatch(text) else None


def _past(time: int | None, now: int) -> bool:
    return time is not None and time <= now


def _revoked() -> Refused:
    return Refused(
        "invalid_client", "This client was revoked. Make a new one with 'rosterd client create' and use that."
    )
