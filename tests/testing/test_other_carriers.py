"""Sound carriers of other kinds keep the rules in which they differ: no rule asks for a carrier like Small Post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from other_carriers import AtOncePost, AtOncePostSandbox, ForgetfulPost, ForgetfulPostSandbox

from retour.testing.shipping_contracts import (  # the rules and their fixtures
    account,
    label_option,
    label_route,
    other_account,
    other_shipping_sandbox,
    shipping_deadline,
    test_a_document_is_of_its_own_label,
    test_a_label_costs_what_was_offered,
    test_a_label_is_cancelled_before_it_is_used,
    test_a_label_is_cancelled_once,
    test_a_label_is_made_once,
    test_a_label_is_told_as_the_books_have_it,
    test_a_label_that_is_not_announced_has_no_document,
    test_a_label_that_is_used_while_it_is_cancelled_was_used,
    test_a_label_that_was_used_is_not_cancelled,
    test_a_question_that_is_not_answered_decides_nothing,
    test_a_refusal_says_why_and_buys_nothing,
    test_a_silent_answer_holds_up_no_other_call,
    test_after_a_fault_the_error_tells_the_truth_about_a_cancellation,
    test_after_a_fault_there_is_one_label_in_the_end,
    test_all_shipments_of_an_order_are_listed_and_none_of_another,
    test_the_document_is_shown_again,
    test_the_document_is_what_it_is_called,
    test_what_is_no_document_is_not_shown_as_one,
    test_what_the_carrier_refuses_is_told_in_its_words,
)

CARRIERS = {"at once": (AtOncePost, AtOncePostSandbox), "forgetful": (ForgetfulPost, ForgetfulPostSandbox)}


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest) -> tuple[type[Any], type[Any]]:
    return CARRIERS[request.param]


@pytest.fixture
def shipping_provider(carrier: tuple[type[Any], type[Any]]) -> type[Any]:
    return carrier[0]


@pytest.fixture
def shipping_sandbox(carrier: tuple[type[Any], type[Any]]) -> Iterator[Any]:
    with carrier[1]() as sandbox:
        yield sandbox
