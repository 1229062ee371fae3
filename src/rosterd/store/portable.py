"""What an installation is whatever the engine: its tables, their columns, and one form of every value.

column#     a whole number
column      a text, without U+0000, of which PostgreSQL keeps none
column*     bytes
column{}    a folded document: text of JSON here, JSONB there, whose numbers are written otherwise
column~     a value to look up by: whole here, shortened there (``dialect_postgres.short``)

A row is *portable* when its texts are clean, its folded document is an object, and its values are whole. All
rows of a table together have a number and a sum of digests, which their order does not change.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.store.dialect_postgres import SHORT, short

Row = tuple[Any, ...]

NUMBER: Final = "#"
TEXT: Final = ""
BYTES: Final = "*"
FOLDED: Final = "{}"
LOOKED_UP: Final = "~"

_COLUMN: Final = re.compile(r"(\w+)(#|\*|\{\}|~|)")
_UNUSUAL: Final = re.compile(rb"\d{16}|\d[eE]|-0")
"""A folded document without these has no number that the engines write differently."""
_WHOLE: Final = 2**53
_DIGEST_BYTES: Final = 16
_ROUND: Final = 2 ** (8 * _DIGEST_BYTES)
MANY: Final = 2000
FEW: Final = 200


@dataclass(frozen=True, slots=True)
class Table:
    """One table, of which ``portion`` rows are read at a time."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    order: tuple[str, ...] = ()
    """The key in whose order its rows are best written."""
    number: str | None = None
    """The column whose values the engine gives out, and goes on with behind the copied ones."""
    portion: int = MANY

    def place(self, kind: str) -> int | None:
        """Where the column of a kind is, if there is one."""
        return self.kinds.index(kind) if kind in self.kinds else None

    def select(self, *, ordered: bool = False) -> str:
        """The statement that reads all of it."""
        order = f" ORDER BY {_names(self.order)}" if ordered and self.order else ""
        return f"SELECT {_names(self.columns)} FROM {self.name}{order}"  # noqa: S608

    def select_whole(self) -> str:
        """The same where values are shortened: behind those that may be, the document that has them whole."""
        return (
            f"SELECT {_names(self.columns)}, CASE WHEN length(value) > {SHORT} THEN ("  # noqa: S608
            "SELECT r.search FROM resource AS r WHERE r.directory = t.directory AND r.id = t.id) END"
            f" FROM {self.name} AS t ORDER BY {_names(self.order)}"
        )

    def insert(self) -> str:
        """The statement that writes a row, as SQLite says it."""
        values = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.name} ({_names(self.columns)}) VALUES ({values})"  # noqa: S608


def _table(name: str, columns: str, order: str = "", number: str | None = None, portion: int = MANY) -> Table:
    found = [match.groups() for word in columns.split() if (match := _COLUMN.fullmatch(word))]
    return Table(
        name, tuple(c for c, _ in found), tuple(k for _, k in found), tuple(order.split()), number, portion
    )


