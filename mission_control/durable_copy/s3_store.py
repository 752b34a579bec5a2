"""An S3-compatible store, to which objects are added and never changed."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mission_control.durable_copy.model import LEDGER_FOLDER, S3Address
from mission_control.durable_copy.patience import PatientThread
from mission_control.errors import StorageError
from mission_control.records.model import Collection

if TYPE_CHECKING:
    from obstore.store import S3Credential
    from obstore.store import S3Store as ObstoreS3Store

MAX_BYTES = 64 * 1024
PROFILE = "default"

_NAMES = {
    "aws_access_key_id": "access_key_id",
    "access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "secret_access_key": "secret_access_key",
    "aws_session_token": "token",
    "session_token": "token",
}
_REMEDY = (
    "write aws_access_key_id=..., aws_secret_access_key=... and, where there is one, "
    "aws_session_token=..., each on a line of its own"
)


@dataclass(frozen=True, slots=True)
class S3Credentials:
    """What requests are signed with; never shown, logged, digested or recorded."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def hide(self, text: str) -> str:
        """Return a text without any of them."""
        for secret in (self.secret_access_key, self.token, self.access_key_id):
            if secret:
                text = text.replace(secret, "[REDACTED]")
        return text


def read_credentials(path: Path) -> S3Credentials:
    """
    Read `key=value` lines, or the `[default]` section of a file like the AWS tools' own.

    It is read for each run, so that rotated credentials are taken up. Raises StorageError, which
    names the line and never what is on it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"the credentials cannot be read: {error.strerror}"
        raise StorageError(what, path=str(path), remedy="let this user read the file") from error
    if len(content) > MAX_BYTES:
        raise StorageError("the credentials are too long to be any", path=str(path))
    found = _parse(content.decode("utf-8-sig", errors="replace"), path)
    missing = {"access_key_id", "secret_access_key"} - found.keys()
    if missing:
        what = f"the credentials hold no {' and no '.join(sorted(missing))}"
        raise StorageError(what, path=str(path), remedy=_REMEDY)
    return S3Credentials(found["access_key_id"], found["secret_access_key"], found.get("token"))


def _parse(text: str, path: Path) -> dict[str, str]:
    found = dict[str, str]()
    section = PROFILE
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith(("#", ";")):
            continue
        header = re.fullmatch(r"\[\s*([^\]]*?)\s*\]", plain)
        if header is not None:
            section = header[1]
            continue
        name, mark, value = plain.partition("=")
        if not mark:
            raise StorageError(f"line {number} is no key=value", path=str(path), remedy=_REMEDY)
        meant = _NAMES.get(name.strip().casefold())
        if section == PROFILE and meant is not None and value.strip():
            found[meant] = value.strip()
    return found


LISTING_SECONDS = 300.0
LARGEST_ANSWER_BYTES = 1024 * 1024 * 1024
"""Nothing of ours is larger; what is read back past this is not ours, and is not read on."""
MOST_TOLD = 300
_DEBUG = "\n\nDebug source"
_TOLD_OF_XML = tuple(re.compile(rf"<({n})>([^<]*)</{n}>") for n in ("Code", "Message"))
PAGE = 1000


@dataclass(frozen=True, slots=True)
class S3Place:
    """
    Where the store is and how it is spoken to.

    `endpoint` None is AWS's own for the region. Without a credentials file obstore looks where
    AWS's tools do: in the environment, at the web identity of a service account, at the instance.
    `file_seconds` is the deadline for one request that sends or reads an object, attempts counted
    together.
    """

    address: S3Address
    region: str
    endpoint: str | None = None
    credentials_file: Path | None = None
    file_seconds: float = 120.0
    retries: int = 2


class S3Store:
    """
    Keeps a copy in a bucket; a `CopyDestination`.

    Objects are created with `If-None-Match: *`, so that the store itself refuses to overwrite;
    the job proves each time that this store really does. The store's library is imported when it
    is first spoken to. Raises StorageError and nothing else; no secret is ever in it.
    """

    def __init__(self, place: S3Place, redact: Callable[[str], str]) -> None:
        """Speak to this place; `redact` masks what must not be shown of the store's answers."""
        self.name = str(place.address)
        self._place = place
        self._redact = redact
        self._credentials: S3Credentials | None = None
        self._store: ObstoreS3Store | None = None
        self._thread = PatientThread(self.name)
        self._connecting = asyncio.Lock()

    async def cautions(self) -> Sequence[str]:
        """Ask for the first name; there is nothing to say, for how a bucket is kept is not seen."""
        async with self._speaking("list", "", self._place.file_seconds) as store:
            async for _ in store.list(prefix=LEDGER_FOLDER, chunk_size=1):  # pyright: ignore[reportUnknownMemberType]
                break
        return ()

    async def listing(self, wanted: Callable[[str], bool]) -> Mapping[str, int]:
        """Return name and size of the objects that are wanted, page by page."""
        found = dict[str, int]()
        async with self._speaking("list", "", LISTING_SECONDS) as store:
            for top in (LEDGER_FOLDER, *(c.value for c in Collection)):
                pages = store.list(prefix=top, chunk_size=PAGE)  # pyright: ignore[reportUnknownMemberType]
                async for page in pages:
                    found.update({o["path"]: o["size"] for o in page if wanted(o["path"])})
        return found

    async def exists(self, path: str) -> bool:
        """Return whether there is an object of this name."""
        async with self._speaking("look for", path, self._place.file_seconds) as store:
            try:
                await store.head_async(path)
            except FileNotFoundError:
                return False
        return True

    async def create(self, path: str, content: bytes) -> bool:
        """Create an object with one request; False where its name is taken."""
        async with self._speaking("create", path, self._place.file_seconds) as store:
            from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415  (see `_connect`)

            try:
                await store.put_async(path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    async def digest(self, path: str) -> tuple[str, int]:
        """Read an object back piece by piece."""
        hashed, size = hashlib.sha256(), 0
        async with self._speaking("read back", path, self._place.file_seconds) as store:
            answer = await store.get_async(path)
            async for piece in answer.stream():
                hashed.update(piece)
                size += len(piece)
                if size > LARGEST_ANSWER_BYTES:
                    raise StorageError("it is larger than anything of ours", path=self._at(path))
        return hashed.hexdigest(), size

    @asynccontextmanager
    async def _speaking(
        self, what: str, path: str, seconds: float
    ) -> AsyncGenerator["ObstoreS3Store"]:
        """Return the store for one request with its deadline; what it raises is a StorageError."""
        with self._naming(what, path):
            store = await self._connected()
            async with asyncio.timeout(seconds):
                yield store

    @contextmanager
    def _naming(self, what: str, path: str) -> Generator[None]:
        from obstore.exceptions import BaseError  # noqa: PLC0415  (see `_connect`)

        try:
            yield
        except TimeoutError as error:
            problem = f"cannot {what} it: no answer in time"
            remedy = "see whether that store still answers"
            raise StorageError(problem, path=self._at(path), remedy=remedy) from error
        except (BaseError, OSError, ValueError) as error:
            problem = f"cannot {what} it: {self._tell(error)}"
            raise StorageError(problem, path=self._at(path)) from None

    async def _connected(self) -> "ObstoreS3Store":
        """Connect once; the credentials may lie on a mount that hangs."""
        async with self._connecting:
            if self._store is None:
                self._store = await self._thread.call(self._connect, self._place.file_seconds)
            return self._store

    def _connect(self) -> "ObstoreS3Store":
        """Import the library and read the credentials, only when they are needed."""
        from obstore.store import S3Store as ObstoreS3Store  # noqa: PLC0415

        place = self._place
        endpoint = place.endpoint or f"https://s3.{place.region}.amazonaws.com"
        provider = None
        if place.credentials_file is not None:
            self._credentials = read_credentials(place.credentials_file)
            provider = self._provide
        return ObstoreS3Store(
            place.address.bucket,
            prefix=place.address.prefix or None,
            config={
                "endpoint": endpoint,
                "region": place.region,
                "virtual_hosted_style_request": False,
                "conditional_put": "etag",
            },
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(5.0, place.file_seconds)),
                "timeout": timedelta(seconds=place.file_seconds),
            },
            retry_config={
                "max_retries": place.retries,
                "retry_timeout": timedelta(seconds=place.file_seconds),
            },
            credential_provider=provider,
        )

    def _provide(self) -> "S3Credential":
        """Hand the store's library what it signs with."""
        known = self._credentials
        if known is None:
            raise StorageError("no credentials were read", path=self.name)
        return {
            "access_key_id": known.access_key_id,
            "secret_access_key": known.secret_access_key,
            "token": known.token,
            "expires_at": None,
        }

    def _at(self, path: str) -> str:
        return f"{self.name}/{path}" if path else self.name

    def _tell(self, error: Exception) -> str:
        """
        Return what the store said, on one line, without its debug text and without secrets.

        Of an answer in XML only code and message: other parts repeat tokens and key ids.
        """
        said, _, _ = str(error).partition(_DEBUG)
        before, mark, answer = said.partition("<")
        if mark:
            told = [found[2] for part in _TOLD_OF_XML if (found := part.search(answer))]
            said = f"{before} {', '.join(told) or 'an answer that is not shown'}"
        said = " ".join(said.split())
        if self._credentials is not None:
            said = self._credentials.hide(said)
        return self._redact(said)[:MOST_TOLD]
