"""Abuse: whatever a configuration file holds is taken, or refused in words, and costs little."""

import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mission_control.alerts.load import load_rules, load_waivers
from mission_control.configuration.closures import load_closures
from mission_control.configuration.fleet_file import load_fleet
from mission_control.configuration.settings import load_settings
from mission_control.errors import ConfigurationError

EVERY_HEALTH_CHECK: list[HealthCheck] = list(HealthCheck)  # pyright: ignore[reportAssignmentType]
FLEET = """\
cluster: none
agents:
  - agent_name: a
    kind: strategy
    service_dns: http://a.floor:8080
    criticality: critical
    expected_endpoints: ["/ops/status"]
    interval_seconds: 10
    deadline_seconds: 3
    depends_on: [b]
    slo: {target: 99.9, window: market_hours}
    owner: {primary: Ops}
  - {agent_name: b, kind: marketdata, service_dns: "http://b.floor"}
known_workloads: []
"""
CONFIG = f"""\
interval_seconds: 10
port: 8080
allowed_hosts: [a.floor]
{FLEET}"""
CLOSURES = """\
closures:
  - date: 2026-12-04
    kind: early_close
    close: "13:00"
    source: https://example.com
    announced: 2026-11-01
    entered_by: me
"""
WAIVERS = """\
waivers:
  - code: TIMEOUT
    subject: a
    who: me
    why: known
    until: 2026-12-24T00:00:00Z
"""
RULES = """\
rules:
  - rule: too_slow
    severity: P2
    when: {source: reason, codes: [TIMEOUT]}
    phases: [any]
    summary: "Too slow: {subject}"
    about: It took too long.
  - rule: own_clock_suspect
    disabled: true
"""


def load_config(path: Path) -> object:
    """Load a file that holds settings and a fleet."""
    return load_settings({}, config_file=path)


LOADERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "fleet": (partial(load_fleet, default_interval=10, default_deadline=3), FLEET),
    "config": (load_config, CONFIG),
    "closures": (load_closures, CLOSURES),
    "waivers": (load_waivers, WAIVERS),
    "rules": (load_rules, RULES),
}
NASTY = [
    *("", "null", "~", "true", "no", "1e400", ".inf", ".nan", "-0", "0x" + "f" * 400, "9" * 5_000),
    *("1" * 309, "1:30", "0o17", "2026-13-45", "2026-11-18T25:00:00Z", "!!python/object:os.system"),
    *(
        "&a [*a]",
        "*a",
        "<<: {a: 1}",
        "? x",
        "|",
        ">",
        "'",
        '"',
        "\\x00",
        "\u202e",
        "\ufeff",
        "\ud7ff",
    ),
    *(
        "[" * 200,
        "{" * 200,
        "- " * 200,
        "a: " * 100,
        "\t",
        "\r\n",
        "%YAML 9.9",
        "---",
        "...",
        "@",
        "`",
    ),
    *("http://[::1", "http://a:99999", "http://a/../../state", "file:///etc/passwd", "/" * 3_000),
    *(
        "{}",
        "[]",
        "[[]]",
        "{a: {a: {a: 1}}}",
        "x" * 70_000,
        "\U0001f4a5",
        "\x85",
        "\u2028",
        "=",
        "<<",
    ),
]
TOKENS = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=40), st.integers().map(str), st.floats().map(str)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)


def taken_or_refused(load: Callable[[Path], object], path: Path, content: bytes) -> None:
    """Load it; a refusal names the file, says what is wrong, and repeats nothing at length."""
    path.write_bytes(content)
    try:
        load(path)
    except ConfigurationError as error:
        refused = error
    else:
        return
    for problem in refused.problems:
        assert problem.where.startswith(str(path)) or "MISSION_CONTROL_" in problem.where
        assert problem.problem.strip()
        assert len(str(problem)) < 2_000
    assert "\x1b" not in str(refused)


