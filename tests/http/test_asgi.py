"""The SCIM application as ASGI: mounting, conditional requests, methods, media types, faults."""

import asyncio
import gc
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterd.console.render import asset_url
from rosterd.http.decode import MAX_BODY
from rosterd.http.request import Request
from rosterd.http.scim import ScimApp
from rosterd.scim import urns
from rosterd.service.ports import StoreUnavailable
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, open_service

Test = Callable[[httpx.AsyncClient, Service], Awaitable[None]]
USER = {"schemas": [urns.USER], "userName": "ann@example.com"}


def run(path: Path, test: Test, prefix: str = "", **settings: Any) -> None:
    """Run a test against a service, mounted by another application under ``prefix``."""

    async def main() -> None:
        async with open_service(Settings(data=path / "data", **settings)) as service:
            first = await service.setup()
            assert first is not None

            async def outer(scope: Any, receive: Any, send: Any) -> None:
                assert scope["path"].startswith(prefix)
                await service.http.site({**scope, "root_path": prefix}, receive, send)

            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(outer),
                base_url=f"http://sp.example{prefix}/scim/v2",
                headers={"Authorization": f"Bearer {first.token_text}"},
            ) as client:
                await test(client, service)

    asyncio.run(main())


def error(response: httpx.Response, status: int) -> str:
    """The detail of a SCIM error of this status."""
    assert response.status_code == status, response.text
    body = response.json()
    assert response.headers["content-type"].startswith("application/scim+json")
    assert body["schemas"] == [urns.ERROR]
    assert body["status"] == str(status)
    return str(body["detail"])


@pytest.mark.parametrize("prefix", ["", "/company", "/a/b"])
def test_it_mounts_under_any_path_of_another_application(tmp_path: Path, prefix: str) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        created = await client.post("/Users", json=USER)
        location = created.headers["location"]
        assert location.startswith(f"http://sp.example{prefix}/scim/v2/Users/")
        assert (await client.get(location)).json() == created.json()
        types = (await client.get("/ResourceTypes")).json()["Resources"]
        assert types[0]["meta"]["location"] == f"http://sp.example{prefix}/scim/v2/ResourceTypes/User"

    run(tmp_path, test, prefix)


def test_a_server_may_leave_the_root_path_out_of_the_path(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        async def stripped(scope: Any, receive: Any, send: Any) -> None:
            await service.http.site({**scope, "root_path": "/s"}, receive, send)

        transport = httpx.ASGITransport(stripped)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://sp.example", headers=client.headers
        ) as other:
            created = await other.post("/scim/v2/Users", json=USER)
            assert created.headers["location"].startswith("http://sp.example/s/scim/v2/Users/")
            assert (await other.get("/api/v1/directories")).status_code == 401
            assert (await other.get("/login")).status_code == 200
            assert (await other.get("/healthz")).status_code == 200

    run(tmp_path, test)


