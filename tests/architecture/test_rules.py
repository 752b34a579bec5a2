"""Architecture: every rule of `docs/semantics.md` is tested, and every citation leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEMANTICS = ROOT / "docs" / "semantics.md"
HERE = Path(__file__).parent
RULE = re.compile(r"\bR\d+\.\d+\b")
CITED = re.compile(r"\bdocs/([a-z_]+\.md)(?:#([\w.]*\w))?")
ELSEWHERE = re.compile(
    r"\bsemantics,? section|\bthe semantics\b|\binterface\.md|\bhouse rule|\bthe facts\b"
    r"|\bfacts[,;] (?:section )?\(?[a-z]\)|\bplaybook \(|\bfinding [A-H]\d"
)
"""What cites a document that this repository does not hold."""
WRITTEN = [
    p
    for folder in ("mission_control", "ops_ui", "tests", "scripts", "deploy", "runbooks", "docs")
    for p in sorted((ROOT / folder).rglob("*"))
    if p.suffix in {".py", ".md", ".html", ".yaml", ".css"} and HERE not in p.parents
]


def rules() -> list[str]:
    """Return the ID of every rule, in the order of the page."""
    return re.findall(
        r'^- <a id="(R\d+\.\d+)"></a>\*\*\1\*\* \S', SEMANTICS.read_text(), re.MULTILINE
    )


def named_by(paths: list[Path]) -> set[str]:
    """Return the IDs of rules that these files name."""
    return {rule for path in paths for rule in RULE.findall(path.read_text())}


def test_rules_are_numbered_in_order():
    """Each section counts its rules from 1 (the law from 0.1), without a hole or a repetition."""
    sections = [tuple(map(int, rule[1:].split("."))) for rule in rules()]
    counted = {s: [n for section, n in sections if section == s] for s, _ in sections}

    assert sorted(sections) == sections
    assert {s: list(range(1, len(c) + 1)) for s, c in counted.items()} == counted


def test_every_rule_is_named_by_a_test():
    """A rule that no test names may be broken unseen."""
    tests = [p for p in WRITTEN if p.name.startswith("test_")]

    assert [] == sorted(set(rules()) - named_by(tests))


def test_no_rule_is_named_that_is_not_there():
    """A rule's ID in code, tests or documents is one of the page."""
    assert [] == sorted(named_by(WRITTEN) - set(rules()))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_citations_lead_somewhere(path):
    """What a file cites is in the repository, down to the section."""
    text = path.read_text()
    dangling = [
        f"docs/{name}#{anchor}"
        for name, anchor in CITED.findall(text)
        if not (ROOT / "docs" / name).is_file()
        or (anchor and f'<a id="{anchor}">' not in (ROOT / "docs" / name).read_text())
    ]

    assert [] == dangling
    assert [] == ELSEWHERE.findall(text)
