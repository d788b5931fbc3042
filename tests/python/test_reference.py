"""Countries and subdivisions from the library: every spelling leads to one code, or to none."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pycountry
import pytest

from orchestration import reference


def test_every_country_is_found_by_its_codes_and_its_name() -> None:
    found = reference.country_spellings()
    for country in pycountry.countries:
        for text in (country.alpha_2, country.alpha_3, country.name):
            assert found[text.upper()] == country.alpha_2
    assert set(found.values()) == {country.alpha_2 for country in pycountry.countries}
    assert all(text == text.strip().upper() for text in found)


def test_names_that_everybody_uses_are_countries() -> None:
    found = reference.country_spellings()
    for text, code in reference.COMMON_COUNTRY_NAMES.items():
        assert found[text] == code
        assert pycountry.countries.get(alpha_2=code) is not None


def test_every_subdivision_is_found_by_its_code_in_its_country() -> None:
    found = reference.subdivision_spellings()
    for part in pycountry.subdivisions:
        assert found[part.country_code, part.code] == part.code
    assert all(code.startswith(f"{country}-") for (country, _), code in found.items())


def test_a_name_of_two_subdivisions_is_none_of_them() -> None:
    names: dict[tuple[str, str], set[str]] = {}
    for part in pycountry.subdivisions:
        names.setdefault((part.country_code, part.name.strip().upper()), set()).add(part.code)
    doubled = {key for key, codes in names.items() if len(codes) > 1}
    assert doubled  # such as a Chinese city and the province around it
    assert doubled.isdisjoint(reference.subdivision_spellings())


@pytest.mark.parametrize(
    ("country", "valid", "invalid"),
    [
        ("NL", "1011 AB", "1011 SS"),
        ("GB", "SW1A 1AA", "ZZ1 1AA"),
        ("US", "90210-1234", "9021"),
        ("DE", "10115", "1011"),
        ("CA", "K1A 0B1", "D1A 0B1"),
    ],
)
def test_postal_codes_have_the_pattern_of_their_country(
    country: str, valid: str, invalid: str
) -> None:
    pattern = reference.postal_code_patterns()[country]
    found = duckdb.execute(
        "select regexp_full_match(?, ?), regexp_full_match(?, ?)",
        [valid, pattern, invalid, pattern],
    ).fetchall()
    assert found == [(True, False)]


def test_every_pattern_is_one_that_the_engine_understands() -> None:
    patterns = reference.postal_code_patterns()
    assert len(patterns) > 150
    for pattern in patterns.values():
        duckdb.execute("select regexp_full_match('1', ?)", [pattern]).fetchall()


def test_the_tables_are_cached_until_the_library_changes(tmp_path: Path) -> None:
    cache = tmp_path / "reference"

    def count() -> int:
        with duckdb.connect() as connection:
            reference.create_reference(connection, cache)
            row = connection.execute("select count(*) from reference.countries").fetchone()
        return row[0] if row else 0

    whole = count()
    assert whole == len(reference.country_spellings())
    rows = pq.read_table(cache / "countries.parquet")
    pq.write_table(rows.slice(0, 3), cache / "countries.parquet")
    assert count() == 3  # read from the cache
    (cache / "made_from.json").write_text('{"pycountry": "0"}', encoding="utf-8")
    assert count() == whole
    (cache / "made_from.json").write_text("half", encoding="utf-8")
    assert count() == whole
