"""Where providers tell what became of a refund or a parcel. Nobody logs in: a webhook is signed, or only a hint."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from retour import InvalidWebhook, Mode, RetourError
from webshop.login import for_everybody
from webshop.running import the_shop
from webshop.security import csrf

pages = Blueprint("webhooks", __name__)


@pages.post("/webhooks/<provider>/<account>/<any(live, test):mode>")
@csrf.exempt  # type: ignore[untyped-decorator]  # Flask-WTF tells no types
@for_everybody
def receive(provider: str, account: str, mode: str) -> ResponseReturnValue:
    """What a provider sends to the address of one of its accounts. One that says not how long it is, is not read."""
    if request.content_length is None:
        return "", 411
    body = request.get_data()  # at most MAX_CONTENT_LENGTH, else 413
    try:
        the_shop().desk.receive_webhook(provider, dict(request.headers), body, account=account, mode=Mode(mode))
    except InvalidWebhook:
        return "", 400
    except RetourError:
        return "", 503  # it is to come again
    return "", 200
