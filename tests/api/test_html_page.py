"""The few pages of the API: nothing in them can act or fetch."""

import pytest

from mission_control.api.documentation_routes import (
    api_page,
    html_page,
    is_harmless_link,
    render_markdown,
)


@pytest.mark.parametrize(
    ("url", "harmless"),
    [
        ("https://example.org/x", True),
        ("HTTP://example.org", True),
        ("/api/v1/posture", True),
        ("CODE.md", True),
        ("#meaning", True),
        ("?a=b:c", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("vbscript:x", False),
        ("file:///etc/passwd", False),
        ("//evil.example", False),
        ("\\\\evil.example", False),
        ("mailto:a@b.example", False),
        ("https:evil", False),
    ],
)
def test_links_are_http_or_relative(url, harmless):
    """A link is http, https or relative to this server; every other scheme is left as text."""
    assert harmless == is_harmless_link(url)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "<javascript:alert(1)>",
        "![a](https://evil.example/x.png)",
        "[a]: javascript:alert(1)\n\n[a]",
        '[a](https://x.example "onmouseover=")',
        "| a |\n|---|\n| <svg onload=alert(1)> |",
        "```\n<script>\n```",
    ],
)
def test_hostile_markdown_is_inert(hostile):
    """Raw HTML, acting links and pictures never become elements or addresses."""
    html = render_markdown(hostile)

    for mark in ("<script", "<img", "<svg", 'href="javascript', "<iframe"):
        assert mark not in html


def test_what_a_runbook_needs_is_rendered():
    """Headings, tables, code and links come out as such."""
    html = render_markdown("# A\n\n| a |\n|---|\n| b |\n\n`c` [d](E.md)")

    for mark in ("<h1>A</h1>", "<table>", "<code>c</code>", '<a href="E.md">d</a>'):
        assert mark in html


def test_titles_are_escaped():
    """A title or label is text, whatever it holds."""
    page = html_page("<b>", "<p>x</p>", "<i>")

    assert "<title>&lt;i&gt; · &lt;b&gt;</title>" in page
    assert "<strong>&lt;i&gt;</strong>" in page
    assert "<p>x</p>" in page


def test_without_a_label_there_is_no_banner():
    """A page without a label has its bare title."""
    page = html_page("A", "x")

    assert "<title>A</title>" in page
    assert "<strong>" not in page


def test_the_api_as_a_table():
    """Paths are sorted, with their summaries, escaped; a path without GET has none."""
    schema = {
        "info": {"title": "T", "version": "1"},
        "paths": {"/b": {"get": {"summary": "<b>"}}, "/a": {}},
    }

    page = api_page(schema)

    assert page.index("<code>/a</code>") < page.index("<code>/b</code>")
    assert "<td>&lt;b&gt;</td>" in page
    assert "<title>T 1</title>" in page
