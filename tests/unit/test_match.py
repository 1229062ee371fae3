"""The reference evaluator: what each operator means for single, several and no values."""

from dataclasses import replace
from typing import Any as AnyType

import pytest

from rosterd.scim.bind import EVERYTHING, NOTHING, bind, bind_attribute, bind_values
from rosterd.scim.filter import Compare, Or, parse_filter
from rosterd.scim.match import chooser, folded_document, match, match_value, sort_key
from rosterd.scim.path import parse_attribute
from rosterd.scim.schema import Model, Ref, ResourceType
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
EMAILS = USER.schema.by_name["emails"]
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

BARBARA: dict[str, AnyType] = {
    "schemas": [CORE, ENTERPRISE],
    "id": "2819c223",
    "externalId": "BJensen",
    "userName": "Barbara@Example.com",
    "name": {"familyName": "Jensen-O'Malley", "givenName": "Bärbel Weiß"},
    "nickName": "",
    "title": "50% Manager_1",
    "active": False,
    "profileUrl": "https://login.example.com/BJensen",
    "emails": [
        {"value": "Work@example.com", "type": "work"},
        {"value": "home@example.org", "type": "home", "primary": True},
    ],
    "ims": [{"value": "", "type": ""}],
    "x509Certificates": [{"value": "MIID"}],
    "groups": [{"value": "G1", "display": "Staff", "type": "direct"}],
    "meta": {
        "resourceType": "User",
        "created": "2026-11-24T15:22:47.123Z",
        "lastModified": "2026-11-24T16:00:00Z",
        "version": 'W/"3"',
    },
    ENTERPRISE: {"department": "Tour Operations", "manager": {"value": "26118915"}},
    "unknown": "dropped",
}

HOLDS = (
    # eq and ne, letter case by caseExact
    'userName eq "barbara@EXAMPLE.com"',
    'userName ne "x"',
    'id eq "2819c223"',
    'externalId eq "BJensen"',
    'externalId ne "bjensen"',
    'profileUrl eq "https://login.example.com/BJensen"',
    'profileUrl ne "https://login.example.com/bjensen"',
    'name.givenName eq "BÄRBEL WEISS"',
    f'schemas eq "{ENTERPRISE}"',
    "active eq false",
    "active ne true",
    'active eq "False"',
    'nickName eq ""',
    'nickName ne "x"',
    'x509Certificates eq "MIID"',
    # co, sw, ew take their literal as it is
    'title co "50% m"',
    'title co "manager_1"',
    'title sw "50%"',
    'title ew "_1"',
    'title co ""',
    'name.familyName co "-o\'m"',
    'profileUrl sw "https://"',
    'meta.version eq "W/\\"3\\""',
    # order
    'userName gt "barbara"',
    'userName ge "barbara@example.com"',
    'userName le "barbara@example.com"',
    'userName lt "c"',
    'meta.created gt "2026-11-24T15:22:47.122Z"',
    'meta.created ge "2026-11-24T15:22:47.123Z"',
    'meta.created le "2026-11-24T16:22:47.123+01:00"',
    'meta.created eq "2026-11-24T15:22:47.1230Z"',
    'meta.created lt "2026-11-24T15:22:48Z"',
    'meta.lastModified ne "2026-11-24T16:00:01Z"',
    # pr and null
    "userName pr",
    "active pr",
    "name pr",
    "emails pr",
    "emails.primary pr",
    "meta pr",
    "not (nickName pr)",
    "not (title eq null)",
    "not (ims pr)",
    "nickName eq null",
    "ims eq null",
    "locale eq null",
    "title ne null",
    f"{ENTERPRISE}:manager pr",
    f"not ({ENTERPRISE}:costCenter pr)",
    # several values: one is enough
    'emails eq "work@example.com"',
    'emails.value eq "home@example.org"',
    'emails ne "work@example.com"',
    'emails co "example.ORG"',
    "emails.primary eq true",
    'emails.type eq "work" and emails.value eq "home@example.org"',
    'groups eq "G1"',
    'groups.display eq "staff"',
    f'{ENTERPRISE}:manager eq "26118915"',
    f'{ENTERPRISE}:department sw "tour"',
    # no value: ne holds, nothing else
    'locale ne "x"',
    'addresses.country ne "x"',
    f'{ENTERPRISE}:costCenter ne "x"',
    # value paths: one value fulfils it all
    'emails[type eq "work" and value co "@example.com"]',
    'emails[type eq "home" and primary eq true]',
    'emails[type eq "work" and primary ne true]',
    'emails[type eq "work" and not (primary pr)]',
    'emails[type eq "work" and primary eq null]',
    'emails[not (type eq "work")]',
    'name[familyName sw "j" and givenName sw "b"]',
    f'{ENTERPRISE}:manager[value eq "26118915" and $ref eq null]',
    # logic
    'userName eq "x" or title pr',
    'title pr and active eq false or userName eq "x"',
    'not (userName eq "x")',
    'not (locale eq "x")',
)

