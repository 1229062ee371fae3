"""Step 1, admit: headers → Caller, or 401, 403, 406, 415, 503.

Every request asks whether the control plane is still what it was when its token was looked up with its
connection (``remembered.py``), so revoking the one and pausing the other work at once in this process, on
SQLite in every process, and on PostgreSQL elsewhere within a second.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from rosterd.http.remembered import Remembered
from rosterd.http.reply import Scope
from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service import tokens
from rosterd.service.caller import Caller
from rosterd.service.control import Control, Credential, Directory
from rosterd.service.directories import model_of
from rosterd.service.ports import StoreUnavailable
from rosterd.service.standing import require_active

_JSON: Final = ("application/scim+json", "application/json")
_ACCEPTED: Final = frozenset((*_JSON, "application/*", "*/*"))
MODELS_KEPT: Final = 256
_KEPT: Final = 64
"""Values of a header whose meaning is remembered."""
_HOST: Final = re.compile(r"(?:[\w.~%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
"""A name or address with a port, or without (RFC 9110 §7.2)."""


class Headers:
    """The request's headers by lower-case name; of repeated ones the last."""

    __slots__ = ("_values",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values = dict(raw)

    def get(self, name: bytes) -> str | None:
        """The header's text, or ``None``."""
        value = self._values.get(name)
        return None if value is None else value.decode("latin-1")


class Models:
    """The compiled schemas of directories, newest use last; bounded."""

    def __init__(self) -> None:
        self._models: OrderedDict[int, tuple[int, Model]] = OrderedDict()

    def of(self, directory: Directory) -> Model:
        """The model of the directory as its revision defines it."""
        found = self._models.get(directory.id)
        if found is not None and found[0] == directory.revision:
            return found[1]
        model = model_of(directory)
        self._models[directory.id] = (directory.revision, model)
        self._models.move_to_end(directory.id)
        while len(self._models) > MODELS_KEPT:
            self._models.popitem(last=False)
        return model


class Admission:
    """Turns a bearer token into a ``Caller``."""

    def __init__(self, control: Control, now: Callable[[], int]) -> None:
        self._control = control
        self.now = now
        self.models = Models()
        self.model_of = self.models.of
        self._remembered = Remembered()
        self.used: dict[str, int] = {}
        """Token id → time of last use (ms) since it was last written down."""

    async def admit(
        self,
        headers: Headers,
        directory: str | None,
        base_url: str,
        request_id: str,
        found: Callable[[Credential], None],
    ) -> Caller:
        """Who asks. ``directory`` is the name in the URL, if it has one.

        ``found`` is told whose token it claims to be, before anything is refused for it.
        Raises ``Unauthorized``; ``NotFound`` if the URL names another directory than the token's;
        ``Unavailable`` or ``Forbidden`` if the connection is paused or disabled.
        """
        text = bearer(headers.get(b"authorization"))
        digest = tokens.digest(text)
        epoch = await self._control.epoch()
        now = self.now()
        credential = self._remembered.find(epoch, digest)
        if credential is None:
            credential = await self._verified(text, now, found)
            self._remembered.keep(epoch, digest, credential)
        else:
            found(credential)
            tokens.require_valid(credential.token, now)
        if directory is not None and directory != credential.directory.name:
            raise errors.NotFound(
                f"This token does not belong to a directory named '{directory}'.",
                situation="another directory",
            )
        self.used[credential.token.id] = now
        connection = credential.connection
        require_active(connection.standing, connection.name, credential.directory.name)
        return Caller(
            directory=credential.directory,
            connection=connection,
            scopes=credential.token.scopes,
            model=self.models.of(credential.directory),
            base_url=base_url,
            request_id=request_id,
        )

    async def renewed(self, caller: Caller) -> Caller:
        """The same caller with the schemas of its directory as they are now. Raises ``NotFound``."""
        for directory in await self._control.directories():
            if directory.id == caller.directory.id:
                return replace(caller, directory=directory, model=self.models.of(directory))
        raise errors.NotFound(f"There is no directory '{caller.directory.name}' any more.")

    async def _verified(self, text: str, now: int, found: Callable[[Credential], None]) -> Credential:
        claimed = await self._claimed(text)
        if claimed is not None:
            found(claimed)
        if tokens.token_id(text) is None:
            raise errors.Unauthorized(
                "The bearer token is incomplete or mistyped. Copy the whole token, from 'rst_' to its end.",
                situation="token mistyped",
            )
        return tokens.verify(claimed, text, now)

    async def claimed(self, headers: Headers) -> Credential | None:
        """Whose token a request claims to have that was refused without looking; ``None`` if nobody's."""
        try:
            return await self._claimed(bearer(headers.get(b"authorization")))
        except (errors.Unauthorized, StoreUnavailable):
            return None

    async def _claimed(self, text: str) -> Credential | None:
        id = tokens.claimed_id(text)
        return None if id is None else await self._control.credential(id)


def bearer(header: str | None) -> str:
    """The token of an ``Authorization`` header. Raises ``Unauthorized``."""
    if not header:
        raise errors.Unauthorized()
    # credentials = "Bearer" 1*SP b64token (RFC 6750 §2.1); the scheme is case-insensitive (RFC 9110 §11.1).
    scheme, _, rest = header.partition(" ")
    if scheme.casefold() != "bearer" or not rest.strip():
        raise errors.Unauthorized("The Authorization header must read 'Bearer <token>'.")
    return rest.strip()


def negotiate(headers: Headers) -> None:
    """Raise ``NotAcceptable`` if the client takes no JSON at all (RFC 7644 §3.8)."""
    accept = headers.get(b"accept")
    if accept and not _takes_json(accept):
        raise errors.NotAcceptable()


@lru_cache(_KEPT)
def _takes_json(accept: str) -> bool:
    for part in accept.split(","):
        media, *parameters = (piece.strip().casefold() for piece in part.split(";"))
        refused = any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in parameters)
        if media in _ACCEPTED and not refused:
            return True
    return False


def check_media_type(headers: Headers, accepted: Sequence[str] = _JSON) -> None:
    """Raise ``UnsupportedMediaType`` unless a body is declared as JSON; a missing header is let pass."""
    declared = headers.get(b"content-type")
    if declared and declared.split(";")[0].strip().casefold() not in accepted:
        raise errors.UnsupportedMediaType(
            f"The body was sent as '{declared[:100]}'; send it as {' or '.join(accepted)}."
        )


def base_url(scope: Scope, headers: Headers, configured: str | None, prefix: str) -> str:
    """The SCIM base URL as the client sees it: the configured one, or what the request says."""
    if configured:
        return configured.rstrip("/") + prefix
    host = headers.get(b"host")
    if not host or not _is_host(host):
        server = scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{scope.get('scheme', 'http')}://{host}{scope.get('root_path', '').rstrip('/')}{prefix}"


@lru_cache(_KEPT)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None
