"""HTTP as aiohttp does it: a request out, status, headers and bytes back, or ``NoAnswer``."""

from collections.abc import Mapping

import aiohttp
from yarl import URL


class NoAnswer(Exception):
    """The server is not there, fell silent or does not speak HTTP; the message says which."""


class Transport:
    """A pool of connections; ``timeout`` in seconds covers a request from beginning to end."""

    def __init__(self, connections: int, timeout: float) -> None:
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def request(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request; header names of the answer are in lower case. Raises ``NoAnswer``."""
        url = URL(address, encoded=True)
        try:
            async with self._session.request(
                method, url, headers=headers, data=content, allow_redirects=False
            ) as response:
                named = {name.lower(): value for name, value in response.headers.items()}
                return response.status, named, await response.read()
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {self._timeout:g} seconds") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(f"no answer: {str(error) or type(error).__name__}") from error
