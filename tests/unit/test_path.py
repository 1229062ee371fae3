"""Attribute paths as text (RFC 7644 §3.5.2 Figure 7, §3.10)."""

import pytest

from rosterd.scim.errors import InvalidFilter, InvalidPath, ScimError
from rosterd.scim.filter import And, AttrPath, Compare, Filter, Not, Present
from rosterd.scim.grammar import Limits
from rosterd.scim.path import Path, parse_attribute, parse_path, print_path
from rosterd.scim.schemas import CORE_MODEL

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK: Filter = Compare(AttrPath(None, "type"), "eq", "work")

# Among them the examples of RFC 7644 §3.5.2.
PATHS = (
    ("members", Path(AttrPath(None, "members"))),
    ("name.familyName", Path(AttrPath(None, "name", "familyName"))),
    ('addresses[type eq "work"]', Path(AttrPath(None, "addresses"), WORK)),
    (
        'members[value eq "2819c223-7f76-453a-919d-413861904646"]',
        Path(
            AttrPath(None, "members"),
            Compare(AttrPath(None, "value"), "eq", "2819c223-7f76-453a-919d-413861904646"),
        ),
    ),
    (
        'members[value eq "x"].displayName',
        Path(AttrPath(None, "members"), Compare(AttrPath(None, "value"), "eq", "x"), "displayName"),
    ),
    (
        'emails[type eq "work" and not (primary pr)].value',
        Path(AttrPath(None, "emails"), And((WORK, Not(Present(AttrPath(None, "primary"))))), "value"),
    ),
    ('members[type eq "work"].$ref', Path(AttrPath(None, "members"), WORK, "$ref")),
    (f"{ENTERPRISE}:manager", Path(AttrPath(ENTERPRISE, "manager"))),
    (f"{ENTERPRISE}:manager.value", Path(AttrPath(ENTERPRISE, "manager", "value"))),
    (
        f'{ENTERPRISE}:manager[type eq "work"].$ref',
        Path(AttrPath(ENTERPRISE, "manager"), WORK, "$ref"),
    ),
    ("urn:example:hr:2.0:badge", Path(AttrPath("urn:example:hr:2.0", "badge"))),
    # bare URNs: a resource type puts them together again
    (ENTERPRISE, Path(AttrPath(ENTERPRISE.removesuffix(":User"), "User"))),
    ("urn:example:hr:2.0", Path(AttrPath("urn:example:hr", "2", "0"))),
    ("urn:example:hr:v1.2.3", Path(AttrPath("urn:example:hr", "v1", "2.3"))),
    ("urn:example:hr:7", Path(AttrPath("urn:example:hr", "7"))),
)


@pytest.mark.parametrize(("text", "path"), PATHS)
def test_a_path_is_read_and_printed(text: str, path: Path) -> None:
    assert parse_path(text) == path
    assert print_path(path) == str(path) == text


@pytest.mark.parametrize(("text", "path"), [case for case in PATHS if case[1].filter is None])
def test_an_attribute_is_read_like_a_path(text: str, path: Path) -> None:
    assert parse_attribute(text) == path.attr


def test_a_bare_urn_finds_its_extension() -> None:
    attr = parse_path(ENTERPRISE.upper()).attr
    ref = CORE_MODEL.types["User"].resolve(attr.urn, attr.name, attr.sub)
    assert ref is not None
    assert (ref.extension, ref.attribute) == (ENTERPRISE, None)


def test_spaces_around_a_path_are_ignored() -> None:
    assert parse_path(" members ") == parse_path("members")
    assert parse_path(' emails[ type eq "work" ] ') == Path(AttrPath(None, "emails"), WORK)
    assert parse_attribute(" userName\t") == AttrPath(None, "userName")


REFUSED: tuple[tuple[str, type[ScimError], str], ...] = (
    ("", InvalidPath, "at character 1: expected an attribute name, such as 'userName' or 'name.familyName'"),
    ("{x}", InvalidPath, "at character 1: expected an attribute name"),
    ("/members/0", InvalidPath, "at character 1: expected an attribute name"),
    ("1", InvalidPath, "found a number"),
    ("a.b.c", InvalidPath, "at character 4: expected the end of the path after 'a.b', found '.c'"),
    ("a b", InvalidPath, "at character 3: expected '[' or the end of the path after 'a', found 'b'"),
    ('a eq "x"', InvalidPath, "at character 3: expected '[' or the end of the path after 'a', found 'eq'"),
    ("emails]", InvalidPath, "found ']'"),
    ("a[b pr]x", InvalidPath, "at character 8: expected '.' and a sub-attribute, or the end after ']'"),
    ("a[b pr].", InvalidPath, "at character 8: expected '.' and a sub-attribute, or the end after ']'"),
    ("a[b pr].c.d", InvalidPath, "at character 10: expected the end of the path after '.c', found '.d'"),
    ("a[b pr][c pr]", InvalidPath, "found '['"),
    ("a.b[c pr]", InvalidPath, "at character 4: expected the end of the path after 'a.b', found '['"),
    ("members[", InvalidFilter, "at character 9: expected an attribute name, 'not' or '(' after '['"),
    ("members[]", InvalidFilter, "at character 9: expected an attribute name"),
    ("members[value]", InvalidFilter, "at character 14: expected an operator"),
    ("members[value eq x]", InvalidFilter, "found a word without quotes"),
    ('members[value eq "x"', InvalidFilter, "expected 'and', 'or' or ']' after a string, found the end"),
    ("a[b[c pr]]", InvalidFilter, "inside a[…] stand comparisons of its sub-attributes only"),
    ("a[" + "(" * 30 + "b pr", InvalidFilter, "nested more than 30 deep"),
    ("a[" + " or ".join(["b pr"] * 201) + "]", InvalidFilter, "more than 200 comparisons"),
    ("a" * 8193, InvalidPath, "longer than 8192 characters"),
)


@pytest.mark.parametrize(("text", "error", "fragment"), REFUSED)
def test_a_bad_path_is_refused(text: str, error: type[ScimError], fragment: str) -> None:
    with pytest.raises(error) as caught:
        parse_path(text)
    assert type(caught.value) is error
    assert caught.value.detail.startswith("path: ")
    assert fragment in caught.value.detail


@pytest.mark.parametrize(
    ("text", "fragment"),
    (
        ("", "attribute: at character 1: expected an attribute name"),
        ("a.b.c", "attribute: at character 4: expected the end after 'a.b', found '.c'"),
        ('emails[type eq "work"]', "attribute: at character 7: expected the end after 'emails', found '['"),
        ("userName,title", "attribute: at character 9: expected the end after 'userName', found ','"),
    ),
)
def test_an_attribute_name_is_no_more_than_that(text: str, fragment: str) -> None:
    with pytest.raises(InvalidPath) as caught:
        parse_attribute(text)
    assert fragment in caught.value.detail


def test_the_limits_can_be_set() -> None:
    with pytest.raises(InvalidPath, match="longer than 5 characters"):
        parse_path("userName", Limits(length=5))
