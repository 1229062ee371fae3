# Written by docs/generate_client.py; change the routes, then run `make docs`.
"""The JSON of the management API, as types."""

from typing import Any, Literal, NotRequired, TypedDict


class EventResource(TypedDict):
    """What it happened to."""

    type: str
    """Name of the resource type, e.g. `User`."""
    id: str
    """Id of the resource; the same for ever."""


class EventCause(TypedDict):
    """Why it happened."""

    connection: str | None
    """Name of the connection that changed it."""
    requestId: str
    """The id of the request, as in the log and the header `X-Request-Id`."""


class Event(TypedDict):
    """A change."""

    id: str
    """The same at every delivery, and of no other event."""
    type: str
    """What happened, e.g. `user.deactivated`."""
    schemaVersion: int
    """Of the form of events; 1."""
    directory: str
    """Name of the directory."""
    time: str
    """When it was committed."""
    resource: EventResource
    """What it happened to."""
    cause: EventCause
    """Why it happened."""
    data: dict[str, Any]
    """What changed; depends on the type."""


class ListDirectoriesQuery(TypedDict):
    """Query parameters of ``list_directories``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ListedDirectory(TypedDict):
    """A directory in a list."""

    name: str
    """Its name."""
    scimPath: str
    """Path of its SCIM base URL on this server."""
    revision: int
    """Moves with every change of its definitions."""
    created: str
    """When it was made."""


class CreateDirectoryBody(TypedDict):
    """The new directory."""

    name: str
    """Letters, digits, '.', '_' and '-'; it is part of addresses and stays."""


class DirectoryDefinitions(TypedDict):
    """Definitions of a directory's own."""

    schemas: list[dict[str, Any]]
    """Schemas (RFC 7643 §7)."""
    resourceTypes: list[dict[str, Any]]
    """Resource types (RFC 7643 §6)."""


class Directory(TypedDict):
    """A directory."""

    name: str
    """Its name."""
    scimPath: str
    """Path of its SCIM base URL on this server."""
    revision: int
    """Moves with every change of its definitions."""
    created: str
    """When it was made."""
    users: int
    """How many users it has."""
    groups: int
    """How many groups it has."""
    definitions: DirectoryDefinitions
    """Definitions of a directory's own."""


class DefineDirectoryBody(TypedDict):
    """Definitions of a directory's own."""

    schemas: NotRequired[list[dict[str, Any]]]
    """Schemas (RFC 7643 §7)."""
    resourceTypes: NotRequired[list[dict[str, Any]]]
    """Resource types (RFC 7643 §6)."""


