"""`evidence redecide`: a whole bundle, decided again from nothing but what is in it."""

import json

import pytest
from click.testing import CliRunner

from mission_control.cli import evidence_redecide
from mission_control.cli.main import cli
from mission_control.evidence.bag import BagWriter
from tests.evidence.incident import unpacked


@pytest.fixture
def redecided(tmp_path):
    """Run the command on the bytes of a bundle."""

    def run(content, *flags):
        path = tmp_path / "bundle.zip"
        path.write_bytes(content)
        return CliRunner().invoke(cli, ["evidence", "redecide", str(path), *flags])

    return run


def forged(content, change):
    """Return a bundle in which files are changed and every sum fits again."""
    files = unpacked(content)
    name = content[30:200].split(b"/", 1)[0].decode()
    info = [line.split(": ", 1) for line in files["bag-info.txt"].decode().splitlines()]
    bag = BagWriter(name)
    pieces = [*bag.begin()]
    for path, held in files.items():
        if path.startswith("data/"):
            pieces += bag.add(path, change(path, held))
    kept = [(k, v) for k, v in info if k != "Payload-Oxum"]
    return b"".join([*pieces, *bag.finish(files["index.html"], kept)])


def moved(path, held):
    """Let the switch of the first change read otherwise: its inputs are no more what they were."""
    if not path.startswith("data/posture/changes/000000_"):
        return held
    document = json.loads(held)
    document["inputs"]["witnesses"][0]["reading"]["value"] = "0"
    return json.dumps(document).encode()


def test_every_posture_of_a_bundle_is_decided_again(bundle, redecided):
    """
    By the rules that decided them each is the same to the byte, without any root (R12.42).
    """
    result = redecided(bundle[0])

    changes = len([p for p in unpacked(bundle[0]) if p.startswith("data/posture/changes/")])
    assert 0 == result.exit_code
    assert changes > 1
    assert f"{changes} equal what was decided then" in result.stdout


def test_an_altered_bundle_is_refused_first(bundle, redecided):
    """
    What does not verify is not decided again (R12.43).
    """
    at = bundle[0].index(b'"witnesses"')
    result = redecided(bundle[0][:at] + b"X" + bundle[0][at + 1 :])

    assert 4 == result.exit_code
    assert "not as it was exported" in result.stderr
    assert "ALTERED" in result.stderr
    assert "" == result.stdout


def test_an_input_that_was_changed_with_every_sum_is_found(bundle, redecided):
    """
    A bundle whose sums fit is no proof of its inputs: the same rules decide otherwise (R12.43).
    """
    result = redecided(forged(bundle[0], moved))

    assert 4 == result.exit_code
    assert "NOT AS DECIDED THEN, by the same rules: HALTED" in result.stdout
    assert "1 DIFFER although the same rules decided them" in result.stdout


def test_what_other_rules_would_say_is_no_failure(bundle, redecided, monkeypatch):
    """
    Where another version decided, a difference is what today's rules say, and exits with 0.
    """
    monkeypatch.setattr(evidence_redecide, "decision_version", lambda: "9.9+other")

    result = redecided(forged(bundle[0], moved), "--json")

    assert (0, "") == (result.exit_code, result.stderr)
    document = json.loads(result.stdout)
    assert (0, 1, "9.9+other") == (
        document["unexplained"],
        document["otherwise"],
        document["ours"],
    )
    assert "OK" == document["differing"][0]["difference"]["then"]


def test_what_is_no_posture_of_ours_is_said(bundle, redecided, monkeypatch):
    """
    A bundle that was made up is named as such, without a traceback.
    """

    def made_up(path, held):
        if path.startswith("data/posture/changes/000000_"):
            document = json.loads(moved(path, held))
            document["decided_again"]["posture"]["posture"] = "FINE"
            return json.dumps(document).encode()
        return held

    result = redecided(forged(bundle[0], made_up))

    assert 1 == result.exit_code
    assert "a posture in it is none of ours" in result.stderr


def test_what_is_no_bundle_is_refused(redecided):
    """
    Any other file is named as not as exported.
    """
    assert 4 == redecided(b"PK nothing").exit_code
