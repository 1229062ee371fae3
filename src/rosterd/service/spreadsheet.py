"""Users as rows of a table: a column is the path of an attribute, as a PATCH names it; and back again.

    userName, name.givenName                      a single value
    emails[type eq "work"].value                  a value of its type
    urn:…:enterprise:2.0:User:department          of an extension
    emails                                        JSON, where the values have no type or share one

An empty cell is an attribute that is not there. What a spreadsheet program would take for a formula is
written with an apostrophe before it, which is taken off again. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rosterd.scim import errors, patch, profiles, urns
from rosterd.scim.path import parse_path
from rosterd.scim.schema import Attribute, Ref, ResourceType

IGNORED: Final = frozenset(("id", "groups", "created", "lastModified"))
"""Columns that are written for people, and not read."""

# Maybe apostrophes, then a sign that begins a formula, unless all of it is a number as of a telephone.
_FORMULA: Final = re.compile(r"'*(?:[=@\t\r\n]|[+-](?![0-9 ().-]*\Z)).*", re.DOTALL)
_BESIDE: Final = frozenset(("type", "display", "$ref"))


def cells(document: Mapping[str, Any], resource_type: ResourceType) -> dict[str, str]:
    """A canonical document as column → text; only what is there."""
    found: dict[str, str] = {}
    for ref in resource_type.references():
        if ref.attribute is None or ref.attribute.name in ("schemas", "meta", "id"):
            continue
        home = document if ref.extension is None else document.get(ref.extension, {})
        if ref.attribute.name in home:
            found.update(_of(_name(ref), ref.attribute, home[ref.attribute.name]))
    return found


def columns(resource_type: ResourceType, seen: set[str]) -> list[str]:
    """The columns that were seen, in the order of the schema."""
    names = [_name(ref) for ref in resource_type.references() if ref.attribute is not None]
    place = {name: n for n, name in enumerate(names)}
    return sorted(seen, key=lambda column: (place.get(_base(column), len(names)), column))


def harmless(cell: str) -> str:
    """The cell as a spreadsheet program may open it."""
    return f"'{cell}" if _FORMULA.fullmatch(cell) else cell


def _as_meant(cell: str) -> str:
    """What ``harmless`` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.fullmatch(cell) else cell


def document(row: Mapping[str, str], resource_type: ResourceType) -> dict[str, Any]:
    """A row as the body of a POST. Raises ``ScimError`` that names a column or value that cannot be."""
    operations = [
        {
            "op": "replace",
            "path": column,
            "value": _value(_as_meant(text), patch.find(parse_path(column), resource_type)),
        }
        for column, text in row.items()
        if column and column not in IGNORED and text.strip()
    ]
    body: object = {"schemas": [urns.PATCH_OP], "Operations": operations}
    body, _ = profiles.rewrite("auto", "patch", resource_type, body)
    made = patch.apply(patch.parse_patch(body, allow_empty=True), resource_type, {})
    return {"schemas": [resource_type.schema.id], **made}


def check_header(header: Sequence[str], resource_type: ResourceType) -> None:
    """Raise ``ScimError`` unless every column is known, none is doubled, and the name of users is there."""
    doubled = [column for column in header if column and header.count(column) > 1]
    if doubled:
        raise errors.InvalidPath(f"The column '{doubled[0]}' is there twice.")
    if "userName" not in header:
        raise errors.InvalidPath("There must be a column 'userName'; the first line names the columns.")
    for column in header:
        if column and column not in IGNORED:
            patch.find(parse_path(column), resource_type)


def _name(ref: Ref) -> str:
    name = ref.attribute.name if ref.attribute else ""
    return f"{ref.extension}:{name}" if ref.extension else name


def _base(column: str) -> str:
    """The column's attribute without filter and sub-attribute."""
    path = parse_path(column)
    return f"{path.attr.urn}:{path.attr.name}" if path.attr.urn else path.attr.name


def _of(name: str, attribute: Attribute, value: Any) -> Iterator[tuple[str, str]]:
    if not attribute.multi_valued:
        if attribute.type != "complex":
            yield name, _text(value)
            return
        for sub in attribute.sub_attributes:
            if sub.name in value and sub.name != "$ref":
                yield f"{name}.{sub.name}", _text(value[sub.name])
        return
    types = [one.get("type") for one in value] if attribute.type == "complex" else [None]
    if None in types or len(set(types)) < len(types):
        yield name, json.dumps(value, ensure_ascii=False)
        return
    for one in value:
        for sub in attribute.sub_attributes:
            if sub.name in one and sub.name not in _BESIDE:
                yield f'{name}[type eq "{one["type"]}"].{sub.name}', _text(one[sub.name])


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(text: str, ref: Ref) -> Any:
    """A cell as a PATCH takes it: lists are JSON, anything else is converted as a client's text would be."""
    attribute = ref.attribute
    if attribute is not None and attribute.multi_valued and text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError as error:
            raise errors.InvalidValue(f"{attribute.name}: the cell is not valid JSON: {error}.") from error
    return text
