"""What receivers of security event tokens look up: the key set and the metadata, for anybody to see."""

from typing import Any, Final

import orjson

from rosterd.http.problems import problem_to
from rosterd.http.reply import NO_STORE, Reply, Scope
from rosterd.scim import errors
from rosterd.service.signing_keys import MAX_AGE, SigningKeys

JWKS: Final = "/.well-known/jwks.json"
SSF: Final = "/.well-known/ssf-configuration"
WELL_KNOWN: Final = (JWKS, SSF)
_CACHE: Final = (b"cache-control", b"public, max-age=%d" % MAX_AGE)


class WellKnown:
    """Answers at the addresses of ``WELL_KNOWN``."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def reply(self, path: str, scope: Scope) -> Reply:
        """The document at the path."""
        try:
            if scope["method"] not in ("GET", "HEAD"):
                allow = ("GET", "HEAD")
                raise errors.MethodNotAllowed("This address takes GET and HEAD only.", allow=allow)
            if path == JWKS:
                return await self._jwks()
            return self._metadata()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets problem details
            return problem_to(error, "-")

    async def _jwks(self) -> Reply:
        """RFC 7517 §5; nobody is to remember that there is no key yet."""
        document = await self._keys.jwks()
        media = (b"content-type", b"application/jwk-set+json")
        return Reply(
            200, orjson.dumps(document), content_type=media, cache=_CACHE if document["keys"] else NO_STORE
        )

    def _metadata(self) -> Reply:
        """SSF 1.0 §7.1."""
        issuer = self._keys.issuer
        if not issuer:
            raise errors.NotFound("This server makes no security event tokens: ROSTERD_BASE_URL is not set.")
        document: dict[str, Any] = {
            "spec_version": "1_0",
            "issuer": issuer,
            "jwks_uri": issuer + JWKS,
            "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6750"}],
            "default_subjects": "ALL",
        }
        media = (b"content-type", b"application/json")
        return Reply(200, orjson.dumps(document), content_type=media, cache=_CACHE)
