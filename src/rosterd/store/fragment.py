"""SQL text and its parameters, put together without either getting out of step.

Templates are literals of this package. Whatever comes from outside becomes a bound parameter.
"""

from collections.abc import Iterable
from typing import LiteralString, NamedTuple

Param = str | int | float | None


class Sql(NamedTuple):
    """A piece of SQL with the parameters of its ``?`` in order."""

    text: str
    params: tuple[Param, ...] = ()


def sql(template: LiteralString, *parts: Sql | Param) -> Sql:
    """The template with each ``{}`` filled: by a piece of SQL, or by ``?`` for a value."""
    if template.count("{}") != len(parts):
        raise ValueError(f"{len(parts)} parts for {template!r}")
    texts: list[str] = []
    params: list[Param] = []
    for part in parts:
        if isinstance(part, Sql):
            texts.append(part.text)
            params += part.params
        else:
            texts.append("?")
            params.append(part)
    return Sql(template.format(*texts), tuple(params))


def join(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """The pieces one behind the other."""
    given = tuple(parts)
    return Sql(separator.join(p.text for p in given), tuple(v for p in given for v in p.params))
