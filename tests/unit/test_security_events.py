"""Events of the feed as claims of security event tokens: the table of RFC 9967 and CAEP."""

from typing import Any

import pytest

from rosterd.scim import urns
from rosterd.service.control import Directory
from rosterd.service.directories import model_of
from rosterd.service.events import NOBODY, Event, StoredEvent
from rosterd.service.security_events import SESSION_REVOKED, VERIFICATION, claims, jti, seq_of, verification
from rosterd.service.set_stream import BOTH, CAEP, FULL, NOTICE, SCIM, Stream

PROV = "urn:ietf:params:scim:event:prov"
AT = 1_458_505_044_999
DIRECTORY = Directory(7, "acme", created=1, revision=1)
CONNECTIONS = {3: "okta"}
MODEL = model_of(DIRECTORY)
ADA = {"userName": "ada", "externalId": "00u1", "name": {"familyName": "Lovelace"}, "active": True}


def told(
    type: str,
    data: dict[str, Any],
    *,
    detail: str = FULL,
    vocabulary: str = SCIM,
    kind: str = "User",
    connection: int = 3,
) -> dict[str, Any] | None:
    event = Event(type, kind, "2b2f", AT, connection, "req1", data)
    stream = Stream("https://app.example", detail=detail, vocabulary=vocabulary)
    found = claims(StoredEvent(42, event), 7, MODEL, CONNECTIONS, stream, "we_1", "https://id.example")
    if found is not None:
        assert list(found) == ["iss", "aud", "iat", "jti", "txn", "sub_id", "events"]
    return found


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {f"{PROV}:patch:full": {"data": {"schemas": [urns.PATCH_OP], "Operations": list(operations)}}}


ENTERPRISE = urns.ENTERPRISE_USER
BOSS = {"value": "1", "displayName": "Boss"}
CHANGE = {
    "before": {"nickName": "Countess", "title": "x", ENTERPRISE: {"department": "old", "costCenter": "1"}},
    "after": {"title": "y", ENTERPRISE: {"department": "new"}},
}
PATHS = ["nickName", "title", f"{ENTERPRISE}:department", f"{ENTERPRISE}:costCenter"]
OFF = {"before": {"active": True}, "after": {"active": False}}
SWITCHED_OFF = {"op": "replace", "path": "active", "value": False}


