"""
What kubeconfigs, or a pod's own account, say of the API server and of us.

The files are watched, and merged as kubectl does.
"""

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import quote, unquote, urlsplit

import httpx
import yaml

from mission_control.errors import MissionControlError
from mission_control.model.cluster_identity import IN_CLUSTER
from mission_control.model.fleet import ClusterAccess
from mission_control.processes.followed_file import state_of
from mission_control.processes.plain_file import read_regular
from mission_control.redaction.files import items_of, pairs_of, read_plain_yaml, text_of

MAX_FILE_BYTES = 4 * 1024 * 1024
DEFAULT_FILE = "~/.kube/config"
_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"

Values = Mapping[str, object]
States = tuple[tuple[int, ...] | None, ...]


class NoAccessError(MissionControlError):
    """Nothing tells where the API server is, or who we are to it."""


class WatchedFiles:
    """Reads files, and remembers in which state each was before, so that a change shows."""

    def __init__(self) -> None:
        """Know no file."""
        self._states: dict[str, tuple[int, ...] | None] = {}

    def read(self, path: Path, what: str) -> bytes:
        """Read a whole file; raises NoAccessError where that cannot be done."""
        self.is_there(path)
        try:
            content = read_regular(path, MAX_FILE_BYTES + 1)
        except OSError as error:
            raise NoAccessError(f"{what} {path}: {error.strerror or error}") from None
        if len(content) > MAX_FILE_BYTES:
            raise NoAccessError(f"{what} {path}: it is larger than {MAX_FILE_BYTES} bytes")
        if not content.strip():
            raise NoAccessError(f"{what} {path}: it is empty")
        return content

    def is_there(self, path: Path) -> bool:
        """Return whether there is such a file; one that is not there is watched as well."""
        self._states[str(path)] = state = state_of(str(path))
        return state is not None

    def loaded(self) -> States:
        """Return the states in which the files were read."""
        return tuple(self._states.values())

    def current(self) -> States:
        """Return the states in which they are now."""
        return tuple(state_of(path) for path in self._states)


@dataclass(frozen=True, slots=True)
class Entry:
    """A named entry of a kubeconfig, and the folder that its relative paths begin in."""

    what: str
    values: Values
    folder: Path

    def text(self, key: str) -> str:
        """Return a text, empty where there is none."""
        value = self.values.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise NoAccessError(f"{self.what}: its {key} is not text")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean, false where there is none; nothing else is taken for one."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise NoAccessError(f"{self.what}: its {key} is neither true nor false")
        return value

    def path(self, key: str) -> Path | None:
        """Return a path, from the folder of the file that names it."""
        named = self.text(key)
        return self.folder / named if named else None

    def inline(self, key: str, files: WatchedFiles) -> dict[str, str]:
        """Return `key-data`, or a file's; the official client would pass over what is no base64."""
        inline, path, content = f"{key}-data", self.path(key), b""
        told = self.text(inline)
        if told:
            with suppress(ValueError):
                content = base64.b64decode("".join(told.split()), validate=True)
            if not content:
                raise NoAccessError(f"{self.what}: its {inline} is not base64, or is empty")
        elif path:
            content = files.read(path, f"{self.what}: its {key}")
        return {inline: base64.b64encode(content).decode()} if content else {}


def _documents(
    access: ClusterAccess, environ: Mapping[str, str], files: WatchedFiles
) -> Iterator[tuple[Path, Values]]:
    """Read every kubeconfig, in order; of several those that are not there are left out."""
    named = access.kubeconfig or environ.get("KUBECONFIG") or DEFAULT_FILE
    whole = Path(named).expanduser()
    paths = [whole]
    if access.kubeconfig is None or not files.is_there(whole):
        paths = [Path(p).expanduser() for p in named.split(os.pathsep) if p]
    there = [p for p in paths if files.is_there(p)] if len(paths) > 1 else paths
    if not there:
        raise NoAccessError("none of the kubeconfigs is there: " + ", ".join(map(str, paths)))
    for path in there:
        content = files.read(path, "the kubeconfig")
        yield path, _parse(content, path)


