"""Runbooks: every code has a page, and no page tells anybody to change anything."""

import re
import shlex
from pathlib import Path

import pytest

from mission_control.decide.catalogue import CATALOGUE, explain, runbook_code
from mission_control.model import codes
from mission_control.model.reading import UnseenReason
from mission_control.observe.runbook_library import RunbookLibrary

FOLDER = Path(__file__).parents[2] / "runbooks"
PROCEDURES = {"pre_market", "post_market"}
PAGES = sorted(FOLDER.glob("*.md"))
SECTIONS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]
KUBECTL = {"get", "describe", "logs", "top"}
FILTERS = {"jq", "grep", "head", "less", "tail", "sort", "column"}
OURS = {"status", "get", "schedule", "conformance", "doctor", "config", "serve", "demo"}
FENCE = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)


def test_every_code_has_a_page():
    """The pages are those of the catalogue and the two procedures, no more and no fewer."""
    assert set(CATALOGUE) | PROCEDURES == {p.stem for p in PAGES}


def test_every_code_is_catalogued():
    """Every code that readings and decisions use is in the catalogue."""
    used = {v for k, v in vars(codes).items() if k.isupper() and isinstance(v, str)}

    assert used | {r.value for r in UnseenReason} == set(CATALOGUE)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.stem not in PROCEDURES], ids=lambda p: p.stem
)
def test_a_page_has_its_sections(page):
    """A page has its title, its severity and the four sections in their order, and is short."""
    lines = page.read_text().splitlines()

    assert f"# {page.stem}: " in lines[0]
    assert [x for x in lines if x.startswith("## ")] == SECTIONS
    assert [x for x in lines if x.startswith("Severity: ")]
    assert len(lines) <= 80


def is_read_only(command):
    """Tell whether a command line only reads; each part of a pipe has to."""
    if "`" in command or "$(" in command:
        return False
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    parts = [[]]
    for word in words:
        if word == "|":
            parts.append([])
        elif set(word) <= set("();<>|&"):
            return False
        else:
            parts[-1].append(word)
    return all(_reads(part) for part in parts)


def _reads(words):
    if not words:
        return False
    match words[0]:
        case "kubectl":
            rest = words[3:] if words[1:2] == ["-n"] else words[1:]
            return rest[0] in KUBECTL or rest[:2] == ["auth", "can-i"]
        case "curl":
            writes = ("-X", "--request", "-d", "--data", "-T", "-F", "-o", "--json", "--output")
            return not any(w.startswith(writes) for w in words[1:])
        case "mission-control":
            return next((w for w in words[1:] if not w.startswith("-")), "") in OURS
        case tool:
            return tool in FILTERS


def commands(page):
    """List the command lines in a page's fenced blocks."""
    for block in FENCE.findall(page.read_text()):
        for line in block.splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_command_only_reads(page):
    """Every command of a page only reads, and each diagnosis has one."""
    told = list(commands(page))

    assert told
    assert [] == [c for c in told if not is_read_only(c)]


@pytest.mark.parametrize(
    "command",
    [
        "kubectl apply -f x",
        "kubectl -n trading-floor scale deploy/x --replicas=0",
        "kubectl exec pod -- sh",
        "kubectl patch configmap x",
        "kubectl rollout restart deploy/x",
        "curl -X POST http://x",
        "curl -d a=b http://x",
        "curl -sS http://x -o file",
        "echo 1 > /etc/x",
        "kubectl get pods; kubectl delete pod x",
        "kubectl get pods | xargs kubectl delete",
        "git tag v1",
        "rm -rf x",
    ],
)
def test_the_check_catches_what_acts(command):
    """The check refuses every command that could change something."""
    assert not is_read_only(command)


@pytest.mark.parametrize(
    ("code", "page"),
    [("HTTP_503", "HTTP_STATUS"), ("TIMEOUT", "TIMEOUT"), ("NEVER_HEARD", "UNLISTED_REASON")],
)
def test_every_code_leads_to_a_page(code, page):
    """Shared and unknown codes are led to the page that explains them."""
    assert page == runbook_code(code) == explain(code).code
    found = RunbookLibrary(FOLDER).read(code)
    assert found is not None
    assert page == found.code


def test_the_library_stays_in_its_folder(tmp_path):
    """No code leads out of the folder, and a page that is not there is None."""
    outside = tmp_path / "secret.md"
    outside.write_text("# outside")
    inside = tmp_path / "runbooks"
    inside.mkdir()
    (inside / "LINK.md").symlink_to(outside)
    library = RunbookLibrary(inside)

    asked = ["../secret", "LINK", "..%2fsecret", "", "a" * 100, "secret\n"]
    assert [None] * len(asked) == [library.read(code) for code in asked]
    assert () == tuple(RunbookLibrary(tmp_path / "none").codes())
    assert sorted(CATALOGUE) == [c for c in RunbookLibrary(FOLDER).codes() if c not in PROCEDURES]
