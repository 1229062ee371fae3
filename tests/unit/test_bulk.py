"""Bulk messages: reading them, putting the operations in order, filling in assigned ids."""

from collections.abc import Mapping

import pytest

from rosterd.scim import urns
from rosterd.scim.bulk import (
    BulkOperation,
    BulkRequest,
    Refused,
    bulk_response,
    failed_reference,
    operation_result,
    order,
    parse,
    references,
    substitute,
)
from rosterd.scim.errors import (
    Conflict,
    InvalidSyntax,
    InvalidValue,
    NotFound,
    PayloadTooLarge,
    ScimError,
)


def bulk(*operations: object, **more: object) -> BulkRequest:
    message = {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **more}
    return parse(message, max_operations=1000)


def post(bulk_id: str, *refers: str, path: str = "/Users") -> dict[str, object]:
    data = {"userName": bulk_id, "friends": [{"value": f"bulkId:{name}"} for name in refers]}
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def patch(path: str, *refers: str) -> dict[str, object]:
    return {"method": "PATCH", "path": path, "data": {"v": [f"bulkId:{name}" for name in refers]}}


def only(operation: object) -> BulkOperation | Refused:
    return bulk(operation).operations[0]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"x": 1}},
            BulkOperation(0, "POST", "/Users", "Users", None, "a", None, {"x": 1}),
        ),
        (
            {"Method": "put", "Path": "Users//1/", "Data": {}, "version": 'W/"3"'},
            BulkOperation(0, "PUT", "Users//1/", "Users", "1", None, 'W/"3"', {}),
        ),
        (
            {"method": "Patch", "path": "/Groups/a%2Fb", "bulkId": "p", "data": {}},
            BulkOperation(0, "PATCH", "/Groups/a%2Fb", "Groups", "a/b", "p", None, {}),
        ),
        (
            {"method": "DELETE", "path": "/Users/1", "data": {"ignored": 1}},
            BulkOperation(0, "DELETE", "/Users/1", "Users", "1", None, None, None),
        ),
    ],
)
def test_operation(operation: object, expected: BulkOperation) -> None:
    assert only(operation) == expected


@pytest.mark.parametrize(
    ("operation", "error", "words"),
    [
        ("x", InvalidSyntax, "operation 1 must be a JSON object, not a string"),
        ({"method": "POST", "Method": "PUT"}, InvalidSyntax, "'Method' twice"),
        ({"path": "/Users"}, InvalidValue, "'method' must be one of POST, PUT, PATCH, DELETE"),
        ({"method": "GET", "path": "/Users/1"}, InvalidValue, "'method' must be one of"),
        ({"method": 5, "path": "/Users/1"}, InvalidSyntax, "'method' must be a string, not a number"),
        (
            {"method": "POST", "bulkId": "a", "data": {}},
            InvalidValue,
            "'path' of a POST must be like '/Users'",
        ),
        ({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}, InvalidValue, "like '/Users'"),
        ({"method": "PUT", "path": "/Users", "data": {}}, InvalidValue, "'/Users/{id}'"),
        ({"method": "PUT", "path": "/Users/1/2", "data": {}}, InvalidValue, "'/Users/{id}'"),
        ({"method": "PUT", "path": "/Users/1?a=b", "data": {}}, InvalidValue, "'/Users/{id}'"),
        ({"method": "POST", "path": "/Users", "data": {}}, InvalidValue, "a POST needs a 'bulkId'"),
        ({"method": "POST", "path": "/Users", "bulkId": "", "data": {}}, InvalidValue, "needs a 'bulkId'"),
        (
            {"method": "POST", "path": "/Users", "bulkId": 1, "data": {}},
            InvalidSyntax,
            "'bulkId' must be a string",
        ),
        (
            {"method": "POST", "path": "/Users", "bulkId": "a"},
            InvalidValue,
            "needs 'data', a JSON object, not null",
        ),
        (
            {"method": "PATCH", "path": "/Users/1", "data": []},
            InvalidValue,
            "needs 'data', a JSON object, not a list",
        ),
        (
            {"method": "PUT", "path": "/Users/1", "data": {}, "version": 3},
            InvalidSyntax,
            "'version' must be a string",
        ),
        (
            patch("/Users/1", "nobody"),
            InvalidValue,
            "operation 1 refers to the bulkId 'nobody', but no valid POST",
        ),
        (patch("/Users/bulkId:nobody"), InvalidValue, "refers to the bulkId 'nobody'"),
    ],
)
def test_a_faulty_operation_fails_by_itself(operation: object, error: type[ScimError], words: str) -> None:
    refused, valid = bulk(operation, {"method": "DELETE", "path": "/Users/2"}).operations
    assert isinstance(refused, Refused)
    assert type(refused.error) is error
    assert words in refused.error.detail
    assert isinstance(valid, BulkOperation)


