"""CEL for mapping rules, by the library ``cel``: no loops without a list, no I/O, no unbounded growth."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from rosterd.service.mapping import MAX_PARTS, MAX_TEXT, Expression, ExpressionError, Missing

if TYPE_CHECKING:
    import cel


def _bound(length: int) -> None:
    """Before a text is made: one long text in place of each letter of another is all memory that there is."""
    if length > MAX_TEXT:
        raise ValueError(f"a text is longer than {MAX_TEXT} characters")


def _join(parts: Sequence[str], by: str) -> str:
    _bound(sum(map(len, parts)) + len(by) * (len(parts) - 1))
    return by.join(parts)


def _replace(text: str, old: str, new: str) -> str:
    _bound(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "split": lambda text, by: text.split(by, MAX_PARTS)[:MAX_PARTS],
    "join": _join,
    "replace": _replace,
    "first": lambda values: values[0] if values else None,
}
"""What expressions may call besides CEL's own, as ``f(x)`` or ``x.f()``."""


class Cel:
    """See ``rosterd.service.mapping.Expressions``."""

    @cached_property
    def _cel(self) -> Any:
        import cel  # noqa: PLC0415 - a tenth of a second, and few processes map anything

        return cel

    def compile(self, text: str) -> Expression:
        """Raises ``ExpressionError``."""
        try:
            return _Compiled(self._cel.compile(text))
        except ValueError as error:
            raise ExpressionError(_line(error)) from error

    def variables(self, values: Mapping[str, Any]) -> "cel.Context":
        """The variables, and the functions beside them."""
        context: cel.Context = self._cel.Context(variables=dict(values), functions=dict(FUNCTIONS))
        return context


class _Compiled:
    """See ``rosterd.service.mapping.Expression``."""

    __slots__ = ("_program",)

    def __init__(self, program: "cel.Program") -> None:
        self._program = program

    @property
    def names(self) -> Collection[str]:
        names: list[str] = self._program.variables()
        return names

    def __call__(self, variables: "cel.Context") -> Any:
        try:
            return _json(self._program.execute(variables))
        except (KeyError, IndexError) as error:
            raise Missing(str(error)) from error
        except (TypeError, RuntimeError, ValueError, ArithmeticError) as error:
            raise ExpressionError(_line(error)) from error


def _line(error: BaseException) -> str:
    """The library's message in one line."""
    return " ".join(str(error).split())[:500]


def _json(value: Any) -> Any:
    """The value as JSON can hold it. Raises ``ValueError``."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("the value is none that JSON can hold")
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    return value
