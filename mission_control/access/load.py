"""The file of hashed tokens, and certificate and key, as they are read and read again."""

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import yaml
from pydantic import BeforeValidator

from mission_control.access.model import Scope, StaticToken
from mission_control.configuration.yaml_file import Problems, read_yaml
from mission_control.configuration.yaml_part import (
    Each,
    Part,
    Reading,
    kind_of,
    listed,
    one_of,
    refuse_repeated,
    refused,
    text,
    usable,
    written,
)
from mission_control.errors import ConfigurationError

MAX_TOKENS = 256
TlsPair = tuple[Path, Path]


EXPIRES = r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?"


def instant_of(told: str) -> datetime:
    """Return the instant of a text that has the form EXPIRES; raises ValueError for no date."""
    told = told if "T" in told else f"{told}T00:00:00Z"
    return datetime.strptime(told, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


_read_instant = written(
    EXPIRES,
    instant_of,
    "is no date",
    "write it as 2027-06-01, in UTC: from its beginning on the token is not accepted",
)
_read_digest = written(
    r"sha256:[0-9a-f]{64}",
    lambda told: told.removeprefix("sha256:"),
    "is no hash of a token",
    "make token and entry with `mission-control token new`",
)


def _read_flag(node: yaml.Node) -> bool:
    if kind_of(node) != "bool":
        raise refused("is neither true nor false", "write true or false, without quotes")
    return cast("yaml.ScalarNode", node).value.casefold() in {"true", "yes", "on"}


class TokenEntry(Part):
    """One token, as `token new` writes it."""

    name: Annotated[str, text(64)]
    hash: Annotated[str, BeforeValidator(_read_digest)]
    scopes: Annotated[tuple[Each[Annotated[str, one_of(Scope)]], ...], listed(len(Scope))]
    expires: Annotated[datetime | None, BeforeValidator(_read_instant)] = None
    revoked: Annotated[bool, BeforeValidator(_read_flag)] = False

    def _check(self, reading: Reading) -> None:
        if self.gives("scopes") and self.scopes == ():
            remedy = f"list one or more of {', '.join(Scope)}"
            reading.refuse(self.at("scopes"), "gives no scope", remedy)


class TokensFile(Part):
    """The whole file."""

    tokens: Annotated[tuple[Each[TokenEntry | None], ...], listed(MAX_TOKENS)] = ()

    def _check(self, reading: Reading) -> None:
        if not self.gives("tokens"):
            problem, remedy = "there is no list of tokens", "write `tokens: []` for none"
            reading.refuse(self.at(), problem, remedy)
        entries = cast("list[TokenEntry]", usable(self.tokens))
        remedy = "give each token a name of its own: a log names it"
        refuse_repeated(reading, [(t.name, t.at("name")) for t in entries], remedy)
        hashes = [(t.hash, t.at("hash")) for t in entries]
        refuse_repeated(reading, hashes, "one token is one entry", "the token of line {1} again")


def load_tokens(path: Path) -> tuple[str, tuple[StaticToken, ...]]:
    """Return the tokens of a file and its digest; raises ConfigurationError with all faults."""
    source = read_yaml(path, what="tokens file")
    reading = Reading(source, Problems(), path.parent)
    file = TokensFile.model_validate(source.root, context=reading)
    entries = cast("list[TokenEntry]", usable(file.tokens))
    reading.problems.raise_if_any()
    tokens = [
        StaticToken(t.name, t.hash, frozenset(map(Scope, t.scopes)), t.expires, t.revoked)
        for t in entries
    ]
    return source.digest, tuple(tokens)


def load_certificate(certificate: Path, key: Path) -> tuple[str, ssl.SSLContext]:
    """
    Return what TLS is served with, and the digest of the certificate's file.

    Raises ConfigurationError where certificate and key do not serve.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    where = f"{certificate}, {key}"
    try:
        # A key that wants a password is an error here; without this it would ask the terminal.
        digest = hashlib.sha256(certificate.read_bytes()).hexdigest()
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no PEM"
        remedy = "name a PEM chain, and the unencrypted key that belongs to it"
        problem = f"certificate and key do not serve: {said}"
        raise ConfigurationError(problem, where=where, remedy=remedy) from error
    return digest, context
