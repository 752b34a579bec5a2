"""Entry point: `python -m ops_ui` serves the pages until it is stopped."""

import errno
import logging
import os
import socket
import sys
from datetime import UTC, datetime

import uvicorn

from ops_ui.access.settings import Mode
from ops_ui.access.tls import Certificate
from ops_ui.application import create_application
from ops_ui.limits import LimitedHttpProtocol
from ops_ui.setting_texts import BadSetting
from ops_ui.settings import Settings, load_settings

CONFIGURATION = 78
GRACE_SECONDS = 1
LOOK_TICKS = 20


class _Server(uvicorn.Server):
    """A server that looks at its certificate every few seconds."""

    def __init__(self, config: uvicorn.Config, certificate: Certificate | None) -> None:
        """Serve, with this certificate where there is one."""
        super().__init__(config)
        self._certificate = certificate

    async def on_tick(self, counter: int) -> bool:
        """Look at the certificate; uvicorn ticks ten times a second."""
        if self._certificate is not None and counter % LOOK_TICKS == 0:
            self._certificate.look(datetime.now(UTC))  # noqa: TID251  (own process, own clock)
        return await super().on_tick(counter)


def _log_access(settings: Settings) -> None:
    """Write who read which page to stderr, one JSON object a line, where people sign in."""
    if settings.access.mode is Mode.NONE:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    access = logging.getLogger("ops_ui.access")
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    access.propagate = False


def main() -> int:
    """Serve the pages; a bad setting or a busy port is one clear line and exit code 78."""
    try:
        settings = load_settings(os.environ)
    except BadSetting as bad:
        sys.stderr.write(f"{bad}\n")
        return CONFIGURATION
    _log_access(settings)
    LimitedHttpProtocol.proxies = settings.access.proxies
    certificate = Certificate(settings.tls) if settings.tls is not None else None
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            busy = error.errno == errno.EADDRINUSE
            why = "is busy" if busy else f"cannot be used: {error.strerror}"
            sys.stderr.write(f"MISSION_CONTROL_UI_PORT: port {settings.port} {why}\n")
            return CONFIGURATION
        config = uvicorn.Config(
            create_application(settings),  # pyright: ignore[reportArgumentType]
            http=LimitedHttpProtocol,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws="none",
            # Its own reading of X-Forwarded-For believes any program of this machine.
            proxy_headers=False,
            loop="ops_ui.access.tls:new_loop",
            ssl_context_factory=(lambda _, __: certificate.context) if certificate else None,
        )
        _Server(config, certificate).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
