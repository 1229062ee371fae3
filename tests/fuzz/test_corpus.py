"""Everything the fuzzers ever kept is read without a fault, cut short and mixed too."""

import random
from collections.abc import Sequence

import pytest
from fuzz import targets

NAMES = tuple(targets.TARGETS)
CASES = [
    pytest.param(name, path, id=f"{name}-{path.name}")
    for name in NAMES
    for path in sorted((targets.CORPUS / name).iterdir())
]
MIXED = 300


def kept(name: str) -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted((targets.CORPUS / name).iterdir())]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_kept_is_read_or_refused(name: str) -> None:
    found = kept(name)
    assert len(found) >= 15
    for data in found:
        targets.run(name, data)


@pytest.mark.parametrize("name", NAMES)
def test_so_is_a_part_of_it_and_two_parts_joined(name: str) -> None:
    found, chance = kept(name), random.Random(7)
    for _ in range(MIXED):
        one, other = chance.choice(found), chance.choice(found)
        targets.run(name, one[: chance.randrange(len(one) + 1)] + other[chance.randrange(len(other) + 1) :])


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object, *__: object, **___: object) -> None:
        raise RecursionError

    reads = {"filter": "parse_filter", "path": "parse_path", "body": "parse_json", "cursor": "parse_query"}
    monkeypatch.setattr(targets, reads[name], broken)
    with pytest.raises(RecursionError):
        targets.run(name, kept(name)[0])
