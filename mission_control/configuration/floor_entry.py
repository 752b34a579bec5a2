"""The floors of other Mission Controls, as the fleet file lists them."""

from typing import Annotated, Any

from mission_control.configuration.addresses import MAX_URL, read_base_url
from mission_control.configuration.agent_entry import (
    AGENT_NAME,
    CADENCE_REMEDY,
    TlsEntry,
    askable,
    cadence_problem,
)
from mission_control.configuration.yaml_file import quoted
from mission_control.configuration.yaml_part import FilePath, Number, Part, Reading, Text, text
from mission_control.model.fleet import OTHER_FLOOR_DEADLINE_SECONDS, OTHER_FLOOR_SECONDS

MAX_FLOORS = 500


class FloorEntry(Part):
    """One floor: where its Mission Control answers, and where people reach its pages."""

    name: Text
    url: Annotated[str, text(MAX_URL), askable(read_base_url)]
    link: Annotated[str, text(MAX_URL), askable(read_base_url)] | None = None
    bearer_token_file: FilePath | None = None
    tls: TlsEntry | None = None
    interval_seconds: Number = OTHER_FLOOR_SECONDS
    deadline_seconds: Number = OTHER_FLOOR_DEADLINE_SECONDS

    def _check(self, reading: Reading) -> None:
        """Judge the fields together."""
        if self.name and AGENT_NAME.fullmatch(self.name) is None:
            remedy = (
                "use up to 128 letters, digits, '.', '_' and '-', beginning with a letter or digit"
            )
            reading.refuse(self.at("name"), f"{quoted(self.name)} is no usable name", remedy)
        problem = cadence_problem(self.interval_seconds, self.deadline_seconds)
        if problem:
            place = self.at("interval_seconds", "deadline_seconds")
            reading.refuse(place, problem, CADENCE_REMEDY)
        if self.tls and self.tls.usable and not (self.url or "").startswith("https://"):
            reading.refuse(self.at("tls"), "tls is given, and url is not https", "write https://")

    def made(self) -> dict[str, Any]:
        """Return the fields of the floor."""
        return self.model_dump()
