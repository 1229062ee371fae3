"""Where randomness and time come from."""

import itertools
import os
import time
from typing import Final


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


_DRAWN: Final = 256
"""For how many ids chance is drawn at once: each time the system is asked costs more than the id."""
_chance: Final[list[bytes]] = []
os.register_at_fork(after_in_child=_chance.clear)
_TIME: Final = 0xFFFF_FFFF_FFFF << 80
_VERSION: Final = 0x7000_8000 << 48
_CHANCE: Final = 0xFFF_3FFF_FFFF_FFFF_FFFF


def new_id() -> str:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of time, so that new rows lie together, 74 of chance."""
    try:
        chance = _chance.pop()
    except IndexError:
        drawn = os.urandom(10 * _DRAWN)
        _chance.extend(drawn[place : place + 10] for place in range(0, len(drawn), 10))
        chance = _chance.pop()
    id = now() << 80 & _TIME | _VERSION | int.from_bytes(chance, "big") & _CHANCE
    text = id.to_bytes(16, "big").hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_PROCESS: Final = int.from_bytes(os.urandom(4), "big") << 32
_requests = itertools.count(1)


def new_request_id() -> str:
    """16 hexadecimal digits: 8 of this process, then a count."""
    return (_PROCESS | next(_requests) & 0xFFFF_FFFF).to_bytes(8, "big").hex()
