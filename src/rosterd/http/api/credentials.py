"""Tokens and clients over the management API; a secret is in the reply that makes it and nowhere else."""

from typing import Any, Final

from rosterd.http.api.connections import find
from rosterd.http.api.request import ApiContext, ApiReply, ApiRequest
from rosterd.http.api.route import PAGE, ApiRoute
from rosterd.http.api.schemas import SCOPE_LIST, number, page, ref, text, thing
from rosterd.scim import errors
from rosterd.scim.render import format_time
from rosterd.service.caller import SCOPES
from rosterd.service.clients import MAX_OVERLAP, Client
from rosterd.service.control import Connection, Directory, Token
from rosterd.service.expiry import is_ending, secrets_end_soon
from rosterd.service.keys import CONNECTIONS_READ, CONNECTIONS_WRITE
from rosterd.service.tokens import MAX_LIFETIME, MIN_LIFETIME

_CONNECTION: Final = "/directories/{directory}/connections/{connection}"
_LABEL: Final = text("What or whom it is for.", maxLength=200)
_OVERLAP: Final = thing(
    "How to change over.",
    ("overlap",),
    overlap=number("Seconds that the old one goes on working.", 0, MAX_OVERLAP, default=86_400),
)


async def list_tokens(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/tokens."""
    directory, connection = await find(api, request)
    listing = f"tokens {directory.id} {connection.id}"
    place = api.place(request, listing)
    after = (place.seq, str(place.key)) if place else None
    rows = await api.registry.token_page(directory.id, connection.id, after, request.limit + 1)
    now, days = api.now(), await _days(api)
    return api.page(
        request,
        listing,
        rows,
        lambda row: _token(row, connection, now, days),
        lambda row: (row.created, row.id),
    )


async def issue_token(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST …/tokens."""
    directory, connection = await find(api, request)
    token, secret = await api.tokens.issue(
        directory.id,
        connection.id,
        by=request.by,
        label=request.body.get("label", ""),
        scopes=tuple(dict.fromkeys(request.body.get("scopes", SCOPES))),
        lifetime=request.body.get("lifetime", MAX_LIFETIME),
    )
    return ApiReply(201, {**_token(token, connection, api.now(), await _days(api)), "token": secret})


async def rotate_token(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST …/tokens/{token}/rotate."""
    directory, connection, old = await _find_token(api, request)
    token, secret = await api.tokens.rotate(
        directory.id, old.id, by=request.by, overlap=request.body.get("overlap", 86_400)
    )
    return ApiReply(201, {**_token(token, connection, api.now(), await _days(api)), "token": secret})


async def revoke_token(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE …/tokens/{token}."""
    directory, _, token = await _find_token(api, request)
    await api.tokens.revoke(directory.id, token.id, by=request.by)
    return ApiReply(204)


async def list_clients(api: ApiContext, request: ApiRequest) -> ApiReply:
    """GET …/clients."""
    directory, connection = await find(api, request)
    listing = f"clients {directory.id} {connection.id}"
    place = api.place(request, listing)
    after = (place.seq, str(place.key)) if place else None
    rows = await api.registry.client_page(directory.id, connection.id, after, request.limit + 1)
    now, days = api.now(), await _days(api)
    return api.page(
        request,
        listing,
        rows,
        lambda row: _client(row, connection, now, days),
        lambda row: (row.created, row.id),
    )


async def create_client(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST …/clients."""
    directory, connection = await find(api, request)
    client, secret = await api.clients.create(
        directory.id,
        connection.id,
        by=request.by,
        label=request.body.get("label", ""),
        scopes=request.body.get("scopes", SCOPES),
    )
    return ApiReply(201, {**_client(client, connection, api.now(), await _days(api)), "clientSecret": secret})


async def rotate_client(api: ApiContext, request: ApiRequest) -> ApiReply:
    """POST …/clients/{client}/rotate."""
    directory, connection, old = await _find_client(api, request)
    client, secret = await api.clients.rotate(
        directory.id, old.id, by=request.by, overlap=request.body.get("overlap", 86_400)
    )
    return ApiReply(201, {**_client(client, connection, api.now(), await _days(api)), "clientSecret": secret})


async def revoke_client(api: ApiContext, request: ApiRequest) -> ApiReply:
    """DELETE …/clients/{client}."""
    directory, _, client = await _find_client(api, request)
    await api.clients.revoke(directory.id, client.id, by=request.by)
    return ApiReply(204)


async def _find_token(api: ApiContext, request: ApiRequest) -> tuple[Directory, Connection, Token]:
    directory, connection = await find(api, request)
    id = request.path["token"]
    found = await api.registry.token(directory.id, id)
    if found is None or found.connection != connection.id:
        raise errors.NotFound(f"Connection '{connection.name}' has no token {id}.")
    return directory, connection, found


async def _find_client(api: ApiContext, request: ApiRequest) -> tuple[Directory, Connection, Client]:
    directory, connection = await find(api, request)
    id = request.path["client"]
    found = await api.client_control.client(id)
    if found is None or (found.directory, found.connection) != (directory.id, connection.id):
        raise errors.NotFound(f"Connection '{connection.name}' has no client {id}.")
    return directory, connection, found


def _time(at: int | None) -> str | None:
    return None if at is None else format_time(at)


async def _days(api: ApiContext) -> int:
    return (await api.preferences.get()).token_warning_days


def _token(token: Token, connection: Connection, now: int, days: int) -> dict[str, Any]:
    revoked = token.revoked is not None and token.revoked <= now
    lives = "valid" if token.revoked is None else "ending"
    return {
        "id": token.id,
        "connection": connection.name,
        "label": token.label,
        "scopes": token.scopes,
        "state": "revoked" if revoked else "expired" if token.expires <= now else lives,
        "expiresSoon": is_ending(token, now, days),
        "created": _time(token.created),
        "expires": _time(token.expires),
        "revoked": _time(token.revoked),
        "lastUsed": _time(token.last_used),
        "client": token.client,
    }


def _client(client: Client, connection: Connection, now: int, days: int) -> dict[str, Any]:
    return {
        "id": client.id,
        "connection": connection.name,
        "label": client.label,
        "scopes": client.scopes,
        "state": "revoked" if client.revoked is not None and client.revoked <= now else "active",
        "expiresSoon": secrets_end_soon(client, now, days),
        "secrets": [{"created": _time(s.created), "expires": _time(s.expires)} for s in client.secrets],
        "created": _time(client.created),
        "revoked": _time(client.revoked),
        "lastUsed": _time(client.last_used),
    }


ROUTES: Final = (
    ApiRoute(
        "GET",
        f"{_CONNECTION}/tokens",
        CONNECTIONS_READ,
        list_tokens,
        "List a connection's tokens, newest first, without their secrets",
        query=PAGE,
        reply=page("Token", "A page of tokens."),
    ),
    ApiRoute(
        "POST",
        f"{_CONNECTION}/tokens",
        CONNECTIONS_WRITE,
        issue_token,
        "Issue a token; its text is in this reply only",
        body=thing(
            "The new token.",
            ("label", "scopes", "lifetime"),
            label=_LABEL,
            scopes=SCOPE_LIST,
            lifetime=number("Seconds it is valid.", MIN_LIFETIME, MAX_LIFETIME, default=MAX_LIFETIME),
        ),
        reply=ref("NewToken"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "POST",
        f"{_CONNECTION}/tokens/{{token}}/rotate",
        CONNECTIONS_WRITE,
        rotate_token,
        "Issue a token like another, which stops working after the overlap",
        body=_OVERLAP,
        reply=ref("NewToken"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "DELETE",
        f"{_CONNECTION}/tokens/{{token}}",
        CONNECTIONS_WRITE,
        revoke_token,
        "Revoke a token at once",
        status=204,
    ),
    ApiRoute(
        "GET",
        f"{_CONNECTION}/clients",
        CONNECTIONS_READ,
        list_clients,
        "List a connection's clients of the Token Provider, newest first, without their secrets",
        query=PAGE,
        reply=page("Client", "A page of clients."),
    ),
    ApiRoute(
        "POST",
        f"{_CONNECTION}/clients",
        CONNECTIONS_WRITE,
        create_client,
        "Create a client; its secret is in this reply only",
        body=thing("The new client.", ("label", "scopes"), label=_LABEL, scopes=SCOPE_LIST),
        reply=ref("NewClient"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "POST",
        f"{_CONNECTION}/clients/{{client}}/rotate",
        CONNECTIONS_WRITE,
        rotate_client,
        "Give a client a new secret; those before stop working after the overlap",
        body=_OVERLAP,
        reply=ref("NewClient"),
        status=201,
        secret=True,
    ),
    ApiRoute(
        "DELETE",
        f"{_CONNECTION}/clients/{{client}}",
        CONNECTIONS_WRITE,
        revoke_client,
        "Revoke a client and every token issued to it, at once",
        status=204,
    ),
)