def test_a_refused_operation_keeps_what_its_result_needs() -> None:
    refused = only({"method": "post", "path": "/Users/1", "bulkId": "a", "data": {}})
    assert isinstance(refused, Refused)
    assert (refused.index, refused.method, refused.bulk_id) == (0, "POST", "a")


def test_data_nested_too_deep_is_refused() -> None:
    data: dict[str, object] = {}
    for _ in range(5000):
        data = {"x": [data]}
    refused = only({"method": "PUT", "path": "/Users/1", "data": data})
    assert isinstance(refused, Refused)
    assert "nested more than 32 deep" in refused.error.detail


def test_the_second_post_with_a_bulk_id_is_refused() -> None:
    first, second, user = bulk(post("a"), post("a"), patch("/Users/1", "a")).operations
    assert isinstance(first, BulkOperation)
    assert isinstance(second, Refused)
    assert "'a' is that of an earlier POST" in second.error.detail
    assert isinstance(user, BulkOperation)


def test_a_bulk_id_of_a_refused_post_is_unknown() -> None:
    operations = bulk(patch("/Users/1", "a"), {"method": "POST", "path": "/Users", "bulkId": "a"}).operations
    assert all(isinstance(operation, Refused) for operation in operations)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ([], InvalidSyntax, "must be a JSON object"),
        ({"Operations": []}, InvalidSyntax, "'schemas' of a BulkRequest message"),
        ({"schemas": [urns.BULK_REQUEST]}, InvalidSyntax, "'Operations' must be a list, not null"),
        ({"schemas": [urns.BULK_REQUEST], "Operations": {}}, InvalidSyntax, "not an object"),
        (
            {"schemas": [urns.BULK_REQUEST], "Operations": [1, 2, 3]},
            PayloadTooLarge,
            "3 operations; at most 2",
        ),
        *(
            (
                {"schemas": [urns.BULK_REQUEST], "Operations": [], "failOnErrors": value},
                InvalidValue,
                "at least 1",
            )
            for value in (0, -1, True, "1", 1.5)
        ),
    ],
)
def test_message_errors(body: object, error: type[ScimError], words: str) -> None:
    with pytest.raises(error, match=words):
        parse(body, max_operations=2)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, None), ({"failOnErrors": None}, None), ({"FailOnErrors": 2}, 2)]
)
def test_fail_on_errors(given: dict[str, object], expected: int | None) -> None:
    assert bulk(**given).fail_on_errors == expected


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("/Users/1", {}, set()),
        ("/Users/bulkId:a", {}, {"a"}),
        ("/Users/1", {"manager": {"value": "bulkId:a"}, "members": [{"value": "BULKID:b"}]}, {"a", "b"}),
        ("/Users/1", {"x": "bulkId:", "y": "see bulkId:c", "z": 'He said "bulkId:d"'}, set()),
        (
            "/Users/1",
            {"Operations": [{"Path": 'members[value eq "bulkId:a" or value eq "bulkid:b"]'}]},
            {"a", "b"},
        ),
    ],
)
def test_references(path: str, data: Mapping[str, object], expected: set[str]) -> None:
    assert references(path.split("/")[2], data) == expected


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], []),
        ([post("a"), post("b"), patch("/Users/1")], [0, 1, 2]),
        ([post("a", "b"), post("b")], [1, 0]),
        ([patch("/Groups/1", "c"), post("a"), post("c", "a"), patch("/Groups/2")], [1, 2, 0, 3]),
        ([patch("/Users/bulkId:a"), post("a")], [1, 0]),
        ([patch("/Users/1", "a"), patch("/Users/1"), patch("/users/1"), post("a")], [3, 0, 1, 2]),
        ([patch("/Users/1", "a"), patch("/Groups/1"), post("a")], [1, 2, 0]),
        ([post("a", "b"), post("b", "c"), post("c", "d"), post("d")], [3, 2, 1, 0]),
    ],
)
def test_order(operations: list[object], expected: list[int]) -> None:
    turns = order([o for o in bulk(*operations).operations if isinstance(o, BulkOperation)])
    assert [turn.operation.index for turn in turns] == expected
    assert not any(turn.unresolved for turn in turns)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([post("a", "b"), post("b", "a")], [(0, {"b"}), (1, set())]),
        ([post("a", "a")], [(0, {"a"})]),
        ([post("a", "b"), post("b", "c"), post("c", "a")], [(0, {"b"}), (2, set()), (1, set())]),
        # What waits for a circle, but is not part of it, is not what is cut.
        ([post("x", "a"), post("a", "b"), post("b", "a")], [(1, {"b"}), (0, set()), (2, set())]),
        (
            [patch("/Users/1", "a"), post("a", "a", "b"), post("b", "a")],
            [(1, {"a", "b"}), (0, set()), (2, set())],
        ),
        (
            [post("a", "b"), post("b", "a"), post("c", "d"), post("d", "c")],
            [(0, {"b"}), (1, set()), (2, {"d"}), (3, set())],
        ),
    ],
)
def test_circles_are_cut(operations: list[object], expected: list[tuple[int, set[str]]]) -> None:
    turns = order([o for o in bulk(*operations).operations if isinstance(o, BulkOperation)])
    assert [(turn.operation.index, set(turn.unresolved)) for turn in turns] == expected


