"""Every recorded conversation is held with the running server, under the default and its own profile."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from judges.harness import Tenants, plain_client

from rosterd.testing.conversation import Conversation, Reply

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*/*.json"))
CASES = [(path, profile) for path in FILES for profile in {"auto": 0, Conversation.load(path).profile: 0}]
CLIENTS = {
    *("okta-patch", "okta-put", "entra", "entra-compliant", "onelogin", "jumpcloud", "authentik"),
    *("ping", "sailpoint", "google"),
}


@pytest.mark.parametrize(
    ("path", "profile"), CASES, ids=[f"{p.parent.name}/{p.stem}-{profile}" for p, profile in CASES]
)
def test_conversation(tenants: Tenants, path: Path, profile: str) -> None:
    tenant = tenants(profile=profile)

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        # A header that a step sets to "" is one that the client does not send.
        sent = {name: value for name, value in headers.items() if value}
        response = transport.request(method, url, headers=sent, content=body)
        return Reply(response.status_code, response.headers, response.content)

    with plain_client() as transport:
        Conversation.load(path).replay(
            send, tenant.base_url, headers={"Authorization": f"Bearer {tenant.token}"}
        )


def test_every_client_has_a_conversation() -> None:
    assert {path.parent.name for path in FILES} == CLIENTS
