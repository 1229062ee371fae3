"""What happened to a user or group, from its events: who, what, before and after, by which request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.console.attributes import name_of, shown
from rosterd.console.context import Console
from rosterd.console.paging import Cut, cut, unpack
from rosterd.console.request import PageRequest
from rosterd.service.control import Directory
from rosterd.service.events import NOBODY, StoredEvent
from rosterd.service.net import UNDO
from rosterd.service.ports import Reader

PAGE: Final = 20
NAMED: Final = 10
"""The most members of one event that are told by name; of the others only how many."""
PLACE: Final = "history"

_VERBS: Final[Mapping[str, str]] = {
    "created": "Created",
    "updated": "Changed",
    "activated": "Activated",
    "deactivated": "Deactivated",
    "deleted": "Deleted",
    "erased": "Erased for good",
    "member_added": "Members added",
    "member_removed": "Members removed",
    "mapped": "Mapped",
    "paused": "Paused",
    "resumed": "Resumed",
    "disabled": "Disabled",
    "enabled": "Enabled",
    "expiring": "Ends soon",
}
_TONES: Final[Mapping[str, str]] = {
    "created": "good",
    "activated": "good",
    "deactivated": "warn",
    "deleted": "bad",
    "erased": "bad",
    "paused": "warn",
    "disabled": "bad",
    "expiring": "warn",
}


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A member of a group as an event tells it."""

    id: str
    name: str
    kind: str | None
    """``None`` if there is no such user or group now."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a history."""

    seq: int
    at: int
    title: str
    tone: str
    connection: str
    """The name of the connection that did it; ``""`` if it is not there any more."""
    ours: bool
    """Whether no identity provider did it but rosterd, told by an administrator or by its settings."""
    request_id: str
    whole: bool
    """Whether it was made or went as a whole, so that ``before`` or ``after`` is all it had."""
    before: Mapping[str, str]
    after: Mapping[str, str]
    members: tuple[Mentioned, ...]
    pending: tuple[str, ...]
    others: int
    """Members that are not told by name."""
    undone: str
    """The time from which on changes were taken back, if it is a part of that."""


async def history(
    console: Console,
    request: PageRequest,
    directory: Directory,
    names: Mapping[int, str],
    kind: str,
    id: str,
) -> Cut[Happened]:
    """The page of a resource's history that is asked for, newest first; ``names`` are connections'."""
    place = unpack(request, int, name=PLACE)
    reader = console.store.reader(directory.id)
    rows = await reader.history(kind, id, PAGE + 1, place[0] if place else None)
    page = cut(request, rows, PAGE, lambda row: row.seq, PLACE)
    lines = [await happened(reader, row, names) for row in page.rows]
    return Cut(lines, page.first, page.next)


def _attributes(values: Any) -> dict[str, str]:
    return {name: text for name, text in flat(values or {}).items() if name != "schemas"}


def flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Attributes with their values as texts; the parts of a complex one each by itself."""
    return {name: ", ".join(map(_text, _listed(value))) for name, value in _leaves(values, "")}


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}" + (":" if name.startswith("urn:") else "."))
        else:
            yield f"{prefix}{name}", value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    if not isinstance(value, Mapping):
        return "" if value is None else shown(value)
    main = value.get("value", value.get("formatted", value.get("display")))
    rest = [f"{key} {shown(inner)}" for key, inner in value.items() if inner != main]
    return f"{main} ({', '.join(rest)})" if main is not None and rest else shown(main or ", ".join(rest))


async def happened(reader: Reader, row: StoredEvent, names: Mapping[int, str], most: int = NAMED) -> Happened:
    """An event as people read it, at most so many members by name; ``names`` are those of connections."""
    event = row.event
    verb = event.type.partition(".")[2]
    data = event.data
    title = _VERBS.get(verb, event.type)
    if data.get("revived"):
        title = "Came back"
    ids = [id for id in data.get("members", ()) if isinstance(id, str)]
    pending = [value for value in data.get("pending", ()) if isinstance(value, str)]
    members = [await mentioned(reader, id) for id in ids[:most]]
    before, after = _attributes(data.get("before")), _attributes(data.get("after"))
    undo = data.get(UNDO)
    return Happened(
        seq=row.seq,
        at=event.at,
        title=title,
        tone=_TONES.get(verb, "dim"),
        connection=names.get(event.connection, ""),
        ours=event.connection == NOBODY,
        request_id=event.request_id,
        whole=verb in ("created", "deleted") or bool(data.get("revived")),
        before={name: value for name, value in before.items() if after.get(name) != value},
        after={name: value for name, value in after.items() if before.get(name) != value},
        members=tuple(members),
        pending=tuple(pending[:most]),
        others=max(0, len(ids) - most) + max(0, len(pending) - most),
        undone=str(undo.get("since", "")) if isinstance(undo, Mapping) else "",
    )


async def mentioned(reader: Reader, id: str) -> Mentioned:
    """A user or group by its id, with its name if it is there, deleted ones too."""
    for kind in ("User", "Group"):
        row = await reader.get(kind, id) or await reader.find_deleted(kind, id)
        if row is not None:
            return Mentioned(id, name_of(orjson.loads(row.document)) or id, kind)
    return Mentioned(id, id, None)
