"""What all tests share: settings, and the running server with a directory for each test.

``make test`` gives the same answer for the same tree: hypothesis draws the same examples each time.
``pytest tests/property --hypothesis-profile=search`` looks for new ones.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("rosterd.testing")  # the shipped contracts; before anybody imports them

from judges.harness import Server, Tenant, Tenants, running, scim_client  # noqa: E402 - after the two above

# Whoever starts the tests in the background makes them, and the servers they start, ignore SIGINT.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("fixed", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile("fixed")


LONGEST = 300 + 4 * int(os.environ.get("FAULT_SECONDS", "0"))
"""Seconds after which a test hangs, as a browser does now and then: it fails, and the others go on."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise TimeoutError(f"the test hangs: it has not ended after {LONGEST} seconds")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST)
    try:
        return (yield)
    finally:
        signal.alarm(0)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server; tests share the process, each takes a directory of its own from ``tenants``."""
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        yield started


@pytest.fixture
def tenants(server: Server) -> Iterator[Tenants]:
    """Make directories and connections of the running server, as the command line does while it runs."""
    with ExitStack() as stack:

        def make(**options: str) -> Tenant:
            made = asyncio.run(server.make(**options))
            client = stack.enter_context(scim_client(made.base_url, made.token))
            return Tenant(made.directory, made.connection, made.base_url, made.token, client)

        yield make


@pytest.fixture
def tenant(tenants: Tenants) -> Tenant:
    """A directory of its own with one connection of the tolerant default profile."""
    return tenants()
