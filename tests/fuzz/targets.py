"""What reads the bytes of strangers: nothing but the errors of the protocol comes out, whatever goes in.

Each target takes any bytes. ``python tests/fuzz/coverage_guided.py filter`` looks for bytes that break one;
what it keeps, and what broke one once, is in ``corpus/`` and read by ``test_corpus.py``.
"""

import json
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final, get_args

from rosterd.http.decode import parse_json, parse_query
from rosterd.scim import bulk, check, cursor, errors, membership, patch, profiles
from rosterd.scim.bind import bind
from rosterd.scim.filter import parse_filter, print_filter
from rosterd.scim.listing import from_message, from_query
from rosterd.scim.match import folded_document, match
from rosterd.scim.path import parse_attribute, parse_path, print_path
from rosterd.scim.profiles import Kind
from rosterd.scim.schema import ResourceType
from rosterd.scim.schemas import CORE_MODEL
from rosterd.store.compile import Scope, condition
from rosterd.store.dialect import SQLITE
from rosterd.store.dialect_postgres import Postgres

Target = Callable[[bytes], None]

CORPUS: Final = Path(__file__).with_name("corpus")
TYPES: Final = tuple(CORE_MODEL.types.values())
DIALECTS: Final = (SQLITE, Postgres())
PROFILES: Final = tuple(profiles.PROFILES)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SECRET, BINDING, NOW = b"s" * 32, b"b" * 32, 1_800_000_000_000

SAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "User": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "Ann@example.com",
        "name": {"familyName": "Lee", "givenName": "Ann"},
        "emails": [{"value": "ann@example.com", "type": "work", "primary": True}, {"value": "a@b.example"}],
        "active": True,
    },
    "Group": {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales"},
}


def filter_target(data: bytes) -> None:
    """A filter is refused, or means the same after it was printed, for the evaluator and for both engines."""
    f = parse_filter(_text(data))
    assert repr(parse_filter(print_filter(f))) == repr(f)
    for t in TYPES:
        try:
            bound = bind(f, t)
        except errors.InvalidFilter:
            continue
        match(bound, folded_document(SAMPLES[t.name], t))
        for words in DIALECTS:
            _may_refuse(lambda: condition(bound, Scope(t, 1, words)))  # noqa: B023 - called at once


def path_target(data: bytes) -> None:
    """A path is refused, or means the same after it was printed."""
    text = _text(data)
    _may_refuse(lambda: str(parse_attribute(text)))
    path = parse_path(text)
    assert repr(parse_path(print_path(path))) == repr(path)
    for t in TYPES:
        _may_refuse(lambda: patch.find(path, t))  # noqa: B023 - called at once


def body_target(data: bytes) -> None:
    """A body is refused, or gives a document that would be accepted again as it is."""
    body = parse_json(data)
    json.dumps(body).encode()
    _may_refuse(lambda: from_message(body))
    _may_refuse(lambda: _bulk(body))
    for t, profile, kind in product(TYPES, PROFILES, KINDS):
        _may_refuse(lambda: _message(t, profile, kind, body))  # noqa: B023 - called at once


def cursor_target(data: bytes) -> None:
    """A query is read or refused, and no cursor opens that was not sealed."""
    pairs = tuple(parse_query(data))
    _may_refuse(lambda: from_query(pairs))
    for text in {data.decode("latin-1"), *(value for _, value in pairs)}:
        try:
            cursor.unseal(text, binding=BINDING, secret=SECRET, now=NOW)
        except errors.InvalidCursor:
            continue
        raise AssertionError(f"a cursor nobody sealed was opened: {text!r}")


TARGETS: Final[Mapping[str, Target]] = {
    "filter": filter_target,
    "path": path_target,
    "body": body_target,
    "cursor": cursor_target,
}


def run(name: str, data: bytes) -> None:
    """Give bytes to a target. Raises what is a fault."""
    _may_refuse(lambda: TARGETS[name](data))


def _bulk(body: Any) -> None:
    read = bulk.parse(body, max_operations=100).operations
    bulk.order([operation for operation in read if isinstance(operation, bulk.BulkOperation)])


def _text(data: bytes) -> str:
    """As it comes out of a query or a body: never with half a surrogate pair."""
    return data.decode("utf-8", "replace")


def _message(t: ResourceType, profile: str, kind: Kind, body: Any) -> None:
    before = json.dumps(body)
    rewritten, _ = profiles.rewrite(profile, kind, t, body)
    assert json.dumps(body) == before, "a rewrite changed what it was given"
    if kind == "patch":
        others, _ = membership.split(patch.parse_patch(rewritten), t)
        document = patch.apply(others, t, SAMPLES[t.name])
    elif kind == "create":
        document = check.create(rewritten, t)
    else:
        document = check.replace(rewritten, t, SAMPLES[t.name])
    assert check.replace(document, t, document) == document


def _may_refuse(read: Callable[[], object]) -> None:
    """Only an error that a client can be told may come of it."""
    try:
        read()
    except errors.ScimError as error:
        json.dumps(error.to_json(), ensure_ascii=False).encode()