class ListConnectionsQuery(TypedDict):
    """Query parameters of ``list_connections``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ConnectionLimits(TypedDict):
    """Rates and mass-change fuse."""

    readRate: int
    """Reading requests a second, in each process; 0 for no limit."""
    writeRate: int
    """Changes a second, in each process; 0 for no limit."""
    burst: int
    """Seconds of its rate that a connection may save up."""
    fuseCount: int
    """Accounts it may deactivate or delete in a window before it is paused; 0 for no limit."""
    fusePercent: int
    """The same in percent of the accounts; 0 for no limit."""
    fuseWindow: int
    """Length of the window in seconds."""


ConnectionState = TypedDict(
    "ConnectionState",
    {"by": str, "reason": str, "since": str | None, "is": Literal["active", "paused", "disabled"]},
)
"""Whether it may speak at present."""


class Connection(TypedDict):
    """A connection."""

    name: str
    """Its name, unique in the directory."""
    directory: str
    """Name of the directory."""
    profile: Literal["auto", "okta", "entra", "strict"]
    """How its messages are read."""
    reach: Literal["own", "directory"]
    """Whether it may change only what it made itself, or all in the directory."""
    onDelete: Literal["deactivate", "erase"]
    """What DELETE of a user does."""
    limits: ConnectionLimits
    """Rates and mass-change fuse."""
    state: ConnectionState
    """Whether it may speak at present."""
    created: str
    """When it was made."""


class CreateConnectionBodyLimits(TypedDict):
    """Rates and mass-change fuse."""

    readRate: NotRequired[int]
    """Reading requests a second, in each process; 0 for no limit."""
    writeRate: NotRequired[int]
    """Changes a second, in each process; 0 for no limit."""
    burst: NotRequired[int]
    """Seconds of its rate that a connection may save up."""
    fuseCount: NotRequired[int]
    """Accounts it may deactivate or delete in a window before it is paused; 0 for no limit."""
    fusePercent: NotRequired[int]
    """The same in percent of the accounts; 0 for no limit."""
    fuseWindow: NotRequired[int]
    """Length of the window in seconds."""


class CreateConnectionBody(TypedDict):
    """The new connection."""

    name: str
    """Letters, digits, '.', '_' and '-'; it is part of addresses and stays."""
    profile: NotRequired[Literal["auto", "okta", "entra", "strict"]]
    """How its messages are read."""
    reach: NotRequired[Literal["own", "directory"]]
    """Whether it may change only what it made itself, or all in the directory."""
    onDelete: NotRequired[Literal["deactivate", "erase"]]
    """What DELETE of a user does."""
    limits: NotRequired[CreateConnectionBodyLimits]
    """Rates and mass-change fuse."""


class UpdateConnectionBodyLimits(TypedDict):
    """Rates and mass-change fuse."""

    readRate: NotRequired[int]
    """Reading requests a second, in each process; 0 for no limit."""
    writeRate: NotRequired[int]
    """Changes a second, in each process; 0 for no limit."""
    burst: NotRequired[int]
    """Seconds of its rate that a connection may save up."""
    fuseCount: NotRequired[int]
    """Accounts it may deactivate or delete in a window before it is paused; 0 for no limit."""
    fusePercent: NotRequired[int]
    """The same in percent of the accounts; 0 for no limit."""
    fuseWindow: NotRequired[int]
    """Length of the window in seconds."""


class UpdateConnectionBody(TypedDict):
    """What to change."""

    profile: NotRequired[Literal["auto", "okta", "entra", "strict"]]
    """How its messages are read."""
    reach: NotRequired[Literal["own", "directory"]]
    """Whether it may change only what it made itself, or all in the directory."""
    onDelete: NotRequired[Literal["deactivate", "erase"]]
    """What DELETE of a user does."""
    limits: NotRequired[UpdateConnectionBodyLimits]
    """Rates and mass-change fuse."""


class MoveConnectionBody(TypedDict):
    """What to do."""

    move: Literal["pause", "resume", "disable", "enable"]
    """`pause` answers 503 until `resume`, `disable` 403 until `enable`."""
    reason: NotRequired[str]
    """Why; the identity provider's administrator is told."""


class ListTokensQuery(TypedDict):
    """Query parameters of ``list_tokens``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Token(TypedDict):
    """A token, without its text."""

    id: str
    """Its id, which is part of its text."""
    connection: str
    """Name of the connection it speaks for."""
    label: str
    """What or whom it is for."""
    scopes: list[Literal["scim.read", "scim.write"]]
    """What it permits; without it everything."""
    state: Literal["valid", "ending", "expired", "revoked"]
    """`ending` tokens work until `revoked`."""
    created: str
    """When it was issued."""
    expires: str
    """When it ends."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it was last used."""
    client: str | None
    """Id of the client it was issued to by the Token Provider."""


class IssueTokenBody(TypedDict):
    """The new token."""

    label: NotRequired[str]
    """What or whom it is for."""
    scopes: NotRequired[list[Literal["scim.read", "scim.write"]]]
    """What it permits; without it everything."""
    lifetime: NotRequired[int]
    """Seconds it is valid."""


class NewToken(TypedDict):
    """A token with its text, this once."""

    id: str
    """Its id, which is part of its text."""
    connection: str
    """Name of the connection it speaks for."""
    label: str
    """What or whom it is for."""
    scopes: list[Literal["scim.read", "scim.write"]]
    """What it permits; without it everything."""
    state: Literal["valid", "ending", "expired", "revoked"]
    """`ending` tokens work until `revoked`."""
    created: str
    """When it was issued."""
    expires: str
    """When it ends."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it was last used."""
    client: str | None
    """Id of the client it was issued to by the Token Provider."""
    token: str
    """What the identity provider sends."""


class RotateTokenBody(TypedDict):
    """How to change over."""

    overlap: NotRequired[int]
    """Seconds that the old one goes on working."""


class ListClientsQuery(TypedDict):
    """Query parameters of ``list_clients``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ClientSecret(TypedDict):
    """A secret, without its text."""

    created: str
    """When it was made."""
    expires: str | None
    """When it stops working."""


class Client(TypedDict):
    """A client of the Token Provider, without its secrets."""

    id: str
    """`scimClientId`."""
    connection: str
    """Name of the connection its tokens speak for."""
    label: str
    """What or whom it is for."""
    scopes: list[Literal["scim.read", "scim.write"]]
    """What it permits; without it everything."""
    state: Literal["active", "revoked"]
    """Whether it can fetch tokens."""
    secrets: list[ClientSecret]
    """Its secrets, newest first."""
    created: str
    """When it was made."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it last fetched a token."""


