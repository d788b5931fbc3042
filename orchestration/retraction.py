"""Taking the rows of a file out again, and reading a file again under another mapping.

Belongs here: which records of files a request means, and what becomes of them. Nothing is deleted:
the batch stays where it is, for the releases that still list it, and the record of the file says
that its rows no longer count. Does not belong here: leaving the rows out (``raw_store``), loading
(``ingest``), or that all of it happens in a gated refresh (``build``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestration.contract import did_you_mean
from orchestration.errors import ClienteleError
from orchestration.landing import place_of
from orchestration.raw_store import SourceFile

READ_AGAIN: Final = "read again under another mapping"


@dataclass(frozen=True)
class Withdrawal:
    """What a refresh is asked to take out.

    Attributes:
        retract: files whose rows are no longer to count.
        retry: files that are to be read again under the present mapping.
        reason: why, for the release; None where nothing was said.
    """

    retract: tuple[str, ...] = ()
    retry: tuple[str, ...] = ()
    reason: str | None = None


NOTHING: Final = Withdrawal()


@dataclass(frozen=True)
class Withdrawn:
    """What became of the files of earlier refreshes.

    Attributes:
        files: all of them, those taken out marked as such.
        known: those whose content is not to be loaded again.
        messages: what to tell the person who runs the refresh.
    """

    files: tuple[SourceFile, ...]
    known: tuple[SourceFile, ...]
    messages: tuple[str, ...]


def withdraw(
    files: Sequence[SourceFile], asked: Withdrawal, landing: Path, at: dt.datetime
) -> Withdrawn:
    """Mark what a request takes out.

    Args:
        files: of the current release.
        asked: the request; a file is named by its path below the landing folder.
        landing: the landing folder.
        at: aware; when the refresh started.

    Raises:
        ClienteleError: a file is not one of those that count, or one that is to be read again is
            no longer in the landing folder.
    """
    gone = {_counting(name, files, landing) for name in asked.retract}
    again = {_counting(name, files, landing, or_retracted=True) for name in asked.retry}
    for name in sorted(again):
        if not (landing / name).is_file():
            raise ClienteleError(
                "the file is no longer in the landing folder, so it cannot be read again",
                where=place_of(name),
                remedy="put it back, or take its rows out with `clientele retract`",
            )
    moment = at.isoformat()
    result, known, messages = [], [], []
    for file in files:
        marked = file
        if file.retracted_at is None and file.source_file in gone | again:
            reason = READ_AGAIN if file.source_file in again else asked.reason
            marked = replace(file, retracted_at=moment, retraction_reason=reason)
            what = "read again" if file.source_file in again else "retracted"
            messages.append(
                f"{place_of(file.source_file)}: {file.accepted_rows:,} rows of {file.entity} {what}"
            )
        elif file.retracted_at is not None and file.source_file not in again:
            messages += _still_there(file, landing)
        result.append(marked)
        if file.source_file not in again:
            known.append(marked)
    return Withdrawn(tuple(result), tuple(known), tuple(messages))


def _still_there(file: SourceFile, landing: Path) -> list[str]:
    """Why a file that lies in the landing folder is not loaded."""
    path = landing / file.source_file
    if file.retraction_reason == READ_AGAIN or not path.is_file():
        return []
    if (path.stat().st_size, path.stat().st_mtime_ns) != (file.size, file.modified_ns):
        return []
    return [
        f"{place_of(file.source_file)}: retracted on {str(file.retracted_at)[:10]} and not loaded"
        " again; `clientele quarantine --retry` brings it back"
    ]


def _counting(
    name: str, files: Sequence[SourceFile], landing: Path, *, or_retracted: bool = False
) -> str:
    """The path below the landing folder of a file that counts, however a person named it."""
    path = Path(name)
    choices = [name, name.removeprefix("./").removeprefix(f"{landing.name}/")]
    if path.is_absolute() and path.is_relative_to(landing):
        choices.append(path.relative_to(landing).as_posix())
    counting = {file.source_file for file in files if file.retracted_at is None}
    for choice in choices:
        if choice in counting:
            return choice
    loaded = {file.source_file: file for file in files}
    for choice in choices:
        if choice in loaded and or_retracted:
            return choice
        if choice in loaded:
            raise ClienteleError(
                f"the file was retracted on {str(loaded[choice].retracted_at)[:10]} already",
                where=place_of(choice),
                remedy="source_files lists what counts",
            )
    raise ClienteleError(
        "no file of that name has been loaded",
        where=place_of(choices[-1]),
        remedy=_near(choices[-1], counting),
    )


def _near(name: str, counting: set[str]) -> str:
    near = did_you_mean(name, counting) if counting else ""
    return near if near.startswith("did") else "source_files lists those that were"
