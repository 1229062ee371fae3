"""Filters as some clients write them, brought to what RFC 7644 §3.4.2.2 knows."""

from collections.abc import Sequence

from rosterd.scim.filter import And, Any, AttrPath, Compare, Filter, Not, Or, Present
from rosterd.scim.schema import ResourceType


def with_urns(f: Filter, types: Sequence[ResourceType]) -> Filter:
    """``manager eq "x"`` → ``urn:…:User:manager eq "x"``, where no type has it and one extension does."""
    if isinstance(f, Compare):
        return Compare(_path(f.path, types), f.op, f.value)
    if isinstance(f, Present):
        return Present(_path(f.path, types))
    if isinstance(f, Any):
        return Any(_path(f.path, types), f.filter)
    if isinstance(f, Not):
        return Not(with_urns(f.part, types))
    parts = tuple(with_urns(part, types) for part in f.parts)
    return And(parts) if isinstance(f, And) else Or(parts)


def _path(path: AttrPath, types: Sequence[ResourceType]) -> AttrPath:
    if path.urn is not None or any(t.resolve(None, path.name, path.sub) for t in types):
        return path
    meant = {
        one.schema.id for t in types for one in t.extensions if t.resolve(one.schema.id, path.name, path.sub)
    }
    return path._replace(urn=meant.pop()) if len(meant) == 1 else path
