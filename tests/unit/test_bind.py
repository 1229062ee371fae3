"""Filters meet the schema: look-up, operators and literals by type, folding, several types."""

from typing import Any as AnyType

import pytest

from rosterd.scim.bind import (
    EVERYTHING,
    MOST_WALKS,
    NOTHING,
    bind,
    bind_all,
    bind_attribute,
    bind_values,
    require_few_walks,
)
from rosterd.scim.errors import InvalidFilter
from rosterd.scim.filter import And, Any, Bound, Compare, Not, Or, Present, parse_filter
from rosterd.scim.path import parse_attribute
from rosterd.scim.schema import Model, Ref, ResourceType
from rosterd.scim.schemas import CORE_MODEL, CORE_SCHEMAS

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
DEVICE_URN = "urn:example:device"


def attribute(name: str, kind: str, **more: AnyType) -> dict[str, AnyType]:
    return {"name": name, "type": kind, **more}


# One attribute of every type of RFC 7643 §2.3, a multi-valued one that is not complex, secrets.
DEVICE = Model.build(
    (
        *CORE_SCHEMAS,
        {
            "id": DEVICE_URN,
            "attributes": [
                attribute("text", "string"),
                attribute("code", "string", caseExact=True),
                attribute("flag", "boolean"),
                attribute("whole", "integer"),
                attribute("real", "decimal"),
                attribute("at", "dateTime"),
                attribute("link", "reference"),
                attribute("blob", "binary"),
                attribute("tags", "string", multiValued=True),
                attribute("box", "complex", subAttributes=[attribute("colour", "string")]),
                attribute("keys", "complex", subAttributes=[attribute("value", "string", returned="never")]),
                attribute("pin", "string", returned="never"),
            ],
        },
    ),
    ({"name": "Device", "endpoint": "/Devices", "schema": DEVICE_URN},),
).types["Device"]


def shown(b: Bound) -> str:
    """The bound tree as text, full attribute names and folded literals."""
    if isinstance(b, Compare):
        return f"{b.path} {b.op} {b.value!r}"
    if isinstance(b, Present):
        return f"{b.path} pr"
    if isinstance(b, Not):
        return f"not ({shown(b.part)})"
    if isinstance(b, Any):
        return f"{b.path}[{shown(b.filter)}]"
    return (" and " if isinstance(b, And) else " or ").join(f"({shown(part)})" for part in b.parts)


BOUND = (
    ('username EQ "Bob"', "userName eq 'bob'"),
    (f'{CORE.upper()}:USERNAME eq "Bob"', "userName eq 'bob'"),
    ('NAME.FAMILYNAME co "X"', "name.familyName co 'x'"),
    ('id eq "AbC"', "id eq 'AbC'"),
    ('externalId eq "AbC"', "externalId eq 'AbC'"),
    (f'schemas eq "{CORE}"', f"schemas eq '{CORE}'"),
    ('meta.resourcetype eq "User"', "meta.resourceType eq 'User'"),
    ('meta.created gt "1970-01-01T00:00:01Z"', "meta.created gt 1000000"),
    ('meta.lastModified le "1970-01-01T01:00:00.5+01:00"', "meta.lastModified le 500000"),
    ('profileUrl sw "HTTPS://X"', "profileUrl sw 'HTTPS://X'"),
    # boolean: also the strings of Entra
    ("active eq true", "active eq 1"),
    ("active ne FALSE", "active ne 0"),
    ('active eq "True"', "active eq 1"),
    ('active eq "false"', "active eq 0"),
    # complex: by value
    ('emails co "X"', "emails.value co 'x'"),
    ('groups eq "G1"', "groups.value eq 'G1'"),
    (f'{ENTERPRISE}:manager eq "M1"', f"{ENTERPRISE}:manager.value eq 'M1'"),
    (f'{ENTERPRISE}:MANAGER.displayname eq "M1"', f"{ENTERPRISE}:manager.displayName eq 'm1'"),
    (f'{ENTERPRISE}:department sw "D"', f"{ENTERPRISE}:department sw 'd'"),
    ("name pr", "name pr"),
    ("emails pr", "emails pr"),
    # null
    ("title eq null", "not (title pr)"),
    ("title ne null", "title pr"),
    ("name eq null", "not (name pr)"),
    ("emails eq null", "not (emails pr)"),
    ("active eq null", "not (active pr)"),
    # value paths
    ('EMAILS[TYPE eq "Work" and Value co "X"]', "emails[(emails.type eq 'work') and (emails.value co 'x')]"),
    ('name[givenName eq "X"]', "name[name.givenName eq 'x']"),
    ("emails[primary eq true]", "emails[emails.primary eq 1]"),
    (f"emails[{CORE}:type pr]", "emails[emails.type pr]"),
    (f"{ENTERPRISE}:manager[value pr]", f"{ENTERPRISE}:manager[{ENTERPRISE}:manager.value pr]"),
    ("ims[type pr or value eq null]", "ims[(ims.type pr) or (not (ims.value pr))]"),
    ("groups[$ref pr]", "groups[groups.$ref pr]"),
    # structure is kept
    ("title pr and (id pr or not (active pr))", "(title pr) and ((id pr) or (not (active pr)))"),
)


