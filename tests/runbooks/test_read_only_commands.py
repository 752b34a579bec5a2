"""Runbooks: no page says to change anything."""

import pytest

from tests.runbooks.pages import FOLDER, PAGES, commands, human_commands
from tests.runbooks.read_only_commands import human_objection, objection

SERVICE = "http://strategy-engine.trading-floor.svc.cluster.local"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_only_reads(page):
    """Every command of a page only reads, but for what one page leaves to a human by name."""
    left = human_commands(page)
    others = [c for c in commands(page) if c not in left]

    assert {} == {c: why for c in others if (why := objection(c))}
    assert {} == {c: why for c in left if (why := human_objection(page.stem, c))}


RELEASING = (
    "kubectl -n trading-floor patch configmap agenttrader-kill-switch --type=merge"
    """ -p '{"data":{"EXECUTION_HALTED":"0"}}'"""
)
RESTORE = FOLDER / "lkg_restore.md"


def test_only_the_restore_leaves_anything_to_a_human():
    """One page has such blocks; a command of them is refused on every other page."""
    assert [RESTORE] == [page for page in PAGES if human_commands(page)]
    assert all(human_objection("post_market", c) for c in human_commands(RESTORE))
    assert all(objection(c) for c in human_commands(RESTORE))


@pytest.mark.parametrize(
    "command",
    [
        "kubectl apply -f ops/lkg/RUN/lkg_manifest.yaml",
        "kubectl apply --server-side -f anything.yaml",
        "kubectl delete namespace trading-floor",
        "kubectl -n trading-floor rollout restart deployment/strategy-engine",
        "kubectl -n trading-floor scale deployment/execution-engine --replicas=1",
        "kubectl -n trading-floor patch configmap agenttrader-kill-switch --type=merge -p '{}'",
        RELEASING,
        "kubectl create namespace trading-floor; kubectl delete pod x",
        "git tag v2-release-20260107-0322",
    ],
)
def test_a_human_is_left_nothing_else(command):
    """No other command may stand in such a block: no other file, and no switch but engaged."""
    assert human_objection("lkg_restore", command)


@pytest.mark.parametrize(
    "command",
    [
        "mission-control status --url http://127.0.0.1:8080",
        "mission-control get /api/v1/posture | jq '.reasons[] | {code, detail}'",
        "kubectl -n trading-floor get pods -l app=strategy-engine -o wide",
        "kubectl get events -n trading-floor --sort-by=.lastTimestamp | grep -i warning",
        "kubectl -n trading-floor get configmap x -o jsonpath='{.data.EXECUTION_HALTED}'",
        "kubectl -n trading-floor describe pod gamma-strategy-0",
        "kubectl -n trading-floor logs deployment/strategy-engine --tail=200 --previous | less",
        "kubectl -n trading-floor top pods",
        "kubectl auth can-i delete pods -n trading-floor",
        f"curl -sSi --max-time 5 {SERVICE}/ops/status | head -n 20",
        f"curl -sS -H 'Accept: text/plain' {SERVICE}/metrics | grep -E 'ticks|reconnect'",
    ],
)
def test_looking_is_allowed(command):
    """The check has nothing against a command that only reads."""
    assert not objection(command)


MUTATING_VERBS = [
    *("annotate", "apply", "attach", "autoscale", "cordon", "create", "cp", "debug", "delete"),
    *("drain", "edit", "exec", "expose", "label", "patch", "port-forward", "proxy", "replace"),
    *("rollout", "run", "scale", "set", "taint", "uncordon"),
]


@pytest.mark.parametrize("verb", MUTATING_VERBS)
@pytest.mark.parametrize("before", ["", "-n trading-floor ", "--namespace=trading-floor "])
def test_no_verb_that_acts(before, verb):
    """Every verb of kubectl that can change something, or reach into a pod, is refused."""
    assert objection(f"kubectl {before}{verb} deployment strategy-engine")


