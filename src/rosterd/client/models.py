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


class ListExtensionsQuery(TypedDict):
    """Query parameters of ``list_extensions``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Extension(TypedDict):
    """An extension of a directory's own."""

    urn: str
    """Its URN."""
    name: str
    """Its name."""
    description: str
    """What it is for."""
    resourceType: str
    """The resource type that it extends."""
    attributes: list[dict[str, Any]]
    """Its attributes."""


class ExtensionInUse(TypedDict):
    """An extension, and how many use it."""

    urn: str
    """Its URN."""
    name: str
    """Its name."""
    description: str
    """What it is for."""
    resourceType: str
    """The resource type that it extends."""
    attributes: list[dict[str, Any]]
    """Its attributes."""
    carriers: int
    """How many resources have a value of it."""


class PutExtensionBodyAttributeSubAttribute(TypedDict):
    """A part."""

    name: str
    """Its name."""
    type: NotRequired[
        Literal["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"]
    ]
    """What its values are; string if not given."""
    multiValued: NotRequired[bool]
    """Whether it has several values."""
    required: NotRequired[bool]
    """Whether whoever has the extension must have it."""
    caseExact: NotRequired[bool]
    """Whether letter case matters when values are compared."""
    mutability: NotRequired[Literal["readOnly", "readWrite", "immutable", "writeOnly"]]
    """Who may set it."""
    returned: NotRequired[Literal["always", "never", "default", "request"]]
    """When it is shown."""
    uniqueness: NotRequired[Literal["none", "server", "global"]]
    """Whether two resources may have the same."""
    description: NotRequired[str]
    """What it means."""
    canonicalValues: NotRequired[list[str]]
    """Values that are suggested."""
    referenceTypes: NotRequired[list[str]]
    """What a reference leads to."""


class PutExtensionBodyAttribute(TypedDict):
    """An attribute (RFC 7643 §7); only its name must be given."""

    name: str
    """Its name."""
    type: NotRequired[
        Literal["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"]
    ]
    """What its values are; string if not given."""
    multiValued: NotRequired[bool]
    """Whether it has several values."""
    required: NotRequired[bool]
    """Whether whoever has the extension must have it."""
    caseExact: NotRequired[bool]
    """Whether letter case matters when values are compared."""
    mutability: NotRequired[Literal["readOnly", "readWrite", "immutable", "writeOnly"]]
    """Who may set it."""
    returned: NotRequired[Literal["always", "never", "default", "request"]]
    """When it is shown."""
    uniqueness: NotRequired[Literal["none", "server", "global"]]
    """Whether two resources may have the same."""
    description: NotRequired[str]
    """What it means."""
    canonicalValues: NotRequired[list[str]]
    """Values that are suggested."""
    referenceTypes: NotRequired[list[str]]
    """What a reference leads to."""
    subAttributes: NotRequired[list[PutExtensionBodyAttributeSubAttribute]]
    """The parts of a complex one."""


class PutExtensionBody(TypedDict):
    """The extension."""

    name: NotRequired[str]
    """Its name; the end of its URN if not given."""
    description: NotRequired[str]
    """What it is for."""
    resourceType: NotRequired[str]
    """The resource type that it extends."""
    attributes: list[PutExtensionBodyAttribute]
    """Its attributes."""


class RequirementsMisfit(TypedDict):
    """A rule."""

    resourceType: str
    """Of which resources."""
    path: str
    """Of which attribute."""
    rule: Literal["required", "canonicalValues"]
    """Which rule."""
    misfits: int
    """How many do not keep to it."""


class Requirements(TypedDict):
    """What a directory asks of its resources beyond their schemas."""

    requirements: dict[str, Any]
    """By resource type: required, canonicalValues."""
    misfits: list[RequirementsMisfit]
    """How many of the present resources do not keep to each rule, the most first."""


class PutRequirementsQuery(TypedDict):
    """Query parameters of ``put_requirements``."""

    preview: NotRequired[Literal["false", "true"]]
    """`true` only counts who would not fit, and changes nothing."""


class PutRequirementsBody(TypedDict):
    """The requirements."""

    requirements: dict[str, Any]
    """By resource type: required, canonicalValues."""


class ListConnectionsQuery(TypedDict):
    """Query parameters of ``list_connections``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ConnectionLimits(TypedDict):
    """Rates and mass-change fuse."""

    readRate: int
    """Reading requests a second; 0 for no limit."""
    writeRate: int
    """Changes a second; 0 for no limit."""
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
    """Reading requests a second; 0 for no limit."""
    writeRate: NotRequired[int]
    """Changes a second; 0 for no limit."""
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
    """Letters, digits, '.', '_' and '-'; it is part of addresses of this API."""
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
    """Reading requests a second; 0 for no limit."""
    writeRate: NotRequired[int]
    """Changes a second; 0 for no limit."""
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

    name: NotRequired[str]
    """Letters, digits, '.', '_' and '-'; it is part of addresses of this API."""
    profile: NotRequired[Literal["auto", "okta", "entra", "strict"]]
    """How its messages are read."""
    reach: NotRequired[Literal["own", "directory"]]
    """Whether it may change only what it made itself, or all in the directory."""
    onDelete: NotRequired[Literal["deactivate", "erase"]]
    """What DELETE of a user does."""
    limits: NotRequired[UpdateConnectionBodyLimits]
    """Rates and mass-change fuse."""


class DeleteConnectionQuery(TypedDict):
    """Query parameters of ``delete_connection``."""

    handOverTo: NotRequired[str]
    """Name of the connection that gets the users and groups that are its own, deleted ones too. Without
    it there must be no live ones: 409."""


class MoveConnectionBody(TypedDict):
    """What to do."""

    move: Literal["pause", "resume", "disable", "enable"]
    """`pause` answers 503 until `resume`, `disable` 403 until `enable`."""
    reason: NotRequired[str]
    """Why; told to the identity provider's administrator while it is paused or disabled."""


