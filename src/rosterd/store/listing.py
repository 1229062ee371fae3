"""A listing becomes one SELECT, and its total another; no row is ever filtered in Python.

candidates   an equality that an index answers yields the ids to look at. They are only a
             superset: the whole filter is applied to them, so that an index decides nothing
             but the cost.
order        the sort key, resources without one behind the others in both directions, then seq
keyset       the page begins behind a position; no page costs more for lying deeper
quick        whether the work is bounded by the page, so that it need not leave the event loop
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.scim import filter as syntax
from rosterd.scim.bind import EVERYTHING, NOTHING
from rosterd.scim.filter import And, Bound, Compare, Or
from rosterd.scim.index import INDEXED, is_unique
from rosterd.scim.schema import Ref
from rosterd.service.ports import Query
from rosterd.store.compile import TRUE, Scope, condition, membership_table, sort_key
from rosterd.store.fragment import Sql, join, sql

QUICK_ROWS: Final = 200
QUICK_OFFSET: Final = 1000

COLUMNS: Final = Sql(
    "r.id, r.kind, r.connection, r.external_id, r.seq, r.version, r.created, r.modified, r.deleted,"
    " r.document"
)
"""The fields of ``Stored``, in order."""


_SINGLE: Final = f"""SELECT {COLUMNS.text}, NULL
FROM unique_value AS u CROSS JOIN resource AS r ON r.directory = u.directory AND r.id = u.id
WHERE u.directory = ? AND u.kind = ? AND u.attribute = ? AND u.value = ?"""  # noqa: S608 - no value in it


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ids to look at, and how many that may be: ``rank`` 0 one, 1 few, 2 any number."""

    rank: int
    ids: Sql


@dataclass(frozen=True, slots=True)
class Listing:
    """``page`` yields ``COLUMNS`` and the sort key, one row more than the limit if there is one.

    Without ``total`` the page is all there is.
    """

    page: Sql
    total: Sql | None
    quick: bool


@dataclass(frozen=True, slots=True)
class _Target:
    """One resource type of a listing, compiled: its rows before order and limit."""

    directory: int
    kind: str
    source: Sql
    where: Sql | None
    key: Sql
    quick: bool


def listing(query: Query, directory: int) -> Listing | None:
    """The statements of a listing; ``None`` if nothing can match. Raises ``InvalidFilter``."""
    single = _single(query, directory)
    if single is not None:
        return single
    targets = list(_targets(query, directory))
    if not targets:
        return None
    total = join(" + ", [_total(target) for target in targets])
    quick = query.limit <= QUICK_ROWS and query.offset <= QUICK_OFFSET
    return Listing(
        page=_page(targets, query),
        total=sql("SELECT {}", total),
        quick=quick and all(target.quick for target in targets),
    )


def _single(query: Query, directory: int) -> Listing | None:
    """An equality on a unique attribute is one look-up: the commonest question of every client."""
    if len(query.targets) != 1 or query.sort or query.after or query.offset or query.limit < 1:
        return None
    ((resource_type, b),) = query.targets.items()
    if not isinstance(b, Compare) or b.op != "eq" or not isinstance(b.value, str) or not is_unique(b.path):
        return None
    parameters = (directory, resource_type.name, str(b.path), b.value)
    return Listing(Sql(_SINGLE, parameters), None, quick=True)


def _targets(query: Query, directory: int) -> Iterable[_Target]:
    sort = {t.name: ref for t, ref in query.sort.items()} if query.sort else {}
    for resource_type, b in query.targets.items():
        if b == NOTHING:
            continue
        scope = Scope(resource_type, query.connection)
        key = sort_key(sort.get(resource_type.name), scope)
        if b is None or b == EVERYTHING:
            source = Sql("resource AS r")
            yield _Target(directory, resource_type.name, source, None, key, quick=query.sort is None)
            continue
        found = candidates(b, scope, directory)
        source = Sql("resource AS r")
        if found is not None:
            source = sql(
                "({}) AS k CROSS JOIN resource AS r ON r.directory = {} AND r.id = k.id", found.ids, directory
            )
        quick = found is not None and found.rank < 2
        yield _Target(directory, resource_type.name, source, condition(b, scope), key, quick)


