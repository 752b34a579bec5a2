"""API: how an answer is described in the OpenAPI document."""

from litestar.openapi.datastructures import ResponseSpec

from mission_control.api.answers import JSON
from mission_control.present.problem_document import PROBLEM_JSON, ProblemDetails


def describes(shape: type, description: str, media_type: str = JSON) -> ResponseSpec:
    """Describe an answer by its shape; without invented examples, so that it never varies."""
    return ResponseSpec(
        shape, generate_examples=False, description=description, media_type=media_type
    )


def describes_problem(description: str) -> ResponseSpec:
    """Describe an answer that is problem details."""
    return describes(ProblemDetails, description, PROBLEM_JSON)
