"""A provider that signs with SHA-512 keeps the rules about webhooks, and the suite signs as it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from acme_pay import SIGNATURE, AcmePay, AcmePaySandbox, WireEvent

from retour.providers import (
    RawWebhook,
    Secret,
    VerifiedEvents,
    check_signed,
    hmac_sha512,
    read_json,
    read_wire,
    reading_signed,
)
from retour.testing.contracts import (  # noqa: F401 - pytest takes them from here
    account,
    other_account,
    other_payment_sandbox,
    payment_deadline,
    test_a_forged_webhook_says_nothing_of_a_refund,
    test_a_genuine_webhook_is_about_the_payment_that_it_is_about,
    test_a_signature_is_compared_in_a_time_that_tells_nothing,
    test_a_signed_webhook_that_cannot_be_read_is_told_as_such,
    test_a_webhook_of_another_account_is_rejected,
    test_a_webhook_that_is_signed_with_another_secret_is_rejected,
    test_a_webhook_that_is_signed_with_nothing_is_rejected,
)


class LongPay(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        given = webhook.headers.get(SIGNATURE.lower(), "")
        check_signed(webhook.body, [given], self._secrets(), setting="webhook_secret", by=hmac_sha512)
        with reading_signed(webhook.body):
            return VerifiedEvents(events=(self._event(read_wire(WireEvent, read_json(webhook.body))),))


class LongPaySandbox(AcmePaySandbox):
    def _signed(self, body: bytes) -> str:
        return hmac_sha512(body, Secret(str(self.settings["webhook_secret"])))


@pytest.fixture
def payment_provider() -> type[Any]:
    return LongPay


@pytest.fixture
def payment_sandbox() -> Iterator[LongPaySandbox]:
    with LongPaySandbox() as sandbox:
        yield sandbox
