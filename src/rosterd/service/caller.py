"""Who asks: everything that a request is allowed by, decided once when it is admitted."""

from dataclasses import dataclass
from typing import Final

from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service.control import Connection, Directory
from rosterd.service.ports import Stored

READ: Final = "scim.read"
WRITE: Final = "scim.write"
SCOPES: Final = (READ, WRITE)


@dataclass(frozen=True, slots=True)
class Caller:
    """One admitted request: the connection it speaks for, and what its token permits."""

    directory: Directory
    connection: Connection
    scopes: tuple[str, ...]
    model: Model
    base_url: str
    """The SCIM base URL as this client sees it, without a trailing slash."""
    request_id: str

    def require(self, scope: str) -> None:
        """Raise ``Forbidden`` unless the token has the scope."""
        if scope not in self.scopes:
            raise errors.Forbidden(f"This token has no '{scope}' scope; create a token that has it.")

    def owns(self, row: Stored) -> bool:
        """Whether the resource was made by this connection."""
        return row.connection == self.connection.id

    def external_id(self, row: Stored) -> str | None:
        """externalId is the owning connection's own; nobody else sees it (RFC 7643 §3.1)."""
        return row.external_id if self.owns(row) else None

    def require_reach(self, row: Stored) -> None:
        """Raise ``Forbidden`` if the policy keeps this connection from changing another's resource."""
        if not self.owns(row) and self.connection.policy.reach != "directory":
            raise errors.Forbidden(
                f"{row.kind} {row.id} belongs to connection {row.connection} of this directory, and "
                f"connection {self.connection.id} ('{self.connection.name}') may change only what it made "
                "itself. To let it adopt this resource, set the connection's policy 'reach' to 'directory'."
            )
