"""Comparing people: which customer records are probably one person, though neither e-mail nor phone
is the same. An optional extra, which needs Splink.

Belongs here: how records are compared, with weights learnt from the records themselves. Does not
belong here: what is compared (the model match_records), the file of links (probable_links), and
what a link does (models/identity).
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

import duckdb

from orchestration.errors import ClienteleError

DEFAULT_THRESHOLD: Final = 0.8
"""A wrong link gives one person the history of another, a missed one counts somebody twice. The
first is taken as four times as bad, so a link must be four times as likely right as wrong."""


#: A value that so many records share tells nobody apart; pairs grow with its square.
_LARGEST_BLOCK: Final = 100
#: With fewer pairs than this that agree, expectation maximisation learns nothing worth having.
_LEAST_PAIRS: Final = 30
#: Of the pairs that are one person, so many are assumed to agree in e-mail, phone, or name and
#: birth date; it only moves the prior.
_ASSUMED_RECALL: Final = 0.7
_SAMPLED_PAIRS: Final = 1_000_000
_SEED: Final = 20260101

_COMPARED: Final = ("first_name", "last_name", "birth_date", "city", "email", "phone")

# What the models call one person, and what two records that may be one have in common: all pairs
# that share a key are compared. Names stand in either order, for exports mix them up.
_PEOPLE: Final = """
with people as (
    select
        record_id,
        first_name,
        last_name,
        cast(birth_date as varchar) as birth_date,
        city,
        email,
        phone,
        array_to_string(list_sort([first_name, last_name]), ' ') as both_names,
        list_filter([first_name, last_name], lambda name: name is not null) as names
    from {relation}
),

keyed as (
    select
        *,
        case when first_name is not null and last_name is not null then both_names end as full_name,
        list_distinct(list_filter(
            [
                'email ' || email,
                'mailbox ' || split_part(email, '@', 1),
                'domain ' || split_part(email, '@', 2) || ' ' || left(email, 1),
                'address ' || left(email, 4),
                'phone ' || phone,
                'birth ' || birth_date
            ]
            || list_transform(names, lambda name: 'city ' || name || ' ' || city)
            || list_transform(names, lambda name: 'start ' || left(name, 3) || ' ' || left(city, 3))
            || list_transform(
                names, lambda name: 'month ' || left(name, 3) || ' ' || left(birth_date, 7)
            )
            || list_transform(names, lambda name: 'year ' || name || ' ' || left(birth_date, 4))
            || list_transform(
                names, lambda name: 'day ' || name || ' ' || right(birth_date, 5)
            )
            || [case when len(names) = 2 then 'names ' || both_names end],
            lambda key: key is not null
        )) as keys
    from people
),

usual as (
    select key
    from (select unnest(keys) as key from keyed)
    group by key
    having count(*) between 2 and {largest_block}
),

shared as (
    select
        record_id,
        list(key order by key) as block_keys
    from (select record_id, unnest(keys) as key from keyed)
    inner join usual using (key)
    group by record_id
)

select
    keyed.* exclude (names, both_names, keys),
    coalesce(shared.block_keys, []) as block_keys,
    case when list_contains(shared.block_keys, 'email ' || email) then email end as email_key,
    case when list_contains(shared.block_keys, 'phone ' || phone) then phone end as phone_key,
    case
        when list_contains(shared.block_keys, 'birth ' || birth_date) then birth_date
    end as birth_key,
    case
        when list_contains(shared.block_keys, 'names ' || full_name) then full_name
    end as names_key