def test_a_thousand_operations_in_one_chain_and_one_circle() -> None:
    chain = [post(str(i), str(i + 1)) for i in range(999)] + [post("999")]
    circle = [post(str(i), str((i + 1) % 1000)) for i in range(1000)]
    for operations, cuts in ((chain, 0), (circle, 1)):
        turns = order([o for o in bulk(*operations).operations if isinstance(o, BulkOperation)])
        assert len(turns) == 1000
        assert sum(bool(turn.unresolved) for turn in turns) == cuts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bulkId:a", "1"),
        ("BULKID:a", "1"),
        ("bulkId:unknown", "bulkId:unknown"),
        ("see bulkId:a", "see bulkId:a"),
        (
            {"x": ["bulkId:a", {"y": "bulkId:b"}], "n": 1, "t": None},
            {"x": ["1", {"y": 'q"2'}], "n": 1, "t": None},
        ),
        ({"path": 'members[value eq "bulkId:a"]'}, {"path": 'members[value eq "1"]'}),
        ({"Path": 'm[v eq "bulkId:b" or v eq "bulkId:x"]'}, {"Path": 'm[v eq "q\\"2" or v eq "bulkId:x"]'}),
        ({"displayName": 'He said "bulkId:a"'}, {"displayName": 'He said "bulkId:a"'}),
    ],
)
def test_substitute(value: object, expected: object) -> None:
    assert substitute(value, {"a": "1", "b": 'q"2'}) == expected


def test_results() -> None:
    done = operation_result("POST", 201, bulk_id="a", location="https://example.com/Users/1", version='W/"1"')
    assert done == {
        "location": "https://example.com/Users/1",
        "method": "POST",
        "bulkId": "a",
        "version": 'W/"1"',
        "status": "201",
    }
    failed = operation_result("PUT", 404, error=NotFound())
    assert failed == {"method": "PUT", "status": "404", "response": NotFound().to_json()}
    assert bulk_response([done, failed]) == {"schemas": [urns.BULK_RESPONSE], "Operations": [done, failed]}


def test_a_reference_to_what_was_not_created_is_a_conflict() -> None:
    assert isinstance(failed_reference("a"), Conflict)
    assert "'a'" in failed_reference("a").detail
