"""`lkg`: captured, listed, compared and verified on the simulated floor."""

import json


def test_tmp(floor):
    """Tmp."""
    served = floor("calm")
    result = served.run("lkg", "capture")
    print(result.stdout, result.stderr, result.exception)
    result = served.run("lkg", "capture")
    print(served.run("lkg", "list").stdout)
    print(served.run("lkg", "verify").stdout)
    print(served.run("lkg", "diff").stdout)
    print(
        (served.folder / "ops/lkg").exists(), [str(p) for p in (served.folder / "ops").rglob("*")]
    )
    import pathlib, shutil

    shutil.copytree(served.folder / "ops", "/tmp/helpers/lkg/ops", dirs_exist_ok=True)
    assert 0
