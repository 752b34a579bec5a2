"""API: which representations an answer has: as the OpenAPI document tells, and as is asked for."""

from collections.abc import Mapping, Sequence

from litestar.openapi.datastructures import ResponseSpec

from mission_control.api.answers import HTML, JSON, MARKDOWN, PLAIN, AnyRequest, header_of
from mission_control.api.negotiation import choose
from mission_control.api.problems import VARIES, Problem
from mission_control.present.problem_document import PROBLEM_JSON, ProblemDetails

REPORT = (MARKDOWN, PLAIN, JSON)
"""A report is Markdown unless JSON is strictly preferred; as plain text it is the same bytes."""
SUFFIXES: Mapping[str, str] = {".md": MARKDOWN, ".json": JSON, ".html": HTML}

VARY = "accept, accept-encoding"
NEGOTIATED: Mapping[str, str] = {VARIES: VARY}
"""Options of a route that has several representations: its problems vary as its answers do."""


def describes(shape: type, description: str, media_type: str = JSON) -> ResponseSpec:
    """Describe an answer by its shape; without invented examples, so that it never varies."""
    return ResponseSpec(
        shape, generate_examples=False, description=description, media_type=media_type
    )


def describes_problem(description: str) -> ResponseSpec:
    """Describe an answer that is problem details."""
    return describes(ProblemDetails, description, PROBLEM_JSON)


NONE_ACCEPTED = describes_problem("Accept rules out every representation")


def representation(request: AnyRequest, offers: Sequence[str], unnamed: str = "") -> str:
    """
    Say as what to answer: as the suffix of the path says, else as the client likes best.

    Of what it likes equally well the first offer is given. `unnamed` is given instead to a client
    that names nothing at all. Raises the problem that it accepts none of them.
    """
    suffix = request.url.path.rpartition("/")[2].rpartition(".")
    by_suffix = SUFFIXES.get(f".{suffix[2]}") if suffix[1] else None
    if by_suffix is not None and by_suffix in offers:
        return by_suffix
    chosen = choose(header_of(request, "accept"), offers)
    if chosen.media_type is None:
        title = "None of what can be given is accepted"
        raise Problem(406, "not_acceptable", title, f"this is given as {', '.join(offers)}")
    return chosen.media_type if chosen.named or not unnamed else unnamed
