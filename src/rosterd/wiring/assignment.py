"""What a supervisor and a worker say to each other; those of another release understand it too."""

from dataclasses import asdict, dataclass
from typing import Final

import orjson

READY: Final = b"ready"
"""What a worker says once it serves."""
BEAT: Final = b"."
"""What it says again and again then, for as long as its event loop runs."""
FOLDER: Final = "rosterd-"
"""How the name of the supervisor's directory begins."""
BOARD: Final = "connections"
"""Name of the file in the supervisor's directory that says how many connections each worker has."""
QUIET: Final = 5.0
"""Seconds that a worker which is replaced waits for requests on the connections it has."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is given when it is started."""

    number: int
    """Which of the workers it is, from 1; one that takes its place has the same."""
    starts: int
    """How many have been started under that number."""
    listener: int
    """File of the socket to take connections from, which all workers share."""
    lifeline: int
    """File of a socket whose other end is the supervisor's: to say that it serves, and to see it end."""
    folder: str
    """Directory of the supervisor, for what workers tell each other."""

    def text(self) -> str:
        """What ``read`` reads."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def read(cls, text: str) -> "Assignment":
        """The assignment in an argument of the command line."""
        return cls(**orjson.loads(text))
