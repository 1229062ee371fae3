"""Where two engines' SQL differs: how values are read from ``r.search``, tested, ordered and counted.

``compile`` and ``listing`` say what is asked; a ``Dialect`` has the words. Rows of values are always
called ``e``, and values within one of them ``f``. Every comparison of ``scim.match`` must come out alike.
"""

from collections.abc import Mapping
from typing import Final, LiteralString, Protocol

from rosterd.scim.index import Scalar
from rosterd.store.fragment import Sql, sql
from rosterd.store.parts import PROBED, Parts, parts_question
from rosterd.store.queries import SQLITE as SQLITE_STATEMENTS

_SEQ_BITS: Final = 40

Keys = tuple[str, ...]
Literal = str | int | float

# Rows with the sub-attributes of `groups` and `members` as columns. The groups of a member of a
# group are the member's too; UNION ends at a circle.
_GROUPS: Final = """(WITH RECURSIVE up (id, direct) AS (
        SELECT m.group_id, 1 FROM member AS m WHERE m.directory = r.directory AND m.member_id = r.id
        UNION
        SELECT m.group_id, 0 FROM up {again}
    )
    SELECT g.id AS value, g.display AS display, g.seq AS seq, max(up.direct) AS direct,
        CASE max(up.direct) WHEN 1 THEN 'direct' ELSE 'indirect' END AS type
    FROM up {group}
    GROUP BY g.id, g.display, g.seq) AS e"""
_MEMBERS: Final = """(SELECT m.member_id AS value, t.kind AS type, coalesce(m.display, t.display) AS display
    FROM member AS m {member}
    WHERE m.directory = r.directory AND m.group_id = r.id) AS e"""


def tables(join: LiteralString) -> Mapping[str, Sql]:
    """The rows ``e`` of the attributes that lie in the membership table, by name.

    ``join`` adds rows of a ``table`` in the directory of ``r``: ``called`` so, and their ``key`` is ``what``.
    """
    again = join.format(table="member", key="member_id", what="up.id", called="m")
    group = join.format(table="resource", key="id", what="up.id", called="g")
    member = join.format(table="resource", key="id", what="m.member_id", called="t")
    return {
        "groups": Sql(_GROUPS.format(again=again, group=group)),
        "members": Sql(_MEMBERS.format(member=member)),
    }


class Dialect(Protocol):
    """An engine's words. A *value* is an expression that is NULL if there is none."""

    true: Sql
    false: Sql
    nothing: Sql
    """No value."""
    tables: Mapping[str, Sql]
    statements: Mapping[str, str]
    """Those that have a name."""
    external: Sql
    """Said beside a look-up by externalId, so that it is one."""
    everybody: LiteralString
    """The ids of everybody in a group, through other groups too: for a directory, a group, the directory."""
    trigrams: bool
    """Whether there is an index of parts of texts."""
    place: Sql
    """Names a row of ``r`` for the rest of the statement."""
    primary: Sql
    """Whether ``e`` is the primary value: true or false."""
    counts: bool
    """Whether a page and its total are one statement; else they are two of one transaction."""
    key: Sql
    """The sort key ``key`` as a page gives it."""
    sorting: tuple[LiteralString, ...]
    """The expressions over ``key`` that a listing is ordered by."""

    def document(self, keys: Keys) -> Sql:
        """The value at ``keys``."""

    def inner(self, name: str) -> Sql:
        """The value of a sub-attribute of ``e``."""

    def inner_first(self, name: str) -> Sql:
        """The first of the values of a sub-attribute of ``e``."""

    def element(self, row: LiteralString) -> Sql:
        """The value that is the row ``e`` or ``f`` itself."""

    def rows(self, keys: Keys) -> Sql:
        """The values of a list, as rows ``e`` with their place as ``e.key``."""

    def inner_rows(self, name: str) -> Sql:
        """The values of a list in ``e``, as rows ``f``."""

    def one(self, keys: Keys) -> Sql:
        """One row ``e`` if there is something at ``keys``, else none."""

    def has(self, keys: Keys) -> Sql:
        """Whether there is something at ``keys``: true or false."""

    def filled(self, keys: Keys) -> Sql:
        """Whether a value at ``keys`` or anywhere in it is not empty: true or false."""

    def nonempty(self, value: Sql) -> Sql:
        """Whether a value is not the empty text; NULL without one."""

    def column(self, value: Sql, *, exact: bool) -> Sql:
        """A column's content as a value, in folded form unless it is ``exact``."""

    def test(self, value: Sql, op: str, literal: Literal) -> Sql:
        """The comparison of one value: true, false, or NULL if there is none."""

    def among(self, ids: Sql, directory: int) -> Sql:
        """The rows ``r`` that have one of these ids; they are what the search begins with."""

    def at_place(self, directory: int) -> Sql:
        """Joins the row ``r`` at ``page.place``."""

    def some(self, holds: Sql) -> Sql:
        """Whether it holds for one row of a group; NULL if it is NULL for all."""

    def behind(self, key: Scalar, seq: int, *, descending: bool) -> Sql:
        """The rows with ``key`` and ``seq`` that follow the given ones in an order by key."""

    def narrow(self, parts: Parts, directory: int) -> Sql:
        """Whether, if there are ``trigrams``, their index says that ``r`` may have these parts of texts."""

    def probe(self, parts: Parts, directory: int) -> Sql | None:
        """How many such there are, up to ``PROBED``; ``None`` if the engine knows by itself when to ask."""

    def entry(self, value: str) -> str:
        """A text as the tables of unique and indexed values have it."""

    def statement(self, s: Sql) -> Sql:
        """The whole statement with its parameters as the engine takes them."""