def test_a_configured_base_url_is_what_clients_are_told(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        created = await client.post("/Users", json=USER)
        assert created.headers["location"].startswith("https://scim.acme.example/scim/v2/Users/")

    run(tmp_path, test, base_url="https://scim.acme.example/")


def test_the_directory_may_stand_in_the_url_and_must_be_the_tokens(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        created = await client.post("/d/default/Users", json=USER)
        assert created.headers["location"].startswith("http://sp.example/scim/v2/d/default/Users/")
        assert (await client.get("/Users")).json()["totalResults"] == 1
        assert "another" in error(await client.get("/d/another/Users"), 404)

    run(tmp_path, test)


def test_conditional_requests(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        created = await client.post("/Users", json=USER)
        url, etag = created.headers["location"], created.headers["etag"]
        assert created.json()["meta"]["version"] == etag == 'W/"1"'
        own = f"{url}?excludedAttributes=groups"
        unchanged = await client.get(own, headers={"If-None-Match": etag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        title = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "X"}]}
        changed = await client.patch(url, json=title, headers={"If-Match": etag})
        assert changed.headers["etag"] == 'W/"2"'
        for attempt in (
            client.patch(url, json=title, headers={"If-Match": etag}),
            client.put(url, json=USER, headers={"If-Match": etag}),
            client.delete(url, headers={"If-Match": etag}),
        ):
            assert 'has version W/"2"' in error(await attempt, 412)
        assert (await client.get(own, headers={"If-None-Match": etag})).status_code == 200
        assert (await client.delete(url, headers={"If-Match": "*"})).status_code == 204

    run(tmp_path, test)


def test_who_would_be_shown_the_groups_of_a_user_is_not_told_that_nothing_has_changed(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        created = await client.post("/Users", json=USER)
        url, known = created.headers["location"], {"If-None-Match": created.headers["etag"]}
        members = [{"value": created.json()["id"]}]
        group = await client.post(
            "/Groups", json={"schemas": [urns.GROUP], "displayName": "G", "members": members}
        )
        for query in ("", "?attributes=groups", "?attributes=groups.display", "?excludedAttributes=title"):
            shown = await client.get(url + query, headers=known)
            assert (shown.status_code, shown.json()["groups"][0]["display"]) == (200, "G")
        for query in ("?excludedAttributes=groups", "?attributes=userName"):
            assert (await client.get(url + query, headers=known)).status_code == 304
        known = {"If-None-Match": group.headers["etag"]}
        assert (await client.get(group.headers["location"], headers=known)).status_code == 304

    run(tmp_path, test)


def test_methods(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        got, head = await client.get("/Users"), await client.head("/Users")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        options = await client.options("/Users")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
        wrong = await client.put("/Users", json=USER)
        error(wrong, 405)
        assert wrong.headers["allow"] == "GET, POST, HEAD, OPTIONS"
        error(await client.get("/Users/1/2"), 404)
        for method in ("GET", "PATCH"):
            error(await client.request(method, "/Me", json={}), 501)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{}"), 415),
        ({"Content-Encoding": "br"}, b"{}", 415),
        ({"Accept": "text/html"}, b"{}", 406),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b"", 400),
        ({"Content-Type": "application/json"}, b" " * (MAX_BODY + 1), 413),
        ({"Authorization": ""}, b"{}", 401),
        ({"Authorization": "rst_x"}, b"{}", 401),
        ({"Authorization": "Basic cm9vdDpyb290"}, b"{}", 401),
        ({"Authorization": "Bearer rst_x"}, b"{}", 401),
    ],
)
def test_what_cannot_be_read_is_a_scim_error(
    tmp_path: Path, headers: dict[str, str], content: bytes, status: int
) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        response = await client.post("/Users", content=content, headers=headers)
        error(response, status)
        assert ("www-authenticate" in response.headers) == (status == 401)
        assert (await client.get("/Users")).json()["totalResults"] == 0

    run(tmp_path, test)


def test_a_body_that_is_encoded_is_refused_by_the_name_of_its_encoding(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        for path in ("/Users", "/.search", "/Bulk"):
            refused = await client.post(path, content=b"x", headers={"Content-Encoding": "GZip"})
            assert "'Content-Encoding: GZip'" in error(refused, 415)
        same = await client.post("/Users", json=USER, headers={"Content-Encoding": "Identity"})
        assert same.status_code == 201

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("sent", "is_told"),
    [("", False), ("Basic cm9vdDpyb290", False), ("rst_x", False), ("Bearer", True), ("Bearer rst_x", True)],
)
def test_only_who_sent_a_token_is_told_that_it_is_wrong(tmp_path: Path, sent: str, is_told: bool) -> None:
    """RFC 6750 §3.1."""

    async def test(client: httpx.AsyncClient, _: Service) -> None:
        for url in ("/Users", "http://sp.example/api/v1/directories"):
            response = await client.get(url, headers={"Authorization": sent})
            assert response.status_code == 401
            challenge = response.headers["www-authenticate"]
            assert challenge == 'Bearer realm="rosterd"' + (', error="invalid_token"' if is_told else "")

    run(tmp_path, test)


def test_a_parameter_given_twice_is_refused_wherever_it_counts_and_nothing_is_changed(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        url = (await client.post("/Users", json=USER)).headers["location"]
        title = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "X"}]}
        for query, words in (
            ("attributes=userName&attributes=meta", "'attributes' is given twice"),
            ("excludedAttributes=a&EXCLUDEDATTRIBUTES=b", "'excludedAttributes' is given twice"),
            ("attributes=userName&excludedAttributes=meta", "exclude each other"),
        ):
            for attempt in (
                client.get(f"{url}?{query}"),
                client.get(f"/Users?{query}"),
                client.post(f"/Users?{query}", json={**USER, "userName": "other"}),
                client.put(f"{url}?{query}", json={**USER, "title": "Y"}),
                client.patch(f"{url}?{query}", json=title),
            ):
                assert words.casefold() in error(await attempt, 400).casefold()
        found = (await client.get("/Users")).json()
        assert (found["totalResults"], found["Resources"][0]["meta"]["version"]) == (1, 'W/"1"')

    run(tmp_path, test)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(tmp_path: Path, scheme: str) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        token = client.headers["authorization"].split()[1]
        response = await client.get("/Users", headers={"Authorization": f"{scheme} {token}"})
        assert response.status_code == 200

    run(tmp_path, test)


