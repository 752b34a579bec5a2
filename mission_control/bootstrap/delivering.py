"""Settings become the channels that alerts go to, and what delivers to them."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mission_control.alerts.deliver.decide import is_first
from mission_control.alerts.deliver.http_channels import AlertmanagerSender, Sender, WebhookSender
from mission_control.alerts.deliver.model import (
    PACE,
    Channel,
    ChannelKind,
    Origin,
    Pace,
    TwinHeard,
)
from mission_control.alerts.deliver.notify import (
    NotifySender,
    is_installed,
    is_understood,
    notify_channel,
)
from mission_control.alerts.deliver.posting import Address
from mission_control.alerts.deliver.run import AlertDelivery, Timing
from mission_control.alerts.store import AlertStore
from mission_control.configuration.addresses import origin_of
from mission_control.configuration.declared_settings import SETTINGS_BY_NAME, host_name
from mission_control.configuration.settings import Settings
from mission_control.errors import ConfigurationError
from mission_control.model.clock import Clock

MOST_FILE_BYTES = 64 * 1024
MOST_NOTIFY_URLS = 64
LEAST_KEY_BYTES = 16
ALERTS_PATH = "/api/v2/alerts"


def alert_origin(settings: Settings, label: str = "") -> Origin:
    """Return as whom alerts are told."""
    here = f"http://{host_name(settings.host)}:{settings.ui_port}"
    return Origin(settings.namespace, settings.replica, settings.public_url or here, label)


def alert_senders(
    settings: Settings, clock: Clock, label: str = "", pace: Pace = PACE
) -> tuple[Sender, ...]:
    """
    Return what tells each configured channel; nothing is connected before it is needed.

    Raises ConfigurationError for a file of keys or addresses that cannot be used.
    """
    origin = alert_origin(settings, label)
    senders = list[Sender]()
    if settings.alertmanager_url:
        url = settings.alertmanager_url + ALERTS_PATH
        channel = Channel("alertmanager", ChannelKind.ALERTMANAGER, url)
        senders.append(AlertmanagerSender(Address(channel, url), origin, clock, pace))
    if settings.alert_webhook_url and settings.alert_webhook_secret_file:
        shown = origin_of(settings.alert_webhook_url)
        address = Address(
            Channel("webhook", ChannelKind.WEBHOOK, shown), settings.alert_webhook_url
        )
        key = _read_key(settings.alert_webhook_secret_file)
        senders.append(WebhookSender(address, origin, clock, key))
    if settings.alert_notify_urls_file:
        urls = _read_notify_urls(settings.alert_notify_urls_file)
        senders += [NotifySender(notify_channel(url), url, origin) for url in urls]
    return tuple(senders)


def heartbeat(settings: Settings) -> Address | None:
    """Return the dead-man's switch that is told that we live; None where none is configured."""
    url = settings.alert_heartbeat_url
    if url is None:
        return None
    return Address(Channel("heartbeat", ChannelKind.HEARTBEAT, origin_of(url), "GET"), url)


def alert_delivery(
    settings: Settings,
    store: AlertStore,
    clock: Clock,
    beats: Callable[[], bool],
    label: str = "",
) -> AlertDelivery:
    """Connect what delivers; `beats` says whether the deciding loop does."""
    timing = Timing(clock, time.monotonic, random.random)
    senders = alert_senders(settings, clock, label)
    other = settings.fleet.twin
    twin = TwinHeard(is_first(settings.replica, other)) if other else None
    return AlertDelivery(senders, store, timing, beats, heartbeat(settings), twin)


def _read_key(path: Path) -> bytes:
    """Read the webhook's key; white space around it is none of it."""
    key = _read(path, "alert_webhook_secret_file").strip()
    if len(key) < LEAST_KEY_BYTES:
        problem = f"the key is shorter than {LEAST_KEY_BYTES} bytes"
        remedy = "make one with: openssl rand -hex 32"
        raise ConfigurationError(problem, where=str(path), remedy=remedy)
    return key


def _read_notify_urls(path: Path) -> Sequence[str]:
    """Read apprise's URLs, one a line; what is wrong is named by its line, never repeated."""
    if not is_installed():
        where = SETTINGS_BY_NAME["alert_notify_urls_file"].variable
        remedy = "pip install 'mission-control[notify]', or take the setting out"
        raise ConfigurationError(
            "needs apprise, which is not installed", where=where, remedy=remedy
        )
    found = dict[str, int]()
    content = _read(path, "alert_notify_urls_file").decode(errors="replace")
    for number, line in enumerate(content.splitlines(), 1):
        url = line.strip()
        if not url or url.startswith("#"):
            continue
        if not is_understood(url):
            remedy = "write one URL as apprise has it, such as slack://..., or begin with #"
            raise ConfigurationError(
                "is no address that apprise knows", where=f"{path}:{number}", remedy=remedy
            )
        found.setdefault(url, number)
    if not 0 < len(found) <= MOST_NOTIFY_URLS:
        problem = f"holds {len(found)} addresses"
        raise ConfigurationError(problem, where=str(path), remedy=f"list 1 to {MOST_NOTIFY_URLS}")
    return tuple(found)


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        remedy = f"let this user read it, or change {SETTINGS_BY_NAME[name].variable}"
        raise ConfigurationError(problem, where=str(path), remedy=remedy) from error
    if len(content) > MOST_FILE_BYTES:
        remedy = "name the right file"
        raise ConfigurationError("is too long to be one", where=str(path), remedy=remedy)
    return content