class UndoConnectionBody(TypedDict):
    """What to undo."""

    since: str
    """The moment, such as `2026-11-24T15:00:00Z`."""
    preview: NotRequired[bool]
    """Only look: nothing is changed, and the connection need not be paused."""


class UndoConnectionReplyCounts(TypedDict):
    """How many of each kind."""

    deleted: int
    """Resources that the connection made, and that are deleted again."""
    revived: int
    """Resources that it deleted, and that are back under their ids."""
    updated: int
    """Resources whose attributes are as before."""
    activated: int
    """The same of accounts that are active again."""
    deactivated: int
    """The same of accounts that are inactive again."""
    membersAdded: int
    """Memberships and pending members that are back."""
    membersRemoved: int
    """Memberships and pending members that are gone again."""
    conflicts: int
    """Attributes and resources that are left alone."""
    lost: int
    """Resources that cannot come back."""


class UndoConnectionReplyChange(TypedDict):
    """One."""

    type: str
    """Its resource type."""
    id: str
    """Its id."""
    name: str
    """Its userName or displayName."""
    change: Literal["deleted", "revived", "updated", "activated", "deactivated", "members"]
    """What becomes of it."""
    attributes: list[str]
    """The attributes that are given back."""
    membersAdded: int
    """Memberships and pending members it gets back."""
    membersRemoved: int
    """Memberships and pending members it loses."""


class UndoConnectionReplyConflict(TypedDict):
    """One."""

    type: str
    """Its resource type."""
    id: str
    """Its id."""
    name: str
    """Its userName or displayName."""
    attribute: str | None
    """The attribute; null: the whole resource."""
    reason: str
    """Why it is left alone."""


class UndoConnectionReplyLostItem(TypedDict):
    """One."""

    type: str
    """Its resource type."""
    id: str
    """Its id."""
    name: str
    """Its userName or displayName."""
    reason: str
    """Why."""


class UndoConnectionReply(TypedDict):
    """What was done, or would be."""

    preview: bool
    """Whether nothing was changed."""
    since: str
    """The moment."""
    counts: UndoConnectionReplyCounts
    """How many of each kind."""
    changes: list[UndoConnectionReplyChange]
    """The first 100 changes of each kind."""
    conflicts: list[UndoConnectionReplyConflict]
    """What the first 100 resources with a conflict keep, and why."""
    lost: list[UndoConnectionReplyLostItem]
    """The first 100 that cannot come back."""


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
    scopes: list[str]
    """What it permits; without it everything."""
    state: Literal["valid", "ending", "expired", "revoked"]
    """`ending` tokens work until `revoked`."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it."""
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
    scopes: NotRequired[list[str]]
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
    scopes: list[str]
    """What it permits; without it everything."""
    state: Literal["valid", "ending", "expired", "revoked"]
    """`ending` tokens work until `revoked`."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it."""
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
    scopes: list[str]
    """What it permits; without it everything."""
    state: Literal["active", "revoked"]
    """Whether it can fetch tokens."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it. Of one of its
    secrets."""
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
    scopes: NotRequired[list[str]]
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
    scopes: list[str]
    """What it permits; without it everything."""
    state: Literal["active", "revoked"]
    """Whether it can fetch tokens."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it. Of one of its
    secrets."""
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
    """Only those whose displayName begins so, in any letter case, ordered by it; not for deleted
    ones."""
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


class EraseUserReply(TypedDict):
    """The account is erased."""

    id: str
    """Its id, which is all that is kept."""
    wasLive: bool
    """Whether it was not deleted before."""
    warning: str | None
    """What to heed if it was live."""


class ReadMappingReplyField(TypedDict):
    """A field."""

    name: str
    """Its name."""
    value: str
    """A CEL expression that gives its value."""


class ReadMappingReplyRole(TypedDict):
    """A role."""

    role: str
    """Its name."""
    when: str
    """A CEL expression that is true for whoever has it."""


class ReadMappingReply(TypedDict):
    """A mapping."""

    fields: list[ReadMappingReplyField]
    """The application's fields of a user."""
    roles: list[ReadMappingReplyRole]
    """The application's roles; one may have several conditions, any of which gives it."""
    revision: int
    """Moves with every change of the rules."""
    finished: bool
    """Whether all users follow the present rules already."""


