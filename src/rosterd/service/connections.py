"""A connection's standing inside a transaction: every change asks for it, and the fuse may take it away.

The standing is read again inside each writing transaction, so that once a connection is paused nothing of
it is applied any more, not even what was admitted before. The fuse counts accounts that a connection
deactivates or deletes. The one that would exceed the policy is not applied: the same transaction pauses the
connection and says so in the feed. That transaction must be kept, so the refusal is its value, no error;
``commit`` raises it afterwards.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from rosterd.scim import errors
from rosterd.scim.profiles import PROFILES
from rosterd.scim.schema import ResourceType
from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.audit import ADMINISTRATOR, COMMAND_LINE, Actor, Entry, differing
from rosterd.service.caller import Caller
from rosterd.service.control import Connection, Control, Directory, Policy
from rosterd.service.directories import NAME_RULE, is_name
from rosterd.service.events import Event
from rosterd.service.limits import JSON_NAMES, Limits, Loss, allowance, lost
from rosterd.service.ports import Store, UniqueViolation, Writer
from rosterd.service.standing import ACTIVE, MOVES, PAUSED, Standing, move, refusal
from rosterd.service.view import View, has_groups

FUSE: Final = "the mass-change fuse"
MAX_REASON: Final = 500
REACHES: Final = ("own", "directory")
ON_DELETE: Final = ("deactivate", "erase")

RETRY_AFTER: Final = 1
"""Seconds after which an ``Outdated`` change may be sent again."""

Unit = Callable[[Writer], Awaitable[View]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The value of a transaction that applied nothing of the change but paused the connection."""

    error: errors.ScimError


@dataclass(slots=True, eq=False)
class Guarded:
    """A unit that asks first whether its connection is active."""

    work: Callable[[Writer], Awaitable[View | Refusal]]
    ahead: Ahead
    """What it is going to look for."""

    def __call__(self, tx: Writer) -> Awaitable[View | Refusal]:
        """Run it."""
        return self.work(tx)


class Outdated(errors.Unavailable):
    """The schemas of the directory were changed at this moment, and nothing was done. Send it again."""


