"""The ports: the only seam between the use cases and the outside.

A ``Store`` gives, for one directory, a ``Reader`` (many at a time, never waiting for a writer) and
runs a unit of work with a ``Writer`` as one durable transaction. A unit of work is an ``async``
function so that one text serves an engine in a thread and an engine behind a socket; it must await
nothing but its ``Writer``. ``rosterd.testing.StoreContract`` says the rest as tests.

Times are integers, milliseconds since the epoch. Ids are opaque strings. Nothing here parses JSON:
a document is the canonical JSON text of a resource *without* ``id``, ``externalId``, ``meta`` and
the attributes rendered from the membership table (a user's ``groups``, a group's ``members``).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from rosterd.scim.filter import Bound
from rosterd.scim.index import Indexed, Scalar
from rosterd.scim.membership import Member
from rosterd.scim.schema import Ref, ResourceType
from rosterd.service.adoption import AdoptionWriter
from rosterd.service.ahead import UNKNOWN, Ahead
from rosterd.service.audit import Entry
from rosterd.service.control import Directory
from rosterd.service.events import FeedReader, FeedWriter
from rosterd.service.limits import Loss
from rosterd.service.past import PastReader, PastWriter
from rosterd.service.projections import ProjectionReader, ProjectionWriter
from rosterd.service.standing import Standing

T = TypeVar("T")


class Stored(NamedTuple):
    """One resource as the store keeps it.

    A tuple, as one is made of each row that is read, and a frozen dataclass takes five times as long.
    """

    id: str
    kind: str
    """The resource type's name, e.g. ``"User"``."""
    connection: int
    """The connection that made it, and whose ``external_id`` it carries."""
    external_id: str | None
    seq: int
    """Position in the directory's order of creation (or last revival); unique, only grows."""
    version: int
    created: int
    modified: int
    deleted: int | None
    """When a retained account was deleted; ``None`` for a live resource."""
    document: bytes


@dataclass(frozen=True, slots=True)
class Membership:
    """One group of a resource (RFC 7643 §4.1.2 ``groups``)."""

    group: str
    display: str | None
    direct: bool


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A group that waits for a member."""

    value: str
    """By which it names the member."""
    group: str
    display: str | None
    """The group's name."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What a membership operation did: ids really added or removed, values now or formerly pending.

    ``renamed`` are those that were there, and only have another ``display`` now. ``resolved`` are values that
    were pending and name somebody who is there now; whoever it is is in ``added`` unless it was a member.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    pending_added: tuple[str, ...] = ()
    pending_removed: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class Position(NamedTuple):
    """A place in a listing: the sort key and ``seq`` of the last resource given."""

    seq: int
    key: Scalar | None = None
    """The folded sort value; ``None`` for a resource without one, and when nothing is sorted."""


class Query(NamedTuple):
    """A listing. Live resources only.

    Order is ``seq`` unless ``sort`` is given; then the folded value (a resource without one last,
    in both directions: RFC 7644 §3.4.2.3 with the values of a multi-valued attribute taken by
    primary, else first), then ``seq``.
    """

    targets: Mapping[ResourceType, Bound | None]
    """The resource types to list, each with the filter bound to it."""
    connection: int | None
    """Whose ``externalId`` is meant; ``None`` (the application): everybody's."""
    limit: int
    offset: int = 0
    after: Position | None = None
    """Go on behind this resource; ``offset`` counts from there."""
    sort: Mapping[ResourceType, Ref | None] | None = None
    descending: bool = False
    """Resources without a value are first then, else last (RFC 7644 §3.4.2.3)."""
    total: bool = True
    """Whether ``Page.total`` is wanted (all that match, whatever the position)."""
    grouped: frozenset[str] = frozenset()
    """The kinds of resources whose groups are wanted with them."""


class Page(NamedTuple):
    """One page of a listing: ``positions[i]`` is that of ``rows[i]``; ``more`` if a row follows."""

    rows: tuple[Stored, ...]
    positions: tuple[Position, ...]
    more: bool
    total: int | None
    groups: Mapping[str, tuple[Membership, ...]] = MappingProxyType({})
    """The groups of each resource of a kind in ``Query.grouped``, as ``Reader.memberships`` gives them."""


@dataclass(frozen=True, slots=True)
class Named:
    """A resource found by a name's beginning; ``row`` is ``None`` if it is not in the state wanted."""

    value: str
    id: str
    row: Stored | None


class UniqueViolation(Exception):
    """Another live resource of the type already has this value."""

    def __init__(self, attribute: str, value: str) -> None:
        super().__init__(f"{attribute} {value!r} is taken")
        self.attribute = attribute
        self.value = value


