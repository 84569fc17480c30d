"""What the shop is set up with: its plugins and what they can do, policies, reasons, where goods go back to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from retour import Mode, Plugin, SettingsCheck, capability_name, provider_name
from retour.providers import PaymentCapabilities, ShippingCapabilities
from webshop.forms import Kept, NotUnderstood, request_id
from webshop.languages import reader_language, say
from webshop.login import logins
from webshop.masked import providers_in
from webshop.pages.attention import capital
from webshop.running import the_shop

pages = Blueprint("settings", __name__)

POLICIES = {
    "return_policy": (_l("What may come back"), _l("Every return that staff or a customer asks for is approved.")),
    "restock_policy": (
        _l("What goes back in stock"),
        _l("An order of one product is put back in stock at once; of several you are asked."),
    ),
    "refund_plan": (
        _l("How much is suggested"),
        _l("What was paid for the goods that came back, without delivery."),
    ),
    "refund_approval": (_l("Which refunds wait for somebody"), _l("None: who refunds decides.")),
}
"""The hooks that decide something, what they decide, and what holds where no plugin of the shop says otherwise."""


@attrs.frozen(kw_only=True)
class Matrix:
    """What providers can do: a row for each capability that one of them has a word for."""

    name: str
    providers: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


@pages.get("/settings")
def show() -> ResponseReturnValue:
    """The page. Nothing is typed into it: keys come from where the shop is started."""
    shop = the_shop()
    plugins = shop.desk.plugins
    return render_template(
        "settings.html",
        plugins=plugins,
        accounts=_accounts(plugins),
        shown=shop.settings_shown,
        matrices=_matrices(plugins),
        policies={name: (*words, _deciding(plugins, name)) for name, words in POLICIES.items()},
        reasons=shop.desk.return_reasons,
        language=reader_language(),
        returns_to=shop.returns_to,
        pays_from=shop.pays_from,
        zone=shop.zone,
        files_kept=shop.files_kept,
        logins=logins(),
        kept=Kept(),
    )


@pages.post("/settings/check")
def check() -> ResponseReturnValue:
    """Whether the settings of an account work: its provider is asked, with one call that moves nothing."""
    key = request.form.get("account", "")
    named = _accounts(the_shop().desk.plugins).get(key) or abort(404)
    try:
        request_id()
    except NotUnderstood:
        abort(400)
    found = _checked(key)
    said = capital(say(found.reason)) if found.reason else _("The settings work.")
    flash(f"{named}: {said}")
    return redirect(url_for("settings.show"), 303)


def _checked(key: str) -> SettingsCheck:
    """For live payments; where the settings are for test ones, for those."""
    live = the_shop().desk.check_settings(key, mode=Mode.LIVE)
    return live if live.ok or live.asked else the_shop().desk.check_settings(key, mode=Mode.TEST)


def _accounts(plugins: Sequence[Plugin]) -> Mapping[str, str]:
    """What can be checked: each account by the key of its settings, with how people call it."""
    called: dict[str, str] = {}
    given = dict.fromkeys(one.key for one in the_shop().settings_shown)
    for plugin in plugins:
        for provider in providers_in(plugin):
            for key in [key for key in given if key.partition(":")[0] == provider.name] or [provider.name]:
                account = key.partition(":")[2]
                name = provider_name(provider.name, reader_language())
                called[key] = f"{name} ({account})" if account else name
    return called


def _deciding(plugins: Sequence[Plugin], hook: str) -> Sequence[str]:
    """What the plugins decide that are asked, each in its own words; who decides, where one says nothing of itself."""
    asked = [plugin for plugin in plugins if hook in plugin.hooks]
    return [say(one.words) if one.words else _("Decided by %(plugin)s.", plugin=one.name) for one in asked]


def _matrices(plugins: Sequence[Plugin]) -> Sequence[Matrix]:
    payment = [one for plugin in plugins for one in plugin.payment_providers]
    shipping = [one for plugin in plugins for one in plugin.shipping_providers]
    both = (
        _matrix(_("Payments"), PaymentCapabilities, payment),
        _matrix(_("Shipping"), ShippingCapabilities, shipping),
    )
    return [one for one in both if one.providers]


def _matrix(name: str, kind: type[Any], providers: Sequence[Any]) -> Matrix:
    rows = []
    for field in attrs.fields(kind):
        cells = [_cell(getattr(one.capabilities, field.name)) for one in providers]
        if field.name != "unconfirmed" and any(cells):
            rows.append((capital(capability_name(field.name, reader_language())), cells))
    return Matrix(name=name, providers=[provider_name(one.name, reader_language()) for one in providers], rows=rows)


def _cell(value: object) -> str:
    return say(value) if value else ""
