"""One entry of the fleet file, which is an agent."""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BeforeValidator

from mission_control.configuration.addresses import (
    MAX_URL,
    UnusableAddress,
    read_base_url,
    read_path,
)
from mission_control.configuration.yaml_file import quoted, scalar
from mission_control.configuration.yaml_part import (
    Each,
    FilePath,
    KubernetesName,
    Number,
    Part,
    Person,
    Reading,
    Sentence,
    Text,
    kind_of,
    listed,
    one_of,
    refuse_repeated,
    refused,
    text,
)
from mission_control.model.fleet import ContractKind, Criticality, Kind, SloWindow

DEFAULT_INTERVAL_SECONDS = 10.0
DEFAULT_DEADLINE_SECONDS = 3.0

SHORTEST_SECONDS = 0.1
LONGEST_CYCLE_SECONDS = 40.0
"""Evidence older than 45 s counts as unseen, so a whole cycle must fit well inside it."""

SLOWEST_ANSWER_SECONDS = 2.06
"""A strategy answers this late when the marketdata it asks hangs, and says HALTED then."""

CADENCE_REMEDY = "evidence expires after 45 s: ask more often, or give up sooner"

GATING_INTERVAL_SECONDS = 2.0
"""A critical service is asked this often while the session gates (docs/semantics.md#2)."""

CLOUD_RUN_SUFFIX = ".run.app"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
MAX_ENDPOINTS = 32
MAX_DEPENDENCIES = 256

AGENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What can be in a URL's path and in a label of a metric as it is."""


def cadence_problem(interval_seconds: float, deadline_seconds: float) -> str:
    """Return why an interval and a deadline cannot be used together; empty when they can."""
    if min(interval_seconds, deadline_seconds) < SHORTEST_SECONDS:
        return f"an interval and a deadline are at least {SHORTEST_SECONDS:g} seconds"
    if interval_seconds + deadline_seconds > LONGEST_CYCLE_SECONDS:
        return (
            f"interval {interval_seconds:g} s and deadline {deadline_seconds:g} s "
            f"are together more than {LONGEST_CYCLE_SECONDS:g} s"
        )
    return ""


def askable(read: Callable[[str], str]) -> AfterValidator:
    """Return the validator that reads an address or a path, and refuses with its remedy."""

    def reading(address: str) -> str:
        try:
            return read(address)
        except UnusableAddress as error:
            raise refused(error.problem, error.remedy) from None

    return AfterValidator(reading)


def _percentage(target: float) -> float:
    if not 1 <= target < 100:  # noqa: PLR2004  (percent)
        remedy = "write a percentage from 1 up to but not 100, such as 99.9"
        raise refused(f"{target:g} is no usable target", remedy)
    return target


def _true(node: yaml.Node) -> bool:
    """Read `true`, the only word that means anything here."""
    if kind_of(node) != "bool" or scalar(node).casefold() != "true":
        raise refused("says nothing but true", "write true, or take it out")
    return True


def _null(node: yaml.Node) -> yaml.Node | None:
    return None if kind_of(node) == "null" else node


class WorkloadEntry(Part):
    """Which Kubernetes object runs the service."""

    kind: Annotated[str, one_of(WORKLOADS)]
    name: KubernetesName
    namespace: KubernetesName

    @property
    def key(self) -> tuple[str, str, str]:
        """Identify it within the cluster."""
        return (self.namespace, self.kind, self.name)


class OwnerEntry(Part):
    """Who answers for the service."""

    primary: Person
    secondary: Annotated[Person | None, BeforeValidator(_null)] = None


class SloEntry(Part):
    """The service's target, a percentage of its window's time."""

    target: Annotated[Number, AfterValidator(_percentage)]
    window: Annotated[SloWindow, one_of(SloWindow)]


class TlsEntry(Part):
    """The PEM files for a service that speaks HTTPS; they are read when it is asked."""

    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None

    def _check(self, reading: Reading) -> None:
        """Refuse a key without its certificate."""
        if self.gives("key_file") and not self.gives("cert_file"):
            reading.refuse(self.at(), "key_file is given without cert_file", "add cert_file")


class UnobservedEntry(Part):
    """Who watches a service that nothing here can see, and why nothing can."""

    who: Sentence
    why: Sentence


