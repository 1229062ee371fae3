"""Logging in: by name and password, and a code of a second factor if there is one; or by what an identity
provider vouches for.

A log-in counts as failed until it is known to be right, under the name and under the address it comes from,
so that no number of them at once gets past the count:

    failures in 15 minutes   1 to 4   5      6      7       8       9       10 and more
    wait since the last one  none     30 s   60 s   2 min   4 min   8 min   15 min

An attempt that comes too early is not looked at and changes nothing, so nobody can keep an account locked
for good. A browser that the administrator has logged in with before has a count of its own, which strangers
cannot raise. Nobody is told whether the name or the password was wrong, nor can see it from the time it took.
Codes are counted like that, apart from passwords: whoever is asked for one knows the password.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service import credential_text
from rosterd.service.administrators import (
    MAX_NAME,
    Administrator,
    AdministratorControl,
    Administrators,
    fold,
)
from rosterd.service.audit import ROSTERD, Actor, Entry
from rosterd.service.network import network
from rosterd.service.passwords import MAX_LENGTH, Hasher
from rosterd.service.second_factor import Offer, SecondFactors
from rosterd.service.sessions import Place, Sessions, actor_of

TICKET_LIFETIME: Final = 900_000
"""ms from the right password to the code; whoever must set up an app first has to find one."""
WINDOW: Final = 900_000
FREE: Final = 5
"""ms that a failure counts, and how many there may be before one must wait."""
_FIRST_WAIT: Final = 30_000
_TICKET: Final = "rlt"
_WRONG: Final = "Name and password do not fit together. Both are needed, as an owner made them."
_LATE: Final = "Too much time has passed since the password, or your account was changed. Log in again."
_WRONG_CODE: Final = (
    "The code is not right. Type the one that your app shows now, or a recovery code; each counts once."
)
_OFTEN: Final = "There were too many attempts that failed. Wait, then try again."


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that was begun: how long to ``wait`` (ms) before it may be, and the count at each place."""

    wait: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """That the password of an administrator was right."""

    administrator: str
    """Their id."""
    revision: int
    """Theirs at that time; it holds for no other."""
    expires: int
    """When it ends (ms)."""


class LoginControl(Protocol):
    """The part of the control plane for log-ins that failed, or are half done."""

    async def begin_login(
        self, places: Sequence[str], at: int, since: int, delay: Callable[[int], int]
    ) -> Attempt:
        """Count a failure at each of the places, unless the delay after their last one is not over.

        Then nothing is counted. Failures before ``since`` do not count; ``delay`` gives ms for a count.
        """

    async def take_back(self, places: Sequence[str]) -> None:
        """One failure at each of the places was none."""

    async def keep_ticket(self, ticket: Ticket, digest: bytes, at: int, passed: Sequence[str]) -> None:
        """Keep a ticket, and forget those that ended by ``at``; one failure at each of the places was none.

        Raises ``LookupError`` if the administrator is gone.
        """

    async def ticket(self, digest: bytes) -> Ticket | None:
        """A ticket, perhaps one that has ended."""

    async def tell_failure(self, entry: Entry) -> None:
        """Write down that log-ins failed."""

    async def forget_failures(self, before: int, most: int) -> int:
        """Remove failures before a time, and all but the newest ``most``."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A log-in that was right: the session's value, and what the browser is to bring next time."""

    value: str
    browser: str


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The password was right, and a code is wanted beside it."""

    ticket: str
    """That it was right, for the form to bring back with the code."""
    offer: Offer | None = None
    """Whom an app must be set up for first: a second factor is required, and they have none."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an identity provider vouches for (OpenID Connect Core §5.1)."""

    issuer: str
    subject: str
    email: str
    verified: bool
    """Whether the issuer says that it checked the address."""


