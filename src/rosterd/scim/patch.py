"""PATCH: operations are applied in order to a document; all of them apply, or none.

Never mutates its input. A message is parsed to ``Operation`` values once; ``apply`` gives the new
canonical document, which equals the old one if nothing has changed. How an operation changes an
attribute is said in change.py. Every error names the operation by its number, counted from 1.
Source: RFC 7644 §3.5.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from rosterd.scim import urns
from rosterd.scim.bind import bind_values
from rosterd.scim.change import Choice, change, merge
from rosterd.scim.check import Checker, Lack, Rule, checker_for, drop_blank
from rosterd.scim.effort import COMPARING, FILTERED, LONG, NAMED, PATCH_STEPS, Budget, weight
from rosterd.scim.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
    ScimError,
)
from rosterd.scim.filter import And, Compare, Filter, comparisons
from rosterd.scim.fit import Misfit, shown
from rosterd.scim.match import chooser
from rosterd.scim.message import members, message
from rosterd.scim.path import SHORT, Path, parse_path
from rosterd.scim.profiles.rewrites import member
from rosterd.scim.schema import Ref, ResourceType

MAX_OPERATIONS: Final = 10_000
_OPS: Final = ("add", "replace", "remove")
_MEMBERS: Final = frozenset(("op", "path", "value"))


class Absent(Enum):
    """The type of ``ABSENT``: no value was given, which is not the value null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(slots=True)
class Operation:
    """One operation: ``op`` is add, replace or remove; without a path the resource itself is meant."""

    op: str
    path: Path | None
    value: Any = ABSENT
    number: int = field(default=0, compare=False)
    """Its place in the client's message, counted from 1; 0 if there is no message."""

    def error(self, cause: ScimError) -> ScimError:
        """The error with the operation named."""
        name = f"operation {self.number}" if self.number else "operation"
        where = f"{self.op} {self.path}" if self.path else self.op
        return type(cause)(f"{name} ({where}): {cause.detail}")


def parse_patch(body: object, *, allow_empty: bool = False) -> tuple[Operation, ...]:
    """Read a PatchOp message; with ``allow_empty`` one without any operation is taken, and changes nothing.

    Raises ``InvalidSyntax`` for what is no such message, ``InvalidPath`` and ``InvalidFilter`` for a
    path, ``InvalidValue`` for an add or replace without a value, ``NoTarget`` for a remove without a
    path, ``PayloadTooLarge`` for more than ``MAX_OPERATIONS`` operations.
    """
    operations = message(body, urns.PATCH_OP).get("operations")
    if not isinstance(operations, list):
        raise InvalidSyntax(f"'Operations' must be a list of operations, found {shown(operations)}")
    if not operations and not allow_empty:
        raise InvalidSyntax("'Operations' is empty; a PATCH needs at least one operation")
    if len(operations) > MAX_OPERATIONS:
        raise PayloadTooLarge(
            f"{len(operations)} operations in one PATCH; at most {MAX_OPERATIONS} are taken"
        )
    return tuple([_operation(item, number) for number, item in enumerate(operations, 1)])


def require_feasible(body: object, t: ResourceType, budget: Budget | None = None) -> None:
    """Refuse a message whose operations give so much that it would be refused for whatever document.

    It costs a look at each operation, so that nobody goes through its values before, nor through names that
    may each be a path and so an operation. Raises ``PayloadTooLarge``, also if the ``budget`` of a bulk
    request has not enough left to read them. Members of a group are no concern of ``apply``.
    """
    operations = member(body, "Operations") if isinstance(body, Mapping) else None
    if not isinstance(operations, list):
        return
    names = given = 0
    several = len(operations) > 1
    for one in operations:
        for value in one.values() if one.__class__ is dict else ():
            if value.__class__ is dict:
                names += len(value)
                if several:
                    given += max([len(item) for item in value.values() if item.__class__ is list], default=0)
            elif value.__class__ is list:
                given += len(value)
    if names > MAX_OPERATIONS:
        raise PayloadTooLarge(
            f"{names} names in the values of one PATCH; at most {MAX_OPERATIONS} are taken, as each may be "
            "a path"
        )
    if budget is not None:
        budget.take(_reading(operations))
    if several and given * len(operations) > PATCH_STEPS and t.schema.id != urns.GROUP:
        raise _infeasible(len(operations), given)


def _reading(operations: Sequence[object]) -> int:
    """The steps to read what may be paths."""
    values = [value for one in operations if isinstance(one, dict) for value in one.values()]
    texts = [value for value in values if value.__class__ is str]
    texts += [name for value in values if value.__class__ is dict for name in value]
    return sum(FILTERED if "[" in text else NAMED for text in texts)


