"""A secret that stands in a file; read again when the file changes, and never shown."""

from pathlib import Path

MAX_BYTES = 16 * 1024


class SecretUnusable(Exception):  # noqa: N818  (it is the file that is unusable)
    """Why no secret can be taken from a file; the file's name and the remedy, and no content."""


class SecretFile:
    """
    One line of printable ASCII in a file.

    A mounted secret is replaced while we run, so each use looks whether the file is another one.
    """

    def __init__(self, path: Path, least: int = 1) -> None:
        """Take the secret from this file, with so many characters at least."""
        self.path = path
        self._least = least
        self._seen: tuple[int, int, int] | None = None
        self._secret = ""

    def __repr__(self) -> str:
        """Show the file's name, and nothing that is in it."""
        return f"SecretFile({str(self.path)!r})"

    def read(self) -> str:
        """Return the secret; raises SecretUnusable."""
        try:
            status = self.path.stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen != self._seen:
                with self.path.open("rb") as file:
                    self._secret = self._checked(file.read(MAX_BYTES + 1))
                self._seen = seen
        except OSError as error:
            self._seen = None
            raise SecretUnusable(f"{self.path} cannot be read: {error.strerror}") from None
        return self._secret

    def _checked(self, content: bytes) -> str:
        secret = content.decode("latin-1").strip()
        if len(secret) < self._least or len(content) > MAX_BYTES:
            raise SecretUnusable(
                f"{self.path} has {len(secret)} characters;"
                f" write one line of {self._least} to {MAX_BYTES}"
            )
        if not secret.isascii() or not secret.isprintable():
            raise SecretUnusable(f"{self.path} is not one line of printable ASCII")
        return secret
