"""Where the money of a refund goes, and the customer's consent to another way than it came in.

A refund uses the means of payment that the consumer paid with, unless he expressly agreed otherwise and bears no costs
for it: directive 2011/83/EU, article 13(1); in the Netherlands BW 6:230r lid 2.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from enum import StrEnum

import attrs

from retour.model.actor import Actor
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.order import BankAccount
from retour.model.personal import PERSONAL
from retour.model.text import Text, text


class Destination(StrEnum):
    """Where a refund can go: back the way the payment came, or to an account that is named with the refund."""

    ORIGINAL_PAYMENT = "original_payment"  #: back the way it came in
    BANK_ACCOUNT = "bank_account"  #: to an account that is named


@frozen(kw_only=True, field_transformer=checked())
class RefundDestination:
    """Where the money of one refund goes."""

    kind: Destination = Destination.ORIGINAL_PAYMENT
    """The original payment, or a bank account."""

    account_id: Id | None = None
    """Names the bank account among the order's personal data, which is forgotten when its time has come; None where the
    money goes back the way it came."""


TO_THE_ORIGINAL_PAYMENT = RefundDestination()
"""Back the way the money came in."""


class ConsentWay(StrEnum):
    """How a customer said that his money may come back another way than he paid."""

    EMAIL = "email"  #: in a mail
    PHONE = "phone"  #: at the telephone
    CHAT = "chat"  #: in a chat
    LETTER = "letter"  #: on paper
    IN_PERSON = "in_person"  #: at the counter
    FORM = "form"  #: of the shop's own site


CONSENT_WORDS: Mapping[ConsentWay, Text] = {
    ConsentWay.EMAIL: text("by e-mail"),
    ConsentWay.PHONE: text("by phone"),
    ConsentWay.CHAT: text("in a chat"),
    ConsentWay.LETTER: text("by letter"),
    ConsentWay.IN_PERSON: text("in person"),
    ConsentWay.FORM: text("on a form of the shop"),
}


@frozen(kw_only=True, field_transformer=checked())
class Consent:
    """The customer's consent to a bank transfer, as a person records it. Who recorded it, and when, the timeline says.

    >>> Consent(how=ConsentWay.EMAIL, note="his mail of 12 May: the card is closed").how.value
    'email'
    """

    how: ConsentWay
    """In which way he gave it."""

    note: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """For whoever asks later, such as what his mail said. Kept as notes are: apart from the events, and forgotten in
    its time."""


@frozen(kw_only=True, field_transformer=checked())
class RecordedConsent:
    """A consent as it was recorded: by whom, when, how it was given, and the note that was written with it."""

    how: ConsentWay
    """In which way he gave it."""

    by: Actor
    """Who recorded it."""

    at: datetime.datetime
    """When (UTC)."""

    note_id: Id | None = None
    """Names the note among the personal data; None where there is none."""


def account_as_words(account: BankAccount) -> str:
    """A bank account as it is kept among the order's personal data."""
    return json.dumps({"name": account.name, "iban": account.iban}, ensure_ascii=False)


def account_of_words(words: str) -> BankAccount:
    """The bank account that was kept as these words."""
    return BankAccount(**json.loads(words))
