"""Filters as text: what is read (RFC 7644 §3.4.2.2), what is refused and in which words."""

import json

import pytest

from rosterd.scim.errors import InvalidFilter
from rosterd.scim.filter import (
    COMPARE_OPERATORS,
    And,
    Any,
    AttrPath,
    Compare,
    Filter,
    Not,
    Present,
    parse_filter,
    print_filter,
)
from rosterd.scim.grammar import LIMITS, Limits

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def shape(f: Filter) -> str:
    """The tree as an S-expression, with every grouping visible."""
    if isinstance(f, Compare):
        return f"({f.op} {f.path} {json.dumps(f.value)})"
    if isinstance(f, Present):
        return f"(pr {f.path})"
    if isinstance(f, Not):
        return f"(not {shape(f.part)})"
    if isinstance(f, Any):
        return f"(any {f.path} {shape(f.filter)})"
    name = "and" if isinstance(f, And) else "or"
    return f"({name} {' '.join(map(shape, f.parts))})"


# The examples of RFC 7644 §3.4.2.2, Figure 2 and the text before it, in the RFC's order.
RFC_EXAMPLES = (
    ('userName Eq "john"', '(eq userName "john")'),
    ('Username eq "john"', '(eq Username "john")'),
    ('userName eq "bjensen"', '(eq userName "bjensen")'),
    ('name.familyName co "O\'Malley"', '(co name.familyName "O\'Malley")'),
    ('userName sw "J"', '(sw userName "J")'),
    (f'{CORE}:userName sw "J"', f'(sw {CORE}:userName "J")'),
    ("title pr", "(pr title)"),
    ('meta.lastModified gt "2011-05-13T04:42:34Z"', '(gt meta.lastModified "2011-05-13T04:42:34Z")'),
    ('meta.lastModified ge "2011-05-13T04:42:34Z"', '(ge meta.lastModified "2011-05-13T04:42:34Z")'),
    ('meta.lastModified lt "2011-05-13T04:42:34Z"', '(lt meta.lastModified "2011-05-13T04:42:34Z")'),
    ('meta.lastModified le "2011-05-13T04:42:34Z"', '(le meta.lastModified "2011-05-13T04:42:34Z")'),
    ('title pr and userType eq "Employee"', '(and (pr title) (eq userType "Employee"))'),
    ('title pr or userType eq "Intern"', '(or (pr title) (eq userType "Intern"))'),
    (f'schemas eq "{ENTERPRISE}"', f'(eq schemas "{ENTERPRISE}")'),
    (
        'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
        '(and (eq userType "Employee") (or (co emails "example.com") (co emails.value "example.org")))',
    ),
    (
        'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
        '(and (ne userType "Employee") (not (or (co emails "example.com") (co emails.value "example.org"))))',
    ),
    (
        'userType eq "Employee" and (emails.type eq "work")',
        '(and (eq userType "Employee") (eq emails.type "work"))',
    ),
    (
        'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
        '(and (eq userType "Employee") (any emails (and (eq type "work") (co value "@example.com"))))',
    ),
    (
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
        (
            '(or (any emails (and (eq type "work") (co value "@example.com")))'
            ' (any ims (and (eq type "xmpp") (co value "@foo.com"))))'
        ),
    ),
)

READ = (
    # operators, in any letter case
    *((f'a {op} "x"', f'({op} a "x")') for op in COMPARE_OPERATORS),
    ('a EQ "x" AND NOT (b PR) Or c Sw "y"', '(or (and (eq a "x") (not (pr b))) (sw c "y"))'),
    # precedence: grouping, not, and, or
    ("a pr or b pr and c pr", "(or (pr a) (and (pr b) (pr c)))"),
    ("a pr and b pr or c pr", "(or (and (pr a) (pr b)) (pr c))"),
    ("(a pr or b pr) and c pr", "(and (or (pr a) (pr b)) (pr c))"),
    ("not (a pr) and b pr", "(and (not (pr a)) (pr b))"),
    ("not (a pr or b pr) or c pr", "(or (not (or (pr a) (pr b))) (pr c))"),
    ("a pr and b pr and c pr", "(and (pr a) (pr b) (pr c))"),
    ("a pr or b pr or c pr", "(or (pr a) (pr b) (pr c))"),
    ("(a pr and b pr) and c pr", "(and (and (pr a) (pr b)) (pr c))"),
    ("((a pr))", "(pr a)"),
    ("not (not (a pr))", "(not (not (pr a)))"),
    # value paths
    ("a[b pr or c pr and d pr]", "(any a (or (pr b) (and (pr c) (pr d))))"),
    ("a[(b pr or c pr) and not (d pr)]", "(any a (and (or (pr b) (pr c)) (not (pr d))))"),
    ("not (a[not (b pr)])", "(not (any a (not (pr b))))"),
    ('members[$ref eq null and value eq "x"]', '(any members (and (eq $ref null) (eq value "x")))'),
    # names
    (f'{ENTERPRISE}:manager.value eq "x"', f'(eq {ENTERPRISE}:manager.value "x")'),
    (f'{ENTERPRISE}:manager.$ref eq "x"', f'(eq {ENTERPRISE}:manager.$ref "x")'),
    (f"{ENTERPRISE.upper()}:department pr", f"(pr {ENTERPRISE.upper()}:department)"),
    (f"{CORE}:emails[{CORE}:type pr]", f"(any {CORE}:emails (pr {CORE}:type))"),
    ("urn:example:hr:2.0:badge pr", "(pr urn:example:hr:2.0:badge)"),
    ("and pr and or pr or true eq true", "(or (and (pr and) (pr or)) (eq true true))"),
    ("notes pr and nothing pr", "(and (pr notes) (pr nothing))"),
    ("a-b_c9$.d-e pr", "(pr a-b_c9$.d-e)"),
    # literals
    ("a eq true", "(eq a true)"),
    ("a eq FALSE", "(eq a false)"),
    ("a eq Null", "(eq a null)"),
    ("a eq 0", "(eq a 0)"),
    ("a eq -12", "(eq a -12)"),
    ("a eq 1.5", "(eq a 1.5)"),
    ("a eq 1.0", "(eq a 1.0)"),
    ("a eq -2.5e-3", "(eq a -0.0025)"),
    ("a eq 1E3", "(eq a 1000.0)"),
    ("a eq 9223372036854775807", "(eq a 9223372036854775807)"),
    ("a eq -9223372036854775808", "(eq a -9223372036854775808)"),
    ('a eq ""', '(eq a "")'),
    # space
    (" \t a   eq\t1  ", "(eq a 1)"),
    ("not(a pr)", "(not (pr a))"),
    ("( a pr )", "(pr a)"),
    ("a[ b pr ]", "(any a (pr b))"),
)


