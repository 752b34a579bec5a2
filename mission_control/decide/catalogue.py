"""Decide: what each reason code means, and which runbook explains it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mission_control.decide.catalogue_entries import ENTRIES
from mission_control.model import codes
from mission_control.model.finding import Severity

_HTTP_CODE = re.compile(r"HTTP_[0-9]{3}")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One code: a plain title, one sentence of meaning, and how bad it usually is."""

    code: str
    title: str
    meaning: str
    usual_severity: Severity


CATALOGUE: Mapping[str, CatalogueEntry] = {
    code: CatalogueEntry(code, title, meaning, Severity(severity))
    for code, severity, title, meaning in ENTRIES
}


def runbook_code(code: str) -> str:
    """
    Name the runbook that explains a code.

    `HTTP_503` and its like share one page; a code nobody knows is explained as such.
    """
    if _HTTP_CODE.fullmatch(code):
        return codes.HTTP_STATUS
    return code if code in CATALOGUE else codes.UNLISTED_REASON


def explain(code: str) -> CatalogueEntry:
    """Give the catalogue's entry for a code, any code."""
    return CATALOGUE[runbook_code(code)]
