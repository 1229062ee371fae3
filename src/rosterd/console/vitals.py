"""What pages need to say how a connection is doing; for the overview, the lists and its own pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from rosterd.console.chart import HOURS, Chart, chart
from rosterd.console.context import Console
from rosterd.console.request import path
from rosterd.service import health
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.request_log import HOUR, Activity, Exchange, Wanted
from rosterd.service.survey import NEWEST


@dataclass(frozen=True, slots=True)
class Vitals:
    """A connection with all that its card shows."""

    directory: Directory
    line: Connection
    activity: Activity | None
    last: int | None
    """Its last request, in ms."""
    tokens: tuple[Token, ...]
    concerns: tuple[health.Concern, ...]
    word: str
    tone: str
    users: int
    groups: int
    """Live ones that it owns."""
    chart: Chart
    failure: Exchange | None
    """Its last request that failed in the hours shown, while the log keeps it."""
    failure_seq: int | None

    @property
    def address(self) -> str:
        """Its page."""
        return address(self.directory.name, self.line.name)

    def help(self, concern: health.Concern) -> str:
        """The page that helps."""
        return help_with(concern, self.directory.name, self.line.name)


def address(directory: str, connection: str) -> str:
    """The page of a connection, by names."""
    return path("directories", directory, "connections", connection)


def help_with(concern: health.Concern, directory: str, connection: str) -> str:
    """The page that helps with a concern of a connection, by names."""
    if concern.page == "requests":
        return f"{path('directories', directory, 'requests')}?connection={path(connection)[1:]}&errors=1"
    own = address(directory, connection)
    return f"{own}/{concern.page}" if concern.page else own


async def vitals(console: Console, directory: Directory, lines: Sequence[Connection]) -> tuple[Vitals, ...]:
    """Those of some connections of a directory, in their order."""
    now = console.now()
    activities = {a.connection: a for a in await console.log.activity(directory.id, now - HOURS * HOUR)}
    warning_days = (await console.preferences.get()).token_warning_days
    return tuple(
        [await _vitals(console, directory, line, activities.get(line.id), warning_days) for line in lines]
    )


async def _vitals(
    console: Console, directory: Directory, line: Connection, activity: Activity | None, warning_days: int
) -> Vitals:
    now = console.now()
    tokens = await console.registry.token_page(directory.id, line.id, None, NEWEST)
    facts = health.Facts(line, activity, tokens, now, warning_days)
    reader = console.store.reader(directory.id)
    failure = None
    if activity and activity.last_failed and activity.last_failed > now - HOURS * HOUR:
        page = await console.log.exchange_page(directory.id, line.id, None, 1, Wanted(errors=True))
        failure = page.rows[0] if page.rows else None
    word, tone = health.word(facts)
    return Vitals(
        directory=directory,
        line=line,
        activity=activity,
        last=facts.last,
        tokens=tokens,
        concerns=health.concerns(facts),
        word=word,
        tone=tone,
        users=await reader.count("User", line.id),
        groups=await reader.count("Group", line.id),
        chart=chart((activity,) if activity else (), now),
        failure=failure.exchange if failure else None,
        failure_seq=failure.seq if failure else None,
    )
