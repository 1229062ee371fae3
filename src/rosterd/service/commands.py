"""The changes a connection can make to resources: create, replace, patch, delete.

Each command first does everything that needs no data (rewrite, decode, check) and raises if the
message is not valid. What it returns is a *unit*: the part that runs inside one transaction of
the store. Units compose: a bulk request runs many of them, each in its own savepoint. Every unit is
guarded: it asks first whether the connection is active, and its value may be a ``Refusal``.

An account is active unless the client says otherwise, and only the client changes that.
A deleted account is retained and its row is revived only by the same connection, userName and
externalId (never by a namesake), with the id it always had.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import orjson

from rosterd.scim import amount, check, errors, membership, patch, profiles
from rosterd.scim.account import stated
from rosterd.scim.effort import handled, require_few_members
from rosterd.scim.index import former, index, scalars, unique_attributes
from rosterd.scim.membership import Member, has_members
from rosterd.scim.plain import plain_for
from rosterd.scim.render import etag, etag_matches
from rosterd.scim.schema import ResourceType
from rosterd.service import changes
from rosterd.service.ahead import Ahead, with_members
from rosterd.service.caller import Caller
from rosterd.service.connections import Guarded, Refusal, guarded, lose
from rosterd.service.drafts import Document, Draft, draft, parted
from rosterd.service.groups import Groups, names_of
from rosterd.service.lifecycle import remove, retire
from rosterd.service.ports import Stored, UniqueViolation, Writer
from rosterd.service.view import View, has_groups

MEMBERS_SHOWN: Final = 100
"""A PATCH of a group with more members than this is answered without them."""

Unit = Guarded
"""What a command does inside one transaction; ``connections.commit`` runs it."""


class Commands:
    """The commands; ``now`` gives milliseconds since the epoch, ``new_id`` a fresh resource id."""

    def __init__(self, now: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._now = now
        self._new_id = new_id
        self._groups = Groups()

    def create(
        self, caller: Caller, resource_type: ResourceType, body: Any, promised: str | None = None
    ) -> Unit:
        """POST (RFC 7644 §3.3). ``promised`` is an id under which others already refer to it.

        The unit raises ``Uniqueness`` if a live resource has one of its unique values.
        """
        _seat(caller, amount.members_given(body, resource_type))
        plain = plain_for(resource_type).read(body)
        if plain is not None:
            document = check.checker_for(resource_type).complete(plain)
        else:
            if long := amount.long_list(body, resource_type):
                long.require({})
            document = check.create(_rewritten(caller, "create", resource_type, body), resource_type)
        is_account = has_groups(resource_type)
        document = stated(document, resource_type, {})
        visible, members = parted(document, resource_type)
        new = draft(visible, resource_type, {})
        _count(caller, new.document)
        fresh, cause = promised or self._new_id(), caller.cause
        names = names_of(caller, new.external_id, new, promised)
        name = new.indexed.search.get("userName") if is_account else None
        known = new.external_id if is_account else None

        async def unit(tx: Writer) -> View:
            if isinstance(name, str) and (waits := await tx.adopted(name)) is not None:
                adopted = await self._adopted(tx, caller, resource_type, name, waits)
                if adopted is not None:
                    row, *_ = await self._update(tx, caller, resource_type, adopted, lambda _: document, None)
                    return await self.view(tx, caller, resource_type, row)
            at, revived = self._now(), None
            if known is not None:
                gone = await tx.retained(resource_type.name, caller.connection.id, known)
                revived = _same_person(gone, resource_type, new) if gone else None
            id = revived.id if revived else fresh
            verb = "activated" if revived and new.visible.get("active", True) else "created"
            data: Document = {"before": {}, "after": new.visible}
            if revived:
                retained = {"externalId": revived.external_id, **orjson.loads(revived.document)}
                data = {"before": retained, "after": new.visible, "revived": True}
            type = f"{changes.noun(resource_type)}.{verb}"
            seq = await tx.append(cause.event(type, resource_type.name, id, at, data))
            version, created = (revived.version + 1, revived.created) if revived else (1, at)
            row = Stored(
                id, resource_type.name, caller.connection.id, new.external_id, seq,
                version, created, at, None, new.document,
            )  # fmt: skip
            try:
                await (tx.revive if revived else tx.insert)(row, new.indexed)
            except UniqueViolation as violation:
                raise await self._taken(tx, resource_type, new.visible, violation) from violation
            if members:
                await self._groups.start(tx, cause, row, members, at)
            joined = await self._groups.appear(tx, cause, row, names, at, caller.budget)
            if is_account and not joined:
                return View(row, resource_type, row.external_id, ())
            return await self.view(tx, caller, resource_type, row)

        kind = resource_type.name
        ahead = Ahead(
            unique=tuple([(kind, *pair) for pair in new.indexed.unique]),
            adopted=(name,) if isinstance(name, str) else (),
            retained=() if known is None else ((kind, caller.connection.id, known),),
            awaited=(fresh, *names.anywhere, *names.own),
        )
        return guarded(caller, unit, self._now, ahead)

    def replace(
        self, caller: Caller, resource_type: ResourceType, id: str, body: Any, if_match: str | None = None
    ) -> Unit:
        """PUT (RFC 7644 §3.5.1).

        A tolerant profile leaves a group's members alone when the body does not mention them: clients
        that do not read members send the group back without them.
        """
        _seat(caller, amount.members_given(body, resource_type))
        plain = plain_for(resource_type).read(body)
        long = amount.long_list(body, resource_type) if plain is None else None
        make = partial(self._replace, caller, resource_type, id, body, plain, if_match)
        return make() if long is None else self._if_it_had(caller, resource_type, id, if_match, long, make)

    def _replace(
        self,
        caller: Caller,
        resource_type: ResourceType,
        id: str,
        body: Any,
        plain: Document | None,
        if_match: str | None,
    ) -> Unit:
        mentions = isinstance(body, dict) and "members" in map(str.casefold, body)
        if plain is None:
            body = _rewritten(caller, "replace", resource_type, body)
        keep = not mentions and "put-keeps-members" in profiles.options(caller.connection.profile)

        def plan(current: Document) -> Document:
            if plain is not None:  # a unit may be run again
                document = check.checker_for(resource_type).replaced(dict(plain), current)
            else:
                document = check.replace(body, resource_type, current)
            # A client that does not speak of the account's state must not reactivate it.
            return stated(document, resource_type, current)

        async def unit(tx: Writer) -> View:
            row, members, at, moved = await self._update(tx, caller, resource_type, id, plan, if_match)
            if has_members(resource_type) and not keep:
                row = await self._groups.replace(tx, caller.cause, row, members, at, moved=moved)
            return await self.view(tx, caller, resource_type, row)

        return guarded(caller, unit, self._now, _resource(resource_type, id))

    def patch(
        self,
        caller: Caller,
        resource_type: ResourceType,
        id: str,
        body: Any,
        if_match: str | None = None,
        members: int | None = 0,
    ) -> Unit:
        """PATCH (RFC 7644 §3.5.2); all operations apply, or none.

        Changes of a group's members never load the group's members. The view has them if there are
        at most ``members`` (``None``: in any case), at a cost bounded by that number.
        """
        patch.require_feasible(body, resource_type, caller.budget)
        _seat(caller, amount.members_given_in_patch(body, resource_type))
        long = amount.long_list_in_patch(body, resource_type)
        make = partial(self._patch, caller, resource_type, id, body, if_match, members)
        return make() if long is None else self._if_it_had(caller, resource_type, id, if_match, long, make)

    def _patch(
        self,
        caller: Caller,
        resource_type: ResourceType,
        id: str,
        body: Any,
        if_match: str | None,
        members: int | None,
    ) -> Unit:
        options = profiles.options(caller.connection.profile)
        body = _rewritten(caller, "patch", resource_type, body)
        operations = patch.parse_patch(body, allow_empty="empty-patch" in options)
        changes_of_members: tuple[membership.MemberOp, ...] = ()
        if has_members(resource_type):
            operations, changes_of_members = membership.split(operations, resource_type)

        def plan(current: Document) -> Document:
            return patch.apply(
                operations,
                resource_type,
                current,
                ignore_unmatched_removes="remove-unmatched" in options,
                budget=caller.budget,
            )

        async def unit(tx: Writer) -> View:
            moved = False
            if operations:
                row, _, at, moved = await self._update(tx, caller, resource_type, id, plan, if_match)
            else:
                row = await self._row(tx, caller, resource_type, id, if_match)
                at = max(self._now(), row.modified)
            if changes_of_members:
                row = await self._groups.apply(
                    tx, caller.cause, resource_type, row, changes_of_members, at, caller.budget, moved=moved
                )
            return await self.view(tx, caller, resource_type, row, members)

        ahead = _resource(resource_type, id)
        if has_members(resource_type):
            ahead = with_members(ahead, id, changes_of_members, members)
        return guarded(caller, unit, self._now, ahead)

    def delete(
        self, caller: Caller, resource_type: ResourceType, id: str, if_match: str | None = None
    ) -> Unit:
        """DELETE (RFC 7644 §3.6): gone for SCIM, retained for the application unless the policy erases."""

        async def unit(tx: Writer) -> View:
            row = await self._row(tx, caller, resource_type, id, if_match)
            at = self._now()
            await lose(tx, caller, resource_type, at)
            go = remove if caller.connection.policy.on_delete == "erase" else retire
            await go(tx, caller.cause, resource_type, row, at, budget=caller.budget)
            return View(row, resource_type, row.external_id)

        return guarded(caller, unit, self._now)

    async def view(
        self,
        tx: Writer,
        caller: Caller,
        resource_type: ResourceType,
        row: Stored,
        members: int | None = None,
    ) -> View:
        """The resource as it is now inside the transaction; see ``patch`` for ``members``."""
        memberships = (await tx.memberships((row.id,))).get(row.id, ()) if has_groups(resource_type) else None
        listed = None
        if has_members(resource_type):
            listed = await (tx.members(row.id) if members is None else tx.few_members(row.id, members))
        return View(row, resource_type, caller.external_id(row), memberships, listed)

    def _if_it_had(
        self,
        caller: Caller,
        resource_type: ResourceType,
        id: str,
        if_match: str | None,
        long: amount.Long,
        make: Callable[[], Unit],
    ) -> Unit:
        """The change, if the resource has so many values from before; else nothing is made of the message."""

        async def unit(tx: Writer) -> View | Refusal:
            row = await self._row(tx, caller, resource_type, id, if_match)
            long.require(orjson.loads(row.document))
            return await make()(tx)

        return Guarded(unit, _resource(resource_type, id))

    async def _row(
        self, tx: Writer, caller: Caller, resource_type: ResourceType, id: str, if_match: str | None
    ) -> Stored:
        row = await tx.get(resource_type.name, id)
        if row is None:
            raise errors.NotFound.of(resource_type.name, id)
        caller.require_reach(row)
        if if_match is not None and not etag_matches(if_match, row.version):
            raise errors.PreconditionFailed(
                f"{resource_type.name} {id} has version {etag(row.version)}, not {if_match}; "
                "read it again and repeat the change."
            )
        return row

    async def _update(
        self,
        tx: Writer,
        caller: Caller,
        resource_type: ResourceType,
        id: str,
        plan: Callable[[Document], Document],
        if_match: str | None,
    ) -> tuple[Stored, tuple[Member, ...], int, bool]:
        """Read, plan, write. A plan that changes nothing writes nothing, and the version stays.

        Members are not written, but given back with the row, the time of the change, and whether the version
        has moved.
        """
        row = await self._row(tx, caller, resource_type, id, if_match)
        _count(caller, row.document)
        stored: Document = orjson.loads(row.document)
        known = caller.external_id(row)
        current = stored if known is None else {**stored, "externalId": known}
        visible, members = parted(plan(current), resource_type)
        at = max(self._now(), row.modified)
        kept = visible if caller.owns(row) else {n: v for n, v in visible.items() if n != "externalId"}
        delta = changes.difference(current, kept)
        if not delta["before"] and not delta["after"]:
            return row, members, at, False
        new = draft(visible, resource_type, current, len(row.document))
        external_id = new.external_id if caller.owns(row) else row.external_id
        changed = Stored(
            row.id, row.kind, row.connection, external_id, row.seq,
            row.version + 1, row.created, at, row.deleted, new.document,
        )  # fmt: skip
        kind = changes.update_type(resource_type, current, visible)
        if kind.endswith(".deactivated"):
            await lose(tx, caller, resource_type, at)
        try:
            before = former(stored, resource_type, new.indexed, {*delta["before"], *delta["after"]})
            await tx.update(changed, before, new.indexed)
        except UniqueViolation as violation:
            raise await self._taken(tx, resource_type, visible, violation) from violation
        await tx.append(caller.cause.event(kind, row.kind, row.id, at, delta))
        if _renamed(delta):
            names = names_of(caller, external_id, new)
            await self._groups.appear(tx, caller.cause, changed, names, at, caller.budget)
        return changed, members, at, True

    async def _adopted(
        self, tx: Writer, caller: Caller, resource_type: ResourceType, name: str, id: str
    ) -> str | None:
        """The account that waits for this connection's first word of it (``service.adoption``); once."""
        row = await tx.get(resource_type.name, id)
        if row is None or row.version > 1 or not caller.owns(row):
            return None
        await tx.claimed(name)
        return row.id

    async def _taken(
        self, tx: Writer, resource_type: ResourceType, document: Document, violation: UniqueViolation
    ) -> errors.Uniqueness:
        """The 409 an administrator can act on: which attribute, which value, who has it."""
        refs = {str(ref): ref for ref in unique_attributes(resource_type)}
        written = list(scalars(document, refs[violation.attribute])) if violation.attribute in refs else []
        shown = next((v for v in written if str(v).casefold() == violation.value.casefold()), violation.value)
        owner = await tx.owner_of(resource_type.name, violation.attribute, violation.value)
        return errors.Uniqueness(
            f"{violation.attribute} '{shown}' is already used by {resource_type.name} {owner} in this "
            "directory. Link to that one, or use another value.",
            other=owner or "",
        )


