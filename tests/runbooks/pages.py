"""Runbooks: the pages as tests read them, through the parser that renders them."""

from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = Path(__file__).parents[2] / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))
PROCEDURES = frozenset({"pre_market", "post_market", "lkg_restore"})
REASONS = [page for page in PAGES if page.stem not in PROCEDURES]
TOOLS = ("mission-control ", "kubectl ", "curl ", "git ", "gcloud ", "docker ", "sudo ", "helm ")


def tokens(page: Path) -> Iterator[Token]:
    """Yield every token of a page, those inside of others too."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        yield token
        yield from token.children or ()


def commands(page: Path) -> list[str]:
    """List every command of a page: each line of a block, and commands inside sentences."""
    told: list[str] = []
    for token in tokens(page):
        if token.type in {"fence", "code_block"}:
            lines = (line.strip() for line in token.content.splitlines())
            told.extend(line for line in lines if line and not line.startswith("#"))
        elif token.type == "code_inline" and token.content.startswith(TOOLS):
            told.append(token.content)
    return told


def human_commands(page: Path) -> list[str]:
    """List the commands in blocks that say that a human types them."""
    blocks = [t.content for t in tokens(page) if t.type == "fence" and t.info.strip() == "human"]
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def links(page: Path) -> list[str]:
    """List where a page's links lead."""
    return [str(t.attrGet("href")) for t in tokens(page) if t.type == "link_open"]