def test_a_token_permits_what_its_scopes_say_until_it_is_revoked(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        directory, connection = await service.ensure_default()
        token, text = await service.tokens.issue(directory.id, connection.id, scopes=("scim.read",), by=BY)
        headers = {"Authorization": f"Bearer {text}"}
        assert (await client.get("/Users", headers=headers)).status_code == 200
        assert "scim.write" in error(await client.post("/Users", json=USER, headers=headers), 403)
        await service.tokens.revoke(directory.id, token.id, by=BY)
        assert "revoked" in error(await client.get("/Users", headers=headers), 401)

    run(tmp_path, test)


def test_the_service_provider_config_needs_no_token_but_no_wrong_one_either(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        del client.headers["authorization"]
        assert (await client.get("/ServiceProviderConfig")).json()["patch"] == {"supported": True}
        error(await client.get("/ServiceProviderConfig", headers={"Authorization": "Bearer x"}), 401)
        error(await client.get("/Schemas"), 401)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("fault", "status", "retry"),
    [(RuntimeError("the secret cause"), 500, None), (StoreUnavailable("disk full"), 503, "5")],
)
def test_a_fault_of_ours_is_told_by_its_request_id_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int, retry: str | None
) -> None:
    async def broken(self: ScimApp, request: object) -> None:
        raise fault

    async def test(client: httpx.AsyncClient, _: Service) -> None:
        monkeypatch.setattr(ScimApp, "list", broken)
        response = await client.get("/Users")
        detail = error(response, status)
        assert "secret" not in detail
        assert "disk" not in detail
        assert response.headers.get("retry-after") == retry
        assert (response.headers["x-request-id"] in detail) == (status == 500)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/Users", USER),
        ("POST", "/Users", {"userName": 5, "password": "geheim-4711"}),
        ("POST", "/Users", {"password": "geheim-4711"}),
        ("GET", "/Users/nobody", None),
        ("GET", "/d/another/Users", None),
    ],
)
def test_nothing_of_a_request_stays_in_memory(tmp_path: Path, method: str, path: str, body: object) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        await client.get("/Users")
        await service.journal.flush()
        gc.collect()
        gc.disable()
        try:
            await client.request(method, path, json=body)
            await service.journal.flush()
            assert not [one for one in gc.get_objects() if isinstance(one, Request)]
        finally:
            gc.enable()

    run(tmp_path, test)


