"""The text of every long-lived credential: ``<prefix>_<id>_<secret><checksum>``, or without the id.

    credential = prefix "_" id "_" secret checksum
    bare       = prefix "_" secret checksum
    id         = 12( base62 )      ; public, names the row
    secret     = 43( base62 )      ; 256 bits
    checksum   = 6( base62 )       ; CRC-32 of all before it: a typing error is told from a revoked one

Only the SHA-256 of the whole text is kept.
"""

import hashlib
import hmac
import zlib
from collections.abc import Callable
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CHECK = 12, 43, 6

Random = Callable[[int], bytes]


def make(prefix: str, random: Random) -> tuple[str, str]:
    """A new credential: its id and its text."""
    id = public_id(random)
    return id, _sealed(f"{prefix}_{id}_{_text(random, _SECRET)}")


def make_secret(prefix: str, random: Random) -> str:
    """A new credential without an id."""
    return _sealed(f"{prefix}_{_text(random, _SECRET)}")


def public_id(random: Random) -> str:
    """A new id."""
    return _text(random, _ID)


def id_of(prefix: str, text: str) -> str | None:
    """The id inside a credential's text; ``None`` if it is none of this prefix or was mistyped."""
    start = len(prefix) + 1
    whole = len(text) == start + _ID + 1 + _SECRET + _CHECK and text.startswith(f"{prefix}_")
    if not whole or text[start + _ID] != "_" or not _is_sealed(text):
        return None
    return text[start : start + _ID]


def claimed_id(prefix: str, text: str) -> str | None:
    """The id that a text claims, of this prefix, whatever follows it; ``None`` if it begins otherwise."""
    start = len(prefix) + 1
    id = text[start : start + _ID]
    claims = text.startswith(f"{prefix}_") and len(id) == _ID and id.isascii() and id.isalnum()
    return id if claims else None


def is_secret(prefix: str, text: str) -> bool:
    """Whether this is a credential without an id, of this prefix and not mistyped."""
    whole = len(text) == len(prefix) + 1 + _SECRET + _CHECK and text.startswith(f"{prefix}_")
    return whole and _is_sealed(text)


def digest(text: str) -> bytes:
    """What is stored of a credential."""
    return hashlib.sha256(text.encode()).digest()


def matches(kept: bytes, text: str) -> bool:
    """Whether this is the text whose digest was kept; as slow wherever they differ."""
    return hmac.compare_digest(kept, digest(text))


def _sealed(body: str) -> str:
    return body + _checksum(body)


def _is_sealed(text: str) -> bool:
    return text.isascii() and _checksum(text[:-_CHECK]) == text[-_CHECK:]


def _text(random: Random, length: int) -> str:
    # A byte is drawn for each character, more than its 5.95 bits.
    return _base62(int.from_bytes(random(length), "big"), length)


def _base62(number: int, length: int) -> str:
    out = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        out.append(_ALPHABET[digit])
    return "".join(out)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK)
