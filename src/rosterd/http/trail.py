"""What one request leaves for the request log: noted by reference, put together after the reply.

Nothing is read or masked here, for others wait behind it. A request of no connection leaves nothing.
"""

import time
from typing import Protocol

from rosterd.http.admit import Models
from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.capture import MAX_LINE, Captured, Left, is_expendable, name_in, weight
from rosterd.service.control import Credential
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import MAX_TEXT, Omitted


class Journal(Protocol):
    """Takes what requests leave; never waits and never fails."""

    def wants_read(self, directory: int, connection: int, at: int) -> bool:
        """Whether a successful read is to be noted; if not, it is counted, and nothing else is to be done."""

    def note(self, left: Left) -> None:
        """Keep it until the next flush, or count it if there is too much."""


def keep(journal: Journal, models: Models, request: Request, whose: Credential, reply: Reply) -> None:
    """Leave what is to be known of a request of somebody's that was answered."""
    read = is_expendable(reply.status, request.method, request.path)
    if not read or journal.wants_read(whose.directory.id, whose.connection.id, request.at):
        journal.note(Trail(models, request, whose, reply, expendable=read))


class Trail:
    """See ``Left``: of an answered request. It lets go of what is large."""

    def __init__(
        self, models: Models, request: Request, whose: Credential, reply: Reply, *, expendable: bool
    ) -> None:
        error, status, raw, scope = request.error, reply.status, request.raw, request.scope
        name = None if request.body is None else name_in(request.body)
        client = scope.get("client")
        self.expendable = expendable
        self._models = models
        self._whose = whose
        self._request = request
        self._status = status
        self._address = client[0] if client else None
        self._agent = request.headers.get(b"user-agent")
        self._query = scope.get("query_string", b"")
        self._microseconds = round((time.perf_counter() - request.started) * 1_000_000)
        self._reply = reply.body[: 4 * MAX_TEXT] if status >= 400 or request.faults else b""
        self._size = len(raw)
        self._raw = raw[:MAX_TEXT]
        self._subject = None if name is None else name[:MAX_LINE]
        self._row = None if request.view is None else request.view.row
        self._situation = "" if error is None else _situation(error)
        self._other = error.other if isinstance(error, errors.ScimError) else ""
        request.forget()
        document = b"" if self._row is None else self._row.document
        self.weight = weight(
            self._raw,
            self._reply,
            self._query,
            document,
            request.path,
            self._agent or "",
            self._subject or "",
        )

    @property
    def omitted(self) -> Omitted:
        """See ``Left``."""
        return Omitted(self._whose.directory.id, self._whose.connection.id, self._request.at, self._status)

    def captured(self) -> Captured:
        """See ``Left``."""
        request, whose = self._request, self._whose
        match, row = request.match, self._row
        model = self._models.of(whose.directory)
        kind = resource = None
        if row is not None:
            kind, resource = row.kind, row.id
        elif match.endpoint:
            found = model.by_endpoint.get(match.endpoint.casefold())
            kind = found.name if found is not None else None
            resource = match.id or None
        return Captured(
            directory=whose.directory.id,
            connection=whose.connection.id,
            token=whose.token.id,
            model=model,
            at=request.at,
            request_id=request.id,
            method=request.method,
            path=request.path,
            query=self._query,
            status=self._status,
            microseconds=self._microseconds,
            kind=kind,
            resource=resource,
            subject=self._subject if kind is not None else None,
            document=None if row is None else row.document,
            tolerated=tuple(request.asker.tolerated) if request.asker is not None else (),
            situation=self._situation,
            other=self._other,
            address=self._address,
            agent=self._agent,
            body=self._raw,
            body_size=self._size,
            reply=self._reply,
        )


def _situation(error: BaseException) -> str:
    if isinstance(error, errors.ScimError):
        return error.situation
    return "store away" if isinstance(error, StoreUnavailable) else "fault"
