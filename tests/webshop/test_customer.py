"""The customer's pages: who is let in, announcing a return, its label, sending it himself, and following it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import pytest
from customer_browser import CODE_TO_SHOW, LABEL_TO_PRINT, announce, make_label, say_who
from flask import Flask
from scriptless_browser import ShopBrowser
from sqlalchemy import select, update

from retour import Actor, GoodsState, LabelState, Objection, Return, hookimpl
from retour.sandbox import Fault, SandboxClock
from retour_sendcloud.sandbox import SendcloudSandbox
from webshop import create_app, tables
from webshop.application import PLUGINS
from webshop.customer_session import LASTS
from webshop.pages.customer_access import OF_AN_ADDRESS, OF_AN_ORDER
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

LetIn = Callable[..., ShopBrowser]


@pytest.fixture
def let_in(app: Flask) -> LetIn:
    """The browser of an order's customer, who said whose it is: ``let_in("1002")``."""

    def let_in_(order_id: str, language: str = "nl-NL") -> ShopBrowser:
        browser = ShopBrowser(app, language)
        assert say_who(browser, order_id).path == "/return/order"
        return browser

    return let_in_


@pytest.fixture
def sandboxes(sandboxes: Sandboxes) -> Iterator[Sandboxes]:
    """With a Sendcloud of this test's own: it knows labels by the number of the order, and each test has the same."""
    with SendcloudSandbox(clock=SandboxClock(runs=True)) as own:
        yield attrs.evolve(sandboxes, running={**sandboxes.running, "sendcloud": own})


@pytest.fixture
def sendcloud(sandboxes: Sandboxes) -> Any:
    """The platform that sells the labels."""
    return sandboxes.running["sendcloud"]


def the_return(shop: RunningShop, order_id: str) -> Return:
    [found] = shop.desk.dossier(order_id).returns.values()
    return found


def label_states(shop: RunningShop, order_id: str) -> list[LabelState]:
    return [one.state for one in shop.desk.dossier(order_id).labels.values()]


def announced(shop: RunningShop, sendcloud: Any, order_id: str) -> None:
    """Time passes: the carrier knows what became of each label, and the shop hears of it."""
    sendcloud.advance(datetime.timedelta(minutes=45))
    shop.desk.reconcile_labels(order_id)


# --- who is let in ---------------------------------------------------------------------------------------


def test_a_number_and_its_mail_address_let_in_to_that_order(app: Flask) -> None:
    page = say_who(ShopBrowser(app), " 1002 ", "Klant-1002@Voorbeeld.example ")
    assert "Je bestelling 1002" in page.words


def test_unknown_and_wrong_are_one_answer(app: Flask) -> None:
    wrong = say_who(ShopBrowser(app), "1002", "klant-1003@voorbeeld.example")
    unknown = say_who(ShopBrowser(app), "9999", "klant-1003@voorbeeld.example")
    assert (wrong.status, wrong.words) == (unknown.status, unknown.words)
    assert wrong.status == 403
    assert ShopBrowser(app).get("/return/order").path == "/return"


