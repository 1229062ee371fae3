"""The schema in the console: attributes of one's own, what is asked of users, and how many would not fit."""

from pathlib import Path

import pytest
from console.pages import World, run

from rosterd.service.visitor import OWNER, VIEWER

SCHEMA = "/directories/acme/schema"
URN = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
COST = {
    "resourceType": "User",
    "name": "costCenter",
    "kind": "string",
    "description": "Who pays",
    "values": "A1\nB2",
}


def test_the_schema_is_shown_with_its_descriptions(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        viewer = await world.visit(VIEWER)
        page = await viewer.get(SCHEMA)
        assert page.heading == "Schema"
        for words in ("userName required string", "name.familyName string The family name", "EnterpriseUser"):
            assert words in page.words
        assert "Add an attribute" not in page.words
        assert "members.value" in (await viewer.get(SCHEMA, type="Group")).words
        assert (await viewer.get(SCHEMA, type="Nothing")).status == 400

    run(tmp_path, test)


def test_an_attribute_of_ones_own_is_added_told_by_discovery_and_removed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        page = await owner.follow(await owner.post(f"{SCHEMA}/attributes", COST))
        assert "costCenter is part of" in page.words
        assert "costCenter string such as: A1, B2 Who pays" in page.words
        told = (await world.scim.get(f"/Schemas/{URN}")).json()
        assert [a["name"] for a in told["attributes"]] == ["costCenter"]
        anna = await world.user("anna@acme.example", **{URN: {"costCenter": "A1"}})
        shown = await owner.get(f"/directories/acme/users/{anna['id']}")
        assert "costCenter A1" in shown.words
        gone = {"resourceType": "User", "urn": URN, "name": "costCenter"}
        assert (await owner.post(f"{SCHEMA}/attributes/remove", gone)).status == 400
        held = await owner.post(f"{SCHEMA}/attributes/remove", {**gone, "confirm": "yes"})
        assert held.status == 409
        assert "1 of the resources have a value" in held.words
        await world.scim.delete(f"/Users/{anna['id']}")
        done = await owner.post(f"{SCHEMA}/attributes/remove", {**gone, "confirm": "yes"})
        assert "costCenter is removed" in (await owner.follow(done)).words

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "Give it a name"),
        ({"name": "cost center"}, "not an attribute name"),
        ({"kind": "complex"}, "One of"),
        ({"urn": "acme"}, "must be a URN"),
        ({"urn": "urn:ietf:params:scim:schemas:core:2.0:User"}, "choose a URN of your own"),
    ],
    ids=str,
)
def test_what_is_wrong_with_an_attribute_is_told_on_the_form(
    tmp_path: Path, fields: dict[str, str], word: str
) -> None:
    async def test(world: World) -> None:
        page = await (await world.visit()).post(f"{SCHEMA}/attributes", {**COST, **fields})
        assert page.status == 400
        assert word in page.words
        assert page.value("description") == "Who pays"

    run(tmp_path, test)


def test_who_would_not_fit_is_counted_before_anything_is_asked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        await world.user("anna@acme.example", title="CFO", userType="Employee")
        await world.user("bert@acme.example", userType="Robot")
        asked = {
            "resourceType": "User",
            "required": ["name.givenName"],
            "more": "title\n",
            "attribute": ["userType", ""],
            "allowed": ["Employee\nContractor", ""],
        }
        page = await owner.post(f"{SCHEMA}/requirements", {**asked, "then": "count"})
        for words in (
            "2 of the users lack name.givenName",
            "1 of the users lack title",
            "1 of the users have another value of userType",
        ):
            assert words in page.words
        assert page.html.count('value="name.givenName" checked') == 1
        assert (await world.scim.get("/Users")).json()["totalResults"] == 2
        await world.user("carl@acme.example")  # nothing is asked yet
        done = await owner.post(f"{SCHEMA}/requirements", {**asked, "then": "keep"})
        page = await owner.follow(done)
        assert "title required string" in page.words
        assert "userType string only: Employee, Contractor" in page.words
        refused = await world.scim.post(
            "/Users",
            json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dora@acme.example"},
        )
        assert refused.status_code == 400
        nothing = await owner.post(f"{SCHEMA}/requirements", {"resourceType": "User", "then": "keep"})
        assert nothing.status == 303
        await world.user("dora@acme.example")

    run(tmp_path, test)


def test_what_cannot_be_asked_is_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        for then in ("keep", "count"):
            page = await owner.post(f"{SCHEMA}/requirements", resourceType="User", more="shoeSize", then=then)
            assert page.status == 400
            assert "there is no attribute 'shoeSize'" in page.words
            assert "shoeSize" in page.html.split('id="more"')[1].split("</textarea>")[0]

    run(tmp_path, test)


def test_whoever_is_bound_to_another_directory_finds_and_changes_nothing(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        bound = await world.visit(OWNER, directory="other")
        assert (await bound.get(SCHEMA)).status == 404
        assert (await bound.post(f"{SCHEMA}/attributes", COST)).status == 404
        assert (await bound.post(f"{SCHEMA}/attributes/remove", COST)).status == 404
        assert (await bound.post(f"{SCHEMA}/requirements", resourceType="User", then="keep")).status == 404
        assert (await bound.post("/directories/other/schema/attributes", COST)).status == 303
        assert (await world.service.control.directories())[0].schemas == ()

    run(tmp_path, test)


def test_the_audit_log_shows_what_an_extension_has_as_json(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        owner = await world.visit()
        await owner.post(f"{SCHEMA}/attributes", COST)
        shown = await owner.get("/audit", action="extension.")
        assert '"name":"costCenter"' in shown.words + (await owner.get("/audit", action="attribute.")).words
        for page in (shown, await owner.get("/audit")):
            assert "False" not in page.words
            assert "'name'" not in page.words

    run(tmp_path, test)
