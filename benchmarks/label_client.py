"""What runs in a process of its own: something that makes and cancels labels, ours or ``requests`` alone.

``python -m benchmarks.label_client retour``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import requests

from benchmarks.partner import answer
from retour.providers import (
    Address,
    LabelForm,
    LabelRequest,
    Parcel,
    ParcelItem,
    ProviderSession,
)
from retour.providers.settings import read_settings
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.settings import Settings

CREATE, CANCEL, FETCH = "create_label", "cancel_label", "fetch_label"

Send = Callable[[], object]
"""Makes one call and reads its answers: what is timed."""

Prepare = Callable[[str, str], Send]
"""Prepares a call about a label: our id of the one to make, the provider's of the one to cancel, or that of the parcel
whose document is fetched."""

CUSTOMER = Address(
    name="Customer", street="Damrak", house_number="70", postal_code="1012 LM", city="Amsterdam", country="NL"
)
SHOP = Address(name="Returns", street="Keizersgracht 1", postal_code="1015 CJ", city="Amsterdam", country="NL")
BOX = Parcel(
    weight_grams=1200, items=[ParcelItem(line_id="cup", description="Cup", quantity=1, weight_grams=900, sku="cup")]
)


def main(name: str) -> None:
    """Be a client: connect first, then prepare calls, then make them."""
    prepare: Prepare | None = None
    prepared: list[Send] = []

    def reply(
        *,
        connect: Mapping[str, Any] | None = None,
        call: str = "",
        about: list[str] | None = None,
        send: bool = False,
    ) -> dict[str, Any]:
        nonlocal prepare, prepared
        if connect is not None:
            prepare = CLIENTS[name](connect)
            return {"version": version("requests" if name.startswith("requests") else name)}
        if about is not None:
            if prepare is None:
                raise AssertionError("not connected")
            prepared = [prepare(call, one) for one in about]
            return {}
        wall, cpu = time.perf_counter(), time.process_time()
        for one in prepared:
            one()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        units, prepared = len(prepared), []
        return {"wall": wall / units, "cpu": cpu / units} if send else {}

    answer(reply)


def retour(settings: Mapping[str, Any]) -> Prepare:
    """The provider as the core makes and calls it."""
    made = _provider(settings, ProviderSession())

    def prepare(call: str, about: str) -> Send:
        if call == CANCEL:
            return lambda: made.cancel_label(about, "")
        if call == FETCH:
            return lambda: made.fetch_label("", about, LabelForm.PDF)
        request = _request(about)
        return lambda: made.create_label(request)

    return prepare


def requests_as_usual(settings: Mapping[str, Any]) -> Prepare:
    """A session of ``requests`` as one makes it, kept alive."""
    return _bare(settings, requests.Session())


def requests_at_best(settings: Mapping[str, Any]) -> Prepare:
    """The same, told not to look for proxies and passwords in the environment and in files, for every call."""
    session = requests.Session()
    session.trust_env = False
    return _bare(settings, session)


def _provider(settings: Mapping[str, Any], http: ProviderSession) -> Sendcloud:
    read, faults = read_settings(Settings, settings, "sendcloud")
    if faults or read is None:
        raise AssertionError(faults)
    return Sendcloud(read, http)


def _request(label_id: str) -> LabelRequest:
    return LabelRequest(
        label_id=label_id,
        order_id="1001",
        return_number="R1001-1",
        option="postnl:standard/return",
        contract="101",
        form=LabelForm.PDF,
        sender=CUSTOMER,
        recipient=SHOP,
        parcel=BOX,
        instead_of_refused=False,
    )


def _bare(settings: Mapping[str, Any], session: requests.Session) -> Prepare:
    """Sends the bytes that ours would send: each request is taken from our own client just before it goes out. A label
    is cancelled by two of them: it is asked for, and then what became of it is read."""

    class Caught(Exception):  # not an error that a connection has: a read would be repeated after it, with pauses
        def __init__(self, request: requests.PreparedRequest) -> None:
            super().__init__("caught")
            self.request = request

    class Catching(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            raise Caught(request)

    class Session(ProviderSession):
        def _session(self) -> requests.Session:
            made = super()._session()
            made.mount("http://", Catching())
            return made

    ours = _provider(settings, Session())
    session.headers["User-Agent"] = "retour/0.1"

    def taken(call: Callable[[], object]) -> Send:
        try:
            call()
        except Caught as caught:
            request = caught.request
        by_itself = {name.lower() for name in (*session.headers, "Content-Length")} - {"accept"}
        headers = {name: value for name, value in request.headers.items() if name.lower() not in by_itself}
        method, url, body = str(request.method), str(request.url), request.body

        def send() -> object:
            response = session.request(method, url, data=body, headers=headers, timeout=30)
            response.raise_for_status()
            return response.content if response.headers["Content-Type"] == "application/pdf" else response.json()

        return send

    def prepare(call: str, about: str) -> Send:
        if call == CREATE:
            return taken(lambda: ours.create_label(_request(about)))
        if call == FETCH:
            return taken(lambda: ours.fetch_label("", about, LabelForm.PDF))
        asked, read = taken(lambda: ours.cancel_label(about, "")), taken(lambda: ours.fetch_shipment(about, ""))
        return lambda: (asked(), read())

    return prepare


CLIENTS: Mapping[str, Callable[[Mapping[str, Any]], Prepare]] = {
    "retour": retour,
    "requests": requests_as_usual,
    "requests at its best": requests_at_best,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
