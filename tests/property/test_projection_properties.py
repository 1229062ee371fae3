"""Projections of generated types: nothing is lost, nothing leaks, nothing is invented."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rosterd.scim.render import Projection
from rosterd.scim.schema import Model, ResourceType

NAMES = ("alpha", "Beta", "gammaRay", "delta")
EXTENSION = "urn:example:ext:2.0:Thing"
RETURNED = st.sampled_from(("always", "default", "request", "never"))
CHOOSABLE = ("id", "externalId", "meta", "meta.version", "schemas", EXTENSION, "urn:example:Thing", "nothing")
COMMON = {
    "schemas": ["urn:example:Thing"],
    "id": "1",
    "externalId": "e",
    "meta": {"resourceType": "Thing", "version": 'W/"1"'},
}


@st.composite
def attributes(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
        attribute: dict[str, Any] = {
            "name": name,
            "returned": draw(RETURNED),
            "multiValued": draw(st.booleans()),
        }
        if draw(st.booleans()):
            attribute["type"] = "complex"
            subs = draw(st.sets(st.sampled_from(NAMES), min_size=1))
            attribute["subAttributes"] = [{"name": sub, "returned": draw(RETURNED)} for sub in sorted(subs)]
        found.append(attribute)
    return sorted(found, key=lambda a: str(a["name"]))


@st.composite
def resource_types(draw: st.DrawFn) -> ResourceType:
    schemas = [
        {"id": urn, "name": "Thing", "attributes": draw(attributes())}
        for urn in ("urn:example:Thing", EXTENSION)
    ]
    definition = {
        "name": "Thing",
        "endpoint": "/Things",
        "schema": "urn:example:Thing",
        "schemaExtensions": [{"schema": EXTENSION, "required": False}],
    }
    return Model.build(schemas, [definition]).types["Thing"]


def full_document(t: ResourceType) -> dict[str, Any]:
    """A document with a value, or two, for everything; also for what is never returned."""

    def values(attributes: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for attribute in attributes:
            one = values(attribute.sub_attributes) if attribute.sub_attributes else "x"
            found[attribute.name] = [one, one] if attribute.multi_valued else one
        return found

    return {**COMMON, **values(t.schema.attributes), EXTENSION: values(t.extensions[0].schema.attributes)}


def leaves(document: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in document.items():
        for item in value if isinstance(value, list) else [value]:
            found |= leaves(item, (*prefix, key)) if isinstance(item, dict) else {(*prefix, key)}
    return found


def notations(t: ResourceType) -> list[str]:
    found = list(CHOOSABLE)
    for ref in t.references():
        if ref.attribute and ref.attribute.name != "schemas":
            found.append(str(ref))
            found += [f"{ref}.{sub.name}".upper() for sub in ref.attribute.sub_attributes]
    return found


def marked(t: ResourceType, returned: str) -> set[tuple[str, ...]]:
    """The paths of attributes and sub-attributes of this ``returned``, as beginnings of leaves."""
    found = set()
    for ref in t.references():
        if ref.attribute:
            found |= {ref.keys} if ref.attribute.returned == returned else set()
            found |= {(*ref.keys, s.name) for s in ref.attribute.sub_attributes if s.returned == returned}
    return found


def under(leaf: tuple[str, ...], places: set[tuple[str, ...]]) -> bool:
    return any(leaf[: len(place)] == place for place in places)


CASES = resource_types().flatmap(
    lambda t: st.tuples(st.just(t), st.lists(st.sampled_from(notations(t)), min_size=1, max_size=4))
)


@given(CASES)
def test_attributes_and_excluded_attributes_share_out_the_default_view(
    case: tuple[ResourceType, list[str]],
) -> None:
    t, names = case
    document = full_document(t)
    default = leaves(Projection.parse().for_type(t).apply(document))
    chosen = leaves(Projection.parse(names).for_type(t).apply(document))
    left = leaves(Projection.parse(None, names).for_type(t).apply(document))
    assert left <= default
    assert default <= chosen | left
    always = marked(t, "always")
    both = {leaf for leaf in chosen & left if not under(leaf, always)}
    assert both == set(), "what is both included and not excluded is there always"


@given(CASES, st.booleans())
def test_never_is_never_and_always_is_always(case: tuple[ResourceType, list[str]], exclude: bool) -> None:
    t, names = case
    projection = Projection.parse(None, names) if exclude else Projection.parse(names)
    result = leaves(projection.for_type(t).apply(full_document(t)))
    never = marked(t, "never")
    assert not any(under(leaf, never) for leaf in result)
    assert {("id",), ("schemas",)} <= result
    for ref in t.references():
        attribute = ref.attribute
        if attribute and attribute.returned == "always" and not attribute.sub_attributes:
            assert ref.keys in result


@given(CASES)
def test_what_is_there_on_request_only_is_not_there_by_default(case: tuple[ResourceType, list[str]]) -> None:
    t, names = case
    request = marked(t, "request")
    for projection in (Projection.parse(), Projection.parse(None, names)):
        result = leaves(projection.for_type(t).apply(full_document(t)))
        assert not any(under(leaf, request) for leaf in result)


@given(CASES, st.booleans())
def test_identity_means_that_nothing_is_left_out(case: tuple[ResourceType, list[str]], exclude: bool) -> None:
    t, names = case
    projection = (Projection.parse(None, names) if exclude else Projection.parse(names)).for_type(t)
    never = marked(t, "never")
    storable = {leaf for leaf in leaves(full_document(t)) if not under(leaf, never)}
    result = leaves(projection.apply(full_document(t)))
    assert result <= storable
    assert projection.identity == (result == storable)


@given(CASES)
def test_projecting_twice_is_projecting_once_and_changes_nothing(
    case: tuple[ResourceType, list[str]],
) -> None:
    t, names = case
    document = full_document(t)
    projection = Projection.parse(names).for_type(t)
    once = projection.apply(document)
    assert projection.apply(once) == once
    assert document == full_document(t)


@given(st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=4))
def test_any_text_is_a_projection(text: str | list[str]) -> None:
    t = Model.build(
        [{"id": "urn:example:Thing", "attributes": [{"name": "a"}]}],
        [{"name": "Thing", "endpoint": "/Things", "schema": "urn:example:Thing"}],
    ).types["Thing"]
    result = Projection.parse(text).for_type(t).apply({**COMMON, "a": "x"})
    assert {"id", "schemas"} <= result.keys() <= {*COMMON, "a"}
