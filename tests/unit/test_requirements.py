"""requirements: what a directory asks beyond the schemas is read, shown by discovery, and enforced."""

from typing import Any

import pytest

from rosterd.scim import check, discovery, patch, urns
from rosterd.scim.errors import InvalidValue, Mutability, ScimError
from rosterd.scim.filter import print_filter
from rosterd.scim.requirements import lacking, read, straying, tighten
from rosterd.scim.schema import Model, SchemaError
from rosterd.scim.schemas import CORE_RESOURCE_TYPES, CORE_SCHEMAS

ACME = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
BY = "directory 'acme'"
SCHEMA = {"id": ACME, "attributes": [{"name": "costCode"}, {"name": "floor", "multiValued": True}]}
USER_TYPE = {
    **CORE_RESOURCE_TYPES[0],
    "schemaExtensions": [{"schema": urns.ENTERPRISE_USER}, {"schema": ACME}],
}
MODEL = Model.build((*CORE_SCHEMAS, SCHEMA), (*CORE_RESOURCE_TYPES, USER_TYPE))
RULES: dict[str, Any] = {
    "required": [
        "name.givenName",
        "NAME.familyname",
        "emails.primary",
        "externalId",
        f"{ACME}:costCode",
        "phoneNumbers.value",
    ],
    "canonicalValues": {"emails.type": ["work", "home"], "userType": ["Employee", "Guest"]},
}
TIGHT = tighten(MODEL, read({"User": RULES}, MODEL), BY)
USER = TIGHT.types["User"]
WORK = {"value": "ann@x.example", "type": "work", "primary": True}


def user(**changed: Any) -> dict[str, Any]:
    whole = {
        "schemas": [urns.USER],
        "userName": "ann",
        "externalId": "1",
        "name": {"givenName": "Ann", "familyName": "Lee"},
        "emails": [WORK],
        "phoneNumbers": [{"value": "1"}],
        ACME: {"costCode": "C1"},
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not None}


