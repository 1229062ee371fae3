"""Who looks at the console, and what they may do: decided by a session, read anew at every request.

    viewer    reads
    operator  and changes connections, their tokens and links, users and webhooks
    owner     and changes administrators, API keys, settings and directories
    set-up    sees and sets up one connection; came by a set-up link, without an account

Whoever is bound to a directory sees no other one, whatever the role.
"""

from dataclasses import dataclass
from typing import Final

from rosterd.scim import errors
from rosterd.service.audit import Actor

VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
OWNER: Final = "owner"
SETUP: Final = "set-up"

ROLES: Final = (VIEWER, OPERATOR, OWNER)
"""Those of administrators, each with all that the one before may do."""

_RANK: Final = {SETUP: 0, VIEWER: 1, OPERATOR: 2, OWNER: 3}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a session."""

    actor: Actor
    role: str
    session: str
    """The id of the session, which is no secret."""
    csrf: str
    """What a form must bring back; another one for each session."""
    directory: int | None = None
    """The only directory they know of; ``None``: all."""
    connection: int | None = None
    """The only connection, if they came by a set-up link."""

    def may(self, role: str) -> bool:
        """Whether they have this role or a higher one."""
        return _RANK[self.role] >= _RANK[role]

    def require(self, role: str) -> None:
        """Raise ``Forbidden`` unless they have this role or a higher one."""
        if not self.may(role):
            raise errors.Forbidden(f"This needs the role '{role}'; you have '{self.role}'. Ask an owner.")
