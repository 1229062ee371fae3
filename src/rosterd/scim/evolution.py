"""Which changes of a resource type would make untrue what is stored of its resources.

What lies in the database was checked, folded and indexed by the attributes as they were. An attribute may
come, and may change its description, mutability or canonical values; these changes need that nobody has a
value:

    it goes        its values would be shown to nobody, and a PUT would lose them
    type           values would not be of it
    multiValued    one value would stand where several are expected, or the other way round
    caseExact      filters would compare with values folded by the other rule
    uniqueness     values taken by nobody would be refused, or values taken twice let pass
    returned       to or from ``never``: what is stored would be shown, or what is shown not stored
"""

from collections.abc import Iterator, Mapping
from typing import Final

from rosterd.scim.schema import Attribute, Ref, ResourceType

GONE: Final = "it would go"

_FIELDS: Final[Mapping[str, str]] = {
    "type": "type",
    "multi_valued": "multiValued",
    "case_exact": "caseExact",
    "uniqueness": "uniqueness",
}


def breaks(before: ResourceType, after: ResourceType) -> Iterator[tuple[Ref, str]]:
    """The attributes of which nobody may have a value for this change, each with what would change."""
    now = {(ref.extension, ref.attribute.name): ref.attribute for ref in after.references() if ref.attribute}
    for ref in before.references():
        if ref.attribute is None or ref.attribute.returned == "never":
            continue
        following = now.get((ref.extension, ref.attribute.name))
        yield from _compared(ref, ref.attribute, following)
        for sub in ref.attribute.sub_attributes if following is not None else ():
            if sub.returned != "never":
                yield from _compared(
                    Ref(ref.extension, ref.attribute, sub), sub, following and _sub(following, sub.name)
                )


def _compared(ref: Ref, before: Attribute, after: Attribute | None) -> Iterator[tuple[Ref, str]]:
    if after is None:
        yield ref, GONE
        return
    changed = [shown for name, shown in _FIELDS.items() if getattr(before, name) != getattr(after, name)]
    if after.returned == "never":
        changed.append("returned")
    if changed:
        yield ref, f"{' and '.join(changed)} would change"


def _sub(attribute: Attribute, name: str) -> Attribute | None:
    return next((sub for sub in attribute.sub_attributes if sub.name == name), None)