def operations(*found: dict[str, Any]) -> Any:
    return patch.parse_patch({"schemas": [urns.PATCH_OP], "Operations": list(found)})


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": None}, "name.familyName: a value is required by directory 'acme'"),
    "half a name": (
        {"name": {"givenName": "Ann"}},
        "name.familyName: a value is required by directory 'acme'",
    ),
    "empty": ({"name": {"givenName": "", "familyName": "L"}}, "name.givenName: a value is required by"),
    "no externalId": ({"externalId": None}, "externalId: a value is required by directory 'acme'"),
    "no e-mail": ({"emails": None}, "emails.primary: a value is required by directory 'acme'"),
    "none primary": ({"emails": [{"value": "a", "type": "work"}]}, "emails.primary: a value is required by"),
    "primary empty": (
        {"emails": [{"primary": True, "type": "work"}]},
        "emails.primary: a value is required by",
    ),
    "no extension": ({ACME: None}, f"{ACME}:costCode: a value is required by directory 'acme'"),
    "no numbers": ({"phoneNumbers": None}, "phoneNumbers.value: a value is required by directory 'acme'"),
    "a bare number": (
        {"phoneNumbers": [{"value": "1"}, {"type": "work"}]},
        "phoneNumbers[1].value: a value is required by directory 'acme'",
    ),
    "no such type": (
        {"emails": [{**WORK, "type": "other"}]},
        "emails[0].type: expected one of work, home, found the string \"other\"; directory 'acme' allows no",
    ),
    "no such user type": ({"userType": "Robot"}, "userType: expected one of Employee, Guest, found"),
    "the schema's own": ({"userName": None}, "userName: a value is required"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_create_and_replace_say_what_the_directory_asks(name: str) -> None:
    changed, text = FAULTS[name]
    current = check.create(user(), USER)
    for attempt in (
        lambda: check.create(user(**changed), USER),
        lambda: check.replace(user(**changed), USER, current),
    ):
        with pytest.raises(InvalidValue) as raised:
            attempt()
        assert raised.value.detail.startswith(text)
        assert ("administrator" in raised.value.detail) == (name != "the schema's own")


def test_whoever_keeps_to_the_rules_is_taken() -> None:
    other_case = user(emails=[{**WORK, "type": "WORK"}], userType="employee")
    assert check.create(other_case, USER)["userType"] == "employee"


# Before, an operation, and what comes of it: an error or what the attribute is then.
LACKING = {"schemas": [urns.USER], "userName": "ann", "emails": [{"value": "a", "type": "other"}]}
PATCHES: dict[str, tuple[dict[str, Any], dict[str, Any], type[ScimError] | None, str]] = {
    "what was lacking may lack": (LACKING, {"op": "add", "path": "title", "value": "x"}, None, ""),
    "a part of what was lacking": (
        LACKING, {"op": "add", "path": "name.familyName", "value": "x"}, None, "",
    ),
    "a stray value that stays": (
        LACKING, {"op": "replace", "path": 'emails[value eq "a"].display', "value": "x"}, None, "",
    ),
    "a stray value that is written": (
        LACKING, {"op": "replace", "path": 'emails[value eq "a"].type', "value": "fax"},
        InvalidValue, "operation 1 (replace emails[value eq \"a\"].type): expected one of work, home",
    ),
    "a required value taken away": (
        user(), {"op": "remove", "path": "name.givenName"},
        Mutability, "operation 1 (remove name.givenName): name.givenName: a value is required by directory",
    ),
    "a required value made empty": (
        user(), {"op": "replace", "path": "externalId", "value": ""},
        InvalidValue, "operation 1 (replace externalId): externalId: a value is required by directory",
    ),
    "no primary e-mail left": (
        user(), {"op": "replace", "path": 'emails[type eq "work"].primary', "value": False},
        InvalidValue, "operation 1 (replace emails[type eq \"work\"].primary): emails.primary: a value is",
    ),
    "another primary e-mail": (
        user(), {"op": "add", "path": "emails", "value": [{"value": "b", "type": "home", "primary": True}]},
        None, "",
    ),
    "the extension taken away": (
        user(), {"op": "remove", "path": ACME}, Mutability, f"operation 1 (remove {ACME}): {ACME}:costCode",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHES)
def test_patch_asks_for_what_it_touches(name: str) -> None:
    before, operation, kind, text = PATCHES[name]
    if kind is None:
        assert patch.apply(operations(operation), USER, before)
        return
    with pytest.raises(kind) as raised:
        patch.apply(operations(operation), USER, before)
    assert raised.value.detail.startswith(text)


def test_discovery_shows_what_is_asked() -> None:
    shown = discovery.schema(TIGHT, "http://x", urns.USER)["attributes"]
    assert isinstance(shown, list)
    by_name = {attribute["name"]: attribute for attribute in shown}
    name = {sub["name"]: sub["required"] for sub in by_name["name"]["subAttributes"]}
    kinds = {sub["name"]: sub for sub in by_name["emails"]["subAttributes"]}
    assert by_name["name"]["required"] and name["givenName"] and name["familyName"]
    assert not name["middleName"]
    assert by_name["externalId"]["required"] and by_name["emails"]["required"]
    assert kinds["type"]["canonicalValues"] == ["work", "home"]
    assert by_name["userType"]["canonicalValues"] == ["Employee", "Guest"]
    assert not by_name["title"]["required"]
    acme = discovery.schema(TIGHT, "http://x", ACME)["attributes"]
    assert [(a["name"], a["required"]) for a in acme] == [("costCode", True), ("floor", False)]  # type: ignore[union-attr]
    types = discovery.resource_type(TIGHT, "http://x", "User")["schemaExtensions"]
    assert types == [
        {"schema": urns.ENTERPRISE_USER, "required": False},
        {"schema": ACME, "required": True},
    ]


def test_a_model_without_requirements_is_as_it_was() -> None:
    plain = tighten(MODEL, {}, BY)
    assert plain.types == MODEL.types
    assert plain.schemas == MODEL.schemas
    assert plain.types["User"] is MODEL.types["User"]
    assert TIGHT.types["Group"] is MODEL.types["Group"]
    assert MODEL.types["User"].schema.by_name["name"].required is False


UNREADABLE: dict[str, tuple[Any, str]] = {
    "no object": ([], "requirements must be a JSON object"),
    "no such type": ({"Robot": {}}, "there is no resource type 'Robot'; there is User, Group"),
    "no rules": ({"User": 1}, "User: must be a JSON object"),
    "another word": ({"User": {"needed": []}}, "User: 'needed' is not known"),
    "no list": ({"User": {"required": "name"}}, "User: 'required' must be a list of at most 100 paths"),
    "no text": ({"User": {"required": [1]}}, "User: a path must be a text"),
    "no path": ({"User": {"required": ["a b"]}}, "User: 'a b' is not the path of an attribute"),
    "a filter": (
        {"User": {"required": ['emails[type eq "work"]']}},
        "User: 'emails[type eq \"work\"]' is not the",
    ),
    "no such attribute": ({"User": {"required": ["shoeSize"]}}, "User: there is no attribute 'shoeSize'"),
    "a whole extension": ({"User": {"required": [ACME]}}, f"User: there is no attribute '{ACME}'"),
    "read only": ({"User": {"required": ["groups"]}}, "User: 'groups' is set by the server"),
    "read only part": ({"User": {"required": ["meta.created"]}}, "User: 'meta.created' is set by the server"),
    "secret": ({"User": {"required": ["password"]}}, "User: 'password' is never shown"),
    "members": ({"Group": {"required": ["members"]}}, "Group: 'members' cannot be asked for"),
    "no values": (
        {"User": {"canonicalValues": {"title": []}}},
        "User: the canonical values of 'title' must be",
    ),
    "empty value": ({"User": {"canonicalValues": {"title": [""]}}}, "User: the canonical values of 'title'"),
    "no text of": (
        {"User": {"canonicalValues": {"active": ["a"]}}},
        "User: only texts have canonical values",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_nobody_can_be_asked_for_is_refused(name: str) -> None:
    data, text = UNREADABLE[name]
    with pytest.raises(SchemaError) as raised:
        read(data, MODEL)
    assert str(raised.value).startswith(text)


def test_requirements_are_kept_in_the_spelling_of_the_schema() -> None:
    found = read({"User": RULES, "Group": {}}, MODEL)
    assert list(found) == ["User"]
    assert found["User"].required[:3] == ("name.givenName", "name.familyName", "emails.primary")
    assert read({"User": found["User"].to_json()}, MODEL) == found


FILTERS = {
    "name.givenName": "not (name.givenName pr)",
    "emails.primary": "not (emails[primary eq true and value pr])",
    "phoneNumbers.value": "not (phoneNumbers.value pr) or phoneNumbers[not (value pr)]",
    f"{ACME}:costCode": f"not ({ACME}:costCode pr)",
}


@pytest.mark.parametrize("path", FILTERS)
def test_who_lacks_it_is_a_filter(path: str) -> None:
    assert print_filter(lacking(path, MODEL.types["User"])) == FILTERS[path]


def test_who_strays_is_a_filter() -> None:
    kinds = straying("emails.type", ["work", "home"], MODEL.types["User"])
    assert print_filter(kinds) == 'emails[type pr and not (type eq "work" or type eq "home")]'
    title = straying("title", ["x"], MODEL.types["User"])
    assert print_filter(title) == 'title pr and not (title eq "x")'
