"""What the memory store finds: a listing looks at every resource with ``scim.match``, full and folded."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rosterd.scim import urns
from rosterd.scim.filter import Bound
from rosterd.scim.index import Scalar
from rosterd.scim.match import folded_document, match, sort_key
from rosterd.scim.membership import Member
from rosterd.scim.render import etag, format_time
from rosterd.scim.schema import Ref, ResourceType
from rosterd.service.audit import Entry as AuditEntry
from rosterd.service.control import Directory
from rosterd.service.events import StoredEvent
from rosterd.service.limits import Loss
from rosterd.service.mapping import Value
from rosterd.service.past import Owed
from rosterd.service.ports import Membership, Page, Position, Query, Stored
from rosterd.service.projections import Mapped
from rosterd.service.standing import Standing
from rosterd.store.compile import Scope
from rosterd.store.compile import condition as compiled_condition
from rosterd.store.compile import sort_key as compiled_sort_key
from rosterd.store.listing import grouped

Displays = dict[str, str | None]


@dataclass(slots=True)
class State:
    """One directory: members and pending values by group, unique values by kind, attribute and value."""

    rows: dict[str, Stored] = field(default_factory=dict)
    unique: dict[tuple[str, str, str], str] = field(default_factory=dict)
    members: dict[str, Displays] = field(default_factory=dict)
    pending: dict[str, Displays] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    seq: int = 0
    standings: dict[int, Standing] = field(default_factory=dict)
    losses: dict[int, Loss] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    """Connections that were deleted, and when."""
    forgotten: int = 0
    audit: list[AuditEntry] = field(default_factory=list)
    owed: dict[tuple[str, str], Owed] = field(default_factory=dict)
    mapping: Mapped | None = None
    projections: dict[str, Value] = field(default_factory=dict)
    adopted: dict[str, str] = field(default_factory=dict)
    directory: Directory | None = None
    """As the transaction found it, or defines it."""

    def copy(self) -> "State":
        """A state of its own; what it holds never changes."""
        members = {group: dict(displays) for group, displays in self.members.items()}
        pending = {group: dict(displays) for group, displays in self.pending.items()}
        return State(
            dict(self.rows),
            dict(self.unique),
            members,
            pending,
            list(self.events),
            self.seq,
            dict(self.standings),
            dict(self.losses),
            dict(self.removed),
            self.forgotten,
            list(self.audit),
            dict(self.owed),
            self.mapping,
            dict(self.projections),
            dict(self.adopted),
            self.directory,
        )

    def live(self, kind: str) -> list[Stored]:
        """The live resources of a kind, by seq."""
        rows = (row for row in self.rows.values() if row.kind == kind and row.deleted is None)
        return sorted(rows, key=lambda row: row.seq)


Entry = tuple[Stored, Position]


def search(state: State, query: Query) -> Page:
    """See ``Reader.search``."""
    found = list(_found(state, query))
    behind = [entry for entry in _ordered(found, query) if _is_behind(entry[1], query)]
    page = behind[query.offset : query.offset + query.limit]
    rows = tuple(row for row, _ in page)
    return Page(
        rows=rows,
        positions=tuple(position for _, position in page),
        more=len(behind) > query.offset + query.limit,
        total=len(found) if query.total else None,
        groups=memberships(state, grouped(query, rows)),
    )


def _found(state: State, query: Query) -> Iterator[Entry]:
    """Every live resource that the query matches, with its place in the order."""
    for resource_type, b in query.targets.items():
        ref = query.sort.get(resource_type) if query.sort else None
        _refuse(resource_type, b, ref)
        for row in state.live(resource_type.name):
            if b is None and ref is None:
                yield row, Position(row.seq)
                continue
            document = folded_document(_full(state, row, resource_type, query.connection), resource_type)
            if b is None or match(b, document):
                yield row, Position(row.seq, sort_key(ref, document) if ref else None)


def _refuse(resource_type: ResourceType, b: Bound | None, ref: Ref | None) -> None:
    """Raise what an SQL store raises for a filter or order that only an answer could tell."""
    scope = Scope(resource_type, None)
    compiled_sort_key(ref, scope)
    if b is not None:
        compiled_condition(b, scope)


def _full(state: State, row: Stored, resource_type: ResourceType, connection: int | None) -> dict[str, Any]:
    """The resource as its reader sees it, but for the addresses."""
    document: dict[str, Any] = json.loads(row.document)
    document["id"] = row.id
    if row.external_id is not None and connection in (None, row.connection):
        document["externalId"] = row.external_id
    document["meta"] = {
        "resourceType": row.kind,
        "created": format_time(row.created),
        "lastModified": format_time(row.modified),
        "version": etag(row.version),
    }
    if resource_type.schema.id == urns.USER:
        document["groups"] = [
            _shown(m.group, "direct" if m.direct else "indirect", m.display)
            for m in listed_groups(state, row.id)
        ]
    if resource_type.schema.id == urns.GROUP:
        document["members"] = [_shown(m.value, m.type, m.display) for m in listed_members(state, row.id)]
    return document


def _shown(value: str, type: str | None, display: str | None) -> dict[str, str]:
    shown = {"value": value, "$ref": value, "type": type, "display": display}
    return {name: text for name, text in shown.items() if text}


def _ordered(found: Iterable[Entry], query: Query) -> list[Entry]:
    """By key, numbers before texts, and by seq; those without a key last, and first if descending."""
    by_seq = sorted(found, key=lambda entry: entry[1].seq)
    without = [entry for entry in by_seq if entry[1].key is None]
    keyed = [(_rank(entry[1].key), entry) for entry in by_seq if entry[1].key is not None]
    keyed.sort(key=lambda pair: pair[0], reverse=query.descending)
    ordered = [entry for _, entry in keyed]
    return without + ordered if query.descending else ordered + without


def _rank(key: Scalar | None) -> tuple[bool, Any]:
    return isinstance(key, str), key


def _is_behind(position: Position, query: Query) -> bool:
    after = query.after
    if after is None:
        return True
    if query.sort is None or position.key == after.key:
        return position.seq > after.seq
    if position.key is None or after.key is None:
        return (position.key is None) is not query.descending
    one, other = _rank(position.key), _rank(after.key)
    return one < other if query.descending else one > other


def listed_members(state: State, group: str) -> list[Member]:
    """The group's members by id, with the names they are shown by."""
    return [
        Member(id, state.rows[id].kind, display or _name(state.rows[id]))
        for id, display in sorted(state.members.get(group, {}).items())
    ]


def memberships(state: State, ids: Iterable[str]) -> dict[str, tuple[Membership, ...]]:
    """See ``Reader.memberships``."""
    found = {id: tuple(listed_groups(state, id)) for id in ids}
    return {id: groups for id, groups in found.items() if groups}


def listed_groups(state: State, id: str) -> list[Membership]:
    """Direct groups, then those they are in, each once; not the resource itself, if there is a circle."""
    found: dict[str, bool] = {}
    ring, direct = [id], True
    while ring:
        ring = [
            g
            for g, members in state.members.items()
            if g not in found and not members.keys().isdisjoint(ring)
        ]
        found.update(dict.fromkeys(ring, direct))
        direct = False
    groups = [(not direct, state.rows[g].seq, g) for g, direct in found.items() if g != id]
    return [Membership(g, _name(state.rows[g]), not indirect) for indirect, _, g in sorted(groups)]


def _name(row: Stored) -> str | None:
    document = json.loads(row.document)
    names = (document.get(name) for name in ("displayName", "userName"))
    return next((name for name in names if isinstance(name, str) and name), None)