class SaveMappingBodyField(TypedDict):
    """A field."""

    name: str
    """Its name."""
    value: str
    """A CEL expression that gives its value."""


class SaveMappingBodyRole(TypedDict):
    """A role."""

    role: str
    """Its name."""
    when: str
    """A CEL expression that is true for whoever has it."""


class SaveMappingBody(TypedDict):
    """The rules; 20,000 characters together at most."""

    fields: list[SaveMappingBodyField]
    """The application's fields of a user."""
    roles: list[SaveMappingBodyRole]
    """The application's roles; one may have several conditions, any of which gives it."""


class SaveMappingReplyField(TypedDict):
    """A field."""

    name: str
    """Its name."""
    value: str
    """A CEL expression that gives its value."""


class SaveMappingReplyRole(TypedDict):
    """A role."""

    role: str
    """Its name."""
    when: str
    """A CEL expression that is true for whoever has it."""


class SaveMappingReply(TypedDict):
    """A mapping."""

    fields: list[SaveMappingReplyField]
    """The application's fields of a user."""
    roles: list[SaveMappingReplyRole]
    """The application's roles; one may have several conditions, any of which gives it."""
    revision: int
    """Moves with every change of the rules."""
    finished: bool
    """Whether all users follow the present rules already."""


class PreviewMappingBodyField(TypedDict):
    """A field."""

    name: str
    """Its name."""
    value: str
    """A CEL expression that gives its value."""


class PreviewMappingBodyRole(TypedDict):
    """A role."""

    role: str
    """Its name."""
    when: str
    """A CEL expression that is true for whoever has it."""


class PreviewMappingBody(TypedDict):
    """The rules; 20,000 characters together at most."""

    fields: list[PreviewMappingBodyField]
    """The application's fields of a user."""
    roles: list[PreviewMappingBodyRole]
    """The application's roles; one may have several conditions, any of which gives it."""


class PreviewMappingReplyFault(TypedDict):
    """A fault."""

    rule: str
    """Field or role."""
    message: str
    """What is wrong."""
    users: int
    """For how many users."""


class PreviewMappingReplySample(TypedDict):
    """A user."""

    id: str
    """Its id."""
    name: str
    """Its userName."""
    before: dict[str, Any]
    """The fields that differ, and `roles` if they do."""
    after: dict[str, Any]
    """The fields that differ, and `roles` if they do."""


class PreviewMappingReply(TypedDict):
    """What rules would change."""

    users: int
    """Users there are."""
    changed: int
    """Users that would change."""
    sentences: list[str]
    """The same in words."""
    rolesAdded: dict[str, Any]
    """Role: how many users get it."""
    rolesRemoved: dict[str, Any]
    """Role: how many users lose it."""
    fields: dict[str, Any]
    """Field: how many users get another value of it."""
    faults: list[PreviewMappingReplyFault]
    """Rules that could not be evaluated."""
    samples: list[PreviewMappingReplySample]
    """Some of the users that would change."""


class ReadMappedUserReply(TypedDict):
    """What the mapping makes of a user."""

    fields: dict[str, Any]
    """The fields that have a value."""
    roles: list[str]
    """The roles, by name."""


class ReconcileBodyAccount(TypedDict):
    """One of the application's accounts."""

    account: str
    """What the application calls it."""
    userName: NotRequired[str]
    """The userName it has, or should have, here."""
    email: NotRequired[str]
    """Its e-mail address."""
    id: NotRequired[str]
    """Its id here, if it is known."""
    active: NotRequired[bool]
    """Whether it may be used."""
    displayName: NotRequired[str]
    """Its name for people."""


class ReconcileBody(TypedDict):
    """All the application's accounts."""

    accounts: list[ReconcileBodyAccount]
    """The accounts."""


class ReconcileReplyFinding(TypedDict):
    """A finding."""

    what: str
    """`unknown`, `missing`, `should be inactive`, `should be active` or `renamed`."""
    name: str
    """Its userName, or what the application knows."""
    account: str | None
    """What the application calls it."""
    id: str | None
    """Its id here."""
    detail: str
    """What to do."""


class ReconcileReply(TypedDict):
    """Where the two do not agree."""

    counts: dict[str, Any]
    """Kind of finding: how many; `agreed`: how many agree."""
    findings: list[ReconcileReplyFinding]
    """The findings, at most a thousand."""
    complete: bool
    """Whether these are all findings."""


class AdoptBodyAccount(TypedDict):
    """One of the application's accounts."""

    account: str
    """What the application calls it."""
    userName: NotRequired[str]
    """The userName it has, or should have, here."""
    email: NotRequired[str]
    """Its e-mail address."""
    id: NotRequired[str]
    """Its id here, if it is known."""
    active: NotRequired[bool]
    """Whether it may be used."""
    displayName: NotRequired[str]
    """Its name for people."""


class AdoptBody(TypedDict):
    """The accounts."""

    accounts: list[AdoptBodyAccount]
    """The accounts."""


