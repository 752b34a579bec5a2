"""The fleet file, refused: every mistake is named by file, line, key and remedy."""

import itertools
import os

import pytest

from mission_control.configuration.fleet_file import load_fleet
from mission_control.errors import ConfigurationError

LEAST = "agents:\n  - agent_name: a\n    kind: ops\n    service_dns: http://a.floor\n"


def refusal(path):
    """Load a file that cannot be used, and return the error."""
    with pytest.raises(ConfigurationError) as raised:
        load_fleet(path, default_interval=10, default_deadline=3)
    return raised.value


def refusal_of(write, line):
    """Return the single problem of an entry to which one wrong line was added, on line 5."""
    problems = refusal(write(LEAST + f"    {line}\n")).problems
    assert 1 == len(problems)
    return problems[0]


@pytest.mark.parametrize(
    ("line", "key", "problem", "remedy"),
    [
        pytest.param(
            "critical: true", "agents[0]", "unknown key 'critical'", "'criticality'", id="unknown"
        ),
        pytest.param(
            "kind: ops", "agents[0].kind", "given twice, first on line 3", "", id="repeated key"
        ),
        pytest.param(
            "criticality: urgent", "agents[0].criticality", "none of critical", "", id="criticality"
        ),
        pytest.param("contract: Rich", "agents[0].contract", "none of rich", "'rich'", id="case"),
        pytest.param(
            "criticality: yes", "agents[0].criticality", "a boolean ('yes')", "quotes", id="boolean"
        ),
        pytest.param(
            "interval_seconds: '10'",
            "agents[0].interval_seconds",
            "must be a number, and is text",
            "without quotes",
            id="number in quotes",
        ),
        pytest.param(
            "interval_seconds: true",
            "agents[0].interval_seconds",
            "is a boolean",
            "",
            id="boolean for a number",
        ),
        pytest.param(
            "interval_seconds: 1:30",
            "agents[0].interval_seconds",
            "no plain number",
            "",
            id="sexagesimal",
        ),
        pytest.param(
            "deadline_seconds: .inf",
            "agents[0].deadline_seconds",
            "no plain number",
            "",
            id="infinite deadline",
        ),
        pytest.param(
            "deadline_seconds: 31",
            "agents[0].deadline_seconds",
            "more than 40 s",
            "45 s",
            id="cycle too long",
        ),
        pytest.param(
            "interval_seconds: 0",
            "agents[0].interval_seconds",
            "at least 0.1",
            "",
            id="no interval",
        ),
        pytest.param(
            "deadline_seconds: -1",
            "agents[0].deadline_seconds",
            "at least 0.1",
            "",
            id="negative deadline",
        ),
        pytest.param(
            "slo: {target: 0.999, window: month}",
            "agents[0].slo.target",
            "no usable target",
            "percentage",
            id="SLO as a fraction",
        ),
        pytest.param(
            "slo: {target: 100, window: month}",
            "agents[0].slo.target",
            "no usable target",
            "99.9",
            id="SLO without a budget",
        ),
        pytest.param(
            "slo: {target: 99.9, window: monthly}",
            "agents[0].slo.window",
            "none of market_hours",
            "'month'",
            id="SLO window",
        ),
        pytest.param(
            "slo: {target: 99.9}", "agents[0].slo.window", "is missing", "add window", id="missing"
        ),
        pytest.param(
            "owner: Ops", "agents[0].owner", "must be a mapping, and is text", "", id="owner"
        ),
        pytest.param("owner:", "agents[0].owner", "a mapping, and is empty", "", id="null"),
        pytest.param(
            "workload: {kind: Pod, name: a, namespace: b}",
            "agents[0].workload.kind",
            "none of Deployment",
            "",
            id="workload kind",
        ),
        pytest.param(
            "workload: {kind: Job, name: A_b, namespace: b}",
            "agents[0].workload.name",
            "no Kubernetes name",
            "",
            id="workload name",
        ),
        pytest.param(
            "tls: {ca_file: ca.pem}", "agents[0].tls", "not https", "https://", id="tls for http"
        ),
        pytest.param(
            "expected_endpoints: /healthz",
            "agents[0].expected_endpoints",
            "must be a list",
            "",
            id="endpoints",
        ),
        pytest.param(
            "expected_endpoints: [/a, /a]",
            "agents[0].expected_endpoints[1]",
            "listed twice",
            "",
            id="endpoint twice",
        ),
        pytest.param(
            "depends_on: [b]",
            "agents[0].depends_on[0]",
            "'b', which is not listed",
            "",
            id="unknown dependency",
        ),
        pytest.param(
            "depends_on: [a]", "agents[0].depends_on[0]", "itself: a -> a", "", id="own dependency"
        ),
        pytest.param(
            "bearer_token_file: ''", "agents[0].bearer_token_file", "no usable text", "", id="empty"
        ),
    ],
)
def test_a_mistake_is_named_by_line_and_key(write, line, key, problem, remedy):
    """
    One wrong line gives one problem with its line, key and what to write instead (R1.2, R1.3).
    """
    error = refusal_of(write, line)

    assert error.where.endswith("fleet.yaml:5")
    assert key == error.key
    assert problem in error.problem
    assert remedy in error.remedy


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("healthz", id="relative"),
        pytest.param("/a?b=1", id="query"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("/a/../b", id="climbing"),
        pytest.param("/./a", id="dot"),
        pytest.param("//other-host/a", id="another host"),
        pytest.param("/a b", id="space"),
        pytest.param("/\\x07", id="control character"),
        pytest.param("/é", id="not ASCII"),
        pytest.param("/" + "a" * 512, id="too long"),
        pytest.param("/state", id="state"),
        pytest.param("/State/", id="state in another way"),
        pytest.param("/%73tate", id="state in escapes"),
        pytest.param("/engine/state;v=1", id="state with a parameter"),
        pytest.param("/recover", id="recover"),
        pytest.param("/execute", id="execute"),
    ],
)
def test_a_path_that_may_not_be_asked_is_refused(write, path):
    """
    An endpoint that is no plain path, or that acts when it is asked, never enters the fleet.
    """
    error = refusal_of(write, f'expected_endpoints: [/ops/status, "{path}"]')

    assert "agents[0].expected_endpoints[1]" == error.key


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("a.floor", id="no scheme"),
        pytest.param("ftp://a.floor", id="another scheme"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("http://", id="no host"),
        pytest.param("http://:80", id="port without a host"),
        pytest.param("http://me:hunter2@a.floor", id="password"),
        pytest.param("http://hunter2@a.floor", id="user"),
        pytest.param("http://a.floor?token=hunter2", id="query"),
        pytest.param("http://a.floor?", id="empty query"),
        pytest.param("http://a.floor#hunter2", id="fragment"),
        pytest.param("http://a.floor:0", id="port 0"),
        pytest.param("http://a.floor:65536", id="port out of range"),
        pytest.param("http://a.floor:", id="empty port"),
        pytest.param("http://a.floor:8o", id="port of letters"),
        pytest.param("http://a floor", id="space"),
        pytest.param("http://a.floor\\\\@b", id="backslash"),
        pytest.param("http://a.flo\\tor", id="tab"),
        pytest.param("http://ä.floor", id="not ASCII"),
        pytest.param("http://-a.floor", id="label"),
        pytest.param("http://a..floor", id="empty label"),
        pytest.param("http://1.2.3.4.5", id="no IPv4"),
        pytest.param("http://0x7f000001", id="hexadecimal"),
        pytest.param("http://0X7F.0.0.1", id="hexadecimal first"),
        pytest.param("http://127.0.0.0x1", id="hexadecimal last"),
        pytest.param("http://127.0.0x1.", id="hexadecimal and absolute"),
        pytest.param("http://0177.0.0.1", id="octal"),
        pytest.param("http://2130706433", id="one number"),
        pytest.param("http://127.1", id="short"),
        pytest.param("http://127.1.", id="short and absolute"),
        pytest.param("http://0.0.0.0:8080", id="every address"),
        pytest.param("http://[::]:8080", id="every IPv6 address"),
        pytest.param("http://169.254.169.254", id="metadata"),
        pytest.param("http://169.254.169.254.", id="metadata, absolute"),
        pytest.param("http://0xa9fea9fe", id="metadata, hexadecimal"),
        pytest.param("http://169.254.1.1", id="link-local"),
        pytest.param("http://[fe80::1]", id="IPv6 link-local"),
        pytest.param("http://[fd00:ec2::254]", id="IPv6 metadata"),
        pytest.param("http://[::ffff:169.254.169.254]", id="metadata, mapped"),
        pytest.param("http://[::ffff:a9fe:a9fe]", id="metadata, mapped in hexadecimal"),
        pytest.param("http://[::a9fe:a9fe]", id="metadata, compatible"),
        pytest.param("http://[64:ff9b::a9fe:a9fe]", id="metadata through NAT64"),
        pytest.param("http://[2002:a9fe:a9fe::1]", id="metadata through 6to4"),
        pytest.param("http://[::ffff:0.0.0.0]", id="every address, mapped"),
        pytest.param("http://metadata.google.internal", id="metadata by name"),
        pytest.param("http://Metadata.Google.Internal.", id="metadata by name, absolute"),
        pytest.param("http://224.0.0.1", id="multicast"),
        pytest.param("http://255.255.255.255", id="broadcast"),
        pytest.param("http://[ff02::1]", id="IPv6 multicast"),
        pytest.param("http://[::1]x:80", id="rubbish after IPv6"),
        pytest.param("http://[::1", id="open bracket"),
        pytest.param("http://a.floor/../b", id="climbing"),
        pytest.param("http://a.floor/execute", id="forbidden path"),
        pytest.param("http://" + "a" * 2048, id="too long"),
    ],
)
def test_a_bad_address_is_refused_and_not_repeated(write, address):
    """
    A URL that is not a plain base URL is refused, and the message never holds its secrets (R1.2).
    """
    path = write(f'agents: [{{agent_name: a, kind: ops, service_dns: "{address}"}}]')

    error = refusal(path)

    assert "agents[0].service_dns" == error.key
    assert "hunter2" not in str(error)
    assert 1 == len(error.problems)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("no", id="boolean"),
        pytest.param("42", id="number"),
        pytest.param("2026-11-20", id="date"),
        pytest.param("null", id="null"),
        pytest.param("''", id="empty"),
        pytest.param("'a/b'", id="slash"),
        pytest.param("'..'", id="dots"),
        pytest.param("' a'", id="space around"),
        pytest.param("'a\u202eb'", id="direction override"),
        pytest.param("a" * 129, id="too long"),
        pytest.param("[a]", id="list"),
    ],
)
def test_a_name_that_is_no_name_is_refused(write, name):
    """
    What YAML takes for something else, or what would not fit in a URL's path, is no name.
    """
    error = refusal(write(f"agents: [{{agent_name: {name}, kind: ops, contract: none}}]"))

    assert "agents[0].agent_name" == error.key


