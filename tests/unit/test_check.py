"""check: what a client sends becomes a canonical document, or an error that names the place."""

import copy
from typing import Any

import pytest

from rosterd.scim import check, patch, urns
from rosterd.scim.account import stated
from rosterd.scim.errors import InvalidSyntax, InvalidValue, Mutability, ScimError
from rosterd.scim.schema import Model, ResourceType
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
EXTRA = "urn:example:params:Extra"
ENTERPRISE = urns.ENTERPRISE_USER
PARTS = [
    {"name": "value", "required": True},
    {"name": "kind", "mutability": "immutable"},
    {"name": "stamp", "mutability": "readOnly"},
]
DEVICE_SCHEMA = {
    "id": "urn:example:params:Device",
    "name": "Device",
    "attributes": [
        {"name": "serial", "required": True, "mutability": "immutable"},
        {"name": "stamp", "mutability": "readOnly", "required": True},
        {"name": "pin", "returned": "never", "mutability": "writeOnly", "required": True},
        {"name": "count", "type": "integer"},
        {"name": "weight", "type": "decimal"},
        {"name": "bought", "type": "dateTime"},
        {"name": "key", "type": "binary"},
        {"name": "link", "type": "reference"},
        {"name": "on", "type": "boolean"},
        {"name": "tags", "multiValued": True},
        {"name": "marks", "multiValued": True, "mutability": "immutable"},
        {"name": "part", "type": "complex", "subAttributes": PARTS},
        {"name": "parts", "type": "complex", "multiValued": True, "subAttributes": PARTS},
        {
            "name": "hidden",
            "type": "complex",
            "returned": "never",
            "subAttributes": [{"name": "value"}],
        },
    ],
}
EXTRA_SCHEMA = {
    "id": EXTRA,
    "name": "Extra",
    "attributes": [
        {"name": "owner", "required": True},
        {"name": "asset", "mutability": "immutable"},
        {"name": "room", "type": "complex", "subAttributes": PARTS},
    ],
}


def device_type(*, required: bool) -> ResourceType:
    extension = {"schema": EXTRA, "required": required}
    resource_type = {
        "name": "Device",
        "endpoint": "/Devices",
        "schema": DEVICE_SCHEMA["id"],
        "schemaExtensions": [extension],
    }
    return Model.build([DEVICE_SCHEMA, EXTRA_SCHEMA], [resource_type]).types["Device"]


DEVICE = device_type(required=False)
STRICT_DEVICE = device_type(required=True)


