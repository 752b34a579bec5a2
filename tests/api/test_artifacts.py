"""API: what was recorded is listed, filtered and handed out by its digest, and nothing else is."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.api.paper_floor import PaperControl
from tests.records.runs import FILES, NOW, record
from tests.records.test_verification import forge

pytestmark = pytest.mark.anyio
LIST = "/api/v1/artifacts"
RUN = "audit_artifacts/ops_runs/20261120T133000Z_intraday_sample"


@pytest.fixture
def recorded(tmp_path):
    """Return the API over a root with five runs."""
    for number in range(5):
        job = "post_market" if number == 3 else "intraday_sample"
        record(tmp_path, NOW + timedelta(minutes=15 * number), job=job)
    return PaperControl(root=tmp_path)


async def test_runs_are_listed_newest_first(recorded):
    """Lines come newest first, with every file's digest, and the answer says that all is intact."""
    answer = (await recorded.ask(LIST)).json()

    assert [5, 4, 3, 2, 1] == [run["seq"] for run in answer["runs"]]
    assert sorted(["SHA256SUMS", "run.json", *FILES]) == [
        f["name"] for f in answer["runs"][-1]["files"]
    ]
    assert (5, None, True) == (
        answer["total"],
        answer["next_cursor"],
        answer["verification"]["intact"],
    )
    assert answer["head"] == answer["verification"]["head"]


async def test_pages_follow_each_other_without_gaps(recorded):
    """Following `next_cursor` lists every run once, also while new ones are recorded."""
    seen, cursor = [], ""
    for _ in range(4):
        page = (await recorded.ask(f"{LIST}?limit=2{cursor}")).json()
        seen += [run["seq"] for run in page["runs"]]
        record(recorded.root, NOW + timedelta(hours=5))
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert [5, 4, 3, 2, 1] == seen


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        pytest.param("job=post_market", [4], id="job"),
        pytest.param("job=nothing", [], id="no such job"),
        pytest.param("session_date=2026-11-20&limit=2", [5, 4], id="session"),
        pytest.param("session_date=2026-11-19", [], id="another session"),
        pytest.param("since=2026-11-20T14:00:00Z", [5, 4, 3], id="since"),
        pytest.param("until=2026-11-20T09:00:00-05:00", [2, 1], id="until, with an offset"),
        pytest.param("since=2026-11-20T09:00", [5, 4, 3], id="since, in New York's time"),
        pytest.param("cursor=3", [2, 1], id="cursor"),
    ],
)
async def test_runs_are_filtered(recorded, query, seqs):
    """Each filter leaves only what it names."""
    answer = (await recorded.ask(f"{LIST}?{query.replace('+', '%2B')}")).json()

    assert seqs == [run["seq"] for run in answer["runs"]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "cursor=0", "session_date=yesterday", "since=noon"],
)
async def test_filters_that_are_not_well_formed_are_named(recorded, query):
    """A filter that cannot be read is a problem, never ignored."""
    assert (await recorded.ask(f"{LIST}?{query}")).status_code in {400, 422}


async def test_a_file_is_its_digest(recorded):
    """A file comes with its digest as ETag, may be kept for ever, and is not sent twice."""
    listed = (await recorded.ask(f"{LIST}?limit=1&cursor=2")).json()["runs"][0]["files"]
    posture = next(f for f in listed if f["name"] == "posture.json")
    answer = await recorded.ask(posture["url"])
    again = await recorded.ask(posture["url"], headers={"if-none-match": answer.headers["etag"]})

    assert FILES["posture.json"] == answer.content
    assert f'"{posture["sha256"]}"' == answer.headers["etag"]
    assert "immutable" in answer.headers["cache-control"]
    assert "application/json" == answer.headers["content-type"]
    assert (304, b"") == (again.status_code, again.content)


@pytest.mark.parametrize(
    "path",
    [
        "audit_artifacts/ledger.jsonl",
        "audit_artifacts/.ledger.lock",
        "audit_artifacts/readiness_report.md",
        f"{RUN}",
        "../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd",
        "audit_artifacts%00/x",
    ],
)
async def test_only_what_is_recorded_is_handed_out(recorded, path):
    """No path but one that the ledger names is ever read, however it is spelled."""
    answer = await recorded.ask(f"{LIST}/{path}")

    assert answer.status_code in {400, 404}
    assert b"root:" not in answer.content


async def test_an_altered_file_is_not_handed_out(recorded):
    """Bytes that are not those recorded never go out under the recorded digest."""
    file = recorded.root / RUN / "posture.json"
    file.chmod(0o644)
    file.write_bytes(b'{"posture":"ok"}')
    record(recorded.root, NOW + timedelta(hours=3))  # so that everything is verified again
    answer = await recorded.ask(f"{LIST}/{RUN}/posture.json")
    listed = (await recorded.ask(LIST)).json()["verification"]

    assert (409, "artifact_altered") == (answer.status_code, answer.json()["code"])
    assert (False, [f"{RUN}/posture.json"]) == (
        listed["intact"],
        [d["path"] for d in listed["discrepancies"]],
    )


async def test_a_removed_file_is_gone(recorded):
    """A recorded file that is not there is 410, which is not the same as never recorded."""
    file = recorded.root / RUN / "posture.json"
    file.parent.chmod(0o755)
    file.unlink()
    answer = await recorded.ask(f"{LIST}/{RUN}/posture.json")

    assert (410, "artifact_missing") == (answer.status_code, answer.json()["code"])


async def test_a_link_in_place_of_a_recorded_file_is_not_followed(recorded):
    """A file replaced by a symbolic link is not read through it."""
    file = recorded.root / RUN / "posture.json"
    file.parent.chmod(0o755)
    file.unlink()
    file.symlink_to("/etc/passwd")
    answer = await recorded.ask(f"{LIST}/{RUN}/posture.json")

    assert 503 == answer.status_code
    assert b"root:" not in answer.content


async def test_a_root_that_is_not_there_is_empty():
    """Before anything was recorded the list is empty and intact."""
    answer = (await PaperControl().ask(LIST)).json()

    assert ([], 0, True) == (answer["runs"], answer["total"], answer["verification"]["intact"])


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "audit_artifacts/ops_runs/a\0b/run.json"])
async def test_a_ledger_that_names_what_is_no_artifact_gives_nothing(recorded, path):
    """Whatever the ledger holds, the answer is a clear refusal, and no failure of ours."""
    forge(recorded.root, path)
    listed = await recorded.ask(LIST)
    shown = await recorded.ask(f"{LIST}/{quote(path, safe='/')}")

    assert (200, False) == (listed.status_code, listed.json()["verification"]["intact"])
    assert 400 <= shown.status_code < 500 or 503 == shown.status_code
    assert "application/problem+json" in shown.headers["content-type"]


@pytest.mark.parametrize(
    "where", ["artifacts/a%00b", "artifacts/%0A", "agents/%00", "runbooks/%00", "artifacts?job=%00"]
)
async def test_a_control_character_in_a_url_is_refused(recorded, where):
    """It is the asker's fault, by name, whatever the route makes of it."""
    answer = await recorded.ask(f"/api/v1/{where}")

    assert (400, "bad_url") == (answer.status_code, answer.json()["code"])
