"""PATCH messages brought to what RFC 7644 §3.5.2 knows, operation by operation, in their order.

The document is not at hand here, so nothing is done that would depend on it. Each function is given
an operation and gives it back, or a list of those to put in its place. ``operation_names`` goes first,
so that the others find ``op``, ``path`` and ``value`` in this spelling; other members are kept.
"""

from collections.abc import Iterable
from functools import lru_cache
from operator import is_not
from typing import Final, NamedTuple

from rosterd.scim.errors import ScimError
from rosterd.scim.path import SHORT, parse_path
from rosterd.scim.profiles.rewrites import Body, Chain, Steps, member, with_member
from rosterd.scim.profiles.schemas import is_foreign, modern, modern_keys, own
from rosterd.scim.profiles.values import Walk
from rosterd.scim.schema import Attribute, ResourceType

_MEMBERS: Final = frozenset(("op", "path", "value"))
_SETTING: Final = frozenset(("add", "replace"))


class Target(NamedTuple):
    """What a path points at: an attribute, or a whole extension, by its URN."""

    attribute: Attribute | None = None
    extension: str | None = None
    filtered: bool = False
    """The path has a filter."""
    element: bool = False
    """The path ends with its filter: single values of the attribute are meant."""
    writable: bool = True
    reference: bool = False
    """The path ends with the ``value`` of an attribute that has one only, such as a manager's."""
    settled: bool = True
    """The path names no schema that is read as another, or left out."""


def target(t: ResourceType, path: str) -> Target | None:
    """Where a path points at; ``None`` if it is no path or the type has no such attribute."""
    return _remembered(t, path) if len(path) <= SHORT else _target(t, path)


def _target(t: ResourceType, path: str) -> Target | None:
    folded = path.casefold()
    if attribute := t.schema.by_name.get(folded):
        return Target(attribute, writable=attribute.mutability != "readOnly")
    settled = modern(t, path) == path and not is_foreign(t, path)
    if extension := t.by_urn.get(folded):
        return Target(extension=extension.schema.id, settled=settled)
    try:
        parsed = parse_path(path)
    except ScimError:
        return None
    ref = t.resolve(parsed.attr.urn, parsed.attr.name, parsed.sub or parsed.attr.sub)
    if ref is None or ref.attribute is None or ref.target is None:
        return None
    writable = "readOnly" not in (ref.attribute.mutability, ref.target.mutability)
    filtered = parsed.filter is not None
    element = filtered and ref.sub is None
    reference = ref.sub is not None and ref.sub.name == "value" and not ref.attribute.multi_valued
    return Target(ref.target, None, filtered, element, writable, reference, settled)


_remembered: Final = lru_cache(maxsize=1024)(_target)
"""An identity provider changes the same few attributes again and again."""


def operations(chain: Chain, walk: Walk, t: ResourceType, body: Body, changed: set[str]) -> Body:
    """The message with each operation led through the rewrites, and its value in between through the walk.

    The names of those that did something go into ``changed``.
    """
    given = member(body, "Operations")
    if not isinstance(given, list):
        return body
    result: list[object] = []
    for operation in given:
        if not isinstance(operation, dict):
            result.append(operation)
            continue
        parts = [operation] if in_order(t, operation) else _through(chain.before, t, operation, changed)
        for part in parts:
            read = _walked(walk, t, part, changed)
            # Those behind the walk have to do with what has a path.
            result += _through(chain.after, t, read, changed) if "path" in read else [read]
    same = len(result) == len(given) and not any(map(is_not, result, given))
    return body if same else with_member(body, "Operations", result)


def in_order(t: ResourceType, operation: Body) -> bool:
    """Whether an operation is as most are, so that no rewrite before the walk has anything to do with it."""
    if not _MEMBERS.issuperset(operation):
        return False
    path = operation.get("path")
    if path is None:
        value = operation.get("value")
        return isinstance(value, dict) and own(t).members.issuperset(value)
    found = target(t, path) if isinstance(path, str) else None
    return found is not None and found.settled


def _through(steps: Steps, t: ResourceType, operation: Body, changed: set[str]) -> list[Body]:
    for place, (name, function) in enumerate(steps):
        new = function(t, operation)
        if new is operation:
            continue
        changed.add(name)
        if isinstance(new, list):
            return [end for part in new for end in _through(steps[place + 1 :], t, part, changed)]
        operation = new
    return [operation]


