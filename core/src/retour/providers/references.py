"""What a reference leads to: it becomes a part of an address or nothing, and an answer is about it or not believed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult

_T = TypeVar("_T")

_WRITTEN_AS_IT_IS = r"(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,255}"
"""What needs no percent in a path and leads nowhere else (RFC 3986, 2.3 and 5.2.4)."""

_SHOWN = 100
"""Characters of a reference that are shown: a person may have pasted anything."""


def segment(reference: str, shape: re.Pattern[str], *, what: str, code: ErrorCode = ErrorCode.UNKNOWN_PAYMENT) -> str:
    """A reference as one segment of a path, where it has the whole ``shape`` of the provider's ids.

    Raises `ProviderError` for any other, since the provider can have none of that name, and nothing is asked; its
    ``code`` is `ErrorCode.UNKNOWN_SHIPMENT` of a label. ``what`` says what it should be. Even a shape that lets too
    much through lets nothing through that has another meaning in an address.

    >>> segment("ap_12", re.compile("ap_[0-9]+"), what="payment of Acme Pay, which begins with ap_")
    'ap_12'
    >>> segment("ap_12/../ap_7", re.compile("ap_.+"), what="payment of Acme Pay, which begins with ap_")
    Traceback (most recent call last):
    retour.providers.errors.ProviderError: unknown_payment: ap_12/../ap_7 is no payment of Acme Pay, which begins ...
    """
    if shape.fullmatch(reference) and re.fullmatch(_WRITTEN_AS_IT_IS, reference):
        return reference
    raise ProviderError(code, f"{reference[:_SHOWN]} is no {what}")


def unless_unknown(ask: Callable[[], _T]) -> _T | None:
    """What ``ask`` answers; None where that is refused because the provider certainly has nothing of that name: it has
    another shape than `segment` takes, or the provider says so in its own words (`refusal`).

    Whatever else goes wrong proves nothing of a name, and is raised.

    >>> def ask():
    ...     raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, "no such payment")
    >>> unless_unknown(ask) is None
    True
    >>> unless_unknown(lambda: ["tr_1", "ord_1"])
    ['tr_1', 'ord_1']
    """
    try:
        return ask()
    except ProviderError as error:
        if error.code is not ErrorCode.UNKNOWN_PAYMENT:
            raise
    return None


def refuse_another(what: str, *, asked: str, found: str | Collection[str]) -> None:
    """Raise `ProviderError` (unreadable answer) unless an answer is about the payment or refund that was asked about.

    A cache or a proxy between us can give the answer to another question; believed, it moves another customer's money.
    ``what`` is "payment", "refund" or "label", ``found`` the id in the answer, or all that name the same thing.

    >>> refuse_another("payment", asked="tr_1", found="tr_1")
    >>> refuse_another("payment", asked="tr_1", found="tr_2")
    Traceback (most recent call last):
    ...
    retour.providers.errors.ProviderError: unreadable_answer: the answer is about another payment than tr_1: tr_2
    """
    names = (found,) if isinstance(found, str) else tuple(found)
    if asked not in names:
        told = ", ".join([name[:_SHOWN] for name in names]) or "it names none"
        raise ProviderError(
            ErrorCode.UNREADABLE_ANSWER, f"the answer is about another {what} than {asked[:_SHOWN]}: {told}"
        )


def refuse_another_refund(made: RefundResult, request: RefundRequest) -> None:
    """Raise `ProviderError` (unreadable answer) unless ``made`` is the refund of ``request``: it carries our id, is on
    what was asked for where that is said, and its amount is.

    >>> from retour.providers import Money, RefundStatus
    >>> ten = Money.of("10.00", "EUR")
    >>> asked = RefundRequest(
    ...     refund_id="rf-1", key="k-1", order_id="1001", target="tr_1", amount=ten, description="Order 1001"
    ... )
    >>> made = RefundResult(
    ...     reference="re_1", target="tr_1", refund_id="rf-1", amount=ten,
    ...     status=RefundStatus.PENDING, provider_status="queued",
    ... )
    >>> refuse_another_refund(made, asked)
    """
    if made.refund_id != request.refund_id:
        raise ProviderError(
            ErrorCode.UNREADABLE_ANSWER, f"the answer is about another refund than ours: {made.reference}"
        )
    if made.target not in ("", request.target):
        refuse_another("payment", asked=request.target, found=made.target)
    if made.amount != request.amount:
        raise ProviderError(
            ErrorCode.UNREADABLE_ANSWER,
            f"refund {made.reference} is of {made.amount}, and {request.amount} was asked for",
        )
