"""Documents meet the schema: what a client sent goes in, a canonical document comes out, or a reason.

Never mutates its input. A canonical document has the schema's spelling of every name, fitting types,
no ``null``, ``[]`` or ``{}`` (all three mean "no value", RFC 7643 §2.5; an empty string is a value, but no
externalId), and nothing the client may not set: attributes that are readOnly, never returned or unknown are
not in it.

The schema is compiled once per resource type into look-up tables of rules:

    Checker      a resource type, ready to check documents
      Table      names → rules, letter case ignored
        Rule     one attribute; a complex one has a table of its own

An extension is compiled as a complex attribute named by its URN.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from rosterd.scim.errors import InvalidSyntax, InvalidValue, Mutability
from rosterd.scim.fit import (
    PLAIN,
    Check,
    Misfit,
    chosen,
    forgotten,
    join,
    leaf,
    nothing,
    several,
    shown,
    unfit,
)
from rosterd.scim.schema import COMMON, Attribute, Ref, ResourceType

_CHECKERS_KEPT: Final = 1024
_REQUIRED: Final = "a value is required"
IMMUTABLE: Final = "is immutable, its value cannot be changed"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One compiled attribute, sub-attribute or extension."""

    attribute: Attribute
    name: str
    one: Check
    """Checks a single value, also of a multi-valued attribute."""
    check: Check
    """Checks the attribute as a whole; ``None`` for what is not stored."""
    table: "Table | None" = None
    """The sub-attributes of a complex attribute, the attributes of an extension."""
    primary: bool = False
    """Whether at most one of several values may be ``primary`` (RFC 7643 §2.4)."""
    plain: type | None = None
    """What is of this class, ``check`` gives back as it is, but a text with U+0000."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A required attribute that has no value; ``by`` is the directory that asks for it, if not its schema."""

    path: str
    by: str = ""

    def under(self, name: str) -> "Lack":
        """The same, seen from one level further out."""
        return Lack(join(name, self.path), self.by)

    def __str__(self) -> str:
        rule = f" by {self.by}, whose administrator set this rule" if self.by else ""
        return f"{self.path}: {_REQUIRED}{rule}"


