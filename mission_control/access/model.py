"""Who may read what: scopes, tokens, what is believed of an issuer, and who was found to ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """What a token may: `operator` reads nothing, and may name for whom it asks."""

    READER = "reader"
    METRICS = "metrics"
    TWIN = "twin"
    OPERATOR = "operator"


class Auth(StrEnum):
    """How a client is known."""

    NONE = "none"
    TOKENS = "tokens"
    OIDC = "oidc"
    BOTH = "tokens+oidc"

    @property
    def has_tokens(self) -> bool:
        """Return whether tokens of the file are accepted."""
        return self in {Auth.TOKENS, Auth.BOTH}

    @property
    def has_oidc(self) -> bool:
        """Return whether tokens of the issuer are accepted."""
        return self in {Auth.OIDC, Auth.BOTH}


@dataclass(frozen=True, slots=True)
class StaticToken:
    """
    A token of the file, known by its SHA-256 in hex alone.

    From `expires` on, and once `revoked`, it is accepted no more.
    """

    name: str
    digest: str
    scopes: frozenset[Scope]
    expires: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """
    What a token of the issuer must say.

    `scope_claim` is the path of the claim that says what it may, and `scopes` which word of it
    gives which scope.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    scope_claim: str
    scopes: Mapping[str, Scope]


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Who asks, as it is logged: `by` is how it is known (`token`, `oidc`, empty for no one known).

    `person` is what the issuer calls them; `operator` for whom a token asks that may say so. From
    `until` on it is known no more.
    """

    name: str
    by: str = ""
    scopes: frozenset[Scope] = frozenset(Scope)
    person: str = ""
    operator: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered: the parts of its problem; `headers` go with it."""

    status: int
    code: str
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    How many requests a client may still make, as of a reading of a steady clock, in seconds.

    `refused` counts those that were refused since the last that was not.
    """

    left: float
    at: float
    refused: int = 0


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """
    How the keys of the issuer stand, in seconds of a steady clock.

    `read_at` is when they were last read whole, and `tried_at` when that was last begun; None for
    never.
    """

    read_at: float | None = None
    tried_at: float | None = None


class KeyStep(StrEnum):
    """What is done before a token is checked with the keys that are held."""

    USE = "use"
    READ = "read"
    REFUSE = "refuse"
