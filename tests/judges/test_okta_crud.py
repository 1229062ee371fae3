"""Okta's CRUD suites: their Okta side is played by a stand-in, their SCIM assertions run as published."""

from pathlib import Path

import pytest
from judges import runscope
from judges.harness import Tenants, plain_client
from judges.okta_org import Okta, serving

OKTA = Path(__file__).parent / "okta"


@pytest.mark.parametrize("style", ["patch", "put"])
@pytest.mark.parametrize("profile", ["auto", "okta", "strict"])
@pytest.mark.parametrize("suite", ["CRUD.json", "CRUD-ent.json"])
def test_every_assertion_of_okta_crud_holds(tenants: Tenants, suite: str, profile: str, style: str) -> None:
    tenant = tenants(profile=profile)
    okta = Okta(tenant.base_url, f"Bearer {tenant.token}", style)
    if suite == "CRUD-ent.json":
        okta.entitlements = ({"value": "ent-1", "display": "Reports", "type": "License"},)
    with serving(okta) as url, plain_client() as client:
        variables = {
            "oktaOrgUrl": url,
            "oktaAppId": okta.app_id,
            "oktaToken": okta.token,
            "SCIMUrl": tenant.base_url,
            "SCIMAuth": f"Bearer {tenant.token}",
            "okta_user_firstname": "Runscope512",
            "okta_user_firstname_update": "Runscope512Updated",
            "okta_user_lastname": "Hfluaklab151",
            "okta_user_email": "Runscope512Hfluaklab151@atko.com",
            "okta_user_title": "Engineer",
            "okta_user_primaryphone": "+1-555-0100",
        }
        done = runscope.run(OKTA / suite, variables, client)
    assert okta.tasks == []
    assert (done.requests, done.assertions) == runscope.count_assertions(OKTA / suite)