@pytest.mark.parametrize(("text", "tree"), RFC_EXAMPLES)
def test_the_examples_of_the_rfc_are_read(text: str, tree: str) -> None:
    assert shape(parse_filter(text)) == tree


@pytest.mark.parametrize(("text", "tree"), READ)
def test_a_filter_is_read_as(text: str, tree: str) -> None:
    assert shape(parse_filter(text)) == tree


@pytest.mark.parametrize("text", [text for text, _ in (*RFC_EXAMPLES, *READ)])
def test_printing_and_reading_again_gives_the_same_tree(text: str) -> None:
    tree = parse_filter(text)
    assert shape(parse_filter(print_filter(tree))) == shape(tree)


def test_string_literals_have_the_escapes_of_json() -> None:
    f = parse_filter(r'a eq "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"')
    assert f == Compare(AttrPath(None, "a"), "eq", '"\\/\b\f\n\r\té😀é😀')


def test_a_name_is_split_at_the_last_colon_and_then_at_the_dot() -> None:
    assert parse_filter(f"{ENTERPRISE}:manager.value pr") == Present(AttrPath(ENTERPRISE, "manager", "value"))


def test_only_needed_parentheses_are_printed() -> None:
    text = 'a pr and (b pr or c pr) and not (d[e eq "x" or f pr]) or g ne null'
    assert print_filter(parse_filter(f"(({text}))")) == text


OPERATOR = "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)"
VALUE = "expected a value (a string in double quotes, a number, true, false or null)"

REFUSED = (
    ("", 1, "expected an attribute name, 'not' or '(', found the end of the filter"),
    ("   ", 4, "found the end of the filter"),
    ("userName", 9, f"{OPERATOR} after 'userName', found the end of the filter"),
    ("userName foo", 10, f"{OPERATOR} after 'userName', found 'foo'"),
    ("userName = 1", 10, f"{OPERATOR} after 'userName', found '='"),
    ('userName "x"', 10, f"{OPERATOR} after 'userName', found a string"),
    ("userName eq", 12, f"{VALUE} after 'eq', found the end of the filter"),
    ("userName eq bob", 13, f"{VALUE} after 'eq', found a word without quotes"),
    ("userName eq 'bob'", 13, f"{VALUE} after 'eq', found '''"),
    ('userName eq "bob', 13, "found a string that is not closed or not valid JSON"),
    ('userName eq "a\tb"', 13, "not valid JSON"),
    ('userName eq "a\x00b"', 13, "not valid JSON"),
    ('userName eq "a\ud800b"', 13, "not valid JSON"),
    (r'userName eq "\x41"', 13, "not valid JSON"),
    (r'userName eq "\u12"', 13, "not valid JSON"),
    (r'userName eq "\ud800"', 13, "half of a surrogate pair"),
    (r'userName eq "\u0000"', 13, "U+0000"),
    ("a eq 1e999", 6, "expected a number of at most 64 bits after 'eq', found a larger one"),
    ("a eq 9223372036854775808", 6, "at most 64 bits"),
    ("a eq " + "9" * 5000, 6, "at most 64 bits"),
    ("a eq 01", 7, "expected 'and', 'or' or the end after a number, found a number"),
    ("a eq +1", 6, VALUE),
    ("a eq .5", 6, VALUE),
    ("a eq 1.", 7, "expected 'and', 'or' or the end"),
    ("a eq NaN", 6, VALUE),
    ("a pr b pr", 6, "expected 'and', 'or' or the end after 'pr', found 'b'"),
    ("a pr)", 5, "expected 'and', 'or' or the end after 'pr', found ')'"),
    ("a pr and", 9, "expected an attribute name, 'not' or '(' after 'and'"),
    ("or a pr", 4, OPERATOR),
    ("(a pr", 6, "expected 'and', 'or' or ')' after 'pr', found the end of the filter"),
    ("()", 2, "expected an attribute name, 'not' or '(' after '(', found ')'"),
    ("not a pr", 5, "expected '(' after 'not', found 'a'"),
    ("a[b pr", 7, "expected 'and', 'or' or ']' after 'pr'"),
    ("a[]", 3, "expected an attribute name"),
    ("a[b[c pr]]", 4, "inside a[…] stand comparisons of its sub-attributes only"),
    ("a.b[c pr]", 4, "a sub-attribute such as 'b' has no values to filter"),
    ("a.b.c pr", 4, f"{OPERATOR} after 'a.b', found '.c'"),
    (
        'emails[type eq "work"].value eq "x"',
        23,
        "found '.value'; compare inside the brackets: emails[… and value eq …]",
    ),
    ("1a pr", 1, "found a number"),
    ("é pr", 1, "found 'é'"),
    ("\ud800 pr", 1, "found U+D800"),
    ("a\npr", 2, "found U+000A"),
    (f"urn:x:y:{'z' * 100} x", 110, f"after 'urn:x:y:{'z' * 32}…'"),
    ("foo:bar pr", 4, f"{OPERATOR} after 'foo', found ':'"),
)


