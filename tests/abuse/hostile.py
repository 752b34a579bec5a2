"""Markup where others write, and what of it would be alive on a page."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import orjson

CANARY = "xss7341"
ALIVE = f"{CANARY}()"
"""What a browser would run, were it anything but text."""
SUM = "51387"
"""What a template that evaluates `{{7*7341}}` makes of it."""
TEXTS = (
    f"</script><script>{ALIVE}</script>",
    f"<img src=x onerror={ALIVE}>",
    f'" autofocus onfocus={ALIVE} x="',
    f"' onmouseover='{ALIVE}",
    f"</title></textarea></style><svg/onload={ALIVE}>",
    f"[go](javascript:{ALIVE}) ![x](https://evil.example/{CANARY}.png)",
    f'<a href="javascript:{ALIVE}">{CANARY}</a>',
    f"{{{{7*7341}}}} ${{7*7341}} {{% raw %}}{CANARY}",
    f"`</code></pre><iframe srcdoc='<script>{ALIVE}</script>'>`",
    f"--><meta http-equiv=refresh content='0;url=https://evil.example/{CANARY}'><base href=//evil>",
    f"&#60;script&#62;{ALIVE}&#60;/script&#62;",
    f"\u202e{CANARY}\u2066<b>\x1b[31m\r\nset-cookie: {CANARY}=1\r\n\r\n<html>",
)
ALL = " ".join(TEXTS)

_LOADS = frozenset(
    {"src", "href", "action", "formaction", "data", "poster", "xlink:href", "srcset"}
)
_NEVER = frozenset({"iframe", "object", "embed", "base", "frame", "applet", "form"})
_OURS = re.compile(r"(/(?!/)|\?|#|\.|https?://|[\w.-]+(?:[/?#]|$)|$)")
_CLOSED = re.compile(r"[A-Z0-9_ ]*|\d{4}-.*|[a-z_]{1,24}|/.*|https?://.*|sha256:.*|[0-9a-f]{8,}")
"""What is of a closed set, an instant, an address or a digest: to change it is another fault."""
NAMES = frozenset(
    {"name", "subject", "pod", "owner", "primary", "secondary", "source", "replica", "namespace"}
)


class Page(HTMLParser):
    """Finds what of a page is alive: `found` says each in words, `canaries` counts what is text."""

    def __init__(self, text: str) -> None:
        """Look through a page."""
        super().__init__(convert_charrefs=True)
        self.found = list[str]()
        self.canaries = 0
        self._within = ""
        self.feed(text)
        self.close()
        if SUM in text:
            self.found.append("a template was evaluated")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag and its attributes."""
        self._within = tag
        told = dict(attrs)
        if tag in _NEVER and not (tag == "form" and told.get("method", "get") == "get"):
            self.found.append(f"<{tag}>")
        if tag == "script" and not str(told.get("src") or "").startswith("/static/"):
            self.found.append(f"<script> {told}")
        if tag == "meta" and "url" in str(told.get("content", "")).lower():
            self.found.append(f"<meta> {told}")
        if CANARY in tag:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        self.canaries += CANARY in value
        if name.startswith("on") or CANARY in name:
            self.found.append(f"<{tag} {name}={value[:60]!r}>")
        if name == "style" and CANARY in value:
            self.found.append(f"<{tag} style={value[:60]!r}>")
        if name in _LOADS and _OURS.match(value.strip()) is None:
            self.found.append(f"<{tag} {name}={value[:60]!r}>")
        if name in _LOADS and tag != "a" and CANARY in value and "//" in value:
            self.found.append(f"<{tag} {name}={value[:60]!r}> loads")

    def handle_data(self, data: str) -> None:
        """Count what is text; within a script or a style it would not be."""
        if CANARY in data:
            self.canaries += 1
            if self._within in {"script", "style"}:
                self.found.append(f"in <{self._within}>: {data[:60]!r}")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  (the library's own)
        """Be outside of what ended."""
        self._within = ""


def hostile(value: Any, key: str = "") -> Any:
    """Return a document in which every text that its author chooses is followed by markup."""
    if isinstance(value, dict):
        return {k: hostile(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(each, key) for each in value]
    if isinstance(value, str) and (key in NAMES or _CLOSED.fullmatch(value) is None):
        return value + ALL
    return value


class HostileApi(httpx.AsyncBaseTransport):
    """Another's answers with markup in every text; `changed` counts those it was put into."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        """Change what this one answers."""
        self._inner = inner
        self.changed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and change the answer."""
        answer = await self._inner.handle_async_request(request)
        if "event-stream" in answer.headers.get("content-type", ""):
            return answer
        body = await answer.aread()
        kept = [(k, v) for k, v in answer.headers.raw if k.lower() not in _OF_THE_BODY]
        changed = httpx.ByteStream(self._change(answer, body))
        return httpx.Response(answer.status_code, headers=kept, stream=changed)

    def _change(self, answer: httpx.Response, body: bytes) -> bytes:
        told = answer.headers.get("content-type", "")
        changed = body
        if "json" in told:
            changed = orjson.dumps(hostile(orjson.loads(answer.content)))
        elif told.startswith(("text/markdown", "text/plain")):
            changed = answer.content + "\n\n".join(["", *TEXTS]).encode()
        self.changed += changed != body
        return changed


_OF_THE_BODY = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})


def rows(row: type) -> tuple[Any, ...]:
    """Return the texts as rows of a corpus."""
    return tuple(row(f"hostile-{n}", text) for n, text in enumerate(TEXTS))
