"""A listing becomes one SELECT, and its total another; no row is ever filtered in Python.

candidates   an equality that an index answers yields the ids to look at. They are only a
             superset: the whole filter is applied to them, so that an index decides nothing
             but the cost.
order        the sort key, resources without one behind the others and first if descending, then seq
             (RFC 7644 §3.4.2.3)
keyset       the page begins behind a position; no page costs more for lying deeper
narrowing    without candidates, an index of parts of texts may say where a text is contained
quick        whether the work is bounded by the page, so that it need not leave the event loop
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rosterd.scim import filter as syntax
from rosterd.scim.bind import EVERYTHING, NOTHING
from rosterd.scim.filter import And, Bound, Compare, Or
from rosterd.scim.index import INDEXED, SEARCHED, is_unique
from rosterd.scim.schema import Ref
from rosterd.service.ports import Membership, Page, Position, Query, Stored
from rosterd.store.compile import Scope, condition, membership_table, sort_key
from rosterd.store.dialect import SQLITE, Dialect
from rosterd.store.fragment import Sql, join, sql
from rosterd.store.parts import TRIGRAM, Either, Parts, Together

Found = tuple[Stored, tuple[Membership, ...]]
"""A live resource with the groups it is in."""

QUICK_ROWS: Final = 200
QUICK_OFFSET: Final = 1000

COLUMNS: Final = Sql(
    "r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted,"
    " r.document"
)
"""The fields of ``Stored``, in order."""


_KEPT: Final = 1024
"""Attributes of which is remembered whether their values are unique."""
_PARTIAL: Final = frozenset(("co", "sw", "ew", "eq"))
"""What only a text that contains the literal fulfils."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ids to look at, and how many that may be: ``rank`` 0 one, 1 few, 2 any number."""

    rank: int
    ids: Sql


@dataclass(frozen=True, slots=True)
class Listing:
    """``page`` yields ``COLUMNS`` and the sort key, one row more than the limit if there is one.

    Without ``total`` the page is all there is. If ``counted``, each row of the page also tells the total,
    or NULL if these are all. ``probe`` counts how many an index of parts of texts names, up to ``PROBED``:
    if there are as many, it had better not be asked.
    """

    page: Sql
    total: Sql | None
    quick: bool
    counted: bool = False
    probe: Sql | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """One resource type of a listing, compiled: its rows before order and limit."""

    words: Dialect
    directory: int
    kind: str
    source: Sql
    where: Sql | None
    live: Sql
    """``where`` of live resources of the type."""
    key: Sql
    probe: Sql | None
    quick: bool


def listing(query: Query, directory: int, words: Dialect = SQLITE, *, narrow: bool = True) -> Listing | None:
    """The statements of a listing; ``None`` if nothing can match. Raises ``InvalidFilter``."""
    single = _single(query, directory, words)
    if single is not None:
        return single
    targets = list(_targets(query, directory, words, narrow=narrow))
    if not targets:
        return None
    total = sql("SELECT {}", join(" + ", [_total(target) for target in targets]))
    quick = query.limit <= QUICK_ROWS and query.offset <= QUICK_OFFSET
    counted = query.total and words.counts
    return Listing(
        page=words.statement(_page(targets, query, words, total if counted else None)),
        total=words.statement(total),
        quick=quick and all(target.quick for target in targets),
        counted=counted,
        probe=next((words.statement(target.probe) for target in targets if target.probe), None),
    )


def single(query: Query) -> tuple[str, str | None, str] | None:
    """Kind, attribute and value, if all that is asked is who has a unique value: the commonest question.

    Or who has an externalId, which has no attribute here.
    """
    if len(query.targets) != 1 or query.sort or query.after or query.offset or query.limit < 1:
        return None
    ((resource_type, b),) = query.targets.items()
    if not isinstance(b, Compare) or b.op != "eq" or not isinstance(b.value, str):
        return None
    named = _names_one(b.path)
    return (resource_type.name, named[0], b.value) if named else None


@lru_cache(_KEPT)
def _names_one(ref: Ref) -> tuple[str | None] | None:
    """The attribute of a unique value, and none for an externalId; nothing if it is neither."""
    if ref.keys == ("externalId",):
        return (None,) if ref.target and ref.target.case_exact else None
    return (str(ref),) if is_unique(ref) else None


