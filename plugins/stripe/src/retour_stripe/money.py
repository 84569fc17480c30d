"""Amounts as Stripe writes them: a whole number of the smallest unit, which for three currencies is not ISO 4217's."""

from __future__ import annotations

from retour import InvalidAmount
from retour.providers import AmountStep, ErrorCode, Money, ProviderError

_UNITS = {"ISK": (100, 1), "UGX": (100, 1), "MGA": (1, 100)}
"""How many of Stripe's smallest units so many of ISO 4217's are, for the currencies where they differ.

The ariary is on the list of currencies without decimals (https://docs.stripe.com/currencies#zero-decimal). The króna
and the Ugandan shilling have none either, but are written with two for the sake of old integrations: "an ISK amount of
100 will continue to represent 1 króna" (https://support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds;
for both https://docs.stripe.com/currencies#special-cases).
"""

_THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Their last digit must be 0, in refunds too: https://docs.stripe.com/currencies#three-decimal."""

STEPS = (
    *[AmountStep(currency=currency, minor_units=10) for currency in sorted(_THREE_DECIMALS)],
    *[AmountStep(currency=currency, minor_units=ours) for currency, (_, ours) in _UNITS.items() if ours > 1],
)
"""Where not every unit of ISO 4217's can go back. Króna and shilling have none below one, so they are whole."""

_CURRENCIES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CVE CZK DJF DKK DOP DZD EEK EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR ISK JMD JPY
KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL LTL LVL MAD MDL MGA MKD MMK MNT MOP MRO MUR MVR MWK MXN MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SLL SOS SRD STD SVC SZL THB
TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VEF VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
"""

CURRENCIES = _THREE_DECIMALS.union(_CURRENCIES.split())
"""The currencies that Stripe lists (https://docs.stripe.com/currencies#presentment-currencies and ``#three-decimal``),
and those that its own libraries list besides: they have ended, and old payments are in them. How Stripe would write an
amount of any other is not known."""


def to_wire(amount: Money) -> int:
    """An amount as Stripe takes it. Raises `ProviderError` (invalid request) for one that Stripe cannot refund."""
    if amount.currency not in CURRENCIES:
        raise ProviderError(ErrorCode.INVALID_REQUEST, f"Stripe does not list {amount.currency}")
    theirs, ours = _UNITS.get(amount.currency, (1, 1))
    number, rest = divmod(amount.minor * theirs, ours)
    if rest or (amount.currency in _THREE_DECIMALS and number % 10):
        raise ProviderError(ErrorCode.INVALID_REQUEST, f"Stripe cannot refund {amount}: it is not round enough")
    return number


def from_wire(number: int, currency: str) -> Money:
    """An amount as Stripe gives it, its ``currency`` in lower case. Raises `ProviderError` (unreadable answer)."""
    code = currency.upper()
    if code not in CURRENCIES:
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an amount is in no currency that Stripe lists")
    theirs, ours = _UNITS.get(code, (1, 1))
    minor, rest = divmod(number * ours, theirs)
    if rest:
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"{number} {currency} is no amount that we know how to read")
    try:
        return Money(minor=minor, currency=code)
    except InvalidAmount:
        pass
    raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an amount is larger than any payment")
