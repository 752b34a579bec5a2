"""
`make bench`: what a poll costs, how old the oldest evidence is, how fast a failure is seen.

Everything compared is measured in the same run and at the same time, because the machine
drifts: only ratios count. Nothing here asserts; it reports, with what is aimed at beside it.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cluster import measure_cluster
from cost import measure_answers, measure_cost, measure_failing, measure_loop
from floors import measure_floors
from gating import measure_gating
from noticing import measure_ages, measure_detections
from readers import measure_readers
from readiness import measure_readiness
from recorded import measure_records
from replay import measure_replay
from starting import measure_starting

Row = dict[str, object]


def main() -> int:
    """Run what was asked for and print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--targets", nargs="*", type=int, default=[100, 1_000, 5_000])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"# {os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}")
    for name in given.part:
        for row in PARTS[name](given):
            print(json.dumps({"part": name, **row}), flush=True)
    return 0


PARTS: dict[str, Callable[[argparse.Namespace], Iterable[Row]]] = {
    "cost": lambda given: (measure_cost(n, given.rounds) for n in given.targets),
    "failing": lambda given: measure_failing(1_000, given.rounds),
    "loop": lambda _given: measure_loop(5_000, 30),
    "age": lambda _given: measure_ages(),
    "detection": lambda _given: measure_detections(),
    "five": lambda _given: measure_gating(),
    "answers": lambda _given: measure_answers(1_000, 10, 4_000),
    "readers": lambda _given: measure_readers(),
    "records": lambda _given: measure_records(),
    "start": lambda _given: measure_starting(),
    "readiness": lambda _given: iter([measure_readiness()]),
    "floors": lambda _given: measure_floors(),
    "replay": lambda _given: measure_replay(),
    "cluster": lambda _given: (measure_cluster(*size) for size in ((60, 60), (60, 1_000))),
}


if __name__ == "__main__":
    sys.exit(main())
