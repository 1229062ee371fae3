"""What the server says about itself: only what it does, read from the model it works by.

Sources: RFC 7643 §5 to §7, RFC 7644 §4, RFC 9865 §4. ``base_url`` is the SCIM base URL without a
trailing slash. The common attributes (``id``, ``externalId``, ``meta``, ``schemas``) belong to every
resource and to no schema (RFC 7643 §3.1), so no schema lists them.
"""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.scim import urns
from rosterd.scim.errors import NotFound
from rosterd.scim.listing import DEFAULT_COUNT, MAX_COUNT
from rosterd.scim.schema import Model, ResourceType
from rosterd.scim.schemas import PROTOCOL_SCHEMAS

_BEARER: Final = {
    "type": "oauthbearertoken",
    "name": "OAuth Bearer Token",
    "description": "Send the token in the Authorization header: 'Authorization: Bearer <token>'.",
    "specUri": "https://www.rfc-editor.org/info/rfc6750",
    "primary": True,
}


def service_provider_config(
    base_url: str,
    *,
    max_operations: int,
    max_payload_size: int,
    cursor_timeout: int,
    documentation_uri: str | None = None,
) -> dict[str, object]:
    """The ServiceProviderConfig (RFC 7643 §5).

    ``max_payload_size`` in bytes; ``cursor_timeout`` in seconds, for which a cursor is valid at least.
    """
    links = {"documentationUri": documentation_uri} if documentation_uri else {}
    return {
        "schemas": [urns.SERVICE_PROVIDER_CONFIG],
        **links,
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": max_operations,
            "maxPayloadSize": max_payload_size,
        },
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [dict(_BEARER)],
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": DEFAULT_COUNT,
            "maxPageSize": MAX_COUNT,
            "cursorTimeout": cursor_timeout,
        },
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }


def resource_types(model: Model, base_url: str) -> tuple[dict[str, object], ...]:
    """The ResourceTypes (RFC 7643 §6), in the order of the model."""
    return tuple(_resource_type(resource_type, base_url) for resource_type in model.types.values())


def resource_type(model: Model, base_url: str, id: str) -> dict[str, object]:
    """One resource type by its id, letter case ignored. Raises ``NotFound``."""
    for found in model.types.values():
        if found.id.casefold() == id.casefold():
            return _resource_type(found, base_url)
    names = ", ".join(found.id for found in model.types.values())
    raise NotFound(f"There is no resource type of this id; there are: {names}")


def schemas(model: Model, base_url: str) -> tuple[dict[str, object], ...]:
    """The schemas (RFC 7643 §7): the model's, in its order, then the protocol's own (§8.7.2)."""
    return tuple(_schema(data, base_url) for data in _all_schemas(model).values())


def schema(model: Model, base_url: str, urn: str) -> dict[str, object]:
    """One schema by its URN, letter case ignored. Raises ``NotFound``."""
    found = _all_schemas(model).get(urn.casefold())
    if found is None:
        raise NotFound("There is no schema of this URN; GET /Schemas lists those that there are")
    return _schema(found, base_url)


def _resource_type(found: ResourceType, base_url: str) -> dict[str, object]:
    location = f"{base_url}/ResourceTypes/{found.id}"
    return {"schemas": [urns.RESOURCE_TYPE], **found.to_json(), "meta": _meta("ResourceType", location)}


def _all_schemas(model: Model) -> dict[str, Mapping[str, Any]]:
    own = {schema.id.casefold(): schema.to_json() for schema in model.schemas.values()}
    return own | {str(data["id"]).casefold(): data for data in PROTOCOL_SCHEMAS}


def _schema(data: Mapping[str, Any], base_url: str) -> dict[str, object]:
    location = f"{base_url}/Schemas/{data['id']}"
    return {"schemas": [urns.SCHEMA], **data, "meta": _meta("Schema", location)}


def _meta(kind: str, location: str) -> dict[str, str]:
    return {"resourceType": kind, "location": location}
