"""The Token Provider: client id and secret → bearer token, in rosterd's own words and in those of OAuth 2.0.

    own words          scimClientId  scimClientSecret  grantType=password             tokenExpiry
    RFC 6749 §4.4      client_id     client_secret     grant_type=client_credentials  expires_in, scope

Nothing here knows cookies, and no other origin is let in. A secret is read from the body, or from HTTP Basic
where the RFC has it, and is never logged.
"""

import re
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

import orjson
import structlog

from rosterd.http.access_log import answered
from rosterd.http.decode import ClientGone
from rosterd.http.form import read_form
from rosterd.http.guard import FAILED, MALFORMED, Guard
from rosterd.http.headers import Headers, base_url
from rosterd.http.problems import oauth_reply_to
from rosterd.http.reply import Header, Receive, Reply, Scope, Send
from rosterd.scim import errors
from rosterd.service.caller import SCOPES
from rosterd.service.clients import DEFAULT_LIFETIME, Client, Clients, Refused, shown_id
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME

_log = structlog.get_logger("rosterd.http")

_JSON: Final[Header] = (b"content-type", b"application/json")
# RFC 6749 §5.1 asks for it beside Cache-Control, which every reply has.
_NO_CACHE: Final[Header] = (b"pragma", b"no-cache")


@dataclass(frozen=True, slots=True)
class TokenRoute:
    """One address with its one method."""

    method: str
    path: str
    handler: str
    """The name of the method of ``TokenProvider`` that answers."""
    summary: str
    challenge: str = 'Basic realm="rosterd", charset="UTF-8"'
    """What a 401 says about how to authenticate (RFC 9110 §11.6.1)."""


ROUTES: Final = (
    TokenRoute(
        "POST",
        "/api/v1/token",
        "token",
        "Fetch a token with scimClientId and scimClientSecret",
        challenge='ScimClient realm="rosterd"',
    ),
    TokenRoute("POST", "/oauth/token", "oauth_token", "Fetch a token by OAuth 2.0 client credentials"),
    TokenRoute("POST", "/oauth/revoke", "oauth_revoke", "Revoke a token that this client fetched"),
    TokenRoute(
        "GET", "/.well-known/oauth-authorization-server", "metadata", "What OAuth clients may do here"
    ),
)
BY_PATH: Final[Mapping[str, TokenRoute]] = {route.path: route for route in ROUTES}

_OWN: Final = ("scimClientId", "scimClientSecret", "grantType", "tokenExpiry")
_OAUTH_CLIENT: Final = ("client_id", "client_secret")
_OAUTH_TOKEN: Final = (*_OAUTH_CLIENT, "grant_type", "scope", "expires_in")
_OAUTH_REVOKE: Final = (*_OAUTH_CLIENT, "token", "token_type_hint")


@dataclass(slots=True)
class _Asked:
    """One request, and who turned out to ask."""

    scope: Scope
    receive: Receive
    headers: Headers
    request_id: str
    client_id: str | None = None
    connection: int | None = None

    async def form(self, known: tuple[str, ...]) -> Mapping[str, str]:
        return await read_form(self.receive, self.headers, self.scope.get("query_string", b""), known)


