"""Whether a connection works: checks that tick themselves off, as predicates over what was seen of it.

What was seen is taken from what is kept for good where that is possible (tokens, accounts, groups), else from
the request log. So most of what was done once stays done when the log forgets it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.scim.schema import Model
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.explain import Facts, explain
from rosterd.service.ports import Reader, Stored
from rosterd.service.request_log import EVERYTHING, Activity, Exchange, RequestLog, StoredExchange

DONE: Final = "done"
FAILED: Final = "failed"
WAITING: Final = "waiting"

SAMPLE: Final = 200
"""The directory's newest accounts of each state, and groups, that are looked at for traces."""
RECENT: Final = 300
"""Requests of the connection that are looked at: its last ones."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a connection. Times in ms."""

    tokens: tuple[Token, ...]
    """Its newest."""
    activity: Activity | None
    users: int
    groups: int
    """Live ones that it owns."""
    accounts: tuple[Stored, ...] = ()
    """Some of its live accounts."""
    lost: bool = False
    """Whether some account of it is inactive or deleted."""
    filled: bool = False
    """Whether some group of it has members."""
    recent: tuple[StoredExchange, ...] = ()
    """Its last requests, newest first."""

    @property
    def last_used(self) -> int | None:
        """When one of its tokens was last used."""
        return max((token.last_used for token in self.tokens if token.last_used is not None), default=None)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that shall happen."""

    id: str
    title: str
    waiting: str
    """What to do so that it happens."""
    known: Callable[[Seen], bool]
    """Whether it is known from what is kept for good."""
    about: Callable[[Exchange], bool] = lambda _: False
    """Whether a request was an attempt at it: done if it was carried out, failed if not."""
    told: Callable[[Seen], str] = lambda _: ""
    """More about it, if it is known."""
    optional: bool = False
    """Whether a connection may well do without."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check stands: ``DONE`` (``at`` if the time is known), ``FAILED`` (``why``), ``WAITING``."""

    check: Check
    state: str
    at: int | None = None
    told: str = ""
    """More about what was done."""
    why: str = ""
    request: int | None = None
    """Number of the request that failed, in the request log."""


def _to(*methods: str, kind: str | None = None) -> Callable[[Exchange], bool]:
    return lambda one: one.method in methods and (kind is None or one.kind == kind)


def _so_far(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'} so far" if count else ""


CHECKS: Final = (
    Check(
        "token",
        "A token was made",
        "Generate a token below, or fetch one with a client.",
        lambda seen: bool(seen.tokens),
    ),
    Check(
        "request",
        "The first request arrived",
        "Paste the address and the token at the identity provider, and run its test.",
        lambda seen: bool(seen.activity or seen.last_used or seen.users or seen.recent),
    ),
    Check(
        "test",
        "Address and token are right",
        "The identity provider's own test must be green.",
        lambda seen: bool(seen.users or (seen.activity.last_ok if seen.activity else seen.last_used)),
        lambda one: True,
    ),
    Check(
        "created",
        "The first user arrived",
        "Assign somebody to the app at the identity provider.",
        lambda seen: bool(seen.users or seen.lost),
        _to("POST", kind="User"),
        lambda seen: _so_far(seen.users, "user"),
    ),
    Check(
        "updated",
        "A user was updated",
        "Change somebody's title at the identity provider.",
        lambda seen: any(row.version > 1 for row in seen.accounts),
        _to("PATCH", "PUT", kind="User"),
    ),
    Check(
        "deactivated",
        "A user was deactivated",
        "Unassign the person you tried it with.",
        lambda seen: seen.lost,
        _to("DELETE", kind="User"),
    ),
    Check(
        "group",
        "The first group was pushed",
        "Push a group, if groups shall come too.",
        lambda seen: bool(seen.groups),
        _to("POST", kind="Group"),
        lambda seen: _so_far(seen.groups, "group"),
        optional=True,
    ),
    Check(
        "members",
        "A group got members",
        "Put somebody who was assigned into the group.",
        lambda seen: seen.filled,
        _to("PATCH", "PUT", kind="Group"),
        optional=True,
    ),
)


async def look(
    reader: Reader,
    log: RequestLog,
    line: Connection,
    tokens: Sequence[Token],
    activity: Activity | None,
    model: Model,
) -> Seen:
    """What is known of a connection."""
    users, groups = model.types["User"].name, model.types["Group"].name
    states = [
        [row for row in await reader.newest(users, state, None, None, SAMPLE) if row.connection == line.id]
        for state in ("active", "inactive", "deleted")
    ]
    filled = False
    for group in await reader.newest(groups, "active", None, None, SAMPLE):
        filled = filled or (group.connection == line.id and await reader.member_count(group.id, 1) > 0)
    recent = await log.exchange_page(line.directory, line.id, None, RECENT, EVERYTHING)
    return Seen(
        tokens=tuple(tokens),
        activity=activity,
        users=await reader.count(users, line.id),
        groups=await reader.count(groups, line.id),
        accounts=(*states[0], *states[1]),
        lost=bool(states[1] or states[2]),
        filled=filled,
        recent=recent.rows,
    )


def outcomes(seen: Seen, directory: Directory, line: Connection, now: int) -> tuple[Outcome, ...]:
    """How every check stands."""
    facts = Facts(directory.name, line.name, line.profile)
    return tuple(_outcome(check, seen, facts, now) for check in CHECKS)


def _outcome(check: Check, seen: Seen, facts: Facts, now: int) -> Outcome:
    if check.id == "token" and seen.tokens and not any(usable(token, now) for token in seen.tokens):
        return Outcome(check, FAILED, why="Every token has expired or was revoked. Generate a new one.")
    if check.known(seen):
        return Outcome(check, DONE, told=check.told(seen))
    attempts = [row for row in seen.recent if check.about(row.exchange)]
    for row in attempts:
        if row.exchange.status < 400:
            return Outcome(check, DONE, row.exchange.at)
    for row in attempts:
        why = " ".join(explain(row.exchange, facts))
        return Outcome(check, FAILED, row.exchange.at, why=why, request=row.seq)
    return Outcome(check, WAITING)


def usable(token: Token, now: int) -> bool:
    """Whether it works now."""
    return token.expires > now and (token.revoked is None or token.revoked > now)
