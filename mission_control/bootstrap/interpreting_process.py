"""The process that reads long answers in which there may be secrets."""

from typing import TYPE_CHECKING, cast

from mission_control.log_records import configure_logging
from mission_control.processes.child_process import Answerer, run_child
from mission_control.processes.model import Answered

if TYPE_CHECKING:
    from mission_control.probe.received import Reading


def prepare(setup: object) -> Answerer:
    """Set up the log, whose format is all there is to know, and return what reads an answer."""
    configure_logging(cast("str", setup))

    async def answer(what: object) -> Answered:
        return Answered(cast("Reading", what)())

    return answer


if __name__ == "__main__":
    run_child(prepare)
