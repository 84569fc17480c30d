"""A provider whose payments have several names keeps the rules about names; `names_mistakes` breaks each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from checkout_pay import CheckoutPay, CheckoutPaySandbox

from retour.testing.contracts import (  # noqa: F401 - pytest takes them from here
    account,
    other_account,
    other_payment_sandbox,
    payment_deadline,
    payment_names,
    test_a_name_is_of_its_own_account,
    test_a_name_that_cannot_be_asked_about_is_not_one_that_nobody_has,
    test_a_name_that_the_provider_does_not_have_leads_nowhere,
    test_by_whatever_name_it_is_refunded_it_is_the_same_money,
    test_every_name_of_a_payment_leads_to_all_of_them,
    test_the_answer_about_another_payment_gives_no_names,
    test_the_names_of_a_payment_cost_two_questions_at_most,
)


@pytest.fixture
def payment_provider() -> type[Any]:
    return CheckoutPay


@pytest.fixture
def payment_sandbox() -> Iterator[CheckoutPaySandbox]:
    with CheckoutPaySandbox() as sandbox:
        yield sandbox


def test_no_rule_about_names_is_left_out() -> None:
    assert {name for name in vars(payment_names) if name.startswith("test_")} <= globals().keys()
