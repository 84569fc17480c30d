"""What travels: addresses, and a parcel with what is in it."""

from __future__ import annotations

import json
from typing import Annotated

import attrs

from retour.model.errors import InvalidArgument
from retour.model.fields import Between, Characters, Id, Reference, as_tuple, checked, shown
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.personal import PERSONAL
from retour.model.text import Text, text

CountryCode = Annotated[str, Characters(2, 2)]
"""A country, ISO 3166-1 alpha-2: ``NL``."""

HEAVIEST_GRAMS = 1_000_000
"""Grams of a parcel at most: a tonne, which no parcel carrier takes."""

LONGEST_MILLIMETRES = 10_000
"""Millimetres of a side of a parcel at most."""

Grams = Annotated[int, Between(1, HEAVIEST_GRAMS)]
Millimetres = Annotated[int, Between(1, LONGEST_MILLIMETRES)]


@frozen(kw_only=True, field_transformer=checked())
class Address:
    """Where a parcel comes from or goes to. Personal data: never in an event, and shown nowhere that was not asked for.
    `has_house_number` says whether there is a number anywhere.
    """

    name: Id = attrs.field(repr=False, metadata=PERSONAL)
    """Of the person, or of the desk at a company."""

    street: Id = attrs.field(repr=False, metadata=PERSONAL)
    """With or without the number."""

    postal_code: Annotated[str, Characters(0, 32)] = attrs.field(repr=False, metadata=PERSONAL)
    """As it is written there; empty where a country has none."""

    city: Id = attrs.field(repr=False, metadata=PERSONAL)
    """The town."""

    country: CountryCode = attrs.field(repr=False, metadata=PERSONAL)
    """ISO 3166-1 alpha-2: ``NL``."""

    house_number: Annotated[str, Characters(0, 32)] = attrs.field(default="", repr=False, metadata=PERSONAL)
    """Where it does not stand in ``street``."""

    addition: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """A second line: an apartment, a floor."""

    company: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """Where it is one."""

    state: Annotated[str, Characters(0, 8)] = attrs.field(default="", repr=False, metadata=PERSONAL)
    """ISO 3166-2, where carriers need it."""

    email: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """For the carrier, where it tells people about a parcel."""

    phone: Annotated[str, Characters(0, 64)] = attrs.field(default="", repr=False, metadata=PERSONAL)
    """For the carrier, with its country: ``+31…``."""

    @property
    def has_house_number(self) -> bool:
        """Whether somebody could find the house: its number, or a digit in the street's line."""
        return bool(self.house_number.strip()) or any(character.isdigit() for character in self.street)

    @property
    def lines(self) -> tuple[str, ...]:
        """As it is written on a parcel, line by line, without what is not known.

        >>> Address(name="Webshop", street="Kade 1", postal_code="1011 AA", city="Amsterdam", country="NL").lines
        ('Webshop', 'Kade 1', '1011 AA Amsterdam', 'NL')
        """
        house = f"{self.street} {self.house_number}".strip()
        town = f"{self.postal_code} {self.city}".strip()
        written = (self.company, self.name, house, self.addition, town, self.state, self.country)
        return tuple([line for line in written if line])


def addresses_as_words(sender: Address, recipient: Address) -> str:
    """Where a parcel goes, as it is kept among the order's personal data."""
    return json.dumps({"sender": attrs.asdict(sender), "recipient": attrs.asdict(recipient)}, ensure_ascii=False)


def addresses_of_words(words: str) -> tuple[Address, Address]:
    """The sender and the recipient that were kept as these words."""
    kept = json.loads(words)
    return Address(**kept["sender"]), Address(**kept["recipient"])


def _items(given: list[ParcelItem] | tuple[ParcelItem, ...]) -> tuple[ParcelItem, ...]:
    return as_tuple(given)


