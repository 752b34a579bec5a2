"""A Secret that somebody refers to; its name is all that is ever known of it."""

from typing import NamedTuple


class SecretReference(NamedTuple):
    """One Secret by its namespace and name, how it is referred to, and by which object."""

    namespace: str
    name: str
    how: str
    by: str