class Table:
    """Names to rules; letter case is ignored (RFC 7643 §2.1)."""

    __slots__ = ("_folded", "_plain", "fixed", "required", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self._plain = {rule.name: rule.plain for rule in self.rules.values() if rule.plain}
        self._folded = {rule.name.casefold(): rule for rule in self.rules.values()}
        self.required = tuple(rule for rule in self.rules.values() if _can_be_missed(rule))
        self.fixed = tuple(rule for rule in self.rules.values() if _is_fixed(rule))
        """Rules of which a PUT keeps something: readOnly and immutable ones, and what contains such."""

    def find(self, name: str, source: Mapping[str, Any]) -> Rule | None:
        """The rule for a key of ``source`` that is not in the schema's spelling; ``None`` if unknown."""
        folded = name.casefold()
        rule = self._folded.get(folded)
        if rule is not None and sum(key.casefold() == folded for key in source) > 1:
            raise Misfit("is given twice, in different letter case", InvalidSyntax, rule.name)
        return rule

    def read(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """The canonical form of an object."""
        out: dict[str, Any] = {}
        rules, plain = self.rules, self._plain
        for key, value in source.items():
            kind = value.__class__
            if kind is plain.get(key) and (kind is bool or "\0" not in value):
                out[key] = value
                continue
            rule = rules.get(key)
            if rule is None:
                rule = self.find(key, source)
                if rule is None:
                    continue
            if value is not None:
                try:
                    value = rule.check(value)
                except Misfit as misfit:
                    raise misfit.under(rule.name) from None
                if value is not None:
                    out[rule.name] = value
        return out

    def lacking(self, values: Mapping[str, Any], *, first: bool = False) -> list[Lack]:
        """The required attributes that a canonical object lacks.

        Whoever asks for the ``first`` one is not told of all the values that lack the same behind it.
        """
        lacks: list[Lack] = []
        for rule in self.required:
            value = values.get(rule.name)
            if value is None or value == "" or (value.__class__ is str and value.isspace() and _is_own(rule)):
                if rule.attribute.required:
                    lacks += _missing(rule)
            elif rule.table is not None:
                several = isinstance(value, list)
                for position, element in enumerate(value if several else (value,)):
                    name = f"{rule.name}[{position}]" if several else rule.name
                    lacks += [inner.under(name) for inner in rule.table.lacking(element, first=first)]
                    if first and lacks:
                        return lacks
                asked = rule.attribute.tightening
                if asked is not None and asked.primary and not any(map(_is_primary, value)):
                    lacks += _missing(rule)
        return lacks


class Checker:
    """A resource type, ready to check documents. Get it from ``checker_for``."""

    __slots__ = ("_extensions", "_secrets", "_urns", "table", "type")

    def __init__(self, resource_type: ResourceType) -> None:
        self.type = resource_type
        self._extensions = tuple(extension.schema.id for extension in resource_type.extensions)
        self._urns = {urn.casefold(): urn for urn in (resource_type.schema.id, *self._extensions)}
        common = [a for a in COMMON.values() if a.name.casefold() not in resource_type.schema.by_name]
        rules = [_rule(a) for a in (*common, *resource_type.schema.attributes) if a.name != "schemas"]
        rules.append(Rule(COMMON["schemas"], "schemas", self._schemas, self._schemas))
        rules.extend(
            _rule(
                Attribute(
                    e.schema.id,
                    "complex",
                    required=e.required,
                    sub_attributes=e.schema.attributes,
                    tightening=e.tightening,
                )
            )
            for e in resource_type.extensions
        )
        self.table = Table(rules)
        self._secrets = [r.name for r in rules if r.attribute.required and r.attribute.returned == "never"]

    def rules(self, ref: Ref) -> list[Rule]:
        """The rules from the top of the document down to ``ref``: extension, attribute, sub-attribute."""
        found: list[Rule] = []
        table: Table | None = self.table
        for key in ref.keys:
            if table is not None:
                found.append(table.rules[key])
                table = found[-1].table
        return found

    def create(self, document: object) -> dict[str, Any]:
        """See the function ``create``."""
        return self.complete(self._draft(document, self._secrets))

    def replace(self, document: object, current: Mapping[str, Any]) -> dict[str, Any]:
        """See the function ``replace``."""
        return self.replaced(self._draft(document, ()), current)

    def complete(self, draft: dict[str, Any]) -> dict[str, Any]:
        """Make canonical values, ``schemas`` first, a document. Raises ``InvalidValue`` if one lacks."""
        drop_blank(draft)
        for lack in self.table.lacking(draft, first=True):
            raise InvalidValue(str(lack))
        draft["schemas"] = self.schemas(draft)
        return draft

    def replaced(self, draft: dict[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
        """The same of values that shall replace ``current``. Raises ``Mutability``, too."""
        try:
            keep(self.table, draft, current)
        except Misfit as misfit:
            raise misfit.error() from misfit
        return self.complete(draft)

    @property
    def has_secrets(self) -> bool:
        """Whether a value is required of a POST that is not kept."""
        return bool(self._secrets)

    def schemas(self, document: Mapping[str, Any]) -> list[str]:
        """What ``schemas`` must be: the core URN and every extension that has content."""
        return [self.type.schema.id, *[urn for urn in self._extensions if urn in document]]

    def known_schemas(self, value: object) -> list[str]:
        """The URNs of a ``schemas`` value, each one of this resource type. Raises ``Misfit``."""
        if not isinstance(value, list):
            raise Misfit(f"expected a list of schema URNs, found {shown(value)}")
        known = []
        for position, urn in enumerate(value):
            if not isinstance(urn, str):
                raise Misfit(f"expected a schema URN, found {shown(urn)}", where=f"[{position}]")
            found = self._urns.get(urn.casefold())
            if found is None:
                raise Misfit(
                    f"'{urn}' is not a schema of the resource type {self.type.name}, "
                    f"which has {', '.join(self._urns.values())}"
                )
            known.append(found)
        return known

    def _schemas(self, value: object) -> list[str]:
        known = self.known_schemas(value)
        if self.type.schema.id not in known:
            raise Misfit(f"must contain {self.type.schema.id}")
        return known

    def _draft(self, document: object, secrets: Iterable[str]) -> dict[str, Any]:
        if not isinstance(document, dict):
            raise InvalidSyntax(f"the body must be a JSON object, found {shown(document)}")
        try:
            draft = self.table.read(document)
        except Misfit as misfit:
            raise misfit.error() from misfit
        if "schemas" not in draft:
            raise InvalidValue(f"schemas: {_REQUIRED}, a list that contains {self.type.schema.id}")
        for name in secrets:
            folded = name.casefold()
            if all(v in (None, "", [], {}) for key, v in document.items() if key.casefold() == folded):
                raise InvalidValue(f"{name}: {_REQUIRED}")
        return {"schemas": draft.pop("schemas"), **draft}


@lru_cache(maxsize=_CHECKERS_KEPT)
def checker_for(resource_type: ResourceType) -> Checker:
    """The checker of a resource type, compiled at first use."""
    return Checker(resource_type)


def create(document: object, t: ResourceType) -> dict[str, Any]:
    """The canonical document of a POST (RFC 7644 §3.3).

    Raises ``InvalidSyntax`` for a body that is no object or has an attribute twice, ``InvalidValue``
    for a value that does not fit or a required one that is missing.
    """
    return checker_for(t).create(document)


def replace(document: object, t: ResourceType, current: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical document of a PUT over ``current`` (RFC 7644 §3.5.1).

    What the client cannot change is kept from ``current``. Raises as ``create`` does, and
    ``Mutability`` for an immutable attribute given with another value. A required attribute that is
    never returned need not be given: the client cannot know it.
    """
    return checker_for(t).replace(document, current)


def drop_blank(document: dict[str, Any]) -> None:
    """Take an externalId out that is empty or blank: by it a client would take its resources for one."""
    name = document.get("externalId")
    if name.__class__ is str and not name.strip():
        del document["externalId"]


def identity(attribute: Attribute, value: Any) -> Hashable:
    """Equal for values that are the same by the rules of comparison; the order of several is nothing."""
    if isinstance(value, list):
        return frozenset(Counter(identity(attribute, element) for element in value).items())
    if isinstance(value, dict):
        known = ((key, attribute.subs.get(key.casefold()), item) for key, item in value.items())
        return frozenset((key, identity(sub, item)) for key, sub, item in known if sub)
    folded: Hashable = attribute.fold(value)
    return folded


def keep(table: Table, draft: dict[str, Any], current: Mapping[str, Any]) -> None:
    """Carry into ``draft`` what a client cannot change by replacing ``current``. Raises ``Misfit``."""
    for rule in table.fixed:
        before, after = current.get(rule.name), draft.get(rule.name)
        if before is None:
            continue
        if rule.attribute.mutability in ("readOnly", "immutable"):
            if after is not None and identity(rule.attribute, after) != identity(rule.attribute, before):
                raise Misfit(IMMUTABLE, Mutability, rule.name)
            draft[rule.name] = before
        elif rule.table is not None:
            inner = dict(after or {})
            try:
                keep(rule.table, inner, before)
            except Misfit as misfit:
                raise misfit.under(rule.name) from None
            if inner:
                # Not given at all, and its rest would lack something required: it stays as it is.
                whole = after is None and bool(rule.table.lacking(inner, first=True))
                draft[rule.name] = before if whole else inner


def _can_be_missed(rule: Rule) -> bool:
    attribute = rule.attribute
    if attribute.mutability == "readOnly" or attribute.returned == "never":
        return False
    return attribute.required or (rule.table is not None and bool(rule.table.required))


def _is_fixed(rule: Rule) -> bool:
    if rule.attribute.mutability in ("readOnly", "immutable"):
        return True
    return rule.table is not None and not rule.attribute.multi_valued and bool(rule.table.fixed)


def _missing(rule: Rule) -> Iterator[Lack]:
    """What to ask for where a required attribute has no value: itself, or the parts for whose sake it is."""
    asked = rule.attribute.tightening
    if asked is None:
        yield Lack(rule.name)
    elif asked.primary:
        yield Lack(join(rule.name, "primary"), asked.by)
    elif asked.part_only and rule.table is not None:
        yield from (inner.under(rule.name) for inner in rule.table.lacking({}))
    else:
        yield Lack(rule.name, asked.by)


def _is_own(rule: Rule) -> bool:
    """Whether the schema itself requires it, as a ``userName``: nobody could see one of blanks only."""
    return rule.attribute.required and rule.attribute.tightening is None


def _is_primary(value: Mapping[str, Any]) -> bool:
    return value.get("primary") is True and bool(value.get("value"))


def _rule(attribute: Attribute, secret: bool = False) -> Rule:
    secret = secret or attribute.returned == "never" or attribute.mutability == "writeOnly"
    table = None
    if attribute.type == "complex":
        table = Table(_rule(sub, secret) for sub in attribute.sub_attributes)
    one = simple = leaf(attribute.type, secret) if table is None else _complex(table, secret)
    if attribute.tightening is not None and attribute.tightening.values:
        one = chosen(one, attribute.canonical_values, attribute.case_exact, attribute.tightening.by)
    main = attribute.subs.get("primary")
    primary = attribute.multi_valued and main is not None and main.type == "boolean"
    check = several(one, primary, secret) if attribute.multi_valued else one
    if attribute.mutability == "readOnly":
        check = nothing
    elif attribute.returned == "never":
        check = forgotten(check)
    plain = PLAIN.get(attribute.type) if check is simple else None
    return Rule(attribute, attribute.name, one, check, table, primary, plain)


def _complex(table: Table, secret: bool) -> Check:
    def check(value: Any) -> Any:
        if value.__class__ is dict:
            return table.read(value) or None
        return unfit("an object", value, secret)

    return check
