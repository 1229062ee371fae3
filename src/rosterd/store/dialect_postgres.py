"""PostgreSQL's words for ``dialect``: every value is JSONB, so that kinds never mix and nothing is cast.

Texts compare by code point (``COLLATE "C"``), numbers exactly. For that ``as_search`` writes fractions
with all their digits, where JSON's shortest form would be another number than the one that was meant.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, LiteralString

import orjson

from rosterd.scim.index import Scalar
from rosterd.store.dialect import Keys, Literal, tables
from rosterd.store.fragment import Param, Sql, join, sql
from rosterd.store.parts import Parts, Together
from rosterd.store.queries import POSTGRES as STATEMENTS

_COMPARED: Final[Mapping[str, LiteralString]] = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_EQUAL: Final[Mapping[str, LiteralString]] = {"eq": "=", "ne": "<>"}
_TYPES: Final[Mapping[type, str]] = {str: "text", int: "bigint"}
_SELF: Final = Sql("'{}'")
_FILLED: Final = '$.** ? (@.type() == "number" || @.type() == "string" && @ != "")'
_WHOLE: Final = 2.0**53  # from here on every fraction is an integer
_LONG: Final = re.compile(rb"[:,\[]-?(?:[\d.]+[eE]\+?\d|\d{16}\.0)")
"""In JSON without spaces: such a number, and hardly ever a text, though an id often has ``8e2`` in it."""
_MOST: Final = 2**63
SHORT: Final = 400
"""Characters that the tables of values keep of a text; see ``short``."""


class Postgres:
    """See ``rosterd.store.dialect.Dialect``. ``trigrams``: whether the index of parts of texts is there."""

    true: Sql = Sql("TRUE")
    false: Sql = Sql("FALSE")
    nothing: Sql = Sql("NULL::jsonb")
    tables: Mapping[str, Sql] = tables(
        "CROSS JOIN LATERAL (SELECT * FROM {table}"
        " WHERE directory = r.directory AND {key} = {what} OFFSET 0) AS {called}"
    )
    statements: Mapping[str, str] = STATEMENTS
    # What the index implies costs nothing there, and is never computed; see resources.sql.
    external: Sql = Sql(
        " AND (external_id IS NOT NULL OR to_tsvector('simple', id) @@ to_tsquery('simple', id))"
    )
    # An array for each, as the planner expects far too many of what is found step by step.
    everybody: LiteralString = """WITH RECURSIVE down (id) AS (
            SELECT member_id FROM member WHERE directory = {} AND group_id = {}
            UNION
            SELECT unnest(ARRAY(SELECT member_id FROM member WHERE directory = {} AND group_id = down.id))
            FROM down
        ) SELECT id FROM down"""
    place: Sql = Sql("r.id")
    primary: Sql = Sql("((e.value -> 'primary') IS NOT DISTINCT FROM '1'::jsonb)")
    counts: bool = True
    key: Sql = Sql("key::text")
    # Numbers before texts: ascending, NULL comes last, and descending first.
    sorting: tuple[LiteralString, ...] = (
        "(CASE jsonb_typeof(key) WHEN 'number' THEN key::numeric END)",
        "(CASE jsonb_typeof(key) WHEN 'string' THEN key #>> '{}' END COLLATE \"C\")",
    )

    def __init__(self, *, trigrams: bool = False) -> None:
        self.trigrams = trigrams

    def document(self, keys: Keys) -> Sql:
        return sql("(r.search -> {})", join(" -> ", [sql("{}", key) for key in keys]))

    def inner(self, name: str) -> Sql:
        return sql("(e.value -> {})", name)

    def inner_first(self, name: str) -> Sql:
        return sql("(e.value -> {} -> 0)", name)

    def element(self, row: LiteralString) -> Sql:
        return Sql(f"{row}.value")

    def rows(self, keys: Keys) -> Sql:
        # A path unwraps a list and leaves alone what is none; jsonb_array_elements would fail.
        return sql("jsonb_path_query({}, '$[*]') WITH ORDINALITY AS e (value, key)", self.document(keys))

    def inner_rows(self, name: str) -> Sql:
        return sql("jsonb_path_query({}, '$[*]') AS f (value)", self.inner(name))

    def one(self, keys: Keys) -> Sql:
        return sql("(SELECT {} AS value WHERE {}) AS e", self.document(keys), self.has(keys))

    def has(self, keys: Keys) -> Sql:
        return sql("({} IS NOT NULL)", self.document(keys))

    def filled(self, keys: Keys) -> Sql:
        return sql("coalesce(jsonb_path_exists({}, {}::jsonpath), FALSE)", self.document(keys), _FILLED)

    def nonempty(self, value: Sql) -> Sql:
        return sql("{} <> '\"\"'::jsonb", value)

    def column(self, value: Sql, *, exact: bool) -> Sql:
        return sql("to_jsonb({})", value if exact else _casefolded(value))

    def test(self, value: Sql, op: str, literal: Literal) -> Sql:
        if op in _EQUAL:
            return sql("{} {} {}::jsonb", value, Sql(_EQUAL[op]), _json(literal))
        if not isinstance(literal, str):
            compared = sql("{} {} {}::jsonb", value, Sql(_COMPARED[op]), _json(literal))
            return sql("(jsonb_typeof({}) = 'number' AND {})", value, compared)
        text = sql('({} #>> {}) COLLATE "C"', value, _SELF)
        if op in _COMPARED:
            holds = sql("{} {} {}", text, Sql(_COMPARED[op]), literal)
        elif op == "co":
            holds = sql("strpos({}, {}) > 0", text, literal)
        elif op == "sw":
            holds = sql("starts_with({}, {})", text, literal)
        else:
            holds = sql("right({}, {}::int) = {}", text, len(literal), literal)
        return sql("(jsonb_typeof({}) = 'string' AND {})", value, holds)

    def among(self, ids: Sql, directory: int) -> Sql:
        return sql(
            "({}) AS k CROSS JOIN LATERAL"
            " (SELECT * FROM resource WHERE directory IN ({}, {}) AND id = k.id OFFSET 0) AS r",
            ids, directory, directory,
        )  # fmt: skip

    def at_place(self, directory: int) -> Sql:
        return sql(
            "CROSS JOIN LATERAL"
            " (SELECT * FROM resource WHERE directory IN ({}, {}) AND id = page.place OFFSET 0) AS r",
            directory,
            directory,
        )

    def some(self, holds: Sql) -> Sql:
        return sql("bool_or({})", holds)

    def behind(self, key: Scalar, seq: int, *, descending: bool) -> Sql:
        number, text = map(Sql, self.sorting)
        further = Sql("<" if descending else ">")
        if isinstance(key, str):
            x, own = sql("{}", key), text
            others = sql("{} IS NOT NULL", number) if descending else self.false
        else:
            x, own = sql("{}::numeric", _digits(key)), number
            others = self.false if descending else sql("{} IS NOT NULL", text)
        none = self.false if descending else Sql("key IS NULL")
        return sql(
            "{} OR {} OR {} {} {} OR ({} = {} AND seq > {})", none, others, own, further, x, own, x, seq
        )

    def narrow(self, parts: Parts, directory: int) -> Sql:
        if not isinstance(parts, str):
            word: LiteralString = " AND " if isinstance(parts, Together) else " OR "
            return sql("({})", join(word, [self.narrow(part, directory) for part in parts.parts]))
        inside = _json(parts)[1:-1]  # as it stands in a JSON text
        return sql("searched_text(r.search) LIKE {}", f"%{_ESCAPED.sub(_ESCAPE, inside)}%")

    def probe(self, parts: Parts, directory: int) -> Sql | None:
        return None

    def entry(self, value: str) -> str:
        return short(value)

    def statement(self, s: Sql) -> Sql:
        """``$N`` for ``?``, with its type, as the engine cannot always guess it; one for each text."""
        first, *rest = s.text.split("?")
        numbers: dict[str, int] = {}
        params: list[Param] = []
        text = [first]
        for value, piece in zip(s.params, rest, strict=True):
            number = numbers.get(value) if isinstance(value, str) else None
            if number is None:
                params.append(value)
                number = len(params)
                if isinstance(value, str):
                    numbers[value] = number
            text += (f"${number}::{_TYPES[type(value)]}", piece)
        return Sql("".join(text), tuple(params))


_ESCAPED: Final = re.compile(r"[\\%_]")
_ESCAPE: Final = r"\\\g<0>"


def as_search(search: Mapping[str, Any]) -> str:
    """A folded document as the text of its JSONB, with every number exact."""
    data = orjson.dumps(search)
    return json.dumps(_exact(search), ensure_ascii=False) if _LONG.search(data) else data.decode()


def clean(text: str) -> str:
    """PostgreSQL keeps no U+0000 in a text; nothing that is kept has one, and so neither must name it."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def cleaned(texts: Iterable[str]) -> list[str]:
    """The same of many."""
    return list(map(clean, texts))