@pytest.mark.parametrize(("text", "expected"), BOUND)
def test_a_filter_is_bound_to_the_user_type(text: str, expected: str) -> None:
    assert shown(bind(parse_filter(text), USER)) == expected


ALLOWED = {
    "text": ("eq ne co sw ew gt ge lt le", '"x"'),
    "code": ("eq ne co sw ew gt ge lt le", '"x"'),
    "link": ("eq ne co sw ew gt ge lt le", '"x"'),
    "tags": ("eq ne co sw ew gt ge lt le", '"x"'),
    "blob": ("eq ne", '"eA=="'),
    "flag": ("eq ne", "true"),
    "whole": ("eq ne gt ge lt le", "7"),
    "real": ("eq ne gt ge lt le", "7.5"),
    "at": ("eq ne gt ge lt le", '"2026-11-24T15:22:47Z"'),
}
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
CASES = [(name, op) for name in ALLOWED for op in OPERATORS]


@pytest.mark.parametrize(("name", "op"), CASES)
def test_a_type_has_its_operators_and_no_others(name: str, op: str) -> None:
    operators, literal = ALLOWED[name]
    f = parse_filter(f"{name} {op} {literal}")
    if op in operators.split():
        assert isinstance(bind(f, DEVICE), Compare)
    else:
        with pytest.raises(InvalidFilter, match=f"'{name}' is of type .* and has no '{op}'; use eq, ne"):
            bind(f, DEVICE)


LITERALS = ('"x"', '"2026-11-24T15:22:47Z"', "7", "7.5", "true")
FITTING = {
    **dict.fromkeys(("text", "code", "link", "tags", "blob"), LITERALS[:2]),
    "flag": LITERALS[4:],
    **dict.fromkeys(("whole", "real"), LITERALS[2:4]),
    "at": LITERALS[1:2],
}


@pytest.mark.parametrize(("name", "literal"), [(name, literal) for name in FITTING for literal in LITERALS])
def test_a_type_has_its_literals_and_no_others(name: str, literal: str) -> None:
    f = parse_filter(f"{name} eq {literal}")
    if literal in FITTING[name]:
        assert isinstance(bind(f, DEVICE), Compare)
    else:
        with pytest.raises(InvalidFilter, match=f"'{name}' is of type .*; compare it with "):
            bind(f, DEVICE)


@pytest.mark.parametrize("op", ("co", "sw", "ew", "gt", "ge", "lt", "le"))
def test_null_takes_eq_and_ne_only(op: str) -> None:
    with pytest.raises(InvalidFilter, match=f"'title {op} null' has no meaning; null takes eq and ne only"):
        bind(parse_filter(f"title {op} null"), USER)


