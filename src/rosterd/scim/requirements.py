"""What a directory asks of its resources beyond their schemas, as an overlay on its model.

    requirements   resource type → required paths, and the canonical values of paths
    path           name.givenName · externalId · urn:…:acme:2.0:User:costCode · emails.primary
    emails.primary one of the values must be marked as primary and have a ``value``

``tighten`` gives a model whose attributes say so: discovery shows them as ``required`` and with their
``canonicalValues``, and the check enforces both. What is written must keep to it; what lies there from
before may lie there until it is replaced. Pure; a model without requirements is not touched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rosterd.scim.errors import ScimError
from rosterd.scim.filter import And, AttrPath, Compare, Filter, Not, Or, Present
from rosterd.scim.filter import Any as AnyOf
from rosterd.scim.path import parse_attribute
from rosterd.scim.schema import (
    COMMON,
    Attribute,
    Extension,
    Model,
    Ref,
    ResourceType,
    Schema,
    SchemaError,
)
from rosterd.scim.tightening import Tightening

MAX_PATHS: Final = 100
"""Paths that one resource type may have in each of its two lists."""
MAX_VALUES: Final = 200
MAX_TEXT: Final = 256
"""Characters of a path or canonical value."""

_PRIMARY: Final = "primary"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the resources of one type."""

    required: tuple[str, ...] = ()
    """Attributes that must have a value, by their paths."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path → the values that the attribute may have."""

    def to_json(self) -> dict[str, Any]:
        """The form that ``read`` takes."""
        return {
            "required": list(self.required),
            "canonicalValues": {path: list(values) for path, values in self.values.items()},
        }


Requirements = Mapping[str, Asked]
"""By the name of the resource type."""


def read(data: Any, model: Model) -> Requirements:
    """Requirements from JSON, paths as the schema spells them; types of which nothing is asked are left out.

    Raises ``SchemaError`` with the place of a fault: no such type or attribute, or one that nobody can be
    asked for.
    """
    if not isinstance(data, Mapping):
        raise SchemaError("requirements must be a JSON object of resource types")
    found: dict[str, Asked] = {}
    for name, asked in data.items():
        resource_type = model.types.get(name)
        if resource_type is None:
            raise SchemaError(f"there is no resource type '{name}'; there is {', '.join(model.types)}")
        if not isinstance(asked, Mapping):
            raise SchemaError(f"{name}: must be a JSON object with 'required' and 'canonicalValues'")
        unknown = [key for key in asked if key not in ("required", "canonicalValues")]
        if unknown:
            raise SchemaError(f"{name}: '{unknown[0]}' is not known; there is required and canonicalValues")
        one = Asked(
            _required(asked.get("required", []), resource_type),
            _canonical(asked.get("canonicalValues", {}), resource_type),
        )
        if one.required or one.values:
            found[name] = one
    return found


def tighten(model: Model, requirements: Requirements, by: str) -> Model:
    """The model with the requirements laid over it; ``by`` is who asks, as clients are told.

    Raises ``SchemaError`` if the model does not have a type or attribute that they name.
    """
    types = dict(model.types)
    schemas = dict(model.schemas)
    for name, asked in requirements.items():
        if name not in types:
            raise SchemaError(f"the requirements name the resource type '{name}', which is not there")
        types[name] = tightened = _type(types[name], asked, by)
        for schema in (tightened.schema, *(e.schema for e in tightened.extensions)):
            schemas[schema.id.casefold()] = schema
    return Model(schemas, types)


def lacking(path: str, resource_type: ResourceType) -> Filter:
    """The filter for resources that lack what is required."""
    ref, primary = _find(path, resource_type)
    if primary:
        marked = And((Compare(AttrPath(None, _PRIMARY), "eq", True), Present(AttrPath(None, "value"))))
        return Not(AnyOf(_attr(Ref(ref.extension, ref.attribute)), marked))
    if ref.sub is not None and ref.attribute is not None and ref.attribute.multi_valued:
        # Every value must have the sub-attribute, and there must be one.
        part = AttrPath(None, ref.sub.name)
        return Or(
            (Not(Present(_attr(ref))), AnyOf(_attr(Ref(ref.extension, ref.attribute)), Not(Present(part))))
        )
    return Not(Present(_attr(ref)))


