"""Slow rendering: no text, however it is made, holds up the process that serves the pages."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from ops_ui.rendering import AT_ONCE, Renderer
from ops_ui.shown_file import MAX_RENDERED, NOT_IN_TIME, TOO_LONG, show_file, show_plainly

pytestmark = pytest.mark.anyio

NESTED = b"# Nested\n\n" + b"[" * (MAX_RENDERED - 100)
TABLE = b"|a|b|\n|-|-|\n" + b"|x|<b>y</b>|\n" * 50_000
PATIENCE = 60.0


def children():
    """Count the processes that we started and that are there still."""
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return len(own.read_text().split())


def test_a_short_markdown_text_is_rendered():
    """Headings and tables are HTML; HTML of its own stays text."""
    shown = show_file("a.md", b"# A\n\n|a|\n|-|\n|<b>x</b>|\n")

    assert "<h1>A</h1>" in shown.html
    assert "<b>x" not in shown.html
    assert "" == shown.note


def test_a_long_markdown_text_is_shown_as_it_was_written():
    """Above 64 KiB nothing is rendered, and the page says so."""
    shown = show_file("a.md", TABLE)

    assert ("", TOO_LONG) == (shown.html, shown.note)
    assert shown.text.startswith("|a|b|")
    assert shown.cut


@pytest.mark.parametrize("odd", ["\u202e", "\u200b", "\x1b", "\xa0", "\xad", "\u2066", "\ufeff"])
def test_what_could_hide_is_made_visible(odd):
    """Characters that reorder a page, or hide in it, are replaced in every text."""
    content = f"a{odd}b\n\tc é 漢".encode()

    for shown in (show_file("a.txt", content), show_plainly("a.txt", content)):
        assert "a\N{REPLACEMENT CHARACTER}b\n\tc é 漢" == shown.text


async def test_a_text_is_rendered_by_another_process_and_once():
    """Twenty readers of one page have it rendered once; later ones are given the same."""
    renderer = Renderer(PATIENCE)
    text = b"# A\n\n" + b"word " * 1000

    shown = await asyncio.gather(*(renderer.show("a.md", text) for _ in range(20)))

    assert "<h1>A</h1>" in shown[0].html
    assert all(each is shown[0] for each in shown)
    assert shown[0] is await renderer.show("a.md", text)


async def test_what_takes_too_long_is_shown_as_it_was_written():
    """At the deadline its process is killed, the text is shown plainly, and the loop ran on."""
    renderer = Renderer(seconds=0.2)
    before = children()
    beats = 0

    async def beat():
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    shown = await renderer.show("hurt.md", NESTED)
    beating.cancel()

    assert ("", NOT_IN_TIME) == (shown.html, shown.note)
    assert shown.text.startswith("# Nested")
    assert beats > 100
    assert before == children()


async def test_hostile_texts_do_not_keep_others_from_being_shown():
    """While every place is taken the next text waits no longer than its deadline."""
    renderer = Renderer(seconds=0.5)
    hostile = [renderer.show(f"{n}.md", NESTED + str(n).encode()) for n in range(AT_ONCE * 2)]

    shown = await asyncio.gather(*hostile, renderer.show("plain.txt", b"word " * 1000))

    assert all(each.text for each in shown)


async def test_serving_never_parses_markdown(pages, upstream, monkeypatch):
    """A recorded file's page is made without the pages' own process rendering anything long."""
    path = "audit_artifacts/ops_runs/x/deploy_report.md"
    text = b"# Report\n\n" + b"word " * 1000
    upstream.answers[f"/api/v1/artifacts/{path}"] = httpx.Response(200, content=text)
    here = list[int]()
    parse = "markdown_it.MarkdownIt.render"
    monkeypatch.setattr(parse, lambda *_: here.append(os.getpid()) or "")

    page = await pages.get(f"/artifacts/view/{path}")

    assert "<h1>Report</h1>" in page.text or NOT_IN_TIME in page.text
    assert [] == here


async def test_a_process_that_cannot_be_started_is_no_failure_of_the_page(monkeypatch):
    """Without a Python to start, the text is shown as it was written."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    shown = await Renderer().show("a.md", b"# A\n\n" + b"word " * 1000)

    assert NOT_IN_TIME == shown.note
    assert shown.text.startswith("# A")
