"""PATCH, sentence by sentence of RFC 7644 §3.5.2, and what clients send beyond it."""

import copy
from typing import Any

import pytest

from rosterd.scim import check, urns
from rosterd.scim.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
    ScimError,
)
from rosterd.scim.filter import AttrPath
from rosterd.scim.patch import ABSENT, MAX_OPERATIONS, Operation, apply, parse_patch
from rosterd.scim.path import Path, parse_path
from rosterd.scim.schema import Model, ResourceType
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
ENTERPRISE = urns.ENTERPRISE_USER
EXTRA = "urn:example:params:Extra"
DEVICE = Model.build(
    [
        {
            "id": "urn:example:params:Device",
            "attributes": [
                {"name": "serial", "required": True},
                {"name": "code", "mutability": "immutable"},
                {"name": "stamp", "mutability": "readOnly"},
                {"name": "pin", "returned": "never", "mutability": "writeOnly", "multiValued": True},
                {
                    "name": "hidden",
                    "type": "complex",
                    "returned": "never",
                    "subAttributes": [{"name": "value"}],
                },
                {"name": "tags", "multiValued": True},
                {"name": "marks", "multiValued": True, "mutability": "immutable"},
                {
                    "name": "part",
                    "type": "complex",
                    "subAttributes": [
                        {"name": "value"},
                        {"name": "code", "mutability": "immutable"},
                        {"name": "stamp", "mutability": "readOnly"},
                        {"name": "hints", "multiValued": True},
                        {"name": "pin", "returned": "never"},
                    ],
                },
                {
                    "name": "slots",
                    "type": "complex",
                    "multiValued": True,
                    "subAttributes": [
                        {"name": "value", "required": True},
                        {"name": "code", "mutability": "immutable"},
                        {"name": "stamp", "mutability": "readOnly"},
                        {"name": "size", "type": "integer"},
                    ],
                },
            ],
        },
        {
            "id": EXTRA,
            "attributes": [
                {"name": "owner", "required": True},
                {"name": "asset", "mutability": "immutable"},
                {
                    "name": "room",
                    "type": "complex",
                    "subAttributes": [{"name": "value", "mutability": "immutable"}],
                },
            ],
        },
    ],
    [
        {
            "name": "Device",
            "endpoint": "/Devices",
            "schema": "urn:example:params:Device",
            "schemaExtensions": [{"schema": EXTRA, "required": False}],
        }
    ],
).types["Device"]

WORK = {"value": "ann@work.example", "type": "work", "primary": True}
HOME = {"value": "ann@home.example", "type": "home"}
MANAGER = {"value": "26118915"}
DOCUMENT: dict[str, Any] = {
    "schemas": [urns.USER, ENTERPRISE],
    "userName": "ann",
    "externalId": "x1",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "title": "Guide",
    "active": True,
    "emails": [WORK, HOME],
    "addresses": [
        {"type": "work", "streetAddress": "1 Main St", "locality": "Town"},
        {"type": "home", "locality": "Village"},
    ],
    ENTERPRISE: {"department": "D", "manager": MANAGER},
}
THING: dict[str, Any] = {
    "schemas": ["urn:example:params:Device"],
    "serial": "s1",
    "code": "C",
    "stamp": "now",
    "tags": ["a", "b"],
    "marks": ["m"],
    "part": {"value": "v", "code": "C", "stamp": "now", "hints": ["h"]},
    "slots": [{"value": "1", "code": "C", "stamp": "now", "size": 1}, {"value": "2", "size": 2}],
}


def op(name: str, path: str | None = None, value: object = ABSENT) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": name}
    if path is not None:
        operation["path"] = path
    if value is not ABSENT:
        operation["value"] = value
    return operation


