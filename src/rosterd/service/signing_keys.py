"""The keys that sign security event tokens: published before they sign, and for a time after.

    created ------ AHEAD ------ signs ......... the next one signs ------ KEEP ------ ends
    |<------------------------- published at the JWKS address ------------------------->|

A receiver that keeps the key set for no longer than ``AHEAD`` never meets a key it does not know. All times
are milliseconds since the epoch. Keys are made at first use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.audit import ITSELF, Actor, Entry

ES256: Final = "ES256"
RS256: Final = "RS256"
ALGORITHMS: Final[Mapping[str, str]] = {
    ES256: "ECDSA on the curve P-256",
    RS256: "RSA with 3072 bits, for receivers that know nothing newer",
}
AHEAD: Final = 2 * 86_400_000
"""So long a key is published before it signs: a receiver may keep the key set that long."""
KEEP: Final = 7 * 86_400_000
"""So long a key is published after it signed its last token."""
MAX_AGE: Final = 3600
"""Seconds that the key set asks to be kept for."""
_DAY: Final = 86_400_000
_AGE: Final = 1000  # ms that keys are remembered

NEXT: Final = "next"
SIGNING: Final = "signing"
KEPT: Final = "kept"
STATES: Final = (NEXT, SIGNING, KEPT)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key; its private half is encrypted."""

    kid: str
    """Its thumbprint (RFC 7638)."""
    algorithm: str
    public: Mapping[str, Any]
    """A JSON Web Key (RFC 7517)."""
    sealed: bytes
    created: int
    signs: int
    """From then on it signs, until a newer one does."""
    ends: int | None = None
    """From then on it is not published; ``None`` for the newest one."""


class SigningKeyStore(Protocol):
    """The port: keys of the installation."""

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        """All that there are, the newest first."""

    async def add_signing_key(self, key: SigningKey, newest: str | None, end: int, entry: Entry) -> bool:
        """Keep a key; those there are end at ``end`` or earlier.

        ``False``, and nothing is changed, if the first of ``signing_keys`` is not ``newest`` any more.
        """

    async def forget_signing_keys(self, before: int) -> int:
        """Delete those that ended by then; how many."""


class Signer(Protocol):
    """Makes keys and signs with them."""

    def make_key(self, algorithm: str) -> tuple[str, Mapping[str, Any], bytes]:
        """A new key: its id, its public half and the private one, encrypted."""

    def sign(self, key: SigningKey, claims: bytes) -> str:
        """The claims (JSON) as a signed token (RFC 7515 §3.1). Raises ``LookupError`` if the key cannot."""


class SigningKeys:
    """The keys of the installation. ``issuer`` is its public URL; ``now`` gives ms."""

    def __init__(self, store: SigningKeyStore, signer: Signer, issuer: str, now: Callable[[], int]) -> None:
        self.issuer = issuer
        self._store = store
        self._signer = signer
        self._now = now
        self._known: tuple[int, tuple[SigningKey, ...]] = (-_AGE, ())

    async def published(self) -> tuple[SigningKey, ...]:
        """The keys that are published now, newest first; at most a second old."""
        now = self._now()
        if not 0 <= now - self._known[0] < _AGE:
            self._known = now, await self._store.signing_keys()
        return tuple(key for key in self._known[1] if key.ends is None or key.ends > now)

    async def jwks(self) -> dict[str, Any]:
        """The key set (RFC 7517 §5)."""
        keys = await self.published()
        return {"keys": [{**k.public, "kid": k.kid, "use": "sig", "alg": k.algorithm} for k in keys]}

    def state(self, key: SigningKey) -> str:
        """Whether a published key is the next, the one that signs, or kept for what it signed."""
        now = self._now()
        if key.signs > now:
            return NEXT
        # One that has been followed ends ``KEEP`` after the other began to sign.
        return SIGNING if key.ends is None or key.ends - KEEP > now else KEPT

    async def sign(self, claims: bytes) -> str:
        """A signed token. Raises ``LookupError`` if there is no key that can, or no issuer."""
        if not self.issuer:
            raise LookupError("ROSTERD_BASE_URL is not set, and a token names who made it")
        key = self._signing(await self.published())
        if key is None:
            raise LookupError("there is no signing key; make one with 'rosterd set-key rotate'")
        return self._signer.sign(key, claims)

    async def ensure(self, *, by: Actor) -> None:
        """Make the first key if there is none; nobody can have a key set without it yet."""
        if not await self._store.signing_keys():
            await self._add(ES256, self._now(), (), by, self._now())

    async def rotate(self, *, algorithm: str | None = None, at_once: bool = False, by: Actor) -> SigningKey:
        """Make a new key that signs after ``AHEAD``.

        ``at_once``, after a theft, it signs now and every other key is withdrawn. Raises ``InvalidValue``,
        ``Conflict`` if a next key is waiting already.
        """
        if algorithm is not None and algorithm not in ALGORITHMS:
            raise errors.InvalidValue(f"algorithm: must be one of {', '.join(ALGORITHMS)}.")
        now = self._now()
        keys = await self._store.signing_keys()
        if keys and keys[0].signs > now and not at_once:
            raise errors.Conflict(
                f"The next key is published already and signs from {format_time(keys[0].signs)} on."
            )
        signs = now if at_once or not keys else now + AHEAD
        end = now if at_once else signs + KEEP
        made = await self._add(algorithm or (keys[0].algorithm if keys else ES256), signs, keys, by, end)
        if made is None:
            raise errors.Conflict("Somebody else has made a new key at the same moment.")
        return made

    async def keep_up(self, days: int) -> None:
        """Rotate a key that has signed for so many days (0: never), and forget keys that have ended."""
        now = self._now()
        await self._store.forget_signing_keys(now)
        keys = await self._store.signing_keys()
        if days and keys and keys[0].signs + days * _DAY - AHEAD <= now:
            signs = max(now + AHEAD, keys[0].signs + days * _DAY)
            await self._add(keys[0].algorithm, signs, keys, ITSELF, signs + KEEP)

    async def _add(
        self, algorithm: str, signs: int, keys: tuple[SigningKey, ...], by: Actor, end: int
    ) -> SigningKey | None:
        now = self._now()
        kid, public, sealed = self._signer.make_key(algorithm)
        created = max(now, keys[0].created + 1) if keys else now  # so that their order is that of their times
        key = SigningKey(kid, algorithm, public, sealed, created, signs)
        after = {"kid": kid, "algorithm": algorithm, "signs": format_time(signs)}
        if keys:
            after["othersEnd"] = format_time(end)
        entry = Entry(by, now, "set-key.rotated", f"signing key {kid}", None, {}, after)
        added = await self._store.add_signing_key(key, keys[0].kid if keys else None, end, entry)
        self._known = (-_AGE, ())
        return key if added else None

    def _signing(self, keys: tuple[SigningKey, ...]) -> SigningKey | None:
        now = self._now()
        return next((key for key in keys if key.signs <= now), None)