def _walked(walk: Walk, t: ResourceType, operation: Body, changed: set[str]) -> Body:
    """The operation with its value led through the walk."""
    value, path = operation.get("value"), operation.get("path")
    new = value
    if value is None:
        return operation
    if path is None:
        new = walk.document(value, changed)
    elif isinstance(path, str) and (found := target(t, path)):
        if found.extension:
            new = walk.extensions[found.extension](value, changed)
        elif found.attribute:
            reader = walk.reader(found.attribute)
            new = (reader.one if found.element else reader.all)(value, changed)
    return operation if new is value else {**operation, "value": new}


def operation_names(t: ResourceType, operation: Body) -> Body:
    """``{"Op": "Add", "Path": "title"}`` → ``{"op": "Add", "path": "title"}``."""
    if operation.keys() <= _MEMBERS:
        return operation
    odd = {key: key.casefold() for key in operation if key not in _MEMBERS}
    moved = {key: name for key, name in odd.items() if name in _MEMBERS and name not in operation}
    if not moved:
        return operation
    return {moved.get(key, key): value for key, value in operation.items()}


def empty_path(t: ResourceType, operation: Body) -> Body:
    """``"path": ""`` → no path."""
    return _without(operation, "path") if operation.get("path") == "" else operation


def legacy_schemas(t: ResourceType, operation: Body) -> Body:
    """URNs of SCIM 1.1 and of drafts, in paths and as keys → the present ones."""
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str):
        new = modern(t, path)
        return operation if new == path else {**operation, "path": new}
    if isinstance(value, dict):
        keys = modern_keys(t, value)
        return operation if keys is value else {**operation, "value": keys}
    return operation


def unknown_schemas(t: ResourceType, operation: Body) -> Body | list[Body]:
    """An operation on a URN that the resource type has not → left out; such keys of a value too."""
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str):
        return [] if is_foreign(t, path) else operation
    if isinstance(value, dict) and any(is_foreign(t, key) for key in value):
        return _split(operation, {k: v for k, v in value.items() if not is_foreign(t, k)}, ())
    return operation


def dotted_keys(t: ResourceType, operation: Body) -> Body | list[Body]:
    """``{"name.familyName": "X", "urn:…:User:department": "Y"}`` → an operation with a path for each.

    A readOnly attribute is left out, as it is ignored in a value without a path; an unknown one stays.
    """
    value = operation.get("value")
    if operation.get("path") is not None or not isinstance(value, dict) or not _sets(operation):
        return operation
    marked = [key for key in value if "." in key or ":" in key or "[" in key]
    found = {key: place for key in marked if key.casefold() not in t.by_urn and (place := target(t, key))}
    if not found:
        return operation
    rest = {key: item for key, item in value.items() if key not in found}
    paths = [key for key, place in found.items() if place.writable]
    return _split(operation, rest, ({**operation, "path": path, "value": value[path]} for path in paths))


def empty_value(t: ResourceType, operation: Body) -> Body:
    """``manager.value`` set to ``""`` → ``remove`` of ``manager``."""
    path = operation.get("path")
    if operation.get("value") != "" or not isinstance(path, str) or not _sets(operation):
        return operation
    found = target(t, path)
    if found is None or not found.reference:
        return operation
    return {**_without(operation, "value"), "op": "remove", "path": path[: path.rindex(".")]}


def null_removes(t: ResourceType, operation: Body) -> Body:
    """``replace`` by null → ``remove``: the same, but open to what is said of removing."""
    if "value" not in operation or operation["value"] is not None or not operation.get("path"):
        return operation
    op = operation.get("op")
    if not isinstance(op, str) or op.casefold() != "replace":
        return operation
    return {**_without(operation, "value"), "op": "remove"}


def replace_creates(t: ResourceType, operation: Body) -> Body:
    """``replace`` of ``emails[type eq "work"].value`` → ``add``.

    Where a value matches, both set its sub-attribute; where none does, add makes one.
    """
    op, path = operation.get("op"), operation.get("path")
    if not isinstance(op, str) or not isinstance(path, str) or "]" not in path or op.casefold() != "replace":
        return operation
    found = target(t, path)
    if found is None or not found.filtered or found.element or operation.get("value") is None:
        return operation
    if found.attribute is None or found.attribute.multi_valued:
        return operation
    return {**operation, "op": "add"}


def _sets(operation: Body) -> bool:
    op = operation.get("op")
    return isinstance(op, str) and op.casefold() in _SETTING


def _split(operation: Body, rest: Body, parts: Iterable[Body]) -> list[Body]:
    """The operation with what is left of its value, if anything is, then the parts."""
    return [*([{**operation, "value": rest}] if rest else []), *parts]


def _without(operation: Body, name: str) -> Body:
    return {key: value for key, value in operation.items() if key != name}
