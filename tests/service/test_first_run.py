"""Several processes that start on one empty directory at once: one of them makes what a first run makes."""

import asyncio
from pathlib import Path

import pytest

from rosterd.wiring import Settings, open_service
from rosterd.wiring.doors import unmapped


def test_one_token_is_made_however_many_start_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        settings = Settings(data=tmp_path / "data")
        async with open_service(settings) as one, open_service(settings) as two:
            held = asyncio.Barrier(2)

            for service in (one, two):
                directories = service.control.directories

                async def together(of: object = directories) -> object:
                    found = await of()  # type: ignore[operator]
                    await held.wait()  # until both have seen that there is none
                    return found

                service.control.directories = together  # type: ignore[method-assign,assignment]
            made = await asyncio.gather(one.setup(), two.setup())
            assert sorted(first is None for first in made) == [False, True]
            (first,) = [one for one in made if one is not None]
            assert len(await one.control.tokens(first.directory.id)) == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("client", "known"),
    [
        (("::ffff:192.0.2.1", 5), ("192.0.2.1", 5)),
        (("192.0.2.1", 5), ("192.0.2.1", 5)),
        (("::1", 5), ("::1", 5)),
        (("::ffff:c000:201", 5), ("::ffff:c000:201", 5)),
        (None, None),
    ],
)
def test_an_ipv4_client_has_one_address_whatever_is_listened_on(
    client: tuple[str, int] | None, known: tuple[str, int] | None
) -> None:
    assert unmapped(client) == known
