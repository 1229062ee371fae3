"""A resource that is read as plain would have come to the same by the rewrites and the checker."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rosterd.scim import amount, check, urns
from rosterd.scim.errors import ScimError
from rosterd.scim.plain import plain_for
from rosterd.scim.profiles import PROFILES, rewrite
from rosterd.scim.requirements import read, tighten
from rosterd.scim.schema import Attribute, Extension, ResourceType, Schema
from rosterd.scim.schemas import CORE_MODEL

USER, GROUP = CORE_MODEL.types["User"], CORE_MODEL.types["Group"]
RULES = {
    "required": ["emails.primary", "title"],
    "canonicalValues": {"emails.type": ["work"], "title": ["a", "Boss"]},
}
OLD = "urn:scim:schemas:extension:enterprise:1.0"
PARTS = (
    Attribute("value", "decimal"),
    Attribute("type", returned="never"),
    Attribute("display", mutability="readOnly"),
    Attribute("primary", "boolean", mutability="immutable"),
)
MORE = (
    Attribute("level", "integer"),
    Attribute("marks", multi_valued=True),
    Attribute("lines", "complex", multi_valued=True, returned="never", sub_attributes=PARTS),
    Attribute("rank", "complex", mutability="immutable", sub_attributes=PARTS),
    Attribute("code", "complex", multi_valued=True, sub_attributes=PARTS),
)


def _with(*more: Attribute, extensions: Sequence[Extension] = ()) -> ResourceType:
    schema = replace(USER.schema, attributes=(*USER.schema.attributes, *more))
    return replace(USER, schema=schema, extensions=(*USER.extensions, *extensions))


TYPES = [
    USER,
    GROUP,
    tighten(CORE_MODEL, read({"User": RULES}, CORE_MODEL), "acme").types["User"],
    _with(*MORE, extensions=(Extension(Schema(OLD, "Old", "", MORE), required=True),)),
    _with(Attribute("pin", required=True, returned="never")),
    _with(Attribute("schemas")),
    replace(USER, schema=replace(USER.schema, id="urn:scim:schemas:core:1.0:Person")),
]
TEXTS = st.sampled_from(("a", "Ä", "work"))
STRAY: st.SearchStrategy[Any] = st.sampled_from(
    ("", "a\0", "True", None, True, 2, [], {}, ["a"], [{}], [None], {"value": "a"}, {"x": 1})
)
PART = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("value", "type"), TEXTS),
        **dict.fromkeys(("givenName", "display", "VALUE", "x"), STRAY),
        "primary": st.booleans() | STRAY,
    },
)
VALUE = st.fixed_dictionaries({}, optional={"value": TEXTS, "type": TEXTS, "primary": st.booleans()})
NAME = st.fixed_dictionaries({}, optional=dict.fromkeys(("givenName", "familyName"), TEXTS))
EXTENSION = st.fixed_dictionaries(
    {},
    optional={
        "department": TEXTS,
        "manager": st.fixed_dictionaries({}, optional={"value": TEXTS}),
        "level": st.just(1),
        "code": st.lists(VALUE, max_size=1),
    },
)
FITTING = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("userName", "displayName", "title", "externalId"), TEXTS),
        **dict.fromkeys(("emails", "roles", "groups", "members", "code"), st.lists(VALUE, max_size=2)),
        **dict.fromkeys((urns.ENTERPRISE_USER, OLD), EXTENSION),
        "name": NAME,
        "active": st.booleans(),
        "meta": STRAY,
    },
)
NAMES = st.sampled_from(
    ("userName", "username", "password", "pin", "name", "emails", "groups", "members", "lines", "rank",
     "code", "active", "level", "marks", "id", "unknown", urns.ENTERPRISE_USER, OLD),
)  # fmt: skip
WILD = st.dictionaries(NAMES, STRAY | PART | st.lists(PART, max_size=2), max_size=1)
FEW = st.builds(lambda fitting, wild: {**fitting, **wild}, FITTING, st.just({}) | WILD)
SCHEMAS = st.sampled_from((USER, USER, USER, GROUP)).flatmap(
    lambda t: st.lists(
        st.sampled_from((urns.ENTERPRISE_USER, urns.ENTERPRISE_USER, OLD, "x", t.schema.id)), max_size=1
    ).map(lambda more: [t.schema.id, *more])
)
CURRENT = {"schemas": [USER.schema.id], "userName": "a", "rank": {"value": 1, "primary": True}, "level": 2}


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return list(work().items())
    except ScimError as error:
        return type(error), str(error)


@pytest.mark.parametrize("t", TYPES)
@given(body=FEW, schemas=SCHEMAS | st.sampled_from((None, [], "a", [USER.schema.id, {}])))
@example(body={"userName": "a", "emails": [{"value": "a", "primary": True}]}, schemas=[USER.schema.id])
@example(body={"userName": "a", "password": "b", "title": None, "name": None}, schemas=[USER.schema.id])
@example(body={"userName": "a"}, schemas=[urns.ENTERPRISE_USER])
def test_what_is_plain_comes_to_the_same_by_the_long_way(t: ResourceType, body: Any, schemas: Any) -> None:
    body = body if schemas is None else {"schemas": schemas, **body}
    before = deepcopy(body)
    plain, checker = plain_for(t).read(body), check.checker_for(t)
    assert body == before
    if plain is not None:
        for profile in PROFILES:
            assert rewrite(profile, "create", t, body) == (body, ())
        made, replaced = dict(plain), dict(plain)
        assert _outcome(lambda: checker.complete(made)) == _outcome(lambda: check.create(body, t))
        assert _outcome(lambda: checker.replaced(replaced, CURRENT)) == _outcome(
            lambda: check.replace(body, t, CURRENT)
        )
        assert body == before


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "a", "name": {"givenName": "b"}, "active": True, "groups": [], "roles": []},
        {
            "userName": "a",
            "password": "b",
            "title": None,
            "meta": {"resourceType": "User"},
            "emails": [{"value": "a", "primary": True}],
        },
        {"userName": "a", urns.ENTERPRISE_USER: {"department": "b", "manager": {"value": "c"}}},
    ],
)
def test_what_okta_and_entra_post_is_plain(body: dict[str, Any]) -> None:
    listed = [USER.schema.id, *(urn for urn in body if urn == urns.ENTERPRISE_USER)]
    assert plain_for(USER).read({"schemas": listed, **body}) is not None


@pytest.mark.parametrize(
    ("t", "name", "is_plain"), [(USER, "emails", False), (USER, "groups", True), (GROUP, "members", True)]
)
def test_a_list_that_is_too_long_is_not_plain_where_its_length_is_bounded(
    t: ResourceType, name: str, is_plain: bool
) -> None:
    body = {"schemas": [t.schema.id], name: [{"value": str(n)} for n in range(amount.MOST_VALUES + 1)]}
    assert (plain_for(t).read(body) is not None) is is_plain is (amount.long_list(body, t) is None)
