"""A provider that has the key of a request in the body keeps the rules of one that has it in a header."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from keyed_pay import KeyedPay, KeyedPaySandbox

from retour import in_words
from retour.providers import Idempotency
from retour.testing.contracts import (  # noqa: F401 - pytest takes them from here
    account,
    other_account,
    other_payment_sandbox,
    payment_deadline,
    test_a_key_is_known_for_as_long_as_is_declared,
    test_a_key_that_was_used_for_another_amount_makes_no_second_refund,
    test_a_lost_refund_is_found_when_its_key_is_forgotten,
    test_the_declared_facts_can_be_true,
    test_the_key_of_a_refund_is_where_it_is_declared,
    test_the_same_request_is_the_same_bytes,
    test_the_same_request_twice_is_one_refund,
    test_threads_that_send_one_refund_make_it_once,
    test_two_refunds_of_one_amount_are_two_refunds,
)


@pytest.fixture
def payment_provider() -> type[Any]:
    return KeyedPay


@pytest.fixture
def payment_sandbox() -> Iterator[KeyedPaySandbox]:
    with KeyedPaySandbox() as sandbox:
        yield sandbox


def test_people_read_what_the_key_stands_in() -> None:
    assert in_words(KeyedPay.capabilities.idempotency, "nl") == "idempotency_key, 24 uur"


def test_a_key_has_one_place() -> None:
    with pytest.raises(ValueError, match="in the header Key or in the field key"):
        Idempotency(header="Key", field="key", window=datetime.timedelta(hours=1))
