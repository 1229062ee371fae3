"""The schemas of RFC 7643 §8.7.1 and the resource types of §8.6, as package data.

``display`` of a group member is not in the RFC's JSON but in its examples (§8.4), and every
identity provider sends it. ``manager.value`` and ``manager.$ref`` are not required, as §4.3 says
and the JSON of §8.7.1 does not.
"""

import json
from importlib.resources import files
from typing import Any, Final

from rosterd.scim import urns
from rosterd.scim.schema import Model


def _load(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.json").read_bytes())
    return data


CORE_SCHEMAS: Final = tuple(_load(name) for name in ("user", "enterprise_user", "group"))

# The protocol's own resources (RFC 7643 §8.7.2): shown by discovery, and never stored or checked.
PROTOCOL_SCHEMAS: Final = tuple(
    _load(name) for name in ("service_provider_config", "resource_type", "schema")
)

CORE_RESOURCE_TYPES: Final[tuple[dict[str, Any], ...]] = (
    {
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "description": "User Account",
        "schema": urns.USER,
        "schemaExtensions": [{"schema": urns.ENTERPRISE_USER, "required": False}],
    },
    {
        "id": "Group",
        "name": "Group",
        "endpoint": "/Groups",
        "description": "Group",
        "schema": urns.GROUP,
    },
)

CORE_MODEL: Final = Model.build(CORE_SCHEMAS, CORE_RESOURCE_TYPES)