REFUSED = (
    (USER, "foo pr", "filter: User has no attribute 'foo'"),
    (USER, "name.foo pr", "filter: User has no attribute 'name.foo'"),
    (USER, "userName.value pr", "filter: User has no attribute 'userName.value'"),
    (USER, "members pr", "filter: User has no attribute 'members'"),
    (USER, "urn:example:x:title pr", "filter: User has no attribute 'urn:example:x:title'"),
    (USER, "title pr or foo pr", "filter: User has no attribute 'foo'"),
    (USER, "title pr and not (foo pr)", "filter: User has no attribute 'foo'"),
    (
        USER,
        'department eq "x"',
        f"filter: User has no attribute 'department'; write '{ENTERPRISE}:department'",
    ),
    (USER, f"{ENTERPRISE} pr", f"filter: '{ENTERPRISE}' is a schema; name one of its attributes behind it"),
    (USER, 'emails[foo eq "x"]', "filter: 'emails' has no attribute 'foo'"),
    (USER, "emails[value.x pr]", "filter: 'emails' has no attribute 'value.x'"),
    (USER, f"emails[{ENTERPRISE}:type pr]", f"filter: 'emails' has no attribute '{ENTERPRISE}:type'"),
    (USER, 'userName[value eq "x"]', "filter: 'userName' is not complex, so no '[' can follow"),
    (DEVICE, 'tags[value eq "x"]', "filter: 'tags' is not complex, so no '[' can follow"),
    (
        USER,
        'name eq "x"',
        "filter: 'name' is complex; name one of its sub-attributes: formatted, familyName, givenName",
    ),
    (USER, 'addresses co "x"', "filter: 'addresses' is complex; name one of its sub-attributes: formatted"),
    (
        USER,
        "userName eq 5",
        "filter: 'userName' is of type string; compare it with a string in double quotes",
    ),
    (USER, 'active eq "yes"', "filter: 'active' is of type boolean; compare it with true or false"),
    (USER, "active eq 1", "filter: 'active' is of type boolean; compare it with true or false"),
    (USER, 'meta.created gt "today"', 'compare it with a date such as "2026-11-24T15:22:47Z"'),
    (DEVICE, 'whole eq "7"', "filter: 'whole' is of type integer; compare it with a number without quotes"),
    # secrets, with whatever operator, also when a search leaves unknown attributes be
    (USER, 'password eq "hunter2"', "filter: 'password' is never returned and cannot be used in a filter"),
    (USER, "password pr", "filter: 'password' is never returned and cannot be used in a filter"),
    (USER, "password eq null", "filter: 'password' is never returned and cannot be used in a filter"),
    (DEVICE, "pin pr", "filter: 'pin' is never returned"),
    (DEVICE, "keys.value pr", "filter: 'keys.value' is never returned"),
    (DEVICE, "keys[value pr]", "filter: 'value' is never returned"),
    (DEVICE, 'keys eq "x"', "filter: 'keys' is complex"),
)


