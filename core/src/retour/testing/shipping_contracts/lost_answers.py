"""What goes wrong between us and the provider: what is told of it decides whether a label is bought twice or never."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs
import pytest

from retour.model.labels import Told
from retour.providers.contract import MakesLabels
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import Answer, ProviderSession
from retour.providers.label_request import LabelDocument, LabelRequest, Shipment
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.answers import BODIES, STATUSES, changed_at, mistakes
from retour.testing.contracts.any_account import PATIENT, json_of, kept_in, lacks, needs, outcome, refused, replaced_by
from retour.testing.contracts.in_threads import within
from retour.testing.contracts.on_the_way import ENOUGH, LATER, ODD_WAITS, UNREADABLE_READS
from retour.testing.shipping_contracts.making_labels import NO_SUCH_OPTION
from retour.testing.shipping_contracts.shipping_account import A_WHILE, Made, ShippingAccount, sent_since

_HELD_BACK = (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)


@needs("labels")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_error_tells_the_truth_about_the_label(account: ShippingAccount, fault: Fault) -> None:
    """Whatever happens to a label on its way, "certainly not made" is only said if it was not, and a bad moment never
    ends it.

    A label that was bought and is told as refused is bought again; that is the most expensive lie there is here.
    """
    request = account.request()
    provider = _waiting(account, fault)
    with account.faults(fault, of=request):
        error = _within(account, fault, partial(provider.create_label, request))
    done = len(account.booked(request))
    assert done == ("after" in fault.value), "the sandbox does not do what the fault says"
    assert len(account.sent(request)) == 1, "a label was asked for again by the provider itself; only the core may"
    assert error.disposition in LATER, "the same request would succeed in a moment"
    if done:
        assert error.disposition is Disposition.RECONCILE, f"a second label would be bought: told as {error!r}"
    if fault is Fault.REFUSED_429:
        assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)


@needs("labels")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_there_is_one_label_in_the_end(account: ShippingAccount, fault: Fault) -> None:
    """After a lost answer the label is found, or asked for again as the same one: never a second in the books.

    A second one is the merchant's loss, and none is the customer's, who stands there with his parcel.
    """
    request = account.request()
    provider = _waiting(account, fault)
    with account.faults(fault, of=request):
        error = _within(account, fault, partial(provider.create_label, request))
    account.sandbox.advance(A_WHILE)
    found = _recovered(account, request, error)
    made = account.booked(request)
    assert len(made) <= 1, "a label was bought twice"
    if found is None:
        assert not made or "after" in fault.value, "it was not asked for again, and is there"
    else:
        [booked] = made
        theirs = {booked.reference, booked.parcel, found.tracking_number}
        assert {*found.names, found.label_id} & {*theirs, request.label_id}, "another label was taken for ours"
        assert found.order_id in ("", request.order_id)


def _recovered(account: ShippingAccount, request: LabelRequest, error: ProviderError) -> Shipment | None:
    """What the core does after an error: ask by our id, then send the same request again if it may, then look among the
    order's shipments. None where a person would look."""
    provider, declared = account.provider(), account.capabilities
    if error.disposition is not Disposition.RECONCILE:
        return provider.create_label(request)
    if not lacks(declared, "find_shipment"):
        found = provider.find_shipment(request)
        if found is not None or not (declared.refuses_repeats or declared.lookup_complete_after is not None):
            assert found is not None, "a label is there, or may be, and nobody finds it: a person has to look"
            return found
        account.sandbox.advance(declared.lookup_complete_after or datetime.timedelta(0))
        return provider.create_label(request)
    if declared.refuses_repeats:
        told = outcome(partial(provider.create_label, request), "asked for again after a lost answer")
        if not isinstance(told, ProviderError):
            return told
        assert told.code is ErrorCode.ALREADY_MADE, f"a label is there, and it was told as {told!r}"
    if lacks(declared, "list_shipments"):
        return None
    listed = provider.list_shipments(request.order_id, account.since)
    there = len(account.booked(request))
    assert len(listed) == there, f"of this order there are {there} labels, and {len(listed)} are told"
    return listed[0] if listed else None


