"""A request admitted before its directory's schemas change is carried out by those after it, or refused."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.postgres_server import namespace
from service.management import World, run

from rosterd.scim import errors, urns
from rosterd.service.control import Directory
from rosterd.service.directories import Directories
from rosterd.service.extensions import Extensions
from rosterd.service.ports import Reader
from rosterd.testing.scenario import BY

ACME = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
SCIM = {"Content-Type": "application/scim+json"}
Settings = dict[str, Any]
Change = Callable[[Extensions, Directories, Directory], Awaitable[object]]


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[Settings]:
    if request.param == "sqlite":
        yield {}
    else:
        with namespace() as url:
            yield {"database_url": url}


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": name, **more}


async def home(world: World) -> Directory:
    found = await world.service.control.directory("acme")
    assert found is not None
    return found


def sent_before(world: World, change: Change, body: Any) -> AsyncIterator[bytes]:
    """A body that comes when its request was admitted and the schemas were changed then."""

    async def chunks() -> AsyncIterator[bytes]:
        await change(world.service.extensions, world.service.directories, await home(world))
        yield json.dumps(body).encode()

    return chunks()


async def remove(extensions: Extensions, _: Directories, directory: Directory) -> None:
    await extensions.remove_attribute(directory, ACME, "code", by=BY)


async def retype(extensions: Extensions, _: Directories, directory: Directory) -> None:
    await extensions.add_attribute(directory, ACME, {"name": "code", "type": "integer"}, by=BY)


async def require(_: Extensions, directories: Directories, directory: Directory) -> None:
    await directories.require(directory, {"User": {"required": ["title"]}}, by=BY)


WITH_CODE = {ACME: {"code": "c1"}}
ADD_CODE = {
    "schemas": [urns.PATCH_OP],
    "Operations": [{"op": "add", "path": f"{ACME}:code", "value": "c1"}],
}
BULK = {
    "schemas": [urns.BULK_REQUEST],
    "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob", **WITH_CODE)},
        {"method": "PUT", "path": "/Users/{ann}", "data": user("anna", **WITH_CODE)},
    ],
}
CASES: dict[str, tuple[Change, str, str, Any, int]] = {
    "what is gone is not stored": (remove, "POST", "/Users", user("bob", **WITH_CODE), 201),
    "nor by PUT": (remove, "PUT", "/Users/{ann}", user("ann", **WITH_CODE), 200),
    "nor by PATCH": (remove, "PATCH", "/Users/{ann}", ADD_CODE, 400),
    "nor by bulk": (remove, "POST", "/Bulk", BULK, 200),
    "what is of another type is refused": (retype, "POST", "/Users", user("bob", **WITH_CODE), 400),
    "also in PATCH": (retype, "PATCH", "/Users/{ann}", ADD_CODE, 400),
    "what is required must be there": (require, "POST", "/Users", user("bob"), 400),
    "also in PUT": (require, "PUT", "/Users/{ann}", user("ann"), 400),
    "what keeps to it is done": (require, "POST", "/Users", user("bob", title="Dr"), 201),
}


def test_a_request_follows_the_schemas_at_its_commit(engine: Settings, tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for case, (change, method, path, body, status) in CASES.items():
            await world.service.extensions.put(
                await home(world), ACME, [{"name": "code"}, {"name": "x"}], by=BY
            )
            ann = (await world.scim.post("/Users", json=user("ann"))).json()["id"]
            filled = json.loads(json.dumps(body).replace("{ann}", ann))
            response = await world.scim.request(
                method, path.format(ann=ann), content=sent_before(world, change, filled), headers=SCIM
            )
            assert response.status_code == status, (case, response.text)
            if method == "POST" and path == "/Bulk":
                assert [one["status"] for one in response.json()["Operations"]] == ["201", "200"]
            reader = world.service.store.reader((await home(world)).id)
            for row in await reader.accounts("User", "active", 0, 9):
                assert b"c1" not in row.document, case
                assert (await world.scim.delete(f"/Users/{row.id}")).status_code == 204
            await world.service.directories.require(await home(world), {}, by=BY)

    run(tmp_path, test, **engine)


def test_schemas_that_change_all_the_time_are_told_and_nothing_is_half_done(
    engine: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        service, renewed = world.service, world.service.admission.renewed

        async def again(caller: Any) -> Any:
            found = await renewed(caller)
            await change(service.extensions, service.directories, await home(world))
            return found

        async def change(extensions: Extensions, _: Directories, directory: Directory) -> None:
            await extensions.put(directory, f"urn:x:{directory.revision}", [{"name": "x"}], by=BY)

        monkeypatch.setattr(service.admission, "renewed", again)
        for path, body in (
            ("/Users", user("bob")),
            ("/Bulk", json.loads(json.dumps(BULK).replace("{ann}", "a"))),
        ):
            response = await world.scim.post(path, content=sent_before(world, change, body), headers=SCIM)
            if path == "/Bulk":
                assert {one["status"] for one in response.json()["Operations"]} == {"503"}
            else:
                assert (response.status_code, response.headers["retry-after"]) == (503, "1")
                assert "schemas of the directory were changed" in response.json()["detail"]
        assert (await world.scim.get("/Users")).json()["totalResults"] == 0

    run(tmp_path, test, **engine)


def test_an_attribute_that_gets_a_value_while_it_is_looked_for_is_not_removed(
    engine: Settings, tmp_path: Path
) -> None:
    async def test(world: World) -> None:
        service = world.service
        await service.extensions.put(await home(world), ACME, [{"name": "code"}, {"name": "x"}], by=BY)
        looks = 0

        class Interrupted(Directories):
            async def _check(self, reader: Reader, present: Directory, wanted: Directory) -> None:
                nonlocal looks
                looks += 1
                await super()._check(reader, present, wanted)
                if looks == 1:
                    await world.user("ann", **WITH_CODE)

        interrupted = Extensions(Interrupted(service.control, service.store, lambda: 1))
        with pytest.raises(errors.Conflict, match="1 of the resources have a value"):
            await interrupted.remove_attribute(await home(world), ACME, "code", by=BY)
        assert looks == 2
        assert [a.name for a in service.extensions.find(await home(world), ACME).schema.attributes] == [
            "code",
            "x",
        ]

    run(tmp_path, test, **engine)
