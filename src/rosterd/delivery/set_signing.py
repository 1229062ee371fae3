"""Signatures of security event tokens: JWS with ES256 or RS256; private keys are kept encrypted."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from rosterd.delivery.signing import Vault
from rosterd.service.signing_keys import ALGORITHMS, ES256, SigningKey

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

TYPE: Final = "secevent+jwt"
"""The header ``typ`` (RFC 8417 §2.3)."""
_RSA_BITS: Final = 3072
_REMEMBERED: Final = 16


class SetSigner:
    """See ``rosterd.service.signing_keys.Signer``."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._private = lru_cache(_REMEMBERED)(self._open)

    def make_key(self, algorithm: str) -> tuple[str, Mapping[str, Any], bytes]:
        """See ``Signer.make_key``."""
        from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415 - a tenth of all imports, for who uses these keys

        made = ECKey.generate_key("P-256") if algorithm == ES256 else RSAKey.generate_key(_RSA_BITS)
        kid = made.thumbprint()
        sealed = self._vault.seal(f"signing key {kid}", orjson.dumps(made.as_dict(private=True)))
        return kid, dict(made.as_dict(private=False)), sealed

    def sign(self, key: SigningKey, claims: bytes) -> str:
        """See ``Signer.sign``."""
        from joserfc import jws  # noqa: PLC0415 - as above

        header = {"alg": key.algorithm, "typ": TYPE, "kid": key.kid}
        private = self._private(key.kid, key.algorithm, key.sealed)
        return jws.serialize_compact(header, claims, private, algorithms=list(ALGORITHMS))

    def _open(self, kid: str, algorithm: str, sealed: bytes) -> "ECKey | RSAKey":
        from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415 - as above

        text = orjson.loads(self._vault.unseal(f"signing key {kid}", sealed))
        return ECKey.import_key(text) if algorithm == ES256 else RSAKey.import_key(text)
