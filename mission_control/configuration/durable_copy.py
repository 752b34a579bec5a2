"""Where the durable copy goes; its credentials are never read here."""

import re
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from mission_control.configuration.found_settings import Found
from mission_control.configuration.settings_reader import SettingsReader, read_path
from mission_control.configuration.yaml_value import quoted
from mission_control.durable_copy.model import S3Address
from mission_control.errors import ConfigurationError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

ONLY_FOR_S3 = ("durable_copy_endpoint", "durable_copy_credentials_file")


class DurableCopySettings(TypedDict):
    """The settings of the durable copy, by their names."""

    durable_copy: Path | S3Address | None
    durable_copy_endpoint: str | None
    durable_copy_region: str
    durable_copy_credentials_file: Path | None


def durable_copy_settings(reader: SettingsReader, root: Path) -> DurableCopySettings:
    """Read where the durable copy goes; a place within the record itself is refused."""
    destination = reader.read("durable_copy", read_destination, None)
    if isinstance(destination, Path):
        _refuse_within(reader, destination, root)
    if not isinstance(destination, S3Address):
        for name in ONLY_FOR_S3:
            found = reader.found.get(name)
            if found is not None and found.text.strip():
                remedy = "write durable_copy as s3://bucket/prefix, or take this out"
                reader.refuse(found, "is only for a durable copy in an S3 store", remedy)
    return {
        "durable_copy": destination,
        "durable_copy_endpoint": reader.read("durable_copy_endpoint", read_endpoint, None),
        "durable_copy_region": reader.read("durable_copy_region", read_region, "us-east-1"),
        "durable_copy_credentials_file": reader.read(
            "durable_copy_credentials_file", read_path, None
        ),
    }


def _refuse_within(reader: SettingsReader, destination: Path, root: Path) -> None:
    """Refuse a copy that would be a part of what it copies."""
    there, here = destination.resolve(), root.resolve()
    if there == here or here in there.parents:
        found = reader.found["durable_copy"]
        remedy = "name a folder of another disk, outside of the root"
        reader.refuse(found, f"lies within the root {here}", remedy)


def read_destination(found: Found) -> Path | S3Address:
    """Give a folder of a mount, or a place in an S3-compatible store."""
    text = found.text.strip()
    if "://" not in text:
        return read_path(found)
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    parts = prefix.strip("/").split("/") if prefix.strip("/") else []
    plain = _BUCKET.fullmatch(bucket) is not None and ".." not in bucket
    if scheme != "s3" or not plain or not all(map(_PART.fullmatch, parts)):
        # Not quoted: whoever puts credentials into the address would find them in a log.
        raise _refused(found, "is no place for a copy", "write a folder, or s3://bucket/prefix")
    return S3Address(bucket, "/".join(parts))


def read_endpoint(found: Found) -> str:
    """Give the address of an S3-compatible store; credentials have no place in it."""
    text = found.text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port != 0
    except ValueError:
        raise _refused(found, "is no address of a store", "write https://host") from None
    strange = parts.username or parts.password or parts.query or parts.fragment or parts.path
    if parts.scheme not in {"http", "https"} or not parts.hostname or strange or not port_is_fine:
        raise _refused(found, "is no address of a store", "write https://host or https://host:port")
    return text


def read_region(found: Found) -> str:
    """Give the region that requests are signed for."""
    text = found.text.strip()
    if _REGION.fullmatch(text) is None:
        raise _refused(found, f"{quoted(found.text)} is no region", "write it as us-east-1")
    return text


def _refused(found: Found, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(problem, where=found.where, key=found.key, remedy=remedy)
