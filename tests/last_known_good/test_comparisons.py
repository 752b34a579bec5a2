"""Two captures compared, a capture verified, and a deploy report held against the LKG."""

import copy
import hashlib
import json

import pytest

from mission_control.last_known_good.decide.changes import compare_manifests, compare_with_capture
from mission_control.last_known_good.decide.qualification import verify_capture
from mission_control.last_known_good.decide.sanitise import digest_specifications
from mission_control.last_known_good.present import components_document, manifest_bytes
from tests.last_known_good.raw_namespace import (
    ENGINE,
    FLOOR,
    GAMMA,
    RESTING,
    A,
    B,
    RawNamespace,
    container,
)
from tests.last_known_good.test_qualification import opening_of


@pytest.fixture
def raw():
    """Return a namespace in which all is well."""
    return RawNamespace()


def written(raw):
    """Return a capture's manifest as it is written, and read again."""
    content = manifest_bytes(raw.capture().items)
    assert content is not None
    return json.loads(content)


def told(before, after):
    """Return every difference as a mapping."""
    return {(c.subject, c.what): (c.before, c.after) for c in compare_manifests(before, after)}


def engine_of(manifest):
    """Return the engine's pod specification in a manifest."""
    item = next(i for i in manifest["items"] if i["kind"] == "Deployment"
                and i["metadata"]["name"] == ENGINE)  # fmt: skip
    return item["spec"]["template"]["spec"]


SUBJECT = f"{FLOOR}/Deployment/{ENGINE}"
POD_SPEC = "spec.template.spec"


def test_equal_manifests_do_not_differ(raw):
    """Nothing is told where nothing differs."""
    assert {} == told(written(raw), written(raw))


def test_what_differs_is_told_by_object_and_field(raw):
    """Images, replicas, names of variables, and any other field by its path."""
    before = written(raw)
    raw.one("deployments", ENGINE)["spec"]["replicas"] = 1
    raw.one("deployments", ENGINE)["status"] |= {"replicas": 1, "updatedReplicas": 1}
    first = raw.container()
    first["env"] = [{"name": "NEW", "value": "x"}, {"name": "AGENT_MODE", "value": "EVAL"}]
    first["args"] = ["--fast"]
    first["emptyDir"] = {}
    for each in raw.lists["pods"][:2]:
        each["status"]["containerStatuses"][0]["imageID"] = f"r/x@{B}"
    raw.lists["serviceaccounts"] = []
    raw.lists["roles"] = [{"kind": "Role", "metadata": {"name": "r", "namespace": FLOOR}}]
    changes = told(before, written(raw))

    main = f"{POD_SPEC}.containers[main]"
    names = (SUBJECT, "env name in main")
    assert {
        (SUBJECT, "replicas"): ("2", "1"),
        (SUBJECT, "image main"): (f"r/x@{A}", f"r/x@{B}"),
        names: changes[names],
        (SUBJECT, f"{main}.env[AGENT_MODE].value"): ("OBSERVE", "EVAL"),
        (SUBJECT, f"{main}.args"): ("(absent)", '["--fast"]'),
        (SUBJECT, f"{main}.emptyDir"): ("(absent)", "{}"),
        (f"{FLOOR}/Role/r", "object"): ("(absent)", "there"),
        (f"{FLOOR}/ServiceAccount/trading-floor-sa", "object"): ("there", "(absent)"),
    } == changes
    both = compare_manifests(before, written(raw))
    told_names = {(c.before, c.after) for c in both if c.what == "env name in main"}
    assert {("TRADING_MODE", "(absent)"), ("(absent)", "NEW")} == told_names


def test_all_variables_of_a_container_can_go(raw):
    """A list that is not there any more is told name by name, without any value."""
    before = written(raw)
    del raw.container()["env"]
    gone = [c for c in compare_manifests(before, written(raw)) if c.subject == SUBJECT]

    assert {"AGENT_MODE", "TRADING_MODE"} == {c.before for c in gone}
    assert {"env name in main"} == {c.what for c in gone}