def test_a_large_groups_patch_is_answered_without_its_members(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": {**USER, "userName": f"u{n}"}}
            for n in range(101)
        ]
        bulk = await client.post("/Bulk", json={"schemas": [urns.BULK_REQUEST], "Operations": operations})
        ids = [o["location"].rsplit("/", 1)[1] for o in bulk.json()["Operations"]]
        group = {"schemas": [urns.GROUP], "displayName": "G", "members": [{"value": i} for i in ids[:99]]}
        url = (await client.post("/Groups", json=group)).headers["location"]

        def add(id: str) -> dict[str, Any]:
            operation = {"op": "add", "path": "members", "value": [{"value": id}]}
            return {"schemas": [urns.PATCH_OP], "Operations": [operation]}

        small = await client.patch(url, json=add(ids[99]))
        assert (small.status_code, len(small.json()["members"])) == (200, 100)
        large = await client.patch(url, json=add(ids[100]))
        assert (large.status_code, large.content, large.headers["etag"]) == (204, b"", 'W/"3"')
        asked = await client.patch(f"{url}?attributes=members", json=add(ids[0]))
        assert (asked.status_code, len(asked.json()["members"])) == (200, 101)

    run(tmp_path, test)


def test_health_and_the_front_page(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        root = "http://sp.example"
        assert (await client.get(f"{root}/healthz")).json() == {"status": "ok"}
        assert (await client.get(f"{root}/readyz")).status_code == 200
        assert (await client.get(f"{root}/")).headers["location"].startswith("/login")
        assert (await client.get(f"{root}/nothing")).status_code == 404

    run(tmp_path, test)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/.well-known/ssf-configuration", "/oauth/token", "/login"]
)
def test_nothing_answers_trace(tmp_path: Path, path: str) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        refused = await client.request("TRACE", f"http://sp.example{path}", headers={"X-Secret": "kept"})
        assert refused.status_code == 405
        assert "kept" not in refused.text

    run(tmp_path, test)


def test_a_store_that_takes_no_change_is_not_ready(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, service: Service) -> None:
        async def away() -> None:
            raise StoreUnavailable("away")

        service.http.observing.ready._probe = away
        assert (await client.get("http://sp.example/readyz")).status_code == 503
        assert (await client.get("http://sp.example/healthz")).status_code == 200

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/scim/v2/Users", 200),
        ("/scim/v2/Nothing", 404),
        ("/api/v1/directories", 401),
        ("/oauth/token", 405),
        ("/.well-known/oauth-authorization-server", 200),
        ("/healthz", 200),
        ("/metrics", 200),
        ("/login", 200),
        (asset_url("console.js"), 200),
        (asset_url("rosterd.svg"), 200),
        ("/nothing", 404),
    ],
)
def test_no_reply_is_taken_for_what_it_is_not(tmp_path: Path, path: str, status: int) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        reply = await client.get(f"http://sp.example{path}")
        assert reply.status_code == status
        headers = reply.headers
        (policy,) = headers.get_list("content-security-policy")
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        for directive in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert directive in policy
        assert not [name for name in headers if name.startswith("access-control")]
        assert path.startswith("/static") or headers["cache-control"] == "no-store"
        kind = headers["content-type"]
        assert kind.endswith("json") or "charset=utf-8" in kind

    run(tmp_path, test)


def test_a_browser_that_came_by_tls_stays_with_it(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        page = await client.get("https://sp.example/login")
        assert page.headers["strict-transport-security"] == "max-age=31536000"

    run(tmp_path, test, base_url="https://sp.example")


@pytest.mark.parametrize("extensions", [{}, {"extensions": None}, {"extensions": {}}])
def test_a_server_need_not_have_extensions(tmp_path: Path, extensions: Any) -> None:
    async def main() -> None:
        async with open_service(Settings(data=tmp_path / "data")) as service:

            async def served(scope: Any, receive: Any, send: Any) -> None:
                await service.http.site({**scope, **extensions}, receive, send)

            transport = httpx.ASGITransport(served)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                assert (await client.get("/healthz")).json() == {"status": "ok"}
                assert (await client.get("/scim/v2/Users")).status_code == 401

    asyncio.run(main())


def test_of_an_id_that_nobody_has_the_beginning_is_told(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient, _: Service) -> None:
        for method in ("GET", "DELETE"):
            response = await client.request(method, "/Users/" + "x" * 9000)
            assert error(response, 404) == f"There is no User with the id '{'x' * 100}' in this directory."

    run(tmp_path, test)
