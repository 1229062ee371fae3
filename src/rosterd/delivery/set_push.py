"""The push of a security event token (RFC 8935): one token to a request, and only 202 is success.

What the receiver refuses for what the token is would be refused again, so it is given up at once. A refusal
for the key or for who sends may end when the receiver has learnt the one or an administrator has mended the
other, so it is tried again by the schedule.
"""

import re
from typing import Final

import orjson

from rosterd.delivery.signing import Vault
from rosterd.service.set_stream import Stream, authorization_of
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint

TOKEN_HEADERS: Final = {"content-type": "application/secevent+jwt", "accept": "application/json"}
_ACCEPTED: Final = 202
_REFUSED: Final = 400

REFUSALS: Final = {
    "invalid_request": ("could not read the token as one, or not the events in it", True),
    "invalid_key": ("does not accept the key that signed the token", False),
    "invalid_issuer": ("does not accept tokens of this issuer, the server's ROSTERD_BASE_URL", True),
    "invalid_audience": ("is not the audience that the token names", True),
    "authentication_failed": ("could not tell who sends; look at the stream's authorization", False),
    "access_denied": ("does not let this server send it the token", True),
}
"""Error codes (RFC 8935 §2.4): what they mean, and whether the same token would be refused again."""
_CODE: Final = re.compile(r"[\x21-\x7e]{1,100}")
_KEPT_DESCRIPTION: Final = 300


class SetPush:
    """Signs what is pushed. Without ``signing`` nothing can be."""

    def __init__(self, vault: Vault, signing: SigningKeys | None) -> None:
        self._vault = vault
        self._signing = signing

    async def prepared(
        self, endpoint: Endpoint, stream: Stream, message: Message
    ) -> tuple[bytes, dict[str, str]]:
        """The token, and the headers that must not be kept. Raises ``LookupError`` if it cannot be signed."""
        if self._signing is None:
            raise LookupError("there are no keys")
        token = await self._signing.sign(message.body)
        if stream.authorization is None:
            return token.encode(), {}
        secret = self._vault.unseal(authorization_of(endpoint.id), stream.authorization)
        return token.encode(), {"authorization": secret.decode()}


def judged(status: int, body: str, error: str) -> tuple[str, bool]:
    """What went wrong in plain words, empty after success, and whether it would again.

    ``error`` is what the status alone says.
    """
    if status == _ACCEPTED:
        return "", False
    if not error:
        return f"The receiver answered {status}; only 202 says that it has the token.", False
    if status != _REFUSED:
        return error, False
    try:
        told = orjson.loads(body)
    except ValueError:
        return error, False
    code = told.get("err") if isinstance(told, dict) else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return error, False
    meaning, final = REFUSALS.get(code, ("refused the token", False))
    description = told.get("description")
    more = f": {description[:_KEPT_DESCRIPTION]}" if isinstance(description, str) and description else ""
    return f"The receiver {meaning} ({code}){more}", final
