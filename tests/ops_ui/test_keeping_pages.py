"""Pages: how what was recorded is kept; whatever is not said to be well is not shown as well."""

import pytest

from tests.ops_ui.conftest import LEDGER, RUN_PATH

pytestmark = pytest.mark.anyio
ARTIFACTS = "/api/v1/artifacts"
COPIED = {
    "standing": "COPIED",
    "fine": True,
    "detail": "every line up to 7 is there",
    "destination": "s3://bucket/<b>floor",
    "runs_copied": 7,
    "bytes_copied": 4200,
    "verified_through": 7,
    "head_seq": 8,
    "lags_since_et": "2026-11-18 10:15:00 EST",
    "last_run": RUN_PATH,
    "last_run_at_et": "2026-11-18 10:16:00 EST",
    "problems": [],
}
KEPT = {"fine": True, "detail": "30 trading days are kept, since 2026-10-07", "last_run": RUN_PATH}


async def page_with(pages, upstream, **change):
    """Show the page over such an answer."""
    upstream.answers[ARTIFACTS] = {**LEDGER, "durable_copy": COPIED, "retention": KEPT, **change}
    return (await pages.get("/artifacts")).text


async def test_a_copy_that_is_well_is_shown_with_its_numbers(pages, upstream):
    """Where it goes, how much of it, up to which line, and the reports of both."""
    page = await page_with(pages, upstream)

    assert 3 == page.count("badge-fine")
    for words in (
        "runs: 7, bytes: 4200",
        "verified through line 7 of 8",
        "Copied ·",
        "Kept ·",
        "10:16",
    ):
        assert words in page
    assert "<b>floor" not in page
    assert f"/artifacts/view/{RUN_PATH}/durable_copy.md" in page
    assert f"/artifacts/view/{RUN_PATH}/retention_report.md" in page


@pytest.mark.parametrize(
    ("copy", "words", "look"),
    [
        pytest.param({"standing": "NOT_CONFIGURED", "detail": "no durable copy is configured"},
                     "NO DURABLE COPY · no durable copy is configured", "warn", id="none"),
        pytest.param({**COPIED, "standing": "NEVER_RUN"}, "NOT COPIED YET", "warn", id="never"),
        pytest.param({**COPIED, "standing": "LAGGING", "fine": False},
                     "waiting since 2026-11-18 10:15:00 EST", "warn", id="lags"),
        pytest.param({**COPIED, "standing": "DOUBTFUL"}, "COPY IN DOUBT", "warn", id="doubt"),
        pytest.param({**COPIED, "standing": "FAILED"}, "COPY FAILED", "bad", id="failed"),
        pytest.param({**COPIED, "standing": "CONTRADICTED"}, "COPY NOT INTACT", "bad", id="bytes"),
        pytest.param({**COPIED, "standing": "FINE"}, "COPY NOT KNOWN", "bad", id="new word"),
        pytest.param({**COPIED, "fine": "true"}, "COPY NOT KNOWN", "bad", id="no boolean"),
        pytest.param(None, "COPY NOT KNOWN", "bad", id="null"),
        pytest.param([], "COPY NOT KNOWN", "bad", id="a list"),
    ],
)  # fmt: skip
async def test_whatever_is_not_well_is_loud(pages, upstream, copy, words, look):
    """Each state has its own words, and only COPIED and fine looks fine."""
    page = await page_with(pages, upstream, durable_copy=copy)

    assert words in page
    assert f"badge-{look}" in page
    assert 2 == page.count("badge-fine")


async def test_what_is_wrong_with_the_copy_is_listed(pages, upstream):
    """Problems are listed by name, and nothing in them acts."""
    problem = {"kind": "CONFLICT", "path": "a/<i>b", "detail": "other bytes"}
    failed = {**COPIED, "standing": "CONTRADICTED", "problems": [problem, 7]}
    page = await page_with(pages, upstream, durable_copy=failed)

    assert "Wrong with the durable copy" in page
    assert "a/&lt;i&gt;b" in page


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        pytest.param({"fine": False, "detail": "3 of 30"}, "RETENTION · 3 of 30", id="less"),
        pytest.param({"fine": True}, "RETENTION NOT KNOWN", id="no detail"),
        pytest.param({"fine": "true", "detail": "x"}, "RETENTION · x", id="no boolean"),
        pytest.param(None, "RETENTION NOT KNOWN", id="null"),
    ],
)
async def test_only_what_is_said_to_be_kept_is_kept(pages, upstream, retention, words):
    """A report that warns, or says nothing, is never fine."""
    page = await page_with(pages, upstream, retention=retention)

    assert words in page
    assert 2 == page.count("badge-fine")


@pytest.mark.parametrize(
    ("copy", "words"),
    [
        pytest.param({"destination": None, "does": "x"}, "None is configured", id="none"),
        pytest.param({"destination": "s3://b/f", "does": "copies there"}, "copies there", id="one"),
        pytest.param({}, "Not known", id="an older Mission Control"),
    ],
)
async def test_the_proof_tells_of_the_copy(pages, upstream, copy, words):
    """The page of the proof says what is written to, if anything is."""
    path = "/api/v1/attestation/read-only"
    upstream.answers[path] = {**upstream.answers[path], "durable_copy": copy}

    assert words in (await pages.get("/read-only")).text
