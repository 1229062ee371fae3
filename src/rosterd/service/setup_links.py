"""Set-up links: ``rsl_<id>_<secret><checksum>`` opens the set-up of one connection, without an account.

Its form is that of ``credential_text``; only the SHA-256 of the whole text is kept. What is opened is a
session (``service.sessions``) that never outlives its link.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim import errors
from rosterd.service import credential_text
from rosterd.service.audit import Actor, Entry
from rosterd.service.control import Connection

MIN_LIFETIME: Final = 3_600
MAX_LIFETIME: Final = 2_592_000
DEFAULT_LIFETIME: Final = 604_800
"""Seconds: an hour, 30 days, 7 days."""
MAX_LABEL: Final = 200
PATH: Final = "/setup/"
"""Where a link leads, followed by its text."""

_PREFIX: Final = "rsl"


@dataclass(frozen=True, slots=True)
class SetupLink:
    """A set-up link, without its secret. Times in ms."""

    id: str
    directory: int
    connection: int
    digest: bytes
    """SHA-256 of the whole text."""
    label: str
    created: int
    expires: int
    last_used: int | None = None
    """When a session was last opened with it."""
    revoked: int | None = None

    def state(self, now: int) -> str:
        """``valid``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires <= now else "valid"


class SetupLinkControl(Protocol):
    """The part of the control plane for set-up links."""

    async def setup_link(self, id: str) -> SetupLink | None:
        """A link, revoked and expired ones included."""

    async def setup_link_page(
        self, directory: int, connection: int, after: tuple[int, str] | None, limit: int
    ) -> tuple[SetupLink, ...]:
        """A connection's links, newest first, behind a time of creation and id."""

    async def create_setup_link(self, link: SetupLink, entry: Entry) -> None:
        """Keep a link. Raises ``UniqueViolation`` on its id, ``LookupError`` without its connection."""

    async def revoke_setup_link(self, directory: int, id: str, at: int, entry: Entry) -> bool:
        """Revoke a link and end its sessions; ``False`` if the directory has none that was not revoked."""


class SetupLinks:
    """Make, open and revoke set-up links."""

    def __init__(
        self, control: SetupLinkControl, now: Callable[[], int], random: credential_text.Random
    ) -> None:
        self._control = control
        self._now = now
        self._random = random

    async def create(
        self, connection: Connection, *, label: str = "", lifetime: int = DEFAULT_LIFETIME, by: Actor
    ) -> tuple[SetupLink, str]:
        """A link valid for ``lifetime`` seconds, and its text, which is told here only.

        Raises ``InvalidValue`` for a lifetime outside an hour to 30 days, or a label too long.
        """
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise errors.InvalidValue(
                f"A set-up link lives {MIN_LIFETIME} to {MAX_LIFETIME} seconds (an hour to 30 days), "
                f"not {lifetime}."
            )
        if len(label) > MAX_LABEL:
            raise errors.InvalidValue(f"label: at most {MAX_LABEL} characters.")
        now = self._now()
        id, text = credential_text.make(_PREFIX, self._random)
        link = SetupLink(
            id=id,
            directory=connection.directory,
            connection=connection.id,
            digest=credential_text.digest(text),
            label=label,
            created=now,
            expires=now + lifetime * 1000,
        )
        entry = Entry(
            by, now, "setup_link.created", _target(link, connection), link.directory,
            after={"label": label, "lifetime": lifetime},
        )  # fmt: skip
        await self._control.create_setup_link(link, entry)
        return link, text

    async def find(self, connection: Connection, id: str) -> SetupLink:
        """A connection's link. Raises ``NotFound``."""
        found = await self._control.setup_link(id)
        if found is None or (found.directory, found.connection) != (connection.directory, connection.id):
            raise errors.NotFound(f"Connection '{connection.name}' has no set-up link {id}.")
        return found

    async def revoke(self, connection: Connection, id: str, *, by: Actor) -> SetupLink:
        """Revoke at once, sessions included; again is no error. Raises ``NotFound``."""
        link = await self.find(connection, id)
        now = self._now()
        entry = Entry(by, now, "setup_link.revoked", _target(link, connection), link.directory)
        await self._control.revoke_setup_link(link.directory, id, now, entry)
        return await self.find(connection, id)

    async def by_text(self, text: str) -> SetupLink:
        """The valid link with this text. Raises ``NotFound``, ``Gone`` for one that has ended."""
        id = credential_text.id_of(_PREFIX, text)
        if id is None:
            raise errors.NotFound("The set-up link is incomplete or mistyped. Copy all of it.")
        link = await self._control.setup_link(id)
        if link is None or not credential_text.matches(link.digest, text):
            raise errors.NotFound("This set-up link is not known here. Ask for a new one.")
        state = link.state(self._now())
        if state != "valid":
            raise errors.Gone(f"This set-up link is {state}. Ask whoever sent it for a new one.")
        return link


def _target(link: SetupLink, connection: Connection) -> str:
    return f"set-up link {link.id} of connection '{connection.name}'"
