"""Evidence that staff adds to a return and to the word about an unknown refund: files, and where they are."""

from __future__ import annotations

import datetime
from pathlib import Path

import attrs
import pytest
from flask import Flask
from scriptless_browser import Page, ShopBrowser
from sqlalchemy import func, select

from retour import Actor, RefundState, reading
from retour.sandbox import Fault
from webshop import create_app, tables
from webshop.housekeeping import keep_house
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.security import LARGEST_FILE
from webshop.seed import fill

ANNA = Actor.staff("anna")
MINUTE = datetime.timedelta(minutes=1)
PICTURE = ("kapot.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)


@pytest.fixture
def here(shop: RunningShop) -> str:
    """The page on which evidence is added to the return of order 1001."""
    return f"/orders/1001/returns/{shop.desk.mark_returned('1001', by=ANNA).return_id}/evidence"


def add(merchant: ShopBrowser, here: str, file: tuple[str, bytes] | None = None, **typed: str) -> Page:
    assert here in merchant.get("/orders/1001").html
    return merchant.send(merchant.get(here).form("/evidence"), file=file, **typed)


def return_of(here: str) -> str:
    return here.split("/")[4]


def kept(shop: RunningShop) -> int:
    with reading(shop.engine) as connection:
        return int(connection.execute(select(func.count()).select_from(tables.file)).scalar_one())


def links_to_files(page: Page) -> list[str]:
    return [given["href"] for tag, given in page.elements if tag == "a" and "/files/" in given.get("href", "")]


def test_a_photo_is_kept_with_the_return_and_shown_from_the_orders_page(
    merchant: ShopBrowser, shop: RunningShop, here: str
) -> None:
    page = add(merchant, here, PICTURE, name="De breuk", note="Klant mailde dit")
    assert page.path == "/orders/1001"
    assert "De breuk" in page.words
    [link] = links_to_files(page)
    answer = merchant.client.get(link)
    assert (answer.data, answer.mimetype) == (PICTURE[1], "image/png")
    assert answer.headers["Content-Disposition"].startswith("inline")
    [evidence] = shop.desk.evidence("1001", return_of(here))
    assert (evidence.name, evidence.reference) == ("De breuk", f"file:{link.rpartition('/')[2]}")
    assert "Klant mailde dit" in [one.note for one in shop.desk.timeline("1001")]


def test_the_same_form_with_its_file_is_one_file_and_one_piece_of_evidence(
    merchant: ShopBrowser, shop: RunningShop, here: str
) -> None:
    form = merchant.get(here).form("/evidence")
    assert [merchant.send(form, file=PICTURE).status for _ in range(2)] == [200, 200]
    assert (kept(shop), len(shop.desk.evidence("1001", return_of(here)))) == (1, 1)


@pytest.mark.parametrize(
    ("reference", "is_link"),
    [
        ("https://foto.voorbeeld.example/17", True),
        ("map 7, blad 3", False),
        ("javascript:alert(1)", False),
        ("http://foto.voorbeeld.example/17", False),
    ],
)
def test_where_it_is_can_be_said_instead_and_only_a_safe_address_is_a_link(
    merchant: ShopBrowser, shop: RunningShop, here: str, reference: str, is_link: bool
) -> None:
    page = add(merchant, here, reference=reference)
    assert [one.reference for one in shop.desk.evidence("1001", return_of(here))] == [reference]
    assert (reference in [given.get("href") for _, given in page.elements]) is is_link
    assert reference in page.words


def test_nothing_chosen_and_an_empty_file_are_told_and_what_was_typed_stays(
    merchant: ShopBrowser, shop: RunningShop, here: str
) -> None:
    for file, told in ((None, "Kies een bestand"), (("leeg.png", b""), "Dit bestand is leeg")):
        page = add(merchant, here, file, note="Een notitie")
        assert page.status == 422
        assert told in page.words
        assert page.form("/evidence").fields["note"] == "Een notitie"
    assert (kept(shop), shop.desk.evidence("1001", return_of(here))) == (0, ())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("foto.png", b"<script>alert(1)</script>"),
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("plaatje.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("brief.pdf", b"%PDF-1.4"),
        ("foto; x=\u202egnp.exe", b"MZ"),
        ("../../etc/passwd", b"x"),
    ],
)
def test_what_is_no_picture_is_saved_and_never_run(merchant: ShopBrowser, here: str, name: str, content: bytes) -> None:
    [link] = links_to_files(add(merchant, here, (name, content)))
    answer = merchant.client.get(link)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "application/octet-stream", content)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "/" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_photo_of_eight_megabytes_fits_and_one_of_eleven_does_not(
    merchant: ShopBrowser, shop: RunningShop, here: str
) -> None:
    assert add(merchant, here, ("groot.jpg", b"\xff\xd8\xff" + bytes(8 * 2**20))).path == "/orders/1001"
    assert add(merchant, here, ("groter.jpg", bytes(LARGEST_FILE + 1))).status == 413
    assert kept(shop) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_but_staff_sends_so_much(app: Flask, here: str) -> None:
    stranger = ShopBrowser(app)
    token = stranger.get("/return").form("/return").fields["csrf_token"]
    answer = stranger.client.post(here, data={"csrf_token": token, "note": "x" * 2**20})
    assert answer.status_code == 413


