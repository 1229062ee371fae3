"""Profiles: each rewrite by a table of what goes in and what comes out, and what the core makes of it."""

import copy
from typing import Any

import pytest

from rosterd.scim import urns
from rosterd.scim.check import create
from rosterd.scim.patch import apply, parse_patch
from rosterd.scim.profiles import OPTIONS, PROFILES, REWRITES, Kind, options, rewrite
from rosterd.scim.profiles.schemas import LEGACY
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_MODEL

USER, GROUP = CORE_MODEL.types["User"], CORE_MODEL.types["Group"]
E = urns.ENTERPRISE_USER
MANAGER = f"{E}:manager"
WORK = 'emails[type eq "work"]'

CUSTOM = Model.build(
    [
        {
            "id": "urn:example:Thing",
            "name": "Thing",
            "attributes": [
                {"name": "count", "type": "integer"},
                {"name": "weight", "type": "decimal"},
                {"name": "tags", "multiValued": True},
                {"name": "flags", "type": "boolean", "multiValued": True},
                {"name": "sealed", "type": "boolean", "mutability": "readOnly"},
                {"name": "when", "type": "dateTime"},
            ],
        }
    ],
    [{"name": "Thing", "endpoint": "/Things", "schema": "urn:example:Thing"}],
).types["Thing"]
TYPES = {"User": USER, "Group": GROUP, "Thing": CUSTOM}


def patch(*operations: object) -> dict[str, object]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


# (rewrites that act, resource type, document in, document out)
DOCUMENTS: list[tuple[tuple[str, ...], str, dict[str, Any], dict[str, Any]]] = [
    (
        (),
        "User",
        {"userName": "a", "active": True, "groups": [], "emails": [{"value": "x", "primary": True}]},
        {},
    ),
    ((), "User", {"userName": "a", "groups": "ignored anyway", "meta": {"created": 1}, "id": 5}, {}),
    (
        (),
        "User",
        {"userName": "a", "name": "no value in a name", "active": "perhaps", "emails": [[1, 2]]},
        {},
    ),
    (
        (),
        "User",
        {"userName": "a", "title": True, "nickName": {"x": 1}, "locale": ["a", "b"], "name": None},
        {},
    ),
    (("boolean-from-string",), "User", {"active": "True"}, {"active": True}),
    (("boolean-from-string",), "User", {"Active": " false "}, {"Active": False}),
    (
        ("boolean-from-string",),
        "User",
        {"emails": [{"value": "x", "Primary": "True"}, {"value": "y", "primary": "False"}]},
        {"emails": [{"value": "x", "Primary": True}, {"value": "y", "primary": False}]},
    ),
    (
        ("string-from-number",),
        "User",
        {
            "externalId": 701984,
            "addresses": [{"postalCode": 91608}],
            E: {"costCenter": 4130, "division": 1.5},  # written so, or 1.50? It is refused
        },
        {
            "externalId": "701984",
            "addresses": [{"postalCode": "91608"}],
            E: {"costCenter": "4130", "division": 1.5},
        },
    ),
    (("object-from-value",), "User", {E: {"manager": "m"}}, {E: {"manager": {"value": "m"}}}),
    (
        ("object-from-value", "string-from-number"),
        "User",
        {E: {"Manager": 7}},
        {E: {"Manager": {"value": "7"}}},
    ),
    (("single-from-list",), "User", {E: {"manager": [{"value": "m"}]}}, {E: {"manager": {"value": "m"}}}),
    (("empty-reference",), "User", {E: {"manager": ""}}, {E: {"manager": None}}),
    (("empty-reference",), "User", {E: {"manager": {"value": ""}}}, {E: {"manager": None}}),
    (("single-from-list",), "User", {"title": ["T"]}, {"title": "T"}),
    (("list-from-single",), "User", {"emails": {"value": "x"}}, {"emails": [{"value": "x"}]}),
    (("list-from-single", "object-from-value"), "User", {"emails": "x"}, {"emails": [{"value": "x"}]}),
    (
        ("object-from-value",),
        "Group",
        {"members": ["1", {"value": "2"}]},
        {"members": [{"value": "1"}, {"value": "2"}]},
    ),
    (
        ("display-from-displayName",),
        "Group",
        {"members": [{"value": "1", "displayName": "A"}, {"value": "2", "display": "B", "DisplayName": "C"}]},
        {"members": [{"value": "1", "display": "A"}, {"value": "2", "display": "B"}]},
    ),
    (
        ("one-primary",),
        "User",
        {"emails": [{"value": "a"}, {"value": "b", "primary": True}, {"value": "c", "Primary": True}]},
        {"emails": [{"value": "a"}, {"value": "b", "primary": True}, {"value": "c"}]},
    ),
    (
        ("one-primary", "boolean-from-string"),
        "User",
        {"roles": [{"value": "a", "primary": "true"}, {"value": "b", "primary": "true"}]},
        {"roles": [{"value": "a", "primary": True}, {"value": "b"}]},
    ),
    (("number-from-string",), "Thing", {"count": "25", "weight": " -1.5 "}, {"count": 25, "weight": -1.5}),
    (("number-from-string",), "Thing", {"weight": "3"}, {"weight": 3}),
    ((), "Thing", {"count": "1.5", "weight": "1e5", "sealed": "True", "when": 5}, {}),
    (
        ("list-from-single", "boolean-from-string", "string-from-number"),
        "Thing",
        {"tags": 1, "flags": ["True", False]},
        {"tags": ["1"], "flags": [True, False]},
    ),
    (
        ("single-from-list", "value-from-object"),
        "User",
        {"displayName": [{"$ref": None, "value": "A"}]},
        {"displayName": "A"},
    ),
    ((), "User", {"displayName": {"value": "A", "other": 1}}, {}),
]