@pytest.mark.parametrize(
    ("type", "kind", "data", "full", "notice"),
    [
        (
            "user.created",
            "User",
            {"before": {}, "after": {"schemas": ["x"], **ADA, ENTERPRISE: {"department": "d"}}},
            {
                f"{PROV}:create:full": {
                    "data": {
                        "schemas": [urns.USER, ENTERPRISE],
                        "id": "2b2f",
                        **ADA,
                        ENTERPRISE: {"department": "d"},
                    }
                }
            },
            {
                f"{PROV}:create:notice": {
                    "attributes": [
                        "id", "userName", "externalId", "name", "active", f"{ENTERPRISE}:department",
                    ]
                }
            },
        ),
        (
            "user.updated",
            "User",
            CHANGE,
            patch(
                {"op": "remove", "path": "nickName"},
                {"op": "replace", "path": "title", "value": "y"},
                {"op": "replace", "path": PATHS[2], "value": "new"},
                {"op": "remove", "path": PATHS[3]},
            ),
            {f"{PROV}:patch:notice": {"attributes": PATHS}},
        ),
        (
            "user.updated",
            "User",
            {
                "before": {"name": {"givenName": "A", "familyName": "E"}, ENTERPRISE: {"manager": BOSS}},
                "after": {"name": {"familyName": "Zed"}, ENTERPRISE: {"manager": {"value": "2"}}},
            },
            patch(
                {"op": "remove", "path": "name.givenName"},
                {"op": "replace", "path": "name", "value": {"familyName": "Zed"}},
                {"op": "remove", "path": f"{ENTERPRISE}:manager.displayName"},
                {"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "2"}},
            ),
            {f"{PROV}:patch:notice": {"attributes": ["name", f"{ENTERPRISE}:manager"]}},
        ),
        (
            "user.deactivated",
            "User",
            OFF,
            {**patch(SWITCHED_OFF), f"{PROV}:deactivate": {}},
            {f"{PROV}:patch:notice": {"attributes": ["active"]}, f"{PROV}:deactivate": {}},
        ),
        (
            "user.activated",
            "User",
            {"before": {"active": False}, "after": {"active": True}},
            {**patch({"op": "replace", "path": "active", "value": True}), f"{PROV}:activate": {}},
            {f"{PROV}:patch:notice": {"attributes": ["active"]}, f"{PROV}:activate": {}},
        ),
        (
            "user.activated",
            "User",
            {"before": {"userName": "ada"}, "after": {"userName": "ada"}, "revived": True},
            {
                f"{PROV}:create:full": {"data": {"schemas": [urns.USER], "id": "2b2f", "userName": "ada"}},
                f"{PROV}:activate": {},
            },
            {f"{PROV}:create:notice": {"attributes": ["id", "userName"]}, f"{PROV}:activate": {}},
        ),
        ("user.deleted", "User", {"before": ADA, "after": {}}, *[{f"{PROV}:delete": {}}] * 2),
        ("group.deleted", "Group", {"before": {"displayName": "g"}}, *[{f"{PROV}:delete": {}}] * 2),
        (
            "group.member_added",
            "Group",
            {"members": ["a", "b"], "count": 2},
            patch({"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]}),
            {f"{PROV}:patch:notice": {"attributes": ["members"]}},
        ),
        (
            "group.member_removed",
            "Group",
            {"members": ["a"], "count": 1},
            patch({"op": "remove", "path": 'members[value eq "a"]'}),
            {f"{PROV}:patch:notice": {"attributes": ["members"]}},
        ),
    ],
)  # fmt: skip
def test_an_event_is_told_in_the_words_of_rfc_9967(
    type: str, kind: str, data: dict[str, Any], full: dict[str, Any], notice: dict[str, Any]
) -> None:
    for detail, wanted in ((FULL, full), (NOTICE, notice)):
        found = told(type, data, kind=kind, detail=detail)
        assert found is not None
        assert found["events"] == wanted
        assert set(found["sub_id"]) <= {"format", "uri", "externalId"}
        assert found["sub_id"]["uri"] == f"/{kind}s/2b2f"


@pytest.mark.parametrize(
    ("type", "data", "kind"),
    [
        ("user.mapped", {"before": {}, "after": {"seat": True}}, "User"),
        ("user.erased", {"erased": True}, "User"),
        ("user.created", {"erased": True}, "User"),
        ("user.updated", {"erased": True}, "User"),
        ("group.member_added", {"members": [], "count": 0, "pending": ["x"]}, "Group"),
        ("group.member_removed", {"members": [], "count": 0, "pending": ["x"]}, "Group"),
        ("connection.paused", {"connection": "okta"}, "Connection"),
        ("token.expiring", {"connection": "okta"}, "Token"),
        ("webhook.disabled", {"webhook": "we_1"}, "Webhook"),
    ],
)
@pytest.mark.parametrize("detail", [FULL, NOTICE])
def test_what_no_receiver_can_use_makes_no_token(
    type: str, data: dict[str, Any], kind: str, detail: str
) -> None:
    assert told(type, data, kind=kind, detail=detail, vocabulary=BOTH) is None


def test_the_claims_around_the_events_are_those_of_the_rfc() -> None:
    found = told("user.created", {"before": {}, "after": ADA})
    assert found is not None
    del found["events"]
    assert found == {
        "iss": "https://id.example",
        "aud": "https://app.example",
        "iat": 1_458_505_044,
        "jti": "we_1.7-42",
        "txn": "req1",
        "sub_id": {"format": "scim", "uri": "/Users/2b2f", "externalId": "00u1"},
    }


@pytest.mark.parametrize(
    ("type", "connection", "entity", "reason"),
    [
        ("user.deactivated", 3, "system", "The account was deactivated by the identity provider 'okta'."),
        ("user.deleted", NOBODY, "admin", "The account was deleted by an administrator of rosterd."),
    ],
)
def test_an_end_of_sessions_is_told_in_the_words_of_caep(
    type: str, connection: int, entity: str, reason: str
) -> None:
    revoked = {
        "event_timestamp": 1_458_505_044,
        "initiating_entity": entity,
        "reason_admin": {"en": reason},
    }
    both = told(type, OFF, vocabulary=BOTH, connection=connection)
    only = told(type, OFF, vocabulary=CAEP, connection=connection)
    scim = told(type, OFF, vocabulary=SCIM, connection=connection)
    assert both is not None
    assert only is not None
    assert scim is not None
    assert only["events"] == {SESSION_REVOKED: revoked}
    assert both["events"] == {**scim["events"], **only["events"]}
    assert SESSION_REVOKED not in scim["events"]


@pytest.mark.parametrize("type", ["user.created", "user.updated", "user.activated", "group.deleted"])
def test_caep_alone_says_nothing_of_other_changes(type: str) -> None:
    assert told(type, OFF, vocabulary=CAEP, kind="Group" if type[0] == "g" else "User") is None


def test_an_erased_account_still_ends_its_sessions() -> None:
    found = told("user.deleted", {"erased": True}, vocabulary=BOTH)
    assert found is not None
    assert set(found["events"]) == {f"{PROV}:delete", SESSION_REVOKED}


def test_an_attribute_that_is_never_returned_is_named_without_its_value() -> None:
    schema = {
        "id": "urn:x:1.0:Badge",
        "name": "Badge",
        "attributes": [{"name": "pin", "type": "string", "returned": "never"}, {"name": "floor"}],
    }
    definition = {
        "id": "User",
        "name": "User",
        "endpoint": "/Users",
        "schema": urns.USER,
        "schemaExtensions": [{"schema": "urn:x:1.0:Badge", "required": False}],
    }
    model = model_of(
        Directory(7, "acme", schemas=(schema,), resource_types=(definition,), created=1, revision=1)
    )
    data = {"before": {}, "after": {"userName": "ada", "urn:x:1.0:Badge": {"pin": "1234", "floor": "2"}}}
    for type, words in (("user.created", "create"), ("user.updated", "patch")):
        event = StoredEvent(1, Event(type, "User", "u", AT, 3, "r", data))
        for detail in (FULL, NOTICE):
            found = claims(event, 7, model, {}, Stream("a", detail=detail), "we_1", "i")
            assert found is not None
            text = str(found["events"][f"{PROV}:{words}:{detail}"])
            assert "1234" not in text
            assert ("'2'" in text) == (detail == FULL)
            assert ("urn:x:1.0:Badge:pin" in text) == (detail == NOTICE)


def test_a_test_says_that_nothing_happened() -> None:
    found = verification("we_1", "https://id.example", Stream("app"), "we_1.test-x", AT)
    assert found["events"] == {VERIFICATION: {}}
    assert found["sub_id"] == {"format": "opaque", "id": "we_1"}


@pytest.mark.parametrize(
    "text", ["", "we_1", "we_1.7-", "we_1.7-x", "we_1.8-42", "we_2.7-42", "we_1.7-٤٢", "we_1.7-" + "9" * 19]
)
def test_another_tokens_id_is_no_events(text: str) -> None:
    assert seq_of(text, "we_1", 7) is None
    assert seq_of(jti("we_1", 7, 42), "we_1", 7) == 42