def test_a_file_is_deleted_when_it_was_kept_long_enough_and_the_history_says_that_it_was_there(
    merchant: ShopBrowser, shop: RunningShop, here: str
) -> None:
    page = add(merchant, here, PICTURE, name="De breuk")
    [link] = links_to_files(page)
    said = [entry.message for entry in shop.desk.timeline("1001")]
    later = attrs.evolve(shop, clock=lambda: shop.clock() + shop.files_kept - MINUTE)
    keep_house(later)
    assert (kept(shop), links_to_files(merchant.get("/orders/1001"))) == (1, [link])
    keep_house(attrs.evolve(shop, clock=lambda: shop.clock() + shop.files_kept + MINUTE))
    after = merchant.get("/orders/1001")
    assert (kept(shop), links_to_files(after), merchant.client.get(link).status_code) == (0, [], 404)
    assert "De breuk (verwijderd: een bestand wordt 180 dagen bewaard)" in after.words
    assert [entry.message for entry in shop.desk.timeline("1001")] == said
    assert [one.name for one in shop.desk.evidence("1001", return_of(here))] == ["De breuk"]


def test_the_shop_says_how_long_it_keeps_files_and_a_scheduler_can_delete_them(
    tmp_path: Path, sandboxes: Sandboxes
) -> None:
    app = create_app(
        f"sqlite:///{tmp_path}/shop.db",
        password="open sesame",
        secret_key="only of this test",
        settings=sandboxes.settings,
        sandboxes=sandboxes,
        https=False,
        files_kept=datetime.timedelta(0),
    )
    shop: RunningShop = app.extensions["webshop"]
    fill(shop.engine, sandboxes.pay, orders=1)
    browser = ShopBrowser(app)
    browser.log_in("open sesame")
    return_id = shop.desk.mark_returned("1001", by=ANNA).return_id
    form = browser.get(f"/orders/1001/returns/{return_id}/evidence")
    assert "Het bestand wordt na 0 dagen verwijderd." in form.words
    assert "wordt na 0 dagen verwijderd" in browser.get("/settings").words
    browser.send(form.form("/evidence"), file=PICTURE)
    assert kept(shop) == 1
    assert app.test_cli_runner().invoke(args=["keep-house"]).exit_code == 0
    assert kept(shop) == 0
    shop.engine.dispose()


def test_a_file_of_another_order_is_not_there(merchant: ShopBrowser, here: str) -> None:
    [link] = links_to_files(add(merchant, here, PICTURE))
    assert merchant.client.get(link.replace("1001", "1002")).status_code == 404
    assert merchant.client.get(f"{link[:-1]}z").status_code == 404


def test_a_file_that_the_desk_refuses_is_not_kept_either(merchant: ShopBrowser, shop: RunningShop, here: str) -> None:
    form = merchant.get(here).form("/evidence")
    merchant.send(form, reference="map 7")
    page = merchant.send(form, file=PICTURE)  # the form that was sent before, with something else in it
    assert (page.status, kept(shop)) == (409, 0)


def test_the_word_about_an_unknown_refund_has_a_file_with_it(
    merchant: ShopBrowser, shop: RunningShop, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = merchant.send(merchant.get("/orders/1007").form("/status"), status="returned")
    server = sandboxes.payment("stripe").server
    server.faults.append(Fault.CUT_AFTER)
    merchant.send(page.form("/refunds"), ("way", "api"))
    assert [one.state for one in shop.desk.dossier("1007").refunds.values()] == [RefundState.UNKNOWN]
    form = merchant.get("/orders/1007").form("/settle")
    said = {"happened": "no", "evidence": "Staat niet op het afschrift"}
    unsaid = merchant.send(form, file=PICTURE, happened="no")
    assert (unsaid.status, kept(shop)) == (422, 0)
    monkeypatch.setattr(server, "faulty", lambda request: True)
    server.faults.extend([Fault.UNAVAILABLE_503] * 10)  # nobody can be asked now, and a day has not passed
    refused = merchant.send(form, file=PICTURE, **said)
    assert refused.status == 409
    assert len(links_to_files(refused)) == 1  # it need not be chosen again
    server.faults.clear()
    merchant.send(form, file=PICTURE, **said)  # Stripe is asked, and says that it was made
    [refund] = shop.desk.dossier("1007").refunds.values()
    assert refund.state in (RefundState.PENDING, RefundState.SUCCEEDED)
    assert len(links_to_files(merchant.get("/orders/1007"))) == kept(shop) == 1