@frozen(kw_only=True, field_transformer=checked())
class ParcelItem:
    """Units of one order line in a parcel."""

    line_id: Id
    """The order line."""

    description: Id
    """What it is, for the carrier and for customs."""

    quantity: Annotated[int, Between(1, 10_000)]
    """Units of it in this parcel."""

    weight_grams: Grams | None = None
    """Grams of one unit; None where the shop does not know."""

    price: Money | None = None
    """What one unit is worth; customs ask for it."""

    sku: Reference = ""
    """The host's article number."""

    hs_code: Annotated[str, Characters(0, 12)] = ""
    """Its number in the World Customs Organization's Harmonized System, 6 to 12 digits; customs ask for it."""

    origin_country: Annotated[str, Characters(0, 2)] = ""
    """Where it was made, as two capitals (ISO 3166-1); customs ask for it."""

    reason: Reference = ""
    """The code of why it goes back, of your list; empty where none was given."""


@frozen(kw_only=True, field_transformer=checked())
class Parcel:
    """One parcel: its whole weight in grams, its three sides in millimetres where they are known, what is in it.

    >>> mug = ParcelItem(line_id="1", description="Mug", quantity=2, weight_grams=300)
    >>> Parcel(weight_grams=750, items=[mug], length_mm=300, width_mm=200, height_mm=150).items[0].quantity
    2
    """

    weight_grams: Grams
    """Of the whole parcel."""

    items: tuple[ParcelItem, ...] = attrs.field(default=(), converter=_items)
    """What is in it."""

    length_mm: Millimetres | None = None
    """The longest side."""

    width_mm: Millimetres | None = None
    """The second side."""

    height_mm: Millimetres | None = None
    """The third side."""


def check_route(order_id: str, sender: Address, recipient: Address, parcel: Parcel) -> None:
    """Raise `InvalidArgument` for what no carrier takes on this way: all of it is in the sentence, with what to do."""
    faults = [*_address_faults(text("the sender's address"), sender)]
    faults += _address_faults(text("the shop's return address"), recipient)
    if sender.country != recipient.country and not (_in_customs_union(sender) and _in_customs_union(recipient)):
        faults += _customs_faults(parcel)
    if faults:
        raise InvalidArgument(
            text("Order {order}: no label can be made: {faults}.", order=shown(order_id), faults=faults)
        )


def _address_faults(whose: Text, address: Address) -> list[Text]:
    faults = []
    if not address.has_house_number:
        faults.append(text("{whose} has no house number", whose=whose))
    if not address.postal_code.strip() and address.country not in _WITHOUT_POSTAL_CODES:
        faults.append(text("{whose} has no postal code", whose=whose))
    if not (address.country.isascii() and address.country.isalpha() and address.country.isupper()):
        faults.append(text("{whose} has no country of two capital letters, as NL", whose=whose))
    return faults


def _customs_faults(parcel: Parcel) -> list[Text]:
    faults = [] if parcel.items else [text("customs want to know what is in the parcel: name its items")]
    for item in parcel.items:
        missing = [
            name
            for name, given in {
                "weight_grams": item.weight_grams,
                "price": item.price,
                "hs_code": item.hs_code,
                "origin_country": item.origin_country,
            }.items()
            if not given
        ]
        if missing:
            faults.append(text("for customs, line {line} needs {missing}", line=item.line_id, missing=missing))
    return faults


_WITHOUT_POSTAL_CODES = frozenset({"AE", "AG", "AO", "BS", "BZ", "HK", "IE", "JM", "PA", "QA", "ZW"})
"""Countries whose addresses have none, or often none (Universal Postal Union, postal addressing systems)."""

_CUSTOMS_UNION = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MC", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""The customs territory of the European Union by country, Monaco included: regulation (EU) 952/2013, article 4. Parts
of a country that lie outside it, as the Canary Islands, are the carrier's to refuse."""


def _in_customs_union(address: Address) -> bool:
    return address.country in _CUSTOMS_UNION
