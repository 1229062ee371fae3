"""Secrets and codes of authenticator apps: TOTP (RFC 6238) with what every app knows, by ``cryptography``."""

import base64
import hmac
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from rosterd.delivery.signing import Vault
from rosterd.service.administrators import Administrator
from rosterd.service.second_factor import Offer

ISSUER: Final = "rosterd"
"""What an app calls the entry, beside the administrator's name."""
SECRET_BYTES: Final = 20
"""As long as a hash of SHA-1 (RFC 4226 §4, R6)."""
STEP: Final = 30
"""Seconds that a code is shown."""
_LABEL: Final = 64
"""Characters of a name that the app shows; all of a long one would be too much for a QR code."""
_DIGITS: Final = 6
_NEAR: Final = (0, -1, 1)
"""Steps from now of which a code is taken."""


class TotpAuthenticator:
    """See ``rosterd.service.second_factor.Authenticator``. ``vault`` encrypts."""

    def __init__(self, vault: Vault, random: Callable[[int], bytes]) -> None:
        self._vault = vault
        self._random = random

    def offer(self, administrator: Administrator, sealed: str = "") -> Offer:
        """See ``Authenticator``."""
        if sealed:
            secret = self._unseal(administrator.id, sealed)
        else:
            secret = self._random(SECRET_BYTES)
            sealed = base64.b64encode(self._vault.seal(_whose(administrator.id), secret)).decode()
        address = _totp(secret).get_provisioning_uri(administrator.name[:_LABEL], ISSUER)
        return Offer(sealed, base64.b32encode(secret).decode(), address)

    def step(self, administrator: str, sealed: str, code: str, at: int) -> int | None:
        """See ``Authenticator``."""
        totp, now = _totp(self._unseal(administrator, sealed)), at // 1000 // STEP
        for step in (now + near for near in _NEAR):
            if hmac.compare_digest(totp.generate(step * STEP), code.encode()):
                return step
        return None

    def _unseal(self, administrator: str, sealed: str) -> bytes:
        try:
            return self._vault.unseal(_whose(administrator), base64.b64decode(sealed, validate=True))
        except ValueError as error:
            raise LookupError("this is no sealed secret") from error


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, _DIGITS, SHA1(), STEP)  # noqa: S303 - of HMAC, which its collisions do not touch


def _whose(administrator: str) -> str:
    return f"second factor of {administrator}"