class AdoptReplyOutcome(TypedDict):
    """One account."""

    account: str
    """What the application calls it."""
    what: str
    """`adopted`, `there already` or `failed`."""
    id: str | None
    """Its id here."""
    detail: str
    """Why it failed."""


class AdoptReply(TypedDict):
    """What became of each."""

    outcomes: list[AdoptReplyOutcome]
    """In the order of the accounts."""


class ReadRequestQuery(TypedDict):
    """Query parameters of ``read_request``."""

    directory: NotRequired[str]
    """Name of the directory; needed unless the API key is bound to one."""


class Request(TypedDict):
    """A request with its bodies."""

    id: str
    """Its id; a later one has a greater number."""
    at: str
    """When it came."""
    connection: str
    """Name of the connection that sent it, or that it had when it was deleted."""
    token: str
    """Id of the token it was sent with, also if that does not work."""
    requestId: str
    """The id of the request, as in the log and the header `X-Request-Id`."""
    method: str
    """Its method."""
    path: str
    """Its path below the SCIM base URL."""
    query: str
    """Its query, readable, secrets masked."""
    status: int
    """The status of the reply."""
    microseconds: int
    """How long it took."""
    resourceType: str | None
    """Name of the resource type of the address."""
    resource: str | None
    """Id of the resource it was about."""
    subject: str | None
    """userName or displayName it was about."""
    tolerated: list[str]
    """Habits of the client that were understood although SCIM does not know them."""
    scimType: str | None
    """`scimType` of an error."""
    detail: str | None
    """What the client was told of an error."""
    explanation: list[str]
    """What it means and what to do, in plain sentences."""
    address: str | None
    """Where it came from."""
    userAgent: str | None
    """What the client calls itself."""
    bodySize: int
    """Bytes of the request's body."""
    leftOut: int
    """Requests before it that were too many to keep."""
    body: str | None
    """The request's body, secrets masked, of a long one the beginning; null if not kept."""
    reply: str | None
    """The reply's body, if it tells of an error."""


class ListKeysQuery(TypedDict):
    """Query parameters of ``list_keys``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class ApiKey(TypedDict):
    """An API key, without its text."""

    id: str
    """Its id, which is part of its text."""
    directory: str | None
    """The only directory it may know of; null for all."""
    label: str
    """What or whom it is for."""
    scopes: list[
        Literal[
            "directories.read",
            "directories.write",
            "connections.read",
            "connections.write",
            "users.read",
            "users.write",
            "events.read",
            "requests.read",
            "audit.read",
            "keys.read",
            "keys.write",
            "settings.read",
            "settings.write",
            "webhooks.read",
            "webhooks.write",
            "administrators.read",
            "administrators.write",
        ]
    ]
    """What it permits."""
    state: Literal["valid", "expired", "revoked"]
    """Whether it works."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it."""
    created: str
    """When it was made."""
    expires: str
    """When it ends."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it was last used."""


class CreateKeyBody(TypedDict):
    """The new API key."""

    label: NotRequired[str]
    """What or whom it is for."""
    directory: NotRequired[str]
    """The only directory it may know of; without it as the asking key."""
    scopes: NotRequired[
        list[
            Literal[
                "directories.read",
                "directories.write",
                "connections.read",
                "connections.write",
                "users.read",
                "users.write",
                "events.read",
                "requests.read",
                "audit.read",
                "keys.read",
                "keys.write",
                "settings.read",
                "settings.write",
                "webhooks.read",
                "webhooks.write",
                "administrators.read",
                "administrators.write",
            ]
        ]
    ]
    """What it permits; without it what the asking key does."""
    lifetime: NotRequired[int]
    """Seconds it is valid."""


class NewApiKey(TypedDict):
    """An API key with its text, this once."""

    id: str
    """Its id, which is part of its text."""
    directory: str | None
    """The only directory it may know of; null for all."""
    label: str
    """What or whom it is for."""
    scopes: list[
        Literal[
            "directories.read",
            "directories.write",
            "connections.read",
            "connections.write",
            "users.read",
            "users.write",
            "events.read",
            "requests.read",
            "audit.read",
            "keys.read",
            "keys.write",
            "settings.read",
            "settings.write",
            "webhooks.read",
            "webhooks.write",
            "administrators.read",
            "administrators.write",
        ]
    ]
    """What it permits."""
    state: Literal["valid", "expired", "revoked"]
    """Whether it works."""
    expiresSoon: bool
    """Whether it ends within the setting `tokenWarningDays` and somebody must replace it."""
    created: str
    """When it was made."""
    expires: str
    """When it ends."""
    revoked: str | None
    """From when on it is revoked."""
    lastUsed: str | None
    """When it was last used."""
    key: str
    """What a program sends."""


class ListEntriesQuery(TypedDict):
    """Query parameters of ``list_entries``."""

    directory: NotRequired[str]
    """Only those of this directory."""
    action: NotRequired[str]
    """Only this action, such as `token.created`, or all that begin so, such as `token.`."""
    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class AuditEntryBy(TypedDict):
    """Who did it."""

    kind: str
    """`administrator`, `API key`, `command line`, `set-up link` or `rosterd` itself."""
    name: str
    """The login name, the label of the key or the user of the operating system."""
    id: str
    """Id of the administrator, key or link."""
    address: str | None
    """The network address it came from."""


