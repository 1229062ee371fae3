"""Mapping: what the application makes of an account, by declarative rules in CEL.

    fields    name ← expression        user.emails.filter(e, e.primary)[0].value
    roles     role ⇐ condition         "Admins" in groups

A rule sees ``user`` (the SCIM attributes), ``groups`` (names of all its groups, also through other groups),
``group_ids``, ``enterprise`` (the enterprise extension, or an empty map), ``id``, ``external_id`` and
``active``. A value of a list has a ``primary`` and a ``type`` in any case. A field whose expression comes to
nothing, because an attribute is not there, is not there either; a role is given only where its condition is
true. Pure: who compiles expressions is handed in.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rosterd.scim import errors, urns

MAX_RULES: Final = 200
MAX_EXPRESSION: Final = 2000
MAX_EXPRESSIONS: Final = 20_000
"""Characters of all rules together; to compile so many takes a quarter of a second at worst."""
MAX_LOOPS: Final = 3
"""``map``, ``filter``, ``all``, ``exists`` in one expression: each goes through a list."""
MAX_PARTS: Final = 100
"""Parts of a text that is split."""
MAX_STEPS: Final = 2_000_000
"""Of one rule: a loop through ``n`` values takes ``n`` squared steps, one within another ``n`` cubed."""
TURN_STEPS: Final = 2_000_000
"""After so many, whoever maps many accounts lets others have a turn."""
MAX_TEXT: Final = 10_000
"""Characters of a value that a rule gives; a longer one is a fault."""

# A letter, then at most 63 letters, digits, "_", "-", "." and ":".
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")
_STRING: Final = re.compile(r"""'[^']*'|"[^"]*\"""")
VARIABLES: Final = ("user", "enterprise", "groups", "group_ids", "active", "id", "external_id")
_OF_CEL: Final = frozenset(("bool", "int", "uint", "double", "string", "bytes", "list", "map", "optional"))
"""Names that CEL gives a meaning."""
_LOOP_NAME: Final = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(\s*(\w+)")
_LOOP: Final = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(")

Value = Mapping[str, Any]
"""What a mapping makes of an account: ``{"fields": {…}, "roles": […]}``."""

_SILENT: Final = {"primary": False, "type": ""}

NOTHING: Final[Value] = {"fields": {}, "roles": []}


class Missing(Exception):
    """An expression asked for what is not there."""


class ExpressionError(Exception):
    """An expression is not valid, or cannot be evaluated; the message is for whoever wrote it."""


class Expression(Protocol):
    """A compiled expression."""

    @property
    def names(self) -> Collection[str]:
        """What it reads: variables, and those of its loops."""

    def __call__(self, variables: Any) -> Any:
        """Its value, JSON-able. Raises ``Missing`` and ``ExpressionError``."""


class Expressions(Protocol):
    """Compiles expressions of one language."""

    def compile(self, text: str) -> Expression:
        """Raises ``ExpressionError``."""

    def variables(self, values: Mapping[str, Any]) -> Any:
        """Variables in the form that expressions take; made once for all rules of an account."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A directory's mapping as it is written: pairs of field and expression, of role and condition."""

    fields: tuple[tuple[str, str], ...] = ()
    roles: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Rules":
        """From JSON: ``{"fields": [{"name", "value"}], "roles": [{"role", "when"}]}``.

        Raises ``InvalidValue``.
        """
        fields = tuple((one["name"], one["value"]) for one in data.get("fields", ()))
        roles = tuple((one["role"], one["when"]) for one in data.get("roles", ()))
        if len(fields) + len(roles) > MAX_RULES:
            raise errors.InvalidValue(f"A mapping has at most {MAX_RULES} rules.")
        for kind, rules in (("field", fields), ("role", roles)):
            names = [name for name, _ in rules]
            for name in names:
                if not _NAME.fullmatch(name):
                    raise errors.InvalidValue(
                        f"The {kind} '{name[:100]}': a name is a letter and at most 63 letters, digits, "
                        "'_', '-', '.' or ':'."
                    )
            doubled = [name for name in names if names.count(name) > 1]
            if doubled and kind == "field":
                raise errors.InvalidValue(f"The field '{doubled[0]}' has two rules; write one.")
        return cls(fields, roles)

    @property
    def length(self) -> int:
        """Characters of all expressions."""
        return sum(len(text) for _, text in (*self.fields, *self.roles))

    def check_length(self, present: "Rules") -> None:
        """Raise ``InvalidValue`` if they are too long together, and no shorter way from the present ones."""
        if self.length > max(MAX_EXPRESSIONS, present.length):
            raise errors.InvalidValue(
                f"The rules of a mapping have at most {MAX_EXPRESSIONS:,} characters together, "
                f"not {self.length:,}; write fewer or shorter ones."
            )

    def to_json(self) -> dict[str, Any]:
        """As ``of`` reads it."""
        return {
            "fields": [{"name": name, "value": value} for name, value in self.fields],
            "roles": [{"role": role, "when": when} for role, when in self.roles],
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that could not be evaluated for an account."""

    rule: str
    message: str


class Mapper:
    """Compiled rules. Raises ``InvalidValue`` that names the rule that is not valid."""

    def __init__(self, rules: Rules, expressions: Expressions) -> None:
        self.steps = 0
        """How many the rules have taken so far, at most, for all accounts."""
        self._expressions = expressions
        self._fields = [(name, self._compiled("field", name, text)) for name, text in rules.fields]
        self._roles = [(role, self._compiled("role", role, text)) for role, text in rules.roles]

    def _compiled(self, kind: str, name: str, text: str) -> "_Rule":
        if len(text) > MAX_EXPRESSION:
            raise errors.InvalidValue(f"The {kind} '{name}': at most {MAX_EXPRESSION} characters.")
        if len(_LOOP.findall(text)) > MAX_LOOPS:
            raise errors.InvalidValue(
                f"The {kind} '{name}': at most {MAX_LOOPS} of map, filter, all and exists in one expression."
            )
        try:
            expression = self._expressions.compile(text)
        except ExpressionError as error:
            raise errors.InvalidValue(f"The {kind} '{name}': {error}") from error
        own = _OF_CEL.union(_LOOP_NAME.findall(text))
        return _Rule(expression, _depth(text), text.count("+") + 1, text.count(","), ".split" in text, own)

    def check_names(self) -> None:
        """Raise ``InvalidValue`` for a name that no account has: its rule would give nobody anything."""
        for kind, named in (("field", self._fields), ("role", self._roles)):
            for name, rule in named:
                for unknown in rule.unknown():
                    raise errors.InvalidValue(
                        f"The {kind} '{name}': there is no variable '{unknown}'; there is: "
                        f"{', '.join(VARIABLES)}."
                    )

    def map(
        self,
        id: str,
        external_id: str | None,
        document: Mapping[str, Any],
        groups: Sequence[tuple[str, str | None]],
    ) -> tuple[Value, tuple[Fault, ...]]:
        """What the rules make of an account in these groups (id and name), and which of them failed."""
        longest = max(len(groups), _longest(document))
        for _, rule in (*self._fields, *self._roles):
            self.steps += min(rule.steps(longest), MAX_STEPS)
        variables = self._expressions.variables(
            {
                "user": _completed(document),
                "enterprise": document.get(urns.ENTERPRISE_USER, {}),
                "groups": [name for _, name in groups if name is not None],
                "group_ids": [group for group, _ in groups],
                "id": id,
                "external_id": external_id or "",
                "active": document.get("active", True),
            }
        )
        faults: list[Fault] = []
        fields = {}
        for name, expression in self._fields:
            value = _evaluated(expression, variables, longest, name, faults)
            if value is not None:
                fields[name] = value
        roles = []
        for role, condition in self._roles:
            value = _evaluated(condition, variables, longest, role, faults)
            if value is not None and not isinstance(value, bool):
                faults.append(Fault(role, "the condition must come to true or false"))
            if value is True:
                roles.append(role)
        return {"fields": fields, "roles": sorted(set(roles))}, tuple(faults)


def _completed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what the values of lists are without saying so: not primary, of no type.

    So a rule may ask every e-mail for its ``primary`` (RFC 7643 §2.4: assumed false) and its ``type``.
    """
    return {
        name: [_SILENT | one if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else value
        for name, value in document.items()
    }


@dataclass(frozen=True, slots=True)
class _Rule:
    """A compiled rule and what its cost depends on."""

    expression: Expression
    depth: int
    """Loops within each other."""
    joined: int
    """How many lists it may make one of."""
    listed: int
    """Values it may list itself."""
    splits: bool
    own: frozenset[str]
    """Names that CEL or its own loops give a meaning."""

    def unknown(self) -> list[str]:
        """What it reads that no account has."""
        return sorted(set(self.expression.names) - {*VARIABLES, *self.own})

    def steps(self, longest: int) -> int:
        """How many it may take where no list is longer; without a loop they do not count."""
        longest = max(longest, MAX_PARTS if self.splits else 0)
        return (longest * self.joined + self.listed) ** (self.depth + 1) if self.depth else 0


def _depth(text: str) -> int:
    """How many loops lie within each other, at most."""
    if "\\" in text or "'''" in text or '"""' in text:  # where its strings end is not easily said
        return len(_LOOP.findall(text))
    text = _LOOP.sub("{", _STRING.sub("", text).replace("{", "").replace("}", ""))
    depth = deepest = 0
    opened: list[bool] = []
    for sign in text:
        if sign in "({":
            opened.append(sign == "{")
            depth += opened[-1]
            deepest = max(deepest, depth)
        elif sign == ")" and opened:
            depth -= opened.pop()
    return deepest


def _longest(value: Any) -> int:
    """The length of the longest list in a document."""
    if isinstance(value, Mapping):
        return max(map(_longest, value.values()), default=0)
    return max([len(value), *map(_longest, value)]) if isinstance(value, list) else 0


def _evaluated(rule: _Rule, variables: Any, longest: int, name: str, faults: list[Fault]) -> Any:
    if rule.steps(longest) > MAX_STEPS:  # it might go on for too long
        faults.append(Fault(name, "it would go through too many values; write it with fewer loops"))
        return None
    try:
        value = rule.expression(variables)
    except Missing:
        return None
    except ExpressionError as error:
        faults.append(Fault(name, str(error)))
        return None
    if len(str(value)) > MAX_TEXT:
        faults.append(Fault(name, f"the value is longer than {MAX_TEXT} characters"))
        return None
    return value


def difference(before: Value, after: Value) -> dict[str, Any] | None:
    """``before`` and ``after`` of the fields that differ, and the roles of both; ``None`` if nothing does."""
    if before == after:
        return None
    told: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    for side, value, other in (("before", before, after), ("after", after, before)):
        told[side] = {k: v for k, v in value["fields"].items() if other["fields"].get(k) != v}
    roles: Callable[[Value], list[str]] = lambda value: list(value["roles"])  # noqa: E731
    if roles(before) != roles(after):
        told["before"]["roles"], told["after"]["roles"] = roles(before), roles(after)
    return dict(told)
