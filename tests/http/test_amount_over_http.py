"""What a resource can have is bounded; what has more from before can get less."""

import threading
from pathlib import Path
from typing import Any

import pytest
from service.management import World, run

from rosterd.http.decode import LARGE, MAX_BODY, MAX_SINGLE
from rosterd.scim import amount, effort, profiles, urns
from rosterd.scim import patch as patching
from rosterd.scim.amount import MOST_BYTES, MOST_SEARCHED, MOST_VALUES

ENTITLED = "entitlements"


def values(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"value": f"e{number}"} for number in range(first, first + count)]


def body(**more: Any) -> dict[str, Any]:
    return {"schemas": [urns.USER], "userName": "ann", **more}


def patch(op: str, path: str, value: Any = None) -> dict[str, Any]:
    operation = {"op": op, "path": path} | ({} if value is None else {"value": value})
    return {"schemas": [urns.PATCH_OP], "Operations": [operation]}


def bulk(method: str, path: str, data: Any) -> dict[str, Any]:
    return {"schemas": [urns.BULK_REQUEST], "Operations": [{"method": method, "path": path, "data": data}]}


TOO_MANY = values(MOST_VALUES + 1)


MANY_SAID = f": {MOST_VALUES + 1} values are too many"
LONG = "x" * MOST_BYTES


@pytest.mark.parametrize(
    ("method", "path", "sent", "said"),
    [
        ("POST", "/Users", body(emails=[{"value": f"a{n}@x"} for n in range(MOST_VALUES + 1)]), MANY_SAID),
        ("PUT", "/Users/{id}", body(**{ENTITLED: TOO_MANY}), MANY_SAID),
        ("PATCH", "/Users/{id}", patch("add", ENTITLED, values(2, 9000)), MANY_SAID),
        ("PATCH", "/Users/{id}", patch("replace", ENTITLED, TOO_MANY), MANY_SAID),
        ("POST", "/Users", body(title=LONG), f"a resource can have {MOST_BYTES} "),
        ("PATCH", "/Users/{id}", patch("add", "title", LONG), f"a resource can have {MOST_BYTES} "),
        ("PUT", "/Users/{id}", body(displayName=LONG[:MOST_SEARCHED]), f"{MOST_SEARCHED + 3} characters"),
        ("PATCH", "/Users/{id}", patch("add", "displayName", LONG[:MOST_SEARCHED]), " 65536 together"),
        ("POST", "/Groups", {"schemas": [urns.GROUP], "displayName": LONG[: MOST_SEARCHED + 1]}, " together"),
    ],
)
def test_more_than_a_resource_can_have_is_refused_and_changes_nothing(
    tmp_path: Path, method: str, path: str, sent: dict[str, Any], said: str
) -> None:
    async def test(world: World) -> None:
        made = await world.user("bob", **{ENTITLED: values(MOST_VALUES - 1)})
        address = path.format(id=made["id"])
        response = await world.scim.request(method, address, json=sent)
        assert response.status_code == 400
        assert response.json()["scimType"] == "invalidValue"
        assert said in response.json()["detail"]
        done = await world.scim.post("/Bulk", json=bulk(method, address, sent))
        assert done.json()["Operations"][0]["status"] == "400"
        assert (await world.scim.get(f"/Users/{made['id']}")).json() == made
        assert (await world.scim.get("/Users")).json()["totalResults"] == 1
        assert (await world.scim.get("/Groups")).json()["totalResults"] == 0

    run(tmp_path, test)


