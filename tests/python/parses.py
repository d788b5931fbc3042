"""What dbt parsed once in a test session, for whoever asks for the same project and variables.

dbt takes half a minute to parse the project, and does so again for every warehouse: the path of the
database is in a hash of the connection, by which dbt tells whether a kept parse still holds.
Nothing that is parsed reads that path, so a parse that was kept is lent with the hash of the
borrower. Where anything else differs dbt notices and parses anew, as ever. Does not belong here:
compiling (pipeline.py), and the command line, which keeps a parse of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import pprint
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgpack
import yaml
from jinja2 import Template

_FILE = "partial_parse.msgpack"


@dataclass(frozen=True)
class Parses:
    """A folder with a parse of the project per set of variables.

    Args:
        folder: that all workers of the session share.
        project: the folder of the project.
    """

    folder: Path
    project: Path

    def lend(
        self,
        target: Path,
        project: Path,
        warehouse: Path,
        variables: Mapping[str, Any],
        *,
        parsed_with: Mapping[str, Any] | None = None,
    ) -> bool:
        """Put a parse where dbt looks for it, unless one is there; whether it did.

        Args:
            target: dbt's folder.
            project: its folder, or that of a copy.
            warehouse: of the borrower.
            variables: that dbt will be told.
            parsed_with: those of the parse, if they are others that nothing parsed depends on.
        """
        kept = self._kept(variables if parsed_with is None else parsed_with)
        if (target / _FILE).exists() or not kept.exists():
            return False
        parse = msgpack.unpackb(kept.read_bytes(), strict_map_key=False)
        checks = parse["state_check"]
        checks["profile_hash"]["checksum"] = hash_of_connection(project, warehouse)
        checks["vars_hash"]["checksum"] = hash_of_variables(variables)
        # A seed is read from the folder that it was found in.
        for node in parse["nodes"].values():
            _move(node, "root_path", self.project, project)
        for file in parse["files"].values():
            _move(file["path"], "project_root", self.project, project)
        target.mkdir(parents=True, exist_ok=True)
        _write(target / _FILE, msgpack.packb(parse))
        return True

    def keep(self, target: Path, variables: Mapping[str, Any]) -> None:
        """Take over what dbt parsed of the project itself, if that is the first of its kind."""
        kept, parsed = self._kept(variables), target / _FILE
        if parsed.exists() and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, parsed.read_bytes())

    def _kept(self, variables: Mapping[str, Any]) -> Path:
        asked = json.dumps(dict(variables), sort_keys=True)
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:12]}.msgpack"


def _move(values: dict[str, Any], name: str, old: Path, new: Path) -> None:
    if values.get(name) == str(old):
        values[name] = str(new)


def hash_of_connection(project: Path, warehouse: Path) -> str:
    """As dbt makes it of the profile: of the names and values that name the connection."""
    # Takes seconds to import, and not every process of the tests lends a parse.
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    environment = {"CLIENTELE_WAREHOUSE": str(warehouse)}
    text = (project / "profiles.yml").read_text(encoding="utf-8")
    profile = yaml.safe_load(Template(text).render(env_var=environment.get))["clientele"]
    output = profile["outputs"][profile["target"]]
    named = {name: value for name, value in output.items() if name not in {"type", "threads"}}
    values = sorted(DuckDBCredentials.from_dict(named).connection_info())
    return hashlib.sha256(pprint.pformat(values).encode()).hexdigest()


def hash_of_variables(variables: Mapping[str, Any]) -> str:
    """As dbt makes it of `--vars`, of no profile and no target, and of its version."""
    told = "\x00".join([pprint.pformat(dict(variables)), "", "", version("dbt-core")])
    return hashlib.sha256(told.encode()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, whoever else writes it."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
