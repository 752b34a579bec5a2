"""A process that opens history and brings it up to date once it is told to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from alembic import command  # noqa: F401  (so that all begin at the same time)

from mission_control.history.database import migrate, open_engine


def main() -> None:
    """Say that we are there, wait for a line, and migrate."""
    engine = open_engine(Path(sys.argv[1]), sys.argv[2] or None)
    print("ready", flush=True)
    sys.stdin.readline()
    migrate(engine)
    engine.dispose()


if __name__ == "__main__":
    main()
