"""Profiles on any JSON: no crash, no change of the input, and good documents are left alone."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim import urns
from rosterd.scim.profiles import PROFILES, Kind, rewrite
from rosterd.scim.schemas import CORE_MODEL

TYPES = list(CORE_MODEL.types.values())
KEYS = st.sampled_from(
    (
        "schemas", "Schemas", "Operations", "op", "Path", "value", "userName", "active", "name", "familyName",
        "name.familyName", "emails", "emails[type eq \"work\"].value", "primary", "Primary", "type",
        "members", "displayName", "display", "externalId", "groups", "meta", "manager", urns.ENTERPRISE_USER,
        f"{urns.ENTERPRISE_USER}:manager", "urn:scim:schemas:extension:enterprise:1.0", "urn:example:unknown",
    )
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | KEYS
    | st.sampled_from(
        ("", "True", "add", "Replace", "remove", urns.USER, urns.PATCH_OP, "emails[type eq", "a.b:c[d")
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(("add", "Replace", "remove", 5))},
    optional={"path": KEYS | st.just(""), "value": JSON},
)
PATCH = st.fixed_dictionaries(
    {"Operations": st.lists(OPERATION | JSON, max_size=3)}, optional={"schemas": JSON}
)
KINDS: tuple[Kind, ...] = ("create", "replace", "patch")


@given(st.sampled_from(sorted(PROFILES)), st.sampled_from(KINDS), st.sampled_from(TYPES), JSON | PATCH)
def test_any_json(profile: str, kind: Kind, t: Any, body: Any) -> None:
    before = copy.deepcopy(body)
    result, names = rewrite(profile, kind, t, body)
    assert body == before
    assert (result is body) == (names == ())


WORDS = st.text(min_size=1, max_size=5)
GOOD_USER = st.fixed_dictionaries(
    {"schemas": st.just([urns.USER]), "userName": WORDS},
    optional={
        "active": st.booleans(),
        "name": st.dictionaries(st.sampled_from(("givenName", "familyName")), WORDS),
        "emails": st.lists(st.fixed_dictionaries({"value": WORDS}, optional={"type": WORDS}), max_size=3),
        "externalId": WORDS,
        urns.ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"manager": st.just({"value": "m"})}),
    },
)


@given(st.sampled_from(sorted(PROFILES)), st.sampled_from(("create", "replace")), GOOD_USER)
def test_a_good_document_is_left_alone(profile: str, kind: Kind, body: Any) -> None:
    result, names = rewrite(profile, kind, CORE_MODEL.types["User"], body)
    assert result is body
    assert names == ()