@pytest.mark.parametrize(("text", "position", "fragment"), REFUSED)
def test_a_syntax_error_says_where_and_what(text: str, position: int, fragment: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(text)
    detail = caught.value.detail
    assert caught.value.scim_type == "invalidFilter"
    assert detail.startswith(f"filter: at character {position}: ")
    assert fragment in detail


def test_an_error_never_repeats_a_string_or_an_unquoted_value() -> None:
    for text in ('password eq "hunter2" x', "password eq hunter2", 'password eq "hunter2', '"hunter2" eq a'):
        with pytest.raises(InvalidFilter) as caught:
            parse_filter(text)
        assert "hunter2" not in caught.value.detail


def nested(opening: str, depth: int, closing: str) -> str:
    return opening * depth + "a pr" + closing * depth


def joined(count: int) -> str:
    return " or ".join(["a pr"] * count)


@pytest.mark.parametrize(
    ("fits", "beyond", "fragment"),
    (
        (nested("(", 30, ")"), nested("(", 31, ")"), "nested more than 30 deep"),
        (nested("not (", 30, ")"), nested("not (", 31, ")"), "nested more than 30 deep"),
        (f"a[{nested('(', 29, ')')}]", f"a[{nested('(', 30, ')')}]", "nested more than 30 deep"),
        (joined(200), joined(201), "more than 200 comparisons"),
        (f'a eq "{"x" * 8185}"', f'a eq "{"x" * 8186}"', "longer than 8192 characters"),
    ),
)
def test_a_limit_is_named_when_it_is_passed(fits: str, beyond: str, fragment: str) -> None:
    parse_filter(fits)
    with pytest.raises(InvalidFilter, match=fragment):
        parse_filter(beyond)


def test_groups_side_by_side_are_not_deep() -> None:
    parse_filter(" and ".join(["(a pr)"] * 100))


def test_the_limits_can_be_set() -> None:
    with pytest.raises(InvalidFilter, match="more than 1 comparisons"):
        parse_filter("a pr or b pr", Limits(comparisons=1))


@pytest.mark.parametrize("opening", ("(", "not (", "a[", "a[(", "not(not", "not "))
def test_hostile_nesting_is_an_ordinary_error(opening: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter((opening * LIMITS.length)[: LIMITS.length])


@pytest.mark.parametrize(
    "name",
    (
        "userName", "name.familyName", "a.b.c", "not", "NOT", "nota", "and", "a.", "$ref", "9", "a:b",
        "urn:x", f"{CORE}:userName", f"{ENTERPRISE}:manager.value", f"{ENTERPRISE}:manager.value.x",
        "urn:a:b.c:d.e.f", "urn:a:b:9", "urn:a:b::c", "urn:a:1.0", "urn:not:a", "urn:a:not",
    ),
)  # fmt: skip
@pytest.mark.parametrize(
    "rest",
    (
        ' eq "x"', '\t eq\t  "x"', ' eq "x" ', ' eq"x"', ' EQ "x"', ' eq ""', ' eq "a\\"b"', ' eq "a\tb"',
        ' eq "é\0"',        ' eq "x" and b pr', ' eq "x" ")"', ' eq "x', " eq x",
    ),
)  # fmt: skip
def test_the_commonest_filter_is_read_as_any_other(name: str, rest: str) -> None:
    def read(text: str) -> str:
        try:
            return repr(parse_filter(text))
        except InvalidFilter:
            return "refused"

    assert read(name + rest) == read(f"({name}{rest})")
