"""membership: what a PATCH says about a group's members becomes set operations, and nothing else."""

import copy
from typing import Any

import pytest

from rosterd.scim import check, urns
from rosterd.scim.bind import bind_values
from rosterd.scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, ScimError
from rosterd.scim.filter import Bound, parse_filter
from rosterd.scim.membership import (
    MAX_VALUE,
    Add,
    Clear,
    Member,
    MemberOp,
    Remove,
    RemoveWhere,
    Replace,
    SetDisplay,
    chosen,
    members_of,
    split,
)
from rosterd.scim.patch import Operation, parse_patch
from rosterd.scim.path import parse_path
from rosterd.scim.schema import Ref
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
MEMBERS = GROUP.schema.by_name["members"]
MISSING: Any = object()


def where(text: str) -> Bound:
    return bind_values(parse_filter(text), Ref(None, MEMBERS), GROUP)


def op(name: str, path: str | None = None, value: Any = MISSING) -> dict[str, Any]:
    operation = {"op": name, "path": path, "value": value}
    return {key: item for key, item in operation.items() if item is not MISSING}


def run(*operations: dict[str, Any]) -> tuple[tuple[Operation, ...], tuple[MemberOp, ...]]:
    message = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    sent = copy.deepcopy(message)
    try:
        return split(parse_patch(message), GROUP)
    finally:
        assert message == sent


FULL = {"value": "1", "display": "One", "type": "User", "$ref": "https://example.com/v2/Users/1"}
ONE = Member("1", "User", "One")
TWO = Member("2")

