"""When Python looks for cycles; apart, for a process says so before it loads anything."""

import gc

RARELY = (1_000, 4, 5_000)
"""Of what is loaded or asked little lies in cycles: to look for them often is a tenth of a start,
and was a fifth of a round (`docs/performance.md`). What is young is looked through in small
portions, since the event loop waits meanwhile."""


def look_rarely() -> None:
    """Have the cycle collector look less often than it would by itself."""
    gc.set_threshold(*RARELY)


def keep_what_is_here() -> None:
    """Have it never look again at what lives by now: that lives as long as the process."""
    gc.collect()
    gc.freeze()
