"""Filters and paths over generated trees and texts: printing and reading agree, no input does more
than a ScimError, and the laws of logic hold for the evaluator."""

import contextlib
import json
from typing import Any as AnyType

from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim.bind import bind, bind_all
from rosterd.scim.errors import InvalidFilter, InvalidPath
from rosterd.scim.filter import (
    COMPARE_OPERATORS,
    And,
    Any,
    AttrPath,
    Compare,
    Filter,
    Not,
    Or,
    Present,
    parse_filter,
    print_filter,
)
from rosterd.scim.match import folded_document, match
from rosterd.scim.path import Path, parse_attribute, parse_path, print_path
from rosterd.scim.schemas import CORE_MODEL

USER = CORE_MODEL.types["User"]
GROUP = CORE_MODEL.types["Group"]
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

names = st.from_regex(r"\$?[A-Za-z][A-Za-z0-9$_-]{0,8}", fullmatch=True).filter(lambda n: n.lower() != "not")
urns = st.from_regex(r"urn:[a-z0-9]{2,6}(:[A-Za-z0-9.()+,=@;$_!*'%/?#-]{1,8}){1,3}", fullmatch=True)
paths = st.builds(AttrPath, st.none() | urns, names, st.none() | names)
plain_paths = st.builds(AttrPath, st.none() | urns, names, st.none())
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
literals = (
    texts
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
)
expressions: st.SearchStrategy[Filter] = st.builds(
    Compare, paths, st.sampled_from(COMPARE_OPERATORS), literals
) | st.builds(Present, paths)


def joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, parts)


value_filters = st.recursive(expressions, joined, max_leaves=5)
filters = st.recursive(expressions | st.builds(Any, plain_paths, value_filters), joined, max_leaves=8)
patch_paths = st.builds(Path, paths) | st.builds(Path, plain_paths, value_filters, st.none() | names)


@given(filters)
def test_reading_what_was_printed_gives_the_same_filter(f: Filter) -> None:
    # repr tells 1, 1.0 and True apart, which == does not
    assert repr(parse_filter(print_filter(f))) == repr(f)


@given(patch_paths)
def test_reading_what_was_printed_gives_the_same_path(path: Path) -> None:
    assert repr(parse_path(print_path(path))) == repr(path)


@given(paths)
def test_reading_what_was_printed_gives_the_same_attribute(path: AttrPath) -> None:
    assert parse_attribute(str(path)) == path


def read_all(text: str) -> None:
    """Read and bind the text as whatever it may be; only the errors of the protocol may come out."""
    try:
        f = parse_filter(text)
        bind_all(f, (USER, GROUP))
        bind(f, USER)
    except InvalidFilter as error:
        json.dumps(error.to_json(), ensure_ascii=False).encode()
    for parse in (parse_path, parse_attribute):
        try:
            parse(text)
        except (InvalidPath, InvalidFilter) as error:
            json.dumps(error.to_json(), ensure_ascii=False).encode()


@given(st.text(st.characters(), max_size=60))
def test_arbitrary_text_is_read_or_refused(text: str) -> None:
    read_all(text)


WORDS = (
    *COMPARE_OPERATORS,
    *(
        "pr",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        ".",
        ":",
        "true",
        "null",
        "1",
        "-",
        "1e999",
        '"',
        "\\",
        '"x"',
    ),
    *(
        "userName",
        "emails",
        "name",
        "value",
        "$ref",
        "meta.created",
        "password",
        "members",
        "urn:x:y",
        ENTERPRISE,
    ),
    *(" ", "\t", "\n", "\0", "é", "\ud800", "%", "'"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=25), st.sampled_from(("", " ")))
def test_the_words_of_the_grammar_in_any_order_are_read_or_refused(words: list[str], space: str) -> None:
    read_all(space.join(words))


@given(filters.map(print_filter) | patch_paths.map(print_path), st.data())
def test_a_damaged_filter_or_path_is_read_or_refused(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))
    read_all(text[:start] + data.draw(st.sampled_from(WORDS) | st.just("")) + text[end:])


# From here on: filters that bind, and documents of few values so that matches are common.
LETTERS = st.sampled_from(("", "a", "B", "ab", "%", "ß"))
DATES = st.sampled_from(("2026-11-24T15:22:47Z", "2026-11-24T15:22:47.001Z", "2025-01-01T00:00:00+02:00"))
EMAILS = st.lists(
    st.fixed_dictionaries({}, optional={"value": LETTERS, "type": LETTERS, "primary": st.booleans()}),
    min_size=1,
    max_size=3,
)
DOCUMENTS = st.fixed_dictionaries(
    {"id": LETTERS.filter(bool)},
    optional={
        "userName": LETTERS,
        "externalId": LETTERS,
        "title": LETTERS,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"familyName": LETTERS, "givenName": LETTERS}),
        "emails": EMAILS,
        "meta": st.fixed_dictionaries({"created": DATES, "lastModified": DATES}),
        ENTERPRISE: st.fixed_dictionaries({}, optional={"department": LETTERS}),
    },
)


