"""What can be looked at in a reply: each function makes one ``Check``.

The words are for an administrator: what was found, and what was expected. Values to compare with
may contain references to earlier replies.
"""

from collections.abc import Mapping
from typing import Any, Final

from rosterd.scim import urns
from rosterd.simulator.client import Reply
from rosterd.simulator.steps import Check, Memory, Note, resolve

Keys = tuple[str | Mapping[str, str], ...]
"""A way into a document: attribute names, and ``{"type": "work"}`` to choose the element of a list."""

_NOTHING: Final = object()

_HINTS: Final = {
    0: "",
    401: "; the token was not accepted",
    403: "; the token does not permit it",
    404: "; is the base URL right?",
    429: "; the server kept refusing for the rate",
}


def status(*expected: int) -> Check:
    """The HTTP status is one of these."""
    wanted = " or ".join(str(code) for code in expected)

    def look(reply: Reply, memory: Memory) -> str | None:
        if reply.status in expected:
            return None
        if reply.status == 0:
            return reply.text
        said = f" ('{reply.detail}')" if reply.detail else ""
        return f"answered {reply.status}{said} where {wanted} is expected{_HINTS.get(reply.status, '')}"

    return Check(f"status {wanted}", look)


def listing(*, paging: bool = True) -> Check:
    """The body is a ListResponse (RFC 7644 §3.4.2); with ``paging`` all the numbers Okta reads."""

    def look(reply: Reply, memory: Memory) -> str | None:
        body = reply.body
        if reply.status == 404:
            return None  # the step allowed it: nothing was found
        if not isinstance(body, Mapping):
            return f"the body is not a JSON object but {_shown(body)}"
        if urns.LIST_RESPONSE not in (body.get("schemas") or ()):
            return f"'schemas' is {_shown(body.get('schemas'))}, it must name {urns.LIST_RESPONSE}"
        for name in ("totalResults", "startIndex", "itemsPerPage") if paging else ("totalResults",):
            number = body.get(name)
            if not isinstance(number, int) or isinstance(number, bool):
                return f"'{name}' must be a JSON integer and is {_shown(number)}"
        resources = body.get("Resources") or []
        if not isinstance(resources, list):
            return "'Resources' must be a list"
        if paging and body["itemsPerPage"] != len(resources):
            return f"'itemsPerPage' is {body['itemsPerPage']}, but {len(resources)} resources were given"
        return None

    return Check("a ListResponse", look)


def whole_walk() -> Check:
    """All pages together give ``totalResults`` different resources."""

    def look(reply: Reply, memory: Memory) -> str | None:
        resources = reply.body.get("Resources") or []
        ids = [item.get("id") for item in resources if isinstance(item, Mapping)]
        if not all(isinstance(id, str) and id for id in ids):
            return "a resource has no id"
        twice = len(ids) - len(set(ids))
        if twice:
            return f"{twice} resources came more than once: the order of the pages is not stable"
        total = reply.body.get("totalResults")
        if len(ids) != total:
            return f"'totalResults' is {total}, but the pages gave {len(ids)} resources"
        return None

    return Check("every resource comes once", look)


def total(expected: int) -> Check:
    """The listing has this many results; a 404 counts as none."""

    def look(reply: Reply, memory: Memory) -> str | None:
        if reply.status == 404:
            return None if expected == 0 else "nothing was found (404)"
        found = reply.body.get("totalResults")
        return None if found == expected else f"{_shown(found)} results where {expected} are expected"

    return Check("nothing found" if expected == 0 else f"{expected} found", look)


def error(code: int) -> Check:
    """The body is a SCIM error that an administrator can read (RFC 7644 §3.12)."""

    def look(reply: Reply, memory: Memory) -> str | None:
        body = reply.body
        if not isinstance(body, Mapping) or urns.ERROR not in (body.get("schemas") or ()):
            return "the body is not a SCIM error message; Okta shows its 'detail' to the administrator"
        if not isinstance(body.get("detail"), str) or not body["detail"]:
            return "the error has no 'detail'"
        if body.get("status") != str(code):
            return f"'status' in the body is {_shown(body.get('status'))} and must be {str(code)!r}"
        return None

    return Check("a SCIM error with detail", look)


