"""What Microsoft Entra ID sends, step by step, as a table.

``compliant`` is the tenant flag ``aadOptscim062020``. Without it ``active`` comes as a string,
operations in PascalCase, and a member is removed by a list of values; with it booleans are
booleans, a member is removed by a value path and several attributes come in one operation without
a path, under dotted names. Older builds send such dotted names without the flag as well, so both
conversations have them. Additions keep PascalCase in both, as in Microsoft's own samples.
Sources: Microsoft's SCIM tutorial and its page on the compatibility flag.
"""

from typing import Any, Final

from rosterd.scim import urns
from rosterd.simulator import messages
from rosterd.simulator.checks import error, has_id, holds, lacks, listing, members, status, total
from rosterd.simulator.company import Person, make_company
from rosterd.simulator.steps import Check, Request, Step

_OK: Final = (status(200), has_id())
_CHANGED: Final = (status(200, 204),)
_WORK: Final = {"type": "work"}
_EMAIL: Final = 'emails[type eq "work"].value'
_MOBILE: Final = 'phoneNumbers[type eq "mobile"].value'
_DEPARTMENT: Final = f"{urns.ENTERPRISE_USER}:department"


def entra_steps(run: str, *, compliant: bool = True) -> tuple[Step, ...]:
    """All steps; ``run`` makes the names of this run different from every other's."""
    cast = make_company(3, name="", domain=f"entra-{run}.example").people
    return (
        *_test_connection(run),
        *_create(cast[0], "a"),
        # The second user comes without an e-mail address, which is added later.
        *_create(cast[1], "b", emails=False),
        *_create(cast[2], "c"),
        *_update(cast[0], compliant),
        *_add_values(cast[1], compliant),
        *_manager(compliant),
        *_groups(run, compliant),
        *_soft_delete(cast[2], compliant),
        *(step for key in "abc" for step in _hard_delete(key, compliant)),
    )


def _op(word: str, compliant: bool) -> str:
    return word.lower() if compliant else word


def _active(value: bool, compliant: bool) -> bool | str:
    return value if compliant else str(value)


def _test_connection(run: str) -> tuple[Step, ...]:
    section = "Test connection"
    return (
        Step(
            section,
            "a user who does not exist is an empty list",
            Request("GET", "/Users", (("filter", f'userName eq "{messages.entra_id(run)}"'),)),
            (status(200), listing(paging=False), total(0)),
        ),
        Step(section, "read the schemas", Request("GET", "/Schemas"), (status(200), listing(paging=False))),
    )


def _create(person: Person, key: str, *, emails: bool = True) -> tuple[Step, ...]:
    section = "Create users"
    body = messages.entra_user(person, emails=emails)
    # Entra matches before it creates, by each attribute that is mapped for it.
    matches = (("externalId", body["externalId"]), ("userName", body["userName"]))
    return (
        *(
            Step(
                section,
                f"match {person.display} by {name}",
                Request("GET", "/Users", (("filter", f'{name} eq "{value}"'),)),
                (status(200), listing(paging=False), total(0)),
            )
            for name, value in matches
        ),
        Step(
            section,
            f"create {person.display}",
            Request("POST", "/Users", body=body),
            (
                status(201),
                has_id(),
                holds("userName", value=body["userName"]),
                holds("externalId", value=body["externalId"]),
                holds("active", value=True),
                holds("displayName", value=person.display),
            ),
            keep=key,
        ),
        Step(
            section,
            f"read {person.display} by id",
            Request("GET", f"/Users/{{{key}.id}}"),
            (
                *_OK,
                holds("id", value=f"{{{key}.id}}"),
                holds(urns.ENTERPRISE_USER, "department", value=person.department),
            ),
        ),
        Step(
            section,
            f"match {person.display} by externalId again",
            Request("GET", "/Users", (("filter", f'externalId eq "{body["externalId"]}"'),)),
            (
                status(200),
                listing(paging=False),
                total(1),
                holds("id", value=f"{{{key}.id}}", first=True),
            ),
        ),
    )


