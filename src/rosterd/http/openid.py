"""Logging in by an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636).

    begin   → the provider's address, with state, nonce and the digest of a verifier
    finish  code → tokens → the ID token, verified → an identity

State, nonce and verifier are bound to the browser by a signed cookie. Of the provider only the issuer is
configured; everything else is in its metadata, which must name the same issuer. Keys are fetched again when a
token names an unknown one, at most once a minute.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson
import structlog

from rosterd.scim import errors
from rosterd.service.login import Identity

T = TypeVar("T")

_log = structlog.get_logger("rosterd.openid")

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key pair; never one that whoever knows a public key can make."""
FLOW_SECONDS: Final = 600
"""How long a log-in may take at the provider."""

_KEPT: Final = 3_600_000
_AGAIN: Final = 60_000
_LEEWAY: Final = 60
_TIMEOUT: Final = 10
_MOST: Final = 512 * 1024
_MAX_SUBJECT: Final = 255
_RSA_BITS: Final = 2048
"""The least of a key; most providers have no more."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A log-in under way; the browser keeps it in a signed cookie."""

    issuer: str
    state: str
    nonce: str
    verifier: str
    begun: int
    """ms."""
    next: str
    """Where the visitor wanted to go."""


class _NotValid(Exception):
    """The provider answered something that must not be believed."""