FAILS = (
    'userName eq "barbara"',
    'userName ne "BARBARA@example.com"',
    'externalId eq "bjensen"',
    'profileUrl eq "https://login.example.com/bjensen"',
    "active eq true",
    'title co "50_"',
    'title co "manager%"',
    'title sw "manager"',
    'title ew "50%"',
    'userName gt "barbara@example.com"',
    'userName lt "barbara@example.com"',
    'meta.created gt "2026-11-24T15:22:47.123Z"',
    'meta.created lt "2026-11-24T15:22:47.123Z"',
    "nickName pr",
    "ims pr",
    "locale pr",
    "addresses pr",
    "title eq null",
    "nickName ne null",
    'locale eq ""',
    'locale co ""',
    'locale lt "x"',
    'locale ge ""',
    'x509Certificates ne "MIID"',
    'groups ne "G1"',
    'emails[type eq "work" and value co "example.org"]',
    'emails[type eq "work" and primary eq true]',
    'addresses[country ne "x"]',
    "not (emails[type pr])",
    'not (locale ne "x")',
    'userName eq "x" and title pr',
    'userName eq "x" or title pr and active eq true',
    "(title pr or userName pr) and active eq true",
)


@pytest.mark.parametrize(
    ("text", "expected"), (*((text, True) for text in HOLDS), *((text, False) for text in FAILS))
)
def test_a_filter_matches_or_not(text: str, expected: bool) -> None:
    document = folded_document(BARBARA, USER)
    bound = bind(parse_filter(text), USER)
    assert match(bound, document) is expected


def test_the_constants_are_what_they_say() -> None:
    document = folded_document(BARBARA, USER)
    assert match(EVERYTHING, document)
    assert not match(NOTHING, document)


def test_a_full_document_is_folded() -> None:
    assert folded_document(BARBARA, USER) == {
        "schemas": [CORE, ENTERPRISE],
        "id": "2819c223",
        "externalId": "BJensen",
        "userName": "barbara@example.com",
        "name": {"familyName": "jensen-o'malley", "givenName": "bärbel weiss"},
        "nickName": "",
        "title": "50% manager_1",
        "active": 0,
        "profileUrl": "https://login.example.com/BJensen",
        "emails": [
            {"value": "work@example.com", "type": "work"},
            {"value": "home@example.org", "type": "home", "primary": 1},
        ],
        "ims": [{"value": "", "type": ""}],
        "x509Certificates": [{"value": "MIID"}],
        "groups": [{"value": "G1", "display": "staff", "type": "direct"}],
        "meta": {
            "resourceType": "User",
            "created": 1795533767123000,
            "lastModified": 1795536000000000,
            "version": 'W/"3"',
        },
        ENTERPRISE: {"department": "tour operations", "manager": {"value": "26118915"}},
    }


MACHINE = Model.build(
    (
        {
            "id": "urn:example:machine",
            "attributes": [
                {"name": "cores", "type": "integer"},
                {"name": "load", "type": "decimal"},
                {"name": "tags", "type": "string", "multiValued": True},
                {"name": "at", "type": "dateTime", "multiValued": True},
            ],
        },
    ),
    ({"name": "Machine", "endpoint": "/Machines", "schema": "urn:example:machine"},),
).types["Machine"]


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("cores eq 8", True),
        ("cores eq 8.0", True),
        ("cores gt 7.5", True),
        ("cores lt 10", True),
        ("cores ne 8", False),
        ("load le 0.25", True),
        ("load lt 1", True),
        ("load gt -1e3", True),
        ('tags eq "RED"', True),
        ('tags ne "red"', True),
        ('tags co "u"', True),
        ('tags eq "green"', False),
        ("tags pr", True),
        ('at lt "2026-01-01T00:00:00Z"', True),
        ('at ge "2026-01-01T00:00:00Z"', True),
        ('at eq "2026-01-01T00:00:00Z"', False),
    ),
)
def test_numbers_and_plain_multi_valued_attributes(text: str, expected: bool) -> None:
    document = {
        "cores": 8,
        "load": 0.25,
        "tags": ["Red", "blue"],
        "at": ["2025-06-01T00:00:00Z", "2027-06-01T00:00:00Z"],
    }
    assert match(bind(parse_filter(text), MACHINE), folded_document(document, MACHINE)) is expected


@pytest.mark.parametrize(("op", "expected"), (("eq", False), ("ne", True), ("gt", False), ("le", False)))
def test_a_value_of_another_kind_only_differs(op: str, expected: bool) -> None:
    bound = bind(parse_filter(f'at {op} "2026-01-01T00:00:00Z"'), MACHINE)
    assert match(bound, folded_document({"at": ["not a date"]}, MACHINE)) is expected


