"""Passwords of administrators: what one may be, how one is made, and who hashes it.

Hashing takes tens of milliseconds and draws a salt, so it is handed in, with the estimate of how soon one
is guessed.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from rosterd.scim import errors

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
"""Characters."""
WORDS: Final = (
    *("rosterd", "scim", "okta", "entra", "azure", "onelogin", "ping", "jumpcloud", "google", "workspace"),
    *("provisioning", "directory", "console", "admin", "administrator", "operator", "owner", "company"),
)
"""What whoever guesses here tries first, beside the name."""

# Nothing that is read for something else, so that a password can be told on the telephone: 32 letters.
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 7, 4


class Hasher(Protocol):
    """Makes and checks hashes, beside the event loop. Raises ``Unavailable`` if too many are waiting."""

    async def hash(self, password: str) -> str:
        """What is kept of a password."""

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the one that was kept; as slow without one (``None``), which is ``False``."""

    async def guessable(self, password: str, words: Sequence[str]) -> bool:
        """Whether it is among the 10¹⁰ that are tried first by who knows these ``words``."""


async def hashed(hasher: Hasher, password: str, name: str) -> str:
    """What is kept of a password, if an administrator of this name may have it. Raises ``InvalidValue``."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise errors.InvalidValue(
            f"password: {MIN_LENGTH} to {MAX_LENGTH} characters are needed, not {len(password)}."
        )
    if password.casefold() == name.casefold():
        raise errors.InvalidValue("password: it must not be the name to log in with.")
    if await hasher.guessable(password, (name, *name.split("@"), *WORDS)):
        raise errors.InvalidValue(
            "password: it is one of those that are guessed first. Take four words that have nothing to do "
            "with each other, or let a password manager make one."
        )
    return await hasher.hash(password)


def readable(random: Callable[[int], bytes]) -> str:
    """A new password of 140 random bits, in groups of letters and digits."""
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in random(_GROUPS * _GROUP))
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
