"""The SCIM 2.0 application: plain ASGI, one request in six steps.

    admit    headers → Caller                                        (http.admit)
    decode   bytes → JSON value, within limits                       (http.decode, scim.profiles)
    check    JSON value → draft                                      (service.commands, scim.check)
    commit   one durable transaction                                 (Store.write)
    render   resource → bytes                                        (http.render)
    deliver  events, elsewhere and later

It keeps no state of its own between requests but what its parts keep.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from rosterd.http import routes
from rosterd.http.access_log import answered
from rosterd.http.admit import Admission, Headers, base_url, check_media_type, negotiate
from rosterd.http.decode import MAX_BODY, ClientGone, parse_json, parse_query, read_body
from rosterd.http.guard import Guard
from rosterd.http.measure import Requests
from rosterd.http.meter import Meter, operations
from rosterd.http.problems import reply_to
from rosterd.http.render import list_body, resource_body, resource_headers
from rosterd.http.reply import Receive, Reply, Scope, Send
from rosterd.http.spans import Spans
from rosterd.http.trail import Journal, Trail
from rosterd.scim import discovery, errors, profiles
from rosterd.scim.bulk import bulk_response
from rosterd.scim.listing import ListRequest, from_message, from_query, list_response
from rosterd.scim.membership import has_members
from rosterd.scim.render import DEFAULT, Projection, etag_matches
from rosterd.scim.schema import ResourceType
from rosterd.service.bulk import MAX_OPERATIONS, Bulk
from rosterd.service.caller import ANY, READ, WRITE, Caller
from rosterd.service.commands import MEMBERS_SHOWN, Commands, Unit
from rosterd.service.connections import Outdated, commit
from rosterd.service.limits import Throttle
from rosterd.service.ports import Store
from rosterd.service.queries import CURSOR_LIFETIME, Queries
from rosterd.service.view import View


@dataclass(slots=True)
class Request:
    """One admitted request on its way through the steps."""

    admitted: Caller | None
    """``None`` at an address that needs no token, if none was sent."""
    base_url: str
    match: routes.Match
    headers: Headers
    query: Sequence[tuple[str, str]]
    body: Any
    meter: Meter
    trail: Trail

    @property
    def caller(self) -> Caller:
        """Who asks."""
        if self.admitted is None:
            raise errors.Unauthorized()
        return self.admitted

    def parameter(self, name: str) -> str | None:
        """A query parameter by its case-insensitive name."""
        return next((v for k, v in self.query if k.casefold() == name.casefold()), None)

    @property
    def projection(self) -> Projection:
        """``attributes`` and ``excludedAttributes`` of the query (RFC 7644 §3.9)."""
        if not self.query:
            return DEFAULT
        return Projection.parse(self.parameter("attributes"), self.parameter("excludedAttributes"))

    @property
    def projection_of_change(self) -> Projection:
        """The projection of the reply to a change."""
        return self.projection.after_change(self.type, self.body)

    @property
    def type(self) -> ResourceType:
        """The resource type of the endpoint; raises ``NotFound``."""
        found = self.caller.model.by_endpoint.get(self.match.endpoint.casefold())
        if found is None:
            known = ", ".join(t.endpoint for t in self.caller.model.types.values())
            raise errors.NotFound(
                f"There is no endpoint '/{self.match.endpoint}'; this directory has {known}."
            )
        return found

    @property
    def if_match(self) -> str | None:
        """The precondition on the version."""
        return self.headers.get(b"if-match")


class ScimApp:
    """The ASGI application below the SCIM base URL."""

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
        self._requests = requests
        self._journal = journal
        self._spans = spans
        self._public_url = public_url
        self._documentation_url = documentation_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every error becomes a SCIM error here."""
        if scope["type"] != "http":
            raise RuntimeError(f"a SCIM application speaks HTTP only, not {scope['type']}")
        started = time.perf_counter()
        span = None if self._spans is None else self._spans.begin(scope, started)
        request_id = self._new_request_id() if span is None else span.request_id
        headers = Headers(scope["headers"])
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        template, meter, trail = "", Meter(self._throttle), Trail(self._admission.now(), request_id)
        try:
            match = trail.match = routes.match(path)
            template = match.template
            method = scope["method"]
            if method == "OPTIONS":
                allow = ", ".join(routes.allowed(match)).encode()
                reply = Reply(204, headers=((b"allow", allow),))
            else:
                row = routes.route(match, method)
                request = await self._admit(scope, receive, headers, match, row, request_id, meter, trail)
                reply = await self._handle(request, getattr(self, row.handler))
        except ClientGone as gone:
            if span is not None:
                trail.error = gone
                span.end(None, trail, time.perf_counter())
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a SCIM error
            trail.error = error
            reply = reply_to(error, request_id)
            if self._journal is not None and trail.credential is None:
                trail.credential = await self._admission.claimed(headers)
        self._measure(scope["method"], reply.status, trail, started)
        await reply.send(send, request_id, head=scope["method"] == "HEAD", more=meter.headers)
        if span is None:
            answered(scope, template, reply.status, started, request_id, connection=meter.connection)
        else:
            span.end(reply.status, trail, time.perf_counter())
            answered(
                scope, template, reply.status, started, request_id,
                connection=meter.connection, trace_id=span.trace_id,
            )  # fmt: skip
        if self._journal is not None and trail.credential is not None:
            trail.end(self._admission.models, scope, headers, path, reply, started)
            self._journal.note(trail)

    def _measure(self, method: str, status: int, trail: Trail, started: float) -> None:
        requests, error, ended = self._requests, trail.error, time.perf_counter()
        requests.begun("scim", method, status, ended - started)
        if trail.committed:
            requests.went(started, trail.admitted, trail.decoded, trail.checked, trail.committed, ended)
        elif isinstance(error, errors.ScimError):
            requests.refuse(error.scim_type or str(error.status))
        if trail.caller is not None and trail.caller.tolerated:
            for name in trail.caller.tolerated:
                requests.tolerate(name)

    async def _admit(
        self,
        scope: Scope,
        receive: Receive,
        headers: Headers,
        match: routes.Match,
        row: routes.Route,
        request_id: str,
        meter: Meter,
        trail: Trail,
    ) -> Request:
        negotiate(headers)
        prefix = f"/d/{match.directory}" if match.directory else ""
        base = base_url(scope, headers, self._public_url, prefix)
        caller = body = None
        if row.scope is not None or headers.get(b"authorization") is not None:
            try:
                caller = trail.caller = await self._admission.admit(
                    headers, match.directory, base, request_id, trail.found
                )
            except errors.Unauthorized:
                self._guard.failed(scope)
                raise
            # A bulk request counts its operations, once they are read.
            meter.take(caller, row.scope, cost=0 if row.handler == "bulk" else 1)
            if row.scope not in (None, ANY):
                kind = caller.model.by_endpoint.get(match.endpoint.casefold())
                caller.require(row.scope, None if kind is None else kind.name)
        trail.admitted = time.perf_counter()
        if row.body:
            check_media_type(headers)
            trail.body = await read_body(receive, headers)
            body = trail.document = parse_json(trail.body)
        query = tuple(parse_query(scope.get("query_string", b"")))
        trail.decoded = time.perf_counter()
        return Request(caller, base, match, headers, query, body, meter, trail)

    async def _handle(self, request: Request, handler: Callable[[Request], Awaitable[Reply]]) -> Reply:
        """Run a handler; once more if the directory's schemas were changed since the request was admitted."""
        try:
            return await handler(request)
        except Outdated:
            caller = request.trail.caller = await self._admission.renewed(request.caller)
            return await handler(replace(request, admitted=caller))

    # Reads

    async def list(self, request: Request) -> Reply:
        """GET /{endpoint}."""
        return await self._page(request, (request.type,), from_query(request.query))

    async def search(self, request: Request) -> Reply:
        """POST /{endpoint}/.search."""
        return await self._page(request, (request.type,), from_message(request.body))

    async def list_all(self, request: Request) -> Reply:
        """GET /."""
        return await self._page(request, _readable(request.caller), from_query(request.query))

    async def search_all(self, request: Request) -> Reply:
        """POST /.search."""
        return await self._page(request, _readable(request.caller), from_message(request.body))

    async def _page(self, request: Request, types: Sequence[ResourceType], wanted: ListRequest) -> Reply:
        listing = await self._queries.list(request.caller, types, wanted)
        request.trail.committed = time.perf_counter()
        return Reply(200, list_body(listing, request.caller, wanted.projection))

    async def read(self, request: Request) -> Reply:
        """GET /{endpoint}/{id}; 304 if the client has this version (RFC 7644 §3.14)."""
        projection, caller, trail = request.projection, request.caller, request.trail
        view = trail.view = await self._queries.get(caller, request.type, request.match.id, projection)
        trail.committed = time.perf_counter()
        headers = resource_headers(view, caller)
        known = request.headers.get(b"if-none-match")
        if known is not None and etag_matches(known, view.row.version):
            return Reply(304, headers=headers)
        return Reply(200, resource_body(view, caller, projection), headers)

    # Changes

    async def create(self, request: Request) -> Reply:
        """POST /{endpoint}."""
        unit = self._commands.create(request.caller, request.type, request.body)
        view = await self._commit(request, unit)
        headers = resource_headers(view, request.caller, created=True)
        return Reply(201, resource_body(view, request.caller, request.projection_of_change), headers)

    async def replace(self, request: Request) -> Reply:
        """PUT /{endpoint}/{id}."""
        unit = self._commands.replace(
            request.caller, request.type, request.match.id, request.body, request.if_match
        )
        view = await self._commit(request, unit)
        body = resource_body(view, request.caller, request.projection_of_change)
        return Reply(200, body, resource_headers(view, request.caller))

    async def patch(self, request: Request) -> Reply:
        """PATCH /{endpoint}/{id}: 200 with the resource, or 204 where the profile wants that.

        204 also for a group with so many members that showing them would cost more than the change;
        a client that names attributes gets them in any case (RFC 7644 §3.5.2).
        """
        asked = request.parameter("attributes") is not None
        silent = not asked and "patch-answers-204" in profiles.options(request.caller.connection.profile)
        unit = self._commands.patch(
            request.caller,
            request.type,
            request.match.id,
            request.body,
            request.if_match,
            members=0 if silent else None if asked else MEMBERS_SHOWN,
        )
        view = await self._commit(request, unit)
        headers = resource_headers(view, request.caller)
        if silent or (view.members is None and has_members(view.type)):
            return Reply(204, headers=headers)
        return Reply(200, resource_body(view, request.caller, request.projection_of_change), headers)

    async def delete(self, request: Request) -> Reply:
        """DELETE /{endpoint}/{id}."""
        unit = self._commands.delete(request.caller, request.type, request.match.id, request.if_match)
        await self._commit(request, unit)
        return Reply(204)

    async def bulk(self, request: Request) -> Reply:
        """POST /Bulk (RFC 7644 §3.7)."""
        cost = min(operations(request.body), MAX_OPERATIONS)
        request.meter.take(request.caller, WRITE, cost)
        results = await self._bulk.run(request.caller, request.body, self._admission.renewed)
        request.trail.committed = time.perf_counter()
        request.trail.faults = any("response" in result for result in results)
        return Reply(200, orjson.dumps(bulk_response(results)))

    async def _commit(self, request: Request, unit: Unit) -> View:
        request.trail.checked = time.perf_counter()
        view = request.trail.view = await commit(self._store, request.caller, unit)
        request.trail.committed = time.perf_counter()
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
