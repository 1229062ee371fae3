"""What Okta sends, step by step, as a table.

``style`` is how the app was made: ``patch`` for apps of the integration network and the SCIM
template apps, ``put`` for apps of the App Integration Wizard, which never send PATCH. The two share
everything but activation, password and groups. Okta never deletes a user.
Sources: Okta's SCIM 2.0 reference and its published test suites.
"""

from typing import Any, Final, Literal

from rosterd.simulator import messages
from rosterd.simulator.checks import error, has_id, holds, lacks, listing, members, status, total, whole_walk
from rosterd.simulator.company import Person, make_company
from rosterd.simulator.steps import Check, Echo, Request, Step

Style = Literal["patch", "put"]

FIRST: Final = (("startIndex", "1"), ("count", "100"))
_OK: Final = (status(200), has_id())
_CHANGED: Final = (status(200, 204),)
_WORK: Final = {"type": "work"}


def okta_steps(run: str, style: Style = "patch") -> tuple[Step, ...]:
    """All steps; ``run`` makes the names of this run different from every other's."""
    cast = make_company(3, name="", domain=f"okta-{run}.example").people
    return (
        *_credentials(),
        *_refusals(),
        *_import(),
        *(step for person, key in zip(cast, "abc", strict=True) for step in _assign(person, key)),
        *_conflict(cast[0]),
        *_update(cast[0]),
        *_password(cast[0], style),
        *_life(cast[1], style),
        *_groups(run, cast, style),
        *(step for key in "abc" for step in _switch("Remove assignments", key, False, style)),
    )


def clean_up_steps(keys: str = "abc") -> tuple[Step, ...]:
    """Delete the users of a run, as Okta itself would not."""
    return tuple(
        Step(
            "Clean up",
            f"delete user {key}",
            Request("DELETE", f"/Users/{{{key}.id}}"),
            (status(204, 404),),
            extra=True,
        )
        for key in keys
    )


def by_user_name(name: str) -> tuple[tuple[str, str], ...]:
    """The query with which Okta looks for a user."""
    return (("filter", f'userName eq "{name}"'), *FIRST)


def by_group_name(name: str) -> tuple[tuple[str, str], ...]:
    """The query with which Okta looks for a group."""
    return (("filter", f'displayName eq "{name}"'), *FIRST)


def _credentials() -> tuple[Step, ...]:
    section = "Test API credentials"
    return (
        Step(
            section,
            "list two users",
            Request("GET", "/Users", (("startIndex", "1"), ("count", "2"))),
            (status(200), listing()),
        ),
        Step(section, "list groups", Request("GET", "/Groups", FIRST), (status(200), listing())),
    )


def _refusals() -> tuple[Step, ...]:
    section = "Refusals"
    return (
        Step(
            section,
            "a wrong credential is refused",
            Request("GET", "/Users", FIRST, authorization="non-token"),
            (status(401), error(401)),
        ),
        Step(
            section,
            "an unknown user is a readable 404",
            Request("GET", "/Users/010101001010101011001010101011"),
            (status(404), error(404)),
        ),
    )


def _import() -> tuple[Step, ...]:
    return tuple(
        Step(
            "Import",
            f"all {what} page by page",
            Request("GET", f"/{what.capitalize()}", FIRST),
            (status(200), listing(), whole_walk()),
            walk=True,
        )
        for what in ("users", "groups")
    )


def _assign(person: Person, key: str) -> tuple[Step, ...]:
    section = "Assign users"
    body = messages.okta_user(person)
    return (
        Step(
            section,
            f"look for {person.display}",
            Request("GET", "/Users", by_user_name(person.user_name)),
            # Okta takes a 404 for "nobody" too.
            (status(200, 404), listing(), total(0)),
        ),
        Step(
            section,
            f"create {person.display}",
            Request("POST", "/Users", body=body),
            (status(201), has_id(), *_as_sent(body), lacks("password")),
            keep=key,
        ),
    )


def _as_sent(body: dict[str, Any]) -> tuple[Check, ...]:
    return (
        holds("userName", value=body["userName"]),
        holds("name", "givenName", value=body["name"]["givenName"]),
        holds("name", "familyName", value=body["name"]["familyName"]),
        holds("emails", _WORK, "value", value=body["emails"][0]["value"]),
        holds("displayName", value=body["displayName"]),
        holds("externalId", value=body["externalId"]),
        holds("active", value=True),
    )