SCHEMAS: list[tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = [
    (("core-schema-added",), {"userName": "a"}, {"userName": "a", "schemas": [urns.USER]}),
    (("core-schema-added",), {"schemas": []}, {"schemas": [urns.USER]}),
    (("core-schema-added",), {"schemas": urns.USER}, {"schemas": [urns.USER]}),
    (("core-schema-added",), {"Schemas": [E]}, {"schemas": [urns.USER, E]}),
    ((), {"Schemas": [urns.USER.upper(), E]}, {"Schemas": [urns.USER.upper(), E]}),
    ((), {"schemas": [urns.USER, 5]}, {"schemas": [urns.USER, 5]}),
    ((), {"schemas": [urns.USER, {}]}, {"schemas": [urns.USER, {}]}),
    (
        ("unknown-schemas",),
        {"schemas": [urns.USER, "urn:example:x"], "urn:example:x": {"a": 1}, "URN:EXAMPLE:y:z": 1},
        {"schemas": [urns.USER]},
    ),
    (
        ("unknown-schemas", "core-schema-added"),
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]},
        {"schemas": [urns.USER]},
    ),
    (
        ("legacy-schemas",),
        {
            "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:enterprise:1.0"],
            "urn:scim:schemas:extension:enterprise:1.0": {"department": "D"},
        },
        {"schemas": [urns.USER, E], E: {"department": "D"}},
    ),
    (
        ("legacy-schemas",),
        {"schemas": ["urn:scim:schemas:core:2.0:User", urns.USER]},
        {"schemas": [urns.USER]},
    ),
    (
        ("unknown-schemas",),
        {
            "schemas": [urns.USER],
            E: {"division": "1"},
            "urn:scim:schemas:extension:enterprise:1.0": {"division": "2"},
        },
        {"schemas": [urns.USER], E: {"division": "1"}},
    ),
]

