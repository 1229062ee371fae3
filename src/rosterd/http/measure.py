"""What requests were and how long they took, counted by area, method and status; and the steps of SCIM ones.

An area is what lies below one application of the site. Nothing here has a value of a client's choosing.
"""

from typing import Final

from rosterd.service.measures import SECONDS, Tally

STEPS: Final = ("admit", "decode", "check", "commit", "render")
"""The steps that are timed. What of a check needs the stored data is in the transaction, so in ``commit``."""


class Requests:
    """The counts of one process; one event loop adds to them."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = {}
        """Requests by area, method and status."""
        self.seconds: dict[str, Tally] = {}
        """Seconds to the beginning of the reply, by area."""
        self.steps: dict[str, float] = dict.fromkeys(STEPS, 0.0)
        """Seconds spent in each step by the requests of ``stepped``."""
        self.stepped = 0
        self.refused: dict[str, int] = {}
        """SCIM requests refused for what they say, by scimType or, where it has none, by status."""
        self.tolerated: dict[str, int] = {}
        """SCIM requests in which a habit of a client was tolerated, by the name of the tolerance."""

    def begun(self, area: str, method: str, status: int, seconds: float) -> None:
        """Count a request whose reply begins."""
        key = (area, method, status)
        self.answered[key] = self.answered.get(key, 0) + 1
        tally = self.seconds.get(area)
        if tally is None:
            tally = self.seconds[area] = Tally(SECONDS)
        tally.add(seconds)

    def went(
        self, started: float, admitted: float, decoded: float, checked: float, committed: float, ended: float
    ) -> None:
        """Count the steps of a SCIM request that went through all of them; times by ``perf_counter``.

        ``checked`` is 0 for a request that only reads.
        """
        steps = self.steps
        steps["admit"] += admitted - started
        steps["decode"] += decoded - admitted
        if checked:
            steps["check"] += checked - decoded
            decoded = checked
        steps["commit"] += committed - decoded
        steps["render"] += ended - committed
        self.stepped += 1

    def refuse(self, reason: str) -> None:
        """Count a refused SCIM request."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def tolerate(self, name: str) -> None:
        """Count a tolerance that was needed."""
        self.tolerated[name] = self.tolerated.get(name, 0) + 1
