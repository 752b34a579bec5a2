"""Fixtures: an incident that was recorded once, and its bundle."""

import pytest

from tests.evidence.incident import exported, live


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """Return the root of an incident, and what a bundle of it is made from."""
    folder = tmp_path_factory.mktemp("incident")
    root, runbooks = folder / "root", folder / "runbooks"
    root.mkdir()
    runbooks.mkdir()
    return root, live(root, runbooks)


@pytest.fixture(scope="session")
def bundle(recorded):
    """Return the bundle of the incident, and what its export said at its end."""
    return exported(recorded[1])