def _patch(
    section: str, name: str, key: str, *operations: dict[str, Any], checks: tuple[Check, ...]
) -> tuple[Step, Step]:
    """A PATCH of the user kept as ``key``, and a look at the result (the reply may be a 204)."""
    path = f"/Users/{{{key}.id}}"
    return (
        Step(section, name, Request("PATCH", path, body=messages.patch(*operations)), _CHANGED),
        Step(section, f"{name}: it is so", Request("GET", path), (*_OK, *checks), extra=True),
    )


def _update(person: Person, compliant: bool) -> tuple[Step, ...]:
    section, replace = "Update users", _op("Replace", compliant)
    address = f"new.{person.user_name}"
    return (
        *_patch(
            section,
            "several attributes by path",
            "a",
            {"op": replace, "path": "displayName", "value": "Pvlo Pkqf"},
            {"op": replace, "path": _EMAIL, "value": address},
            {"op": replace, "path": "name.givenName", "value": "Pvlo"},
            {"op": replace, "path": _DEPARTMENT, "value": "Research"},
            checks=(
                holds("displayName", value="Pvlo Pkqf"),
                holds("emails", _WORK, "value", value=address),
                holds("name", "givenName", value="Pvlo"),
                holds("name", "familyName", value=person.family),
                holds(urns.ENTERPRISE_USER, "department", value="Research"),
                holds(urns.ENTERPRISE_USER, "employeeNumber", value=person.employee_number),
            ),
        ),
        *_patch(
            section,
            "several attributes without path, dotted names",
            "a",
            {
                "op": replace,
                "value": {
                    "displayName": "Bjfe Unua",
                    "name.givenName": "Bjfe",
                    "name.familyName": "Unua",
                    _DEPARTMENT: "Legal",
                },
            },
            checks=(
                holds("displayName", value="Bjfe Unua"),
                holds("name", "givenName", value="Bjfe"),
                holds("name", "familyName", value="Unua"),
                holds(urns.ENTERPRISE_USER, "department", value="Legal"),
                holds(urns.ENTERPRISE_USER, "employeeNumber", value=person.employee_number),
            ),
        ),
    )


def _add_values(person: Person, compliant: bool) -> tuple[Step, ...]:
    section, add = "Add values", _op("Add", compliant)
    return (
        *_patch(
            section,
            "add an attribute",
            "b",
            {"op": add, "path": "nickName", "value": "Babs"},
            checks=(holds("nickName", value="Babs"),),
        ),
        *_patch(
            section,
            "add an e-mail where there is none",
            "b",
            {"op": "Add", "path": _EMAIL, "value": person.user_name},
            {"op": "Add", "path": _MOBILE, "value": person.mobile},
            checks=(
                holds("emails", _WORK, "value", value=person.user_name),
                holds("phoneNumbers", {"type": "mobile"}, "value", value=person.mobile),
            ),
        ),
    )


def _manager(compliant: bool) -> tuple[Step, ...]:
    """Every form in which a manager arrives and goes."""
    section, replace, remove = "Manager", _op("Replace", compliant), _op("Remove", compliant)
    keys = (urns.ENTERPRISE_USER, "manager")
    there, gone = (holds(*keys, "value", value="{b.id}"),), (lacks(*keys),)
    forms: tuple[tuple[str, dict[str, Any], tuple[Check, ...]], ...] = (
        ("set, a plain id at the path", {"op": "Add", "value": "{b.id}"}, there),
        ("cleared by remove", {"op": remove}, gone),
        ("set, a list of one value", {"op": "Add", "value": [{"value": "{b.id}"}]}, there),
        ("cleared by an empty string", {"op": replace, "value": ""}, gone),
        ("set, an object", {"op": replace, "value": {"value": "{b.id}"}}, there),
        ("cleared by null", {"op": replace, "value": None}, gone),
    )
    return (
        *(
            step
            for name, operation, checks in forms
            for step in _patch(section, name, "a", {"path": messages.MANAGER, **operation}, checks=checks)
        ),
        *_patch(
            section,
            "set, in a value without path",
            "a",
            {"op": replace, "value": {messages.MANAGER: "{b.id}"}},
            checks=there,
        ),
    )