def reference(t: ResourceType, text: str) -> Ref:
    ref = bind_attribute(parse_attribute(text), t)
    assert ref is not None
    return ref


@pytest.mark.parametrize(
    ("t", "name", "text", "value", "expected"),
    (
        (GROUP, "members", 'value eq "a"', {"value": "a"}, True),
        (GROUP, "members", 'value eq "A"', {"value": "a"}, False),
        (GROUP, "members", 'type eq "USER" and value sw "a"', {"value": "a", "type": "User"}, True),
        (GROUP, "members", "display pr", {"value": "a"}, False),
        (USER, "emails", "primary eq true", {"value": "a", "primary": True}, True),
        (USER, "emails", "primary eq true", {"value": "a", "primary": False}, False),
        (MACHINE, "tags", 'value eq "RED"', "Red", True),
        (MACHINE, "tags", 'not (value eq "RED")', "Red", False),
    ),
)
def test_one_value_fulfils_a_value_filter(
    t: ResourceType, name: str, text: str, value: AnyType, expected: bool
) -> None:
    ref = t.resolve(None, name)
    assert ref is not None
    assert ref.attribute is not None
    assert match_value(bind_values(parse_filter(text), ref, t), ref.attribute.fold(value)) is expected


@pytest.mark.parametrize(
    ("name", "document", "expected"),
    (
        ("userName", {"userName": "Bob"}, "bob"),
        ("userName", {}, None),
        ("nickName", {"nickName": ""}, ""),
        ("active", {"active": False}, 0),
        ("name.familyName", {"name": {"familyName": "X"}}, "x"),
        ("name.familyName", {"name": {"givenName": "X"}}, None),
        ("meta.created", {"meta": {"created": "1970-01-01T00:00:01Z"}}, 1_000_000),
        ("emails", {"emails": [{"value": "A"}, {"value": "B"}]}, "a"),
        ("emails", {"emails": [{"value": "A"}, {"value": "B", "primary": True}]}, "b"),
        ("emails", {"emails": [{"value": "A", "primary": False}, {"value": "B"}]}, "a"),
        ("emails.type", {"emails": [{"value": "A"}, {"type": "Work", "primary": True}]}, "work"),
        ("emails.type", {"emails": [{"value": "A"}, {"value": "B", "type": "work"}]}, None),
        ("emails", {"emails": []}, None),
        (f"{ENTERPRISE}:manager", {ENTERPRISE: {"manager": {"value": "M"}}}, "M"),
        (f"{ENTERPRISE}:department", {ENTERPRISE: {"department": "D"}}, "d"),
        (f"{ENTERPRISE}:department", {}, None),
    ),
)
def test_the_value_to_sort_by(name: str, document: dict[str, AnyType], expected: object) -> None:
    assert sort_key(reference(USER, name), folded_document(document, USER)) == expected


def test_a_plain_multi_valued_attribute_is_sorted_by_its_first_value() -> None:
    document = folded_document({"tags": ["Red", "blue"]}, MACHINE)
    assert sort_key(reference(MACHINE, "tags"), document) == "red"


VALUES = [
    {"value": "A@x", "type": "Work", "primary": True},
    {"value": "b@x", "type": "home", "primary": False},
    {"type": ""},
    {"value": ["a@x", "c@x"], "type": {"value": "work"}},
    {"other": "x"},
    "a@x",
    None,
]


@pytest.mark.parametrize(
    "text",
    [
        'value eq "a@X"',
        'value ne "a@x"',
        'value co "@"',
        'value gt "a@x"',
        'type sw "w" and not (value ew "y")',
        'type eq "home" or primary eq true',
        "primary eq false",
        "primary ne true",
        "type pr",
        "not (value pr or type pr)",
        'value eq "a@x" or value eq "b@x" or type eq "none"',
        "value eq null",
    ],
)
def test_values_are_chosen_as_the_reference_says(text: str) -> None:
    bound = bind_values(parse_filter(text), Ref(None, EMAILS), USER)
    chooses = chooser(bound, EMAILS)
    assert [chooses(value) for value in VALUES] == [
        match_value(bound, EMAILS.fold(value)) for value in VALUES
    ]


def test_of_a_value_only_what_the_filter_names_is_folded_once() -> None:
    folded: list[object] = []
    subs = tuple(replace(sub) for sub in EMAILS.sub_attributes)
    for sub in subs:
        object.__setattr__(sub, "fold", lambda value: folded.append(value) or value)
    emails = replace(EMAILS, sub_attributes=subs)
    ref = Ref(None, emails, emails.subs["type"])
    chooses = chooser(Or(tuple(Compare(ref, "co", f"w{number}") for number in range(200))), emails)
    assert not chooses({"value": "a@x", "type": "home", "display": "A"})
    assert folded == ["home"]
