"""Okta's entitlements suite, against entitlements that --schemas and --resource-types add."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from judges import runscope
from judges.harness import Server, created, page, plain_client, running, scim_client

OKTA = Path(__file__).parent / "okta"
ENTITLEMENT = "urn:okta:scim:schemas:core:1.0:Entitlement"
ROLE = "urn:okta:scim:schemas:core:1.0:Role"


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = [f"--schemas={OKTA / 'entitlement-schemas.json'}"]
    options += [f"--resource-types={OKTA / 'entitlement-resource-types.json'}"]
    with running(tmp_path_factory.mktemp("governed") / "data", *options) as server:
        yield server


@pytest.fixture(scope="module")
def scim(governed: Server) -> Iterator[httpx.Client]:
    with scim_client(governed.base_url, governed.token()) as client:
        for name in ("Reader", "Writer"):
            created(client, "/Licenses", {"schemas": [ENTITLEMENT], "displayName": name, "type": "License"})
            created(client, "/Roles", {"schemas": [ROLE], "displayName": name, "description": "May " + name})
        yield client


@pytest.mark.parametrize("endpoint", ["/Licenses", "/Roles"])
def test_every_assertion_of_okta_entitlements_holds(
    governed: Server, scim: httpx.Client, endpoint: str
) -> None:
    variables = {
        "SCIMBaseURL": governed.base_url,
        "auth": scim.headers["Authorization"],
        "EntitlementEndpoint": endpoint,
    }
    with plain_client() as client:
        done = runscope.run(OKTA / "Entitlements.json", variables, client)
    assert (done.requests, done.assertions) == runscope.count_assertions(OKTA / "Entitlements.json")


def test_okta_finds_its_way_from_resource_types_to_entitlements(scim: httpx.Client) -> None:
    types = page(scim, "/ResourceTypes")["Resources"]
    wanted = {t["schema"]: t for t in types if t["schema"] in (ENTITLEMENT, ROLE)}
    schemas = {s["id"] for s in page(scim, "/Schemas", count=100)["Resources"]}
    assert wanted.keys() == {ENTITLEMENT, ROLE}
    assert wanted.keys() <= schemas
    for resource_type in wanted.values():
        listed = page(scim, resource_type["endpoint"], startIndex=1, count=100)["Resources"]
        assert [r["displayName"] for r in listed] == ["Reader", "Writer"]
        assert all(r["meta"]["resourceType"] == resource_type["name"] for r in listed)
    assert all(r["type"] == "License" for r in page(scim, "/Licenses")["Resources"])


def test_a_user_carries_its_entitlements_and_roles(scim: httpx.Client) -> None:
    license_ = page(scim, "/Licenses", filter='displayName eq "Reader"')["Resources"][0]
    role = page(scim, "/Roles", filter='displayName eq "Writer"')["Resources"][0]
    entitlements = [{"value": license_["id"], "display": "Reader", "type": "License"}]
    roles = [{"value": role["id"], "display": "Writer"}]
    made = created(
        scim,
        "/Users",
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "entitled@example.com",
            "entitlements": entitlements,
            "roles": roles,
        },
    )
    found = scim.get(f"/Users/{made['id']}").json()
    assert (found["entitlements"], found["roles"]) == (entitlements, roles)
