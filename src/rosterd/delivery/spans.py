"""What a delivery tells whoever keeps traces, and what it is told to send along."""

from typing import Protocol

from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome


class DeliverySpan(Protocol):
    """A delivery that is traced."""

    traceparent: str
    """For the receiver: where in which trace it is (W3C Trace Context)."""

    def end(self, outcome: Outcome | None) -> None:
        """Tell what came of it; ``None``: it was broken off, and nobody knows."""


class DeliverySpans(Protocol):
    """Keeps traces; never waits and never fails."""

    def deliver(self, endpoint: Endpoint, message: Message) -> DeliverySpan | None:
        """The span of a delivery that begins, unless it is not to be traced."""
