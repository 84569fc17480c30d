"""Somebody who means ill: other people's ids, forged and oversized webhooks, forms without a token, HTML in words, odd
headers and paths, ways to another site, and ten thousand guesses."""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from customer_browser import LABEL_TO_PRINT, announce, make_label, say_who
from flask import Flask
from scriptless_browser import Page, ShopBrowser
from sqlalchemy import event, func, select, update

from retour import LARGEST_WEBHOOK, Actor, EvidenceFile
from webshop import create_app, security, tables
from webshop.application import PLUGINS
from webshop.guesses import TooManyGuesses
from webshop.pages.customer_access import OF_AN_ADDRESS, guess_whose
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"

ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what no database has a part in."""


@pytest.fixture
def customer(app: Flask) -> ShopBrowser:
    """The customer of order 1002, let in."""
    browser = ShopBrowser(app)
    say_who(browser, "1002")
    return browser


def post(browser: ShopBrowser, path: str, **typed: str) -> Any:
    """Send a form that the page does not have, with a token of this session that is right."""
    page = browser.get("/return")
    token = page.form("/language").fields["csrf_token"]
    return browser.client.post(path, data={"csrf_token": token, "request_id": "0" * 32, **typed})


def rules(app: Flask) -> list[tuple[str, str]]:
    """Every page of the shop as (method, address), with ids of things that are there or not."""
    ids = {"order_id": "1001", "return_id": "rt_1", "label_id": "lb_1", "refund_id": "rf_1", "filename": "shop.css"}
    found = []
    for rule in app.url_map.iter_rules():
        values = {name: ids.get(name, "x") for name in rule.arguments}
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", lambda match, values=values: values[match[1]], rule.rule)  # type: ignore[misc]
        found += [(method, path) for method in sorted(rule.methods or ()) if method in ("GET", "POST")]
    return found


# --- other people's ids ----------------------------------------------------------------------------------


@ONE_DATABASE
def test_no_page_of_the_merchants_is_reached_with_a_customers_session(app: Flask, customer: ShopBrowser) -> None:
    reached = []
    for method, path in rules(app):
        open_to_all = path.startswith(("/return", "/login", "/language", "/webhooks", "/static"))
        if open_to_all:
            continue
        answer = customer.client.get(path) if method == "GET" else post(customer, path)
        if not (answer.status_code == 302 and answer.headers["Location"].startswith("/login")):
            reached.append((method, path, answer.status_code))
    assert reached == []


@ONE_DATABASE
def test_no_page_of_a_customers_is_reached_without_one(app: Flask, merchant: ShopBrowser) -> None:
    for browser in (ShopBrowser(app), merchant):
        for method, path in rules(app):
            if path.startswith("/return/") and path != "/return/leave":
                answer = browser.client.get(path) if method == "GET" else post(browser, path)
                assert (answer.status_code, answer.headers.get("Location")) == (303, "/return"), (method, path)


def test_a_customer_reaches_no_return_and_no_label_of_another(
    shop: RunningShop, app: Flask, customer: ShopBrowser
) -> None:
    other = ShopBrowser(app)
    say_who(other, "1003")
    theirs = make_label(other, announce(other)).path
    [label] = shop.desk.dossier("1003").labels
    mine = announce(customer).path
    version = shop.desk.dossier("1003").version
    for path in (theirs, f"{theirs}/now", f"{theirs}/label", f"{theirs}/labels/{label}/document"):
        assert customer.client.get(path).status_code == 404, path
    assert customer.client.get(f"{mine}/labels/{label}/document").status_code == 404
    for path in (f"{theirs}/sent", f"{theirs}/cancel", f"{theirs}/label", f"{theirs}/labels/{label}/cancel"):
        answer = post(customer, path, carrier="DHL", sent_on="2026-01-01", option="postnl:standard/return 101")
        assert answer.status_code == 404, path
    assert post(customer, f"{mine}/labels/{label}/cancel").status_code == 404
    assert post(customer, f"{mine}/label", number="1", option=LABEL_TO_PRINT, replaces=label).status_code == 409
    assert (
        post(customer, "/return/new", **{"units-line-77": "1", "order": "1003", "order_id": "1003"}).status_code == 422
    )
    assert shop.desk.dossier("1003").version == version
    assert [one.return_id for one in shop.desk.dossier("1002").labels.values()] == []


def test_a_session_that_somebody_wrote_himself_is_none(app: Flask) -> None:
    browser = ShopBrowser(app)
    forged = Flask("forged")
    forged.secret_key = "a guess"
    session = {"staff": "staff anna", "customer": "customer of 1002"}
    serializer = forged.session_interface.get_signing_serializer(forged)  # type: ignore[attr-defined]
    browser.client.set_cookie("session", serializer.dumps(session))
    assert browser.get("/orders").path.startswith("/login")
    assert browser.get("/return/order").path == "/return"


@ONE_DATABASE
def test_a_session_that_was_planted_is_worth_nothing_after_the_login(app: Flask) -> None:
    attacker, victim = ShopBrowser(app), ShopBrowser(app)
    token = attacker.get("/return").form("/return").fields["csrf_token"]
    planted = attacker.client.get_cookie("session")
    assert planted is not None
    for enter in (lambda: say_who(victim, "1002"), lambda: victim.log_in("open sesame")):
        victim.client.set_cookie("session", planted.value)
        enter()
        cookie = victim.client.get_cookie("session")
        assert cookie is not None
        assert cookie.value != planted.value
        answer = victim.client.post("/return/new", data={"csrf_token": token, "units-line-1": "1"})
        assert answer.status_code == 400, "the token that the attacker knows still works"
    assert attacker.get("/orders").path.startswith("/login")
    assert attacker.get("/return/order").path == "/return"


@ONE_DATABASE
def test_the_cookie_goes_over_https_alone_and_no_script_and_no_other_site_has_it(
    app: Flask, database: str, sandboxes: Sandboxes
) -> None:
    del app
    public = create_app(database, password="x", secret_key="y", settings=sandboxes.settings, plugins=PLUGINS)
    cookie = public.test_client().get("/return", base_url="https://shop.example").headers["Set-Cookie"]
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain=" not in cookie
    public.extensions["webshop"].engine.dispose()


# --- webhooks and forms ----------------------------------------------------------------------------------


def test_a_forged_webhook_changes_nothing(app: Flask, shop: RunningShop) -> None:
    client = app.test_client()
    order = shop.port.order("1001")
    assert order is not None
    reference = order.payments[0].reference
    body = json.dumps({"id": "evt_1", "type": "charge.refunded", "data": {"object": {"id": reference}}}).encode()
    wrong = hmac.new(b"guessed", b"1." + body, hashlib.sha256).hexdigest()
    for headers in ({}, {"Stripe-Signature": f"t=1,v1={wrong}"}, {"Stripe-Signature": "t=,v1="}):
        assert client.post("/webhooks/stripe/default/test", data=body, headers=headers).status_code == 400
    for path in ("/webhooks/nobody/default/test", "/webhooks/stripe/../test", "/webhooks/stripe/other/test"):
        assert client.post(path, data=body).status_code in (400, 404)
    signed = client.post("/webhooks/sendcloud/default/live", data=b"{}", headers={"Sendcloud-Signature": "0" * 64})
    assert signed.status_code == 400
    # Mollie's is only a hint: the shop asks Mollie, which knows of no refund.
    assert client.post("/webhooks/mollie/default/test", data={"id": reference}).status_code == 200
    shop.desk.work()
    assert shop.desk.dossier("1001").refunds == {}


class Endless:
    """A body of which more can always be read; it counts how much was."""

    def __init__(self) -> None:
        self.read_so_far = 0

    def read(self, size: int = -1) -> bytes:
        size = 2**16 if size < 0 else size
        self.read_so_far += size
        return b"x" * size

    readline = read


@ONE_DATABASE
def test_of_a_webhook_that_is_too_large_nothing_is_read(app: Flask) -> None:
    body = Endless()
    told = {"wsgi.input": body, "CONTENT_LENGTH": str(LARGEST_WEBHOOK + 1), "REQUEST_METHOD": "POST"}
    assert app.test_client().open("/webhooks/stripe/default/test", environ_overrides=told).status_code == 413
    assert body.read_so_far == 0
    chunked = {"wsgi.input": body, "REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert app.test_client().open("/webhooks/stripe/default/test", environ_overrides=chunked).status_code == 411
    assert body.read_so_far == 0


@ONE_DATABASE
def test_a_form_that_is_too_large_is_refused(customer: ShopBrowser) -> None:
    assert post(customer, "/return/new", note="x" * (LARGEST_WEBHOOK + 1)).status_code == 413


@ONE_DATABASE
@pytest.mark.parametrize("token", [None, "", "forged", "of another"])
def test_every_form_needs_its_token(app: Flask, shop: RunningShop, token: str | None) -> None:
    browser = ShopBrowser(app)
    browser.log_in("open sesame")
    say_who(browser, "1002")
    return_path = announce(browser).path
    version = shop.desk.dossier("1002").version
    if token == "of another":
        token = ShopBrowser(app).get("/return").form("/return").fields["csrf_token"]
    data = {"request_id": "1" * 32, "units-line-1": "1", "status": "returned"} | (
        {} if token is None else {"csrf_token": token}
    )
    for method, path in rules(app):
        if method == "POST" and not path.startswith("/webhooks"):
            path = path.replace("/return/rt_1", return_path).replace("/orders/1001", "/orders/1002")
            assert browser.client.post(path, data=data).status_code == 400, path
    assert shop.desk.dossier("1002").version == version


@ONE_DATABASE
def test_nothing_is_done_by_an_address_that_is_only_opened(app: Flask, shop: RunningShop) -> None:
    browser = ShopBrowser(app)
    browser.log_in("open sesame")
    say_who(browser, "1002")
    announce(browser)
    version = shop.desk.dossier("1002").version
    for method, path in rules(app):
        if method == "POST" and "<" not in path:
            assert browser.client.get(path).status_code in (200, 302, 303, 404, 405), path
    assert shop.desk.dossier("1002").version == version


# --- words that somebody wrote ---------------------------------------------------------------------------


def test_html_that_somebody_wrote_is_shown_to_both_and_never_run(app: Flask, shop: RunningShop) -> None:
    with shop.engine.begin() as connection:
        connection.execute(update(tables.customer).values(name=HOSTILE))
        connection.execute(update(tables.order_line).values(name=HOSTILE))
        connection.execute(update(tables.order).values(note=HOSTILE))
    browser = ShopBrowser(app)
    say_who(browser, "1002")
    page = announce(browser, note=HOSTILE)
    page = browser.send(page.form("/sent"), carrier=HOSTILE, tracking=HOSTILE)
    [return_id] = shop.desk.dossier("1002").returns
    told = "javascript:alert(1) " + HOSTILE
    shop.desk.cancel_return("1002", return_id, by=Actor.staff("anna"), note=told)
    shop.desk.reopen_return("1002", return_id, by=Actor.staff("anna"))
    browser.log_in("open sesame")
    proof = EvidenceFile(reference="javascript:alert(1)", name=HOSTILE)
    shop.desk.add_evidence("1002", return_id, [proof], by=Actor.staff("anna"), request_id="f" * 32)
    here = f"/orders/1002/returns/{return_id}"
    merchant_pages = ["/orders", "/orders/1002", "/orders/1002/now", "/orders/1002/count", f"{here}/evidence"]
    say_who(browser, "1002")
    for path in ["/return/order", page.path, f"{page.path}/now", "/return/new", *merchant_pages]:
        seen = browser.get(path)
        assert seen.status == 200, path
        assert_harmless(seen)
    assert HOSTILE in browser.get("/orders/1002").words
    assert HOSTILE in browser.get(page.path).words


def assert_harmless(page: Page) -> None:
    """No element is there but the shop's own, and no link but to a page; and all that protects a page is with it."""
    assert HOSTILE not in page.html
    assert {name: page.headers.get(name) for name in security.HEADERS} == security.HEADERS
    for tag, given in page.elements:
        assert not [name for name in given if name.startswith("on") or name == "style"], (page.path, tag, given)
        assert tag != "style"
        assert tag != "script" or given["src"].startswith("/static/")
        assert tag != "img" or given["src"].startswith("/")
        link = given.get("href", "")
        assert link.startswith(("/", "#", "https://", "http://127.0.0.1:", "mailto:")) or not link, link


