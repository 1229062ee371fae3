"""A unit of work is run from end to end at once: it may await nothing but its ``Writer``."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from rosterd.service.ports import Writer

T = TypeVar("T")


def perform(work: Callable[[Writer], Awaitable[T]], writer: Writer) -> T:
    """The value of ``work``. Raises what it raises; ``RuntimeError`` if it waits for anything."""
    unit = work(writer).__await__()
    try:
        next(unit)
    except StopIteration as end:
        value: T = end.value
        return value
    unit.close()
    raise RuntimeError("a unit of work may await nothing but its Writer")