def _parse(content: bytes, path: Path) -> Values:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NoAccessError(f"the kubeconfig {path} is not UTF-8") from None
    nodes = read_plain_yaml(text)
    if isinstance(nodes, str):
        raise NoAccessError(f"the kubeconfig {path}: {nodes}")
    values = _plain(nodes[0], str(path)) if len(nodes) == 1 else None
    if not isinstance(values, dict):
        raise NoAccessError(f"the kubeconfig {path} is not a single mapping")
    return cast("Values", values)


def _plain(node: yaml.Node, where: str) -> object:
    """Return mappings, lists, texts and booleans; a key that is given twice could mean either."""
    if isinstance(node, yaml.MappingNode):
        held = dict[str, object]()
        for key_node, value in pairs_of(node):
            key = text_of(key_node)
            if key in held:
                raise NoAccessError(f"the kubeconfig {where}: the key {key} is given twice")
            held[key] = _plain(value, where)
        return held
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, where) for value in items_of(node)]
    if node.tag == _BOOLEAN:
        return text_of(node).casefold() in {"true", "yes", "on", "y"}
    return None if node.tag == _NULL else text_of(node)


_Named = dict[str, Entry]


class Merged(NamedTuple):
    """What one or several kubeconfigs say together; `current` is empty where no context is."""

    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]
    current: str


def read_merged(access: ClusterAccess, environ: Mapping[str, str], files: WatchedFiles) -> Merged:
    """
    Read and merge as kubectl does: of each name, and of the current context, the first counts.

    Raises NoAccessError with what is wrong.
    """
    contexts, clusters, users, current = _Named(), _Named(), _Named(), ""
    for path, values in _documents(access, environ, files):
        current = current or Entry("the kubeconfig", values, path.parent).text("current-context")
        for kind, merged in (("context", contexts), ("cluster", clusters), ("user", users)):
            for name, entry in _entries(values, kind, path).items():
                merged.setdefault(name, entry)
    return Merged(contexts, clusters, users, current)


def _entries(values: Values, kind: str, path: Path) -> _Named:
    found = _Named()
    for item in list_of(values.get(f"{kind}s"), f"the {kind}s of {path}"):
        held = mapping_of(item, f"a {kind} of {path}")
        name = Entry(f"a {kind} of {path}", held, path.parent).text("name")
        if name in found:
            raise NoAccessError(f"the kubeconfig {path} has two of {kind} {name}")
        what = f"{kind} {name} of the kubeconfig"
        found[name] = Entry(what, mapping_of(held.get(kind), what), path.parent)
    return found


def find_entry(entries: Mapping[str, Entry], kind: str, name: str) -> Entry:
    """Return the entry of a name; raises NoAccessError where there is none."""
    if name not in entries:
        raise NoAccessError(f"the kubeconfig has no {kind} {name or 'for the context'}")
    return entries[name]


def list_of(value: object, what: str) -> Sequence[object]:
    """Return a list, empty for none; raises NoAccessError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise NoAccessError(f"{what} are not a list")
    return cast("list[object]", value)


def mapping_of(value: object, what: str) -> Values:
    """Return a mapping, empty for none; raises NoAccessError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NoAccessError(f"{what} is not a mapping")
    return cast("Values", value)


SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_AS_KEYS = ("as-uid", "as-groups", "as-user-extra")
_IMPERSONATION = frozenset({"as", "extensions", *_AS_KEYS})


@dataclass(frozen=True, slots=True)
class Plugin:
    """
    The program that hands out credentials; `environment` is added to ours.

    `cluster` is what it is told of the cluster, None where it does not ask for that.
    """

    command: tuple[str, ...]
    api_version: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    cluster: Mapping[str, object] | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """
    Where the API server is and who we are to it, judged, and in a kubeconfig's words.

    `cluster` and `user` name no file and nothing to run: all is inline. `impersonated` are the
    headers of impersonation. Where there is a plugin, the files themselves name no credentials
    that count. `pod` is the folder of a pod's account, None where a kubeconfig was read.
    """

    cluster: Mapping[str, str | bool]
    user: Mapping[str, str]
    plugin: Plugin | None = None
    provider: tuple[str, Mapping[str, str]] | None = None
    impersonated: tuple[tuple[str, str], ...] = ()
    kube_context: str = IN_CLUSTER
    pod: Path | None = None


