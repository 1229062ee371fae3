"""An OpenID provider on a port of its own, which can be made to lie.

    provider = Provider()
    async with provider.running():
        provider.claims["email_verified"] = False
        provider.sign = unsigned

It knows one user, who is asked nothing. What it says of itself, of the user and by which key are attributes.
"""

import base64
import hashlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import BasicAuth, web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT = "rosterd client"
CLIENT_SECRET = "s/e+c:r%et"

Key = RSAKey | ECKey
Sign = Callable[["Provider", dict[str, Any]], str]


def signed(provider: "Provider", claims: dict[str, Any]) -> str:
    """As it should be."""
    header = {"alg": provider.algorithm, "kid": provider.key.kid}
    return jwt.encode(header, claims, provider.key, algorithms=[provider.algorithm])


def unsigned(provider: "Provider", claims: dict[str, Any]) -> str:
    """Without a signature."""
    parts = ({"alg": "none"}, claims)
    return ".".join(_base64(json.dumps(part).encode()) for part in parts) + "."


def by_the_public_key(provider: "Provider", claims: dict[str, Any]) -> str:
    """With an HMAC whose secret is what everybody knows."""
    public = json.dumps(provider.key.as_dict(private=False)).encode()
    return jwt.encode({"alg": "HS256", "kid": provider.key.kid}, claims, OctKey.import_key(public), ["HS256"])


def by_a_key_of_ones_own(provider: "Provider", claims: dict[str, Any]) -> str:
    """By a key that claims the id of the real one."""
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, RSAKey.generate_key(2048), ["RS256"])


def with_the_key_inside(provider: "Provider", claims: dict[str, Any]) -> str:
    """By a key that the token brings along."""
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": "mine", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, ["RS256"])


class Provider:
    """``origin`` is its issuer."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.key: Key = RSAKey.generate_key(2048, auto_kid=True)
        self.algorithm = "RS256"
        self.published: list[Key] = [self.key]
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {"sub": "s1", "email": "ann@example.com", "email_verified": True}
        """What the ID token says beyond or instead of what it should; ``None`` leaves a claim out."""
        self.user_info: dict[str, Any] = {}
        self.sign: Sign = signed
        self.answer: dict[str, str] = {}
        """What the authorization response says instead; an empty value leaves a parameter out."""
        self.asked: list[str] = []
        """The paths asked for."""
        self._codes: dict[str, dict[str, str]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer for as long as the context lasts."""
        app = web.Application(middlewares=[self._note])
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._user)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        try:
            yield
        finally:
            await runner.cleanup()

    def authorize(self, address: str) -> str:
        """What the browser does at the authorization endpoint: the address that it is sent back to."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.origin}/authorize?")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = f"code{len(self._codes)}"
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.origin, **self.answer}
        shown = {name: value for name, value in answer.items() if value}
        return f"{query['redirect_uri']}?{urlencode(shown)}"

    def rotate(self) -> None:
        """Sign with a new key, published beside the old one."""
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.algorithm = "ES256"
        self.published.append(self.key)

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        return await handler(request)

    async def _configuration(self, request: web.Request) -> web.Response:
        told = {
            "issuer": self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "jwks_uri": f"{self.origin}/keys",
            "userinfo_endpoint": f"{self.origin}/userinfo",
        }
        return web.json_response({**told, **self.metadata})

    async def _keys(self, request: web.Request) -> web.Response:
        keys = [{**key.as_dict(private=False), "use": "sig"} for key in self.published]
        return web.json_response({"keys": keys})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        who = BasicAuth.decode(request.headers["Authorization"])
        assert (who.login, who.password) == ("rosterd%20client", "s%2Fe%2Bc%3Ar%25et")
        asked = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if (
            asked is None
            or _base64(digest) != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.origin,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return web.json_response({"access_token": "at", "id_token": self.sign(self, claims)})

    async def _user(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.user_info)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
