"""Signatures by Standard Webhooks, and how the secrets for them are kept.

    signed           = webhook-id "." webhook-timestamp "." body
    v1 signature     = "v1," base64( HMAC-SHA256( secret, signed ) )     ; secret "whsec_" base64
    v1a signature    = "v1a," base64( Ed25519( private key, signed ) )   ; public key "whpk_" base64

A message carries a signature for each secret in use, separated by spaces. A secret is kept encrypted with
AES-256-GCM under a key of the installation and bound to its endpoint: twelve bytes of nonce, then the rest.
"""

import base64
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from standardwebhooks import Webhook

from rosterd.service.webhook_secrets import Made
from rosterd.service.webhooks import V1, Endpoint, Secret

_NONCE: Final = 12
_SECRET: Final = 32
_REMEMBERED: Final = 4096

Sign = Callable[[str, int, bytes], str]


class Vault:
    """Makes, keeps and uses secrets. ``key`` has 32 bytes, ``random`` gives random ones."""

    def __init__(self, key: bytes, random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._random = random
        self._signer = lru_cache(_REMEMBERED)(self._open)

    def make(self, webhook: str, scheme: str) -> Made:
        """See ``Keyring.make``."""
        secret = self._random(_SECRET)
        sealed = self.seal(webhook, secret)
        if scheme == V1:
            return Made(sealed, f"whsec_{base64.b64encode(secret).decode()}", None)
        public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        text = f"whpk_{base64.b64encode(public).decode()}"
        return Made(sealed, text, text)

    def signatures(self, endpoint: Endpoint, id: str, at: int, body: bytes) -> str:
        """The value of ``webhook-signature`` at a time (ms). Raises ``LookupError`` if nothing can sign."""
        signers = [self._signer(endpoint.id, secret) for secret in in_use(endpoint.secrets, at)]
        if not signers:
            raise LookupError("the webhook has no secret in use")
        return " ".join(sign(id, at // 1000, body) for sign in signers)

    def seal(self, whose: str, secret: bytes) -> bytes:
        """Encrypt a secret; it can be read as that of this one only."""
        nonce = self._random(_NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, whose.encode())

    def unseal(self, whose: str, sealed: bytes) -> bytes:
        """The secret again. Raises ``LookupError`` if it is another's, or another installation's."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], whose.encode())
        except InvalidTag as error:
            raise LookupError("the secret was not encrypted with the key of this installation") from error

    def _open(self, webhook: str, secret: Secret) -> Sign:
        key = self.unseal(webhook, secret.sealed)
        if secret.scheme == V1:
            hook = Webhook(key)
            return lambda id, at, body: hook.sign(id, datetime.fromtimestamp(at, UTC), body.decode())
        private = Ed25519PrivateKey.from_private_bytes(key)

        def sign(id: str, at: int, body: bytes) -> str:
            signed = b"%b.%d.%b" % (id.encode(), at, body)
            return f"v1a,{base64.b64encode(private.sign(signed)).decode()}"

        return sign


def in_use(secrets: Iterable[Secret], at: int) -> list[Secret]:
    """The secrets that sign at a time (ms)."""
    return [secret for secret in secrets if secret.expires is None or secret.expires > at]
