"""What is wrong with a label is told before it is bought, and that question buys nothing."""

from __future__ import annotations

import attrs
import pytest

from retour.providers.errors import Disposition, ProviderError
from retour.sandbox import Fault, SandboxResponse
from retour.testing.contracts.answers import fields
from retour.testing.contracts.any_account import json_of, kept_in, needs, outcome, refused
from retour.testing.contracts.on_the_way import ENOUGH, LATER
from retour.testing.shipping_contracts.making_labels import AT_MOST_A_WORD, NO_SUCH_OPTION
from retour.testing.shipping_contracts.shipping_account import A_WHILE, ShippingAccount


@needs("labels", "validate_label")
def test_what_is_validated_is_not_bought(account: ShippingAccount) -> None:
    """A label that can be bought is let pass, however often it is asked about, and there is none until it is bought.

    The shop would pay for a label with each question, and the customer have two.
    """
    request, provider = account.request(), account.provider()
    for _ in range(2):
        provider.validate_label(request)
    account.sandbox.advance(A_WHILE)
    assert list(account.sandbox.books()) == [], "it was to be validated only, and was bought"
    provider.create_label(request)
    assert len(account.booked(request)) == 1, "our id of the label was used up by the question"


@needs("labels", "validate_label")
def test_what_cannot_be_bought_is_told_before(account: ShippingAccount) -> None:
    """What the provider refuses to sell is refused when it is validated, certainly, and in its own words.

    Else the question is for nothing: staff hear of it when the customer already waits.
    """
    request = attrs.evolve(account.request(), option=NO_SUCH_OPTION)
    answers: list[SandboxResponse] = []
    with account.answers(kept_in(answers), of=request):
        error = refused(lambda: account.provider().validate_label(request), "there is no such service")
    assert error.disposition in (Disposition.FINAL, Disposition.FIX), f"it was refused, and told as {error!r}"
    if answers:
        words = [str(value) for _, value in fields(json_of(answers[-1])) if isinstance(value, str)]
        said = [one for one in words if len(one) > AT_MOST_A_WORD]
        assert not said or any(one in error.message for one in said), (
            f"the merchant reads {error.message!r}, and the provider said {said}"
        )


@needs("labels", "validate_label")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.CUT_AFTER, Fault.NO_JSON_AFTER])
def test_a_question_that_is_not_answered_refuses_no_label(account: ShippingAccount, fault: Fault) -> None:
    """That the provider does not answer just now, or in nobody's words, is told as what passes, and never as a refusal.

    No label would be sold for as long as a question is broken that need not be asked.
    """
    request = account.request()
    with account.faults(*[fault] * ENOUGH, of=request):
        told = outcome(lambda: account.provider().validate_label(request), f"fault: {fault}")
    if isinstance(told, ProviderError):  # what is no JSON may be no matter where nothing is read
        assert told.disposition in LATER, f"fault: {fault}, and it was told as {told!r}"
    assert list(account.sandbox.books()) == []
