"""What the management API's JSON looks like: the schemas of the OpenAPI document, each with its meaning."""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.scim.profiles import PROFILES
from rosterd.service.caller import SCOPES
from rosterd.service.limits import JSON_NAMES, RANGES

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
    "read_rate": "Reading requests a second, in each process; 0 for no limit.",
    "write_rate": "Changes a second, in each process; 0 for no limit.",
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
    "items": {"type": "string", "description": "A scope.", "enum": list(SCOPES)},
    "minItems": 1,
    "maxItems": 2 * len(SCOPES),
}


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

_DIRECTORY: Final[Mapping[str, Schema]] = {
    "name": text("Its name."),
    "scimPath": text("Path of its SCIM base URL on this server."),
    "revision": {"type": "integer", "description": "Moves with every change of its definitions."},
    "created": time("When it was made."),
}

_TOKEN: Final[Mapping[str, Schema]] = {
    "id": text("Its id, which is part of its text."),
    "connection": text("Name of the connection it speaks for."),
    "label": text("What or whom it is for."),
    "scopes": SCOPE_LIST,
    "state": text("`ending` tokens work until `revoked`.", enum=["valid", "ending", "expired", "revoked"]),
    "created": time("When it was issued."),
    "expires": time("When it ends."),
    "revoked": maybe(time("From when on it is revoked.")),
    "lastUsed": maybe(time("When it was last used.")),
    "client": maybe(text("Id of the client it was issued to by the Token Provider.")),
}

_CLIENT: Final[Mapping[str, Schema]] = {
    "id": text("`scimClientId`."),
    "connection": text("Name of the connection its tokens speak for."),
    "label": text("What or whom it is for."),
    "scopes": SCOPE_LIST,
    "state": text("Whether it can fetch tokens.", enum=["active", "revoked"]),
    "secrets": {
        "type": "array",
        "description": "Its secrets, newest first.",
        "items": thing(
            "A secret, without its text.",
            created=time("When it was made."),
            expires=maybe(time("When it stops working.")),
        ),
    },
    "created": time("When it was made."),
    "revoked": maybe(time("From when on it is revoked.")),
    "lastUsed": maybe(time("When it last fetched a token.")),
}

_ACCOUNT: Final[Mapping[str, Schema]] = {
    "id": text("Its id for ever."),
    "state": text("What the application is to make of it.", enum=["active", "inactive", "deleted"]),
    "name": maybe(text("userName of a user, displayName of a group.")),
    "externalId": maybe(text("The id its connection gave it.")),
    "connection": maybe(text("Name of the connection that owns it.")),
    "created": time("When it was made."),
    "modified": time("When it was last changed."),
    "deleted": maybe(time("When it was deleted.")),
    "version": text("Its ETag."),
    "resource": {
        "type": "object",
        "description": "Its SCIM attributes, without those that are above and without members and groups.",
    },
}

COMPONENTS: Final[Mapping[str, Schema]] = {
    "Problem": thing(
        "What went wrong (RFC 9457).",
        ("errors",),
        type=text("Always `about:blank`: the status says what kind of problem it is."),
        title=text("The status in words."),
        status={"type": "integer", "description": "The HTTP status."},
        detail=text("What to change, for a person."),
        instance=text("The id of the request, as in the header `X-Request-Id`."),
        errors={
            "type": "array",
            "description": "Each fault of the query or the body.",
            "items": thing(
                "One fault.",
                pointer=text("JSON pointer into the body, or `?` and the name of a query parameter."),
                detail=text("What is wrong there."),
            ),
        },
    ),
    "ListedDirectory": thing("A directory in a list.", **_DIRECTORY),
    "Directory": thing(
        "A directory.",
        **_DIRECTORY,
        users={"type": "integer", "description": "How many users it has."},
        groups={"type": "integer", "description": "How many groups it has."},
        definitions={**DEFINITIONS, "required": ["schemas", "resourceTypes"]},
    ),
    "Connection": thing(
        "A connection.",
        name=text("Its name, unique in the directory."),
        directory=text("Name of the directory."),
        **{**POLICY, "limits": {**POLICY["limits"], "required": list(JSON_NAMES.values())}},
        state={
            **thing(
                "Whether it may speak at present.",
                by=text("Who brought that about."),
                reason=text("Why."),
                since=maybe(time("Since when; null if nobody ever changed it.")),
                **{"is": text("The state.", enum=["active", "paused", "disabled"])},
            ),
        },
        created=time("When it was made."),
    ),
    "Token": thing("A token, without its text.", **_TOKEN),
    "NewToken": thing(
        "A token with its text, this once.", **_TOKEN, token=text("What the identity provider sends.")
    ),
    "Client": thing("A client of the Token Provider, without its secrets.", **_CLIENT),
    "NewClient": thing(
        "A client with its new secret, this once.", **_CLIENT, clientSecret=text("`scimClientSecret`.")
    ),
    "Account": thing("A user or group.", **_ACCOUNT),
    "User": thing(
        "A user with its groups.",
        **_ACCOUNT,
        groups={
            "type": "array",
            "description": "Direct ones first.",
            "items": thing(
                "A group.",
                id=text("Its id."),
                name=maybe(text("Its displayName.")),
                direct={"type": "boolean", "description": "False if it is in it through another group."},
            ),
        },
    ),
    "Member": thing(
        "A member of a group, or a value that names nobody yet.",
        value=text("The member's id; of a pending one what the identity provider sent."),
        type=maybe(text("`User` or `Group`; null while pending.")),
        name=maybe(text("What it is shown as.")),
    ),
    "Happened": thing(
        "An event of one resource.",
        seq={"type": "integer", "description": "Its number in the directory's feed."},
        type=text("What happened, such as `user.updated`."),
        at=time("When."),
        connection=maybe(text("Name of the connection that did it.")),
        requestId=text("Id of the request."),
        data={"type": "object", "description": "What was before and after, or the members."},
    ),
}
