"""What lies beside a bundle: a signature by a key, and a time stamp of a local authority."""

import hashlib
import io
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mission_control.evidence import check
from mission_control.evidence.check import Beside, check_bundle
from mission_control.evidence.seal import (
    ANSWER,
    REQUEST,
    KeyFileError,
    digest_of,
    read_private_key,
    read_public_key,
    sign,
    timestamp_request,
    why_unsigned,
)
from mission_control.evidence.verify import NOT_CHECKED, lines, verify_zip
from tests.evidence.small_bundle import small_bundle
from tests.real_parts import lacking

WHOLE, OTHER = small_bundle(), small_bundle("another incident")
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


@pytest.fixture
def signed(tmp_path):
    """Write a bundle with its signature and the public key; returns the bundle's path."""
    path = tmp_path / "b.zip"
    path.write_bytes(WHOLE)
    sha256 = hashlib.sha256(WHOLE).hexdigest()
    path.with_name("b.zip.sig").write_bytes(sign(sha256, read_private_key(PRIVATE)))
    (tmp_path / "key.pub").write_bytes(PUBLIC)
    return path


def checked(path, **beside):
    """Check a bundle with these files of its folder."""
    return check_bundle(path, Beside(**{k: path.with_name(v) for k, v in beside.items()}))


def test_a_signature_by_its_key_is_valid_and_without_a_key_is_not_checked(signed):
    """R12.36: Only a key that is named makes a signature valid."""
    assert ("valid", ()) == (checked(signed, key="key.pub").signature, checked(signed).found)
    assert "NOT CHECKED: --key names no key" == checked(signed).signature
    assert "NOT CHECKED: there is none" == checked(signed).token


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda p: p.with_name("b.zip.sig").unlink(), "no signature", id="none"),
        pytest.param(lambda p: p.write_bytes(OTHER), "of another bundle", id="an older one"),
        pytest.param(
            lambda p: p.with_name("b.zip.sig").write_bytes(sign("0" * 64, KEY)),
            "of another bundle",
            id="of another bundle",
        ),
        pytest.param(
            lambda p: p.with_name("b.zip.sig").write_bytes(
                sign(
                    hashlib.sha256(WHOLE).hexdigest(),
                    Ed25519PrivateKey.from_private_bytes(b"o" * 32),
                )
            ),
            "not made by this key",
            id="of another key",
        ),
        pytest.param(
            lambda p: p.with_name("b.zip.sig").write_bytes(b"valid\n"), "no signature", id="a word"
        ),
    ],
)
def test_a_signature_that_is_not_of_this_bundle_is_named(signed, spoil, said):
    """R12.36: An older signature, another key's, and none where a key is named, are found."""
    spoil(signed)

    found = checked(signed, key="key.pub").found

    assert ["b.zip.sig"] == [d.path for d in found]
    assert said in found[0].detail


def test_every_bit_of_a_signature_counts():
    """R12.36: No other bytes are taken for it."""
    sha256, key = hashlib.sha256(WHOLE).hexdigest(), read_public_key(PUBLIC)
    signature = sign(sha256, KEY)

    for bit in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert why_unsigned(sha256, bytes(changed), key), bit


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nx\n", PUBLIC])
def test_what_is_no_key_is_an_error(pem):
    """R12.36: A file that is no key says so, and not what it holds."""
    with pytest.raises(KeyFileError):
        read_private_key(pem)


def test_a_verifier_that_is_not_ours_is_named(signed, monkeypatch):
    """R12.35: The verifier inside may itself be altered: ours knows what it has to be."""
    monkeypatch.setattr(check, "verifier", lambda: b"print('intact')\n")

    (found,) = checked(signed).found

    assert ("verify.py", "it is not that of a version known here: do not run it") == (
        found.path,
        found.detail,
    )


def test_ours_and_the_inner_one_agree_but_on_what_it_cannot_check(signed):
    """R12.35: Of signature and time stamp the inner one says NOT CHECKED, and never valid."""
    signed.write_bytes(WHOLE[:-1] + b"x")
    ours = checked(signed, key="key.pub")
    inner = verify_zip(io.BytesIO(signed.read_bytes()))

    assert {d.path for d in ours.found} - {d.path for d in inner.found} == {"b.zip.sig"}
    assert set(inner.found) <= set(ours.found)
    assert set(NOT_CHECKED) <= set(lines(inner))
    assert "valid" not in "\n".join(lines(inner))