class TokenProvider:
    """The ASGI application at the addresses of ``ROUTES``."""

    def __init__(
        self,
        clients: Clients,
        new_request_id: Callable[[], str],
        guard: Guard,
        public_url: str | None = None,
        documentation_url: str | None = None,
    ) -> None:
        self._clients = clients
        self._new_request_id = new_request_id
        self._guard = guard
        self._public_url = public_url
        self._documentation_url = documentation_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request at an address of ``ROUTES``; every error becomes an OAuth error here."""
        started = time.perf_counter()
        route = BY_PATH[scope["path"].removeprefix(scope.get("root_path", ""))]
        asked = _Asked(scope, receive, Headers(scope["headers"]), self._new_request_id())
        try:
            _check_method(route, scope["method"])
            reply: Reply = await getattr(self, route.handler)(asked)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an OAuth error
            if isinstance(error, Refused) and error.code == "invalid_client":
                _log.warning(
                    "client authentication failed",
                    client=asked.client_id,
                    reason=error.detail,
                    request_id=asked.request_id,
                )
            reply = oauth_reply_to(self._counted(asked, error), asked.request_id, route.challenge)
        await reply.send(scope, send, asked.request_id, more=(_NO_CACHE,))
        answered(scope, route.path, reply.status, started, asked.request_id, connection=asked.connection)

    def _counted(self, asked: _Asked, error: Exception) -> Exception:
        """The error, or that there were too many from this address or for this client."""
        refused = isinstance(error, Refused | errors.UnsupportedMediaType | errors.PayloadTooLarge)
        if not refused:
            return error
        failed = isinstance(error, Refused) and error.code == "invalid_client"
        try:
            self._guard.failed(asked.scope, asked.client_id, FAILED if failed else MALFORMED)
        except errors.TooManyRequests as too_many:
            return too_many
        return error

    async def token(self, asked: _Asked) -> Reply:
        """POST /api/v1/token."""
        form = await asked.form(_OWN)
        _check_grant(form, "grantType", "password")
        lifetime = _seconds(form, "tokenExpiry")
        id, secret = _required(form, "scimClientId"), _required(form, "scimClientSecret")
        client = await self._authenticate(asked, id, secret)
        self._guard.client(client.id)
        _, text = await self._clients.issue(client, lifetime=lifetime)
        return _json({"accessToken": text, "tokenType": "bearer", "expiresIn": lifetime})

    async def oauth_token(self, asked: _Asked) -> Reply:
        """POST /oauth/token (RFC 6749 §4.4)."""
        form = await asked.form(_OAUTH_TOKEN)
        _check_grant(form, "grant_type", "client_credentials")
        lifetime = _seconds(form, "expires_in")
        scopes = form["scope"].split(" ") if "scope" in form else None
        client = await self._authenticate(asked, *_credentials(asked.headers, form))
        self._guard.client(client.id)
        token, text = await self._clients.issue(client, scopes=scopes, lifetime=lifetime)
        return _json(
            {
                "access_token": text,
                "token_type": "Bearer",
                "expires_in": lifetime,
                "scope": " ".join(token.scopes),
            }
        )

    async def oauth_revoke(self, asked: _Asked) -> Reply:
        """POST /oauth/revoke (RFC 7009); a token that nobody knows is as good as revoked."""
        form = await asked.form(_OAUTH_REVOKE)
        text = _required(form, "token")
        client = await self._authenticate(asked, *_credentials(asked.headers, form))
        await self._clients.revoke_token(client, text)
        return Reply(200)

    async def metadata(self, asked: _Asked) -> Reply:
        """GET /.well-known/oauth-authorization-server (RFC 8414 §3.2)."""
        issuer = self._public_url or base_url(asked.scope, asked.headers, asked.scope.get("root_path", ""))
        methods = ["client_secret_basic", "client_secret_post"]
        document: dict[str, object] = {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "revocation_endpoint_auth_methods_supported": methods,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],  # there is no authorization endpoint
            "scopes_supported": list(SCOPES),
        }
        if self._documentation_url:
            document["service_documentation"] = self._documentation_url
        return _json(document)

    async def _authenticate(self, asked: _Asked, client_id: str, secret: str) -> Client:
        asked.client_id = shown_id(client_id)
        client = await self._clients.authenticate(client_id, secret)
        asked.connection = client.connection
        return client


def _check_method(route: TokenRoute, method: str) -> None:
    allow = ("GET", "HEAD") if route.method == "GET" else (route.method,)
    if method not in allow:
        raise errors.MethodNotAllowed(f"This address takes {' and '.join(allow)} only.", allow=allow)


def _required(form: Mapping[str, str], name: str) -> str:
    if name not in form:
        raise Refused("invalid_request", f"The field {name} is missing or empty.")
    return form[name]


def _check_grant(form: Mapping[str, str], name: str, wanted: str) -> None:
    if _required(form, name) != wanted:
        raise Refused("unsupported_grant_type", f"The field {name} must be {wanted}.")


def _seconds(form: Mapping[str, str], name: str) -> int:
    text = form.get(name)
    if text is None:
        return DEFAULT_LIFETIME
    seconds = int(text) if re.fullmatch("[0-9]{1,10}", text) else 0
    if not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        was = f", not {text[:20]}" if re.fullmatch("-?[0-9.]+", text) else ""
        raise Refused(
            "invalid_request",
            f"The field {name} must be a whole number of seconds from {MIN_LIFETIME} to {MAX_LIFETIME} "
            f"(10 years){was}.",
        )
    return seconds


def _credentials(headers: Headers, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret: by HTTP Basic, or in the form, but not both (RFC 6749 §2.3)."""
    header = headers.get(b"authorization")
    if header is None:
        if "client_id" not in form or "client_secret" not in form:
            raise Refused(
                "invalid_client",
                "Send client_id and client_secret, by HTTP Basic or as two fields of the body.",
            )
        return form["client_id"], form["client_secret"]
    id, secret = _basic(header)
    if "client_secret" in form or form.get("client_id", id) != id:
        raise Refused(
            "invalid_request", "Send client_id and client_secret by HTTP Basic or in the body, not both."
        )
    return id, secret


def _basic(header: str) -> tuple[str, str]:
    # basic-credentials = "Basic" 1*SP token68 (RFC 7617 §2); id and secret are form-encoded inside
    # (RFC 6749 §2.3.1).
    scheme, _, rest = header.partition(" ")
    try:
        id, colon, secret = b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        id = colon = secret = ""
    if scheme.casefold() != "basic" or not colon:
        raise Refused(
            "invalid_client",
            "The Authorization header must read 'Basic ' and the Base64 of client_id, a colon and "
            "client_secret.",
        )
    return unquote_plus(id), unquote_plus(secret)


def _json(body: Mapping[str, object]) -> Reply:
    return Reply(200, orjson.dumps(body), content_type=_JSON)
