"""Schemas as data: RFC 7643 §7 JSON in, frozen look-up tables out.

Everything here is built once per directory, never changes afterwards, and is compared and hashed
by identity (so that it can key a table at no cost). Attribute names are
case-insensitive (RFC 7643 §2.1), so every table is keyed by the casefolded name; documents inside
rosterd carry the exact spelling of the schema ("canonical documents").

    Model            the schemas and resource types of one directory
      ResourceType   RFC 7643 §6: endpoint, core schema, extensions
        Schema       RFC 7643 §7: a URN and its attributes
          Attribute  one attribute or sub-attribute with its characteristics
    Ref              an attribute found in a resource type: extension URN, attribute, sub-attribute
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from rosterd.scim.folding import Fold, Member, folder, text_folder
from rosterd.scim.tightening import Tightening

TYPES: Final = frozenset(
    ("string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex")
)
MUTABILITIES: Final = frozenset(("readOnly", "readWrite", "immutable", "writeOnly"))
RETURNED: Final = frozenset(("always", "never", "default", "request"))
UNIQUENESS: Final = frozenset(("none", "server", "global"))

# ATTRNAME = ALPHA *(nameChar); nameChar = "$" / "-" / "_" / DIGIT / ALPHA   (RFC 7643 §2.1);
# "$ref" of RFC 7643 §2.4 begins with "$", which the grammar forgets.
NAME: Final = r"\$?[A-Za-z][A-Za-z0-9$_-]*"
_NAME: Final = re.compile(NAME)
_URN: Final = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:[A-Za-z0-9()+,\-.:=@;$_!*'%/?#]+", re.I)
_ENDPOINT: Final = re.compile(r"/?[A-Za-z][A-Za-z0-9_.~-]*")


class SchemaError(ValueError):
    """A schema or resource type definition is not valid; the message names the place."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute or sub-attribute (RFC 7643 §2.2 characteristics, §7 JSON)."""

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    description: str = ""
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["Attribute", ...] = ()
    tightening: Tightening | None = None
    subs: Mapping[str, "Attribute"] = field(init=False, repr=False, compare=False)
    fold: Fold = field(init=False, repr=False, compare=False)
    """Gives its values in the form in which they are compared."""
    member: Member = field(init=False, repr=False, compare=False)
    """How it is folded as a part of an object."""

    def __post_init__(self) -> None:
        subs = self.sub_attributes
        object.__setattr__(self, "subs", {sub.name.casefold(): sub for sub in subs})
        object.__setattr__(self, "fold", folder(self.type, self.case_exact, (sub.member for sub in subs)))
        text = text_folder(self.type, self.case_exact)
        object.__setattr__(self, "member", (self.name, self.fold, text))

    @classmethod
    def from_json(cls, data: Any, where: str, *, nested: bool = False) -> "Attribute":
        """Read one element of ``attributes``; ``where`` is the path shown in a ``SchemaError``."""
        if not isinstance(data, Mapping):
            raise SchemaError(f"{where}: an attribute must be a JSON object")
        name = data.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise SchemaError(f"{where}: 'name' is missing or not an attribute name (RFC 7643 §2.1)")
        where = f"{where}.{name}"
        subs = data.get("subAttributes") or []
        kind = data.get("type", "string")
        if kind == "complex":
            if nested:
                raise SchemaError(f"{where}: a sub-attribute must not be complex (RFC 7643 §2.3.8)")
            if not isinstance(subs, list) or not subs:
                raise SchemaError(f"{where}: a complex attribute needs 'subAttributes'")
        elif subs:
            raise SchemaError(f"{where}: only a complex attribute has 'subAttributes'")
        # caseExact defaults to false (RFC 7643 §2.2), except where comparison by case folding
        # would be wrong: references and binaries are case-exact by definition (§2.3.6, §2.3.7).
        exact = data.get("caseExact", kind in ("reference", "binary"))
        return cls(
            name=name,
            type=_choice(data, "type", TYPES, "string", where),
            multi_valued=_flag(data, "multiValued", where),
            required=_flag(data, "required", where),
            case_exact=exact if isinstance(exact, bool) else _flag(data, "caseExact", where),
            mutability=_choice(data, "mutability", MUTABILITIES, "readWrite", where),
            returned=_choice(data, "returned", RETURNED, "default", where),
            uniqueness=_choice(data, "uniqueness", UNIQUENESS, "none", where),
            description=str(data.get("description") or ""),
            canonical_values=_strings(data, "canonicalValues", where),
            reference_types=_strings(data, "referenceTypes", where),
            sub_attributes=tuple(cls.from_json(sub, where, nested=True) for sub in subs),
        )

    def to_json(self) -> dict[str, Any]:
        """The attribute as ``/Schemas`` shows it."""
        data: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.type in ("string", "reference", "binary"):
            data["caseExact"] = self.case_exact
        if self.type != "complex" and self.type != "boolean":
            data["uniqueness"] = self.uniqueness
        if self.canonical_values:
            data["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            data["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            data["subAttributes"] = [sub.to_json() for sub in self.sub_attributes]
        return data


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One schema: a URN and its attributes (RFC 7643 §7)."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {a.name.casefold(): a for a in self.attributes})

    @classmethod
    def from_json(cls, data: Any) -> "Schema":
        """Read a schema; raises ``SchemaError`` with the place of the fault."""
        if not isinstance(data, Mapping):
            raise SchemaError("a schema must be a JSON object (RFC 7643 §7)")
        urn = data.get("id")
        if not isinstance(urn, str) or not _URN.fullmatch(urn):
            raise SchemaError(f"schema {urn!r}: 'id' must be a URN")
        attributes = data.get("attributes")
        if not isinstance(attributes, list):
            raise SchemaError(f"schema {urn}: 'attributes' must be a list")
        parsed = tuple(Attribute.from_json(a, urn) for a in attributes)
        if len({a.name.casefold() for a in parsed}) != len(parsed):
            raise SchemaError(f"schema {urn}: two attributes have the same name")
        name = str(data.get("name") or urn.rsplit(":", 1)[-1])
        return cls(urn, name, str(data.get("description") or ""), parsed)

    def to_json(self) -> dict[str, Any]:
        """The schema as ``/Schemas`` shows it, without ``schemas`` and ``meta``."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [a.to_json() for a in self.attributes],
        }


# The common attributes of RFC 7643 §3.1. They belong to every resource and to no schema.
COMMON: Final[Mapping[str, Attribute]] = {
    a.name.casefold(): a
    for a in (
        Attribute("id", case_exact=True, mutability="readOnly", returned="always", uniqueness="server"),
        Attribute("externalId", case_exact=True),
        Attribute(
            "schemas", "reference", multi_valued=True, required=True, case_exact=True, returned="always"
        ),
        Attribute(
            "meta",
            "complex",
            mutability="readOnly",
            sub_attributes=(
                Attribute("resourceType", case_exact=True, mutability="readOnly"),
                Attribute("created", "dateTime", mutability="readOnly"),
                Attribute("lastModified", "dateTime", mutability="readOnly"),
                Attribute("location", "reference", case_exact=True, mutability="readOnly"),
                Attribute("version", case_exact=True, mutability="readOnly"),
            ),
        ),
    )
}


class Ref(NamedTuple):
    """An attribute found in a resource type.

    ``extension`` is the URN under which the attribute lies in the document, ``None`` for the core
    schema and the common attributes; ``attribute`` is ``None`` when a whole extension is meant.
    """

    extension: str | None
    attribute: Attribute | None
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute | None:
        """The attribute that holds the value: the sub-attribute if there is one."""
        return self.sub or self.attribute

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys to follow in a canonical document, e.g. ``("name", "familyName")``."""
        names = [a.name for a in (self.attribute, self.sub) if a]
        return (self.extension, *names) if self.extension else tuple(names)

    def __str__(self) -> str:
        """The attribute in the notation of RFC 7644 §3.10, e.g. ``emails.value``."""
        name = ".".join([a.name for a in (self.attribute, self.sub) if a])
        return ":".join([part for part in (self.extension, name) if part])


@dataclass(frozen=True, slots=True, eq=False)
class Extension:
    """A schema extension of a resource type (RFC 7643 §6 ``schemaExtensions``)."""

    schema: Schema
    required: bool = False
    tightening: Tightening | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ResourceType:
    """A resource type with its schemas resolved (RFC 7643 §6)."""

    id: str
    name: str
    endpoint: str
    """With a leading slash: ``/Users``."""
    description: str
    schema: Schema
    extensions: tuple[Extension, ...] = ()
    by_urn: Mapping[str, Extension] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_urn", {e.schema.id.casefold(): e for e in self.extensions})

    def resolve(self, urn: str | None, name: str, sub: str | None = None) -> Ref | None:
        """Find ``[urn:]name[.sub]``, letter case ignored; ``None`` if no schema knows it.

        A bare extension URN (RFC 7644 §3.10 has no notation for it, clients use it all the same)
        is given by its last colon: ``urn="urn:…:2.0"``, ``name="User"``.
        """
        if urn is None:
            attribute = self.schema.by_name.get(name.casefold()) or COMMON.get(name.casefold())
            return _with_sub(None, attribute, sub)
        folded = urn.casefold()
        if folded == self.schema.id.casefold():
            return self.resolve(None, name, sub)
        extension = self.by_urn.get(folded)
        if extension is not None:
            return _with_sub(extension.schema.id, extension.schema.by_name.get(name.casefold()), sub)
        whole = self.by_urn.get(f"{urn}:{name}".casefold() + (f".{sub}".casefold() if sub else ""))
        return Ref(whole.schema.id, None) if whole else None

    def references(self) -> Iterable[Ref]:
        """Every top-level attribute: common, core, then each extension's."""
        listed = self.schema.by_name
        yield from (Ref(None, a) for name, a in COMMON.items() if name not in listed)
        yield from (Ref(None, a) for a in self.schema.attributes)
        for extension in self.extensions:
            yield from (Ref(extension.schema.id, a) for a in extension.schema.attributes)

    def to_json(self) -> dict[str, Any]:
        """The resource type as ``/ResourceTypes`` shows it, without ``schemas`` and ``meta``."""
        data: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
        }
        if self.extensions:
            data["schemaExtensions"] = [
                {"schema": e.schema.id, "required": e.required} for e in self.extensions
            ]
        return data


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The schemas and resource types of one directory."""

    schemas: Mapping[str, Schema]
    """By casefolded URN."""
    types: Mapping[str, ResourceType]
    """By name, e.g. ``"User"``."""
    by_endpoint: Mapping[str, ResourceType] = field(init=False, repr=False, compare=False)
    """By casefolded endpoint without slash, e.g. ``"users"``."""

    def __post_init__(self) -> None:
        table = {t.endpoint.strip("/").casefold(): t for t in self.types.values()}
        object.__setattr__(self, "by_endpoint", table)

    @classmethod
    def build(cls, schemas: Iterable[Any], resource_types: Iterable[Any]) -> "Model":
        """Compile §7 and §6 JSON; a later definition with the same id or name replaces an earlier one.

        Raises ``SchemaError`` for a definition that is not valid or names an unknown schema.
        """
        compiled = {s.id.casefold(): s for s in map(Schema.from_json, schemas)}
        types: dict[str, ResourceType] = {}
        for data in resource_types:
            resource_type = _resource_type(data, compiled)
            types[resource_type.name] = resource_type
        endpoints = [t.endpoint.casefold() for t in types.values()]
        for endpoint in endpoints:
            if endpoints.count(endpoint) > 1:
                raise SchemaError(f"two resource types have the endpoint {endpoint}")
        return cls(compiled, types)


def _resource_type(data: Any, schemas: Mapping[str, Schema]) -> ResourceType:
    if not isinstance(data, Mapping):
        raise SchemaError("a resource type must be a JSON object (RFC 7643 §6)")
    name, endpoint = data.get("name"), data.get("endpoint")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SchemaError(f"resource type {name!r}: 'name' is missing or not a plain name")
    if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
        raise SchemaError(f"resource type {name}: 'endpoint' must be one path segment such as /Devices")
    if endpoint.strip("/").casefold() in RESERVED_ENDPOINTS:
        raise SchemaError(f"resource type {name}: the endpoint {endpoint} is the protocol's own")

    def schema(urn: Any) -> Schema:
        found = schemas.get(str(urn).casefold())
        if found is None:
            raise SchemaError(f"resource type {name}: no schema {urn!r} is defined")
        return found

    core = schema(data.get("schema"))
    extensions = []
    for item in data.get("schemaExtensions") or []:
        if not isinstance(item, Mapping):
            raise SchemaError(f"resource type {name}: 'schemaExtensions' must hold objects")
        extensions.append(Extension(schema(item.get("schema")), _flag(item, "required", name)))
    return ResourceType(
        id=str(data.get("id") or name),
        name=name,
        endpoint="/" + endpoint.strip("/"),
        description=str(data.get("description") or ""),
        schema=core,
        extensions=tuple(extensions),
    )


RESERVED_ENDPOINTS: Final = frozenset(
    (
        ".search",
        "bulk",
        "d",
        "me",
        "resourcetypes",
        "schemas",
        "serviceconfiguration",
        "serviceproviderconfig",
    )
)


def _with_sub(extension: str | None, attribute: Attribute | None, sub: str | None) -> Ref | None:
    if attribute is None:
        return None
    if sub is None:
        return Ref(extension, attribute)
    found = attribute.subs.get(sub.casefold())
    return Ref(extension, attribute, found) if found else None


def _flag(data: Mapping[str, Any], key: str, where: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise SchemaError(f"{where}: '{key}' must be true or false")
    return value


def _choice(data: Mapping[str, Any], key: str, allowed: frozenset[str], default: str, where: str) -> str:
    value = data.get(key, default)
    for choice in allowed:
        if isinstance(value, str) and value.casefold() == choice.casefold():
            return choice
    raise SchemaError(f"{where}: '{key}' must be one of {', '.join(sorted(allowed))}")


def _strings(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SchemaError(f"{where}: '{key}' must be a list of strings")
    return tuple(value)
