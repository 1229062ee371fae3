"""What requests were and how long they took, counted by area, method and status; and the steps of SCIM ones.

An area is what lies below one application of the site. Nothing here has a value of a client's choosing.
"""

from collections import Counter, defaultdict
from math import fsum
from operator import sub
from typing import Final

from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.measures import SECONDS, Tally

STEPS: Final = ("admit", "decode", "check", "commit", "render")
"""The steps that are timed. What of a check needs the stored data is in the transaction, so in ``commit``."""


_TOGETHER: Final = 256
"""SCIM requests that are counted together."""


class Requests:
    """The counts of one process; one event loop adds to them."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = defaultdict(int)
        """Requests by area, method and status."""
        self.seconds: dict[str, Tally] = defaultdict(lambda: Tally(SECONDS))
        """Seconds to the beginning of the reply, by area."""
        self.steps: dict[str, float] = dict.fromkeys(STEPS, 0.0)
        """Seconds spent in each step by the requests of ``stepped``."""
        self.stepped = 0
        """SCIM requests that went through all steps."""
        self._marks: list[tuple[str, int, float, float, float, float, float, float]] = []
        """Of SCIM requests that are still to be counted: method, status, when they began, when each step was
        done, and when the reply began."""
        self.refused: dict[str, int] = defaultdict(int)
        """SCIM requests refused for what they say, by scimType or, where it has none, by status."""
        self.tolerated: dict[str, int] = defaultdict(int)
        """SCIM requests in which a habit of a client was tolerated, by the name of the tolerance."""

    def begun(self, area: str, method: str, status: int, seconds: float) -> None:
        """Count a request whose reply begins."""
        self.answered[area, method, status] += 1
        self.seconds[area].add(seconds)

    def answering(self, request: Request, status: int, ended: float) -> None:
        """Note a SCIM request whose reply begins; ``ended`` by ``perf_counter``."""
        decoded, marks = request.decoded, self._marks
        marks.append((
            request.method, status, request.started, request.admitted, decoded,
            request.checked or decoded,  # one that only reads has no check of its own
            request.committed, ended,
        ))  # fmt: skip
        if len(marks) >= _TOGETHER:
            self.settle()
        error = request.error
        if error is not None and isinstance(error, errors.ScimError) and not request.committed:
            self.refused[error.scim_type or str(error.status)] += 1
        if request.asker is not None and request.asker.tolerated:
            for name in request.asker.tolerated:
                self.tolerated[name] += 1

    def settle(self) -> None:
        """Count the SCIM requests that are only noted: whoever reads the counts does so before."""
        if not self._marks:
            return
        methods, statuses, started, *_, ended = zip(*self._marks, strict=True)
        for (method, status), count in Counter(zip(methods, statuses, strict=True)).items():
            self.answered["scim", method, status] += count
        self.seconds["scim"].add_all(map(sub, ended, started))
        if whole := [times for _, _, *times in self._marks if times[-2]]:
            self.stepped += len(whole)
            sums = [*map(fsum, zip(*whole, strict=True))]
            for step, begin, end in zip(STEPS, sums, sums[1:], strict=False):
                self.steps[step] += end - begin
        self._marks.clear()
