"""Faults that a person can act on.

Does not belong here: logging, exit codes (cli.py), or faults of our own making (those stay
ordinary exceptions with a traceback).
"""

from __future__ import annotations


class ClienteleError(Exception):
    """A fault of the input, the configuration or the environment, told in one sentence.

    Args:
        what: what is wrong.
        where: the file, line, column, setting or check concerned.
        remedy: what the reader should do about it.

    The three parts are joined into the one sentence that the command line prints on standard
    error. None of them may hold a personal value.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The one sentence: ``<where>: <what>; <remedy>.``"""
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.remedy:
            text = f"{text.rstrip('.')}; {self.remedy}"
        return text if text.endswith("?") else text.rstrip(".") + "."
