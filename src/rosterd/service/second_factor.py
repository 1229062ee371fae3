"""A second factor beside an administrator's password: an authenticator app, and codes for when it is lost.

    code            6 digits of the app, another one every 30 seconds (TOTP, RFC 6238)
    recovery code   32 letters and digits in groups of four, 160 random bits

Either counts once. The app's secret is kept encrypted, of a recovery code its SHA-256 only. A code is taken a
step of 30 seconds before and after its own, for clocks that differ.
"""

import base64
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service.administrators import NONE, Administrator, Administrators, SecondFactor
from rosterd.service.audit import Actor
from rosterd.service.credential_text import Random

RECOVERY_CODES: Final = 10
MOST_TYPED: Final = 64
"""Characters of a code, with what people put between its groups."""
_DIGITS: Final = 10
"""More than any app shows; what is longer is for recovery."""
_RECOVERY_BYTES: Final = 20
_WRONG: Final = (
    "The code is not right. Type the one that the app shows now; each code counts once. If it never is "
    "right, look at the clock of the phone."
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A new secret for an app, which is not in force yet."""

    sealed: str
    """The encrypted secret, for the form to bring back; it is of use to this administrator only."""
    secret: str
    """In base32, to be typed."""
    address: str
    """``otpauth://…``, to be read by the app as a QR code."""


class Authenticator(Protocol):
    """Secrets of authenticator apps, and their codes."""

    def offer(self, administrator: Administrator, sealed: str = "") -> Offer:
        """A new secret; or the same again, of what was offered to this administrator before.

        Raises ``LookupError`` like ``step``.
        """

    def step(self, administrator: str, sealed: str, code: str, at: int) -> int | None:
        """Of which step of time the code is, if of one near ``at`` (ms); ``None``: it is wrong.

        Raises ``LookupError`` for a secret that is not this administrator's, or of another installation.
        """


@dataclass(frozen=True, slots=True)
class Passed:
    """A code that was right: what it was, and what the second factor is after it."""

    way: str
    left: SecondFactor


class SecondFactors:
    """Set up, look at and remove second factors.

    ``is_required`` tells whether whoever logs in by password needs one.
    """

    def __init__(
        self,
        administrators: Administrators,
        authenticator: Authenticator,
        now: Callable[[], int],
        random: Random,
        is_required: Callable[[], Awaitable[bool]],
    ) -> None:
        self._administrators = administrators
        self._authenticator = authenticator
        self._now = now
        self._random = random
        self.is_required = is_required

    def offer(self, administrator: Administrator, sealed: str = "") -> Offer:
        """A secret to set an app up with; nothing is kept of it until ``add``.

        Whoever mistyped a code is offered the same again, as the app has it already.
        """
        with contextlib.suppress(LookupError):
            return self._authenticator.offer(administrator, sealed)
        return self._authenticator.offer(administrator)

    async def add(
        self, old: Administrator, sealed: str, code: str, *, keep: str = NONE, by: Actor
    ) -> tuple[Administrator, tuple[str, ...]]:
        """Put an offer in force by a code of the app; gives the recovery codes, told here only.

        All sessions but ``keep`` end. Raises ``InvalidValue`` for a code that is not right, or an offer to
        somebody else, and ``Conflict`` if there is a second factor already.
        """
        if old.second_factor is not None:
            raise errors.Conflict(f"Administrator '{old.name}' has a second factor; remove it first.")
        now = self._now()
        try:
            step = self._authenticator.step(old.id, sealed, _typed(code), now)
        except LookupError as error:
            raise errors.InvalidValue("The form is not of this administrator. Load it again.") from error
        if step is None:
            raise errors.InvalidValue(_WRONG)
        codes = self._codes()
        factor = SecondFactor(sealed, now, step, tuple(map(_digest, codes)))
        return await self._administrators.set_second_factor(old, factor, keep=keep, by=by), codes

    async def renew(
        self, old: Administrator, *, keep: str = NONE, by: Actor
    ) -> tuple[Administrator, tuple[str, ...]]:
        """New recovery codes in place of the others, told here only. Raises ``NotFound``, ``Conflict``."""
        codes = self._codes()
        factor = replace(_of(old), recovery=tuple(map(_digest, codes)))
        return await self._administrators.set_second_factor(old, factor, keep=keep, by=by), codes

    async def remove(self, old: Administrator, *, keep: str = NONE, by: Actor) -> Administrator:
        """The password is enough again; all sessions but ``keep`` end. Raises ``NotFound``, ``Conflict``."""
        _of(old)
        return await self._administrators.set_second_factor(old, None, keep=keep, by=by)

    def passed(self, administrator: Administrator, code: str) -> Passed | None:
        """What a code comes to, of the app or for recovery; ``None``: it is wrong, or counted before.

        What is left must be kept before anything is done because of it, or the code would count twice.
        """
        factor = administrator.second_factor
        if factor is None or len(code) > MOST_TYPED:
            return None
        typed = _typed(code)
        if len(typed) > _DIGITS:
            digest = _digest(typed)
            if digest not in factor.recovery:
                return None
            rest = tuple(kept for kept in factor.recovery if kept != digest)
            return Passed("password and recovery code", replace(factor, recovery=rest))
        step = self._authenticator.step(administrator.id, factor.sealed, typed, self._now())
        if step is None or step <= factor.step:
            return None
        return Passed("password and code", replace(factor, step=step))

    def after(self, administrator: Administrator, code: str) -> Administrator:
        """Whoever has shown a code, as they are to be kept after it. Raises ``Forbidden``."""
        passed = self.passed(administrator, code)
        if passed is None:
            raise errors.Forbidden("The code is not right, or was used before.")
        return replace(administrator, second_factor=passed.left)

    def _codes(self) -> tuple[str, ...]:
        return tuple(_grouped(self._random(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))


def _of(administrator: Administrator) -> SecondFactor:
    if administrator.second_factor is None:
        raise errors.NotFound(f"Administrator '{administrator.name}' has no second factor.")
    return administrator.second_factor


def _grouped(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _typed(code: str) -> str:
    """A code without what people put between its groups."""
    return "".join(letter for letter in code if letter.isalnum()).lower()


def _digest(code: str) -> str:
    return hashlib.sha256(_typed(code).encode()).hexdigest()