class CreateClientBody(TypedDict):
    """The new client."""

    label: NotRequired[str]
    """What or whom it is for."""
    scopes: NotRequired[list[Literal["scim.read", "scim.write"]]]
    """What it permits; without it everything."""


class NewClientSecret(TypedDict):
    """A secret, without its text."""

    created: str
    """When it was made."""
    expires: str | None
    """When it stops working."""


class NewClient(TypedDict):
    """A client with its new secret, this once."""

    id: str
    """`scimClientId`."""
    connection: str
    """Name of the connection its tokens speak for."""
    label: str
    """What or whom it is for."""
    scopes: list[Literal["scim.read", "scim.write"]]
    """What it permits; without it everything."""
    state: Literal["active", "revoked"]
    """Whether it can fetch tokens."""
    secrets: list[NewClientSecret]
    """Its secrets, newest first."""
    created: str
    """When it was made."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it last fetched a token."""
    clientSecret: str
    """`scimClientSecret`."""


class RotateClientBody(TypedDict):
    """How to change over."""

    overlap: NotRequired[int]
    """Seconds that the old one goes on working."""


class ListUsersQuery(TypedDict):
    """Query parameters of ``list_users``."""

    state: NotRequired[Literal["active", "inactive", "deleted"]]
    """Only those in this state; without it all that are not deleted."""
    q: NotRequired[str]
    """Only those whose userName begins so, in any letter case, ordered by it; not for deleted ones."""
    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Account(TypedDict):
    """A user or group."""

    id: str
    """Its id for ever."""
    state: Literal["active", "inactive", "deleted"]
    """What the application is to make of it."""
    name: str | None
    """userName of a user, displayName of a group."""
    externalId: str | None
    """The id its connection gave it."""
    connection: str | None
    """Name of the connection that owns it."""
    created: str
    """When it was made."""
    modified: str
    """When it was last changed."""
    deleted: str | None
    """When it was deleted."""
    version: str
    """Its ETag."""
    resource: dict[str, Any]
    """Its SCIM attributes, without those that are above and without members and groups."""


class UserGroup(TypedDict):
    """A group."""

    id: str
    """Its id."""
    name: str | None
    """Its displayName."""
    direct: bool
    """False if it is in it through another group."""


class User(TypedDict):
    """A user with its groups."""

    id: str
    """Its id for ever."""
    state: Literal["active", "inactive", "deleted"]
    """What the application is to make of it."""
    name: str | None
    """userName of a user, displayName of a group."""
    externalId: str | None
    """The id its connection gave it."""
    connection: str | None
    """Name of the connection that owns it."""
    created: str
    """When it was made."""
    modified: str
    """When it was last changed."""
    deleted: str | None
    """When it was deleted."""
    version: str
    """Its ETag."""
    resource: dict[str, Any]
    """Its SCIM attributes, without those that are above and without members and groups."""
    groups: list[UserGroup]
    """Direct ones first."""


class UserHistoryQuery(TypedDict):
    """Query parameters of ``user_history``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Happened(TypedDict):
    """An event of one resource."""

    seq: int
    """Its number in the directory's feed."""
    type: str
    """What happened, such as `user.updated`."""
    at: str
    """When."""
    connection: str | None
    """Name of the connection that did it."""
    requestId: str
    """Id of the request."""
    data: dict[str, Any]
    """What was before and after, or the members."""


class ListGroupsQuery(TypedDict):
    """Query parameters of ``list_groups``."""

    state: NotRequired[Literal["active", "deleted"]]
    """Only those in this state; without it all that are not deleted."""
    q: NotRequired[str]
    """Only those whose displayName begins so, in any letter case, ordered by it; not for deleted ones."""
    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ListMembersQuery(TypedDict):
    """Query parameters of ``list_members``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Member(TypedDict):
    """A member of a group, or a value that names nobody yet."""

    value: str
    """The member's id; of a pending one what the identity provider sent."""
    type: str | None
    """`User` or `Group`; null while pending."""
    name: str | None
    """What it is shown as."""


class ListPendingQuery(TypedDict):
    """Query parameters of ``list_pending``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class GroupHistoryQuery(TypedDict):
    """Query parameters of ``group_history``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""
