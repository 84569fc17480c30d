"""Carriers that customers hand parcels in at, and where each shows how far a parcel is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from retour.model.frozen import frozen
from retour.model.parcels import Address


@frozen(kw_only=True)
class Carrier:
    """A carrier: what people call it, and the address of its page for one parcel. ``page`` has ``{number}`` in it, and
    ``{country}`` and ``{postal_code}`` of where the parcel goes for a carrier that shows nothing without."""

    name: str
    page: str

    def tracking_page(self, number: str, recipient: Address | None) -> str:
        """Where the parcel with a tracking number is shown; empty where what the page asks for is not known."""
        asks_where_to = "{postal_code}" in self.page
        if not number.strip() or (asks_where_to and recipient is None):
            return ""
        where_to = {} if recipient is None else {"country": recipient.country, "postal_code": recipient.postal_code}
        values = {"number": number, **where_to}
        return self.page.format(**{name: quote("".join(value.split()), safe="") for name, value in values.items()})


CARRIERS: Mapping[str, Carrier] = {
    "postnl": Carrier(name="PostNL", page="https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postal_code}"),
    "dhl": Carrier(name="DHL", page="https://www.dhl.com/nl-en/home/tracking.html?tracking-id={number}"),
    "dpd": Carrier(name="DPD", page="https://tracking.dpd.de/status/en_US/parcel/{number}"),
    "bpost": Carrier(name="bpost", page="https://track.bpost.cloud/btr/web/#/search?itemCode={number}"),
    "ups": Carrier(name="UPS", page="https://www.ups.com/track?tracknum={number}"),
    "gls": Carrier(name="GLS", page="https://gls-group.eu/track/{number}"),
}
"""Carriers by their code. The pages are those that shops link to; no carrier promises that they stay."""


def carrier_of(said: str) -> Carrier | None:
    """The carrier that somebody named, however he wrote it; None for one that is not known here.

    >>> carrier_of("Post NL").name, carrier_of("DHL Parcel").name, carrier_of("a friend")
    ('PostNL', 'DHL', None)
    """
    words = re.sub(r"[^a-z0-9]+", "", said.lower())
    return next((carrier for code, carrier in CARRIERS.items() if words.startswith(code)), None)


def carrier_name(code: str) -> str:
    """What people call a carrier of which a provider tells the ``code``; that code, of one that is not known here.

    >>> carrier_name("postnl"), carrier_name("mondial_relay")
    ('PostNL', 'mondial_relay')
    """
    carrier = carrier_of(code)
    return code if carrier is None else carrier.name
