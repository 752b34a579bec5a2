"""deploy/kubernetes/pages: what it sets is what the pages take, and they reach the API alone."""

import shutil
import subprocess

from mission_control.configuration.declared_settings import SETTINGS
from ops_ui.settings import KNOWN, load_settings
from tests.deploy.rendered import containers, name_of, of_kind, rendered
from tests.real_parts import lacking

SHARED = {"MISSION_CONTROL_URL", "MISSION_CONTROL_PUBLIC_URL"}


def config_map():
    """Return the pages' ConfigMap."""
    (found,) = of_kind(rendered("pages"), "ConfigMap")
    return found


def self_signed(folder):
    """Write a certificate that vouches for itself, and its key."""
    if shutil.which("openssl") is None:
        lacking("openssl is not installed (Debian: apt-get install openssl)")
    files = ("-keyout", folder / "tls.key", "-out", folder / "tls.crt")
    words = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", *files)
    subprocess.run(words, check=True, capture_output=True)
    shutil.copy(folder / "tls.crt", folder / "ca.crt")


def test_each_variable_is_a_setting_of_the_pages():
    """Nothing is set that they do not know."""
    assert [] == sorted(set(config_map()["data"]) - KNOWN - SHARED)
    assert "MISSION_CONTROL_PUBLIC_URL" in {s.variable for s in SETTINGS}


def test_the_pages_may_ask_the_api_and_nothing_of_the_cluster():
    """They reach the API's port by both policies, and their account has no role."""
    objects = rendered("pages")
    own, api = (
        next(o["spec"] for o in of_kind(objects, "NetworkPolicy") if name_of(o) == name)
        for name in ("mission-control-pages", "mission-control-from-pages")
    )
    (deployment,) = of_kind(objects, "Deployment")
    (box,) = containers(deployment["spec"]["template"])
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    given = config_map()["data"]
    ours = {"podSelector": {"matchLabels": {"app": "mission-control"}}}
    theirs = {"podSelector": {"matchLabels": {"app": labels["app"]}}}

    assert {"to": [ours], "ports": [{"protocol": "TCP", "port": 8080}]} in own["egress"]
    assert [{"from": [theirs], "ports": [{"protocol": "TCP", "port": 8080}]}] == api["ingress"]
    assert (ours, theirs) == (
        {"podSelector": api["podSelector"]},
        {"podSelector": own["podSelector"]},
    )
    assert [int(given["MISSION_CONTROL_UI_PORT"])] == [p["containerPort"] for p in box["ports"]]
    assert [8090] == [p["port"] for rule in own["ingress"] for p in rule["ports"]]
    assert [] == of_kind(objects, "RoleBinding")
    assert "https://mission-control.trading-floor.svc" == given["MISSION_CONTROL_URL"]


def test_the_pages_take_their_settings(tmp_path):
    """What is set passes the pages' own reading, with the two files that its Secrets hold."""
    given = dict(config_map()["data"])
    places = {name for name in given if name.endswith(("_FILE", "_CERTIFICATE", "_TLS_KEY"))}
    self_signed(tmp_path)
    for name in places:
        given[name] = str(tmp_path / given[name].rpartition("/")[2])
    (tmp_path / "token").write_text("a-token")
    (tmp_path / "cookie-key").write_text("x" * 40)
    settings = load_settings(given)

    assert 5 == len(places)
    assert ("0.0.0.0", 8090) == (settings.host, settings.port)  # noqa: S104  (in a pod)
