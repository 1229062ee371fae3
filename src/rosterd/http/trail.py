"""What one request leaves for the request log: noted by reference, once it is answered.

Nothing is read or masked here, for others wait behind it, and what may be large is let go of. A request of no
connection leaves nothing.
"""

import time
from typing import Protocol

from rosterd.http.admit import Models
from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service.capture import MAX_LINE, Captured, is_expendable, name_in
from rosterd.service.control import Credential
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import MAX_TEXT


class Journal(Protocol):
    """Takes what requests leave; never waits and never fails."""

    def wants_read(self, directory: int, connection: int, at: int) -> bool:
        """Whether a successful read is to be noted; if not, it is counted, and nothing else is to be done."""

    def note(self, left: Captured) -> None:
        """Keep it until the next flush, or count it if there is too much."""


def keep(journal: Journal, models: Models, request: Request, whose: Credential, reply: Reply) -> None:
    """Leave what is to be known of a request of somebody's that was answered."""
    read = is_expendable(reply.status, request.method, request.path)
    if not read or journal.wants_read(whose.directory.id, whose.connection.id, request.at):
        journal.note(captured(models, request, whose, reply))


def captured(models: Models, request: Request, whose: Credential, reply: Reply) -> Captured:
    """The request as it was, without what is large of it."""
    error, raw, scope, endpoint = request.error, request.raw, request.scope, request.match.endpoint
    model, client = models.of(whose.directory), scope.get("client")
    row = None if request.view is None else request.view.row
    kind = resource = name = document = None
    if row is not None:
        kind, resource, document = row.kind, row.id, row.document
    elif endpoint:
        found = model.by_endpoint.get(endpoint.casefold())
        kind = None if found is None else found.name
        resource = request.match.id or None
    if kind is not None and request.body is not None:
        name = name_in(request.body)
    return Captured(
        directory=whose.directory.id,
        connection=whose.connection.id,
        token=whose.token.id,
        model=model,
        at=request.at,
        request_id=request.id,
        method=request.method,
        path=request.path,
        query=scope.get("query_string", b""),
        status=reply.status,
        microseconds=round((time.perf_counter() - request.started) * 1_000_000),
        kind=kind,
        resource=resource,
        subject=None if name is None else name[:MAX_LINE],
        document=document,
        tolerated=() if request.asker is None else tuple(request.asker.tolerated),
        situation="" if error is None else _situation(error),
        other=error.other if isinstance(error, errors.ScimError) else "",
        address=client[0] if client else None,
        agent=request.headers.get(b"user-agent"),
        body=raw[:MAX_TEXT],
        body_size=len(raw),
        reply=reply.body[: 4 * MAX_TEXT] if reply.status >= 400 or request.faults else b"",
    )


def _situation(error: BaseException) -> str:
    if isinstance(error, errors.ScimError):
        return error.situation
    return "store away" if isinstance(error, StoreUnavailable) else "fault"
