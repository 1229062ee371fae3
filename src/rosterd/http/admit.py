"""Step 1, admit: headers → Caller, or 401, 403, 406, 415, 503.

Every request asks whether the control plane is still what it was when its token was looked up with its
connection (``remembered.py``), so revoking the one and pausing the other work at once in this process, on
SQLite in every process, and on PostgreSQL elsewhere within a second.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from rosterd.http.headers import bearer
from rosterd.http.remembered import Known, Remembered
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service import tokens
from rosterd.service.caller import Caller
from rosterd.service.control import Control, Credential, Directory
from rosterd.service.directories import model_of
from rosterd.service.ports import StoreUnavailable
from rosterd.service.standing import ACTIVE, require_active

MODELS_KEPT: Final = 256


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

    async def admit(self, request: Request, named: str | None) -> Caller:
        """Who asks. ``named`` is the directory in the URL, if it has one.

        The request knows whose token it claims to be, before anything is refused for it.
        Raises ``Unauthorized``; ``NotFound`` if the URL names another directory than the token's;
        ``Unavailable`` or ``Forbidden`` if the connection is paused or disabled.
        """
        digest = request.headers.credential()
        epoch = self._control.epoch()
        known = self._remembered.find(epoch, digest)
        if known is None:
            known = await self._verified(bearer(request.headers.get(b"authorization")), request)
            self._remembered.keep(epoch, digest, known)
        request.credential = credential = known.credential
        token, connection, directory = credential.token, credential.connection, credential.directory
        refused = request.at >= known.until
        if refused:
            tokens.require_valid(token, request.at)
        if named is not None and named != directory.name:
            raise errors.NotFound(
                f"This token does not belong to a directory named '{named}'.",
                situation="another directory",
            )
        self.used[token.id] = request.at
        if refused:
            require_active(connection.standing, connection.name, directory.name)
        model = self.models.of(directory)
        caller = Caller(directory, connection, token.scopes, model, request.base_url, request.id)
        request.asked_by(caller)
        return caller

    async def renewed(self, caller: Caller) -> Caller:
        """The same caller with the schemas of its directory as they are now. Raises ``NotFound``."""
        for directory in await self._control.directories():
            if directory.id == caller.directory.id:
                return replace(caller, directory=directory, model=self.models.of(directory))
        raise errors.NotFound(f"There is no directory '{caller.directory.name}' any more.")

    async def _verified(self, text: str, request: Request) -> Known:
        claimed = request.credential = await self._claimed(text)
        if tokens.token_id(text) is None:
            raise errors.Unauthorized(
                "The bearer token is incomplete or mistyped. Copy the whole token, from 'rst_' to its end.",
                situation="token mistyped",
            )
        found = tokens.verify(claimed, text, request.at)
        token, active = found.token, found.connection.standing.state == ACTIVE
        ends = token.expires if token.revoked is None else min(token.expires, token.revoked)
        return Known(found, ends if active else 0)

    async def claimed(self, request: Request) -> Credential | None:
        """Whose token a request claims to have that was refused without looking; ``None`` if nobody's.

        While nothing can be looked up it is known of those only that were admitted here before.
        """
        headers, away = request.headers, isinstance(request.error, StoreUnavailable)
        if away and (known := self._remembered.whose(headers.credential())):
            return known
        try:
            return await self._claimed(bearer(headers.get(b"authorization")))
        except errors.Unauthorized:
            return None
        except StoreUnavailable:
            return self._remembered.whose(headers.credential())

    async def _claimed(self, text: str) -> Credential | None:
        id = tokens.claimed_id(text)
        return None if id is None else await self._control.credential(id)