def short(value: str) -> str:
    """A text as the tables of values have it: an entry of an index has room for some 2,700 bytes.

    The beginning stays, so that whoever looks for one finds it; what follows is told apart by its digest.
    """
    if len(value) <= SHORT:
        return value
    return f"{value[:SHORT]}\N{HORIZONTAL ELLIPSIS}{hashlib.sha256(value.encode()).hexdigest()}"


def as_key(text: str | None) -> Scalar | None:
    """The value of ``Position.key`` from the JSON text of a sort key."""
    key: Scalar | None = None if text is None else json.loads(text)
    # Only a fraction has more digits than an integer can.
    return float(key) if isinstance(key, int) and not -_MOST <= key < _MOST else key


def _exact(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _exact(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(part) for part in value]
    return int(value) if isinstance(value, float) and abs(value) >= _WHOLE else value


def _json(literal: Literal) -> str:
    return json.dumps(_exact(literal), ensure_ascii=False)


def _digits(number: float) -> str:
    return _json(int(number) if isinstance(number, bool) else number)


def _casefolded(value: Sql) -> Sql:
    """What ``str.casefold`` makes of a text: PostgreSQL has no such function, so it is told the letters."""
    return sql(
        "CASE WHEN octet_length({}) = length({}) THEN lower({} COLLATE \"C\") ELSE"
        " (SELECT string_agg(coalesce((SELECT {}::jsonb) ->> c, c), '' ORDER BY n)"
        " FROM unnest(string_to_array({}, NULL)) WITH ORDINALITY AS x (c, n)) END",
        value, value, value, _letters(), value,
    )  # fmt: skip


@cache
def _letters() -> str:
    letters = (chr(n) for n in range(0x110000) if not 0xD800 <= n < 0xE000)
    return json.dumps({c: c.casefold() for c in letters if c.casefold() != c}, ensure_ascii=False)


POSTGRES: Final = Postgres()
