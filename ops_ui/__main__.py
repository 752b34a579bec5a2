"""Entry point: `python -m ops_ui` serves the pages until it is stopped."""

import errno
import os
import socket
import sys

import uvicorn

from ops_ui.application import create_application
from ops_ui.limits import LimitedHttpProtocol
from ops_ui.settings import BadSetting, load_settings

CONFIGURATION = 78
GRACE_SECONDS = 1


def main() -> int:
    """Serve the pages; a bad setting or a busy port is one clear line and exit code 78."""
    try:
        settings = load_settings(os.environ)
    except BadSetting as bad:
        sys.stderr.write(f"{bad}\n")
        return CONFIGURATION
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
        )
        uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
