"""Mapping rules: what they make of an account, what they refuse, and that nothing in them runs wild."""

from typing import Any

import pytest

from rosterd.scim import errors, urns
from rosterd.service.mapping import MAX_TEXT, Mapper, Rules, difference
from rosterd.wiring.expressions import Cel

USER = {
    "schemas": [urns.USER],
    "userName": "Ann@x.example",
    "name": {"givenName": "Ann", "familyName": "Émber"},
    "emails": [
        {"value": "home@x.example"},
        {"value": "ann@x.example", "type": "work", "primary": True},
    ],
    "active": True,
    urns.ENTERPRISE_USER: {"department": "R&D", "employeeNumber": "007"},
}
GROUPS = (("g1", "Admins"), ("g2", None), ("g3", "Ops: Berlin"))


def field(expression: str) -> Any:
    rules = Rules((("x", expression),))
    mapper = Mapper(rules, Cel())
    mapper.check_names()
    value, faults = mapper.map("id-1", "ext-1", USER, GROUPS)
    assert faults == (), faults
    return value["fields"].get("x")


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("user.userName", "Ann@x.example"),
        ("user.userName.lower()", "ann@x.example"),
        ("upper(user.name.familyName)", "ÉMBER"),
        ("user.name.givenName + ' ' + user.name.familyName", "Ann Émber"),
        ("user.emails.filter(e, e.primary)[0].value", "ann@x.example"),
        ("user.emails.map(e, e.value).first()", "home@x.example"),
        ("user.emails.filter(e, e.type == 'work').map(e, e.value)", ["ann@x.example"]),
        ("user.emails.map(e, e.type).join(',')", ",work"),
        ("user.userName.split('@')[1]", "x.example"),
        ("' x '.trim()", "x"),
        ("user.userName.replace('@', '_at_')", "Ann_at_x.example"),
        ("enterprise.department", "R&D"),
        (f'user["{urns.ENTERPRISE_USER}"].employeeNumber', "007"),
        ("has(user.title) ? user.title : 'none'", "none"),
        ("groups.exists(g, g.startsWith('Ops: ')) ? 'ops' : 'dev'", "ops"),
        ("groups.filter(g, g.startsWith('Ops: ')).map(g, g.replace('Ops: ', ''))", ["Berlin"]),
        ("size(group_ids)", 3),
        ("id + '/' + external_id", "id-1/ext-1"),
        ("active", True),
        ("type(user.userName) == string", True),
        ("groups.exists(g, group_ids.exists_one(i, i == 'g1' && g == 'Admins'))", True),
        ("{'a': [1, 2.5, null]}", {"a": [1, 2.5, None]}),
        ("duration('90s')", 90.0),
        # What is not there gives no value, and is no fault.
        ("user.title", None),
        ("user.name.nothing.more", None),
        ("user.emails[7].value", None),
        ("[].first()", None),
        ("null", None),
    ],
)
def test_a_field_is_what_its_expression_gives(expression: str, value: Any) -> None:
    assert field(expression) == value


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("1 + 'a'", "overload"),
        ("1 / 0", "division"),
        ("1.0 / 0.0", "JSON"),
        ("b'x'", "JSON"),
        ("nobody", "nobody"),
        ("lower(1)", "lower"),
        ("user.userName.matches('(')", "regex"),
        ("'a'.replace('a', 'aaaaaaaaaa')" + ".replace('a', 'aaaaaaaaaa')" * 5, str(MAX_TEXT)),
    ],
)
def test_what_cannot_be_evaluated_is_a_fault_and_no_value(expression: str, word: str) -> None:
    value, faults = Mapper(Rules((("x", expression),)), Cel()).map("i", None, USER, GROUPS)
    assert value == {"fields": {}, "roles": []}
    assert [fault.rule for fault in faults] == ["x"]
    assert word in faults[0].message


@pytest.mark.parametrize("expression", ["user.title.replace('', user.title)", "join([user.title, 'a'], 'b')"])
def test_a_text_that_would_be_too_long_is_not_even_made(expression: str) -> None:
    """The first one would have 10¹⁴ characters."""
    rules = Rules((("x", expression),))
    _, faults = Mapper(rules, Cel()).map("i", None, {**USER, "title": "x" * 10_000_000}, GROUPS)
    assert str(MAX_TEXT) in faults[0].message


