"""Administrators: who may log in to the console, and as what.

A name is unique whatever its letter case. Somebody who can change everything is always left: the last enabled
owner without a directory is neither removed nor disabled nor given less, which the store decides in the
transaction of the change.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from rosterd.scim import errors
from rosterd.service import passwords
from rosterd.service.audit import MASK, Actor, Entry
from rosterd.service.credential_text import Random, public_id
from rosterd.service.passwords import Hasher
from rosterd.service.ports import UniqueViolation
from rosterd.service.visitor import OWNER, ROLES

MAX_NAME: Final = 254
FIRST: Final = "admin"
"""The name of the owner whom the first run makes."""
NONE: Final = ""
"""A session's id that no session has."""


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What is kept of an administrator's authenticator app (``service/second_factor.py``)."""

    sealed: str
    """The app's secret, encrypted."""
    since: int
    """When it was set up (ms)."""
    step: int
    """Of which step of time the last code was that counted; no other of that or before it does."""
    recovery: tuple[str, ...] = ()
    """SHA-256 of each recovery code that has not been used, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Somebody who may log in. Times in ms."""

    id: str
    name: str
    """What they log in with: a word, or an e-mail address."""
    role: str
    directory: int | None
    """The only directory they know of; ``None``: all."""
    password: str | None
    """Its hash; ``None``: they log in by an identity provider only."""
    issuer: str | None
    subject: str | None
    """Who they are to the identity provider, once they came that way."""
    created: int
    disabled: int | None = None
    """Since when they may not log in."""
    last_login: int | None = None
    revision: int = 1
    """Moves with every change."""
    second_factor: SecondFactor | None = None
    """What is asked for beside the password; ``None``: nothing."""

    @property
    def target(self) -> str:
        """What the audit log calls them."""
        return f"administrator '{self.name}'"


class LastOwner(errors.Conflict):
    """This is the last enabled owner who knows of every directory; make another one first."""


class AdministratorControl(Protocol):
    """The part of the control plane for administrators."""

    async def administrator(self, id: str) -> Administrator | None:
        """The administrator of this id."""

    async def administrator_named(self, folded: str) -> Administrator | None:
        """The administrator of this name, as ``fold`` makes it."""

    async def administrator_linked(self, issuer: str, subject: str) -> Administrator | None:
        """The administrator whom an identity provider calls so."""

    async def administrator_page(
        self, directory: int | None, after: str, limit: int
    ) -> tuple[Administrator, ...]:
        """Administrators by folded name, behind one (``""``: from the first): a directory's, or all."""

    async def create_administrator(self, administrator: Administrator, folded: str, entry: Entry) -> None:
        """Keep a new one. Raises ``UniqueViolation``, ``LookupError`` without the directory."""

    async def update_administrator(
        self, administrator: Administrator, ends_but: str | None, entry: Entry
    ) -> bool:
        """Replace all but name, creation and last log-in, if the revision is still the one before.

        Unless ``ends_but`` is ``None`` all sessions but that one end. ``False``, and nothing is changed, if
        it was changed meanwhile or is gone. Raises ``LastOwner``, and ``UniqueViolation`` on the subject.
        """

    async def remove_administrator(self, id: str, entry: Entry) -> bool:
        """Remove it and its sessions; ``False`` if it is not there. Raises ``LastOwner``."""


