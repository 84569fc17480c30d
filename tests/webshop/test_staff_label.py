"""Staff orders a label for a return, another one, and takes one back."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from customer_browser import CODE_TO_SHOW, LABEL_TO_PRINT
from scriptless_browser import Page, ShopBrowser

from retour import Actor, LabelState
from retour.sandbox import Fault, SandboxClock
from retour_sendcloud.sandbox import SendcloudSandbox
from webshop.pages import staff_label
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.seed import announce

ANNA = Actor.staff("anna")


@pytest.fixture
def sandboxes(sandboxes: Sandboxes) -> Iterator[Sandboxes]:
    """With a Sendcloud of this test's own: it knows labels by the number of the order, and each test has the same."""
    with SendcloudSandbox(clock=SandboxClock(runs=True)) as own:
        yield attrs.evolve(sandboxes, running={**sandboxes.running, "sendcloud": own})


@pytest.fixture
def return_id(shop: RunningShop) -> str:
    """A return of order 1002 that staff announced."""
    return str(shop.desk.request_return("1002", {"line-1": 1}, by=ANNA, request_id="f" * 32).return_id)


def order_label(merchant: ShopBrowser, return_id: str, option: str, **chosen: str) -> Page:
    """Follow the link on the order's page, and choose."""
    here = f"/orders/1002/returns/{return_id}/label"
    assert here in merchant.get("/orders/1002").html
    return merchant.send(merchant.get(here).form("/label"), option=option, **chosen)


def states(shop: RunningShop) -> list[LabelState]:
    return [one.state for one in shop.desk.dossier("1002").labels.values()]


def test_staff_chooses_a_label_with_its_price_and_it_is_made_for_the_customer(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    choice = merchant.get(f"/orders/1002/returns/{return_id}/label")
    assert "PostNL: pdf, € 5,45" in choice.words.replace("\xa0", " ")
    assert "naam bij de provider: PostNL return, drop-off" in choice.words
    assert ("span", "en") in [(tag, given.get("lang")) for tag, given in choice.elements]  # as the provider calls it
    page = order_label(merchant, return_id, LABEL_TO_PRINT, note="Klant belde")
    assert page.path == "/orders/1002"
    [label] = shop.desk.dossier("1002").labels_of(return_id)
    assert label.option is not None
    assert f"{label.option.code} {label.option.contract}" == LABEL_TO_PRINT
    assert "Label:" in page.words
    assert "Klant belde" in [one.note for one in shop.desk.timeline("1002")]
    assert "anna" in [one.by.id for one in shop.desk.timeline("1002") if one.code == "label_ordered"]


def test_another_label_stands_in_the_place_of_the_first_or_goes_with_another_parcel(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    order_label(merchant, return_id, LABEL_TO_PRINT)
    shop.desk.work()
    shop.desk.reconcile_labels("1002")
    [first] = shop.desk.dossier("1002").labels
    order_label(merchant, return_id, CODE_TO_SHOW, place=f"of {first}")
    _first, second = shop.desk.dossier("1002").labels.values()
    assert (second.replaces, shop.desk.dossier("1002").label(first).replaced_by) == (first, second.id)
    order_label(merchant, return_id, CODE_TO_SHOW, place="beside")
    _first, second, third = shop.desk.dossier("1002").labels.values()
    assert (third.replaces, second.replaced_by) == (None, None)


def test_a_label_is_taken_back_once(merchant: ShopBrowser, shop: RunningShop, return_id: str) -> None:
    order_label(merchant, return_id, LABEL_TO_PRINT)
    shop.desk.reconcile_labels("1002")
    form = merchant.get("/orders/1002").form("/cancel")
    pages = [merchant.send(form) for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert "wordt ingetrokken" in pages[0].words
    [label] = shop.desk.dossier("1002").labels.values()
    assert label.cancel_asked or label.state is LabelState.CANCELLED


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_the_page_shows_the_cheapest_labels_alone_it_says_how_many_others_there_are(
    merchant: ShopBrowser, return_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = merchant.get(f"/orders/1002/returns/{return_id}/label")
    sold = [given["value"] for _, given in whole.elements if given.get("name") == "option"]
    monkeypatch.setattr(staff_label, "MOST_OPTIONS", 2)
    page = merchant.get(whole.path)
    assert [given["value"] for _, given in page.elements if given.get("name") == "option"] == sold[:2]
    assert f"Dit zijn de goedkoopste: {len(sold) - 2} ander" in page.words
    assert "goedkoopste" not in whole.words


def test_nothing_chosen_and_a_label_that_is_not_sold_are_told(
    merchant: ShopBrowser, shop: RunningShop, return_id: str
) -> None:
    for option in ("", "nobody:sells/this 1"):
        page = order_label(merchant, return_id, option)
        assert page.status == 422
        assert "Kies een label." in page.words
    assert states(shop) == []


def test_a_return_that_is_all_here_gets_no_label(merchant: ShopBrowser, shop: RunningShop) -> None:
    outcome = shop.desk.mark_returned("1001", by=ANNA)
    here = f"/orders/1001/returns/{outcome.return_id}/label"
    assert here not in merchant.get("/orders/1001").html
    page = merchant.get(here)
    assert not page.has_form("/label")
    assert "goedgekeurd" in page.words


def test_a_carrier_that_does_not_answer_is_told_with_its_reason(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes, return_id: str
) -> None:
    sandboxes.running["sendcloud"].server.faults.extend([Fault.UNAVAILABLE_503] * 5)
    page = merchant.get(f"/orders/1002/returns/{return_id}/label")
    assert page.status == 200
    assert not page.has_form("/label")
    assert "Sendcloud" in page.words
    sandboxes.running["sendcloud"].server.faults.clear()
    assert merchant.get(page.path).has_form("/label")
    assert states(shop) == []


def test_a_return_that_a_shop_is_filled_with_can_have_a_label(merchant: ShopBrowser, shop: RunningShop) -> None:
    """Also one that its customer asked for too late: the benchmark of the pages looks at these."""
    order_ids = announce(shop, 100)
    assert len(order_ids) > 3
    for order_id in (order_ids[0], order_ids[-1]):
        [return_id] = shop.desk.dossier(order_id).returns
        assert f"/orders/{order_id}/returns/{return_id}/label" in merchant.get(f"/orders/{order_id}").html
