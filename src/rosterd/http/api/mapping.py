"""Mapping over the management API: the rules, what they would change, what they made of users."""

from typing import Any, Final

from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import ApiRoute
from rosterd.http.api.schemas import number, text, thing
from rosterd.scim import errors
from rosterd.service.keys import DIRECTORIES_READ, DIRECTORIES_WRITE, USERS_READ
from rosterd.service.mapping import MAX_EXPRESSION, MAX_EXPRESSIONS, MAX_RULES, Rules
from rosterd.service.mappings import Preview
from rosterd.service.projections import Mapped

_PATH: Final = "/directories/{directory}/mapping"


async def read_mapping(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/mapping."""
    directory = await api.directory(request)
    return ApiReply(200, _described(await api.mappings.read(directory)))


async def save_mapping(api: ApiContext, request: ApiRequest) -> ApiReply:
    """PUT /directories/{directory}/mapping."""
    directory = await api.directory(request)
    saved = await api.mappings.save(directory, Rules.of(request.body), by=request.by)
    return ApiReply(200, _described(saved))


async def preview_mapping(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST /directories/{directory}/mapping/preview."""
    directory = await api.directory(request)
    return ApiReply(200, previewed(await api.mappings.preview(directory, Rules.of(request.body))))


async def read_mapped_user(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET /directories/{directory}/users/{user}/mapped."""
    directory = await api.directory(request)
    id = request.path["user"]
    if await api.store.reader(directory.id).get("User", id) is None:
        raise errors.NotFound(f"There is no user '{id}' in directory '{directory.name}'.")
    return ApiReply(200, dict((await api.mappings.of(directory, [id]))[id]))


def _described(mapped: Mapped) -> dict[str, Any]:
    return {**mapped.rules.to_json(), "revision": mapped.revision, "finished": mapped.walk is None}


def previewed(preview: Preview) -> dict[str, Any]:
    """A preview as JSON."""
    return {
        "users": preview.users,
        "changed": preview.changed,
        "sentences": preview.sentences(),
        "rolesAdded": dict(preview.roles_added),
        "rolesRemoved": dict(preview.roles_removed),
        "fields": dict(preview.fields),
        "faults": [
            {"rule": rule, "message": message, "users": count}
            for (rule, message), count in preview.faults.most_common(100)
        ],
        "samples": [
            {"id": one.id, "name": one.name, "before": dict(one.before), "after": dict(one.after)}
            for one in preview.samples
        ],
    }


def _counts(description: str) -> dict[str, Any]:
    return {"type": "object", "description": description, "additionalProperties": {"type": "integer"}}


_EXPRESSION: Final = {"minLength": 1, "maxLength": MAX_EXPRESSION}
_NAME: Final = {"pattern": "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"}
_RULES: Final = {
    "fields": {
        "type": "array",
        "description": "The application's fields of a user.",
        "maxItems": MAX_RULES,
        "items": thing(
            "A field.",
            name=text("Its name.", **_NAME),
            value=text("A CEL expression that gives its value.", **_EXPRESSION),
        ),
    },
    "roles": {
        "type": "array",
        "description": "The application's roles; one may have several conditions, any of which gives it.",
        "maxItems": MAX_RULES,
        "items": thing(
            "A role.",
            role=text("Its name.", **_NAME),
            when=text("A CEL expression that is true for whoever has it.", **_EXPRESSION),
        ),
    },
}
BODY: Final = thing(f"The rules; {MAX_EXPRESSIONS:,} characters together at most.", **_RULES)
_MAPPING: Final = thing(
    "A mapping.",
    **_RULES,
    revision=number("Moves with every change of the rules.", 0, 2**53),
    finished={"type": "boolean", "description": "Whether all users follow the present rules already."},
)
_DIFFERENCE: Final = {"type": "object", "description": "The fields that differ, and `roles` if they do."}
_PREVIEW: Final = thing(
    "What rules would change.",
    users=number("Users there are.", 0, 2**53),
    changed=number("Users that would change.", 0, 2**53),
    sentences={"type": "array", "description": "The same in words.", "items": text("A sentence.")},
    rolesAdded=_counts("Role: how many users get it."),
    rolesRemoved=_counts("Role: how many users lose it."),
    fields=_counts("Field: how many users get another value of it."),
    faults={
        "type": "array",
        "description": "Rules that could not be evaluated.",
        "items": thing(
            "A fault.",
            rule=text("Field or role."),
            message=text("What is wrong."),
            users=number("For how many users.", 0, 2**53),
        ),
    },
    samples={
        "type": "array",
        "description": "Some of the users that would change.",
        "items": thing(
            "A user.", id=text("Its id."), name=text("Its userName."), before=_DIFFERENCE, after=_DIFFERENCE
        ),
    },
)

ROUTES: Final = (
    ApiRoute("GET", _PATH, DIRECTORIES_READ, read_mapping, "Read the mapping", reply=_MAPPING),
    ApiRoute(
        "PUT",
        _PATH,
        DIRECTORIES_WRITE,
        save_mapping,
        "Put rules in force; whoever changes by them is told by events `user.mapped`",
        body=BODY,
        reply=_MAPPING,
    ),
    ApiRoute(
        "POST",
        f"{_PATH}/preview",
        USERS_READ,
        preview_mapping,
        "Say what rules would change, without changing it",
        body=BODY,
        reply=_PREVIEW,
    ),
    ApiRoute(
        "GET",
        "/directories/{directory}/users/{user}/mapped",
        USERS_READ,
        read_mapped_user,
        "Read what the mapping makes of a user",
        reply=thing(
            "What the mapping makes of a user.",
            fields={"type": "object", "description": "The fields that have a value."},
            roles={"type": "array", "description": "The roles, by name.", "items": text("A role.")},
        ),
    ),
)