@st.composite
def cut_up(draw: st.DrawFn, text: str) -> bytes:
    """Return a good file with lines repeated, left out, moved or given another value."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                lines.insert(at, lines[at])
            case 1 if len(lines) > 1:
                lines.pop(at)
            case 2:
                lines[at] = " " * draw(st.integers(0, 9)) + lines[at].strip()
            case 3:
                key, colon, _ = lines[at].partition(":")
                lines[at] = f"{key}{colon} {draw(TOKENS)}"
            case _:
                lines[at] = draw(TOKENS)
    ending = draw(st.sampled_from(["\n", "\r\n", "\r", "\x85"]))
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return (mark + ending.join(lines)).encode("utf-8", "surrogatepass")


@st.composite
def grafted(draw: st.DrawFn, text: str) -> bytes:
    """Return a good file in which one value, wherever it stands, is any other."""
    document = yaml.safe_load(text)
    at = document
    while isinstance(at, dict | list) and at:
        key = draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        if not isinstance(at[key], dict | list) or not at[key] or draw(st.booleans()):
            at[key] = draw(VALUES)
            break
        at = at[key]
    return yaml.safe_dump(document, allow_unicode=draw(st.booleans())).encode("utf-8", "replace")


@pytest.mark.parametrize("which", LOADERS)
def test_any_file_is_taken_or_refused(which, tmp_path_factory):
    """Bytes, cut-up files and values of any type: never another error than one for people."""
    load, good = LOADERS[which]
    path = tmp_path_factory.mktemp("fuzzed") / f"{which}.yaml"

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        suppress_health_check=EVERY_HEALTH_CHECK,
        database=None,
    )
    @given(st.one_of(st.binary(max_size=300), cut_up(good), grafted(good)))
    @example(b"\xff\xfe" + good.encode("utf-16-le"))
    @example(b"\xef\xbb\xbf" + good.encode())
    @example(good.replace("\n", "\r\n").encode())
    @example(good.encode() + b"\x00")
    @example(b"- " * 10_000)
    @example(b"? " * 10_000)
    def check(content):
        taken_or_refused(load, path, content)

    check()


@pytest.mark.parametrize("which", LOADERS)
def test_the_good_files_are_good(which, tmp_path):
    """What is cut up is accepted whole, also with a byte order mark or lines of Windows."""
    load, good = LOADERS[which]
    for content in (good, "\ufeff" + good, good.replace("\n", "\r\n")):
        path = tmp_path / "good.yaml"
        path.write_bytes(content.encode())
        load(path)


MIB = 1024 * 1024


def agents(depend: Sequence[Sequence[int]]) -> str:
    """Return a fleet file of services that depend on these of them."""
    listed = (
        f"- {{agent_name: a{n}, kind: ops, service_dns: 'http://a',"
        f" depends_on: [{','.join(f'a{m}' for m in on)}]}}\n"
        for n, on in enumerate(depend)
    )
    return "agents:\n" + "".join(listed)


BOMBS = {
    "a billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
    ),
    "an endless alias": "agents: &a [*a]\n",
    "brackets without end": "[" * (MIB - 1),
    "dashes without end": "- " * (MIB // 2 - 1),
    "questions without end": "? " * (MIB // 2 - 1),
    "a number of a million digits": "agents: " + "9" * (MIB - 9),
    "a hundred thousand services": "agents:\n" + "- {}\n" * 200_000,
    "a hundred thousand keys": "".join(f"k{n}: 1\n" for n in range(90_000)),
    "one key again and again": "agents: []\n" * 90_000,
    "a cycle of thousands": agents([[(n + 1) % 9_000] for n in range(9_000)]),
    "all that depend on all": agents([[m for m in range(400) if m != n] for n in range(400)]),
    "more than may be": "#" * (MIB + 1),
    "one long word": "agents: '" + "x" * (MIB - 20) + "'",
}


def held_back() -> None:
    """Allow a process 60 s of the processor and 1.5 GiB; no wall clock is looked at."""
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    resource.setrlimit(resource.RLIMIT_AS, (1_536 * MIB, 1_536 * MIB))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_bounds(bomb, tmp_path):
    """The command ends with 78 and a sentence, within bounded time and memory, without a trace."""
    path = tmp_path / "fleet.yaml"
    path.write_text(BOMBS[bomb])
    command = [str(Path(sys.executable).with_name("mission-control")), "config", "check"]

    ended = subprocess.run(
        [*command, "--fleet-file", str(path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=held_back,
    )

    assert 78 == ended.returncode, ended.stderr[-2_000:]
    assert "Traceback" not in ended.stderr
    assert str(path) in ended.stdout + ended.stderr
    assert len(ended.stdout + ended.stderr) < 20_000
