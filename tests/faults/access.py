"""What lets a load and a check in: a token of a connection, and a key that may read its directory's feed."""

from dataclasses import dataclass

from rosterd.service.audit import ITSELF
from rosterd.wiring import Settings, open_service


@dataclass(frozen=True, slots=True)
class Access:
    """The secrets of one directory's connection."""

    token: str
    key: str


async def access(settings: Settings) -> Access:
    """New ones for the default connection, made in this process; the database is made if there is none."""
    async with open_service(settings) as service:
        directory, connection = await service.ensure_default()
        _, token = await service.tokens.issue(directory.id, connection.id, by=ITSELF)
        _, key = await service.keys.create(by=ITSELF, scopes=["events.read"], directory=directory.id)
    return Access(token, key)
