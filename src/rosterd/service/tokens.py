"""Long-lived bearer tokens: ``rst_<id>_<secret><checksum>``.

Its form is that of ``credential_text``; only the SHA-256 of the whole text is kept. A token says which
connection speaks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service import credential_text
from rosterd.service.audit import Actor, Entry
from rosterd.service.caller import SCOPES, check_scopes
from rosterd.service.control import Control, Credential, Token
from rosterd.service.directories import model_of

MIN_LIFETIME: Final = 60
MAX_LIFETIME: Final = 315_360_000  # ten years of 365 days, in seconds

_PREFIX: Final = "rst"


def token_id(text: str) -> str | None:
    """The id inside a token's text; ``None`` if it is not a token or was mistyped."""
    return credential_text.id_of(_PREFIX, text)


def claimed_id(text: str) -> str | None:
    """The id that a text begins with as a token does, be the rest of it mistyped or missing."""
    return credential_text.claimed_id(_PREFIX, text)


def digest(text: str) -> bytes:
    """What is stored of a token."""
    return credential_text.digest(text)


def verify(credential: Credential | None, text: str, now: int) -> Credential:
    """The credential, if ``text`` is its token and it is valid now; else raises ``Unauthorized``.

    The comparison takes the same time wherever the secrets differ.
    """
    if credential is None or not credential_text.matches(credential.token.digest, text):
        raise errors.Unauthorized(
            "The bearer token is not known here. Generate a new one and paste it again.",
            situation="token unknown",
        )
    require_valid(credential.token, now)
    return credential


def require_valid(token: Token, now: int) -> None:
    """Raise ``Unauthorized`` if the token is revoked or expired now."""
    if token.revoked is not None and token.revoked <= now:
        raise errors.Unauthorized(
            "The bearer token was revoked. Generate a new one and paste it again.", situation="token revoked"
        )
    if token.expires <= now:
        raise errors.Unauthorized(
            "The bearer token has expired. Generate a new one and paste it again.", situation="token expired"
        )


class Tokens:
    """Issue, rotate and revoke the tokens of connections."""

    def __init__(self, control: Control, now: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._control = control
        self._now = now
        self._random = random

    async def issue(
        self,
        directory: int,
        connection: int,
        *,
        by: Actor,
        label: str = "",
        scopes: Sequence[str] = SCOPES,
        lifetime: int = MAX_LIFETIME,
    ) -> tuple[Token, str]:
        """Make and keep a token; its text is returned here and never again.

        Raises like ``make``, and ``InvalidValue`` for a scope that the directory does not have.
        """
        scopes = await self.check_scopes(directory, scopes, "token")
        token, text = self.make(directory, connection, label=label, scopes=scopes, lifetime=lifetime)
        entry = await self._entry(by, "token.created", token, after=_described(token))
        await self._control.create_token(token, entry)
        return token, text

    def make(
        self,
        directory: int,
        connection: int,
        *,
        label: str = "",
        scopes: Sequence[str] = SCOPES,
        lifetime: int = MAX_LIFETIME,
        client: str | None = None,
    ) -> tuple[Token, str]:
        """A token valid for ``lifetime`` seconds from now, which is not kept yet, and its text.

        Raises ``InvalidValue`` for a lifetime outside 60 s to 10 years. The scopes were checked.
        """
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise errors.InvalidValue(
                f"A token's lifetime must be {MIN_LIFETIME} to {MAX_LIFETIME} seconds (10 years), "
                f"not {lifetime}."
            )
        now = self._now()
        id, text = credential_text.make(_PREFIX, self._random)
        token = Token(
            id=id,
            directory=directory,
            connection=connection,
            digest=digest(text),
            label=label,
            scopes=tuple(scopes),
            created=now,
            expires=now + lifetime * 1000,
            client=client,
        )
        return token, text

    async def rotate(
        self, directory: int, token_id: str, *, by: Actor, overlap: int = 86_400
    ) -> tuple[Token, str]:
        """A new token like the old one; the old one stops working ``overlap`` seconds from now.

        Raises ``NotFound`` if the directory has no such token, ``Conflict`` if it no longer works or was
        issued to a client, which fetches another one by itself.
        """
        now = self._now()
        old = await self._find(directory, token_id)
        if old is None:
            raise _missing(token_id)
        if old.expires <= now or (old.revoked is not None and old.revoked <= now):
            raise errors.Conflict(f"Token {token_id} is expired or revoked; create a new one instead.")
        if old.client is not None:
            raise errors.Conflict(
                f"Token {token_id} was issued to client {old.client}, which fetches a new one by itself."
            )
        lifetime = max(MIN_LIFETIME, (old.expires - old.created) // 1000)
        new, text = self.make(
            directory, old.connection, label=old.label, scopes=old.scopes, lifetime=lifetime
        )
        end = now + overlap * 1000
        after = {"newToken": new.id, "expires": format_time(new.expires), "revoked": format_time(end)}
        entry = await self._entry(by, "token.rotated", old, after=after)
        if not await self._control.rotate_token(new, old.id, end, entry):
            raise _missing(token_id)
        return new, text

    async def revoke(self, directory: int, token_id: str, *, by: Actor) -> bool:
        """Revoke at once; ``False`` if the directory has no such token."""
        token = await self._find(directory, token_id)
        if token is None:
            return False
        now = self._now()
        entry = await self._entry(by, "token.revoked", token, after={"revoked": format_time(now)})
        return await self._control.revoke_token(directory, token_id, now, entry)

    async def check_scopes(self, directory: int, scopes: Sequence[str], whose: str) -> tuple[str, ...]:
        """The scopes, each once, if the directory has their resource types. Raises ``InvalidValue``."""
        types: Sequence[str] = ()
        if any(":" in scope for scope in scopes):
            found = next((d for d in await self._control.directories() if d.id == directory), None)
            types = tuple(model_of(found).types) if found is not None else ()
        return check_scopes(scopes, types, whose)

    async def _find(self, directory: int, token_id: str) -> Token | None:
        return next((t for t in await self._control.tokens(directory) if t.id == token_id), None)

    async def _entry(self, by: Actor, action: str, token: Token, *, after: Mapping[str, Any]) -> Entry:
        names = await self._control.connection_names(token.directory)
        target = f"token {token.id} of connection '{names[token.connection]}'"
        return Entry(by, self._now(), action, target, token.directory, after=after)


def _described(token: Token) -> dict[str, Any]:
    return {"label": token.label, "scopes": list(token.scopes), "expires": format_time(token.expires)}


def _missing(token_id: str) -> errors.NotFound:
    return errors.NotFound(f"There is no token {token_id} in this directory.")
