"""`make soak`: 20 minutes at 300 targets, half of them hung; HOURS=24 before a release."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.soak.soak import Form, Sample, Soaked, soak

LINES = 60
"""So many lines are printed, however long it takes."""


def main() -> int:
    """Soak, say what was held every so often, and end with 1 where anything grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1 / 3)
    parser.add_argument("--targets", type=int, default=300)
    given = parser.parse_args()
    form = Form(given.hours * 3_600, given.targets)
    with tempfile.TemporaryDirectory() as root:
        soaked = _told(form, Path(root))
    for name, times in soaked.growth().items():
        print(f"{name}: {times:.3f} times")
    print({c.value: dict(n) for c, n in soaked.states.items()}, dict(soaked.answered))
    for fault in soaked.faults():
        print(f"FAULT: {fault}")
    return 1 if soaked.faults() else 0


def _told(form: Form, root: Path) -> Soaked:
    soaking, shown = soak(form, root, every=5.0), -form.seconds
    begun: Sample | None = None
    while True:
        try:
            sample = next(soaking)
        except StopIteration as ended:
            return ended.value
        begun = begun or sample
        at = sample.at - begun.at
        if at - shown >= form.seconds / LINES:
            shown = at
            print(
                f"{at:7.0f} s  server {sample.memory_mb:6.1f} MB {sample.descriptors:4} descriptors"
                f"  children {sample.children_mb:6.1f} MB {sample.children_descriptors:4}",
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main())
