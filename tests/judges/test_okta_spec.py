"""Okta's SCIM 2.0 SPEC suites, as published, against the running server."""

import random
from pathlib import Path

import pytest
from judges import runscope
from judges.harness import Tenants, plain_client

OKTA = Path(__file__).parent / "okta"

# What Okta asks for before the run: "Create at least one user in your SCIM server".
FIRST_USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "first.user@example.com",
    "name": {"givenName": "First", "familyName": "User"},
    "emails": [{"primary": True, "value": "first.user@example.com", "type": "work"}],
    "displayName": "First User",
    "active": True,
}


@pytest.mark.parametrize("profile", ["auto", "okta", "strict"])
@pytest.mark.parametrize("suite", ["SPEC.json", "SPEC-old.json"])
def test_every_assertion_of_okta_spec_holds(tenants: Tenants, suite: str, profile: str) -> None:
    tenant = tenants(profile=profile)
    tenant.scim.post("/Users", json=FIRST_USER).raise_for_status()
    variables = {
        **runscope.spec_variables(random.Random(20)),
        "SCIMBaseURL": tenant.base_url,
        "auth": f"Bearer {tenant.token}",
    }
    with plain_client() as client:
        done = runscope.run(OKTA / suite, variables, client)
    assert (done.requests, done.assertions) == runscope.count_assertions(OKTA / suite)
    assert done.scripts >= 1
