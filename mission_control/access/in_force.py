"""What is read from files and taken again when they change: tokens, and what TLS is served with."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mission_control.access.model import StaticToken
from mission_control.model.reload import Reload
from mission_control.processes.followed_file import FollowedFile

T = TypeVar("T")

LOOK_SECONDS = 1.0


@dataclass
class InForce(Generic[T]):
    """A value and the file it comes from; `what` names it in the event of a reload."""

    what: str
    value: T
    file: FollowedFile[T]

    async def look(self) -> Reload | None:
        """Take the file again where it changed; None for no news."""
        taken = await self.file.look()
        if taken is None:
            return None
        if taken.value is not None:
            self.value = taken.value
        return Reload(self.what, self.file.name, taken.before, taken.after, taken.trouble)


@dataclass
class AccessFiles:
    """The files of access that are followed; None for one that is not configured."""

    tokens: InForce[tuple[StaticToken, ...]] | None = None
    certificate: InForce[ssl.SSLContext] | None = None
    _reloads: list[Reload] = field(default_factory=list[Reload])

    @property
    def certificate_now(self) -> Callable[[], ssl.SSLContext] | None:
        """Return what gives the certificate of the moment; None where TLS is not configured."""
        in_force = self.certificate
        return None if in_force is None else lambda: in_force.value

    @property
    def followed(self) -> "Sequence[InForce[tuple[StaticToken, ...]] | InForce[ssl.SSLContext]]":
        """List what is followed."""
        return [each for each in (self.tokens, self.certificate) if each is not None]

    def take_reloads(self) -> Sequence[Reload]:
        """Return each reload once."""
        taken, self._reloads = tuple(self._reloads), []
        return taken

    async def follow(self) -> None:
        """Look about once a second, until cancelled."""
        while True:
            for each in self.followed:
                reload = await each.look()
                self._reloads += [reload] if reload else []
            del self._reloads[:-64]  # where no one takes them
            await asyncio.sleep(LOOK_SECONDS)
