"""Configuration: what the environment says, and which of its names are nobody's."""

import re
from collections.abc import Mapping

from mission_control.configuration.problems import Problems, did_you_mean
from mission_control.configuration.setting_names import (
    CONFIG_VARIABLE,
    DEBUG_VARIABLE,
    IGNORED_VARIABLES,
    OWN_PREFIX,
    PAGES_VARIABLES,
    SETTINGS,
)

SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")

KNOWN = frozenset(
    {CONFIG_VARIABLE, DEBUG_VARIABLE, *PAGES_VARIABLES, *(s.variable for s in SETTINGS)}
)


def is_service_link(name: str, value: str) -> bool:
    """
    Tell whether Kubernetes put the variable there, for a Service that is called as we are.

    In a pod beside a Service `mission-control`, Kubernetes sets `MISSION_CONTROL_SERVICE_HOST`
    and even `MISSION_CONTROL_PORT=tcp://10.0.0.1:80`: none of that is meant for us.
    """
    if not name.startswith(OWN_PREFIX):
        return False
    is_port_link = name.endswith("_PORT") and LINK_ADDRESS.fullmatch(value) is not None
    return is_port_link or SERVICE_LINK.fullmatch(name) is not None


def own_variables(environ: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Give the variables that are ours; an unknown one of ours is a problem, so is an empty one."""
    own: dict[str, str] = {}
    for name in sorted(environ):
        if not name.startswith(OWN_PREFIX) or is_service_link(name, environ[name]):
            continue
        if name not in KNOWN:
            problems.add("is no setting", where=name, remedy=did_you_mean(name, KNOWN))
        elif not environ[name].strip():
            problems.add("is set to nothing", where=name, remedy="give it a value, or unset it")
        else:
            own[name] = environ[name]
    return own


def notes_on(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Say which variables were seen and change nothing."""
    notes = [
        f"{name} is accepted and ignored: {why}"
        for name, why in IGNORED_VARIABLES.items()
        if name in environ
    ]
    links = sum(is_service_link(name, value) for name, value in environ.items())
    if links:
        notes.append(f"{links} service-link variables of Kubernetes are ignored")
    return tuple(notes)
