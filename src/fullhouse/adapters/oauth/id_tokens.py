"""Verifying ID tokens: OpenID Connect Core 1.0 §3.1.3.7, with RFC 7515 and RFC 7517 below it."""

from collections.abc import Iterable, Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

Key = RSAKey | ECKey

# Asymmetric only. With HS256 the key would be the client secret, or, confused, a public key.
_ALGORITHMS = {"RS256": "RSA", "ES256": "EC"}
# Header parameters that we do not know are ignored (RFC 7515 §4), but for those in "crit".
_SIGNATURES = jws.JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)

# Clocks differ; so much for the beginning and the end of a token.
LEEWAY_SECONDS = 60

_LEAST_RSA_BITS = 2_048  # RFC 7518 §3.3
_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0 §2


class Denied(Exception):
    """The provider, or a check of ours, said no.

    The argument says why, in a word of ours or of a standard; nothing of a token is in it.
    """


def usable_keys(listed: Iterable[Any]) -> tuple[Key, ...]:
    """The public keys of a JWK Set for our algorithms.

    The others are left out, as RFC 7517 §5 wants it: a set may hold keys for whatever is to come.
    """
    return tuple(key for jwk in listed if (key := _usable(jwk)) is not None)


def signer(id_token: str) -> tuple[str | None, str]:
    """The id of the key that is said to have signed the token, and of which type it must be.

    Raises Denied unless it is signed with an algorithm of ours. Nothing is verified yet.
    """
    try:
        header = jws.extract_compact(id_token.encode(), registry=_SIGNATURES).headers()
        algorithm, kid = header["alg"], header.get("kid")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Denied("malformed_token") from None
    key_type = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if key_type is None:
        raise Denied("algorithm")
    if kid is not None and not isinstance(kid, str):
        raise Denied("malformed_token")
    return kid, key_type


def find(keys: Sequence[Key], kid: str | None, key_type: str) -> Key | None:
    """The key of this id and type. Without an id it must be the only one (OIDC Core §10.1)."""
    if kid is None:
        return keys[0] if len(keys) == 1 and keys[0].key_type == key_type else None
    return next((key for key in keys if key.kid == kid and key.key_type == key_type), None)


def verified_claims(
    id_token: str, key: Key, *, issuers: Sequence[str], client_id: str, nonce: str
) -> dict[str, Any]:
    """What the token says. Raises Denied unless it is signed with the key, good now, and for us.

    Args:
        id_token: a JWS in its compact form.
        key: the provider's, chosen by what the token's header says.
        issuers: the names of the provider that may be in it.
        client_id: who it must be for.
        nonce: what it must repeat; never empty.
    """
    rules = jwt.JWTClaimsRegistry(
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "values": list(issuers)},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(id_token, key, registry=_SIGNATURES).claims
        rules.validate(claims)
    except ClaimError as error:
        raise Denied(f"claim_{error.claim}") from None
    except JoseError as error:
        raise Denied(error.error) from None
    except (ValueError, TypeError, RecursionError):
        raise Denied("malformed_token") from None
    # Where other audiences are named too, it must say that it was made for us.
    alone = claims["aud"] in (client_id, [client_id])
    if claims.get("azp", client_id if alone else None) != client_id:
        raise Denied("claim_azp")
    subject = claims["sub"]
    if not (len(subject) <= _LONGEST_SUBJECT and subject.isascii() and subject.isprintable()):
        raise Denied("claim_sub")
    return claims


def _usable(jwk: Any) -> Key | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    named = {"kid": jwk["kid"]} if isinstance(jwk.get("kid"), str) else {}
    try:
        if jwk.get("kty") == "RSA" and jwk.get("alg", "RS256") == "RS256":
            if base64_to_int(jwk["n"]).bit_length() < _LEAST_RSA_BITS:
                return None
            return RSAKey.import_key({"kty": "RSA", "n": jwk["n"], "e": jwk["e"], **named})
        if jwk.get("kty") == "EC" and jwk.get("alg", "ES256") == "ES256":
            point = {"crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]}
            return ECKey.import_key({"kty": "EC", **point, **named})
    except (JoseError, ValueError, TypeError, KeyError, ArithmeticError):
        return None
    return None
