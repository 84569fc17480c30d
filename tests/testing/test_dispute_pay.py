"""A provider whose payments a bank can take back keeps the rules about that; `charge_back_mistakes` breaks each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dispute_pay import DisputePay, DisputePaySandbox

from retour.testing.contracts import (  # noqa: F401 - pytest takes them from here
    account,
    charge_backs,
    other_account,
    other_payment_sandbox,
    payment_deadline,
    test_a_webhook_about_a_charge_back_leads_to_its_payment,
    test_of_a_part_that_a_bank_took_back_that_part_is_told,
    test_the_answer_about_another_payment_gives_no_charge_back,
    test_what_a_bank_gave_back_is_told_as_given_back_and_can_be_refunded,
    test_what_a_bank_took_back_is_refused_when_it_is_refunded_all_the_same,
    test_what_a_bank_took_back_is_told_and_cannot_be_refunded,
    test_what_a_bank_took_is_not_told_as_nothing_where_it_cannot_be_read,
    test_what_a_bank_took_of_one_payment_is_not_told_of_another,
    test_what_was_refunded_before_is_not_told_as_charged_back,
)


@pytest.fixture
def payment_provider() -> type[Any]:
    return DisputePay


@pytest.fixture
def payment_sandbox() -> Iterator[DisputePaySandbox]:
    with DisputePaySandbox() as sandbox:
        yield sandbox


def test_no_rule_about_charge_backs_is_left_out() -> None:
    assert {name for name in vars(charge_backs) if name.startswith("test_")} <= globals().keys()