@needs("labels", "cancel_label")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_error_tells_the_truth_about_a_cancellation(account: ShippingAccount, fault: Fault) -> None:
    """Whatever happens to a cancellation on its way, nothing is told that is not so: no end of it in a bad moment, and
    no "cancelled" before the carrier has it so.

    Staff order another label for the customer, and the first one is used and charged as well.
    """
    made = account.made()
    provider = _waiting(account, fault)
    account.sandbox.server.faults.clear()
    with account.faults():
        account.sandbox.server.faulty = lambda sent: sent.method != "GET"
        account.sandbox.server.faults.append(fault)
        told = within(
            account.deadline + PATIENT,
            lambda: outcome(partial(provider.cancel_label, *made.names), f"fault: {fault}"),
            f"one answer that does not come would hold a worker for ever: {fault}",
        )
    [booked] = account.booked(made.request)
    asked = booked.told in (Told.CANCELLING, Told.CANCELLED)
    assert asked == ("after" in fault.value), "the sandbox does not do what the fault says"
    if isinstance(told, ProviderError):
        assert told.disposition in LATER, f"it would succeed in a moment, and was told as {told!r}"
        assert not asked or told.disposition is Disposition.RECONCILE, f"it may be cancelled, and was told as {told!r}"
    else:
        assert told.told is booked.told, f"the carrier has it as {booked.told}, and it is told as {told.told}"
    account.provider().cancel_label(*made.names)
    account.sandbox.advance(A_WHILE)
    assert account.now(made).told is Told.CANCELLED, "nobody can take the label back any more"


@needs("labels")
def test_the_wait_that_a_429_asks_for_is_told(account: ShippingAccount) -> None:
    """A refusal of one request too many is certainly not done, and says how long to wait where the provider does.

    Who asks again at once is shut out for longer, and the labels of a whole morning wait behind it.
    """
    request = account.request()
    with _too_many(account, request, "7"):
        error = refused(lambda: account.provider().create_label(request), "status 429")
    assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)
    assert error.not_before is not None, "Retry-After: 7, and no wait is told"
    assert datetime.timedelta(seconds=7) <= error.not_before <= datetime.timedelta(days=1)
    for odd in ODD_WAITS:
        with _too_many(account, request, odd):
            error = refused(lambda: account.provider().create_label(request), f"status 429, Retry-After: {odd}")
        assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)
        assert error.not_before is None or error.not_before <= datetime.timedelta(days=732)
    assert account.booked(request) == []


@needs("labels")
@pytest.mark.parametrize("status", STATUSES)
def test_what_is_not_the_providers_own_proves_nothing(account: ShippingAccount, status: int) -> None:
    """An answer that is in nobody's words, or in others', says nothing of the label: it may be there.

    A gateway gives it for a provider that did the work; believed, the label is bought again.
    """
    option = account.option()
    for number, body in enumerate(BODIES.values(), start=1):
        request = account.request(number, option)
        answer = SandboxResponse(status=status, body=body)
        with account.answers(replaced_by(answer), of=request):
            error = refused(
                lambda: account.provider().create_label(request),  # noqa: B023 - called at once
                f"status {status}, not in its words: {body[:60]!r}",
            )
        assert error.disposition is Disposition.RECONCILE, f"a label is there, and {status} was told as {error!r}"


@needs("labels")
@pytest.mark.parametrize("status", [500, 501, 503, 504])
def test_a_failure_of_the_provider_is_unclear_whatever_it_says(account: ShippingAccount, status: int) -> None:
    """A 5xx is unclear also where it has the words of a refusal in it: the provider failed, perhaps after its work.

    A label that is there is told as refused, and bought again.
    """
    refusal: list[SandboxResponse] = []
    wrong = account.request(9, attrs.evolve(account.option(), code=NO_SUCH_OPTION))
    with account.answers(kept_in(refusal), of=wrong):
        refused(lambda: account.provider().create_label(wrong), "there is no such service")
    request = account.request(1)
    body = refusal[-1].body if refusal else b""
    with account.answers(replaced_by(SandboxResponse(status=status, body=body)), of=request):
        error = refused(lambda: account.provider().create_label(request), f"status {status}")
    assert error.disposition is Disposition.RECONCILE, f"a label is there, and {status} was told as {error!r}"


@needs("labels")
def test_a_field_that_is_missing_or_mistyped_is_never_guessed(account: ShippingAccount) -> None:
    """With any one field of its answer missing or of another type, a new label is unclear, or told as it is: with its
    own name, and never as more than it was.

    A label under another name cannot be taken back, and one that is told as ready has nothing to print.
    """
    account.sandbox.hold()
    seen: list[SandboxResponse] = []
    first = account.request(1)
    with account.answers(kept_in(seen), of=first):
        account.provider().create_label(first)
    for number, (path, other) in enumerate(list(mistakes(json_of(seen[0]))), start=2):
        request = account.request(number)
        change = partial(_changed, path, other)
        with account.answers(change, of=request):
            told = outcome(
                lambda: account.provider().create_label(request),  # noqa: B023 - called at once
                f"{path} is missing or of another type",
            )
        [booked] = account.booked(request)
        said = f"{path} is missing or of another type ({other!r}), and that was told as {told!r}"
        if isinstance(told, ProviderError):
            assert told.disposition is Disposition.RECONCILE, said
        else:
            assert told.reference in ("", booked.reference), said
            assert told.parcel in ("", booked.parcel), said
            assert told.told in (booked.told, Told.ANNOUNCING, Told.REFUSED), said


