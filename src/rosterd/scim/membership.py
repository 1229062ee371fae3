"""Group members as set operations, so that no change ever needs the group as a document.

``split`` takes what concerns ``members`` out of a PATCH: it becomes ``MemberOp`` values, in the order
given, which say by value or by filter what to do to the membership table. They mean what
``patch.apply`` would do to a document with all members, with two differences: members are told apart
by ``value`` alone, and that a filter matches nobody only whoever has the table can tell.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from rosterd.scim import urns
from rosterd.scim.bind import bind_values
from rosterd.scim.change import listed
from rosterd.scim.check import IMMUTABLE, Rule, checker_for
from rosterd.scim.errors import Mutability, PayloadTooLarge, ScimError
from rosterd.scim.filter import Bound, Compare, Filter, Or, Present, comparisons
from rosterd.scim.fit import Misfit
from rosterd.scim.match import chooser
from rosterd.scim.patch import ABSENT, Operation, find, part_of, seed_of
from rosterd.scim.path import Path
from rosterd.scim.schema import Ref, ResourceType

MAX_VALUE: Final = 1024
"""The greatest length of a member's ``value``, in characters."""
MOST_CHOICES: Final = 2
"""Operations of one PATCH that choose otherwise than by ``value``: each reads all members."""
COMPARED: Final = 20
"""Comparisons of a filter with all members that take about as long as to read them."""
_NAME: Final = "members"
_IMMUTABLE: Final = ("value", "type", "$ref")


class Member(NamedTuple):
    """One membership: ``type`` is the member's kind, ``display`` what the IdP sent, or when rendered
    and the IdP sent none, the member's own displayName or userName."""

    value: str
    type: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """Make these members; one that is a member already gets the ``display`` given."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the members with these values; one that is no member is no error."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove all members."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Make these the members, and no others."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class RemoveWhere:
    """Remove the members that fulfil a filter over ``members.*`` (see ``chosen``)."""

    where: Bound


@dataclass(frozen=True, slots=True)
class SetDisplay:
    """Set or, with ``None``, clear the ``display`` of the members that fulfil a filter."""

    where: Bound
    display: str | None


MemberOp = Add | Remove | Clear | Replace | RemoveWhere | SetDisplay


def split(
    operations: Sequence[Operation], t: ResourceType
) -> tuple[tuple[Operation, ...], tuple[MemberOp, ...]]:
    """What is left for ``patch.apply``, and what happens to the members of a Group.

    Of a resource type other than Group everything is left. Raises what ``patch.apply`` raises, and
    ``PayloadTooLarge`` for more than ``MOST_CHOICES`` operations that have to look at each member, one with a
    long filter counted as several.
    """
    if not has_members(t):
        return tuple(operations), ()
    rest: list[Operation] = []
    changes: list[MemberOp] = []
    for operation in operations:
        try:
            left, found = _split(operation, t)
        except Misfit as misfit:
            raise operation.error(misfit.error()) from misfit
        except ScimError as error:
            raise operation.error(error) from error
        rest.extend(left)
        changes.extend(found)
    where = [change.where for change in changes if isinstance(change, RemoveWhere | SetDisplay)]
    choices = sum(1 + comparisons(each) // COMPARED for each in where)
    if choices > MOST_CHOICES:
        raise PayloadTooLarge(
            f"{choices} operations choose among all members; at most {MOST_CHOICES} are taken in one PATCH, "
            f"each {COMPARED} comparisons of a filter counted as one more. "
            'Remove members by members[value eq "id"], add them anew to change their display, or send several'
        )
    return tuple(rest), tuple(changes)


def has_members(t: ResourceType) -> bool:
    """Whether the type's ``members`` are kept as memberships."""
    return t.schema.id == urns.GROUP and _NAME in t.schema.by_name


def members_of(document: Mapping[str, Any]) -> tuple[Member, ...]:
    """The members in a canonical Group document. Raises ``InvalidValue``."""
    try:
        return _members(document.get(_NAME, ()))
    except Misfit as misfit:
        raise misfit.under(_NAME).error() from misfit


def chosen(members: Iterable[Member], where: Bound, t: ResourceType) -> list[Member]:
    """Those that fulfil the filter of a ``RemoveWhere`` or ``SetDisplay``."""
    chooses = chooser(where, t.schema.by_name[_NAME])
    return [
        m for m in members if chooses({k: v for k, v in zip(Member._fields, m, strict=True) if v is not None})
    ]