# (rewrites that act, resource type, operations in, operations out)
PATCHES: list[tuple[tuple[str, ...], str, list[Any], list[Any]]] = [
    ((), "User", [{"op": "Replace", "path": "active", "value": False}], []),
    (
        (),
        "User",
        [{"op": "replace", "value": {"active": False, "id": "x"}}, {"op": "remove", "path": "title"}],
        [],
    ),
    (
        (),
        "User",
        ["x", 5, None, {"op": 5, "path": 6, "value": 7}, {"path": "a["}, {"op": "x", "path": "no"}],
        [],
    ),
    ((), "Group", [{"op": "Add", "path": "members", "value": [{"value": "1"}]}], []),
    ((), "User", [{"op": "replace", "path": WORK, "value": {"value": "x"}}], []),
    (
        ("operation-names",),
        "User",
        [{"Op": "Add", "PATH": "title", "Value": "T", "name": "n"}],
        [{"op": "Add", "path": "title", "value": "T", "name": "n"}],
    ),
    (
        ("empty-path",),
        "User",
        [{"op": "add", "path": "", "value": {"a": 1}}],
        [{"op": "add", "value": {"a": 1}}],
    ),
    (
        ("boolean-from-string",),
        "User",
        [{"op": "Replace", "path": "active", "value": "False"}, {"op": "Add", "value": {"active": "True"}}],
        [{"op": "Replace", "path": "active", "value": False}, {"op": "Add", "value": {"active": True}}],
    ),
    (
        ("boolean-from-string",),
        "User",
        [{"op": "Add", "path": f"{WORK}.primary", "value": "True"}],
        [{"op": "Add", "path": f"{WORK}.primary", "value": True}],
    ),
    (
        ("single-from-list", "value-from-object"),
        "User",
        [{"op": "Replace", "path": "displayName", "value": [{"$ref": None, "value": "A"}]}],
        [{"op": "Replace", "path": "displayName", "value": "A"}],
    ),
    (
        ("single-from-list", "value-from-object", "boolean-from-string"),
        "User",
        [{"op": "Replace", "path": "active", "value": [{"value": "False"}]}],
        [{"op": "Replace", "path": "active", "value": False}],
    ),
    (
        ("single-from-list",),
        "User",
        [{"op": "Add", "path": WORK, "value": [{"value": "x"}]}],
        [{"op": "Add", "path": WORK, "value": {"value": "x"}}],
    ),
    (
        ("dotted-keys",),
        "User",
        [
            {
                "op": "Add",
                "value": {"name.familyName": "X", "title": "T", f"{E}:department": "Y", f"{WORK}.value": "z"},
            }
        ],
        [
            {"op": "Add", "value": {"title": "T"}},
            {"op": "Add", "path": "name.familyName", "value": "X"},
            {"op": "Add", "path": f"{E}:department", "value": "Y"},
            {"op": "Add", "path": f"{WORK}.value", "value": "z"},
        ],
    ),
    (
        ("dotted-keys", "replace-creates"),
        "User",
        [
            {
                "op": "Replace",
                "path": None,
                "value": {f"{WORK}.value": "z", f"{MANAGER}.displayName": "readOnly"},
            }
        ],
        [{"op": "add", "path": f"{WORK}.value", "value": "z"}],
    ),
    ((), "User", [{"op": "Replace", "value": {"name.nothing": "X", E: {"division": "D"}, "a:b": 1}}], []),
    (
        ("replace-creates",),
        "User",
        [{"op": "Replace", "path": f"{WORK}.value", "value": "x"}],
        [{"op": "add", "path": f"{WORK}.value", "value": "x"}],
    ),
    (
        ("null-removes",),
        "User",
        [
            {"op": "Replace", "path": f"{WORK}.value", "value": None},
            {"op": "add", "path": "title", "value": None},
        ],
        [{"op": "remove", "path": f"{WORK}.value"}, {"op": "add", "path": "title", "value": None}],
    ),
    (
        ("object-from-value",),
        "User",
        [{"op": "Add", "path": MANAGER, "value": "m"}],
        [{"op": "Add", "path": MANAGER, "value": {"value": "m"}}],
    ),
    (
        ("empty-reference-value",),
        "User",
        [
            {"op": "Replace", "path": f"{MANAGER}.value", "value": ""},
            {"op": "add", "path": "title", "value": ""},
        ],
        [{"op": "remove", "path": MANAGER}, {"op": "add", "path": "title", "value": ""}],
    ),
    (
        ("empty-reference", "null-removes"),
        "User",
        [{"op": "Replace", "path": MANAGER, "value": ""}],
        [{"op": "remove", "path": MANAGER}],
    ),
    (
        ("single-from-list", "value-from-object", "null-removes"),
        "User",
        [
            {"op": "Replace", "path": "title", "value": [None]},
            {"op": "replace", "path": "nickName", "value": {"value": None}},
            {"op": "add", "path": "title", "value": [None]},
        ],
        [
            {"op": "remove", "path": "title"},
            {"op": "remove", "path": "nickName"},
            {"op": "add", "path": "title", "value": None},
        ],
    ),
    (
        ("object-from-value",),
        "User",
        [
            {"op": "Replace", "path": E, "value": {"manager": "m"}},
            {"op": "Replace", "value": {E: {"manager": "m"}}},
        ],
        [
            {"op": "Replace", "path": E, "value": {"manager": {"value": "m"}}},
            {"op": "Replace", "value": {E: {"manager": {"value": "m"}}}},
        ],
    ),
    (
        ("list-from-single", "object-from-value"),
        "Group",
        [{"op": "add", "path": "members", "value": "string id 1"}],
        [{"op": "add", "path": "members", "value": [{"value": "string id 1"}]}],
    ),
    (
        ("object-from-value",),
        "Group",
        [{"op": "Remove", "path": "members", "value": ["1"]}],
        [{"op": "Remove", "path": "members", "value": [{"value": "1"}]}],
    ),
    (
        ("display-from-displayName",),
        "Group",
        [{"op": "add", "path": "members", "value": [{"displayName": "new User", "value": "4"}]}],
        [{"op": "add", "path": "members", "value": [{"value": "4", "display": "new User"}]}],
    ),
    (
        ("patch-legacy-schemas",),
        "User",
        [
            {"op": "add", "path": "urn:scim:schemas:extension:enterprise:1.0:department", "value": "D"},
            {"op": "add", "value": {"urn:scim:schemas:extension:enterprise:1.0": {"division": "V"}}},
        ],
        [
            {"op": "add", "path": f"{E}:department", "value": "D"},
            {"op": "add", "value": {E: {"division": "V"}}},
        ],
    ),
    (
        ("patch-unknown-schemas",),
        "User",
        [
            {"op": "add", "path": "urn:example:x:a", "value": "D"},
            {"op": "add", "value": {"urn:example:x": {"a": 1}, "urn:example:x:b": 2, "title": "T"}},
            {"op": "add", "value": {"urn:example:x": {"a": 1}}},
        ],
        [{"op": "add", "value": {"title": "T"}}],
    ),
]