class LogIn:
    """Log in. ``default_role`` is what somebody becomes whom the provider vouches for; ``""``: nothing."""

    def __init__(
        self,
        control: LoginControl,
        known: AdministratorControl,
        administrators: Administrators,
        sessions: Sessions,
        hasher: Hasher,
        now: Callable[[], int],
        random: credential_text.Random,
        secret: bytes,
        second_factors: SecondFactors,
        default_role: str = "",
    ) -> None:
        self._control = control
        self._known = known
        self._administrators = administrators
        self._sessions = sessions
        self._hasher = hasher
        self._now = now
        self._random = random
        self._secret = secret
        self._second_factors = second_factors
        self._default_role = default_role

    async def by_password(
        self, name: str, password: str, place: Place, *, browser: str = "", replaces: str = ""
    ) -> Opened | CodeWanted:
        """Log in by name and password; ``replaces`` is the value of the session there was.

        Raises ``Unauthorized``, ``TooManyRequests``, ``Unavailable`` and ``Conflict``.
        """
        if not name or len(name) > MAX_NAME or not password or len(password) > MAX_LENGTH:
            raise errors.Unauthorized(_WRONG)
        folded = fold(name)
        places = self._places(folded, place, browser)
        attempt = await begin(self._control, places, self._now())
        try:
            found = await self._known.administrator_named(folded)
            right = await self._hasher.verify(found.password if found else None, password)
            required = right and await self._second_factors.is_required()
        except BaseException:
            await self._control.take_back(places)
            raise
        if found is None or not right or found.disabled is not None:
            await self._failed(found, place, attempt)
            raise errors.Unauthorized(_WRONG)
        if required or found.second_factor is not None:
            offer = None if found.second_factor else self._second_factors.offer(found)
            return CodeWanted(await self._ticket(found, places), offer)
        value = await self._sessions.open(found, place, way="password", replaces=replaces, passed=places)
        return Opened(value, self._browser(folded))

    async def by_code(
        self, ticket: str, code: str, place: Place, *, browser: str = "", replaces: str = ""
    ) -> Opened:
        """Go on with a code of the second factor after the password, by the ticket that was given for that.

        Raises ``Forbidden`` if the ticket does not hold any more, ``Unauthorized`` for a wrong code,
        ``TooManyRequests`` and ``Conflict``.
        """
        found, places = await self._asked(ticket, browser, place)
        attempt = await begin(self._control, places, self._now())
        passed = self._second_factors.passed(found, code)
        if passed is None:
            await self._failed(found, place, attempt)
            raise errors.Unauthorized(_WRONG_CODE)
        value = await self._sessions.open(
            found, place, way=passed.way, replaces=replaces, passed=places, factor=passed.left
        )
        return Opened(value, self._browser(fold(found.name)))

    async def by_first_code(
        self,
        ticket: str,
        offer: str,
        code: str,
        place: Place,
        *,
        browser: str = "",
        replaces: str = "",
    ) -> tuple[Opened, tuple[str, ...]]:
        """Set up the second factor that is required, and go on; gives the recovery codes, told here only.

        Raises ``Forbidden``, ``TooManyRequests`` and ``Conflict`` as ``by_code``, and ``InvalidValue`` for a
        wrong code.
        """
        found, places = await self._asked(ticket, browser, place)
        await begin(self._control, places, self._now())
        by = actor_of(found, place.address, place.request_id)
        found, codes = await self._second_factors.add(found, offer, code, by=by)
        way = "password and code"
        value = await self._sessions.open(found, place, way=way, replaces=replaces, passed=places)
        return Opened(value, self._browser(fold(found.name))), codes

    async def offered(self, ticket: str, sealed: str) -> Offer:
        """What was offered to whoever has a ticket, once more. Raises ``Forbidden``."""
        return self._second_factors.offer(await self._ticketed(ticket), sealed)

    async def _asked(self, ticket: str, browser: str, place: Place) -> tuple[Administrator, tuple[str, ...]]:
        """Whom a ticket is for, and where their codes that are wrong count. Raises ``Forbidden``."""
        found = await self._ticketed(ticket)
        return found, tuple(f"code {one}" for one in self._places(fold(found.name), place, browser))

    async def by_identity(self, identity: Identity, place: Place, *, replaces: str = "") -> Opened:
        """Log in whoever is linked to the identity, or is linked now by a verified e-mail address.

        Raises ``Forbidden`` and ``Conflict``.
        """
        try:
            found = await self._identified(identity, place)
        except errors.Forbidden:
            await self._refused(identity, place)
            raise
        value = await self._sessions.open(found, place, way="OpenID Connect", replaces=replaces)
        return Opened(value, self._browser(fold(found.name)))

    async def _identified(self, identity: Identity, place: Place) -> Administrator:
        """The administrator who is meant, linked or made if need be. Raises ``Forbidden``."""
        found = await self._known.administrator_linked(identity.issuer, identity.subject)
        if found is None:
            if not identity.verified or not identity.email:
                raise errors.Forbidden(
                    "The identity provider does not say that it checked your e-mail address, so nobody can "
                    f"be found by it. Have it verified there, or let an owner link you ({identity.subject})."
                )
            found = await self._known.administrator_named(fold(identity.email))
            if found is not None and _lower(found.name) != _lower(identity.email):
                found = None  # an address that only looks alike is another mailbox
            by = Actor(ROSTERD, "OpenID Connect", "", place.address, place.request_id)
            link = (identity.issuer, identity.subject)
            if found is not None and found.subject is not None:
                raise errors.Forbidden(
                    f"The administrator '{found.name}' is linked to another account of the identity provider."
                )
            if found is not None and found.disabled is None:
                found = await self._administrators.link(found, *link, by=by)
            elif found is None and self._default_role:
                found = await self._administrators.create(
                    identity.email, self._default_role, link=link, by=by
                )
        if found is None:
            raise errors.Forbidden(
                f"'{identity.email}' is no administrator here. Ask an owner to make you one, with this "
                "e-mail address as the name."
            )
        if found.disabled is not None:
            raise errors.Forbidden(f"The administrator '{found.name}' is disabled. Ask an owner.")
        return found

    async def _refused(self, identity: Identity, place: Place) -> None:
        """Tell the audit log, but not of each time that one account of the provider is refused."""
        at = self._now()
        places = (f"account {self._seal(f'{identity.issuer} {identity.subject}')}",)
        attempt = await self._control.begin_login(places, at, at - WINDOW, delay)
        for count in attempt.counts:
            await self._tell(f"account '{identity.subject}' of {identity.issuer}", None, place, count)

    async def _failed(self, found: Administrator | None, place: Place, attempt: Attempt) -> None:
        """Tell the audit log, but not of each one. What was typed as an unknown name may be a password."""
        name, *address = attempt.counts
        if found is not None:
            await self._tell(found.target, found.directory, place, name)
        for count in address:
            if count > 1:
                await self._tell(f"address {network(place.address)}", None, place, count)

    async def _tell(self, target: str, directory: int | None, place: Place, count: int) -> None:
        if count == 1 or _is_told(count):
            by = Actor(ROSTERD, "", "", place.address, place.request_id)
            entry = Entry(by, self._now(), "login.failed", target, directory, after={"failures": count})
            await self._control.tell_failure(entry)

    def _places(self, folded: str, place: Place, browser: str) -> tuple[str, ...]:
        nonce, _, seal = browser.partition(".")
        if nonce and hmac.compare_digest(seal.encode(), self._seal(f"browser {nonce} {folded}").encode()):
            return (f"browser {nonce}",)
        return (f"name {self._seal(folded)}", f"address {network(place.address)}")

    def _browser(self, folded: str) -> str:
        nonce = credential_text.public_id(self._random)
        return f"{nonce}.{self._seal(f'browser {nonce} {folded}')}"

    async def _ticket(self, administrator: Administrator, passed: Sequence[str]) -> str:
        """Note that the password was right; failures that were counted at these places were none."""
        text, now = credential_text.make_secret(_TICKET, self._random), self._now()
        ticket = Ticket(administrator.id, administrator.revision, now + TICKET_LIFETIME)
        try:
            await self._control.keep_ticket(ticket, credential_text.digest(text), now, passed)
        except LookupError as error:
            raise errors.Conflict(_LATE) from error
        return text

    async def _ticketed(self, text: str) -> Administrator:
        """Whom a ticket is for. Raises ``Forbidden`` for one that is too old, or of before a change."""
        if not credential_text.is_secret(_TICKET, text):
            raise errors.Forbidden(_LATE)
        ticket = await self._control.ticket(credential_text.digest(text))
        if ticket is None or ticket.expires <= self._now():
            raise errors.Forbidden(_LATE)
        found = await self._known.administrator(ticket.administrator)
        if found is None or found.disabled is not None or found.revision != ticket.revision:
            raise errors.Forbidden(_LATE)
        return found

    def _seal(self, text: str) -> str:
        return hmac.digest(self._secret, b"login " + text.encode(), "sha256").hex()[:32]


async def begin(control: LoginControl, places: Sequence[str], at: int) -> Attempt:
    """Count an attempt as failed until it is known. Raises ``TooManyRequests`` if it comes too early."""
    attempt = await control.begin_login(places, at, at - WINDOW, delay)
    if attempt.wait:
        raise errors.TooManyRequests(_OFTEN, retry_after=-(-attempt.wait // 1000))
    return attempt


def delay(count: int) -> int:
    """ms from the last of so many failures to the next attempt."""
    return min(_FIRST_WAIT << min(count - FREE, 10), WINDOW) if count >= FREE else 0


def _lower(address: str) -> str:
    """An e-mail address without the letter case of ASCII; other letters stay what they are."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in address)


def _is_told(count: int) -> bool:
    """5, 10, 20, 40 …"""
    times, rest = divmod(count, FREE)
    return rest == 0 and times & (times - 1) == 0
