"""The SCIM 2.0 application: one request of ASGI in six steps.

    admit    headers → Caller                                        (http.admit)
    decode   bytes → JSON value, within limits                       (http.decode, scim.profiles)
    check    JSON value → draft, of a large one in a thread          (service.commands, scim.check)
    commit   one durable transaction                                 (Store.write)
    render   resource → bytes                                        (http.render)
    deliver  events, elsewhere and later

It keeps no state of its own between requests but what its parts keep.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from rosterd.http import routes
from rosterd.http.admit import Admission
from rosterd.http.aftermath import Aftermath
from rosterd.http.decode import LARGE, MAX_BODY, MAX_SINGLE, ClientGone, parse_json, parse_query, read_body
from rosterd.http.guard import Guard
from rosterd.http.headers import base_url, check_encoding, check_media_type, negotiate
from rosterd.http.measure import Requests
from rosterd.http.meter import operations, take
from rosterd.http.problems import reply_to
from rosterd.http.render import list_body, resource_body, resource_headers
from rosterd.http.reply import Receive, Reply, Scope, Send
from rosterd.http.request import Request
from rosterd.http.spans import Spans
from rosterd.http.trail import Journal
from rosterd.scim import discovery, errors, profiles
from rosterd.scim.bulk import bulk_response
from rosterd.scim.listing import ListRequest, from_message, from_query, list_response
from rosterd.scim.membership import has_members
from rosterd.scim.profiles.filters import with_urns
from rosterd.scim.render import etag_matches
from rosterd.scim.schema import ResourceType
from rosterd.service.bulk import MAX_OPERATIONS, Bulk
from rosterd.service.caller import ANY, READ, WRITE, Caller
from rosterd.service.commands import MEMBERS_SHOWN, Commands, Unit
from rosterd.service.connections import Outdated, commit
from rosterd.service.limits import Throttle
from rosterd.service.ports import Store
from rosterd.service.queries import CURSOR_LIFETIME, Queries
from rosterd.service.view import View

SCIM_PATH: Final = "/scim/v2"
NOTHING_HERE: Final = f"There is nothing here; the SCIM base URL ends in {SCIM_PATH}."


class ScimApp:
    """Answers what is asked below the SCIM base URL."""

    def __init__(
        self,
        store: Store,
        admission: Admission,
        commands: Commands,
        queries: Queries,
        bulk: Bulk,
        new_request_id: Callable[[], str],
        throttle: Throttle,
        guard: Guard,
        requests: Requests,
        journal: Journal | None = None,
        spans: Spans | None = None,
        public_url: str | None = None,
        documentation_url: str | None = None,
    ) -> None:
        self._store = store
        self._admission = admission
        self._commands = commands
        self._queries = queries
        self._bulk = bulk
        self._new_request_id = new_request_id
        self._throttle = throttle
        self._guard = guard
        self._aftermath = Aftermath(requests, journal, admission.models)
        self._spans = spans
        self._public_url = public_url
        self._documentation_url = documentation_url

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, root: str, *, misplaced: bool = False
    ) -> None:
        """Answer an HTTP request below the path ``root``; every error becomes a SCIM error here.

        One that is ``misplaced`` is refused, and logged with whose token it has: the base URL is wrong.
        """
        started = time.perf_counter()
        span = None if self._spans is None else self._spans.begin(scope, started)
        request_id = self._new_request_id() if span is None else span.request_id
        request = Request(scope, request_id, self._admission.now(), started, root)
        try:
            reply = await (_nowhere() if misplaced else self._reply(request, receive))
        except ClientGone as gone:
            if span is not None:
                request.error = gone
                span.end(None, request, time.perf_counter())
                _forget_frames(gone)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a SCIM error
            request.error = error
            reply = reply_to(error, request.id)
            _forget_frames(error)
            if self._aftermath.is_kept and request.credential is None:
                request.credential = await self._admission.claimed(request)
        request.replied = time.perf_counter()
        try:
            await reply.send(scope, send, request.id, request.rate)
        finally:  # also of one whose client has gone: what it changed is changed
            request.sent = time.perf_counter()
            if span is not None:
                request.trace_id = span.trace_id
                span.end(reply.status, request, request.sent)
            self._aftermath.leave(request, reply)

    async def _reply(self, request: Request, receive: Receive) -> Reply:
        headers, match = request.headers, routes.match(request.path)
        request.match = match
        if request.method == "OPTIONS":
            return Reply(204, headers=((b"allow", ", ".join(routes.allowed(match)).encode()),))
        row = routes.route(match, request.method)
        handler: Callable[[Request], Awaitable[Reply]] = getattr(self, row.handler)
        negotiate(headers.raw(b"accept"))
        base = self._public_url or base_url(request.scope, headers, request.root)
        request.base_url = f"{base}/d/{match.directory}" if match.directory else base
        if row.scope is not None or headers.raw(b"authorization") is not None:
            try:
                caller = await self._admission.admit(request, match.directory)
            except errors.Unauthorized:
                self._guard.failed(request.scope)
                raise
            # A bulk request counts its operations, once they are read.
            take(self._throttle, request, caller, row.scope, 0 if row.handler == "bulk" else 1)
            if row.scope not in caller.scopes and row.scope is not None and row.scope != ANY:
                caller.require(row.scope, None if request.kind is None else request.kind.name)
        request.admitted = decoded = time.perf_counter()
        if row.body:
            check_media_type(headers.raw(b"content-type"))
            if coding := headers.raw(b"content-encoding"):
                check_encoding(coding)
            kind = request.kind
            limit = MAX_BODY if kind is None or has_members(kind) else MAX_SINGLE
            request.raw = await read_body(receive, headers, limit)
            request.body = parse_json(request.raw)
            decoded = time.perf_counter()
        if query := request.scope.get("query_string"):
            request.query = parse_query(query)
            decoded = time.perf_counter()
        request.decoded = decoded
        try:
            return await handler(request)
        except Outdated:  # the directory's schemas were changed since the request was admitted
            request.asked_by(await self._admission.renewed(request.caller))
            return await handler(request)

    # Reads

    async def list(self, request: Request) -> Reply:
        """GET /{endpoint}."""
        return await self._page(request, (request.type,), from_query, request.query)

    async def search(self, request: Request) -> Reply:
        """POST /{endpoint}/.search."""
        return await self._page(request, (request.type,), from_message, request.body)

    async def list_all(self, request: Request) -> Reply:
        """GET /."""
        return await self._page(request, _readable(request.caller), from_query, request.query)

    async def search_all(self, request: Request) -> Reply:
        """POST /.search."""
        return await self._page(request, _readable(request.caller), from_message, request.body)

    async def _page(
        self, request: Request, types: Sequence[ResourceType], read: Callable[..., ListRequest], given: Any
    ) -> Reply:
        try:
            wanted = read(given)
            listing = await self._queries.list(request.caller, types, wanted)
        except errors.InvalidFilter as error:
            wanted = _meant(request.caller, types, read, given, error)
            listing = await self._queries.list(request.caller, types, wanted)
        request.committed = time.perf_counter()
        return Reply(200, list_body(listing, request.caller, wanted.projection))

    async def read(self, request: Request) -> Reply:
        """GET /{endpoint}/{id}; 304 if the client has this version (RFC 7644 §3.14).

        A version says nothing of the groups that a user is in: where these are shown, it is no 304.
        """
        projection, caller = request.projection, request.caller
        view = request.view = await self._queries.get(caller, request.type, request.match.id, projection)
        request.committed = time.perf_counter()
        headers = resource_headers(view, caller)
        known = request.headers.raw(b"if-none-match")
        if (
            known is not None
            and not projection.for_type(view.type).groups
            and etag_matches(known.decode("latin-1"), view.row.version)
        ):
            return Reply(304, headers=headers)
        return Reply(200, resource_body(view, caller, projection), headers)

    # Changes

    async def create(self, request: Request) -> Reply:
        """POST /{endpoint}."""
        unit = await _made(request, self._commands.create, request.body)
        shown = request.projection_of_change  # what is refused, is before anything is changed
        view = await self._commit(request, unit)
        headers = resource_headers(view, request.caller, created=True)
        return Reply(201, resource_body(view, request.caller, shown), headers)

    async def replace(self, request: Request) -> Reply:
        """PUT /{endpoint}/{id}."""
        given = request.match.id, request.body, request.if_match
        unit = await _made(request, self._commands.replace, *given)
        shown = request.projection_of_change
        view = await self._commit(request, unit)
        body = resource_body(view, request.caller, shown)
        return Reply(200, body, resource_headers(view, request.caller))

    async def patch(self, request: Request) -> Reply:
        """PATCH /{endpoint}/{id}: 200 with the resource, or 204 where the profile wants that.

        204 also for a group with so many members that showing them would cost more than the change;
        a client that names attributes gets them in any case (RFC 7644 §3.5.2).
        """
        asked = request.parameter("attributes") is not None
        silent = not asked and "patch-answers-204" in profiles.options(request.caller.connection.profile)
        members = 0 if silent else None if asked else MEMBERS_SHOWN
        given = request.match.id, request.body, request.if_match, members
        unit = await _made(request, self._commands.patch, *given)
        shown = request.projection if silent else request.projection_of_change
        view = await self._commit(request, unit)
        headers = resource_headers(view, request.caller)
        if silent or (view.members is None and has_members(view.type)):
            return Reply(204, headers=headers)
        return Reply(200, resource_body(view, request.caller, shown), headers)

    async def delete(self, request: Request) -> Reply:
        """DELETE /{endpoint}/{id}."""
        unit = self._commands.delete(request.caller, request.type, request.match.id, request.if_match)
        await self._commit(request, unit)
        return Reply(204)

    async def bulk(self, request: Request) -> Reply:
        """POST /Bulk (RFC 7644 §3.7)."""
        cost = min(operations(request.body), MAX_OPERATIONS)
        take(self._throttle, request, request.caller, WRITE, cost)
        results = await self._bulk.run(request.caller, request.body, self._admission.renewed)
        request.committed = time.perf_counter()
        request.faults = any("response" in result for result in results)
        return Reply(200, orjson.dumps(bulk_response(results)))

    async def _commit(self, request: Request, unit: Unit) -> View:
        request.checked = time.perf_counter()
        view = request.view = await commit(self._store, request.caller, unit)
        request.committed = time.perf_counter()
        return view

    # Discovery

    async def service_provider_config(self, request: Request) -> Reply:
        """GET /ServiceProviderConfig, with or without a token."""
        _refuse_filter(request)
        config = discovery.service_provider_config(
            request.base_url,
            max_operations=MAX_OPERATIONS,
            max_payload_size=MAX_BODY,
            cursor_timeout=CURSOR_LIFETIME // 1000,
            documentation_uri=self._documentation_url,
        )
        return Reply(200, orjson.dumps(config))

    async def resource_types(self, request: Request) -> Reply:
        """GET /ResourceTypes."""
        return _discovered(request, discovery.resource_types(request.caller.model, request.caller.base_url))

    async def resource_type(self, request: Request) -> Reply:
        """GET /ResourceTypes/{id}."""
        caller = request.caller
        return Reply(
            200, orjson.dumps(discovery.resource_type(caller.model, caller.base_url, request.match.id))
        )

    async def schemas(self, request: Request) -> Reply:
        """GET /Schemas."""
        return _discovered(request, discovery.schemas(request.caller.model, request.caller.base_url))

    async def schema(self, request: Request) -> Reply:
        """GET /Schemas/{id}."""
        caller = request.caller
        return Reply(200, orjson.dumps(discovery.schema(caller.model, caller.base_url, request.match.id)))

    async def me(self, request: Request) -> Reply:
        """/Me: the token speaks for a connection, which is no user (RFC 7644 §3.11)."""
        raise errors.NotImplemented_("This token belongs to a provisioning connection, which is not a user.")


def _meant(
    caller: Caller,
    types: Sequence[ResourceType],
    read: Callable[..., ListRequest],
    given: Any,
    error: errors.InvalidFilter,
) -> ListRequest:
    """What is asked for by a filter that is wrong to the letter, but not to the profile. Raises the error."""
    options = profiles.options(caller.connection.profile)
    behind, bare = "filter-behind-brackets" in options, "filter-without-urn" in options
    if not (behind or bare):
        raise error
    try:
        wanted = read(given)
    except errors.InvalidFilter:
        wanted = read(given, lenient=behind)
        caller.tolerated["filter-behind-brackets"] = None
    if bare and wanted.filter is not None:
        filter = with_urns(wanted.filter, types)
        if filter != wanted.filter:
            caller.tolerated["filter-without-urn"] = None
            wanted = replace(wanted, filter=filter)
    return wanted


async def _nowhere() -> Reply:
    raise errors.NotFound(NOTHING_HERE)


async def _made(request: Request, make: Callable[..., Unit], *given: object) -> Unit:
    """The unit of a command; what a large message says is looked at beside the event loop."""
    caller, kind = request.caller, request.type
    if len(request.raw) < LARGE:
        return make(caller, kind, *given)
    return await asyncio.to_thread(make, caller, kind, *given)


def _forget_frames(error: BaseException | None) -> None:
    """Let go of where it was raised: the request is there, and in a circle with it its secrets would stay."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def _readable(caller: Caller) -> tuple[ResourceType, ...]:
    """The resource types that the token may read; to it there are no others."""
    return tuple(kind for kind in caller.model.types.values() if caller.permits(READ, kind.name))


def _discovered(request: Request, listed: Sequence[object]) -> Reply:
    """All of a discovery list."""
    _refuse_filter(request)
    return Reply(200, orjson.dumps(list_response(listed, total=len(listed), start_index=1)))


def _refuse_filter(request: Request) -> None:
    """Discovery must not be filtered (RFC 7644 §4)."""
    if request.parameter("filter") is not None:
        raise errors.Forbidden("This address cannot be filtered; leave 'filter' out.")