class AuditEntry(TypedDict):
    """An administrative change."""

    seq: int
    """Its number; numbers only grow."""
    at: str
    """When."""
    action: str
    """What was done, such as `token.created`."""
    target: str
    """To what."""
    directory: str | None
    """Name of the directory concerned; null for the installation."""
    by: AuditEntryBy
    """Who did it."""
    requestId: str
    """Id of the request."""
    before: dict[str, Any]
    """What was before, of what differs."""
    after: dict[str, Any]
    """What is after, of what differs."""


class Settings(TypedDict):
    """What holds for the whole installation."""

    eventRetentionDays: int
    """Days that events are kept for the application's feed; `0` for ever."""
    requestLogRetentionDays: int
    """Days that requests are kept in the request log."""
    requestLogBodies: bool
    """Whether the request log keeps the bodies of requests and replies, masked."""
    eraseDeletedAfterDays: int
    """Days after which a deleted user that was retained is erased for good; `0` never."""
    tokenWarningDays: int
    """Days before the end of a token at which its expiry is announced; `0` does not announce it."""
    signingKeyDays: int
    """Days that a key signs security event tokens before the next does; `0` until it is rotated by
    hand."""
    secondFactorRequired: bool
    """Whether administrators who log in by password must have a second factor; whoever has none sets
    one up at the next log-in."""
    fixed: list[
        Literal[
            "eventRetentionDays",
            "requestLogRetentionDays",
            "requestLogBodies",
            "eraseDeletedAfterDays",
            "tokenWarningDays",
            "signingKeyDays",
            "secondFactorRequired",
        ]
    ]
    """Those that the environment of the server fixes; they are changed there only."""


class ChangeSettingsBody(TypedDict):
    """What to change."""

    eventRetentionDays: NotRequired[int | None]
    """Days that events are kept for the application's feed; `0` for ever."""
    requestLogRetentionDays: NotRequired[int | None]
    """Days that requests are kept in the request log."""
    requestLogBodies: NotRequired[bool | None]
    """Whether the request log keeps the bodies of requests and replies, masked."""
    eraseDeletedAfterDays: NotRequired[int | None]
    """Days after which a deleted user that was retained is erased for good; `0` never."""
    tokenWarningDays: NotRequired[int | None]
    """Days before the end of a token at which its expiry is announced; `0` does not announce it."""
    signingKeyDays: NotRequired[int | None]
    """Days that a key signs security event tokens before the next does; `0` until it is rotated by
    hand."""
    secondFactorRequired: NotRequired[bool | None]
    """Whether administrators who log in by password must have a second factor; whoever has none sets
    one up at the next log-in."""


