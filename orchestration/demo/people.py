"""Names and details of invented people, none of whom can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from orchestration.demo.chance import Draws, cumulated


class Archetype(StrEnum):
    """How a registered customer of the demo behaves."""

    PROSPECT = "prospect"
    ONE_TIME = "one_time"
    OCCASIONAL = "occasional"
    REGULAR = "regular"
    GROWING = "growing"
    CHURNER = "churner"
    GIFT_BUYER = "gift_buyer"
    DISCOUNT_HUNTER = "discount_hunter"
    SUBSCRIBER = "subscriber"
    OFFICE = "office"


@dataclass(frozen=True)
class _City:
    name: str
    region: str
    country: str
    first_postal_code: int
    postal_suffix: str
    weight: int


# No Dutch postal code ends in SA, SD or SS, so these belong to nobody's street.
_CITIES: Final = (
    _City("Rotterdam", "Zuid-Holland", "NL", 3011, " SD", 34),
    _City("Schiedam", "Zuid-Holland", "NL", 3111, " SD", 10),
    _City("Delft", "Zuid-Holland", "NL", 2611, " SA", 12),
    _City("Den Haag", "Zuid-Holland", "NL", 2511, " SS", 12),
    _City("Utrecht", "Utrecht", "NL", 3511, " SD", 9),
    _City("Amsterdam", "Noord-Holland", "NL", 1011, " SA", 9),
    _City("Breda", "Noord-Brabant", "NL", 4811, " SS", 5),
    _City("Antwerpen", "Antwerpen", "BE", 2000, "", 6),
    _City("Gent", "Oost-Vlaanderen", "BE", 9000, "", 3),
)

_CITY_WEIGHTS: Final = cumulated(city.weight for city in _CITIES)

_FIRST_NAMES: Final = (
    "Aldo", "Brecht", "Cleo", "Daan", "Elske", "Fimme", "Gwen", "Hidde", "Ilse", "Joris", "Kaat",
    "Lieve", "Maud", "Nils", "Odile", "Pleun", "Quirijn", "Roos", "Sietse", "Tamar", "Ubbo",
    "Vera", "Wout", "Xandra", "Yara", "Zeger", "Anouk", "Bente", "Casper", "Doutzen", "Ewout",
    "Floor", "Gijs", "Hanna", "Ivo", "Jula", "Kess", "Lotte", "Mees", "Noor",
)  # fmt: skip

_SURNAME_BEGINNINGS: Final = (
    "Aver", "Brink", "Duin", "Eiken", "Frane", "Grif", "Haver", "Ivel", "Kade", "Linde", "Molen",
    "Noord", "Olden", "Peppel", "Riet", "Stell", "Tolle", "Veer", "Winder", "Zonne",
)  # fmt: skip

_SURNAME_ENDINGS: Final = (
    "brook", "dael", "enga", "haven", "horst", "kamp", "laar", "mere", "stee", "veldt", "wijck",
    "zand",
)  # fmt: skip

MAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")

# What the till types for people without an address: nobody's, and so no sign of being one person.
PLACEHOLDER_EMAIL: Final = "none@example.com"

# Numbers that the French regulator (ARCEP) keeps for works of fiction: six blocks of 10,000. The
# ranges of other countries are too small for every customer to have a number of their own, and a
# shared number would make one person of two strangers.
_PHONE_BLOCKS: Final = ("+3319900", "+3326191", "+3335301", "+3346571", "+3353649", "+3363998")

_PHONES: Final = len(_PHONE_BLOCKS) * 10_000

_CHANNELS: Final = ("store", "search", "social", "referral", "newsletter", "market stall")

_CHANNEL_WEIGHTS: Final = cumulated((30, 24, 18, 12, 10, 6))

_INCOME_BANDS: Final = ("under 25k", "25k-40k", "40k-60k", "60k-90k", "over 90k")


@dataclass(frozen=True)
class Contact:
    """A name and how to reach it. Empty text where the business does not know.

    `original` is the number of an earlier record of the same person, 0 where there is none, and
    `likeness` says what the two have in common, as `DemoTruth.duplicates` has it.
    """

    first_name: str
    last_name: str
    email: str
    phone: str
    original: int = 0
    likeness: str = ""


@dataclass(frozen=True)
class Customer:
    """A row of the customers file, and the archetype that it does not tell."""

    customer_ref: str
    archetype: Archetype
    contact: Contact
    account_ref: str
    created: tuple[int, int]
    updated: tuple[int, int]
    details: tuple[str, ...]


DETAIL_COLUMNS: Final = (
    "birth_date",
    "gender",
    "income_band",
    "household_size",
    "has_children",
    "country",
    "region",
    "city",
    "postal_code",
    "acquisition_channel",
    "acquisition_campaign_id",
    "attributes",
)


def contact_of(seed: int, number: int) -> Contact:
    """Name, e-mail and phone of customer `number`; nobody shares an e-mail or phone by accident."""
    draws = Draws(seed, "contact", number)
    again = _registered_again(seed, number, draws) if number > 40 else None
    if again is not None:
        return again
    if draws.chance(0.2):
        return Contact(
            draws.pick(_FIRST_NAMES), draws.pick(_SURNAME_BEGINNINGS), PLACEHOLDER_EMAIL, ""
        )
    first = draws.pick(_FIRST_NAMES)
    last = draws.pick(_SURNAME_BEGINNINGS) + draws.pick(_SURNAME_ENDINGS)
    email = f"{first}.{last}{number}@{draws.pick(MAIL_DOMAINS)}".lower()
    phone = _phone(number, spaced=draws.chance(40))
    return Contact(
        first, last, email if draws.chance(92) else "", phone if draws.chance(55) else ""
    )


def _registered_again(seed: int, number: int, draws: Draws) -> Contact | None:
    """A second record of an earlier customer, for about one customer in a hundred."""
    likeness = draws.below(250)
    if likeness > 2:
        return None
    original = number - 37
    first = contact_of(seed, original)
    if first.original or not first.email or not first.phone:
        return None
    if likeness == 0:  # online once more, under the same address
        return Contact(first.first_name, first.last_name, first.email, "", original, "same_email")
    last = _misspelt(first.last_name, draws)
    if likeness == 1:  # by telephone: the name misheard, no address asked for
        return Contact(first.first_name, last, "", first.phone, original, "same_phone")
    # A slip of the pen in name and address: nothing agrees to the letter.
    email = _misspelt(first.email, draws)
    return Contact(first.first_name, last, email, "", original, "typo")


def _misspelt(text: str, draws: Draws) -> str:
    """`text` with two neighbours among its first letters the other way round."""
    if len(text) < 6:
        return text
    at = next((n for n in range(draws.between(1, 3), 5) if text[n] != text[n + 1]), 0)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _phone(number: int, *, spaced: bool) -> str:
    """A number of one's own; empty when the fictional ones have run out."""
    if number >= _PHONES:
        return ""
    block, rest = divmod(number * 7919 % _PHONES, 10_000)  # 7919 is prime: no number twice
    digits = f"{_PHONE_BLOCKS[block]}{rest:04d}"
    if not spaced:
        return digits
    pairs = " ".join(digits[at : at + 2] for at in range(4, len(digits), 2))
    return f"{digits[:3]} {digits[3]} {pairs}"