def _groups(run: str, compliant: bool) -> tuple[Step, ...]:
    section, name, renamed = "Groups", f"Entra {run} Łódź", f"Entra {run} Kraków"
    replace = _op("Replace", compliant)
    body = messages.group(name, externalId=messages.entra_id(f"group {run}"), meta={"resourceType": "Group"})
    path, lean = "/Groups/{g.id}", (("excludedAttributes", "members"),)
    match = (*lean, ("filter", f'displayName eq "{name}"'))
    return (
        Step(
            section,
            "match by displayName",
            Request("GET", "/Groups", match),
            (status(200), listing(paging=False), total(0)),
        ),
        Step(
            section,
            "create",
            Request("POST", "/Groups", body=body),
            (status(201), has_id(), holds("displayName", value=name)),
            keep="g",
        ),
        Step(
            section,
            "read without members",
            Request("GET", path, lean),
            (*_OK, holds("displayName", value=name), lacks("members")),
        ),
        Step(
            section,
            "rename",
            Request(
                "PATCH",
                path,
                body=messages.patch({"op": replace, "path": "displayName", "value": renamed}),
            ),
            _CHANGED,
        ),
        Step(
            section,
            "match by the new name",
            Request("GET", "/Groups", (*lean, ("filter", f'displayName eq "{renamed}"'))),
            (status(200), listing(paging=False), total(1), holds("id", value="{g.id}", first=True)),
        ),
        *_members("add three members", {"op": "Add", "path": "members", "value": _refs("abc")}, "abc"),
        *_members("add a member twice", {"op": "Add", "path": "members", "value": _refs("a")}, "abc"),
        *_removals(compliant),
        Step(section, "delete", Request("DELETE", path), (status(204),)),
        Step(section, "it is gone", Request("GET", path), (status(404), error(404)), extra=True),
    )


def _refs(keys: str) -> list[dict[str, Any]]:
    return [{"$ref": None, "value": f"{{{key}.id}}"} for key in keys]


def _removals(compliant: bool) -> tuple[Step, ...]:
    by_path = {"op": _op("Remove", compliant), "path": 'members[value eq "{a.id}"]'}
    if compliant:
        return _members("remove one by value path", by_path, "bc")
    by_list = {"op": "Remove", "path": "members", "value": [{"value": "{b.id}"}]}
    return (
        *_members("remove one by value path", by_path, "bc"),
        *_members("a list removes only those listed", by_list, "c"),
    )


def _members(name: str, operation: dict[str, Any], left: str) -> tuple[Step, Step]:
    path = "/Groups/{g.id}"
    ids = tuple(f"{{{key}.id}}" for key in left)
    return (
        Step("Groups", name, Request("PATCH", path, body=messages.patch(operation)), _CHANGED),
        Step("Groups", f"{name}: it is so", Request("GET", path), (*_OK, members(*ids)), extra=True),
    )


def _set_active(value: bool, compliant: bool) -> dict[str, Any]:
    return {"op": _op("Replace", compliant), "path": "active", "value": _active(value, compliant)}


def _soft_delete(person: Person, compliant: bool) -> tuple[Step, ...]:
    match = (("filter", f'userName eq "{person.user_name}"'),)
    return (
        *_patch(
            "Soft delete",
            "deactivate",
            "c",
            _set_active(False, compliant),
            checks=(holds("active", value=False),),
        ),
        Step(
            "Restore",
            "match by userName: same account, same id",
            Request("GET", "/Users", match),
            (status(200), listing(paging=False), total(1), holds("id", value="{c.id}", first=True)),
        ),
        *_patch(
            "Restore",
            "activate",
            "c",
            _set_active(True, compliant),
            checks=(holds("active", value=True), holds("id", value="{c.id}")),
        ),
    )


def _hard_delete(key: str, compliant: bool) -> tuple[Step, ...]:
    section, path = "Hard delete", f"/Users/{{{key}.id}}"
    off = messages.patch(_set_active(False, compliant))
    return (
        Step(section, f"deactivate user {key}", Request("PATCH", path, body=off), _CHANGED),
        Step(section, f"delete user {key}", Request("DELETE", path), (status(204),)),
        Step(
            section,
            f"user {key} is gone",
            Request("GET", path),
            (status(404), error(404)),
            extra=True,
        ),
    )
