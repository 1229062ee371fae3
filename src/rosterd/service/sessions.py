"""Sessions of the console: a random value in a cookie, of which only the SHA-256 is kept.

    administrator   ends after ``hours``, or two hours after it was last seen
    set-up link     ends after eight hours at the latest, like that, and with its link

A session is looked up at each request together with whom it belongs to, so that disabling an administrator,
revoking a link and ending a session work at once in every process.
"""

import contextlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service import credential_text
from rosterd.service.administrators import NONE, Administrator, SecondFactor
from rosterd.service.audit import ADMINISTRATOR, SETUP_LINK, Actor, Entry
from rosterd.service.ports import StoreUnavailable
from rosterd.service.setup_links import SetupLink
from rosterd.service.visitor import SETUP, Visitor

HOURS: Final = 12
IDLE: Final = 7_200_000
SETUP_LIFETIME: Final = 28_800_000
SEEN_EVERY: Final = 60_000
"""ms: how long a session may rest, how long one of a link lives, how exactly its last use is known."""
MOST: Final = 50
"""Sessions of one administrator or link; the oldest end when there are more."""

_MAX_AGENT: Final = 300
_HOUR: Final = 3_600_000
_PREFIX: Final = "rse"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request comes from."""

    address: str | None
    """The network address."""
    agent: str
    """The browser, as it calls itself."""
    request_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session, without its value. Times in ms."""

    id: str
    administrator: str | None
    setup_link: str | None
    """Ids; one of the two is there."""
    created: int
    seen: int
    """When it was last used, to a minute."""
    expires: int
    address: str | None
    agent: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a session's value leads to, read at each request."""

    session: Session
    administrator: Administrator | None
    link: SetupLink | None


class SessionControl(Protocol):
    """The part of the control plane for sessions."""

    async def session(self, digest: bytes) -> Found | None:
        """The session with whom it belongs to, in one look-up; ended ones included."""

    async def sessions(self, administrator: str, at: int, idle: int) -> tuple[Session, ...]:
        """An administrator's that end after ``at`` and were seen after ``idle``, newest first."""

    async def create_session(
        self,
        session: Session,
        digest: bytes,
        replaces: bytes | None,
        passed: Sequence[str],
        revision: int,
        entry: Entry,
        factor: SecondFactor | None = None,
    ) -> None:
        """Keep a session in place of another; note the log-in, or the use of the link.

        Failures of the first of ``passed`` are forgotten, and of each other one is taken back
        (``service.login``). A ``factor`` is what the administrator's is after the log-in, and moves their
        revision. Raises ``LookupError`` if whom it belongs to is gone, or is an administrator who has another
        ``revision`` by now.
        """

    async def session_seen(self, id: str, at: int) -> None:
        """Move the time it was last seen forward."""

    async def end_session(self, digest: bytes, entry: Entry) -> bool:
        """End a session; ``False``, and no entry, if there is none."""

    async def revoke_session(self, administrator: str, id: str, entry: Entry) -> bool:
        """End a session of an administrator; ``False``, and no entry, if there is none."""

    async def revoke_sessions(self, administrator: str, but: str, entry: Entry) -> int:
        """End all sessions of an administrator but one, and say how many; no entry for none."""

    async def purge_sessions(self, at: int) -> int:
        """Remove those that ended by a time."""