@pytest.mark.parametrize("contract", ["rich", "liveness", "http"])
def test_only_what_is_not_asked_may_do_without_an_address(write, contract):
    """
    Every contract but `none` needs an address, and the entry's own line says so.
    """
    error = refusal(write(f"agents:\n  - {{agent_name: a, kind: ops, contract: {contract}}}\n"))

    assert ("agents[0].service_dns", "is missing") == (error.key, error.problem)
    assert error.where.endswith(":2")


def test_execution_on_cloud_run_must_not_be_asked(write):
    """
    An execution service that a request could start is refused unless its contract is none.
    """
    entry = "{agent_name: a, kind: execution, service_dns: https://a-x.run.app"

    assert "never asked" in refusal(write(f"agents: [{entry}}}]")).problem
    fleet = load_fleet(
        write(f"agents: [{entry}, contract: none}}]"), default_interval=10, default_deadline=3
    )
    assert "a" == fleet.agents[0].agent_name


def test_a_cycle_of_dependencies_is_named(write):
    """
    The message walks the cycle from an agent back to itself, in the direction of dependence (R1.2).
    """
    path = write("""\
        agents:
          - {agent_name: outside, kind: ops, contract: none, depends_on: [a]}
          - {agent_name: a, kind: ops, contract: none, depends_on: [b]}
          - {agent_name: b, kind: ops, contract: none, depends_on: [c]}
          - {agent_name: c, kind: ops, contract: none, depends_on: [a]}
        """)

    problem = refusal(path).problem

    walked = problem.removeprefix("depends on itself: ").split(" -> ")
    assert walked[0] == walked[-1]
    assert {("a", "b"), ("b", "c"), ("c", "a")} == set(itertools.pairwise(walked))


