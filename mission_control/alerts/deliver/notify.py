"""Mail, chat and pager services through apprise, which comes with the extra `[notify]`."""

import asyncio
import hashlib
import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mission_control.alerts.deliver.model import (
    Answer,
    Answers,
    Channel,
    ChannelKind,
    Message,
    Origin,
    Reached,
)
from mission_control.alerts.deliver.present import notify_body, notify_title
from mission_control.alerts.model import AlertState
from mission_control.model.finding import Severity
from mission_control.processes.own_process import DaemonWork
from mission_control.redaction.redact import MASK, excerpt, redact_text

if TYPE_CHECKING:
    from apprise import NotifyBase

DEADLINE_SECONDS = 20.0
MOST_TEXT = 300
MOST_THREADS = 8
_SCHEME = re.compile(r"[a-z0-9]{1,32}")


def notify_channel(url: str) -> Channel:
    """
    Return the channel of one of apprise's URLs, named by its kind and a digest of the whole.

    The URL is a secret; its name stays the same wherever it stands in the file.
    """
    scheme = url.partition("://")[0].casefold()
    kind = scheme if _SCHEME.fullmatch(scheme) else "unknown"
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return Channel(f"notify:{kind}:{digest}", ChannelKind.NOTIFY, f"{kind}://{MASK}")


def is_installed() -> bool:
    """Return whether apprise can be imported."""
    return find_spec("apprise") is not None


def is_understood(url: str) -> bool:
    """Return whether apprise knows what to do with a URL."""
    return _plugin(url) is not None


def _plugin(url: str) -> "NotifyBase | None":
    """
    Make what tells one URL: it keeps nothing on disk, and follows no redirect.

    What apprise logs may name parts of the URL; it is taken from its answers, and masked.
    """
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415  (an extra, which takes long)

    said = logging.getLogger("apprise")
    said.propagate = False
    if not said.handlers:
        said.addHandler(logging.NullHandler())

    asset = AppriseAsset(app_id="Mission Control", app_desc="Mission Control", http_redirects=False)
    return Apprise.instantiate(url, asset=asset)  # pyright: ignore[reportUnknownMemberType]


@dataclass(frozen=True, slots=True)
class NotifySender:
    """
    Tells one of apprise's URLs, in a thread of its own, which may hang.

    Apprise speaks with the service itself: beside Alertmanager and the webhook it is the one thing
    that is not guarded by us request for request. It gets one URL, and tells nothing else.
    """

    channel: Channel
    url: str = field(repr=False)
    origin: Origin
    deadline_seconds: float = DEADLINE_SECONDS
    _sent: Counter[str] = field(default_factory=Counter[str])
    _work: DaemonWork[str, Answer] = field(
        default_factory=partial(DaemonWork[str, Answer], "notify", MOST_THREADS)
    )

    @property
    def reached(self) -> Reached:
        """Return how many messages were handed to apprise."""
        return Reached(self.channel, dict(self._sent))

    async def send(self, message: Message) -> Answers:
        """Hand one message to apprise, and return what it says within the deadline."""
        title, body = notify_title(message, self.origin), notify_body(message, self.origin)
        key = f"{title}\n{body}"
        if not self._work.is_under_way(key):
            self._sent["POST"] += 1
        work = partial(self._tell, title, body, _kind_of(message))
        try:
            async with asyncio.timeout(self.deadline_seconds):
                answer = await asyncio.shield(self._work.ask(key, work))
        except TimeoutError:
            text = f"no answer within {self.deadline_seconds:g} s"
            answer = Answer(delivered=False, text=text)
        return {alert.fingerprint: answer for alert in message.alerts}

    def _tell(self, title: str, body: str, kind: str) -> Answer:
        from apprise import Apprise, NotifyType  # noqa: PLC0415  (an extra, which takes long)

        plugin = _plugin(self.url)
        if plugin is None:
            return Answer(delivered=False, text="apprise does not know this kind of address")
        told = Apprise()
        told.add(plugin)  # pyright: ignore[reportUnknownMemberType]
        result = told.notify(  # pyright: ignore[reportUnknownMemberType]
            body=body,
            title=title,
            notify_type=NotifyType(kind),
            timeout=self.deadline_seconds,
        )
        said = [entry.message for entry in result.logs()]
        text = self._hide(" ".join([result.status.name, *said[-2:]]))
        return Answer(delivered=bool(result), text=text)

    def _hide(self, text: str) -> str:
        """Return a text without any part of the URL, which is a secret."""
        for part in sorted(re.split(r"[/?&=@:]+", self.url), key=len, reverse=True):
            if len(part) >= 6:  # noqa: PLR2004  (shorter is no secret, but a word)
                text = text.replace(part, MASK)
        return redact_text(excerpt(text.encode()))[:MOST_TEXT]

    async def aclose(self) -> None:
        """Nothing is kept open."""


def _kind_of(message: Message) -> str:
    """Return apprise's word for how bad it is; it chooses colour and picture."""
    if message.state is AlertState.RESOLVED:
        return "success"
    bad = message.severity in {Severity.P0, Severity.P1}
    return "failure" if bad else "warning"