def test_what_has_more_from_before_can_be_changed_and_made_less_but_not_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        made = await world.user("ann", **{ENTITLED: values(9)})
        monkeypatch.setattr(amount, "MOST_VALUES", 5)
        monkeypatch.setattr(amount, "SMALL", 0)
        address = f"/Users/{made['id']}"
        assert (await world.scim.put(address, json=body(**{ENTITLED: values(8)}))).status_code == 200
        assert (await world.scim.put(address, json=body(**{ENTITLED: values(9)}))).status_code == 400
        for sent, status in (
            (patch("replace", "title", "Boss"), 200),
            (patch("replace", ENTITLED, values(7)), 200),
            (patch("add", ENTITLED, values(1, 50)), 400),
            (patch("remove", f'{ENTITLED}[value eq "e1"]'), 200),
            (patch("add", ENTITLED, values(1, 50)), 400),
            (patch("replace", ENTITLED, values(5)), 200),
            (patch("add", ENTITLED, values(1, 50)), 400),
        ):
            assert (await world.scim.patch(address, json=sent)).status_code == status, sent
        assert len((await world.scim.get(address)).json()[ENTITLED]) == 5

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/Users", body(**{ENTITLED: TOO_MANY})),
        ("POST", "/Users", body(**{ENTITLED.upper(): ["x"] * len(TOO_MANY)})),
        ("POST", "/Users", body(**{urns.ENTERPRISE_USER: {"department": ["x"] * len(TOO_MANY)}})),
        ("PUT", "/Users/{id}", body(**{ENTITLED: TOO_MANY})),
        ("PATCH", "/Users/{id}", patch("add", ENTITLED, TOO_MANY)),
        ("PATCH", "/Users/{id}", patch("remove", ENTITLED, TOO_MANY)),
        ("PATCH", "/Users/{id}", patch("replace", f'{ENTITLED}[type eq "x"]', TOO_MANY)),
        ("PATCH", "/Users/{id}", patch("replace", f"{urns.ENTERPRISE_USER}:department", TOO_MANY)),
        ("PATCH", "/Users/{id}", {"operations": [{"Op": "Add", "Value": {ENTITLED: TOO_MANY}}]}),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "add", "value": {f"{ENTITLED}[x pr]": TOO_MANY}}]}),
    ],
)
def test_nothing_is_made_of_a_list_that_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str, sent: dict[str, Any]
) -> None:
    async def test(world: World) -> None:
        made = await world.user("bob")

        def never(*_: Any) -> Any:
            raise AssertionError("the values were looked at")

        monkeypatch.setattr(profiles, "rewrite", never)
        address = path.format(id=made["id"])
        response = await world.scim.request(method, address, json=sent)
        assert response.status_code == 400
        assert MANY_SAID in response.json()["detail"]
        operation = {"method": method, "path": address, "bulkId": "1", "data": sent}
        done = await world.scim.post(
            "/Bulk", json={"schemas": [urns.BULK_REQUEST], "Operations": [operation]}
        )
        assert MANY_SAID in done.json()["Operations"][0]["response"]["detail"]
        assert (await world.scim.get(f"/Users/{made['id']}")).json() == made

    run(tmp_path, test)


def test_nothing_is_made_of_operations_that_give_too_much_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        made = await world.user("bob")
        monkeypatch.setattr(effort, "MOST_STEPS", 0)
        monkeypatch.setattr(patching, "PATCH_STEPS", 5 * 5 * 20 - 1)
        monkeypatch.setattr(profiles, "rewrite", None)
        operation = {"op": "add", "path": ENTITLED, "value": values(20)}
        for each in (operation, {"op": "add", "value": {ENTITLED: values(20), "roles": values(10)}}):
            sent = {"schemas": [urns.PATCH_OP], "Operations": [each] * 5}
            response = await world.scim.patch(f"/Users/{made['id']}", json=sent)
            assert response.status_code == 413
            assert response.json()["detail"].startswith(
                "5 of 'Operations' on an attribute that may have 100 "
            )

    run(tmp_path, test)


