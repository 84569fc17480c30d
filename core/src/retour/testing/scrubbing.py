"""What never gets onto a cassette: secrets, and what belongs to a person. Found by field, by value and by shape."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from retour.providers.wire import read_json
from retour.testing.cassette_files import written_json

GONE = "***"
"""What stands in the place of what was taken out."""

FIELDS = frozenset(
    {
        *("access_token", "refresh_token", "id_token", "token", "nonce", "client_id", "client_secret", "secret"),
        *(
            "password",
            "api_key",
            "x_api_key",
            "api_token",
            "auth_token",
            "x_auth_token",
            "webhook_secret",
            "webhook_secrets",
            "signing_secret",
            "private_key",
        ),
        *("authorization", "cookie", "set_cookie", "signature", "sig", "x_mollie_signature", "stripe_signature"),
        *("transmission_sig", "paypal_transmission_sig", "cvc", "cvv", "card_number", "last4", "fingerprint"),
        *("iban", "bic", "account_number", "bank_account", "consumer_account", "consumer_bic", "bank_account_number"),
        *("name", "consumer_name", "account_holder", "account_holder_name", "card_holder", "cardholder_name"),
        *("given_name", "family_name", "first_name", "last_name", "middle_name", "surname", "full_name", "nickname"),
        *("email", "email_address", "receipt_email", "customer_email", "phone", "phone_number", "mobile", "telephone"),
        *("ip", "ip_address", "client_ip", "birth_date", "date_of_birth", "payer_id"),
    }
)
"""Fields whose values are taken out, whatever is below them. Case, ``_`` and ``-`` make no difference."""

PEOPLE = frozenset(
    {
        *("payer", "payee", "payment_source", "consumer", "shopper", "owner", "recipient", "customer_details"),
        *("address", "billing_details", "billing_address", "shipping", "shipping_address"),
    }
)
"""Fields that hold a person: all texts and numbers below them are taken out."""

LEAST_SECRET = 6
"""Characters that a secret must have to be looked for as a value: a shorter one would be found everywhere."""

_CONSTANT = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+")
"""A ``name`` that is a code, ``UNPROCESSABLE_ENTITY``, and no person's."""

