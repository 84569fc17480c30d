"""Money: an integer number of minor units and an ISO 4217 currency. No float ever holds money."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from decimal import Decimal, InvalidOperation, localcontext

from retour.model.errors import InvalidAmount
from retour.model.fields import LARGEST_INTEGER, is_text, shown
from retour.model.frozen import frozen
from retour.model.making import unchecked
from retour.model.text import RetourError, Text, speaking, text

# ISO 4217, list one (active currencies), as amended up to 2026; funds codes and metals are left out.
_TWO_DECIMALS = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IRR",
        "JMD",
        "KES",
        "KGS",
        "KHR",
        "KPW",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "WST",
        "XCD",
        "XCG",
        "YER",
        "ZAR",
        "ZMW",
        "ZWG",
    ]
)
_NO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

# Currencies that have ended, in which old orders are paid all the same: what CLDR lists as tender of a country once.
# The decimals are those of ISO 4217 at that time, by which providers count (the Java platform keeps them: its
# currency.properties); CLDR's say how people wrote an amount, and are other ones for MRO, SLL, STD, TMM, ZMK, ZWD.
_ENDED_WITH_TWO_DECIMALS = """
AFA ALK ANG AOK AON AOR ARA ARL ARM ARP ATS AZM BAD BAN BGL BGM BGN BGO BOL BOP BRB BRC BRE BRN BRR BRZ BUK CLE CSD
CSK CUC CYP DDM DEM ECS EEK FIM FRF GEK GHC GNS GQE GWE GWP HRD HRK IEP ILP ILR ISJ KRH KRO LTL LTT LVL LVR MAF MCF
MDC MKN MLF MRO MTL MTP MVP MXP MZE MZM NIC NLG PEI PES PLZ RHD ROL RUR SDD SDP SIT SKK SLL SRG STD SUR TJR TMM UAK
UGS UYP VEB VEF VNN YDD YUD YUM YUN YUR ZMK ZRN ZRZ ZWD ZWL ZWR
"""
_ENDED_WITH_NO_DECIMALS = "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE TPE TRL"
_DECIMALS = (
    dict.fromkeys(_TWO_DECIMALS.union(_ENDED_WITH_TWO_DECIMALS.split()), 2)
    | dict.fromkeys(_NO_DECIMALS.union(_ENDED_WITH_NO_DECIMALS.split()), 0)
    | dict.fromkeys(_THREE_DECIMALS, 3)
)


def currency_decimals(currency: str) -> int:
    """How many decimals one unit of ``currency`` (ISO 4217) has: EUR 2, JPY 0, KWD 3; BGN, which has ended, 2.

    Raises `InvalidAmount` for a code that is no currency of a country, now or once.
    """
    decimals = _DECIMALS.get(currency) if type(currency) is str or is_text(currency) else None
    if decimals is None:
        raise InvalidAmount(
            text(
                "{currency} is not a currency of ISO 4217. Use its three capitals, as in EUR.",
                currency=shown(currency),
            )
        )
    return decimals


def is_currency(code: str) -> bool:
    """Whether ``code`` is a currency of a country, now or once."""
    return code in _DECIMALS


WITH_MOST_DECIMALS = "KWD"
"""A currency of which every number with up to three decimals is an amount."""

LARGEST_AMOUNT = 10**15
"""Minor units. More than any payment or order is, and less than a database or the decimals of Python can no longer
keep, however many are counted together."""

_LONGEST_NUMBER = 40
"""Digits of a number that is read as an amount, before and after the point."""

_TYPED = r"([0-9]{1,12})(?:[.,]([0-9]{1,6}))?"
_SIGNS = {"EUR": "€", "GBP": "£"}
_EXAMPLES: Mapping[int, str | Text] = {0: "1250", 2: text("12.50"), 3: text("12.500")}
"""Numbers that somebody can type, by the decimals of a currency."""

_BETWEEN = r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])"
"""Between a letter and a digit."""


@frozen(kw_only=True)
class Money:
    """An amount: ``minor`` units (cents for EUR, whole yen for JPY) of ``currency`` (ISO 4217).

    >>> Money.of("44.95", "EUR")
    Money(minor=4495, currency='EUR')
    >>> Money.of("44.95", "EUR") + Money.of("5", "EUR")
    Money(minor=4995, currency='EUR')
    >>> str(Money.of("1200", "JPY"))
    'JPY 1200'
    """

    minor: int
    """How many of the smallest unit: cents for EUR, whole yen for JPY, thousandths for KWD. Below zero for what is
    taken off."""

    currency: str
    """Its code of ISO 4217, in three capitals."""

    def __attrs_post_init__(self) -> None:
        if type(self.minor) is not int:
            raise InvalidAmount(
                text(
                    'An amount is a whole number of minor units (cents), not {amount}. Use Money.of("12.34", "EUR").',
                    amount=_as_written(self.minor),
                )
            )
        if not -LARGEST_INTEGER <= self.minor <= LARGEST_INTEGER:
            raise InvalidAmount(
                text("An amount is at most {largest} minor units (cents); this one is larger.", largest=LARGEST_INTEGER)
            )
        if type(self.currency) is not str or self.currency not in _DECIMALS:
            currency_decimals(self.currency)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Money from a decimal number in whole units: ``Money.of("44.95", "EUR")``.

        Raises `InvalidAmount` for a float, for text that is no plain decimal number, and for more decimals than
        the currency has.
        """
        decimals = currency_decimals(currency)
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise InvalidAmount(
                text(
                    "{amount} cannot be an amount: write it as text or Decimal, since floats lose cents.",
                    amount=_as_written(amount),
                )
            )
        try:
            value = Decimal(amount.strip()) if isinstance(amount, str) else Decimal(amount)
        except InvalidOperation:
            value = Decimal("NaN")
        if value.is_finite() and max(len(value.as_tuple().digits), abs(value.adjusted())) > _LONGEST_NUMBER:
            value = Decimal("NaN")
        if not value.is_finite():
            raise InvalidAmount(
                text(
                    "{amount} is not an amount. Write a number with a point, as in 44.95.",
                    amount=_as_written(amount),
                )
            )
        with localcontext(prec=2 * _LONGEST_NUMBER):
            minor = value.scaleb(decimals)
        if minor != minor.to_integral_value():
            raise InvalidAmount(
                text(
                    "{amount} has more decimals than {currency} has ({decimals}).",
                    amount=str(amount),
                    currency=currency,
                    decimals=decimals,
                )
            )
        return cls(minor=int(minor), currency=currency)

    @classmethod
    def typed(cls, words: str, currency: str) -> Money:
        """An amount above zero as a person types it in a form, with a point or a comma before its decimals.

        Raises `InvalidAmount`, with a sentence for who typed it. Thousands are not parted, so that nobody's thousand is
        read as one; of euros and pounds, their sign may stand before the number.

        >>> Money.typed(" € 44,95", "EUR") == Money.typed("44.95", "EUR") == Money.of("44.95", "EUR")
        True
        """
        decimals = currency_decimals(currency)
        words = words if isinstance(words, str) else ""
        number = words.strip().removeprefix(_SIGNS.get(currency, "")).lstrip()
        if not number:
            raise InvalidAmount(text("Enter an amount."))
        found = re.fullmatch(_TYPED, number)
        if found is None:
            raise InvalidAmount(
                text(
                    "{typed} is not an amount. Write a number such as {number}, without points between thousands.",
                    typed=shortened(words),
                    number=_EXAMPLES.get(decimals, _EXAMPLES[2]),
                )
            )
        if len(found[2] or "") > decimals:
            raise InvalidAmount(
                text(
                    "{amount} has more decimals than {currency} has ({decimals}).",
                    amount=number,
                    currency=currency,
                    decimals=decimals,
                )
            )
        amount = cls.of(f"{found[1]}.{found[2] or 0}", currency)
        if not amount:
            raise InvalidAmount(text("The amount has to be above zero."))
        return amount

    def as_typed(self, language: str = "en") -> str:
        """The number as a reader of ``language`` types it, for a field that is filled in already: ``44,95`` in Dutch,
        ``44.95`` in English, ``1200`` yen. Raises `UnknownLanguage`."""
        from babel.numbers import get_decimal_symbol

        return str(self.decimal).replace(".", get_decimal_symbol(speaking(language).locale))

    @classmethod
    def zero(cls, currency: str) -> Money:
        """No money, in ``currency``."""
        currency_decimals(currency)
        return _counted(minor=0, currency=currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in whole units, with exactly the currency's decimals: ``Decimal("44.95")``."""
        return Decimal(self.minor).scaleb(-_DECIMALS[self.currency])

    def render(self, language: str = "en") -> str:
        """The amount as a reader of ``language`` writes it: ``€ 44,95`` in Dutch, ``€44.95`` in English.

        A currency that people write with fewer decimals than it has (CLDR: HUF, COP) is written so where these are
        zero, and with all that it has where they are not: ``HUF 10``, ``HUF 10,50``. Between a code of letters and
        its number is a blank that no line breaks at (CLDR, UTS 35, currencySpacing), which Babel leaves out.
        """
        from babel import Locale
        from babel.numbers import get_currency_precision

        locale, amount = Locale.parse(speaking(language).locale), self.decimal
        whole = amount == amount.to_integral_value()
        decimals = get_currency_precision(self.currency) if whole else _DECIMALS[self.currency]
        pattern = copy(locale.currency_formats["standard"])
        pattern.frac_prec = (decimals, decimals)
        written = pattern.apply(amount, locale, currency=self.currency, currency_digits=False)
        return re.sub(_BETWEEN, "\N{NO-BREAK SPACE}", written)

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal}"

    def __add__(self, other: Money) -> Money:
        return _counted(minor=self.minor + self._same(other).minor, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return _counted(minor=self.minor - self._same(other).minor, currency=self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other).minor

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise InvalidAmount(
                text(
                    "{one} and {other} are of different currencies and cannot be counted together.",
                    one=str(self),
                    other=str(other),
                )
            )
        return other


_counted = unchecked(Money)
"""Amounts that come of others: no sum fails, and none is stored."""


def _as_written(amount: object) -> str:
    return shown(repr(amount)) if isinstance(amount, str | float) else shown(amount)


def amount_or_words(words: str) -> Money | str:
    """The amount that ``words`` are, as ``str`` writes it; other words as they are.

    >>> amount_or_words("EUR 12.50").render("nl").replace("\xa0", " ")
    '€ 12,50'
    """
    found = re.fullmatch(_AS_STR, words)
    try:
        return Money.of(found[2], found[1]) if found else words
    except RetourError:  # of a currency that there is not
        return words


_AS_STR = r"([A-Z]{3}) (-?[0-9]+(?:\.[0-9]+)?)"


def shortened(typed: str) -> str:
    """What was typed as it can stand in a sentence."""
    line = "".join([one for one in typed.strip() if one.isprintable()])
    return line if len(line) <= 40 else f"{line[:39]}…"


def total(amounts: list[Money] | tuple[Money, ...], currency: str) -> Money:
    """The sum of ``amounts``, all in ``currency``; no amounts give zero."""
    currency_decimals(currency)
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            _counted(minor=minor, currency=currency)._same(amount)
        minor += amount.minor
    return _counted(minor=minor, currency=currency)


def shares_by_value(whole: Money, values: Sequence[Money]) -> list[Money]:
    """``whole`` in shares, one for each of ``values`` (zero or more, together above zero) and by its size.

    Largest remainder, ties by order: the shares sum to exactly ``whole``, and no share of a ``whole`` that is at most
    all values together is more than its value.

    >>> [one.minor for one in shares_by_value(Money.of("-1.00", "EUR"), [Money.of("10", "EUR"), Money.of("5", "EUR")])]
    [-67, -33]
    """
    together, size = sum(value.minor for value in values), abs(whole.minor)
    found = [divmod(size * value.minor, together) for value in values]
    by_remainder = sorted(range(len(found)), key=lambda place: -found[place][1])
    odd = set(by_remainder[: size - sum(share for share, _ in found)])
    sign = -1 if whole.minor < 0 else 1
    minor = [sign * (share + (place in odd)) for place, (share, _) in enumerate(found)]
    return [_counted(minor=one, currency=whole.currency) for one in minor]


def value_of_units(whole: Money, *, units: int, first: int) -> Money:
    """What the ``first`` units of ``whole`` are worth when ``whole`` was paid for ``units`` units together.

    Largest remainder, ties by order: the odd minor units go to the first units, one each. So the value of any
    later units is the difference of two calls, and every way of splitting sums to exactly ``whole``.

    More units than there were are worth what all were.

    >>> ten = Money.of("10.00", "EUR")
    >>> [value_of_units(ten, units=3, first=n).minor for n in (1, 2, 3)]
    [334, 667, 1000]
    """
    if first >= units:
        return whole
    share, odd = divmod(whole.minor, units)
    return _counted(minor=share * first + min(first, odd), currency=whole.currency)
