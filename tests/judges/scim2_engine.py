"""scim2-client over httpx, so that its conformance checks run over the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient, RequestNetworkException


class HttpxSCIMClient(BaseSyncSCIMClient):
    """A scim2-client whose requests go through an ``httpx.Client`` with a base URL."""

    def __init__(self, client: httpx.Client, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client

    def _stays_under_base_url(self, endpoint: str) -> bool:
        url = self.client.build_request("GET", endpoint).url
        base = self.client.base_url
        same = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
        return same and url.path.startswith(base.path)

    def _parse_json(self, response: Any) -> Any:
        return response.json()

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        with _network():
            return self.client.request(method, url, **kwargs)


@contextmanager
def _network() -> Iterator[None]:
    try:
        yield
    except httpx.RequestError as error:
        raise RequestNetworkException() from error