def has_id() -> Check:
    """The resource has an id that Okta can keep."""

    def look(reply: Reply, memory: Memory) -> str | None:
        if not isinstance(reply.body, Mapping):
            return "the body is empty; Okta says 'Create new user returned empty user'"
        id = reply.body.get("id")
        if not isinstance(id, str) or not id:
            return f"'id' is {_shown(id)} and must be a string that is not empty"
        return "an id must not contain 'bulkId' (RFC 7643 §3.1)" if "bulkId" in id else None

    return Check("an id", look)


def holds(*keys: str | Mapping[str, str], value: Any, first: bool = False) -> Check:
    """The document has this value there; without a body (204) there is nothing to look at.

    ``first`` looks at the first resource of a listing.
    """
    name = _name(keys)

    def look(reply: Reply, memory: Memory) -> str | None:
        if reply.status == 204:
            return None
        node: Any = reply.body
        if first:
            resources = node.get("Resources") if isinstance(node, Mapping) else None
            node = resources[0] if resources else None
        found, expected = pick(node, keys), resolve(value, memory)
        if type(found) is type(expected) and found == expected:
            return None
        if isinstance(expected, bool) and isinstance(found, str):
            return f"{name} is the string {found!r} and must be the JSON boolean {_shown(expected)}"
        return f"{name} is {_shown(found)} where {_shown(expected)} is expected"

    return Check(f"{name} is {_shown(value)}", look)


def lacks(*keys: str | Mapping[str, str]) -> Check:
    """The document has nothing there (an empty string, list or object is nothing)."""
    name = _name(keys)

    def look(reply: Reply, memory: Memory) -> str | None:
        found = pick(reply.body, keys)
        if found is _NOTHING or found in (None, "", [], {}):
            return None
        shown = "given" if "password" in name else _shown(found)
        return f"{name} is {shown} and must not be there"

    return Check(f"no {name}", look)


def members(*values: str) -> Check:
    """The group has exactly these members; a server need not show any (then a note says so)."""

    def look(reply: Reply, memory: Memory) -> str | None:
        if reply.status == 204:
            return None
        expected = {resolve(value, memory) for value in values}
        given = reply.body.get("members") if isinstance(reply.body, Mapping) else None
        if given is None:
            hidden = "the server shows no members, so nobody can see whether the change was made"
            return Note(hidden) if expected else None
        if not isinstance(given, list):
            return f"'members' must be a list and is {_shown(given)}"
        found = {item.get("value") for item in given if isinstance(item, Mapping)}
        lost, surplus = len(expected - found), len(found - expected)
        if len(given) != len(found):
            return "a member is listed more than once"
        if lost or surplus:
            return f"{lost} of {len(expected)} members are missing, {surplus} should not be there"
        return None

    return Check(f"exactly {len(values)} members", look)


def pick(document: Any, keys: Keys) -> Any:
    """The value at ``keys``, or an object equal to nothing if there is none."""
    node = document
    for key in keys:
        if isinstance(key, str):
            if not isinstance(node, Mapping) or key not in node:
                return _NOTHING
            node = node[key]
        else:
            elements = node if isinstance(node, list) else ()
            wanted = key.items()
            hits = [e for e in elements if isinstance(e, Mapping) and wanted <= e.items()]
            if not hits:
                return _NOTHING
            node = hits[0]
    return node


def _name(keys: Keys) -> str:
    text = ""
    for key in keys:
        if isinstance(key, str):
            text = f"{text}.{key}" if text else key
        else:
            text += "[" + ",".join(key.values()) + "]"
    return text.replace(urns.ENTERPRISE_USER + ".", "enterprise.")


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "not there"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