class Sessions:
    """Open, find and end sessions. ``secret`` makes the CSRF tokens; ``hours`` a session lives at most."""

    def __init__(
        self,
        control: SessionControl,
        now: Callable[[], int],
        random: credential_text.Random,
        secret: bytes,
        hours: int = HOURS,
    ) -> None:
        self._control = control
        self._now = now
        self._random = random
        self._secret = secret
        self._lifetime = hours * _HOUR

    async def open(
        self,
        administrator: Administrator,
        place: Place,
        *,
        way: str,
        replaces: str = "",
        passed: Sequence[str] = (),
        factor: SecondFactor | None = None,
    ) -> str:
        """A session of somebody who has just logged in, in a ``way``; gives its value, told here only.

        ``factor`` is what a code that was used left of their second factor.

        Raises ``Conflict`` if they were changed since they were looked up: the password may be another one.
        """
        by = actor_of(administrator, place.address, place.request_id)
        now = self._now()
        session = Session(
            id=credential_text.public_id(self._random),
            administrator=administrator.id,
            setup_link=None,
            created=now,
            seen=now,
            expires=now + self._lifetime,
            address=place.address,
            agent=place.agent[:_MAX_AGENT],
        )
        owner, home, revision = administrator.target, administrator.directory, administrator.revision
        try:
            return await self._open(session, owner, home, by, way, replaces, passed, revision, factor)
        except LookupError as error:
            raise errors.Conflict("Your account was changed at this moment. Log in again.") from error

    async def open_setup(self, link: SetupLink, place: Place, *, replaces: str = "") -> str:
        """A session of whoever has the link; gives its value, told here only."""
        now = self._now()
        return await self._open(
            Session(
                id=credential_text.public_id(self._random),
                administrator=None,
                setup_link=link.id,
                created=now,
                seen=now,
                expires=min(link.expires, now + SETUP_LIFETIME),
                address=place.address,
                agent=place.agent[:_MAX_AGENT],
            ),
            f"set-up link {link.id}",
            link.directory,
            _actor_of_link(link, place.address, place.request_id),
            "set-up link",
            replaces,
            (),
        )

    async def visitor(self, value: str, place: Place, *, used: bool = True) -> Visitor | None:
        """Who has the session of this value; ``None`` if it is not known or has ended.

        Unless it is ``used``, by somebody and not by a page that refreshes itself, it ends as soon as before.
        """
        if not credential_text.is_secret(_PREFIX, value):
            return None
        found = await self._control.session(credential_text.digest(value))
        now = self._now()
        if found is None or found.session.expires <= now or found.session.seen <= now - IDLE:
            return None
        visitor = self._visitor(found, value, place, now)
        if used and visitor is not None and found.session.seen <= now - SEEN_EVERY:
            with contextlib.suppress(StoreUnavailable):  # which is no reason to show nothing
                await self._control.session_seen(found.session.id, now)
        return visitor

    async def list(self, administrator: str) -> tuple[Session, ...]:
        """An administrator's sessions, newest first."""
        now = self._now()
        return await self._control.sessions(administrator, now, now - IDLE)

    async def end(self, value: str, directory: int | None, *, by: Actor) -> None:
        """Log out; ``directory`` is the only one they know of."""
        entry = Entry(by, self._now(), "session.ended", f"session of {by}", directory)
        await self._control.end_session(credential_text.digest(value), entry)

    async def revoke(self, administrator: Administrator, id: str, *, by: Actor) -> None:
        """End one session of an administrator. Raises ``NotFound``."""
        entry = self._revoked(f"session {id} of {administrator.target}", administrator, by)
        if not await self._control.revoke_session(administrator.id, id, entry):
            raise errors.NotFound(f"Administrator '{administrator.name}' has no session {id}.")

    async def revoke_all(self, administrator: Administrator, *, but: str = NONE, by: Actor) -> int:
        """End all sessions of an administrator but one, and say how many."""
        entry = self._revoked(f"sessions of {administrator.target}", administrator, by)
        return await self._control.revoke_sessions(administrator.id, but, entry)

    def _revoked(self, target: str, administrator: Administrator, by: Actor) -> Entry:
        return Entry(by, self._now(), "session.revoked", target, administrator.directory)

    async def _open(
        self,
        session: Session,
        owner: str,
        directory: int | None,
        by: Actor,
        way: str,
        replaces: str,
        passed: Sequence[str],
        revision: int = 0,
        factor: SecondFactor | None = None,
    ) -> str:
        value = credential_text.make_secret(_PREFIX, self._random)
        after = {"by": way, "agent": session.agent}
        target = f"session {session.id} of {owner}"
        entry = Entry(by, session.created, "session.created", target, directory, after=after)
        old = credential_text.digest(replaces) if replaces else None
        digest = credential_text.digest(value)
        await self._control.create_session(session, digest, old, passed, revision, entry, factor)
        return value

    def _visitor(self, found: Found, value: str, place: Place, now: int) -> Visitor | None:
        session, administrator, link = found.session, found.administrator, found.link
        csrf = hmac.digest(self._secret, b"csrf " + value.encode(), "sha256").hex()
        if administrator is not None and administrator.disabled is None:
            by = actor_of(administrator, place.address, place.request_id)
            return Visitor(by, administrator.role, session.id, csrf, administrator.directory)
        if link is not None and link.state(now) == "valid":
            by = _actor_of_link(link, place.address, place.request_id)
            return Visitor(by, SETUP, session.id, csrf, link.directory, link.connection)
        return None


def actor_of(administrator: Administrator, address: str | None, request_id: str) -> Actor:
    """An administrator as the audit log knows them."""
    return Actor(ADMINISTRATOR, administrator.name, administrator.id, address, request_id)


def _actor_of_link(link: SetupLink, address: str | None, request_id: str) -> Actor:
    return Actor(SETUP_LINK, link.label or link.id, link.id, address, request_id)
