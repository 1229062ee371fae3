"""The ``schemas`` of a message, and URNs of former drafts, brought to what the resource type has.

Which attributes a body holds follows from its content; ``schemas`` only has to name what is known.
Data under a URN that no schema of the type has is left out: the server could not keep it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from rosterd.scim import urns
from rosterd.scim.profiles.rewrites import Body, member, with_member
from rosterd.scim.schema import COMMON, ResourceType

# URNs of SCIM 1.1, of drafts of SCIM 2.0 and of clients' misreadings. Keys are casefolded, longer
# ones first, so that the first prefix found is the right one. A type's own name is put for {}.
LEGACY: Final[Mapping[str, str]] = {
    "urn:ietf:params:scim:schemas:extension:enterprise:1.0:user": urns.ENTERPRISE_USER,
    "urn:scim:schemas:extension:enterprise:2.0:user": urns.ENTERPRISE_USER,
    "urn:scim:schemas:extension:enterprise:1.0:user": urns.ENTERPRISE_USER,
    "urn:scim:schemas:extension:enterprise:2.0": urns.ENTERPRISE_USER,
    "urn:scim:schemas:extension:enterprise:1.0": urns.ENTERPRISE_USER,
    "urn:ietf:params:scim:schemas:core:1.0:group": urns.GROUP,
    "urn:ietf:params:scim:schemas:core:1.0:user": urns.USER,
    "urn:scim:schemas:core:2.0:group": urns.GROUP,
    "urn:scim:schemas:core:2.0:user": urns.USER,
    "urn:scim:schemas:core:1.0:group": urns.GROUP,
    "urn:scim:schemas:core:1.0:user": urns.USER,
    "urn:scim:schemas:core:2.0": "",
    "urn:scim:schemas:core:1.0": "",
}
"""Legacy URN, casefolded → present one; ``""``: the core schema of the resource type at hand."""


class _Own(NamedTuple):
    """What a resource of a type may have at its top, in the schemas' spelling."""

    names: frozenset[str]
    urns: tuple[str, ...]
    """Without those that are read as others."""
    members: frozenset[str]
    """The names without the core URN: what an operation of a PATCH may be about."""


@lru_cache(maxsize=1024)
def own(t: ResourceType) -> _Own:
    """What a resource of the type may have."""
    urns = tuple(urn for urn in (t.schema.id, *(e.schema.id for e in t.extensions)) if modern(t, urn) == urn)
    attributes = (*COMMON.values(), *t.schema.attributes)
    names = frozenset((*(a.name for a in attributes), *urns))
    return _Own(names, urns, names - {t.schema.id})


def in_order(t: ResourceType, body: Body) -> bool:
    """Whether a resource is as most are, so that no rewrite here has anything to do with it."""
    known = own(t)
    return known.names.issuperset(body) and is_named(body.get("schemas"), t.schema.id, known.urns)


def is_named(given: object, core: str, urns: tuple[str, ...]) -> bool:
    """Whether the value of ``schemas`` has the core schema's URN, and otherwise some of these, each once."""
    return (
        isinstance(given, list)
        and core in given
        and core in urns
        and (len(given) == 1 or (all(map(urns.__contains__, given)) and len(given) == len(set(given))))
    )


def modern(t: ResourceType, name: str) -> str:
    """A URN, or an attribute name with a URN, with a legacy URN replaced by its present one."""
    if name[3:4] != ":":
        return name
    folded = name.casefold()
    for legacy, present in LEGACY.items():
        if folded == legacy or folded.startswith(legacy + ":"):
            return (present or t.schema.id) + name[len(legacy) :]
    return name


def legacy_schemas(t: ResourceType, body: Body) -> Body:
    """URNs of SCIM 1.1 and of drafts, in ``schemas`` and as keys → the present ones."""
    result = modern_keys(t, body)
    given = member(body, "schemas")
    if isinstance(given, list):
        named = [urn for urn in given if isinstance(urn, str)]
        new = list(dict.fromkeys(modern(t, urn) for urn in named))
        if len(named) == len(given) and new != given:
            result = with_member(result, "schemas", new)
    return result


def modern_keys(t: ResourceType, body: Body) -> Body:
    """The object with the legacy URNs among its keys replaced; one that is there in both forms stays."""
    urns = [key for key in body if key[3:4] == ":"]
    moved = {key: new for key in urns if (new := modern(t, key)) != key and new not in body}
    return {moved.get(key, key): value for key, value in body.items()} if moved else body


def unknown_schemas(t: ResourceType, body: Body) -> Body:
    """URNs that the resource type has not → left out, with the data under them."""
    result = body
    given = member(body, "schemas")
    if isinstance(given, list):
        kept = [urn for urn in given if not isinstance(urn, str) or is_known(t, urn)]
        if len(kept) != len(given):
            result = with_member(result, "schemas", kept)
    if any(is_foreign(t, key) for key in body):
        result = {key: value for key, value in result.items() if not is_foreign(t, key)}
    return result


def is_known(t: ResourceType, urn: str) -> bool:
    """Whether the URN is one of the resource type's schemas."""
    folded = urn.casefold()
    return folded == t.schema.id.casefold() or folded in t.by_urn


def is_foreign(t: ResourceType, name: str) -> bool:
    """Whether the name is a URN, or begins with one, that is none of the resource type's schemas."""
    if name[3:4] != ":" or name[:3].casefold() != "urn" or is_known(t, name):
        return False
    folded = name.casefold()
    own = (t.schema.id.casefold(), *t.by_urn)
    return not any(folded.startswith(urn + ":") for urn in own)


def core_schema_added(t: ResourceType, body: Body) -> Body:
    """``schemas`` missing, or without the core URN of the resource type → that URN added."""
    given = member(body, "schemas")
    listed = given if isinstance(given, list) else [given] if isinstance(given, str) else []
    core = t.schema.id.casefold()
    if isinstance(given, list) and any(isinstance(u, str) and u.casefold() == core for u in given):
        return body
    return with_member(body, "schemas", [t.schema.id, *(urn for urn in listed if urn != t.schema.id)])


def patch_schema_added(t: ResourceType, body: Body) -> Body:
    """``schemas`` of a PATCH missing, or without the PatchOp URN → that URN."""
    given = member(body, "schemas")
    if given == [urns.PATCH_OP] or (
        isinstance(given, list)
        and any(isinstance(urn, str) and urn.casefold() == urns.PATCH_OP.casefold() for urn in given)
    ):
        return body
    return with_member(body, "schemas", [urns.PATCH_OP])