def with_one(query: Query, found: Sequence[Found]) -> Page:
    """The page of those that a ``single`` question has found, which are all there are."""
    rows = tuple([stored for stored, _ in found])
    return Page(
        rows,
        tuple([Position(row.seq) for row in rows]),
        False,
        len(rows) if query.total else None,
        {row.id: groups for row, groups in found if groups and row.kind in query.grouped},
    )


def grouped(query: Query, rows: Iterable[Stored]) -> list[str]:
    """The resources of a page whose groups are wanted."""
    return [row.id for row in rows if row.kind in query.grouped]


def _single(query: Query, directory: int, words: Dialect) -> Listing | None:
    found = single(query)
    if found is None:
        return None
    kind, attribute, value = found
    if attribute is not None:
        unique = (directory, kind, attribute, words.entry(value))
        return Listing(Sql(words.statements["with_unique"], unique), None, quick=True)
    meant = (directory, kind, value, query.connection)
    return Listing(
        page=Sql(words.statements["with_external"], (*meant, query.limit + 1)),
        total=None if words.counts else Sql(words.statements["count_external"], meant),
        quick=query.limit <= QUICK_ROWS,
        counted=words.counts,
    )


def _targets(query: Query, directory: int, words: Dialect, *, narrow: bool) -> Iterable[_Target]:
    sort = {t.name: ref for t, ref in query.sort.items()} if query.sort else {}
    for resource_type, b in query.targets.items():
        if b == NOTHING:
            continue
        scope = Scope(resource_type, query.connection, words)
        key = sort_key(sort.get(resource_type.name), scope)
        source, where, probe, quick = Sql("resource AS r"), None, None, query.sort is None
        if b is not None and b != EVERYTHING:
            found = candidates(b, scope, directory)
            quick = found is not None and found.rank < 2
            where = condition(b, scope)
            if found is not None:
                source = words.among(found.ids, directory)
            elif narrow and words.trigrams and (parts := narrowed(b)) is not None:
                where = sql("{} AND {}", words.narrow(parts, directory), where)
                probe = words.probe(parts, directory)
        kind = resource_type.name
        live = sql("r.directory = {} AND r.kind = {} AND r.deleted IS NULL", directory, kind)
        if where is not None:
            live = sql("{} AND {}", live, where)
        yield _Target(words, directory, kind, source, where, live, key, probe, quick)


def _page(targets: Sequence[_Target], query: Query, words: Dialect, total: Sql | None) -> Sql:
    order, reach = _order(query, words, Sql("")), query.limit + 1
    ordered = [
        sql(
            "SELECT place, seq, key FROM ({}) AS found WHERE {} ORDER BY {}",
            _rows(target),
            _behind(query, words),
            order,
        )
        for target in targets
    ]
    if len(ordered) == 1:
        page = sql("{} LIMIT {} OFFSET {}", ordered[0], reach, query.offset)
    else:  # of each no more than could be in the page
        heads = [sql("SELECT * FROM ({} LIMIT {}) AS head", arm, query.offset + reach) for arm in ordered]
        merged = join(" UNION ALL ", heads)
        page = sql(
            "SELECT * FROM ({}) AS merged ORDER BY {} LIMIT {} OFFSET {}", merged, order, reach, query.offset
        )
    return sql(
        "SELECT {}, {}{} FROM ({}) AS page {} ORDER BY {}",
        COLUMNS,
        words.key,
        _counted(query, total, words),
        page,
        words.at_place(targets[0].directory),
        _order(query, words, Sql("page.")),
    )


def _counted(query: Query, total: Sql | None, words: Dialect) -> Sql:
    """The column that tells the total: only if the page is not all there is, the rows are counted."""
    if total is None:
        return Sql("")
    further = words.false if query.after is None else words.true
    return sql(", CASE WHEN {} OR count(*) OVER () > {} THEN ({}) END", further, query.limit, total)


def _rows(target: _Target) -> Sql:
    return sql(
        "SELECT {} AS place, r.seq AS seq, {} AS key FROM {} WHERE {}",
        target.words.place,
        target.key,
        target.source,
        target.live,
    )


def _total(target: _Target) -> Sql:
    if target.where is None:
        return sql(
            "coalesce((SELECT value FROM counter WHERE directory = {} AND name = {}), 0)",
            target.directory,
            f"live:{target.kind}",
        )
    return sql("(SELECT count(*) FROM {} WHERE {})", target.source, target.live)


def _order(query: Query, words: Dialect, table: Sql) -> Sql:
    if query.sort is None:
        return Sql(f"{table.text}seq")
    direction = Sql(" DESC" if query.descending else "")
    keys = join(", ", [sql("{}{}", Sql(key), direction) for key in words.sorting])
    return sql("key IS NULL{}, {}, {}seq", direction, keys, table)