def test_a_role_has_any_of_its_conditions_and_only_truth_counts() -> None:
    rules = Rules(
        roles=(
            ("admin", "'Nobody' in groups"),
            ("admin", "'Admins' in groups"),
            ("odd", "1"),
            ("gone", "user.title == 'x'"),
            ("all", "true"),
        )
    )
    value, faults = Mapper(rules, Cel()).map("i", None, USER, GROUPS)
    assert value["roles"] == ["admin", "all"]
    assert [fault.rule for fault in faults] == ["odd"]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"fields": [{"name": "a b", "value": "1"}]}, "a b"),
        ({"fields": [{"name": "", "value": "1"}]}, "name"),
        ({"fields": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "two rules"),
        ({"fields": [{"name": "a", "value": "1 +"}]}, "'a'"),
        ({"fields": [{"name": "a", "value": "("}]}, "'a'"),
        ({"fields": [{"name": "a", "value": "(" * 1000 + ")" * 1000}]}, "'a'"),
        ({"fields": [{"name": "a", "value": "'" + "x" * 2000 + "'"}]}, "2000"),
        ({"roles": [{"role": "r", "when": "[1]" + ".map(x, [x, x])" * 4 + ".exists(x, true)"}]}, "at most 3"),
        ({"fields": [{"name": f"f{n}", "value": "1"} for n in range(201)]}, "200"),
    ],
)
def test_rules_that_are_not_valid_are_refused_by_name(data: dict[str, Any], word: str) -> None:
    with pytest.raises(errors.InvalidValue, match=word):
        Mapper(Rules.of(data), Cel())


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("usr.active", "usr"),
        ("active && group.exists(g, g == 'x')", "group"),
        ("has(usr.title)", "usr"),
        ("groups.exists(g, g == other)", "other"),
    ],
)
def test_a_name_that_no_account_has_is_refused(expression: str, name: str) -> None:
    with pytest.raises(
        errors.InvalidValue, match=f"role 'admin': there is no variable '{name}'; there is: user, "
    ):
        Mapper(Rules(roles=(("admin", expression),)), Cel()).check_names()


def test_rules_are_the_same_after_json() -> None:
    rules = Rules((("a", "1"),), (("r", "true"), ("r", "false")))
    assert Rules.of(rules.to_json()) == rules


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (({"a": 1}, ["r"]), ({"a": 1}, ["r"]), None),
        (({"a": 1}, []), ({"a": 2}, []), {"before": {"a": 1}, "after": {"a": 2}}),
        (({"a": 1}, ["r"]), ({}, []), {"before": {"a": 1, "roles": ["r"]}, "after": {"roles": []}}),
        (({}, []), ({"b": [1]}, []), {"before": {}, "after": {"b": [1]}}),
    ],
)
def test_a_difference_tells_what_differs(before: Any, after: Any, told: Any) -> None:
    old, new = ({"fields": f, "roles": r} for f, r in (before, after))
    assert difference(old, new) == told


@pytest.mark.parametrize(
    ("expression", "count", "fits"),
    [
        ("'Admins' in groups", 100_000, True),
        ("groups.exists(g, g == 'x')", 900, True),
        ("groups.exists(g, g == 'x')", 1500, False),
        ("(groups + groups).exists(g, g == 'x')", 800, False),
        ("groups.exists(g, groups.exists(h, g == ')))' + h))", 200, False),
        ("groups.exists(g, g == 'x') || groups.exists(h, h == 'y')", 900, True),
        ("groups.all(a, groups.all(b, groups.all(c, c != 'x')))", 60, False),
        (r"groups.all(a, a != '\\' && groups.all(b, b != 'x'))", 200, False),
        ("'a,b'.split(',').all(a, groups.all(b, b != a))", 50, True),
    ],
)
def test_a_rule_that_would_go_on_for_too_long_is_a_fault(expression: str, count: int, fits: bool) -> None:
    groups = [(str(n), f"g{n}") for n in range(count)]
    _, faults = Mapper(Rules((), (("x", expression),)), Cel()).map("i", None, USER, groups)
    assert (not faults) == fits, faults