@pytest.mark.parametrize(
    "flag",
    [
        *("-X POST", "-XPOST", "-sSXPOST", "--request=PUT", "-d a=b", "-da=b", "--data a=b"),
        *("--data-binary @x", "--data-raw x", "--data-urlencode x", "--json {}", "-F a=b"),
        *("--form a=b", "-T x", "--upload-file x", "-o x", "-O", "--output x", "--next", "-L"),
        *("-K x", "-k", "-u a:b", "-I", "--config x", "-x http://x", "-H 'X-Exec-Agent-Key: x'"),
    ],
)
def test_no_flag_of_curl_that_acts(flag):
    """A flag of curl that sends, writes, signs in or passes by a check is refused."""
    assert objection(f"curl {flag} {SERVICE}/healthz")
    assert objection(f"curl {SERVICE}/healthz {flag}")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"curl -sS {SERVICE}/state", id="a path that acts"),
        pytest.param(f"curl -sS {SERVICE}/a/../State/", id="a path that acts, hidden"),
        pytest.param(f"curl -sS {SERVICE}/%73tate", id="a path that acts, encoded"),
        pytest.param(f"curl -sS '{SERVICE}/{{healthz,state}}'", id="curl's own globs"),
        pytest.param(f"curl -sS {SERVICE}/healthz {SERVICE}/livez", id="two addresses"),
        pytest.param("curl -sS http://user:word@x/healthz", id="a password"),
        pytest.param("curl -sS file:///etc/passwd", id="a file"),
        pytest.param("curl -sS", id="no address"),
        pytest.param("kubectl get secret trader-secrets -o yaml", id="a secret"),
        pytest.param("kubectl get pods,secrets", id="secrets among others"),
        pytest.param("kubectl describe Secret/trader-secrets", id="a secret with its name"),
        pytest.param("kubectl get --raw /api/v1/nodes/x/proxy/run", id="a raw request"),
        pytest.param("kubectl get pods -o jsonpath-file=x", id="an output from a file"),
        pytest.param("kubectl get {pods,--raw}", id="a shell's braces"),
        pytest.param("kubectl auth reconcile -f x", id="auth that writes"),
        pytest.param("kubectl config use-context x", id="another cluster"),
        pytest.param("kubectl --token=x get pods", id="another identity"),
        pytest.param("kubectl", id="no verb"),
        pytest.param("kubectl get pods; kubectl delete pod x", id="a second command"),
        pytest.param("kubectl get pods && kubectl delete pod x", id="a command that follows"),
        pytest.param("kubectl get pods || kubectl delete pod x", id="a command that replaces"),
        pytest.param("kubectl get pods & kubectl delete pod x", id="a command beside"),
        pytest.param("kubectl get pods | xargs kubectl delete pod", id="a pipe that acts"),
        pytest.param("kubectl get pods | kubectl delete -f -", id="a pipe into kubectl"),
        pytest.param("kubectl get pods | tee x", id="a pipe that writes"),
        pytest.param("kubectl get pods | sh", id="a pipe into a shell"),
        pytest.param("kubectl get pods | less -o x", id="a pager that writes"),
        pytest.param("kubectl get pods | jq . x", id="a filter that reads a file"),
        pytest.param("kubectl get pods | grep -f x", id="patterns from a file"),
        pytest.param("kubectl get pods |", id="a pipe into nothing"),
        pytest.param("| kubectl get pods", id="a pipe from nothing"),
        pytest.param("kubectl get pods > x", id="output into a file"),
        pytest.param("kubectl get pods >> x", id="output after a file"),
        pytest.param("kubectl get pods >x", id="output into a file, unspaced"),
        pytest.param("kubectl get pods < x", id="input from a file"),
        pytest.param("kubectl get $(cat x)", id="a substitution"),
        pytest.param("kubectl get `cat x`", id="an old substitution"),
        pytest.param("kubectl get $VERB", id="a variable"),
        pytest.param("kubectl get pods \\", id="a line that goes on"),
        pytest.param("kubectl get 'pods", id="a quote without its end"),
        pytest.param("VERB=delete kubectl get pods", id="a variable before"),
        pytest.param("(kubectl get pods)", id="a subshell"),
        pytest.param("sudo kubectl get pods", id="as root"),
        pytest.param("bash -c 'kubectl delete pod x'", id="a shell"),
        pytest.param("echo 1 > /etc/agenttrader/kill-switch/EXECUTION_HALTED", id="the switch"),
        pytest.param("git tag v2-release-20260107-0322", id="a tag"),
        pytest.param("git push origin main", id="a push"),
        pytest.param("gcloud run services update market-ingest", id="Cloud Run"),
        pytest.param("helm upgrade x", id="a deploy"),
        pytest.param("rm -rf audit_artifacts", id="a removal"),
        pytest.param("jq . x", id="a filter that comes first"),
        pytest.param("mission-control serve", id="a server"),
        pytest.param("mission-control teleport", id="what does not exist"),
        pytest.param("mission-control", id="nothing asked"),
        pytest.param("", id="nothing"),
    ],
)
def test_the_check_catches_what_acts(command):
    """The check refuses whatever could change something, or is not known to leave all as it is."""
    assert objection(command)


@pytest.mark.parametrize("verb", ["rollout restart", "delete", "scale"])
def test_commands_in_a_sentence_count(tmp_path, verb):
    """A command inside a sentence is checked as one in a block is, and so is an indented one."""
    page = tmp_path / "PAGE.md"
    command = f"kubectl {verb} deployment/x"
    page.write_text(f"# T\n\nRun `{command}`.\n\n    {command}\n\n~~~sh\n{command}\n~~~\n")

    assert [command] * 3 == commands(page)
    assert objection(command)
