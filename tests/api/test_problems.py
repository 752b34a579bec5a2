"""Problem details: their members, their type, and their label."""

import orjson

from mission_control.api.problems import problem_bytes


def test_a_problem_is_stable():
    """A problem has the members of RFC 9457 and a code; path and label only when there are any."""
    text = ("not_found", "Nothing here", "look elsewhere")
    bare = orjson.loads(problem_bytes(404, *text, path="", label=""))
    full = orjson.loads(problem_bytes(404, *text, path="/a", label="DEMO"))

    assert {"type", "title", "status", "detail", "code"} == set(bare)
    assert "urn:mission-control:problem:not_found" == bare["type"]
    assert ("/a", "DEMO") == (full["instance"], full["label"])
