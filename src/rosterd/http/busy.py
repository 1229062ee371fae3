"""What is told to a client for whom there is no room: 503 in the words of the address it asked for."""

from typing import Final

from rosterd.http.problems import problem_to, reply_to
from rosterd.http.reply import Receive, Scope, Send
from rosterd.scim import errors

RETRY_AFTER: Final = 2
"""Seconds; connections come and go."""


async def busy(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that answers everything so, and ends the connection."""
    error = errors.Unavailable(
        "Too many connections are open. Nothing was done; try again in a moment.", retry_after=RETRY_AFTER
    )
    told = reply_to if scope["path"].startswith("/scim/") else problem_to
    in_parts = dict(scope, extensions={})  # a whole reply says nothing of the connection
    await told(error, "-").send(in_parts, send, "-", more=((b"connection", b"close"),))
