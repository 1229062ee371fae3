"""An array that goes as a text is the one that the server reads."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from contract.postgres_store import database
from hypothesis import given
from hypothesis import strategies as st

from rosterd.store.postgres_arrays import numbers, texts

_KEPT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


def read(text: str, kind: str) -> Sequence[object]:
    """What the server reads."""
    url = database()

    async def ask() -> Sequence[object]:
        connection = await asyncpg.connect(url)
        try:
            found: Sequence[object] = await connection.fetchval(f"SELECT $1::text::{kind}[]", text)
            return found
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("values", [[], [1], [-5, 0, 2**62, 7]])
def test_numbers_are_read_as_they_are(values: list[int]) -> None:
    assert read(numbers(values), "bigint") == values


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["", ""],
        [None],
        ["a", None, ""],
        ["NULL", "null", None],
        ["{}", "{", "}", ",", '","', '"', "\\", '\\"', "a\\", "\\\\"],
        ['"', "a"],
        ["a", 'b"'],
        ["a\nb", "\t", " ", " a ", "'", "é", "\N{GRINNING FACE}", "$1"],
    ],
)
def test_texts_are_read_as_they_are(values: list[str | None]) -> None:
    assert read(texts(values), "text") == values


@given(st.lists(st.none() | _KEPT | st.text('a",\\{}', max_size=3), max_size=6))
def test_any_texts_are_read_as_they_are(values: list[str | None]) -> None:
    assert read(texts(values), "text") == values
