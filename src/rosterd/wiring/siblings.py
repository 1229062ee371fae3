"""What all workers of a machine have counted, told by whichever of them is asked.

Each answers for itself at a socket in their supervisor's directory, under its number. Nothing is summed up:
every series has the label ``worker``, so one that does not answer, or was replaced, makes no other one go
back. Who does not answer within ``SECONDS`` is left out of that reply.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any, Final

import orjson
from prometheus_client.core import Metric

SECONDS: Final = 1.0

Counted = Callable[[], Iterable[Metric]]


class Siblings:
    """Those who answer in a directory, of whom the one of this process is ``number``."""

    def __init__(self, folder: Path, number: int, starts: int) -> None:
        self._folder = folder
        self._number = number
        self.starts = starts
        """How many workers have had the number."""

    @contextlib.asynccontextmanager
    async def answering(self, counted: Counted) -> AsyncIterator[None]:
        """Answer the others for as long as the context lasts, or until another has the number."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                writer.write(orjson.dumps([_row(metric) for metric in counted()]))
                await writer.drain()
            writer.close()

        place = self._folder / f"{self._number}.sock"
        made = place.with_suffix(f".{self.starts}")
        async with await asyncio.start_unix_server(answer, made):
            made.rename(place)  # in place of the one before, if it still answers
            yield

    async def gather(self) -> tuple[list[Metric], int]:
        """What all of them have counted, and how many have answered."""
        places = sorted(self._folder.glob("*.sock"), key=lambda place: int(place.stem))
        answers = await asyncio.gather(*(_ask(place) for place in places))
        families: dict[str, Metric] = {}
        for place, rows in zip(places, answers, strict=True):
            for name, text, kind, samples in rows:
                family = families.setdefault(name, Metric(name, text, kind))
                for sample, labels, value in samples:
                    family.add_sample(sample, {"worker": place.stem, **labels}, value)
        return list(families.values()), sum(bool(rows) for rows in answers)


def _row(metric: Metric) -> tuple[Any, ...]:
    samples = [(sample.name, sample.labels, sample.value) for sample in metric.samples]
    return metric.name, metric.documentation, metric.type, samples


async def _ask(place: Path) -> list[Any]:
    """What one of them has counted; nothing if it does not answer."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_unix_connection(place)
            try:
                answer: list[Any] = orjson.loads(await reader.read())
                return answer
            finally:
                writer.close()
    return []