def _changed(path: Any, other: object, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    del sent
    return SandboxResponse(status=response.status, body=changed_at(json_of(response), path, other))


@needs("labels")
@pytest.mark.parametrize("fault", UNREADABLE_READS)
def test_a_question_that_is_not_answered_decides_nothing(account: ShippingAccount, fault: Fault) -> None:
    """A label, its document, its parcel or a list that cannot be read just now is asked for again: nothing is over,
    nothing is "not there", and nobody has to mend anything.

    "Not found" buys a second label, and a list that seems empty hides what the customer made in the portal.
    """
    made = account.made()
    provider = account.provider()
    for method, ask in account.questions(provider, made).items():
        first = ask()  # what was told before is no answer to what is asked now
        if isinstance(first, LabelDocument) and first.once:
            continue  # and nothing else can be asked of it
        with account.faults(*[fault] * ENOUGH):
            error = refused(ask, f"{method}, fault: {fault}")
        assert error.disposition in LATER, f"{method}, fault: {fault}, and it was told as {error!r}"
        ask()


@needs("labels")
def test_a_closed_port_is_certainly_not_sent(account: ShippingAccount) -> None:
    """Where no connection came about, the label was not asked for and is asked for later, by itself.

    Told as unclear, each label of a morning without a network waits for a person.
    """
    request = account.request()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        given = {
            name: address if value == account.sandbox.url else value for name, value in account.sandbox.settings.items()
        }
        if given == account.sandbox.settings:
            pytest.skip(f"the settings of {account.kind.name} do not say where it is")
        error = refused(lambda: account.provider(given).create_label(request), "nobody listens there")
    assert (error.code, error.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)


@needs("labels")
def test_a_redirect_of_a_label_is_not_followed(account: ShippingAccount) -> None:
    """A request that is sent elsewhere is an error and is not a refusal: it is not repeated at the other address.

    A followed redirect shows the key and the customer's address to whoever stands in the way.
    """
    for number, status in enumerate((301, 302, 303, 307, 308), start=1):
        request = account.request(number)
        elsewhere = SandboxResponse(status=status, headers={"Location": f"{account.sandbox.url}/elsewhere"})
        with account.answers(replaced_by(elsewhere), of=request):
            error = refused(lambda: account.provider().create_label(request), f"status {status}")  # noqa: B023
        assert error.disposition is Disposition.RECONCILE
        assert len(account.sent(request)) == 1
    assert "/elsewhere" not in [sent.path for sent in account.sandbox.server.requests]


class _Counting(ProviderSession):
    """A session that counts its calls."""

    def __init__(self) -> None:
        super().__init__(deadline=PATIENT)
        self.calls = 0

    def read(self, url: str, **more: Any) -> Answer:
        self.calls += 1
        return super().read(url, **more)

    def write(self, method: str, url: str, **more: Any) -> Answer:
        self.calls += 1
        return super().write(method, url, **more)


@needs("labels")
def test_every_call_goes_through_the_session_of_the_core(account: ShippingAccount) -> None:
    """Nothing is asked past the session that the provider is made with.

    It has the deadline, follows no redirect and masks what is secret; past it, one silent answer holds up every label.
    """
    request = account.request()
    began = len(account.sandbox.server.requests)
    http = _Counting()
    provider = account.provider(http=http)
    made = Made(request=request, shipment=provider.create_label(request))
    account.sandbox.advance(A_WHILE)
    for ask in account.questions(provider, made).values():
        ask()
    if not lacks(account.capabilities, "cancel_label"):
        provider.cancel_label(*made.names)
    assert len(sent_since(account, began)) == http.calls, "a call went past the session of the core"


def _waiting(account: ShippingAccount, fault: Fault) -> MakesLabels:
    """A provider that gives up soon where the answer is held back, and else has time, on a slow machine too."""
    return account.provider(deadline=account.deadline) if fault in _HELD_BACK else account.provider()


def _within(account: ShippingAccount, fault: Fault, call: Any) -> ProviderError:
    """The error of a call that goes wrong, in time."""
    return within(
        account.deadline + PATIENT,
        lambda: refused(call, f"fault: {fault}"),
        f"one answer that does not come would hold a worker for ever: {fault}, and the provider waits on",
    )


@contextmanager
def _too_many(account: ShippingAccount, request: LabelRequest, wait: str) -> Iterator[None]:
    """A label is refused as one request too many, with ``wait`` in ``Retry-After``, before anything is done."""
    server = account.sandbox.server
    handle = server.handle

    def refuse(sent: SandboxRequest) -> SandboxResponse:
        if not account.carries(sent, request):
            return handle(sent)
        return SandboxResponse(status=429, body=server.error_bodies.get(429, {}), headers={"Retry-After": wait})

    server.handle = refuse
    try:
        yield
    finally:
        server.handle = handle
