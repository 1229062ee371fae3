"""What requests were and how long they took, counted by area, method and status; and the steps of SCIM ones.

An area is what lies below one application of the site. Nothing here has a value of a client's choosing.
"""

from collections import defaultdict
from typing import Final

from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.measures import SECONDS, Tally

STEPS: Final = ("admit", "decode", "check", "commit", "render")
"""The steps that are timed. What of a check needs the stored data is in the transaction, so in ``commit``."""


class Requests:
    """The counts of one process; one event loop adds to them."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = defaultdict(int)
        """Requests by area, method and status."""
        self.seconds: dict[str, Tally] = defaultdict(lambda: Tally(SECONDS))
        """Seconds to the beginning of the reply, by area."""
        self.admit = self.decode = self.check = self.commit = self.render = 0.0
        """Seconds spent in each of the ``STEPS`` by the requests of ``stepped``, which went through all."""
        self.stepped = 0
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
        started, committed, error, asker = request.started, request.committed, request.error, request.asker
        self.begun("scim", request.method, status, ended - started)
        if committed:
            admitted, before = request.admitted, request.decoded
            self.admit += admitted - started
            self.decode += before - admitted
            if checked := request.checked:  # not so for one that only reads
                self.check += checked - before
                before = checked
            self.commit += committed - before
            self.render += ended - committed
            self.stepped += 1
        elif isinstance(error, errors.ScimError):
            self.refused[error.scim_type or str(error.status)] += 1
        if asker is not None and asker.tolerated:
            for name in asker.tolerated:
                self.tolerated[name] += 1
