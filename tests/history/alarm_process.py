"""A process that keeps history, decides once, and raises an alarm for each line that it is sent."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.history.starting import Server


def main() -> None:
    """Serve until killed."""
    server = Server(Path(sys.argv[1])).start()
    server.decide()
    server.settle()
    os.write(1, b"ready\n")
    for _ in sys.stdin:
        server.raise_alarm()
        os.write(1, b"raised\n")


if __name__ == "__main__":
    main()
