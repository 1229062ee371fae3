"""Workers of one machine tell each other which directories of their file have changed.

Each hears at a socket in a directory that they share; a message is the numbers of directories. It only saves
waiting: whoever waits looks once a second (``wake.py``), so a message that is lost is no harm.
"""

import asyncio
import secrets
import socket
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Final

from rosterd.store.wake import Wake

ENDING: Final = ".news"
_TOGETHER_SECONDS: Final = 0.02
"""How long commits are gathered behind one that was told at once, to be told together."""
_MOST: Final = 1000
"""Directories in a message, and messages that are taken before others have their turn."""
_BYTES: Final = 8 * _MOST


class News:
    """What one worker tells and hears, on the event loop that it was made on."""

    def __init__(self, folder: Path, wake: Wake) -> None:
        """``folder`` is the directory that they share. Raises ``OSError``."""
        self._folder = folder
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._changed: set[int] = set()
        self._later: asyncio.TimerHandle | None = None
        self._place = folder / f"{secrets.token_hex(3)}{ENDING}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._place))
        self._loop.add_reader(self._socket, self._hear)

    def ring(self, directory: int) -> None:
        """A directory was changed by this process."""
        self._wake.ring(directory)
        self._changed.add(directory)
        if self._later is None:
            self._tell()

    def close(self) -> None:
        """Tell what is left, and hear nothing more."""
        self._tell()
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._place.unlink(missing_ok=True)

    def _tell(self) -> None:
        self._later = None
        if not self._changed:
            return
        changed, self._changed = array("q", self._changed), set()
        for place in self._folder.glob(f"*{ENDING}"):
            if place != self._place:
                for first in range(0, len(changed), _MOST):
                    self._send(changed[first : first + _MOST].tobytes(), place)
        self._later = self._loop.call_later(_TOGETHER_SECONDS, self._tell)

    def _send(self, message: bytes, place: Path) -> None:
        try:
            self._socket.sendto(message, str(place))
        except ConnectionRefusedError:  # who had it was killed
            place.unlink(missing_ok=True)
        except OSError:
            pass  # it is just going, or has more than it can take

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            for _ in range(_MOST):
                for directory in array("q", self._socket.recv(_BYTES)):
                    self._wake.heard(directory)
