"""Secrets stay where they are, and so does where a customer lives: a label has both beside it."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from functools import partial

import attrs
import pytest

from retour.providers.errors import ProviderError
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.any_account import lacks, needs, outcome, refused, words_of
from retour.testing.contracts.of_settings import shows
from retour.testing.contracts.provider_modules import modules_of
from retour.testing.shipping_contracts.shipping_account import A_WHILE, Made, ShippingAccount

FAULTS = (Fault.REFUSED_429, Fault.ERROR_500_AFTER, Fault.CUT_AFTER, Fault.NO_JSON_AFTER)


def _go_well_and_badly(account: ShippingAccount) -> list[object]:
    """Everything that a provider tells, and raises, of labels that go well and of some that do not."""
    provider = account.provider()
    told: list[object] = []
    for number, fault in enumerate(FAULTS, start=1):
        request = account.request(number)
        with account.faults(fault, of=request):
            told.append(outcome(partial(provider.create_label, request), f"fault: {fault}"))
    for number, status in enumerate((200, 201, 400, 409, 422), start=11):
        request = account.request(number)
        with account.answers(partial(_about_the_customer, account, status), of=request):
            told.append(outcome(partial(provider.create_label, request), f"status {status}"))
    wrong = attrs.evolve(account.request(21), option="no-such-service")
    told.append(outcome(partial(provider.create_label, wrong), "refused"))
    request = account.request(22)
    made = Made(request=request, shipment=provider.create_label(request))
    account.sandbox.advance(A_WHILE)
    told.append(made.shipment)
    told += [outcome(ask, method) for method, ask in account.questions(provider, made).items()]
    if not lacks(account.capabilities, "cancel_label"):
        told.append(outcome(partial(provider.cancel_label, *made.names)))
    return [*told, provider]


def _about_the_customer(
    account: ShippingAccount, status: int, sent: SandboxRequest, response: SandboxResponse
) -> SandboxResponse:
    """An answer that cannot be read, and has a customer's name in it."""
    del sent, response
    name = account.sender.name
    return SandboxResponse(status=status, body={"customer": {"name": name}, name: 1})


def _all_words(told: list[object]) -> str:
    """What is told, and the tracebacks of what was raised."""
    raised = [line for one in told if isinstance(one, ProviderError) for line in traceback.format_exception(one)]
    return "\n".join([*map(words_of, told), *raised])


@needs("labels")
def test_no_secret_is_told(
    account: ShippingAccount, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """No secret stands in a log, in what is printed, in an error or in a result, when all goes well and when it does
    not.

    Logs are kept for years, by others, and the key in one buys labels on the shop's account.
    """
    caplog.set_level(logging.DEBUG)
    told = _go_well_and_badly(account)
    places = {"the log": caplog.text, "what is printed": "".join(capfd.readouterr()), "what is told": _all_words(told)}
    assert [place for place, words in places.items() if shows(account, words)] == [], "a key would be read there"


@needs("labels")
def test_where_a_customer_lives_is_told_nowhere(
    account: ShippingAccount, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The customer's name, street, mail address and telephone stand in no log, error or result.

    Those stand on the timeline and in the logs for ever, and nobody looks there when he wants to be forgotten.
    """
    caplog.set_level(logging.DEBUG)
    told = _go_well_and_badly(account)
    places = {"the log": caplog.text, "what is printed": "".join(capfd.readouterr()), "what is told": _all_words(told)}
    sender = account.sender
    words = [word for word in (sender.name, sender.street, sender.email, sender.phone) if word]
    found = [place for place, said in places.items() if any(word in said for word in words)]
    assert found == [], "where a customer lives would be kept for ever, where nobody can take it out"


@needs("labels")
def test_no_secret_is_in_an_address(account: ShippingAccount) -> None:
    """No secret, and nothing of a customer but his postal code, is in an address that is called.

    Every machine on the way writes addresses down.
    """
    _go_well_and_badly(account)
    for sent in account.sandbox.server.requests:
        called = "\n".join([sent.path, *sent.query.values()])
        assert shows(account, called) == [], "a key is in an address"
        assert account.sender.name not in called, f"the customer's name is in an address: {sent.path}"
        assert not account.sender.email or account.sender.email not in called, "his mail address is in an address"


@needs("labels")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.CUT_AFTER])
def test_no_secret_is_among_the_variables_of_an_error(account: ShippingAccount, fault: Fault) -> None:
    """The provider's own frames in a traceback have no secret in their variables: error trackers send them along.

    Whoever reads them there buys labels on the shop's account.
    """
    request = account.request()
    provider = account.provider()
    with account.faults(fault, of=request), pytest.raises(ProviderError) as caught:
        provider.create_label(request)
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


@needs("labels")
def test_a_key_that_was_refused_is_not_quoted(account: ShippingAccount) -> None:
    """A key that is wrong is told by its field, not by its letters: mostly it is right, and of another account.

    Quoted, it stands on the merchant's screen and in his mails, and opens that account.
    """
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    wrong = account.provider(given)
    calls: list[Callable[[], object]] = [partial(wrong.create_label, account.request())]
    if not lacks(account.capabilities, "check_settings"):
        calls.append(wrong.check_settings)
    for call in calls:
        assert shows(account, _all_words([refused(call, "a wrong secret was used")])) == [], "a key stands on a screen"
