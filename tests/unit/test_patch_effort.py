"""What a PATCH may cost is bounded before anything is done: values gone through, and walks over members."""

from typing import Any

import pytest

from rosterd.scim import patch, urns
from rosterd.scim.errors import PayloadTooLarge
from rosterd.scim.filter import comparisons
from rosterd.scim.grammar import LIMITS
from rosterd.scim.membership import COMPARED, MOST_CHOICES, split
from rosterd.scim.patch import PATCH_STEPS, Operation, apply, parse_patch
from rosterd.scim.path import parse_path
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
MAILS = [{"value": f"a{number}@x"} for number in range(2000)]
PARTS = [{"region": "a"}, {"region": "b"}, {"country": "b"}, {"region": "a", "country": "b"}]
"""Three ways to say which addresses are meant, of five parts."""
LONGEST = " or ".join(['type eq "w"'] * LIMITS.comparisons)


def operations(count: int, path: str | None, value: Any = None, op: str = "add") -> tuple[Operation, ...]:
    one = {"op": op, "value": value} | ({} if path is None else {"path": path})
    return parse_patch({"schemas": [urns.PATCH_OP], "Operations": [one] * count})


@pytest.mark.parametrize(
    ("todo", "values", "steps"),
    [
        (operations(2, "title", "x"), 5, (5 + 2) * 2),
        (operations(3, "emails", MAILS[:4]), 5, (5 + 3 * 4) * 3),
        (operations(3, None, {"title": "x", "emails": MAILS[:4]}), 5, (5 + 3 * 4) * 3),
        (operations(3, None, {urns.ENTERPRISE_USER: {"some": MAILS[:4]}}), 5, (5 + 3 * 4) * 3),
        (operations(2, 'emails[value eq "x"].type', "x"), 5, (5 + 2) * 2),
        (operations(2, 'emails[not (value eq "x" or type pr)]', {}, "remove"), 5, 5 * 2 * 2),
        (operations(2, "emails", [{**MAILS[0], "type": "x" * 600}]), 5, (5 + 2 * (1 + 1 + 4)) * 2),
        (operations(3, "addresses", {"region": "a", "country": "b"}), 1, (1 + 3) * 3),
        (operations(3, "addresses", [{"region": "a", "country": "b"}] * 4), 1, (1 + 3 * 8) * 3),
        (operations(1, "addresses", PARTS, "remove"), 1, (1 + 5) * 3),
        (operations(2, "addresses", PARTS, "remove"), 1, (1 + 2 * 5) * 3 * 2),
        (operations(3, urns.ENTERPRISE_USER, {"some": [{"parts": ["a", "b"]}, "c"]}), 1, (1 + 3 * 3) * 3),
        (operations(1, 'emails[not (value eq "x" or type pr)]', {}, "remove"), 5, 5 * 2),
        (operations(2, "title", "x" * 383), 1, (1 + 2 * 3) * 2),
        (operations(2, "emails", MAILS[:4]) + operations(1, "title", "x"), 0, (1 + 2 * 4 + 1) * 3),
    ],
)
def test_several_operations_are_refused_if_they_go_to_too_many_values(
    todo: tuple[Operation, ...], values: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"userName": "ann", "title": "x", "emails": MAILS[:values]} if values else {"userName": "ann"}
    monkeypatch.setattr(patch, "PATCH_STEPS", steps - 1)
    with pytest.raises(PayloadTooLarge, match=f"^{len(todo)} of 'Operations' .* are too much in one PATCH"):
        apply(todo, USER, document)
    monkeypatch.setattr(patch, "PATCH_STEPS", steps)
    apply(todo, USER, document, ignore_unmatched_removes=True)


def test_one_operation_is_not_refused_for_a_long_filter_or_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = parse_path(f"emails[{LONGEST}]")
    assert path.filter is not None
    assert comparisons(path.filter) == LIMITS.comparisons
    document = {"userName": "ann", "emails": MAILS}
    assert (
        apply([Operation("remove", path)], USER, document, ignore_unmatched_removes=True)["emails"] == MAILS
    )
    assert len(MAILS) * LIMITS.comparisons < PATCH_STEPS
    monkeypatch.setattr(patch, "PATCH_STEPS", 0)
    assert apply(operations(1, "emails", MAILS), USER, document)["emails"] == MAILS


@pytest.mark.parametrize(
    ("path", "value", "op"),
    [
        ('members[display eq "x"]', None, "remove"),
        ('members[value eq "x"].display', "X", "replace"),
        ("members.display", "X", "replace"),
    ],
)
def test_few_operations_choose_among_all_members(path: str, value: Any, op: str) -> None:
    assert len(split(operations(MOST_CHOICES, path, value, op), GROUP)[1]) == MOST_CHOICES
    with pytest.raises(PayloadTooLarge, match=f"^{MOST_CHOICES + 1} operations choose among all members"):
        split(operations(MOST_CHOICES + 1, path, value, op), GROUP)


def test_a_long_filter_over_all_members_counts_as_several_operations() -> None:
    def remove(compared: int) -> str:
        return "members[" + " or ".join(['display co "x"'] * compared) + "]"

    for count, compared in ((MOST_CHOICES, COMPARED - 1), (1, MOST_CHOICES * COMPARED - 1)):
        assert len(split(operations(count, remove(compared), op="remove"), GROUP)[1]) == count
        with pytest.raises(PayloadTooLarge, match=f"^{MOST_CHOICES + count} operations choose"):
            split(operations(count, remove(compared + 1), op="remove"), GROUP)


@pytest.mark.parametrize(
    ("path", "value", "op"),
    [
        ('members[value eq "x"]', None, "remove"),
        ("members", [{"value": "x", "display": "X"}], "add"),
    ],
)
def test_any_number_of_them_says_members_by_their_value(path: str, value: Any, op: str) -> None:
    assert len(split(operations(1000, path, value, op), GROUP)[1]) == 1000
