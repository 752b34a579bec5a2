"""How far a service keeps the status contract, for people and for programs."""

from collections.abc import Iterator
from datetime import UTC

from mission_control.conformance.model import ConformanceReport, Deviation, EndpointOutcome, Gravity
from mission_control.contract.model.shapes import clean_text
from mission_control.documents.document import document


def conformance_as_dict(report: ConformanceReport, subject: str) -> dict[str, object]:
    """Return a report as values that JSON can hold; `subject` is the address that was asked."""
    return {
        "subject": subject,
        "at": report.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "conforms": report.conforms,
        "violations": len(report.violations),
        "advice": len(report.advice),
        "endpoints": [
            document(e, "took")
            | {"took_ms": round(e.took * 1000), "excerpt": clean_text(e.excerpt)}
            for e in report.endpoints
        ],
        "deviations": [document(d) | {"found": clean_text(d.found)} for d in report.deviations],
    }


def conformance_lines(report: ConformanceReport, subject: str) -> list[str]:
    """
    Return a report as plain lines: the verdict, what each endpoint brought, each deviation.

    Nothing that a service said can act on the terminal that shows it.
    """
    lines = [f"{subject}: {_verdict(report)}", ""]
    width = max((len(endpoint.path) for endpoint in report.endpoints), default=0)
    for endpoint in report.endpoints:
        lines.extend(_endpoint_lines(endpoint, width))
    for deviation in report.deviations:
        lines.extend(("", *_deviation_lines(deviation)))
    return [clean_text(line).rstrip() for line in lines]


def _verdict(report: ConformanceReport) -> str:
    violations, advice = len(report.violations), len(report.advice)
    noun = "violation" if violations == 1 else "violations"
    counts = f"{violations} {noun}, {advice} worth putting right"
    if not report.conforms:
        return f"DEVIATES from the status contract ({counts})"
    return f"CONFORMS to the status contract ({counts})"


def _endpoint_lines(endpoint: EndpointOutcome, width: int) -> Iterator[str]:
    status = "" if endpoint.http_status is None else f" HTTP {endpoint.http_status}"
    took = f"{endpoint.took * 1000:.0f} ms"
    yield f"  {endpoint.path:{width}}  {endpoint.outcome}{status}, {took}"
    if endpoint.excerpt:
        yield f"  {'':{width}}  answered: {endpoint.excerpt}"


def _deviation_lines(deviation: Deviation) -> Iterator[str]:
    word = "VIOLATION" if deviation.gravity is Gravity.VIOLATION else "ADVICE"
    if deviation.sev0:
        word = f"SEV-0 {word}"
    place = f"{deviation.path} {deviation.field}".rstrip()
    yield f"{word}  {place}  ({deviation.rule})"
    yield f"  {deviation.problem}"
    if deviation.found:
        yield f"  found:  {deviation.found}"
    yield f"  remedy: {deviation.remedy}"
