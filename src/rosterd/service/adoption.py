"""Accounts that the application had before the identity provider came; part of the ports.

An adopted account waits for its connection: the first POST of its userName takes it over, with the id it has,
instead of being refused as a duplicate. Once the connection has changed it, it is an account like any other.
"""

from typing import Protocol


class AdoptionWriter(Protocol):
    """Writes of one directory's adopted accounts, inside a transaction."""

    async def adopt(self, name: str, id: str) -> None:
        """Note that this user, of this folded userName, waits for its identity provider."""

    async def adopted(self, name: str) -> str | None:
        """The id of the user who waits under this folded userName."""

    async def claimed(self, name: str) -> None:
        """Nobody waits under this folded userName any more."""
