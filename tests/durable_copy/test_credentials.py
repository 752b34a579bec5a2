"""Record, durable copy: credentials come from a file, and nothing of them ever comes out."""

import pytest

from mission_control.durable_copy.s3_store import read_credentials
from mission_control.errors import StorageError

BOTH = "aws_access_key_id=THEKEY\naws_secret_access_key=the/sec=ret\n"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        pytest.param(BOTH, None, id="plain"),
        pytest.param(f"\ufeff# ours\n\n[default]\n{BOTH}; end", None, id="the AWS tools' own"),
        pytest.param("access_key_id = THEKEY\nSECRET_ACCESS_KEY = the/sec=ret", None, id="short"),
        pytest.param(f"{BOTH}aws_session_token=tok\nregion=x\n", "tok", id="with a token"),
        pytest.param(f"{BOTH}[other]\naws_access_key_id=NO\n", None, id="another profile after"),
        pytest.param(f"[other]\nsession_token=NO\n[default]\n{BOTH}", None, id="and before"),
        pytest.param(f"{BOTH}aws_session_token=\n", None, id="an empty token is none"),
    ],
)
def test_credentials_are_read(tmp_path, text, token):
    """Both forms are understood, and only the default profile counts."""
    path = tmp_path / "credentials"
    path.write_text(text)

    found = read_credentials(path)

    assert ("THEKEY", "the/sec=ret", token) == (
        found.access_key_id,
        found.secret_access_key,
        found.token,
    )
    assert "S3Credentials()" == repr(found)
    assert "a [REDACTED] b [REDACTED] c" == found.hide("a THEKEY b the/sec=ret c")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "no access_key_id and no secret_access_key", id="empty"),
        pytest.param("aws_access_key_id=THEKEY", "no secret_access_key", id="half"),
        pytest.param(f"{BOTH}the/sec=ret\nthesecret", "line 4 is no key=value", id="no pair"),
        pytest.param("x" * 70_000, "too long", id="too long"),
        pytest.param("[other]\n" + BOTH, "no access_key_id", id="only another profile"),
    ],
)
def test_what_is_no_credentials_is_named_without_repeating_it(tmp_path, text, problem):
    """A complaint names file and line, and never what is there."""
    path = tmp_path / "credentials"
    path.write_text(text)

    with pytest.raises(StorageError, match=problem) as refused:
        read_credentials(path)

    assert str(path) in str(refused.value)
    assert "thesecret" not in str(refused.value)
    assert "THEKEY" not in str(refused.value)
