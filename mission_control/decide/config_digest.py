"""Decide: the digest of a ConfigMap's data, by which a change of it is noticed."""

import hashlib
from collections.abc import Mapping

import msgspec


def digest_config_map(data: Mapping[str, str], binary: Mapping[str, str]) -> str:
    """Give the SHA-256 in hex over all data; `binary` is in base64, as the API has it."""
    whole = {"binaryData": binary, "data": data}
    return hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()
