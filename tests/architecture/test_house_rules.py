"""Architecture: the house rules that no tool enforces."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("mission_control", "ops_ui")
SOURCES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "handler", "misc"}
PURE = {"model", "market_calendar", "documents", "decide", "present"}


def relative(path):
    """Name a module as its path from the root."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_names_say_what_a_room_holds(path):
    """Nothing is called utils, helpers, common, manager or handler."""
    words = {*path.stem.split("_"), *path.relative_to(ROOT).parts[:-1]}

    assert set() == words & BANNED_NAMES


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_says_which_room_it_is(path):
    """Every module has a docstring; an `__init__` holds nothing else."""
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree)
    if path.name == "__init__.py":
        assert 1 == len(tree.body)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_module_outgrows_its_page(path):
    """A module has at most 500 lines, and a function fewer than 45 (aim: 30)."""
    text = path.read_text()
    functions = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 45
    ]

    assert text.count("\n") <= 500
    assert [] == functions


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_is_left_undone(path):
    """No mark of unfinished work is left behind."""
    text = path.read_text()

    assert [] == [m for m in ("TODO", "FIXME", "XXX", "NotImplementedError") if m in text]


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if PURE & {*p.relative_to(ROOT).with_suffix("").parts[1:]}],
    ids=relative,
)
def test_pure_rooms_are_synchronous(path):
    """Decisions and renderings await nothing."""
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)

    assert [] == [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, kinds)]


def test_import_does_nothing():
    """Importing every module opens no file for writing, no socket and configures no logging."""
    modules = [
        relative(p).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for p in SOURCES
        if p.name != "__main__.py"
    ]
    script = (
        "import sys, logging\n"
        "seen = []\n"
        "def hook(name, args):\n"
        "    if name in {'socket.connect', 'socket.bind', 'subprocess.Popen', 'os.mkdir'}:\n"
        "        seen.append(name)\n"
        "    if name == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+'):\n"
        "        seen.append(f'open {args[0]} {args[1]}')\n"
        "sys.addaudithook(hook)\n"
        f"for module in {modules!r}:\n"
        "    __import__(module)\n"
        "assert not logging.getLogger().handlers, logging.getLogger().handlers\n"
        "print(seen)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={},
    )

    assert ("", "[]\n") == (done.stderr, done.stdout)


def test_the_project_names_no_machine():
    """No committed file names a path of the machine it was written on, or a registry's host."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    marks = ("/work" + "/", "/opt/" + "pypi", "pypi." + "org", "npmjs." + "org")
    found = [
        f"{name}: {mark}"
        for name in listed.stdout.split("\0")
        if name and (ROOT / name).is_file()
        for mark in marks
        if mark in (ROOT / name).read_text(errors="replace")
    ]

    assert [] == found


def imported_at_run_time(path):
    """Return what a module imports when it is loaded; what it imports for types does not count."""
    tree = ast.parse(path.read_text())
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node not in for_types
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    }


def test_no_modules_import_each_other_in_a_circle():
    """Modules can be read one after the other; what a circle needs belongs into one of them."""
    modules = {relative(p).removesuffix(".py").replace("/", "."): p for p in SOURCES}
    needed = {m: imported_at_run_time(p) & (modules.keys() - {m}) for m, p in modules.items()}

    assert list(TopologicalSorter(needed).static_order())


PRIVATE = re.compile(r"nobody|somebody|whoever|\banew\b|accus|acquit|witness", re.IGNORECASE)
ON_THE_WIRE = re.compile(
    r"\baccusations\b|accusation\.(opened|ended)|\bwitnesses\b|nothing_stands_accused"
    r"|standing\\?_accusations|kill(\\?_| )switch(\\?_| )witness|sudo -u nobody"
)
"""Names that clients and stored records read; they stay until a versioned change."""


@pytest.mark.parametrize(
    "path",
    [
        p
        for folder in ("mission_control", "ops_ui", "tests")
        for p in sorted((ROOT / folder).rglob("*.py"))
        if p != Path(__file__)
    ],
    ids=relative,
)
def test_words_are_the_fields(path):
    """A reader who has run Prometheus and Kubernetes needs no glossary."""
    assert [] == PRIVATE.findall(ON_THE_WIRE.sub("", path.read_text()))