def checked(kind: Kind, type_name: str, body: Any) -> tuple[Any, tuple[str, ...]]:
    before = copy.deepcopy(body)
    result, names = rewrite("auto", kind, TYPES[type_name], body)
    assert body == before, "the input was changed"
    assert (result is body) == (names == ()), "a name for each change, and only for a change"
    again, more = rewrite("auto", kind, TYPES[type_name], result)
    assert (again, more) == (result, ()), "a rewritten message has nothing left to rewrite"
    return result, names


@pytest.mark.parametrize(("names", "type_name", "given", "expected"), DOCUMENTS)
@pytest.mark.parametrize("kind", ["create", "replace"])
def test_documents(
    kind: Kind, names: tuple[str, ...], type_name: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    schemas = {"schemas": [TYPES[type_name].schema.id]}
    assert checked(kind, type_name, given | schemas) == ((expected or given) | schemas, names)


@pytest.mark.parametrize(("names", "given", "expected"), SCHEMAS)
def test_schemas(names: tuple[str, ...], given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert checked("create", "User", given) == (expected, names)


@pytest.mark.parametrize(("names", "type_name", "given", "expected"), PATCHES)
def test_patches(names: tuple[str, ...], type_name: str, given: list[Any], expected: list[Any]) -> None:
    if names == ("patch-unknown-schemas",) or expected:
        assert checked("patch", type_name, patch(*given)) == (patch(*expected), names)
    else:
        assert checked("patch", type_name, patch(*given)) == (patch(*given), ())


@pytest.mark.parametrize(
    "schemas", [{}, {"schemas": []}, {"schemas": [urns.USER]}, {"Schemas": urns.PATCH_OP}, {"schemas": None}]
)
def test_schemas_of_a_patch(schemas: dict[str, object]) -> None:
    result, names = checked("patch", "User", {**schemas, "Operations": []})
    assert (result, names) == ({"schemas": [urns.PATCH_OP], "Operations": []}, ("patch-schema-added",))


@pytest.mark.parametrize("body", [None, [], "x", 5, True])
@pytest.mark.parametrize("kind", ["create", "replace", "patch"])
def test_what_is_no_object_is_left_to_the_core(kind: Kind, body: object) -> None:
    assert rewrite("auto", kind, USER, body) == (body, ())


def test_every_rewrite_is_in_a_case_above() -> None:
    covered = {name for case in (*DOCUMENTS, *SCHEMAS, *PATCHES) for name in case[0]} | {"patch-schema-added"}
    assert covered == {rewrite.name for rewrite in REWRITES}


def test_a_rewrite_has_one_function_and_a_name_of_its_own() -> None:
    assert len({rewrite.name for rewrite in REWRITES}) == len(REWRITES)
    for each in REWRITES:
        of_values = each.values is not None or each.value is not None
        functions = (each.message, each.operation, each.values, each.value)
        assert sum(function is not None for function in functions) == 1
        assert each.description.endswith(".")
        assert each.operation is None or each.applies_to == {"patch"}
        assert not of_values or each.applies_to == {"create", "replace", "patch"}


def test_what_is_no_operation_stays_as_it_is_beside_one_that_changes() -> None:
    given = {"schemas": [urns.PATCH_OP], "Operations": [{"Op": "add"}, [{}], 5]}

    body, names = rewrite("auto", "patch", USER, given)

    assert body == {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add"}, [{}], 5]}
    assert names == ("operation-names",)


def test_profiles() -> None:
    assert set(PROFILES) == {"auto", "okta", "entra", "strict"}
    assert PROFILES["strict"] == ()
    assert PROFILES["auto"] == REWRITES
    assert {name for profile in PROFILES for name in options(profile)} == set(OPTIONS)
    assert options("strict") == frozenset()
    assert "patch-answers-204" in options("entra")
    assert "patch-answers-204" not in options("auto") | options("okta")


def test_strict_rewrites_nothing() -> None:
    for _, type_name, given, _ in DOCUMENTS:
        assert rewrite("strict", "create", TYPES[type_name], given) == (given, ())


def test_no_present_urn_begins_with_a_legacy_one() -> None:
    for legacy in LEGACY:
        for present in (urns.USER, urns.GROUP, E):
            assert not present.casefold().startswith(legacy)


STORED = {
    "schemas": [urns.USER, E],
    "userName": "u",
    "active": True,
    "emails": [{"value": "old", "type": "work"}],
    E: {"department": "d", "manager": {"value": "1"}},
}


@pytest.mark.parametrize(
    ("operations", "changed"),
    [
        ([{"op": "Replace", "path": "active", "value": "False"}], {"active": False}),
        (
            [{"op": "Replace", "path": f"{WORK}.value", "value": "new"}],
            {"emails": [{"value": "new", "type": "work"}]},
        ),
        (
            [{"op": "Replace", "path": 'emails[type eq "home"].value', "value": "h"}],
            {"emails": [{"value": "old", "type": "work"}, {"type": "home", "value": "h"}]},
        ),
        (
            [{"op": "Add", "path": 'roles[primary eq "True"].value', "value": "admin"}],
            {"roles": [{"primary": True, "value": "admin"}]},
        ),
        (
            [{"op": "Replace", "path": MANAGER, "value": "2"}],
            {E: {"department": "d", "manager": {"value": "2"}}},
        ),
        (
            [{"op": "Add", "path": MANAGER, "value": [{"value": "2"}]}],
            {E: {"department": "d", "manager": {"value": "2"}}},
        ),
        ([{"op": "Replace", "path": MANAGER, "value": ""}], {E: {"department": "d"}}),
        ([{"op": "Replace", "path": MANAGER, "value": None}], {E: {"department": "d"}}),
        ([{"op": "Remove", "path": MANAGER}], {E: {"department": "d"}}),
        ([{"op": "Replace", "value": {MANAGER: "", f"{E}:department": "x"}}], {E: {"department": "x"}}),
        (
            [{"op": "Replace", "value": {"name.givenName": "G", "name.familyName": "F", "active": "false"}}],
            {"name": {"givenName": "G", "familyName": "F"}, "active": False},
        ),
        ([{"op": "Replace", "value": {"id": "x", "displayName": 5}}], {"displayName": "5"}),
    ],
)
def test_what_the_core_makes_of_a_patch(operations: list[Any], changed: dict[str, Any]) -> None:
    message, _ = rewrite("auto", "patch", USER, {"Operations": operations})
    result = apply(parse_patch(message), USER, STORED)
    assert result == STORED | changed


def test_what_the_core_makes_of_a_document() -> None:
    given = {
        "userName": "emp1",
        "active": "True",
        "externalId": 701984,
        "emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}],
        "groups": [],
        "name": {"honorificPrefix": None, "familyName": "F"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"Manager": "m", "costCenter": 1},
        "urn:example:unknown": {"a": 1},
        "schemas": ["urn:scim:schemas:core:1.0", "urn:example:unknown"],
    }
    body, _ = rewrite("auto", "create", USER, given)
    assert create(body, USER) == {
        "schemas": [urns.USER, E],
        "userName": "emp1",
        "active": True,
        "externalId": "701984",
        "emails": [{"value": "a", "primary": True}, {"value": "b"}],
        "name": {"familyName": "F"},
        E: {"manager": {"value": "m"}, "costCenter": "1"},
    }
