"""A request of the log in plain sentences: what the identity provider wanted, what came of it, what to do.

Rules are a table, looked through from its top: the first row that fits is told. After it comes a sentence for
each habit of the client that was tolerated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rosterd.scim.profiles import REWRITES
from rosterd.service.request_log import Exchange


@dataclass(frozen=True, slots=True)
class Facts:
    """What an exchange does not say itself, as it is now."""

    directory: str
    """Its name."""
    connection: str
    """Its name."""
    profile: str = "auto"
    owner: str | None = None
    """Name of the connection that made the resource in the way, if it is another one."""
    own: bool = False
    """Whether the resource in the way was made by this connection."""
    deleted: bool = False
    """Whether the resource that it is about is deleted (and retained)."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A row: whatever is given must be so. ``text`` goes on after "… tried to create ann, but"."""

    text: str
    advice: str
    status: int | None = None
    scim_type: str | None = None
    situation: str | None = None
    deleted: bool | None = None
    owned: bool | None = None
    """Whether another connection is known to have made the resource in the way."""
    own: bool | None = None
    """Whether this connection made it."""
    kind: str | None = None
    """The resource type that it is about."""
    doubled: bool | None = None
    """Whether the name of an endpoint stands where the id of a resource belongs."""


CLIENTS: Final[Mapping[str, str]] = {"okta": "Okta", "entra": "Microsoft Entra ID"}
"""Profile → who that is."""

_ANOTHER: Final = (
    "Make a new one for connection '{connection}' and paste it at the identity provider, from 'rst_' to its "
    "end."
)
_BASE_URL: Final = "Check the base URL at the identity provider; it ends in /scim/v2 and nothing follows."
_ENDPOINTS: Final = frozenset(("Users", "Groups", "ServiceProviderConfig", "Schemas", "ResourceTypes"))
_REACH: Final = (
    "For '{connection}' to change it, an operator of this server lets it change everything in the directory: "
    "that is in the connection's policy (reach: directory)."
)
_REPORT: Final = "Give the request id {request_id} to the operator, who finds the cause in the process log."
_RETRIES: Final = "Identity providers repeat this by themselves; nothing was changed."

REASONS: Final[tuple[Reason, ...]] = (
    Reason(
        "the token is incomplete or mistyped",
        "Copy the whole token again, from 'rst_' to its end; if it is lost, make a new one.",
        401,
        situation="token mistyped",
    ),
    Reason("the token was revoked", _ANOTHER, 401, situation="token revoked"),
    Reason("the token has expired", _ANOTHER, 401, situation="token expired"),
    Reason(
        "the token has the right form and is not the one that was issued: perhaps a letter was changed",
        _ANOTHER,
        401,
        situation="token unknown",
    ),
    Reason("it sent no token that is known", _ANOTHER, 401),
    Reason(
        "a {noun} with this {attribute} exists already; it was made by connection '{owner}'",
        "Link to that one at the identity provider if it is the same, or use another {attribute}. " + _REACH,
        409,
        "uniqueness",
        owned=True,
    ),
    Reason(
        "a {noun} with this {attribute} exists already; this connection made it itself",
        "Either two have the same {attribute} at the identity provider, or it forgot that it made this one: "
        "then let it look for it by {attribute} and link to it.",
        409,
        "uniqueness",
        own=True,
    ),
    Reason(
        "a {noun} with this {attribute} exists already",
        "Link to that one at the identity provider if it is the same, or use another {attribute}.",
        409,
        "uniqueness",
    ),
    Reason("it does not go with the present state: {detail}", "Mend that and try again.", 409),
    Reason(
        "it is deleted",
        "Push the group again: it gets another id. Where the identity provider remembers the former one, "
        "unlink it there first.",
        404,
        situation="no resource",
        deleted=True,
        kind="Group",
    ),
    Reason(
        "it is deleted",
        "If the person is to come back, let the identity provider create it again: with the same userName "
        "and externalId it gets its old id.",
        404,
        situation="no resource",
        deleted=True,
    ),
    Reason(
        "its address names an endpoint twice",
        _BASE_URL,
        404,
        situation="no resource",
        doubled=True,
    ),
    Reason(
        "there is none with this id in directory '{directory}'",
        "The identity provider remembers an id that is not of this directory, or that was erased: clear its "
        "link, or assign it anew, and it is looked for by name.",
        404,
        situation="no resource",
    ),
    Reason(
        "the address names another directory than '{directory}', which the token belongs to",
        "Correct the base URL at the identity provider, or use a token of that directory.",
        404,
        situation="another directory",
    ),
    Reason(
        "there is no such address",
        _BASE_URL,
        404,
    ),
    Reason(
        "connection '{connection}' is paused",
        "An operator of this server sees why, and resumes it; then the identity provider goes on.",
        503,
        situation="paused",
    ),
    Reason(
        "the database could not take it",
        f"{_RETRIES} If it goes on, look at the disk of the server.",
        503,
        situation="store away",
    ),
    Reason("rosterd could not answer then", _RETRIES, 503),
    Reason(
        "connection '{connection}' is disabled",
        "An operator of this server enables it again; or switch provisioning off at the identity provider.",
        403,
        situation="disabled",
    ),
    Reason(
        "it was made by connection '{owner}', and '{connection}' may change only what it made itself",
        _REACH,
        403,
        situation="reach",
        owned=True,
    ),
    Reason(
        "it was made by another connection, and '{connection}' may change only what it made itself",
        _REACH,
        403,
        situation="reach",
    ),
    Reason(
        "its token does not permit that", "Use a token that has the scope: {detail}", 403, situation="scope"
    ),
    Reason("that is not permitted: {detail}", "", 403),
    Reason(
        "somebody else had changed it meanwhile: it holds an older version",
        "Identity providers read it again and repeat the change; if this one does not, start a full "
        "synchronization there.",
        412,
    ),
    Reason(
        "there were more requests at once than this connection may send",
        f"{_RETRIES} If it happens often, an operator of this server can raise the rates in the policy of "
        "connection '{connection}'.",
        429,
    ),
    Reason(
        "a value is missing or does not fit: {detail}",
        "Correct the attribute mapping, or the value of this person, at the identity provider.",
        400,
        "invalidValue",
    ),
    Reason(
        "an attribute cannot be changed so: {detail}",
        "Take it out of the attribute mapping at the identity provider.",
        400,
        "mutability",
    ),
    Reason(
        "the filter cannot be understood: {detail}",
        "Choose another attribute to match by at the identity provider.",
        400,
        "invalidFilter",
    ),
    Reason(
        "a path names an attribute that is not there: {detail}",
        "Take it out of the attribute mapping, or define it in the schemas of directory '{directory}'.",
        400,
        "invalidPath",
    ),
    Reason(
        "there is no value where the path points: {detail}",
        "Start a full synchronization at the identity provider; it remembers another state.",
        400,
        "noTarget",
    ),
    Reason(
        "its message is no valid SCIM: {detail}",
        "If the identity provider is not meant to send that, report it to its maker; a more tolerant profile "
        "of the connection may read it.",
        400,
        "invalidSyntax",
    ),
    Reason("its message is not valid: {detail}", "Correct it at the identity provider.", 400),
    Reason("this address does not take this method", "Check the base URL and the kind of app.", 405),
    Reason("it wants an answer that is not JSON", "Set it to SCIM 2.0 at the identity provider.", 406),
    Reason("its message is too large", "Let it send fewer operations or members at a time.", 413),
    Reason("its message was not declared as JSON", "Set it to SCIM 2.0 at the identity provider.", 415),
    Reason("that needs a user, and a connection is none", "Nothing is to be done; rosterd has no /Me.", 501),
    Reason("something went wrong in rosterd", _REPORT, 500),
    Reason("it was refused: {detail}", ""),
)

