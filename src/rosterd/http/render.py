"""Step 5, render: resource → bytes.

A stored document that needs no projection is sent as it lies in the database; ``id``, ``externalId``,
memberships and ``meta`` are put around it, and no JSON is parsed.
"""

from typing import Final

import orjson

from rosterd.http.reply import Header
from rosterd.scim import urns
from rosterd.scim.render import Projection
from rosterd.service.caller import Caller
from rosterd.service.queries import Listing
from rosterd.service.view import View, full_document, groups_json, location, members_json, meta_text

_LIST_HEAD: Final = b'{"schemas":["' + urns.LIST_RESPONSE.encode() + b'"],"totalResults":'


def resource_body(view: View, caller: Caller, projection: Projection) -> bytes:
    """The JSON text of a resource under a projection."""
    wanted = projection.for_type(view.type)
    if not wanted.identity:
        return orjson.dumps(wanted.apply(full_document(view, caller.model, caller.base_url)))
    row, external_id = view.row, view.external_id
    name = b"" if external_id is None else b'"externalId":%b,' % orjson.dumps(external_id)
    lists = _lists(view, caller) if view.memberships or view.members else b""
    meta = meta_text(view, caller.base_url).encode()
    id, rest = row.id.encode(), row.document[1:-1]
    return b"".join((b'{"id":"', id, b'",', name, rest, lists, b',"meta":', meta, b"}"))


def _lists(view: View, caller: Caller) -> bytes:
    parts = []
    if view.memberships:
        parts += [b',"groups":', orjson.dumps(groups_json(view.memberships, caller.model, caller.base_url))]
    if view.members:
        parts += [b',"members":', orjson.dumps(members_json(view.members, caller.model, caller.base_url))]
    return b"".join(parts)


def list_body(listing: Listing, caller: Caller, projection: Projection) -> bytes:
    """The JSON text of a ListResponse (RFC 7644 §3.4.2, RFC 9865 §2)."""
    parts = [_LIST_HEAD, str(listing.total).encode()]
    if listing.start_index is not None:
        parts += [b',"startIndex":', str(listing.start_index).encode()]
    if listing.next_cursor is not None:
        parts += [b',"nextCursor":', orjson.dumps(listing.next_cursor)]
    parts += [b',"itemsPerPage":', str(len(listing.views)).encode(), b',"Resources":[']
    parts += [b",".join([resource_body(view, caller, projection) for view in listing.views]), b"]}"]
    return b"".join(parts)


def resource_headers(view: View, caller: Caller, *, created: bool = False) -> tuple[Header, ...]:
    """ETag, and for a new resource Location (RFC 7644 §3.3, §3.14)."""
    tag = (b"etag", b'W/"%d"' % view.row.version)
    if not created:
        return (tag,)
    return tag, (b"location", location(caller.base_url, view.type, view.row.id).encode())
