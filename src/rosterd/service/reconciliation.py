"""Reconciliation: the application's own accounts held against the directory, and adopting what is missing.

    unknown               the application has it, nobody provisioned it
    missing               active here, and the application does not have it
    should be inactive    active in the application, inactive or deleted here
    should be active      inactive in the application, active here
    renamed               found by its id, with another userName

An account is found by its id here, else by userName, else by its primary e-mail; letter case does not matter.
The report changes nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from rosterd.scim import errors, urns
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service.audit import Actor, Entry
from rosterd.service.caller import Caller
from rosterd.service.commands import Commands
from rosterd.service.connections import Refusal
from rosterd.service.control import Directory
from rosterd.service.ports import Reader, Store, Stored, Writer
from rosterd.service.transfer import rows

MAX_ACCOUNTS: Final = 200_000
"""In one report."""
PORTION: Final = 100

UNKNOWN: Final = "unknown"
MISSING: Final = "missing"
TO_DEACTIVATE: Final = "should be inactive"
TO_ACTIVATE: Final = "should be active"
RENAMED: Final = "renamed"

ADOPTED: Final = "adopted"
THERE: Final = "there already"
FAILED: Final = "failed"

_USER: Final = CORE_MODEL.types["User"]


@dataclass(frozen=True, slots=True)
class Account:
    """One of the application's accounts, as it tells of it."""

    account: str
    """What the application calls it."""
    user_name: str = ""
    email: str = ""
    id: str = ""
    """Its id here, if the application knows it."""
    active: bool = True
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One account about which the two do not agree."""

    what: str
    name: str
    account: str | None
    """What the application calls it; ``None`` if it does not have it."""
    id: str | None
    """Its id here, if it is here."""
    detail: str


@dataclass(slots=True)
class Report:
    """What was found; ``counts`` has every kind of finding, and how many accounts agree as ``"agreed"``."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Take a finding into account."""
        self.counts[finding.what] += 1
        self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an account that was to be adopted."""

    account: str
    what: str
    id: str | None = None
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the management API and the command line tell it."""
        return {"account": self.account, "what": self.what, "id": self.id, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class _Person:
    """A user as far as it is compared; of a deleted one ``active`` is ``None``."""

    id: str
    name: str
    emails: tuple[str, ...]
    active: bool | None


def _person(row: Stored) -> _Person:
    document = orjson.loads(row.document)
    emails = tuple(str(e.get("value", "")) for e in document.get("emails", ()) if e.get("primary"))
    active = None if row.deleted is not None else document.get("active", True)
    return _Person(row.id, str(document.get("userName", row.id)), emails, active)


class _Index:
    """The application's accounts by all that they are found by; each is found once."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.left: dict[str, Account] = {}
        self._by: dict[tuple[str, str], str] = {}
        for one in accounts:
            self.left[one.account] = one
            for kind, value in (("id", one.id), ("userName", one.user_name), ("email", one.email)):
                if value:
                    self._by.setdefault((kind, value.casefold()), one.account)

    def knows(self, person: _Person) -> bool:
        """Whether something of the person, but its id, was told of an account."""
        return any(name in self._by for kind in ("userName", "email") for name in _names(kind, person))

    def take(self, kind: str, person: _Person) -> Account | None:
        """The account that is found by this; it is not found again."""
        for name in _names(kind, person):
            found = self._by.get(name)
            if found in self.left:
                return self.left.pop(found)
        return None


def _names(kind: str, person: _Person) -> list[tuple[str, str]]:
    values = {"id": (person.id,), "userName": (person.name,), "email": person.emails}[kind]
    return [(kind, value.casefold()) for value in values]


class Reconciliation:
    """The use cases. ``now`` gives milliseconds since the epoch."""

    def __init__(self, store: Store, commands: Commands, now: Callable[[], int]) -> None:
        self._store = store
        self._commands = commands
        self._now = now

    async def compare(self, directory: Directory, accounts: Sequence[Account]) -> Report:
        """Hold the application's accounts against everybody as of one moment. Raises ``InvalidValue``."""
        _check(accounts)
        index, report = _Index(accounts), Report()
        rest: list[_Person] = []
        async with self._store.snapshot(directory.id) as reader:
            for people in (rows(reader, _USER), _deleted(reader)):
                async for row in people:
                    person = _person(row)
                    account = index.take("id", person)
                    if account is None and index.knows(person):
                        rest.append(person)  # an id says more than a name, whoever comes first
                    else:
                        _held_against(person, account, report)
        for kind in ("userName", "email"):
            rest = [one for one in rest if not _found(index, kind, one, report)]
        for person in rest:
            _held_against(person, None, report)
        first: dict[str, str] = {}
        for account in accounts:
            first.setdefault(account.user_name.casefold(), account.account)
        for account in index.left.values():
            detail = "Nobody provisioned it. Adopt it, or deactivate it in the application."
            other = first.get(account.user_name.casefold(), account.account)
            if account.user_name and other != account.account:
                detail = f"Account {other} has the same user name. Only one of them can be provisioned."
            name = account.user_name or account.email or account.account
            report.add(Finding(UNKNOWN, name, account.account, None, detail))
        return report

    async def adopt(self, caller: Caller, accounts: Sequence[Account], *, by: Actor) -> list[Outcome]:
        """Make users of accounts, which wait for the caller's connection; one that fails fails by itself.

        Whose userName is there already is left alone. Raises ``InvalidValue`` for more than ``PORTION``.
        """
        if len(accounts) > PORTION:
            raise errors.InvalidValue(f"At most {PORTION} accounts are adopted at once, not {len(accounts)}.")

        async def work(tx: Writer) -> list[Outcome]:
            outcomes = [await self._one(tx, caller, account) for account in accounts]
            count = sum(outcome.what == ADOPTED for outcome in outcomes)
            if count:
                await tx.audit(
                    Entry(
                        by, self._now(), "accounts.adopted", f"connection '{caller.connection.name}'",
                        caller.directory.id, {}, {"count": count},
                    )
                )  # fmt: skip
            return outcomes

        return await self._store.write(caller.directory.id, work)

    async def _one(self, tx: Writer, caller: Caller, account: Account) -> Outcome:
        body: dict[str, Any] = {
            "schemas": [urns.USER],
            "userName": account.user_name,
            "active": account.active,
        }
        if account.email:
            body["emails"] = [{"value": account.email, "type": "work", "primary": True}]
        if account.display_name:
            body["displayName"] = account.display_name
        try:
            name = account.user_name.casefold()
            known = await tx.owner_of(_USER.name, "userName", name)
            if known is not None:
                return Outcome(account.account, THERE, known)
            unit = self._commands.create(caller, _USER, body)
            async with tx.savepoint():
                view = await unit(tx)
            if isinstance(view, Refusal):
                raise view.error
            await tx.adopt(name, view.row.id)
        except errors.ScimError as error:
            return Outcome(account.account, FAILED, detail=error.detail)
        return Outcome(account.account, ADOPTED, view.row.id)


def _check(accounts: Sequence[Account]) -> None:
    if len(accounts) > MAX_ACCOUNTS:
        raise errors.InvalidValue(f"At most {MAX_ACCOUNTS:,} accounts in one report, not {len(accounts):,}.")
    doubled = [name for name, count in Counter(one.account for one in accounts).items() if count > 1]
    if doubled:
        raise errors.InvalidValue(f"The account '{doubled[0]}' is there twice.")


def _found(index: _Index, kind: str, person: _Person, report: Report) -> bool:
    account = index.take(kind, person)
    if account is not None:
        _held_against(person, account, report)
    return account is not None


def _held_against(person: _Person, account: Account | None, report: Report) -> None:
    found = _difference(person, account)
    if found is not None:
        what, detail = found
        known = None if account is None else account.account
        report.add(Finding(what, person.name, known, person.id, detail))
    elif account is not None or person.active is not None:
        report.counts["agreed"] += 1


def _difference(person: _Person, account: Account | None) -> tuple[str, str] | None:
    """What the two do not agree about, and what to do."""
    if account is None:
        return (MISSING, "Make it in the application.") if person.active else None
    if account.active and not person.active:
        how = "was deleted" if person.active is None else "is inactive"
        return TO_DEACTIVATE, f"It {how} here; deactivate it in the application."
    if person.active and not account.active:
        return TO_ACTIVATE, "It is active here; activate it in the application."
    if account.user_name and account.user_name.casefold() != person.name.casefold():
        return RENAMED, f"The application calls it '{account.user_name}'."
    return None


async def _deleted(reader: Reader) -> AsyncIterator[Stored]:
    after = 0
    while True:
        some = await reader.accounts(_USER.name, "deleted", after, PORTION)
        for row in some:
            yield row
        if len(some) < PORTION:
            return
        after = some[-1].seq