class ListWebhooksQuery(TypedDict):
    """Query parameters of ``list_webhooks``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class WebhookStream(TypedDict):
    """What it is that gets security event tokens; null if it gets webhooks."""

    audience: str
    """The claim `aud` of the tokens: what the receiver calls itself."""
    method: Literal["push", "poll"]
    """By which way."""
    detail: Literal["full", "notice"]
    """How much a token tells: `full`: what changed and to what; `notice`: which attributes changed,
    without values."""
    vocabulary: Literal["both", "scim", "caep"]
    """In which words: `both`: the events of RFC 9967, and `session-revoked` of CAEP beside deactivation
    and deletion; `scim`: the events of RFC 9967 only; `caep`: `session-revoked` of CAEP only."""
    authorization: bool
    """Whether pushes carry an authorization."""


WebhookState = TypedDict(
    "WebhookState", {"by": str, "reason": str, "since": str | None, "is": Literal["enabled", "disabled"]}
)
"""Whether messages are sent."""


class WebhookSecret(TypedDict):
    """One secret."""

    scheme: Literal["v1", "v1a"]
    """How it signs."""
    created: str
    """When it was made."""
    expires: str | None
    """Until when it signs beside a newer one."""
    publicKey: str | None
    """`whpk_…`, of `v1a`."""


class Webhook(TypedDict):
    """An endpoint, without its secrets."""

    id: str
    """Its id."""
    directory: str | None
    """Name of the only directory it hears of; null for all."""
    url: str
    """Where messages are sent; a stream that is polled has none."""
    label: str
    """What or whom it is for."""
    types: list[str]
    """Types of events it hears of, such as `user.created` or `user.*`; none: all."""
    maxEvents: int
    """Events to a message; with 1 a message is an event."""
    maxWait: int
    """Seconds that an event may wait for others to fill a message."""
    stream: WebhookStream | None
    """What it is that gets security event tokens; null if it gets webhooks."""
    state: WebhookState
    """Whether messages are sent."""
    failingSince: str | None
    """Since when every attempt has failed; null if the last one did not."""
    secrets: list[WebhookSecret]
    """What signs, newest first, without the secrets."""
    created: str
    """When it was made."""


class CreateWebhookBodyStream(TypedDict):
    """It gets security event tokens (RFC 9967) in the place of webhooks."""

    audience: str
    """The claim `aud` of the tokens: what the receiver calls itself."""
    method: NotRequired[Literal["push", "poll"]]
    """By which way: `push`: rosterd sends each token to a URL (RFC 8935); `poll`: the receiver fetches
    them (RFC 8936)."""
    detail: NotRequired[Literal["full", "notice"]]
    """How much a token tells: `full`: what changed and to what; `notice`: which attributes changed,
    without values."""
    vocabulary: NotRequired[Literal["both", "scim", "caep"]]
    """In which words: `both`: the events of RFC 9967, and `session-revoked` of CAEP beside deactivation
    and deletion; `scim`: the events of RFC 9967 only; `caep`: `session-revoked` of CAEP only."""
    authorization: NotRequired[str]
    """The value of the header `Authorization` of a push."""


class CreateWebhookBody(TypedDict):
    """The new webhook."""

    directory: NotRequired[str]
    """The only directory it hears of; without it all."""
    scheme: NotRequired[Literal["v1", "v1a"]]
    """How messages are signed: `v1`: HMAC-SHA256 with a secret that both sides know; `v1a`: Ed25519:
    rosterd signs with a private key, the receiver knows the public one."""
    stream: NotRequired[CreateWebhookBodyStream]
    """It gets security event tokens (RFC 9967) in the place of webhooks."""
    url: NotRequired[str]
    """Where messages are sent; a stream that is polled has none."""
    label: NotRequired[str]
    """What or whom it is for."""
    types: NotRequired[list[str]]
    """Types of events it hears of, such as `user.created` or `user.*`; none: all."""
    maxEvents: NotRequired[int]
    """Events to a message; with 1 a message is an event."""
    maxWait: NotRequired[int]
    """Seconds that an event may wait for others to fill a message."""


class NewWebhookStream(TypedDict):
    """What it is that gets security event tokens; null if it gets webhooks."""

    audience: str
    """The claim `aud` of the tokens: what the receiver calls itself."""
    method: Literal["push", "poll"]
    """By which way."""
    detail: Literal["full", "notice"]
    """How much a token tells: `full`: what changed and to what; `notice`: which attributes changed,
    without values."""
    vocabulary: Literal["both", "scim", "caep"]
    """In which words: `both`: the events of RFC 9967, and `session-revoked` of CAEP beside deactivation
    and deletion; `scim`: the events of RFC 9967 only; `caep`: `session-revoked` of CAEP only."""
    authorization: bool
    """Whether pushes carry an authorization."""


NewWebhookState = TypedDict(
    "NewWebhookState", {"by": str, "reason": str, "since": str | None, "is": Literal["enabled", "disabled"]}
)
"""Whether messages are sent."""


class NewWebhookSecret(TypedDict):
    """One secret."""

    scheme: Literal["v1", "v1a"]
    """How it signs."""
    created: str
    """When it was made."""
    expires: str | None
    """Until when it signs beside a newer one."""
    publicKey: str | None
    """`whpk_…`, of `v1a`."""


class NewWebhook(TypedDict):
    """An endpoint with its new secret, this once."""

    id: str
    """Its id."""
    directory: str | None
    """Name of the only directory it hears of; null for all."""
    url: str
    """Where messages are sent; a stream that is polled has none."""
    label: str
    """What or whom it is for."""
    types: list[str]
    """Types of events it hears of, such as `user.created` or `user.*`; none: all."""
    maxEvents: int
    """Events to a message; with 1 a message is an event."""
    maxWait: int
    """Seconds that an event may wait for others to fill a message."""
    stream: NewWebhookStream | None
    """What it is that gets security event tokens; null if it gets webhooks."""
    state: NewWebhookState
    """Whether messages are sent."""
    failingSince: str | None
    """Since when every attempt has failed; null if the last one did not."""
    secrets: list[NewWebhookSecret]
    """What signs, newest first, without the secrets."""
    created: str
    """When it was made."""
    secret: str | None
    """What the receiver verifies with: `whsec_…`, or of `v1a` the public key `whpk_…`; null for a
    stream, whose tokens are verified with the keys at `/.well-known/jwks.json`."""


class UpdateWebhookBodyStream(TypedDict):
    """What to change of a stream."""

    audience: NotRequired[str]
    """The claim `aud` of the tokens: what the receiver calls itself."""
    detail: NotRequired[Literal["full", "notice"]]
    """How much a token tells: `full`: what changed and to what; `notice`: which attributes changed,
    without values."""
    vocabulary: NotRequired[Literal["both", "scim", "caep"]]
    """In which words: `both`: the events of RFC 9967, and `session-revoked` of CAEP beside deactivation
    and deletion; `scim`: the events of RFC 9967 only; `caep`: `session-revoked` of CAEP only."""
    authorization: NotRequired[str]
    """The value of the header `Authorization` of a push."""


class UpdateWebhookBody(TypedDict):
    """What to change."""

    stream: NotRequired[UpdateWebhookBodyStream]
    """What to change of a stream."""
    url: NotRequired[str]
    """Where messages are sent; a stream that is polled has none."""
    label: NotRequired[str]
    """What or whom it is for."""
    types: NotRequired[list[str]]
    """Types of events it hears of, such as `user.created` or `user.*`; none: all."""
    maxEvents: NotRequired[int]
    """Events to a message; with 1 a message is an event."""
    maxWait: NotRequired[int]
    """Seconds that an event may wait for others to fill a message."""


class RotateWebhookSecretBody(TypedDict):
    """How to change over."""

    overlap: NotRequired[int]
    """Seconds that messages are signed with the old one too."""
    scheme: NotRequired[Literal["v1", "v1a"]]
    """How messages are signed: `v1`: HMAC-SHA256 with a secret that both sides know; `v1a`: Ed25519:
    rosterd signs with a private key, the receiver knows the public one."""


class MoveWebhookBody(TypedDict):
    """What to do."""

    move: Literal["enable", "disable"]
    """The move."""
    reason: NotRequired[str]
    """Why it is disabled."""


class DeliveryDetailRequest(TypedDict):
    """What was sent."""

    headers: dict[str, Any]
    """Headers by name."""
    body: str | None
    """The body, from the feed; null if its events are not kept any more."""


class DeliveryDetailReply(TypedDict):
    """The beginning of what was answered."""

    headers: dict[str, Any]
    """Headers by name."""
    body: str
    """The body."""


class DeliveryDetail(TypedDict):
    """An attempt with request and reply."""

    id: int
    """Its number in the log; numbers only grow."""
    directory: str | None
    """Name of the directory."""
    kind: Literal["feed", "range", "failed", "test"]
    """Why it was sent: by the feed, a replay of events or of dead letters, or a test."""
    message: str
    """The `webhook-id`; empty if there was nothing to send."""
    firstEvent: str | None
    """Id of its first event."""
    lastEvent: str | None
    """Id of its last event."""
    attempt: int
    """1 for the first; 0 if nothing could be sent."""
    at: str
    """When."""
    milliseconds: int
    """How long it took."""
    status: int | None
    """The status of the reply; null without one."""
    error: str
    """What went wrong; empty after success."""
    request: DeliveryDetailRequest
    """What was sent."""
    reply: DeliveryDetailReply
    """The beginning of what was answered."""


class ListLinesQuery(TypedDict):
    """Query parameters of ``list_lines``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Line(TypedDict):
    """How far the messages of a directory are."""

    directory: str
    """Name of the directory."""
    lane: int
    """0 follows the feed; others are replays."""
    kind: Literal["feed", "range", "failed", "test"]
    """What is sent."""
    event: str
    """Id of the last event that is dealt with."""
    behind: int
    """Events that are still to come, at most."""
    attempt: int
    """How often the next message has failed."""
    nextAttempt: str | None
    """Not before then; null if nothing waits."""
    lostThrough: str | None
    """The newest event that was forgotten before it could be sent."""
    lostAt: str | None
    """When that was found."""


