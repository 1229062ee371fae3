"""The audit log: who changed what about the installation, written in the transaction of the change.

What identity providers change is not here but in the feed, whose events are its history. Everything that an
administrator, a program with an API key or the command line changes is one entry here: every such method of a
service is told ``by`` whom, and every such write of a store takes the ``Entry``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

ADMINISTRATOR: Final = "administrator"
API_KEY: Final = "API key"
COMMAND_LINE: Final = "command line"
SETUP_LINK: Final = "set-up link"
ROSTERD: Final = "rosterd"
"""The service itself: retention, the first run."""

MASK: Final = "•••"
"""Stands in an entry for what must not be kept there."""
ATTEMPTS: Final = 10
"""How often a change is made again because another came in between, so that its entry was not true."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; ``str`` of it is how an administrator is told."""

    kind: str
    """One of the words above."""
    name: str
    """The login name, the label of a key or link, the user of the operating system."""
    id: str = ""
    """The administrator's, key's or link's id."""
    address: str | None = None
    """The network address it came from."""
    request_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'" if self.name else self.kind


ITSELF: Final = Actor(ROSTERD, "")
"""The service, acting without being told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One administrative change. ``before`` and ``after`` hold what differs, JSON-able, never a secret."""

    actor: Actor
    at: int
    """ms since the epoch."""
    action: str
    """``<thing>.<past participle>``, such as ``token.created`` or ``connection.updated``."""
    target: str
    """What it was done to, as an administrator knows it: ``token 4f… of connection 'okta'``."""
    directory: int | None = None
    """The directory concerned; ``None``: the installation."""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its number; numbers only grow."""

    seq: int
    entry: Entry


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an entry holds of a thing before and after: the values that differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {n: before[n] for n in names if n in before}, {n: after[n] for n in names if n in after}


class AuditLog(Protocol):
    """Reads of the audit log. Nothing writes an entry but the transaction of its change."""

    async def audit_page(
        self, directory: int | None, before: int | None, limit: int, action: str = ""
    ) -> tuple[StoredEntry, ...]:
        """Entries newest first, with a ``seq`` below ``before``: a directory's, or with ``None`` all.

        ``action`` is one action, or the beginning of several such as ``token.``; ``""`` means every one.
        """