def straying(path: str, values: Iterable[str], resource_type: ResourceType) -> Filter:
    """The filter for resources with a value that is none of the canonical ones."""
    ref, _ = _find(path, resource_type)
    attr = _attr(ref)
    if ref.attribute is not None and ref.attribute.multi_valued and ref.sub is not None:
        part = AttrPath(None, ref.sub.name)
        return AnyOf(_attr(Ref(ref.extension, ref.attribute)), _none_of(part, values))
    return _none_of(attr, values)


def _none_of(attr: AttrPath, values: Iterable[str]) -> Filter:
    allowed = tuple(Compare(attr, "eq", value) for value in values)
    among: Filter = allowed[0] if len(allowed) == 1 else Or(allowed)
    return And((Present(attr), Not(among)))


def _attr(ref: Ref) -> AttrPath:
    name = ref.attribute.name if ref.attribute else ""
    return AttrPath(ref.extension, name, ref.sub.name if ref.sub else None)


def _required(data: Any, resource_type: ResourceType) -> tuple[str, ...]:
    if not isinstance(data, list) or len(data) > MAX_PATHS:
        raise SchemaError(f"{resource_type.name}: 'required' must be a list of at most {MAX_PATHS} paths")
    return tuple(dict.fromkeys(str(_find(path, resource_type)[0]) for path in data))


def _canonical(data: Any, resource_type: ResourceType) -> dict[str, tuple[str, ...]]:
    if not isinstance(data, Mapping) or len(data) > MAX_PATHS:
        raise SchemaError(
            f"{resource_type.name}: 'canonicalValues' must be an object of at most {MAX_PATHS} paths"
        )
    found: dict[str, tuple[str, ...]] = {}
    for path, values in data.items():
        ref, _ = _find(path, resource_type)
        if ref.target is None or ref.target.type != "string":
            raise SchemaError(f"{resource_type.name}: only texts have canonical values, and '{path}' is none")
        fits = isinstance(values, list) and 0 < len(values) <= MAX_VALUES
        if not fits or not all(
            isinstance(v, str) and 0 < len(v) <= MAX_TEXT and "\0" not in v for v in values
        ):
            raise SchemaError(
                f"{resource_type.name}: the canonical values of '{path}' must be a list of 1 to {MAX_VALUES} "
                f"texts of at most {MAX_TEXT} characters"
            )
        found[str(ref)] = tuple(dict.fromkeys(values))
    return found


def _find(path: Any, resource_type: ResourceType) -> tuple[Ref, bool]:
    """The attribute of a path, and whether its primary value is meant. Raises ``SchemaError``."""
    name = resource_type.name
    if not isinstance(path, str) or len(path) > MAX_TEXT:
        raise SchemaError(f"{name}: a path must be a text of at most {MAX_TEXT} characters")
    try:
        attr = parse_attribute(path)
    except ScimError as error:
        raise SchemaError(
            f"{name}: '{path}' is not the path of an attribute, such as name.givenName"
        ) from error
    ref = resource_type.resolve(attr.urn, attr.name, attr.sub)
    if ref is None or ref.attribute is None or ref.target is None:
        raise SchemaError(f"{name}: there is no attribute '{path}'")
    given = (ref.attribute, ref.target)
    if any(attribute.mutability == "readOnly" for attribute in given):
        raise SchemaError(f"{name}: '{path}' is set by the server; no client can be asked for it")
    if ref.extension is None and ref.attribute.name in ("schemas", "members"):
        raise SchemaError(f"{name}: '{path}' cannot be asked for")
    if any(attribute.returned == "never" for attribute in given):
        raise SchemaError(f"{name}: '{path}' is never shown, so nobody could see whether it is there")
    primary = ref.sub is not None and ref.sub.name == _PRIMARY and ref.sub.type == "boolean"
    return ref, primary and ref.attribute.multi_valued