class FuseBlown(Exception):
    """The change would exceed the fuse; raised before anything is written."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(f"{loss.count} of {loss.of} accounts")
        self.lost = loss.count - 1
        self.of = loss.of


async def commit(store: Store, caller: Caller, unit: Guarded) -> View:
    """Run the unit as one durable transaction; raises what it raises, and its refusal."""
    outcome = await store.write(caller.directory.id, unit.work, unit.ahead)
    if isinstance(outcome, Refusal):
        raise outcome.error
    return outcome


def guarded(caller: Caller, unit: Unit, now: Callable[[], int], ahead: Ahead = UNKNOWN) -> Guarded:
    """The unit, if the connection is active; a blown fuse pauses it instead.

    Raises ``Unavailable`` and ``Forbidden`` for a connection that is not active, and ``Outdated`` if the
    caller's schemas, which the change was checked against, are not the directory's any more.
    """
    connection, directory = caller.connection, caller.directory

    async def unit_or_refusal(tx: Writer) -> View | Refusal:
        standing = await tx.standing(connection.id)
        if standing.state != ACTIVE:
            raise refusal(standing, connection.name, directory.name)
        if await tx.revision() != directory.revision:
            raise Outdated(retry_after=RETRY_AFTER)
        try:
            return await unit(tx)
        except FuseBlown as blown:
            return await _trip(tx, caller, blown, now())

    return Guarded(unit_or_refusal, ahead)


async def lose(tx: Writer, caller: Caller, resource_type: ResourceType, at: int) -> None:
    """Count one account that is about to be deactivated or deleted; other resources do not count.

    Must come before the first write of the unit. Raises ``FuseBlown``.
    """
    policy = caller.connection.policy
    limits = policy.limits
    if not has_groups(resource_type) or not (limits.fuse_count or limits.fuse_percent):
        return
    owner = None if policy.reach == "directory" else caller.connection.id
    live = await tx.count(resource_type.name, owner)
    loss = lost(limits, await tx.loss(caller.connection.id), live, at)
    most = allowance(limits, loss.of)
    if most is None:  # nor does it count later, when there are more accounts
        return
    if loss.count > most:
        raise FuseBlown(loss)
    await tx.set_loss(caller.connection.id, loss)


async def _trip(tx: Writer, caller: Caller, blown: FuseBlown, at: int) -> Refusal:
    connection = caller.connection
    standing = Standing(PAUSED, FUSE, _reason(connection.policy.limits, blown), at)
    more = {"lost": blown.lost, "of": blown.of}
    await _set(tx, connection, standing, MOVES["pause"].event, caller.request_id, at, more)
    return Refusal(refusal(standing, connection.name, caller.directory.name))


def _reason(limits: Limits, blown: FuseBlown) -> str:
    minutes, seconds = divmod(limits.fuse_window, 60)
    window = f"{limits.fuse_window} seconds" if seconds else f"{minutes} minutes"
    return (
        f"it deactivated or deleted {blown.lost} of {blown.of} accounts within {window} and was about "
        "to go on. That change and all further ones were not applied. See at the identity provider whether "
        "it is meant; if it is, raise the limits of the mass-change fuse in the connection's policy before "
        "it is resumed"
    )


class Connections:
    """What administrators do to connections. ``now`` gives milliseconds since the epoch."""

    def __init__(self, store: Store, control: Control, now: Callable[[], int]) -> None:
        self._store = store
        self._control = control
        self._now = now

    async def create(
        self,
        directory: Directory,
        name: str,
        *,
        by: Actor,
        profile: str = "auto",
        policy: Policy = Policy(),  # noqa: B008 - it is frozen
    ) -> Connection:
        """A new connection. Raises ``InvalidValue``, ``Uniqueness`` for a name that is taken."""
        _check(name, profile, policy)
        now = self._now()
        after = described(name, profile, policy)
        entry = Entry(by, now, "connection.created", target(name), directory.id, after=after)
        try:
            return await self._control.create_connection(directory.id, name, profile, policy, now, entry)
        except UniqueViolation as violation:
            raise _taken(name) from violation

    async def update(
        self,
        connection: Connection,
        *,
        by: Actor,
        name: str | None = None,
        profile: str | None = None,
        policy: Policy | None = None,
    ) -> Connection:
        """Replace name, profile or policy; ``None`` leaves it. The entry is about the name it had.

        Raises ``InvalidValue``, ``Uniqueness`` for a name that another connection of the directory has, and
        ``Conflict`` if any of them was changed since the connection was read.
        """
        new = replace(
            connection,
            name=connection.name if name is None else name,
            profile=profile or connection.profile,
            policy=policy or connection.policy,
        )
        _check(new.name, new.profile, new.policy)
        before, after = differing(
            described(connection.name, connection.profile, connection.policy),
            described(new.name, new.profile, new.policy),
        )
        if after:
            about = target(connection.name)
            entry = Entry(by, self._now(), "connection.updated", about, new.directory, before, after)
            try:
                done = await self._control.update_connection(connection, new, entry)
            except UniqueViolation as violation:
                raise _taken(new.name) from violation
            if not done:
                raise errors.Conflict(
                    f"Connection '{connection.name}' was changed by somebody else at the same time, and "
                    "nothing was changed by you. Look at it and try again."
                )
        return new

    async def move(self, connection: Connection, name: str, *, by: Actor, reason: str = "") -> Standing:
        """Pause, resume, disable or enable (``standing.MOVES``); in force at once, told in the feed.

        The fuse counts anew from here. Nothing happens if it stands so already. Raises ``Conflict`` for
        a move that is not there, ``InvalidValue`` for a reason too long to be told, ``LookupError`` for
        a connection that is not there.
        """
        if len(reason) > MAX_REASON:
            raise errors.InvalidValue(f"reason: at most {MAX_REASON} characters, not {len(reason)}.")

        async def work(tx: Writer) -> Standing:
            before = await tx.standing(connection.id)
            step = move(name, before, connection.name)
            if step is None:
                return before
            at = self._now()
            standing = Standing(step.target, spoken(by), reason, at)
            await _set(tx, connection, standing, step.event, by.request_id, at, {})
            about = target(connection.name)
            changed = {"state": standing.state, "reason": reason}
            former = {"state": before.state, "reason": before.reason}
            await tx.audit(
                Entry(by, at, step.event, about, connection.directory, *differing(former, changed))
            )
            return standing

        return await self._store.write(connection.directory, work)


def _check(name: str, profile: str, policy: Policy) -> None:
    if not is_name(name):
        raise errors.InvalidValue(f"name: must be {NAME_RULE}.")
    allowed = (
        ("profile", profile, tuple(PROFILES)),
        ("reach", policy.reach, REACHES),
        ("onDelete", policy.on_delete, ON_DELETE),
    )
    for option, value, values in allowed:
        if value not in values:
            raise errors.InvalidValue(f"{option}: must be one of {', '.join(values)}.")


def _taken(name: str) -> errors.Uniqueness:
    return errors.Uniqueness(f"The directory has a connection '{name}' already.")


def described(name: str, profile: str, policy: Policy) -> dict[str, Any]:
    """What an entry holds of a connection."""
    limits = asdict(policy.limits)
    return {
        "name": name,
        "profile": str(profile),
        "reach": str(policy.reach),
        "onDelete": str(policy.on_delete),
        **{option: limits[own] for own, option in JSON_NAMES.items()},
    }


def spoken(by: Actor) -> str:
    """As the identity provider's administrator is told: a person, whatever they use, or a program."""
    if by.kind not in (ADMINISTRATOR, COMMAND_LINE):
        return str(by)
    return f"an administrator ({by.name})" if by.name else "an administrator"


def target(name: str) -> str:
    """What an entry is about."""
    return f"connection '{name}'"


async def _set(
    tx: Writer,
    connection: Connection,
    standing: Standing,
    event: str,
    request_id: str,
    at: int,
    more: dict[str, int],
) -> None:
    await tx.set_standing(connection.id, standing)
    data = {"connection": connection.name, "state": standing.state, "by": standing.by}
    await tx.append(
        Event(
            event, "Connection", str(connection.id), at, connection.id, request_id,
            {**data, "reason": standing.reason, **more},
        )
    )  # fmt: skip
