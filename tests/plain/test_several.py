"""What a page shows is several values under names of the host's: one call writes them, and the same rules hold."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

import retour
from retour import Actor, BankAccount, InvalidArgument, InvalidValue, MemoryShop, Money, RefundState, ReturnDesk
from retour.testing import a_line, a_payment, an_order

PAYER = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")


@pytest.fixture
def desk() -> ReturnDesk:
    paid = a_payment("90.00", provider="manual_transfer", payer=PAYER)
    order = an_order(a_line("teapot", 1, "50.00"), a_line("cup", 2, "40.00"), payments=[paid])
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=["manual_transfer"])
    desk.mark_returned("1001", by=Actor.staff("anna"), note="the box was wet")
    return desk


def test_each_value_is_written_as_it_is_by_itself(desk: ReturnDesk) -> None:
    dossier, timeline, left = desk.dossier("1001"), desk.timeline("1001"), Money.of("90", "EUR")
    page = {
        "dossier": dossier,
        "timeline": timeline,
        "by_state": {RefundState.PENDING: left},
        "counts": desk.attention_counts(),
        "states": [RefundState.PENDING],
        "note": None,
    }
    plain: Any = retour.to_dict(page, language="nl")
    assert plain == {
        "dossier": retour.to_dict(dossier, language="nl"),
        "timeline": [retour.to_dict(one, language="nl") for one in timeline],
        "by_state": {"pending": retour.to_dict(left, language="nl")},
        "counts": {"stock_question": 1},
        "states": ["pending"],
        "note": None,
    }
    assert json.loads(json.dumps(plain)) == plain
    assert type(plain["states"][0]) is str


def test_what_is_about_a_person_is_left_out_unless_asked_for(desk: ReturnDesk) -> None:
    page = {"options": desk.refund_options("1001"), "timeline": desk.timeline("1001")}
    plain, whole = json.dumps(retour.to_dict(page)), json.dumps(retour.to_dict(page, personal=True))
    for personal in ("Jansen", "NL91ABNA0417164300", "the box was wet"):
        assert personal not in plain
        assert personal in whole
    with pytest.raises(InvalidValue, match="personal=True"):
        retour.to_dict({"accounts": [PAYER]})


@pytest.mark.parametrize(
    "page",
    [
        {"amount": 9.5},
        {"amount": Decimal("9.5")},
        {"secret": object()},
        {"deep": {"deeper": {"deepest": 1}}},
        {"deep": [[1]]},
        {1: "one"},
        {None: "none"},
        {"names": {1: "one"}},
        {"set": {"a"}},
        {"bytes": b"a"},
    ],
)
def test_what_has_no_form_is_refused(page: Any) -> None:
    with pytest.raises(InvalidArgument, match="is no value of retour"):
        retour.to_dict(page)