def read_login(access: ClusterAccess, environ: Mapping[str, str], files: WatchedFiles) -> Login:
    """
    Read where the API server is and who we are; raises NoAccessError with what is wrong.

    The environment says where files are, and never anything of proxies: a request to the API
    server goes there and nowhere else. Blocks on files.
    """
    if access.in_cluster:
        return _of_the_pod(environ, files)
    contexts, clusters, users, current = read_merged(access, environ, files)
    name = access.context or current
    if not name:
        raise NoAccessError("the kubeconfig has no current-context, and no other is named")
    context = find_entry(contexts, "context", name)
    cluster = find_entry(clusters, "cluster", context.text("cluster"))
    user_name = context.text("user")
    no_user = Entry("the user of the kubeconfig", {}, Path())
    user = find_entry(users, "user", user_name) if user_name else no_user
    there, shown = _inline(cluster, user, files)
    who, plugin, provider = _token_or_password(user, files), None, None
    if not who:
        plugin, provider = _plugin(user, cluster, there), _provider(user)
    known = who or plugin or provider or shown
    if not known and any(key not in _IMPERSONATION for key in user.values):
        raise NoAccessError(f"{user.what} names no credentials that are known, or empty ones")
    if plugin and provider:
        raise NoAccessError(f"{user.what} has both an exec plugin and an auth-provider")
    impersonated = tuple(_impersonated(user))
    return Login(there, who | shown, plugin, provider, impersonated, kube_context=name)


def _of_the_pod(environ: Mapping[str, str], files: WatchedFiles) -> Login:
    if not environ.get("KUBERNETES_SERVICE_HOST") or not environ.get("KUBERNETES_SERVICE_PORT"):
        detail = "KUBERNETES_SERVICE_HOST and _PORT are not set: this is not a pod of a cluster"
        raise NoAccessError(detail)
    authority = files.read(SERVICE_ACCOUNT / "ca.crt", "the pod's authority")
    return Login(
        {"certificate-authority-data": base64.b64encode(authority).decode()},
        {"token": _token_in(SERVICE_ACCOUNT / "token", "the pod's token", files)},
        pod=SERVICE_ACCOUNT,
    )


def _inline(
    cluster: Entry, user: Entry, files: WatchedFiles
) -> tuple[dict[str, str | bool], dict[str, str]]:
    """Return where the server is and how it is known, and the certificate that it is shown."""
    if cluster.text("proxy-url"):
        raise NoAccessError(f"{cluster.what} wants a proxy-url, which is not supported")
    there: dict[str, str | bool] = {
        "server": check_server(cluster.text("server"), cluster.what),
        "insecure-skip-tls-verify": cluster.flag("insecure-skip-tls-verify"),
    }
    if cluster.text("tls-server-name"):
        there["tls-server-name"] = cluster.text("tls-server-name")
    if not str(there["server"]).startswith("https:"):
        return there, {}
    shown = user.inline("client-certificate", files) | user.inline("client-key", files)
    if len(shown) == 1:
        missing = "client-key" if "client-certificate-data" in shown else "client-certificate"
        raise NoAccessError(f"{user.what}: its {missing} is missing")
    return there | cluster.inline("certificate-authority", files), shown


def check_server(told: str, what: str) -> str:
    """
    Return the URL of an API server without a slash at its end; raises NoAccessError.

    A path before the API, as Rancher has it, is what it is: nothing in it may mean another
    path to a server that decodes it once more.
    """
    split = urlsplit(told.strip())
    if split.scheme not in {"http", "https"} or not split.hostname:
        raise NoAccessError(f"{what}: its server is not an http or https URL")
    if split.username is not None or split.query or split.fragment:
        raise NoAccessError(f"{what}: its server has a user, a query or a fragment")
    prefix = split.path.rstrip("/")
    if any(not _is_plain(segment) for segment in prefix.split("/")[1:]):
        raise NoAccessError(f"{what}: the path of its server is ambiguous: {prefix[:100]}")
    try:
        url = httpx.URL(f"{split.scheme}://{split.netloc}{prefix}")
    except (httpx.InvalidURL, ValueError):
        raise NoAccessError(f"{what}: its server is not a URL") from None
    if not url.host or (url.port or 1) > 65535:  # noqa: PLR2004  (the highest port there is)
        raise NoAccessError(f"{what}: its server is not a URL")
    return str(url).rstrip("/")


