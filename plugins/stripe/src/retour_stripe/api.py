"""Calling Stripe: the key, the pinned version, form bodies, and answers read or refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TypeVar

from retour.providers import Answer, ProviderSession, read_wire
from retour_stripe.errors import refusal
from retour_stripe.settings import Settings
from retour_stripe.wire import VERSION

_T = TypeVar("_T")

log = logging.getLogger("retour.stripe")

KEY_HEADER = "Idempotency-Key"


class Api:
    """Stripe, asked with one key. Every path is under ``/v1``; every method raises `ProviderError` only."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self._url = settings.api_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {settings.api_key.reveal()}", "Stripe-Version": VERSION}
        self._http = http

    def get(self, kind: type[_T], path: str, query: Mapping[str, str] | None = None) -> _T:
        """Read a ``kind``."""
        return _read(kind, path, self._http.read(f"{self._url}/v1/{path}", headers=self._headers, query=query))

    def post(self, kind: type[_T], path: str, form: Mapping[str, str], key: str = "") -> _T:
        """Send a form, once; with ``key`` Stripe does it once too, however often it is sent."""
        more = {KEY_HEADER: key} if key else {}
        url = f"{self._url}/v1/{path}"
        return _read(kind, path, self._http.write("POST", url, headers=self._headers | more, form=form))


def _read(kind: type[_T], path: str, answer: Answer) -> _T:
    """What was answered. The id of the request is logged: Stripe's support asks for it."""
    log.info("%s -> %s (%s)", path, answer.status, answer.headers.get("request-id", "no request id")[:100])
    if not 200 <= answer.status < 300:
        raise refusal(answer)
    return read_wire(kind, answer.json())
