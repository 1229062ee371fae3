"""Long-lived bearer tokens: ``rst_<id>_<secret><checksum>``.

    token    = "rst_" id "_" secret checksum
    id       = 12( base62 )      ; public, names the row
    secret   = 43( base62 )      ; 256 bits
    checksum = 6( base62 )       ; CRC-32 of all before it: a typing error is told from a revoked token

Only the SHA-256 of the whole text is kept. A token says which connection speaks.
"""

import hashlib
import hmac
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from rosterd.scim import errors
from rosterd.service.caller import SCOPES
from rosterd.service.ports import Control, Credential, Token

MIN_LIFETIME: Final = 60
MAX_LIFETIME: Final = 315_360_000  # ten years of 365 days, in seconds

_PREFIX: Final = "rst_"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 12, 43, 6
_LENGTH: Final = len(_PREFIX) + _ID + 1 + _SECRET + _CHECK


def token_id(text: str) -> str | None:
    """The id inside a token's text; ``None`` if it is not a token or was mistyped."""
    if len(text) != _LENGTH or not text.startswith(_PREFIX) or text[len(_PREFIX) + _ID] != "_":
        return None
    if not text.isascii() or _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        return None
    return text[len(_PREFIX) : len(_PREFIX) + _ID]


def digest(text: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(text.encode()).digest()


def verify(credential: Credential | None, text: str, now: int) -> Credential:
    """The credential, if ``text`` is its token and it is valid now; else raises ``Unauthorized``.

    The comparison takes the same time wherever the secrets differ.
    """
    if credential is None or not hmac.compare_digest(credential.token.digest, digest(text)):
        raise errors.Unauthorized(
            "The bearer token is not known here. Generate a new one and paste it again."
        )
    if credential.token.revoked is not None and credential.token.revoked <= now:
        raise errors.Unauthorized("The bearer token was revoked. Generate a new one and paste it again.")
    if credential.token.expires <= now:
        raise errors.Unauthorized("The bearer token has expired. Generate a new one and paste it again.")
    return credential


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
        label: str = "",
        scopes: Sequence[str] = SCOPES,
        lifetime: int = MAX_LIFETIME,
    ) -> tuple[Token, str]:
        """Make a token valid for ``lifetime`` seconds; its text is returned here and never again.

        Raises ``InvalidValue`` for a lifetime outside 60 s to 10 years or an unknown scope.
        """
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise errors.InvalidValue(
                f"A token's lifetime must be {MIN_LIFETIME} to {MAX_LIFETIME} seconds (10 years), "
                f"not {lifetime}."
            )
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise errors.InvalidValue(f"A token's scopes must be out of {', '.join(SCOPES)}.")
        now = self._now()
        id = self._text(_ID)
        body = f"{_PREFIX}{id}_{self._text(_SECRET)}"
        text = body + _checksum(body)
        token = Token(
            id=id,
            directory=directory,
            connection=connection,
            digest=digest(text),
            label=label,
            scopes=tuple(scopes),
            created=now,
            expires=now + lifetime * 1000,
        )
        await self._control.create_token(token)
        return token, text

    async def rotate(self, directory: int, token_id: str, *, overlap: int = 86_400) -> tuple[Token, str]:
        """A new token like the old one; the old one stops working ``overlap`` seconds from now.

        Raises ``NotFound`` if the directory has no such token, ``Conflict`` if it no longer works.
        """
        now = self._now()
        old = next((t for t in await self._control.tokens(directory) if t.id == token_id), None)
        if old is None:
            raise errors.NotFound(f"There is no token {token_id} in this directory.")
        if old.expires <= now or (old.revoked is not None and old.revoked <= now):
            raise errors.Conflict(f"Token {token_id} is expired or revoked; create a new one instead.")
        lifetime = max(MIN_LIFETIME, (old.expires - old.created) // 1000)
        new, text = await self.issue(
            directory, old.connection, label=old.label, scopes=old.scopes, lifetime=lifetime
        )
        await self._control.revoke_token(directory, old.id, now + overlap * 1000)
        return new, text

    async def revoke(self, directory: int, token_id: str) -> bool:
        """Revoke at once; ``False`` if the directory has no such token."""
        return await self._control.revoke_token(directory, token_id, self._now())

    def _text(self, length: int) -> str:
        number = int.from_bytes(self._random(length), "big")
        return _base62(number, length)


def _base62(number: int, length: int) -> str:
    out = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        out.append(_ALPHABET[digit])
    return "".join(out)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK)
