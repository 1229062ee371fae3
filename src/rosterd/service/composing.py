"""What an endpoint is sent about an event: a message of its own form, or for some events nothing.

A security event token is put together here and signed where it is sent, with the key of that moment.
"""

from collections.abc import Callable, Mapping, Sequence

import orjson

from rosterd.scim import errors
from rosterd.scim.schema import Model
from rosterd.service import security_events, webhook_messages
from rosterd.service.control import Directory
from rosterd.service.directories import model_of
from rosterd.service.events import StoredEvent
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint


class Composer:
    """Makes messages. ``issuer`` is the public URL of this server, which tokens name as who made them."""

    def __init__(self, issuer: str = "", model_of: Callable[[Directory], Model] = model_of) -> None:
        self._issuer = issuer
        self._model_of = model_of

    def check_issuer(self) -> None:
        """Raise ``InvalidValue`` if tokens cannot be made, as it is not known by whom."""
        if not self._issuer:
            raise errors.InvalidValue(
                "A security event token names the public URL of the server that made it. "
                "Set ROSTERD_BASE_URL, for the server and for its commands."
            )

    def single(
        self, endpoint: Endpoint, stored: StoredEvent, directory: Directory, connections: Mapping[int, str]
    ) -> Message | None:
        """The message about one event."""
        stream = endpoint.stream
        if stream is None:
            return webhook_messages.single(stored, directory, connections)
        model = self._model_of(directory)
        found = security_events.claims(
            stored, directory.id, model, connections, stream, endpoint.id, self._issuer
        )
        if found is None:
            return None
        return Message(found["jti"], orjson.dumps(found), stored.seq, stored.seq, (stored.event.request_id,))

    def each(
        self,
        endpoint: Endpoint,
        events: Sequence[StoredEvent],
        directory: Directory,
        connections: Mapping[int, str],
    ) -> list[Message]:
        """The messages about events, in their order."""
        found = (self.single(endpoint, stored, directory, connections) for stored in events)
        return [message for message in found if message is not None]

    def test(self, endpoint: Endpoint, chance: str, at: int, directory: str | None) -> Message:
        """A message that says nothing happened."""
        if endpoint.stream is None:
            return webhook_messages.test(f"msg_test-{chance}", at, directory, endpoint.id)
        id = f"{endpoint.id}.test-{chance}"
        claims = security_events.verification(endpoint.id, self._issuer, endpoint.stream, id, at)
        return Message(id, orjson.dumps(claims))
