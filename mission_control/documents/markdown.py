"""Markdown through Jinja2; text of others is escaped, so that none of it is markup."""

import re
from collections.abc import Mapping

from jinja2 import DictLoader, Environment, StrictUndefined

from mission_control.documents.visible_text import visible

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#+!|~&])")
"""Parentheses act only behind brackets, which are among these."""


def escape(value: object) -> str:
    """Write a value on one line so that no Markdown in it has any meaning, in a table as well."""
    return _ACTIVE.sub(r"\\\1", " ".join(visible(str(value)).split()))


def render(templates: Mapping[str, str], name: str, **values: object) -> str:
    """Render one of these templates; `| md` escapes, and nothing is escaped by itself."""
    environment = Environment(
        loader=DictLoader(dict(templates)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (Markdown: what others wrote goes through `md`)
    )
    environment.filters["md"] = escape  # pyright: ignore[reportUnknownMemberType]
    return environment.get_template(name).render(**values)