@pytest.mark.parametrize(("t", "text", "fragment"), REFUSED)
def test_a_filter_that_does_not_fit_is_refused(t: ResourceType, text: str, fragment: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        bind(parse_filter(text), t)
    assert fragment in caught.value.detail
    assert "hunter2" not in caught.value.detail


MISSING = (
    ("foo pr", NOTHING),
    ('foo ne "x"', NOTHING),
    ("foo eq null", NOTHING),
    ("not (foo pr)", EVERYTHING),
    ("foo[bar pr]", NOTHING),
    ("emails[foo pr]", NOTHING),
    ("emails[not (foo pr)]", "emails pr"),
    ("emails[foo pr or type pr]", "emails[emails.type pr]"),
    ("title pr and foo pr", NOTHING),
    ("title pr or foo pr", "title pr"),
    ("title pr and not (foo pr)", "title pr"),
    ("title pr or not (foo pr)", EVERYTHING),
    ("title pr or active pr or foo pr", "(title pr) or (active pr)"),
    ("foo pr or bar pr", NOTHING),
    ("not (foo pr) and not (bar pr)", EVERYTHING),
    ("not (title pr or foo pr)", "not (title pr)"),
)


@pytest.mark.parametrize(("text", "expected"), MISSING)
def test_an_attribute_the_type_does_not_have_compares_false(text: str, expected: Bound | str) -> None:
    bound = bind(parse_filter(text), USER, missing_ok=True)
    assert shown(bound) == (expected if isinstance(expected, str) else shown(expected))


@pytest.mark.parametrize(
    "text", ("foo pr and userName eq 5", "foo pr and password pr", "foo pr or name gt 1")
)
def test_other_faults_are_found_all_the_same(text: str) -> None:
    with pytest.raises(InvalidFilter):
        bind(parse_filter(text), USER, missing_ok=True)


def test_a_search_over_all_types_drops_those_without_a_match() -> None:
    def names(text: str) -> list[tuple[str, str]]:
        return [(t.name, shown(b)) for t, b in bind_all(parse_filter(text), (USER, GROUP))]

    assert names("id pr") == [("User", "id pr"), ("Group", "id pr")]
    assert names('displayName eq "X"') == [("User", "displayName eq 'x'"), ("Group", "displayName eq 'x'")]
    assert names('members eq "1"') == [("Group", "members.value eq '1'")]
    assert names("userName pr or members[type pr]") == [
        ("User", "userName pr"),
        ("Group", "members[members.type pr]"),
    ]
    assert names("not (userName pr)") == [("User", "not (userName pr)"), ("Group", "id pr")]


@pytest.mark.parametrize(
    ("text", "fragment"),
    (
        ("foo pr", "filter: User or Group has no attribute 'foo'"),
        ("userName pr or foo pr", "has no attribute 'foo'"),
        ("members[foo pr]", "has no attribute 'members.foo'"),
        ("not (members[value.x pr])", "has no attribute 'members.value.x'"),
        ("department pr", f"has no attribute 'department'; write '{ENTERPRISE}:department'"),
    ),
)
def test_a_search_over_all_types_refuses_what_none_has(text: str, fragment: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        bind_all(parse_filter(text), (USER, GROUP))
    assert fragment in caught.value.detail


def ref(t: ResourceType, text: str) -> Ref:
    path = parse_attribute(text)
    found = t.resolve(path.urn, path.name, path.sub)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("t", "path", "text", "expected"),
    (
        (GROUP, "members", 'VALUE eq "A" or type pr', "(members.value eq 'A') or (members.type pr)"),
        (USER, "emails", "primary eq true", "emails.primary eq 1"),
        (USER, f"{ENTERPRISE}:manager", "value pr", f"{ENTERPRISE}:manager.value pr"),
        (DEVICE, "tags", 'value sw "X"', "tags sw 'x'"),
    ),
)
def test_a_value_filter_is_bound_to_the_values(t: ResourceType, path: str, text: str, expected: str) -> None:
    assert shown(bind_values(parse_filter(text), ref(t, path), t)) == expected


@pytest.mark.parametrize(
    ("t", "path", "text", "fragment"),
    (
        (GROUP, "members", "foo pr", "filter: 'members' has no attribute 'foo'"),
        (DEVICE, "tags", "type pr", "filter: 'tags' has no attribute 'type'"),
        (
            USER,
            "userName",
            "value pr",
            "filter: 'userName' has a single string value; name it without a filter",
        ),
        (USER, "name.givenName", "value pr", "filter: 'name.givenName' has no values to filter"),
        (USER, ENTERPRISE, "department pr", f"filter: '{ENTERPRISE}' has no values to filter"),
    ),
)
def test_a_value_filter_that_does_not_fit_is_refused(
    t: ResourceType, path: str, text: str, fragment: str
) -> None:
    with pytest.raises(InvalidFilter) as caught:
        bind_values(parse_filter(text), ref(t, path), t)
    assert fragment in caught.value.detail


@pytest.mark.parametrize(
    ("t", "text", "expected"),
    (
        (USER, "USERNAME", "userName"),
        (USER, "name.familyName", "name.familyName"),
        (USER, "emails", "emails.value"),
        (USER, "emails.type", "emails.type"),
        (USER, "meta.lastModified", "meta.lastModified"),
        (USER, "externalId", "externalId"),
        (USER, f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"),
        (DEVICE, "tags", "tags"),
        (USER, "foo", None),
        (USER, "name", None),
        (USER, "addresses", None),
        (USER, "password", None),
        (USER, ENTERPRISE, None),
        (DEVICE, "keys", None),
        (DEVICE, "keys.value", None),
    ),
)
def test_an_attribute_to_sort_by(t: ResourceType, text: str, expected: str | None) -> None:
    found = bind_attribute(parse_attribute(text), t)
    assert (found and str(found)) == expected


def test_binding_keeps_the_kinds_of_nodes() -> None:
    bound = bind(parse_filter("(title pr or active pr) and not (emails[type pr])"), USER)
    assert isinstance(bound, And)
    assert isinstance(bound.parts[0], Or)
    assert isinstance(bound.parts[1], Not)
    assert isinstance(bound.parts[1].part, Any)


@pytest.mark.parametrize(
    "each",
    [
        'emails.value co "x"',
        'emails[type eq "x"]',
        "not (roles pr)",
        'groups.value ne "x"',
        'title co "x" and emails[not (primary eq true)]',
    ],
)
def test_a_search_goes_through_the_values_of_resources_a_few_times_only(each: str) -> None:
    require_few_walks(bind(parse_filter(" or ".join([each] * MOST_WALKS)), USER))
    with pytest.raises(
        InvalidFilter, match=f"^filter: {MOST_WALKS + 1} comparisons with attributes that can have"
    ):
        require_few_walks(bind(parse_filter(" or ".join([each] * (MOST_WALKS + 1))), USER))
    inner = "emails[" + " or ".join(['type eq "x"'] * (MOST_WALKS + 1)) + "]"
    with pytest.raises(InvalidFilter, match=r"such as 'emails\.type'"):
        require_few_walks(bind(parse_filter(inner), USER))


def test_a_search_compares_attributes_of_one_value_as_often_as_a_filter_can() -> None:
    require_few_walks(bind(parse_filter(" or ".join(['name.familyName co "x"', 'id eq "1"'] * 100)), USER))
