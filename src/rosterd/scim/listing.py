"""A listing is asked for in a query string or in a SearchRequest message; both say the same.

Numbers out of range are lowered or raised to what is possible, as the RFC wants; what is not a
number, or is given twice, is an error. Sources: RFC 7644 §3.4.2 (query), §3.4.3 (POST .search),
RFC 9865 §2 (cursors).

    startIndex   below 1 counts as 1
    count        below 0 counts as 0; 0 asks for the total only; above MAX_COUNT is lowered
    cursor       empty asks for the first page; excludes startIndex; its count is 1 or more
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.scim import urns
from rosterd.scim.errors import InvalidCount, InvalidCursor, InvalidFilter, InvalidValue
from rosterd.scim.filter import AttrPath, Filter, parse_filter
from rosterd.scim.message import json_type, message
from rosterd.scim.path import parse_attribute
from rosterd.scim.render import DEFAULT, Projection

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1000
"""Never below 100: Okta's next page begins 100 further, however many it was given."""

MAX_START_INDEX: Final = 2**31 - 1
MAX_CURSOR: Final = 32768
"""Characters. A cursor holds a sort key, which may be a long text."""

_PARAMETERS: Final = frozenset(
    ("filter", "sortby", "sortorder", "startindex", "count", "cursor", "attributes", "excludedattributes")
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
# unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"   (RFC 9865 §2, RFC 3986 §2.3)
_CURSOR: Final = re.compile(r"[A-Za-z0-9._~-]*")


@dataclass(slots=True)
class ListRequest:
    """What a listing is to hold. ``cursor`` is ``None`` for index paging, ``""`` for a first cursor page."""

    filter: Filter | None = None
    sort_by: AttrPath | None = None
    descending: bool = False
    start_index: int = 1
    count: int = DEFAULT_COUNT
    cursor: str | None = None
    projection: Projection = DEFAULT


def from_query(pairs: Iterable[tuple[str, str]], *, lenient: bool = False) -> ListRequest:
    """Read decoded query parameters; names in any letter case, unknown ones ignored.

    ``lenient``: the filter may be written as some clients do (``parse_filter``).

    A parameter without a value must be among them with ``""``. Raises ``InvalidValue``,
    ``InvalidFilter``, ``InvalidPath``, ``InvalidCursor`` or ``InvalidCount``.
    """
    given: dict[str, object] = {}
    for name, value in pairs:
        key = name.casefold()
        if key in given and key in _PARAMETERS:
            raise InvalidValue(f"the query parameter '{name}' is given twice")
        given[key] = value
    return _request(given, lenient)


def from_message(body: object, *, lenient: bool = False) -> ListRequest:
    """Read a SearchRequest message (RFC 7644 §3.4.3).

    Raises ``InvalidSyntax`` if it is none, and what ``from_query`` raises.
    """
    return _request(message(body, urns.SEARCH_REQUEST), lenient)


def list_response(
    resources: Sequence[object],
    *,
    total: int | None,
    start_index: int | None = None,
    next_cursor: str | None = None,
    previous_cursor: str | None = None,
) -> dict[str, object]:
    """A ListResponse message (RFC 7644 §3.4.2); members that are ``None`` are left out.

    ``itemsPerPage`` is the number of resources in this response. ``Resources`` is always there.
    """
    head = {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "nextCursor": next_cursor,
        "previousCursor": previous_cursor,
    }
    return {key: value for key, value in head.items() if value is not None} | {"Resources": resources}


def _request(given: Mapping[str, object], lenient: bool) -> ListRequest:
    filter_text = _text(given.get("filter"), "filter")
    if filter_text is not None and not filter_text.strip():
        raise InvalidFilter("the filter is empty; leave 'filter' out to list everything")
    sort_by = _text(given.get("sortby"), "sortBy")
    start_index = _integer(given.get("startindex"), "startIndex")
    count = _integer(given.get("count"), "count")
    cursor = _text(given.get("cursor"), "cursor")
    if cursor is not None:
        _check_cursor(cursor, start_index, count)
    return ListRequest(
        None if filter_text is None else parse_filter(filter_text, lenient=lenient),
        None if sort_by is None else parse_attribute(sort_by),
        _descending(_text(given.get("sortorder"), "sortOrder")),
        1 if start_index is None else min(max(1, start_index), MAX_START_INDEX),
        DEFAULT_COUNT if count is None else min(max(0, count), MAX_COUNT),
        cursor,
        Projection.parse(
            _names(given.get("attributes"), "attributes"),
            _names(given.get("excludedattributes"), "excludedAttributes"),
        ),
    )


def _check_cursor(cursor: str, start_index: int | None, count: int | None) -> None:
    if start_index is not None:
        raise InvalidValue("'cursor' and 'startIndex' exclude each other; send one of them")
    if count is not None and count < 1:
        raise InvalidCount(f"'count' with a cursor must be between 1 and {MAX_COUNT}, not {count}")
    if len(cursor) > MAX_CURSOR or not _CURSOR.fullmatch(cursor):
        raise InvalidCursor()


def _descending(order: str | None) -> bool:
    if order is None or order.casefold() == "ascending":
        return False
    if order.casefold() == "descending":
        return True
    raise InvalidValue("'sortOrder' must be 'ascending' or 'descending'")


def _text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidValue(f"'{name}' must be a string, not {json_type(value)}")


def _integer(value: object, name: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    # A number of 4301 digits is more than int() reads; one of 20 is past every bound here.
    if isinstance(value, str) and _INTEGER.fullmatch(text := value.strip()):
        return int(text[:20])
    shown = f"'{value[:40]}'" if isinstance(value, str) else json_type(value)
    raise InvalidValue(f"'{name}' must be an integer, not {shown}")


def _names(value: object, name: str) -> str | list[str] | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise InvalidValue(f"'{name}' must be a list of strings, not {json_type(value)}")