# --- headers, paths, other sites -------------------------------------------------------------------------


@ONE_DATABASE
@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Prefix",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Forwarded",
        "Host",
    ],
)
def test_no_header_makes_a_page_lead_elsewhere(app: Flask, header: str) -> None:
    client = app.test_client()
    for path in ("/", "/orders", "/return", "/return/order", "/login", "/nowhere", "//orders", "/return//order"):
        answer = client.get("/", headers={header: "evil.example"}, environ_overrides={"PATH_INFO": path})
        assert answer.status_code < 500
        assert "evil.example" not in answer.text
        assert answer.headers.get("Location", "/").startswith("/")


@ONE_DATABASE
def test_an_address_in_a_header_is_nobodys_address(app: Flask) -> None:
    statuses = []
    for number in range(OF_AN_ADDRESS.most + 1):
        browser = ShopBrowser(app)
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = browser.client.environ_base["HTTP_X_REAL_IP"] = (
            f"192.0.2.{number}"
        )
        statuses.append(say_who(browser, "1002", "x@x.example").status)
    assert statuses == [403] * OF_AN_ADDRESS.most + [429]


@ONE_DATABASE
@pytest.mark.parametrize(
    "language",
    [
        "",
        "x",
        "*",
        ";;;,,,q=",
        "nl;q=NaN",
        "../../etc/passwd",
        "nl-" + "x" * 5000,
        "en;q=" + "9" * 400,
        "\u00e9\u00ff",
        ",".join(["nl"] * 5000),
    ],
)
def test_a_language_that_is_none_is_answered_in_one_of_ours(app: Flask, language: str) -> None:
    page = ShopBrowser(app, language).get("/return")
    assert page.status == 200
    assert ("html", "nl") in (found := [(tag, given.get("lang")) for tag, given in page.elements]) or (
        "html",
        "en",
    ) in found


