"""Observe: YAML and JSON lose their secrets as trees; what cannot be understood is refused."""

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mission_control.redaction.files import (
    HEADER,
    MAX_DEPTH,
    MOST_EVENTS,
    read_plain_yaml,
    redact_file,
    redact_yaml,
)
from mission_control.redaction.redact import MASK
from tests.redaction.test_manifest_redaction import HARMLESS

CANARY = "hunter2"
HIDDEN = {
    "pairs below": "credentials:\n  user: hunter2\n  value: hunter2\n",
    "default below": "password:\n  default: hunter2\n",
    "deep below": "password:\n- - a: {b: [hunter2]}\n",
    "a word within": "basicAuth:\n  username: bob\n  pw: hunter2\n",
    "generator": "secretGenerator:\n- name: db\n  literals:\n  - pin=hunter2\n",
    "flag, flow": 'args: ["--password", "hunter2"]\n',
    "flag, block": "args:\n- --api-token\n- hunter2\n",
    "flag with more": "args:\n- --api-token\n- {a: hunter2}\n",
    "flag and sign": "args: [--db-password=hunter2]\n",
    "flag in a command": "command: [sh, -c, run --token hunter2 now]\n",
    "assignment": "literals: [MY_TOKEN=hunter2]\n",
    "a key near a path": "tls:\n  path: /etc/tls\n  key: hunter2secretkey\n",
    "a key near a path in a list": "items:\n- {key: hunter2, path: a, value: b}\n",
    "a key and an operator of its own": "key: hunter2\noperator: hunter\n",
    "a key that is no name": "key: hunter2 hunter2\noperator: Exists\n",
    "no operator": "key: hunter2\noperator: {a: b}\n",
    "secretName anywhere": "secretName: hunter2\n",
    "secretName that is no name": "tls:\n- secretName: HUNTER2 hunter2\n",
    "question": "? password\n: hunter2\n",
    "braces": "password: {\n  a: hunter2,\n}\n",
    "far from its name": "- name: DB_PASSWORD\n" + "  # c\n" * 60 + "  value: hunter2\n",
    "value first": "- value: hunter2\n  name: DB_PASSWORD\n",
    "a default": "- {name: DB_PASSWORD, default: [hunter2]}\n",
    "a patch": "- {op: replace, path: /data/password, value: hunter2}\n",
    "a key as a name": "- {key: db-password, value: hunter2}\n",
    "odd reference": "secretKeyRef: {name: a, key: b, value: hunter2}\n",
    "reference of text": "secretKeyRef: hunter2\n",
    "odd list of references": "imagePullSecrets: [hunter2]\n",
    "odd items": "secret: {secretName: a, items: [{key: a, path: b, text: hunter2}]}\n",
    "items of text": "secret: {secretName: a, items: [hunter2]}\n",
    "binary": "a: !!binary hunter2\n",
    "number": "password: 1\npin: {token: 'hunter2'}\n",
    "document within": "data:\n  app.yaml: |\n    auth:\n      user: hunter2\n    a: 1\n",
    "JSON within": 'note: {"auth": {"value": "hunter2"}}\n'.replace("''", "'"),
    "Secret within": "data:\n  s.yaml: |\n    kind: >-\n      Secret\n    data: {a: hunter2}\n",
    "script within": "run.sh: |\n  export MY_TOKEN=hunter2\n  x: [\n",
    "prose within": "note: |\n  one\n  MY_TOKEN=hunter2\n",
    "URL": "url: postgres://me:hunter2@host/db\n",
    "in a key": "? postgres://me:hunter2@host/db\n: 1\n",
    "in a reference": "secrets: [{name: akia-hunter2, x: y}]\n",
    "second document": "a: 1\n---\npassword: hunter2\n",
    "comment": "a: 1 # hunter2\npassword: b\n",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_what_is_secret_in_yaml_is_masked(text):
    """However it is written nothing of it is left, and the copy is YAML that says it is one."""
    found = redact_file("k8s/a.yaml", text)

    assert not found.why_not
    assert CANARY not in found.text
    assert MASK in found.text
    assert found.text.startswith(HEADER)
    assert list(yaml.safe_load_all(found.text.replace("!!binary", "")))


def test_references_and_modes_stay():
    """What only refers to a Secret, and all that is none, says what it said."""
    found = redact_file("k8s/a.yaml", HARMLESS)

    assert yaml.safe_load(HARMLESS) == yaml.safe_load(found.text)


KEPT = """\
volumes:
- secret: {secretName: tls, defaultMode: 420, items: [{key: tls.crt, path: a/tls.crt, mode: 256}]}
- azureFile: {secretName: share, shareName: x}
- csi: {nodePublishSecretRef: {name: n}, volumeAttributes: {secretProviderClass: p}}
- projected: {sources: [{serviceAccountToken: {audience: a, expirationSeconds: 600, path: t}}]}
- configMap: {name: c, items: [{key: app.yaml, path: app.yaml}]}
envFrom: [{secretRef: {name: s, optional: true}}]
env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: K}}}]
tls: [{hosts: [h], secretName: t}]
matchExpressions: [{key: app, operator: In, values: [a]}]
tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists}]
secrets: [{name: s}]
token: null
password: false
numbers: [1, '1', 1.5, 2026-01-01, yes, 'yes', ~]
text: |
  # a comment stays
  one: two
"""


def test_every_known_reference_stays():
    """Names, keys and paths of Secrets and files; null and booleans; types stay types."""
    found = redact_yaml(KEPT)

    assert yaml.safe_load(KEPT) == yaml.safe_load(found.text)
    assert found == redact_yaml(KEPT)


REFUSED = {
    "alias": ("a: &a [1]\nb: *a\n", "anchors"),
    "merge key": ("a:\n  <<: {b: 1}\n", "merge keys"),
    "tag": ("a: !vault x\n", "tags of its own"),
    "key of keys": ("? [a]\n: b\n", "keys that are not text"),
    "key of keys in a list": ("- a: [{? {b: c} : d}]\n", "keys that are not text"),
    "deep": ("[" * (MAX_DEPTH + 1), "nested deeper"),
    "long": ("- a\n" * MOST_EVENTS, "longer than"),
    "no YAML": ("a: [b\n", "not readable YAML"),
    "surrogate": ("a: \ud800\n", "not readable YAML"),
    "Secret": ("kind: !!str Secret\n", "a Secret manifest"),
    "Secret over lines": ("a:\n- kind:\n    Secret\n", "a Secret manifest"),
    "stringData": ("? stringData\n: {a: b}\n", "a Secret manifest"),
    "key of an account": ('"private\\u005fkey": x\n', "a service account's key"),
    "account": ("type: >-\n  service_account\n", "a service account"),
}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plain_yaml_is_refused(text, why):
    """It is not copied, and the reason says what it is, never what is in it."""
    found = redact_file("k8s/a.yml", text)

    assert not found.text
    assert why in found.why_not


def test_yaml_that_grows_is_refused_at_once():
    """A bomb of merge keys costs no more than its own few bytes."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    began = time.process_time()
    found = read_plain_yaml("\n".join(lines))

    assert isinstance(found, str)
    assert time.process_time() - began < 1


def test_json_stays_json():
    """Numbers, texts and nothing stay what they are; what is secret is masked."""
    text = (
        '{"a": [1, 1e5, "1e5", true, null, "\\ud83d\\ude00"], "auth": {"value": "hunter2", "n": 7}}'
    )
    found = redact_file("k8s/a.json", text)

    assert {
        "a": [1, 1e5, "1e5", True, None, "\U0001f600"],
        "auth": {"value": MASK, "n": MASK},
    } == json.loads(found.text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1", "not readable JSON"),
        ("[" * 100_000, "not readable JSON"),
        ("[" * 50 + "]" * 50, "nested deeper"),
        ('{"kind": "Secret"}', "a Secret manifest"),
        ('{"kind": "\\u0053ecret"}', "a Secret manifest"),
    ],
    ids=["YAML", "brackets", "deep", "Secret", "written otherwise"],
)
def test_json_that_is_none_is_refused(text, why):
    """As for YAML."""
    assert why in redact_file("k8s/a.json", text).why_not


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a.md", "# T\nMY_TOKEN=[REDACTED]\n"),
        ("Kustomization", HEADER + "'# T'"),
        ("a.toml", ""),
        ("Makefile", ""),
    ],
)
def test_a_name_tells_how_a_file_is_looked_through(name, kept):
    """Prose line by line; a file of an unknown kind is not copied."""
    text = "# T\nMY_TOKEN=hunter2\n" if name != "Kustomization" else "'# T'"
    found = redact_file(name, text)

    assert kept == found.text.removesuffix("\n") + ("\n" if name == "a.md" else "")
    assert bool(kept) != bool(found.why_not)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_any_document_is_masked_or_refused(document):
    """Whatever a file holds it gives YAML, or a reason."""
    found = redact_yaml(yaml.safe_dump(document, allow_unicode=True))

    assert found.why_not or list(yaml.safe_load_all(found.text)) is not None
