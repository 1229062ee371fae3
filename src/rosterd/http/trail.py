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
from rosterd.service.capture import Captured, name_in
from rosterd.service.control import Credential
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import MAX_TEXT
from rosterd.service.view import View


class Journal(Protocol):
    """Takes what requests leave; never waits and never fails."""

    def note(self, captured: Captured) -> None:
        """Keep it until the next flush, or count it if there is too much."""


class Trail:
    """The notes on one request. ``None`` of something: it did not come so far."""

    __slots__ = (
        "_at",
        "admitted",
        "body",
        "caller",
        "committed",
        "credential",
        "decoded",
        "document",
        "error",
        "faults",
        "match",
        "view",
    )

    def __init__(self, at: int) -> None:
        self._at = at
        self.credential: Credential | None = None
        """Whose request it is: also of a token that does not work any more."""
        self.match: Match | None = None
        self.caller: Caller | None = None
        self.body = b""
        self.document: Any = None
        self.view: View | None = None
        self.error: BaseException | None = None
        self.admitted = self.decoded = self.committed = 0.0
        """When these steps were done, by ``time.perf_counter``; 0: not so far."""
        self.faults = False
        """Whether a bulk request had operations that failed."""

    def found(self, credential: Credential) -> None:
        """Note whose request it is."""
        self.credential = credential

    def captured(
        self, models: Models, scope: Scope, reply: Reply, request_id: str, started: float
    ) -> Captured | None:
        """All of it, if it belongs to a connection; ``started`` by ``time.perf_counter``."""
        credential = self.credential
        if credential is None:
            return None
        model = models.of(credential.directory)
        match, view, error = self.match, self.view, self.error
        kind = resource = None
        if match is not None and match.endpoint:
            found = model.by_endpoint.get(match.endpoint.casefold())
            kind = found.name if found is not None else None
            resource = match.id or None
        if view is not None:
            kind, resource = view.row.kind, view.row.id
        client = scope.get("client")
        agent = Headers(scope["headers"]).get(b"user-agent")
        wanted = reply.status >= 400 or self.faults
        return Captured(
            directory=credential.directory.id,
            connection=credential.connection.id,
            token=credential.token.id,
            model=model,
            at=self._at,
            request_id=request_id,
            method=scope["method"],
            path=scope["path"].removeprefix(scope.get("root_path", "")),
            query=scope.get("query_string", b""),
            status=reply.status,
            microseconds=round((time.perf_counter() - started) * 1_000_000),
            kind=kind,
            resource=resource,
            subject=name_in(self.document) if kind is not None else None,
            document=None if view is None else view.row.document,
            tolerated=tuple(self.caller.tolerated) if self.caller is not None else (),
            situation=_situation(error),
            other=error.other if isinstance(error, errors.ScimError) else "",
            address=client[0] if client else None,
            agent=agent,
            body=self.body if len(self.body) <= MAX_TEXT else self.body[:MAX_TEXT],
            body_size=len(self.body),
            reply=reply.body[: 4 * MAX_TEXT] if wanted else b"",
        )


def _situation(error: BaseException | None) -> str:
    if isinstance(error, errors.ScimError):
        return error.situation
    return "" if error is None else "store away" if isinstance(error, StoreUnavailable) else "fault"
