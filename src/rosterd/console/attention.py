"""What needs attention in the whole installation, or in a directory, the worst first; by portions.

Every connection is looked at in few words (``service.survey``), and those that are shown in full. Connections
that were merely made and have no token yet are counted in one line, as there may be many of them.
"""

from dataclasses import dataclass
from typing import Final

from rosterd.console.context import Console
from rosterd.console.paging import here
from rosterd.console.request import PageRequest, path
from rosterd.console.vitals import help_with
from rosterd.console.webhook_form import title_of
from rosterd.service import health
from rosterd.service.audit import ITSELF
from rosterd.service.health import BAD, NEW, WARN, WEBHOOK
from rosterd.service.survey import NEWEST, Range, Sight, urgency
from rosterd.service.webhooks import DISABLED, Endpoint

CONNECTIONS: Final = 25
"""Connections of a portion."""
WEBHOOKS: Final = 25
"""Webhooks that are told of."""
FEW: Final = 3
"""So many without a token are told one by one."""

KIND: Final = "attention"
FROM: Final = "from"
_NEW: Final = "new"
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Worry:
    """Something that wants attention: of whom, what, and since when if its sentence ends so."""

    tone: str
    rank: int
    address: str
    name: str
    text: str
    webhook: bool = False
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """A portion of what needs attention; addresses where there are other portions."""

    worries: tuple[Worry, ...]
    place: tuple[int, int, int] | None
    """Of the connections shown the first and the last, and of how many; ``None``: all are shown."""
    first: str | None
    next: str | None
    waiting: int
    """Connections without a token that are only counted here."""
    more_webhooks: bool
    only_new: bool
    """Whether it is those without a token."""
    see_waiting: str


async def attention(console: Console, request: PageRequest, of: Range) -> Attention:
    """What needs attention of some directories, in the portion that is asked for."""
    now = console.now()
    warning_days = (await console.preferences.get()).token_warning_days
    found = [(urgency(one, now), one) for one in await console.survey.sights(of, now, warning_days)]
    troubled = sorted((urgent, one.home, one.name, one) for urgent, one in found if urgent is not None)
    waiting = [one for urgent, *_, one in troubled if urgent == (True, NEW)]
    only_new = request.query.get(KIND) == _NEW
    counted = not only_new and len(waiting) > FEW
    listed = waiting if only_new else [one for *_, one in troubled]
    if counted:  # they are the last
        listed = listed[: len(listed) - len(waiting)]
    start = _start(request)
    shown = listed[start : start + CONNECTIONS]
    worries = [worry for one in shown for worry in await _of_connection(console, one, now, warning_days)]
    hooks: tuple[str, ...] = ()
    if not start and not only_new:
        all_too = request.visitor.directory is None
        hooks = await console.survey.troubled_webhooks(of, all_too, str(ITSELF), WEBHOOKS + 1)
        worries += await _of_webhooks(console, request, hooks[:WEBHOOKS])
    following = start + CONNECTIONS if start + CONNECTIONS < len(listed) else None
    return Attention(
        worries=tuple(sorted(worries, key=lambda worry: (worry.tone != BAD, worry.rank))),
        place=(start + 1, start + len(shown), len(listed)) if start or following else None,
        first=here(request, **{FROM: None, KIND: None}) if start or only_new else None,
        next=here(request, **{FROM: str(following)}) if following else None,
        waiting=len(waiting) if counted else 0,
        more_webhooks=len(hooks) > WEBHOOKS,
        only_new=only_new,
        see_waiting=here(request, **{FROM: None, KIND: _NEW}),
    )


def _start(request: PageRequest) -> int:
    text = request.query.get(FROM, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


async def _of_connection(console: Console, one: Sight, now: int, warning_days: int) -> list[Worry]:
    line = await console.registry.connection(one.directory, one.name)
    if line is None:
        return []
    tokens = await console.registry.token_page(one.directory, line.id, None, NEWEST)
    facts = health.Facts(line, one.activity(now), tokens, now, warning_days)
    return [
        Worry(
            told.tone, told.rank, help_with(told, one.home, one.name), f"{one.home} / {one.name}", told.text
        )
        for told in health.concerns(facts)
    ]


async def _of_webhooks(console: Console, request: PageRequest, ids: tuple[str, ...]) -> list[Worry]:
    found = []
    for id in ids:
        hook = await console.webhook_control.webhook(id, request.visitor.directory)
        if hook is not None and (worry := _of_webhook(hook)):
            found.append(worry)
    return found


def _of_webhook(hook: Endpoint) -> Worry | None:
    """What is wrong with a webhook that nobody meant."""
    address, title = path("webhooks", hook.id), title_of(hook)
    if hook.standing.state == DISABLED:
        if hook.standing.by != str(ITSELF):
            return None
        text = f"was disabled: {hook.standing.reason}" if hook.standing.reason else "was disabled"
        return Worry(BAD, WEBHOOK, address, title, text, webhook=True, since=hook.standing.since)
    if not hook.failing:
        return None
    text = "has refused or missed every message since"
    return Worry(WARN, WEBHOOK, address, title, text, webhook=True, since=hook.failing)
