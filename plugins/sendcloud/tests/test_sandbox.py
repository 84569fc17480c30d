"""The sandbox by itself: what customers, carriers and time do there."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from retour.providers import LabelForm, LabelRequest, Money, ParcelState, ProviderError, Told
from retour.sandbox import HasPortal, SandboxClock, ShippingSandbox, sandbox_at
from retour_sendcloud import sandbox_documents
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox

MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


def test_it_is_the_sandbox_that_the_provider_names() -> None:
    assert sandbox_at(Sendcloud.sandbox) is SendcloudSandbox
    kept: type[ShippingSandbox] = SendcloudSandbox
    assert issubclass(kept, HasPortal)


def test_its_settings_are_json(sandbox: SendcloudSandbox) -> None:
    assert json.loads(json.dumps(sandbox.settings)) == sandbox.settings


def test_its_clock_stands_still_or_runs() -> None:
    with SendcloudSandbox(clock=SandboxClock(runs=True)) as sandbox:
        assert sandbox.clock.now() < sandbox.clock.now()


def test_nothing_goes_on_while_it_is_held(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    sandbox.hold()
    sendcloud.create_label(request_for())
    sandbox.advance(DAY)
    assert sandbox.books()[0].told is Told.ANNOUNCING
    sandbox.release()
    assert sandbox.books()[0].told is Told.READY


class _NeverWalkedThrough(dict[int, Any]):
    """A mapping that is asked for one, and never for all."""

    def _all(self) -> NoReturn:
        raise AssertionError("every return is looked at for one")

    __iter__ = __reversed__ = values = items = keys = _all  # type: ignore[assignment]  # it gives nothing, and raises


def test_what_a_return_costs_does_not_grow_with_those_before(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    sandbox.returns.made = _NeverWalkedThrough()
    for number in range(3):
        sandbox.send(f"{number}", postal_code="1012 JS")
        made = sandbox.return_in_portal(f"{number}", {"mug": 1})
        sandbox.advance(MINUTE)
        sandbox.deliver(made)
        assert [label.reference for label in sandbox.books(f"{number}")] == [made]
    label = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    assert sandbox.returns.of(label.reference).told is Told.READY
    sendcloud.cancel_label(label.reference, label.parcel)
    sandbox.advance(DAY)
    assert sandbox.returns.of(label.reference).told is Told.CANCELLED
    assert not sandbox.returns.waiting


def test_no_carrier_can_have_a_parcel_whose_label_is_not_announced_or_is_cancelled(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    made = sendcloud.create_label(request_for())
    for move in (sandbox.scan, sandbox.deliver, sandbox.lose, sandbox.send_back):
        with pytest.raises(ValueError, match=r"label of return .* cannot be used, so no carrier can have its parcel"):
            move(made.reference)
    sandbox.advance(MINUTE)
    sendcloud.cancel_label(made.reference, made.parcel)
    sandbox.advance(DAY)
    with pytest.raises(ValueError, match=r"label of return .* cannot be used, so no carrier can have its parcel"):
        sandbox.scan(made.reference)


@pytest.mark.parametrize("label", ["", "x", "1"])
def test_a_label_that_is_not_there_is_told(sandbox: SendcloudSandbox, label: str) -> None:
    with pytest.raises(ValueError, match="There is no return"):
        sandbox.scan(label)


def test_a_return_in_the_portal_needs_a_parcel_that_was_sent(sandbox: SendcloudSandbox) -> None:
    with pytest.raises(ValueError, match="No parcel of order 1001 was sent"):
        sandbox.return_in_portal("1001", {"teapot": 1})


def test_the_ledger_says_what_was_paid_and_given_back(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    cancelled = sendcloud.create_label(request_for(1))
    used = sendcloud.create_label(request_for(2))
    sandbox.refuse("No capacity")
    sendcloud.create_label(request_for(3))
    sandbox.advance(MINUTE)
    sendcloud.cancel_label(cancelled.reference, "")
    sandbox.scan(used.reference)
    sandbox.advance(DAY)
    assert [(charge.reference, str(charge.amount)) for charge in sandbox.ledger] == [
        (cancelled.reference, "EUR 5.45"),
        (used.reference, "EUR 5.45"),
        (cancelled.reference, "EUR -5.45"),
    ]
    assert [(one.told, one.charged.minor) for one in sandbox.books("1001")] == [
        (Told.CANCELLED, 0),
        (Told.READY, 545),
        (Told.REFUSED, 0),
    ]
    assert sandbox.books("1002") == []


def test_a_portal_return_is_in_the_books_too(sandbox: SendcloudSandbox) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    label = sandbox.return_in_portal("1001", {"teapot": 1})
    sandbox.advance(MINUTE)
    sandbox.deliver(label)
    [booked] = sandbox.books()
    assert (booked.reference, booked.label_id, booked.progress) == (label, "", ParcelState.DELIVERED)
    assert booked.charged == Money.of("5.45", "EUR")


def test_without_the_packages_that_draw_it_says_which_to_install(
    sandbox: SendcloudSandbox,
    sendcloud: Sendcloud,
    request_for: Callable[..., LabelRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    monkeypatch.setitem(sys.modules, "reportlab.graphics", None)
    printed = sandbox_documents.Printed(
        carrier="x", sender=(), recipient=(), tracking_number="1", order_number="1", reference="", grams=1
    )
    with pytest.raises(sandbox_documents.NoPrinter, match=r"pip install retour-sendcloud\[sandbox\]"):
        sandbox_documents.label_pdf(printed)
    with pytest.raises(ProviderError):
        sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)