def test_names_that_may_be_paths_are_counted_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(world: World) -> None:
        made = await world.user("bob")
        monkeypatch.setattr(patching, "MAX_OPERATIONS", 9)
        monkeypatch.setattr(profiles, "rewrite", None)
        names = {f'emails[type eq "{number}"].value': "x" for number in range(5)}
        sent = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "value": names}] * 2}
        response = await world.scim.patch(f"/Users/{made['id']}", json=sent)
        assert response.status_code == 413
        assert response.json()["detail"].startswith(
            "10 names in the values of one PATCH; at most 9 are taken"
        )

    run(tmp_path, test)


def test_a_long_list_of_what_is_not_kept_is_passed_by(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.user("bob", unheard=TOO_MANY)
        address = f"/Users/{made['id']}"
        # Whoever is in so many groups is sent back with them by a client that reads and replaces.
        sent = {**made, "groups": TOO_MANY, "title": "Boss"}
        assert (await world.scim.put(address, json=sent)).json()["title"] == "Boss"
        both = {"value": {"groups": TOO_MANY, "title": "Chief"}, "op": "replace"}
        response = await world.scim.patch(address, json={"schemas": [urns.PATCH_OP], "Operations": [both]})
        assert response.json()["title"] == "Chief"
        staff = await world.group("Staff")
        members = {"op": "add", "path": f"{urns.GROUP}:members", "value": TOO_MANY}
        sent = {
            "schemas": [urns.PATCH_OP],
            "Operations": [members, {"op": "add", "value": {"Members": TOO_MANY}}],
        }
        assert (await world.scim.patch(f"/Groups/{staff['id']}", json=sent)).status_code == 200

    run(tmp_path, test)


def test_members_of_a_group_are_not_bounded_by_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.group("Staff", *[f"id{n}" for n in range(MOST_VALUES + 1)])
        assert made["displayName"] == "Staff"

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("method", "path", "size", "status"),
    [
        ("POST", "/Users", MAX_SINGLE, 400),
        ("POST", "/Users", MAX_SINGLE + 1, 413),
        ("PUT", "/Users/x", MAX_SINGLE + 1, 413),
        ("PATCH", "/Users/x", MAX_SINGLE + 1, 413),
        ("POST", "/Groups", MAX_SINGLE + 1, 400),
        ("POST", "/Groups", MAX_BODY + 1, 413),
        ("POST", "/Bulk", MAX_SINGLE + 1, 400),
    ],
)
def test_a_body_may_be_larger_where_there_are_members_or_several_resources(
    tmp_path: Path, method: str, path: str, size: int, status: int
) -> None:
    async def test(world: World) -> None:
        headers = {"Content-Type": "application/scim+json"}
        response = await world.scim.request(method, path, content=b" " * size, headers=headers)
        assert (response.status_code, response.json()["status"]) == (status, str(status))

    run(tmp_path, test)


@pytest.mark.parametrize("size", [0, LARGE])
def test_a_large_message_is_checked_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    async def test(world: World) -> None:
        checked: list[bool] = []
        rewrite = profiles.rewrite

        def noted(*given: Any) -> Any:
            checked.append(threading.current_thread() is threading.main_thread())
            return rewrite(*given)

        monkeypatch.setattr(profiles, "rewrite", noted)
        ignored = {"displayname": "Staff", "urn:x": "x" * size}  # not as most are
        sent = {"schemas": [urns.GROUP], "members": [{"value": "ann"}], **ignored}
        made = await world.scim.post("/Groups", json=sent)
        assert made.status_code == 201
        address = f"/Groups/{made.json()['id']}"
        assert (await world.scim.put(address, json=sent)).status_code == 200
        operation = {"op": "add", "path": "displayName", "value": "All", "note": "x" * size}
        patched = await world.scim.patch(
            address, json={"schemas": [urns.PATCH_OP], "Operations": [operation]}
        )
        assert patched.json()["displayName"] == "All"
        assert checked == [size < LARGE] * 3
        refused = await world.scim.post("/Groups", json={**sent, "displayName": "given twice"})
        assert refused.status_code == 400

    run(tmp_path, test)