# SQLite converts nothing when it compares an expression with a parameter, so '1' = 1 is 0. But it
# orders every number before every text, and instr() makes a text of a number: both need the kind.
_EQUAL: Final[Mapping[str, LiteralString]] = {"eq": "{} = {}", "ne": "{} <> {}"}
_ORDER: Final[Mapping[str, LiteralString]] = {
    "gt": "{} > {}",
    "ge": "{} >= {}",
    "lt": "{} < {}",
    "le": "{} <= {}",
}

# The value ``e`` as JSON, not found anew in the document: that would take the square of how many there are.
_COMPLEX: Final = "CASE e.type WHEN 'object' THEN e.value END"


class Sqlite:
    """SQLite: ``search`` is JSON text, values are what ``json_extract`` makes of it, true is 1."""

    true: Sql = Sql("1")
    false: Sql = Sql("0")
    nothing: Sql = Sql("NULL")
    # CROSS JOIN keeps the order it is written in.
    tables: Mapping[str, Sql] = tables(
        "CROSS JOIN {table} AS {called} ON {called}.directory = r.directory AND {called}.{key} = {what}"
    )
    statements: Mapping[str, str] = SQLITE_STATEMENTS
    external: Sql = Sql("")
    everybody: LiteralString = """SELECT id FROM (WITH RECURSIVE down (id) AS (
            SELECT member_id FROM member WHERE directory = {} AND group_id = {}
            UNION
            SELECT m.member_id FROM down CROSS JOIN member AS m ON m.directory = {} AND m.group_id = down.id
        ) SELECT id FROM down)"""
    trigrams: bool = True
    place: Sql = Sql("r.rowid")
    primary: Sql = Sql(f"json_extract({_COMPLEX}, '$.\"primary\"') IS 1")
    counts: bool = False
    key: Sql = Sql("key")
    sorting: tuple[LiteralString, ...] = ("key",)

    def document(self, keys: Keys) -> Sql:
        return sql("json_extract(r.search, {})", _path(keys))

    def inner(self, name: str) -> Sql:
        return sql(f"json_extract({_COMPLEX}, {{}})", _path((name,)))

    def inner_first(self, name: str) -> Sql:
        return sql(f"json_extract({_COMPLEX}, {{}})", f"{_path((name,))}[0]")

    def element(self, row: LiteralString) -> Sql:
        return Sql(f"{row}.value")

    def rows(self, keys: Keys) -> Sql:
        return sql("json_each(r.search, {}) AS e", _path(keys))

    def inner_rows(self, name: str) -> Sql:
        return sql(f"json_each({_COMPLEX}, {{}}) AS f", _path((name,)))

    def one(self, keys: Keys) -> Sql:
        path = _path(keys)
        return sql(
            "(SELECT json_extract(r.search, {}) AS value, json_type(r.search, {}) AS type WHERE {}) AS e",
            path, path, self.has(keys),
        )  # fmt: skip

    def has(self, keys: Keys) -> Sql:
        return sql("json_type(r.search, {}) IS NOT NULL", _path(keys))

    def filled(self, keys: Keys) -> Sql:
        return sql("EXISTS (SELECT 1 FROM json_tree(r.search, {}) AS e WHERE e.atom <> '')", _path(keys))

    def nonempty(self, value: Sql) -> Sql:
        return sql("{} <> ''", value)

    def column(self, value: Sql, *, exact: bool) -> Sql:
        return value if exact else sql("casefold({})", value)

    def test(self, value: Sql, op: str, literal: Literal) -> Sql:
        if isinstance(literal, str):
            return self._test_text(value, op, literal)
        # SQLite reads the fractions of a document itself. Let it read the literal's too, so that both
        # are rounded alike; the plus takes from CAST the affinity it would give the comparison.
        fraction = isinstance(literal, float)
        x = sql("+CAST({} AS REAL)", repr(literal)) if fraction else sql("{}", int(literal))
        if op in _ORDER:
            return sql("(typeof({}) IN ('integer', 'real') AND {})", value, sql(_ORDER[op], value, x))
        return sql(_EQUAL[op], value, x)

    def among(self, ids: Sql, directory: int) -> Sql:
        on = sql("r.directory = {} AND r.id = k.id", directory)
        return sql("({}) AS k CROSS JOIN resource AS r ON {}", ids, on)

    def at_place(self, directory: int) -> Sql:
        return Sql("CROSS JOIN resource AS r ON r.rowid = page.place")

    def some(self, holds: Sql) -> Sql:
        return sql("max({})", holds)

    def behind(self, key: Scalar, seq: int, *, descending: bool) -> Sql:
        further = Sql("key <" if descending else "key IS NULL OR key >")
        return sql("{} {} OR (key = {} AND seq > {})", further, key, key, seq)

    def narrow(self, parts: Parts, directory: int) -> Sql:
        due = sql("SELECT seq FROM parts_due WHERE directory = {}", directory)
        return sql("r.seq IN ({} UNION ALL {})", _named(parts, directory), due)

    def probe(self, parts: Parts, directory: int) -> Sql | None:
        return sql("SELECT count(*) FROM ({} LIMIT {})", _named(parts, directory), PROBED)

    def entry(self, value: str) -> str:
        return value

    def statement(self, s: Sql) -> Sql:
        return s

    def _test_text(self, v: Sql, op: str, literal: str) -> Sql:
        size = len(literal)
        if op in _EQUAL:
            return sql(_EQUAL[op], v, literal)
        if op in _ORDER:
            holds = sql(_ORDER[op], v, literal)
        elif op == "co":
            holds = sql("instr({}, {}) > 0", v, literal)
        elif op == "sw":
            holds = sql("substr({}, 1, {}) = {}", v, size, literal)
        else:  # ew; substr(v, -0) would be all of v
            holds = sql("substr({}, {}) = {}", v, -size, literal) if size else self.true
        return sql("(typeof({}) = 'text' AND {})", v, holds)


def _named(parts: Parts, directory: int) -> Sql:
    """The ``seq`` of the resources that the index of parts names: up to a restore, and from each one on."""
    first, most = directory << _SEQ_BITS, 1 << _SEQ_BITS
    starts = sql(
        "SELECT 0 AS start UNION ALL"
        " SELECT value FROM counter WHERE directory = {} AND name GLOB 'restored:*'",
        directory,
    )
    runs = sql(
        "SELECT start, lead(start, 1, start + {}) OVER (ORDER BY start) AS until FROM ({})", most, starts
    )
    return sql(
        "SELECT parts.rowid - {} AS seq FROM ({}) AS run CROSS JOIN parts WHERE parts MATCH {}"
        " AND parts.rowid BETWEEN {} + run.start AND {} + min(run.until, run.start + {}) - 1",
        first, runs, parts_question(parts), first, first, most,
    )  # fmt: skip


def _path(keys: Keys) -> str:
    """The JSON path; neither an attribute name nor a URN has a quotation mark in it."""
    return "$" + "".join(f'."{key}"' for key in keys)


SQLITE: Final = Sqlite()
