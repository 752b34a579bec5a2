"""Observe: build pipelines are read for their images, whatever else their files hold."""

import time

import pytest

from mission_control.repository import files as repository_files
from mission_control.repository.files import MAX_PIPELINE_BYTES, read_pipelines
from mission_control.repository.model import BuildPipeline

NAME = "cloudbuild.yaml"
NO_MAPPING, UNREADABLE = "it is not a YAML mapping", "it is not readable YAML"


def read(folder, content: bytes):
    """Return what one pipeline's file says."""
    (folder / NAME).write_bytes(content)
    (found,) = read_pipelines(folder, [NAME])
    return found


def test_images_are_told(tmp_path):
    """Those that it names as its own, and those that its steps tag; texts only."""
    text = (
        "images: [r/x:1, 7, ~]\nsteps:\n- args: [-t, r/z:2, '--tag=r/y:3', 7]\n- x\ntimeout: 1s\n"
    )

    assert BuildPipeline(NAME, ("r/x:1", "r/y:3", "r/z:2")) == read(tmp_path, text.encode())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"steps: !!bool maybe\nimages: [r/x:1]\n", ""),
        (b"x: !!int ''\nimages: [r/x:1]\n", ""),
        (b"x: !!timestamp z\nimages: [r/x:1]\n", ""),
        (b"x: !!float ''\nimages: [r/x:1]\n", ""),
        (b"? [a]\n: b\n", "it has keys that are not text"),
        (b"x: !!python/name:os.system\n", "it has YAML tags of its own"),
        (b"a: &a 1\nb: *a\n", "it has YAML anchors or aliases, which are not followed"),
        (b"a:\n  <<: {b: 1}\n", "it has YAML merge keys, which are not followed"),
        (b"a: 1\n---\nb: 1\n", NO_MAPPING),
        (b"", NO_MAPPING),
        (b"- 1\n", NO_MAPPING),
        (b"a: [b\n", UNREADABLE),
        (b"\xff", UNREADABLE),
        (b"[" * 5_000, "it is nested deeper than 40, or longer than 60000 events"),
        (b"#" * (MAX_PIPELINE_BYTES + 1), "it is not a plain file of a usual size"),
    ],
)
def test_an_odd_file_is_a_gap_and_breaks_nothing(tmp_path, content, problem):
    """Odd values are no matter where no image is; an odd file is told by what it is."""
    found = read(tmp_path, content)

    assert (problem, ("r/x:1",) if not problem else ()) == (found.problem, found.images)


def test_a_file_that_grows_costs_nothing(tmp_path):
    """Merge keys within merge keys are refused before anything is made of them."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 9)]
    began = time.process_time()
    found = read(tmp_path, "\n".join(lines).encode())

    assert "it has YAML anchors or aliases, which are not followed" == found.problem
    assert time.process_time() - began < 1


def test_what_is_not_read_in_time_is_told(tmp_path, monkeypatch):
    """All pipelines share one limit; what it cuts off is a problem, never no image."""
    monkeypatch.setattr(repository_files, "SURVEY_SECONDS", 5.0)
    (tmp_path / "a.yaml").write_text("images: [r/x:1]\n")
    seconds = iter([0.0, 1.0, 6.0])
    found = read_pipelines(tmp_path, ["a.yaml", "b.yaml"], lambda: next(seconds))

    late = BuildPipeline("b.yaml", problem="it was not read within 5 seconds for all")
    assert [BuildPipeline("a.yaml", ("r/x:1",)), late] == found
