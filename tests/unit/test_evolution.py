"""evolution: a change of a schema that would make stored values untrue is told by attribute and reason."""

from typing import Any

import pytest

from rosterd.scim.evolution import breaks
from rosterd.scim.schema import Model, ResourceType
from rosterd.scim.schemas import CORE_MODEL

CORE, MORE = "urn:example:Thing", "urn:example:More"
PARTS = [{"name": "value"}, {"name": "kind", "caseExact": True}]
BASE: list[dict[str, Any]] = [
    {"name": "code"},
    {"name": "parts", "type": "complex", "multiValued": True, "subAttributes": PARTS},
    {"name": "secret", "returned": "never"},
]


def thing(attributes: Any = None, more: Any = None) -> ResourceType:
    schemas = [
        {"id": CORE, "attributes": BASE if attributes is None else attributes},
        {"id": MORE, "attributes": more or [{"name": "floor", "type": "integer"}]},
    ]
    hung = [{"schema": MORE}] if more != [] else []
    kind = {"name": "Thing", "endpoint": "/Things", "schema": CORE, "schemaExtensions": hung}
    return Model.build(schemas, [kind]).types["Thing"]


def changed(name: str, **characteristics: Any) -> list[dict[str, Any]]:
    return [{**a, **characteristics} if a["name"] == name else a for a in BASE]


HARMLESS: dict[str, ResourceType] = {
    "nothing": thing(),
    "words": thing(changed("code", description="x", required=True, canonicalValues=["a"])),
    "mutability": thing(changed("code", mutability="immutable")),
    "shown on request": thing(changed("code", returned="request")),
    "one more": thing([*BASE, {"name": "new"}]),
    "one more part": thing(changed("parts", subAttributes=[*PARTS, {"name": "new"}])),
    "what is not stored goes": thing(BASE[:2]),
    "what is not stored changes": thing(changed("secret", type="integer")),
}
HARMFUL: dict[str, tuple[ResourceType, list[tuple[str, str]]]] = {
    "gone": (thing(BASE[1:]), [("code", "it would go")]),
    "renamed": (thing([{"name": "kode"}, *BASE[1:]]), [("code", "it would go")]),
    "type": (thing(changed("code", type="integer")), [("code", "type would change")]),
    "several": (thing(changed("code", multiValued=True)), [("code", "multiValued would change")]),
    "exact": (thing(changed("code", caseExact=True)), [("code", "caseExact would change")]),
    "unique": (thing(changed("code", uniqueness="server")), [("code", "uniqueness would change")]),
    "hidden": (thing(changed("code", returned="never")), [("code", "returned would change")]),
    "two at once": (
        thing(changed("code", caseExact=True, uniqueness="global")),
        [("code", "caseExact and uniqueness would change")],
    ),
    "a part": (thing(changed("parts", subAttributes=PARTS[:1])), [("parts.kind", "it would go")]),
    "a part's case": (
        thing(changed("parts", subAttributes=[PARTS[0], {"name": "kind"}])),
        [("parts.kind", "caseExact would change")],
    ),
    "an extension's": (thing(more=[{"name": "floor"}]), [(f"{MORE}:floor", "type would change")]),
    "an extension": (thing(more=[]), [(f"{MORE}:floor", "it would go")]),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_leaves_values_true_is_none(name: str) -> None:
    assert list(breaks(thing(), HARMLESS[name])) == []


@pytest.mark.parametrize("name", HARMFUL)
def test_a_change_that_makes_values_untrue_is_told(name: str) -> None:
    after, expected = HARMFUL[name]
    assert [(str(ref), what) for ref, what in breaks(thing(), after)] == expected


def test_the_protocols_own_types_are_as_they_are() -> None:
    for kind in CORE_MODEL.types.values():
        assert list(breaks(kind, kind)) == []
