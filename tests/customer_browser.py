"""What a customer does at the webshop in his browser, for the tests."""

from __future__ import annotations

from scriptless_browser import Page, ShopBrowser

LABEL_TO_PRINT, CODE_TO_SHOW = "postnl:standard/return 101", "postnl:standard/return,labelless 101"
"""The two labels that the shop offers, by what its form calls them: the cheapest of Sendcloud's sandbox."""


def say_who(browser: ShopBrowser, order_id: str, email: str | None = None) -> Page:
    """Fill in the first form, with the right mail address where none is given."""
    form = browser.get("/return").form("/return")
    return browser.send(form, order=order_id, email=email or f"klant-{order_id}@voorbeeld.example")


def announce(browser: ShopBrowser, units: str = "1", **typed: str) -> Page:
    """Announce the return of units of the first product."""
    return browser.send(browser.get("/return/new").form("/return/new"), **{"units-line-1": units, **typed})


def make_label(browser: ShopBrowser, page: Page, option: str = LABEL_TO_PRINT) -> Page:
    """Choose a label for the return of a page."""
    return browser.send(browser.get(f"{page.path}/label").form("/label"), option=option)
