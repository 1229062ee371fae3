"""What goes out: projections by the table of ``returned``, times and ETags."""

import pytest

from rosterd.scim.errors import InvalidValue
from rosterd.scim.render import ANY, DEFAULT, Projection, etag, etag_matches, format_time, parse_etags
from rosterd.scim.schema import Model
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = USER.schema.id

DOCUMENT = {
    "schemas": [CORE, ENTERPRISE],
    "id": "2819c223",
    "externalId": "e1",
    "userName": "ann",
    "name": {"familyName": "Lee", "givenName": "Ann"},
    "emails": [{"value": "a@example.com", "type": "work"}, {"type": "home"}],
    "active": True,
    "groups": [{"value": "g1", "display": "G"}],
    ENTERPRISE: {"department": "D", "manager": {"value": "m1", "displayName": "M"}},
    "meta": {"resourceType": "User", "version": 'W/"1"'},
    "password": "never stored, and never shown if it were",
}


def without(*names: str) -> dict[str, object]:
    return {key: value for key, value in DOCUMENT.items() if key not in (*names, "password")}


def only(**more: object) -> dict[str, object]:
    return {"schemas": [CORE, ENTERPRISE], "id": "2819c223", **more}


@pytest.mark.parametrize(
    ("attributes", "excluded", "expected"),
    [
        (None, None, without()),
        ("", "", without()),
        (" , ", None, without()),
        ("userName", None, only(userName="ann")),
        ("USERNAME, Active", None, only(userName="ann", active=True)),
        (["userName", "active"], None, only(userName="ann", active=True)),
        (f"{CORE}:userName", None, only(userName="ann")),
        ("name.familyName", None, only(name={"familyName": "Lee"})),
        ("name.familyName,name", None, only(name={"familyName": "Lee", "givenName": "Ann"})),
        ("emails.value", None, only(emails=[{"value": "a@example.com"}])),
        ('emails[type eq "work"]', None, only(emails=DOCUMENT["emails"])),
        (
            'emails[type eq "w],\\"ork" and value pr].type,active',
            None,
            only(emails=[{"type": "work"}, {"type": "home"}], active=True),
        ),
        (f"{ENTERPRISE}:department", None, only(**{ENTERPRISE: {"department": "D"}})),
        (f"{ENTERPRISE}:manager.value".upper(), None, only(**{ENTERPRISE: {"manager": {"value": "m1"}}})),
        (ENTERPRISE, None, only(**{ENTERPRISE: DOCUMENT[ENTERPRISE]})),
        (CORE, None, without("externalId", "meta", ENTERPRISE)),
        ("meta.version", None, only(meta={"version": 'W/"1"'})),
        ("externalId", None, only(externalId="e1")),
        ("password", None, only()),
        ("nothing,name.nothing,urn:x:y:z,urn:x,:,.,[,]", None, only()),
        (None, "emails,GROUPS", without("emails", "groups")),
        (None, "id,schemas,nothing", without()),
        (None, "name.familyName", without() | {"name": {"givenName": "Ann"}}),
        (None, "emails.type", without() | {"emails": [{"value": "a@example.com"}]}),
        (None, "name.familyName,name.givenName", without("name")),
        (None, ENTERPRISE, without(ENTERPRISE)),
        (None, f"{ENTERPRISE}:manager", without() | {ENTERPRISE: {"department": "D"}}),
        (None, CORE, only(externalId="e1", meta=DOCUMENT["meta"], **{ENTERPRISE: DOCUMENT[ENTERPRISE]})),
        (None, "meta", without("meta")),
        ("userName", " ", only(userName="ann")),
    ],
)
def test_projection(
    attributes: str | list[str] | None, excluded: str | None, expected: dict[str, object]
) -> None:
    assert Projection.parse(attributes, excluded).for_type(USER).apply(DOCUMENT) == expected


def test_projection_keeps_the_order_of_the_document() -> None:
    result = Projection.parse("active,userName", None).for_type(USER).apply(DOCUMENT)
    assert list(result) == ["schemas", "id", "userName", "active"]


CUSTOM = Model.build(
    [
        {
            "id": "urn:example:Thing",
            "name": "Thing",
            "attributes": [
                {"name": "code", "returned": "always"},
                {"name": "note", "returned": "request"},
                {"name": "secret", "returned": "never"},
                {
                    "name": "part",
                    "type": "complex",
                    "multiValued": True,
                    "subAttributes": [
                        {"name": "key", "returned": "always"},
                        {"name": "text"},
                        {"name": "extra", "returned": "request"},
                        {"name": "pin", "returned": "never"},
                    ],
                },
                {
                    "name": "core",
                    "type": "complex",
                    "returned": "always",
                    "subAttributes": [{"name": "a"}, {"name": "b", "returned": "request"}],
                },
                {
                    "name": "log",
                    "type": "complex",
                    "returned": "request",
                    "subAttributes": [{"name": "a"}, {"name": "b"}],
                },
            ],
        }
    ],
    [{"name": "Thing", "endpoint": "/Things", "schema": "urn:example:Thing"}],
).types["Thing"]