def openssl(*arguments, cwd):
    """Run openssl in a folder."""
    program = shutil.which("openssl") or lacking("openssl is not installed")
    subprocess.run([program, *arguments], check=True, capture_output=True, cwd=cwd)


AUTHORITY = """
[ca]
basicConstraints = critical,CA:TRUE
[leaf]
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
"""


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Make a time-stamping authority on this machine; returns its folder."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "tsa.cnf").write_text(AUTHORITY)
    (folder / "serial").write_text("01\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=local root", "-days", "2", cwd=folder,
    )  # fmt: skip
    openssl(
        "req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=local tsa", cwd=folder
    )
    openssl(
        "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "tsa.cnf", "-extensions", "leaf", "-out", "tsa.pem", cwd=folder,
    )  # fmt: skip
    return folder


def stamp(authority, path):
    """Let the authority answer the request beside a bundle."""
    request = path.with_name(path.name + REQUEST)
    with path.open("rb") as stream:
        request.write_bytes(timestamp_request(digest_of(stream)))
    openssl(
        "ts", "-reply", "-config", "tsa.cnf", "-queryfile", str(request), "-signer", "tsa.pem",
        "-inkey", "tsa.key", "-chain", "ca.pem", "-out", str(path) + ANSWER, cwd=authority,
    )  # fmt: skip


def test_a_time_stamp_of_a_local_authority_is_valid(authority, signed):
    """R12.37: The request is one that openssl answers, and its answer is checked without it."""
    stamp(authority, signed)
    openssl(
        "ts", "-verify", "-data", str(signed), "-in", str(signed) + ANSWER,
        "-CAfile", "ca.pem", cwd=authority,
    )  # fmt: skip

    found = check_bundle(signed, Beside(token_roots=authority / "ca.pem"))
    without = check_bundle(signed, Beside())

    assert ((), "valid: it was there at 20") == (found.found, found.token[:25])
    assert "NOT CHECKED: --token-ca names no certificates" == without.token


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda p: p.write_bytes(OTHER), id="another bundle"),
        pytest.param(lambda p: p.with_name(p.name + ANSWER).write_bytes(b"0"), id="no answer"),
        pytest.param(lambda p: p.with_name(p.name + ANSWER).unlink(), id="none"),
    ],
)
def test_a_time_stamp_that_is_not_of_this_bundle_is_named(authority, signed, spoil):
    """R12.37: Whatever else lies there vouches for nothing."""
    stamp(authority, signed)
    spoil(signed)

    found = check_bundle(signed, Beside(token_roots=authority / "ca.pem")).found

    assert ["b.zip.tsr"] == [d.path for d in found]


def test_a_time_stamp_of_another_authority_is_named(authority, signed, tmp_path):
    """R12.37: Only an authority that is trusted counts."""
    stamp(authority, signed)
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "o.key", "-out", "o.pem", "-subj", "/CN=another root", cwd=tmp_path,
    )  # fmt: skip

    found = check_bundle(signed, Beside(token_roots=tmp_path / "o.pem"))

    assert ["b.zip.tsr"] == [d.path for d in found.found]
    assert "valid: " not in found.token


@pytest.mark.parametrize("python", ["pypy3", sys.executable])
def test_the_inner_verifier_runs_on_its_own(bundle, tmp_path, python):
    """R12.35: Python 3.9 (Debian's pypy3) and ours: exit 0, and 4 with the name of what changed."""
    program = shutil.which(python) or lacking(f"{python} is not installed")
    path = tmp_path / "b.zip"
    path.write_bytes(bundle[0])
    shutil.unpack_archive(path, tmp_path)
    (folder,) = tmp_path.glob("evidence_*")

    def run(*arguments):
        command = [program, "-I", str(folder / "verify.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole, unpacked = run(path), run()
    (folder / "index.html").write_text("<p>all was well</p>")
    altered = run()

    assert (0, 0) == (whole.returncode, unpacked.returncode), whole.stderr + unpacked.stderr
    assert whole.stdout.endswith(": intact\n")
    assert 4 == altered.returncode
    assert "ALTERED    index.html" in altered.stdout
