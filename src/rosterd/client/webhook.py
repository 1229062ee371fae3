"""Verifying webhooks: one call from the request as it came to the event; what is forged is an exception.

    event = webhook.verify(body, request.headers, "whsec_…")

Signatures are by Standard Webhooks: ``v1`` (HMAC-SHA256, secret ``whsec_…``) and ``v1a`` (Ed25519, public key
``whpk_…``). Comparisons take the same time whatever is compared.
"""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from rosterd.client.models import Event

TOLERANCE: Final = 300
"""Seconds that the time of a message may lie from now, before or after."""
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

Matches = Callable[[str, int, bytes, bytes], bool]
"""Of id, time, body and signature."""


class VerificationError(Exception):
    """The request is not what rosterd sent: answer 400, and do nothing."""


class NotSigned(VerificationError):
    """A header of the three is missing, or the body is no text: this is no webhook."""


class WrongTime(VerificationError):
    """The message is older or newer than is tolerated: it was held back, or a clock is wrong."""


class WrongSignature(VerificationError):
    """No signature was made with one of the secrets."""


def verify(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance: int = TOLERANCE,
    now: Callable[[], float] = time.time,
) -> Event | list[Event]:
    """The event of a webhook, or the list of them if the webhook sends them in batches.

    ``body`` is the request's as it came; ``headers`` may be in any letter case. ``secret`` is ``whsec_…`` or
    ``whpk_…``, or several of them during a rotation: one that fits is enough. ``tolerance`` is in seconds.
    Raises ``VerificationError``; ``ValueError`` for what is no secret, ``TypeError`` for a body of no bytes.
    """
    if not isinstance(body, bytes | bytearray):
        raise TypeError("the body must be the bytes as they came: not decoded, and not read as JSON")
    known = [_known(one) for one in ([secret] if isinstance(secret, str) else secret or ())]
    if not known:
        raise ValueError("no secret is given: it begins with whsec_, or with whpk_ if it is a public key")
    lower = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in _HEADERS if not lower.get(name)]
    if missing:
        raise NotSigned(f"the request has no header {missing[0]}: it is not a webhook")
    id, at, signatures = (lower[name] for name in _HEADERS)
    if not (at.isascii() and at.isdecimal() and len(at) < 12):
        raise WrongTime("the header webhook-timestamp is no time")
    moment = int(at)
    if abs(now() - moment) > tolerance:
        raise WrongTime(f"the message is not of the last {tolerance} s; look at this machine's clock")
    _check(id, moment, body, signatures, known)
    return _events(body)


def _check(id: str, at: int, body: bytes, signatures: str, known: list[tuple[str, Matches]]) -> None:
    """Raise ``WrongSignature`` unless one of the signatures is by one of the secrets."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise NotSigned("the body is not UTF-8: it is not a webhook of rosterd") from None
    for signature in signatures.split(" "):
        version, _, text = signature.partition(",")
        try:
            given = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if any(version == of and matches(id, at, body, given) for of, matches in known):
            return
    raise WrongSignature(
        "no signature of the message fits the secret: it was not sent by rosterd, the secret is another "
        "webhook's, or the body is not as it came"
    )


def _events(body: bytes) -> Event | list[Event]:
    document: Any = json.loads(body)
    if document["type"] == "batch":
        batch: list[Event] = document["events"]
        return batch
    event: Event = document
    return event


def _known(secret: str) -> tuple[str, Matches]:
    """The kind of a secret, and what tells whether a signature is by it. Raises ``ValueError``."""
    prefix, _, text = secret.partition("_")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        if prefix == "whpk":
            return "v1a", _by_key(Ed25519PublicKey.from_public_bytes(raw))
    except ValueError:
        raw = b""
    if prefix != "whsec" or not raw:
        raise ValueError(
            "a webhook's secret begins with whsec_, or with whpk_ if it is a public key, without white space"
        )
    return "v1", _by_secret(Webhook(raw))


def _by_secret(hook: Webhook) -> Matches:
    def matches(id: str, at: int, body: bytes, signature: bytes) -> bool:
        own = hook.sign(id, datetime.fromtimestamp(at, UTC), body.decode()).partition(",")[2]
        return hmac.compare_digest(base64.b64decode(own), signature)

    return matches


def _by_key(key: Ed25519PublicKey) -> Matches:
    def matches(id: str, at: int, body: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, b"%b.%d.%b" % (id.encode(), at, body))
        except InvalidSignature:
            return False
        return True

    return matches
