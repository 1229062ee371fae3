"""Connections are made only to where ``egress.py`` lets them lead: names are looked up once, and looked at.

Whatever a resolver says, the address that the socket is connected to is looked at last.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from rosterd.delivery.egress import Policy, Refused, check_address

LOOK_UPS: Final = 32
"""Names that are looked up at once."""


class PooledResolver(AbstractResolver):
    """The system's resolver in threads of its own, one for each name at most.

    A name whose servers do not answer holds one thread, however many messages wait for it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="rosterd-resolver")
        self._asked: dict[tuple[str, int, int], asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See ``AbstractResolver``. Raises ``OSError``."""
        question = (host, port, int(family))
        if question not in self._asked:
            answer = asyncio.get_running_loop().run_in_executor(self._pool, _look_up, *question)
            self._asked[question] = answer
            answer.add_done_callback(partial(self._forget, question))
        return await asyncio.shield(self._asked[question])

    def _forget(self, question: tuple[str, int, int], answer: asyncio.Future[list[ResolveResult]]) -> None:
        self._asked.pop(question, None)
        if not answer.cancelled():
            answer.exception()  # which nobody may be left to hear

    async def close(self) -> None:
        """Ask nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: int) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=f"{target[0]}%{target[3]}" if len(target) > 3 and target[3] else str(target[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, target in found
    ]


class CheckedResolver(AbstractResolver):
    """Resolves names and refuses those that lead where rosterd may not connect, if only by one address."""

    def __init__(self, policy: Policy, *, plain: bool, inner: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._plain = plain
        self._inner = inner or PooledResolver()
        self.cleared: set[str] = set()
        """Addresses of names that are on the list, whatever address they lead to."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises ``Refused``."""
        found = await self._inner.resolve(host, port, family)
        named = host.lower().rstrip(".") in self._policy.hosts
        for each in found:
            address = each["host"]
            if named:
                if len(self.cleared) >= 1000:
                    self.cleared.clear()
                self.cleared.add(address)
            else:
                check_address(self._policy, address, plain=self._plain, name=host)
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._inner.close()


def connector(
    policy: Policy, *, plain: bool, resolver: AbstractResolver | None = None, **options: Any
) -> aiohttp.TCPConnector:
    """A connector that makes no socket for an address which may not be connected to.

    The look at the socket's own address comes last, after whatever a resolver said, and also when the URL
    holds an address and nothing is resolved.
    """
    checked = CheckedResolver(policy, plain=plain, inner=resolver)

    def make_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = info
        if target[0] not in checked.cleared:
            scoped = len(target) > 3 and target[3]
            check_address(policy, f"{target[0]}%{target[3]}" if scoped else target[0], plain=plain)
        if policy.ports and target[1] not in policy.ports:
            raise Refused(f"Port {target[1]} is not one of those in ROSTERD_EGRESS_PORTS.")
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(resolver=checked, socket_factory=make_socket, use_dns_cache=False, **options)
