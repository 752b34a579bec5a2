"""The read-only proof of what is posted, made by trying on the guards in use."""

import pytest

from mission_control.alerts.deliver.model import Message
from mission_control.alerts.deliver.notify import NotifySender, notify_channel
from mission_control.alerts.model import AlertState
from mission_control.read_only.proof import Attestation
from tests.alertmanager import receiving
from tests.alerts_delivery.channels import delivery, opened, to_webhook
from tests.alerts_delivery.values import ORIGIN, alert


@pytest.mark.anyio
async def test_every_channel_is_named_and_tried(tmp_path):
    """It lists address, what left, and what was refused; no secret of an address (R15.5)."""
    with receiving() as hook:
        sender = to_webhook(hook.url("/secret-of-the-hook"))
        url = "slack://secret-of-slack/B/C"
        made = delivery(
            [sender, NotifySender(notify_channel(url), url, ORIGIN)],
            opened(tmp_path),
            heartbeat=hook.url("/secret-of-the-ping"),
        )
        await sender.send(Message(AlertState.FIRING, (alert(),)))
        facts = await Attestation(tuple, "none", deliveries=made.reached).facts()
        await sender.aclose()
        one = len(hook.told)

    webhook, notify, ping = facts.deliveries
    assert (("POST", 1),) == webhook.sent
    assert 10 == len(webhook.refused) == len(ping.refused)
    assert all(refused for each in (webhook, ping) for _, refused in each.refused)
    assert () == notify.refused
    assert ("GET", "POST") == (ping.method, webhook.method)
    assert "secret" not in str(facts)
    assert 1 == one  # trying reached nothing
    assert all(each.proven for each in facts.deliveries)
