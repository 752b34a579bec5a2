"""
What a container's command starts, and which settings it gives, as a shell would read it.

Only what is run counts: a program, the script or module that an interpreter is given, what a
shell or a wrapper (`env`, `exec`, `timeout`, `tini --`) is told to run. Text that is merely passed
on, such as `--no-execution` or the URL of the execution service, starts nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

MAX_NESTING = 8
"""A shell in a shell in a shell: what is nested deeper is not understood."""


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHELLS = _words("ash bash busybox dash ksh mksh sh zsh")
_KEYWORDS = _words("! { do elif else if then until while")
_SETTERS = _words("declare export local readonly typeset")
_DASH_C = re.compile(r"-[a-z]*c")
_ASSIGNED = re.compile(r"([A-Za-z_]\w{0,99})\+?=(.*)", re.DOTALL)
_WORD = re.compile(
    r"""(?:[^\s;&|()<>"'\\`]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+|[;&|()\n`]|[<>]+""", re.DOTALL
)
_QUOTED = re.compile(r"""\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'""", re.DOTALL)
_ENDS = frozenset(";&|()\n`")
_IMPORTED = re.compile(
    r"\bfrom\s+([\w.]+)\s+import\s+([\w, ]+)|\bimport\s+([\w.]+)"
    r"|(?:run_module|run_path|import_module)\(\s*['\"]([^'\"]{1,200})"
)
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*w?")

_PREFIXES = _words(
    "authbind bundle busybox catatonit chpst command conda ddtrace-run doppler dumb-init env"
    " exec gdb go gosu hatch ionice newrelic-admin nice nohup npx opentelemetry-instrument pdm"
    " pipenv poetry runuser rye setpriv setsid stdbuf strace su-exec sudo taskset time timeout"
    " tini unbuffer uv watch with-contenv xargs"
)
"""Programs that run what follows them."""
_VALUED = {
    "chpst": _words("-u -e -n"),
    "conda": _words("-n --name -p --prefix"),
    "doppler": _words("-p -c --project --config"),
    "dumb-init": _words("-r --rewrite"),
    "env": _words("-u --unset -C --chdir"),
    "exec": _words("-a"),
    "ionice": _words("-c -n"),
    "nice": _words("-n --adjustment"),
    "npx": _words("-p"),
    "runuser": _words("-u -g"),
    "stdbuf": _words("-i -o -e"),
    "strace": _words("-e -o"),
    "sudo": _words("-u -g"),
    "timeout": _words("-k -s --kill-after --signal"),
    "tini": _words("-p -e"),
    "uv": _words("-p --python --with"),
    "watch": _words("-n"),
    "xargs": _words("-n -I -P -L -d"),
}
"""Their options that take a value."""
_SKIPPED: dict[str, int] = {"gosu": 1, "su-exec": 1, "taskset": 1, "timeout": 1}
"""How many words of their own come before what they run."""
_RUN_WORDS = frozenset({"exec", "run", "run-program"})
_INTERPRETERS = {
    **dict.fromkeys(_words("bun deno dotnet julia rscript ts-node tsx"), frozenset[str]()),
    "java": _words("-cp -classpath --class-path -p --module-path"),
    "node": _words("-r --require --import --loader"),
    "nodejs": _words("-r --require"),
    "perl": _words("-I"),
    "php": _words("-d"),
    "python": _words("-W -X"),
    "ruby": _words("-I -r"),
}
"""Programs that run one script, archive or class: their options that take a value."""
_NAMING = frozenset({"--app", "--module", "-A", "-m"})
"""Options of a server whose value is the module that is run."""
_SERVERS = _words(
    "celery daphne dramatiq fastapi flask foreman forever granian gunicorn honcho hypercorn"
    " invoke make nodemon npm pm2 pnpm rq streamlit supervisord task uvicorn uwsgi"
    " waitress-serve yarn"
)
"""Programs that are told by their plain words what to run."""
_HANDING_ON = frozenset({"e", "env", "set", "set-env-vars"})
"""Flags whose value is a setting that is handed on, as of `docker run -e NAME=value`."""
_TEXT_TOOLS = _words("awk curl echo egrep git grep jq oc kubectl printf rg sed test wget")
_KUBECTL = _words("apply autoscale create edit patch replace restart resume run scale set undo")
_CHANGES = {
    "argocd": _words("create rollback set sync"),
    "gcloud": _words("create deploy execute replace update"),
    "helm": _words("install rollback upgrade"),
    "kubectl": _KUBECTL,
    "oc": _KUBECTL,
}
"""Programs that change what a cluster runs, and the words by which they do."""


class Started(NamedTuple):
    """What a command starts, the settings that it gives, and its commands that change a cluster."""

    runs: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    acts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    runs: list[str] = field(default_factory=list[str])
    settings: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    acts: list[str] = field(default_factory=list[str])


@lru_cache(maxsize=2048)
def read_command(command: tuple[str, ...], arguments: tuple[str, ...]) -> Started:
    """
    Read a container's command and arguments; raises ValueError for what is nested too deeply.

    Without a command the image's own entry point gets the arguments: their first word may be the
    program, or `-m` and `-c` mean what they mean to most.
    """
    found = _Found()
    words = (*command, *arguments)
    if not command and arguments and arguments[0].startswith("-"):
        _read_flags(words, found)
        _read_interpreted("python", words, found)
        if _DASH_C.fullmatch(arguments[0]):
            _read_shell(words, found, 1)
    else:
        _read_simple(words, found, 0)
    return Started(
        tuple(dict.fromkeys(found.runs)),
        tuple(dict.fromkeys(found.settings)),
        tuple(dict.fromkeys(found.acts)),
    )


def _read_simple(words: Sequence[str], found: _Found, depth: int) -> None:
    """Read one simple command: assignments, then a program with its arguments."""
    if depth > MAX_NESTING:
        raise ValueError("its command is nested too deeply")
    rest = list(words)
    while rest and (rest[0] in _KEYWORDS or _assign(rest[0], found)):
        del rest[0]
    if not rest:
        return
    program, given = rest[0], rest[1:]
    found.runs.append(program)
    name = "python" if _PYTHON.fullmatch(_base(program)) else _base(program)
    _read_flags(given, found)
    if name in _SETTERS:
        for word in given:
            _assign(word, found)
    elif name == "cd":
        found.runs.extend(given[:1])
    elif name in _CHANGES and not _CHANGES[name].isdisjoint(given):
        found.acts.append(" ".join(rest))
    _read_started(name, given, found, depth + 1)


def _read_started(name: str, given: Sequence[str], found: _Found, depth: int) -> None:
    """Read what a program starts, by what it is; `--` often leads to what it starts."""
    if name in {".", "source", "su"} | _SHELLS:
        _read_shell(given, found, depth)
    elif name == "eval":
        _read_script(" ".join(given), found, depth)
    elif name in _INTERPRETERS:
        _read_interpreted(name, given, found)
    elif name in _SERVERS:
        _read_server(given, found)
    if name in _PREFIXES:
        _read_simple(_after_prefix(name, given), found, depth)
    elif "--" in given and name not in _TEXT_TOOLS:
        _read_simple(given[given.index("--") + 1 :], found, depth)


def _base(program: str) -> str:
    return program.replace("\\", "/").rpartition("/")[2].casefold().removesuffix(".exe")


def _assign(word: str, found: _Found) -> bool:
    match = _ASSIGNED.fullmatch(word)
    if match is not None:
        found.settings.append((match[1], match[2]))
    return match is not None


def _after_prefix(name: str, given: Sequence[str]) -> Sequence[str]:
    """Return what a wrapper runs: what follows its options and the words of its own."""
    valued, skipped = _VALUED.get(name, ()), _SKIPPED.get(name, 0)
    rest = list(given)
    while rest and (rest[0].startswith("-") or rest[0] in _RUN_WORDS or skipped):
        word = rest.pop(0)
        if name == "env" and word.startswith(("-S", "--split-string")):
            text = word.removeprefix("-S").removeprefix("--split-string").lstrip("=")
            script = text or (rest.pop(0) if rest else "")
            return [*chain.from_iterable(split_script(script)), *rest]
        if word in valued and rest:
            del rest[0]
        elif word == "--":
            return rest[skipped:]
        elif not word.startswith("-") and word not in _RUN_WORDS:
            skipped -= 1
    return rest


def _read_shell(given: Sequence[str], found: _Found, depth: int) -> None:
    """Read what a shell is given: a script in `-c` with what it is passed, or a script's name."""
    for number, word in enumerate(given):
        if _DASH_C.fullmatch(word):
            after = [w for w in given[number + 1 :] if not re.fullmatch(r"[-+][a-zA-Z]+", w)]
            if after[:1] == ["pipefail"]:  # of `-o pipefail`, in any place
                del after[0]
            _read_script(after[0] if after else "", found, depth)
            _read_simple(after[2:], found, depth)  # it may run what it is passed as "$@"
            return
    plain = [w for w in given if not w.startswith("-")]
    found.runs.extend(plain[:1])


def _read_script(script: str, found: _Found, depth: int) -> None:
    for simple in split_script(script):
        _read_simple(simple, found, depth)


def _read_interpreted(name: str, given: Sequence[str], found: _Found) -> None:
    """Read which script, module, archive or class an interpreter is given."""
    rest = list(given)
    while rest:
        word = rest.pop(0)
        if not rest and word.startswith("-"):
            return
        if word == "-m":
            found.runs.append(rest[0])
            _read_simple(rest, found, MAX_NESTING - 1)
            return
        if word in {"-c", "-e", "--eval", "-p"} and name != "java":
            _read_imports(rest[0], found)
            return
        if word in _INTERPRETERS[name]:
            del rest[0]
        elif word not in _RUN_WORDS and not word.startswith("-"):
            found.runs.append(word)
            return


def _read_imports(code: str, found: _Found) -> None:
    """Read which modules a line of code imports; classes of a module are no modules."""
    for match in _IMPORTED.finditer(code):
        names = [match[1], match[3], match[4], *(n.strip() for n in (match[2] or "").split(","))]
        found.runs.extend(n for n in names if n and n.rpartition(".")[2].islower())


def _read_server(given: Sequence[str], found: _Found) -> None:
    for number, word in enumerate(given):
        named = number > 0 and given[number - 1] in _NAMING
        if named or not (word.startswith("-") or "://" in word or re.search(r":\d+$", word)):
            found.runs.append(word)


def _read_flags(given: Sequence[str], found: _Found) -> None:
    """
    Read every flag with its value: `--mode=LIVE`, `--mode LIVE`, `-Dmode=LIVE`, `--no-dry-run`.

    One without a value is on.
    """
    for number, word in enumerate(given):
        if not word.startswith("-") or not word.strip("-"):
            continue
        name, given_here, value = word.lstrip("-").partition("=")
        if not given_here:
            following = given[number + 1 : number + 2]
            value = next((w for w in following if not w.startswith("-")), "true")
        found.settings.append((name, value))
        if name in _HANDING_ON:
            _assign(value, found)
        if name[:1] == "D" and given_here:
            found.settings.append((name[1:], value))
        if name[:3] in {"no-", "no_"} and not given_here:
            found.settings.append((name[3:], "false"))


def fold_setting(name: str) -> str:
    """Return a setting's name as variables have it: AGENT_MODE for `agent-mode` and `agentMode`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return spaced.replace("-", "_").replace(".", "_").upper()


def split_script(script: str) -> Iterator[Sequence[str]]:
    """Split a shell script into its simple commands, each as its words without their quotes."""
    words, skipping, redirected = list[str](), False, False
    for match in _WORD.finditer(script.replace("\\\n", " ")):
        word = match[0]
        if skipping:
            skipping = word != "\n"
        elif word in _ENDS:
            yield words
            words, redirected = [], False
        elif word.startswith("#"):
            skipping = True
        elif word[0] in "<>":
            redirected = True
        elif redirected:
            redirected = False
        else:
            words.append(_QUOTED.sub(_unquote, word))
    yield words


def _unquote(match: "re.Match[str]") -> str:
    return match[1] or re.sub(r"\\(.)", r"\1", match[2] or "") or match[3] or ""
