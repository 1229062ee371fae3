"""Reads: one resource, or a listing by index or by cursor over one or several resource types."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from rosterd.scim import cursor, errors, profiles
from rosterd.scim.bind import bind, bind_all, bind_attribute, require_few_walks
from rosterd.scim.filter import AttrPath, Bound
from rosterd.scim.listing import ListRequest
from rosterd.scim.render import Projection
from rosterd.scim.schema import Ref, ResourceType
from rosterd.service.caller import Caller
from rosterd.service.ports import Page, Position, Query, Reader, Store, StoreUnavailable
from rosterd.service.view import View
from rosterd.service.walks import LIFETIME, Bookmark, Bookmarks, PageStart, Walks

MEMBERS_PER_PAGE: Final = 100_000
CURSOR_LIFETIME: Final = 3_600_000  # ms; announced in seconds as cursorTimeout


class Listing(NamedTuple):
    """One page, ready to render: ``total`` is totalResults."""

    views: tuple[View, ...]
    total: int
    start_index: int | None
    """``None`` for cursor paging."""
    next_cursor: str | None = None


class Queries:
    """The reads. ``secret`` seals cursors and ``bookmarks`` are of walks: the same in every process."""

    def __init__(
        self, store: Store, now: Callable[[], int], secret: bytes, bookmarks: Bookmarks | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._secret = secret
        self._bookmarks = bookmarks or Walks()

    async def get(self, caller: Caller, resource_type: ResourceType, id: str, projection: Projection) -> View:
        """One live resource; raises ``NotFound``."""
        reader = self._store.reader(caller.directory.id)
        wanted = projection.for_type(resource_type)
        if wanted.groups:
            row, memberships = await reader.get_with_groups(resource_type.name, id) or (None, None)
        else:
            row, memberships = await reader.get(resource_type.name, id), None
        if row is None:
            raise errors.NotFound.of(resource_type.name, id)
        members = await reader.members(id) if wanted.members else None
        return View(row, resource_type, caller.external_id(row), memberships, members)

    async def list(self, caller: Caller, types: Sequence[ResourceType], request: ListRequest) -> Listing:
        """A page of the types' live resources (RFC 7644 §3.4.2, RFC 9865)."""
        query = Query(
            self._targets(types, request),
            caller.connection.id,
            request.count,
            sort=None if request.sort_by is None else self._sort(types, request.sort_by),
            descending=request.descending,
            grouped=frozenset([t.name for t in types if request.projection.for_type(t).groups]),
        )
        reader = self._store.reader(caller.directory.id)
        if request.cursor is not None:
            return await self._by_cursor(caller, reader, types, query, request)
        return await self._by_index(caller, reader, types, query, request)

    async def _by_index(
        self,
        caller: Caller,
        reader: Reader,
        types: Sequence[ResourceType],
        query: Query,
        request: ListRequest,
    ) -> Listing:
        start, bookmark = request.start_index, None
        if start > 1:
            place = _page_start(caller, types, request, start)
            bookmark = await self._bookmarks.find_bookmark(place, self._now())
            query = query._replace(after=bookmark.position) if bookmark else query._replace(offset=start - 1)
        page = await reader.search(query)
        total = page.total or 0
        reached = start - 1 + len(page.rows)
        if bookmark:
            # What the walk was told stays true until its end, though others come and go meanwhile.
            total = max(total, bookmark.total) if page.more or not request.count else reached
        if page.rows and len(page.rows) == request.count and (page.more or bookmark):
            with suppress(StoreUnavailable):  # then the next page is counted out
                end = Bookmark(page.positions[-1], total, self._now() + LIFETIME)
                place = _page_start(caller, types, request, reached + 1)
                await self._bookmarks.keep_bookmark(place, end)
        views = await self._views(caller, reader, page, types, request.projection)
        return Listing(views, total, start)

    async def _by_cursor(
        self,
        caller: Caller,
        reader: Reader,
        types: Sequence[ResourceType],
        query: Query,
        request: ListRequest,
    ) -> Listing:
        now, walk = self._now(), _walk(caller, types, request)
        if request.cursor:
            place = cursor.unseal(request.cursor, binding=walk, secret=self._secret, now=now)
            query = query._replace(after=Position(place.seq, place.key))
        page = await reader.search(query)
        following = None
        if page.more and page.rows:
            last = page.positions[-1]
            following = cursor.seal(
                last.seq, last.key, binding=walk, secret=self._secret, expires=now + CURSOR_LIFETIME
            )
        views = await self._views(caller, reader, page, types, request.projection)
        return Listing(views, page.total or 0, None, following)

    def _targets(
        self, types: Sequence[ResourceType], request: ListRequest
    ) -> dict[ResourceType, Bound | None]:
        if request.filter is None:
            return dict.fromkeys(types)
        if len(types) == 1:
            bound = [(types[0], bind(request.filter, types[0]))]
        else:
            bound = bind_all(request.filter, types)
        for _, each in bound:
            require_few_walks(each)
        return dict(bound)

    def _sort(self, types: Sequence[ResourceType], by: AttrPath) -> dict[ResourceType, Ref | None]:
        refs = {t: bind_attribute(by, t) for t in types}
        if all(ref is None for ref in refs.values()):
            raise errors.InvalidPath(
                f"sortBy: '{by}' is not an attribute of this endpoint that can be sorted by."
            )
        return refs

    async def _views(
        self,
        caller: Caller,
        reader: Reader,
        page: Page,
        types: Sequence[ResourceType],
        projection: Projection,
    ) -> tuple[View, ...]:
        kinds = {t.name: (t, projection.for_type(t).members) for t in types}
        budget = MEMBERS_PER_PAGE
        views = []
        for row in page.rows:
            resource_type, members = kinds[row.kind]
            listed = None
            if members:
                listed = await reader.members(row.id, limit=budget + 1)
                if len(listed) > budget:
                    _require_bare(caller)
                    listed = None
                budget -= len(listed or ())
            views.append(View(row, resource_type, caller.external_id(row), page.groups.get(row.id), listed))
        return tuple(views)


def _require_bare(caller: Caller) -> None:
    """A page has more members than can be sent: tolerant profiles leave the largest groups' out.

    Such a client may send the group back without them, and its members stay ("put-keeps-members").
    """
    if "large-groups-bare" not in profiles.options(caller.connection.profile):
        raise errors.TooMany(
            f"This page of groups has more than {MEMBERS_PER_PAGE} members. "
            "Ask for excludedAttributes=members, or for fewer groups with count."
        )


def _page_start(caller: Caller, types: Sequence[ResourceType], request: ListRequest, start: int) -> PageStart:
    return PageStart(caller.directory.id, caller.connection.id, _walk(caller, types, request), start)


def _walk(caller: Caller, types: Sequence[ResourceType], request: ListRequest) -> bytes:
    """What identifies a walk: who walks over what, filtered and sorted how."""
    return cursor.binding(
        endpoint=" ".join(t.endpoint for t in types),
        filter=request.filter,
        sort_by=request.sort_by,
        descending=request.descending,
        directory=caller.directory.id,
        connection=caller.connection.id,
    )
