"""Whether a worker's event loop runs: the worker says so again and again, the supervisor looks.

A look that finds nothing counts, time does not. So nobody is taken for hanging because the machine was
suspended or the supervisor itself was stopped: meanwhile it does not look, and finds what was said before.
"""

import asyncio
import contextlib
import socket
from typing import Final

from rosterd.wiring.assignment import BEAT

SECONDS: Final = 1.0
"""Between two beats, and between two looks."""
LOOKS: Final = 30
"""So many in a row that find nothing mean that the loop hangs."""
_MOST: Final = 65_536


def beat(lifeline: socket.socket) -> None:
    """Say that the running loop runs, now and for as long as it does."""
    with contextlib.suppress(OSError):  # a supervisor of another release does not read it, or it is gone
        lifeline.send(BEAT, socket.MSG_DONTWAIT)
    asyncio.get_running_loop().call_later(SECONDS, beat, lifeline)


class Pulse:
    """The supervisor's view of one worker, at its end of the lifeline, which does not block."""

    def __init__(self, lifeline: socket.socket) -> None:
        self._lifeline = lifeline
        self._beats = False
        self._silent = 0

    def fails(self) -> bool:
        """Look, every ``SECONDS``; true once if ``LOOKS`` in a row have found nothing.

        Never before the first beat: a worker of another release may have none.
        """
        try:
            heard = self._lifeline.recv(_MOST)
        except BlockingIOError:
            self._silent += self._beats
            return self._silent == LOOKS
        except OSError:
            return False
        self._beats, self._silent = bool(heard), 0  # without anything, it has ended
        return False