def _conflict(person: Person) -> tuple[Step, ...]:
    section = "Assign users"
    return (
        Step(
            section,
            "creating the same user again is refused",
            Request("POST", "/Users", body=messages.okta_user(person)),
            (status(409), error(409)),
        ),
        Step(
            section,
            "the user name is found in any letter case",
            Request("GET", "/Users", (("filter", f'userName eq "{person.user_name.upper()}"'),)),
            (status(200), listing(), total(1), holds("userName", value=person.user_name, first=True)),
        ),
    )


def _update(person: Person) -> tuple[Step, ...]:
    section = "Update profile"
    read = Request("GET", "/Users/{a.id}")
    changes = {"title": "Acting Director", "name": {"middleName": "Q."}}
    return (
        Step(section, "read the user", read, (*_OK, holds("id", value="{a.id}")), keep="a"),
        Step(
            section,
            "replace it with what was read, changed",
            Request("PUT", "/Users/{a.id}", body=Echo("a", changes)),
            (
                *_OK,
                holds("id", value="{a.id}"),
                holds("title", value="Acting Director"),
                holds("name", "middleName", value="Q."),
                holds("name", "givenName", value=person.given),
            ),
        ),
        Step(section, "read it again", read, (*_OK, holds("title", value="Acting Director")), keep="a"),
        Step(
            section,
            "empty values are no error",
            Request("PUT", "/Users/{a.id}", body=Echo("a", {"title": "", "name": {"middleName": ""}})),
            (*_OK, lacks("title"), lacks("name", "middleName")),
        ),
    )


def _password(person: Person, style: Style) -> tuple[Step, ...]:
    section, secret = "Sync password", f"Tr0ub4dor-{messages.placeholder_password(person)}"
    if style == "patch":
        return (
            Step(
                section,
                "set the password by PATCH",
                Request("PATCH", "/Users/{a.id}", body=messages.okta_set(password=secret)),
                (*_CHANGED, lacks("password")),
            ),
        )
    return (
        Step(section, "read the user", Request("GET", "/Users/{a.id}"), _OK, keep="a"),
        Step(
            section,
            "set the password by PUT",
            Request("PUT", "/Users/{a.id}", body=Echo("a", {"password": secret})),
            (*_OK, lacks("password")),
        ),
    )


def _switch(section: str, key: str, active: bool, style: Style) -> tuple[Step, ...]:
    """Activate or deactivate the user kept as ``key``."""
    word = "activate" if active else "deactivate"
    path = f"/Users/{{{key}.id}}"
    if style == "patch":
        return (
            Step(
                section,
                f"{word} user {key} by PATCH",
                Request("PATCH", path, body=messages.okta_set(active=active)),
                (*_CHANGED, holds("active", value=active)),
            ),
        )
    return (
        Step(section, f"read user {key}", Request("GET", path), _OK, keep=key),
        Step(
            section,
            f"{word} user {key} by PUT",
            Request("PUT", path, body=Echo(key, {"active": active})),
            (*_OK, holds("active", value=active)),
        ),
    )


def _life(person: Person, style: Style) -> tuple[Step, ...]:
    off, on = "Deactivate", "Reactivate"
    look = Request("GET", "/Users", by_user_name(person.user_name))
    read = Request("GET", "/Users/{b.id}")
    return (
        *_switch(off, "b", False, style),
        Step(
            off,
            "the account is kept, inactive",
            read,
            (*_OK, holds("active", value=False), holds("userName", value=person.user_name)),
            extra=True,
        ),
        Step(
            on,
            "look for the user: same account, same id",
            look,
            (status(200), listing(), total(1), holds("id", value="{b.id}", first=True)),
        ),
        *_switch(on, "b", True, style),
        Step(on, "read the user", read, (*_OK, holds("active", value=True)), keep="b"),
        Step(
            on,
            "push the profile",
            Request("PUT", "/Users/{b.id}", body=Echo("b", {"title": "Back again"})),
            (*_OK, holds("active", value=True), holds("title", value="Back again")),
        ),
    )


