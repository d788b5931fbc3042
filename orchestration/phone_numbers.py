"""Phone numbers in E.164, by the library that phone makers use (libphonenumber).

Belongs here: one text to one number, or to none. Does not belong here: which columns hold phone
numbers (the contract says so) and whose they are (identity).

It runs at ingestion and not in staging, because a library cannot run in SQL that two engines
share; the number as exported stays beside it in the raw batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import phonenumbers


def e164(text: str, country: str | None) -> str | None:
    """A phone number in E.164 (``+31612345678``).

    Args:
        text: the number as exported, in any national or international spelling.
        country: two-letter ISO 3166 code of the country whose national spelling it may be in;
            None where nobody knows, so that only international spellings are understood.

    Returns:
        The number, or None where the text is no number that its country hands out: linking people
        by a wrong number is worse than not linking them. An extension is left out.
    """
    try:
        number = phonenumbers.parse(text, country.upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def all_e164(
    numbers: Iterable[tuple[str, str | None]], default_country: str | None
) -> list[str | None]:
    """`e164` of many (number, country as exported); a country of two letters goes before the
    default."""
    return [e164(text, _region(country) or default_country) for text, country in numbers]


def _region(country: str | None) -> str | None:
    text = (country or "").strip().upper()
    return text if text in phonenumbers.SUPPORTED_REGIONS else None