def body(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def changed(document: dict[str, Any], **new: Any) -> dict[str, Any]:
    """The document with some attributes changed; ``None`` takes one away."""
    return {name: value for name, value in {**document, **new}.items() if value is not None}


def user(**new: Any) -> dict[str, Any]:
    return changed(DOCUMENT, **new)


def thing(**new: Any) -> dict[str, Any]:
    return changed(THING, **new)


def demoted(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "primary": False}


def run(t: ResourceType, document: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    """Apply, and check the laws that hold for every PATCH."""
    message = body(*operations)
    before, sent = copy.deepcopy(document), copy.deepcopy(message)
    try:
        result = apply(parse_patch(message), t, document)
    finally:
        assert (document, message) == (before, sent)
    assert next(iter(result)) == "schemas"
    return result


Operations = list[dict[str, Any]]

ADD: dict[str, tuple[Operations, dict[str, Any]]] = {
    # "If omitted, the target location is assumed to be the resource itself."
    "no path": (
        [op("add", None, {"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickname": "Babs"})],
        user(emails=[WORK, HOME, {"value": "babs@jensen.org", "type": "home"}], nickName="Babs"),
    ),
    # "If the target location does not exist, the attribute and value are added."
    "no such attribute yet": ([op("add", "nickName", "A")], user(nickName="A")),
    "no such sub-attribute yet": (
        [op("add", "name.middleName", "M")],
        user(name={"givenName": "Ann", "familyName": "Lee", "middleName": "M"}),
    ),
    "no such complex attribute yet": (
        [op("remove", "name"), op("add", "name.middleName", "M")],
        user(name={"middleName": "M"}),
    ),
    # "If the target location specifies a complex attribute, a set of sub-attributes SHALL be specified."
    "complex": (
        [op("add", "name", {"middleName": "M", "givenName": "Anna"})],
        user(name={"givenName": "Anna", "familyName": "Lee", "middleName": "M"}),
    ),
    # "If the target location specifies a multi-valued attribute, a new value is added."
    "multi-valued": ([op("add", "emails", [{"value": "n"}])], user(emails=[WORK, HOME, {"value": "n"}])),
    "multi-valued, one value without its list": (
        [op("add", "emails", {"value": "n"})],
        user(emails=[WORK, HOME, {"value": "n"}]),
    ),
    "multi-valued without a value yet": (
        [op("add", "roles", [{"value": "r"}])],
        user(roles=[{"value": "r"}]),
    ),
    # "If the target location specifies a single-valued attribute, the existing value is replaced."
    "single-valued": ([op("add", "title", "Chief")], user(title="Chief")),
    # "If the target location already contains the value specified, no changes SHOULD be made."
    "same single value": ([op("add", "title", "Guide")], DOCUMENT),
    "same value of several": ([op("add", "emails", [HOME, HOME, WORK])], DOCUMENT),
    "same value in other letter case": (
        [op("add", "emails", [{"VALUE": "ANN@home.example", "type": "Home"}])],
        DOCUMENT,
    ),
    "same value, now primary": (
        [op("add", "emails", [{**HOME, "primary": True}])],
        user(emails=[demoted(WORK), {**HOME, "primary": True}]),
    ),
    "same value, primary not mentioned": (
        [op("add", "emails", [{"value": WORK["value"], "type": "work"}])],
        DOCUMENT,
    ),
    "the same twice at once": (
        [op("add", "roles", [{"value": "r"}, {"value": "R"}])],
        user(roles=[{"value": "r"}]),
    ),
    # "… SHALL cause the server to automatically set 'primary' to 'false' for any other values."
    "primary": (
        [op("add", "emails", [{"value": "n", "primary": True}])],
        user(emails=[demoted(WORK), HOME, {"value": "n", "primary": True}]),
    ),
    "null adds nothing": ([op("add", "title", None)], DOCUMENT),
    "[] adds nothing": ([op("add", "emails", []), op("add", "title", []), op("add", "name", [])], DOCUMENT),
    "null inside adds nothing": (
        [op("add", None, {"title": None, "name": {"givenName": None}, "emails": None})],
        DOCUMENT,
    ),
    "through a filter": (
        [op("add", 'emails[type eq "home"]', {"display": "Home"})],
        user(emails=[WORK, {**HOME, "display": "Home"}]),
    ),
    "through a filter, nothing": ([op("add", 'emails[type eq "home"]', None)], DOCUMENT),
    "through a filter with a sub-attribute": (
        [op("add", 'emails[type eq "home"].value', "new@home.example")],
        user(emails=[WORK, {**HOME, "value": "new@home.example"}]),
    ),
    "through a filter, primary": (
        [op("add", 'emails[type eq "home"].primary', True)],
        user(emails=[demoted(WORK), {**HOME, "primary": True}]),
    ),
    # Clients add a value through a filter that it does not fulfil yet.
    "value that the filter describes": (
        [op("Add", 'phoneNumbers[type eq "mobile"].value', "555")],
        user(phoneNumbers=[{"type": "mobile", "value": "555"}]),
    ),
    "value that the filter describes, in full": (
        [op("add", 'phoneNumbers[TYPE eq "mobile" and primary eq true]', {"value": "555"})],
        user(phoneNumbers=[{"type": "mobile", "primary": True, "value": "555"}]),
    ),
    "value that the filter describes, grouped": (
        [op("add", 'phoneNumbers[type eq "mobile" and (display eq "D" and primary eq "False")].value', "5")],
        user(phoneNumbers=[{"type": "mobile", "display": "D", "primary": False, "value": "5"}]),
    ),
    "value that the filter describes takes primary": (
        [op("add", 'emails[type eq "other" and primary eq true].value', "n")],
        user(emails=[demoted(WORK), HOME, {"type": "other", "primary": True, "value": "n"}]),
    ),
    "value that the filter describes, nothing to add": (
        [op("add", 'emails[type eq "other"].value', None)],
        DOCUMENT,
    ),
    "extension attribute": (
        [op("add", f"{ENTERPRISE}:costCenter", "4")],
        user(**{ENTERPRISE: {"department": "D", "manager": MANAGER, "costCenter": "4"}}),
    ),
    "extension": (
        [op("add", ENTERPRISE, {"costCenter": "4"})],
        user(**{ENTERPRISE: {"department": "D", "manager": MANAGER, "costCenter": "4"}}),
    ),
    "extension without a path": (
        [op("add", None, {ENTERPRISE.upper(): {"COSTCENTER": "4", "manager": {"displayName": "ignored"}}})],
        user(**{ENTERPRISE: {"department": "D", "manager": MANAGER, "costCenter": "4"}}),
    ),
    "core attribute with its URN": (
        [op("add", f"{urns.USER}:name.givenName", "B")],
        user(name={"givenName": "B", "familyName": "Lee"}),
    ),
    "letter case": ([op("ADD", "NAME.GIVENNAME", "B")], user(name={"givenName": "B", "familyName": "Lee"})),
    "sub-attribute of every value": (
        [op("add", "emails.display", "E")],
        user(emails=[{**WORK, "display": "E"}, {**HOME, "display": "E"}]),
    ),
    "sub-attribute of no value yet": ([op("add", "roles.value", "r")], user(roles=[{"value": "r"}])),
    "empty string": ([op("add", "title", "")], user(title="")),
    "never returned": ([op("add", "password", "secret")], DOCUMENT),
    "schemas": ([op("add", "schemas", [urns.USER]), op("add", "schemas", ENTERPRISE)], DOCUMENT),
    "readOnly without a path": (
        [op("add", None, {"id": "1", "meta": {"version": "9"}, "groups": [{"value": "g"}], "title": "T"})],
        user(title="T"),
    ),
    "schemas without a path": (
        [op("add", None, {"schemas": ["urn:x:y"], "SCHEMAS": 1, "title": "T"})],
        user(title="T"),
    ),
    "unknown attributes without a path": (
        [op("add", None, {"colour": "red", "name": {"rank": 1}})],
        DOCUMENT,
    ),
}

REMOVE: dict[str, tuple[Operations, dict[str, Any]]] = {
    # "If the target location is a single-value attribute, the attribute … SHALL be considered unassigned."
    "single value": ([op("remove", "title")], user(title=None)),
    "sub-attribute": ([op("remove", "name.givenName")], user(name={"familyName": "Lee"})),
    "last sub-attribute": (
        [op("remove", "name.givenName"), op("remove", "name.familyName")],
        user(name=None),
    ),
    "complex": ([op("remove", "name")], user(name=None)),
    # "… a multi-valued attribute and no filter is specified, the attribute and all values are removed."
    "multi-valued": ([op("remove", "emails")], user(emails=None)),
    "multi-valued, value null": ([op("remove", "emails", None)], user(emails=None)),
    # "… and a complex filter is specified comparing a 'value', the values matched by the filter are removed."
    "filter on value": ([op("remove", f'emails[value eq "{HOME["value"]}"]')], user(emails=[WORK])),
    "filter on several": (
        [op("remove", 'emails[type eq "work" and value ew "work.example"]')],
        user(emails=[HOME]),
    ),
    # "If no other values remain after removal …, the multi-valued attribute SHALL be considered unassigned."
    "last value": (
        [op("remove", 'emails[type eq "work"]'), op("remove", 'emails[type eq "home"]')],
        user(emails=None),
    ),
    "filter that fits all": ([op("remove", "emails[value pr]")], user(emails=None)),
    # "Sub-attributes whose values have been removed SHALL be considered unassigned."
    "sub-attribute through a filter": (
        [op("remove", 'addresses[type eq "work"].streetAddress')],
        user(addresses=[{"type": "work", "locality": "Town"}, {"type": "home", "locality": "Village"}]),
    ),
    "last sub-attribute through a filter": (
        [op("remove", 'emails[type eq "home"].value'), op("remove", 'emails[type eq "home"].type')],
        user(emails=[WORK]),
    ),
    "sub-attribute that the values chosen lack": ([op("remove", 'emails[type eq "home"].display')], DOCUMENT),
    "sub-attribute of every value": (
        [op("remove", "emails.type")],
        user(emails=[{"value": WORK["value"], "primary": True}, {"value": HOME["value"]}]),
    ),
    "value list": ([op("Remove", "emails", [{"value": "ANN@home.example"}])], user(emails=[WORK])),
    "one value without its list": ([op("remove", "emails", {"value": HOME["value"]})], user(emails=[WORK])),
    "value list with type": ([op("remove", "emails", [{"value": HOME["value"], "type": "work"}])], DOCUMENT),
    "value list, the rest is description": (
        [op("remove", "emails", [{"value": HOME["value"], "display": "Ann", "primary": True}])],
        user(emails=[WORK]),
    ),
    "value list without value": (
        [op("remove", "addresses", [{"type": "home"}, {"type": "work", "locality": "Village"}])],
        user(addresses=[DOCUMENT["addresses"][0]]),
    ),
    "value list of unknown ones": ([op("remove", "emails", [{"value": "nobody"}])], DOCUMENT),
    "value list, empty": ([op("remove", "emails", [])], DOCUMENT),
    "value of a single value is no matter": ([op("remove", "title", "Chief")], user(title=None)),
    "what is not there": (
        [op("remove", "nickName"), op("remove", "name.middleName"), op("remove", "roles.value", "r")],
        DOCUMENT,
    ),
    "extension": ([op("remove", ENTERPRISE)], user(**{ENTERPRISE: None}, schemas=[urns.USER])),
    "extension attribute": (
        [op("remove", f"{ENTERPRISE}:department")],
        user(**{ENTERPRISE: {"manager": MANAGER}}),
    ),
    "last extension attribute": (
        [op("remove", f"{ENTERPRISE}:department"), op("remove", f"{ENTERPRISE}:manager.value")],
        user(**{ENTERPRISE: None}, schemas=[urns.USER]),
    ),
    "externalId": ([op("remove", "externalId")], user(externalId=None)),
    "never returned": ([op("remove", "password")], DOCUMENT),
    "required, given again": ([op("remove", "userName"), op("add", "userName", "bob")], user(userName="bob")),
}

NEW_ADDRESS = {
    "type": "work",
    "streetAddress": "911 Universal City Plaza",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "US",
    "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
    "primary": True,
}

REPLACE: dict[str, tuple[Operations, dict[str, Any]]] = {
    # "If the 'path' parameter is omitted, the target is assumed to be the resource itself."
    "no path": (
        [op("replace", None, {"emails": [{"value": "b", "type": "work"}], "nickname": "Babs"})],
        user(emails=[{"value": "b", "type": "work"}], nickName="Babs"),
    ),
    "no path, active": ([op("replace", None, {"active": False})], user(active=False)),
    "no path, parts of a complex attribute": (
        [op("replace", None, {"name": {"familyName": "May"}})],
        user(name={"givenName": "Ann", "familyName": "May"}),
    ),
    "no path, parts of an extension": (
        [op("replace", None, {ENTERPRISE: {"department": "E"}})],
        user(**{ENTERPRISE: {"department": "E", "manager": MANAGER}}),
    ),
    "no path, null and []": (
        [op("replace", None, {"title": None, "emails": [], "name": {"givenName": None}})],
        user(title=None, emails=None, name={"familyName": "Lee"}),
    ),
    "no path, extension null": (
        [op("replace", None, {ENTERPRISE: None})],
        user(**{ENTERPRISE: None}, schemas=[urns.USER]),
    ),
    "no path, every part null": (
        [op("replace", None, {"name": {"givenName": None, "familyName": None}})],
        user(name=None),
    ),
    "no path, id as known to the client": ([op("replace", None, {"id": "1", "title": "T"})], user(title="T")),
    # "If the target location is a single-value attribute, the attribute's value is replaced."
    "single value": ([op("replace", "title", "Chief")], user(title="Chief")),
    "single value by null": ([op("replace", "title", None)], user(title=None)),
    "single value by []": ([op("replace", "title", [])], user(title=None)),
    # "… a multi-valued attribute and no filter is specified, the attribute and all values are replaced."
    "multi-valued": ([op("replace", "emails", [HOME])], user(emails=[HOME])),
    "multi-valued by []": ([op("replace", "emails", [])], user(emails=None)),
    "multi-valued by null": ([op("replace", "emails", None)], user(emails=None)),
    # "If the target location … does not exist, the service provider SHALL treat the operation as an 'add'."
    "not there": (
        [op("replace", "nickName", "A"), op("replace", "roles.value", "r")],
        user(nickName="A", roles=[{"value": "r"}]),
    ),
    "extension not there": (
        [op("remove", ENTERPRISE), op("replace", f"{ENTERPRISE}:department", "E")],
        user(**{ENTERPRISE: {"department": "E"}}),
    ),
    # "If the target location specifies a complex attribute, a set of sub-attributes SHALL be specified …"
    "complex": (
        [op("replace", "name", {"familyName": "May", "middleName": "M"})],
        user(name={"givenName": "Ann", "familyName": "May", "middleName": "M"}),
    ),
    "complex, no sub-attribute": ([op("replace", "name", {})], DOCUMENT),
    "complex by null": ([op("replace", "name", None)], user(name=None)),
    "complex by []": ([op("replace", "name", [])], user(name=None)),
    "complex in an extension": (
        [op("replace", f"{ENTERPRISE}:manager", {"value": "7"})],
        user(**{ENTERPRISE: {"department": "D", "manager": {"value": "7"}}}),
    ),
    "sub-attribute in an extension": (
        [op("replace", f"{ENTERPRISE}:manager.value", "7")],
        user(**{ENTERPRISE: {"department": "D", "manager": {"value": "7"}}}),
    ),
    "extension": (
        [op("replace", ENTERPRISE, {"department": "E", "manager": None})],
        user(**{ENTERPRISE: {"department": "E"}}),
    ),
    "extension by null": ([op("replace", ENTERPRISE, None)], user(**{ENTERPRISE: None}, schemas=[urns.USER])),
    # "… a value selection filter … matches …, then all matching record values SHALL be replaced."
    "through a filter": (
        [op("replace", 'addresses[type eq "work"]', NEW_ADDRESS)],
        user(addresses=[NEW_ADDRESS, {"type": "home", "locality": "Village"}]),
    ),
    "through a filter that fits several": ([op("replace", "emails[value pr]", WORK)], user(emails=[WORK])),
    "through a filter by null": ([op("replace", 'emails[type eq "home"]', None)], user(emails=[WORK])),
    # "… and a specific sub-attribute, the matching sub-attribute of all matching records is replaced."
    "through a filter with a sub-attribute": (
        [op("replace", 'addresses[type eq "work"].streetAddress', "1010 Broadway Ave")],
        user(
            addresses=[
                {"type": "work", "streetAddress": "1010 Broadway Ave", "locality": "Town"},
                {"type": "home", "locality": "Village"},
            ]
        ),
    ),
    "through a filter with a sub-attribute of several": (
        [op("replace", "addresses[locality pr].locality", "City")],
        user(
            addresses=[
                {"type": "work", "streetAddress": "1 Main St", "locality": "City"},
                {"type": "home", "locality": "City"},
            ]
        ),
    ),
    "through a filter with a sub-attribute by null": (
        [op("replace", 'emails[type eq "home"].type', None)],
        user(emails=[WORK, {"value": HOME["value"]}]),
    ),
    "primary": (
        [op("replace", 'emails[type eq "home"].primary', True)],
        user(emails=[demoted(WORK), {**HOME, "primary": True}]),
    ),
    "primary off": (
        [op("replace", 'emails[type eq "work"].primary', False)],
        user(emails=[demoted(WORK), HOME]),
    ),
    "primary already": ([op("replace", 'emails[type eq "work"].primary', True)], DOCUMENT),
    "extension attribute, two levels": (
        [op("replace", None, {ENTERPRISE: {"manager": {"value": None}}})],
        user(**{ENTERPRISE: {"department": "D"}}),
    ),
    "same value": ([op("replace", "userName", "ann"), op("replace", "emails", [WORK, HOME])], DOCUMENT),
    "externalId": ([op("replace", "externalId", "x2")], user(externalId="x2")),
    "schemas": ([op("replace", "schemas", [urns.USER, ENTERPRISE])], DOCUMENT),
}

# "Operations are applied sequentially in the order they appear in the array."
SEQUENCE: dict[str, tuple[Operations, dict[str, Any]]] = {
    "each sees what the former did": (
        [
            op("remove", 'emails[type eq "work"]'),
            op("add", "emails", [{"value": "n", "type": "work"}]),
            op("replace", 'emails[type eq "work"].value', "o"),
        ],
        user(emails=[HOME, {"value": "o", "type": "work"}]),
    ),
    "the last word counts": ([op("add", "title", "A"), op("replace", "title", "B")], user(title="B")),
    "back to where it was": ([op("replace", "title", "B"), op("replace", "title", "Guide")], DOCUMENT),
}

FINE = {
    f"{name}: {title}": case
    for name, table in {"add": ADD, "remove": REMOVE, "replace": REPLACE, "sequence": SEQUENCE}.items()
    for title, case in table.items()
}


@pytest.mark.parametrize("case", FINE.values(), ids=FINE)
def test_patch_of_a_user(case: tuple[Operations, dict[str, Any]]) -> None:
    operations, expected = case
    result = run(USER, DOCUMENT, *operations)
    assert result == expected
    assert check.create(result, USER) == result


DEVICES: dict[str, tuple[Operations, dict[str, Any]]] = {
    "simple values, joined": (
        [op("add", "tags", ["B", "c"]), op("add", "tags", "d")],
        thing(tags=["a", "b", "c", "d"]),
    ),
    "simple values, removed": ([op("remove", "tags", ["A"])], thing(tags=["b"])),
    "simple values, filtered": ([op("remove", 'tags[value eq "a"]')], thing(tags=["b"])),
    "simple values, replaced through a filter": (
        [op("replace", 'tags[value sw "A"]', "z")],
        thing(tags=["z", "b"]),
    ),
    "simple values, added through a filter": ([op("add", 'tags[value eq "a"]', "z")], thing(tags=["z", "b"])),
    "simple values, nothing added through a filter": ([op("add", 'tags[value eq "a"]', None)], THING),
    "several values of a part": (
        [op("add", "part.hints", ["i"])],
        thing(part={**THING["part"], "hints": ["h", "i"]}),
    ),
    "same readOnly value": ([op("replace", "stamp", "now"), op("add", "part.stamp", "now")], THING),
    "same immutable value": (
        [op("replace", "code", "c"), op("add", "marks", ["M"]), op("add", "part.code", "C")],
        THING,
    ),
    "immutable value that has none": (
        [op("remove", "marks", ["x"]), op("add", None, {EXTRA: {"owner": "o", "asset": "a"}})],
        thing(schemas=["urn:example:params:Device", EXTRA], **{EXTRA: {"owner": "o", "asset": "a"}}),
    ),
    "never returned parts": (
        [op("add", "pin", ["1"]), op("add", "pin", "2"), op("replace", "part.pin", "3")],
        THING,
    ),
    "never returned complex": (
        [
            op("remove", "hidden.value"),
            op("replace", "hidden", {"value": "x"}),
            op("add", "hidden.value", "x"),
        ],
        THING,
    ),
    "readOnly parts stay when the whole is replaced through a filter": (
        [op("replace", 'slots[value eq "1"]', {"value": "3"})],
        thing(slots=[{"value": "3", "code": "C", "stamp": "now"}, {"value": "2", "size": 2}]),
    ),
    "a value goes with its immutable parts": (
        [op("remove", 'slots[value eq "1"]')],
        thing(slots=[{"value": "2", "size": 2}]),
    ),
    "immutable part of a value that has none": (
        [op("add", 'slots[value eq "2"].code', "D")],
        thing(slots=[THING["slots"][0], {"value": "2", "size": 2, "code": "D"}]),
    ),
    "numbers in a filter": ([op("remove", "slots[size gt 1]")], thing(slots=[THING["slots"][0]])),
    "readOnly stays when the complex attribute goes": (
        [op("replace", None, {"part": {"stamp": "later", "value": None, "hints": None}})],
        thing(part={"code": "C", "stamp": "now"}),
    ),
}


@pytest.mark.parametrize("case", DEVICES.values(), ids=DEVICES)
def test_patch_of_a_custom_type(case: tuple[Operations, dict[str, Any]]) -> None:
    operations, expected = case
    assert run(DEVICE, THING, *operations) == expected


def test_of_values_that_are_alike_the_first_gets_the_mark() -> None:
    twins = [WORK["value"], HOME["value"], WORK["value"]]
    document = user(emails=[{"value": value, "type": "work"} for value in twins])
    first, *others = document["emails"]
    adding = op("add", "emails", [{**first, "primary": True}])
    assert run(USER, document, adding)["emails"] == [{**first, "primary": True}, *others]


def test_readonly_part_survives_removal_of_its_complex_attribute() -> None:
    document = thing(part={"value": "v", "stamp": "now"})
    assert run(DEVICE, document, op("remove", "part")) == thing(part={"stamp": "now"})


Refused = dict[str, tuple[Operations, type[ScimError], str]]

REFUSED: Refused = {
    # "If 'path' is unspecified, the operation fails with … a 'scimType' error code of 'noTarget'."
    "remove without a path": ([op("remove")], NoTarget, "operation 1 (remove): a remove needs a 'path'"),
    "remove without a path, with a value": ([op("remove", None, {"title": "x"})], NoTarget, "needs a 'path'"),
    # "… no record match was made, the service provider SHALL indicate failure by … 'noTarget'."
    "replace through a filter that fits nothing": (
        [op("replace", 'emails[type eq "other"]', {"value": "n"})],
        NoTarget,
        "operation 1 (replace emails[type eq \"other\"]): no value of 'emails' matches the filter",
    ),
    "replace a sub-attribute through a filter that fits nothing": (
        [op("replace", 'emails[type eq "other"].value', "n")],
        NoTarget,
        "matches the filter",
    ),
    "replace through a filter where there are no values": (
        [op("replace", 'roles[value eq "r"].type', "t")],
        NoTarget,
        "'roles'",
    ),
    "remove through a filter that fits nothing": (
        [op("remove", 'emails[type eq "other"]')],
        NoTarget,
        "'emails'",
    ),
    "remove a sub-attribute through a filter that fits nothing": (
        [op("remove", 'emails[type eq "other"].type')],
        NoTarget,
        "'emails'",
    ),
    "add through a filter that describes no value": (
        [op("add", 'roles[type ne "t"].value', "n")],
        NoTarget,
        "'roles'",
    ),
    "add through a filter with or": (
        [op("add", 'roles[type eq "t" or type eq "u"].value', "n")],
        NoTarget,
        "'roles'",
    ),
    "add through a filter with not": ([op("add", "emails[not (value pr)].type", "n")], NoTarget, "'emails'"),
    "add through a filter with and and pr": (
        [op("add", 'roles[type eq "t" and value pr].display', "n")],
        NoTarget,
        "'roles'",
    ),
    "add through a filter against itself": (
        [op("add", 'roles[type eq "t" and type eq "u"].value', "n")],
        NoTarget,
        "'roles'",
    ),
    "add through a filter for null": ([op("add", "emails[type eq null].display", "n")], NoTarget, "'emails'"),
    # "If an attribute is removed or becomes unassigned and is defined as a required attribute …, the
    # server SHALL return an … error response."
    "remove a required attribute": (
        [op("add", "title", "x"), op("remove", "userName"), op("add", "title", "y")],
        Mutability,
        "operation 2 (remove userName): userName: a value is required",
    ),
    "replace a required attribute by null": (
        [op("replace", "userName", None)],
        Mutability,
        "operation 1 (replace userName)",
    ),
    "replace a required attribute by an empty string": (
        [op("replace", None, {"userName": ""})],
        InvalidValue,
        "operation 1 (replace)",
    ),
    # "… a client MUST NOT modify an attribute that has mutability 'readOnly' or 'immutable'."
    "readOnly": (
        [op("replace", "groups", [{"value": "g"}])],
        Mutability,
        "operation 1 (replace groups): is readOnly",
    ),
    "readOnly, removed": ([op("remove", "groups")], Mutability, "is readOnly"),
    "readOnly, filtered": ([op("remove", 'groups[value eq "g"]')], Mutability, "is readOnly"),
    "readOnly sub-attribute": (
        [op("add", f"{ENTERPRISE}:manager.displayName", "M")],
        Mutability,
        "is readOnly",
    ),
    "id": ([op("replace", "id", "2")], Mutability, "is readOnly"),
    "meta": ([op("replace", "meta", {"version": "1"})], Mutability, "is readOnly"),
    "meta.version": ([op("replace", "meta.version", "1")], Mutability, "is readOnly"),
    "schemas, removed": (
        [op("remove", "schemas")],
        Mutability,
        "'schemas' lists the extensions that have content",
    ),
    "schemas, filtered": ([op("replace", 'schemas[value eq "x"]', "y")], Mutability, "'schemas' lists"),
    "schemas, unknown": ([op("add", "schemas", ["urn:x:y"])], InvalidValue, "'urn:x:y' is not a schema of"),
    "schemas, null": ([op("replace", "schemas", None)], InvalidValue, "expected a schema URN, found null"),
    # Paths.
    "unknown attribute": (
        [op("add", "nicknam", "x")],
        InvalidPath,
        "operation 1 (add nicknam): User has no attribute 'nicknam'",
    ),
    "unknown sub-attribute": (
        [op("add", "title", "x"), op("add", "name.rank", "x")],
        InvalidPath,
        "operation 2 (add name.rank): 'name' has no sub-attribute 'rank'; it has formatted, familyName",
    ),
    "sub-attribute of a string": (
        [op("add", "title.x", "x")],
        InvalidPath,
        "'title' has no sub-attribute 'x'; it is not complex",
    ),
    "unknown sub-attribute behind a filter": (
        [op("add", 'emails[type eq "work"].rank', "x")],
        InvalidPath,
        "'emails' has no sub-attribute 'rank'; it has value, display",
    ),
    "unknown extension": ([op("add", "urn:x:y:z", "x")], InvalidPath, "User has no attribute 'urn:x:y:z'"),
    "unknown attribute of an extension": (
        [op("add", f"{ENTERPRISE}:rank", "x")],
        InvalidPath,
        f"'{ENTERPRISE}:rank'",
    ),
    "filter on a single value": (
        [op("add", 'name[familyName eq "Lee"].givenName', "x")],
        InvalidPath,
        "'name' has a single value; leave out the filter",
    ),
    "filter on an extension": (
        [op("remove", f'{ENTERPRISE}[department eq "D"]')],
        InvalidPath,
        "has a single value",
    ),
    "path that is none": (
        [op("add", "title", "x"), op("add", "name..x", "x")],
        InvalidPath,
        "operation 2 (add): ",
    ),
    "empty path": ([op("add", "", "x")], InvalidPath, "operation 1 (add): "),
    "filter that is none": ([op("remove", "emails[type = 1]")], InvalidFilter, "operation 1 (remove): "),
    "filter on an unknown sub-attribute": (
        [op("remove", "emails[rank pr]")],
        InvalidFilter,
        "operation 1 (remove emails[rank pr]): ",
    ),
    "filter with a wrong operator": (
        [op("remove", "emails[primary gt true]")],
        InvalidFilter,
        "operation 1 (remove",
    ),
    "attribute notation in a value": (
        [op("replace", None, {"name.familyName": "May"})],
        InvalidPath,
        "operation 1 (replace): 'name.familyName' is not the name of an attribute",
    ),
    "URN notation in a value": (
        [op("replace", None, {f"{ENTERPRISE}:department": "E"})],
        InvalidPath,
        f"'{ENTERPRISE}:department' is not",
    ),
    # Values.
    "value of a wrong type": (
        [op("replace", "active", "yes")],
        InvalidValue,
        'operation 1 (replace active): expected a boolean, found the string "yes"',
    ),
    "value of a wrong type inside": (
        [op("replace", None, {"emails": [HOME, {"primary": "yes"}]})],
        InvalidValue,
        "operation 1 (replace): emails[1].primary: expected a boolean",
    ),
    "value of a wrong type deep inside": (
        [op("add", None, {ENTERPRISE: {"manager": {"value": 5}}})],
        InvalidValue,
        f"operation 1 (add): {ENTERPRISE}:manager.value: expected a string, found the number 5",
    ),
    "string for a complex attribute": (
        [op("replace", "name", "Ann Lee")],
        InvalidValue,
        "expected an object",
    ),
    "string for an extension": ([op("replace", ENTERPRISE, "x")], InvalidValue, "expected an object"),
    "one value to replace several": (
        [op("replace", "emails", HOME)],
        InvalidValue,
        "expected a list of values",
    ),
    "string among complex values": ([op("add", "emails", ["a@b"])], InvalidValue, "[0]: expected an object"),
    "string to remove from complex values": (
        [op("remove", "emails", ["a@b"])],
        InvalidValue,
        "[0]: expected an object",
    ),
    "several values for a single one": (
        [op("replace", "title", ["a"])],
        InvalidValue,
        "expected a string, found a list",
    ),
    "string through a filter": (
        [op("add", 'emails[type eq "work"]', "x")],
        InvalidValue,
        "expected an object",
    ),
    "list through a filter": (
        [op("replace", 'emails[type eq "work"]', [HOME])],
        InvalidValue,
        "expected an object",
    ),
    "secret": ([op("replace", "password", 12345)], InvalidValue, "expected a string, found a number"),
    "no path, no object": (
        [op("add", None, "x")],
        InvalidValue,
        "without a 'path' the value must be an object",
    ),
    "no path, null": (
        [op("replace", None, None)],
        InvalidValue,
        "without a 'path' the value must be an object",
    ),
    "attribute twice": (
        [op("add", None, {"title": "a", "TITLE": "b"})],
        InvalidSyntax,
        "title: is given twice",
    ),
    "sub-attribute twice": (
        [op("add", "name", {"givenName": "a", "GIVENNAME": "b"})],
        InvalidSyntax,
        "givenName: is given twice",
    ),
    # "primary"
    "two primaries replaced": (
        [op("replace", "emails", [WORK, {**HOME, "primary": True}])],
        InvalidValue,
        "only one value may be primary",
    ),
    "two primaries added": (
        [op("add", "emails", [{"value": v, "primary": True} for v in "ab"])],
        InvalidValue,
        "only one value may be primary",
    ),
    "two made primary": (
        [op("replace", "emails[value pr].primary", True)],
        InvalidValue,
        "only one value may be primary",
    ),
    "all made primary": ([op("add", "emails.primary", True)], InvalidValue, "only one value may be primary"),
    # "An error condition is encountered": the operations before it have no effect either.
    "last of three": (
        [op("replace", "title", "x"), op("remove", "emails"), op("add", "active", 1)],
        InvalidValue,
        "operation 3 (add active): expected a boolean, found the number 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_patch_of_a_user_refused(case: tuple[Operations, type[ScimError], str]) -> None:
    operations, error, text = case
    with pytest.raises(error) as caught:
        run(USER, DOCUMENT, *operations)
    assert type(caught.value) is error
    assert text in caught.value.detail


REFUSED_DEVICES: Refused = {
    # "However, a client MAY 'add' a value to an 'immutable' attribute if it had no previous value."
    "immutable, added over": ([op("add", "code", "D")], Mutability, "operation 1 (add code): is immutable"),
    "immutable, without a path": (
        [op("replace", None, {"code": "D"})],
        Mutability,
        "operation 1 (replace): code: is immutable",
    ),
    "immutable, removed": ([op("remove", "code")], Mutability, "is immutable"),
    "immutable, replaced by null": ([op("replace", "code", None)], Mutability, "is immutable"),
    "immutable list, added to": ([op("add", "marks", ["n"])], Mutability, "is immutable"),
    "immutable list, filtered": ([op("remove", 'marks[value eq "m"]')], Mutability, "is immutable"),
    "immutable part": (
        [op("replace", "part.code", "D")],
        Mutability,
        "operation 1 (replace part.code): is immutable",
    ),
    "immutable part, without a path": (
        [op("replace", None, {"part": {"code": "D"}})],
        Mutability,
        "part.code: is immutable",
    ),
    "complex with an immutable part, removed": ([op("remove", "part")], Mutability, "code: is immutable"),
    "complex with an immutable part, replaced by null": (
        [op("replace", None, {"part": None})],
        Mutability,
        "part.code: is immutable",
    ),
    "immutable part of several": (
        [op("replace", 'slots[value eq "1"].code', "D")],
        Mutability,
        "is immutable",
    ),
    "immutable part of several, in a whole": (
        [op("replace", 'slots[value eq "1"]', {"value": "1", "code": "D"})],
        Mutability,
        "code: is immutable",
    ),
    "readOnly part": ([op("replace", "part.stamp", "x")], Mutability, "is readOnly"),
    "readOnly part in a filter cannot be made": (
        [op("add", 'slots[stamp eq "x"].value', "9")],
        NoTarget,
        "'slots'",
    ),
    "simple value cannot be made": ([op("add", 'tags[value eq "x"]', "x")], NoTarget, "'tags'"),
    "sub-attribute of simple values": (
        [op("add", 'tags[value eq "a"].x', "x")],
        InvalidPath,
        "'tags' has no sub-attribute 'x'",
    ),
    "required part of several": (
        [op("remove", 'slots[value eq "2"].value')],
        Mutability,
        'operation 1 (remove slots[value eq "2"].value): slots[1].value: a value is required',
    ),
    "required part of a new value": (
        [op("add", "slots", [{"size": 3}])],
        InvalidValue,
        "slots[2].value: a value is required",
    ),
    "required attribute of a new extension": (
        [op("add", f"{EXTRA}:asset", "a")],
        InvalidValue,
        f"{EXTRA}:owner: a value is required",
    ),
    "secret of several": ([op("add", "pin", 12345)], InvalidValue, "expected a string, found a number"),
}


@pytest.mark.parametrize("case", REFUSED_DEVICES.values(), ids=REFUSED_DEVICES)
def test_patch_of_a_custom_type_refused(case: tuple[Operations, type[ScimError], str]) -> None:
    operations, error, text = case
    with pytest.raises(error) as caught:
        run(DEVICE, THING, *operations)
    assert type(caught.value) is error
    assert text in caught.value.detail


@pytest.mark.parametrize("room", [{"value": "r"}])
def test_extension_with_immutable_content_stays(room: dict[str, str]) -> None:
    document = thing(schemas=["urn:example:params:Device", EXTRA], **{EXTRA: {"owner": "o", "room": room}})
    with pytest.raises(Mutability, match="value: is immutable"):
        run(DEVICE, document, op("remove", EXTRA))


def test_document_that_lacks_a_required_attribute_already_can_still_be_patched() -> None:
    document = {"schemas": [urns.USER], "title": "T"}
    result = run(USER, document, op("replace", "active", False), op("remove", "title"))
    assert result == {"schemas": [urns.USER], "active": False}


def test_one_of_two_attributes_lacking_already_may_be_given_and_taken_again() -> None:
    document = {"schemas": ["urn:example:params:Device"], "slots": [{"size": 1}]}
    given = run(DEVICE, document, op("add", "serial", "s"))
    assert given == {**document, "serial": "s"}
    assert run(DEVICE, document, op("add", "serial", "s"), op("remove", "serial")) == document


def test_the_operation_to_blame_is_the_one_that_left_the_attribute_without_a_value() -> None:
    with pytest.raises(Mutability, match=r"operation 3 \(remove userName\)"):
        run(
            USER,
            DOCUMENT,
            op("remove", "userName"),
            op("add", "userName", "bob"),
            op("remove", "userName"),
            op("add", "title", "x"),
        )


def test_id_of_a_full_document_may_be_repeated_but_not_changed() -> None:
    document = {**DOCUMENT, "id": "1"}
    assert run(USER, document, op("replace", "id", "1")) == document
    with pytest.raises(Mutability):
        run(USER, document, op("replace", "id", "2"))


GROUP_DOCUMENT = {
    "schemas": [urns.GROUP],
    "displayName": "g",
    "members": [{"value": "1", "display": "One", "type": "User"}, {"value": "2", "type": "User"}],
}
ONE, TWO = GROUP_DOCUMENT["members"]
NEW = {"display": "Babs Jensen", "$ref": "https://example.com/v2/Users/3", "value": "3"}

# The examples of §3.5.2.1 to §3.5.2.3 on groups.
GROUPS: dict[str, tuple[Operations, list[Any]]] = {
    "add a member": ([op("add", "members", [NEW])], [ONE, TWO, NEW]),
    "remove a member": ([op("remove", 'members[value eq "1"]')], [TWO]),
    "remove all members": ([op("remove", "members")], []),
    "remove a member and add another": (
        [op("remove", 'members[value eq "1"]'), op("add", "members", [NEW])],
        [TWO, NEW],
    ),
    "replace all members": ([op("remove", "members"), op("add", "members", [NEW, ONE])], [NEW, ONE]),
    "replace members": ([op("replace", "members", [NEW])], [NEW]),
    "display of a member": (
        [op("replace", 'members[value eq "2"].display', "Two")],
        [ONE, {**TWO, "display": "Two"}],
    ),
    "remove those listed": (
        [op("Remove", "members", [{"value": "2", "type": "user", "display": "?"}])],
        [ONE],
    ),
}


@pytest.mark.parametrize("case", GROUPS.values(), ids=GROUPS)
def test_patch_of_a_group(case: tuple[Operations, list[Any]]) -> None:
    operations, members = case
    assert run(GROUP, GROUP_DOCUMENT, *operations) == changed(GROUP_DOCUMENT, members=members or None)


def test_value_of_a_member_is_immutable() -> None:
    with pytest.raises(Mutability):
        run(GROUP, GROUP_DOCUMENT, op("replace", 'members[value eq "1"].value', "9"))


def test_message_is_read_without_regard_to_letter_case() -> None:
    message = {
        "SCHEMAS": [urns.PATCH_OP.upper()],
        "operations": [{"OP": "Replace", "PATH": "title", "VALUE": None}],
    }
    (operation,) = parse_patch(message)
    assert operation == Operation("replace", parse_path("title"), None)
    assert operation.number == 1


def test_no_value_is_not_null() -> None:
    without, null = parse_patch(body(op("remove", "title"), op("remove", "title", None)))
    assert without.value is ABSENT
    assert null.value is None


def test_a_path_leads_where_its_type_says_however_often_it_was_read() -> None:
    operations = parse_patch(body(op("add", "displayName", "a")))
    for t in (USER, GROUP, USER, GROUP):
        assert apply(operations, t, {"userName": "u"})["displayName"] == "a"


def test_a_path_need_not_be_read_from_a_text() -> None:
    operations = [Operation("add", Path(AttrPath(None, name)), name) for name in ("title", "nickName")]
    changed = apply(operations, USER, {"userName": "u"})
    assert (changed["title"], changed["nickName"]) == ("title", "nickName")


def test_path_null_is_no_path() -> None:
    (operation,) = parse_patch(body({"op": "add", "path": None, "value": {"title": "x"}}))
    assert operation.path is None


MESSAGES: dict[str, tuple[Any, type[ScimError], str]] = {
    "no object": ([], InvalidSyntax, "must be a JSON object"),
    "no schemas": ({"Operations": [op("remove", "title")]}, InvalidSyntax, urns.PATCH_OP),
    "other schemas": (
        {"schemas": [urns.USER], "Operations": [op("remove", "title")]},
        InvalidSyntax,
        urns.PATCH_OP,
    ),
    "no Operations": (
        {"schemas": [urns.PATCH_OP]},
        InvalidSyntax,
        "'Operations' must be a list of operations, found null",
    ),
    "Operations an object": (
        {"schemas": [urns.PATCH_OP], "Operations": op("remove", "title")},
        InvalidSyntax,
        "found an object",
    ),
    "Operations empty": (body(), InvalidSyntax, "at least one operation"),
    "Operations twice": ({**body(op("remove", "title")), "OPERATIONS": []}, InvalidSyntax, "twice"),
    "operation a string": (
        {"schemas": [urns.PATCH_OP], "Operations": ["add"]},
        InvalidSyntax,
        "operation 1 must be a JSON object",
    ),
    "no op": (
        body(op("remove", "title"), {"path": "title"}),
        InvalidSyntax,
        "operation 2: 'op' must be add, replace or remove, found null",
    ),
    "unknown op": (body(op("move", "title")), InvalidSyntax, 'found the string "move"'),
    "op a list": (body({"op": ["add"]}), InvalidSyntax, "found a list"),
    "op twice": (body({"op": "add", "OP": "remove"}), InvalidSyntax, "twice"),
    "path a number": (
        body({"op": "add", "path": 1, "value": 1}),
        InvalidSyntax,
        "operation 1: 'path' must be a string, found the number 1",
    ),
    "add without a value": (body(op("add", "title")), InvalidValue, "operation 1 (add): 'value' is missing"),
    "replace without a value": (body(op("replace", "title")), InvalidValue, "'value' is missing"),
    "too many": (body(*[op("remove", "title")] * (MAX_OPERATIONS + 1)), PayloadTooLarge, "10001 operations"),
}


@pytest.mark.parametrize("case", MESSAGES.values(), ids=MESSAGES)
def test_no_patch_message(case: tuple[Any, type[ScimError], str]) -> None:
    message, error, text = case
    with pytest.raises(error) as caught:
        parse_patch(message)
    assert type(caught.value) is error
    assert text in caught.value.detail