def apply(
    operations: Sequence[Operation],
    t: ResourceType,
    document: Mapping[str, Any],
    *,
    ignore_unmatched_removes: bool = False,
    budget: Budget | None = None,
) -> dict[str, Any]:
    """The document after all operations.

    With ``ignore_unmatched_removes`` a remove whose filter matches nothing changes nothing and is no error.

    Raises ``InvalidPath`` for a path that ``t`` does not have, ``InvalidFilter`` for a filter that
    does not fit it, ``NoTarget`` for a filter that matches nothing, ``Mutability`` for what the client
    must not change or take away, ``InvalidValue`` for a value that does not fit or a required one not given,
    ``PayloadTooLarge`` for several operations, or one with a filter or values to remove, that would go to
    more than ``PATCH_STEPS`` values together, or than the ``budget`` of a bulk request has left.
    """
    checker = checker_for(t)
    if len(operations) > 1 or any(map(_is_repeating, operations)):
        steps = _require_feasible(operations, document)
        if budget is not None:
            budget.take(steps)
    result = {"schemas": None, **document}
    culprits: dict[Lack, Operation] = {}
    for operation in operations:
        try:
            result = _apply(checker, result, operation)
        except (Misfit, ScimError) as fault:
            error = fault.error() if isinstance(fault, Misfit) else fault
            if ignore_unmatched_removes and operation.op == "remove" and isinstance(error, NoTarget):
                continue
            raise operation.error(error) from fault
        drop_blank(result)
        if (lacks := checker.table.lacking(result)) or culprits:
            culprits = {lack: culprits.get(lack, operation) for lack in lacks}
    # What the resource lacked before (its schema may have grown) is no reason to refuse a PATCH.
    lacked = frozenset(checker.table.lacking(document)) if culprits else ()
    for lack, culprit in culprits.items():
        if lack in lacked:
            continue
        # Taking a required value away is another fault than giving none (§3.5.2.2, §3.12).
        kind = Mutability if culprit.op == "remove" or culprit.value is None else InvalidValue
        raise culprit.error(kind(f"{lack}; it cannot be left without one"))
    result["schemas"] = checker.schemas(result)
    return result


def _is_repeating(operation: Operation) -> bool:
    """Whether one operation alone may go to a value more than once."""
    if operation.path is not None and operation.path.filter:
        return True
    return operation.op == "remove" and operation.value.__class__ is list


def _times(operation: Operation) -> int:
    """How often an operation goes to a value: values to remove are looked for by what is given of them."""
    if operation.path is not None and operation.path.filter:
        return COMPARING * comparisons(operation.path.filter)
    if operation.op == "remove" and operation.value.__class__ is list:
        return max(1, len({frozenset(value) for value in operation.value if value.__class__ is dict}))
    return 1


def _require_feasible(operations: Sequence[Operation], document: Mapping[str, Any]) -> int:
    """The steps: each operation is taken to go through the greatest attribute that there may be before it."""
    greatest, each = weight(document), 0
    for operation in operations:
        greatest += weight(operation.value)
        each += _times(operation)
    if greatest * each > PATCH_STEPS:
        raise _infeasible(len(operations), greatest)
    return greatest * each


def _infeasible(operations: int, greatest: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"{operations} of 'Operations' on an attribute that may have {greatest} values, with those that they "
        "give, are too much in one PATCH: each may have to go through all of these. Parts of values and each "
        f"{LONG} characters of a text count as one. Send the operations in several requests, with shorter "
        "filters, or replace the attribute as a whole"
    )


def _operation(item: object, number: int) -> Operation:
    found: Mapping[str, object]
    if isinstance(item, dict) and _MEMBERS.issuperset(item):
        found = item
    else:
        found = members(item, f"operation {number}")
    given, text = found.get("op"), found.get("path")
    op = given.lower() if isinstance(given, str) else ""
    if op not in _OPS:
        raise InvalidSyntax(f"operation {number}: 'op' must be add, replace or remove, found {shown(given)}")
    value = found.get("value", ABSENT)
    if value is ABSENT and isinstance(item, dict) and "value" in map(str.casefold, item):
        value = None
    if text is not None and not isinstance(text, str):
        raise InvalidSyntax(f"operation {number}: 'path' must be a string, found {shown(text)}")
    try:
        if text is None and op == "remove":
            raise NoTarget("a remove needs a 'path' that says what to remove")
        if op != "remove" and value is ABSENT:
            raise InvalidValue("'value' is missing; to clear an attribute use remove")
        return Operation(op, None if text is None else parse_path(text), value, number)
    except ScimError as error:
        raise Operation(op, None, value, number).error(error) from error


