"""Requests of the log in plain sentences: a table of what happened and what an administrator reads."""

from dataclasses import replace
from typing import Any

import pytest

from rosterd.scim.profiles import REWRITES
from rosterd.service.explain import REASONS, Facts, explain
from rosterd.service.request_log import Exchange

FACTS = Facts("acme", "okta-1", "okta")
POST = Exchange(1, 1, "t", 1, "r1", "POST", "/Users", "", 201, 9, "User", "u1", "ann@example.com")
PATCH = POST._replace(method="PATCH", path="/Users/u1", status=200)
TAKEN = "userName 'ann@example.com' is already used by User u2 in this directory. Link to that one."


def refused(status: int, situation: str = "", scim_type: str | None = None, **fields: Any) -> Exchange:
    one = PATCH if status in (404, 412) else POST
    return one._replace(status=status, situation=situation, scim_type=scim_type, **fields)


CASES = {
    "created": (POST, FACTS, "Okta created ann@example.com."),
    "changed, without a name": (
        PATCH._replace(subject=None), replace(FACTS, profile="auto"),
        "The identity provider of connection 'okta-1' changed the user u1.",
    ),
    "entra": (PATCH, replace(FACTS, profile="entra"), "Microsoft Entra ID changed ann@example.com."),
    "by its agent": (PATCH._replace(agent="Okta SCIM"), replace(FACTS, profile="auto"), "Okta changed ann@"),
    "deleted": (PATCH._replace(method="DELETE", status=204), FACTS, "Okta deleted ann@example.com."),
    "looked for": (
        POST._replace(method="GET", status=200, resource=None), FACTS, "Okta looked for ann@example.com.",
    ),
    "listed": (
        POST._replace(method="GET", status=200, resource=None, subject=None), FACTS, "Okta listed users.",
    ),
    "searched": (
        POST._replace(path="/Users/.search", status=200, resource=None), FACTS, "Okta looked for ann@example",
    ),
    "discovery": (
        POST._replace(method="GET", path="/Schemas", status=200, kind=None, resource=None, subject=None),
        FACTS, "Okta asked GET /Schemas.",
    ),
    "bulk": (
        POST._replace(path="/Bulk", status=200, kind=None, resource=None, subject=None, reply="{}"), FACTS,
        "Okta carried out a bulk request, and some of the operations failed",
    ),
    "401 mistyped": (refused(401, "token mistyped"), FACTS, "the token is incomplete or mistyped. Copy"),
    "401 revoked": (refused(401, "token revoked"), FACTS, "was revoked. Make a new one for connection"),
    "401 expired": (refused(401, "token expired"), FACTS, "the token has expired."),
    "401 unknown": (refused(401, "token unknown"), FACTS, "perhaps a letter was changed"),
    "409 of another": (
        refused(409, scim_type="uniqueness", detail=TAKEN, other="u2"), replace(FACTS, owner="entra-1"),
        "create ann@example.com, but a user with this userName exists already; it was made by connection 'en",
    ),
    "409 of its own": (
        refused(409, scim_type="uniqueness", detail=TAKEN, other="u2"), replace(FACTS, own=True),
        "exists already; this connection made it itself. Either",
    ),
    "409": (refused(409, scim_type="uniqueness", detail=TAKEN), FACTS, "with this userName exists already."),
    "400": (refused(400, scim_type="invalidValue", detail="active: expected a boolean."), FACTS,
            "does not fit: active: expected a boolean. Correct the attribute mapping"),
    "404 deleted group": (
        refused(404, "no resource")._replace(kind="Group"), replace(FACTS, deleted=True),
        "it is deleted. Push the group again: it gets another id",
    ),
    "404 deleted": (refused(404, "no resource"), replace(FACTS, deleted=True), "it is deleted. If the"),
    "404 behind an endpoint": (
        refused(404, "no resource", resource="Users"), FACTS, "names an endpoint twice. Check the base URL",
    ),
    "404": (refused(404, "no resource"), FACTS, "there is none with this id in directory 'acme'."),
    "404 directory": (refused(404, "another directory"), FACTS, "names another directory than 'acme'"),
    "404 address": (
        refused(404, path="/v2/Users", kind=None, subject=None), FACTS,
        "Okta tried to ask PATCH /v2/Users, but there is no such address. Check the base URL",
    ),
    "403 reach": (refused(403, "reach"), replace(FACTS, owner="b"), "by connection 'b', and 'okta-1' may"),
    "403 scope": (refused(403, "scope", detail="This token has no 'x'."), FACTS, "does not permit that."),
    "403 disabled": (refused(403, "disabled"), FACTS, "connection 'okta-1' is disabled."),
    "412": (refused(412), FACTS, "somebody else had changed it meanwhile"),
    "429": (refused(429), FACTS, "more requests at once than this connection may send. "),
    "503 paused": (refused(503, "paused"), FACTS, "connection 'okta-1' is paused."),
    "503 store": (refused(503, "store away"), FACTS, "the database could not take it."),
    "500": (refused(500, "fault"), FACTS, "something went wrong in rosterd. Give the request id r1"),
    "418": (refused(418, detail="teapot {x}"), FACTS, "it was refused: teapot {x}."),
    "left out": (POST._replace(left_out=2), FACTS, "Before it 2 requests of this connection were left out"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_says(case: str) -> None:
    one, facts, expected = CASES[case]
    text = " ".join(explain(one, facts))
    assert expected in text
    assert "{" not in text.replace("{x}", "")


@pytest.mark.parametrize(
    "row", REASONS, ids=lambda row: f"{row.status} {row.situation or row.scim_type or ''}"
)
def test_every_reason_can_be_told(row: Any) -> None:
    facts = replace(FACTS, owner="b" if row.owned else None, own=bool(row.own), deleted=bool(row.deleted))
    one = refused(row.status or 418, row.situation or "", row.scim_type, detail="Why not.")
    one = one._replace(resource="Users") if row.doubled else one
    text = explain(one, facts)[0]
    assert text.endswith(".")
    assert "{" not in text
    assert row.text.split("{")[0].split(":")[0].strip() in text


@pytest.mark.parametrize("name", [rewrite.name for rewrite in REWRITES])
def test_each_tolerance_has_its_sentence(name: str) -> None:
    _, told = explain(POST._replace(tolerated=(name,)), FACTS)
    assert told.startswith("Tolerated: ")
    assert told.endswith(".")
    assert name not in told


def test_advice_is_in_words_that_the_console_and_the_command_line_have() -> None:
    for reason in REASONS:
        assert "--" not in reason.advice
        assert "'reach'" not in reason.advice
    wide = [reason.advice for reason in REASONS if "reach" in reason.advice]
    assert len(wide) == 3
    assert all("everything in the directory" in advice and "operator" in advice for advice in wide)
