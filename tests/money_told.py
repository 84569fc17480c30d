"""What the sentences of a timeline say of money: read as a person reads them, and by nothing that retour folds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from retour import Money, TimelineEntry

_AMOUNT = r"[^\d ]{1,3}\xa0?(?P<amount>[\d,]+(?:\.\d+)?)"
_REFERENCE = r"reference (?P<reference>[^ ;()]+)"
_SENTENCES = (
    rf"Refund of {_AMOUNT}: (?P<state>[a-z ]+), {_REFERENCE}.*",
    rf"{_AMOUNT} was (?P<state>refunded) at the provider, {_REFERENCE}; it was not requested from this shop.*",
    rf"A refund of {_AMOUNT} at the provider, {_REFERENCE}: (?P<state>[a-z ]+); it was not requested from this shop.*",
    rf"{_AMOUNT} (?P<state>refunded), {_REFERENCE}",
    rf"Refund of {_AMOUNT} settled by hand: it was (?P<state>made), {_REFERENCE}",
)
"""All sentences that say under which reference an amount went back, or did not."""

WENT_BACK = frozenset({"refunded", "made", "being processed"})


def money_told(entries: Iterable[TimelineEntry], currency: str = "EUR") -> dict[str, int]:
    """The minor units of a currency that went back by a timeline's English sentences, by the reference under which they
    did. The last sentence about a reference counts."""
    told: dict[str, int] = {}
    for entry in entries:
        sentence = entry.text("en")
        found = next((match for one in _SENTENCES if (match := re.fullmatch(one, sentence))), None)
        if found is None:
            continue
        told.pop(found["reference"], None)
        if found["state"] in WENT_BACK:
            told[found["reference"]] = _minor(found["amount"], currency)
    return told


def _minor(amount: str, currency: str) -> int:
    """Whole forints are told without decimals, and are minor units all the same."""
    return Money.of(amount.replace(",", ""), currency).minor


_PAYMENT = r"(?P<payment>[^()]+) \([^()]+\)"
"""A payment as people say it: its reference, and in brackets at which provider."""

_TAKEN = re.compile(rf"The customer's bank took back {_AMOUNT} of payment {_PAYMENT}\.")
_GIVEN = re.compile(rf"The customer's bank gave back what it had taken of payment {_PAYMENT}\.")


def banks_told(entries: Iterable[TimelineEntry], currency: str = "EUR") -> list[tuple[str, int]]:
    """What customers' banks have by a timeline's English sentences, one after the other: of which payment, by its
    reference, and how many minor units in all."""
    told = []
    for entry in entries:
        sentence = entry.text("en")
        if taken := _TAKEN.fullmatch(sentence):
            told.append((taken["payment"], _minor(taken["amount"], currency)))
        elif given := _GIVEN.fullmatch(sentence):
            told.append((given["payment"], 0))
    return told