def user(**attributes: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": "ann", **attributes}


def enterprise(**attributes: Any) -> dict[str, Any]:
    return user(**{ENTERPRISE: attributes})


def device(**attributes: Any) -> dict[str, Any]:
    return {"schemas": [DEVICE_SCHEMA["id"]], "serial": "s1", "pin": "0000", **attributes}


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """The canonical document that a body already in canonical form must become."""
    return {name: value for name, value in body.items() if name != "pin"}


FINE: dict[str, tuple[ResourceType, dict[str, Any], dict[str, Any]]] = {
    "as it is": (USER, user(active=True), user(active=True)),
    "spelling of the schema": (
        USER,
        {"SCHEMAS": [urns.USER], "username": "ann", "NAME": {"FamilyName": "L"}, "EXTERNALID": "7"},
        user(name={"familyName": "L"}, externalId="7"),
    ),
    "letter case of values stays": (USER, user(userName="Ann@X.org"), user(userName="Ann@X.org")),
    "null is no value": (USER, user(title=None, name=None, emails=None), user()),
    "[] is no value": (USER, user(title=[], name=[], emails=[], active=[]), user()),
    "{} is no value": (USER, user(title={}, name={}, emails={}), user()),
    "null inside is no value": (
        USER,
        user(name={"givenName": None}, emails=[None, {}, {"value": None}]),
        user(),
    ),
    "empty string is a value": (
        USER,
        user(title="", name={"givenName": ""}),
        user(title="", name={"givenName": ""}),
    ),
    "false and 0 are values": (DEVICE, device(count=0, on=False), canonical(device(count=0, on=False))),
    "unknown attributes are ignored": (
        USER,
        user(colour="red", name={"givenName": "A", "rank": 1}, emails=[{"value": "a", "x": 1}, {"x": 1}]),
        user(name={"givenName": "A"}, emails=[{"value": "a"}]),
    ),
    "readOnly is ignored, whatever it holds": (
        USER,
        user(id="1", meta={"version": 7}, groups=["x"], **{ENTERPRISE: {"manager": {"displayName": 5}}}),
        user(),
    ),
    "never returned is not kept": (USER, user(password="secret"), user()),
    "never returned complex is not kept": (DEVICE, device(hidden={"value": "x"}), canonical(device())),
    "extension listed and given": (
        USER,
        {**enterprise(department="D"), "schemas": [urns.USER, ENTERPRISE]},
        {**enterprise(department="D"), "schemas": [urns.USER, ENTERPRISE]},
    ),
    "extension given, not listed": (
        USER,
        enterprise(department="D"),
        {**enterprise(department="D"), "schemas": [urns.USER, ENTERPRISE]},
    ),
    "extension listed, not given": (USER, {**user(), "schemas": [ENTERPRISE, urns.USER]}, user()),
    "extension without content": (USER, enterprise(department=None), user()),
    "URNs in any letter case": (
        USER,
        {"schemas": [urns.USER.upper()], "userName": "ann", ENTERPRISE.lower(): {"DEPARTMENT": "D"}},
        {**enterprise(department="D"), "schemas": [urns.USER, ENTERPRISE]},
    ),
    "several of one type": (
        USER,
        user(emails=[{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]),
        user(emails=[{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]),
    ),
    "one primary": (
        USER,
        user(emails=[{"value": "a", "primary": True}, {"value": "b", "primary": False}]),
        user(emails=[{"value": "a", "primary": True}, {"value": "b", "primary": False}]),
    ),
    "members": (
        GROUP,
        {"schemas": [urns.GROUP], "displayName": "g", "members": [{"value": "1", "$REF": "../Users/1"}]},
        {"schemas": [urns.GROUP], "displayName": "g", "members": [{"value": "1", "$ref": "../Users/1"}]},
    ),
    "several simple values": (DEVICE, device(tags=["a", None, "b"]), canonical(device(tags=["a", "b"]))),
    "integer": (DEVICE, device(count=-(2**63)), canonical(device(count=-(2**63)))),
    "decimal": (DEVICE, device(weight=1.5), canonical(device(weight=1.5))),
    "whole decimal": (DEVICE, device(weight=2), canonical(device(weight=2))),
    "date with zone": (
        DEVICE,
        device(bought="2026-11-24T15:22:47.5+01:00"),
        canonical(device(bought="2026-11-24T15:22:47.5+01:00")),
    ),
    "base64 with padding": (DEVICE, device(key="QQ=="), canonical(device(key="QQ=="))),
    "base64 without padding": (DEVICE, device(key="-_8"), canonical(device(key="-_8"))),
    "reference": (DEVICE, device(link="/x"), canonical(device(link="/x"))),
    "extension required and given": (
        STRICT_DEVICE,
        device(**{EXTRA: {"owner": "o"}}),
        {**canonical(device(**{EXTRA: {"owner": "o"}})), "schemas": [DEVICE_SCHEMA["id"], EXTRA]},
    ),
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE)
def test_canonical_document(case: tuple[ResourceType, dict[str, Any], dict[str, Any]]) -> None:
    resource_type, body, expected = case
    given = copy.deepcopy(body)
    for result in (check.create(body, resource_type), check.replace(body, resource_type, {})):
        assert result == expected
        assert next(iter(result)) == "schemas"
    assert body == given


WRONG: dict[str, tuple[ResourceType, Any, type[ScimError], str]] = {
    "body a list": (USER, [], InvalidSyntax, "the body must be a JSON object, found a list"),
    "body null": (USER, None, InvalidSyntax, "the body must be a JSON object, found null"),
    "string": (USER, user(title=5), InvalidValue, "title: expected a string, found the number 5"),
    "string, not boolean": (USER, user(title=True), InvalidValue, "found the boolean true"),
    "boolean": (
        USER,
        user(emails=[{"value": "a"}, {"primary": "yes"}]),
        InvalidValue,
        'emails[1].primary: expected a boolean, found the string "yes"',
    ),
    "boolean, not integer": (
        USER,
        user(active=1),
        InvalidValue,
        "active: expected a boolean, found the number 1",
    ),
    "integer, not boolean": (DEVICE, device(count=True), InvalidValue, "count: expected an integer"),
    "integer, not decimal": (DEVICE, device(count=1.0), InvalidValue, "count: expected an integer"),
    "integer, not string": (DEVICE, device(count="1"), InvalidValue, "count: expected an integer"),
    "integer too large": (DEVICE, device(count=2**63), InvalidValue, "at most 64 bits"),
    "decimal, not boolean": (DEVICE, device(weight=False), InvalidValue, "weight: expected a number"),
    "decimal not finite": (DEVICE, device(weight=float("inf")), InvalidValue, "weight: expected a number"),
    "decimal too large": (DEVICE, device(weight=10**400), InvalidValue, "weight: expected a number"),
    "date": (
        DEVICE,
        device(bought="2026-13-01T00:00:00Z"),
        InvalidValue,
        'bought: expected a date such as 2026-11-24T15:22:47Z, found the string "2026-13-01T00:00:00Z"',
    ),
    "date, not number": (DEVICE, device(bought=1), InvalidValue, "bought: expected a date"),
    "empty date": (DEVICE, device(bought=""), InvalidValue, "bought: expected a date"),
    "base64": (DEVICE, device(key="a b"), InvalidValue, "key: expected a base64 string"),
    "base64 of impossible length": (
        DEVICE,
        device(key="ABCDE"),
        InvalidValue,
        "key: expected a base64 string",
    ),
    "reference": (DEVICE, device(link=1), InvalidValue, "link: expected a string (a URI)"),
    "object for a string": (
        USER,
        user(title={"a": 1}),
        InvalidValue,
        "title: expected a string, found an object",
    ),
    "list for a single value": (
        USER,
        user(title=["a"]),
        InvalidValue,
        "title: expected a string, found a list",
    ),
    "list for an object": (
        USER,
        user(name=[{"givenName": "A"}]),
        InvalidValue,
        "name: expected an object, found a list",
    ),
    "one for several": (
        USER,
        user(emails={"value": "a"}),
        InvalidValue,
        "emails: expected a list of values, found an object",
    ),
    "one simple for several": (DEVICE, device(tags="a"), InvalidValue, "tags: expected a list of values"),
    "list in a list": (
        DEVICE,
        device(tags=[["a"]]),
        InvalidValue,
        "tags[0]: expected a string, found a list",
    ),
    "string for an object": (
        USER,
        user(name="Ann"),
        InvalidValue,
        'name: expected an object, found the string "Ann"',
    ),
    "string among objects": (USER, user(emails=["a@b"]), InvalidValue, "emails[0]: expected an object"),
    "place counts nulls": (USER, user(emails=[None, {"value": 1}]), InvalidValue, "emails[1].value:"),
    "in an extension": (
        USER,
        enterprise(manager={"value": 5}),
        InvalidValue,
        f"{ENTERPRISE}:manager.value: expected a string, found the number 5",
    ),
    "extension no object": (
        USER,
        user(**{ENTERPRISE: "x"}),
        InvalidValue,
        f"{ENTERPRISE}: expected an object",
    ),
    "long value cut": (USER, user(active="x" * 999), InvalidValue, f'found the string "{"x" * 40}…"'),
    "secret not shown": (
        USER,
        user(password=12345),
        InvalidValue,
        "password: expected a string, found a number",
    ),
    "secret inside not shown": (
        DEVICE,
        device(hidden={"value": 9}),
        InvalidValue,
        "hidden.value: expected a string, found a number",
    ),
    "two primaries": (
        USER,
        user(emails=[{"value": v, "primary": True} for v in "ab"]),
        InvalidValue,
        "emails: only one value may be primary, found 2",
    ),
    "attribute twice": (
        USER,
        user(USERNAME="x"),
        InvalidSyntax,
        "userName: is given twice, in different letter case",
    ),
    "attribute twice, once null": (USER, user(USERNAME=None), InvalidSyntax, "userName: is given twice"),
    "twice, never as in the schema": (
        USER,
        user(TITLE="x", Title="x"),
        InvalidSyntax,
        "title: is given twice",
    ),
    "sub-attribute twice": (
        USER,
        user(emails=[{"value": "a", "Value": "a"}]),
        InvalidSyntax,
        "emails[0].value: is given twice",
    ),
    "extension twice": (
        USER,
        user(**{ENTERPRISE: {}, ENTERPRISE.upper(): {}}),
        InvalidSyntax,
        "is given twice",
    ),
    "userName missing": (USER, {"schemas": [urns.USER]}, InvalidValue, "userName: a value is required"),
    "userName null": (USER, user(userName=None), InvalidValue, "userName: a value is required"),
    "userName of blanks": (USER, user(userName=" \t\u3000"), InvalidValue, "userName: a value is required"),
    "userName empty": (USER, user(userName=""), InvalidValue, "userName: a value is required"),
    "group displayName of blanks": (
        GROUP,
        {"schemas": [urns.GROUP], "displayName": " "},
        InvalidValue,
        "displayName: a value is required",
    ),
    "group displayName missing": (
        GROUP,
        {"schemas": [urns.GROUP]},
        InvalidValue,
        "displayName: a value is required",
    ),
    "required part": (DEVICE, device(part={"kind": "k"}), InvalidValue, "part.value: a value is required"),
    "required part of several": (
        DEVICE,
        device(parts=[{"value": "v"}, {"kind": "k"}]),
        InvalidValue,
        "parts[1].value: a value is required",
    ),
    "required in an extension": (
        DEVICE,
        device(**{EXTRA: {"asset": "a"}}),
        InvalidValue,
        f"{EXTRA}:owner: a value",
    ),
    "required deep in an extension": (
        DEVICE,
        device(**{EXTRA: {"owner": "o", "room": {"kind": "k"}}}),
        InvalidValue,
        f"{EXTRA}:room.value: a value is required",
    ),
    "required extension": (STRICT_DEVICE, device(), InvalidValue, f"{EXTRA}: a value is required"),
    "schemas missing": (
        USER,
        {"userName": "ann"},
        InvalidValue,
        f"schemas: a value is required, a list that contains {urns.USER}",
    ),
    "schemas null": (USER, user(schemas=None), InvalidValue, "schemas: a value is required"),
    "schemas empty": (USER, user(schemas=[]), InvalidValue, f"schemas: must contain {urns.USER}"),
    "schemas a string": (
        USER,
        user(schemas=urns.USER),
        InvalidValue,
        "schemas: expected a list of schema URNs",
    ),
    "schemas with a number": (
        USER,
        user(schemas=[urns.USER, 1]),
        InvalidValue,
        "schemas[1]: expected a schema URN",
    ),
    "schemas without core": (
        USER,
        user(schemas=[ENTERPRISE]),
        InvalidValue,
        f"schemas: must contain {urns.USER}",
    ),
    "schemas with an unknown one": (
        USER,
        user(schemas=[urns.USER, "urn:x:y"]),
        InvalidValue,
        f"schemas: 'urn:x:y' is not a schema of the resource type User, which has {urns.USER}, {ENTERPRISE}",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_refused(case: tuple[ResourceType, Any, type[ScimError], str]) -> None:
    resource_type, body, error, text = case
    for attempt in (
        lambda: check.create(body, resource_type),
        lambda: check.replace(body, resource_type, {}),
    ):
        with pytest.raises(error) as caught:
            attempt()
        assert type(caught.value) is error
        assert text in caught.value.detail


@pytest.mark.parametrize("pin", [None, "", [], {}])
def test_required_secret_is_asked_for_once_only(pin: object) -> None:
    with pytest.raises(InvalidValue, match="pin: a value is required"):
        check.create(device(pin=pin), DEVICE)
    assert check.replace(device(pin=pin), DEVICE, {}) == canonical(device())


CURRENT = {
    "schemas": [DEVICE_SCHEMA["id"], EXTRA],
    "serial": "S1",
    "stamp": "now",
    "count": 1,
    "marks": ["a", "b"],
    "part": {"value": "v", "kind": "k", "stamp": "now"},
    "parts": [{"value": "v", "kind": "k"}],
    EXTRA: {"owner": "o", "asset": "a", "room": {"value": "v", "kind": "k"}},
}
KEPT_EXTRA = {"owner": "o", "asset": "a", "room": {"value": "v", "kind": "k"}}

PUT: dict[str, tuple[dict[str, Any], dict[str, Any] | str]] = {
    "what is not given is gone, what cannot change is kept": (
        device(part={"value": "w"}, **{EXTRA: {"owner": "p", "room": {"value": "w"}}}),
        {
            "schemas": [DEVICE_SCHEMA["id"], EXTRA],
            "serial": "S1",
            "stamp": "now",
            "marks": ["a", "b"],
            "part": {"value": "w", "kind": "k", "stamp": "now"},
            EXTRA: {"owner": "p", "asset": "a", "room": {"value": "w", "kind": "k"}},
        },
    ),
    "same immutable values by the rules of comparison": (
        device(serial="s1", marks=["B", "a"], part={"value": "v", "kind": "K"}, **{EXTRA: KEPT_EXTRA}),
        {
            "schemas": [DEVICE_SCHEMA["id"], EXTRA],
            "serial": "S1",
            "stamp": "now",
            "marks": ["a", "b"],
            "part": {"value": "v", "kind": "k", "stamp": "now"},
            EXTRA: KEPT_EXTRA,
        },
    ),
    "another immutable value": (device(serial="s2"), "serial: is immutable, its value cannot be changed"),
    "immutable list with one more": (device(marks=["a", "b", "b"]), "marks: is immutable"),
    "immutable part": (device(part={"value": "v", "kind": "x"}), "part.kind: is immutable"),
    "immutable in an extension": (
        device(part={"value": "v"}, **{EXTRA: {"owner": "o", "asset": "z"}}),
        f"{EXTRA}:asset: is immutable",
    ),
}


@pytest.mark.parametrize("case", PUT.values(), ids=PUT)
def test_put_over_current(case: tuple[dict[str, Any], dict[str, Any] | str]) -> None:
    body, expected = case
    given, before = copy.deepcopy(body), copy.deepcopy(CURRENT)
    if isinstance(expected, str):
        with pytest.raises(Mutability) as caught:
            check.replace(body, DEVICE, CURRENT)
        assert expected in caught.value.detail
    else:
        assert check.replace(body, DEVICE, CURRENT) == expected
    assert (body, CURRENT) == (given, before)


def test_put_sets_an_immutable_attribute_that_has_no_value() -> None:
    current = {"schemas": [DEVICE_SCHEMA["id"]], "serial": "s1"}
    assert check.replace(device(marks=["x"]), DEVICE, current)["marks"] == ["x"]


def test_put_without_a_complex_attribute_keeps_its_immutable_part_and_what_that_requires() -> None:
    result = check.replace(device(**{EXTRA: KEPT_EXTRA}), DEVICE, CURRENT)
    assert result["part"] == CURRENT["part"]


def test_values_of_a_former_schema_are_no_obstacle() -> None:
    current = {**CURRENT, "part": {"value": "v", "gone": 1}, "old": {"x": 1}}
    body = device(part={"value": "v"}, marks=["a", "b"], **{EXTRA: KEPT_EXTRA})
    assert check.replace(body, DEVICE, current)["part"] == {"value": "v"}


def test_put_of_what_was_returned_changes_nothing() -> None:
    current = check.create(enterprise(department="D", manager={"value": "1"}), USER)
    returned = {**current, "id": "1", "meta": {"resourceType": "User"}, "groups": []}
    assert check.replace(returned, USER, current) == current


def test_of_many_values_that_lack_the_same_only_the_first_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[check.Lack] = []

    class Counted(check.Lack):
        def __init__(self, path: str, by: str = "") -> None:
            super().__init__(path, by)
            made.append(self)

    monkeypatch.setattr(check, "Lack", Counted)
    with pytest.raises(InvalidValue, match=r"parts\[1\].value: a value is required"):
        check.create(device(parts=[{"value": "v"}, *[{"kind": "k"}] * 100]), DEVICE)
    assert len(made) == 2


def test_checker_is_compiled_once() -> None:
    assert check.checker_for(USER) is check.checker_for(USER)
    assert check.checker_for(USER) is not check.checker_for(GROUP)


@pytest.mark.parametrize("blank", ["", " ", "\t\u00a0"])
def test_an_external_id_that_is_blank_is_none(blank: str) -> None:
    body = {"schemas": [urns.USER], "userName": "ann", "externalId": blank}
    current = check.create({**body, "externalId": "x"}, USER)
    removed = [{"op": "replace", "path": "externalId", "value": blank}]
    operations = patch.parse_patch({"schemas": [urns.PATCH_OP], "Operations": removed})
    for result in (
        check.create(body, USER),
        check.replace(body, USER, current),
        patch.apply(operations, USER, current),
    ):
        assert result == {"schemas": [urns.USER], "userName": "ann"}


STATES = [
    # type, document, what was, active afterwards
    (USER, {}, {}, True),
    (USER, {"active": False}, {}, False),
    (USER, {}, {"active": False}, False),
    (USER, {"active": True}, {"active": False}, True),
    (GROUP, {}, {}, None),
    (GROUP, {}, {"active": False}, None),
]


@pytest.mark.parametrize(("resource_type", "document", "current", "active"), STATES)
def test_a_user_is_active_unless_it_says_otherwise(
    resource_type: ResourceType, document: dict[str, Any], current: dict[str, Any], active: bool | None
) -> None:
    assert stated(dict(document), resource_type, current).get("active") is active
