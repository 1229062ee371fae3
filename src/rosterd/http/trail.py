"""What one request leaves for the request log, put together once it and those beside it are answered.

Secrets are masked before anything is kept. A request of no connection leaves nothing.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from typing import Any, Final, Protocol

from rosterd.http.admit import Models
from rosterd.http.reply import Reply
from rosterd.http.request import Request
from rosterd.scim import errors
from rosterd.service import capture
from rosterd.service.capture import MAX_AGENT, MAX_LINE, MAX_SUBJECT, clean, storable
from rosterd.service.control import Credential
from rosterd.service.masking import NOTHING, Masked, masks_of
from rosterd.service.ports import StoreUnavailable
from rosterd.service.request_log import MAX_TEXT, Exchange

_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_READ: Final = "read"
_CHANGE: Final = "change"
_FAILURE: Final = "failure"


class Journal(Protocol):
    """Takes what requests leave; never waits and never fails."""

    def wants(self, directory: int, connection: int, at: int, count: int, *, change: bool) -> int:
        """How many of so many changes or reads that succeeded are to be noted; the others are counted.

        ``at`` is the time (ms) of the last one.
        """

    def note(self, made: Callable[[], Exchange], *, succeeded: bool) -> None:
        """Have it made and keep it until the next flush, or count it if there is too much; what ``succeeded``
        first."""


def keep(journal: Journal, models: Models, answered: Iterable[tuple[Request, Reply]]) -> None:
    """Leave what is to be known of the requests of connections that were answered, in order."""
    for (whose, sort), several in groupby(answered, _sort):
        if whose is None:
            continue
        alike, succeeded = [*several], sort != _FAILURE
        if succeeded:
            at = alike[-1][0].at
            wanted = journal.wants(
                whose.directory.id, whose.connection.id, at, len(alike), change=sort == _CHANGE
            )
            alike = alike[:wanted]
        for request, reply in alike:
            journal.note(partial(exchange, models, request, whose, reply), succeeded=succeeded)


def _sort(one: tuple[Request, Reply]) -> tuple[Credential | None, str]:
    """Whose request it was, and what of the log's shares it takes."""
    request, reply = one
    if reply.status >= 400 or request.faults:
        return request.credential, _FAILURE
    reads = request.method in _READS or request.path.endswith("/.search")
    return request.credential, _READ if reads else _CHANGE


def exchange(models: Models, request: Request, whose: Credential, reply: Reply) -> Exchange:
    """The request and what came of it, without secrets and what is large."""
    scope, raw, asker, view, status = request.scope, request.raw, request.asker, request.view, reply.status
    model = models.of(whose.directory) if asker is None else asker.model
    masks, size, sent = masks_of(model), len(raw), scope.get("query_string")
    body = masks.body(raw[:MAX_TEXT], whole=size <= MAX_TEXT) if raw else NOTHING
    query = masks.query(sent[: 4 * MAX_LINE]) if sent else NOTHING
    hiding = Masked("", body.hidden | query.hidden) if query.hidden else body

    kind = resource = None
    if view is not None:
        kind, resource = view.row.kind, view.row.id
    elif endpoint := request.match.endpoint:
        found = request.kind if asker is not None else model.by_endpoint.get(endpoint.casefold())
        kind, resource = None if found is None else found.name, request.match.id or None
    subject = None if kind is None else capture.name_in(request.body)
    if subject is None and (view is not None or sent or raw):
        subject = _known_as(request, body, query)

    path, agent = request.path, request.headers.get(b"user-agent")
    if hiding.hidden or not capture.is_plain(f"{path}{resource}{subject}{agent}"):
        path = storable(hiding.elsewhere(path)[:MAX_LINE])
        resource = clean(resource, MAX_SUBJECT, hiding)
        subject = clean(None if subject is None else subject[:MAX_LINE], MAX_SUBJECT, hiding)
        agent = clean(agent, MAX_AGENT, hiding)
    told = scim_type = detail = None
    situation = other = ""
    if status >= 400 or request.faults:
        told = clean(reply.body[: 4 * MAX_TEXT].decode(errors="replace"), MAX_TEXT, hiding) or None
        if status >= 400:
            scim_type, detail = _told(reply.body[: 4 * MAX_TEXT], hiding)
        if request.error is not None:
            situation, other = _why(request.error)
    client = scope.get("client")
    return Exchange(
        whose.directory.id,
        whose.connection.id,
        whose.token.id,
        request.at,
        request.id,
        request.method[:20],
        path,
        storable(query.text[:MAX_LINE]) if sent else "",
        status,
        round((request.sent - request.started) * 1_000_000),
        kind,
        resource,
        subject,
        () if asker is None else tuple(asker.tolerated),
        scim_type,
        detail,
        situation,
        other,
        client[0] if client else None,
        agent,
        storable(body.text[:MAX_TEXT]) if raw else None,
        size,
        told,
    )


def _known_as(request: Request, body: Masked, query: Masked) -> str | None:
    """The name of a resource as it is stored, or in a filter."""
    name = None if request.view is None else capture.name_in(capture.object_in(request.view.row.document))
    if name is not None:
        return name
    text = query.text
    if request.raw and request.path.endswith("/.search"):
        text = str(capture.object_in(body.text.encode()).get("filter", ""))
    return capture.name_looked_for(text)


def _told(body: bytes, hiding: Masked) -> tuple[Any, str | None]:
    """scimType and detail of an error."""
    error = capture.object_in(body)
    detail = error.get("detail")
    return error.get("scimType"), clean(detail, MAX_LINE, hiding) if isinstance(detail, str) else None


def _why(error: BaseException) -> tuple[str, str]:
    """Which of the reasons for its status it was, and the id of the resource that stood in the way."""
    if isinstance(error, errors.ScimError):
        return error.situation, error.other
    return "store away" if isinstance(error, StoreUnavailable) else "fault", ""
