"""Observe: prose and scripts keep their shape and lose their secrets."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mission_control.redaction.redact import MASK, redact_lines, why_secret

CANARY = "hunter2"
HIDDEN = [
    pytest.param("password: hunter2", id="plain"),
    pytest.param('password: "hunter2" # why', id="quoted"),
    pytest.param("password : hunter2", id="space before the colon"),
    pytest.param("- password: hunter2", id="in a list"),
    pytest.param("- - token: hunter2", id="in a list of lists"),
    pytest.param("password: |\n  hunter2\n  a: hunter2\n", id="block"),
    pytest.param("password: >-\n\n  x\n\n  hunter2", id="folded block with empty lines"),
    pytest.param("password: | # a comment\n  hunter2", id="block with a comment"),
    pytest.param("password:\n  hunter2", id="on the next line"),
    pytest.param("password: abc\n  hunter2", id="goes on"),
    pytest.param('password: "abc\n  d: hunter2\n  e"', id="quoted and goes on"),
    pytest.param("tokens:\n- hunter2\n- x", id="list under a key"),
    pytest.param("tokens:\n  - hunter2", id="indented list under a key"),
    pytest.param("env:\n- name: MY_TOKEN\n  value: hunter2", id="environment"),
    pytest.param("env:\n- value: hunter2\n  name: MY_TOKEN", id="value first"),
    pytest.param("- value: hunter2\n  # why\n  name: MY_TOKEN", id="with a comment between"),
    pytest.param("- name: MY_TOKEN\n  value: |\n    hunter2\n    a: hunter2", id="block value"),
    pytest.param('- name: MY_TOKEN\n  value: "a\n    hunter2: x"', id="value that goes on"),
    pytest.param("- {name: MY_TOKEN, value: hunter2}", id="flow"),
    pytest.param('{"env": [{"name": "MY_TOKEN", "value": "hunter2"}]}', id="JSON in a line"),
    pytest.param('{\n "name": "MY_TOKEN",\n "value": "hunter2"\n}', id="JSON in lines"),
    pytest.param('{"password": "hunter2"}', id="JSON pair"),
    pytest.param('"password": "hunter2",', id="JSON line"),
    pytest.param("MY_TOKEN=hunter2", id="shell"),
    pytest.param("export MY_TOKEN='hunter2 x'", id="exported"),
    pytest.param("command: [run, --password=hunter2]", id="argument"),
    pytest.param("url: postgres://me:hunter2@host/db", id="URL"),
    pytest.param("key: hunter2-hunter2", id="a key of no reference"),
    pytest.param("secretName: hunter2 hunter2", id="what is no name"),
    pytest.param("credentials:\n  user: hunter2\n  value: hunter2", id="pairs below a key"),
    pytest.param("basicAuth:\n  pw: hunter2", id="a word within a name"),
    pytest.param("password: {\n  a: hunter2,\n}", id="flow over lines"),
    pytest.param("password:\nhunter2", id="at the same indent"),
    pytest.param('args: ["--password", "hunter2"]', id="a flag and its value"),
    pytest.param("- --api-token\n- hunter2", id="a flag and its value as items"),
    pytest.param("run --password hunter2 now", id="a flag in a line"),
    pytest.param("run --password 'a hunter2' now", id="a flag and words"),
    pytest.param('run --password="a hunter2', id="a flag and words that go on"),
    pytest.param("path: /etc/x\nkey: hunter2secretkey", id="a key near a path"),
    pytest.param("secretName: hunter2", id="a name that no reference holds"),
    pytest.param("- name: MY_TOKEN\n" + "  # c\n" * 20 + "  value: hunter2", id="a far value"),
    pytest.param("header: 'Authorization: Bearer hunter2hunter2'", id="header"),
]


@pytest.mark.parametrize("text", HIDDEN)
def test_what_is_secret_is_masked(text):
    """However it is written, nothing of it is left, and lines stay lines."""
    shown = redact_lines(text)

    assert CANARY not in shown
    assert MASK in shown
    assert text.count("\n") == shown.count("\n")


HARMLESS = """\
apiVersion: apps/v1 # comments stay
kind: Deployment
spec:
  template:
    spec:
      automountServiceAccountToken: false
      imagePullSecrets:
      - name: regcred
      containers:
      - name: main
        image: r/x:1
        env:
        - name: AGENT_MODE
          value: "OBSERVE"
        - name: MY_KEY
          valueFrom:
            secretKeyRef:
              name: trader-secrets
              key: APCA_API_KEY_ID
        - name: LAST
          value: z
      tolerations:
      - key: node.kubernetes.io/not-ready
        operator: Exists
      volumes:
      - secret:
          secretName: tls
"""


def test_names_and_modes_stay():
    """What only refers to a Secret, and everything that is none, is as it was."""
    assert HARMLESS == redact_lines(HARMLESS)


def test_a_neighbour_of_a_secret_variable_stays():
    """Only the entry of the secret variable is masked."""
    text = "- name: A\n  value: one\n- name: MY_TOKEN\n  value: hunter2\n- name: B\n  value: two\n"
    entries = yaml.safe_load(redact_lines(text))

    assert ["one", [MASK.strip("[]")], "two"] == [e["value"] for e in entries]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: Secret\ndata: {}\n", "a Secret manifest"),
        ("{kind: Secret, data: {a: b}}", "a Secret manifest"),
        ('{"kind": "Secret"}', "a Secret manifest"),
        ("items:\n- kind: 'Secret'\n", "a Secret manifest"),
        ("kind: !!str Secret\n", "a Secret manifest"),
        ("kind: List\nitems:\n - stringData:\n     a: b\n", "a Secret manifest"),
        ("-----BEGIN EC PRIVATE KEY-----\n", "a private key"),
        ('{"type": "service_account"}', "a service account"),
        ("private_key_id: abc", "a service account's key"),
        ("kind: SecretProviderClass\n", ""),
        ("kind: ConfigMap\n", ""),
        ("-----BEGIN CERTIFICATE-----\n", ""),
    ],
)
def test_what_is_wholly_secret_is_known(text, why):
    """A Secret's manifest, a private key and a service account are not copied even in part."""
    found = why_secret(text)

    assert found.endswith(why)
    assert bool(why) == bool(found)


@given(st.text(max_size=300))
def test_any_text_keeps_its_lines(text):
    """Whatever a file holds it is gone through, line for line."""
    assert text.count("\n") == redact_lines(text).count("\n")


@given(
    st.lists(
        st.sampled_from(["  ", "- ", "password", ":", " ", "\n", "|", '"', "value", "name", "a"])
    )
)
def test_odd_shapes_are_gone_through(parts):
    """Nothing that looks almost like a manifest breaks it."""
    assert isinstance(redact_lines("".join(parts)), str)