def test_a_name_may_be_listed_once(write):
    """
    A second entry of the same name is refused, and both lines are named (R1.2).
    """
    path = write("""\
        agents:
          - {agent_name: a, kind: ops, contract: none}
          - {agent_name: a, kind: ingest, contract: none}
        """)

    error = refusal(path)

    assert error.where.endswith(":3")
    assert "first on line 2" in error.problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", "the fleet file is empty", id="no byte"),
        pytest.param("# nothing\n", "the fleet file is empty", id="only a comment"),
        pytest.param("agents: []\n", "the fleet is empty", id="no agent"),
        pytest.param("agents:\n", "must be a list, and is empty", id="null"),
        pytest.param("agents: {a: b}\n", "must be a list, and is a mapping", id="mapping"),
        pytest.param("cluster: none\n", "there is no list of agents", id="no agents"),
        pytest.param("[a, b]\n", "must be a mapping, and is a list", id="list"),
        pytest.param("agents: [1]\n", "must be a mapping, and is a number", id="number"),
        pytest.param(
            LEAST + "repository_lints: maybe\n", "'maybe' is none of run, not_run", id="lints"
        ),
        pytest.param(
            LEAST + "cluster: gke\n", "'gke' is none of none, in-cluster, kubeconfig", id="cluster"
        ),
        pytest.param(LEAST + "agents: []\n", "given twice", id="agents twice"),
        pytest.param(LEAST + "---\na: b\n", "is not YAML", id="two documents"),
        pytest.param("agents: [\n", "is not YAML", id="cut off"),
        pytest.param("agents: &a [*a]\n", "anchors and aliases", id="endless alias"),
        pytest.param("a: &a [x]\nb: [*a, *a]\n", "anchors and aliases", id="alias"),
        pytest.param("agents: !!python/name:os.system x\n", "tags are refused", id="tag"),
        pytest.param("agents: " + "[" * 100_000, "nested deeper", id="brackets"),
        pytest.param(LEAST.encode() + b"# \xff\n", "is not UTF-8", id="not UTF-8"),
        pytest.param(LEAST.encode("utf-16"), "is not UTF-8", id="UTF-16"),
        pytest.param("agents: \0\n", "is not YAML", id="NUL"),
        pytest.param("#" * (1024 * 1024 + 1), "larger than 1 MiB", id="too large"),
        pytest.param("agents: [" + "1," * 10_001 + "]", "lists 10001", id="too many"),
    ],
)
def test_a_file_that_is_no_fleet_is_refused(write, content, problem):
    """
    Whatever is wrong with the file as a whole is one clear problem, and ends no process (R1.2).
    """
    error = refusal(write(content))

    assert problem in error.problem
    assert "fleet.yaml" in error.where


