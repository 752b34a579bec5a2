"""
Renders one text, given on standard input, and ends.

It cannot use more of the processor or of memory than it is granted, whatever it is given.
"""

import os
import resource
import sys
from dataclasses import asdict

import orjson

from ops_ui.shown_file import show_file

CPU_SECONDS = 10
MEMORY_BYTES = 1024 * 1024 * 1024


def main() -> None:
    """Read the path on the first line and then the text; write what is shown, as JSON."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    path = sys.stdin.buffer.readline().decode().rstrip("\n")
    shown = show_file(path, sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(asdict(shown)))


if __name__ == "__main__":
    main()
