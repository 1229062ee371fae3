"""The phone of an administrator: codes as an authenticator app makes them, by RFC 4226 and RFC 6238 alone."""

import base64
import hmac
import struct
import time
from typing import Final

from rosterd.service.administrators import Administrator
from rosterd.service.second_factor import SecondFactors
from rosterd.testing.scenario import BY

STEP: Final = 30
"""Seconds that a code is shown."""


def totp(secret: bytes, step: int, digits: int = 6) -> str:
    """The code of a step of time (RFC 6238 §4.2, RFC 4226 §5.3)."""
    mac = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    start = mac[-1] & 15
    number = struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def shown(secret: str, at: float, steps: int = 0) -> str:
    """What the app shows at a time (s), or some steps later, of a secret in base32 as a page tells it."""
    return totp(base64.b32decode(secret.replace(" ", "")), int(at) // STEP + steps)


async def equip(second_factors: SecondFactors, administrator: Administrator) -> Administrator:
    """Set an app up for an administrator, by the clock of the machine; gives them as they are after it."""
    offer = second_factors.offer(administrator)
    code = shown(offer.secret, time.time())
    changed, _ = await second_factors.add(administrator, offer.sealed, code, by=BY)
    return changed