# method → wanted, done
_DEEDS: Final[Mapping[str, tuple[str, str]]] = {
    "POST": ("create", "created"),
    "PUT": ("replace", "replaced"),
    "PATCH": ("change", "changed"),
    "DELETE": ("delete", "deleted"),
    "GET": ("read", "read"),
    "HEAD": ("read", "read"),
}
_TOLERATED: Final[Mapping[str, str]] = {rewrite.name: rewrite.description for rewrite in REWRITES}


def explain(one: Exchange, facts: Facts) -> tuple[str, ...]:
    """The sentences, most important first."""
    client = _client(one, facts)
    wanted, done = _deed(one)
    if one.status < 400:
        told = [f"{client} {done}."]
        if one.reply is not None:
            told = [f"{client} {done}, and some of the operations failed; the reply says which and why."]
    else:
        reason = next(row for row in REASONS if _fits(row, one, facts))
        words = {
            "noun": (one.kind or "resource").lower(),
            "attribute": _attribute(one),
            "owner": facts.owner or "",
            "connection": facts.connection,
            "directory": facts.directory,
            "detail": (one.detail or "no more is known").rstrip(". "),
            "request_id": one.request_id,
        }
        told = [f"{client} tried to {wanted}, but {reason.text.format_map(words)}."]
        if reason.advice:
            told.append(_stopped(reason.advice.format_map(words)))
    told += [f"Tolerated: {_TOLERATED.get(name, name)}" for name in one.tolerated]
    if one.left_out:
        requests = "request" if one.left_out == 1 else "requests"
        told.append(
            f"Before it {one.left_out} {requests} of this connection were left out of the log, as there were "
            "too many to keep; successful reads are left out first."
        )
    return tuple(told)


def _client(one: Exchange, facts: Facts) -> str:
    named = CLIENTS.get(facts.profile) or ("Okta" if "okta" in (one.agent or "").casefold() else None)
    return named or f"The identity provider of connection '{facts.connection}'"


def _deed(one: Exchange) -> tuple[str, str]:
    """What was wanted and what was done, as ``create ann`` and ``created ann``."""
    noun = f"the {one.kind.lower()}" if one.kind else ""
    who = one.subject or (f"{noun} {one.resource}" if noun and one.resource else "")
    segment = one.path.rstrip("/").rsplit("/", 1)[-1].casefold()
    if segment == "bulk":
        return "carry out a bulk request", "carried out a bulk request"
    if segment == ".search" or (one.method in ("GET", "HEAD") and one.kind and not one.resource):
        what = who or f"{one.kind or 'resource'}s".lower()
        return (f"look for {what}", f"looked for {what}") if who else (f"list {what}", f"listed {what}")
    if one.kind is None:
        return f"ask {one.method} {one.path}", f"asked {one.method} {one.path}"
    wanted, done = _DEEDS.get(one.method, (f"do {one.method} with", f"did {one.method} with"))
    what = who or (f"a {one.kind.lower()}")
    return f"{wanted} {what}", f"{done} {what}"


def _fits(row: Reason, one: Exchange, facts: Facts) -> bool:
    return (
        row.status in (None, one.status)
        and row.scim_type in (None, one.scim_type)
        and row.situation in (None, one.situation)
        and row.deleted in (None, facts.deleted)
        and row.kind in (None, one.kind)
        and row.owned in (None, facts.owner is not None)
        and row.own in (None, facts.own)
        and row.doubled in (None, one.resource in _ENDPOINTS)
    )


def _attribute(one: Exchange) -> str:
    """The attribute that an error of uniqueness names first."""
    first = (one.detail or "").split(" ", 1)[0]
    return first if first[:1].isalpha() else "name"


def _stopped(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