ODD = (
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "1002%00",
    "%0d%0aSet-Cookie:x=1",
    "%ff%fe",
    "%F0%9F%92%A9",
    "x" * 8000,
    "1002'--",
    "-1",
    "%2f%2fevil.example",
    "{{7*7}}",
    "%ed%a0%80",
)
"""What stands in the place of an id."""


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_an_odd_id_is_not_found_and_breaks_nothing(app: Flask, odd: str) -> None:
    browser = ShopBrowser(app)
    browser.log_in("open sesame")
    say_who(browser, "1002")
    mine = announce(browser).path
    paths = [path for _, path in rules(app) if any(id_ in path for id_ in ("1001", "_1", "shop.css"))]
    for path in dict.fromkeys(paths):
        for there in ("1001", "rt_1", "lb_1", "rf_1", "shop.css"):
            if there in path:
                answer = browser.client.get(path.replace(there, odd).replace("/return/rt_1", mine))
                assert answer.status_code in (200, 302, 303, 308, 404, 405), (answer.status_code, path)
                assert "root:" not in answer.text
                assert "Set-Cookie:x" not in str(answer.headers)
                assert answer.headers.get("Location", "/").startswith("/")
                assert not answer.headers.get("Location", "/").startswith("//")


@pytest.mark.parametrize(
    "odd", ["\0", "1002\0", "\ud800", "x" * 100_000, "1002' OR 1=1 --", "%", "_", "*", "\u202e1002"], ids=range(9)
)
def test_an_odd_number_or_address_is_wrong_and_breaks_nothing(app: Flask, odd: str) -> None:
    sent = odd.encode("utf-8", "surrogatepass").decode("latin-1")
    for order_id, email in ((sent, "x@x.example"), ("1002", sent)):
        answer = post(ShopBrowser(app), "/return", order=order_id, email=email)
        assert answer.status_code in (400, 403), answer.text


ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/ /evil.example\r\nX: y",
    "javascript:alert(1)",
    "http:evil.example",
    "///evil.example",
    " //evil.example",
    "@evil.example",
)
"""Where a form says that its reader came from."""


