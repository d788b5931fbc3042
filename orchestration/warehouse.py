"""The warehouse folder: releases, their manifests, the lock, and what a dead run left behind.

Does not belong here: what goes into a release (publish.py) or how it is built (assets.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from orchestration.errors import ClienteleError
from orchestration.raw_store import RawBatch, SourceFile

MANIFEST_VERSION = 1
MARTS = "marts/clientele.duckdb"
"""What BI reads, below the folder of a release."""

KEPT_RELEASES = 14
"""Releases that stay for rolling back: two weeks of daily refreshes."""


@dataclass(frozen=True)
class Release:
    """What the manifest of a release says.

    Attributes:
        run_id: id of the refresh, and name of the folder.
        as_of: instant described, naive UTC.
        built_at: when the refresh started, naive UTC.
        project_version: version of Clientele.
        business_time_zone: IANA name.
        reporting_currency: ISO 4217 code, or None.
        previous_run_id: the release that this one followed.
        files: every file loaded so far.
        batches: the raw batches that count.
        segment_models: models whose membership was observed.
        accepted_checks: checks that a person let pass in this refresh.
        checks: counts of the audit by outcome.
        definition_versions: version of every segment by key.
        row_counts: rows of the tables that the next release is compared with.
    """

    run_id: str
    as_of: datetime
    built_at: datetime
    project_version: str
    business_time_zone: str
    reporting_currency: str | None
    previous_run_id: str | None
    files: tuple[SourceFile, ...]
    batches: tuple[RawBatch, ...]
    segment_models: tuple[str, ...]
    accepted_checks: tuple[str, ...] = ()
    checks: dict[str, int] = field(default_factory=dict)
    definition_versions: dict[str, str] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain values."""
        values = asdict(self)
        values["manifest_version"] = MANIFEST_VERSION
        values["as_of"] = self.as_of.isoformat()
        values["built_at"] = self.built_at.isoformat()
        values["files"] = [file.to_json() for file in self.files]
        values["batches"] = [batch.to_json() for batch in self.batches]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Release:
        """The release from its manifest."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known["as_of"] = datetime.fromisoformat(values["as_of"])
        known["built_at"] = datetime.fromisoformat(values["built_at"])
        known["files"] = tuple(SourceFile.from_json(entry) for entry in values["files"])
        known["batches"] = tuple(RawBatch.from_json(entry) for entry in values["batches"])
        known["segment_models"] = tuple(values["segment_models"])
        known["accepted_checks"] = tuple(values["accepted_checks"])
        return cls(**known)


class Warehouse:
    """The folders of one warehouse.

    Args:
        root: the warehouse folder; need not exist yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.raw = root / "raw"
        self.work = root / "work"
        self.work_database = self.work / "work.duckdb"
        self.reference = root / "reference"
        self.releases = root / "releases"
        self.current = root / "current"

    def current_release(self) -> Release | None:
        """The release that readers see, or None before the first.

        Raises:
            ClienteleError: `current` leads to no readable manifest.
        """
        if not self.current.is_symlink():
            return None
        return self._read(self.current / "manifest.json")

    def needed_release(self) -> Release:
        """The release that readers see.

        Raises:
            ClienteleError: there is none, or `current` leads to no readable manifest.
        """
        release = self.current_release()
        if release is None:
            raise ClienteleError(
                "there is no release", where=str(self.root), remedy="run `make refresh`"
            )
        return release

    def retained_releases(self) -> tuple[Release, ...]:
        """Every release on disk, oldest first."""
        if not self.releases.is_dir():
            return ()
        folders = sorted(path for path in self.releases.iterdir() if path.name[0] != ".")
        return tuple(self._read(folder / "manifest.json") for folder in folders)

    def _read(self, path: Path) -> Release:
        try:
            return Release.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ClienteleError(
                "the manifest of the release cannot be read",
                where=str(path),
                remedy="run `clientele rollback` to return to the release before",
            ) from error

    def start_work(self) -> None:
        """An empty work folder; whatever an earlier refresh left there is removed."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def remove_leftovers(self) -> int:
        """Remove what dead refreshes left: unfinished releases and batches no release counts.

        Returns:
            How many files and folders were removed.
        """
        removed = 0
        if self.releases.is_dir():
            for path in self.releases.glob(".*"):
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
        for path in self.root.glob(".current.*"):
            path.unlink(missing_ok=True)
            removed += 1
        counting: set[Path] = set()
        for release in self.retained_releases():
            for batch in release.batches:
                counting.add(self.root / batch.path)
                if batch.rejects_path:
                    counting.add(self.root / batch.rejects_path)
        if self.raw.is_dir():
            for path in self.raw.rglob("*"):
                if path.is_file() and path not in counting:
                    path.unlink()
                    removed += 1
        return removed

    def remove_old_releases(self) -> int:
        """Remove the releases beyond those kept, never the current one. Returns how many."""
        current = self.current_release()
        names = sorted(path.name for path in self.releases.iterdir() if path.name[0] != ".")
        old = [name for name in names[:-KEPT_RELEASES] if current and name != current.run_id]
        for name in old:
            # Renamed first, so that a kill leaves a leftover and never half a release.
            gone = self.releases / f".removed-{name}"
            (self.releases / name).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
        return len(old)

    def flip(self, run_id: str) -> None:
        """Make a release the current one, atomically: readers see the old one or the new one."""
        link = self.root / f".current.{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("releases") / run_id)
        link.replace(self.current)
        sync_folder(self.root)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the warehouse for one refresh; re-entrant within this process.

        The lock dies with its process, so that a killed refresh blocks nobody.

        Raises:
            ClienteleError: another refresh holds it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        key = self.root.resolve()
        if key in _HELD:
            yield
            return
        handle = (self.root / ".lock").open("a+", encoding="utf-8")
        try:
            self._take(handle)
            _HELD[key] = handle
            yield
        finally:
            _HELD.pop(key, None)
            handle.close()

    def _take(self, handle: IO[str]) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            raise ClienteleError(
                f"another refresh is at work here (process {holder})",
                where=str(self.root),
                remedy="wait until it has ended and run this again",
            ) from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()


_HELD: dict[Path, IO[str]] = {}


def sync_folder(path: Path) -> None:
    """Make renames within a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
