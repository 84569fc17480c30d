"""Mollie's next-gen webhooks keep the rules that are about signatures, which its classic ones do not have."""

from collections.abc import Iterator

import pytest

from retour.testing.contracts import (
    account,
    other_account,
    other_payment_sandbox,
    payment_deadline,
    payment_provider,
    test_a_rejection_does_not_help_the_forger,
    test_a_signature_is_compared_in_a_time_that_tells_nothing,
    test_a_signed_webhook_that_lacks_a_field_is_never_guessed,
    test_a_webhook_never_says_more_than_the_books,
    test_a_webhook_of_another_account_is_rejected,
    test_a_webhook_of_the_other_mode_says_nothing,
    test_a_webhook_that_is_signed_with_another_secret_is_rejected,
    test_a_webhook_that_is_signed_with_nothing_is_rejected,
    test_a_webhook_with_an_unknown_status_is_pending,
    test_an_amount_in_a_webhook_is_exact_in_every_currency,
    test_each_of_several_secrets_counts,
    test_the_same_webhook_twice_is_the_same_event,
)
from retour_mollie.sandbox import MollieSandbox


@pytest.fixture
def payment_sandbox() -> Iterator[MollieSandbox]:
    with MollieSandbox() as sandbox:
        sandbox.subscribe()
        yield sandbox
