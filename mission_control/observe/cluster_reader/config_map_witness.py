"""Cluster reader: hears the kill switch from its ConfigMap, the witness that confirms."""

import asyncio
from datetime import datetime

import msgspec

from mission_control.model.kill_switch import KILL_SWITCH_KEY, KILL_SWITCH_MAP, WitnessKind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.model.snapshot import Witnessed
from mission_control.observe.cluster_reader.lister import ClusterLister
from mission_control.observe.cluster_reader.project_containers import clean
from mission_control.observe.cluster_reader.resources import CORE
from mission_control.observe.cluster_reader.shapes import Named

DEADLINE_SECONDS = 5.0


class _SwitchMap(Named):
    kind: str = ""
    data: dict[str, str] | None = None


_SWITCH_MAP = msgspec.json.Decoder(_SwitchMap)


class ConfigMapWitness:
    """
    Reads the kill switch's own ConfigMap by name (status contract, c).

    That it does not exist, or lacks the key, is something seen: the fleet would run on it. What
    could not be read is `Unseen`, and means nothing.
    """

    def __init__(self, lister: ClusterLister, namespace: str) -> None:
        """Hear the switch of this namespace through this lister."""
        self._lister = lister
        self._namespace = namespace
        self._path = f"{CORE}/namespaces/{namespace}/configmaps/{KILL_SWITCH_MAP}"
        self._source = f"configmap {namespace}/{KILL_SWITCH_MAP}"

    async def read(self) -> Witnessed:
        """Hear it once."""
        until = asyncio.get_running_loop().time() + DEADLINE_SECONDS
        body = await self._lister.get_text(self._path, until)
        if isinstance(body, Unseen):
            if body.reason is UnseenReason.NOT_OFFERED and _is_object_missing(body):
                return self._seen("", body.at, "the ConfigMap does not exist")
            return Witnessed(WitnessKind.CONFIG_MAP, self._source, body)
        try:
            held = _SWITCH_MAP.decode(body.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = clean(f"no ConfigMap: {error}", 200)
            invalid = Unseen(UnseenReason.CONTRACT_INVALID, body.at, body.took, detail)
            return Witnessed(WitnessKind.CONFIG_MAP, self._source, invalid)
        who = (held.kind, held.metadata.namespace, held.metadata.name)
        if who != ("ConfigMap", self._namespace, KILL_SWITCH_MAP):
            detail = clean(f"it is another object: {held.kind} {who[1]}/{who[2]}", 200)
            other = Unseen(UnseenReason.CONTRACT_INVALID, body.at, body.took, detail)
            return Witnessed(WitnessKind.CONFIG_MAP, self._source, other)
        value = (held.data or {}).get(KILL_SWITCH_KEY)
        if value is None:
            return self._seen("", body.at, f"the ConfigMap has no {KILL_SWITCH_KEY}", body.took)
        return self._seen(value[:200], body.at, "", body.took)

    def _seen(self, value: str, at: datetime, absent: str, took: float = 0.0) -> Witnessed:
        return Witnessed(WitnessKind.CONFIG_MAP, self._source, Seen(value, at, took), absent)


def _is_object_missing(unseen: Unseen) -> bool:
    """Tell an API server's 404 for an object from any other 404, such as that of a proxy."""
    return "not found" in unseen.detail and KILL_SWITCH_MAP in unseen.detail