def _apply(checker: Checker, document: dict[str, Any], operation: Operation) -> dict[str, Any]:
    value = None if operation.value is ABSENT else operation.value
    path = operation.path
    if path is None:
        return _whole(checker, document, operation.op, value)
    rules, choice = _target(checker.type, path)
    top = rules[0].name
    if top == "schemas":
        _schemas(checker, operation.op, value, path)
        return document
    new = change(rules, operation.op, document.get(top), value, choice)
    if new is not None:
        return {**document, top: new}
    return {name: item for name, item in document.items() if name != top}


class _Target(NamedTuple):
    """What a path points at."""

    rules: tuple[Rule, ...]
    """From the top of the document down."""
    choice: Choice | None
    """Which values its filter chooses."""


def _target(t: ResourceType, path: Path) -> _Target:
    return _remembered(t, path.text) if 0 < len(path.text) <= SHORT else _found(t, path)


@lru_cache(maxsize=1024)
def _remembered(t: ResourceType, text: str) -> _Target:
    """An identity provider changes the same few attributes again and again."""
    return _found(t, parse_path(text))


def _found(t: ResourceType, path: Path) -> _Target:
    ref = find(path, t)
    rules = checker_for(t).rules(ref)
    if path.filter is None or rules[0].name == "schemas":
        return _Target(tuple(rules), None)
    choice = _choice(path.filter, ref, rules[-1], t)
    return _Target((*rules, *part_of(path, rules[-1])), choice)


def _whole(checker: Checker, document: Mapping[str, Any], op: str, value: Any) -> dict[str, Any]:
    """An operation without a path: the value holds attributes of the resource itself."""
    if not isinstance(value, dict):
        raise Misfit(f"without a 'path' the value must be an object of attributes, found {shown(value)}")
    source = {name: item for name, item in value.items() if name.casefold() != "schemas"}
    for name in source:
        if ("." in name or ":" in name) and not checker.table.find(name, source):
            raise InvalidPath(
                f"'{name}' is not the name of an attribute or extension of {checker.type.name}; give "
                "sub-attributes inside their attribute, or use a 'path'"
            )
    return merge(checker.table, op, document, source)


def _schemas(checker: Checker, op: str, value: Any, path: Path) -> None:
    """``schemas`` follows from what the resource has; a client may say so, and cannot say otherwise."""
    if op == "remove" or path.filter is not None:
        raise Mutability("'schemas' lists the extensions that have content; remove their attributes instead")
    checker.known_schemas(value if isinstance(value, list) else [value])


def find(path: Path, t: ResourceType) -> Ref:
    """The attribute that a path names, without the part behind a filter. Raises ``InvalidPath``."""
    attr = path.attr
    ref = t.resolve(attr.urn, attr.name, attr.sub)
    if ref is not None:
        return ref
    parent = t.resolve(attr.urn, attr.name) if attr.sub else None
    if parent is None or parent.attribute is None:
        raise InvalidPath(f"{t.name} has no attribute '{attr}'")
    raise InvalidPath(
        _no_part(str(parent), attr.sub or "", [s.name for s in parent.attribute.sub_attributes])
    )


def part_of(path: Path, rule: Rule) -> list[Rule]:
    """The rule of the sub-attribute behind a filter, if there is one. Raises ``InvalidPath``."""
    if path.sub is None:
        return []
    part = rule.table.find(path.sub, {}) if rule.table is not None else None
    if part is None:
        raise InvalidPath(_no_part(rule.name, path.sub, list(rule.table.rules) if rule.table else []))
    return [part]


def _no_part(name: str, sub: str, known: list[str]) -> str:
    has = f"it has {', '.join(known)}" if known else "it is not complex"
    return f"'{name}' has no sub-attribute '{sub}'; {has}"


def _choice(f: Filter, ref: Ref, rule: Rule, t: ResourceType) -> Choice:
    if not rule.attribute.multi_valued:
        raise InvalidPath(f"'{ref}' has a single value; leave out the filter")
    bound = bind_values(f, ref, t)
    return Choice(chooser(bound, rule.attribute), seed_of(f, rule, {}))


def seed_of(f: Filter, rule: Rule, seed: dict[str, Any]) -> dict[str, Any] | None:
    """The value that a filter describes if it only says what is equal to what, joined by ``and``.

    ``emails[type eq "work"]`` describes ``{"type": "work"}``: clients add through such a path a value
    that does not exist yet.
    """
    if isinstance(f, And):
        return seed if all(seed_of(part, rule, seed) is not None for part in f.parts) else None
    if not isinstance(f, Compare) or f.op != "eq" or f.value is None or rule.table is None:
        return None
    part = rule.table.find(f.path.name, {})
    if part is None or part.attribute.multi_valued or part.attribute.mutability == "readOnly":
        return None
    literal: Any = f.value
    if part.attribute.type == "boolean" and isinstance(literal, str):
        literal = literal.lower() == "true"
    if seed.setdefault(part.name, literal) != literal:
        return None
    return seed