class OpenId:
    """One provider. ``now`` gives milliseconds since the epoch, ``random`` bytes."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        name: str,
        now: Callable[[], int],
        random: Callable[[int], bytes],
    ) -> None:
        self.issuer = issuer
        self.name = name or urlsplit(issuer).hostname or issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._now = now
        self._random = random
        self._session: Any = None
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = -_KEPT
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._keys_at = -_KEPT
        self._lock = asyncio.Lock()

    async def begin(self, redirect_uri: str, next: str) -> tuple[str, Flow]:
        """Where to send the browser, and what it is to keep. Raises ``Unavailable``, ``Forbidden``."""
        metadata = await self._told(self._discover())
        flow = Flow(self.issuer, self._text(), self._text(), self._text(), self._now(), next)
        challenge = _base64(hashlib.sha256(flow.verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", flow

    async def finish(self, query: Mapping[str, str], flow: Flow | None, redirect_uri: str) -> Identity:
        """Who comes back from the provider. Raises ``Forbidden`` and ``Unavailable``."""
        return await self._told(self._finish(query, flow, redirect_uri))

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._session is not None:
            await self._session.close()

    async def _finish(self, query: Mapping[str, str], flow: Flow | None, redirect_uri: str) -> Identity:
        if flow is None or flow.issuer != self.issuer or self._now() - flow.begun > FLOW_SECONDS * 1000:
            raise _NotValid("the log-in was not begun in this browser, or took too long; begin again")
        if not hmac.compare_digest(query.get("state", "").encode(), flow.state.encode()):
            raise _NotValid("the state is not the one of this browser; begin again")
        metadata = await self._discover()
        named = query.get("iss")  # RFC 9207
        if named != self.issuer and (
            named is not None or metadata.get("authorization_response_iss_parameter_supported") is True
        ):
            raise _NotValid("the answer is of another issuer")
        if "error" in query or not query.get("code"):
            raise _NotValid(f"the provider says '{query.get('error', 'no code')[:100]}'")
        tokens = await self._exchange(metadata, query["code"], flow, redirect_uri)
        claims = await self._claims(metadata, tokens.get("id_token"))
        self._check(claims, flow)
        if "email" not in claims and isinstance(tokens.get("access_token"), str):
            claims = {**await self._user_info(metadata, tokens["access_token"], claims["sub"]), **claims}
        email = claims.get("email")
        return Identity(
            issuer=self.issuer,
            subject=claims["sub"],
            email=email if isinstance(email, str) else "",
            verified=claims.get("email_verified") in (True, "true"),
        )

    async def _exchange(
        self, metadata: Mapping[str, Any], code: str, flow: Flow, redirect_uri: str
    ) -> Mapping[str, Any]:
        """The tokens for a code (OpenID Connect Core §3.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": flow.verifier,
        }
        who = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
        basic = base64.b64encode(who.encode()).decode()
        status, body = await self._fetch(
            "POST", metadata["token_endpoint"], form, {"Authorization": f"Basic {basic}"}
        )
        if status != 200:
            raise _NotValid(f"the provider refused the code ({str(body.get('error', status))[:100]})")
        return body

    async def _claims(self, metadata: Mapping[str, Any], token: Any) -> Mapping[str, Any]:
        """What a signed ID token says."""
        # These take a tenth of a second to import, and few processes verify a token.
        from joserfc import jwk, jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        if not isinstance(token, str):
            raise _NotValid("the provider gave no ID token")
        try:
            header = orjson.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
            if header["alg"] not in ALGORITHMS:
                raise _NotValid(f"the ID token is signed by {str(header['alg'])[:20]}, which is not taken")
            key = await self._key(metadata, header.get("kid"), header["alg"])
            imported = jwk.import_key(dict(key))
            if isinstance(imported, jwk.RSAKey) and imported.public_key.key_size < _RSA_BITS:
                raise _NotValid("the ID token is signed by a key of the provider that is too short")
            claims = jwt.decode(token, imported, algorithms=[header["alg"]]).claims
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _NotValid("the signature of the ID token is not right") from error
        return dict(claims)

    def _check(self, claims: Mapping[str, Any], flow: Flow) -> None:
        """The rules of OpenID Connect Core §3.1.3.7."""
        now = self._now() // 1000
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        subject, nonce = claims.get("sub"), claims.get("nonce")
        rules = (
            ("iss", claims.get("iss") == self.issuer),
            ("aud", isinstance(audiences, list) and self._client_id in audiences),
            ("azp", claims.get("azp", self._client_id) == self._client_id),
            ("azp", isinstance(audiences, list) and (len(audiences) == 1 or "azp" in claims)),
            ("exp", isinstance(expires, int | float) and expires > now - _LEEWAY),
            ("iat", isinstance(issued, int | float) and now - FLOW_SECONDS < issued <= now + _LEEWAY),
            ("nbf", isinstance(begins, int | float) and begins <= now + _LEEWAY),
            ("nonce", isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), flow.nonce.encode())),
            ("sub", isinstance(subject, str) and 0 < len(subject) <= _MAX_SUBJECT),
        )
        for claim, kept in rules:
            if not kept:
                raise _NotValid(f"the claim '{claim}' of the ID token is not right")

    async def _key(self, metadata: Mapping[str, Any], kid: Any, algorithm: str) -> Mapping[str, Any]:
        """The key that signed; the keys are fetched again if it is not known."""
        kind = {"R": "RSA", "P": "RSA", "E": "EC"}[algorithm[0]]
        for turn in range(2):
            async with self._lock:
                age = self._now() - self._keys_at
                if age >= _KEPT or (turn and age >= _AGAIN):
                    status, body = await self._fetch("GET", metadata["jwks_uri"])
                    keys = body.get("keys")
                    if status != 200 or not isinstance(keys, list):
                        raise _NotValid("the provider gave no keys")
                    self._keys = tuple(key for key in keys if isinstance(key, dict))
                    self._keys_at = self._now()
            fitting = [
                key
                for key in self._keys
                if key.get("kty") == kind
                and key.get("use", "sig") == "sig"
                and key.get("alg", algorithm) == algorithm
                and (kid is None or key.get("kid") == kid)
            ]
            if len(fitting) == 1:
                return fitting[0]
        raise _NotValid("the ID token is signed with a key that the provider does not publish")

    async def _user_info(self, metadata: Mapping[str, Any], token: str, subject: str) -> Mapping[str, Any]:
        """The claims that the ID token leaves out (OpenID Connect Core §5.3)."""
        if "userinfo_endpoint" not in metadata:
            return {}
        status, body = await self._fetch(
            "GET", metadata["userinfo_endpoint"], None, {"Authorization": f"Bearer {token}"}
        )
        if status != 200 or body.get("sub") != subject:
            raise _NotValid("the provider told of somebody else")
        return body

    async def _discover(self) -> Mapping[str, Any]:
        """The provider's metadata (OpenID Connect Discovery §4)."""
        async with self._lock:
            if self._now() - self._metadata_at < _KEPT:
                return self._metadata
            address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, found = await self._fetch("GET", address)
            if status != 200 or found.get("issuer") != self.issuer:
                raise _NotValid("the metadata of the provider is of another issuer, or missing")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                endpoint = found.get(name)
                if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
                    raise _NotValid(f"the metadata of the provider has no {name}")
                if endpoint.startswith("http://") and self.issuer.startswith("https://"):
                    raise _NotValid(f"the {name} of the provider is not https")
            self._metadata, self._metadata_at = found, self._now()
            return found

    async def _fetch(
        self,
        method: str,
        url: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, Any]]:
        """The status and the JSON object of an answer, which is not followed elsewhere."""
        import aiohttp  # noqa: PLC0415 - a quarter of a second, and few processes ask a provider

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.request(
                method,
                url,
                data=form,
                headers={"Accept": "application/json", **(headers or {})},
                allow_redirects=False,
            ) as response:
                raw = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    raw += chunk
                    if len(raw) > _MOST:
                        raise _NotValid("the answer of the provider is too long")
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # A certificate that does not hold is among these, and the visitor is not told of it.
            _log.warning("the identity provider does not answer", cause=repr(error))
            raise errors.Unavailable(
                f"The identity provider {self.name} does not answer. Try again, or log in with a password.",
                retry_after=_LEEWAY,
            ) from error
        try:
            body = orjson.loads(bytes(raw))
        except orjson.JSONDecodeError:
            body = None
        return status, body if isinstance(body, dict) else {}

    async def _told(self, work: Awaitable[T]) -> T:
        """What work gives; a provider that cannot be believed is told to the visitor and to the log."""
        try:
            return await work
        except _NotValid as error:
            _log.warning("log-in by the provider failed", cause=str(error), exc_info=error.__cause__)
            raise errors.Forbidden(f"The log-in by {self.name} failed: {error}.") from error

    def _text(self) -> str:
        return _base64(self._random(32))


def seal(flow: Flow, secret: bytes) -> str:
    """The text of a cookie."""
    text = _base64(orjson.dumps(asdict(flow)))
    return f"{text}.{_sign(text, secret)}"


def unseal(text: str, secret: bytes) -> Flow | None:
    """The log-in that a cookie tells of; ``None`` if it is not one of ours."""
    body, _, signature = text.partition(".")
    if not hmac.compare_digest(signature.encode(), _sign(body, secret).encode()):
        return None
    return Flow(**orjson.loads(base64.urlsafe_b64decode(body + "==")))


def _sign(text: str, secret: bytes) -> str:
    return _base64(hmac.digest(secret, b"openid " + text.encode(), "sha256"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
