"""How the management API's JSON is described: the kinds of schemas, and those that several routes share."""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.scim.profiles import PROFILES
from rosterd.service.caller import MOST_SCOPES, SCOPE, SCOPES
from rosterd.service.keys import SCOPES as KEY_PERMISSIONS
from rosterd.service.limits import JSON_NAMES, RANGES
from rosterd.service.preferences import PREFERENCES

Schema = Mapping[str, Any]


def ref(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str, **more: Any) -> Schema:
    """A text."""
    return {"type": "string", "description": description, **more}


def number(description: str, least: int, most: int, **more: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", "description": description, "minimum": least, "maximum": most, **more}


def time(description: str) -> Schema:
    """A time such as ``2026-11-24T15:22:47.123Z``."""
    return {"type": "string", "format": "date-time", "description": description}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def thing(description: str, optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object of these properties and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def page(item: str, description: str) -> Schema:
    """A page of a list."""
    return thing(
        description,
        items={"type": "array", "description": "What is on this page.", "items": ref(item)},
        nextCursor=maybe(text("Give it as `cursor` for the next page; null on the last one.")),
    )


_LIMIT_MEANINGS: Final = {
    "read_rate": "Reading requests a second; 0 for no limit.",
    "write_rate": "Changes a second; 0 for no limit.",
    "burst": "Seconds of its rate that a connection may save up.",
    "fuse_count": "Accounts it may deactivate or delete in a window before it is paused; 0 for no limit.",
    "fuse_percent": "The same in percent of the accounts; 0 for no limit.",
    "fuse_window": "Length of the window in seconds.",
}

POLICY: Final[Mapping[str, Schema]] = {
    "profile": text("How its messages are read.", enum=list(PROFILES)),
    "reach": text(
        "Whether it may change only what it made itself, or all in the directory.",
        enum=["own", "directory"],
    ),
    "onDelete": text("What DELETE of a user does.", enum=["deactivate", "erase"]),
    "limits": thing(
        "Rates and mass-change fuse.",
        tuple(JSON_NAMES.values()),
        **{JSON_NAMES[own]: number(_LIMIT_MEANINGS[own], *RANGES[own]) for own in JSON_NAMES},
    ),
}
"""What can be changed of a connection."""

SCOPE_LIST: Final[Schema] = {
    "type": "array",
    "description": "What it permits; without it everything.",
    "items": {
        "type": "string",
        "description": f"{' or '.join(SCOPES)}, or the same for one resource type, such as {SCOPES[0]}:User.",
        "pattern": f"^{SCOPE}$",
    },
    "minItems": 1,
    "maxItems": MOST_SCOPES,
}


EXPIRES_SOON: Final[Schema] = {
    "type": "boolean",
    "description": "Whether it ends within the setting `tokenWarningDays` and somebody must replace it.",
}
KEY_SCOPES: Final[Schema] = {
    "type": "array",
    "description": "What it permits.",
    "items": {"type": "string", "description": "A scope.", "enum": list(KEY_PERMISSIONS)},
    "minItems": 1,
    "maxItems": 2 * len(KEY_PERMISSIONS),
}

SETTINGS: Final[Mapping[str, Schema]] = {
    name: {"type": "boolean", "description": row.meaning}
    if isinstance(row.default, bool)
    else number(row.meaning, row.least, row.most)
    for name, row in PREFERENCES.items()
}
"""What can be chosen for the installation."""


def _definitions(description: str) -> Schema:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "object", "description": "One definition."},
        "maxItems": 100,
    }


DEFINITIONS: Final = thing(
    "Definitions of a directory's own.",
    ("schemas", "resourceTypes"),
    schemas=_definitions("Schemas (RFC 7643 §7)."),
    resourceTypes=_definitions("Resource types (RFC 7643 §6)."),
)
