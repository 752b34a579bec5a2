"""Log records: one JSON object a line, and no secret in any of them."""

import json
import logging
import subprocess
import sys

CANARIES = {
    "message": "Authorization: Bearer canaryCANARY12345",
    "url": "postgresql://ops:canary@db/x",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlY2FuYXJ5",
}
SCRIPT = f"""
import logging
from mission_control.log_records import configure_logging
configure_logging("FORMAT")
log = logging.getLogger("canary")
log.info("%s", {CANARIES["message"]!r})
log.warning("connecting", extra={{"url": "ignored"}})
try:
    raise RuntimeError({CANARIES["url"]!r})
except RuntimeError:
    log.exception("failed with %s", {CANARIES["jwt"]!r})
logging.getLogger("httpx").info("one line per poll")
"""


def written(log_format):
    """Log the canaries in a process of their own; gives what stands on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("FORMAT", log_format)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr


def test_each_line_is_one_json_object():
    """In JSON form every record is one object with time, level, logger and event."""
    lines = [json.loads(line) for line in written("json").splitlines()]

    assert ["info", "warning", "error"] == [line["level"] for line in lines]
    assert {"canary"} == {line["logger"] for line in lines}
    assert all(line["ts"].endswith("Z") for line in lines)
    assert "RuntimeError" in lines[-1]["exception"]


def test_no_secret_is_logged():
    """Secrets are masked in messages, arguments and tracebacks, in both forms."""
    for log_format in ("json", "console"):
        text = written(log_format)
        assert "failed with" in text
        assert "canaryCANARY" not in text
        assert "ops:canary@" not in text
        assert CANARIES["jwt"] not in text


def test_importing_configures_nothing():
    """Only those who start a process configure logging."""
    assert "canary" not in logging.Logger.manager.loggerDict