def _page(targets: Sequence[_Target], query: Query) -> Sql:
    order, reach = _order(query, Sql("")), query.limit + 1
    ordered = [
        sql(
            "SELECT place, seq, key FROM ({}) WHERE {} ORDER BY {}",
            _rows(target),
            _behind(query),
            order,
        )
        for target in targets
    ]
    if len(ordered) == 1:
        page = sql("{} LIMIT {} OFFSET {}", ordered[0], reach, query.offset)
    else:  # of each no more than could be in the page
        heads = [sql("SELECT * FROM ({} LIMIT {})", arm, query.offset + reach) for arm in ordered]
        merged = join(" UNION ALL ", heads)
        page = sql("SELECT * FROM ({}) ORDER BY {} LIMIT {} OFFSET {}", merged, order, reach, query.offset)
    return sql(
        "SELECT {}, page.key FROM ({}) AS page CROSS JOIN resource AS r ON r.rowid = page.place ORDER BY {}",
        COLUMNS,
        page,
        _order(query, Sql("page.")),
    )


def _rows(target: _Target) -> Sql:
    return sql(
        "SELECT r.rowid AS place, r.seq AS seq, {} AS key FROM {} WHERE {}",
        target.key,
        target.source,
        _live(target),
    )


def _total(target: _Target) -> Sql:
    if target.where is None:
        return sql(
            "coalesce((SELECT value FROM counter WHERE directory = {} AND name = {}), 0)",
            target.directory,
            f"live:{target.kind}",
        )
    return sql("(SELECT count(*) FROM {} WHERE {})", target.source, _live(target))


def _live(target: _Target) -> Sql:
    live = sql("r.directory = {} AND r.kind = {} AND r.deleted IS NULL", target.directory, target.kind)
    return live if target.where is None else sql("{} AND {}", live, target.where)


def _order(query: Query, table: Sql) -> Sql:
    if query.sort is None:
        return sql("{}seq", table)
    direction = Sql(" DESC" if query.descending else "")
    return sql("{}key IS NULL, {}key{}, {}seq", table, table, direction, table)


def _behind(query: Query) -> Sql:
    """The rows that follow ``query.after`` in the order of the listing."""
    after = query.after
    if after is None:
        return TRUE
    if query.sort is None:
        return sql("seq > {}", after.seq)
    if after.key is None:
        return sql("key IS NULL AND seq > {}", after.seq)
    further = Sql("<" if query.descending else ">")
    return sql(
        "(key IS NULL OR key {} {} OR (key = {} AND seq > {}))", further, after.key, after.key, after.seq
    )


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


def _equal(ref: Ref, literal: str, scope: Scope, directory: int) -> Candidates | None:
    """Where ``ref`` may be ``literal``, if that is indexed. Only texts are, as they are spelled one way."""
    kind, name = scope.type.name, str(ref)
    table = membership_table(ref, scope)
    if table is not None:
        if ref.sub is None or ref.sub.name != "value" or not ref.sub.case_exact:
            return None
        return _members_of(literal, directory) if table == "groups" else _groups_with(literal, directory)
    if ref.extension is None and name in ("id", "externalId"):
        if ref.target is None or not ref.target.case_exact:
            return None
        if name == "id":
            return Candidates(0, sql("SELECT {} AS id", literal))
        return Candidates(1, _external(literal, kind, scope.connection, directory))
    if is_unique(ref):
        return Candidates(0, _by_value(Sql("unique_value"), kind, name, literal, directory))
    if ref.extension is None and name in INDEXED.get(kind, ()):
        return Candidates(1, _by_value(Sql("attribute_value"), kind, name, literal, directory))
    return None


def _by_value(table: Sql, kind: str, attribute: str, value: str, directory: int) -> Sql:
    return sql(
        "SELECT id FROM {} WHERE directory = {} AND kind = {} AND attribute = {} AND value = {}",
        table, directory, kind, attribute, value,
    )  # fmt: skip


def _external(literal: str, kind: str, connection: int | None, directory: int) -> Sql:
    ids = sql(
        "SELECT id FROM resource WHERE directory = {} AND kind = {} AND external_id = {}",
        directory, kind, literal,
    )  # fmt: skip
    return ids if connection is None else sql("{} AND connection = {}", ids, connection)


def _groups_with(member: str, directory: int) -> Candidates:
    ids = sql("SELECT group_id AS id FROM member WHERE directory = {} AND member_id = {}", directory, member)
    return Candidates(1, ids)


def _members_of(group: str, directory: int) -> Candidates:
    """Everybody in the group, through other groups too."""
    ids = sql(
        """SELECT id FROM (WITH RECURSIVE down (id) AS (
            SELECT member_id FROM member WHERE directory = {} AND group_id = {}
            UNION
            SELECT m.member_id FROM down CROSS JOIN member AS m ON m.directory = {} AND m.group_id = down.id
        ) SELECT id FROM down)""",
        directory, group, directory,
    )  # fmt: skip
    return Candidates(2, ids)
