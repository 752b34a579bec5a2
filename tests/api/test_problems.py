"""Problem details: their members, their type, and their label."""

import orjson

from mission_control.api.problems import Problem, problem_bytes


def test_a_problem_is_stable():
    """A problem has the members of RFC 9457 and a code; path and label only when there are any."""
    problem = Problem(404, "not_found", "Nothing here", "look elsewhere")
    bare = orjson.loads(problem_bytes(problem, "", ""))
    full = orjson.loads(problem_bytes(problem, "/a", "DEMO"))

    assert {"type", "title", "status", "detail", "code"} == set(bare)
    assert "urn:mission-control:problem:not_found" == bare["type"]
    assert ("/a", "DEMO") == (full["instance"], full["label"])
