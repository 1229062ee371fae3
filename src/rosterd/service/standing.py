"""Whether a connection may speak at present: active, paused or disabled, by whom, why and since when.

    pause     active → paused                 the identity provider is told to come back (503, Retry-After)
    resume    paused → active
    disable   active, paused → disabled       the identity provider is told no (403)
    enable    disabled → active
    delete    whatever → deleted, for good     the token is not known any more (401)

Nothing else moves it. Reads are refused like changes: an identity provider's connection test then shows the
reason, and no synchronization begins that could not be finished.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rosterd.scim import errors
from rosterd.scim.render import format_time

ACTIVE: Final = "active"
PAUSED: Final = "paused"
DISABLED: Final = "disabled"
DELETED: Final = "deleted"

RETRY_AFTER: Final = 300
"""Seconds after which the client of a paused connection may try again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A state with its reason; a connection that was never touched is active since ``None``."""

    state: str = ACTIVE
    by: str = ""
    """Who brought it about, as an administrator is told: ``an administrator (ann)``."""
    reason: str = ""
    since: int | None = None
    """ms."""


@dataclass(frozen=True, slots=True)
class Move:
    """One way from state to state."""

    sources: tuple[str, ...]
    target: str
    event: str


MOVES: Final[Mapping[str, Move]] = {
    "pause": Move((ACTIVE,), PAUSED, "connection.paused"),
    "resume": Move((PAUSED,), ACTIVE, "connection.resumed"),
    "disable": Move((ACTIVE, PAUSED), DISABLED, "connection.disabled"),
    "enable": Move((DISABLED,), ACTIVE, "connection.enabled"),
}

_BACK: Final = {PAUSED: "resume", DISABLED: "enable"}


def move(name: str, standing: Standing, connection: str) -> Move | None:
    """The move of this name; ``None`` if the connection stands there already.

    Raises ``Conflict``, ``NotFound`` for one that was deleted.
    """
    found = MOVES[name]
    if standing.state == DELETED:
        raise errors.NotFound(f"There is no connection '{connection}' any more.")
    if standing.state == found.target:
        return None
    if standing.state not in found.sources:
        raise errors.Conflict(
            f"Connection '{connection}' is {standing.state}, so it cannot be {name}d; "
            f"{_BACK[standing.state]} it first."
        )
    return found


def require_active(standing: Standing, connection: str, directory: str) -> None:
    """Raise ``refusal`` unless the connection is active."""
    if standing.state != ACTIVE:
        raise refusal(standing, connection, directory)


def refusal(standing: Standing, connection: str, directory: str) -> errors.ScimError:
    """What the client is told: ``Unavailable`` of a paused connection, ``Forbidden`` of a disabled one.

    ``Unauthorized`` of a deleted one, whose token was still known when the request came.
    """
    if standing.state == DELETED:
        return errors.Unauthorized(f"Connection '{connection}' was deleted, and its tokens with it.")
    if standing.state == DISABLED and not standing.by:  # by nobody: its directory ended (removal.sql)
        return errors.Unauthorized(f"Directory '{directory}' was deleted, and its tokens with it.")
    why = f": {standing.reason.rstrip('.')}" if standing.reason else ""
    when = f" on {format_time(standing.since)}" if standing.since is not None else ""
    back = f"'rosterd connection {_BACK[standing.state]} {connection} --directory {directory}'"
    text = f"Connection '{connection}' was {standing.state}{when} by {standing.by}{why}."
    if standing.state == PAUSED:
        return errors.Unavailable(
            f"{text} Nothing is read or changed meanwhile. An administrator who has looked into it "
            f"resumes it, in the console or by {back}; then try again.",
            retry_after=RETRY_AFTER,
            situation="paused",
        )
    return errors.Forbidden(
        f"{text} Switch provisioning off at the identity provider, or ask an administrator to enable the "
        f"connection again, in the console or by {back}.",
        situation="disabled",
    )
