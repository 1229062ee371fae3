"""Who asks: everything that a request is allowed by, decided once when it is admitted.

    scope   scim.read, scim.write         every resource type
            scim.read:User, scim.write:…  that resource type only, by its name

Discovery needs any of them. A user's ``groups`` are part of the user, a group's ``members`` of the group.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rosterd.scim import errors
from rosterd.scim.effort import Budget
from rosterd.scim.schema import Model
from rosterd.service.control import Connection, Directory
from rosterd.service.events import Cause
from rosterd.service.ports import Stored

READ: Final = "scim.read"
WRITE: Final = "scim.write"
SCOPES: Final = (READ, WRITE)
ANY: Final = "any"
"""What an address asks for that is open to every token."""
SCOPE: Final = r"scim\.(read|write)(:\$?[A-Za-z][A-Za-z0-9$_-]{0,127})?"
"""The form of a scope."""
MOST_SCOPES: Final = 100
"""Of one token or client."""
_SCOPE: Final = re.compile(SCOPE)


def covers(granted: Iterable[str], scope: str) -> bool:
    """Whether what is granted permits what the scope does: it itself, or the same for every type."""
    return any(one in (scope, scope.partition(":")[0]) for one in granted)


def check_scopes(scopes: Iterable[str], types: Iterable[str], whose: str) -> tuple[str, ...]:
    """The scopes, each once, if there are some and their resource types are among ``types``.

    Raises ``InvalidValue``.
    """
    found = tuple(dict.fromkeys(scopes))
    wrong = next((scope for scope in found if not _SCOPE.fullmatch(scope)), None)
    if wrong is not None or not 0 < len(found) <= MOST_SCOPES:
        raise errors.InvalidValue(
            f"A {whose}'s scopes must be out of {', '.join(SCOPES)}, or the same for one resource type, such "
            f"as {READ}:User."
        )
    known = tuple(types)
    for scope in found:
        name = scope.partition(":")[2]
        if name and name not in known:
            raise errors.InvalidValue(
                f"The scope {scope} names no resource type of the directory; it has {', '.join(known)}."
            )
    return found


@dataclass(slots=True, eq=False)
class Caller:
    """One admitted request: the connection it speaks for, and what its token permits."""

    directory: Directory
    connection: Connection
    scopes: tuple[str, ...]
    model: Model
    base_url: str
    """The SCIM base URL as this client sees it, without a trailing slash."""
    request_id: str
    tolerated: dict[str, None] = field(default_factory=dict, compare=False)
    """Names of the profile rewrites that changed something of its messages, in order; commands add to it."""

    budget: Budget | None = field(default=None, compare=False)
    """What the operations of a bulk request may take together; one by itself has bounds of its own."""

    @classmethod
    def within(cls, directory: Directory, connection: Connection, model: Model, request_id: str) -> "Caller":
        """Somebody in here who acts as a connection; no client reads a reply to it."""
        return cls(directory, connection, SCOPES, model, "", request_id)

    @property
    def cause(self) -> Cause:
        """What the events of its changes say of it."""
        return Cause(self.connection.id, self.request_id)

    def permits(self, scope: str, kind: str) -> bool:
        """Whether the token has the scope for the resource type of this name."""
        return scope in self.scopes or f"{scope}:{kind}" in self.scopes

    def require(self, scope: str, kind: str | None = None) -> None:
        """Raise ``Forbidden`` unless the token has the scope for the type, or without one for any at all."""
        if scope in self.scopes:
            return
        if kind is None:
            allowed = any(one.partition(":")[0] == scope for one in self.scopes)
        else:
            allowed = self.permits(scope, kind)
        if not allowed:
            wanted = f"'{scope}'" if kind is None else f"'{scope}' or '{scope}:{kind}'"
            raise errors.Forbidden(
                f"This token has no {wanted} scope; create a token that has it.", situation="scope"
            )

    def owns(self, row: Stored) -> bool:
        """Whether the resource was made by this connection."""
        return row.connection == self.connection.id

    def external_id(self, row: Stored) -> str | None:
        """externalId is the owning connection's own; nobody else sees it (RFC 7643 §3.1).

        A blank one, of a time when such were kept, is none.
        """
        name = row.external_id
        return name if name and row.connection == self.connection.id and not name.isspace() else None

    def require_reach(self, row: Stored) -> None:
        """Raise ``Forbidden`` if the policy keeps this connection from changing another's resource."""
        if not self.owns(row) and self.connection.policy.reach != "directory":
            raise errors.Forbidden(
                f"{row.kind} {row.id} belongs to connection {row.connection} of this directory, and "
                f"connection {self.connection.id} ('{self.connection.name}') may change only what it made "
                "itself. To let it adopt this resource, set the connection's policy 'reach' to 'directory'.",
                situation="reach",
                other=row.id,
            )
