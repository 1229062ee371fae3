"""Arrays as the texts that PostgreSQL reads them from: a statement takes one as ``$1::text::bigint[]``.

Of each element of a list the driver asks whether it is a list in turn, which takes longer than all the rest
of writing it; so what a statement takes of many resources at once, and is no JSON, goes as a text. An array
that a statement looks into for each row goes as a list, since such a text would be read each time.
"""

from collections.abc import Iterable, Sequence


def numbers(values: Iterable[int]) -> str:
    """An array of numbers."""
    return "{" + ",".join(map(str, values)) + "}"


def texts(values: Sequence[str | None]) -> str:
    """An array of texts, some of which may be missing."""
    if None not in values:
        joined = '","'.join(values)  # type: ignore[arg-type]  # none is missing
        if "\\" not in joined and joined.count('"') == 2 * len(values) - 2:
            return '{"' + joined + '"}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
