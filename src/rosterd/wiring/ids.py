"""Where randomness and time come from."""

import itertools
import os
import time
from typing import Final


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of time, so that new rows lie together, 74 of chance."""
    tail = int.from_bytes(os.urandom(10), "big")
    time_part = f"{now() & 0xFFFF_FFFF_FFFF:012x}"
    versioned, variant = 0x7000 | tail >> 68 & 0xFFF, 0x8000 | tail >> 54 & 0x3FFF
    return f"{time_part[:8]}-{time_part[8:]}-{versioned:04x}-{variant:04x}-{tail & 0xFFFF_FFFF_FFFF:012x}"


_PROCESS: Final = int.from_bytes(os.urandom(4), "big") << 32
_requests = itertools.count(1)


def new_request_id() -> str:
    """16 hexadecimal digits: 8 of this process, then a count."""
    return (_PROCESS | next(_requests) & 0xFFFF_FFFF).to_bytes(8, "big").hex()
