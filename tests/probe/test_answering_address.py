"""Decide: whether a service answers from an address that is news."""

from datetime import UTC, datetime, timedelta

from mission_control.model.reading import Addresses, Exchange, Unseen, UnseenReason
from mission_control.probe.decide import MOST_KNOWN, note_addresses

NOW = datetime(2026, 11, 18, 15, 15, tzinfo=UTC)


def answers(*peers):
    """Return readings that these addresses answered."""
    return [
        Unseen(UnseenReason.HTTP_STATUS, NOW, exchange=Exchange(500, peer=peer)) for peer in peers
    ]


def test_the_first_addresses_are_no_news():
    """From where a service answers at first is known from then on, and not told."""
    noted = note_addresses(Addresses(), answers("b:1", "a:1"), NOW)

    assert Addresses(("a:1", "b:1")) == noted


def test_an_address_that_is_known_changes_nothing():
    """The very same value is given where nothing is new, also where nothing answered."""
    known = Addresses(("a:1", "b:1"))
    silent = [Unseen(UnseenReason.TIMEOUT, NOW, exchange=Exchange(peer="c:1"))]

    assert known is note_addresses(known, answers("b:1"), NOW)
    assert known is note_addresses(known, silent, NOW)
    assert known is note_addresses(known, [Unseen(UnseenReason.TIMEOUT, NOW)], NOW)


def test_a_new_address_is_told_at_once():
    """An address that did not answer before is added and told."""
    noted = note_addresses(Addresses(("a:1",)), answers("b:1"), NOW)

    assert Addresses(("a:1", "b:1"), ("b:1",), NOW) == noted


def test_new_addresses_are_told_once_an_hour():
    """Within the hour others wait; those that answer after it are told then."""
    first = note_addresses(Addresses(("a:1",)), answers("b:1"), NOW)
    within = note_addresses(first, answers("c:1"), NOW + timedelta(minutes=59))
    after = note_addresses(within, answers("d:1"), NOW + timedelta(minutes=60))

    assert first is within
    assert (("d:1",), NOW + timedelta(minutes=60)) == (after.added, after.told_at)
    assert ("a:1", "b:1", "d:1") == after.known


def test_a_clock_that_stepped_back_silences_nothing():
    """An address that was told in the future holds no other back."""
    told = Addresses(("a:1",), ("a:1",), NOW + timedelta(minutes=5))

    assert ("b:1",) == note_addresses(told, answers("b:1"), NOW).added


def test_no_more_addresses_are_known_than_a_service_has():
    """The oldest are forgotten where a service answers from ever new ones."""
    known, now = Addresses(), NOW
    for n in range(MOST_KNOWN + 10):
        known = note_addresses(known, answers(f"a{n:03}:1"), now)
        now += timedelta(hours=1)

    assert MOST_KNOWN == len(known.known)
    assert "a073:1" == known.known[-1]
