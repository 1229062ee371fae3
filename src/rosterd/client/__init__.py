"""A typed client of the management API and the event feed; it needs nothing of the server's code.

async with Client("https://scim.example.com", key) as client:
    async for user in client.list_users("acme"):
        ...
    async for page in client.follow("acme", after=cursor):
        ...
"""

from rosterd.client import models, webhook
from rosterd.client.feed import Feed, FeedPage
from rosterd.client.operations import Operations
from rosterd.client.session import ApiError, Pages, Unreachable

__all__ = ["ApiError", "Client", "FeedPage", "Pages", "Unreachable", "models", "webhook"]


class Client(Operations, Feed):
    """All that the management API and the feed can do."""