CHANGES: dict[str, tuple[list[dict[str, Any]], list[MemberOp]]] = {
    "add": ([op("add", "members", [FULL, {"value": "2"}])], [Add((ONE, TWO))]),
    "add one without its list": ([op("add", "members", FULL)], [Add((ONE,))]),
    "add with the group's URN": ([op("Add", f"{urns.GROUP}:MEMBERS", [{"VALUE": "2"}])], [Add((TWO,))]),
    "add none": ([op("add", "members", []), op("add", "members", None)], []),
    "add, empty type and display": (
        [op("add", "members", [{"value": "2", "type": "", "display": ""}])],
        [Add((TWO,))],
    ),
    "replace": ([op("replace", "members", [FULL])], [Replace((ONE,))]),
    "replace by none": ([op("replace", "members", [])], [Replace(())]),
    "replace by null": ([op("replace", "members", None)], [Replace(())]),
    "remove all": ([op("remove", "members")], [Clear()]),
    "remove all, value null": ([op("remove", "members", None)], [Clear()]),
    "remove those listed": ([op("Remove", "members", [{"value": "2"}, FULL])], [Remove(("2", "1"))]),
    "remove one listed": ([op("remove", "members", {"value": "2"})], [Remove(("2",))]),
    "remove none listed": ([op("remove", "members", [])], []),
    "remove by value": ([op("remove", 'members[value eq "1"]')], [Remove(("1",))]),
    "remove by value, letter case": ([op("remove", 'Members[Value EQ "aB"]')], [Remove(("aB",))]),
    "remove by values": (
        [op("remove", 'members[value eq "1" or value eq "2" or (value eq "3")]')],
        [Remove(("1", "2", "3"))],
    ),
    "remove by value and type": (
        [op("remove", 'members[value eq "1" and type eq "User"]')],
        [RemoveWhere(where('value eq "1" and type eq "User"'))],
    ),
    "remove by type": ([op("remove", 'members[type eq "Group"]')], [RemoveWhere(where('type eq "Group"'))]),
    "remove by value or type": (
        [op("remove", 'members[value eq "1" or type eq "Group"]')],
        [RemoveWhere(where('value eq "1" or type eq "Group"'))],
    ),
    "remove by other than value": (
        [op("remove", 'members[value ne "1"]')],
        [RemoveWhere(where('value ne "1"'))],
    ),
    "remove by no value": ([op("remove", "members[value eq null]")], [RemoveWhere(where("value eq null"))]),
    "replace by nothing through a filter": ([op("replace", 'members[value eq "1"]', None)], [Remove(("1",))]),
    "add by value": (
        [op("add", 'members[value eq "1"]', {"display": "D"})],
        [Add((Member("1", None, "D"),))],
    ),
    "add by value and type": (
        [op("add", 'members[value eq "1" and type eq "User"]', {"value": "1", "display": "One"})],
        [Add((ONE,))],
    ),
    "add nothing by value": (
        [op("add", 'members[value eq "1"]', None), op("add", 'members[value eq "1"]', {})],
        [],
    ),
    "add to some": (
        [op("add", 'members[type eq "User"]', {"display": "D"})],
        [SetDisplay(where('type eq "User"'), "D")],
    ),
    "add what is so to some": ([op("add", 'members[type eq "User"]', {"type": "User"})], []),
    "replace some": (
        [op("replace", 'members[value eq "1"]', {"value": "1", "display": "D"})],
        [SetDisplay(where('value eq "1"'), "D")],
    ),
    "replace some, without display": (
        [op("replace", 'members[value eq "1"]', {"value": "1"})],
        [SetDisplay(where('value eq "1"'), None)],
    ),
    "display": (
        [op("replace", 'members[value eq "1"].display', "D")],
        [SetDisplay(where('value eq "1"'), "D")],
    ),
    "display added": ([op("add", 'members[value eq "1"].display', "D")], [Add((Member("1", None, "D"),))]),
    "display added to some": (
        [op("add", 'members[type eq "User"].display', "D")],
        [SetDisplay(where('type eq "User"'), "D")],
    ),
    "display added, null": ([op("add", 'members[value eq "1"].display', None)], []),
    "display removed": (
        [op("remove", 'members[value eq "1"].display')],
        [SetDisplay(where('value eq "1"'), None)],
    ),
    "display by null": (
        [op("replace", 'members[value eq "1"].display', None)],
        [SetDisplay(where('value eq "1"'), None)],
    ),
    "display of all": ([op("replace", "members.display", "D")], [SetDisplay(where("value pr"), "D")]),
    "display of all, removed": ([op("remove", "members.display")], [SetDisplay(where("value pr"), None)]),
    "no path": ([op("add", None, {"members": [FULL]})], [Add((ONE,))]),
    "no path, replace": ([op("replace", None, {"MEMBERS": [FULL]})], [Replace((ONE,))]),
    "no path, replace by none": ([op("replace", None, {"members": []})], [Replace(())]),
    "order": (
        [
            op("add", "members", [{"value": "2"}]),
            op("remove", 'members[value eq "1"]'),
            op("remove", "members"),
            op("add", None, {"members": [FULL]}),
        ],
        [Add((TWO,)), Remove(("1",)), Clear(), Add((ONE,))],
    ),
    "greatest value": (
        [op("add", "members", [{"value": "x" * MAX_VALUE}])],
        [Add((Member("x" * MAX_VALUE),))],
    ),
}


@pytest.mark.parametrize("case", CHANGES.values(), ids=CHANGES)
def test_split(case: tuple[list[dict[str, Any]], list[MemberOp]]) -> None:
    operations, expected = case
    assert run(*operations) == ((), tuple(expected))


def test_the_rest_is_left_with_its_numbers() -> None:
    rest, changes = run(
        op("remove", 'members[value eq "1"]'),
        op("replace", None, {"id": "g", "displayName": "G", "members": [{"value": "2"}]}),
        op("replace", "displayName", "H"),
        op("add", None, {"displayName": "I"}),
    )
    assert changes == (Remove(("1",)), Replace((TWO,)))
    assert rest == (
        Operation("replace", None, {"id": "g", "displayName": "G"}),
        Operation("replace", parse_path("displayName"), "H"),
        Operation("add", None, {"displayName": "I"}),
    )
    assert [operation.number for operation in rest] == [2, 3, 4]


@pytest.mark.parametrize("value", ["x", None, []])
def test_what_is_no_object_is_left_for_apply_to_refuse(value: object) -> None:
    rest, changes = run(op("add", None, value))
    assert (len(rest), changes) == (1, ())


def test_other_types_are_left_alone() -> None:
    operations = parse_patch(
        {"schemas": [urns.PATCH_OP], "Operations": [op("add", None, {"members": [FULL]})]}
    )
    assert split(operations, USER) == (operations, ())


