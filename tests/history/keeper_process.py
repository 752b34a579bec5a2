"""A process that keeps history until it is killed, and prints each decision that was written."""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.floor.floor_of_values import NOW, STRATEGY
from tests.history.conftest import Keeper
from tests.history.test_history import RememberedFloor


def main() -> None:
    """Remember changes as fast as they are written, from the second that we are told."""
    kept = Keeper(Path(sys.argv[1]), None)
    kept.start()
    remembered = RememberedFloor(kept)
    second = int(sys.argv[2])
    while True:
        second += 1
        remembered.floor.refresh(NOW + timedelta(seconds=second))
        remembered.floor.say(STRATEGY, "status.state", ["OK", "DEGRADED"][second % 2])
        remembered.decide()
        while not kept.writer.idle():
            time.sleep(0.0005)
        os.write(1, f"{second}\n".encode())


if __name__ == "__main__":
    main()
