"""What requests were and how long they took, counted by area, method and status; and the steps of SCIM ones.

An area is what lies below one application of the site. Nothing here has a value of a client's choosing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.measures import SECONDS, Tally

STEPS: Final = ("admit", "decode", "check", "commit", "render")
"""The steps that are timed. What of a check needs the stored data is in the transaction, so in ``commit``."""


class Requests:
    """The counts of one process; one event loop adds to them."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()
        """Requests by area, method and status."""
        self.seconds: dict[str, Tally] = defaultdict(lambda: Tally(SECONDS))
        """Seconds to the beginning of the reply, by area."""
        self.admit = self.decode = self.check = self.commit = self.render = 0.0
        """Seconds spent in each of the ``STEPS`` by the requests of ``stepped``, which went through all."""
        self.stepped = 0
        self.refused: Counter[str] = Counter()
        """SCIM requests refused for what they say, by scimType or, where it has none, by status."""
        self.tolerated: Counter[str] = Counter()
        """SCIM requests in which a habit of a client was tolerated, by the name of the tolerance."""

    def begun(self, area: str, method: str, status: int, seconds: float) -> None:
        """Count a request whose reply begins."""
        self.answered[area, method, status] += 1
        self.seconds[area].add(seconds)

    def count(self, answered: Iterable[tuple[Request, Reply]]) -> None:
        """Count SCIM requests that were answered."""
        admit = decode = check = commit = render = 0.0
        kinds, seconds = [], []
        for request, reply in answered:
            started, replied, committed = request.started, request.replied, request.committed
            kinds.append(("scim", request.method, reply.status))
            seconds.append(replied - started)
            if committed:
                admitted, before = request.admitted, request.decoded
                admit += admitted - started
                decode += before - admitted
                if checked := request.checked:  # not so for one that only reads
                    check += checked - before
                    before = checked
                commit += committed - before
                render += replied - committed
                self.stepped += 1
            elif isinstance(error := request.error, errors.ScimError):
                self.refused[error.scim_type or str(error.status)] += 1
            asker = request.asker
            if asker is not None and asker.tolerated:
                self.tolerated.update(asker.tolerated.keys())
        self.answered.update(kinds)
        self.seconds["scim"].add(*seconds)
        self.admit += admit
        self.decode += decode
        self.check += check
        self.commit += commit
        self.render += render
