"""A backup made under load holds what was acknowledged before it; nothing told after it is told twice."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from contract.postgres_server import URL, execute, namespace
from e2e.faulty import Faulty, faulty, post

from rosterd.scim import errors
from rosterd.service.control import Directory
from rosterd.service.events import WINDOW, Event
from rosterd.service.feed import Want
from rosterd.service.ports import StoreUnavailable
from rosterd.testing.scenario import BY
from rosterd.wiring import Service, Settings, moving, open_service, upkeep


def test_a_server_that_dies_is_put_back_to_a_backup_made_under_load(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    enough, over = threading.Event(), threading.Event()
    backup = tmp_path / "backup.db"
    with faulty(tmp_path / "data") as server:

        def write(number: int) -> None:
            with server.client() as http:
                for turn in range(10_000):
                    try:
                        name = f"user-{number}-{turn}"
                        assert post(http, name).status_code == 201
                    except httpx.TransportError:
                        return
                    acknowledged.append(name)
                    if len(acknowledged) > 100:
                        enough.set()
                    if len(acknowledged) > 300:
                        over.set()

        writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for writer in writers:
            writer.start()
        assert enough.wait(60)
        before = set(acknowledged)
        told = json.loads(server.cli("backup", str(backup), "--json"))
        assert over.wait(60)
        server.kill()
        for writer in writers:
            writer.join()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert told["users"] >= len(before) > 100
    assert {path.name for path in tmp_path.iterdir()} == {"backup.db", "data", "data.log"}

    other = Faulty(tmp_path / "data")  # the token is one of after the backup
    other.data = tmp_path / "restored"
    other.cli("restore", str(backup))
    other.token = other.cli("token", "create", "--quiet").strip()
    other.start()
    try:
        names = other.names()
        assert before <= names <= {*acknowledged, *names}
        assert len(names) == told["users"]
        assert sorted(other.told()) == sorted(names), "state and feed are of one moment"
        with other.client() as http:
            assert post(http, "afterwards").status_code == 201
    finally:
        other.kill()
    assert "afterwards" in other.told()


async def append(service: Service, home: Directory, count: int) -> None:
    async def work(tx) -> None:  # type: ignore[no-untyped-def]
        for number in range(count):
            await tx.append(Event("user.created", "User", f"u{number}", 1, 0, "test", {"after": {}}))

    await service.store.write(home.id, work)


async def everything(service: Service, home: Directory, place: int = 0) -> list[tuple[str, str]]:
    """The ids and types of all events from a place on, and the pages needed stay few."""
    found: list[tuple[str, str]] = []
    for _ in range(20):
        page, _ = await service.feed.page(home, place, Want(limit=1000))
        found += [(each["id"], each["type"]) for each in page.events]
        if not page.more:
            return found
        place = await service.feed.place(home, page.next)
    raise AssertionError("the feed has no end")


Way = Callable[[Settings, Path], object]


def restore(settings: Settings, backup: Path) -> None:
    former = moving.put_back(settings, backup, BY, replace=True).former
    assert former
    if settings.database_url is not None:
        asyncio.run(execute(f"DROP SCHEMA {former} CASCADE"))


def put_file_back(settings: Settings, backup: Path) -> None:
    for file in settings.data.glob("rosterd.db*"):
        file.unlink()
    shutil.copy(backup, settings.database)
    moving.mark(settings, BY)


def dump(settings: Settings, backup: Path) -> None:
    name = schema(settings)
    subprocess.run(["pg_dump", "--format=custom", "--schema", name, "--file", backup, URL], check=True)


def restore_dump(settings: Settings, backup: Path) -> None:
    asyncio.run(execute(f"DROP SCHEMA {schema(settings)} CASCADE"))
    subprocess.run(["pg_restore", "--exit-on-error", "--dbname", URL, backup], check=True)
    moving.mark(settings, BY)


def schema(settings: Settings) -> str:
    return str(settings.database_url).partition("search_path=")[2]


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    if request.param == "sqlite":
        yield Settings(data=tmp_path / "data")
        return
    with namespace() as url:
        if shutil.which("pg_dump") is None:
            pytest.skip("no pg_dump")
        yield Settings(database_url=url, database_connections=2)


@pytest.mark.parametrize(
    ("settings", "save", "put"),
    [
        ("sqlite", moving.back_up, restore),
        ("sqlite", moving.back_up, put_file_back),
        ("postgres", moving.back_up, restore),
        ("postgres", dump, restore_dump),
    ],
    indirect=["settings"],
)
def test_what_the_backup_lacks_is_gone_for_who_has_read_it_and_its_numbers_do_not_come_again(
    tmp_path: Path, settings: Settings, save: Way, put: Way
) -> None:
    backup = tmp_path / "backup.db"

    async def first() -> tuple[str, str, str, set[str]]:
        async with open_service(settings) as service:
            home = await service.directories.create("acme", by=BY)
            await append(service, home, WINDOW + 50)
            early = service.feed.cursor(home, 7)
            kept = service.feed.cursor(home, await service.feed.place(home, "now"))
            await asyncio.to_thread(save, settings, backup)
            await append(service, home, 30)
            ahead = service.feed.cursor(home, await service.feed.place(home, "now") - 3)
            return early, kept, ahead, {id for id, _ in await everything(service, home)}

    early, kept, ahead, before = asyncio.run(first())
    put(settings, backup)

    async def then(rounds: int) -> None:
        async with open_service(settings) as service:
            (home,) = [d for d in await service.control.directories() if d.name == "acme"]
            with pytest.raises(errors.Gone):
                await service.feed.place(home, ahead)
            await append(service, home, 100)
            with pytest.raises(errors.Gone):
                await service.feed.place(home, ahead)
            new = await everything(service, home, await service.feed.place(home, kept))
            assert [type for _, type in new] == ["directory.restored"] + ["user.created"] * 100
            assert not {id for id, _ in new} & before
            whole = await everything(service, home, await service.feed.place(home, early))
            assert len(whole) == WINDOW + 50 - 7 + 101
            edge = await service.store.reader(home.id).feed_back(None, 1000)
            assert len(edge.events) == 101
            behind = await service.store.reader(home.id).feed_back(edge.events[-1].seq, 10)
            assert [each.seq for each in behind.events][:2] == [WINDOW + 50, WINDOW + 49]
            before.update(id for id, _ in new)
            entries = [row.entry.action for row in await service.control.audit_page(None, None, 9)]
            assert entries[0] == "installation.restored", rounds

    asyncio.run(then(1))
    put(settings, backup)
    asyncio.run(then(2))


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_version VALUES (9999, 'later', 'x', 1, 9999)")
    connection.close()


def broken(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192 * 3 : 8192 * 9] = b"\xff" * 8192 * 6
    path.write_bytes(content)


@pytest.mark.parametrize("settings", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (newer, "newer release"),
        (broken, "damaged"),
        (lambda path: path.write_bytes(b""), "no database of rosterd"),
        (lambda path: path.write_bytes(b"something else" * 1000), "no database"),
    ],
)
def test_what_is_no_good_backup_is_refused_and_leaves_nothing(
    tmp_path: Path, settings: Settings, harm: Callable[[Path], object], says: str
) -> None:
    made, backup = Settings(data=tmp_path / "made"), tmp_path / "backup.db"
    upkeep.migrate(made)
    moving.back_up(made, backup)
    harm(backup)
    with pytest.raises((upkeep.NotWhole, upkeep.SchemaMismatch), match=says):
        moving.put_back(settings, backup, BY, replace=False)
    if settings.database_url is None:
        assert list(settings.data.iterdir()) == []
    else:
        assert upkeep.migrations(settings).applied == ()


def of_an_older_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM schema_version WHERE version = 18")
        connection.execute("ALTER TABLE schema_version DROP COLUMN since")
        connection.commit()


@contextmanager
def nothing_can_be_written(folder: Path) -> Iterator[None]:
    if os.geteuid():
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    with ExitStack() as stack:
        for options in ("bind", "remount,bind,ro"):
            if subprocess.run(["mount", "-o", options, folder, folder], capture_output=True).returncode:
                pytest.skip("nothing can be mounted here")
            if options == "bind":
                stack.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        yield


@pytest.mark.parametrize("settings", ["sqlite", "postgres"], indirect=True)
def test_a_backup_of_an_older_release_need_not_lie_where_anything_can_be_written(
    tmp_path: Path, settings: Settings
) -> None:
    made, backups = Settings(data=tmp_path / "made"), tmp_path / "backups"
    backups.mkdir()
    upkeep.migrate(made)
    moving.back_up(made, backups / "backup.db")
    of_an_older_release(backups / "backup.db")
    with nothing_can_be_written(backups):
        moving.put_back(settings, backups / "backup.db", BY, replace=False)
        assert [path.name for path in backups.iterdir()] == ["backup.db"]
    assert upkeep.migrations(settings).pending == ()


@pytest.mark.parametrize("settings", ["sqlite", "postgres"], indirect=True)
def test_a_file_with_a_log_is_refused_in_words_where_nothing_can_be_written(
    tmp_path: Path, settings: Settings
) -> None:
    made = Settings(data=tmp_path / "made")
    upkeep.migrate(made)  # what it leaves has a write-ahead log, which is empty
    with nothing_can_be_written(made.data):
        for way in (
            lambda: moving.put_back(settings, made.database, BY, replace=False),
            lambda: moving.move(made, settings, BY, replace=False, serving=False),
        ):
            with pytest.raises(
                StoreUnavailable, match="cannot be read where nothing can be written; copy it"
            ):
                way()
    moving.move(made, settings, BY, replace=False, serving=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_puts_into_a_service_s_directory_is_the_service_s(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup.db"
    with faulty(data) as server:
        server.cli("backup", str(backup))
    for path in (data, *data.iterdir()):
        os.chown(path, 12345, 54321)
    server.cli("restore", str(backup), "--replace")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in data.iterdir()} == {(12345, 54321)}
    assert stat.S_IMODE((data / "rosterd.db").stat().st_mode) == 0o600
    assert backup.stat().st_uid == 0


def test_nothing_is_overwritten_and_nothing_is_replaced_under_a_running_server(tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    with faulty(tmp_path / "data") as server:
        server.cli("backup", str(backup))
        whole = backup.read_bytes()
        assert "is there already" in server.cli("backup", str(backup), code=4)
        assert backup.read_bytes() == whole
        assert "is there already; --replace keeps it" in server.cli("restore", str(backup), code=4)
        assert "stop the server first" in server.cli("restore", str(backup), "--replace", code=4)
        with server.client() as http:
            assert post(http, "still-there").status_code == 201
        server.kill()
        former = json.loads(server.cli("restore", str(backup), "--replace", "--json"))["former"]
        server.start()
        assert server.names() == set()
    (server.data / "rosterd.db").unlink()
    Path(former).rename(server.data / "rosterd.db")
    server.start()
    try:
        assert server.names() == {"still-there"}
    finally:
        server.kill()
    assert "There is no file" in server.cli("restore", str(tmp_path / "nowhere.db"), code=3)
