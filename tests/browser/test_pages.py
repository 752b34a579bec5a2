"""Browser: the pages in a real Chromium, on a real demo."""

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import PATIENCE_SECONDS, free_ports, wait_for_port

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default"), pytest.mark.timeout(180)]

FLOOR_SCENARIOS = ["calm", "closed", "kill-switch-off", "critical-hung", "agent-mode-execute"]
OTHER_PAGES = [
    "/evidence-now",
    "/brief",
    "/alerts",
    "/floors",
    "/wall",
    "/attestation",
    "/evidence",
    "/replays",
    "/read-only",
    "/artifacts",
    "/events",
    "/slo",
    "/readiness",
    "/deploys",
    "/lkg",
    "/lkg/diff",
    "/schedule",
    "/service/strategy-engine",
    "/map",
    "/runbooks",
    "/runbooks/TIMEOUT",
    "/nothing-here",
]


@contextmanager
def page_on(browser, url, **context):
    """
    Open a page that is served already; gives it with what it complained of and asked outside.
    """
    opened = browser.new_context(viewport={"width": 1440, "height": 900}, **context)
    opened.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = opened.new_page()
    page.complaints = []
    page.outside = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.on(
        "request",
        lambda r: (
            None if r.url.startswith(("http://127.0.0.1", "data:")) else page.outside.append(r.url)
        ),
    )
    try:
        page.goto(url, wait_until="load")
        yield page
    finally:
        opened.close()