_SHAPES = (  # the addresses begin where their run does: to try each character of a long one takes hours
    re.compile(r"(?<![\w.%+-])[\w.%+-]++@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),  # a mail address
    re.compile(r"(?<![\w.+-])[\w.+-]++%40[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),  # the same in an address
    re.compile(r"\b(?:sk|rk|pk|whsec|test|live|access|sk_test|sk_live|rk_test|rk_live)_[A-Za-z0-9]{16,}"),  # a key
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JSON web token
    re.compile(r"(?<=Bearer )[^\s\"',*]+|(?<=Basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
)

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,32}")

_IBANS = (
    "AD24 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FO18 FR27 GB22 GI23 GL18 GR27 HR21 HU28 IE22 "
    "IS26 IT27 LI21 LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 RO24 SE24 SI19 SK24 SM27 TR26 UA29 VA22"
)
_IBAN_LENGTHS = {word[:2]: int(word[2:]) for word in _IBANS.split()}
"""Characters of an IBAN by country (registry of ISO 13616): of what only looks like one, hardly any has the length."""

JSON = "json"
FORM = "x-www-form-urlencoded"


class Scrubber:
    """Takes secrets and personal data out of what is about to be written or compared.

    ``fields`` are names to add to `FIELDS`, ``keep`` names to leave alone. ``secrets`` are values that must appear
    nowhere. ``addresses`` maps where a sandbox is to the address that is written instead.
    """

    def __init__(self) -> None:
        self._fields = {_plain(name) for name in FIELDS}
        self._people = {_plain(name) for name in PEOPLE}
        self._secrets: set[str] = set()
        self.addresses: dict[str, str] = {}

    def add(self, *, fields: Iterable[str] = (), keep: Iterable[str] = (), secrets: Iterable[str] = ()) -> None:
        """Know more to take out, and what to leave alone."""
        self._fields |= {_plain(name) for name in fields}
        kept = {_plain(name) for name in keep}
        self._fields -= kept
        self._people -= kept
        for secret in secrets:
            if len(secret) >= LEAST_SECRET:
                self._secrets |= {
                    secret,
                    quote(secret, safe=""),
                    quote_plus(secret),
                    b64encode(secret.encode()).decode(),
                }

    def text(self, words: str) -> str:
        """A text without known secrets, and without what has the shape of one, of an IBAN or of a mail address."""
        for here, there in self.addresses.items():
            words = words.replace(here, there)
        for secret in sorted(self._secrets, key=len, reverse=True):
            words = words.replace(secret, GONE)
        for shape in _SHAPES:
            words = shape.sub(GONE, words)
        return _without_ibans(words)

    def value(self, value: Any, field: str = "", *, gone: bool = False) -> Any:
        """A JSON value with the same shape and types, and nothing secret in it."""
        name = _plain(field)
        gone = gone or name in self._people or (name in self._fields and not (name == "name" and _is_constant(value)))
        match value:
            case dict():
                return {self.text(str(key)): self.value(inner, str(key), gone=gone) for key, inner in value.items()}
            case list():
                return [self.value(inner, gone=gone) for inner in value]
            case str() if gone:
                return GONE if value else value
            case str():
                return self.text(self._inner_json(value))
            case bool() | None:
                return value
            case int() | Decimal() | float():
                return type(value)(0) if gone else value
        raise TypeError(f"a {type(value).__name__} is no JSON")

    def _inner_json(self, words: str) -> str:
        """A text that is JSON itself, without what its fields must not show; left to the byte where they do not."""
        if not words.lstrip().startswith(("{", "[")):
            return words
        try:
            inner = read_json(words)
        except ValueError:
            return words
        scrubbed = self.value(inner)
        return words if scrubbed == inner else written_json(scrubbed, on_one_line=True)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same for a form or a query; of ``metadata[name]`` the last part is the field."""
        return [(name, str(self.value(value, _last_part(name)))) for name, value in pairs]

    def body(self, body: bytes, content_type: str) -> str:
        """A body as it is written: JSON indented, a form a line for each field, and any other text as it is.

        What was written already comes out as it is: vcrpy hands a request over more than once. Raises `ValueError` for
        a body that is no text: nobody could see what is in it.
        """
        try:
            words = body.decode()
        except UnicodeDecodeError:
            raise ValueError("the body is no text, so it cannot be scrubbed and is not recorded") from None
        kind = content_type.partition(";")[0].strip().lower()
        if kind.endswith(JSON):
            try:
                return written_json(self.value(read_json(words)))
            except ValueError:
                return self.text(words)  # called JSON, and none
        if kind.endswith(FORM) and words:
            return written_form(self.pairs(read_form(words)))
        return self.text(words)

    def header(self, name: str, value: str) -> str:
        """A header; of ``Authorization`` the scheme stays, so that its absence shows."""
        if _plain(name) == "authorization":
            scheme, blank, _ = value.partition(" ")
            return f"{scheme} {GONE}" if blank else GONE
        return GONE if _plain(name) in self._fields else self.text(value)


def written_form(pairs: Iterable[tuple[str, str]]) -> str:
    """A form, a line for each field."""
    return "&\n".join(urlencode([pair], safe="[]/:@,*") for pair in pairs)


def read_form(words: str) -> list[tuple[str, str]]:
    """What `written_form` wrote."""
    return parse_qsl(words.replace("\n", ""), keep_blank_values=True)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _last_part(name: str) -> str:
    return re.findall(r"[^\[\]]+", name)[-1] if re.search(r"[^\[\]]", name) else name


def _is_constant(value: object) -> bool:
    return isinstance(value, str) and _CONSTANT.fullmatch(value) is not None


def _without_ibans(words: str) -> str:
    """A text without the IBANs in it, each looked for anew behind what is none and behind the one before."""
    done, at = "", 0
    while found := _IBAN.search(words, at):
        length = _length_of_iban(found[0])
        done += words[at : found.start()] + (GONE if length else words[found.start()])
        at = found.start() + (length or 1)
    return done + words[at:]


def _length_of_iban(words: str) -> int:
    """Characters of the IBAN that a text begins with, which has the length of its country and check digits that fit;
    0 where it is none."""
    places = [place for place, letter in enumerate(words) if letter.isalnum()]
    length = _IBAN_LENGTHS.get(words[:2].upper(), 0)
    if not length or len(places) < length:
        return 0
    end = places[length - 1] + 1
    if words[end : end + 1].isalnum():
        return 0
    compact = "".join(words[place] for place in places[:length]).upper()
    digits = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return end if int(digits) % 97 == 1 else 0
