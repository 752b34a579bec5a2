"""Model: an object of the cluster as the API gives it."""

from collections.abc import Mapping
from typing import Any

KubernetesObject = Mapping[str, Any]
"""With its kind and API version, which lists leave out. Nothing of it is redacted."""