def axe(page, *rules):
    """List axe's violations on the page as it is, of these rules alone where any is named."""
    import axe_playwright_python  # noqa: PLC0415  (only where a browser is)

    script = Path(axe_playwright_python.__file__).parent / "axe.min.js"
    if not page.evaluate("'axe' in window"):
        page.evaluate(script.read_text())
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate("(only) => axe.run(document, only)", only)["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found]


def test_a_recorded_file_is_a_few_clicks_away(browser, demo):
    """From the Floor to the ledger to one file by links alone; each is axe-clean and labelled."""
    with page_on(browser, demo("calm").pages + "/") as page:
        page.locator(".bar .more summary").click()
        page.get_by_role("link", name="Artifacts").click()
        page.wait_for_selector("html[data-page=artifacts]")
        ends = time.monotonic() + PATIENCE_SECONDS
        while not page.get_by_role("link", name="posture.json").count():
            # The demo records its sample once every service was asked.
            assert time.monotonic() < ends
            time.sleep(0.2)
            page.reload()
        assert "DEMO" in page.title()
        assert [] == axe(page)
        page.get_by_role("link", name="posture.json").first.click()
        page.wait_for_selector("html[data-page=artifact] pre.file")
        assert '"posture"' in page.inner_text("pre.file")
        assert "DEMO" in page.title()
        assert [] == axe(page)
        assert ([], []) == (page.complaints, page.outside)


@pytest.mark.parametrize("scenario", FLOOR_SCENARIOS)
def test_the_floor_is_accessible_quiet_and_local(browser, demo, scenario):
    """In each scenario and theme the Floor is axe-clean, without errors or outside requests."""
    with page_on(browser, demo(scenario).pages + "/", color_scheme="light") as page:
        page.wait_for_selector("main[data-live=yes]")
        found = axe(page)
        page.emulate_media(color_scheme="dark")
        found += axe(page, "color-contrast")

        assert [] == found
        assert ([], []) == (page.complaints, page.outside)


@pytest.mark.timeout(300)
def test_other_pages_are_accessible_quiet_and_local(browser, demo):
    """Every other page is axe-clean in light and dark; one that is not there says so too."""
    pages, found = demo("calm").pages, {}
    with page_on(browser, pages + "/read-only") as page:
        for path in OTHER_PAGES:
            page.goto(pages + path, wait_until="load")
            page.emulate_media(color_scheme="light")
            found[path, "light"] = axe(page)
            page.emulate_media(color_scheme="dark")
            found[path, "dark"] = axe(page, "color-contrast")
        complaints = [c for c in page.complaints if "404" not in c]

        assert {} == {where: what for where, what in found.items() if what}
        assert ([], []) == (complaints, page.outside)


def test_the_bar_is_one_row_and_holds_every_page(browser, demo):
    """At 1440 px, with DEMO and its counts; what is asked seldom stands behind More."""
    with page_on(browser, demo("kill-switch-off").pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        # In one step: a live page changes its bar, and an element that is taken out has no box.
        height = "document.querySelector('.bar').getBoundingClientRect().height"
        assert page.evaluate(height) < 60
        assert page.evaluate("document.querySelector('.bar nav > ul').scrollWidth") <= (
            page.evaluate("document.querySelector('.bar nav > ul').clientWidth")
        )
        page.locator(".bar .more summary").click()
        page.get_by_role("link", name="Attestation", exact=True).click()
        page.wait_for_selector("html[data-page=attestation]")

        assert "Attestation" in page.inner_text(".bar .more summary")


def test_the_floor_needs_no_javascript(browser, demo):
    """Without JavaScript the verdict, the reasons and the services are all there."""
    with page_on(browser, demo("kill-switch-off").pages + "/", java_script_enabled=False) as page:
        text = page.content()

        assert "HALTED" in page.inner_text("#verdict")
        assert "EXECUTION_EVIDENCE" in text
        assert 9 == page.locator("tbody tr").count()
        assert 'http-equiv="refresh"' in text


def test_the_keyboard_reaches_every_link(browser, demo):
    """Tab reaches every link and control of the Floor, in the order of the page."""
    with page_on(browser, demo("kill-switch-off").pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        wanted = page.locator("a:visible, summary:visible").count()
        reached = set()
        for _ in range(wanted + 12):
            page.keyboard.press("Tab")
            spot = page.evaluate(
                "(() => { const e = document.activeElement;"
                " return [...document.querySelectorAll('a, summary')].indexOf(e); })()"
            )
            if spot >= 0:
                reached.add(spot)

        assert len(reached) >= wanted


def test_a_change_shows_without_reloading(browser, demo):
    """When the floor changes, the page's verdict, title and icon change, and it is announced."""
    running = demo("identity-mismatch")
    running.until(lambda p: p["posture"] == "OK")
    with page_on(browser, running.pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        before = page.title()
        page.request.post(f"{running.control}/scenario?name=critical-refused")
        page.wait_for_selector("#verdict:has-text('HALTED')")
        page.wait_for_selector("#announce:has-text('HALTED')", state="attached")

        assert "OK" in before
        assert "HALTED" in page.title()
        assert "icon-halted" in page.get_attribute("link[rel=icon]", "href")
        assert "HALTED" in page.inner_text("#announce")
        assert "HALTED" in page.inner_text("#verdict")


def test_seven_tabs_of_one_browser_all_stay_live(browser, demo):
    """No tab holds a connection: a change shows on each, and none is called lost (R15.11)."""
    running = demo("identity-mismatch")
    context = browser.new_context()
    tabs = [context.new_page() for _ in range(7)]
    tabs[0].request.post(f"{running.control}/scenario?name=identity-mismatch")
    running.until(lambda p: p["posture"] == "OK")
    for tab in tabs:
        tab.goto(running.pages + "/", wait_until="load")
    tabs[0].request.post(f"{running.control}/scenario?name=critical-refused")
    for tab in tabs:
        tab.bring_to_front()
        tab.wait_for_selector("#verdict:has-text('HALTED')")
        assert tab.is_visible(".bar .pill-live")
        assert 0 == tab.locator(".is-lost").count()
    context.close()


def test_keys_lead_to_pages_and_along_the_day(browser, demo):
    """`g` and a letter goes, `?` shows the keys, arrows go from stretch to stretch."""
    with page_on(browser, demo("calm").pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        page.keyboard.press("?")
        assert page.is_visible("#keys p")
        page.locator(".ribbon a").first.focus()
        page.keyboard.press("ArrowRight")
        place = "[...document.querySelectorAll('.ribbon a')].indexOf(document.activeElement)"
        assert 1 == page.evaluate(place)
        page.keyboard.press("g")
        page.keyboard.press("a")
        page.wait_for_selector("html[data-page=alerts]")


def test_an_alert_shows_without_reloading_with_its_filled_runbook(browser, demo):
    """What pages appears on an open page; its runbook names the service that it is about."""
    running = demo("identity-mismatch")
    with page_on(browser, running.pages + "/alerts") as page:
        page.request.post(f"{running.control}/scenario?name=critical-refused")
        page.wait_for_selector(".alert-bad")
        assert "open" in page.inner_text(".bar [aria-current] em")
        page.locator("a", has_text="Runbook, filled in").first.click()
        page.wait_for_selector("#h-incident")
        assert [] == axe(page)


def test_state_is_told_by_shape_and_word(browser, demo):
    """In greyscale every state is still told apart: each row has its glyph and its word."""
    with page_on(browser, demo("critical-hung").pages + "/") as page:
        page.wait_for_selector("main[data-live=yes]")
        states = page.locator(".services .state").all_inner_texts()

        assert all(len(s.split()) >= 2 for s in states), states
        assert len({s.split()[0] for s in states}) == len({s.split(None, 1)[1] for s in states})


@pytest.mark.parametrize("width", [360, 390, 768, 1440, 2560, 3840])
@pytest.mark.parametrize("path", ["/", "/alerts", "/schedule", "/artifacts"])
def test_nothing_is_cut_off(browser, demo, path, width):
    """From a phone to 4K a page never scrolls sideways."""
    with page_on(browser, demo("kill-switch-off").pages + path) as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_selector("main")

        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_wall_fits_a_screen(browser, demo):
    """The wall fits 1920x1080 without scrolling, and its verdict is at least 96 pixels high."""
    with page_on(browser, demo("critical-hung").pages + "/wall") as page:
        page.set_viewport_size({"width": 1920, "height": 1080})
        size = page.evaluate(
            "parseFloat(getComputedStyle(document.getElementById('verdict')).fontSize)"
        )

        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
        assert size >= 96


def test_a_page_whose_source_is_gone_is_not_green(browser):
    """When Mission Control is gone the page says so loudly, with and without JavaScript."""
    port = free_ports(2)
    gone = port + 1
    process = subprocess.Popen(
        [sys.executable, "-m", "ops_ui"],
        env={
            "MISSION_CONTROL_URL": f"http://127.0.0.1:{gone}",
            "MISSION_CONTROL_UI_PORT": str(port),
        },
    )
    try:
        wait_for_port(process, port)
        for scripted in (True, False):
            url = f"http://127.0.0.1:{port}/"
            with page_on(browser, url, java_script_enabled=scripted) as page:
                assert "OFFLINE" in page.inner_text("#verdict")
                assert "NOT LIVE" in page.inner_text("main")
                assert 0 == page.locator(".verdict-ok").count()
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def test_a_page_that_is_not_renewed_says_so_without_javascript(browser, demo):
    """Two missed refreshes after loading, the page reveals NOT LIVE by itself."""

    def never_refresh(route):
        answer = route.fetch()
        text = answer.text().replace('http-equiv="refresh"', 'name="was-refresh"')
        route.fulfill(response=answer, body=text)

    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.route("**/", never_refresh)
    page.goto(demo("calm").pages + "/")
    visible_at_first = page.is_visible(".stale-guard")
    page.wait_for_selector(".stale-guard", state="visible", timeout=PATIENCE_SECONDS * 1000)
    lost = page.is_visible(".bar .pill-lost") and not page.is_visible(".bar .pill-live")
    context.close()

    assert not visible_at_first
    assert lost


@pytest.mark.parametrize("path", ["/readiness", "/service/strategy-engine", "/slo", "/artifacts"])
def test_every_page_of_now_says_when_it_is_not_renewed(browser, demo, path):
    """Cut off from its source, a page says NOT LIVE on itself and in its title."""
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(demo("calm").pages + path)
    visible_at_first = page.is_visible(".stale-guard")
    page.route("**/*", lambda route: route.abort())
    for _ in range(4):  # in steps: a request that fails has to be told to the page
        page.clock.run_for(50_000)
    page.wait_for_selector("#live.is-lost .stale-guard", state="visible")
    page.wait_for_selector(".bar .pill-lost", state="visible")

    assert not visible_at_first
    assert "NOT LIVE" in page.title()
    context.close()


def test_an_open_readiness_page_follows_the_floor(browser, demo):
    """A GO that is revoked while the page is open does not stay on it."""
    running = demo("identity-mismatch")
    with page_on(browser, running.pages + "/readiness") as page:
        page.wait_for_selector("html[data-renews=fast]")
        page.evaluate("document.querySelector('main').dataset.first = 'yes'")
        page.request.post(f"{running.control}/scenario?name=kill-switch-off")
        page.wait_for_selector("main:not([data-first])")
        page.wait_for_selector("header.verdict-halted")

        assert "NO-GO" in page.title()
        assert "icon-halted" in page.get_attribute("link[rel=icon]", "href")
