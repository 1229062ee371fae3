"""Where randomness and time come from."""

import os
import time


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of time, so that new rows lie together, 74 of chance."""
    tail = int.from_bytes(os.urandom(10), "big")
    text = f"{now() & 0xFFFF_FFFF_FFFF:012x}7{tail >> 68 & 0xFFF:03x}{0x8000 | tail >> 54 & 0x3FFF:04x}{tail & 0xFFFF_FFFF_FFFF:012x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_request_id() -> str:
    """16 hexadecimal digits."""
    return os.urandom(8).hex()