def _split(operation: Operation, t: ResourceType) -> tuple[Sequence[Operation], Sequence[MemberOp]]:
    table, value = checker_for(t).table, operation.value
    rule = table.rules[_NAME]
    if operation.path is not None:
        ref = find(operation.path, t)
        if ref.extension is not None or ref.attribute is not rule.attribute:
            return (operation,), ()
        return (), _changes(operation, operation.path, ref, rule, t)
    key = (
        next((name for name in value if name.casefold() == _NAME), None) if isinstance(value, dict) else None
    )
    if key is None:
        return (operation,), ()
    table.find(key, value)
    others = {name: item for name, item in value.items() if name != key}
    try:
        found = _all(rule, operation.op, value[key])
    except Misfit as misfit:
        raise misfit.under(_NAME) from None
    return (replace(operation, value=others),) if others else (), found


def _changes(operation: Operation, path: Path, ref: Ref, rule: Rule, t: ResourceType) -> Sequence[MemberOp]:
    """What an operation with a path into ``members`` does."""
    op, value = operation.op, None if operation.value is ABSENT else operation.value
    if path.filter is None:
        everyone: Bound = Present(Ref(None, rule.attribute, rule.attribute.subs["value"]))
        part = checker_for(t).rules(ref)[1:]
        return _part(part[0], op, value, everyone, {}) if part else _all(rule, op, value)
    where = bind_values(path.filter, ref, t)
    seed = seed_of(path.filter, rule, {}) or {}
    part = part_of(path, rule)
    if part:
        return _part(part[0], op, value, where, seed)
    return _some(rule, op, value, path.filter, where, seed)


def _all(rule: Rule, op: str, value: Any) -> Sequence[MemberOp]:
    """The path ``members``."""
    if op == "replace":
        return (Replace(_members(rule.check(value) or () if value is not None else ())),)
    if op == "remove" and value is None:
        return (Clear(),)
    members = _members(listed(rule, value))
    if not members:
        return ()
    return (Add(members),) if op == "add" else (Remove(tuple(member.value for member in members)),)


def _some(
    rule: Rule, op: str, value: Any, f: Filter, where: Bound, seed: Mapping[str, Any]
) -> Sequence[MemberOp]:
    """The path ``members[filter]``."""
    given = rule.one(value) if value is not None and op != "remove" else None
    if given is None:
        if op == "add":
            return ()
        values = _values(f)
        return (RemoveWhere(where) if values is None else Remove(values),)
    for name in _IMMUTABLE:
        if name in given and given[name] != seed.get(name):
            raise Misfit(IMMUTABLE, Mutability, name)
    if op == "add" and "value" in seed:
        return (Add(_members(({**seed, **given},))),)
    if op == "add" and "display" not in given:
        return ()
    return (SetDisplay(where, given.get("display") or None),)


def _part(part: Rule, op: str, value: Any, where: Bound, seed: Mapping[str, Any]) -> Sequence[MemberOp]:
    """The path ``members.sub`` or ``members[filter].sub``."""
    if part.name != "display":
        raise Misfit(f"'{part.name}' {IMMUTABLE}; add or remove the member instead", Mutability)
    display = None if value is None or op == "remove" else part.check(value)
    if op == "add" and display is None:
        return ()
    if op == "add" and "value" in seed:
        return (Add(_members(({**seed, "display": display},))),)
    return (SetDisplay(where, display or None),)


def _values(f: Filter) -> tuple[str, ...] | None:
    """The values of ``value eq "a" or value eq "b" …``; ``None`` for any other filter."""
    if isinstance(f, Or):
        parts = [_values(part) for part in f.parts]
        return None if None in parts else tuple(value for part in parts if part for value in part)
    if isinstance(f, Compare) and f.op == "eq" and f.path.name.casefold() == "value":
        return (f.value,) if isinstance(f.value, str) else None
    return None


def _members(values: Sequence[Mapping[str, Any]]) -> tuple[Member, ...]:
    members = []
    for position, value in enumerate(values):
        name = value.get("value")
        if not name:
            raise Misfit("the member's id is required", where=f"[{position}].value")
        if len(name) > MAX_VALUE:
            raise Misfit(
                f"has {len(name)} characters, at most {MAX_VALUE} are kept", where=f"[{position}].value"
            )
        members.append(Member(name, value.get("type") or None, value.get("display") or None))
    return tuple(members)