def test_the_order_of_named_things_is_told(raw):
    """Variables that refer to each other mean something else in another order."""
    before = written(raw)
    raw.container()["env"].reverse()

    assert {(SUBJECT, f"{POD_SPEC}.containers[main].env.(order)"): (
        "[AGENT_MODE], [TRADING_MODE]", "[TRADING_MODE], [AGENT_MODE]")} == told(
        before, written(raw))  # fmt: skip


def test_no_secret_is_shown_by_a_difference(raw):
    """Old captures may hold secrets: they are masked by name and by form."""
    before, after = written(raw), written(raw)
    env = engine_of(after)["containers"][0]["env"]
    env.append({"name": "DB_PASSWORD", "value": "hunter2"})
    env[0]["value"] = "AKIAIOSFODNN7EXAMPLE"
    old = copy.deepcopy(after)
    engine_of(old)["containers"][0]["env"][-1]["value"] = "hunter1"
    text = str(compare_manifests(before, after)) + str(compare_manifests(old, after))

    assert "hunter" not in text
    assert "AKIA" not in text
    assert "[REDACTED]" in text


def verify(manifest, **metadata):
    """Verify a manifest with the metadata that fit it, or others."""
    content = json.dumps(manifest).encode()
    items = [i for i in manifest.get("items", ()) if i["kind"] in {"Deployment", "StatefulSet"}]
    fitting = {
        "content_digest": hashlib.sha256(content).hexdigest(),
        "components": [{"kind": i["kind"], "name": i["metadata"]["name"]} for i in items],
    }
    return "; ".join(verify_capture(content, {**fitting, **metadata}))


def test_a_capture_can_be_put_back(raw):
    """Nothing is wrong with it, an unpinnable workload at 0 replicas included."""
    assert "" == verify(written(raw))


def bound(manifest):
    """Leave a server's field in it."""
    manifest["items"][0]["metadata"]["uid"] = "x"


def released(manifest):
    """Release the switch."""
    switch = next(i for i in manifest["items"] if i["kind"] == "ConfigMap")
    switch["data"]["EXECUTION_HALTED"] = "0"


def switchless(manifest):
    """Take the switch out."""
    manifest["items"] = [i for i in manifest["items"] if i["kind"] != "ConfigMap"]


def unpinned(manifest):
    """Take a digest off."""
    engine_of(manifest)["containers"][0]["image"] = "r/x:1"


def scaled(manifest):
    """Scale up what could not be pinned."""
    item = next(i for i in manifest["items"] if i["metadata"]["name"] == RESTING)
    item["spec"]["replicas"] = 1


def leaking(manifest):
    """Put a secret into it."""
    engine_of(manifest)["containers"][0]["env"].append({"name": "TOKEN", "value": "hunter2"})


def no_list(manifest):
    """Make it something else."""
    manifest["kind"] = "ConfigMapList"


