"""Runbooks: whether a command line only reads. An allow-list; what it does not know, it refuses."""

import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from mission_control.probe.decide import NEVER_ASKED

FEATURES_OF_A_SHELL = frozenset("`$\\\n~")
"""Substitution, variables, escapes and continued lines: none of them is needed in order to read."""
OPERATORS = frozenset("();<>|&")

OURS = frozenset(
    {"status", "get", "schedule", "conformance", "doctor", "config", "--version"}
    | {
        "artifacts",
        "rbac",
        "readiness",
        "deploy-report",
        "pre-market",
        "post-market",
        "reports",
        "lkg",
    }
)
DISK = {"df": re.compile(r"-h|-i"), "findmnt": re.compile(r"--target"), "ls": re.compile(r"-la?")}
"""What looks at a disk: the flags of each; paths are plain words."""
VERBS = frozenset({"get", "describe", "logs", "top"})
PLACE = re.compile(r"[A-Za-z0-9./][A-Za-z0-9./_-]*")
POSITIONAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9./,_-]*")
OUTPUT = re.compile(r"wide|yaml|json|name|(?:jsonpath|custom-columns)=.+")
WITHOUT_VALUE = frozenset(
    {"-A", "--all-namespaces", "--previous", "--show-labels", "--no-headers", "--containers"}
)
WITH_VALUE = frozenset(
    {"-n", "--namespace", "-l", "--selector", "-o", "--output", "--tail", "--since", "--sort-by"}
    | {"-c", "--field-selector"}
)
_MANIFEST = r"ops/lkg/RUN/lkg_manifest\.yaml"
_FLOOR = "kubectl -n trading-floor"
HUMANS: dict[str, tuple[re.Pattern[str], ...]] = {
    "lkg_restore": (
        re.compile(r"kubectl create namespace trading-floor"),
        re.compile(rf"kubectl apply --dry-run=server -f {_MANIFEST}"),
        re.compile(
            r"kubectl apply --server-side --force-conflicts --field-manager=agenttrader-dr"
            rf" -f {_MANIFEST}"
        ),
        re.compile(
            rf"{_FLOOR} patch configmap agenttrader-kill-switch --type=merge"
            r""" -p '\{"data":\{"EXECUTION_HALTED":"1"\}\}'"""
        ),
        re.compile(rf"{_FLOOR} rollout status (?:deployment|statefulset)/[a-z-]+ --timeout=300s"),
    )
}
"""What a human types to restore, word by word, by page; in blocks marked `human` alone."""
CURL_LETTERS = frozenset("sSiv")


@dataclass(frozen=True, slots=True)
class Filter:
    """A tool that may stand behind a pipe: its flags, and how many words it takes besides."""

    flags: re.Pattern[str]
    words: int


FILTERS = {
    "jq": Filter(re.compile(r"-[rce]+"), 1),
    "grep": Filter(re.compile(r"-[Eivwno]+|-[ABC][0-9]+"), 1),
    "head": Filter(re.compile(r"-n|-c|[0-9]+"), 0),
    "less": Filter(re.compile(r"(?!)"), 0),
}


def human_objection(page: str, command: str) -> str:
    """Return what is wrong with a command that a page leaves to a human: all but a known few is."""
    known = HUMANS.get(page, ())
    allowed = any(pattern.fullmatch(command) for pattern in known)
    return "" if allowed else f"{page} may not leave this to the reader"


def objection(command: str) -> str:
    """Return what is wrong with a command line; nothing when all it does is read."""
    if FEATURES_OF_A_SHELL & set(command):
        return "it needs a shell to work something out"
    try:
        parts = _pipe(command)
    except ValueError as error:
        return str(error)
    source, *filters = parts
    return next(filter(None, [_source(source), *map(_filter, filters)]), "")


def _pipe(command: str) -> list[list[str]]:
    """Split a line at its pipes; any other operator of a shell is refused."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    parts: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            parts.append([])
        elif word and set(word) <= OPERATORS:
            message = f"{word} is an operator of a shell"
            raise ValueError(message)
        else:
            parts[-1].append(word)
    return parts


def _source(words: list[str]) -> str:
    match words:
        case ["mission-control", *rest]:
            return _ours(rest)
        case [tool, *rest] if tool in DISK:
            odd = [w for w in rest if not (DISK[tool].fullmatch(w) or PLACE.fullmatch(w))]
            return f"{tool} {odd} is more than looking" if odd else ""
        case ["kubectl", *rest]:
            return _kubectl(rest)
        case ["curl", *rest]:
            return _curl(rest)
        case _:
            return f"{words[:1]} is no command that a page may give"


def _filter(words: list[str]) -> str:
    if not words or words[0] not in FILTERS:
        return f"nothing may be piped into {words[:1]}"
    known = FILTERS[words[0]]
    others = [w for w in words[1:] if not known.flags.fullmatch(w)]
    if len(others) != known.words or any(w.startswith("-") for w in others):
        return f"{words[0]} with {others}"
    return ""


def _ours(words: list[str]) -> str:
    name = next(iter(words), "")
    return "" if name in OURS else f"mission-control {name} is not for looking"


def _kubectl(words: list[str]) -> str:
    positional, wrong = _split_kubectl(words)
    if wrong:
        return wrong
    if positional[:2] == ["auth", "can-i"]:
        return ""
    if not positional or positional[0] not in VERBS:
        return f"kubectl {positional[:1]} is no verb that reads"
    return _resources(positional[1:])


def _split_kubectl(words: list[str]) -> tuple[list[str], str]:
    """Part kubectl's words from its flags; the second is what is wrong, if anything is."""
    positional: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if not word.startswith("-"):
            if not POSITIONAL.fullmatch(word):
                return [], f"{word} is no plain word"
            positional.append(word)
        elif flag in WITH_VALUE:
            value = value if equals else next(rest, "")
            if flag in {"-o", "--output"} and not OUTPUT.fullmatch(value):
                return [], f"{flag} {value}"
        elif word not in WITHOUT_VALUE:
            return [], f"{word} is no flag that a page may give"
    return positional, ""


def _resources(words: list[str]) -> str:
    named = [part.casefold() for word in words for part in re.split("[,/]", word)]
    return "a secret is never read" if any(n.startswith("secret") for n in named) else ""


def _curl(words: list[str]) -> str:
    values = {b for a, b in pairwise(words) if a in {"-H", "--max-time"}}
    for flag, value in pairwise([*words, ""]):
        if flag == "-H" and not value.casefold().startswith("accept:"):
            return f"-H {value}"
        if flag == "--max-time" and not value.isdigit():
            return f"--max-time {value}"
    rest = [w for w in words if w not in {"-H", "--max-time"} and w not in values]
    urls = [w for w in rest if not w.startswith("-")]
    flags = [w for w in rest if w.startswith("-") and not set(w[1:]) <= CURL_LETTERS]
    if flags or len(urls) != 1:
        return f"curl with {flags or urls}"
    return _address(urls[0])


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or set("{}[]") & set(url):
        return f"{url} is no plain address"
    segments = {s.casefold() for s in unquote(parts.path).split("/")}
    return "an address that acts when it is asked" if segments & NEVER_ASKED else ""