class AgentEntry(Part):
    """One agent as the fleet file lists it."""

    agent_name: Text
    depends_on: Annotated[tuple[Each[Text], ...], listed(MAX_DEPENDENCIES)] = ()
    kind: Annotated[Kind, one_of(Kind)]
    contract: Annotated[ContractKind, one_of(ContractKind)] = ContractKind.RICH
    service_dns: Annotated[str, text(MAX_URL), askable(read_base_url)] | None = None
    interval_seconds: Number | None = None
    deadline_seconds: Number | None = None
    criticality: Annotated[Criticality, one_of(Criticality)] = Criticality.IMPORTANT
    expected_endpoints: Annotated[
        tuple[Each[Annotated[str, text(MAX_URL), askable(read_path)]], ...], listed(MAX_ENDPOINTS)
    ] = ()
    workload: WorkloadEntry | None = None
    owner: OwnerEntry | None = None
    slo: SloEntry | None = None
    tls: TlsEntry | None = None
    bearer_token_file: FilePath | None = None
    unobserved: UnobservedEntry | None = None
    twin: Annotated[bool, BeforeValidator(_true)] = False

    def _check(self, reading: Reading) -> None:
        """Judge the fields together; what was refused is judged by its default."""
        if self.agent_name and AGENT_NAME.fullmatch(self.agent_name) is None:
            remedy = (
                "use up to 128 letters, digits, '.', '_' and '-', beginning with a letter or digit"
            )
            reading.refuse(
                self.at("agent_name"), f"{quoted(self.agent_name)} is no usable name", remedy
            )
        refuse_repeated(reading, self.items("depends_on"), "list it once")
        refuse_repeated(reading, self.items("expected_endpoints"), "list it once", show=str)
        if self.contract is not ContractKind.NONE and not self.gives("service_dns"):
            reading.missing(self.at(), "service_dns")
        problem = cadence_problem(*self._cadence(reading))
        if problem:
            place = self.at("interval_seconds", "deadline_seconds")
            reading.refuse(place, problem, CADENCE_REMEDY)
        self._check_address(reading)
        self._check_unobserved(reading)
        self._check_twin(reading)

    @property
    def dependencies(self) -> dict[str, yaml.Node]:
        """Return where each agent that it depends on is listed first."""
        return dict(reversed(self.items("depends_on")))

    def _cadence(self, reading: Reading) -> tuple[float, float]:
        interval, deadline = self.interval_seconds, self.deadline_seconds
        return (
            reading.interval_seconds if interval is None else interval,
            reading.deadline_seconds if deadline is None else deadline,
        )

    def _check_address(self, reading: Reading) -> None:
        address = self.service_dns or ""
        if self.tls and self.tls.usable and not address.startswith("https://"):
            problem = "tls is given, and service_dns is not https"
            reading.refuse(self.at("tls"), problem, "write https://")
        on_cloud_run = (urlsplit(address).hostname or "").endswith(CLOUD_RUN_SUFFIX)
        if self.kind is Kind.EXECUTION and on_cloud_run and self.contract is not ContractKind.NONE:
            problem = "an execution service on Cloud Run is never asked: a request can start it"
            reading.refuse(self.at(), problem, "write contract: none")

    def _check_unobserved(self, reading: Reading) -> None:
        """Refuse that something is called unobserved which is seen, or has to be."""
        if not self.gives("unobserved"):
            return
        declared, contract = self.at("unobserved"), self.contract or ContractKind.RICH
        if contract is not ContractKind.NONE:
            problem = f"it is asked over HTTP (contract: {contract.value})"
            reading.refuse(declared, problem, "take this out, or write contract: none")
        if self.workload and self.workload.usable:
            problem = f"it is judged by its workload {self.workload.name}"
            reading.refuse(declared, problem, "take one of the two out")
        if self.criticality is Criticality.CRITICAL:
            problem = "a critical service has to be seen"
            reading.refuse(declared, problem, "give it an address, or take it out")

    def _check_twin(self, reading: Reading) -> None:
        """Refuse a twin that is no Mission Control, or that the floor would need."""
        if not self.twin:
            return
        if self.kind is not Kind.OPS or self.contract is not ContractKind.RICH:
            problem = "a twin is another Mission Control"
            reading.refuse(self.at("twin"), problem, "write kind: ops, and contract: rich")
        if self.gives("criticality") and self.criticality is not Criticality.OPTIONAL:
            problem = "a twin is never required evidence"
            reading.refuse(self.at("criticality"), problem, "write optional, or take it out")
        if self.gives("depends_on"):
            reading.refuse(self.at("depends_on"), "a twin waits for nothing", "take it out")

    def settled(self, reading: Reading) -> dict[str, Any]:
        """Return the agent's fields, with the file's cadence where it names none of its own."""
        interval, deadline = self._cadence(reading)
        criticality = Criticality.OPTIONAL if self.twin else self.criticality
        hurries = self.twin or criticality is Criticality.CRITICAL
        brisk = hurries and self.interval_seconds is None
        return self.model_dump() | {
            "criticality": criticality,
            "interval_seconds": interval,
            "deadline_seconds": deadline,
            "gating_interval_seconds": min(GATING_INTERVAL_SECONDS, interval) if brisk else None,
        }