class ListDeliveriesQuery(TypedDict):
    """Query parameters of ``list_deliveries``."""

    failed: NotRequired[Literal["true", "false"]]
    """`true`: only what failed."""
    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Delivery(TypedDict):
    """An attempt."""

    id: int
    """Its number in the log; numbers only grow."""
    directory: str | None
    """Name of the directory."""
    kind: Literal["feed", "range", "failed", "test"]
    """Why it was sent: by the feed, a replay of events or of dead letters, or a test."""
    message: str
    """The `webhook-id`; empty if there was nothing to send."""
    firstEvent: str | None
    """Id of its first event."""
    lastEvent: str | None
    """Id of its last event."""
    attempt: int
    """1 for the first; 0 if nothing could be sent."""
    at: str
    """When."""
    milliseconds: int
    """How long it took."""
    status: int | None
    """The status of the reply; null without one."""
    error: str
    """What went wrong; empty after success."""


class ListDeadLettersQuery(TypedDict):
    """Query parameters of ``list_dead_letters``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class DeadLetter(TypedDict):
    """A message that was given up."""

    directory: str
    """Name of the directory."""
    message: str
    """The `webhook-id`."""
    firstEvent: str
    """Id of its first event."""
    lastEvent: str
    """Id of its last event."""
    at: str
    """When it was given up."""
    attempts: int
    """How often it was tried."""
    status: int | None
    """The last status; null without a reply."""
    error: str
    """What went wrong the last time."""


class ReplayWebhookBody(TypedDict):
    """What to send; without any limit everything that is kept."""

    directory: NotRequired[str]
    """Name of the directory; needed if the webhook hears of all."""
    failed: NotRequired[bool]
    """Only messages that were given up."""
    event: NotRequired[str]
    """Only this event, or the message that begins with it."""
    first: NotRequired[str]
    """Begin with this event."""
    last: NotRequired[str]
    """End with this event."""
    since: NotRequired[str]
    """Begin with the first event that happened then or later."""


class Replay(TypedDict):
    """A replay that has begun."""

    directory: str
    """Name of the directory."""
    lane: int
    """Its lane, as among the lines."""
    kind: Literal["feed", "range", "failed", "test"]
    """What is sent."""
    firstEvent: str
    """It begins with this event, or the next one there is."""
    lastEvent: str
    """It ends with this event."""


class PollBody(TypedDict):
    """What the receiver wants and what it has; other members are ignored."""

    maxEvents: NotRequired[int]
    """The most tokens; 0 only to acknowledge."""
    returnImmediately: NotRequired[bool]
    """Do not wait, up to 30 s, if there is none."""
    ack: NotRequired[list[str]]
    """The `jti` of tokens that need not come again."""
    setErrs: NotRequired[dict[str, Any]]
    """Tokens that are refused: `jti` → `err` and `description`."""


class PollReply(TypedDict):
    """Tokens."""

    sets: dict[str, Any]
    """Signed tokens by their `jti`."""
    moreAvailable: bool
    """Whether there are more already."""


class ListSigningKeysQuery(TypedDict):
    """Query parameters of ``list_signing_keys``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class SigningKey(TypedDict):
    """A key that signs security event tokens."""

    kid: str
    """Its id, as in the key set and in the tokens."""
    algorithm: Literal["ES256", "RS256"]
    """How it signs."""
    state: Literal["next", "signing", "kept"]
    """Whether it is the next one, the one that signs, or kept for what it signed."""
    created: str
    """When it was made and published."""
    signs: str
    """From when on it signs."""
    ends: str | None
    """From when on it is not published any more; null for the newest one."""