def test_a_file_of_exactly_the_largest_size_is_read(write):
    """
    The cap is 1 MiB: not a byte less.
    """
    path = write(LEAST + "#" * (1024 * 1024 - len(LEAST)))

    assert 1 == len(load_fleet(path, default_interval=10, default_deadline=3).agents)


def test_what_is_no_readable_file_is_refused(tmp_path):
    """
    A missing file, a folder, a pipe and a path with a NUL are refused; a pipe is not waited for.
    """
    os.mkfifo(tmp_path / "pipe")

    assert "No such file" in refusal(tmp_path / "missing.yaml").problem
    assert "not a regular file" in refusal(tmp_path).problem
    assert "not a regular file" in refusal(tmp_path / "pipe").problem
    assert "cannot be read" in refusal(tmp_path / "a\0b").problem


def test_all_problems_are_told_at_once(write):
    """
    Every problem of the file is listed, in the order of its lines, so that one go mends it (R1.2).
    """
    error = refusal(
        write("""\
        agents:
          - agent_name: a
            kind: strategi
            service_dns: ftp://a
          - agent_name: a
            kind: ops
            contract: none
            depends_on: [b]
        ownr: x
        """)
    )

    lines = [int(problem.where.rpartition(":")[2]) for problem in error.problems]
    assert [3, 4, 5, 8, 9] == lines
    assert 5 == len(str(error).splitlines())
    assert (error.where, error.problem) == (error.problems[0].where, error.problems[0].problem)


def test_a_message_spells_out_twenty_problems_and_counts_the_rest(write):
    """
    A file that is wrong from end to end gives a message that can still be read.
    """
    error = refusal(write("agents:\n" + "  - {kind: ops, contract: none}\n" * 100))

    assert 100 == len(error.problems)
    assert 21 == len(str(error).splitlines())
    assert "and 80 more" == str(error).splitlines()[-1]
