"""What a change is called, and what its event says."""

import pytest

from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.changes import MEMBERS_PER_EVENT, difference, member_events, update_type
from rosterd.service.ports import MemberChange

URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ({}, {}, {}, {}),
        ({"a": 1}, {"a": 1}, {}, {}),
        ({"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}),
        ({"a": 1}, {}, {"a": 1}, {}),
        ({}, {"a": 1}, {}, {"a": 1}),
        ({"a": False}, {"a": True}, {"a": False}, {"a": True}),
        ({"schemas": ["x"]}, {"schemas": ["x", "y"]}, {}, {}),
        ({URN: {"a": 1, "b": 2}}, {URN: {"a": 1, "b": 3}}, {URN: {"b": 2}}, {URN: {"b": 3}}),
        ({URN: {"a": 1}}, {}, {URN: {"a": 1}}, {}),
        ({URN: {"schemas": 1}}, {URN: {"schemas": 2}}, {URN: {"schemas": 1}}, {URN: {"schemas": 2}}),
    ],
)
def test_an_event_holds_only_what_differs(before: dict, after: dict, old: dict, new: dict) -> None:
    assert difference(before, after) == {"before": old, "after": new}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, "user.updated"),
        ({"active": True}, {"active": False}, "user.deactivated"),
        ({}, {"active": False}, "user.deactivated"),
        ({"active": False}, {"active": True}, "user.activated"),
        ({"active": False}, {}, "user.activated"),
        ({"active": False}, {"active": False}, "user.updated"),
    ],
)
def test_the_event_is_named_after_what_became_of_the_account(
    before: dict, after: dict, expected: str
) -> None:
    assert update_type(CORE_MODEL.types["User"], before, after) == expected


def test_a_large_membership_change_becomes_several_events() -> None:
    ids = tuple(str(n) for n in range(MEMBERS_PER_EVENT + 1))
    told = list(member_events(MemberChange(added=ids, removed=("x",), pending_added=("p",))))
    assert [(verb, data["count"], data.get("pending")) for verb, data in told] == [
        ("member_removed", 1, None),
        ("member_added", MEMBERS_PER_EVENT, ["p"]),
        ("member_added", 1, None),
    ]