from keyed
left join shared using (record_id)
"""
_TRAINED_ON: Final = ("birth_key", "email_key", "phone_key", "names_key")


@dataclass(frozen=True)
class Pair:
    """Two records that are probably one person.

    Attributes:
        record_id, other_record_id: the lesser first.
        probability: by the model.
    """

    record_id: str
    other_record_id: str
    probability: float


def find_pairs(
    connection: duckdb.DuckDBPyConnection, relation: str, threshold: float
) -> list[Pair]:
    """The pairs of records that are probably one person and share neither e-mail nor phone.

    The weights are learnt from the records themselves, without labels.

    Args:
        connection: in which the relation is; tables of the comparison are left in it.
        relation: a row per record with the columns of the model match_records.
        threshold: least probability of a pair.

    Raises:
        ClienteleError: Splink is not installed, or the records hold too little to learn from.
    """
    require_splink()
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    sql = _PEOPLE.format(relation=relation, largest_block=_LARGEST_BLOCK)
    connection.execute(f"create or replace temp table match_people as {sql}")
    filled = _filled(connection)
    sessions = [key for key in _TRAINED_ON if _pairs_sharing(connection, key) >= _LEAST_PAIRS]
    if len(sessions) < 2:
        raise ClienteleError(
            "too few customer records resemble one another to learn from",
            where="match",
            remedy=f"it takes {_LEAST_PAIRS} pairs for each of two among e-mail, phone, birth date "
            "and full name; exact links need no such learning",
        )
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=_comparisons(filled),
        blocking_rules_to_generate_predictions=[
            block_on("block_keys", arrays_to_explode=["block_keys"])
        ],
        retain_matching_columns=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        people = DuckDBAPI(connection=connection).register("match_people")
        linker = Linker(people, settings, log_level=logging.ERROR)
        certain: list[Any] = [
            block_on(key) for key in sessions if key in {"email_key", "phone_key"}
        ]
        if {"names_key", "birth_key"} <= set(sessions):
            certain.append(block_on("names_key", "birth_key"))
        linker.training.estimate_probability_two_random_records_match(
            certain or [block_on("names_key")], recall=_ASSUMED_RECALL
        )
        linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS, seed=_SEED)
        for key in sessions:
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(key))
        found = linker.inference.predict(threshold_match_probability=threshold)
        rows = connection.execute(
            f"""
            select
                least(l.record_id, r.record_id),
                greatest(l.record_id, r.record_id),
                match_probability
            from {found.physical_name} as pairs
            inner join match_people as l on pairs.record_id_l = l.record_id
            inner join match_people as r on pairs.record_id_r = r.record_id
            where
                match_probability >= ?
                -- These are linked already.
                and coalesce(l.email <> r.email, true)
                and coalesce(l.phone <> r.phone, true)
            order by all
            """,
            [threshold],
        ).fetchall()
    return [Pair(*row) for row in rows]


def require_splink() -> str:
    """The version of Splink.

    Raises:
        ClienteleError: it is not installed.
    """
    try:
        return metadata.version("splink")
    except metadata.PackageNotFoundError:
        raise ClienteleError(
            "probable matching needs Splink, which is not installed",
            where="match",
            remedy="install the extra: .venv/bin/python -m pip install -e '.[match]'",
        ) from None


def _filled(connection: duckdb.DuckDBPyConnection) -> set[str]:
    counts = ", ".join(f"count({column})" for column in _COMPARED)
    # Read to the end: Splink uses the same connection, which takes one query at a time.
    ((*found,),) = connection.execute(f"select {counts} from match_people").fetchall()
    return {column for column, count in zip(_COMPARED, found, strict=True) if count}


def _pairs_sharing(connection: duckdb.DuckDBPyConnection, key: str) -> int:
    rows = connection.execute(
        "select coalesce(sum(records * (records - 1) // 2), 0) from ("
        f"select count(*) as records from match_people where {key} is not null group by {key})"
    ).fetchall()
    return int(rows[0][0])


def _comparisons(filled: set[str]) -> list[Any]:
    """How each attribute is compared, those that nobody has left out."""
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons

    def of(name: str, *given: Any) -> Any:
        return comparisons.CustomComparison(output_column_name=name, comparison_levels=list(given))

    def digits(most: int) -> Any:
        return levels.DamerauLevenshteinLevel("birth_date", most)

    wanted = []
    if filled & {"first_name", "last_name"}:
        wanted.append(of("names", *_name_levels(levels)))
    if "birth_date" in filled:
        wanted.append(
            of(
                "birth_date",
                levels.NullLevel("birth_date"),
                levels.ExactMatchLevel("birth_date"),
                digits(1),
                digits(2),
                levels.CustomLevel(
                    "abs(date_diff('day', cast(birth_date_l as date), cast(birth_date_r as date)))"
                    " <= 400",
                    "within a year or so",
                ),
                levels.CustomLevel(
                    "abs(date_diff('day', cast(birth_date_l as date), cast(birth_date_r as date)))"
                    " <= 3660",
                    "within ten years",
                ),
                levels.ElseLevel(),
            )
        )
    if "city" in filled:
        wanted.append(
            of(
                "city",
                levels.NullLevel("city"),
                levels.ExactMatchLevel("city").configure(tf_adjustment_column="city"),
                levels.JaroWinklerLevel("city", 0.85),
                levels.ElseLevel(),
            )
        )
    if "email" in filled:
        wanted.append(
            of(
                "email",
                levels.NullLevel("email"),
                levels.ExactMatchLevel("email").configure(tf_adjustment_column="email"),
                levels.CustomLevel(
                    "split_part(email_l, '@', 1) = split_part(email_r, '@', 1)", "same mailbox"
                ),
                levels.DamerauLevenshteinLevel("email", 2),
                levels.JaroWinklerLevel("email", 0.88),
                levels.ElseLevel(),
            )
        )
    if "phone" in filled:
        wanted.append(
            of(
                "phone",
                levels.NullLevel("phone"),
                levels.ExactMatchLevel("phone").configure(tf_adjustment_column="phone"),
                levels.DamerauLevenshteinLevel("phone", 1),
                levels.ElseLevel(),
            )
        )
    return wanted


def _name_levels(levels: Any) -> list[Any]:
    """Both names as one: apart, a first name that is another's family name would count twice."""

    def like(left: str, right: str, least: float) -> str:
        return f"jaro_winkler_similarity({left}_l, {right}_r) >= {least}"

    def either_order(least: float) -> str:
        straight = " and ".join(like(name, name, least) for name in ("first_name", "last_name"))
        swapped = (
            like("first_name", "last_name", least)
            + " and "
            + like("last_name", "first_name", least)
        )
        return f"({straight}) or ({swapped})"

    def one(least: float) -> str:
        names = ("first_name", "last_name")
        return (
            "(" + " or ".join(like(left, right, least) for left in names for right in names) + ")"
        )

    missing = " or ".join(
        f"{name}_{side} is null" for name in ("first_name", "last_name") for side in "lr"
    )
    return [
        levels.Or(
            *(
                levels.And(
                    levels.CustomLevel(f"first_name_{side} is null", "no first name"),
                    levels.CustomLevel(f"last_name_{side} is null", "no family name"),
                )
                for side in "lr"
            )
        ).configure(is_null_level=True),
        levels.ExactMatchLevel("full_name").configure(tf_adjustment_column="full_name"),
        levels.CustomLevel(either_order(0.9), "both very similar"),
        levels.CustomLevel(either_order(0.75), "both similar"),
        levels.CustomLevel(f"({missing}) and {one(1)}", "the one known is equal"),
        levels.CustomLevel(f"({missing}) and {one(0.88)}", "the one known is similar"),
        levels.CustomLevel(one(1), "one equal, the other different"),
        levels.ElseLevel(),
    ]
