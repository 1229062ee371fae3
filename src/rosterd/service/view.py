"""A resource with what is rendered beside its document, and the full document of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from rosterd.scim import urns
from rosterd.scim.membership import Member
from rosterd.scim.render import format_time
from rosterd.scim.schema import Model, ResourceType
from rosterd.service.ports import Membership, Stored

_KEPT: Final = 256
"""Types at a base URL of which is remembered what their resources have in common."""


@dataclass(slots=True)
class View:
    """One resource as a connection sees it.

    ``memberships`` is a user's groups, ``members`` a group's members; ``None`` where they do not
    apply or were not asked for.
    """

    row: Stored
    type: ResourceType
    external_id: str | None
    """``None`` also when the resource belongs to another connection."""
    memberships: Sequence[Membership] | None = None
    members: Sequence[Member] | None = None


def has_groups(resource_type: ResourceType) -> bool:
    """Whether resources of this type show the groups they are in (RFC 7643 §4.1.2)."""
    return resource_type.schema.id == urns.USER


def location(base_url: str, resource_type: ResourceType, id: str) -> str:
    """The URI of a resource."""
    return f"{base_url}{resource_type.endpoint}/{id}"


def groups_json(memberships: Sequence[Membership], model: Model, base_url: str) -> list[dict[str, Any]]:
    """The value of a user's ``groups``."""
    groups = model.types["Group"]
    return [
        {
            "value": m.group,
            "$ref": location(base_url, groups, m.group),
            **({"display": m.display} if m.display else {}),
            "type": "direct" if m.direct else "indirect",
        }
        for m in memberships
    ]


def members_json(members: Sequence[Member], model: Model, base_url: str) -> list[dict[str, Any]]:
    """The value of a group's ``members``."""
    endpoints = {name: f"{base_url}{t.endpoint}/" for name, t in model.types.items()}
    out = []
    for member in members:
        element: dict[str, Any] = {"value": member.value}
        if member.type in endpoints:
            element["$ref"] = endpoints[member.type] + member.value
        if member.display:
            element["display"] = member.display
        if member.type:
            element["type"] = member.type
        out.append(element)
    return out


def meta_text(view: View, base_url: str) -> str:
    """The JSON text of ``meta`` (RFC 7643 §3.1). Names, endpoints and ids are plain in JSON, too."""
    row = view.row
    beginning, address = _of_all(view.type, base_url)
    created = format_time(row.created)
    modified = created if row.modified == row.created else format_time(row.modified)
    return (
        f'{beginning}{created}","lastModified":"{modified}","location":"{address}{row.id}",'
        f'"version":"W/\\"{row.version}\\""}}'
    )


@lru_cache(_KEPT)
def _of_all(resource_type: ResourceType, base_url: str) -> tuple[str, str]:
    """What ``meta`` of all resources of a type has in common: its beginning, and that of ``location``."""
    address = orjson.dumps(location(base_url, resource_type, "")).decode()[1:-1]
    return f'{{"resourceType":"{resource_type.name}","created":"', address


def full_document(view: View, model: Model, base_url: str) -> dict[str, Any]:
    """Everything a projection may choose from."""
    stored: Mapping[str, Any] = orjson.loads(view.row.document)
    full: dict[str, Any] = {"id": view.row.id}
    if view.external_id is not None:
        full["externalId"] = view.external_id
    full.update(stored)
    if view.memberships:
        full["groups"] = groups_json(view.memberships, model, base_url)
    if view.members:
        full["members"] = members_json(view.members, model, base_url)
    full["meta"] = orjson.loads(meta_text(view, base_url))
    return full