REFUSED: dict[str, tuple[dict[str, Any], type[ScimError], str]] = {
    "value of a member": (
        op("replace", 'members[value eq "1"].value', "2"),
        Mutability,
        "operation 1 (replace members[value eq \"1\"].value): 'value' is immutable",
    ),
    "type of a member": (op("add", 'members[value eq "1"].type', "User"), Mutability, "'type' is immutable"),
    "$ref of a member": (op("remove", 'members[value eq "1"].$ref'), Mutability, "'$ref' is immutable"),
    "value of all": (op("replace", "members.value", "2"), Mutability, "'value' is immutable"),
    "another value": (
        op("replace", 'members[value eq "1"]', {"value": "2"}),
        Mutability,
        "value: is immutable",
    ),
    "another type": (op("add", 'members[value eq "1"]', {"type": "User"}), Mutability, "type: is immutable"),
    "value missing": (
        op("add", "members", [FULL, {"display": "x"}]),
        InvalidValue,
        "operation 1 (add members): [1].value: the member's id is required",
    ),
    "value missing, no path": (
        op("add", None, {"members": [{"display": "x"}]}),
        InvalidValue,
        "operation 1 (add): members[0].value: the member's id is required",
    ),
    "value empty": (op("replace", "members", [{"value": ""}]), InvalidValue, "[0].value: the member's id"),
    "value too long": (
        op("add", "members", [{"value": "x" * (MAX_VALUE + 1)}]),
        InvalidValue,
        "[0].value: has 1025 characters, at most 1024 are kept",
    ),
    "value a number": (op("add", "members", [{"value": 1}]), InvalidValue, "[0].value: expected a string"),
    "a string": (op("add", "members", ["1"]), InvalidValue, "[0]: expected an object"),
    "removed by a string": (op("remove", "members", ["1"]), InvalidValue, "[0]: expected an object"),
    "removed without a value": (
        op("remove", "members", [{"type": "User"}]),
        InvalidValue,
        "[0].value: the member's id",
    ),
    "replaced by one": (op("replace", "members", FULL), InvalidValue, "expected a list of values"),
    "display a number": (
        op("replace", 'members[value eq "1"].display', 1),
        InvalidValue,
        "expected a string",
    ),
    "unknown sub-attribute": (
        op("add", "members.rank", 1),
        InvalidPath,
        "'members' has no sub-attribute 'rank'",
    ),
    "unknown one behind a filter": (
        op("add", 'members[value eq "1"].rank', 1),
        InvalidPath,
        "no sub-attribute 'rank'",
    ),
    "unknown one in a filter": (
        op("remove", "members[rank pr]"),
        InvalidFilter,
        "operation 1 (remove members[rank pr])",
    ),
    "unknown attribute": (op("add", "member", [FULL]), InvalidPath, "Group has no attribute 'member'"),
    "members twice": (
        op("add", None, {"members": [], "MEMBERS": []}),
        InvalidSyntax,
        "members: is given twice",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case: tuple[dict[str, Any], type[ScimError], str]) -> None:
    operation, error, text = case
    with pytest.raises(error) as caught:
        run(operation)
    assert type(caught.value) is error
    assert text in caught.value.detail


def group(**attributes: Any) -> dict[str, Any]:
    return check.create({"schemas": [urns.GROUP], "displayName": "g", **attributes}, GROUP)


def test_members_of_a_document() -> None:
    assert members_of(group(members=[FULL, {"value": "2"}])) == (ONE, TWO)
    assert members_of(group()) == ()


def test_members_of_a_document_have_values() -> None:
    with pytest.raises(InvalidValue, match=r"members\[1\]\.value: the member's id is required"):
        members_of(group(members=[FULL, {"type": "User"}]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('value eq "1"', True),
        ('value eq "2"', False),
        ('type eq "USER" and display sw "o"', True),
        ("not (display pr)", False),
        ("$ref pr", False),
    ],
)
def test_chosen(text: str, expected: bool) -> None:
    assert chosen([ONE], where(text), GROUP) == ([ONE] if expected else [])
