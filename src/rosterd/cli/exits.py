"""How a command ends: one table from faults to exit codes, and one line on standard error."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, Final, NoReturn, TypeVar

import typer

from rosterd.cli import output
from rosterd.cli.codes import CONFLICT, FAILED, NOT_FOUND, UNAVAILABLE, USAGE
from rosterd.scim import errors
from rosterd.scim.schema import SchemaError
from rosterd.service.ports import StoreUnavailable, UniqueViolation
from rosterd.wiring import SettingsError
from rosterd.wiring.listening import PortTaken, WorkersEnded
from rosterd.wiring.upkeep import NotWhole, SchemaMismatch, is_damage

T = TypeVar("T")

_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (SettingsError, USAGE),
    (SchemaError, USAGE),
    (errors.BadRequest, USAGE),
    (errors.NotFound, NOT_FOUND),
    (errors.Gone, NOT_FOUND),
    (errors.Conflict, CONFLICT),
    (UniqueViolation, CONFLICT),
    (PortTaken, CONFLICT),
    (WorkersEnded, FAILED),
    (StoreUnavailable, UNAVAILABLE),
    (SchemaMismatch, UNAVAILABLE),
    (NotWhole, UNAVAILABLE),
    (OSError, UNAVAILABLE),
)


def fail(code: int, message: str) -> NoReturn:
    """Say why on standard error and end with the code."""
    output.complain(message)
    raise typer.Exit(code)


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """Turn the faults of the table, and a damaged file, into an exit; any other is a bug and is raised."""
    try:
        yield
    except tuple(kind for kind, _ in _CODES) as fault:
        code = next(code for kind, code in _CODES if isinstance(fault, kind))
        detail = fault.detail if isinstance(fault, errors.ScimError) else str(fault)
        fail(code, detail or type(fault).__name__)
    except Exception as fault:
        if not is_damage(fault):
            raise
        fail(UNAVAILABLE, f"The database is damaged ({fault}); 'rosterd doctor' tells more.")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end, with ``faults`` turned into an exit."""
    with faults():
        return asyncio.run(work)