def _groups(run: str, cast: tuple[Person, ...], style: Style) -> tuple[Step, ...]:
    name, renamed, empty = f"Okta {run} Zürich", f"Okta {run} Genève", f"Okta {run} empty"
    push, change, link, unlink = "Push group", "Change members", "Link group", "Unlink group"
    a, b, c = (
        messages.member(f"{{{key}.id}}", person.user_name) for key, person in zip("abc", cast, strict=True)
    )
    ids = {"a": "{a.id}", "b": "{b.id}", "c": "{c.id}"}
    return (
        _create_group(push, name, "g"),
        *_set_members(change, "add two members", "g", name, style, [a, b], add=[a, b]),
        _look_at(change, "g", ids["a"], ids["b"]),
        *_set_members(change, "one leaves, one joins", "g", name, style, [b, c], add=[c], remove=[ids["a"]]),
        _look_at(change, "g", ids["b"], ids["c"]),
        *_push_now(change, "Push Now of two members", "g", name, style, [a, c]),
        _look_at(change, "g", ids["a"], ids["c"]),
        *_rename("Rename group", "g", renamed, style, [a, c]),
        _look_at("Rename group", "g", ids["a"], ids["c"]),
        _create_group(push, empty, "e"),
        *_push_now(push, "Push Now of an empty group", "e", empty, style, []),
        _look_at(push, "e"),
        Step(
            link,
            "find the group by name",
            Request("GET", "/Groups", by_group_name(renamed)),
            (status(200), listing(), total(1), holds("id", value="{g.id}", first=True)),
            keep="found",
        ),
        *_push_now(link, "Push Now overwrites the membership", "found.Resources.0", renamed, style, [b]),
        _look_at(link, "g", ids["b"]),
        *(
            step
            for key in "ge"
            for step in (
                Step(
                    unlink,
                    f"delete group {key}",
                    Request("DELETE", f"/Groups/{{{key}.id}}"),
                    (status(204),),
                ),
                Step(
                    unlink,
                    f"group {key} is gone",
                    Request("GET", f"/Groups/{{{key}.id}}"),
                    (status(404), error(404)),
                    extra=True,
                ),
            )
        ),
        Step(
            unlink,
            "its members are still there",
            Request("GET", "/Users/{b.id}"),
            (*_OK, holds("active", value=True), lacks("groups")),
            extra=True,
        ),
    )


def _create_group(section: str, name: str, key: str) -> Step:
    return Step(
        section,
        f"create '{name}'",
        Request("POST", "/Groups", body=messages.group(name)),
        (status(201), has_id(), holds("displayName", value=name)),
        keep=key,
    )


def _look_at(section: str, key: str, *values: str) -> Step:
    return Step(
        section,
        f"group {key} has the right members" if values else f"group {key} is empty",
        Request("GET", f"/Groups/{{{key}.id}}"),
        (*_OK, members(*values)),
        extra=True,
    )


def _rename(
    section: str, key: str, name: str, style: Style, all_members: list[dict[str, Any]]
) -> tuple[Step, ...]:
    if style == "put":
        return _put_group(section, f"rename to '{name}'", key, name, all_members)
    body = messages.okta_set(id=f"{{{key}.id}}", displayName=name)
    request = Request("PATCH", f"/Groups/{{{key}.id}}", body=body)
    return (Step(section, f"name '{name}'", request, (*_CHANGED, holds("displayName", value=name))),)


def _set_members(
    section: str,
    title: str,
    key: str,
    name: str,
    style: Style,
    all_members: list[dict[str, Any]],
    add: list[dict[str, Any]],
    remove: list[str] | None = None,
) -> tuple[Step, ...]:
    if style == "put":
        return _put_group(section, title, key, name, all_members)
    body = messages.okta_members(add, remove or [])
    return (
        # Okta sends the name with every membership update.
        *_rename(section, key, name, style, all_members),
        Step(section, title, Request("PATCH", f"/Groups/{{{key}.id}}", body=body), _CHANGED),
    )


def _push_now(
    section: str, title: str, key: str, name: str, style: Style, all_members: list[dict[str, Any]]
) -> tuple[Step, ...]:
    if style == "put":
        return _put_group(section, title, key, name, all_members)
    body = messages.okta_push_now(all_members)
    return (Step(section, title, Request("PATCH", f"/Groups/{{{key}.id}}", body=body), _CHANGED),)


def _put_group(
    section: str, title: str, key: str, name: str, all_members: list[dict[str, Any]]
) -> tuple[Step, ...]:
    path = f"/Groups/{{{key}.id}}"
    return (
        Step(section, "read the group", Request("GET", path), _OK),
        Step(
            section,
            title,
            Request("PUT", path, body=messages.group(name, all_members)),
            (*_OK, holds("displayName", value=name)),
        ),
    )
