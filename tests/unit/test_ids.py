"""Ids are UUIDs of version 7: in the order of time, and never the same, whoever draws them."""

import os
from itertools import pairwise
from uuid import RFC_4122, UUID

from rosterd.wiring.ids import new_id, now

MANY = 1000


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    before = now()
    ids = [UUID(new_id()) for _ in range(MANY)]
    times = [id.int >> 80 for id in ids]
    assert {(id.version, id.variant) for id in ids} == {(7, RFC_4122)}
    assert before <= times[0]
    assert times[-1] <= now()
    assert all(one <= other for one, other in pairwise(times))


def test_an_id_is_written_as_others_write_it() -> None:
    id = new_id()
    assert id == str(UUID(id))


def test_all_of_an_id_but_its_time_and_kind_is_chance() -> None:
    tails = {UUID(new_id()).int & ((1 << 80) - 1) for _ in range(MANY)}
    ever = always = next(iter(tails))
    for tail in tails:
        ever, always = ever | tail, always & tail
    assert len(tails) == MANY
    assert (ever, always) == (0x7FFF_BFFF_FFFF_FFFF_FFFF, 0x7000_8000_0000_0000_0000)


def test_a_process_and_its_child_draw_other_ids() -> None:
    new_id()
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        os.write(writes, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reads, 100).decode()
    assert UUID(theirs).int & ((1 << 80) - 1) not in {
        UUID(new_id()).int & ((1 << 80) - 1) for _ in range(MANY)
    }
    os.close(reads)
    os.close(writes)
