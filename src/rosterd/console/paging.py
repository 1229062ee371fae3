"""Where a page of a list ended, as a text in an address; and addresses that differ from this one a little.

A place is no secret and decides nothing: whoever makes one up begins the list somewhere else.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

import orjson

from rosterd.console.request import PageRequest
from rosterd.scim import errors

T = TypeVar("T")

AFTER: Final = "after"
_MOST: Final = 2**63 - 1


def pack(*parts: str | int) -> str:
    """A place as a text."""
    return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def unpack(request: PageRequest, *kinds: type, name: str = AFTER) -> tuple[Any, ...] | None:
    """The place in the query, with parts of these kinds; ``None`` without one. Raises ``InvalidValue``."""
    text = request.query.get(name, "")
    if not text:
        return None
    try:
        parts = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise errors.InvalidValue("This address does not lead into the list. Begin at its first page.")
    if any(isinstance(part, int) and not 0 <= part <= _MOST for part in parts):
        raise errors.InvalidValue("This address does not lead into the list. Begin at its first page.")
    return tuple(parts)


def here(request: PageRequest, below: str = "", /, **changes: str | None) -> str:
    """This page's address, or one ``below``, with other fields in its query; ``None`` leaves one out."""
    fields = {**request.query, **changes}
    query = urlencode({name: value for name, value in fields.items() if value})
    address = f"{request.address}/{below}" if below else request.address
    return quote(address, safe="/~") + (f"?{query}" if query else "")


def first(request: PageRequest, name: str = AFTER) -> str | None:
    """The address of the list's first page, if this is a later one."""
    return here(request, **{name: None}) if request.query.get(name) else None


@dataclass(frozen=True, slots=True)
class Cut(Generic[T]):
    """A page of a list, and the addresses of its first and next one, where there are others."""

    rows: Sequence[T]
    first: str | None
    next: str | None


def cut(
    request: PageRequest, rows: Sequence[T], limit: int, place: Callable[[T], str | int], name: str = AFTER
) -> Cut[T]:
    """A page out of ``limit`` rows and one more, if there are more; ``place`` says where a row is."""
    following = here(request, **{name: pack(place(rows[limit - 1]))}) if len(rows) > limit else None
    return Cut(rows[:limit], first(request, name), following)


def chosen(request: PageRequest, name: str, options: Iterable[str]) -> str | None:
    """A field of the query that must be one of some; ``None`` if it is empty. Raises ``InvalidValue``."""
    value = request.query.get(name, "").strip()
    if not value:
        return None
    known = tuple(options)
    if value not in known:
        raise errors.InvalidValue(f"'{name}' cannot be '{value[:50]}'. It is one of: {', '.join(known)}.")
    return value


def text(request: PageRequest, name: str, most: int = 200) -> str:
    """A field of the query without the blanks around it, cut where nothing is so long."""
    return request.query.get(name, "").strip()[:most]
