"""A world to log in to: administrators, sessions and set-up links on a real store, a clock moved by hand."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rosterd.delivery.signing import Vault
from rosterd.service.administrators import Administrator, Administrators
from rosterd.service.control import Connection, Policy
from rosterd.service.login import LogIn, Opened
from rosterd.service.own_account import OwnAccount
from rosterd.service.second_factor import SecondFactors
from rosterd.service.sessions import Place, Sessions
from rosterd.service.setup_links import SetupLinks
from rosterd.service.visitor import OWNER, Visitor
from rosterd.store.sqlite import SqliteStore, open_sqlite
from rosterd.testing.clock import FakeClock
from rosterd.testing.scenario import BY, ENTRY
from rosterd.wiring.authenticator import TotpAuthenticator

HOME = Place("192.0.2.1", "Browser", "r1")
ELSEWHERE = Place("198.51.100.7", "Other", "r2")
PASSWORD = "correct horse battery"
SECRET = b"s" * 32


@dataclass
class Plain:
    """Keeps passwords as they are, and notes what was looked at."""

    verified: list[str | None] = field(default_factory=list)

    async def guessable(self, password: str, words: Sequence[str]) -> bool:
        return len(set(password)) < 4

    async def hash(self, password: str) -> str:
        return f"kept {password}"

    async def verify(self, kept: str | None, password: str) -> bool:
        self.verified.append(kept)
        return kept == f"kept {password}"


class World:
    def __init__(self, store: SqliteStore, default_role: str = "") -> None:
        numbers = itertools.count(1)
        self.clock = FakeClock()
        self.store = store
        self.hasher = Plain()

        def random(length: int) -> bytes:
            return next(numbers).to_bytes(8, "big") * (length // 8) + b"\7" * (length % 8)

        self.administrators = Administrators(store, self.hasher, self.clock, random)
        self.sessions = Sessions(store, self.clock, random, SECRET, 12)
        self.required = False
        self.authenticator = TotpAuthenticator(Vault(SECRET, random), random)
        self.second_factors = SecondFactors(
            self.administrators, self.authenticator, self.clock, random, self.is_required
        )
        self.login = LogIn(
            store, store, self.administrators, self.sessions, self.hasher, self.clock, random, SECRET,
            self.second_factors, default_role,
        )  # fmt: skip
        self.own = OwnAccount(store, self.administrators, self.second_factors, self.hasher, self.clock)
        self.links = SetupLinks(store, self.clock, random)

    async def is_required(self) -> bool:
        return self.required

    async def ann(self, role: str = OWNER, **more: Any) -> Administrator:
        return await self.administrators.create("Ann@Example.com", role, password=PASSWORD, **more, by=BY)

    async def enter(self, **more: Any) -> str:
        """The value of a new session of ann."""
        return (await self.opened(**more)).value

    async def opened(self, **more: Any) -> Opened:
        """A log-in of ann by the password alone."""
        opened = await self.login.by_password("ann@example.com", PASSWORD, HOME, **more)
        assert isinstance(opened, Opened)
        return opened

    async def visitor(self, value: str, place: Place = HOME) -> Visitor:
        found = await self.sessions.visitor(value, place)
        assert found is not None
        return found

    async def line(self) -> Connection:
        home = await self.store.create_directory("acme", 1, ENTRY)
        return await self.store.create_connection(home.id, "okta", "auto", Policy(), 1, ENTRY)

    async def told(self, action: str) -> list[tuple[str, dict[str, Any]]]:
        """Target and ``after`` of the entries of an action, oldest first."""
        rows = await self.store.audit_page(None, None, 200, action)
        return [(row.entry.target, dict(row.entry.after)) for row in rows][::-1]


def run(path: Path, test: Callable[[World], Awaitable[None]], default_role: str = "") -> None:
    async def main() -> None:
        store = await open_sqlite(path / "rosterd.db")
        try:
            await test(World(store, default_role))
        finally:
            await store.close()

    asyncio.run(main())
