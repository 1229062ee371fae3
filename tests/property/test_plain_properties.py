"""What is passed by quickly, because it is as most are, is what would not have been changed anyway."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rosterd.scim import urns
from rosterd.scim.check import Rule, checker_for
from rosterd.scim.fit import Misfit
from rosterd.scim.folding import MOST, folder
from rosterd.scim.index import former, index, scalars, unique_attributes
from rosterd.scim.profiles import REWRITES
from rosterd.scim.profiles.patches import in_order
from rosterd.scim.profiles.rewrites import Chain
from rosterd.scim.schema import Attribute, Extension, Schema
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.changes import difference

TYPES = list(CORE_MODEL.types.values())
KEYS = st.sampled_from(
    (
        "schemas", "userName", "USERNAME", "active", "name", "familyName", "emails", "primary", "type",
        "value", "members", "displayName", "externalId", "id", "groups", "meta", "password", "manager",
        "employeeNumber", "x509Certificates", urns.USER, urns.ENTERPRISE_USER, "emails.value",
        f"{urns.ENTERPRISE_USER}:manager", "unknown", "urn:example:unknown", "urn:scim:schemas:core:1.0",
    )
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(("", "a", "Ä", "a\0", "True", "AAAA"))
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


def checked(rule: Rule, value: Any) -> Any:
    try:
        return rule.check(value)
    except Misfit:
        return Misfit


@given(st.sampled_from(TYPES), LEAVES)
def test_what_a_rule_calls_plain_passes_its_check_as_it_is(t: Any, value: Any) -> None:
    tables = [checker_for(t).table]
    for table in tables:
        tables += [rule.table for rule in table.rules.values() if rule.table]
        for rule in table.rules.values():
            if value.__class__ is rule.plain and value != "a\0":
                assert checked(rule, value) is value


OLD = "urn:scim:schemas:extension:enterprise:1.0"
DATED = replace(TYPES[0], extensions=(Extension(Schema(OLD, "Old", "", (Attribute("level"),))),))
PATHS = st.sampled_from(
    ("", "name.familyName", 'emails[type eq "work"].value', 'emails[type eq "work"]', f"{OLD}:level", OLD,
     f"{urns.USER}:title", f"{urns.ENTERPRISE_USER}:manager.value", "urn:scim:schemas:core:1.0:title", "[")
)  # fmt: skip


@given(
    st.sampled_from((*TYPES, DATED)),
    st.fixed_dictionaries(
        {"op": st.sampled_from(("add", "Replace", "remove", 5))},
        optional={"path": PATHS | KEYS | JSON, "value": JSON, "Value": JSON, "more": JSON},
    ),
)
@example(DATED, {"op": "add", "path": f"{OLD}:level", "value": "a"})
@example(TYPES[0], {"op": "Replace", "path": "title", "value": None})
def test_no_rewrite_before_the_walk_has_anything_to_do_with_an_operation_in_order(
    t: Any, operation: Any
) -> None:
    chain = Chain.of(REWRITES, "patch")
    if in_order(t, operation):
        for _, function in chain.before:
            assert function(t, operation) is operation
    if "path" not in operation:
        for _, function in chain.after:
            assert function(t, operation) is operation


@pytest.mark.parametrize(
    "path", ["name.familyName", 'emails[type eq "work"].value', f"{urns.ENTERPRISE_USER}:department", "title"]
)
def test_what_entra_changes_is_in_order(path: str) -> None:
    assert in_order(TYPES[0], {"op": "Replace", "path": path, "value": "a"})
    assert in_order(TYPES[0], {"op": "Remove", "path": path})


@given(st.sampled_from(TYPES), st.dictionaries(KEYS, JSON, max_size=6))
def test_what_is_indexed_is_every_value_of_the_folded_document(t: Any, document: Any) -> None:
    found = index(document, t)
    expected = [(str(ref), str(v)) for ref in unique_attributes(t) for v in scalars(found.search, ref)]
    assert sorted(found.unique) == sorted(expected)


VALUES = st.none() | st.sampled_from(("a", "A", "b", 2, {"value": "A"}, [{"value": "a"}, {}], {"x": 1}))
NAMES = ("userName", "displayName", "name", "emails", "active")
OTHERS = {
    "level": st.none() | st.sampled_from(("a", "A")),
    urns.ENTERPRISE_USER: st.none() | st.sampled_from(({"department": "A"}, {"department": "A", "x": "b"})),
}
DOCUMENT = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES) | OTHERS).map(
    lambda members: {name: value for name, value in members.items() if value is not None}
)
LEVELS = [
    Attribute("level", kind, case_exact=kind == "reference", uniqueness="server")
    for kind in ("string", "reference", "decimal")
]


@given(st.sampled_from(LEVELS), DOCUMENT, DOCUMENT, st.booleans())
def test_what_was_indexed_before_is_told_by_what_differs(
    level: Attribute, before: Any, after: Any, equal: bool
) -> None:
    if level.type == "decimal" and equal:
        before, after = before | {"level": 1}, after | {"level": 1.0}
    user = CORE_MODEL.types["User"]
    t = replace(user, schema=replace(user.schema, attributes=(*user.schema.attributes, level)))
    delta = difference(before, after)
    found = former(before, t, index(after, t), {*delta["before"], *delta["after"]})
    assert found == index(before, t)


def test_an_object_is_folded_in_the_order_of_its_members_whatever_orders_came_before() -> None:
    names = [str(n) for n in range(2 * MOST)]
    fold = folder("complex", False, [(name, str.casefold, str.casefold) for name in names])
    for last in names:
        assert list(fold({last: "A", "unknown": "B", "0": "C"}).items()) == sorted(
            {last: "a", "0": "c"}.items()
        )