@ONE_DATABASE
@pytest.mark.parametrize("where", ELSEWHERE)
def test_neither_the_login_nor_a_language_leads_to_another_site(app: Flask, where: str) -> None:
    for path, typed in (("/language", {"language": "en"}), ("/login", {"password": "open sesame"})):
        usual = post(ShopBrowser(app), path, **typed).headers["Location"]
        assert usual.startswith("/")
        answer = post(ShopBrowser(app), path, next=where, **typed)
        assert (answer.status_code, answer.headers["Location"]) == (303, usual), where
        assert "X" not in answer.headers


# --- ten thousand guesses --------------------------------------------------------------------------------


GUESSES, AT_THE_PAGE = 10_000, 300


def objects_after(guess: Callable[[int], None], guesses: range) -> int:
    """How many more objects there are after some guesses."""
    gc.collect()
    before = len(gc.get_objects())
    for number in guesses:
        guess(number)
    gc.collect()
    return len(gc.get_objects()) - before


def guesses_counted(shop: RunningShop) -> int:
    """The rows in which wrong guesses are counted."""
    with shop.engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.wrong_guess)).scalar_one())


@ONE_DATABASE
def test_ten_thousand_guesses_are_refused_and_cost_neither_memory_nor_the_customer(
    app: Flask, shop: RunningShop
) -> None:
    answers: Counter[str] = Counter()

    def guess(number: int) -> None:
        try:
            answers[str(guess_whose("1002", f"klant-{number}@voorbeeld.example"))] += 1
        except TooManyGuesses:
            answers["too many"] += 1

    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.6"}):
        for number in range(GUESSES // 10):
            guess(number)  # what is made once is made by now
        kept = objects_after(guess, range(GUESSES // 10, GUESSES))
    assert answers == {"False": OF_AN_ADDRESS.most, "too many": GUESSES - OF_AN_ADDRESS.most}, "one was the right one"
    assert kept < GUESSES // 10, "something is kept of each"
    assert guesses_counted(shop) <= 2
    assert say_who(ShopBrowser(app), "1002").path == "/return/order"


@ONE_DATABASE
def test_guesses_at_the_page_are_answered_without_looking_and_nothing_is_kept_of_each(
    app: Flask, shop: RunningShop
) -> None:
    client = app.test_client()
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/return").text)
    assert found is not None
    statuses: Counter[int] = Counter()

    def guess(number: int) -> None:
        data = {"csrf_token": found[1], "order": "1002", "email": f"klant-{number + 900}@voorbeeld.example"}
        statuses[client.post("/return", data=data).status_code] += 1

    for number in range(AT_THE_PAGE // 5):
        guess(number)
    kept = objects_after(guess, range(AT_THE_PAGE // 5, AT_THE_PAGE))  # the right one is among them
    assert statuses == {403: OF_AN_ADDRESS.most, 429: AT_THE_PAGE - OF_AN_ADDRESS.most}
    assert kept < AT_THE_PAGE // 2, "something is kept of each"
    assert guesses_counted(shop) <= 2


def test_guesses_at_the_same_moment_count_each(app: Flask) -> None:
    browsers = [ShopBrowser(app) for _ in range(3 * OF_AN_ADDRESS.most)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda browser: say_who(browser, "1002", "x@x.example"), browsers))
    statuses = [page.status for page in pages]
    assert (statuses.count(403), statuses.count(429)) == (OF_AN_ADDRESS.most, 2 * OF_AN_ADDRESS.most)


def test_an_unknown_number_costs_the_same_steps_as_a_wrong_address(app: Flask, shop: RunningShop) -> None:
    def steps(order_id: str) -> list[str]:
        asked: list[str] = []

        def count(_: object, __: object, statement: str, *more: object) -> None:
            asked.append(statement)

        event.listen(shop.engine, "before_cursor_execute", count)
        say_who(ShopBrowser(app), order_id, "x@x.example")
        event.remove(shop.engine, "before_cursor_execute", count)
        return asked

    assert steps("1002") == steps("9999") != []
