"""The examples of docs/embedding.md over HTTP: rosterd inside an application, from first user to end."""

from pathlib import Path

import httpx
import pytest
from e2e.embedding import Application, application, rosterd, until

FRAMEWORKS = ("fastapi_app", "starlette_app", "litestar_app", "django_app")


def provisioned(app: Application, token: str) -> str:
    """Make a user and wait until the handler gave a seat, to nobody who came inactive; the user's id."""
    with app.scim(token) as scim:
        scim.post("/Users", json={"userName": "off", "active": False})
        answer = scim.post("/Users", json={"userName": "ada"})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        address = f"{app.url}/rosterd/scim/v2/Users/{id}"
        assert answer.headers["location"] == answer.json()["meta"]["location"] == address
        assert scim.get(address).json()["userName"] == "ada"
        until(lambda: app.get("/seats").json() == [id], app.process, app.log)
    return id


@pytest.mark.parametrize("module", FRAMEWORKS)
@pytest.mark.parametrize("lifespan", ["auto", "off"])
def test_an_example_is_provisioned_below_its_prefix_and_acts(
    module: str, lifespan: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    token = rosterd("token", "create", "--quiet", data=data)
    with application(module, data, lifespan=lifespan) as app:
        id = provisioned(app, token)
        with app.scim(token) as scim:
            off = {"op": "replace", "path": "active", "value": False}
            scim.patch(f"/Users/{id}", json={"Operations": [off]}).raise_for_status()
        until(lambda: app.get("/seats").json() == [], app.process, app.log)
        assert app.get("/rosterd/healthz").json() == {"status": "ok"}
        metadata = app.get("/rosterd/.well-known/oauth-authorization-server").json()
        assert metadata["token_endpoint"] == f"{app.url}/rosterd/oauth/token"
        assert app.get("/rosterd/api/v1/directories").status_code == 401
        assert app.get("/rosterd/login").status_code == 404
        assert app.get("/rosterd/").status_code == 404
        assert app.get("/scim/v2/Users").status_code == 404
    assert "Traceback" not in app.log.read_text()
    assert not data.joinpath("rosterd.db-wal").exists(), "the database was not closed"
    requests = rosterd("requests", "list", data=data)
    assert "POST" in requests and "PATCH" in requests, "the request log was not written to its end"


@pytest.mark.parametrize(
    ("public", "root"), [(None, "/rosterd"), ("https://app.example.com/x/rosterd/", "/x/rosterd")]
)
def test_the_management_api_tells_addresses_with_the_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public: str | None, root: str
) -> None:
    if public is not None:
        monkeypatch.setenv("ROSTERD_BASE_URL", public)
    data = tmp_path / "data"
    rosterd("token", "create", "--quiet", data=data)
    key = rosterd("key", "create", "--quiet", data=data)
    with application("starlette_app", data) as app:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{app.url}/rosterd/api/v1", headers=headers) as api:
            made = api.post("/directories", json={"name": "acme"}).json()
            listed = api.get("/directories").json()["items"]
            paths = {each["name"]: each["scimPath"] for each in (*listed, made)}
            assert paths == {name: f"{root}/scim/v2/d/{name}" for name in ("acme", "default")}
            assert api.get("/openapi.json").json()["servers"] == [{"url": f"{root}/api/v1"}]


def test_an_application_goes_on_where_it_stopped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    token = rosterd("token", "create", "--quiet", data=data)
    with application("fastapi_app", data) as app:
        provisioned(app, token)
    with application("fastapi_app", data) as app, app.scim(token) as scim:
        second = scim.post("/Users", json={"userName": "grace"}).json()["id"]
        until(lambda: app.get("/seats").json() == [second], app.process, app.log)
