"""
One JSON object per line on stderr, redacted.

Set up once at the start of a process; importing configures nothing.
"""

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import orjson
import structlog
import structlog.typing

from mission_control.redaction.redact import redact_document, redact_text

EventDict = MutableMapping[str, Any]


def redact_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Redact every value and every key's value of a record before it is written."""
    return cast("EventDict", redact_document(dict(event)))


def _render(_logger: object, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_SORT_KEYS).decode()


class _RedactedHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream; for a record that cannot be written it logs the reason, redacted."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (named by logging)
        """Log which record was lost, and why; logging itself would repeat its arguments."""
        error = sys.exception()
        if isinstance(error, BrokenPipeError):
            return
        event = f"a record of {record.module} line {record.lineno} could not be written: {error!r}"
        lost: EventDict = {"level": "error", "logger": record.name, "event": redact_text(event)}
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(_render(None, "", lost) + "\n")


def configure_logging(log_format: str, level: int = logging.INFO) -> None:
    """
    Send all logging of this process to stderr, as `json` lines or as `console` text.

    Libraries that log per request are kept to warnings; tracebacks are redacted too.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    finish: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=False)] if log_format == "console" else [_render]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_event,
            *finish,
        ],
    )
    handler = _RedactedHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in (
        "httpx",
        "httpcore",
        "uvicorn.access",
        "aiohttp",
        "apscheduler",
        "alembic.runtime.plugins",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # asyncio warns at each write to a client that has disconnected, which is normal for a server
    logging.getLogger("asyncio").setLevel(logging.ERROR)
