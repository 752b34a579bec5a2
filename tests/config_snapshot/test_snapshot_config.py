"""Jobs: a config snapshot of values: what is lost is a gap, never an empty list alone."""

from dataclasses import replace

import orjson
import pytest

from mission_control.cluster.model.facts import AccountFacts, ConfigMapFacts, ServiceFacts
from mission_control.config_snapshot.run import InForce, make_config_snapshot
from mission_control.model.kill_switch import KILL_SWITCH_MAP
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.repository.model import CopiedFile, RepositoryCopy
from tests.floor.cluster_of_values import FLOOR, ClusterFloor
from tests.floor.floor_of_values import NOW

pytestmark = pytest.mark.anyio
FLEET_FILE = CopiedFile("fleet.yaml", b"agents: []\n", "", "d" * 64, 11)
POD = {
    "kind": "Pod",
    "metadata": {"namespace": FLOOR, "name": "p"},
    "spec": {"volumes": [{"name": "v", "secret": {"secretName": "trader-secrets"}}]},
}


class PaperFurther:
    """What is read beside a round, as values; `lost` are resources that are denied."""

    def __init__(self, *lost: str):
        """Lose these."""
        self.lost, self.asked = lost, []

    def within(self, _seconds):
        """Answer at once in any time."""
        return self

    async def services(self):
        """Return one Service."""
        if "services" in self.lost:
            return Unseen(UnseenReason.DENIED, NOW)
        return Seen((ServiceFacts(FLOOR, "strategy-engine", "ClusterIP"),), NOW)

    async def nodes(self):
        """Return none."""
        return Seen((), NOW)

    async def account(self):
        """Return us."""
        return AccountFacts("me", verified=True, read_only=True)

    async def objects(self, resource: str, namespace: str):
        """Return one pod, and nothing else."""
        self.asked.append((resource, namespace))
        if resource in self.lost:
            return Unseen(UnseenReason.DENIED, NOW)
        return Seen((POD,) if (resource, namespace) == ("pods", FLOOR) else (), NOW)


class PaperRepository:
    """A repository as values."""

    async def head(self):
        """Be none of git's."""
        return Unseen(UnseenReason.UNREADABLE, NOW, detail="not a git repository")

    async def copy(self, wanted):
        """Return one copy, and one file that is only listed."""
        assert "k8s" in wanted
        files = (CopiedFile("k8s/a.yaml", b"a: 1\n"), CopiedFile("k8s/s.yaml", why_not="a Secret"))
        return RepositoryCopy(files, (("configs/strategies", "not there"),))


async def make(further=None, repository=None, inventory=FLEET_FILE, **changes):
    """Make a snapshot of a floor on a cluster."""
    floor = ClusterFloor()
    maps = {KILL_SWITCH_MAP: {"EXECUTION_HALTED": "1\n# x: y"}, "empty": {}}
    for name, values in maps.items():
        floor.maps[name] = ConfigMapFacts(FLOOR, name, "d" * 64, tuple(values), values)
    snapshot = replace(floor.decide(), **changes)
    in_force = InForce(inventory, {"root": "/x"})
    return await make_config_snapshot(snapshot, further, repository, in_force, lambda: NOW)


def gaps(made):
    """Return every gap as (source, what, why)."""
    return [(c.source, what, why) for c in made.coverage for what, why in c.gaps]


async def test_all_that_is_seen_has_no_gap_in_the_cluster():
    """The Secret is named by its pod; nothing but lists that refer was asked for."""
    further = PaperFurther()
    made = await make(further)
    secrets = made.files["k8s_listings/secrets.names.txt"].decode()

    assert [("repository", "repository", "no repository is configured")] == gaps(made)
    assert "trader-secrets" in secrets
    assert "Pod/p" in secrets
    assert "secrets" not in {resource for resource, _ in further.asked}
    assert b"user=me\n" in made.files["k8s_listings/kubectl.meta"]
    assert b"user=me" not in made.files["k8s_listings/workloads.txt"]
    switch = made.files["k8s_listings/kill_switch_configmap.yaml"].decode()
    assert '  "EXECUTION_HALTED": "1\\n# x: y"\n' in switch


@pytest.mark.parametrize("lost", ["services", "pods", "serviceaccounts"])
async def test_a_list_that_was_lost_is_a_gap(lost):
    """In the account and at the head of the listings."""
    made = await make(PaperFurther(lost))
    found = [what for source, what, _ in gaps(made) if source == "cluster"]

    assert found
    assert all(lost in what for what in found)
    assert made.files["k8s_listings/workloads.txt"].startswith(b"# not read: cluster ")


async def test_what_is_not_copied_is_a_gap():
    """Of the repository and of the inventory; what was copied is there."""
    unreadable = CopiedFile("fleet.yaml", why_not="Permission denied")
    made = await make(PaperFurther(), PaperRepository(), unreadable)

    assert {
        ("repository", "git", "not a git repository"),
        ("repository", "configs/strategies", "not there"),
        ("repository", "k8s/s.yaml", "a Secret"),
        ("inventory", "fleet.yaml", "Permission denied"),
    } == set(gaps(made))
    assert "inventory.yaml" not in made.files
    assert b"a: 1\n" == made.files["repo_files/k8s/a.yaml"]
    assert b"git_sha=unknown\n" in made.files["meta.txt"]


async def test_a_label_is_told():
    """DEMO is in the index and in meta.txt."""
    made = await make(PaperFurther(), label="DEMO")

    assert "DEMO" == orjson.loads(made.files["snapshot.json"])["label"]
    assert b"label=DEMO\n" in made.files["meta.txt"]


async def test_equal_floors_give_equal_bytes():
    """Made twice, every file is the same."""
    one, other = await make(PaperFurther()), await make(PaperFurther())

    assert one.files == other.files
