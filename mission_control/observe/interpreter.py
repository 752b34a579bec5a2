"""Observe: where an answer is read: here, or in a process of its own where it would hold us up."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import cast

from mission_control.model.question import Answered, Unanswered
from mission_control.model.reading import EndpointReading, UnseenReason
from mission_control.observe.received import Received
from mission_control.observe.redaction import looks_harmless

READ_HERE = 4 * 1024
"""Bytes of a body that are redacted on the loop: some milliseconds at most."""
SECONDS = 2.0
"""64 KiB take a twentieth of this on an idle machine."""

Reading = partial[EndpointReading]
AskInterpreter = Callable[[Reading, float], Awaitable[Answered | Unanswered]]


def is_costly(received: Received) -> bool:
    """Tell whether reading an answer would hold a loop up: redaction is what costs."""
    return len(received.body) > READ_HERE and not looks_harmless(received.body)


class Interpreter:
    """
    Reads answers; a long one in which there may be secrets is read in another process.

    Where that process does not answer in time, what the answer claims is heard all the same, and
    the rest is withheld: it is not seen, and says why. It never waits longer than two deadlines.
    """

    def __init__(self, ask: AskInterpreter | None = None) -> None:
        """Ask a process through `ask`; without one everything is read here."""
        self._ask = ask

    async def read(self, received: Received, reading: Reading) -> EndpointReading:
        """Give what `reading` gives: `interpret` of what was received, with all that it takes."""
        if self._ask is None or not is_costly(received):
            return reading()
        answer = await self._ask(reading, SECONDS)
        if isinstance(answer, Answered):
            return cast("EndpointReading", answer.value)
        size = f"{len(received.body) / 1024:.0f} KiB"
        detail = f"its answer of {size} was not redacted in time and is withheld: {answer.detail}"
        held = replace(received, refusal=UnseenReason.OWN_STALL, refusal_detail=detail)
        return reading.func(held, *reading.args[1:], **reading.keywords)
