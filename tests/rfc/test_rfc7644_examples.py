"""The examples of RFC 7644 and RFC 7643 §8 as requests, section by section."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from judges.harness import (
    BULK,
    ENTERPRISE,
    GROUP,
    SEARCH,
    USER,
    Tenants,
    check_error,
    created,
    group,
    page,
    patch,
    user,
)

EXAMPLES = json.loads((Path(__file__).parent / "rfc7643-section-8.json").read_text())


@pytest.fixture(params=["auto", "strict"])
def scim(tenants: Tenants, request: pytest.FixtureRequest) -> httpx.Client:
    """What the RFC says holds under the tolerant default profile as under the strict one."""
    return tenants(profile=request.param).scim


def read(scim: httpx.Client, path: str, **query: Any) -> dict[str, Any]:
    response = scim.get(path, params=query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def change(scim: httpx.Client, path: str, *operations: Mapping[str, Any]) -> None:
    response = scim.patch(path, json=patch(*operations))
    assert response.status_code in (200, 204), response.text


def refused(response: httpx.Response, status: int, scim_type: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    check_error(body, status)
    assert scim_type is None or body.get("scimType") == scim_type, body
    return body


# --- RFC 7643 §8


@pytest.mark.parametrize("name", EXAMPLES)
def test_7643_8_users_are_kept_as_they_are_sent(scim: httpx.Client, name: str) -> None:
    sent = EXAMPLES[name]
    made = created(scim, "/Users", sent)
    assert made == read(scim, f"/Users/{made['id']}")
    kept = {k: v for k, v in made.items() if k not in ("id", "meta")}
    # §3.3 of RFC 7644 lets a server give a default: an account that nobody calls inactive is active.
    assert kept == {"active": True, **{k: v for k, v in sent.items() if k != "password"}}
    assert made["meta"]["resourceType"] == "User"


def test_7643_8_4_a_group_with_members(scim: httpx.Client) -> None:
    babs = created(scim, "/Users", user("babs", displayName="Babs Jensen"))
    mandy = created(scim, "/Users", user("mandy", displayName="Mandy Pepperidge"))
    made = created(scim, "/Groups", group("Tour Guides", babs["id"], mandy["id"]))
    members = {m["value"]: m for m in read(scim, f"/Groups/{made['id']}")["members"]}
    assert members[babs["id"]]["$ref"] == babs["meta"]["location"]
    assert members[mandy["id"]]["display"] == "Mandy Pepperidge"
    assert {m["type"] for m in members.values()} == {"User"}


# --- RFC 7644 §3.3


def test_3_3_create(scim: httpx.Client) -> None:
    body = user("bjensen", externalId="bjensen", name={"formatted": "Ms. Barbara J Jensen III"})
    response = scim.post("/Users", json=body)
    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == made["meta"]["location"] == f"{scim.base_url}Users/{made['id']}"
    assert response.headers["ETag"] == made["meta"]["version"]
    assert made["meta"]["created"] == made["meta"]["lastModified"]
    assert scim.get(response.headers["Location"]).json() == made


def test_3_3_read_only_values_of_the_client_are_ignored(scim: httpx.Client) -> None:
    body = user("ro", id="mine", groups=[{"value": "x"}], meta={"resourceType": "Cat", "version": "v"})
    made = created(scim, "/Users", body)
    assert made["id"] != "mine"
    assert "groups" not in made
    assert made["meta"]["resourceType"] == "User"


def test_3_3_1_the_schema_of_an_extension_is_named_when_it_has_content(scim: httpx.Client) -> None:
    bare = created(scim, "/Users", user("bare", schemas=[USER, ENTERPRISE]))
    full = created(scim, "/Users", user("full", **{ENTERPRISE: {"department": "Tours"}}))
    assert (bare["schemas"], full["schemas"]) == ([USER], [USER, ENTERPRISE])


# --- §3.4.2

PEOPLE: tuple[dict[str, Any], ...] = (
    user(
        "bjensen",
        name={"familyName": "Jensen"},
        title="Tour Guide",
        userType="Employee",
        emails=[{"type": "work", "value": "bjensen@example.com"}, {"type": "home", "value": "b@jensen.org"}],
        **{ENTERPRISE: {"department": "Tours"}},
    ),
    user(
        "Jomalley",
        name={"familyName": "O'Malley"},
        userType="Intern",
        emails=[{"type": "home", "value": "jo@example.com"}, {"type": "work", "value": "jo@example.org"}],
    ),
    user("jsmith", name={"familyName": "Smith"}, title="Boss", ims=[{"type": "xmpp", "value": "js@foo.com"}]),
)
B, J, S = "bjensen", "Jomalley", "jsmith"
PAST, FUTURE = "2011-05-13T04:42:34Z", "2999-05-13T04:42:34Z"
FILTERS: tuple[tuple[str, set[str]], ...] = (
    ('userName eq "bjensen"', {B}),
    ('name.familyName co "O\'Malley"', {J}),
    ('userName sw "J"', {J, S}),
    (f'{USER}:userName sw "J"', {J, S}),
    ("title pr", {B, S}),
    (f'meta.lastModified gt "{PAST}"', {B, J, S}),
    (f'meta.lastModified ge "{FUTURE}"', set()),
    (f'meta.lastModified lt "{FUTURE}"', {B, J, S}),
    (f'meta.lastModified le "{PAST}"', set()),
    ('title pr and userType eq "Employee"', {B}),
    ('title pr or userType eq "Intern"', {B, J, S}),
    (f'schemas eq "{ENTERPRISE}"', {B}),
    ('userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', {B}),
    ('userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', {S}),
    ('userType eq "Employee" and (emails.type eq "work")', {B}),
    ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', {B}),
    (
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
        {B, S},
    ),
    # §3.4.2.2, the rules beside the examples
    ('USERNAME EQ "BJensen"', {B}),
    ('username eq "x" or title eq "boss" and userType pr', set()),
    ('(userName eq "x" or title eq "boss") and not (userType pr)', {S}),
    ('not (userName eq "bjensen") and not (title pr)', {J}),
    ("userType eq null", {S}),
    ("userType ne null", {B, J}),
    (f'{ENTERPRISE}:department eq "tours"', {B}),
    (f"{ENTERPRISE}:department pr", {B}),
    ('userName ew "SMITH"', {S}),
    ('userName gt "bz" and userName lt "jp"', {J}),
    ('userName eq "\\u0062jensen"', {B}),
    ("emails pr", {B, J}),
    ('emails[not (type eq "work")]', {B, J}),
    ('emails[type eq "home" and (value ew ".org" or value sw "zz")]', {B}),
)


def test_3_4_2_2_filters(scim: httpx.Client) -> None:
    for person in PEOPLE:
        created(scim, "/Users", person)
    found = {
        text: {r["userName"] for r in page(scim, "/Users", filter=text)["Resources"]} for text, _ in FILTERS
    }
    assert found == dict(FILTERS)
    by_post = {
        text: scim.post("/Users/.search", json={"schemas": [SEARCH], "filter": text}).json()["totalResults"]
        for text, _ in FILTERS
    }
    assert by_post == {text: len(names) for text, names in FILTERS}


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        'userName eq "x',
        "userName eq x",
        "userName eq 'x'",
        'userName xx "x"',
        '(userName eq "x"',
        'userName eq "x" and',
        'userName eq "x")',
        "not title pr",
        'emails[type eq "work"',
        'emails[type eq "work" and emails[type eq "x"]]',
        'shoeSize eq "42"',
        'name.shoeSize eq "42"',
        'urn:example:none:userName eq "x"',
        'active gt "x"',
        "active gt true",
        "userName gt null",
        'password eq "x"',
        'meta.created gt "yesterday"',
        'name eq "x"',
        "",
        "   ",
        '"x" eq userName',
        'userName eq "x" userName eq "y"',
    ],
)
def test_3_4_2_2_what_is_no_filter_is_invalid_filter(scim: httpx.Client, text: str) -> None:
    refused(scim.get("/Users", params={"filter": text}), 400, "invalidFilter")


@pytest.mark.parametrize(
    "name",
    [
        'quo"te',
        "back\\slash",
        "tab\tbed",
        "new\nline",
        "😀@x",
        "straße",
        "nul\u0000byte",
        "\u007f",
        " blank ",
    ],
)
def test_3_4_2_2_who_can_be_created_can_be_looked_up(scim: httpx.Client, name: str) -> None:
    response = scim.post("/Users", json=user(name))
    if response.status_code == 400:
        refused(response, 400, "invalidValue")
        return
    found = page(scim, "/Users", filter=f"userName eq {json.dumps(name)}")["Resources"]
    assert [r["id"] for r in found] == [response.json()["id"]]
    plain = page(scim, "/Users", filter=f"userName eq {json.dumps(name, ensure_ascii=False)}")["Resources"]
    assert plain == found


def test_3_4_2_1_the_root_is_searched_over_all_types(scim: httpx.Client) -> None:
    created(scim, "/Users", user("root", displayName="Common"))
    created(scim, "/Groups", group("Common"))
    created(scim, "/Groups", group("Other"))
    wanted = {"filter": 'displayName eq "common"'}
    by_get = page(scim, "/", **wanted)["Resources"]
    by_post = scim.post("/.search", json={"schemas": [SEARCH], **wanted}).json()["Resources"]
    assert [r["meta"]["resourceType"] for r in by_get] == ["User", "Group"]
    assert by_get == by_post
    only = page(scim, "/", filter='meta.resourceType eq "Group"')["Resources"]
    assert {r["displayName"] for r in only} == {"Common", "Other"}


def test_3_4_2_3_sorting(scim: httpx.Client) -> None:
    for person in PEOPLE:
        created(scim, "/Users", person)

    def order(**query: str) -> list[str]:
        return [r["userName"] for r in page(scim, "/Users", **query)["Resources"]]

    assert order(sortBy="userName") == [B, J, S]
    assert order(sortBy="userName", sortOrder="descending") == [S, J, B]
    assert order(sortBy="name.familyName", sortOrder="ascending") == [B, J, S]
    assert order(sortBy="title") == [S, B, J]
    assert order(sortBy="emails.value") == [B, J, S]
    refused(scim.get("/Users", params={"sortBy": "shoeSize"}), 400)


def test_3_4_2_4_paging(scim: httpx.Client) -> None:
    for number in range(5):
        created(scim, "/Users", user(f"u{number}"))

    def names(**query: int) -> tuple[int, int, int, list[str]]:
        body = page(scim, "/Users", **query)
        listed = [r["userName"] for r in body["Resources"]]
        return body["totalResults"], body["startIndex"], body["itemsPerPage"], listed

    assert names(startIndex=1, count=2) == (5, 1, 2, ["u0", "u1"])
    assert names(startIndex=4, count=10) == (5, 4, 2, ["u3", "u4"])
    assert names(startIndex=6, count=10)[3] == []
    assert names(startIndex=0, count=2)[1:] == (1, 2, ["u0", "u1"])
    assert names(startIndex=-3, count=1)[1:] == (1, 1, ["u0"])
    assert names(count=0)[0] == 5
    assert names(count=0)[3] == []
    assert names(count=-1)[3] == []


def test_3_4_3_search_by_post(scim: httpx.Client) -> None:
    for person in PEOPLE:
        created(scim, "/Users", person)
    message = {
        "schemas": [SEARCH],
        "attributes": ["userName"],
        "filter": "userName pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": 2,
    }
    body = scim.post("/Users/.search", json=message).json()
    assert [r["userName"] for r in body["Resources"]] == [S, J]
    assert body["totalResults"] == 3
    assert all(set(r) <= {"id", "schemas", "userName"} for r in body["Resources"])


# --- §3.5.1


def test_3_5_1_replace(scim: httpx.Client) -> None:
    made = created(scim, "/Users", EXAMPLES["full"])
    body = user("bjensen", id=made["id"], externalId="bjensen", name={"givenName": "Barbara"}, roles=[])
    response = scim.put(f"/Users/{made['id']}", json=body)
    assert response.status_code == 200
    assert response.headers["ETag"] == response.json()["meta"]["version"] != made["meta"]["version"]
    kept = {k: v for k, v in response.json().items() if k != "meta"}
    assert kept == {
        "schemas": [USER],
        "id": made["id"],
        "externalId": "bjensen",
        "userName": "bjensen",
        "name": {"givenName": "Barbara"},
        "active": True,
    }
    assert response.json()["meta"]["created"] == made["meta"]["created"]
    assert response.json() == read(scim, f"/Users/{made['id']}")


def test_3_5_1_put_does_not_create(scim: httpx.Client) -> None:
    refused(scim.put("/Users/none", json=user("x")), 404)
    assert page(scim, "/Users")["totalResults"] == 0


# --- §3.5.2


@pytest.fixture
def babs(scim: httpx.Client) -> str:
    emails = [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ]
    addresses = [
        {"type": "work", "streetAddress": "1 Old Road", "locality": "Hollywood"},
        {"type": "home", "streetAddress": "2 Old Road", "locality": "Los Angeles"},
    ]
    body = user(
        "babs", name={"familyName": "Jensen", "givenName": "Barbara"}, emails=emails, addresses=addresses
    )
    made = created(scim, "/Users", body)
    return f"/Users/{made['id']}"


@pytest.fixture
def tour_guides(scim: httpx.Client) -> tuple[str, list[str]]:
    ids = [created(scim, "/Users", user(name))["id"] for name in ("a", "b", "c")]
    made = created(scim, "/Groups", group("Tour Guides", *ids[:2]))
    return f"/Groups/{made['id']}", ids


def members(scim: httpx.Client, path: str) -> set[str]:
    return {m["value"] for m in read(scim, path).get("members", [])}


def test_3_5_2_1_add_a_member(scim: httpx.Client, tour_guides: tuple[str, list[str]]) -> None:
    path, ids = tour_guides
    value = [{"display": "Babs Jensen", "$ref": f"../Users/{ids[2]}", "value": ids[2]}]
    change(scim, path, {"op": "add", "path": "members", "value": value})
    assert members(scim, path) == set(ids)


def test_3_5_2_1_add_without_a_path(scim: httpx.Client, babs: str) -> None:
    value = {"emails": [{"value": "babs@example.net", "type": "other"}], "nickname": "Babs"}
    change(scim, babs, {"op": "add", "value": value})
    found = read(scim, babs)
    assert found["nickName"] == "Babs"
    assert [e["value"] for e in found["emails"]][-1] == "babs@example.net"
    assert len(found["emails"]) == 3


def test_3_5_2_1_add_what_is_there_already_changes_nothing(scim: httpx.Client, babs: str) -> None:
    before = read(scim, babs)
    change(scim, babs, {"op": "add", "path": "emails", "value": [before["emails"][1]]})
    change(scim, babs, {"op": "add", "path": "name.familyName", "value": "Jensen"})
    assert read(scim, babs) == before, "a no-op must not move meta.lastModified (§3.5.2.1)"


def test_3_5_2_2_remove_members(scim: httpx.Client, tour_guides: tuple[str, list[str]]) -> None:
    path, ids = tour_guides
    change(scim, path, {"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
    assert members(scim, path) == {ids[1]}
    change(scim, path, {"op": "add", "path": "members", "value": [{"value": ids[0]}]})
    change(scim, path, {"op": "remove", "path": "members"})
    assert members(scim, path) == set()


def test_3_5_2_2_remove_and_add_in_one_request(
    scim: httpx.Client, tour_guides: tuple[str, list[str]]
) -> None:
    path, ids = tour_guides
    remove = {"op": "remove", "path": f'members[value eq "{ids[0]}"]'}
    add = {"op": "add", "path": "members", "value": [{"value": ids[2]}]}
    change(scim, path, remove, add)
    assert members(scim, path) == {ids[1], ids[2]}


def test_3_5_2_2_remove_emails_by_filter(scim: httpx.Client, babs: str) -> None:
    change(scim, babs, {"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'})
    assert [e["type"] for e in read(scim, babs)["emails"]] == ["home"]
    change(scim, babs, {"op": "remove", "path": 'emails[type eq "home"]'})
    assert "emails" not in read(scim, babs)


def test_3_5_2_3_replace_all_members(scim: httpx.Client, tour_guides: tuple[str, list[str]]) -> None:
    path, ids = tour_guides
    change(scim, path, {"op": "replace", "path": "members", "value": [{"value": ids[2]}]})
    assert members(scim, path) == {ids[2]}


def test_3_5_2_3_replace_one_address(scim: httpx.Client, babs: str) -> None:
    new = {
        "type": "work",
        "streetAddress": "911 Universal City Plaza",
        "locality": "Hollywood",
        "primary": True,
    }
    change(scim, babs, {"op": "replace", "path": 'addresses[type eq "work"]', "value": new})
    work, home = read(scim, babs)["addresses"]
    assert work == new
    assert home["streetAddress"] == "2 Old Road"


def test_3_5_2_3_replace_one_part_of_one_address(scim: httpx.Client, babs: str) -> None:
    path = 'addresses[type eq "work"].streetAddress'
    change(scim, babs, {"op": "replace", "path": path, "value": "1010 Broadway Ave"})
    work, home = read(scim, babs)["addresses"]
    assert (work["streetAddress"], work["locality"]) == ("1010 Broadway Ave", "Hollywood")
    assert home["streetAddress"] == "2 Old Road"


def test_3_5_2_3_replace_without_a_path(scim: httpx.Client, babs: str) -> None:
    emails = [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "b@j.org", "type": "home"},
    ]
    change(scim, babs, {"op": "replace", "value": {"emails": emails, "nickname": "Babs"}})
    found = read(scim, babs)
    assert (found["emails"], found["nickName"]) == (emails, "Babs")


def test_3_5_2_3_replace_of_a_complex_attribute_keeps_what_is_not_named(
    scim: httpx.Client, babs: str
) -> None:
    change(scim, babs, {"op": "replace", "path": "name", "value": {"givenName": "Babs"}})
    assert read(scim, babs)["name"] == {"familyName": "Jensen", "givenName": "Babs"}


PATCH_FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "replace in a value that is not there",
        {"op": "replace", "path": 'addresses[type eq "x"]', "value": {"locality": "Y"}},
        "noTarget",
    ),
    ("remove without a path", {"op": "remove"}, "noTarget"),
    ("an unknown attribute", {"op": "add", "path": "shoeSize", "value": "42"}, "invalidPath"),
    ("an unknown part", {"op": "add", "path": "name.shoeSize", "value": "42"}, "invalidPath"),
    ("no path at all", {"op": "add", "path": "emails]", "value": "x"}, "invalidPath"),
    (
        "no filter inside brackets",
        {"op": "add", "path": "emails[type eq", "value": "x"},
        "invalidFilter",  # table 9 names invalidFilter for the filter of a PATCH path too
    ),
    ("a read-only attribute", {"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ("read-only groups", {"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
    (
        "read-only meta",
        {"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"},
        "mutability",
    ),
    ("a required attribute away", {"op": "remove", "path": "userName"}, "mutability"),
    ("a wrong type", {"op": "replace", "path": "name", "value": "Jensen"}, "invalidValue"),
    (
        "a wrong type in a list",
        {"op": "add", "path": "emails", "value": [{"value": {"x": 1}}]},
        "invalidValue",
    ),
)


@pytest.mark.parametrize(("what", "operation", "scim_type"), PATCH_FAULTS, ids=[f[0] for f in PATCH_FAULTS])
def test_3_5_2_a_faulty_operation_undoes_the_whole_request(
    scim: httpx.Client, babs: str, what: str, operation: dict[str, Any], scim_type: str
) -> None:
    before = read(scim, babs)
    good = {"op": "replace", "path": "nickName", "value": "changed"}
    response = scim.patch(babs, json=patch(good, operation, good))
    refused(response, 400, scim_type)
    assert read(scim, babs) == before


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]},
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": {}},
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": ["x"]},
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"path": "title"}]},
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "copy"}]},
        [],
        "x",
        None,
    ],
)
def test_3_5_2_a_message_that_is_no_patch_is_invalid_syntax(scim: httpx.Client, babs: str, body: Any) -> None:
    refused(scim.patch(babs, content=json.dumps(body)), 400, "invalidSyntax")


def test_3_5_2_a_client_that_asks_for_attributes_gets_them(scim: httpx.Client, babs: str) -> None:
    response = scim.patch(
        babs, params={"attributes": "nickName"}, json=patch({"op": "add", "path": "nickName", "value": "B"})
    )
    assert response.status_code == 200
    assert response.json()["nickName"] == "B"
    assert "emails" not in response.json()


# --- §3.6


def test_3_6_delete(scim: httpx.Client, babs: str) -> None:
    response = scim.delete(babs)
    assert (response.status_code, response.content) == (204, b"")
    refused(scim.get(babs), 404)
    refused(scim.put(babs, json=user("babs")), 404)
    refused(scim.delete(babs), 404)
    assert page(scim, "/Users")["totalResults"] == 0
    created(scim, "/Users", user("babs"))


# --- §3.7


def bulk(scim: httpx.Client, *operations: Mapping[str, Any], **message: Any) -> list[dict[str, Any]]:
    response = scim.post("/Bulk", json={"schemas": [BULK], "Operations": operations, **message})
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    results: list[dict[str, Any]] = body["Operations"]
    for result in results:
        assert isinstance(result["status"], str)
        if result["status"] >= "400":
            check_error(result["response"], int(result["status"]))
    return results


def test_3_7_1_circular_references(scim: httpx.Client) -> None:
    a = {"method": "POST", "path": "/Groups", "bulkId": "qwerty"}
    b = {"method": "POST", "path": "/Groups", "bulkId": "ytreww"}
    results = bulk(
        scim,
        {**a, "data": group("Group A", "bulkId:ytreww")},
        {**b, "data": group("Group B", "bulkId:qwerty")},
    )
    assert [r["status"] for r in results] == ["201", "201"]
    first, second = (r["location"].rsplit("/", 1)[-1] for r in results)
    assert members(scim, f"/Groups/{first}") == {second}
    assert members(scim, f"/Groups/{second}") == {first}


def test_3_7_2_references_both_ways(scim: httpx.Client) -> None:
    alice = {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": user("Alice")}
    data = {**group("Tour Guides"), "members": [{"type": "User", "value": "bulkId:qwerty"}]}
    guides = {"method": "POST", "path": "/Groups", "bulkId": "ytreww", "data": data}
    results = {r["bulkId"]: r for r in bulk(scim, guides, alice)}
    id = results["qwerty"]["location"].rsplit("/", 1)[-1]
    made = read(scim, "/Groups/" + results["ytreww"]["location"].rsplit("/", 1)[-1])
    assert [m["value"] for m in made["members"]] == [id]
    assert results["qwerty"]["version"] == read(scim, f"/Users/{id}")["meta"]["version"]


def test_3_7_3_every_method(scim: httpx.Client) -> None:
    bob = created(scim, "/Users", user("bob"))
    dave = created(scim, "/Users", user("dave"))
    eve = created(scim, "/Users", user("eve"))
    results = bulk(
        scim,
        {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": user("Alice")},
        {
            "method": "PUT",
            "path": f"/Users/{bob['id']}",
            "version": bob["meta"]["version"],
            "data": user("Bob2"),
        },
        {
            "method": "PATCH",
            "path": f"/Users/{dave['id']}",
            "data": patch({"op": "add", "path": "nickName", "value": "Dave"}),
        },
        {"method": "DELETE", "path": f"/Users/{eve['id']}", "version": eve["meta"]["version"]},
        failOnErrors=1,
    )
    assert [(r["method"], r["status"]) for r in results] == [
        ("POST", "201"),
        ("PUT", "200"),
        ("PATCH", "200"),
        ("DELETE", "204"),
    ]
    assert read(scim, f"/Users/{bob['id']}")["userName"] == "Bob2"
    assert read(scim, f"/Users/{dave['id']}")["nickName"] == "Dave"
    refused(scim.get(f"/Users/{eve['id']}"), 404)


def test_3_7_3_fail_on_errors(scim: httpx.Client) -> None:
    bad = {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {"schemas": [USER]}}
    good = {"method": "POST", "path": "/Users", "bulkId": "good", "data": user("good")}
    stopped = bulk(scim, bad, good, failOnErrors=1)
    assert [r["status"] for r in stopped] == ["400"]
    assert stopped[0]["response"]["scimType"] == "invalidValue"
    assert page(scim, "/Users")["totalResults"] == 0
    assert [r["status"] for r in bulk(scim, bad, good)] == ["400", "201"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": "x"}}, "400"),
        ({"method": "POST", "path": "/Nothing", "bulkId": "1", "data": {}}, "400"),
        ({"method": "GET", "path": "/Users/1"}, "400"),
        ({"method": "DELETE", "path": "/Users/none"}, "404"),
        ({"method": "POST", "path": "/Groups", "bulkId": "1", "data": group("x", "bulkId:none")}, "400"),
    ],
)
def test_3_7_3_a_faulty_operation_is_told(scim: httpx.Client, operation: dict[str, Any], status: str) -> None:
    results = bulk(scim, operation)
    assert results[0]["status"][:2] == status[:2], results


def test_3_7_4_too_large_a_request_is_413(scim: httpx.Client) -> None:
    config = read(scim, "/ServiceProviderConfig")["bulk"]
    one = {"method": "DELETE", "path": "/Users/none"}
    response = scim.post(
        "/Bulk", json={"schemas": [BULK], "Operations": [one] * (config["maxOperations"] + 1)}
    )
    refused(response, 413)
    big = json.dumps({"schemas": [BULK], "Operations": [], "x": "x" * (config["maxPayloadSize"] + 1)})
    refused(scim.post("/Bulk", content=big), 413)


# --- §3.9, §3.10


def test_3_9_attributes(scim: httpx.Client) -> None:
    made = created(scim, "/Users", EXAMPLES["full"])
    path = f"/Users/{made['id']}"
    assert set(read(scim, path, attributes="userName")) == {"schemas", "id", "userName"}
    assert set(read(scim, path, attributes="USERNAME,nickname")) == {"schemas", "id", "userName", "nickName"}
    assert read(scim, path, attributes="name.familyName")["name"] == {"familyName": "Jensen"}
    emails = read(scim, path, attributes="emails.value")["emails"]
    assert emails == [{"value": "bjensen@example.com"}, {"value": "babs@jensen.org"}]
    department = read(scim, path, attributes=f"{ENTERPRISE}:department")
    assert department[ENTERPRISE] == {"department": "Tour Operations"}
    assert set(read(scim, path, attributes=ENTERPRISE)) == {"schemas", "id", ENTERPRISE}
    assert set(read(scim, path, attributes=f"{USER}:userName")) == {"schemas", "id", "userName"}
    assert set(read(scim, path, attributes="shoeSize,password")) == {"schemas", "id"}


def test_3_9_excluded_attributes(scim: httpx.Client) -> None:
    made = created(scim, "/Users", EXAMPLES["full"])
    path = f"/Users/{made['id']}"
    left = read(scim, path, excludedAttributes="emails,name.givenName,id,schemas")
    assert "emails" not in left
    assert left["id"] == made["id"]
    assert "schemas" in left
    assert "givenName" not in left["name"]
    assert left["name"]["familyName"] == "Jensen"
    assert "userName" in left


def test_3_9_both_at_once_are_refused(scim: httpx.Client) -> None:
    refused(scim.get("/Users", params={"attributes": "id", "excludedAttributes": "name"}), 400)


def test_3_9_a_projection_holds_for_create_and_replace(scim: httpx.Client) -> None:
    response = scim.post("/Users", params={"attributes": "userName"}, json=user("proj", title="T"))
    assert (response.status_code, set(response.json())) == (201, {"schemas", "id", "userName"})
    path = f"/Users/{response.json()['id']}"
    replaced = scim.put(path, params={"excludedAttributes": "title"}, json=user("proj", title="U"))
    assert "title" not in replaced.json()


# --- §3.11, §3.12, §3.13, §3.14


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "POST"])
def test_3_11_me_is_not_mapped(scim: httpx.Client, method: str) -> None:
    refused(scim.request(method, "/Me", content="{}"), 501)


def test_3_12_the_statuses_of_a_resource_that_is_taken(scim: httpx.Client) -> None:
    created(scim, "/Users", user("taken"))
    other = created(scim, "/Users", user("other"))
    path = f"/Users/{other['id']}"
    refused(scim.post("/Users", json=user("TAKEN")), 409, "uniqueness")
    refused(scim.put(path, json=user("Taken")), 409, "uniqueness")
    rename = patch({"op": "replace", "path": "userName", "value": "taken"})
    refused(scim.patch(path, json=rename), 409, "uniqueness")


def test_3_14_etags(scim: httpx.Client, babs: str) -> None:
    version = read(scim, babs)["meta"]["version"]
    response = scim.get(babs)
    assert response.headers["ETag"] == version
    assert version.startswith('W/"')
    own = {"excludedAttributes": "groups"}  # of which a version says nothing
    assert scim.get(babs, params=own, headers={"If-None-Match": version}).status_code == 304
    assert scim.get(babs, params=own, headers={"If-None-Match": f'"x", {version}'}).status_code == 304
    assert scim.get(babs, params=own, headers={"If-None-Match": 'W/"none"'}).status_code == 200
    assert scim.get(babs, headers={"If-None-Match": version}).status_code == 200
    stale = {"If-Match": 'W/"none"'}
    refused(scim.put(babs, json=user("babs"), headers=stale), 412)
    refused(scim.patch(babs, json=patch({"op": "add", "path": "title", "value": "x"}), headers=stale), 412)
    refused(scim.delete(babs, headers=stale), 412)
    assert read(scim, babs)["meta"]["version"] == version
    assert scim.put(babs, json=user("babs"), headers={"If-Match": version}).status_code == 200
    assert scim.delete(babs, headers={"If-Match": "*"}).status_code == 204


# --- §3.1, §3.8: methods and media types


def test_head_says_what_get_says_without_the_body(scim: httpx.Client, babs: str) -> None:
    for path in (babs, "/Users", "/ServiceProviderConfig"):
        head, get = scim.head(path), scim.get(path)
        assert head.status_code == get.status_code == 200
        assert head.headers["Content-Type"] == get.headers["Content-Type"]
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_options_names_the_methods(scim: httpx.Client, babs: str) -> None:
    allowed = {p: set(scim.options(p).headers["Allow"].split(", ")) for p in ("/Users", babs, "/Schemas")}
    assert {"GET", "POST"} <= allowed["/Users"]
    assert {"GET", "PUT", "PATCH", "DELETE"} <= allowed[babs]
    assert "POST" not in allowed["/Schemas"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/Users"),
        ("PATCH", "/Users"),
        ("DELETE", "/Users"),
        ("POST", "/Users/x"),
        ("GET", "/Bulk"),
        ("POST", "/ResourceTypes"),
        ("DELETE", "/Schemas"),
        ("PUT", "/ServiceProviderConfig"),
        ("GET", "/.search"),
        ("TRACE", "/Users"),
    ],
)
def test_a_method_that_is_not_there_is_405(scim: httpx.Client, method: str, path: str) -> None:
    response = scim.request(method, path)
    refused(response, 405)
    assert response.headers["Allow"]


# --- §4


def test_4_discovery(scim: httpx.Client) -> None:
    config = read(scim, "/ServiceProviderConfig")
    assert config["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]
    assert (
        config["patch"]["supported"] is config["filter"]["supported"] is config["bulk"]["supported"] is True
    )
    assert config["sort"]["supported"] is config["etag"]["supported"] is True
    assert config["authenticationSchemes"]
    types = {r["name"]: r for r in page(scim, "/ResourceTypes")["Resources"]}
    assert (types["User"]["endpoint"], types["User"]["schema"]) == ("/Users", USER)
    assert (types["Group"]["endpoint"], types["Group"]["schema"]) == ("/Groups", GROUP)
    schemas = {r["id"]: r for r in page(scim, "/Schemas")["Resources"]}
    assert {USER, GROUP, ENTERPRISE} <= schemas.keys()
    for kind, entries in (("ResourceTypes", types), ("Schemas", schemas)):
        for key, entry in entries.items():
            assert read(scim, f"/{kind}/{key}") == entry
            assert entry["meta"]["location"] == f"{scim.base_url}{kind}/{entry['id']}"
    refused(scim.get("/Schemas/urn:none"), 404)
    refused(scim.get("/ResourceTypes/None"), 404)


def test_4_discovery_must_not_be_filtered(scim: httpx.Client) -> None:
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
        refused(scim.get(path, params={"filter": 'name eq "User"'}), 403)
