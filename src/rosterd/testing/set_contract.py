"""The contract of security event tokens, as tests: streams, what was fetched out of order, signing keys."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from rosterd.service.audit import AuditLog
from rosterd.service.control import Control
from rosterd.service.ports import Store
from rosterd.service.set_polls import SetPolls
from rosterd.service.set_stream import POLL, Stream
from rosterd.service.signing_keys import SigningKey, SigningKeyStore
from rosterd.service.standing import Standing
from rosterd.service.webhooks import ENABLED, DeadLetter, Deliveries, Endpoint, Key, Webhooks
from rosterd.testing.scenario import AT, ENTRY, scenario
from rosterd.testing.webhook_contract import happen

STREAM: Final = Stream("äpp", POLL, "notice", "caep", None)
KEY: Final = SigningKey("k1", "ES256", {"kty": "EC", "x": "ü"}, b"\0\xff", AT, AT)


class Plane(Store, Control, AuditLog, Webhooks, Deliveries, SetPolls, SigningKeyStore, Protocol):
    """What the contract looks at."""


def polled(directory: int, id: str = "we_1") -> Endpoint:
    """A stream that is polled."""
    return Endpoint(id, directory, "", "", (), AT, standing=Standing(ENABLED, "ann", "", AT), stream=STREAM)


class SetContract:
    """What a ``SetPolls`` with ``SigningKeyStore`` must do. Override ``open_store``; name it ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_stream_is_kept_with_its_endpoint_changed_and_removed(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        made = polled(home.id)
        await plane.create_webhook(made, ENTRY)
        assert await plane.webhook("we_1") == made
        changed = replace(made, stream=replace(STREAM, audience="b", detail="full", authorization=b"\0s"))
        assert await plane.update_webhook(made, changed, ENTRY) is True
        assert await plane.webhook_page(home.id, "", 9) == (changed,)
        before = len(await plane.audit_page(None, None, 99))
        late = replace(made, label="late", stream=replace(STREAM, vocabulary="scim"))
        assert await plane.update_webhook(made, late, ENTRY) is False
        assert await plane.webhook_page(home.id, "", 9) == (changed,)
        assert len(await plane.audit_page(None, None, 99)) == before
        assert await plane.delete_webhook("we_1", ENTRY)
        await plane.create_webhook(replace(made, stream=None), ENTRY)
        found = await plane.webhook("we_1")
        assert found is not None
        assert found.stream is None

    @scenario
    async def test_a_stream_that_is_polled_is_no_workers(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(polled(home.id), ENTRY)
        await happen(plane, home, 2)
        assert await plane.has_webhooks() is False
        assert await plane.due_lines(AT) == await plane.due_lines(AT, [home.id]) == ()
        pushed = replace(polled(home.id, "we_2"), url="HTTPS://A.EXAMPLE/")
        await plane.create_webhook(pushed, ENTRY)
        assert await plane.has_webhooks() is True
        await happen(plane, home)
        assert [each.key.webhook for each in await plane.due_lines(AT)] == ["we_2"]

    @scenario
    async def test_what_is_acknowledged_is_kept_until_the_cursor_has_passed_it(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(polled(home.id), ENTRY)
        await happen(plane, home, 9)
        key = Key(home.id, "we_1")
        line, acked = await plane.poll_state(key, 99)
        assert (line.cursor, acked) == (0, ())
        await plane.acknowledge(key, [7, 3, 5], ())
        await plane.acknowledge(key, [3], ())
        assert (await plane.poll_state(key, 99))[1] == (3, 5, 7)
        assert (await plane.poll_state(key, 2))[1] == (3, 5)
        await plane.advance(key, 5)
        line, acked = await plane.poll_state(key, 99)
        assert (line.cursor, line.lost_at, acked) == (5, None, (7,))
        await plane.acknowledge(key, [4, 5], ())
        await plane.advance(key, 2)
        assert await plane.poll_state(key, 99) == (line, (7,))
        await plane.advance(key, 8, lost_at=AT + 9)
        line, acked = await plane.poll_state(key, 99)
        assert (line.cursor, line.lost, line.lost_at, acked) == (8, 8, AT + 9, ())

    @scenario
    async def test_what_is_refused_is_a_dead_letter(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        await plane.create_webhook(polled(home.id), ENTRY)
        dead = DeadLetter(home.id, "we_1", 4, 4, "we_1.1-4", AT, 1, None, "no")
        await plane.acknowledge(Key(home.id, "we_1"), [4], [dead])
        assert await plane.dead_letters("we_1", (0, 0), 9) == (dead,)

    @scenario
    async def test_streams_of_the_same_directory_do_not_know_of_each_other(self, plane: Plane) -> None:
        home = await plane.create_directory("acme", AT, ENTRY)
        for id in ("we_1", "we_2"):
            await plane.create_webhook(polled(home.id, id), ENTRY)
        await plane.acknowledge(Key(home.id, "we_1"), [1], ())
        await plane.advance(Key(home.id, "we_1"), 1)
        line, acked = await plane.poll_state(Key(home.id, "we_2"), 9)
        assert (line.cursor, acked) == (0, ())

    @scenario
    async def test_a_new_key_is_kept_if_the_newest_is_still_the_one_that_was_seen(self, plane: Plane) -> None:
        assert await plane.signing_keys() == ()
        assert await plane.add_signing_key(KEY, None, AT, ENTRY) is True
        second = replace(KEY, kid="k2", created=AT + 1, signs=AT + 5)
        before = len(await plane.audit_page(None, None, 99))
        assert await plane.add_signing_key(second, None, AT, ENTRY) is False
        assert await plane.signing_keys() == (KEY,)
        assert len(await plane.audit_page(None, None, 99)) == before
        assert await plane.add_signing_key(second, "k1", AT + 9, ENTRY) is True
        assert await plane.signing_keys() == (second, replace(KEY, ends=AT + 9))
        third = replace(KEY, kid="k3", created=AT + 2)
        assert await plane.add_signing_key(third, "k2", AT + 20, ENTRY) is True
        assert [key.ends for key in await plane.signing_keys()] == [None, AT + 20, AT + 9]

    @scenario
    async def test_keys_that_ended_are_forgotten(self, plane: Plane) -> None:
        await plane.add_signing_key(KEY, None, AT, ENTRY)
        await plane.add_signing_key(replace(KEY, kid="k2", created=AT + 1), "k1", AT + 9, ENTRY)
        assert await plane.forget_signing_keys(AT + 8) == 0
        assert await plane.forget_signing_keys(AT + 9) == 1
        assert [key.kid for key in await plane.signing_keys()] == ["k2"]
