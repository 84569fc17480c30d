"""Calls to PayPal's API with an access token, which is fetched, kept, shared and renewed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, ProviderSession, Secret, read_wire
from retour_paypal.errors import refusal
from retour_paypal.settings import Settings
from retour_paypal.wire import Token

TOKEN = "/v1/oauth2/token"  # noqa: S105 - a path

MARGIN_SECONDS = 60
"""A token is renewed this long before it expires, so that it does not expire on its way."""


class Api:
    """PayPal's API for one app. Thread-safe: all threads share one token.

    Sharing it is PayPal's wish: https://developer.paypal.com/api/rest/reference/rate-limiting.md.
    """

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self._settings = settings
        self._http = http
        self._address = settings.api_url.rstrip("/")
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._good_until = 0.0

    def read(self, path: str) -> Answer:
        """GET ``path``; raises `ProviderError` unless PayPal answers 2xx."""
        return self._authorized(lambda token: self._http.read(self._address + path, headers=_bearer(token)))

    def write(self, path: str, body: object, headers: Mapping[str, str]) -> Answer:
        """POST ``body`` as JSON to ``path``, once; raises `ProviderError` unless PayPal answers 2xx."""
        return self._authorized(
            lambda token: self._http.write(
                "POST", self._address + path, headers=_bearer(token) | dict(headers), json_body=body
            )
        )

    def write_raw(self, path: str, body: bytes) -> Answer:
        """POST JSON that is written already and must not be written again."""
        raw = cast(Any, body)  # the session passes `form` on as it is
        return self._authorized(
            lambda token: self._http.write(
                "POST",
                self._address + path,
                headers=_bearer(token) | {"Content-Type": "application/json"},
                form=raw,
            )
        )

    def renew(self, stale: Secret | None = None) -> Secret:
        """A new token; the present one if another thread renewed ``stale`` meanwhile."""
        with self._lock:
            if self._token is None or self._token == stale or stale is None:
                return self._fetch()
            return self._token

    def _authorized(self, call: Callable[[Secret], Answer]) -> Answer:
        """Make a call. A 401 is certainly not done: the token is renewed and the call repeated, once."""
        token = self._current()
        answer = call(token)
        if answer.status == 401:
            answer = call(self.renew(stale=token))
        if not 200 <= answer.status < 300:
            raise refusal(answer)
        return answer

    def _current(self) -> Secret:
        with self._lock:
            if self._token is None or time.monotonic() >= self._good_until:
                return self._fetch()
            return self._token

    def _fetch(self) -> Secret:
        """Ask for a token (https://developer.paypal.com/api/rest/authentication/). The lock is held."""
        self._token = None
        asked = time.monotonic()
        try:
            answer = self._http.write(
                "POST",
                self._address + TOKEN,
                form={"grant_type": "client_credentials"},
                auth=(self._settings.client_id, self._settings.client_secret.reveal()),
            )
            if answer.status != 200:
                raise _no_token(answer)
            token = read_wire(Token, answer.json())
            if not token.access_token.strip():
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the access token is empty")
        except ProviderError as error:
            raise _nothing_sent(error) from error
        self._token = Secret(token.access_token)
        self._good_until = asked + token.expires_in - MARGIN_SECONDS
        return self._token


def _bearer(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _no_token(answer: Answer) -> ProviderError:
    """The OAuth server's refusals are all about the credentials: ``invalid_client``, ``unauthorized_client``."""
    error = refusal(answer)
    if 400 <= answer.status < 500 and error.code is not ErrorCode.RATE_LIMITED:
        return ProviderError(
            ErrorCode.AUTHENTICATION,
            error.message,
            provider_code=error.provider_code,
            http_status=answer.status,
        )
    return error


def _nothing_sent(error: ProviderError) -> ProviderError:
    """Without a token nothing was asked of PayPal: what would be unclear of a refund is certainly not done."""
    if error.disposition is not Disposition.RECONCILE:
        return error
    return ProviderError(
        error.code,
        f"no access token: {error.message}",
        disposition=Disposition.RETRY,
        provider_code=error.provider_code,
        http_status=error.http_status,
        not_before=error.not_before,
    )
