"""A provider that recognises a repeated request by a key in the body, as Square does, and has no header for it."""

from __future__ import annotations

import json

import attrs
from acme_pay import KEY_WINDOW, AcmePay, AcmePaySandbox, WireRefund

from retour.providers import Idempotency, RefundRequest, RefundResult
from retour.sandbox import SandboxRequest, SandboxResponse

FIELD = "idempotency_key"


class KeyedPay(AcmePay):
    """Acme Pay, but for where the key stands."""

    capabilities = attrs.evolve(AcmePay.capabilities, idempotency=Idempotency(field=FIELD, window=KEY_WINDOW))

    def refund(self, request: RefundRequest) -> RefundResult:
        answer = self.http.write(
            "POST",
            self._url(f"{self._path(request.target)}/refunds"),
            headers=self._headers,
            json_body=self._body(request),
        )
        made = self._result(self._parsed(WireRefund, answer), request.target)
        self._check(made, request)
        return made

    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {FIELD: self._key(request), **super()._body(request)}


class KeyedPaySandbox(AcmePaySandbox):
    """Keyed Pay on loopback: no header of a request counts for what it is."""

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        key = json.loads(request.body).get(FIELD, "") if request.method == "POST" else ""
        return super().handle(attrs.evolve(request, headers={**request.headers, "idempotency-key": key}))
