"""Ops-ui, static files that answer any path with the same page."""

from mission_control.simulation.answers import Answer
from mission_control.simulation.moment import Moment

PAGE = (
    b"<!doctype html>\n<html><head><title>AgentTrader Ops</title></head>"
    b'<body><div id="root"></div></body></html>\n'
)


def respond(_moment: Moment, method: str, _path: str) -> Answer:
    """Answer any path with the page, as the web server's fallback does."""
    if method not in {"GET", "HEAD"}:
        return Answer(405, b"<h1>405 Not Allowed</h1>\n", "text/html", (("allow", "GET, HEAD"),))
    return Answer(body=PAGE, content_type="text/html")
