"""Profiles: which habits of real clients are understood. Each is one named rewrite, and a table says where.

The core speaks RFC 7643 and 7644 to the letter; nothing in it asks who the client is. Before it sees a
body, the rewrites of the connection's profile turn that body into canonical SCIM. What only the
document can decide is an option, which the use cases hand to the core.

    strict   nothing is rewritten
    okta     what Okta sends
    entra    what Microsoft Entra ID sends, with and without its compliance flag
    auto     all of it: the default
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rosterd.scim.profiles import patches, schemas, values
from rosterd.scim.profiles.rewrites import Body, Chain, Kind, Rewrite
from rosterd.scim.schema import ResourceType

__all__ = ["OPTIONS", "PROFILES", "REWRITES", "Body", "Kind", "Rewrite", "options", "rewrite"]

_RESOURCE: Final[frozenset[Kind]] = frozenset(("create", "replace"))
_PATCH: Final[frozenset[Kind]] = frozenset(("patch",))
_ALL: Final = _RESOURCE | _PATCH

REWRITES: Final[tuple[Rewrite, ...]] = (
    Rewrite(
        "legacy-schemas",
        "URNs of SCIM 1.1 and of drafts of SCIM 2.0 are read as the present ones.",
        _RESOURCE,
        message=schemas.legacy_schemas,
    ),
    Rewrite(
        "unknown-schemas",
        "URNs in 'schemas' that the resource type has not are left out, with the data under them.",
        _RESOURCE,
        message=schemas.unknown_schemas,
    ),
    Rewrite(
        "core-schema-added",
        "'schemas' may be missing or lack the core URN.",
        _RESOURCE,
        message=schemas.core_schema_added,
    ),
    Rewrite(
        "patch-schema-added",
        "'schemas' of a PATCH may be missing or name something else.",
        _PATCH,
        message=schemas.patch_schema_added,
    ),
    Rewrite(
        "operation-names",
        "Members of a PATCH operation may be in any letter case: 'Op', 'Path', 'Value'.",
        _PATCH,
        operation=patches.operation_names,
    ),
    Rewrite(
        "empty-path",
        "A PATCH path that is an empty string is read as no path.",
        _PATCH,
        operation=patches.empty_path,
    ),
    Rewrite(
        "patch-legacy-schemas",
        "URNs of SCIM 1.1 and of drafts in PATCH paths and keys are read as the present ones.",
        _PATCH,
        operation=patches.legacy_schemas,
    ),
    Rewrite(
        "patch-unknown-schemas",
        "A PATCH operation on a schema that the resource type has not is left out.",
        _PATCH,
        operation=patches.unknown_schemas,
    ),
    Rewrite(
        "dotted-keys",
        'Keys such as "name.familyName" and "urn:…:User:department" in a PATCH value are read as paths.',
        _PATCH,
        operation=patches.dotted_keys,
    ),
    Rewrite(
        "list-from-single",
        "A single value where several are expected is read as a list of one.",
        _ALL,
        values=values.list_from_single,
    ),
    Rewrite(
        "one-primary",
        "Of several values marked as primary the first is it.",
        _ALL,
        values=values.one_primary,
    ),
    Rewrite(
        "single-from-list",
        "A list of one value where a single one is expected is read as that value.",
        _ALL,
        value=values.single_from_list,
    ),
    Rewrite(
        "value-from-object",
        'An object {"value": …} where a plain value is expected is read as that value.',
        _ALL,
        value=values.value_from_object,
    ),
    Rewrite(
        "empty-reference",
        'A manager that is "" or {"value": ""} is read as none.',
        _ALL,
        value=values.empty_reference,
    ),
    Rewrite(
        "empty-reference-value",
        'A PATCH that sets the value of a manager to "" is read as a remove of the manager.',
        _PATCH,
        operation=patches.empty_value,
    ),
    Rewrite(
        "object-from-value",
        'A plain value where an object is expected, such as a manager or member, is read as {"value": …}.',
        _ALL,
        value=values.object_from_value,
    ),
    Rewrite(
        "display-from-displayName",
        "'displayName' of a member is read as 'display'.",
        _ALL,
        value=values.display_from_display_name,
    ),
    Rewrite(
        "boolean-from-string",
        'Booleans may be strings: "True", "false".',
        _ALL,
        value=values.boolean_from_string,
    ),
    Rewrite(
        "string-from-number",
        "Strings may be whole numbers: 701984.",
        _ALL,
        value=values.string_from_number,
    ),
    Rewrite(
        "number-from-string",
        'Numbers may be strings: "25".',
        _ALL,
        value=values.number_from_string,
    ),
    Rewrite(
        "null-removes",
        "A PATCH replace by null is read as a remove.",
        _PATCH,
        operation=patches.null_removes,
    ),
    Rewrite(
        "replace-creates",
        'A PATCH replace of emails[type eq "work"].value makes that e-mail if there is none.',
        _PATCH,
        operation=patches.replace_creates,
    ),
)
"""Every rewrite, in the order in which they are applied: the values are gone through once, between."""

OPTIONS: Final[Mapping[str, str]] = {
    "remove-unmatched": "A PATCH remove whose value filter matches nothing changes nothing, and is no error.",
    "empty-patch": "A PATCH without operations changes nothing, and is no error.",
    "put-keeps-members": "A PUT of a group that does not mention 'members' leaves them as they are.",
    "large-groups-bare": "A listing with too many group members leaves out those of the largest groups.",
    "filter-behind-brackets": 'A filter emails[type eq "work"].value eq "x" is of one value that is both.',
    "filter-without-urn": "A filter may name an attribute that one extension only has without its URN.",
    "patch-answers-204": "A successful PATCH is answered with 204 and no body.",
}
"""What a profile can ask of the core and of the HTTP layer: name → meaning."""

# Entra's ways that Okta's messages do not show.
_NOT_OKTA: Final = frozenset(
    (
        "dotted-keys",
        "replace-creates",
        "value-from-object",
        "object-from-value",
        "display-from-displayName",
        "list-from-single",
        "single-from-list",
    )
)
# Okta's ways that Entra's messages do not show.
_NOT_ENTRA: Final = frozenset(("string-from-number", "number-from-string"))


def _all_but(names: frozenset[str]) -> tuple[Rewrite, ...]:
    return tuple(rewrite for rewrite in REWRITES if rewrite.name not in names)


PROFILES: Final[Mapping[str, tuple[Rewrite, ...]]] = {
    "auto": REWRITES,
    "okta": _all_but(_NOT_OKTA),
    "entra": _all_but(_NOT_ENTRA),
    "strict": (),
}
"""Name → rewrites, in the order in which they are applied."""

_TOLERANT: Final = frozenset(OPTIONS) - {"patch-answers-204"}

_OPTIONS_OF: Final[Mapping[str, frozenset[str]]] = {
    "auto": _TOLERANT,
    "okta": _TOLERANT,
    "entra": frozenset(OPTIONS),
    "strict": frozenset(),
}

_PLACES: Final[Mapping[str, int]] = {rewrite.name: place for place, rewrite in enumerate(REWRITES)}

_KINDS: Final[tuple[Kind, ...]] = ("create", "replace", "patch")

_CHAINS: Final[Mapping[tuple[str, Kind], Chain]] = {
    (profile, kind): Chain.of(rewrites, kind) for profile, rewrites in PROFILES.items() for kind in _KINDS
}


@lru_cache(maxsize=1024)
def _walk(profile: str, t: ResourceType) -> values.Walk:
    return values.Walk(t, PROFILES[profile])


def options(profile: str) -> frozenset[str]:
    """The options of a profile. Raises ``KeyError`` for an unknown profile."""
    return _OPTIONS_OF[profile]


def rewrite(profile: str, kind: Kind, t: ResourceType, body: object) -> tuple[object, tuple[str, ...]]:
    """The body in canonical SCIM, and the names of the rewrites that changed something, as in the table.

    The body given is not changed; if there is nothing to do, the very same comes back. What is no
    JSON object is left to the core. Raises ``KeyError`` for an unknown profile.
    """
    rewrites = PROFILES[profile]
    if not rewrites or not isinstance(body, dict):
        return body, ()
    chain, walk = _CHAINS[profile, kind], _walk(profile, t)
    changed: set[str] = set()
    if kind == "patch":
        new: object = patches.operations(chain, walk, t, _messages(chain, t, body, changed), changed)
    else:
        in_order = schemas.in_order(t, body)
        new = walk.document(body if in_order else _messages(chain, t, body, changed), changed)
    return new, tuple(sorted(changed, key=_PLACES.__getitem__)) if changed else ()


def _messages(chain: Chain, t: ResourceType, body: Body, changed: set[str]) -> Body:
    for name, function in chain.messages:
        new = function(t, body)
        if new is not body:
            changed.add(name)
            body = new
    return body
