"""The server is killed under load, again and again; what it holds always is what the model says it may hold.

A client knows of each of its accounts what was acknowledged last, and of the request that was under way when
the server died that it happened or not. ``make faults MINUTES=10`` does it for longer.
"""

import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from e2e.faulty import Faulty, post
from judges.harness import patch

SECONDS = float(os.environ.get("FAULT_SECONDS", "6"))
CLIENTS = 4


@dataclass
class Account:
    """An account by its name: its id, and the nicknames that it may have; ``None``: it is not there."""

    name: str
    id: str = ""
    may_be: set[str | None] = field(default_factory=set)


class Client(threading.Thread):
    """Makes, changes and deletes accounts of its own until the server goes."""

    def __init__(self, server: Faulty, accounts: list[Account], chance: random.Random, number: str) -> None:
        super().__init__()
        self.server, self.accounts, self.chance, self.number = server, accounts, chance, number
        self.done = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            with self.server.client() as http:
                while True:
                    self.turn(http)
                    self.done += 1
        except httpx.TransportError:
            pass
        except BaseException as fault:  # noqa: BLE001 - the test raises it
            self.fault = fault

    def turn(self, http: httpx.Client) -> None:
        live = [each for each in self.accounts if each.id and None not in each.may_be]
        kind = self.chance.choice(["make", "change", "change", "delete"]) if live else "make"
        if kind == "make":
            account = Account(f"{self.number}-{len(self.accounts)}", may_be={None, ""})
            self.accounts.append(account)
            reply = post(http, account.name, nickName="")
            assert reply.status_code == 201, reply.text
            account.id, account.may_be = reply.json()["id"], {""}
            return
        account = self.chance.choice(live)
        if kind == "delete":
            account.may_be.add(None)
            assert http.delete(f"/Users/{account.id}").status_code == 204
            account.may_be = {None}
            return
        nick = f"n{self.chance.randrange(1_000_000)}"
        account.may_be.add(nick)
        change = patch({"op": "replace", "path": "nickName", "value": nick})
        reply = http.patch(f"/Users/{account.id}", json=change)
        assert reply.status_code in (200, 204), reply.text
        account.may_be = {nick}


def check(server: Faulty, accounts: list[Account]) -> None:
    """Every account is as one of those ways, and from now on as it is."""
    with server.client() as http:
        for account in accounts:
            listed = http.get("/Users", params={"filter": f'userName eq "{account.name}"'}).json()
            found = listed.get("Resources", [])
            state = found[0].get("nickName", "") if found else None
            assert state in account.may_be, f"{account.name} is {state!r}, not of {account.may_be}"
            account.may_be = {state}
            if found:
                account.id = found[0]["id"]


@pytest.mark.slow
def test_what_was_acknowledged_is_there_however_often_the_server_is_killed(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = Faulty(tmp_path / "data")
    books: list[list[Account]] = [[] for _ in range(CLIENTS)]
    end = time.monotonic() + SECONDS
    kills = changes = 0
    while kills < 2 or time.monotonic() < end:
        server.start()
        for book in books:
            check(server, book[-50:])
        clients = [
            Client(server, book, random.Random(chance.random()), f"{number}")
            for number, book in enumerate(books)
        ]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.2, 1.5))
        server.kill()
        for client in clients:
            client.join()
            assert client.fault is None, client.fault
        kills += 1
        changes += sum(client.done for client in clients)
    server.start()
    try:
        for book in books:
            check(server, book)
        made = {each.name for book in books for each in book if each.id}
        told = server.told()
        assert len(told) == len(set(told))
        assert made <= set(told), "an account whose making no event tells"
        live = {each.name for book in books for each in book if None not in each.may_be}
        assert server.names() == live
    finally:
        server.kill()
    print(f"{kills} kills, {changes} changes")
    assert changes > 0
