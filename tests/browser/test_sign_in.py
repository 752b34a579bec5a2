"""Browser: an operator signs in at a real issuer, sees the Floor by name, and signs out."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.browser.test_pages import axe, page_on
from tests.oidc_issuer import oidc_issuer
from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default"), pytest.mark.timeout(180)]


@pytest.fixture
def signed(demo):
    """Return the address of pages with sign-in before the calm demo."""
    port = free_ports(1)
    pages = f"http://127.0.0.1:{port}"
    with oidc_issuer() as issuer:
        issuer.register("pages", f"{pages}/callback")
        issuer.person = {"sub": "u-1", "preferred_username": "Ada <b>Álvarez</b>"}
        process = subprocess.Popen(
            [sys.executable, "-m", "ops_ui"],
            env={
                "PATH": os.environ["PATH"],
                "MISSION_CONTROL_URL": demo("calm").api,
                "MISSION_CONTROL_UI_PORT": str(port),
                "MISSION_CONTROL_UI_AUTH": "oidc",
                "MISSION_CONTROL_UI_OIDC_ISSUER": issuer.url,
                "MISSION_CONTROL_UI_OIDC_CLIENT_ID": "pages",
            },
            stderr=subprocess.PIPE,
        )
        wait_for_port(process, port)
        yield pages
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)


def test_an_operator_signs_in_and_out(browser, signed):
    """R16.11, R16.15: to the Floor through the issuer, the name in the bar, and out for good."""
    with page_on(browser, f"{signed}/?show=all") as page:
        page.wait_for_selector("main[data-live=yes]")
        assert f"{signed}/?show=all" == page.url
        assert "Ada <b>Álvarez</b>" in page.inner_text(".bar .operator")
        assert [] == axe(page)
        where = os.environ.get("MISSION_CONTROL_SCREENSHOTS")
        if where:
            page.screenshot(path=f"{where}/signed_in.png")
        cookies = page.context.cookies()
        assert [(True, "Lax")] == [(c["httpOnly"], c["sameSite"]) for c in cookies]
        assert "" == page.evaluate("document.cookie")
        assert ([], []) == (page.complaints, page.outside)

        other = page.context.new_page()
        other.goto(signed)
        other.get_by_role("link", name="Sign out").click()
        other.wait_for_selector("text=You are signed out")
        # The page that is open still finds out by itself, and shows nothing of the floor.
        page.wait_for_selector("text=You are not signed in", timeout=PATIENCE_SECONDS * 1000)
        assert 0 == page.locator(".services").count()
        page.get_by_role("link", name=re.compile("Sign in")).click()
        page.wait_for_selector("main[data-live=yes]")
        assert f"{signed}/?show=all" == page.url
        assert "Ada" in page.inner_text(".bar .operator")
