"""A history: what clients asked of a service, when, and what they know of the outcome.

    answered   the reply says what happened: done (2xx), or why not (404, 409, 412)
    refused    certainly nothing happened, and the reply says nothing of the resource: no connection was
               made, any other 4xx, and a 503 of rosterd whose detail does not say that the outcome is
               unknown
    unknown    it happened, or not, or will: no reply came, or any other 5xx

A 503 is a refusal because rosterd gives it before COMMIT or after a COMMIT that the database itself took
back. Where the database was lost in COMMIT, rosterd says ``UNKNOWN_DETAIL`` in the detail. A 503 that is no
SCIM error message comes from a load balancer: unknown. One operation is one line of JSON, so a history can
be read with grep, and those of several processes of one machine put together (times are of
``time.monotonic_ns``).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

ANSWERED: Final = "answered"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"

UNKNOWN_DETAIL: Final = "not known whether"
SCIM_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reply shows of a resource; ``None`` where it does not say."""

    id: str | None = None
    version: int | None = None
    mark: str | None = None
    active: bool | None = None
    teams: str | None = None
    """Of a crew: for each team ``1`` all are members, ``0`` none is, ``x`` some are."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One request. ``key`` names the resource; what a kind means is said in ``registers.py``."""

    client: int
    key: str
    kind: str
    began: int
    ended: int | None
    """``None`` if no reply came: it may take effect at any time after ``began``."""
    outcome: str
    status: int | None = None
    id: str | None = None
    """The id that was asked for."""
    mark: str | None = None
    active: bool | None = None
    external: bool = False
    """A create with an externalId: it revives the account that was deleted."""
    match: int | None = None
    """The version in If-Match."""
    team: int | None = None
    seen: Seen | None = None
    """What the reply shows; ``None`` with status 200: nothing is there, or the reply had no body."""
    note: str | None = None
    """Which server, and what it or the network said."""

    def text(self) -> str:
        """One line for people; times in ms since the clock's zero."""
        asked = {
            name: getattr(self, name)
            for name in ("id", "mark", "active", "external", "match", "team")
            if getattr(self, name) not in (None, False)
        } | ({"active": False} if self.active is False else {})
        seen = "" if self.seen is None else f" saw {_short(asdict(self.seen))}"
        until = "?" if self.ended is None else f"{self.ended / 1e6:.3f}"
        return (
            f"{self.began / 1e6:.3f}..{until} client {self.client} {self.kind} {_short(asked)} → "
            f"{self.outcome} {self.status or ''}{seen} {self.note or ''}"
        )


@dataclass(slots=True)
class History:
    """The operations in the order of their ends, and the events that a reader met while they were done."""

    operations: list[Operation] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    """Ids of all events from the first to the last, as one reader of the feed got them meanwhile."""
    crews: dict[str, list[list[str]]] = field(default_factory=dict)
    """By the key of a crew, the ids of the people of each team."""

    def count(self, outcome: str) -> int:
        """How many operations came to this."""
        return sum(each.outcome == outcome for each in self.operations)

    def certain(self) -> "History":
        """The same, if what got no reply was not carried out."""
        known = [
            replace(each, outcome=REFUSED) if each.outcome == UNKNOWN else each for each in self.operations
        ]
        return History(known, self.followed, self.crews)

    def write(self, path: Path) -> None:
        """Write it as JSON lines."""
        with path.open("w") as file:
            for each in self.operations:
                file.write(json.dumps(_spare(asdict(each))) + "\n")
            file.write(json.dumps({"followed": self.followed, "crews": self.crews}) + "\n")


def read(*paths: Path) -> History:
    """The history in these files, put together. Only one of them may have been followed."""
    history = History()
    for path in paths:
        for line in path.read_text().splitlines():
            record: dict[str, Any] = json.loads(line)
            if "followed" in record:
                history.followed += record["followed"]
                history.crews |= record["crews"]
                continue
            seen = record.pop("seen", None)
            values = {name.name: record.get(name.name, name.default) for name in fields(Operation)}
            values["ended"] = record.get("ended")
            history.operations.append(Operation(**values | {"seen": None if seen is None else Seen(**seen)}))
    return history


def outcome_of(status: int, body: Any, told: Sequence[int] = (404, 409, 412)) -> str:
    """What a reply says; ``told`` are the refusals that speak of the resource. See the law above."""
    if status < 300 or status in told:
        return ANSWERED
    if status < 500:
        return REFUSED
    if status == 503 and isinstance(body, dict) and SCIM_ERROR in body.get("schemas", ()):
        return UNKNOWN if UNKNOWN_DETAIL in str(body.get("detail")) else REFUSED
    return UNKNOWN


def by_key(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """The histories of the single resources."""
    found: dict[str, list[Operation]] = {}
    for each in operations:
        found.setdefault(each.key, []).append(each)
    return found


def _spare(record: dict[str, Any]) -> dict[str, Any]:
    spared = {name: value for name, value in record.items() if value is not None and value is not False}
    if record["active"] is False:
        spared["active"] = False
    if record["seen"] is not None:
        spared["seen"] = {name: value for name, value in record["seen"].items() if value is not None}
    return spared


def _short(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