class RotateSigningKeyBody(TypedDict):
    """How."""

    algorithm: NotRequired[Literal["ES256", "RS256"]]
    """How it signs; without it as the one before."""
    atOnce: NotRequired[bool]
    """After a theft: it signs now, and all others are withdrawn now."""


class ListAdministratorsQuery(TypedDict):
    """Query parameters of ``list_administrators``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class Administrator(TypedDict):
    """Somebody who may log in to the console."""

    id: str
    """Its id."""
    name: str
    """What they log in with."""
    role: Literal["viewer", "operator", "owner"]
    """What they may do."""
    directory: str | None
    """The only directory they know of; null for all."""
    disabled: bool
    """Whether they may not log in."""
    hasPassword: bool
    """Whether they can log in by a password."""
    secondFactor: bool
    """Whether a code of an authenticator app is asked for beside the password."""
    issuer: str | None
    """The OpenID provider they are linked to."""
    subject: str | None
    """Who they are there."""
    created: str
    """When it was made."""
    lastLogin: str | None
    """When they last logged in."""


class CreateAdministratorBody(TypedDict):
    """The new administrator."""

    name: str
    """A word or an e-mail address."""
    role: Literal["viewer", "operator", "owner"]
    """What they may do; each with all that the one before may."""
    directory: NotRequired[str]
    """The only directory they know of."""
    password: NotRequired[str]
    """To log in with; it must not be the name."""


class UpdateAdministratorBody(TypedDict):
    """What to change."""

    role: NotRequired[Literal["viewer", "operator", "owner"]]
    """What they may do; each with all that the one before may."""
    directory: NotRequired[str | None]
    """The only directory they know of; null for all."""
    disabled: NotRequired[bool]
    """Whether they may not log in."""
    password: NotRequired[str | None]
    """To log in with; null for none."""


class Session(TypedDict):
    """Where an administrator is logged in."""

    id: str
    """Its id, which is no secret."""
    address: str | None
    """The network address of the log-in."""
    userAgent: str
    """What the browser calls itself."""
    created: str
    """When they logged in."""
    lastSeen: str
    """When it was last used, to a minute."""
    expires: str
    """When it ends at the latest."""


class ListLinksQuery(TypedDict):
    """Query parameters of ``list_links``."""

    limit: NotRequired[int]
    """The most items on a page; a page may be shorter though more follow."""
    cursor: NotRequired[str]
    """`nextCursor` of the page before; it lives an hour, for the same query and key."""


class SetupLink(TypedDict):
    """A set-up link, without its address."""

    id: str
    """Its id, which is part of its address."""
    connection: str
    """Name of the connection it sets up."""
    label: str
    """Whom it is for."""
    state: Literal["valid", "expired", "revoked"]
    """Whether it opens anything."""
    created: str
    """When it was made."""
    expires: str
    """When it ends."""
    revoked: str | None
    """When it was revoked."""
    lastUsed: str | None
    """When a set-up was last begun with it."""


class CreateLinkBody(TypedDict):
    """The new link."""

    label: NotRequired[str]
    """Whom it is for; they see it."""
    lifetime: NotRequired[int]
    """Seconds it is valid."""


class NewSetupLink(TypedDict):
    """A set-up link with its address, this once."""

    id: str
    """Its id, which is part of its address."""
    connection: str
    """Name of the connection it sets up."""
    label: str
    """Whom it is for."""
    state: Literal["valid", "expired", "revoked"]
    """Whether it opens anything."""
    created: str
    """When it was made."""
    expires: str
    """When it ends."""
    revoked: str | None
    """When it was revoked."""
    lastUsed: str | None
    """When a set-up was last begun with it."""
    path: str
    """Where it leads on this server; put the server's public address before it."""