def _count(caller: Caller, document: bytes) -> None:
    if caller.budget is not None:
        caller.budget.take(handled(document))


def _seat(caller: Caller, members: int) -> None:
    (require_few_members if caller.budget is None else caller.budget.seat)(members)


def _rewritten(caller: Caller, kind: profiles.Kind, resource_type: ResourceType, body: object) -> Any:
    """The body in canonical SCIM; what was tolerated is noted with the caller."""
    body, tolerated = profiles.rewrite(caller.connection.profile, kind, resource_type, body)
    if tolerated:
        caller.tolerated.update(dict.fromkeys(tolerated))
    return body


def _same_person(gone: Iterable[Stored], resource_type: ResourceType, new: Draft) -> Stored | None:
    """The deleted account that is the same person, if there is one."""
    for row in gone:
        known = index(orjson.loads(row.document), resource_type)
        if known.search.get("userName") == new.indexed.search.get("userName"):
            return row
    return None


def _resource(resource_type: ResourceType, id: str) -> Ahead:
    """What a change of a resource looks for."""
    return Ahead(((resource_type.name, id),), grouped=(id,) if has_groups(resource_type) else ())


def _renamed(delta: Mapping[str, Mapping[str, Any]]) -> bool:
    return "userName" in delta["after"] or "externalId" in delta["after"]
