"""Configuration: a database's URL as it may be shown."""

import re


def redact_url(url: str) -> str:
    """
    Give the URL without its password and its query, where drivers take passwords too.

    What stands before the last `@` is never taken apart by the rules of URLs: a password with a
    `#`, `/` or `?` that nobody escaped is still a password.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return "[not shown]"
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    shown_place = re.split(r"[?#]", place)[0]
    query = "?***" if shown_place != place else ""
    return f"{scheme}://{name}{':***' if colon else ''}{at}{shown_place}{query}"