def comparisons(attributes: tuple[str, ...], booleans: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Comparisons that bind, as text."""
    strings = st.sampled_from(attributes)
    return st.one_of(
        st.builds("{} {} {}".format, strings, st.sampled_from(COMPARE_OPERATORS), LETTERS.map(json.dumps)),
        st.builds(
            "{} {} {}".format,
            st.sampled_from(booleans),
            st.sampled_from(("eq", "ne")),
            st.sampled_from(("true", "false")),
        ),
        st.builds("{} {} null".format, st.sampled_from(attributes + booleans), st.sampled_from(("eq", "ne"))),
        st.builds("{} pr".format, st.sampled_from(attributes + booleans)),
    )


def grouped(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({} and {})".format, parts, parts)
        | st.builds("({} or {})".format, parts, parts)
        | st.builds("not ({})".format, parts)
    )


of_an_email = st.recursive(comparisons(("value", "type"), ("primary",)), grouped, max_leaves=3)
dates = st.builds(
    "meta.{} {} {}".format,
    st.sampled_from(("created", "lastModified")),
    st.sampled_from(("eq", "ne", "gt", "ge", "lt", "le")),
    DATES.map(json.dumps),
)
of_a_user = st.recursive(
    comparisons(
        (
            "userName",
            "externalId",
            "title",
            "name.familyName",
            "emails",
            "emails.type",
            f"{ENTERPRISE}:department",
        ),
        ("active", "emails.primary"),
    )
    | dates
    | of_an_email.map("emails[{}]".format),
    grouped,
    max_leaves=5,
)


def holds(text: str, document: dict[str, AnyType]) -> bool:
    return match(bind(parse_filter(text), USER), folded_document(document, USER))


@given(of_a_user, DOCUMENTS)
def test_a_filter_or_its_negation_holds(f: str, document: dict[str, AnyType]) -> None:
    assert holds(f"not ({f})", document) is not holds(f, document)
    assert holds(f"not (not ({f}))", document) is holds(f, document)


@given(of_a_user, of_a_user, DOCUMENTS)
def test_and_and_or_are_those_of_de_morgan(f: str, g: str, document: dict[str, AnyType]) -> None:
    assert holds(f"({f}) and ({g})", document) is (holds(f, document) and holds(g, document))
    assert holds(f"({f}) or ({g})", document) is (holds(f, document) or holds(g, document))
    assert holds(f"not (({f}) and ({g}))", document) is holds(f"not ({f}) or not ({g})", document)
    assert holds(f"not (({f}) or ({g}))", document) is holds(f"not ({f}) and not ({g})", document)


@given(of_a_user, of_a_user, of_a_user, DOCUMENTS)
def test_and_binds_closer_than_or(f: str, g: str, h: str, document: dict[str, AnyType]) -> None:
    assert holds(f"({f}) or ({g}) and ({h})", document) is holds(f"({f}) or (({g}) and ({h}))", document)
    assert holds(f"({f}) and ({g}) or ({h})", document) is holds(f"(({f}) and ({g})) or ({h})", document)


@given(of_an_email, DOCUMENTS)
def test_a_value_path_holds_if_one_value_alone_fulfils_it(f: str, document: dict[str, AnyType]) -> None:
    each = [holds(f"emails[{f}]", {**document, "emails": [email]}) for email in document.get("emails", [])]
    assert holds(f"emails[{f}]", document) is any(each)


@given(of_a_user, DOCUMENTS)
def test_leaving_unknown_attributes_be_changes_nothing_for_known_ones(
    f: str, document: dict[str, AnyType]
) -> None:
    tree = parse_filter(f)
    assert bind(tree, USER, missing_ok=True) == bind(tree, USER)
    both = parse_filter(f"({f}) or foo pr")
    assert match(bind(both, USER, missing_ok=True), folded_document(document, USER)) is holds(f, document)


@given(st.sampled_from(("userName", "title", "name.familyName")), LETTERS, DOCUMENTS)
def test_the_orders_agree_with_equality(name: str, literal: str, document: dict[str, AnyType]) -> None:
    def test(op: str) -> bool:
        return holds(f"{name} {op} {json.dumps(literal)}", document)

    assert test("ge") is (test("gt") or test("eq"))
    assert test("le") is (test("lt") or test("eq"))
    assert test("ne") is not test("eq")
    assert not (test("gt") and test("lt"))
    assert test("eq") <= (test("sw") and test("ew"))
    assert (test("sw") or test("ew")) <= test("co")


@given(filters)
def test_any_filter_binds_or_is_refused(f: Filter) -> None:
    for missing_ok in (False, True):
        with contextlib.suppress(InvalidFilter):
            bind(f, USER, missing_ok=missing_ok)
