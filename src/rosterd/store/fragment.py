"""SQL text and its parameters, put together without either getting out of step.

Templates are literals of this package. Whatever comes from outside becomes a bound parameter.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import LiteralString

Param = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the parameters of its ``?`` in order."""

    text: str
    params: tuple[Param, ...] = ()


def sql(template: LiteralString, *parts: Sql | Param) -> Sql:
    """The template with each ``{}`` filled: by a piece of SQL, or by ``?`` for a value."""
    first, *rest = template.split("{}")
    text: list[str] = [first]
    params: list[Param] = []
    for part, piece in zip(parts, rest, strict=True):
        if isinstance(part, Sql):
            text.append(part.text)
            params.extend(part.params)
        else:
            text.append("?")
            params.append(part)
        text.append(piece)
    return Sql("".join(text), tuple(params))


def join(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """The pieces one behind the other."""
    given = tuple(parts)
    return Sql(separator.join(p.text for p in given), tuple(v for p in given for v in p.params))
