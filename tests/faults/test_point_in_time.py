"""A cluster is brought to a moment as docs/operations.md says: what was acknowledged until then is there.

The rest is undone, and all who have read of it are told so; requests, readers and deliveries go on.
"""

import asyncio
import os
import re
import shutil
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from e2e.faulty import Faulty
from faults.access import Access
from faults.clusters import OWNER, SECONDS, Cluster, clusters, owned_folder, program, wait_until
from faults.feed import number_of
from faults.history import UNKNOWN, History
from faults.model import end_state, problems
from faults.receiver import receiver
from faults.site import LONG, loaded, served
from judges.harness import NO_TLS

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
MOMENT = "2026-11-24 15:20:00+00"
SOME = 300


class Guide:
    """The section, with the paths, addresses and times that there are here."""

    def __init__(self, folder: Path, cluster: Cluster, restored: Cluster) -> None:
        text = GUIDE.read_text().partition("## Restore to a moment\n")[2].partition("\n## ")[0]
        text = text.replace("/var/lib/postgresql/restored", str(restored.data))
        text = text.replace("/var/backups", str(folder))
        self._text = text.replace("postgres://postgres@db.example.com/postgres", cluster.url())

    def settings(self, moment: str = MOMENT) -> list[dict[str, str]]:
        """Those of each block of them."""
        found = re.findall(r"^```ini\n(.*?)^```", self._text.replace(MOMENT, moment), re.M | re.S)
        pairs = [[line.split(" = ", 1) for line in block.splitlines()] for block in found]
        return [{name: value.strip("'") for name, value in each} for each in pairs]

    def commands(self) -> list[str]:
        """The blocks of commands."""
        return [textwrap.dedent(each) for each in re.findall(r"^```bash\n(.*?)^```", self._text, re.M | re.S)]


def run(script: str) -> None:
    """Commands, as the owner of the clusters."""
    path = f"{Path(program('pg_basebackup')).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", script], env={"PATH": path}, cwd="/", capture_output=True, text=True, **OWNER
    )
    assert done.returncode == 0, done.stderr


def read(server: Faulty, may: Access, **query: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {may.key}"}
    return httpx.get(f"{server.origin}/api/v1/events", params=query, headers=headers, verify=NO_TLS)


def behind(server: Faulty, may: Access, cursor: str) -> Iterator[dict[str, Any]]:
    """The events behind a cursor, from page to page."""
    more = True
    while more:
        page = read(server, may, after=cursor).json()
        yield from page["events"]
        cursor, more = page["next"], page["more"]


def until(history: History, certain: int, begun: int, events: int) -> History:
    """The same as it was known at a moment: what had ended by ``certain`` and begun by ``begun``."""
    known = [
        each if each.ended is not None and each.ended < certain
        else replace(each, outcome=UNKNOWN, ended=None, status=None, seen=None)
        for each in history.operations if each.began < begun
    ]  # fmt: skip
    return History(known, history.followed[:events], history.crews)


@contextmanager
def archived(cluster: Cluster, guide: Guide) -> Iterator[None]:
    """A cluster with an archive; at the end it is gone, but everything of it is archived."""
    cluster.create()
    cluster.settings |= guide.settings()[0]
    cluster.start()
    yield
    newest = cluster.ask("SELECT pg_walfile_name(pg_switch_wal())")
    wait_until(
        lambda: cluster.ask("SELECT last_archived_wal >= $1 FROM pg_stat_archiver", newest), "not archived"
    )
    cluster.kill()


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="a part of make faults")
def test_a_cluster_that_was_brought_to_a_moment_has_what_was_acknowledged_until_then(tmp_path: Path) -> None:
    allowed, after = {"egress_allow": "127.0.0.1/32"}, tmp_path / "after"
    with clusters("one", "restored") as (one, restored), receiver() as (url, got):
        folder = owned_folder("rosterd-archive-")
        (folder / "wal").mkdir()
        if OWNER:
            shutil.chown(folder / "wal", **{name: OWNER[name] for name in ("user", "group")})
        guide = Guide(folder, one, restored)
        back_up, put_back, mark = guide.commands()
        with archived(one, guide), served(one.url(), tmp_path, **allowed) as (may, servers):
            servers[0].cli("webhook", "create", url)
            with loaded(servers, may, tmp_path) as load:
                load.more(SOME)
                run(back_up)
                load.more(SOME)
                early = read(servers[0], may, after="now").json()["next"]
                certain = time.monotonic_ns()
                moment = one.ask("SELECT clock_timestamp()::text")
                begun = time.monotonic_ns()
                load.more(SOME)
            ahead = read(servers[1], may, after="now").json()["next"]
            told = load.load.history.followed
            wait_until(lambda: got[-1][0] == f"msg_{told[-1]}", "the last event is not delivered")
        delivered = len(got)

        run(put_back)
        assert mark.split() == ["rosterd", "mark-restored"]
        marked = Faulty(after, may.token, database_url=restored.url())
        wanted = guide.settings(moment)[1]
        restored.settings |= {**wanted, "recovery_target_time": "2099-01-01 00:00:00+00"}
        restored.start(wait=False)
        assert restored.process is not None and restored.process.wait(SECONDS) != 0
        assert "before configured recovery target was reached" in restored.log.read_text()
        shutil.rmtree(restored.data)
        run(put_back)
        restored.settings |= {**wanted, "recovery_target_action": "pause"}
        restored.start()
        assert "a primary" in marked.cli(*mark.split()[1:], code=5)
        restored.stop()
        restored.settings |= wanted
        restored.start()
        restored.until("SELECT NOT pg_is_in_recovery()")
        marked.cli(*mark.split()[1:])
        after.mkdir()
        with served(restored.url(), after, **allowed) as (_, servers):
            *_, mine = behind(servers[0], may, early)
            assert mine["type"] == "directory.restored"
            kept = number_of(mine["data"]["until"])
            assert {read(server, may, after=ahead).status_code for server in servers} == {410}
            with loaded(servers, may, after, tag="b") as again:
                again.more(SOME)
            assert read(servers[0], may, after=ahead).status_code == 410
            state = asyncio.run(end_state(servers[0].origin, may))
            wait_until(lambda: got[-1][0] == f"msg_{state.events[-1]['id']}", "deliveries do not go on")

    first, second = until(load.load.history, certain, begun, kept), again.load.history
    whole = History([*first.operations, *second.operations], second.followed, {**first.crews, **second.crews})
    assert problems(whole, state) == [f"feed: event {mine['id']} follows number {kept}"]
    assert told[:kept] == [each["id"] for each in state.events[:kept]]
    assert 0 < kept < len(told)
    assert not set(told[kept:]) & {each["id"] for each in state.events}
    meanings = dict(got)
    assert all(meanings[id] == body for id, body in got), "an id of a message means two things"
    assert {f"msg_{each['id']}" for each in state.events[kept:]} <= {id for id, _ in got[delivered:]}
