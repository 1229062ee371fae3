"""List requests from query strings and messages, and the head of the response."""

from time import process_time

import pytest

from rosterd.scim import urns
from rosterd.scim.errors import (
    InvalidCount,
    InvalidCursor,
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    ScimError,
)
from rosterd.scim.filter import AttrPath, Compare
from rosterd.scim.listing import (
    DEFAULT_COUNT,
    MAX_COUNT,
    MAX_START_INDEX,
    ListRequest,
    from_message,
    from_query,
    list_response,
)
from rosterd.scim.render import Projection

ANN = Compare(AttrPath(None, "userName"), "eq", "ann")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ListRequest()),
        ({"filter": 'userName eq "ann"'}, ListRequest(filter=ANN)),
        ({"FILTER": 'userName eq "ann"', "StartIndex": "5"}, ListRequest(filter=ANN, start_index=5)),
        ({"sortBy": "name.familyName"}, ListRequest(sort_by=AttrPath(None, "name", "familyName"))),
        (
            {"sortBy": "userName", "sortOrder": "Descending"},
            ListRequest(sort_by=AttrPath(None, "userName"), descending=True),
        ),
        ({"sortOrder": "ASCENDING"}, ListRequest()),
        ({"startIndex": "0"}, ListRequest(start_index=1)),
        ({"startIndex": "-7"}, ListRequest(start_index=1)),
        ({"startIndex": " +2"}, ListRequest(start_index=2)),
        ({"startIndex": "9" * 5000}, ListRequest(start_index=MAX_START_INDEX)),
        ({"startIndex": "-" + "9" * 5000}, ListRequest(start_index=1)),
        ({"count": "0"}, ListRequest(count=0)),
        ({"count": "-1"}, ListRequest(count=0)),
        ({"count": "25"}, ListRequest(count=25)),
        ({"count": "1001"}, ListRequest(count=MAX_COUNT)),
        ({"count": "9" * 5000}, ListRequest(count=MAX_COUNT)),
        ({"cursor": ""}, ListRequest(cursor="")),
        ({"cursor": "Ab-9._~", "count": "10"}, ListRequest(cursor="Ab-9._~", count=10)),
        ({"cursor": "", "count": "5000"}, ListRequest(cursor="", count=MAX_COUNT)),
        ({"attributes": "userName,emails"}, ListRequest(projection=Projection(("userName", "emails")))),
        ({"excludedattributes": "members"}, ListRequest(projection=Projection(("members",), True))),
        (
            {"attributes": "", "excludedAttributes": "members"},
            ListRequest(projection=Projection(("members",), True)),
        ),
        ({"unknown": "x", "_": "1"}, ListRequest()),
    ],
)
def test_query(query: dict[str, str], expected: ListRequest) -> None:
    assert from_query(query.items()) == expected


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        ([("count", "ten")], InvalidValue, "'count' must be an integer, not 'ten'"),
        ([("count", "1.5")], InvalidValue, "'count' must be an integer"),
        ([("count", "٣")], InvalidValue, "'count' must be an integer"),
        ([("count", "")], InvalidValue, "'count' must be an integer, not ''"),
        ([("startIndex", "x" * 99)], InvalidValue, "'startIndex' must be an integer, not 'x{40}'$"),
        ([("sortOrder", "up")], InvalidValue, "'sortOrder' must be 'ascending' or 'descending'"),
        ([("sortBy", "a b")], InvalidPath, "attribute: at character 3"),
        ([("filter", "")], InvalidFilter, "leave 'filter' out"),
        ([("filter", "userName eq")], InvalidFilter, "expected a value"),
        ([("count", "1"), ("Count", "2")], InvalidValue, "'Count' is given twice"),
        ([("filter", "a pr"), ("filter", "a pr")], InvalidValue, "'filter' is given twice"),
        ([("cursor", ""), ("startIndex", "1")], InvalidValue, "exclude each other"),
        ([("cursor", "x"), ("count", "0")], InvalidCount, "between 1 and 1000, not 0"),
        ([("cursor", "a b")], InvalidCursor, "cursor is not valid"),
        ([("cursor", "a\n")], InvalidCursor, "cursor is not valid"),
        ([("cursor", "a" * 40000)], InvalidCursor, "cursor is not valid"),
        ([("attributes", "a"), ("excludedAttributes", "b")], InvalidValue, "exclude each other"),
    ],
)
def test_query_errors(query: list[tuple[str, str]], error: type[ScimError], words: str) -> None:
    with pytest.raises(error, match=words):
        from_query(query)