TABLES: Final = (
    _table(
        "directory",
        "id# name created# revision# schemas resource_types requirements removed# cleared#",
        number="id",
    ),
    _table(
        "connection",
        "id# directory# name created# profile reach on_delete limits state state_by state_reason"
        " state_since#",
        number="id",
    ),
    _table("removed_connection", "directory# id# name removed#"),
    _table("fuse_window", "directory# connection# began# lost# live#"),
    _table("client", "id directory# connection# label scopes created# last_used# revoked#"),
    _table("client_secret", "client digest* created# expires#"),
    _table(
        "token",
        "id directory# connection# digest* label scopes created# expires# last_used# revoked# client warned#",
    ),
    _table("api_key", "id digest* directory# label scopes created# expires# last_used# revoked#"),
    _table("replay", "api_key name digest* begun# status# body* directory#", portion=FEW),
    _table(
        "audit",
        "seq# directory# at# actor_kind actor_name actor_id address request_id action target data",
        "seq",
        number="seq",
    ),
    _table(
        "administrator",
        "id name folded role directory# password issuer subject created# disabled# last_login# revision#"
        " second_factor",
    ),
    _table("setup_link", "id directory# connection# digest* label created# expires# last_used# revoked#"),
    _table("session", "digest* id administrator setup_link created# seen# expires# address agent"),
    _table("login_failure", "who count# last#"),
    _table("login_ticket", "digest* administrator revision# expires#"),
    _table("setting", "name value"),
    _table("secret", "name value*"),
    _table("signing_key", "kid algorithm public sealed* created# signs# ends#"),
    _table(
        "resource",
        "directory# id kind connection# external_id seq# version# created# modified# deleted# display"
        " document* search{}",
        portion=FEW,
    ),
    _table("unique_value", "directory# kind attribute value~ id", "directory kind attribute value"),
    _table("attribute_value", "directory# kind attribute value~ id", "directory kind attribute value id"),
    _table("member", "directory# group_id member_id display", "directory group_id member_id"),
    _table("pending_member", "directory# group_id value display", "directory group_id value"),
    _table(
        "event",
        "directory# seq# type kind resource at# connection# request_id data",
        "directory seq",
        portion=FEW,
    ),
    _table("erasure", "directory# kind id connection# request_id names seq#"),
    _table("counter", "directory# name value#"),
    _table(
        "request",
        "directory# seq# connection# at# status# method microseconds# left_out# token request_id kind"
        " resource subject path query scim_type situation other tolerated address agent body_size# detail"
        " body reply",
        portion=FEW,
    ),
    _table(
        "request_hour",
        "directory# connection# hour# ok# failed# last_ok# last_failed#",
        "directory connection hour",
    ),
    _table("adoption", "directory# name id", "directory name"),
    _table("mapping", "directory# rules revision# place# walk#"),
    _table("projection", "directory# id value", "directory id"),
    _table(
        "webhook",
        "id directory# url label types max_events# max_wait# created# state state_by state_reason"
        " state_since# failing#",
    ),
    _table("webhook_secret", "webhook created# sealed* scheme public expires#"),
    _table("set_stream", "webhook audience method detail vocabulary authorization*"),
    _table(
        "webhook_line",
        "directory# webhook lane# kind cursor# finish# fixed# attempt# due# lost# lost_at# worker until#",
    ),
    _table("webhook_dead", "directory# webhook first# last# message at# attempts# status# error"),
    _table(
        "webhook_attempt",
        "seq# webhook directory# kind message first# last# attempt# at# took# status# error request reply"
        " body",
        "seq",
        number="seq",
        portion=FEW,
    ),
    _table("set_ack", "directory# webhook seq#", "directory webhook seq"),
)
"""All that is copied, each table behind those that it refers to."""

ENGINE_ONLY: Final[Mapping[str, str]] = {
    "parts": "SQLite's index of parts of texts, which is made anew",
    "parts_due": "what that index lacks yet",
    "bucket": "what is left of rates at this moment",
    "form_mark": "forms of pages that are open at this moment",
    "bookmark": "places in walks over pages, which clients begin again",
    "schema_version": "the migrations of an engine",
}
"""What is not copied: what it is."""


@dataclass(slots=True)
class Tally:
    """How many rows a table has, and the sum of their digests."""

    rows: int = 0
    digest: int = 0

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """Count portable rows."""
        plain = _plain(table)
        for row in rows:
            text = repr(plain(row)).encode()
            self.digest += int.from_bytes(hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest())
            self.rows += 1
        self.digest %= _ROUND


def cleaned(row: Row) -> Row:
    """The row, its texts without U+0000."""
    if any(type(value) is str and "\0" in value for value in row):
        return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)
    return row


def opened(text: str) -> Any:
    """A folded document from its text, its texts without U+0000."""
    value = orjson.loads(text)
    return _without_nul(value) if "\\u0000" in text else value


def changed(row: Row, place: int, value: Any) -> Row:
    """The row with another value in one place."""
    return (*row[:place], value, *row[place + 1 :])


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def converted(
    table: Table, folded: Callable[[Any], Any], looked_up: Callable[[Row, int], Row]
) -> Callable[[Row], Row]:
    """What is done to each row: to its folded document, or to its value that is looked up, if it has one."""
    document, value = table.place(FOLDED), table.place(LOOKED_UP)
    if document is not None:
        return lambda row: changed(row, document, folded(row[document]))
    if value is not None:
        return lambda row: looked_up(row, value)
    return lambda row: row


def shortened(row: Row, place: int) -> Row:
    """The row with its value as PostgreSQL can look it up."""
    return changed(row, place, short(row[place]))


def _plain(table: Table) -> Callable[[Row], Row]:
    """What a portable row is alike in, whatever engine it comes from."""
    return converted(table, _canonical, shortened)


def _canonical(search: Any) -> bytes:
    text = orjson.dumps(search, option=orjson.OPT_SORT_KEYS)
    if not _UNUSUAL.search(text):
        return text
    return orjson.dumps(_exact(search), option=orjson.OPT_SORT_KEYS)


def _exact(value: Any) -> Any:
    """A document whose big numbers are texts of all their digits, and which knows one zero."""
    if isinstance(value, Mapping):
        return {name: _exact(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_exact(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"#{int(value)}" if abs(value) >= _WHOLE else value + 0
    return value


def _without_nul(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_without_nul(name): _without_nul(part) for name, part in value.items()}
    if isinstance(value, list):
        return list(map(_without_nul, value))
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
