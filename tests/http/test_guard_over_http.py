"""Guessing gets 429 in the form of each endpoint, and valid credentials from the same address pass."""

from pathlib import Path
from typing import Any

import httpx
from service.management import World, problem, run

from rosterd.testing.scenario import BY

WRONG = {"Authorization": "Bearer rst_wrong"}


def test_guessing_is_refused_and_valid_credentials_pass(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        home = await world.service.control.directory("acme")
        assert home is not None
        connection = await world.service.control.connection(home.id, "okta")
        assert connection is not None
        client, secret = await world.service.clients.create(home.id, connection.id, by=BY)
        outside = httpx.AsyncClient(transport=world.site, base_url="http://sp.example")
        statuses = [
            (await outside.get("/scim/v2/Users", headers=WRONG)).status_code,
            (await outside.get("/api/v1/directories", headers=WRONG)).status_code,
            (await outside.get("/scim/v2/Users")).status_code,
        ]
        assert statuses == [401, 401, 401]

        scim = await outside.get("/scim/v2/Users", headers=WRONG)
        assert scim.status_code == 429
        assert scim.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert int(scim.headers["retry-after"]) > 0
        api = await outside.get("/api/v1/directories", headers=WRONG)
        assert "no valid credentials" in problem(api, 429)["detail"]
        assert int(api.headers["retry-after"]) > 0
        for path, form in (
            ("/api/v1/token", own(client.id, "rss_" + "0" * 49)),
            (
                "/oauth/token",
                {"client_id": client.id, "client_secret": "x", "grant_type": "client_credentials"},
            ),
        ):
            refused = await outside.post(path, data=form)
            assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
            assert int(refused.headers["retry-after"]) > 0

        assert (await world.scim.get("/Users")).status_code == 200
        assert (await world.api.get("/directories")).status_code == 200
        assert (await outside.post("/api/v1/token", data=own(client.id, secret))).status_code == 200

    run(tmp_path, test, failure_rate=3)


def own(id: str, secret: str) -> dict[str, Any]:
    return {"scimClientId": id, "scimClientSecret": secret, "grantType": "password"}


def test_an_api_key_has_a_bucket_of_its_own_and_says_so(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        other = await world.client("acme")
        first = await world.api.get("/directories")
        assert first.headers["ratelimit-limit"] == "5"
        assert first.headers["ratelimit-remaining"] == "4"
        answers = [await world.api.get("/directories") for _ in range(30)]
        refused = next(answer for answer in answers if answer.status_code == 429)
        problem(refused, 429)
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"] == "1"
        assert (await other.get("/directories")).status_code == 200

    run(tmp_path, test, api_rate=1)


def test_a_client_fetches_so_many_tokens_a_second(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        home = await world.service.control.directory("acme")
        assert home is not None
        connection = await world.service.control.connection(home.id, "okta")
        assert connection is not None
        client, secret = await world.service.clients.create(home.id, connection.id, by=BY)
        outside = httpx.AsyncClient(transport=world.site, base_url="http://sp.example")
        answers = [await outside.post("/api/v1/token", data=own(client.id, secret)) for _ in range(30)]
        assert [a.status_code for a in answers[:5]] == [200] * 5
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"] == "temporarily_unavailable"
        assert refused.headers["retry-after"] == "1"

    run(tmp_path, test, token_rate=1)
