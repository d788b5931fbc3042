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
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Template

_FILE = "partial_parse.msgpack"


@dataclass(frozen=True)
class Parses:
    """A folder with a parse per project and set of variables.

    Args:
        folder: that all workers of the session share.
    """

    folder: Path

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
            project: its folder.
            warehouse: of the borrower.
            variables: that dbt will be told.
            parsed_with: those of the parse, if they are others that nothing parsed depends on.
        """
        kept = self._kept(project, variables if parsed_with is None else parsed_with)
        if (target / _FILE).exists() or not kept.exists():
            return False
        parse = kept.read_bytes()
        for check, value in (
            ("profile_hash", hash_of_connection(project, warehouse)),
            ("vars_hash", hash_of_variables(variables)),
        ):
            # As MessagePack has it: the length before the text.
            pattern = bytes([0xA0 + len(check)]) + check.encode() + rb".{1,40}?[0-9a-f]{64}"
            parse, count = re.subn(
                pattern,
                lambda found, value=value: found[0][:-64] + value.encode(),
                parse,
                flags=re.DOTALL,
            )
            assert count == 1, f"dbt keeps no {check} in its parse any more"
        target.mkdir(parents=True, exist_ok=True)
        _write(target / _FILE, parse)
        return True

    def keep(self, target: Path, project: Path, variables: Mapping[str, Any]) -> None:
        """Take over what dbt parsed, if that is the first of its kind."""
        kept, parsed = self._kept(project, variables), target / _FILE
        if parsed.exists() and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, parsed.read_bytes())

    def _kept(self, project: Path, variables: Mapping[str, Any]) -> Path:
        asked = json.dumps([str(project), dict(variables)], sort_keys=True)
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:12]}.msgpack"


def hash_of_connection(project: Path, warehouse: Path) -> str:
    """As dbt makes it of the profile: of the names and values that name the connection."""
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
