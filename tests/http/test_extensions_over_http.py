"""Extensions and requirements by the management API, as a SCIM client meets them."""

from pathlib import Path
from typing import Any

import pytest
from service.management import World, problem, run, walk

from rosterd.scim import urns

ACME = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
AT = f"/directories/acme/schemas/{ACME}"
REQUIREMENTS = "/directories/acme/requirements"
ATTRIBUTES: list[dict[str, Any]] = [
    {"name": "floor", "type": "integer"},
    {"name": "costCode", "caseExact": True},
    {"name": "category", "canonicalValues": ["retail", "online"], "description": "Business category"},
]


async def put(world: World, *attributes: dict[str, Any], **more: Any) -> Any:
    response = await world.api.put(AT, json={"attributes": list(attributes), **more})
    assert response.status_code == 200, response.text
    return response.json()


async def require(world: World, **rules: Any) -> Any:
    response = await world.api.put(REQUIREMENTS, json={"requirements": rules})
    assert response.status_code == 200, response.text
    return response.json()


def body(user_name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": user_name, **more}


def test_an_extension_is_there_for_the_next_request(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await put(world, *ATTRIBUTES, name="Acme", description="Acme's own")
        assert (made["urn"], made["resourceType"], made["carriers"]) == (ACME, "User", 0)
        user = await world.user("ann", **{ACME: {"floor": 3, "costCode": "c1"}})
        assert user[ACME] == {"floor": 3, "costCode": "c1"}
        found = (await world.scim.get("/Users", params={"filter": f'{ACME}:costCode eq "c1"'})).json()
        assert found["totalResults"] == 1
        shown = (await world.scim.get(f"/Schemas/{ACME}")).json()
        assert [a["name"] for a in shown["attributes"]] == ["floor", "costCode", "category"]
        kinds = (await world.scim.get("/ResourceTypes/User")).json()["schemaExtensions"]
        assert kinds == [
            {"schema": urns.ENTERPRISE_USER, "required": False},
            {"schema": ACME, "required": False},
        ]
        assert (await world.api.get(AT)).json()["carriers"] == 1
        assert [e["urn"] for e in await walk(world.api, "/directories/acme/schemas")] == [ACME]
        assert await walk(world.api, "/directories/other/schemas") == []

    run(tmp_path, test)


def test_an_extension_s_attribute_may_be_called_schemas(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await put(world, {"name": "schemas", "uniqueness": "server"})
        user = await world.user("ann", **{ACME: {"schemas": "one"}})
        changed = body("ann", title="Dr.", **{ACME: {"schemas": "two"}})
        response = await world.scim.put(f"/Users/{user['id']}", json=changed)
        assert response.json()[ACME] == {"schemas": "two"}
        taken = await world.scim.post("/Users", json=body("ben", **{ACME: {"schemas": "two"}}))
        assert taken.status_code == 409
        await world.user("ben", **{ACME: {"schemas": "one"}})

    run(tmp_path, test)


def test_no_value_is_lost_by_a_change_of_the_schema(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await put(world, *ATTRIBUTES)
        user = await world.user("ann", **{ACME: {"floor": 3, "costCode": "C1"}})
        floor, code, category = ATTRIBUTES
        changes = [
            [floor, category],
            [floor, {"name": "costCode", "caseExact": False}, category],
            [floor, {**code, "uniqueness": "server"}, category],
            [floor, {**code, "multiValued": True}, category],
            [{**floor, "type": "string"}, code, category],
            [floor, {**code, "returned": "never"}, category],
        ]
        for attributes in changes:
            refused = problem(await world.api.put(AT, json={"attributes": attributes}), 409)
            assert "1 of the resources have a value of it" in refused["detail"]
            assert ACME in refused["detail"]
        refused = problem(await world.api.delete(AT), 409)
        assert "no value is lost" in refused["detail"]
        assert (await world.scim.get(f"/Users/{user['id']}")).json()[ACME] == {"floor": 3, "costCode": "C1"}
        # What nobody has may go, and come back otherwise; words about an attribute may change.
        await put(world, {**floor, "description": "Storey"}, {**code, "required": True})
        await put(world, floor, code, {"name": "category", "type": "integer"})
        cleared = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "remove", "path": ACME}]}
        assert (await world.scim.patch(f"/Users/{user['id']}", json=cleared)).status_code == 200
        assert (await world.api.delete(AT)).status_code == 204
        problem(await world.api.get(AT), 404)
        assert (await world.scim.get("/ResourceTypes/User")).json()["schemaExtensions"] == [
            {"schema": urns.ENTERPRISE_USER, "required": False}
        ]
        assert (await world.api.get("/directories/acme")).json()["definitions"]["resourceTypes"] == []

    run(tmp_path, test)


BAD = {
    "the protocol's own": (f"/directories/acme/schemas/{urns.USER}", [{"name": "x"}], 409),
    "no URN": ("/directories/acme/schemas/acme", [{"name": "x"}], 400),
    "twice": (AT, [{"name": "x"}, {"name": "X"}], 400),
    "none": (AT, [], 400),
    "bare complex": (AT, [{"name": "x", "type": "complex"}], 400),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_extension_is_refused(tmp_path: Path, name: str) -> None:
    address, attributes, status = BAD[name]

    async def test(world: World) -> None:
        before = (await world.api.get("/directories/acme")).json()
        problem(await world.api.put(address, json={"attributes": attributes}), status)
        missing = {"attributes": [{"name": "x"}], "resourceType": "Robot"}
        problem(await world.api.put(AT, json=missing), 400)
        assert (await world.api.get("/directories/acme")).json() == before

    run(tmp_path, test)


def test_requirements_hold_for_what_comes_and_tell_who_does_not_fit(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await put(world, *ATTRIBUTES)
        old = await world.user("old", emails=[{"value": "o@x.example", "type": "other"}])
        rules = {
            "required": ["name.givenName", "emails.primary", f"{ACME}:costCode"],
            "canonicalValues": {"emails.type": ["work", "home"]},
        }
        preview = await world.api.put(
            REQUIREMENTS, json={"requirements": {"User": rules}}, params={"preview": "true"}
        )
        counted = [(m["path"], m["rule"], m["misfits"]) for m in preview.json()["misfits"]]
        assert counted == [
            ("name.givenName", "required", 1),
            ("emails.primary", "required", 1),
            (f"{ACME}:costCode", "required", 1),
            ("emails.type", "canonicalValues", 1),
        ]
        assert (await world.api.get(REQUIREMENTS)).json() == {"requirements": {}, "misfits": []}
        await world.user("before")
        kept = await require(world, User=rules)
        assert kept["requirements"] == {"User": rules}
        assert [m["misfits"] for m in kept["misfits"]] == [2, 2, 2, 1]

        refused = await world.scim.post("/Users", json=body("new"))
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
        assert refused.json()["detail"].startswith("name.givenName: a value is required by directory 'acme'")
        refused = await world.scim.put(f"/Users/{old['id']}", json=body("old", name={"givenName": "O"}))
        assert refused.json()["detail"].startswith("emails.primary: a value is required by directory 'acme'")
        title = {"op": "add", "path": "title", "value": "Dr"}
        patch = {"schemas": [urns.PATCH_OP], "Operations": [title]}
        assert (await world.scim.patch(f"/Users/{old['id']}", json=patch)).status_code == 200
        right = body(
            "new",
            name={"givenName": "N"},
            emails=[{"value": "n@x.example", "type": "work", "primary": True}],
            **{ACME: {"costCode": "C"}},
        )
        assert (await world.scim.post("/Users", json=right)).status_code == 201
        shown = (await world.scim.get(f"/Schemas/{urns.USER}")).json()
        assert {a["name"]: a["required"] for a in shown["attributes"]}["name"] is True
        refused = problem(await world.api.put(AT, json={"attributes": ATTRIBUTES[:1]}), 409)
        assert "have a value of it" in refused["detail"] or "do not fit any more" in refused["detail"]
        await require(world)
        assert (await world.scim.post("/Users", json=body("free"))).status_code == 201

    run(tmp_path, test)


def test_an_attribute_that_is_asked_for_is_not_taken_away(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await put(world, *ATTRIBUTES)
        await require(world, User={"required": [f"{ACME}:costCode"]})
        refused = problem(await world.api.delete(AT), 409)
        assert "The requirements of directory 'acme' do not fit any more" in refused["detail"]
        problem(await world.api.put(REQUIREMENTS, json={"requirements": {"User": {"required": ["x"]}}}), 400)

    run(tmp_path, test)


def test_external_id_is_asked_of_the_connection_that_writes(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        await require(world, User={"required": ["externalId"]}, Group={"required": ["externalId"]})
        refused = await world.scim.post("/Users", json=body("ann"))
        assert refused.json()["detail"].startswith("externalId: a value is required by directory 'acme'")
        user = await world.user("ann", externalId="1")
        assert (await world.scim.put(f"/Users/{user['id']}", json=body("ann"))).status_code == 400
        again = await world.scim.put(f"/Users/{user['id']}", json=body("ann", externalId="1", title="x"))
        assert again.json()["externalId"] == "1"
        found = await world.scim.get("/Users", params={"filter": 'externalId eq "1"'})
        assert found.json()["totalResults"] == 1
        shown = await world.scim.get("/Users", params={"attributes": "externalId"})
        assert shown.json()["Resources"][0]["externalId"] == "1"

    run(tmp_path, test)


def test_two_changes_at_once_both_hold(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        service = world.service
        home = await service.control.directory("acme")
        assert home is not None
        from rosterd.testing.scenario import BY

        # Both begin with the directory as it was before either.
        await service.extensions.add_attribute(home, ACME, {"name": "one"}, by=BY)
        await service.extensions.add_attribute(home, ACME, {"name": "two"}, by=BY)
        await service.directories.require(home, {"User": {"required": ["title"]}}, by=BY)
        found = (await world.api.get(AT)).json()["attributes"]
        assert [a["name"] for a in found] == ["one", "two"]
        assert (await world.api.get("/directories/acme")).json()["revision"] == home.revision + 3
        log = await service.control.audit_page(home.id, None, 10)
        assert [e.entry.action for e in log][:3] == [
            "directory.required",
            "attribute.added",
            "attribute.added",
        ]

    run(tmp_path, test)
