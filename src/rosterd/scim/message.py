"""Protocol messages come in as JSON objects whose member names are read without regard to letter case.

A member that is ``null`` counts as not given (RFC 7643 §2.5). Two members that differ in letter case
only are an error, as one of them would be lost.
"""

from rosterd.scim.errors import InvalidSyntax


def members(value: object, what: str) -> dict[str, object]:
    """The members of a JSON object by casefolded name; ``what`` names the object in an error.

    Raises ``InvalidSyntax``.
    """
    if not isinstance(value, dict):
        raise InvalidSyntax(f"{what} must be a JSON object, not {json_type(value)}")
    found: dict[str, object] = {name.casefold(): member for name, member in value.items()}
    if len(found) < len(value):
        seen: set[str] = set()
        for name in value:
            if name.casefold() in seen:
                raise InvalidSyntax(f"{what} has the member '{name}' twice")
            seen.add(name.casefold())
    if None in found.values():
        found = {key: member for key, member in found.items() if member is not None}
    return found


def message(body: object, urn: str) -> dict[str, object]:
    """The members of a message of this URN (RFC 7644 §3.1).

    Raises ``InvalidSyntax`` if ``schemas`` does not name the URN.
    """
    name = urn.rsplit(":", 1)[-1]
    found = members(body, f"a {name} message")
    schemas = found.get("schemas")
    given = schemas if isinstance(schemas, list) else [schemas]
    if given != [urn] and not any(
        isinstance(item, str) and item.casefold() == urn.casefold() for item in given
    ):
        raise InvalidSyntax(f"'schemas' of a {name} message must be [\"{urn}\"]")
    return found


def json_type(value: object) -> str:
    """What the value is called in JSON, with its article, for error messages."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "something else")
