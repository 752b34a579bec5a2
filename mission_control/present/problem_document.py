"""Present: an error as RFC 9457 problem details."""

from typing import NotRequired, TypedDict

PROBLEM_JSON = "application/problem+json"


class ProblemDetails(TypedDict):
    """What went wrong: `code` is stable, `title` says what it means, `detail` what happened."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: NotRequired[str]
    label: NotRequired[str]


def problem_document(
    status: int, code: str, title: str, detail: str, *, instance: str = "", label: str = ""
) -> ProblemDetails:
    """Give the problem; `type` is an identifier to compare, not an address to fetch."""
    document: ProblemDetails = {
        "type": f"urn:mission-control:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if instance:
        document["instance"] = instance
    if label:
        document["label"] = label
    return document