@pytest.mark.parametrize(
    ("hurt", "says"),
    [
        (bound, "Namespace/trading-floor: bound to its cluster by metadata.uid"),
        (released, "the kill switch in the manifest is not '1'"),
        (switchless, "the manifest holds 0 kill switches, not one"),
        (unpinned, f"Deployment/{ENGINE}: container main is not pinned"),
        (scaled, f"Deployment/{RESTING}: container main is not pinned"),
        (leaking, "containers.main.env.TOKEN looks like a secret"),
        (no_list, "the manifest is no v1 List"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_what_may_not_be_put_back_is_named(raw, hurt, says):
    """One is enough, and its object is named."""
    manifest = written(raw)
    hurt(manifest)

    assert says in verify(manifest)


def test_a_manifest_is_that_of_its_metadata(raw):
    """Another address, another workload, no workload, or no JSON at all."""
    manifest = written(raw)
    components = [{"kind": "Deployment", "name": "other"}]

    assert "the content address is not that" in verify(manifest, content_digest="0" * 64)
    both = verify(manifest, components=components)
    assert "Deployment/other: only one of the manifest and its metadata holds it" in both
    assert f"StatefulSet/{GAMMA}: only one of" in both
    assert "the manifest holds no workload" in verify({"kind": "List", "apiVersion": "v1"})
    assert "the manifest is not JSON" in verify_capture(b"- yaml", {})[0]


def test_a_report_like_the_capture_shows_no_change(raw):
    """Digests, replicas, names, ConfigMaps are the same; what was not captured is no change."""
    metadata = components_document(raw.capture())
    report = opening_of(metadata)
    report["workloads"][0]["generation"] = 99

    assert () == compare_with_capture(metadata, report).changes


def test_a_report_shows_what_changed_since_the_capture(raw):
    """Before is the last known good, after is what is deployed; gaps are told."""
    metadata = components_document(raw.capture())
    report = opening_of(metadata)
    report["workloads"][1]["observed_image_digests"]["main"] = [B]
    report["workloads"].pop(0)
    report["config_maps"][f"{FLOOR}/agenttrader-safety"] = "e" * 64
    report["errors"] = ["a list was not seen"]
    compared = compare_with_capture(metadata, report)

    assert {
        f"ConfigMap {FLOOR}/agenttrader-safety": "data",
        f"{FLOOR}/Deployment/{ENGINE}": "digest main",
    } == {c.subject: c.what for c in compared.changes}
    assert "1 of deployments" in compared.gaps[-1]
    report["unread"] = [{"list": "services", "namespace": "", "why": "DENIED"}]
    assert not any("services" in gap for gap in compare_with_capture(metadata, report).gaps)
    del report["unread"]
    report["errors"] = []
    gone = compare_with_capture(metadata, report).changes
    assert f"{FLOOR}/Deployment/{RESTING}" in {c.subject for c in gone if c.what == "workload"}


def test_what_no_digest_of_an_image_shows_is_a_change_too(raw):
    """Another account, another mode, another schedule: never nothing since the LKG."""
    metadata = components_document(raw.capture())
    raw.container()["env"][0]["value"] = "SHADOW"
    raw.one("statefulsets", GAMMA)["spec"]["template"]["spec"]["serviceAccountName"] = "admin"
    raw.one("cronjobs", "writer")["spec"]["suspend"] = True
    compared = compare_with_capture(metadata, opening_of(components_document(raw.capture())))

    what = "specification digest"
    assert () == compared.gaps
    assert [
        (f"{FLOOR}/CronJob/writer", what),
        (f"{FLOOR}/Deployment/{ENGINE}", what),
        (f"{FLOOR}/StatefulSet/{GAMMA}", "service account"),
        (f"{FLOOR}/StatefulSet/{GAMMA}", what),
    ] == [(c.subject, c.what) for c in compared.changes]


def test_what_cannot_be_compared_is_told(raw):
    """A capture of an older version, and an object that is too deep to be written down."""
    metadata = components_document(raw.capture())
    report = opening_of(metadata)
    older = {k: v for k, v in metadata.items() if k != "specifications"}
    deep = {}
    for _ in range(50):
        deep = {"x": deep}

    assert ("the capture holds no specifications, so only workloads and ConfigMaps are compared",
            ) == compare_with_capture(older, report).gaps  # fmt: skip
    assert {"Role/deep": None} == digest_specifications(
        {"roles": [{"kind": "Role", "metadata": {"name": "deep"}, "rules": deep}]}
    )


def test_what_a_server_adds_is_no_change(raw):
    """Another version, status or address of the same object has the same digest."""
    before = digest_specifications(raw.lists)
    for held in raw.lists.values():
        for each in held:
            each["metadata"]["resourceVersion"] = "9999"
            each["status"] = {"observedGeneration": 9}
    raw.lists["services"][0]["spec"]["clusterIP"] = "10.0.0.77"

    assert before == digest_specifications(raw.lists)
    assert {"CronJob/writer", f"Service/{ENGINE}", f"Deployment/{ENGINE}"} <= before.keys()


def test_a_value_that_cannot_be_written_gives_no_bytes(raw):
    """A number that JSON cannot hold makes no manifest."""
    assert None is manifest_bytes([{"kind": "X", "n": 2**80}])
    assert container("x")
