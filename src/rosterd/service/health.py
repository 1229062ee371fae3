"""How a connection is doing, in one word and a list of concerns; rules over what is known of it, worst first.

A concern says what is wrong in a sentence, and which of the connection's pages helps.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rosterd.service.connections import FUSE
from rosterd.service.control import Connection, Token
from rosterd.service.expiry import is_ending
from rosterd.service.request_log import DAY, HOUR, Activity
from rosterd.service.setup_checks import usable
from rosterd.service.standing import ACTIVE, DISABLED, PAUSED

BAD: Final = "bad"
WARN: Final = "warn"

SILENT: Final = 14 * DAY
"""ms without a request after which one asks whether provisioning was switched off."""

STOPPED, LOCKED_OUT, FAILING, WEBHOOK, ENDING, QUIET, NEW = range(7)
"""What a concern is of, in the order in which an overview tells those of one tone."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a connection at ``now`` (ms)."""

    line: Connection
    activity: Activity | None
    tokens: Sequence[Token]
    """Its newest."""
    now: int
    warning_days: int
    """Days before its end at which a token is told of; 0: never."""

    @property
    def lately(self) -> tuple[int, int]:
        """Requests that were carried out, and that failed, in this hour and the one before."""
        hours = self.activity.hours if self.activity else ()
        recent = [hour for hour in hours if hour.at > self.now - 2 * HOUR]
        return sum(hour.ok for hour in recent), sum(hour.failed for hour in recent)

    @property
    def last(self) -> int | None:
        """Its last request, as far as it is known."""
        used = [token.last_used for token in self.tokens if token.last_used is not None]
        last = self.activity.last if self.activity else None
        return max([*used, last] if last is not None else used, default=None)

    @property
    def ending(self) -> tuple[Token, ...]:
        """Tokens in use that end soon; one issued to a client does not count, as that fetches another."""
        return tuple(
            token
            for token in self.tokens
            if token.revoked is None and is_ending(token, self.now, self.warning_days)
        )


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that wants attention; ``page`` is the segment below the connection, ``""`` itself."""

    tone: str
    text: str
    page: str = ""
    rank: int = STOPPED


def concerns(facts: Facts) -> tuple[Concern, ...]:
    """What wants attention, the worst first; of a disabled connection nothing does."""
    if facts.line.standing.state == DISABLED:
        return ()
    found = [concern for rule in _RULES for concern in rule(facts)]
    return tuple(sorted(found, key=lambda concern: concern.tone != BAD))


def word(facts: Facts) -> tuple[str, str]:
    """One word for it, and its tone: ``good``, ``warn``, ``bad`` or ``dim``."""
    standing = facts.line.standing
    if standing.state == DISABLED:
        return "Disabled", "dim"
    if standing.state == PAUSED:
        return "Paused", BAD if standing.by == FUSE else WARN
    if facts.last is None:
        return "Not used yet", "dim"
    tones = {concern.tone for concern in concerns(facts)}
    return (
        ("Problems", BAD)
        if BAD in tones
        else ("Needs a look", WARN)
        if WARN in tones
        else ("Working", "good")
    )


def failing(ok: int, failed: int) -> str:
    """The tone of so many failures among so many requests; ``""`` if that is nothing to worry about."""
    total = ok + failed
    if failed * 50 <= total:
        return ""
    return BAD if failed * 4 > total else WARN


def _standing(facts: Facts) -> Iterator[Concern]:
    standing = facts.line.standing
    if standing.state != PAUSED:
        return
    why = f": {standing.reason.rstrip('.')}" if standing.reason else ""
    tone = BAD if standing.by == FUSE else WARN
    yield Concern(tone, f"Paused by {standing.by or 'an administrator'}{why}.", rank=STOPPED)


def _tokens(facts: Facts) -> Iterator[Concern]:
    working = [token for token in facts.tokens if usable(token, facts.now)]
    if not facts.tokens:
        yield Concern(WARN, "It has no token yet.", "setup", NEW)
    elif not working:
        text = "No token works any more: all have expired or were revoked."
        yield Concern(BAD, text, "tokens", LOCKED_OUT)
    for token in facts.ending if working else ():
        days = max(1, (token.expires - facts.now) // DAY)
        name = f"Token “{token.label}”" if token.label else f"Token {token.id}"
        text = f"{name} expires in {days} day{'' if days == 1 else 's'}. Rotate it."
        yield Concern(WARN, text, "tokens", ENDING)


def _failures(facts: Facts) -> Iterator[Concern]:
    ok, failed = facts.lately
    tone = failing(ok, failed)
    if tone:
        total = ok + failed
        text = f"{failed:,} of {total:,} request{'' if total == 1 else 's'} failed in this hour or the last."
        yield Concern(tone, text, "requests", FAILING)


def _silence(facts: Facts) -> Iterator[Concern]:
    last = facts.last
    if last is not None and facts.line.standing.state == ACTIVE and last < facts.now - SILENT:
        days = (facts.now - last) // DAY
        text = f"Nothing was heard of it for {days} days. Is provisioning still on?"
        yield Concern(WARN, text, "setup", QUIET)


_RULES: Final[tuple[Callable[[Facts], Iterator[Concern]], ...]] = (_standing, _tokens, _failures, _silence)
