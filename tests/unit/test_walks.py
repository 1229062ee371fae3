"""Bookmarks of index paging."""

from rosterd.service.ports import Position
from rosterd.service.walks import LIFETIME, Walks


def test_a_bookmark_is_found_until_it_expires() -> None:
    walks = Walks()
    walks.set("w", 101, Position(7), 300, now=1000)
    found = walks.find("w", 101, now=1000 + LIFETIME - 1)
    assert found is not None and (found.position, found.total) == (Position(7), 300)
    assert walks.find("w", 101, now=1000 + LIFETIME) is None
    assert walks.find("w", 102, now=1000) is None
    assert walks.find("other", 101, now=1000) is None


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    walks = Walks(capacity=2)
    for start in (1, 2, 3):
        walks.set("w", start, Position(start), 9, now=0)
    assert [walks.find("w", s, now=0) is not None for s in (1, 2, 3)] == [False, True, True]
