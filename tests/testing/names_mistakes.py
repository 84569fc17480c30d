"""Checkout Pay with one fault each: what goes wrong where a payment has several names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import broken_providers
from checkout_pay import CheckoutPay, CheckoutPaySandbox
from notify_mistakes import BROKEN

from retour.providers import ErrorCode, Payment, ProviderError, Refundable

__all__ = ["BROKEN"]  # the whole table: its own and those of Acme Pay and Notify Pay


def breaks(*tests: str) -> Callable[[type[Any]], type[Any]]:
    return broken_providers.breaks(*tests, sandbox=CheckoutPaySandbox)


@breaks("test_every_name_of_a_payment_leads_to_all_of_them")
class TellsTheNameThatItWasAskedBy(CheckoutPay):
    """The webhook's name is what the core knew before."""

    def payment_names(self, name: str) -> Sequence[str]:
        return [name] if super().payment_names(name) else ()


@breaks("test_every_name_of_a_payment_leads_to_all_of_them")
class ForgetsTheCheckoutOfAPayment(CheckoutPay):
    """It resolves what a shop stored, and not what a webhook says: the wrong way round."""

    def payment_names(self, name: str) -> Sequence[str]:
        told = super().payment_names(name)
        return told if name.startswith("co_") else told[:1]


@breaks("test_every_name_of_a_payment_leads_to_all_of_them")
class TellsTheNamesOfAllThatItWasAsked(CheckoutPay):
    """A list that is kept between two questions."""

    kept: ClassVar[list[str]] = []

    def payment_names(self, name: str) -> Sequence[str]:
        told = super().payment_names(name)
        if told:
            self.kept.extend(told)
        return list(dict.fromkeys(self.kept)) if told else ()


@breaks("test_the_names_of_a_payment_cost_two_questions_at_most")
class AsksAgainByEachName(CheckoutPay):
    """Until there is nothing new, to be sure."""

    def payment_names(self, name: str) -> Sequence[str]:
        told = super().payment_names(name)
        return list(dict.fromkeys([one for other in told for one in super(AsksAgainByEachName, self)._names(other)]))


@breaks("test_a_name_that_the_provider_does_not_have_leads_nowhere")
class TakesAnUnknownNameForItsOwn(CheckoutPay):
    def payment_names(self, name: str) -> Sequence[str]:
        return super().payment_names(name) or [name]


@breaks("test_a_name_that_the_provider_does_not_have_leads_nowhere")
class TellsAnUnknownNameAsAnError(CheckoutPay):
    """As its `refundable` does, where that is right."""

    def payment_names(self, name: str) -> Sequence[str]:
        return self._names(name)


@breaks(
    "test_a_name_that_cannot_be_asked_about_is_not_one_that_nobody_has",
    "test_a_method_raises_provider_errors_and_nothing_else",
)
class TakesEveryErrorForAnUnknownName(CheckoutPay):
    """Every webhook of a bad minute is forgotten."""

    def payment_names(self, name: str) -> Sequence[str]:
        try:
            return self._names(name)
        except ProviderError:
            return ()


@breaks("test_a_name_that_cannot_be_asked_about_is_not_one_that_nobody_has")
class BelievesAnybodyThatANameIsUnknown(CheckoutPay):
    """A gateway's 404, while the provider has it."""

    def payment_names(self, name: str) -> Sequence[str]:
        try:
            return super().payment_names(name)
        except ProviderError as error:
            if error.http_status == 404:
                return ()
            raise


@breaks("test_a_name_that_cannot_be_asked_about_is_not_one_that_nobody_has")
class TellsABadSecondAsASettingThatIsWrong(CheckoutPay):
    """Nobody asks again until somebody has mended what is not broken."""

    def payment_names(self, name: str) -> Sequence[str]:
        try:
            return super().payment_names(name)
        except ProviderError as error:
            raise ProviderError(ErrorCode.CONFIGURATION, error.message) from None


@breaks("test_the_answer_about_another_payment_gives_no_names")
class TakesWhateverNamesComeBack(CheckoutPay):
    """A cache on the way gives the answer to the question before."""

    def _about(self, what: str, *, asked: str, found: str) -> None: ...


@breaks("test_a_name_is_of_its_own_account")
class KeepsTheNamesForEveryAccount(CheckoutPay):
    """Names do not change, so they are kept: for all shops of the process."""

    kept: ClassVar[dict[str, Sequence[str]]] = {}

    def payment_names(self, name: str) -> Sequence[str]:
        if name not in self.kept:
            told = super().payment_names(name)
            if not told:
                return ()
            self.kept[name] = told
        return self.kept[name]


@breaks("test_by_whatever_name_it_is_refunded_it_is_the_same_money")
class CountsWhatIsLeftByName(CheckoutPay):
    """What went back by the checkout is not counted on the payment."""

    def refundable(self, payment: Payment) -> Refundable:
        if payment.reference.startswith("co_"):
            return Refundable(target=self._payment(payment.reference), remaining=payment.captured)
        return super().refundable(payment)


@breaks("test_by_whatever_name_it_is_refunded_it_is_the_same_money")
class RefundsTheCheckoutItself(CheckoutPay):
    """The provider refunds payments only: a shop that stored checkouts refunds nothing."""

    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        return Refundable(target=payment.reference, remaining=found.remaining, possible=found.possible)
