"""What a connection's changes of one resource come to, and the way back from them: nothing here touches data.

Each attribute, membership and pending value is a fact: what it was before the connection's first change, and
what it became by its last one. A change that does not go on from where the one before ended (somebody else
was there in between, or an undo) begins anew: what that one found is what was before. Only a fact that is
still as the connection left it is given back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from rosterd.scim.check import checker_for
from rosterd.scim.schema import ResourceType
from rosterd.service.events import Event
from rosterd.service.ports import Stored

UNDO: Final = "undo"
"""Marks, in the data of an event, that an undo caused it."""

ABSENT: Final = "absent"
LIVE: Final = "live"
RETAINED: Final = "retained"

DELETE: Final = "delete"
UPDATE: Final = "update"
REVIVE: Final = "revive"

_CHANGED: Final = frozenset(("updated", "activated", "deactivated"))
_TOLD: Final = _CHANGED | {"created"}
Key = tuple[str, str]


@dataclass(slots=True)
class Fact:
    """Before the first change and after the last one; an attribute that is not there is ``None``."""

    before: Any
    after: Any


@dataclass(slots=True)
class Net:
    """The sum of a connection's changes of one resource."""

    kind: str
    id: str
    origin: str | None = None
    """What it was: ``ABSENT``, ``LIVE`` or ``RETAINED``; ``None`` while nothing is known."""
    state: str | None = None
    """What the connection left it as."""
    others: bool = False
    """Whether somebody else changed its attributes after the connection had made it."""
    mixed: bool = False
    """Whether anything else, be it an undo, changed its attributes at any time since."""
    attributes: dict[Key, Fact] = field(default_factory=dict)
    """By the URN of the extension (``""``: none) and name."""
    members: dict[str, Fact] = field(default_factory=dict)
    pending: dict[str, Fact] = field(default_factory=dict)

    def add(self, event: Event, *, own: bool) -> None:
        """The next event of the resource; ``own`` if the connection caused it."""
        verb, data = event.type.partition(".")[2], event.data
        if not own or UNDO in data:
            self.mixed = self.mixed or verb in _TOLD
        if UNDO in data:
            return
        if not own:
            self.others = self.others or verb in _CHANGED
        elif verb == "deleted":
            self._found(LIVE)
            self.state = RETAINED
        elif verb in _CHANGED and not data.get("revived"):
            self._found(LIVE)
            self._attributes(data)
        elif verb in ("created", "activated"):
            if data.get("revived"):
                self._found(RETAINED)
                self._attributes(data)
            else:
                self.origin = ABSENT
            self.state, self.others = LIVE, False
        elif verb in ("member_added", "member_removed"):
            self._found(LIVE)
            added = verb == "member_added"
            _follow(self.members, ((id, not added, added) for id in data.get("members", ())))
            _follow(self.pending, ((value, not added, added) for value in data.get("pending", ())))
            _follow(self.pending, ((value, True, False) for value in data.get("resolved", ())))

    @property
    def action(self) -> str | None:
        """What the way back consists in, as far as the events tell."""
        if self.origin in (ABSENT, RETAINED):
            return DELETE
        if self.origin == LIVE and self.state == RETAINED:
            return REVIVE
        return UPDATE if any(fact.before != fact.after for fact in self.attributes.values()) else None

    def values(self, *, present: bool) -> list[str]:
        """The members and pending values to put back, or with ``present`` to take away.

        An id may have been pending and a member; one that was either is put back, as what it can be.
        """
        wanted = {
            value: None
            for facts in (self.members, self.pending)
            for value, fact in facts.items()
            if fact.before and not fact.after
        }
        if not present:
            return list(wanted)
        return [
            value
            for facts in (self.members, self.pending)
            for value, fact in facts.items()
            if fact.after and not fact.before and value not in wanted
        ]

    def _found(self, state: str) -> None:
        if self.state != state:
            self.origin = state
        self.state = state

    def _attributes(self, data: Mapping[str, Any]) -> None:
        before, after = (dict(_flat(data.get(part, {}))) for part in ("before", "after"))
        _follow(self.attributes, ((key, before.get(key), after.get(key)) for key in {**before, **after}))


@dataclass(frozen=True, slots=True)
class Step:
    """The way back of one resource from what it is at present."""

    action: str | None = None
    document: Mapping[str, Any] | None = None
    """The whole document as it shall be, ``externalId`` included."""
    attributes: tuple[str, ...] = ()
    """Names of those that are given back."""
    conflicts: tuple[tuple[str | None, str], ...] = ()
    """(attribute or ``None`` for the whole, why it is left alone)."""
    lost: str = ""
    """Why it cannot be brought back."""


NOTHING: Final = Step()
_SINCE: Final = "changed by others since"


def step(net: Net, resource_type: ResourceType, row: Stored | None, connection: int) -> Step:
    """The way back, given the resource as it is: live, retained or (``None``) gone."""
    if row is None:
        gone = net.origin == LIVE and net.state == RETAINED
        return Step(lost="it was erased and nothing of it is kept") if gone else NOTHING
    live = row.deleted is None
    if net.origin in (ABSENT, RETAINED):
        if not live:
            return NOTHING
        if net.others:
            return Step(conflicts=((None, f"{_SINCE}; delete it at the identity provider if it must go"),))
        return Step(DELETE, _restored(net, resource_type, row, connection)[0])
    if net.origin is None:
        return NOTHING
    document, given_back, kept = _restored(net, resource_type, row, connection)
    conflicts = tuple((name, _SINCE) for name in kept)
    if live:
        return Step(UPDATE, document, given_back, conflicts) if given_back else Step(conflicts=conflicts)
    if net.state == RETAINED:
        return Step(REVIVE, document, given_back, conflicts)
    return Step(conflicts=((None, "deleted by others since"),)) if given_back or kept else NOTHING


def visible(row: Stored, connection: int) -> dict[str, Any]:
    """The resource's document as the connection sees it."""
    document: dict[str, Any] = orjson.loads(row.document)
    if row.external_id is not None and row.connection == connection:
        document["externalId"] = row.external_id
    return document


def _restored(
    net: Net, resource_type: ResourceType, row: Stored, connection: int
) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """The document with what can be given back; the names of that; the names of what others changed."""
    document = visible(row, connection)
    given_back, kept = [], []
    for (urn, name), fact in net.attributes.items():
        if (urn, name) == ("", "externalId") and row.connection != connection:
            continue
        part = document.get(urn, {}) if urn else document
        present = part.get(name)
        if present == fact.before or fact.before == fact.after:
            continue
        shown = f"{urn}:{name}" if urn else name
        if present != fact.after:
            kept.append(shown)
            continue
        given_back.append(shown)
        part = {key: value for key, value in part.items() if key != name}
        if fact.before is not None:
            part[name] = fact.before
        if not urn:
            document = part
        elif part:
            document[urn] = part
        else:
            document.pop(urn, None)
    document.pop("schemas", None)
    schemas = checker_for(resource_type).schemas(document)
    return {"schemas": schemas, **document}, tuple(given_back), tuple(kept)


def _flat(attributes: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    for name, value in attributes.items():
        if name == "schemas":
            continue
        if name.startswith("urn:") and isinstance(value, Mapping):
            yield from (((name, inner), part) for inner, part in value.items())
        else:
            yield ("", name), value


def _follow(facts: dict[Any, Fact], changes: Iterator[tuple[Any, Any, Any]]) -> None:
    for key, before, after in changes:
        fact = facts.get(key)
        if fact is None or fact.after != before:
            facts[key] = Fact(before, after)
        else:
            fact.after = after
