"""One PATCH operation meets one attribute: the old value goes in, the new value comes out.

Never mutates a value; ``None`` stands for "no value" on both sides. The rules are those of RFC 7644
§3.5.2.1 (add), §3.5.2.2 (remove) and §3.5.2.3 (replace), by the shape of the attribute:

    shape            add                    replace                  remove
    single value     set                    set                      clear
    complex value    set the given parts    set the given parts      clear
    several values   join, none twice       all of them              all, or those given
    chosen values    set the given parts    each as a whole          each
    sub-attribute of any of these: the same rules, one level further in

To give ``null`` or ``[]`` is to replace by nothing, or to add nothing. Whatever the shape, what is
readOnly stays, and what is immutable is set once. Raises ``Misfit``.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rosterd.scim.check import IMMUTABLE, Rule, Table, identity, keep
from rosterd.scim.errors import Mutability, NoTarget
from rosterd.scim.fit import Misfit, only_one_primary

READ_ONLY: Final = "is readOnly, only the server sets it"


@dataclass(frozen=True, slots=True)
class Choice:
    """Values of a multi-valued attribute: the ``[filter]`` of a path, or without one all of them."""

    matches: Callable[[Any], bool]
    seed: Mapping[str, Any] | None
    """What a value must have to be chosen, where that can be told: an ``add`` that finds no value
    begins a new one with it."""
    optional: bool = False
    """Whether it is no error that there is no value to choose from."""


ALL: Final = Choice(lambda value: True, {}, optional=True)


def change(
    rules: Sequence[Rule],
    op: str,
    old: Any,
    value: Any,
    choice: Choice | None = None,
    *,
    explicit: bool = True,
) -> Any:
    """The new value of ``rules[0]``, of which ``rules[1:]`` are the parts that the path leads into.

    ``choice`` belongs to the only multi-valued attribute among them. Not ``explicit`` is what is
    named inside a value, where readOnly attributes are ignored.
    """
    rule, inner = rules[0], rules[1:]
    if rule.attribute.mutability == "readOnly":
        if explicit and (op == "remove" or old is None or value != old):
            raise Misfit(READ_ONLY, Mutability)
        return old
    new: Any
    if rule.attribute.multi_valued and (choice or inner):
        new = _chosen(rule, inner, op, old or [], value, choice or ALL)
    elif inner:
        new = _within(inner, op, old, value, choice)
    elif rule.attribute.multi_valued:
        new = _SEVERAL[op](rule, old or [], value)
    elif rule.table is not None:
        new = _COMPLEX[op](rule, rule.table, old or {}, value)
    else:
        new = _SINGLE[op](rule, old, value)
    return _settled(rule, old, new or None if isinstance(new, (dict, list)) else new)


def merge(table: Table, op: str, old: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the attributes that ``source`` names changed, and the others as they are."""
    new = dict(old)
    for key, item in source.items():
        rule = table.rules.get(key) or table.find(key, source)
        if rule is not None:
            try:
                _put(new, rule, change((rule,), op, new.get(rule.name), item, explicit=False))
            except Misfit as misfit:
                raise misfit.under(rule.name) from None
    return new


def _put(target: dict[str, Any], rule: Rule, value: Any) -> None:
    if value is None:
        target.pop(rule.name, None)
    else:
        target[rule.name] = value


def _settled(rule: Rule, old: Any, new: Any) -> Any:
    if rule.attribute.returned == "never":
        return old
    if rule.attribute.mutability != "immutable" or old is None:
        return new
    if new is None or identity(rule.attribute, new) != identity(rule.attribute, old):
        raise Misfit(IMMUTABLE, Mutability)
    return old


def _within(
    rules: Sequence[Rule], op: str, old: Mapping[str, Any] | None, value: Any, choice: Choice | None = None
) -> dict[str, Any]:
    """The object with one part changed."""
    new = dict(old or {})
    _put(new, rules[0], change(rules, op, new.get(rules[0].name), value, choice))
    return new


# A single value that is not complex.


def _add_single(rule: Rule, old: Any, value: Any) -> Any:
    new = _replace_single(rule, old, value)
    return old if new is None else new


def _replace_single(rule: Rule, old: Any, value: Any) -> Any:
    return None if value is None else rule.check(value)


def _remove_single(rule: Rule, old: Any, value: Any) -> None:
    return None


# A complex value; an extension is one.


