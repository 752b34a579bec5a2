"""Runbooks: every code has a page, and each page is whole, short and true."""

import re
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner

from mission_control.cli.main import cli
from mission_control.model.catalogue import CATALOGUE
from tests.api.paper_floor import PaperControl
from tests.runbooks.pages import FOLDER, PAGES, PROCEDURES, REASONS, commands, links, tokens

SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
FLEET_FILE = FOLDER.parent / "deploy" / "fleets" / "agenttrader.yaml"
OWN_ADDRESS = "127.0.0.1:8080"
LATCHED = ["EXECUTION_EVIDENCE", "FRESHNESS_GATE_FALSE_POSITIVE", "CONTRADICTION"]
LATCHED += ["MARKETDATA_STALE", "MARKETDATA_MISSING", "MODE_UNKNOWN"]


def page_name(page):
    """Name a page by its code."""
    return page.stem


def section(page, heading):
    """Return the text below one heading of a page."""
    _, _, after = page.read_text().partition(f"\n## {heading}\n")
    return after.partition("\n## ")[0].strip()


def fleet():
    """Return the entries of the fleet file that is shipped."""
    return yaml.safe_load(FLEET_FILE.read_text())["agents"]


def test_every_code_has_a_page():
    """The pages are those of the catalogue and the procedures, no more and no fewer."""
    assert set(CATALOGUE) | PROCEDURES == {page.stem for page in PAGES}


@pytest.mark.parametrize("page", REASONS, ids=page_name)
def test_a_page_has_its_sections(page):
    """A page has its four sections in their order, and none of them is empty."""
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)

    assert SECTIONS == headings
    assert all(section(page, heading) for heading in SECTIONS)


@pytest.mark.parametrize("page", REASONS, ids=page_name)
def test_a_page_agrees_with_the_catalogue(page):
    """The title and the usual severity stand on the page as they stand in the catalogue."""
    title, blank, severity, *_ = page.read_text().splitlines()
    entry = CATALOGUE[page.stem]

    assert f"# {entry.code}: {entry.title}" == title
    assert not blank
    assert severity.startswith(f"Severity: {entry.usual_severity.value}")


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_is_short(page):
    """A page fits a terminal and a glance: at most 80 lines of at most 140 characters."""
    lines = page.read_text().splitlines()

    assert len(lines) <= 80
    assert [] == [line for line in lines if len(line) > 140]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_holds_nothing_that_is_not_shown(page):
    """No page holds raw HTML or a picture, which the renderings leave out."""
    kinds = {token.type for token in tokens(page)}

    assert set() == kinds & {"html_block", "html_inline", "image"}


@pytest.mark.parametrize("page", REASONS, ids=page_name)
def test_a_diagnosis_has_a_command(page):
    """There is something to run in every diagnosis."""
    assert [c for c in commands(page) if c in section(page, "Diagnosis")]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_link_leads_to_a_page(page):
    """Every link leads to a page beside it."""
    beside = {f"{other.stem}.md" for other in PAGES}

    assert set() == set(links(page)) - beside


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_names_only_codes_that_are(page):
    """A word that looks like a page's address in the API names a page that is there."""
    named = re.findall(r"/api/v1/runbooks/([A-Za-z0-9_]+)", page.read_text())

    assert set() == set(named) - {p.stem for p in PAGES} - {"CODE"}


def our_commands():
    """List every command of ours on any page, each once."""
    told = (command for page in PAGES for command in commands(page))
    return sorted({c.partition(" | ")[0] for c in told if c.startswith("mission-control ")})


@pytest.mark.parametrize("command", our_commands())
def test_every_command_of_ours_exists(command):
    """The command line knows every command of ours that a page gives, and its flags."""
    words = [word.strip("'") for word in command.split()[1:]]

    result = CliRunner().invoke(cli, [*words, "--help"])

    assert 0 == result.exit_code, result.output


def asked_paths():
    """List every path of our own API that any page mentions, each once."""
    told = "\n".join(page.read_text() for page in PAGES)
    paths = re.findall(r"(?<![\w.-])/api/v1/[A-Za-z0-9_/.-]*[A-Za-z0-9_]", told)
    paths += [
        urlsplit(word).path
        for word in re.findall(rf"http://{OWN_ADDRESS}[^\s'`]*", told)
        if urlsplit(word).path
    ]
    return sorted(set(paths))


@pytest.mark.parametrize("path", asked_paths())
def test_every_path_of_ours_is_served(path):
    """Our API has a route for every path of it that a page mentions."""
    routes = {r.path_format for r in PaperControl().application.litestar.routes}  # pyright: ignore[reportAttributeAccessIssue]
    patterns = [re.sub(r"\{[^}]*\}", "[^/]+", route) for route in routes]

    assert [p for p in patterns if re.fullmatch(p, path)]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_asks_only_whom_the_fleet_lists(page):
    """Every service that a page asks is in the fleet file that is shipped, under that name."""
    told = " ".join(commands(page))
    addresses = {urlsplit(a["service_dns"]).netloc for a in fleet() if "service_dns" in a}
    hosts = {urlsplit(word).netloc for word in re.findall(r"https?://[^\s'\"]+", told)}
    names = set(re.findall(r"/api/v1/agents/([A-Za-z0-9-]+)", told))

    assert set() == hosts - addresses - {OWN_ADDRESS}
    assert set() == names - {agent["agent_name"] for agent in fleet()}


@pytest.mark.parametrize("code", LATCHED)
def test_an_alarm_stays_latched(code):
    """The page of a latched alarm says that silence never clears it, and what ends it."""
    text = " ".join((FOLDER / f"{code}.md").read_text().split())

    assert "silence never clears it" in text.casefold()
    assert "leaves the inventory" in text
