"""What one request leaves for the request log: noted by reference, put together after the reply.

Nothing is read or masked here, for others wait behind it. A request of no connection leaves nothing.
"""

import time
from typing import Any, Protocol

from rosterd.http.admit import Headers, Models
from rosterd.http.reply import Reply, Scope
from rosterd.http.routes import Match
from rosterd.scim import errors
from rosterd.service.caller import Caller
from rosterd.service.capture import Captured, Left, is_expendable, name_in, weight
from rosterd.service.control import Credential
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import MAX_TEXT, Omitted
from rosterd.service.view import View


class Journal(Protocol):
    """Takes what requests leave; never waits and never fails."""

    def note(self, left: Left) -> None:
        """Keep it until the next flush, or count it if there is too much."""


class Trail:
    """The notes on one request. ``None`` of something: it did not come so far."""

    __slots__ = (
        "_address",
        "_agent",
        "_at",
        "_method",
        "_microseconds",
        "_models",
        "_other",
        "_path",
        "_query",
        "_reply",
        "_situation",
        "_size",
        "_status",
        "_subject",
        "admitted",
        "body",
        "caller",
        "checked",
        "committed",
        "credential",
        "decoded",
        "document",
        "error",
        "faults",
        "match",
        "request_id",
        "view",
    )

    _address: str | None
    _agent: str | None
    _method: str
    _microseconds: int
    _models: Models
    _other: str
    _path: str
    _query: bytes
    _reply: bytes
    _situation: str
    _size: int
    _status: int
    _subject: str | None

    def __init__(self, at: int, request_id: str) -> None:
        self._at = at
        self.request_id = request_id
        self.credential: Credential | None = None
        """Whose request it is: also of a token that does not work any more."""
        self.match: Match | None = None
        self.caller: Caller | None = None
        self.body = b""
        self.document: Any = None
        self.view: View | None = None
        self.error: BaseException | None = None
        self.admitted = self.decoded = self.checked = self.committed = 0.0
        """When these steps were done, by ``time.perf_counter``; 0: not so far."""
        self.faults = False
        """Whether a bulk request had operations that failed."""

    def found(self, credential: Credential) -> None:
        """Note whose request it is."""
        self.credential = credential

    def end(
        self, models: Models, scope: Scope, headers: Headers, path: str, reply: Reply, started: float
    ) -> None:
        """Note the reply to it, and let go of what is large; ``path`` as it was matched, ``started`` by
        ``time.perf_counter``."""
        client, error = scope.get("client"), self.error
        self._models = models
        self._method = scope["method"]
        self._path = path
        self._query = scope.get("query_string", b"")
        self._address = client[0] if client else None
        self._agent = headers.get(b"user-agent")
        self._status = reply.status
        self._microseconds = round((time.perf_counter() - started) * 1_000_000)
        self._reply = reply.body[: 4 * MAX_TEXT] if reply.status >= 400 or self.faults else b""
        self._size = len(self.body)
        if self._size > MAX_TEXT:
            self.body = self.body[:MAX_TEXT]
        self._subject = None if self.document is None else name_in(self.document)
        self._situation = "" if error is None else _situation(error)
        self._other = error.other if isinstance(error, errors.ScimError) else ""
        self.document = self.error = None

    @property
    def weight(self) -> int:
        """See ``Left``; of an ended trail."""
        view = self.view
        return weight(self.body, self._reply, self._query, b"" if view is None else view.row.document)

    @property
    def expendable(self) -> bool:
        """See ``Left``; of an ended trail."""
        return is_expendable(self._status, self._method, self._path)

    @property
    def omitted(self) -> Omitted:
        """See ``Left``; of the ended trail of somebody's request."""
        whose = self._whose
        return Omitted(whose.directory.id, whose.connection.id, self._at, self._status)

    def captured(self) -> Captured:
        """All of it; of the ended trail of somebody's request."""
        whose, match, view = self._whose, self.match, self.view
        model = self._models.of(whose.directory)
        kind = resource = None
        if view is not None:
            kind, resource = view.row.kind, view.row.id
        elif match is not None and match.endpoint:
            found = model.by_endpoint.get(match.endpoint.casefold())
            kind = found.name if found is not None else None
            resource = match.id or None
        return Captured(
            directory=whose.directory.id,
            connection=whose.connection.id,
            token=whose.token.id,
            model=model,
            at=self._at,
            request_id=self.request_id,
            method=self._method,
            path=self._path,
            query=self._query,
            status=self._status,
            microseconds=self._microseconds,
            kind=kind,
            resource=resource,
            subject=self._subject if kind is not None else None,
            document=None if view is None else view.row.document,
            tolerated=tuple(self.caller.tolerated) if self.caller is not None else (),
            situation=self._situation,
            other=self._other,
            address=self._address,
            agent=self._agent,
            body=self.body,
            body_size=self._size,
            reply=self._reply,
        )

    @property
    def _whose(self) -> Credential:
        if self.credential is None:
            raise LookupError("nobody's request is not logged")
        return self.credential


def _situation(error: BaseException) -> str:
    if isinstance(error, errors.ScimError):
        return error.situation
    return "store away" if isinstance(error, StoreUnavailable) else "fault"