def test_an_unknown_parameter_may_be_repeated() -> None:
    assert from_query([("x", "1"), ("x", "2")]) == ListRequest()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({}, ListRequest()),
        (
            {"filter": 'userName eq "ann"', "startIndex": 3, "count": 10},
            ListRequest(ANN, start_index=3, count=10),
        ),
        ({"FILTER": 'userName eq "ann"', "StartIndex": 3}, ListRequest(ANN, start_index=3)),
        ({"startIndex": 10**30, "count": -5}, ListRequest(start_index=MAX_START_INDEX, count=0)),
        ({"count": "7"}, ListRequest(count=7)),
        ({"cursor": "", "count": 5}, ListRequest(cursor="", count=5)),
        ({"attributes": ["userName", "emails"]}, ListRequest(projection=Projection(("userName", "emails")))),
        ({"attributes": "userName,emails"}, ListRequest(projection=Projection(("userName", "emails")))),
        (
            {"attributes": [], "excludedAttributes": ["members"]},
            ListRequest(projection=Projection(("members",), True)),
        ),
        ({"filter": None, "count": None, "cursor": None}, ListRequest()),
    ],
)
def test_message(message: dict[str, object], expected: ListRequest) -> None:
    assert from_message({"schemas": [urns.SEARCH_REQUEST], **message}) == expected


def test_the_one_of_very_many_members_that_is_given_twice_is_found_at_once() -> None:
    body = {f"x{number}": number for number in range(50_000)} | {"X49999": 1}
    began = process_time()
    with pytest.raises(InvalidSyntax, match="'X49999' twice"):
        from_message(body)
    assert process_time() - began < 1


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ([], InvalidSyntax, "must be a JSON object, not a list"),
        (None, InvalidSyntax, "not null"),
        ({}, InvalidSyntax, r"'schemas' of a SearchRequest message must be \[\"urn:"),
        ({"schemas": [urns.PATCH_OP]}, InvalidSyntax, "SearchRequest"),
        ({"schemas": [urns.SEARCH_REQUEST], "count": 1, "Count": 2}, InvalidSyntax, "'Count' twice"),
        (
            {"schemas": [urns.SEARCH_REQUEST], "count": True},
            InvalidValue,
            "'count' must be an integer, not true",
        ),
        ({"schemas": [urns.SEARCH_REQUEST], "count": 1.5}, InvalidValue, "not a number|integer"),
        (
            {"schemas": [urns.SEARCH_REQUEST], "filter": 5},
            InvalidValue,
            "'filter' must be a string, not a number",
        ),
        ({"schemas": [urns.SEARCH_REQUEST], "attributes": [1]}, InvalidValue, "a list of strings"),
        (
            {"schemas": [urns.SEARCH_REQUEST], "cursor": "", "startIndex": 1},
            InvalidValue,
            "exclude each other",
        ),
    ],
)
def test_message_errors(body: object, error: type[ScimError], words: str) -> None:
    with pytest.raises(error, match=words):
        from_message(body)


def test_schemas_of_a_message_are_read_in_any_case() -> None:
    assert from_message({"Schemas": urns.SEARCH_REQUEST.upper(), "count": 1}).count == 1


def test_pages_are_never_capped_below_what_okta_asks_for() -> None:
    assert DEFAULT_COUNT == 100
    assert MAX_COUNT >= 100


def test_response_of_an_index_page() -> None:
    assert list_response([{"id": "1"}], total=7, start_index=3) == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 7,
        "startIndex": 3,
        "itemsPerPage": 1,
        "Resources": [{"id": "1"}],
    }


def test_response_of_an_empty_cursor_page() -> None:
    assert list_response([], total=0) == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 0,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_response_with_cursors() -> None:
    response = list_response([1, 2], total=None, next_cursor="n", previous_cursor="p")
    assert (response["itemsPerPage"], response["nextCursor"], response["previousCursor"]) == (2, "n", "p")
    assert "totalResults" not in response
