"""The application factory: a database, a desk and the pages make a shop."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

from retour import (
    Address,
    BankAccount,
    RetourError,
    ReturnDesk,
    ReturnWindow,
    UnknownLabel,
    UnknownOrder,
    UnknownReceipt,
    UnknownRefund,
    UnknownReturn,
    connect,
)
from webshop import languages, login, security, tables
from webshop.customer_words import sentence_for_customer
from webshop.files import KEPT
from webshop.housekeeping import keep_house
from webshop.masked import masked_settings
from webshop.pages import (
    attention,
    board,
    correcting,
    counting,
    customer_access,
    customer_label,
    customer_order,
    customer_request,
    customer_return,
    deciding,
    ending,
    evidence,
    figures,
    labels,
    order,
    orders,
    refunds,
    staff_label,
    stock,
    transfers,
    webhooks,
)
from webshop.pages import settings as settings_page
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.shop import Webshop

ZONE = "Europe/Amsterdam"
"""Where the shop is: its calendar days, and the times on its pages."""

RETURNS_TO = Address(
    name="Voorbeeldwinkel, retouren",
    street="Keizersgracht",
    house_number="1",
    postal_code="1015 CJ",
    city="Amsterdam",
    country="NL",
)
"""Where goods come back to."""

PAYS_FROM = BankAccount(name="Voorbeeldwinkel", iban="NL20INGB0001234567")
"""The account from which the merchant transfers refunds."""

PLUGINS = ("mollie", "stripe", "paypal", "manual_transfer", "sendcloud")

RETURN_WINDOW = ReturnWindow(days=30)
"""For how long a customer may send something back. What comes later is the merchant's to decide."""

NOT_THERE = (UnknownLabel, UnknownOrder, UnknownReceipt, UnknownRefund, UnknownReturn)
"""What the desk raises for an address at which nothing is."""

STAFF = {"anna": "Anna"}
"""Who works here, by the id that retour keeps."""

PAGES = (
    login,
    attention,
    board,
    labels,
    orders,
    order,
    counting,
    correcting,
    deciding,
    ending,
    staff_label,
    evidence,
    stock,
    refunds,
    transfers,
    figures,
    settings_page,
    customer_access,
    customer_order,
    customer_request,
    customer_return,
    customer_label,
    webhooks,
)
"""The modules with a page each."""


def now() -> datetime.datetime:
    """The time."""
    return datetime.datetime.now(datetime.UTC)


def create_app(
    database_url: str,
    *,
    password: str,
    secret_key: str,
    settings: Mapping[str, Mapping[str, object]],
    plugins: Sequence[object] = PLUGINS,
    sandboxes: Sandboxes | None = None,
    https: bool = True,
    clock: Callable[[], datetime.datetime] | None = None,
    files_kept: datetime.timedelta = KEPT,
) -> Flask:
    """A shop on a database, for any server that speaks WSGI.

    ``password`` is the merchant's; ``secret_key`` signs the sessions, so all processes that serve one shop have the
    same. ``settings`` are those of the providers, by name, as `ReturnDesk` takes them. ``https`` is False on a machine
    of one's own only, for a cookie that also goes over plain http. With ``sandboxes`` payments lead to their
    pages there, each page leads to their dashboards, and their clock is the shop's. ``clock`` gives the times of the
    history, as `ReturnDesk` takes it: unless it is given, that of the sandboxes, which the database tells too.
    ``files_kept`` is how long files are kept that were added to a return or a refund: `keep_house` deletes them then.
    The tables are made where there are none.
    """
    app = Flask("webshop")
    app.secret_key = secret_key
    app.config["SESSION_COOKIE_SECURE"] = https
    engine = connect(database_url)
    if sandboxes is not None and clock is None:
        sandboxes.set_clock(engine)
    tables.metadata.create_all(engine)
    port = Webshop(engine, STAFF)
    clock = clock or (now if sandboxes is None else sandboxes.clock.now)
    desk = ReturnDesk(
        shop=port,
        store=engine,
        plugins=[*plugins, RETURN_WINDOW],
        settings=settings,
        zone=ZONE,
        return_address=RETURNS_TO,
        migrate=True,
        clock=clock,
    )
    shop = app.extensions["webshop"] = RunningShop(
        engine=engine,
        port=port,
        desk=desk,
        zone=ZONE,
        clock=clock,
        files_kept=files_kept,
        pays_from=PAYS_FROM,
        returns_to=RETURNS_TO,
        settings_shown=masked_settings(desk.plugins, settings),
        staff=next(iter(STAFF)),
        password=password,
        sandboxes=sandboxes,
    )
    app.jinja_env.globals["dashboards"] = {} if sandboxes is None else sandboxes.dashboards
    security.install(app)
    languages.install(app, ZONE)
    for module in PAGES:
        app.register_blueprint(module.pages)
    app.cli.command("keep-house", help=keep_house.__doc__)(partial(keep_house, shop))
    app.register_error_handler(HTTPException, _told)
    app.register_error_handler(RetourError, _refused)
    return app


def _told(error: HTTPException) -> tuple[str, int]:
    """An error of a request as a page."""
    code = error.code or 500
    return render_template("error.html", code=code, sentence=""), code


def _refused(error: RetourError) -> tuple[str, int]:
    """What retour says where a page has no better place for it: an order that there is not, a database that is away."""
    code = 404 if isinstance(error, NOT_THERE) else 503
    sentence = error.text(languages.reader_language()) if login.who_is_here() else sentence_for_customer(error)
    return render_template("error.html", code=code, sentence=sentence), code
