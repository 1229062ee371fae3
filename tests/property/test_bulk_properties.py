"""Bulk: whatever refers to whatever, each operation has its turn, after all that it could wait for."""

from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim import urns
from rosterd.scim.bulk import BulkOperation, order, parse, substitute

IDS = [str(n) for n in range(8)]


@st.composite
def operations(draw: st.DrawFn) -> list[BulkOperation]:
    made = draw(st.permutations(IDS))[: draw(st.integers(min_value=1, max_value=8))]
    found: list[dict[str, object]] = []
    for bulk_id in made:
        refers = draw(st.lists(st.sampled_from(made), max_size=2))
        data = {"members": [{"value": f"bulkId:{name}"} for name in refers]}
        found.append({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data})
    for _ in range(draw(st.integers(min_value=0, max_value=5))):
        target = draw(st.sampled_from([*(f"bulkId:{name}" for name in made), "x", "y"]))
        refers = draw(st.lists(st.sampled_from(made), max_size=2))
        data = {"members": [{"value": f"bulkId:{name}"} for name in refers]}
        found.append(
            {"method": draw(st.sampled_from(("PUT", "PATCH"))), "path": f"/Groups/{target}", "data": data}
        )
    message = {"schemas": [urns.BULK_REQUEST], "Operations": draw(st.permutations(found))}
    parsed = parse(message, max_operations=100).operations
    assert all(isinstance(operation, BulkOperation) for operation in parsed)
    return [operation for operation in parsed if isinstance(operation, BulkOperation)]


@given(operations())
def test_each_operation_has_one_turn_after_all_it_refers_to(given_operations: list[BulkOperation]) -> None:
    turns = order(given_operations)
    assert sorted(turn.operation.index for turn in turns) == list(range(len(given_operations)))
    made: set[str | None] = set()
    for turn in turns:
        needed = turn.operation.references
        assert turn.unresolved <= needed
        assert needed - turn.unresolved <= made
        assert turn.operation.method == "POST" or not turn.unresolved, (
            "only what is created can be in a circle"
        )
        if turn.operation.method == "POST":
            made.add(turn.operation.bulk_id)


@given(operations())
def test_operations_on_one_resource_keep_their_order(given_operations: list[BulkOperation]) -> None:
    last: dict[str | None, int] = {}
    for turn in order(given_operations):
        if turn.operation.id:
            assert last.get(turn.operation.id, -1) < turn.operation.index
            last[turn.operation.id] = turn.operation.index


@given(operations())
def test_no_reference_is_left_after_substitution(given_operations: list[BulkOperation]) -> None:
    ids = {name: f"id-{name}" for name in IDS}
    for operation in given_operations:
        assert "bulkId:" not in str(substitute(operation.data, ids))
