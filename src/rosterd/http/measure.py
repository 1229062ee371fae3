"""What requests were and how long they took, counted by area, method and status; and the steps of SCIM ones.

An area is what lies below one application of the site. Nothing here has a value of a client's choosing.
"""

from collections import defaultdict
from math import fsum
from typing import Final

from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.measures import SECONDS, Tally

STEPS: Final = ("admit", "decode", "check", "commit", "render")
"""The steps that are timed. What of a check needs the stored data is in the transaction, so in ``commit``."""


_TOGETHER: Final = 256
"""Requests whose steps are added up together."""


class Requests:
    """The counts of one process; one event loop adds to them."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = defaultdict(int)
        """Requests by area, method and status."""
        self.seconds: dict[str, Tally] = defaultdict(lambda: Tally(SECONDS))
        """Seconds to the beginning of the reply, by area."""
        self._steps = dict.fromkeys(STEPS, 0.0)
        self._stepped = 0
        self._marks: list[tuple[float, ...]] = []
        """Of requests that are still to be added to the steps: when they began, and when each was done."""
        self.refused: dict[str, int] = defaultdict(int)
        """SCIM requests refused for what they say, by scimType or, where it has none, by status."""
        self.tolerated: dict[str, int] = defaultdict(int)
        """SCIM requests in which a habit of a client was tolerated, by the name of the tolerance."""

    def begun(self, area: str, method: str, status: int, seconds: float) -> None:
        """Count a request whose reply begins."""
        self.answered[area, method, status] += 1
        self.seconds[area].add(seconds)

    def answering(self, request: Request, status: int, ended: float) -> None:
        """Count a SCIM request whose reply begins; ``ended`` by ``perf_counter``."""
        started, decoded, committed = request.started, request.decoded, request.committed
        self.begun("scim", request.method, status, ended - started)
        if committed:
            marks = self._marks
            # One that only reads has no check of its own.
            marks.append((started, request.admitted, decoded, request.checked or decoded, committed, ended))
            if len(marks) >= _TOGETHER:
                self._add_up()
        elif isinstance(request.error, errors.ScimError):
            self.refused[request.error.scim_type or str(request.error.status)] += 1
        if request.asker is not None and request.asker.tolerated:
            for name in request.asker.tolerated:
                self.tolerated[name] += 1

    def steps(self) -> tuple[dict[str, float], int]:
        """Seconds spent in each step by SCIM requests that went through all of them, and how many did."""
        self._add_up()
        return self._steps, self._stepped

    def _add_up(self) -> None:
        if self._marks:
            sums = [*map(fsum, zip(*self._marks, strict=True))]
            for step, begin, end in zip(STEPS, sums, sums[1:], strict=False):
                self._steps[step] += end - begin
            self._stepped += len(self._marks)
            self._marks.clear()
