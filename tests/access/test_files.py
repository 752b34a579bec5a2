"""The files of access: tokens and certificates, wrong in each way, and taken again (R16.10)."""

import os
import ssl
import subprocess
import textwrap
from datetime import UTC, datetime

import pytest
import yaml
from click.testing import CliRunner

from mission_control.access.decide import digest_of
from mission_control.access.load import load_certificate, load_tokens
from mission_control.access.model import Scope, StaticToken
from mission_control.cli.context import CliContext
from mission_control.cli.token import token
from mission_control.errors import ConfigurationError
from mission_control.redaction.redact import redact_text
from tests.real_parts import lacking

NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)
HASH = "sha256:" + "0123456789abcdef" * 4


def write(folder, text: str):
    """Write a tokens file."""
    path = folder / "tokens.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_tokens_file_is_read_whole(tmp_path):
    """Every key of an entry is taken as it is written (R16.2)."""
    path = write(
        tmp_path,
        f"""\
        tokens:
          - name: prometheus
            hash: {HASH}
            scopes: [metrics]
            expires: 2027-06-01
          - name: desk
            hash: {HASH[:-1]}0
            scopes: [reader, operator]
            expires: "2027-06-01T12:30:00Z"
            revoked: true
        """,
    )
    digest, tokens = load_tokens(path)

    assert digest_of(path.read_text()) == digest
    assert (
        StaticToken(
            "prometheus", HASH[7:], frozenset({Scope.METRICS}), datetime(2027, 6, 1, tzinfo=UTC)
        ),
        StaticToken(
            "desk",
            HASH[7:-1] + "0",
            frozenset({Scope.READER, Scope.OPERATOR}),
            datetime(2027, 6, 1, 12, 30, tzinfo=UTC),
            revoked=True,
        ),
    ) == tokens


@pytest.mark.parametrize(
    ("entry", "line", "problem"),
    [
        pytest.param(f"name: a\nhash: {HASH}", 2, "is missing", id="no scopes"),
        pytest.param(f"name: a\nhash: {HASH}\nscopes: []", 4, "gives no scope", id="empty scopes"),
        pytest.param(f"name: a\nhash: {HASH}\nscopes: [root]", 4, "'root' is none", id="scope"),
        pytest.param("name: a\nhash: mctl_x\nscopes: [reader]", 3, "no hash of a token", id="hash"),
        pytest.param(f"name: ''\nhash: {HASH}\nscopes: [reader]", 2, "no usable text", id="name"),
        pytest.param(
            f"name: a\nhash: {HASH}\nscopes: [reader]\nexpires: 2027-13-01", 5, "no date", id="date"
        ),
        pytest.param(
            f"name: a\nhash: {HASH}\nscopes: [reader]\nrevoked: 'no'", 5, "neither true", id="flag"
        ),
        pytest.param(
            f"name: a\nhash: {HASH}\nscopes: [reader]\nscope: x", 5, "unknown key", id="unknown"
        ),
    ],
)
def test_a_wrong_entry_names_its_line(tmp_path, entry, line, problem):
    """One fault is one problem, with file, line and remedy."""
    listed = textwrap.indent(entry, "    ").replace("    ", "  - ", 1)
    path = write(tmp_path, f"tokens:\n{listed}\n")
    with pytest.raises(ConfigurationError) as raised:
        load_tokens(path)

    assert 1 == len(raised.value.problems)
    assert f"{path}:{line}" == raised.value.where
    assert problem in raised.value.problem


def test_a_name_or_a_hash_twice_is_refused(tmp_path):
    """A log names a token: each has a name and a hash of its own."""
    entry = f"  - name: a\n    hash: {HASH}\n    scopes: [reader]\n"
    with pytest.raises(ConfigurationError) as raised:
        load_tokens(write(tmp_path, f"tokens:\n{entry}{entry}"))

    assert ["'a' is listed twice", "the token of line 3 again"] == [
        p.problem for p in raised.value.problems
    ]


def test_a_file_without_a_list_is_refused(tmp_path):
    """An empty mapping may be an unfinished file; none is written as an empty list."""
    with pytest.raises(ConfigurationError, match="no list of tokens"):
        load_tokens(write(tmp_path, "{}"))
    assert () == load_tokens(write(tmp_path, "tokens: []"))[1]


def make(*arguments: str):
    """Run `token new`."""
    context = CliContext(clock=lambda: NOW, json=False, quiet=True)
    return CliRunner().invoke(token, ["new", *arguments], obj=context)


def test_a_new_token_is_accepted_by_its_entry(tmp_path):
    """What is printed is a token of 256 random bits, and the entry that knows it by its hash."""
    done = make(
        "--name", "desk", "--scope", "reader", "--scope", "operator", "--expires", "2027-06-01"
    )
    made, _, entry = done.output.partition("\n")

    assert 0 == done.exit_code
    assert made.startswith("mctl_")
    assert len("mctl_") + 43 == len(made)
    assert made not in entry
    tokens = load_tokens(write(tmp_path, yaml.safe_dump({"tokens": yaml.safe_load(entry)})))[1]
    assert ("desk", digest_of(made)) == (tokens[0].name, tokens[0].digest)
    assert datetime(2027, 6, 1, tzinfo=UTC) == tokens[0].expires
    assert made != make("--name", "desk", "--scope", "reader").output.partition("\n")[0]
    assert made not in redact_text(f"it is {made} for the desk")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", "a"),
        ("--scope", "reader"),
        ("--name", "a", "--scope", "root"),
        ("--name", " a", "--scope", "reader"),
        ("--name", "a", "--scope", "reader", "--expires", "2027-02-30"),
        ("--name", "a", "--scope", "reader", "--expires", "soon"),
        ("--name", "a", "--scope", "reader", "--expires", "2026-11-30"),
    ],
)
def test_a_wrong_token_is_not_made(arguments):
    """No scope, no name, a date that is none or is over: usage, and nothing is printed."""
    done = make(*arguments)

    assert 2 == done.exit_code
    assert "mctl_" not in done.output


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Make two certificates with their keys."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("a", "b"):
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]
        command += ["-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "3"]
        command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        except FileNotFoundError:
            lacking("openssl is not installed")
    return folder


def test_certificate_and_key_serve_together(certificates):
    """A chain with its key serves TLS 1.2 and newer."""
    digest, context = load_certificate(certificates / "a.pem", certificates / "a.key")

    assert digest_of((certificates / "a.pem").read_text()) == digest
    assert ssl.TLSVersion.TLSv1_2 <= context.minimum_version


@pytest.mark.parametrize(
    ("certificate", "key"),
    [("a.pem", "b.key"), ("a.key", "a.key"), ("none.pem", "a.key"), ("a.pem", "none.key")],
)
def test_what_does_not_serve_is_refused(certificates, certificate, key):
    """Another's key, no certificate, and a missing file are told with both names."""
    with pytest.raises(ConfigurationError) as raised:
        load_certificate(certificates / certificate, certificates / key)

    assert f"{certificates / certificate}, {certificates / key}" == raised.value.where
    assert os.fspath(certificates) not in raised.value.problem