def _behind(query: Query, words: Dialect) -> Sql:
    """The rows that follow ``query.after`` in the order of the listing."""
    after = query.after
    if after is None:
        return words.true
    if query.sort is None:
        return sql("seq > {}", after.seq)
    if after.key is None:
        if query.descending:
            return sql("(key IS NOT NULL OR seq > {})", after.seq)
        return sql("key IS NULL AND seq > {}", after.seq)
    return sql("({})", words.behind(after.key, after.seq, descending=query.descending))


def candidates(b: Bound, scope: Scope, directory: int) -> Candidates | None:
    """The ids that an index names for the filter; ``None`` if no part that must hold is indexed."""
    if isinstance(b, And):
        found = [c for part in b.parts if (c := candidates(part, scope, directory))]
        return min(found, key=lambda c: c.rank, default=None)
    if isinstance(b, Or):
        all_found = [candidates(part, scope, directory) for part in b.parts]
        if any(c is None for c in all_found):
            return None
        several = [c for c in all_found if c is not None]
        return Candidates(max(1, *(c.rank for c in several)), join(" UNION ", [c.ids for c in several]))
    if isinstance(b, syntax.Any):
        return candidates(b.filter, scope, directory)
    if isinstance(b, Compare) and b.op == "eq" and isinstance(b.value, str):
        return _equal(b.path, b.value, scope, directory)
    return None


def narrowed(b: Bound) -> Parts | None:
    """What all that fulfil the filter have in the texts that are searched; ``None`` if that is nothing."""
    if isinstance(b, And | Or):
        found = [narrowed(part) for part in b.parts]
        said = tuple(part for part in found if part is not None)
        if not said or (isinstance(b, Or) and len(said) < len(found)):
            return None
        return Together(said) if isinstance(b, And) else Either(said)
    if isinstance(b, syntax.Any):
        return narrowed(b.filter)
    if not isinstance(b, Compare) or not isinstance(b.value, str) or b.op not in _PARTIAL:
        return None
    ref = b.path
    searched = ref.extension is None and ref.keys[0] in SEARCHED and len(b.value) >= TRIGRAM
    return b.value if searched else None


def _equal(ref: Ref, literal: str, scope: Scope, directory: int) -> Candidates | None:
    """Where ``ref`` may be ``literal``, if that is indexed. Only texts are, as they are spelled one way."""
    kind, name, entry = scope.type.name, str(ref), scope.words.entry(literal)
    table = membership_table(ref, scope)
    if table is not None:
        if ref.sub is None or ref.sub.name != "value" or not ref.sub.case_exact:
            return None
        if table == "members":
            return _groups_with(literal, directory)
        return _members_of(literal, directory, scope.words)
    if ref.extension is None and name in ("id", "externalId"):
        if ref.target is None or not ref.target.case_exact:
            return None
        if name == "id":
            return Candidates(0, sql("SELECT {} AS id", literal))
        return Candidates(1, _external(literal, kind, scope, directory))
    if is_unique(ref):
        return Candidates(0, _by_value(Sql("unique_value"), kind, name, entry, directory))
    if ref.extension is None and name in INDEXED.get(kind, ()):
        return Candidates(1, _by_value(Sql("attribute_value"), kind, name, entry, directory))
    return None


def _by_value(table: Sql, kind: str, attribute: str, value: str, directory: int) -> Sql:
    return sql(
        "SELECT id FROM {} WHERE directory = {} AND kind = {} AND attribute = {} AND value = {}",
        table, directory, kind, attribute, value,
    )  # fmt: skip


def _external(literal: str, kind: str, scope: Scope, directory: int) -> Sql:
    ids = sql(
        "SELECT id FROM resource WHERE directory = {} AND kind = {} AND external_id = {}{}",
        directory, kind, literal, scope.words.external,
    )  # fmt: skip
    return ids if scope.connection is None else sql("{} AND connection = {}", ids, scope.connection)


def _groups_with(member: str, directory: int) -> Candidates:
    ids = sql("SELECT group_id AS id FROM member WHERE directory = {} AND member_id = {}", directory, member)
    return Candidates(1, ids)


def _members_of(group: str, directory: int, words: Dialect) -> Candidates:
    """Everybody in the group, through other groups too."""
    ids = sql(words.everybody, directory, group, directory)
    return Candidates(2, ids)
