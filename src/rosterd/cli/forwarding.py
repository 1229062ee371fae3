"""Events sent from this machine to an address of the developer's, signed as webhooks are; nothing is stored.

What ``rosterd listen`` and ``rosterd events replay`` share. The address may be local: it was typed here.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from typing import Annotated, Any, Final

import orjson
import typer

from rosterd.cli import output
from rosterd.delivery.egress import Policy
from rosterd.delivery.sender import HttpSender
from rosterd.delivery.signing import Vault
from rosterd.scim import errors
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import V1, Endpoint, Outcome, Secret
from rosterd.wiring.ids import now

_ID: Final = "we_forwarding"
_EVERYWHERE: Final = "0.0.0.0/0, ::/0"
_PREFIX: Final = "whsec_"

GivenSecret = Annotated[
    str | None,
    typer.Option(
        help="Sign with this secret (whsec_…), so that it stays the same; one is made unless given.",
        envvar="ROSTERD_LISTEN_SECRET",
        show_default="none",
    ),
]
ForwardedJson = Annotated[bool, typer.Option("--json", help="Print each delivery as one line of JSON.")]


class Forwarder:
    """Sends events to a URL, one at a time. Raises ``InvalidValue`` for a URL or secret that is none."""

    def __init__(self, url: str, secret: str | None) -> None:
        vault = Vault(os.urandom(32), os.urandom)
        if secret is None:
            made = vault.make(_ID, V1)
            sealed, self.secret = made.sealed, made.shown
        else:
            sealed, self.secret = vault.seal(_ID, _read(secret)), secret
        policy = Policy.parse(_EVERYWHERE)
        policy.check_url(url)
        self.url = url
        self.failed = 0
        """How many were not accepted."""
        self._endpoint = Endpoint(_ID, None, url, "", (), 0, secrets=(Secret(sealed, V1, 0),))
        self._sender = HttpSender(vault, policy, now)

    def announce(self, what: str, *, json: bool) -> None:
        """Say what is sent where, and the secret."""
        if json:
            output.line(orjson.dumps({"forwardTo": self.url, "secret": self.secret}).decode())
            return
        output.line(f"{what} to {self.url} (Ctrl-C stops it)")
        output.line(f"Secret to verify them with: {self.secret}")

    async def forward(self, event: Mapping[str, Any], *, json: bool) -> None:
        """Send one event, and show what came of it."""
        outcome = await self._sender.send(self._endpoint, Message(f"msg_{event['id']}", orjson.dumps(event)))
        self.failed += not outcome.accepted
        told = _as_json(event, outcome) if json else "  ".join(_cells(event, outcome))
        output.line(told)

    async def close(self) -> None:
        """Close the connection to the receiver."""
        await self._sender.close()


def _read(secret: str) -> bytes:
    try:
        raw = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or not secret.startswith(_PREFIX):
        raise errors.InvalidValue(f"--secret: must be {_PREFIX} and base64, as this command prints it.")
    return raw


def _as_json(event: Mapping[str, Any], outcome: Outcome) -> str:
    told = {
        "event": event["id"],
        "type": event["type"],
        "message": f"msg_{event['id']}",
        "status": outcome.status,
        "milliseconds": outcome.took,
        "error": outcome.error,
    }
    return orjson.dumps(told).decode()


def _cells(event: Mapping[str, Any], outcome: Outcome) -> tuple[str, ...]:
    resource = event["resource"]
    mark = "✓" if outcome.accepted else "✗"
    answer = str(outcome.status) if outcome.accepted else outcome.error
    what = f"{resource['type']}/{resource['id']}"
    return (event["time"], event["id"], event["type"], what, mark, answer, f"{outcome.took} ms")
