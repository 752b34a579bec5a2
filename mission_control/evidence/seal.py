"""What lies beside a bundle: an Ed25519 signature, and an RFC 3161 request and its answer."""

import hashlib
import re
from datetime import datetime
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import ObjectIdentifier, load_pem_x509_certificates
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

SIGNATURE, REQUEST, ANSWER = ".sig", ".tsq", ".tsr"
"""What is appended to a bundle's name for each."""
MOST_BYTES = 1024 * 1024
"""No key, signature or time stamp has more."""
_FORMAT = "mission-control-evidence-signature/1"
_FORM = re.compile(rf"({re.escape(_FORMAT)}\nsha256 ([0-9a-f]{{64}})\n)ed25519 ([0-9a-f]{{128}})\n")
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_REQUEST = bytes.fromhex("30390201013031300d060960864801650304020105000420")
"""A TimeStampReq of version 1 for a SHA-256, up to the digest."""
_WITH_CERTIFICATES = bytes.fromhex("0101ff")
_PIECE = 1024 * 1024


class KeyFileError(Exception):
    """A file of a key, or of certificates, that cannot be used; says why, and not what it holds."""


def digest_of(stream: BinaryIO) -> str:
    """Return the SHA-256 in hex of all of a bundle's bytes."""
    digest = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def read_private_key(pem: bytes) -> Ed25519PrivateKey:
    """Read an Ed25519 key that signs; raises KeyFileError."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError("it is no private key in PEM without a passphrase") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("it is no Ed25519 key: make one with `openssl genpkey`")
    return key


def read_public_key(pem: bytes) -> Ed25519PublicKey:
    """Read an Ed25519 key that checks; raises KeyFileError."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError("it is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError("it is no Ed25519 key")
    return key


def sign(sha256: str, key: Ed25519PrivateKey) -> bytes:
    """Return the signature of a bundle; equal bundles and keys give equal bytes."""
    told = f"{_FORMAT}\nsha256 {sha256}\n"
    return f"{told}ed25519 {key.sign(told.encode()).hex()}\n".encode()


def why_unsigned(sha256: str, signature: bytes, key: Ed25519PublicKey) -> str:
    """Say why a signature is not one of this bundle by this key; empty where it is."""
    found = _FORM.fullmatch(signature.decode("ascii", "replace"))
    if found is None:
        return "it is no signature of a bundle"
    try:
        key.verify(bytes.fromhex(found[3]), found[1].encode())
    except InvalidSignature:
        return "it was not made by this key, or was altered"
    if found[2] != sha256:
        return f"it is of another bundle, or of this one before it was altered: {found[2]}"
    return ""


def timestamp_request(sha256: str) -> bytes:
    """Return an RFC 3161 request in DER, without a nonce: equal bundles give equal bytes."""
    return _REQUEST + bytes.fromhex(sha256) + _WITH_CERTIFICATES


def check_token(sha256: str, answer: bytes, roots: bytes) -> tuple[str, datetime | None]:
    """
    Say why an authority's answer is no time stamp of this bundle, or when it was stamped.

    `roots` are the certificates in PEM that are trusted, and those between. Raises KeyFileError.
    """
    try:
        trusted = load_pem_x509_certificates(roots)
    except ValueError as error:
        raise KeyFileError("it holds no certificate in PEM") from error
    builder = VerifierBuilder()
    for certificate in dict.fromkeys(trusted):
        builder = builder.add_root_certificate(certificate)
    try:
        response = decode_timestamp_response(_in_order(answer))
        builder.build().verify(response, bytes.fromhex(sha256))
        told = response.tst_info
        if told.message_imprint.hash_algorithm != _SHA256:
            return "it stamps no SHA-256", None
    except (VerificationError, ValueError) as error:
        return (
            f"it is no valid time stamp of this bundle: {' '.join(str(error).split())[:200]}",
            None,
        )
    return "", told.gen_time


_CERTIFICATES, _LONG_FORM = 0xA0, 0x80
_TO_SIGNED_DATA = (0, 1, 1, 0)
"""The way from an answer to what is signed: the whole, its token, that one's content, its value."""


def _in_order(answer: bytes) -> bytes:
    """
    Return an answer with its certificates in the order that DER asks of a set.

    OpenSSL's authorities send them in another one, which the library refuses. No signature covers
    their order. What cannot be understood is returned as it is: the library says why.
    """
    begin, end = 0, len(answer)
    for place in _TO_SIGNED_DATA:
        held = _held(answer, begin, end)
        if len(held) <= place:
            return answer
        _, begin, end = held[place]
    for start, first, last in _held(answer, begin, end):
        if answer[start] == _CERTIFICATES:
            pieces = sorted(answer[a:b] for a, _, b in _held(answer, first, last))
            return answer[:first] + b"".join(pieces) + answer[last:]
    return answer


def _held(der: bytes, begin: int, end: int) -> list[tuple[int, int, int]]:
    """Return the values between two places: where each begins, where its content does, its end."""
    found = list[tuple[int, int, int]]()
    at = begin
    while at + 2 <= end:
        length, first = der[at + 1], at + 2
        if length >= _LONG_FORM:
            size = length - _LONG_FORM
            length, first = int.from_bytes(der[first : first + size], "big"), first + size
        if first + length > end:
            return []
        found.append((at, first, first + length))
        at = first + length
    return found
