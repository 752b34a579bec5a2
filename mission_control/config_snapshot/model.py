"""A Secret that objects refer to; only its name is ever known."""

from typing import NamedTuple


class SecretReference(NamedTuple):
    """One Secret by its namespace and name, how it is referred to, and by which object."""

    namespace: str
    name: str
    how: str
    by: str
