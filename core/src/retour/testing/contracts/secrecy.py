"""Secrets stay where they are: whoever reads a key in a log can send the shop's money anywhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from functools import partial

import attrs
import pytest

from retour.providers.errors import ProviderError
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import lacks, needs, outcome, refused, words_of
from retour.testing.contracts.of_settings import shows
from retour.testing.contracts.provider_modules import modules_of

CUSTOMER = "Wilhelmina Roodborst"
"""What stands in a description, and nowhere else."""


@needs("refund_by_api")
def test_no_secret_is_in_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing secret is logged, at any level, when all goes well and when it does not.

    Logs are kept for years, by others, and the key in one opens the account.
    """
    caplog.set_level(logging.DEBUG)
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    for fault in (Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.CUT_AFTER, Fault.NO_JSON_AFTER):
        with account.faults(fault, of=request):
            try:
                provider.refund(request)
            except ProviderError as error:
                logging.getLogger("shop").exception("refund %s: %s", request.refund_id, error)
    made = provider.refund(request)
    for ask in account.questions(provider, payment, request, made.reference).values():
        ask()
    assert caplog.records
    assert shows(account, caplog.text) == []


@needs("refund_by_api")
def test_nothing_of_a_secret_is_printed(account: Account, capfd: pytest.CaptureFixture[str]) -> None:
    """What is printed stands in the log of the server, for whoever keeps that.

    A key in it opens the account to every reader.
    """
    _go_well_and_badly(account)
    printed = "".join(capfd.readouterr())
    assert shows(account, printed) == [], "whoever reads the server's log could send the shop's money anywhere"


@needs("refund_by_api")
def test_what_a_customer_reads_stays_where_it_is(
    account: Account, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The description, and what an answer says of a person, stand in no log, no error and no result.

    Results and errors stand on the timeline for ever, and nobody looks there when a customer wants to be forgotten.
    """
    caplog.set_level(logging.DEBUG)
    told = _go_well_and_badly(account, description=f"Retour voor {CUSTOMER}")
    for number, status in enumerate((200, 201, 400, 422), start=3):
        request = account.request(account.pay(), number=number)
        with account.answers(partial(_about_the_customer, status), of=request):
            told.append(outcome(partial(account.provider().refund, request), f"status {status}"))
    words = "".join(map(words_of, told))
    places = {"the log": caplog.text, "what is printed": "".join(capfd.readouterr()), "results or errors": words}
    assert [place for place, said in places.items() if CUSTOMER in said] == [], (
        "a customer's words would be kept for ever, where nobody can take them out"
    )


@needs("refund_by_api")
def test_a_key_that_was_refused_is_not_quoted(account: Account) -> None:
    """A key that is wrong is told by its field, not by its letters: mostly it is right, and of another account.

    Quoted, it stands on the merchant's screen and in his mails, and opens that account.
    """
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    request = account.request(account.pay())
    wrong = account.provider(given)
    calls: list[Callable[[], object]] = [partial(wrong.refund, request)]
    if not lacks(account.capabilities, "check_settings"):
        calls.append(wrong.check_settings)
    for call in calls:
        error = refused(call, "a wrong secret was used")
        shown = [words_of(error), *traceback.format_exception(error)]
        assert shows(account, "\n".join(shown)) == [], "a key stands on the merchant's screen, and in his mails"


@needs("refund_by_api")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_AFTER, Fault.CUT_AFTER])
def test_no_secret_is_among_the_variables_of_an_error(account: Account, fault: Fault) -> None:
    """The provider's own frames in a traceback have no secret in their variables: error trackers send them along.

    Whoever reads them there can send the shop's money anywhere.
    """
    request = account.request(account.pay())
    provider = account.provider()
    with account.faults(fault, of=request), pytest.raises(ProviderError) as caught:
        provider.refund(request)
    own = {module.__file__ for module in modules_of(account.kind)}
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = [
        f"{frame.name}: {name}"
        for frame in told.stack
        if frame.filename in own
        for name, value in (frame.locals or {}).items()
        if shows(account, value)
    ]
    assert shown == [], "an error tracker would be sent the key: these variables hold it"


@needs("refund_by_api")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_AFTER, Fault.CUT_AFTER, Fault.NO_JSON_AFTER])
def test_no_secret_is_in_an_error(account: Account, fault: Fault) -> None:
    """What an error says, to people and in its traceback, holds no secret.

    Errors are shown, mailed and kept, and the key in one opens the account.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    with account.faults(fault, of=request), pytest.raises(ProviderError) as caught:
        provider.refund(request)
    error = caught.value
    shown = [str(error), repr(error), error.message, error.provider_code, *traceback.format_exception(error)]
    assert shows(account, "\n".join(shown)) == []


@needs("refund_by_api")
def test_no_secret_is_in_an_address(account: Account) -> None:
    """A secret is in a header or a body, never in an address: every machine on the way writes those down.

    Whoever reads it there can send the shop's money anywhere.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    made = provider.refund(request)
    for ask in account.questions(provider, payment, request, made.reference).values():
        ask()
    for sent in account.sandbox.server.requests:
        assert shows(account, "\n".join([sent.path, *sent.query.values()])) == []


def _about_the_customer(status: int, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    """An answer that cannot be read, and has a customer's name in it."""
    del sent, response
    return SandboxResponse(status=status, body={"consumer": {"name": CUSTOMER}, CUSTOMER: 1})


def _go_well_and_badly(account: Account, description: str = "Retour 1001") -> list[object]:
    """Everything that a provider tells of a refund that goes well and of some that do not."""
    payment, other = account.pay(), account.pay()
    request = attrs.evolve(account.request(payment), description=description)
    more = attrs.evolve(account.request(other, account.amount(94_96), number=2), description=description)
    provider = account.provider()
    told: list[object] = []
    for fault in (Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.CUT_AFTER, Fault.NO_JSON_AFTER):
        with account.faults(fault, of=request):
            told.append(outcome(partial(provider.refund, request), f"fault: {fault}"))
    made = provider.refund(request)
    asked = account.questions(provider, payment, request, made.reference)
    calls: list[Callable[[], object]] = [partial(provider.refund, more), *asked.values()]
    return [*told, made, *[outcome(call) for call in calls]]