class StoreUnavailable(Exception):
    """The store cannot carry this out at present (disk full, read-only, locked, away); nothing is done."""

    told: ClassVar[str] = "The database cannot take this at the moment; nothing was changed. Try again later."
    """What the client may know of it."""


class OutcomeUnknown(StoreUnavailable):
    """The store was lost while it made this durable: all of it is done, or nothing."""

    told = (
        "The database was lost while it carried this out: it is not known whether all of it was done or "
        "nothing. Try again later."
    )


class Reader(FeedReader, PastReader, ProjectionReader, Protocol):
    """Reads of one directory. Only live resources, unless a method says otherwise."""

    async def get(self, kind: str, id: str) -> Stored | None:
        """The live resource, or ``None``."""

    async def get_with_groups(self, kind: str, id: str) -> tuple[Stored, tuple[Membership, ...]] | None:
        """The same with the groups it is in, direct ones first, then by ``seq``."""

    async def search(self, query: Query) -> Page:
        """List resources; the work is done by the engine, and bounded reads cost the same at any depth."""

    async def memberships(self, ids: Sequence[str]) -> Mapping[str, tuple[Membership, ...]]:
        """The groups of each resource, direct ones first, then by ``seq``; ids without any are absent."""

    async def group_counts(self, ids: Sequence[str]) -> Mapping[str, int]:
        """In how many groups each resource is directly; ids without any are absent."""

    async def members(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        """The group's members that exist, ordered by id, behind ``after``."""

    async def few_members(self, group: str, most: int) -> tuple[Member, ...] | None:
        """The group's members that exist, ordered by id; ``None`` if they are more than so many."""

    async def member_count(self, group: str, most: int) -> int:
        """How many members the group has, counted up to ``most``."""

    async def pending(
        self, group: str, after: str | None = None, limit: int | None = None
    ) -> tuple[Member, ...]:
        """The group's member values that name nobody yet, ordered, behind ``after``."""

    async def awaiting(self, values: Sequence[str], limit: int) -> tuple[Awaiting, ...]:
        """The groups that wait for one of these values, by value and id."""

    async def accounts(self, kind: str, state: str, after: int, limit: int) -> tuple[Stored, ...]:
        """Resources that are ``active``, ``inactive`` or ``deleted``, by ``seq`` behind ``after``.

        The cost is that of the page, however many are in another state.
        """

    async def newest(
        self, kind: str, state: str, connection: int | None, before: int | None, limit: int
    ) -> tuple[Stored, ...]:
        """Resources in a state, by ``seq`` downwards from below ``before``; a connection's or everybody's.

        The cost is that of the page for everybody's; a connection's are looked for in an index of all.
        """

    async def named(
        self,
        kind: str,
        prefix: str,
        state: str | None,
        after: tuple[str, str] | None,
        limit: int,
        attribute: str | None = None,
    ) -> tuple[Named, ...]:
        """The next ``limit`` live users by userName, groups by displayName, that begin with a folded text.

        Or those of which a value of another ``attribute`` begins so, one of ``scim.index.INDEXED``. Those in
        another state count, without their row, so that the cost is bounded. ``after`` is the value and id of
        the last one given.
        """

    async def retained(self, kind: str, connection: int, external_id: str) -> tuple[Stored, ...]:
        """Deleted resources this connection may revive under this externalId, newest deletion first."""

    async def find_deleted(self, kind: str, id: str) -> Stored | None:
        """A retained (deleted) resource, or ``None``."""

    async def owner_of(self, kind: str, attribute: str, value: str) -> str | None:
        """The id of the live resource with this unique folded value."""

    async def count(self, kind: str, connection: int | None = None) -> int:
        """How many live resources of the type there are, or a connection owns, at constant cost."""


class Writer(Reader, FeedWriter, PastWriter, ProjectionWriter, AdoptionWriter, Protocol):
    """One transaction. Reads see its own writes; nobody else's change until it ends."""

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Undo what happens inside, and only that, if it raises."""

    async def audit(self, entry: Entry) -> None:
        """Write an entry of the audit log, kept if the transaction is."""

    async def next_seq(self) -> int:
        """The next number of the directory's one order (events and resources share it)."""

    async def insert(self, row: Stored, indexed: Indexed) -> None:
        """Add a live resource. Raises ``UniqueViolation``."""

    async def update(self, row: Stored, before: Indexed, after: Indexed) -> None:
        """Replace document, external_id, connection, version and modified. Raises ``UniqueViolation``."""

    async def touch(self, kind: str, id: str, modified: int) -> int | None:
        """Move the version by one without reading the document; the new version, ``None`` if not there."""

    async def touch_all(self, kind: str, ids: Sequence[str], modified: int) -> None:
        """The same for each of these, by a number of statements that does not depend on theirs."""

    async def retain(self, row: Stored, indexed: Indexed, deleted: int) -> None:
        """Mark the live resource deleted: out of every listing and index, its unique values free, its
        memberships (both sides) gone; the row stays."""

    async def revive(self, row: Stored, indexed: Indexed) -> None:
        """Bring a retained resource back live, with the row's document, seq, version and external_id.
        Raises ``UniqueViolation``."""

    async def erase(self, kind: str, id: str) -> bool:
        """Remove a live or retained resource for good, memberships included."""

    async def add_members(self, group: str, members: Sequence[Member], *, named: bool = True) -> MemberChange:
        """Add those not yet members; values that name no live resource become pending. A repeated value
        counts once; a given ``display`` replaces the former one. Cost: the number given, not the group.

        A value is the id of a live user or group; else the externalId that the connection which made the
        group gave to one of its own, a member before others, then by ``seq``; else the userName of a live
        user; but a value that is pending in the group stays so for a user whom another connection made. A
        blank value is no name, and none is if ``named`` is false.
        """

    async def remove_members(self, group: str, values: Sequence[str], *, named: bool = True) -> MemberChange:
        """Remove these members or pending values, named as above; others are no error."""

    async def replace_members(
        self, group: str, members: Sequence[Member], *, named: bool = True
    ) -> MemberChange:
        """Make these the group's members and pending values, named as above, and no others."""

    async def groups_with(self, member: str) -> tuple[str, ...]:
        """The groups that have this resource as a direct member, by id."""

    async def resolve_pending(
        self, id: str, names: Sequence[str], own: Sequence[str] = (), connection: int = 0
    ) -> Mapping[str, MemberChange]:
        """Turn pending values equal to ``id`` or one of ``names`` into memberships of ``id``.

        Values in ``own`` only in groups that the connection made.

        What that changes of each group that waited, by the group's id, in their order.
        """

    async def revision(self) -> int:
        """The revision of what the directory defines; 0 if there is no such directory.

        Nobody else changes it before the transaction ends. Costs nothing after ``standing``.
        """

    async def define(self, directory: Directory) -> Directory | None:
        """Keep these schemas, resource types and requirements, and move the revision by one.

        ``None``, and nothing is changed, if the revision is another one by now.
        """

    async def standing(self, connection: int) -> Standing:
        """How a connection of the directory stands now; one that never was is active."""

    async def set_standing(self, connection: int, standing: Standing) -> None:
        """Make a connection stand so from the commit on, in every process, and forget its ``Loss``.

        Raises ``LookupError`` if the directory has no such connection.
        """

    async def hand_over(self, connection: int, heir: int, ids: Sequence[str]) -> int:
        """Make resources another connection's, retained ones too, that are a connection's; how many were."""

    async def remove_connection(self, connection: int, at: int) -> None:
        """End a connection from the commit on, in every process, with its tokens, clients and set-up links.

        What is its own stays so. Its name is free, and stays the name of what it did; its number is not given
        out again. Raises ``LookupError`` like ``set_standing``.
        """

    async def loss(self, connection: int) -> Loss | None:
        """What the connection has taken away in its present window, if anything."""

    async def set_loss(self, connection: int, loss: Loss) -> None:
        """Replace that. Raises ``LookupError`` like ``set_standing``."""


class Store(Protocol):
    """Directories' data. Every call names its directory; there is no unscoped query."""

    def reader(self, directory: int) -> Reader:
        """Reads of one directory, outside any transaction."""

    def snapshot(self, directory: int) -> AbstractAsyncContextManager[Reader]:
        """Reads that all see the directory as it is now, while others go on reading and writing.

        For a while only, since it keeps the engine from tidying up: opening raises ``StoreUnavailable``
        if too many are open, a read if the time is over.
        """

    async def changed(self, directory: int, after: int, seconds: float) -> bool:
        """Wait until the directory has a number above ``after``; ``False`` if the time is over first.

        At once if this process commits it, within a second or so if another does.
        """

    async def write(
        self, directory: int, work: Callable[[Writer], Awaitable[T]], ahead: Ahead = UNKNOWN
    ) -> T:
        """Run ``work`` as one transaction and return its value once that is durable.

        ``ahead`` is what it is going to look for, which may then be looked up for several at once.
        If ``work`` raises, nothing of it is kept and the exception comes back. Raises
        ``StoreUnavailable`` when the engine cannot write. An engine may run ``work`` again from the
        start, so it must have no other effects.
        """

    async def purge(self, directory: int) -> None:
        """Bring up to date what is written behind the changes, and keep nothing there of what is gone.

        Raises ``StoreUnavailable``.
        """