def details_of(draws: Draws, home: Draws, archetype: Archetype, *, year: int) -> tuple[str, ...]:
    """The values of `DETAIL_COLUMNS`; what people did not say is empty.

    `home` is the chance of what stays with a person however often they register: birthday and
    address. `year` is the first of the order history, in which they are 18 to 76 years old.
    """
    city = _CITIES[home.weighted(_CITY_WEIGHTS)]
    channel = _CHANNELS[draws.weighted(_CHANNEL_WEIGHTS)]
    campaign = f"{channel}-{draws.between(1, 4)}" if channel in ("search", "social") else ""
    private = archetype is not Archetype.OFFICE
    born = date(year - 76, 1, 1) + timedelta(days=home.below(21_000))
    tells_birthday, house = home.chance(45), home.below(9)
    household = draws.between(1, 5)
    roast = draws.pick(("light", "medium", "dark"))
    return (
        born.isoformat() if private and tells_birthday else "",
        draws.pick(("female", "male", "other")) if private and draws.chance(60) else "",
        draws.pick(_INCOME_BANDS) if private and draws.chance(25) else "",
        str(household) if private and draws.chance(40) else "",
        ("true" if household > 2 else "false") if private and draws.chance(35) else "",
        city.country,
        city.region,
        city.name,
        f"{city.first_postal_code + house}{city.postal_suffix}",
        channel,
        campaign,
        f'{{"roast": "{roast}", "newsletter": {"true" if draws.chance(50) else "false"}}}'
        if draws.chance(30)
        else "",
    )
