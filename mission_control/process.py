"""Process: what a serving process asks of the operating system and of Python."""

import gc
import resource


def raise_open_files_limit() -> int:
    """Raise the soft limit of open files to the hard one; each service holds a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else max(soft, hard)


def calm_garbage_collection() -> None:
    """
    Have the cycle collector look less often, and never at what lives as long as the process.

    Rounds make few cycles and a large fleet many long-lived values: looking through these again
    and again was a fifth of what a round cost (`make bench`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