def _is_plain(segment: str) -> bool:
    """Return whether a segment of a path is one also after it was decoded."""
    decoded = unquote(segment)
    odd = set(decoded) & set("/\\%?#;") or decoded in {"", ".", ".."} or not decoded.isprintable()
    return _SEGMENT.fullmatch(segment) is not None and not odd


def header_value(text: str, what: str) -> str:
    """Return a text that a header can hold; raises NoAccessError for any other."""
    if not _HEADER_VALUE.fullmatch(text):
        raise NoAccessError(f"{what} holds what no header can, or is empty")
    return text


def _token_in(path: Path, what: str, files: WatchedFiles) -> str:
    return header_value(files.read(path, what).decode("ascii", errors="replace").strip(), what)


def _token_or_password(user: Entry, files: WatchedFiles) -> dict[str, str]:
    """Return a token, or a name and its password; a token's file goes before a token."""
    path, token = user.path("tokenFile"), user.text("token")
    if path is not None:
        return {"token": _token_in(path, f"{user.what}: its tokenFile", files)}
    if token:
        return {"token": header_value(token.strip(), f"{user.what}: its token")}
    told = {key: user.text(key) for key in ("username", "password") if user.text(key)}
    if len(told) == 1:
        raise NoAccessError(f"{user.what} has a username or a password, and not both")
    return told


def _plugin(user: Entry, cluster: Entry, there: Values) -> Plugin | None:
    what = f"{user.what}: its exec"
    values = mapping_of(user.values.get("exec"), what)
    if not values:
        return None
    told = Entry(what, values, user.folder)
    command, version = told.text("command"), told.text("apiVersion")
    if not command or not version.startswith("client.authentication.k8s.io/"):
        raise NoAccessError(f"{what} names no command, or another apiVersion than is known")
    if told.text("interactiveMode") == "Always":
        raise NoAccessError(f"{what} wants a terminal, and there is none")
    if "/" in command:
        command = str(user.folder / command)
    arguments = (_as_text(a, what) for a in list_of(values.get("args"), f"{what}: its args"))
    pairs = [mapping_of(e, what) for e in list_of(values.get("env"), f"{what}: its env")]
    return Plugin(
        (command, *arguments),
        version,
        {_as_text(p.get("name"), what): _as_text(p.get("value"), what) for p in pairs},
        _told_of(cluster, there) if told.flag("provideClusterInfo") else None,
        told.text("installHint"),
    )


def _as_text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise NoAccessError(f"{what} has an argument or a variable that is not text")
    return value


def _told_of(cluster: Entry, there: Values) -> Values:
    """Return what a plugin may be told of the cluster, as kubectl tells it."""
    told = {**there, "server": cluster.text("server")}
    for each in list_of(cluster.values.get("extensions"), f"{cluster.what}: its extensions"):
        held = mapping_of(each, cluster.what)
        if held.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = held.get("extension")
    return told


def _provider(user: Entry) -> tuple[str, Mapping[str, str]] | None:
    """Return an auth-provider's name and the texts of its configuration."""
    what = f"{user.what}: its auth-provider"
    values = mapping_of(user.values.get("auth-provider"), what)
    if not values:
        return None
    config = mapping_of(values.get("config"), what)
    told = {key: text for key, text in config.items() if isinstance(text, str)}
    return Entry(what, values, user.folder).text("name"), told


def _impersonated(user: Entry) -> Iterator[tuple[str, str]]:
    """Yield the headers of user impersonation (Kubernetes)."""
    name = user.text("as")
    if not name:
        if any(user.values.get(key) for key in _AS_KEYS):
            raise NoAccessError(f"{user.what} impersonates groups or a uid, and no user (`as`)")
        return
    yield "impersonate-user", header_value(name, f"{user.what}: its as")
    if user.text("as-uid"):
        yield "impersonate-uid", header_value(user.text("as-uid"), f"{user.what}: its as-uid")
    what = f"{user.what}: its as-groups"
    for group in list_of(user.values.get("as-groups"), what):
        yield "impersonate-group", header_value(_as_text(group, what), what)
    what = f"{user.what}: its as-user-extra"
    for key, held in mapping_of(user.values.get("as-user-extra"), what).items():
        for value in list_of(held, what):
            header = f"impersonate-extra-{quote(key.lower(), safe='')}"
            yield header, header_value(_as_text(value, what), what)
