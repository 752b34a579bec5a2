"""The 60 s form of `make soak`: each is asked every second, so that what leaks shows sooner."""

from pathlib import Path

import pytest

from tests.soak.soak import Form, Sample, Soaked, soak

SHORT = Form(seconds=60.0, targets=300, interval=1.0, deadline=0.5)


def soaked_for(form: Form, root: Path, every: float) -> Soaked:
    """Soak to the end."""
    soaking = soak(form, root, every=every)
    while True:
        try:
            next(soaking)
        except StopIteration as ended:
            return ended.value


@pytest.mark.timeout(400)
def test_half_a_floor_that_hangs_costs_nothing_that_stays(tmp_path):
    """Memory and descriptors stay flat while 150 services hang; none of these is ever well."""
    soaked = soaked_for(SHORT, tmp_path, 1.0)

    assert [] == list(soaked.faults()), soaked.growth()


def test_growth_is_found():
    """What grows by a tenth after the warm-up is named; what grew before it is not."""
    steady = [Sample(at, 100.0 if at > 20 else at, 50.0, 200, 20) for at in range(90)]
    leaking = [Sample(at, 100.0 + at / 4, 50.0, 200 + at, 20) for at in range(90)]

    grown = Soaked(leaking).faults()

    assert not any("grew" in fault for fault in Soaked(steady).faults())
    assert ["memory_mb", "descriptors"] == [f.split()[0] for f in grown if "grew" in f]
