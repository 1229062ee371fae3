"""What the headers of a request say: who sends it, what it is, what may come back, which address it is to."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from rosterd.http.reply import SAME, Scope
from rosterd.scim import errors

_JSON: Final = ("application/scim+json", "application/json")
_ACCEPTED: Final = frozenset((*_JSON, "application/*", "*/*"))
_KEPT: Final = 64
"""Values of a header that are known to be good."""
_HOST: Final = re.compile(r"(?:[\w.~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
"""A name or address with a port, or without (RFC 9110 §7.2)."""


class Headers:
    """The request's headers by lower-case name; of repeated ones the last."""

    __slots__ = ("_credential", "raw")

    def __init__(self, sent: Iterable[tuple[bytes, bytes]]) -> None:
        self.raw: Callable[[bytes], bytes | None] = dict(sent).get
        """The header as it was sent, or ``None``."""
        self._credential = b""

    @classmethod
    def of(cls, scope: Scope) -> "Headers":
        """Those of a request; the same ones as of the request before it, if it knows that (``SAME``)."""
        extensions = scope.get("extensions") or {}
        same = extensions.get(SAME)
        if same:
            found: Headers = same[0]
            return found
        made = cls(scope["headers"])
        if same is not None:
            same.append(made)
        return made

    def credential(self) -> bytes:
        """A digest of the ``Authorization`` header, worked out once."""
        if not self._credential:
            self._credential = blake2b(self.raw(b"authorization") or b"").digest()
        return self._credential

    def get(self, name: bytes) -> str | None:
        """The header's text, or ``None``."""
        value = self.raw(name)
        return None if value is None else value.decode("latin-1")


def bearer(header: str | None) -> str:
    """The token of an ``Authorization`` header. Raises ``Unauthorized``."""
    if not header:
        raise errors.Unauthorized(sent=False)
    # credentials = "Bearer" 1*SP b64token (RFC 6750 §2.1); the scheme is case-insensitive (RFC 9110 §11.1).
    scheme, _, rest = header.partition(" ")
    if scheme.casefold() != "bearer" or not rest.strip():
        sent = scheme.casefold() == "bearer"
        raise errors.Unauthorized("The Authorization header must read 'Bearer <token>'.", sent=sent)
    return rest.strip()


@lru_cache(_KEPT)
def negotiate(accept: bytes | None) -> None:
    """Raise ``NotAcceptable`` if the client takes no JSON at all (RFC 7644 §3.8)."""
    if not accept:
        return
    for part in accept.decode("latin-1").split(","):
        media, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        refused = any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in parameters)
        if media in _ACCEPTED and not refused:
            return
    raise errors.NotAcceptable()


@lru_cache(_KEPT)
def check_media_type(declared: bytes | None, accepted: tuple[str, ...] = _JSON) -> None:
    """Raise ``UnsupportedMediaType`` unless a body is declared as JSON; a missing header is let pass."""
    text = (declared or b"").decode("latin-1")
    if text and text.split(";")[0].strip().casefold() not in accepted:
        raise errors.UnsupportedMediaType(
            f"The body was sent as '{text[:100]}'; send it as {' or '.join(accepted)}."
        )


@lru_cache(_KEPT)
def check_encoding(coding: bytes) -> None:
    """Raise ``UnsupportedMediaType`` for a body that is compressed or encoded otherwise (RFC 9110 §8.4)."""
    text = coding.decode("latin-1").strip()
    if text.casefold() not in ("", "identity"):
        raise errors.UnsupportedMediaType(
            f"The body was sent with 'Content-Encoding: {text[:100]}'; send it as it is, without an encoding."
        )


def base_url(scope: Scope, headers: Headers, root: str) -> str:
    """The base URL as the client sees it, by what the request says, and ``root``."""
    scheme, host = scope.get("scheme", "http"), headers.raw(b"host")
    if host is not None and (found := _base_url_at(scheme, host, root)):
        return found
    name, port = scope.get("server") or ("localhost", None)
    return f"{scheme}://{name if port is None else f'{name}:{port}'}{root.rstrip('/')}"


@lru_cache(_KEPT)
def _base_url_at(scheme: str, host: bytes, root: str) -> str | None:
    text = host.decode("latin-1")
    return f"{scheme}://{text}{root.rstrip('/')}" if _HOST.fullmatch(text) else None


def preferred(accept: str | None, media: Sequence[str]) -> str | None:
    """Which of these media types a client wants most (RFC 9110 §12.5.1); ``None`` if it takes none of them.

    Of those that it wants as much the one that it names, then the first.
    """
    if not accept:
        return media[0]
    wanted: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (text.strip().casefold() for text in part.split(";"))
        weights = [text[2:] for text in (one.replace(" ", "") for one in parameters) if text.startswith("q=")]
        wanted[name] = _weight(weights[0]) if weights else 1.0

    def rank(one: str) -> tuple[float, int]:
        ranges = (one, f"{one.split('/', maxsplit=1)[0]}/*", "*/*")
        named = next((place for place, name in enumerate(ranges) if name in wanted), None)
        return (0.0, 0) if named is None else (wanted[ranges[named]], -named)

    best = max(media, key=rank)
    return best if rank(best)[0] > 0 else None


def _weight(text: str) -> float:
    """``qvalue``; what is none counts as 1."""
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
