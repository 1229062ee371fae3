"""Cursor paging: RFC 9865, section by section, over HTTP."""

import re
from typing import Any

import httpx
import pytest
from judges.harness import SEARCH, Tenant, Tenants, check_error, created, page, user


@pytest.fixture
def scim(tenant: Tenant) -> httpx.Client:
    for number in range(7):
        created(tenant.scim, "/Users", user(f"user-{number}", title=f"T{number % 2}"))
    return tenant.scim


def walk(scim: httpx.Client, path: str = "/Users", **query: Any) -> list[list[str]]:
    """The names on each page until there is no further cursor."""
    pages, cursor = [], ""
    for _ in range(50):
        body = page(scim, path, cursor=cursor, **query)
        pages.append([r["userName"] for r in body["Resources"]])
        if not body.get("nextCursor"):
            return pages
        cursor = body["nextCursor"]
    raise AssertionError(f"the walk does not end: {pages}")


def refused(response: httpx.Response, scim_type: str) -> None:
    assert response.status_code == 400, response.text
    check_error(response.json(), 400)
    assert response.json()["scimType"] == scim_type, response.text


def test_2_a_walk_sees_everything_once_in_order(scim: httpx.Client) -> None:
    assert walk(scim, count=3) == [
        ["user-0", "user-1", "user-2"],
        ["user-3", "user-4", "user-5"],
        ["user-6"],
    ]


def test_2_an_empty_cursor_asks_for_the_first_page(scim: httpx.Client) -> None:
    first = scim.get("/Users?cursor&count=2").json()
    assert (first["totalResults"], first["itemsPerPage"]) == (7, 2)
    assert first["nextCursor"]
    assert scim.get("/Users?cursor=&count=2").json()["Resources"] == first["Resources"]


def test_2_cursors_consist_of_unreserved_characters(scim: httpx.Client) -> None:
    cursor = page(scim, "/Users", cursor="", count=2, sortBy="userName")["nextCursor"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)


def test_2_without_a_cursor_nothing_of_cursors_is_said(scim: httpx.Client) -> None:
    body = page(scim, "/Users", startIndex=1, count=2)
    assert body["startIndex"] == 1
    assert "nextCursor" not in body
    assert "previousCursor" not in body


def test_2_the_last_page_has_no_next_cursor(scim: httpx.Client) -> None:
    assert "nextCursor" not in page(scim, "/Users", cursor="", count=7)
    assert "nextCursor" not in page(scim, "/Users", cursor="", filter='userName eq "none"')


def test_2_filter_and_sort_hold_on_every_page(scim: httpx.Client) -> None:
    query = {"filter": 'title eq "t1"', "sortBy": "userName", "sortOrder": "descending", "count": 2}
    assert walk(scim, **query) == [["user-5", "user-3"], ["user-1"]]


def test_2_equal_sort_keys_do_not_confuse_a_walk(scim: httpx.Client) -> None:
    seen = [name for names in walk(scim, sortBy="title", count=2) for name in names]
    assert sorted(seen) == [f"user-{n}" for n in range(7)]
    assert [n for n in seen if int(n[-1]) % 2] == seen[4:]


def test_2_a_walk_misses_and_doubles_nobody_while_others_come_and_go(scim: httpx.Client) -> None:
    first = page(scim, "/Users", cursor="", count=3)
    for gone in first["Resources"][:2]:
        assert scim.delete(f"/Users/{gone['id']}").status_code == 204
    created(scim, "/Users", user("user-7"))
    rest, cursor = [], first["nextCursor"]
    while cursor:
        body = page(scim, "/Users", cursor=cursor, count=3)
        rest += [r["userName"] for r in body["Resources"]]
        cursor = body.get("nextCursor")
    assert rest == [f"user-{n}" for n in range(3, 8)]


def test_2_a_cursor_can_be_used_again(scim: httpx.Client) -> None:
    cursor = page(scim, "/Users", cursor="", count=2)["nextCursor"]
    once, again = (page(scim, "/Users", cursor=cursor, count=2) for _ in range(2))
    assert once["Resources"] == again["Resources"]


def test_2_1_a_made_up_cursor_is_invalid(scim: httpx.Client) -> None:
    cursor = page(scim, "/Users", cursor="", count=2)["nextCursor"]
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for made_up in ("x", "null", cursor[:-3], flipped, cursor + "x", "%00", "A" * 5000, "é"):
        refused(scim.get("/Users", params={"cursor": made_up, "count": 2}), "invalidCursor")


def test_2_1_a_cursor_belongs_to_its_query(scim: httpx.Client) -> None:
    cursor = page(scim, "/Users", cursor="", count=2)["nextCursor"]
    for other in (
        {"filter": "title pr"},
        {"sortBy": "userName"},
        {"sortBy": "userName", "sortOrder": "descending"},
    ):
        refused(scim.get("/Users", params={"cursor": cursor, "count": 2, **other}), "invalidCursor")
    refused(scim.get("/Groups", params={"cursor": cursor, "count": 2}), "invalidCursor")
    refused(scim.get("/", params={"cursor": cursor, "count": 2}), "invalidCursor")


def test_2_1_a_cursor_belongs_to_its_connection(tenants: Tenants, scim: httpx.Client, tenant: Tenant) -> None:
    cursor = page(scim, "/Users", cursor="", count=2)["nextCursor"]
    for other in (tenants(), tenants(directory=tenant.directory)):
        refused(other.scim.get("/Users", params={"cursor": cursor, "count": 2}), "invalidCursor")


def test_2_1_a_count_that_is_not_possible_is_invalid(scim: httpx.Client) -> None:
    refused(scim.get("/Users", params={"cursor": "", "count": 0}), "invalidCount")
    refused(scim.get("/Users", params={"cursor": "", "count": -1}), "invalidCount")


def test_2_3_a_cursor_and_a_start_index_are_refused_together_or_one_is_ignored(scim: httpx.Client) -> None:
    response = scim.get("/Users", params={"cursor": "", "startIndex": 2, "count": 2})
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert response.json()["nextCursor"]


def test_3_cursors_in_search_requests(scim: httpx.Client) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        message = {"schemas": [SEARCH], "filter": "userName pr", "cursor": cursor, "count": 3}
        response = scim.post("/Users/.search", json=message)
        assert response.status_code == 200, response.text
        seen += [r["userName"] for r in response.json()["Resources"]]
        cursor = response.json().get("nextCursor")
    assert seen == [f"user-{n}" for n in range(7)]


def test_4_the_configuration_announces_it(scim: httpx.Client) -> None:
    pagination = scim.get("/ServiceProviderConfig").json()["pagination"]
    assert pagination["cursor"] is True
    assert pagination["index"] is True
    assert pagination["defaultPaginationMethod"] == "index"
    assert pagination["defaultPageSize"] <= pagination["maxPageSize"]
    assert pagination["maxPageSize"] >= 100
    assert pagination["cursorTimeout"] >= 60
