"""How the control plane is written in rows, whatever the engine, and read back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

import orjson

from rosterd.scim.membership import Member
from rosterd.service.administrators import Administrator, SecondFactor
from rosterd.service.clients import Client, ClientSecret
from rosterd.service.control import Connection, Directory, Policy, Token
from rosterd.service.ports import Membership
from rosterd.service.registry import ApiKey
from rosterd.service.sessions import Found, Session
from rosterd.service.setup_links import SetupLink
from rosterd.store.policy import limits_of, standing_of

MOST: Final = 2**63 - 1
"""Above every time and number."""
REMEMBERED: Final = 1000
_SESSION, _ADMINISTRATOR = 8, 12
"""How many columns each has in a row of both."""

Row = tuple[Any, ...]


def as_json(value: object) -> str:
    """A value as it is kept in a text column."""
    return orjson.dumps(value).decode()


def directory_of(row: Sequence[Any]) -> Directory:
    """A directory from a row of its columns."""
    id, name, created, revision, schemas, resource_types, requirements = row
    return Directory(
        id, name, created, revision, tuple(orjson.loads(schemas)), tuple(orjson.loads(resource_types)),
        orjson.loads(requirements),
    )  # fmt: skip


def definition_row(directory: Directory) -> Row:
    """What a directory defines, behind its id and the revision that it replaces."""
    return (
        directory.id, directory.revision, as_json(list(directory.schemas)),
        as_json(list(directory.resource_types)), as_json(dict(directory.requirements)),
    )  # fmt: skip


@lru_cache(REMEMBERED)  # the same row comes at each request
def connection_of(row: Row) -> Connection:
    """A connection from a row of its columns."""
    id, directory, name, created, profile, reach, on_delete, limits, *standing = row
    policy = Policy(reach, on_delete, limits_of(limits))
    return Connection(id, directory, name, created, profile, policy, standing_of(standing))


def token_of(row: Sequence[Any]) -> Token:
    """A token from a row of its columns."""
    id, directory, connection, digest, label, scopes, *times = row
    return Token(id, directory, connection, digest, label, tuple(orjson.loads(scopes)), *times)


def token_row(token: Token) -> Row:
    """A token as the columns of its row."""
    return (
        token.id, token.directory, token.connection, token.digest, token.label, as_json(list(token.scopes)),
        token.created, token.expires, token.last_used, token.revoked, token.client,
    )  # fmt: skip


def clients_of(rows: Iterable[Sequence[Any]]) -> tuple[Client, ...]:
    """Clients from rows of one secret each, those of a client together."""
    found = []
    for (id, directory, connection, label, scopes, created, *times), own in groupby(rows, lambda r: r[:8]):
        secrets = tuple(ClientSecret(*row[8:]) for row in own if row[8] is not None)
        known = (id, directory, connection, label, tuple(orjson.loads(scopes)), created)
        found.append(Client(*known, secrets, *times))
    return tuple(found)


def client_row(client: Client) -> Row:
    """A client as the columns of its row, without its secrets."""
    return (
        client.id, client.directory, client.connection, client.label, as_json(list(client.scopes)),
        client.created, client.last_used, client.revoked,
    )  # fmt: skip


def key_of(row: Sequence[Any]) -> ApiKey:
    """An API key from a row of its columns."""
    id, digest, directory, label, scopes, *times = row
    return ApiKey(id, digest, directory, label, tuple(orjson.loads(scopes)), *times)


def key_row(key: ApiKey) -> Row:
    """An API key as the columns of its row."""
    return (
        key.id, key.digest, key.directory, key.label, as_json(list(key.scopes)),
        key.created, key.expires, key.last_used, key.revoked,
    )  # fmt: skip


def administrator_of(row: Sequence[Any]) -> Administrator:
    """An administrator from a row of its columns."""
    *others, factor = row
    made = Administrator(*others)
    return made if factor is None else replace(made, second_factor=_factor_of(factor))


def factor_row(factor: SecondFactor | None) -> str | None:
    """A second factor as its column."""
    if factor is None:
        return None
    return as_json([factor.sealed, factor.since, factor.step, list(factor.recovery)])


def _factor_of(text: str) -> SecondFactor:
    sealed, since, step, recovery = orjson.loads(text)
    return SecondFactor(sealed, since, step, tuple(recovery))


def administrator_row(a: Administrator, folded: str) -> Row:
    """An administrator as the columns of a new row."""
    return (
        a.id, a.name, folded, a.role, a.directory, a.password, a.issuer, a.subject, a.created, a.disabled,
        a.last_login, a.revision, factor_row(a.second_factor),
    )  # fmt: skip


def administrator_change(a: Administrator) -> Row:
    """What can be changed of an administrator, and the revision that it replaces."""
    return (
        a.id, a.role, a.directory, a.password, a.issuer, a.subject, a.disabled, a.revision, a.revision - 1,
        factor_row(a.second_factor),
    )  # fmt: skip


def found_of(row: Sequence[Any]) -> Found:
    """A session from a row of its columns, with those of whom it belongs to."""
    session = Session(*row[:_SESSION])
    whose = administrator_of(row[_SESSION : _SESSION + _ADMINISTRATOR]) if session.administrator else None
    link = SetupLink(*row[_SESSION + _ADMINISTRATOR :]) if session.setup_link else None
    return Found(session, whose, link)


def session_row(s: Session, digest: bytes) -> Row:
    """A session as the columns of its row."""
    return (digest, s.id, s.administrator, s.setup_link, s.created, s.seen, s.expires, s.address, s.agent)


def setup_link_row(link: SetupLink) -> Row:
    """A set-up link as the columns of its row."""
    return (
        link.id, link.directory, link.connection, link.digest, link.label, link.created, link.expires,
        link.last_used, link.revoked,
    )  # fmt: skip


def memberships_of(rows: Iterable[Sequence[Any]]) -> Mapping[str, tuple[Membership, ...]]:
    """The groups of each resource, from rows of a resource and a group; those without any are absent."""
    found: dict[str, list[Membership]] = {}
    for start, group, display, direct in rows:
        found.setdefault(start, []).append(Membership(group, display, bool(direct)))
    return {start: tuple(groups) for start, groups in found.items()}


def few_members(rows: Sequence[Sequence[Any]]) -> tuple[Member, ...] | None:
    """The members of a group; ``None`` if a row without an id says that they are too many."""
    return None if rows and rows[0][0] is None else tuple(map(Member._make, rows))


def action_pattern(action: str) -> str:
    """The pattern of an action, or of all that begin so; nothing given has a meaning in a pattern."""
    letters = "".join(letter for letter in action if letter.isalnum() or letter in "._-")
    return f"{letters}*" if not letters or letters.endswith(".") else letters