def _type(resource_type: ResourceType, asked: Asked, by: str) -> ResourceType:
    rules: dict[str | None, dict[str, _Rules]] = {}
    for path in asked.required:
        ref, primary = _find(path, resource_type)
        rule = _rules_of(rules, ref)
        if primary:
            rule.primary = True
        else:
            rule.require(ref)
    for path, values in asked.values.items():
        ref, _ = _find(path, resource_type)
        _rules_of(rules, ref).allow(ref, values)
    core = rules.get(None, {})
    own = tuple(_attribute(a, core.get(a.name), by) for a in resource_type.schema.attributes)
    # A common attribute belongs to no schema (RFC 7643 §3.1); one with a rule is listed with the core
    # schema's, where discovery can show the rule.
    names = {a.name for a in resource_type.schema.attributes}
    common = tuple(
        _attribute(a, core[a.name], by) for a in COMMON.values() if a.name in core and a.name not in names
    )
    schema = replace(resource_type.schema, attributes=(*common, *own))
    extensions = tuple(_extension(e, rules.get(e.schema.id, {}), by) for e in resource_type.extensions)
    return replace(resource_type, schema=schema, extensions=extensions)


class _Rules:
    """What is asked of one attribute and its parts, gathered."""

    def __init__(self) -> None:
        self.whole = self.primary = False
        self.required: set[str] = set()
        self.values: dict[str | None, tuple[str, ...]] = {}

    def require(self, ref: Ref) -> None:
        if ref.sub is None:
            self.whole = True
        else:
            self.required.add(ref.sub.name)

    def allow(self, ref: Ref, values: tuple[str, ...]) -> None:
        self.values[ref.sub.name if ref.sub else None] = values

    @property
    def needs_value(self) -> bool:
        return self.whole or self.primary or bool(self.required)


def _rules_of(rules: dict[str | None, dict[str, _Rules]], ref: Ref) -> _Rules:
    name = ref.attribute.name if ref.attribute else ""
    return rules.setdefault(ref.extension, {}).setdefault(name, _Rules())


def _attribute(attribute: Attribute, rules: _Rules | None, by: str) -> Attribute:
    if rules is None:
        return attribute
    subs = tuple(
        _part(sub, sub.name in rules.required, rules.values.get(sub.name), by)
        for sub in attribute.sub_attributes
    )
    part_only = bool(rules.required) and not rules.whole and not rules.primary
    tightened = _part(attribute, rules.needs_value, rules.values.get(None), by, part_only=part_only)
    if rules.primary:
        tightened = replace(tightened, tightening=Tightening(by, primary=True))
    return replace(tightened, sub_attributes=subs)


def _part(
    attribute: Attribute,
    required: bool,
    values: tuple[str, ...] | None,
    by: str,
    *,
    part_only: bool = False,
) -> Attribute:
    if not required and values is None:
        return attribute
    return replace(
        attribute,
        required=attribute.required or required,
        canonical_values=attribute.canonical_values if values is None else values,
        tightening=Tightening(by, part_only=part_only, values=values is not None),
    )


def _extension(extension: Extension, rules: Mapping[str, _Rules], by: str) -> Extension:
    if not rules:
        return extension
    attributes = tuple(_attribute(a, rules.get(a.name), by) for a in extension.schema.attributes)
    schema: Schema = replace(extension.schema, attributes=attributes)
    if not any(rule.needs_value for rule in rules.values()):
        return replace(extension, schema=schema)
    tightening = None if extension.required else Tightening(by, part_only=True)
    return Extension(schema, True, tightening)
