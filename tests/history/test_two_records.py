"""History: two that watch one floor keep their histories apart, in one database or in two."""

from sqlalchemy import text

from mission_control.history.database import open_engine
from tests.history.starting import serve_once, serving, wait_until


def of_its_own(root, url, replica):
    """Return the history of a replica: a schema of its own where both share a database."""
    if url is None:
        return None
    engine = open_engine(root, url)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {replica}"))
    engine.dispose()
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{replica}"


def test_two_records_never_mix(tmp_path, database_url):
    """Each goes on with its own; what is the other's is named and not written to (R14.1)."""
    roots = [tmp_path / name for name in ("mc_a", "mc_b")]
    for root in roots:
        root.mkdir()
    urls = [of_its_own(root, database_url, root.name) for root in roots]
    apart = [serve_once(root, url) for _ in range(2) for root, url in zip(roots, urls, strict=True)]

    assert ["", "", "", ""] == apart
    if database_url is not None:
        with serving(roots[0], urls[1]) as mixed:
            wait_until(lambda: "belongs to another record" in mixed.writer.withheld())
        assert "" == serve_once(roots[1], urls[1])
