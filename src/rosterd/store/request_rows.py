"""How the request log is written in rows, whatever the engine, and what a page wants of them."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final

from rosterd.service.request_log import (
    HOUR,
    Activity,
    Count,
    Exchange,
    Hour,
    HourOf,
    StoredExchange,
    Wanted,
)
from rosterd.store.rows import Row, as_json

PORTION: Final = 2000
"""Exchanges whose texts are looked through at a time."""
PLAIN: Final = Wanted()
BY_DIRECTORY: Final = attrgetter("directory")
_JOINED: Final = re.compile(r"[^\W\u2e80-\U0010ffff]")
"""A letter or digit of a script that has blanks between words."""
_BEFORE: Final = r"(?:(?<!\w)|(?<=%[0-9a-f]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4}))"
"""Also behind what stands for another character, percent-encoded or in JSON."""
_BEHIND: Final = r"(?!\w)"
_TOLERATED: Final = Exchange._fields.index("tolerated")
"""The field that is something else in its column. Columns have the order of the fields, behind ``seq``."""


def hour_rows(exchanges: Iterable[Exchange], omitted: Mapping[HourOf, Count]) -> list[Row]:
    """What a batch adds to the hours of its connections, in the order of their keys."""
    counts = defaultdict(Count, ((key, replace(count)) for key, count in omitted.items()))
    times: dict[tuple[int, int, int, bool], list[int]] = defaultdict(list)
    for one in exchanges:
        times[one.directory, one.connection, one.at // HOUR, one.failed].append(one.at)
    for (directory, connection, hour, failed), ats in times.items():
        counts[directory, connection, hour].add(max(ats), len(ats), failed=failed)
    return [
        (*key, c.ok, c.failed, c.last_ok or None, c.last_failed or None) for key, c in sorted(counts.items())
    ]


def way_of(connection: int | None, wanted: Wanted) -> tuple[str, Row]:
    """The query that looks at the fewest, and what it takes beside place and limit."""
    if wanted.resource is not None:
        return "requests_of_resource", (wanted.resource,)
    if wanted.errors or (wanted.status is not None and wanted.status[0] >= 400):
        return "requests_failed", ()
    if connection is not None:
        return "requests_of_connection", (connection,)
    return "requests", ()


def predicate_of(connection: int | None, wanted: Wanted) -> Callable[[Row], bool]:
    """Whether a page wants what is in a row that a look goes over."""
    text = wanted.text.casefold()
    least, most = wanted.status or (0, 999)
    if wanted.errors:
        least = max(least, 400)

    def fits(row: Row) -> bool:
        _, whose, status, method, resource, request_id, subject, path = row
        return (
            (connection is None or whose == connection)
            and least <= status <= most
            and (wanted.method is None or method == wanted.method)
            and (wanted.resource is None or resource == wanted.resource)
            and (
                not text
                or text in path.casefold()
                or (subject is not None and text in subject.casefold())
                or text == request_id
            )
        )

    return fits


def activity_of(connection: int, rows: Sequence[Row], since: int) -> Activity:
    """What a connection did, from the rows of its hours."""
    last_ok = max((row[4] for row in rows if row[4] is not None), default=None)
    last_failed = max((row[5] for row in rows if row[5] is not None), default=None)
    last = max((at for at in (last_ok, last_failed) if at is not None), default=None)
    hours = tuple(Hour(row[1] * HOUR, row[2], row[3]) for row in rows if (row[1] + 1) * HOUR > since)
    return Activity(connection, last, last_ok, last_failed, hours)


def exchange_rows(exchanges: Iterable[Exchange], last: int, fence: int) -> list[Row]:
    """A directory's exchanges as the columns of their rows, under numbers above ``last``.

    Those that came up to the fence are as if they had been scrubbed.
    """
    rows: list[Row] = []
    for one in exchanges:
        at = one.at
        last = max(last + 1, at * 1000)
        if at <= fence:
            one = one._replace(subject=None, path="", query="", detail=None, body=None, reply=None)
        rows.append((last, *one[:_TOLERATED], " ".join(one.tolerated), *one[_TOLERATED + 1 :]))
    return rows


def exchange_of(row: Sequence[Any]) -> StoredExchange:
    """An exchange from a row of its columns."""
    seq, *fields = row
    fields[_TOLERATED] = tuple(fields[_TOLERATED].split())
    return StoredExchange(seq, Exchange(*fields))


def searched(texts: Iterable[str]) -> re.Pattern[str] | None:
    """The texts in any letter case, as ``mentioning`` wants them: by themselves and inside JSON.

    As whole words: a person's number or short name is a part of many a text that is about somebody else.
    """
    folded = {text.casefold() for text in texts if text}
    words = sorted(folded | {as_json(text)[1:-1] for text in folded})
    return re.compile("|".join(map(_whole, words))) if words else None


def _whole(word: str) -> str:
    """The expression for a word: what ends it is asked for where it ends so that the next could go on."""
    left, right = (_JOINED.match(end) for end in (word[0], word[-1]))
    return f"{_BEFORE if left else ''}{re.escape(word)}{_BEHIND if right else ''}"


def mentioning(rows: Iterable[Sequence[Any]], looked_for: re.Pattern[str]) -> list[Any]:
    """The first columns of those that mention one of the texts, see ``searched``."""
    return [
        seq for seq, *texts in rows if looked_for.search("\0".join(text for text in texts if text).casefold())
    ]


def replies_with(texts: Collection[str], replies: Iterable[Sequence[Any]]) -> list[Row]:
    """Which kept replies, API key and name, have one of the texts in their body."""
    looked_for = searched(texts)
    if looked_for is None:
        return []
    named = (((key, name), bytes(body).decode()) for key, name, body in replies)
    return mentioning(named, looked_for)
