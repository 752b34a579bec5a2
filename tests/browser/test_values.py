"""Browser: the pages over a Mission Control of values, for what no demo shows."""

import copy
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.test_pages import page_on
from tests.ops_ui.conftest import AGENT, EVENTS, POSTURE
from tests.ops_ui.test_pages import HOSTILE, poison
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default"), pytest.mark.timeout(120)]
REASON = {"code": "TIMEOUT", "severity": "P1", "detail": "no whole answer in 3.0 s"}


@contextmanager
def pages_over(answers):
    """Serve the pages over these answers, by path; gives their address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(answers.get(self.path.split("?")[0])).encode()
            self.send_response(200 if body != b"null" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):  # noqa: A002  (the name it has there)
            """Say nothing."""

    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "ops_ui"],
        env={
            "MISSION_CONTROL_URL": f"http://127.0.0.1:{upstream.server_port}",
            "MISSION_CONTROL_UI_PORT": str(port),
        },
    )
    try:
        wait_for_port(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)
        upstream.shutdown()
        upstream.server_close()


def floor_of(count):
    """Return the answers of a floor with so many services, half of them in trouble."""
    trouble = {"state": "OFFLINE", "expected": False, "reasons": [REASON]}
    agents = [
        AGENT | {"agent_name": f"a-service-with-a-long-name-{i:02d}"} | (trouble if i % 2 else {})
        for i in range(count)
    ]
    return {
        "/api/v1/posture": POSTURE | {"posture": "HALTED", "expected": False, "reasons": [REASON]},
        "/api/v1/agents": {"agents": agents},
        "/api/v1/events/recent": EVENTS,
    }


SCREENS = {"1080p": (1920, 1080), "4K": (3840, 2160)}


@pytest.mark.parametrize("count", [1, 4, 9, 24, 40, 60])
def test_the_wall_holds_what_there_is(browser, count):
    """From 1 to 60 services fit the wall: nothing scrolls, no line is cut off, names are large."""
    with pages_over(floor_of(count)) as url, page_on(browser, url + "/wall") as page:
        for width, height in SCREENS.values():
            page.set_viewport_size({"width": width, "height": height})
            cut = page.evaluate(
                "[...document.querySelectorAll('.wall-grid li')]"
                ".filter(e => e.scrollHeight > e.clientHeight + 1).map(e => e.innerText)"
            )
            least = page.evaluate(
                "Math.min(...[...document.querySelectorAll('.wall-grid li > strong')]"
                ".map(e => parseFloat(getComputedStyle(e).fontSize))) / window.innerHeight"
            )

            assert count == page.locator(".wall-grid li").count()
            assert [] == cut
            assert least >= 0.0195
            assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


@pytest.mark.parametrize("path", ["/", "/wall"])
def test_hostile_text_does_nothing(browser, path):
    """Hostile text in every field runs nothing and asks nothing outside."""
    answers = copy.deepcopy(floor_of(4))
    for answer in answers.values():
        poison(answer)
    answers["/api/v1/posture"] |= {"posture": "HALTED", "at": POSTURE["at"]}
    with pages_over(answers) as url, page_on(browser, url + path) as page:
        ran = []
        page.on("dialog", lambda d: (ran.append(d.message), d.dismiss()))
        page.wait_for_selector("main")
        page.wait_for_timeout(500)

        assert HOSTILE[:8] in page.inner_text("main")
        assert ([], []) == (ran, page.outside)
        assert [] == [c for c in page.complaints if "404" not in c]
