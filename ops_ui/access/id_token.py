"""Whether an ID token is one of our issuer, for us, for this sign-in, and of now."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import jwt
from jwt.exceptions import PyJWTError

SKEW_SECONDS = 60
"""How far the issuer's clock and ours may be apart."""
_ALGORITHMS = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
"""By the kind of the key: none of them is symmetric, and none is `none`."""
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]


class TokenRefused(Exception):  # noqa: N818  (it is the token that is refused)
    """Why an ID token is not believed; nothing of the token is in it."""


class KeyUnknown(TokenRefused):
    """The token names a key that was not among those that were read; it may be a new one."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an ID token says, once it is believed."""

    subject: str
    all: Mapping[str, Any]


def read_keys(document: object) -> jwt.PyJWKSet:
    """Read the issuer's keys; those of kinds that are not known are left out."""
    if not isinstance(document, dict):
        raise TokenRefused("the issuer's keys are no JSON object")
    try:
        return jwt.PyJWKSet.from_dict(cast("dict[str, Any]", document))
    except (PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise TokenRefused(f"the issuer's keys cannot be used ({type(error).__name__})") from None


def read_id_token(
    token: str, keys: jwt.PyJWKSet, issuer: str, client_id: str, nonce: str
) -> Claims:
    """Return what the token says; raises TokenRefused, KeyUnknown where its key is not here."""
    try:
        header = jwt.get_unverified_header(token)
        key = _key(keys, header)
        algorithms = _ALGORITHMS.get(key.key_type or "", ())
        if header.get("alg") not in algorithms:
            raise TokenRefused("it is signed in a way that is not allowed")
        told = jwt.decode(
            token,
            key.key,
            algorithms=list(algorithms),
            audience=client_id,
            issuer=issuer,
            leeway=SKEW_SECONDS,
            options={"require": _REQUIRED, "enforce_minimum_key_length": True},
        )
    except (PyJWTError, ValueError, TypeError) as error:
        raise TokenRefused(f"it is not valid ({type(error).__name__})") from None
    _check_party(told, client_id)
    if not hmac.compare_digest(str(told["nonce"]).encode(), nonce.encode()):
        raise TokenRefused("it belongs to another sign-in (nonce)")
    return Claims(str(told["sub"]), told)


def _key(keys: jwt.PyJWKSet, header: Mapping[str, Any]) -> jwt.PyJWK:
    """Return the key that the token names, or the only one; it has to be one for signatures."""
    signing = [k for k in keys.keys if k.public_key_use in {None, "sig"}]
    kid = header.get("kid")
    named = [k for k in signing if k.key_id == kid] if kid is not None else signing
    if len(named) != 1:
        raise KeyUnknown("its key is not one of the issuer's")
    declared = named[0]._jwk_data.get("alg")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    if declared is not None and declared != header.get("alg"):
        raise TokenRefused("its key is for another algorithm")
    return named[0]


def _check_party(told: Mapping[str, Any], client_id: str) -> None:
    """Several audiences need an authorized party, and one that is named has to be us."""
    several = isinstance(told["aud"], list) and len(cast("list[object]", told["aud"])) > 1
    if told.get("azp", None if several else client_id) != client_id:
        raise TokenRefused("it was made for another client (azp)")
