#!/usr/bin/env python3
"""
What happened, from logs: exit 0 no execution, 3 evidence of it, 1 not all was read, 2 wrong usage.

replay_from_logs.py [-o OUT|-] [--include-protocol-intents] [--verbose] [--help] [FILES...]
"""

import os
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Become the command that replays, with the same arguments."""
    project = Path(__file__).resolve().parent.parent
    beside = project / ".venv" / "bin" / "mission-control"
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("mission-control")
    if program is None:
        sys.exit(f"mission-control is not installed: run 'make setup' in {project}")
    os.execv(program, [program, "replay", *sys.argv[1:]])  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
