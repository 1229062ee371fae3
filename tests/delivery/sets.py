"""Security event tokens in tests: a world that signs, and a verifier that shares no code with the signer."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from delivery.receiving import LOCAL, World

from rosterd.delivery.sender import HttpSender
from rosterd.delivery.set_signing import SetSigner
from rosterd.delivery.worker import Bounds, Worker
from rosterd.service.composing import Composer
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.webhook_admin import WebhookAdmin

ISSUER = "https://id.example"


@dataclass(frozen=True)
class Token:
    """A verified token."""

    header: dict[str, Any]
    claims: dict[str, Any]


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token: str, jwks: Mapping[str, Any]) -> Token:
    """The token, if a key of the set signed it; by RFC 7515 §5.2 and RFC 7518 §3. Raises ``LookupError``."""
    head, body, signature = token.split(".")
    header = orjson.loads(decoded(head))
    key = next((k for k in jwks["keys"] if k["kid"] == header["kid"]), None)
    if key is None:
        raise LookupError(header["kid"])
    assert header["alg"] == key["alg"]
    assert not {"d", "p", "q"} & set(key), "a private key is published"
    number = {name: int.from_bytes(decoded(key[name])) for name in ("x", "y", "n", "e") if name in key}
    signed, raw = f"{head}.{body}".encode(), decoded(signature)
    if key["kty"] == "EC":
        assert (key["crv"], len(raw)) == ("P-256", 64)
        point = ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP256R1())
        halves = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        point.public_key().verify(halves, signed, ec.ECDSA(hashes.SHA256()))
    else:
        public = rsa.RSAPublicNumbers(number["e"], number["n"]).public_key()
        assert public.key_size >= 3072
        public.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
    return Token(header, orjson.loads(decoded(body)))


@dataclass
class SetWorld:
    """A world whose endpoints may get security event tokens."""

    world: World
    signing: SigningKeys

    async def token(self, text: bytes | str) -> Token:
        """A token as a receiver that fetched the key set just now sees it."""
        return verified(text if isinstance(text, str) else text.decode(), await self.signing.jwks())


def signing_in(world: World, issuer: str = ISSUER) -> SetWorld:
    """The world, able to make and send tokens."""
    signing = SigningKeys(world.store, SetSigner(world.vault), issuer, world.clock)
    sender = HttpSender(world.vault, LOCAL, world.clock, signing=signing)
    admin = WebhookAdmin(
        world.store, world.store, world.vault, sender, LOCAL.check_url, world.clock, os.urandom,
        Composer(issuer), signing,
    )  # fmt: skip
    worker = Worker(world.store, admin, sender, world.clock, lambda: 0.5, "sets", Bounds(pause=0.001))
    return SetWorld(replace(world, sender=sender, admin=admin, worker=worker), signing)


def kept(path: Path) -> bytes:
    """All that the files of a store hold."""
    return b"".join(file.read_bytes() for file in path.iterdir())
