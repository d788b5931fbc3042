"""How a long step tells people at a terminal where it is.

Steps call `say`; the command line adds a listener. Does not belong here: logs (Dagster keeps them).
"""

from __future__ import annotations

from collections.abc import Callable

listeners: list[Callable[[str], None]] = []


def say(text: str) -> None:
    """Tell every listener one line of progress; no personal value may stand in it."""
    for listener in listeners:
        listener(text)
