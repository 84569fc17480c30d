"""What runs in a process of its own: something that sends refunds, ours, ``requests`` alone, or an SDK.

``python -m benchmarks.refund_client retour stripe``; an SDK runs in its own environment, where nothing of ours is.
So everything but the standard library is imported where it is used.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from benchmarks.partner import answer

AMOUNT = "44.95"

Send = Callable[[], object]
"""Sends one refund and reads the answer: what is timed."""

Prepare = Callable[[str, int], Send]
"""Prepares the refund with a number, of a payment: its values are made, and what an SDK wants to read first is read."""

Settings = Mapping[str, Any]


def main(name: str, provider: str) -> None:
    """Be a client: connect first, then prepare refunds, then send them."""
    prepare: Prepare | None = None
    prepared: list[Send] = []

    def reply(
        *,
        connect: Settings | None = None,
        prepare_refunds: list[tuple[str, int]] | None = None,
        send: bool = False,
    ) -> dict[str, Any]:
        nonlocal prepare, prepared
        if connect is not None:
            prepare = CLIENTS[name](provider, connect)
            return {"version": _version(name)}
        if prepare_refunds is not None:
            if prepare is None:
                raise AssertionError("not connected")
            prepared = [prepare(reference, number) for reference, number in prepare_refunds]
            return {}
        wall, cpu = time.perf_counter(), time.process_time()
        for one in prepared:
            one()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        units, prepared = len(prepared), []
        return {"wall": wall / units, "cpu": cpu / units} if send else {}

    answer(reply)


def refund_id(number: int) -> str:
    """Our id of a refund, as long as all are."""
    return f"rf{number:026d}"


def key(number: int) -> str:
    """Its idempotency key."""
    return f"{refund_id(number)}-1"


def _version(name: str) -> str:
    return version("requests" if name.startswith("requests") else name)


# --- ours, and requests alone ----------------------------------------------------------------------------


def retour(provider: str, settings: Settings) -> Prepare:
    """The provider as the core makes and calls it."""
    from retour.providers import ProviderSession

    return _with_session(provider, settings, ProviderSession())


def requests_as_usual(provider: str, settings: Settings) -> Prepare:
    """A session of ``requests`` as one makes it, kept alive."""
    import requests

    return _bare(provider, settings, requests.Session())


def requests_at_best(provider: str, settings: Settings) -> Prepare:
    """The same, told not to look for proxies and passwords in the environment and in files, for every call."""
    import requests

    session = requests.Session()
    session.trust_env = False
    return _bare(provider, settings, session)


def _with_session(provider: str, settings: Settings, http: Any) -> Prepare:
    from benchmarks.refund_provider import provider_class
    from retour.providers import Money, RefundRequest
    from retour.providers.settings import read_settings

    kind = provider_class(provider)
    read, faults = read_settings(kind.settings_type, settings, provider)
    if faults:
        raise AssertionError(faults)
    made = kind(read, http)
    amount = Money.of(AMOUNT, "EUR")

    def prepare(reference: str, number: int) -> Send:
        request = RefundRequest(
            refund_id=refund_id(number),
            key=key(number),
            order_id="1001",
            target=reference,
            amount=amount,
            description="Retour 1001",
        )
        return lambda: made.refund(request)

    return prepare


def _bare(provider: str, settings: Settings, session: Any) -> Prepare:
    """Sends the bytes that ours would send: each request is taken from our own client just before it goes out."""
    import requests

    from retour.providers import ProviderError, ProviderSession

    caught: list[requests.PreparedRequest] = []

    class Catching(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
            if request.path_url.endswith("/oauth2/token"):
                return super().send(request, *arguments, **named)
            caught.append(request)
            raise requests.ConnectionError("caught")

    class Session(ProviderSession):
        def _session(self) -> requests.Session:
            made = super()._session()
            made.mount("http://", Catching())
            return made

    ours = _with_session(provider, settings, Session())
    session.headers["User-Agent"] = "retour/0.1"

    def prepare(reference: str, number: int) -> Send:
        send = ours(reference, number)
        try:
            send()
        except ProviderError:
            request = caught.pop()
        by_itself = {*session.headers, "Content-Length"} - {"Accept"}
        headers = {name: value for name, value in request.headers.items() if name not in by_itself}
        url, body = str(request.url), request.body

        def post() -> object:
            response = session.post(url, data=body, headers=headers, timeout=30)
            response.raise_for_status()
            return response.json()

        return post

    return prepare


# --- the providers' own ----------------------------------------------------------------------------------


def stripe(_: str, settings: Settings) -> Prepare:
    """Stripe's."""
    import stripe

    client = stripe.StripeClient(settings["api_key"], base_addresses={"api": settings["api_url"]})

    def prepare(reference: str, number: int) -> Send:
        form = {
            "payment_intent": reference,
            "amount": 4495,
            "metadata": {"order_id": "1001", "refund_id": refund_id(number)},
            "reason": "requested_by_customer",
        }
        options = {"idempotency_key": key(number)}
        return lambda: client.v1.refunds.create(form, options)

    return prepare


def _mollie_refund(number: int) -> dict[str, Any]:
    return {
        "amount": {"currency": "EUR", "value": AMOUNT},
        "description": "Retour 1001",
        "metadata": {"refund_id": refund_id(number)},
    }


def mollie_api_python(_: str, settings: Settings) -> Prepare:
    """Mollie's, written by hand. It refunds a payment that it has read."""
    from mollie.api.client import Client

    client = Client(api_endpoint=settings["api_url"])
    client.set_api_key(settings["api_key"])

    def prepare(reference: str, number: int) -> Send:
        refunds, body = client.payments.get(reference).refunds, _mollie_refund(number)
        return lambda: refunds.create(body, idempotency_key=key(number))

    return prepare


def mollie_api_py(_: str, settings: Settings) -> Prepare:
    """Mollie's, generated."""
    from mollie import ClientSDK, models

    security = models.Security(api_key=settings["api_key"])
    client = ClientSDK(security=security, server_url=settings["api_url"], retry_config=None)

    def prepare(reference: str, number: int) -> Send:
        body = _mollie_refund(number)
        return lambda: client.refunds.create(payment_id=reference, refund_request=body, idempotency_key=key(number))

    return prepare


def paypal_server_sdk(_: str, settings: Settings) -> Prepare:
    """PayPal's."""
    from paypalserversdk.configuration import Configuration, Environment, Server
    from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
    from paypalserversdk.models.money import Money
    from paypalserversdk.models.refund_request import RefundRequest
    from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

    Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = settings["api_url"]
    credentials = ClientCredentialsAuthCredentials(
        o_auth_client_id=settings["client_id"], o_auth_client_secret=settings["client_secret"]
    )
    client = PaypalServersdkClient(environment=Environment.SANDBOX, client_credentials_auth_credentials=credentials)

    def prepare(reference: str, number: int) -> Send:
        asked = {
            "capture_id": reference,
            "paypal_request_id": key(number),
            "prefer": "return=representation",
            "body": RefundRequest(
                amount=Money(currency_code="EUR", value=AMOUNT),
                custom_id=refund_id(number),
                note_to_payer="Retour 1001",
            ),
        }
        return lambda: client.payments.refund_captured_payment(asked)

    return prepare


CLIENTS: Mapping[str, Callable[[str, Settings], Prepare]] = {
    "retour": retour,
    "requests": requests_as_usual,
    "requests at its best": requests_at_best,
    "stripe": stripe,
    "mollie-api-python": mollie_api_python,
    "mollie-api-py": mollie_api_py,
    "paypal-server-sdk": paypal_server_sdk,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
