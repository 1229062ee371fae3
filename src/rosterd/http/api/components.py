"""What the management API names and shows in several places: the components of its OpenAPI document."""

from collections.abc import Mapping
from typing import Final

from rosterd.http.api.schemas import (
    DEFINITIONS,
    EXPIRES_SOON,
    KEY_SCOPES,
    POLICY,
    SCOPE_LIST,
    SETTINGS,
    Schema,
    maybe,
    text,
    thing,
    time,
)
from rosterd.service.limits import JSON_NAMES

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
    "expiresSoon": EXPIRES_SOON,
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
    "expiresSoon": {**EXPIRES_SOON, "description": f"{EXPIRES_SOON['description']} Of one of its secrets."},
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

_KEY: Final[Mapping[str, Schema]] = {
    "id": text("Its id, which is part of its text."),
    "directory": maybe(text("The only directory it may know of; null for all.")),
    "label": text("What or whom it is for."),
    "scopes": KEY_SCOPES,
    "state": text("Whether it works.", enum=["valid", "expired", "revoked"]),
    "expiresSoon": EXPIRES_SOON,
    "created": time("When it was made."),
    "expires": time("When it ends."),
    "revoked": maybe(time("From when on it is revoked.")),
    "lastUsed": maybe(time("When it was last used.")),
}

_REQUEST: Final[Mapping[str, Schema]] = {
    "id": text("Its id; a later one has a greater number."),
    "at": time("When it came."),
    "connection": text("Name of the connection that sent it, or that it had when it was deleted."),
    "token": text("Id of the token it was sent with, also if that does not work."),
    "requestId": text("The id of the request, as in the log and the header `X-Request-Id`."),
    "method": text("Its method."),
    "path": text("Its path below the SCIM base URL."),
    "query": text("Its query, readable, secrets masked."),
    "status": {"type": "integer", "description": "The status of the reply."},
    "microseconds": {"type": "integer", "description": "How long it took."},
    "resourceType": maybe(text("Name of the resource type of the address.")),
    "resource": maybe(text("Id of the resource it was about.")),
    "subject": maybe(text("userName or displayName it was about.")),
    "tolerated": {
        "type": "array",
        "description": "Habits of the client that were understood although SCIM does not know them.",
        "items": {"type": "string", "description": "Name of a tolerance."},
    },
    "scimType": maybe(text("`scimType` of an error.")),
    "detail": maybe(text("What the client was told of an error.")),
    "explanation": {
        "type": "array",
        "description": "What it means and what to do, in plain sentences.",
        "items": {"type": "string", "description": "A sentence or two."},
    },
    "address": maybe(text("Where it came from.")),
    "userAgent": maybe(text("What the client calls itself.")),
    "bodySize": {"type": "integer", "description": "Bytes of the request's body."},
    "leftOut": {"type": "integer", "description": "Requests before it that were too many to keep."},
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
    "ApiKey": thing("An API key, without its text.", **_KEY),
    "NewApiKey": thing("An API key with its text, this once.", **_KEY, key=text("What a program sends.")),
    "AuditEntry": thing(
        "An administrative change.",
        seq={"type": "integer", "description": "Its number; numbers only grow."},
        at=time("When."),
        action=text("What was done, such as `token.created`."),
        target=text("To what."),
        directory=maybe(text("Name of the directory concerned; null for the installation.")),
        by=thing(
            "Who did it.",
            kind=text("`administrator`, `API key`, `command line`, `set-up link` or `rosterd` itself."),
            name=text("The login name, the label of the key or the user of the operating system."),
            id=text("Id of the administrator, key or link."),
            address=maybe(text("The network address it came from.")),
        ),
        requestId=text("Id of the request."),
        before={"type": "object", "description": "What was before, of what differs."},
        after={"type": "object", "description": "What is after, of what differs."},
    ),
    "Settings": thing(
        "What holds for the whole installation.",
        **SETTINGS,
        fixed={
            "type": "array",
            "description": "Those that the environment of the server fixes; they are changed there only.",
            "items": text("Name of a setting.", enum=list(SETTINGS)),
        },
    ),
    "ListedRequest": thing("A request in a list.", **_REQUEST),
    "Request": thing(
        "A request with its bodies.",
        **_REQUEST,
        body=maybe(
            text("The request's body, secrets masked, of a long one the beginning; null if not kept.")
        ),
        reply=maybe(text("The reply's body, if it tells of an error.")),
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