def test_after_an_hour_he_says_again_who_he_is(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    with shop.engine.begin() as connection:
        until = connection.execute(select(tables.session.c.until)).scalar_one()
        connection.execute(update(tables.session).values(until=until - LASTS))
    page = browser.get("/return/new")
    assert page.path == "/return"
    assert "opnieuw" in page.words


def test_who_is_done_is_out(let_in: LetIn) -> None:
    browser = let_in("1002")
    browser.send(browser.get("/return/order").form("/return/leave"))
    assert browser.get("/return/order").path == "/return"


def test_an_address_that_was_wrong_too_often_is_refused_and_others_are_not(app: Flask, shop: RunningShop) -> None:
    browser = ShopBrowser(app)
    statuses = [say_who(browser, "1002", f"{number}@x.example").status for number in range(OF_AN_ADDRESS.most)]
    assert statuses == [403] * OF_AN_ADDRESS.most
    assert say_who(browser, "1002").status == 429  # the right one
    elsewhere = ShopBrowser(app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert say_who(elsewhere, "1002").path == "/return/order"
    time_passes(shop, OF_AN_ADDRESS.within)
    assert say_who(browser, "1002").path == "/return/order"


def test_an_order_that_many_guessed_at_is_refused_to_all_whether_there_is_one_or_not(
    app: Flask, shop: RunningShop
) -> None:
    for order_id in ("1002", "9999"):
        for number in range(OF_AN_ORDER.most):
            guesser = ShopBrowser(app)
            guesser.client.environ_base["REMOTE_ADDR"] = f"2001:db8:{order_id}:{number:x}::1"
            assert say_who(guesser, order_id, "x@x.example").status == 403
        assert say_who(ShopBrowser(app), order_id).status == 429
    assert say_who(ShopBrowser(app), "1003").path == "/return/order"
    time_passes(shop, OF_AN_ORDER.within)
    assert say_who(ShopBrowser(app), "1002").path == "/return/order"


def test_who_knows_one_order_cannot_guess_another_for_ever(app: Flask) -> None:
    browser = ShopBrowser(app)
    for number in range(OF_AN_ADDRESS.most):
        assert say_who(browser, "1003").status == 200
        assert say_who(browser, "1002", f"{number}@x.example").status == 403
    assert say_who(browser, "1002", "x@x.example").status == 429


def time_passes(shop: RunningShop, time: datetime.timedelta) -> None:
    """All that was counted was counted so long ago."""
    rows = tables.wrong_guess.c
    with shop.engine.begin() as connection:
        for row in connection.execute(select(rows.bucket, rows.since)).all():
            connection.execute(update(rows.since.table).where(rows.bucket == row.bucket).values(since=row.since - time))


# --- announcing a return ---------------------------------------------------------------------------------


def test_he_chooses_units_and_reasons_and_his_note_is_the_staffs(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    page = announce(browser, **{"reason-line-1": "damaged_on_arrival", "note": "Het oor is eraf."})
    return_ = the_return(shop, "1002")
    assert page.path == f"/return/{return_.id}"
    assert (return_.requested, return_.reasons) == ({"line-1": 1}, {"line-1": "damaged_on_arrival"})
    assert return_.goods is GoodsState.APPROVED
    assert "(Beschadigd aangekomen)" in page.words
    assert [one.note for one in shop.desk.timeline("1002") if one.note] == ["Het oor is eraf."]
    assert "Het oor" not in page.words


def test_one_form_is_one_return_however_often_it_is_sent(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    form = browser.get("/return/new").form("/return/new")
    pages = [browser.send(form, **{"units-line-1": "1"}) for _ in range(3)]
    assert {page.path for page in pages} == {f"/return/{the_return(shop, '1002').id}"}
    another = browser.send(form, **{"units-line-2": "1"})
    assert (another.status, len(shop.desk.dossier("1002").returns)) == (409, 1)


def test_nothing_chosen_and_too_many_are_told_and_what_was_typed_stays(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    form = browser.get("/return/new").form("/return/new")
    nothing = browser.send(form, note="Alles was kapot")
    assert nothing.status == 422
    assert nothing.form("/return/new").fields["note"] == "Alles was kapot"
    assert nothing.form("/return/new").fields["number"] == form.fields["number"]
    assert browser.send(form, **{"units-line-1": "4"}).status == 409
    assert browser.send(form, **{"units-line-1": "-1"}).status == 422
    assert shop.desk.dossier("1002").returns == {}


def test_what_was_not_sent_cannot_come_back(let_in: LetIn) -> None:
    browser = let_in("1005")
    assert not browser.get("/return/new").has_form("/return/new")
    assert "nog niets van deze bestelling verstuurd" in browser.get("/return/order").words


class NothingCracked:
    """A rule of the shop."""

    @hookimpl
    def return_policy(self, request: Any) -> Objection | None:
        reasons = {line.reason for line in request.lines}
        if "does_not_work" in reasons:
            return Objection.review("This customer sends much back")
        return Objection.refuse("Kaarsen met een barst nemen we niet terug") if "changed_mind" in reasons else None


@pytest.fixture
def strict(app: Flask, shop: RunningShop, database: str, sandboxes: Sandboxes) -> Iterator[Flask]:
    """The same shop with a rule of its own."""
    del app
    strict_app = create_app(
        database,
        password="",
        secret_key="only of this test",
        settings=sandboxes.settings,
        plugins=[*PLUGINS, NothingCracked()],
        https=False,
    )
    yield strict_app
    strict_app.extensions["webshop"].engine.dispose()


def test_a_refusal_is_read_in_words_and_what_staff_looks_at_is_not(strict: Flask, shop: RunningShop) -> None:
    browser = ShopBrowser(strict)
    say_who(browser, "1002")
    refused = announce(browser, **{"reason-line-1": "changed_mind"})
    assert the_return(shop, "1002").goods is GoodsState.REJECTED
    assert "Kaarsen met een barst nemen we niet terug" in refused.words
    assert not refused.has_form("/sent")
    say_who(browser, "1008")
    looked_at = announce(browser, **{"reason-line-1": "does_not_work"})
    assert the_return(shop, "1008").goods is GoodsState.REQUESTED
    assert "De winkel bekijkt je aanvraag eerst" in looked_at.words
    assert "sends much back" not in looked_at.words


# --- its label -------------------------------------------------------------------------------------------


def test_a_label_is_bought_once_shown_and_followed(shop: RunningShop, let_in: LetIn, sendcloud: Any) -> None:
    browser = let_in("1002")
    page = announce(browser)
    form = browser.get(f"{page.path}/label").form("/label")
    for _ in range(3):
        page = browser.send(form, option=LABEL_TO_PRINT)
    assert label_states(shop, "1002") == [LabelState.ANNOUNCING]
    assert len(sendcloud.books("1002")) == 1
    announced(shop, sendcloud, "1002")
    page = browser.get(page.path)
    [document] = [given["href"] for _, given in page.elements if given.get("href", "").endswith("/document")]
    answer = browser.client.get(document)
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    [booked] = sendcloud.books("1002")
    sendcloud.scan(booked.reference)
    shop.desk.reconcile_labels("1002")
    page = browser.get(page.path)
    assert the_return(shop, "1002").goods is GoodsState.IN_TRANSIT
    assert "onderweg" in page.words
    assert shop.desk.tracking_page("1002", the_return(shop, "1002").id) in [
        given.get("href") for _, given in page.elements
    ]
    assert not page.has_form("/cancel")
    on_its_way = page.form("/language").fields["csrf_token"]
    answer = browser.client.post(f"{page.path}/cancel", data={"csrf_token": on_its_way})
    assert (answer.status_code, the_return(shop, "1002").goods) == (422, GoodsState.IN_TRANSIT)


def test_without_a_printer_there_is_a_code_to_show(shop: RunningShop, let_in: LetIn, sendcloud: Any) -> None:
    browser = let_in("1002")
    page = make_label(browser, announce(browser), CODE_TO_SHOW)
    announced(shop, sendcloud, "1002")
    [code] = [given["src"] for tag, given in browser.get(page.path).elements if tag == "img"]
    answer = browser.client.get(code)
    assert (answer.mimetype, answer.headers.get("Content-Disposition")) == ("image/png", None)


def test_another_label_takes_the_place_of_one_that_nobody_used(
    shop: RunningShop, let_in: LetIn, sendcloud: Any
) -> None:
    browser = let_in("1002")
    page = make_label(browser, announce(browser))
    announced(shop, sendcloud, "1002")
    form = browser.get(f"{page.path}/label").form("/label")
    for _ in range(2):
        page = browser.send(form, option=CODE_TO_SHOW)
    announced(shop, sendcloud, "1002")
    first, second = shop.desk.dossier("1002").labels.values()
    assert (first.replaced_by, second.state) == (second.id, LabelState.READY)
    assert first.state is LabelState.CANCELLED


def test_he_gives_his_label_back(shop: RunningShop, let_in: LetIn, sendcloud: Any) -> None:
    browser = let_in("1002")
    page = make_label(browser, announce(browser))
    announced(shop, sendcloud, "1002")
    form = browser.get(page.path).form("/cancel")
    assert {browser.send(form).status for _ in range(2)} == {200}
    announced(shop, sendcloud, "1002")
    assert label_states(shop, "1002") == [LabelState.CANCELLED]
    assert browser.get(page.path).has_form("/sent")


def test_a_carrier_that_refuses_is_quoted(shop: RunningShop, let_in: LetIn, sendcloud: Any) -> None:
    sendcloud.refuse("<b>Geen ritten</b> naar deze postcode")
    browser = let_in("1002")
    page = make_label(browser, announce(browser))
    announced(shop, sendcloud, "1002")
    page = browser.get(page.path)
    assert "<b>Geen ritten</b> naar deze postcode" in page.words
    assert "<b>Geen" not in page.html
    assert browser.get(f"{page.path}/label").has_form("/label")  # he can choose another


def test_while_the_carriers_platform_is_away_he_can_still_send_it_himself(
    shop: RunningShop, let_in: LetIn, sendcloud: Any
) -> None:
    browser = let_in("1002")
    page = announce(browser)
    sendcloud.server.faults.extend([Fault.UNAVAILABLE_503] * 5)
    away = browser.get(f"{page.path}/label")
    assert "reageert nu niet" in away.words
    assert not away.has_form("/label")
    assert browser.get(page.path).has_form("/sent")


# --- sent by himself, and taken back ---------------------------------------------------------------------


def test_he_sends_it_himself_with_its_proof(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    form = announce(browser).form("/sent")
    typed: Mapping[str, str] = {"carrier": "PostNL", "tracking": "3SABC123", "sent_on": form.fields["sent_on"]}
    page = [browser.send(form, **typed) for _ in range(2)][-1]
    return_ = the_return(shop, "1002")
    assert (return_.goods, return_.carrier, return_.tracking) == (GoodsState.IN_TRANSIT, "PostNL", "3SABC123")
    assert return_.sent_on == datetime.date.fromisoformat(form.fields["sent_on"])
    assert len([one for one in shop.desk.timeline("1002") if one.code == "return_sent"]) == 1
    assert any(given.get("href", "").startswith("https://jouw.postnl.nl/") for _, given in page.elements)


@pytest.mark.parametrize("typed", [{"sent_on": "2999-01-01"}, {"sent_on": "gisteren"}, {"carrier": " "}])
def test_a_day_to_come_and_no_carrier_are_told(shop: RunningShop, let_in: LetIn, typed: dict[str, str]) -> None:
    browser = let_in("1002")
    page = browser.send(announce(browser).form("/sent"), **{"carrier": "DHL", **typed})
    assert (page.status, the_return(shop, "1002").goods) == (422, GoodsState.APPROVED)
    assert page.form("/sent").fields["carrier"] == typed.get("carrier", "DHL")


def test_he_takes_his_return_back_and_its_label_with_it(shop: RunningShop, let_in: LetIn, sendcloud: Any) -> None:
    browser = let_in("1002")
    page = make_label(browser, announce(browser))
    announced(shop, sendcloud, "1002")
    form = browser.get(page.path).form(f"{the_return(shop, '1002').id}/cancel")
    assert {browser.send(form).status for _ in range(2)} == {200}
    announced(shop, sendcloud, "1002")
    assert the_return(shop, "1002").goods is GoodsState.CANCELLED
    assert label_states(shop, "1002") == [LabelState.CANCELLED]
    assert browser.get("/return/new").has_form("/return/new")  # the units are free again


def test_a_form_of_a_return_that_ended_meanwhile_changes_nothing(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    page = announce(browser)
    label, sent = browser.get(f"{page.path}/label").form("/label"), page.form("/sent")
    shop.desk.cancel_return("1002", the_return(shop, "1002").id, by=Actor.staff("anna"))
    version = shop.desk.dossier("1002").version
    assert browser.send(sent, carrier="DHL").status == 409
    assert "kan niet meer" in browser.send(label, option=LABEL_TO_PRINT).words
    assert shop.desk.dossier("1002").version == version


# --- following it ----------------------------------------------------------------------------------------


def test_he_reads_what_the_shop_told_him_and_nothing_of_its_own(shop: RunningShop, let_in: LetIn) -> None:
    browser = let_in("1002")
    page = announce(browser)
    day = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=9)
    shop.desk.approve_return(
        "1002",
        the_return(shop, "1002").id,
        by=Actor.staff("anna"),
        send_by=day,
        instructions="Doe er krantenpapier omheen.",
        note="lastige klant",
    )
    words = browser.get(page.path).words
    assert "Doe er krantenpapier omheen." in words
    assert str(day.day) in words
    for own in ("lastige klant", "anna", "Anna"):
        assert own not in words
        assert own not in browser.get("/return/order").words


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page_is_in_the_readers_language(shop: RunningShop, let_in: LetIn, language: str) -> None:
    browser = let_in("1002", language)
    page = announce(browser)
    heads = [browser.get(path).words for path in ("/return/order", page.path, f"{page.path}/label", "/return/new")]
    words = {"nl": ["Je bestelling", "Retour", "Kies een label", "Wat stuur je terug?"]}
    words["en"] = ["Your order", "Return", "Choose a label", "What do you send back?"]
    assert [word in head for word, head in zip(words[language], heads, strict=True)] == [True] * 4