def _add_complex(rule: Rule, table: Table, old: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    return merge(table, "add", old, value) if _is_object(rule, value) else old


def _replace_complex(rule: Rule, table: Table, old: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    if _is_object(rule, value):
        return merge(table, "replace", old, value)
    return _remove_complex(rule, table, old, value)


def _remove_complex(rule: Rule, table: Table, old: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    kept: dict[str, Any] = {}
    for part in table.fixed:
        before = old.get(part.name)
        if before is None:
            continue
        if part.attribute.mutability == "immutable":
            raise Misfit(IMMUTABLE, Mutability, part.name)
        if part.attribute.mutability == "readOnly":
            kept[part.name] = before
        elif part.table is not None:
            _put(kept, part, _remove_complex(part, part.table, before, value) or None)
    return kept


def _is_object(rule: Rule, value: Any) -> bool:
    """False for null and ``[]``; raises ``Misfit`` for any other value that is no object."""
    if isinstance(value, dict):
        return True
    return value is not None and rule.one(value) is not None


# Several values.


def _add_several(rule: Rule, old: Sequence[Any], value: Any) -> Sequence[Any]:
    return _joined(rule, old, listed(rule, value))


def _replace_several(rule: Rule, old: Sequence[Any], value: Any) -> Any:
    return None if value is None else rule.check(value)


def _remove_several(rule: Rule, old: Sequence[Any], value: Any) -> Sequence[Any]:
    return [] if value is None else _without(rule, old, listed(rule, value))


def listed(rule: Rule, value: Any) -> Sequence[Any]:
    """The values to add or to remove; one alone may stand without its list."""
    if value is None:
        return []
    return rule.check(value if isinstance(value, list) else [value]) or []


def _joined(rule: Rule, old: Sequence[Any], added: Sequence[Any]) -> Sequence[Any]:
    """The old values and the added ones. One that is there already is not added, but may become primary."""
    result = list(old)
    handles = {_handle(rule, value) for value in added}
    places: dict[Hashable, int] = {}
    for at, there in enumerate(result):
        if _handle(rule, there) in handles:
            places.setdefault(_likeness(rule, there), at)  # of several that are alike the first is it
    primaries = set()
    for value in added:
        likeness = _likeness(rule, value)
        at = places.setdefault(likeness, len(result))
        if at == len(result):
            result.append(value)
        elif rule.primary and "primary" in value:
            result[at] = {**result[at], "primary": value["primary"]}
        if rule.primary and value.get("primary") is True:
            primaries.add(at)
    return _one_primary(rule, result, primaries)


def _handle(rule: Rule, value: Any) -> Hashable:
    """Cheap, and equal for equal values: spares comparing a new value with all of many others."""
    if rule.table is None:
        folded: Hashable = rule.attribute.fold(value)
        return folded
    part = rule.table.rules.get("value")
    inner = value.get("value")
    return None if part is None or inner is None else identity(part.attribute, inner)


def _likeness(rule: Rule, value: Any) -> Hashable:
    """Equal for values that are the same but for ``primary``."""
    if rule.primary:
        value = {key: part for key, part in value.items() if key != "primary"}
    return identity(rule.attribute, value)


def _without(rule: Rule, old: Sequence[Any], given: Sequence[Any]) -> Sequence[Any]:
    """The old values without those given.

    Values with a ``value`` are told apart by it, and by ``type`` if that is given (RFC 7643 §2.4);
    others by all that is given.
    """
    marks: dict[tuple[str, ...], set[Hashable]] = {}
    for value in given:
        parts = tuple(sorted(value)) if rule.table is not None else ()
        if "value" in parts:
            parts = tuple(name for name in parts if name in ("type", "value"))
        marks.setdefault(parts, set()).add(_mark(rule, parts, value))
    return [
        value
        for value in old
        if not any(_mark(rule, parts, value) in wanted for parts, wanted in marks.items())
    ]


def _mark(rule: Rule, parts: tuple[str, ...], value: Any) -> Hashable:
    if rule.table is None:
        return identity(rule.attribute, value)
    return identity(rule.attribute, {name: value[name] for name in parts if name in value})


def _one_primary(rule: Rule, values: Sequence[Any], new: set[int]) -> Sequence[Any]:
    """A new primary value takes the mark from the others (RFC 7644 §3.5.2)."""
    if not rule.primary or not new:
        return values
    if len(new) > 1:
        only_one_primary([values[at] for at in new])
    return [
        {**value, "primary": False} if value.get("primary") is True and at not in new else value
        for at, value in enumerate(values)
    ]


# Chosen ones of several values, or their sub-attribute.


def _chosen(
    rule: Rule, inner: Sequence[Rule], op: str, old: Sequence[Any], value: Any, choice: Choice
) -> Sequence[Any]:
    hits = {at for at, element in enumerate(old) if choice.matches(element)}
    if not hits:
        return _unmatched(rule, inner, op, old, value, choice)
    result: list[Any] = []
    primaries = set()
    written: set[Hashable] = set()
    for at, element in enumerate(old):
        if at in hits:
            element = _element(rule, inner, op, element, value)
            if not inner and op == "replace" and element is not None:
                # All that match are replaced by one value: it is kept once.
                mark = identity(rule.attribute, element)
                if mark in written:
                    continue
                written.add(mark)
            if rule.primary and element and element.get("primary") is True:
                primaries.add(len(result))
        if element is not None and element != {}:
            result.append(element)
    return _one_primary(rule, result, primaries)


def _element(rule: Rule, inner: Sequence[Rule], op: str, old: Any, value: Any) -> Any:
    if inner:
        return _within(inner, op, old, value)
    if op == "remove":
        return None
    if op == "add" and rule.table is not None:
        return merge(rule.table, "add", old, value) if _is_object(rule, value) else old
    new = None if value is None else rule.one(value)
    if new is not None and rule.table is not None:
        keep(rule.table, new, old)
    return old if new is None and op == "add" else new


def _unmatched(
    rule: Rule, inner: Sequence[Rule], op: str, old: Sequence[Any], value: Any, choice: Choice
) -> Sequence[Any]:
    if choice.optional and op == "remove":
        return old
    if choice.seed is None or (op != "add" and not choice.optional):
        raise Misfit(f"no value of '{rule.name}' matches the filter", NoTarget)
    if value in (None, [], {}):
        return old
    new = _element(rule, inner, "add", rule.one(dict(choice.seed)) or {}, value)
    return _joined(rule, old, [new] if new else [])


_SINGLE: Final = {"add": _add_single, "replace": _replace_single, "remove": _remove_single}
_COMPLEX: Final = {"add": _add_complex, "replace": _replace_complex, "remove": _remove_complex}
_SEVERAL: Final = {"add": _add_several, "replace": _replace_several, "remove": _remove_several}