class Administrators:
    """Make, change and remove administrators."""

    def __init__(
        self, control: AdministratorControl, hasher: Hasher, now: Callable[[], int], random: Random
    ) -> None:
        self._control = control
        self._hasher = hasher
        self._now = now
        self._random = random

    async def find(self, id: str, directory: int | None = None) -> Administrator:
        """The administrator of this id; with a directory one who is bound to it. Raises ``NotFound``."""
        found = await self._control.administrator(id)
        if found is None or (directory is not None and found.directory != directory):
            raise errors.NotFound(f"There is no administrator {id}.")
        return found

    async def named(self, name: str) -> Administrator:
        """The administrator of this name. Raises ``NotFound``."""
        found = await self._control.administrator_named(fold(name))
        if found is None:
            raise errors.NotFound(f"There is no administrator '{name}'.")
        return found

    async def first(self, *, by: Actor) -> tuple[Administrator, str] | None:
        """The owner ``admin`` with a password, told here only; ``None`` if there is an administrator."""
        if await self._control.administrator_page(None, "", 1):
            return None
        try:
            return await self.create_generated(FIRST, OWNER, by=by)
        except errors.Uniqueness:  # another process was first
            return None

    async def create(
        self,
        name: str,
        role: str,
        *,
        directory: int | None = None,
        password: str | None = None,
        link: tuple[str, str] | None = None,
        by: Actor,
    ) -> Administrator:
        """A new administrator; without a password they log in by the identity provider only.

        ``link`` is issuer and subject. Raises ``InvalidValue`` and ``Uniqueness``.
        """
        _check_name(name)
        _check_role(role)
        issuer, subject = link or (None, None)
        now = self._now()
        made = Administrator(
            id=public_id(self._random),
            name=name,
            role=role,
            directory=directory,
            password=await self._hashed(password, name),
            issuer=issuer,
            subject=subject,
            created=now,
        )
        after = {name: value for name, value in _told(made).items() if value not in (None, False)}
        if made.password is not None:
            after["password"] = MASK
        entry = Entry(by, now, "administrator.created", made.target, directory, after=after)
        try:
            await self._control.create_administrator(made, fold(name), entry)
        except UniqueViolation as violation:
            raise errors.Uniqueness(f"There is an administrator '{name}' already.") from violation
        return made

    async def create_generated(
        self, name: str, role: str, *, directory: int | None = None, by: Actor
    ) -> tuple[Administrator, str]:
        """A new administrator with a password of ours, which is told here only. Raises like ``create``."""
        password = passwords.readable(self._random)
        return await self.create(name, role, directory=directory, password=password, by=by), password

    async def update(self, old: Administrator, *, by: Actor, **changes: Any) -> Administrator:
        """Change some of ``role``, ``directory``, ``disabled`` (whether) and ``password`` (its text).

        Like ``disable`` and ``set_password`` it ends sessions. Raises ``InvalidValue``, ``LastOwner``,
        ``Conflict``.
        """
        ends = "password" in changes or bool(changes.get("disabled"))
        if "disabled" in changes:
            changes["disabled"] = (old.disabled or self._now()) if changes["disabled"] else None
        if "password" in changes:
            changes["password"] = await self._hashed(changes["password"], old.name)
        new = replace(old, **changes)
        _check_role(new.role)
        return await self._replace(old, new, "administrator.updated", by, ends_but=NONE if ends else None)

    async def disable(self, old: Administrator, *, by: Actor) -> Administrator:
        """Nobody can log in so any more, and all sessions end. Raises ``LastOwner``, ``Conflict``."""
        if old.disabled is not None:
            return old
        new = replace(old, disabled=self._now())
        return await self._replace(old, new, "administrator.disabled", by, ends_but=NONE)

    async def enable(self, old: Administrator, *, by: Actor) -> Administrator:
        """Undo ``disable``; sessions stay ended. Raises ``Conflict``."""
        return await self._replace(old, replace(old, disabled=None), "administrator.enabled", by)

    async def set_password(
        self, old: Administrator, password: str | None, *, keep: str = NONE, by: Actor
    ) -> Administrator:
        """Give a password, or take it away; all sessions but ``keep`` end.

        Raises ``InvalidValue`` and ``Conflict``.
        """
        new = replace(old, password=await self._hashed(password, old.name))
        action = (
            "administrator.password_changed" if password is not None else "administrator.password_removed"
        )
        return await self._replace(old, new, action, by, ends_but=keep)

    async def generate_password(self, old: Administrator, *, by: Actor) -> tuple[Administrator, str]:
        """Give a new password, which is told here only; all sessions end."""
        password = passwords.readable(self._random)
        return await self.set_password(old, password, by=by), password

    async def set_second_factor(
        self, old: Administrator, factor: SecondFactor | None, *, keep: str = NONE, by: Actor
    ) -> Administrator:
        """Set, change or take away the second factor; all sessions but ``keep`` end. Raises ``Conflict``."""
        action = "changed" if old.second_factor else "added"
        action = f"administrator.second_factor_{action if factor else 'removed'}"
        return await self._replace(old, replace(old, second_factor=factor), action, by, ends_but=keep)

    async def link(self, old: Administrator, issuer: str, subject: str, *, by: Actor) -> Administrator:
        """Whoever the issuer calls so is this administrator from now on. Raises ``Conflict``."""
        if old.subject is not None:
            raise errors.Conflict(f"Administrator '{old.name}' is linked to another account already.")
        new = replace(old, issuer=issuer, subject=subject)
        return await self._replace(old, new, "administrator.linked", by)

    async def remove(self, old: Administrator, *, by: Actor) -> None:
        """Remove for good, with all sessions. Raises ``NotFound``, ``LastOwner``."""
        before = {"role": old.role}
        entry = Entry(by, self._now(), "administrator.removed", old.target, old.directory, before)
        if not await self._control.remove_administrator(old.id, entry):
            raise errors.NotFound(f"There is no administrator {old.id}.")

    async def _hashed(self, password: str | None, name: str) -> str | None:
        return None if password is None else await passwords.hashed(self._hasher, password, name)

    async def _replace(
        self, old: Administrator, new: Administrator, action: str, by: Actor, *, ends_but: str | None = None
    ) -> Administrator:
        if new == old:
            return old
        new = replace(new, revision=old.revision + 1)
        before, after = _difference(old, new)
        place = old.directory if old.directory == new.directory else None
        entry = Entry(by, self._now(), action, old.target, place, before, after)
        try:
            changed = await self._control.update_administrator(new, ends_but, entry)
        except UniqueViolation as violation:
            raise errors.Conflict(f"Somebody else is linked to the account '{new.subject}'.") from violation
        if not changed:
            raise errors.Conflict(f"Administrator '{old.name}' was changed meanwhile; look again.")
        return new


def fold(name: str) -> str:
    """What two spellings of one name have in common."""
    return unicodedata.normalize("NFKC", name).casefold()


def _told(administrator: Administrator) -> Mapping[str, Any]:
    """What the audit log may tell of one."""
    return {
        "role": administrator.role,
        "bound": administrator.directory,
        "disabled": administrator.disabled is not None,
        "issuer": administrator.issuer,
        "subject": administrator.subject,
        "secondFactor": administrator.second_factor is not None,
    }


def _difference(old: Administrator, new: Administrator) -> tuple[dict[str, Any], dict[str, Any]]:
    one, other = _told(old), _told(new)
    differs = [name for name in one if one[name] != other[name]]
    before, after = {name: one[name] for name in differs}, {name: other[name] for name in differs}
    if old.password != new.password:
        before["password"], after["password"] = old.password and MASK, new.password and MASK
    codes = [one.second_factor.recovery if one.second_factor else () for one in (old, new)]
    if codes[0] != codes[1]:
        before["recoveryCodes"], after["recoveryCodes"] = map(len, codes)
    return before, after


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_NAME or name != name.strip() or not name.isprintable():
        raise errors.InvalidValue(
            f"name: a word or an e-mail address, 1 to {MAX_NAME} printable characters, no blanks around them."
        )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise errors.InvalidValue(f"role: one of {', '.join(ROLES)}.")
