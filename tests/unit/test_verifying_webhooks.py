"""``rosterd.client.webhook.verify`` takes what rosterd signs, in either scheme, and nothing else."""

import json
from typing import Any

import pytest

from rosterd.client import webhook
from rosterd.delivery.signing import Vault
from rosterd.service.webhooks import V1, V1A, Endpoint, Secret

AT = 1_764_000_000
EVENT = {"id": "1-2", "type": "user.deactivated", "data": {"sessions": "revoke", "name": "Ä"}}
BODY = json.dumps(EVENT).encode()


class Signer:
    """An endpoint's secrets, made and used as the server does."""

    def __init__(self, *schemes: str) -> None:
        count = iter(range(1, 250))
        self._vault = Vault(bytes(32), lambda length: bytes([next(count)]) * length)
        made = [self._vault.make("we_1", scheme) for scheme in schemes]
        self.shown = [one.shown for one in made]
        secrets = tuple(Secret(one.sealed, s, 0, one.public) for one, s in zip(made, schemes, strict=True))
        self._endpoint = Endpoint("we_1", None, "https://x.example/", "", (), 0, secrets=secrets)

    def headers(self, body: bytes = BODY, at: int = AT, **other: str) -> dict[str, str]:
        signature = self._vault.signatures(self._endpoint, "msg_1-2", at * 1000, body)
        signed = {"Webhook-Id": "msg_1-2", "webhook-timestamp": str(at), "WEBHOOK-SIGNATURE": signature}
        return {**signed, "content-type": "application/json", **other}


def verified(body: bytes, headers: dict[str, str], secret: Any, after: int = 0) -> Any:
    return webhook.verify(body, headers, secret, now=lambda: AT + after)


@pytest.mark.parametrize("scheme", [V1, V1A])
def test_what_was_signed_is_the_event(scheme: str) -> None:
    signer = Signer(scheme)
    for after in (-300, 0, 300):
        assert verified(BODY, signer.headers(), signer.shown[0], after) == EVENT


def test_a_batch_is_a_list() -> None:
    signer = Signer(V1)
    body = json.dumps({"id": "msg_1-2-3-2", "type": "batch", "events": [EVENT, EVENT]}).encode()
    assert verified(body, signer.headers(body), signer.shown[0]) == [EVENT, EVENT]


def test_during_a_rotation_one_secret_of_either_side_is_enough() -> None:
    signer = Signer(V1, V1A, V1)
    for shown in signer.shown:
        assert verified(BODY, signer.headers(), shown) == EVENT
    other = Signer(V1, V1, V1, V1, V1).shown[-1]
    assert verified(BODY, signer.headers(), [other, signer.shown[0]]) == EVENT
    with pytest.raises(webhook.WrongSignature):
        verified(BODY, signer.headers(), [other])


FORGED: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("another body", {"body": BODY.replace(b"1-2", b"1-3")}, webhook.WrongSignature),
    ("a body that is no text", {"body": b"\xff"}, webhook.NotSigned),
    ("too old", {"after": 301}, webhook.WrongTime),
    ("too new", {"after": -301}, webhook.WrongTime),
    ("another time", {"webhook-timestamp": str(AT + 1)}, webhook.WrongSignature),
    ("no time", {"webhook-timestamp": "now"}, webhook.WrongTime),
    ("a time of other digits", {"webhook-timestamp": "١٧٦٤"}, webhook.WrongTime),
    ("a time without end", {"webhook-timestamp": "9" * 30}, webhook.WrongTime),
    ("another id", {"Webhook-Id": "msg_1-3"}, webhook.WrongSignature),
    ("no id", {"Webhook-Id": ""}, webhook.NotSigned),
    ("no signature", {"WEBHOOK-SIGNATURE": ""}, webhook.NotSigned),
    ("a signature that is none", {"WEBHOOK-SIGNATURE": "v1"}, webhook.WrongSignature),
    ("a signature of no base64", {"WEBHOOK-SIGNATURE": "v1,é v1a,= v9,AA=="}, webhook.WrongSignature),
    ("an empty signature", {"WEBHOOK-SIGNATURE": "v1, v1a,"}, webhook.WrongSignature),
]


@pytest.mark.parametrize("scheme", [V1, V1A])
@pytest.mark.parametrize(("case", "changes", "error"), FORGED, ids=[case for case, _, _ in FORGED])
def test_what_is_forged_is_refused(
    scheme: str, case: str, changes: dict[str, Any], error: type[Exception]
) -> None:
    signer = Signer(scheme)
    changes = dict(changes)
    body, after = changes.pop("body", BODY), changes.pop("after", 0)
    with pytest.raises(error) as raised:
        verified(body, signer.headers(**changes), signer.shown, after)
    assert isinstance(raised.value, webhook.VerificationError)
    assert signer.shown[0] not in str(raised.value)


def test_a_signature_of_one_scheme_is_none_of_the_other() -> None:
    signer = Signer(V1)
    headers = signer.headers()
    headers["WEBHOOK-SIGNATURE"] = headers["WEBHOOK-SIGNATURE"].replace("v1,", "v1a,")
    with pytest.raises(webhook.WrongSignature):
        verified(BODY, headers, signer.shown)


@pytest.mark.parametrize(
    "text", ["", "secret", "whsec_", "whsec_é", "whpk_AAAA", "rak_AAAA", "whpk_", "whsec_AAAA\n", None, []]
)
def test_what_is_no_secret_is_told_at_once(text: Any) -> None:
    with pytest.raises(ValueError, match="begins with whsec_"):
        verified(BODY, Signer(V1).headers(), text)


@pytest.mark.parametrize("body", [BODY.decode(), json.loads(BODY)])
def test_a_body_that_is_not_as_it_came_is_told_at_once(body: Any) -> None:
    signer = Signer(V1)
    with pytest.raises(TypeError, match="as they came"):
        verified(body, signer.headers(), signer.shown)
