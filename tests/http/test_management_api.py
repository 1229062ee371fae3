"""The management API: who gets in, what is refused, and what each resource does."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from service.management import BASE, World, problem, run, walk

from rosterd.http.api.app import ApiApp
from rosterd.http.api.request import StreamReply
from rosterd.http.api.route import MAX_BODY, ApiRoute
from rosterd.http.api.routes import ROUTES
from rosterd.scim import urns
from rosterd.service.keys import SCOPES
from rosterd.service.ports import StoreUnavailable
from rosterd.testing.scenario import BY

CONNECTION = "/directories/acme/connections/okta"
EXTENSION = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"


def extension(**attribute: Any) -> dict[str, Any]:
    """A schema of one attribute."""
    return {
        "id": EXTENSION,
        "name": "Acme",
        "attributes": [{"name": "floor", "type": "string", "multiValued": False, **attribute}],
    }


# Admission


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "Authentication is needed"),
        ("Basic abc", "must read 'Bearer <token>'"),
        ("Bearer nonsense", "incomplete or mistyped"),
        ("Bearer rak_000000000000_" + "0" * 49, "incomplete or mistyped"),
    ],
)
def test_without_a_key_nothing_is_told(tmp_path: Path, header: str | None, words: str) -> None:
    async def test(world: World) -> None:
        world.api.headers.pop("authorization")
        headers = {} if header is None else {"Authorization": header}
        response = await world.api.get("/directories", headers=headers)
        assert words in problem(response, 401)["detail"]
        assert response.headers["www-authenticate"].startswith("Bearer")

    run(tmp_path, test)


def test_a_token_is_no_key_and_a_key_no_token(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        token, key = world.scim.headers["authorization"], world.api.headers["authorization"]
        problem(await world.api.get("/directories", headers={"Authorization": token}), 401)
        assert (await world.scim.get("/Users", headers={"Authorization": key})).status_code == 401

    run(tmp_path, test)


def test_when_a_key_and_a_token_were_used_is_written_down_once_the_store_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(used: Mapping[str, int]) -> None:
        raise StoreUnavailable("away")

    async def test(world: World) -> None:
        await world.scim.get("/Users")
        await world.api.get("/directories")
        service = world.service
        used, keys_used = dict(service.admission.used), dict(service.keys_used)
        for name in ("used", "keys_used"):
            with monkeypatch.context() as patched:
                patched.setattr(service.control, name, away)
                await service.note_use()
        await service.note_use()
        home = await service.control.directory("acme")
        assert home is not None
        tokens = {t.id: t.last_used for t in await service.control.tokens(home.id)}
        keys = {key.id: key.last_used for key in await service.control.keys()}
        assert {id: tokens[id] for id in used} == used != {}
        assert {id: keys[id] for id in keys_used} == keys_used != {}
        assert not service.admission.used
        assert not service.keys_used

    run(tmp_path, test)


def test_a_key_ends_and_is_revoked_at_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        client = await world.client(label="mine")
        assert (await client.get("/directories")).status_code == 200
        key = next(k for k in await world.service.control.keys() if k.label == "mine")
        await world.service.note_use()
        noted = next(k for k in await world.service.control.keys() if k.label == "mine")
        assert noted.last_used is not None
        await world.service.keys.revoke(key.id, by=BY)
        assert "revoked" in problem(await client.get("/directories"), 401)["detail"]
        short = await world.client(lifetime=60)
        later = world.service.http.api._api.now() + 60_001
        object.__setattr__(world.service.http.api._api, "now", lambda: later)
        assert "expired" in problem(await short.get("/directories"), 401)["detail"]

    run(tmp_path, test)


def filled(template: str) -> str:
    """An address of the template."""
    for name in ("directory", "connection", "token", "client", "user", "group"):
        template = template.replace(f"{{{name}}}", {"directory": "acme", "connection": "okta"}.get(name, "x"))
    return template


@pytest.mark.parametrize("route", [r for r in ROUTES if r.scope], ids=lambda r: f"{r.method} {r.template}")
def test_each_route_needs_its_scope(tmp_path: Path, route: ApiRoute) -> None:
    async def test(world: World) -> None:
        others = await world.client(scopes=[s for s in SCOPES if s != route.scope])
        response = await others.request(route.method, filled(route.template), json={})
        assert f"'{route.scope}'" in problem(response, 403)["detail"]
        own = await world.client(scopes=[route.scope or ""])
        params = {"after": "?"} if route.template in ("/events", "/snapshot") else {}
        assert (
            await own.request(route.method, filled(route.template), json={}, params=params)
        ).status_code not in (401, 403)

    run(tmp_path, test)


# The protocol


def test_methods_addresses_and_media_types(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        api = world.api
        got, head = await api.get("/directories"), await api.head("/directories")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert got.headers["content-type"] == "application/json"
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-request-id"] != head.headers["x-request-id"]
        options = await api.options("/directories")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
        wrong = await api.put("/directories", json={})
        problem(wrong, 405)
        assert wrong.headers["allow"] == "GET, POST, HEAD, OPTIONS"
        for path in (
            "",
            "/",
            "/nothing",
            "/directories/",
            "//directories",
            "/directories/acme/",
            "/Directories",
        ):
            problem(await api.get(BASE + path), 404)
        for accept, status in (
            ("text/html", 406), ("application/json;q=0", 406), ("text/html, */*;q=0.1", 200),
            ("application/*", 200), ("application/json", 200),
        ):  # fmt: skip
            assert (await api.get("/directories", headers={"Accept": accept})).status_code == status
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        problem(await api.post("/directories", content=b"name=x", headers=form), 415)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"", 415, None),
        (b"[]", 400, None),
        (b"{", 400, None),
        (b'{"name": "x\\u0000"}', 400, None),
        (b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}", 400, None),
        (b'{"name": "' + b"x" * MAX_BODY + b'"}', 413, None),
        (b"{}", 400, ["/name"]),
        (b'{"name": 1}', 400, ["/name"]),
        (b'{"name": "a b", "a/b~c": 1}', 400, ["/name", "/a~1b~0c"]),
        (b'{"name": ""}', 400, ["/name"]),
        (b'{"name": "x\\n"}', 400, ["/name"]),
    ],
)
def test_a_body_that_does_not_fit_is_told_by_place(
    tmp_path: Path, body: bytes, status: int, pointers: list[str] | None
) -> None:
    async def test(world: World) -> None:
        headers = {"Content-Type": "application/json"} if body else {"Content-Type": "text/plain"}
        response = await world.api.post("/directories", content=body, headers=headers)
        told = problem(response, status)
        assert [fault["pointer"] for fault in told.get("errors", [])] == (pointers or [])

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "?limit"),
        ("limit=1001", "?limit"),
        ("limit=x", "?limit"),
        ("limit=9999999999999999999999", "?limit"),
        ("limit=1&limit=2", "?limit"),
        ("state=gone", "?state"),
        ("page=2", "?page"),
        ("Limit=2", "?Limit"),
        ("q=a&state=deleted", "?q"),
        ("q=" + "a" * 201, "?q"),
    ],
)
def test_a_query_that_does_not_fit_is_told_by_name(tmp_path: Path, query: str, pointer: str) -> None:
    async def test(world: World) -> None:
        told = problem(await world.api.get(f"/directories/acme/users?{query}"), 400)
        assert [fault["pointer"] for fault in told["errors"]] == [pointer]

    run(tmp_path, test)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "AAAA" * 1000])
def test_a_cursor_of_ones_own_is_refused(tmp_path: Path, cursor: str) -> None:
    async def test(world: World) -> None:
        for path in ("/directories", "/directories/acme/users", f"{CONNECTION}/tokens"):
            problem(await world.api.get(path, params={"cursor": cursor}), 400)

    run(tmp_path, test)


def test_a_cursor_opens_for_its_listing_and_key_only(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        page = (await world.api.get("/directories", params={"limit": 1})).json()
        cursor = page["nextCursor"]
        assert (await world.api.get("/directories", params={"cursor": cursor})).status_code == 200
        problem(await world.api.get("/directories/acme/users", params={"cursor": cursor}), 400)
        problem(await (await world.client()).get("/directories", params={"cursor": cursor}), 400)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("fault", "status", "retry"), [(ValueError("secret"), 500, None), (StoreUnavailable("disk"), 503, "5")]
)
def test_faults_are_told_without_their_cause(
    tmp_path: Path, fault: Exception, status: int, retry: str | None
) -> None:
    async def test(world: World) -> None:
        async def broken(*_: object) -> None:
            raise fault

        world.service.control.directory_page = broken  # type: ignore[method-assign,assignment]
        response = await world.api.get("/directories")
        detail = problem(response, status)["detail"]
        assert "secret" not in detail
        assert "disk" not in detail
        assert response.headers.get("retry-after") == retry

    run(tmp_path, test)


def test_a_stream_ends_when_the_server_stops_or_the_client_goes() -> None:
    ended: list[str] = []

    async def endless() -> Any:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.append("closed")

    class Context:
        stopping = asyncio.Event()

    async def main(stop: Callable[[], None], gone: asyncio.Event) -> list[Any]:
        app = ApiApp.__new__(ApiApp)
        app._api = Context()  # type: ignore[assignment]
        sent: list[Any] = []

        async def receive() -> dict[str, str]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if message.get("body") == b"first":
                stop()

        await asyncio.wait_for(
            app._stream(StreamReply(endless(), "text/x"), receive, send, "id", head=False), 5
        )
        return sent

    for way in ("stop", "gone"):
        Context.stopping, gone = asyncio.Event(), asyncio.Event()
        sent = asyncio.run(main(Context.stopping.set if way == "stop" else gone.set, gone))
        assert sent[0]["status"] == 200
        assert [m.get("body") for m in sent[1:]] == [b"first", b""]
    assert ended == ["closed", "closed"]


# Directories


def test_directories_are_made_listed_and_defined(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = await world.api.post("/directories", json={"name": "new"})
        assert made.status_code == 201
        assert made.json()["scimPath"] == "/scim/v2/d/new"
        assert "already" in problem(await world.api.post("/directories", json={"name": "new"}), 409)["detail"]
        names = [d["name"] for d in await walk(world.api, "/directories", limit=1)]
        assert names == ["acme", "new", "other"]
        await world.user("ann")
        read = (await world.api.get("/directories/acme")).json()
        assert (read["users"], read["groups"]) == (1, 0)

        definitions = "/directories/acme/definitions"
        types = [
            {
                "name": "User", "endpoint": "/Users", "schema": urns.USER,
                "schemaExtensions": [{"schema": EXTENSION, "required": False}],
            }
        ]  # fmt: skip
        body = {"schemas": [extension()], "resourceTypes": types}
        defined = (await world.api.post(definitions, json=body)).json()
        assert defined["revision"] == 2
        assert defined["definitions"] == {"schemas": [extension()], "resourceTypes": types}
        bob = await world.user("bob", **{"schemas": [urns.USER, EXTENSION], EXTENSION: {"floor": "3"}})
        assert bob[EXTENSION] == {"floor": "3"}
        for wrong, pointer, words in (
            ({"schemas": [extension(), extension(type="float")]}, "/schemas/1", "floor"),
            ({"schemas": [{}]}, "/schemas/0", "id"),
            ({"resourceTypes": [{"name": "X", "endpoint": "/Bulk"}]}, "/resourceTypes", "protocol's own"),
            ({"schemas": [1]}, "/schemas/0", "object"),
        ):
            told = problem(await world.api.post(definitions, json=wrong), 400)
            assert told["errors"][0]["pointer"] == pointer
            assert words in told["errors"][0]["detail"]
        assert (await world.api.get("/directories/acme")).json()["revision"] == 2

    run(tmp_path, test)


# Connections, tokens, clients


def test_connections_are_made_changed_and_paused(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        path = "/directories/acme/connections"
        body = {"name": "entra", "profile": "entra", "limits": {"fuseCount": 7}}
        made = await world.api.post(path, json=body)
        assert made.status_code == 201
        assert (made.json()["profile"], made.json()["limits"]["fuseCount"]) == ("entra", 7)
        problem(await world.api.post(path, json=body), 409)
        assert [c["name"] for c in await walk(world.api, path, limit=1)] == ["entra", "okta"]
        changed = await world.api.patch(f"{path}/entra", json={"reach": "directory", "limits": {"burst": 2}})
        assert changed.json() == {
            **made.json(), "reach": "directory", "limits": {**made.json()["limits"], "burst": 2},
        }  # fmt: skip
        assert (await world.api.get(f"{path}/entra")).json() == changed.json()
        told = problem(await world.api.patch(f"{path}/entra", json={"limits": {"burst": 0}}), 400)
        assert told["errors"] == [{"pointer": "/limits/burst", "detail": "must be at least 1"}]

        problem(await world.api.patch(f"{path}/entra", json={"name": "okta"}), 409)
        problem(await world.api.patch(f"{path}/entra", json={"name": "a/b"}), 400)
        renamed = await world.api.patch(f"{path}/entra", json={"name": "azure"})
        assert renamed.json() == {**changed.json(), "name": "azure"}
        problem(await world.api.get(f"{path}/entra"), 404)
        assert (await world.api.get(f"{path}/azure")).json() == renamed.json()

        paused = await world.api.post(f"{path}/okta/state", json={"move": "pause", "reason": "moving"})
        assert paused.json()["state"]["is"] == "paused"
        assert paused.json()["state"]["by"] == "API key 'all'"
        assert (await world.scim.get("/Users")).status_code == 503
        problem(await world.api.post(f"{path}/okta/state", json={"move": "enable"}), 409)
        await world.api.post(f"{path}/okta/state", json={"move": "resume"})
        assert (await world.scim.get("/Users")).status_code == 200

    run(tmp_path, test)


def test_whatever_belongs_to_a_connection_is_found_by_its_new_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made = (await world.scim.post("/Users", json={"schemas": [urns.USER], "userName": "ada"})).json()
        renamed = await world.api.patch(CONNECTION, json={"name": "workforce"})
        assert renamed.status_code == 200
        found = (await world.scim.get(f"/Users/{made['id']}")).json()
        assert found == made, "the identity provider notices nothing"
        here = CONNECTION.replace("okta", "workforce")
        assert len(await walk(world.api, f"{here}/tokens")) == 1
        shown = (await world.api.get(f"/directories/acme/users/{made['id']}")).json()
        assert shown["connection"] == "workforce"
        told = (await world.api.get("/events?directory=acme")).json()["events"]
        assert {event["cause"]["connection"] for event in told} == {"workforce"}

    run(tmp_path, test)


def test_tokens_are_issued_rotated_and_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        path = f"{CONNECTION}/tokens"

        async def works(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await world.scim.get("/Users", headers=headers)).status_code

        body = {"label": "second", "scopes": ["scim.read"], "lifetime": 3600}
        issued = (await world.api.post(path, json=body)).json()
        assert await works(issued["token"]) == 200
        rotated = (await world.api.post(f"{path}/{issued['id']}/rotate", json={"overlap": 60})).json()
        assert await works(rotated["token"]) == await works(issued["token"]) == 200
        assert rotated["scopes"] == ["scim.read"]
        listed = await walk(world.api, path, limit=1)
        assert {t["id"]: t["state"] for t in listed}[issued["id"]] == "ending"
        assert len(listed) == 3
        assert not any("token" in t or rotated["token"] in str(t) for t in listed)
        assert (await world.api.delete(f"{path}/{rotated['id']}")).status_code == 204
        assert await works(rotated["token"]) == 401
        problem(await world.api.post(f"{path}/{rotated['id']}/rotate"), 409)
        problem(await world.api.delete(f"{path}/nothing"), 404)
        problem(await world.api.post(path, json={"lifetime": 59}), 400)
        problem(await world.api.post(path, json={"scopes": []}), 400)
        assert (await world.api.post(path)).status_code == 201

    run(tmp_path, test)


def test_clients_are_made_rotated_and_revoked(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        path = f"{CONNECTION}/clients"
        made = (await world.api.post(path, json={"label": "script"})).json()

        async def fetches(secret: str) -> int:
            form = {"scimClientId": made["id"], "scimClientSecret": secret, "grantType": "password"}
            return (await world.api.post("/token", data=form)).status_code

        assert await fetches(made["clientSecret"]) == 200
        rotated = (await world.api.post(f"{path}/{made['id']}/rotate", json={"overlap": 0})).json()
        assert await fetches(rotated["clientSecret"]) == 200
        assert await fetches(made["clientSecret"]) != 200
        await world.api.post(path)
        listed = await walk(world.api, path, limit=1)
        assert made["id"] in [c["id"] for c in listed]
        assert not any("clientSecret" in c for c in listed)
        tokens = await walk(world.api, f"{CONNECTION}/tokens")
        assert made["id"] in [t["client"] for t in tokens]
        assert (await world.api.delete(f"{path}/{made['id']}")).status_code == 204
        assert await fetches(rotated["clientSecret"]) != 200
        problem(await world.api.post(f"{path}/rsc_000000000000/rotate"), 404)

    run(tmp_path, test)


# Accounts


def test_accounts_are_listed_by_state_and_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        users = "/directories/acme/users"
        made = {name: await world.user(name) for name in ("Ann", "anna", "bob", "carl")}
        await world.scim.patch(
            f"/Users/{made['anna']['id']}",
            json={
                "schemas": [urns.PATCH_OP],
                "Operations": [{"op": "replace", "path": "active", "value": False}],
            },
        )
        await world.scim.delete(f"/Users/{made['carl']['id']}")
        for query, names in (
            ({}, ["Ann", "anna", "bob"]),
            ({"state": "active"}, ["Ann", "bob"]),
            ({"state": "inactive"}, ["anna"]),
            ({"state": "deleted"}, ["carl"]),
            ({"q": "AN"}, ["Ann", "anna"]),
            ({"q": "an", "state": "inactive"}, ["anna"]),
            ({"q": "x"}, []),
        ):
            found = await walk(world.api, users, limit=1, **query)
            assert [u["name"] for u in found] == names, query
        gone = (await world.api.get(f"{users}/{made['carl']['id']}")).json()
        assert (gone["state"], gone["groups"]) == ("deleted", [])
        assert gone["deleted"]
        problem(await world.api.get(f"{users}/nobody"), 404)

    run(tmp_path, test)


def test_groups_members_and_what_is_pending(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann, bob = await world.user("ann", externalId="e1"), await world.user("bob")
        inner = await world.group("Inner", ann["id"], bob["id"], "later-1", "later-2")
        outer = await world.group("Outer", inner["id"])
        groups = "/directories/acme/groups"
        assert [g["name"] for g in await walk(world.api, groups, limit=1)] == ["Inner", "Outer"]
        assert [g["name"] for g in await walk(world.api, groups, q="ou")] == ["Outer"]
        members = await walk(world.api, f"{groups}/{inner['id']}/members", limit=1)
        assert members == [
            {"value": id, "type": "User", "name": name}
            for id, name in sorted([(ann["id"], "ann"), (bob["id"], "bob")])
        ]
        pending = await walk(world.api, f"{groups}/{inner['id']}/pending", limit=1)
        assert [p["value"] for p in pending] == ["later-1", "later-2"]
        read = (await world.api.get(f"/directories/acme/users/{ann['id']}")).json()
        assert (read["externalId"], read["connection"], read["state"]) == ("e1", "okta", "active")
        assert read["groups"] == [
            {"id": inner["id"], "name": "Inner", "direct": True},
            {"id": outer["id"], "name": "Outer", "direct": False},
        ]
        assert (await world.api.get(f"{groups}/{outer['id']}")).json()["name"] == "Outer"
        problem(await world.api.get(f"{groups}/{ann['id']}"), 404)
        problem(await world.api.get(f"{groups}/{ann['id']}/members"), 404)

    run(tmp_path, test)


def test_a_history_tells_newest_first_also_of_what_is_gone(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.user("ann")
        await world.scim.put(f"/Users/{ann['id']}", json={"schemas": [urns.USER], "userName": "anna"})
        await world.scim.delete(f"/Users/{ann['id']}")
        path = f"/directories/acme/users/{ann['id']}/history"
        told = await walk(world.api, path, limit=1)
        assert [e["type"] for e in told] == ["user.deleted", "user.updated", "user.created"]
        assert told[1]["data"]["after"]["userName"] == "anna"
        assert {e["connection"] for e in told} == {"okta"}
        problem(await world.api.get("/directories/acme/users/nobody/history"), 404)
        problem(await world.api.get(f"/directories/acme/groups/{ann['id']}/history"), 404)

    run(tmp_path, test)


# Idempotency


def test_a_repeated_post_is_carried_out_once(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        api, headers = world.api, {"Idempotency-Key": "k1"}
        first = await api.post("/directories", json={"name": "x"}, headers=headers)
        again = await api.post("/directories", json={"name": "x"}, headers=headers)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        problem(await api.post("/directories", json={"name": "y"}, headers=headers), 422)
        path = "/directories/acme/connections"
        problem(await api.post(path, json={"name": "x"}, headers=headers), 422)
        other = await world.client()
        problem(await other.post("/directories", json={"name": "x"}, headers=headers), 409)
        for bad in ("", "a b", "x" * 256):
            response = await api.post("/directories", json={"name": "z"}, headers={"Idempotency-Key": bad})
            problem(response, 400)

    run(tmp_path, test)


def test_what_was_refused_may_be_tried_again(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        headers = {"Idempotency-Key": "k1"}
        path = "/directories/new/connections"
        problem(await world.api.post(path, json={"name": "x"}, headers=headers), 404)
        await world.api.post("/directories", json={"name": "new"})
        assert (await world.api.post(path, json={"name": "x"}, headers=headers)).status_code == 201

    run(tmp_path, test)


def test_a_key_is_free_though_that_could_not_be_written_down_and_what_is_done_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise StoreUnavailable("away")

    async def test(world: World) -> None:
        registry = world.service.http.api._api.registry

        async def post(name: str, *away: str) -> httpx.Response:
            with monkeypatch.context() as patched:
                for method in away:
                    patched.setattr(registry, method, fails)
                body, headers = {"name": name}, {"Idempotency-Key": name}
                return await world.api.post("/directories", json=body, headers=headers)

        problem(await post("x", "create_directory", "release"), 503)
        assert (await post("x")).status_code == 201
        assert (await post("y", "settle")).status_code == 201
        problem(await post("y"), 409)

    run(tmp_path, test)


def test_no_reply_with_a_secret_is_kept(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        made: list[str] = []
        for number, path in enumerate((f"{CONNECTION}/tokens", f"{CONNECTION}/clients")):
            headers = {"Idempotency-Key": f"k{number}"}
            first = await world.api.post(path, json={}, headers=headers)
            assert first.status_code == 201
            made.append(first.json().get("token") or first.json()["clientSecret"])
            again = await world.api.post(path, json={}, headers=headers)
            assert "held a secret" in problem(again, 409)["detail"]
        made.append(world.api.headers["authorization"].split()[1])
        files = b"".join(p.read_bytes() for p in (tmp_path / "data").iterdir())
        assert files
        assert not [secret for secret in made if secret.encode() in files]

    run(tmp_path, test)


def test_two_at_once_are_one_request(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        headers = {"Idempotency-Key": "k1"}
        posts = [world.api.post("/directories", json={"name": "x"}, headers=headers) for _ in range(5)]
        statuses = sorted(r.status_code for r in await asyncio.gather(*posts))
        assert set(statuses) <= {201, 409}
        assert 201 in statuses

    run(tmp_path, test)


def test_a_key_is_free_again_after_a_day(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        headers, context = {"Idempotency-Key": "k1"}, world.service.http.api._api
        await world.api.post("/directories", json={"name": "x"}, headers=headers)
        later = context.now() + 86_400_001
        object.__setattr__(context, "now", lambda: later)
        assert (await world.api.post("/directories", json={"name": "y"}, headers=headers)).status_code == 201

    run(tmp_path, test)


def test_an_outcome_that_is_not_known_is_told_so(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        headers = {"Idempotency-Key": "k1"}

        async def broken(name: str) -> None:
            raise RuntimeError("power cut")

        world.service.directories.create = broken  # type: ignore[method-assign,assignment]
        problem(await world.api.post("/directories", json={"name": "x"}, headers=headers), 500)
        again = await world.api.post("/directories", json={"name": "x"}, headers=headers)
        assert "broken off" in problem(again, 409)["detail"]

    run(tmp_path, test)