THING = {
    "code": 1,
    "note": 2,
    "secret": 3,
    "part": [{"key": 1, "text": 2, "extra": 3, "pin": 4}],
    "core": {"a": 1, "b": 2},
    "log": {"a": 1, "b": 2},
}


@pytest.mark.parametrize(
    ("attributes", "excluded", "expected"),
    [
        (None, None, {"code": 1, "part": [{"key": 1, "text": 2}], "core": {"a": 1}}),
        ("nothing", None, {"code": 1, "core": {"a": 1}}),
        ("note,secret", None, {"code": 1, "note": 2, "core": {"a": 1}}),
        ("part", None, {"code": 1, "part": [{"key": 1, "text": 2}], "core": {"a": 1}}),
        ("part.extra", None, {"code": 1, "part": [{"key": 1, "extra": 3}], "core": {"a": 1}}),
        ("part,part.extra", None, {"code": 1, "part": [{"key": 1, "text": 2, "extra": 3}], "core": {"a": 1}}),
        ("part.pin", None, {"code": 1, "part": [{"key": 1}], "core": {"a": 1}}),
        ("core.b", None, {"code": 1, "core": {"a": 1, "b": 2}}),
        ("log", None, {"code": 1, "core": {"a": 1}, "log": {"a": 1, "b": 2}}),
        ("log.b", None, {"code": 1, "core": {"a": 1}, "log": {"b": 2}}),
        (None, "code,core,part", {"code": 1, "core": {"a": 1}}),
        (None, "part.key,part.text", {"code": 1, "part": [{"key": 1}], "core": {"a": 1}}),
        (None, "core.a", {"code": 1, "part": [{"key": 1, "text": 2}]}),
        (None, "note", {"code": 1, "part": [{"key": 1, "text": 2}], "core": {"a": 1}}),
    ],
)
def test_returned(attributes: str | None, excluded: str | None, expected: dict[str, object]) -> None:
    assert Projection.parse(attributes, excluded).for_type(CUSTOM).apply(THING) == expected


@pytest.mark.parametrize(
    ("attributes", "excluded", "type_name", "identity", "members", "groups"),
    [
        (None, None, "User", True, False, True),
        (None, None, "Group", True, True, False),
        (None, "nothing,password", "User", True, False, True),
        (None, "members", "User", True, False, True),
        (None, "members", "Group", False, False, False),
        (None, "groups", "User", False, False, False),
        ("userName", None, "User", False, False, False),
        ("groups.value", None, "User", False, False, True),
        ("displayName", None, "Group", False, False, False),
        (f"{GROUP.schema.id}", None, "Group", False, True, False),
    ],
)
def test_what_is_to_be_loaded(
    attributes: str | None, excluded: str | None, type_name: str, identity: bool, members: bool, groups: bool
) -> None:
    projection = Projection.parse(attributes, excluded).for_type(CORE_MODEL.types[type_name])
    found = (projection.identity, projection.members, projection.groups)
    assert found == (identity, members, groups)


def test_a_type_with_attributes_on_request_is_never_sent_as_stored_by_default() -> None:
    assert not DEFAULT.for_type(CUSTOM).identity
    assert Projection.parse("note,part,part.extra,core.b,log,id,externalId,meta").for_type(CUSTOM).identity


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ({}, ()),
        ({"code": 1, "part": [{"extra": 1}], "made up by a client": 2}, ()),
        ({"LOG": {"a": 1}, "Note": 1, "urn:example:Thing:note": 2}, ("note", "log")),
        ({"Operations": [{"path": "log[a pr].b"}, {"value": {"odd": 1}}, 5]}, ("log",)),
    ],
)
def test_of_what_a_change_writes_only_the_attributes_on_request_count(
    body: object, written: tuple[str, ...]
) -> None:
    assert DEFAULT.after_change(CUSTOM, body) == DEFAULT._replace(written=written)


def test_both_choices_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue, match="exclude each other"):
        Projection.parse("userName", "emails")


def test_a_choice_too_long_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'excludedAttributes' is longer than 8192"):
        Projection.parse(None, "a," * 5000)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_533_767_123, "2026-11-24T15:22:47.123Z"),
        (1_795_533_767_000, "2026-11-24T15:22:47.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_time(ms: int, text: str) -> None:
    assert format_time(ms) == text


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("*", ANY),
        (" * ", ANY),
        ('"*"', {"*"}),
        ('W/"3"', {"3"}),
        ('"3"', {"3"}),
        ("3", {"3"}),
        ("W/3", {"3"}),
        ('w/"3"', {"3"}),
        ('W/"1", "2",3 , W/"4,5"', {"1", "2", "3", "4,5"}),
        ("", set()),
        ('""', {""}),
    ],
)
def test_etags(header: str, tags: object) -> None:
    assert parse_etags(header) == tags


@pytest.mark.parametrize(
    ("header", "matches"),
    [('W/"3"', True), ("3", True), ("*", True), ('W/"2", W/"3"', True), ('W/"33"', False), ("", False)],
)
def test_etag_matches(header: str, matches: bool) -> None:
    assert etag_matches(header, 3) is matches


def test_etag_matches_itself() -> None:
    assert etag(12) == 'W/"12"'
    assert etag_matches(etag(12), 12)
