"""What sqlfluff's Jinja templater needs of dbt, so that SQL is linted without a database.

Every public name here is a name in Jinja. Variables are those of dbt_project.yml; macros are the
project's own, dispatched to DuckDB. `execute` is false, as while dbt parses.

Does not belong here: anything that tests rely on for results. This only has to render SQL that
looks like what dbt renders.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from sqlfluff.core.errors import SQLTemplaterError

execute = False
graph: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}, "exposures": {}, "metrics": {}}
flags: dict[str, Any] = {"FULL_REFRESH": False}
model: dict[str, Any] = {"name": "this_model", "unique_id": "model.clientele.this_model"}
target = {"name": "duckdb", "type": "duckdb", "schema": "main", "database": "work", "threads": 1}
invocation_id = "00000000-0000-0000-0000-000000000000"

_MISSING = object()


@cache
def _project_vars() -> dict[str, Any]:
    project = Path(__file__).resolve().parents[2] / "dbt_project.yml"
    loaded = yaml.safe_load(project.read_text(encoding="utf-8"))
    return dict(loaded.get("vars") or {})


def var(name: str, default: Any = _MISSING) -> Any:
    """A variable of dbt_project.yml."""
    value = _project_vars().get(name, default)
    if value is _MISSING:
        raise SQLTemplaterError(f"variable {name} is not in dbt_project.yml and has no default")
    return value


def env_var(name: str, default: str = "") -> str:
    """An environment variable."""
    return os.environ.get(name, default)


def local_md5(value: str) -> str:
    """A hash that looks like one."""
    return "0" * 32 if value else ""


def log(message: str, info: bool = False) -> str:
    """Nothing: lints are silent."""
    return ""


def _plainly(name: str, macro: Callable[..., Any]) -> Callable[..., Any]:
    """The engine macro, rendered as one call where it renders as one expression.

    sqlfluff takes time exponential in the depth of parentheses, and what stands inside an engine's
    expression is not for it to judge: 58 files took a minute and take seconds.
    """

    def rendered(*args: Any, **kwargs: Any) -> Any:
        output = macro(*args, **kwargs)
        if not str(output).lstrip().startswith("/*engine*/"):
            return output  # a query, or a value for Jinja
        given = [*args, *kwargs.values()]
        return f"{name}({', '.join(str(argument).strip() for argument in given)})"

    return rendered


class _Adapter:
    """dbt's `adapter`: dispatch only, since nothing can be asked of a database."""

    @jinja2.pass_context
    def dispatch(
        self, context: jinja2.runtime.Context, name: str, macro_namespace: str | None = None
    ) -> Callable[..., Any]:
        """The DuckDB implementation of a macro, else the default one."""
        for prefix in ("duckdb", "default"):
            found: object = context.resolve_or_missing(f"{prefix}__{name}")
            if callable(found):
                return _plainly(name, found)
        raise SQLTemplaterError(f"macro {name} of {macro_namespace} has no duckdb__ implementation")


class _Exceptions:
    """dbt's `exceptions`."""

    def raise_compiler_error(self, message: str) -> str:
        """Stop the rendering of this file."""
        raise SQLTemplaterError(message)

    def warn(self, message: str) -> str:
        """Nothing: lints are silent."""
        return ""


class _Config:
    """dbt's `config`: called at the top of a model, or asked."""

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        return ""

    def get(self, name: str, default: Any = None) -> Any:
        """The default."""
        return default

    def require(self, name: str) -> str:
        """The name, for want of a value."""
        return name


class _Dbt:
    """dbt's cross-database helpers that the portability lint lets through."""

    def hash(self, field: str) -> str:
        """As dbt renders it."""
        return f"md5(cast({field} as string))"

    def __getattr__(self, name: str) -> Callable[..., str]:
        if name.startswith("type_"):
            return lambda: name.removeprefix("type_")
        return lambda *args: f"{name}({', '.join(str(arg) for arg in args)})"


adapter = _Adapter()
exceptions = _Exceptions()
config = _Config()
dbt = _Dbt()
