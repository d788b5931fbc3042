"""Where things are and what this run was asked for, from the environment.

Does not belong here: anything read from the landing folder (mapping.py) or from a release
(warehouse.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import ClienteleError
from orchestration.yaml_text import load_yaml

PROJECT_DIR = Path(__file__).resolve().parent.parent
"""The folder that holds dbt_project.yml."""


DEFAULT_REST_SECONDS = 2.0
"""Long enough for a copy that goes on, short enough for somebody who waits."""


@dataclass(frozen=True)
class Settings:
    """The settings of one run.

    Attributes:
        landing: folder in which files arrive.
        warehouse: folder of raw batches, the work in progress and the releases.
        mapping_path: the mapping file; it need not exist.
        as_of: the instant asked for, as text; None for the default.
        target: dbt target; None for the one of profiles.yml.
        rest_seconds: a landed file must not have changed for so long to count as complete.
        dbt_vars: merged over the variables of dbt_project.yml.
    """

    landing: Path
    warehouse: Path
    mapping_path: Path
    as_of: str | None
    target: str | None
    dbt_vars: dict[str, Any]
    rest_seconds: float = DEFAULT_REST_SECONDS

    @property
    def dbt_target_path(self) -> Path:
        """Where dbt keeps its manifest and partial parse for this warehouse."""
        return self.warehouse / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs for this warehouse."""
        return self.warehouse / "dagster"


def settings_from_environment(environment: MappingType[str, str] = os.environ) -> Settings:
    """Read the CLIENTELE_* variables.

    Relative paths are below the current folder.

    Raises:
        ClienteleError: CLIENTELE_VARS is not a mapping in YAML or JSON, or
            CLIENTELE_REST_SECONDS no number of seconds.
    """
    landing = Path(environment.get("CLIENTELE_LANDING") or "landing").absolute()
    warehouse = Path(environment.get("CLIENTELE_WAREHOUSE") or "warehouse").absolute()
    mapping = environment.get("CLIENTELE_MAPPING")
    return Settings(
        landing=landing,
        warehouse=warehouse,
        mapping_path=Path(mapping).absolute() if mapping else landing / "mapping.yml",
        as_of=environment.get("CLIENTELE_AS_OF") or None,
        target=environment.get("CLIENTELE_TARGET") or None,
        dbt_vars=_parse_vars(environment.get("CLIENTELE_VARS", "")),
        rest_seconds=_parse_rest(environment.get("CLIENTELE_REST_SECONDS", "")),
    )


def _parse_rest(text: str) -> float:
    if not text.strip():
        return DEFAULT_REST_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        raise ClienteleError(
            f"'{text}' is not a number of seconds",
            where="CLIENTELE_REST_SECONDS",
            remedy="give one from 0 to 3600",
        )
    return seconds


def _parse_vars(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    remedy = "give a mapping in YAML or JSON, for example {rfm_window_days: 180}"
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise ClienteleError(
            "it is neither YAML nor JSON", where="CLIENTELE_VARS", remedy=remedy
        ) from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ClienteleError("it is not a mapping", where="CLIENTELE_VARS", remedy=remedy)
    return value
