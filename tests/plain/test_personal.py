"""What is about a person is left out of JSON unless it is asked for, and every field that holds a text is decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from plain.any_value import KINDS, NO_VALUES, public_classes
from plain.text_fields import text_fields
from shipping.small_carrier import OPTION, Carrier, plugin_of
from shipping.world import BOX, HOME, SHOP

import retour
from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentWay,
    Delivery,
    EvidenceFile,
    InvalidArgument,
    InvalidValue,
    MemoryShop,
    Money,
    Order,
    Paid,
    RequestedLine,
    ReturnDesk,
)
from retour.model.making import fields_of
from retour.model.personal import is_personal, is_secret
from retour.plain.annotations import Record, shape_of
from retour.providers import LinkRequest, PaymentCapabilities, RefundRequest, Secret
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.waiting import transfers_of

DECIDED = json.loads((Path(__file__).parent / "not_about_a_person.json").read_text())
"""The fields that can hold a text and are not about a person, by why that is so."""

ANNA, CUSTOMER = Actor.staff("anna"), Actor.customer("c-1")
NAME, IBAN, HOLDER = "Kanarina Vogelaar", "NL91ABNA0417164300", "Kanarina V. Holder"
PERSONAL = (NAME, IBAN, HOLDER, "1234 KV", HOME.name, HOME.street, "a note", "told him", "file 7", "foto.jpg")


def test_every_field_that_holds_a_text_is_decided_to_be_about_a_person_or_not() -> None:
    """A new one: mark it with ``metadata=PERSONAL``, or name it in not_about_a_person.json where it says why not."""
    decided = [field for fields in DECIDED.values() for field in fields]
    assert sorted(text_fields()) == sorted(decided)
    assert len(decided) == len(set(decided))


def test_what_is_about_a_person_or_can_hold_a_secret_is_not_shown_by_repr_and_nothing_else_is_hidden() -> None:
    for name, kind in public_classes().items():
        for field in fields_of(kind):
            if field.init:
                assert field.repr is not (is_personal(field) or is_secret(field)), f"{name}.{field.name}"


def test_an_order_without_what_is_about_a_person_is_the_order_as_an_event_may_hold_it() -> None:
    payer = BankAccount(name=HOLDER, iban=IBAN)
    delivery = Delivery(
        paid=Paid.of("4.95", "EUR"), provider="sendcloud", number="1", postal_code="1234 KV", country="NL"
    )
    order = an_order(a_line("cup", 2), payments=[a_payment("5.00", payer=payer)], customer="c-1", delivery=delivery)
    plain = retour.to_dict(order)
    assert retour.from_dict(Order, plain) == order.without_personal_data()
    assert {"customer"} & plain.keys() == set()
    assert retour.from_dict(Order, retour.to_dict(order, personal=True)) == order


@pytest.fixture
def desk() -> ReturnDesk:
    """A desk of an order of which everything that is known of a person was given."""
    payer = BankAccount(name=HOLDER, iban=IBAN)
    payments = [a_payment("40.00", provider="manual_transfer", reference="invoice 1001", payer=payer)]
    delivery = Delivery(paid=Paid.of("0", "EUR"), postal_code="1234 KV", country="NL")
    order = an_order(a_line("cup", 2), a_line("pot", 2), payments=payments, customer="c-1", delivery=delivery)
    desk = ReturnDesk(
        shop=MemoryShop([order]),
        store="sqlite://",
        plugins=["manual_transfer", plugin_of(Carrier())],
        return_address=SHOP,
    )
    asked = desk.request_return(
        "1001",
        [RequestedLine(line_id="cup", quantity=1)],
        by=CUSTOMER,
        request_id="1",
        note="a note of the customer",
        evidence=[EvidenceFile(reference="file 7", name="foto.jpg")],
    )
    desk.approve_return("1001", asked.return_id, by=ANNA, instructions="told him to wait", note="a note of staff")
    desk.order_label("1001", asked.return_id, OPTION, sender=HOME, parcel=BOX, by=ANNA, request_id="label")
    desk.mark_returned("1001", by=ANNA, note="a note of the count")
    desk.refund("1001", "invoice 1001", Money.of("5", "EUR"), by=ANNA, request_id="2", note="a note of the refund")
    other, consent = BankAccount(name=NAME, iban=IBAN), Consent(how=ConsentWay.EMAIL, note="a note of the mail")
    desk.refund("1001", "invoice 1001", Money.of("6", "EUR"), by=ANNA, request_id="3", to=other, consent=consent)
    return desk


def all_that_a_desk_gives(desk: ReturnDesk) -> list[Any]:
    """The values that a host can get of order 1001."""
    dossier = desk.dossier("1001")
    (return_id,) = [one.id for one in dossier.returns.values() if one.evidence_ids]
    return [
        dossier,
        *desk.timeline("1001", "staff"),
        *desk.timeline("1001", "customer"),
        *desk.refund_options("1001"),
        *[desk.refund_link("1001", refund_id=refund_id) for refund_id in dossier.refunds],
        *desk.evidence("1001", return_id),
        *desk.shipping_options("1001"),
        *desk.return_reasons,
        *desk.plugins,
        desk.list_returns(),
        desk.list_refunds(),
        desk.list_labels(),
        desk.figures(),
        desk.can_do("1001", by=ANNA),
        desk.attention(),
        desk.reconcile("1001"),
        desk.work(),
        desk.unreadable_orders(),
        desk.check_settings("manual_transfer"),
        transfers_of(desk),
    ]


def test_no_text_about_a_person_is_in_what_a_desk_gives_unless_it_is_asked_for(desk: ReturnDesk) -> None:
    found = set()
    for value in all_that_a_desk_gives(desk):
        for language in (None, "nl"):
            shape: Any = shape_of(type(value))
            if shape.about_a_person:
                with pytest.raises(InvalidValue, match="personal=True"):
                    retour.to_dict(value, language=language)
            else:
                written = json.dumps(retour.to_dict(value, language=language), ensure_ascii=False)
                assert [words for words in PERSONAL if words in written] == [], type(value)
            whole = json.dumps(retour.to_dict(value, personal=True, language=language), ensure_ascii=False)
            found |= {words for words in PERSONAL if words in whole}
    assert found == set(PERSONAL) - {HOME.name, HOME.street}  # these no value of the desk has


def test_each_that_a_desk_gives_comes_back_equal(desk: ReturnDesk) -> None:
    for value in all_that_a_desk_gives(desk):
        if not isinstance(value, retour.Plugin):
            plain = json.loads(json.dumps(retour.to_dict(value, personal=True, language="nl")))
            assert retour.from_dict(type(value), plain) == value


def test_a_plugin_is_written_with_the_names_of_its_providers_and_not_read(desk: ReturnDesk) -> None:
    plain = retour.to_dict(desk.plugins[0])
    assert plain["payment_providers"] == ["manual_transfer"]
    with pytest.raises(InvalidValue, match=r"Plugin.payment_providers\[0\] names a class"):
        retour.from_dict(retour.Plugin, plain)


def test_a_value_that_is_nothing_without_a_person_says_how_to_ask_for_it() -> None:
    account = BankAccount(name=NAME, iban=IBAN)
    with pytest.raises(InvalidValue, match="BankAccount is about a person, and written with personal=True only"):
        retour.to_dict(account)
    assert retour.to_dict(account, personal=True) == {"name": NAME, "iban": IBAN}
    with pytest.raises(InvalidValue, match=r"BankAccount\.name is missing. It is about a person"):
        retour.from_dict(BankAccount, {})


def test_an_account_in_a_request_is_left_out() -> None:
    account = BankAccount(name=NAME, iban=IBAN)
    request = RefundRequest(
        refund_id="1", key="k", order_id="1001", target="t", amount=Money.of("1", "EUR"), description="d", to=account
    )
    link = LinkRequest(order_id="1", payment=a_payment("1.00"), amount=Money.of("1", "EUR"), remittance="r", to=account)
    for value in (request, link):
        assert "to" not in retour.to_dict(value)
        assert retour.to_dict(value, personal=True)["to"] == {"name": NAME, "iban": IBAN}


@attrs.frozen
class Settings:
    """Settings of somebody's plugin."""

    api_key: Secret
    capabilities: PaymentCapabilities | None = None


@pytest.mark.parametrize("name", NO_VALUES)
def test_what_can_hold_a_secret_has_no_form(name: str) -> None:
    with pytest.raises(InvalidArgument, match="has no form in JSON"):
        retour.json_schema(public_classes()[name])


def test_a_class_with_a_secret_is_refused_before_anything_is_written() -> None:
    with pytest.raises(InvalidArgument, match="Secret has no form in JSON") as refused:
        retour.to_dict(Settings(api_key=Secret("live_1234")), personal=True)
    assert "live_1234" not in str(refused.value)


def test_no_public_value_has_a_secret_in_it() -> None:
    for kind in KINDS.values():
        shape = shape_of(kind)
        if isinstance(shape, Record):
            assert shape.parts  # making them refuses what can hold a secret
