"""How the pages show themselves to Mission Control, and say for whom they ask."""

import contextlib
from collections.abc import Generator

import httpx

from ops_ui.access.operator import SIGNED_IN, name_in_header
from ops_ui.access.secret_file import SecretFile, SecretUnusable

FORBIDDEN = 403
FILE_VARIABLE = "MISSION_CONTROL_UI_API_TOKEN_FILE"
OPERATOR_HEADER = "x-mission-control-operator"


class TokenUnusable(httpx.RequestError):
    """Our token's file cannot be used, so nothing was asked."""


class OurToken(httpx.Auth):
    """Puts our token, and the operator's name, on each request."""

    def __init__(self, token: SecretFile | None) -> None:
        """Take the token from this file, each time that it changes."""
        self.token = token

    def remedy(self, status: int, told: str) -> str:
        """Say why we are refused with this status, and what helps; never with the token itself."""
        if self.token is None:
            return (
                f"it answers {status}: it wants a token, and these pages have none. Make one with"
                f" mission-control token new, and name its file by {FILE_VARIABLE}"
            )
        with contextlib.suppress(SecretUnusable):
            told = told.replace(self.token.read(), "(our token)")
        said = f" ({told.rstrip('.')})" if told else ""
        lacks = "its scope does not reach that" if status == FORBIDDEN else "it is not known there"
        return (
            f"it answers {status} to the token of {self.token.path}: {lacks}{said}. Put one that"
            " mission-control token new made into that file; it is read again at once"
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Sign one request; raises TokenUnusable."""
        if self.token is not None:
            try:
                request.headers["authorization"] = f"Bearer {self.token.read()}"
            except SecretUnusable as unusable:
                raise TokenUnusable(str(unusable)) from None
        operator = SIGNED_IN.get()
        if operator is not None:
            request.headers[OPERATOR_HEADER] = name_in_header(operator.name)
        yield request
