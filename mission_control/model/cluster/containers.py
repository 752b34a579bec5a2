"""Model: containers as their pod's specification has them, with the environment that matters."""

from dataclasses import dataclass, field

WATCHED_ENV = frozenset(
    {
        "AGENT_MODE",
        "AGENT_NAME",
        "AGENT_ROLE",
        "BROKER_EXECUTION_ENABLED",
        "BUILD_ID",
        "EXECUTION_ENABLED",
        "EXECUTION_HALTED",
        "EXECUTION_MODE",
        "EXECUTION_REPLICAS",
        "EXEC_DRY_RUN",
        "EXEC_KILL_SWITCH",
        "GIT_SHA",
        "KILL_SWITCH",
        "MARKETDATA_FORCE_STALE",
        "MARKETDATA_HEALTH_CHECK_DISABLED",
        "MODE",
        "PAPER_TRADING",
        "REPO_ID",
        "SHADOW_MODE",
        "TRADING_MODE",
    }
)
"""Variables whose values are kept; of all others only the name is, for they may be secret."""


@dataclass(frozen=True, slots=True)
class KeyRef:
    """Where a variable's value stands: a key of a ConfigMap or Secret, or a field of the pod."""

    kind: str
    name: str
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class EnvVariable:
    """
    A watched variable of a container, as written: a plain value, or a reference to one.

    A variable with neither is empty, which is a value.
    """

    name: str
    value: str | None = None
    ref: KeyRef | None = None


@dataclass(frozen=True, slots=True)
class EnvSource:
    """A ConfigMap or Secret all of whose keys become variables, each with the prefix."""

    kind: str
    name: str
    prefix: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """
    One container of a pod specification.

    `env` holds the watched variables in the order written, where a later one counts;
    `env_names` every name, sorted. `probes` are those of `startup`, `readiness` and `liveness`
    that are configured. `resources` are (`requests.cpu`, `100m`) pairs, sorted.
    Of command and arguments it holds what they start (`runs`: programs, modules and scripts),
    the watched settings that they give (`flags`, in upper case with underscores), and the
    commands that change a cluster (`acts`). `ports` are the names of its ports.
    """

    name: str
    image: str = ""
    init: bool = False
    pull_policy: str = ""
    env: tuple[EnvVariable, ...] = ()
    env_from: tuple[EnvSource, ...] = ()
    env_names: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    resources: tuple[tuple[str, str], ...] = field(default=())
    runs: tuple[str, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()
    acts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
