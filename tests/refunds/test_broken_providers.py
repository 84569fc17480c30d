"""Whatever a provider's plugin does, no exception of it reaches the host, and the money's state is right.

Every method of the contract breaks in every way, in turn, through every command, every webhook and the worker.
"""

from __future__ import annotations

import datetime
import inspect
import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from shipping.small_carrier import OPTION
from shipping.world import BOX, HOME

from retour import (
    Actor,
    Delivery,
    EvidenceFile,
    InvalidSettings,
    InvalidWebhook,
    MemoryShop,
    Money,
    Paid,
    ProviderUnavailable,
    RestockDecision,
    RetourError,
    ReturnDesk,
    WrongState,
    hookimpl,
)
from retour.model.fields import check_again
from retour.model.making import unchecked
from retour.model.order import Mode
from retour.plugins.accounts import Accounts
from retour.plugins.calling import MOST_ANSWERS
from retour.plugins.providers import PaymentCaller
from retour.providers import (
    ErrorCode,
    ProviderError,
    ProviderSession,
    Refundable,
    RefundEvent,
    RefundResult,
    RefundStatus,
    ShippingCapabilities,
    Support,
    ToFetch,
    VerifiedEvents,
    WebhookTrust,
)
from retour.providers.errors import DISPOSITIONS
from retour.providers.http import DEADLINE_SECONDS
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
SECRET = "live_hunter2"
KEY = "sk_test_00000000000000000000000000000000"
WORDS = f"IBAN of Anna, password {SECRET}"


class Odd(BaseException):
    """What no ``except Exception`` catches."""


def raising(error: type[BaseException], *words: object) -> Callable[[], object]:
    def harm() -> object:
        raise error(*words)

    return harm


def not_whole() -> object:
    error = ProviderError(ErrorCode.RATE_LIMITED, "later")
    error.not_before = "soon"  # type: ignore[assignment]
    raise error


def endless() -> object:
    def lazily() -> Iterator[object]:
        raise ValueError(WORDS)
        yield

    return lazily()


HARMS: dict[str, Callable[[], object]] = {
    "raises ValueError": raising(ValueError, WORDS),
    "raises SystemExit": raising(SystemExit, WORDS),
    "raises GeneratorExit": raising(GeneratorExit, WORDS),
    "raises BaseException": raising(Odd, WORDS),
    "raises half a ProviderError": not_whole,
    "returns None": lambda: None,
    "returns a text": lambda: WORDS,
    "returns what fails when it is read": endless,
}

METHODS = (
    "refund_url",
    "refundable",
    "payment_names",
    "refund",
    "fetch_refund",
    "find_refund",
    "list_refunds",
    "cancel_refund",
    "parse_webhook",
    "check_settings",
)
MAY_BE_NONE = {("find_refund", "returns None"), ("check_settings", "returns None")}
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what happens before anything is stored, so that no database has a part in it."""

BREAKS = [(method, harm) for method in METHODS for harm in HARMS if (method, harm) not in MAY_BE_NONE]


def breakable(kind: type, broken: dict[str, tuple[str, Callable[[], object]]]) -> type:
    """A provider that does as ``kind`` does, but for methods in ``broken``, if it is Ledger Pay: these do harm instead
    of what they are for, or after it."""

    def wrapped(name: str) -> Callable[..., object]:
        def call(self: Any, *arguments: object) -> object:
            when, harm = broken.get(name, ("", None)) if self.name == "ledger" else ("", None)
            if harm is None or when == "after":
                result: object = getattr(super(made, self), name)(*arguments) if hasattr(kind, name) else None
            return result if harm is None else harm()

        return call

    made: type = type("Breakable", (kind,), {name: wrapped(name) for name in METHODS})
    return made


@pytest.fixture
def broken(world: Any) -> dict[str, tuple[str, Callable[[], object]]]:
    """What is broken of the world's provider, by method: empty at first."""
    broken: dict[str, tuple[str, Callable[[], object]]] = {}
    make = world.provider.make_provider
    world.provider.make_provider = lambda ledger, **capabilities: breakable(make(ledger, **capabilities), broken)
    return broken


def steady(world: Any) -> tuple[object, Any]:
    """The plugin of another provider that never breaks, and its ledger."""
    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"s_1": Money.of("100", "EUR")})
    kind = world.provider.make_provider(ledger)
    kind.name = "steady"
    plugin = world.provider.plugin(kind)
    plugin.name = "steady"
    return plugin, ledger


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "retour")
    return caplog


def attempt(call: Callable[[], object]) -> str:
    """Do it, and be content with an error of ours; gives all that a host could log of it."""
    try:
        call()
    except RetourError as error:
        return "".join(traceback.format_exception(error)) + error.text("nl")
    return ""


def sum_of(world: Any) -> int:
    """Minor units that our books say went back or are with the provider."""
    return sum(
        one.amount.minor for one in world.refunds if one.counts_against_payment and one.state != "awaiting_merchant"
    )


# --- every method, every way, every command --------------------------------------------------------------


@pytest.mark.parametrize(
    "database, method, harm",
    [
        *[("sqlite", method, harm) for method, harm in BREAKS],
        *[
            pytest.param("postgresql", method, harm, marks=pytest.mark.postgresql)
            for number, (method, harm) in enumerate(BREAKS)
            if number % 5 == 0
        ],
    ],
    indirect=["database"],
    ids=lambda value: value.replace(" ", "-"),
)
def test_no_command_hands_the_host_what_a_provider_raised_and_the_books_are_right_in_the_end(
    world: Any, broken: dict[str, Any], log: pytest.LogCaptureFixture, method: str, harm: str
) -> None:
    world.open(cancel_refund=Support.YES, payment_names=Support.YES)
    world.ledger.new_status = RefundStatus.PENDING
    pending = world.refund("10.00").refund_id
    link = world.open_link("5.00").refund_id
    desk, payment = world.desk, world.shop.orders["1001"].payments[0]
    broken[method] = ("after", HARMS[harm])
    commands: dict[str, Callable[[], object]] = {
        "refund_options": lambda: desk.refund_options("1001"),
        "refund_link": lambda: desk.refund_link("1001", "p_1", Money.of("1", "EUR")),
        "waiting link": lambda: desk.refund_link("1001", refund_id=link),
        "refund": lambda: world.refund("20.00"),
        "refund instead": lambda: world.refund("5.00", instead_of=link),
        "reconcile": lambda: desk.reconcile("1001"),
        "cancel_refund": lambda: desk.cancel_refund("1001", pending, by=ANNA),
        "signed webhook": lambda: desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1:succeeded"),
        "hint": lambda: desk.receive_webhook("ledger", {"Signature": "right"}, b"fetch:p_1"),
        "hint about a name that nobody knows": lambda: desk.receive_webhook(
            "ledger", {"Signature": "right"}, b"fetch:p_9"
        ),
        "timeline": lambda: desk.timeline("1001"),
        "check_settings": lambda: checked(desk._services.accounts.refunding("default", payment)),
        "work": world.later,
    }
    said = "".join([attempt(command) for command in commands.values()])
    assert "failed" not in world.states
    everything = said + log.text + str(world.refunds) + stored(world)
    assert SECRET not in everything
    assert f"plugin ledger (ledger) failed in {method}: " in log.text or method in ("fetch_refund", "find_refund")
    broken.clear()
    world.ledger.new_status = RefundStatus.SUCCEEDED
    for _ in range(4):
        world.later(HOUR / 4)
    desk.reconcile("1001")
    assert {"unknown", "submitting"}.isdisjoint(world.states)
    assert sum_of(world) == world.went_back


def checked(provider: PaymentCaller) -> None:
    """The settings, as a host's own page may have them checked."""
    with suppress(ProviderError):
        provider.check_settings()


def stored(world: Any) -> str:
    """Everything in the database."""
    with world.desk._services.store.engine.connect() as connection:
        return "".join(
            [
                str(connection.exec_driver_sql(f"SELECT * FROM retour_{table}").fetchall())  # noqa: S608 - the test's own
                for table in ("event", "effect", "refund", "personal", "unknown_name", "problem")
            ]
        )


# --- what it means for the money -------------------------------------------------------------------------


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("when", ["instead", "after"])
@pytest.mark.parametrize("by_worker", [False, True], ids=["by the command", "by the worker"])
def test_a_refund_that_broke_is_unknown_and_is_paid_once_in_the_end(
    world: Any, broken: dict[str, Any], harm: str, when: str, by_worker: bool
) -> None:
    world.open(inline_seconds=0 if by_worker else 10)
    broken["refund"] = (when, HARMS[harm])
    outcome = world.refund()
    if by_worker:
        world.later()
    (refund,) = world.refunds
    assert refund.state == "unknown"
    assert "plugin ledger (ledger) failed" in str(refund.problem)
    assert by_worker or outcome.refund == refund
    world.later()  # asked, and where it was not made, sent again: still broken
    assert world.states == (["succeeded"] if when == "after" else ["unknown"])
    broken.clear()
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("when", ["instead", "after"])
def test_a_cancel_that_broke_leaves_the_refund_pending_and_is_asked_again(
    world: Any, broken: dict[str, Any], harm: str, when: str
) -> None:
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    broken["cancel_refund"] = (when, HARMS[harm])
    assert world.desk.cancel_refund("1001", refund_id, by=ANNA).refund.cancelling
    assert world.states == ["pending"]
    broken.clear()
    world.later()
    assert (world.states, world.went_back) == (["cancelled"], 0)


@pytest.mark.parametrize("harm", HARMS)
def test_what_another_provider_and_another_order_wait_for_is_done_all_the_same(
    world: Any, broken: dict[str, Any], harm: str
) -> None:
    plugin, _ = steady(world)
    paid = a_payment("100.00", provider="steady", reference="s_1")
    world.shop.orders["1002"] = an_order(a_line("cup", 4, "100.00"), order_id="1002", payments=[paid])
    world.open(plugin, inline_seconds=0)
    world.refund()
    world.desk.refund("1002", "s_1", Money.of("40", "EUR"), by=ANNA, request_id="form")
    broken["refund"] = ("instead", HARMS[harm])
    world.desk.work()
    assert world.states == ["unknown"]
    assert [one.state.value for one in world.desk.dossier("1002").refunds.values()] == ["succeeded"]


# --- webhooks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", HARMS)
def test_a_webhook_that_the_plugin_broke_over_is_answered_503_and_log_and_store_say_whose_fault_it_is(
    world: Any, broken: dict[str, Any], log: pytest.LogCaptureFixture, harm: str
) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund()
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    broken["parse_webhook"] = ("instead", HARMS[harm])
    with pytest.raises(ProviderUnavailable, match="Answer 503, so that it is sent again") as caught:
        world.desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1")
    assert "plugin ledger (ledger) failed" in str(caught.value)
    (record,) = [one for one in log.records if one.levelno == logging.ERROR]
    assert "plugin ledger (ledger) failed in parse_webhook" in record.getMessage()
    assert "raises" not in harm or harm == "raises half a ProviderError" or "test_broken_providers.py:" in log.text
    with pytest.raises(ProviderUnavailable):  # it comes again, and is one problem
        world.desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1")
    (problem,) = world.desk._services.store.problems("default")
    assert (problem.source, problem.times) == ("webhooks of ledger", 2)
    assert problem.what.startswith("plugin ledger (ledger) failed in parse_webhook")
    broken.clear()
    assert world.desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1").kept == 1
    assert world.states == ["succeeded"]


def test_a_provider_that_declares_no_webhooks_is_not_asked_to_read_one(world: Any, broken: dict[str, Any]) -> None:
    world.open(webhooks=WebhookTrust.NONE)
    broken["parse_webhook"] = ("instead", raising(AssertionError))
    with pytest.raises(InvalidWebhook, match="sends no webhooks"):
        world.desk.receive_webhook("ledger", {"Signature": "right"}, b"fetch:p_1")


# --- a worker is stopped ---------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["instead", "after"])
@pytest.mark.parametrize("inline_seconds", [0, 10])
def test_who_stops_a_refund_leaves_it_unclear_and_the_next_worker_asks_at_once(
    world: Any, broken: dict[str, Any], when: str, inline_seconds: float
) -> None:
    """No lease has to run out, and nothing is sent before the provider was asked."""
    world.open(inline_seconds=inline_seconds)
    broken["refund"] = (when, raising(KeyboardInterrupt))
    press = world.refund if inline_seconds else world.desk.work
    if not inline_seconds:
        world.refund()
    with pytest.raises(KeyboardInterrupt):
        press()
    broken.clear()
    calls: list[str] = []
    world.ledger.watch = lambda call, _: calls.append(call)
    world.desk.work()
    assert calls == (["find_refund"] if when == "after" else ["find_refund", "refund"])
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_who_stops_a_worker_leaves_what_was_done_recorded_and_what_was_not_begun_as_it_was(
    world: Any, broken: dict[str, Any]
) -> None:
    world.open(inline_seconds=0)
    world.refund("10.00")
    world.refund("20.00")
    for order_id in ("1000", "1002"):
        paid = a_payment("100.00", provider="ledger", reference=f"p_{order_id}")
        world.ledger.paid[f"p_{order_id}"] = paid.captured
        world.shop.orders[order_id] = an_order(a_line("cup", 4, "100.00"), order_id=order_id, payments=[paid])
        world.desk.refund(order_id, f"p_{order_id}", Money.of("40", "EUR"), by=ANNA, request_id=order_id)

    def second() -> object:
        if world.ledger.calls == 3:  # that of order 1000, one of order 1001, and now its other
            raise KeyboardInterrupt
        return list(world.ledger.refunds.values())[-1]

    broken["refund"] = ("after", second)
    with pytest.raises(KeyboardInterrupt):
        world.desk.work()
    assert sorted(world.states) == ["submitting", "succeeded"]
    broken.clear()
    calls: list[str] = []
    world.ledger.watch = lambda call, request: calls.append(f"{call} {request.order_id}")
    world.desk.work()
    assert calls == ["find_refund 1001", "refund 1002"]
    assert world.states == ["succeeded", "succeeded"]
    assert world.went_back == 3000


# --- what is asked, and what is handed out ---------------------------------------------------------------


def caller(world: Any) -> PaymentCaller:
    found: PaymentCaller = world.desk._services.accounts.payment("default", "ledger", "default", Mode.LIVE)
    assert isinstance(found, PaymentCaller)
    return found


@pytest.mark.parametrize(
    "capability, method, arguments",
    [
        ("refund_by_api", "refund", [SimpleNamespace(to=None)]),
        ("fetch_refund", "fetch_refund", ["p_1", "re_1"]),
        ("check_settings", "check_settings", []),
        ("find_refund", "find_refund", [SimpleNamespace(to=None)]),
        ("list_refunds", "list_refunds", ["p_1"]),
        ("cancel_refund", "cancel_refund", ["p_1", "re_1"]),
    ],
)
@pytest.mark.parametrize("support", [one for one in Support if not one.usable])
def test_what_a_provider_does_not_declare_is_never_called(
    world: Any, broken: dict[str, Any], capability: str, method: str, arguments: list[object], support: Support
) -> None:
    called: list[str] = []
    broken[method] = ("instead", lambda: called.append(method))
    world.open(**{capability: support})
    with pytest.raises(ProviderError, match="does not declare") as caught:
        getattr(caller(world), method)(*arguments)
    assert (caught.value.code, called) == (ErrorCode.CONFIGURATION, [])


def test_a_provider_shows_only_its_caller_and_every_method_of_the_contract_is_called_by_it(world: Any) -> None:
    provider = caller(world.open())
    assert all(callable(getattr(provider, method)) for method in METHODS)
    public = [name for name in dir(provider) if not name.startswith("_")]
    assert not [name for name in public if type(getattr(provider, name)).__module__.startswith("ledger_provider")]
    assert "Breakable" not in repr(provider)
    assert "LedgerPay" not in repr(provider)


def test_a_list_that_never_ends_is_no_answer(world: Any, broken: dict[str, Any]) -> None:
    world.open()
    one = world.ledger.add("p_1", Money.of("1", "EUR"))
    broken["list_refunds"] = ("instead", lambda: itertools.repeat(one))
    with pytest.raises(ProviderError, match="failed in list_refunds: OverflowError"):
        caller(world).list_refunds("p_1")
    broken["list_refunds"] = ("instead", lambda: itertools.repeat(one, MOST_ANSWERS))
    assert len(caller(world).list_refunds("p_1")) == MOST_ANSWERS


GOOD = RefundResult(
    reference="re", target="p_1", status=RefundStatus.PENDING, amount=Money.of("1", "EUR"), provider_status="p"
)
EVENT = RefundEvent(event_id="ev", refund=GOOD)


ONE = Money.of("1", "EUR")
WRONG: list[tuple[type, dict[str, object], str]] = [
    (RefundResult, {"status": "succeeded"}, "status must be one of Reported.AWAITING_MERCHANT, .*, not a text of 9"),
    (RefundResult, {"status": "bogus"}, "status must be one of"),
    (RefundResult, {"reference": 7}, "reference must be a text of 0 to 255 characters"),
    (RefundResult, {"reference": "re\0"}, "none of them a NUL or half a character, not a text of 3 characters"),
    (RefundResult, {"reference": "\ud800"}, "none of them a NUL"),
    (RefundResult, {"reference": "r" * 256}, "0 to 255 characters"),
    (RefundResult, {"refund_id": "\ud800"}, "refund_id must be a text"),
    (RefundResult, {"reason": None}, "reason must be a text"),
    (RefundResult, {"created_at": "yesterday"}, "created_at must be a time with its zone or nothing"),
    (RefundResult, {"created_at": datetime.datetime(2026, 1, 1)}, "a time with its zone"),  # noqa: DTZ001 - in no zone
    (RefundResult, {"amount": SimpleNamespace(minor=5)}, "amount must be Money as it is made by its class"),
    (RefundEvent, {"refund": None}, "refund must be RefundResult"),
    (VerifiedEvents, {"events": (GOOD,)}, "events must be a tuple in which each is RefundEvent"),
    (VerifiedEvents, {"events": EVENT}, "events must be a tuple"),
    (ToFetch, {"targets": "p_1"}, "targets must be a tuple"),
    (ToFetch, {"targets": (1,)}, "targets must be a tuple in which each is a text"),
    (Refundable, {"target": None}, "target must be a text of 0 to 255 characters"),
    (Refundable, {"target": ""}, "has no target"),
    (Refundable, {"remaining": 1.5}, "remaining must be Money"),
    (Refundable, {"possible": "yes"}, "possible must be true or false"),
]
RIGHT: dict[type, dict[str, Any]] = {
    RefundResult: {
        "reference": "re",
        "target": "p_1",
        "status": RefundStatus.PENDING,
        "amount": ONE,
        "provider_status": "p",
    },
    RefundEvent: {"event_id": "ev", "refund": GOOD},
    VerifiedEvents: {"events": (EVENT,)},
    ToFetch: {"targets": ("p_1",)},
    Refundable: {"target": "p_1", "remaining": ONE},
}


@pytest.mark.parametrize("kind, wrong, words", WRONG, ids=repr)
def test_a_field_that_cannot_be_is_an_unreadable_answer_however_it_was_made(
    kind: type, wrong: dict[str, object], words: str
) -> None:
    fields = RIGHT[kind] | wrong
    with pytest.raises(ProviderError, match=words) as caught:
        kind(**fields)
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER
    with pytest.raises(ProviderError, match=words):
        check_again([unchecked(kind)(**fields)])


def test_what_is_right_is_taken_and_a_list_is_as_good_as_a_tuple() -> None:
    right = [kind(**fields) for kind, fields in RIGHT.items()]
    right += [attrs.evolve(GOOD, created_at=datetime.datetime.now(datetime.UTC))]
    check_again(right)
    assert ToFetch(targets=["p_1"]) == ToFetch(targets=("p_1",))  # type: ignore[arg-type]


def test_words_of_a_provider_that_no_database_keeps_are_repaired_and_its_refund_is_known() -> None:
    told = attrs.evolve(GOOD, reason="half \ud800 and \0" + "x" * 20_000, provider_status="\udfff")
    assert (told.reason[:12], len(told.reason), told.provider_status) == ("half ? and ?", 10_000, "?")
    assert str(ProviderError(ErrorCode.TOO_LATE, "\ud800", provider_code="\0").reason) == (
        "it is too late for a refund at the provider (? (?))"
    )


@pytest.mark.parametrize("how", ["listed", "in a webhook"])
def test_a_refund_of_another_currency_than_its_payment_is_recorded_and_not_counted_with_the_rest(
    world: Any, how: str
) -> None:
    """Once the order's money could never be added up again; then what the provider said was never recorded."""
    world.open().ledger.add("p_1", Money.of("1", "USD"))
    if how == "listed":
        assert world.desk.reconcile("1001").not_asked == ()
    else:
        assert world.desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1").kept == 1
    (found,) = world.refunds
    assert (str(found.amount), found.needs_person) == ("USD 1.00", True)
    assert world.desk.refund_options("1001")[0].left == Money.of("100", "EUR")


@ON_SQLITE
@pytest.mark.parametrize("method, harm", BREAKS, ids=lambda value: value.replace(" ", "-"))
def test_what_broke_a_write_leaves_it_unclear_and_a_read_unavailable_and_says_no_more_than_its_type(
    world: Any, broken: dict[str, Any], method: str, harm: str
) -> None:
    world.open(cancel_refund=Support.YES, payment_names=Support.YES)
    broken[method] = ("instead", HARMS[harm])
    arguments = inspect.signature(getattr(PaymentCaller, method)).parameters.keys() - {"self"}
    with pytest.raises(ProviderError, match=rf"plugin ledger \(ledger\) failed in {method}: ") as caught:
        getattr(caller(world), method)(*[SimpleNamespace(to=None) for _ in arguments])
    writes = method in ("refund", "cancel_refund")
    assert caught.value.code is (ErrorCode.OUTCOME_UNKNOWN if writes else ErrorCode.UNAVAILABLE)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert SECRET not in str(caught.value)


@ON_SQLITE
@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("method", ["refund", "refundable", "list_refunds", "cancel_refund"])
def test_a_providers_own_error_is_handed_on_as_it_was_when_it_was_raised(
    world: Any, broken: dict[str, Any], method: str, code: ErrorCode
) -> None:
    world.open(cancel_refund=Support.YES, payment_names=Support.YES)
    own = ProviderError(code, "as it is", not_before=HOUR)
    broken[method] = ("instead", raising(lambda: own))  # type: ignore[arg-type]
    arguments = inspect.signature(getattr(PaymentCaller, method)).parameters.keys() - {"self"}
    with pytest.raises(ProviderError) as caught:
        getattr(caller(world), method)(*[SimpleNamespace(to=None) for _ in arguments])
    own.not_before, own.code = None, ErrorCode.NOT_SENT  # the plugin still has it
    told = caught.value
    assert (told.code, told.message, told.disposition, told.not_before) == (code, "as it is", DISPOSITIONS[code], HOUR)


@pytest.mark.parametrize("method", METHODS)
def test_every_call_has_its_time(world: Any, broken: dict[str, Any], method: str) -> None:
    """A page of a host must not hang: whatever calls a method makes, they end together."""
    world.open(cancel_refund=Support.YES, payment_names=Support.YES)
    ends: list[float] = []
    broken[method] = ("instead", lambda: ends.append(ProviderSession(deadline=3600)._ends() - time.monotonic()))
    arguments = inspect.signature(getattr(PaymentCaller, method)).parameters.keys() - {"self"}
    with suppress(ProviderError):
        getattr(caller(world), method)(*[SimpleNamespace(to=None) for _ in arguments])
    assert [0 < left <= DEADLINE_SECONDS for left in ends] == [True]


def test_whose_fault_it_is_names_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    from retour_stripe.provider import Stripe  # an installed plugin

    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["stripe"], settings={"stripe": {"api_key": KEY}})
    monkeypatch.setattr(Stripe, "refundable", lambda *_: {}[SECRET])
    stripe = desk._services.accounts.payment("default", "stripe", "default", Mode.TEST)
    assert isinstance(stripe, PaymentCaller)
    with pytest.raises(ProviderError, match=r"plugin stripe \(retour-stripe [0-9.]+\) failed in refundable: KeyError"):
        stripe.refundable(a_payment("1.00", provider="stripe", reference="pi_1"))


def refuses_odd_settings(_: object, __: object, value: str) -> None:
    raise KeyError(value)


@attrs.frozen(kw_only=True)
class OddSettings:
    """Whose own check breaks."""

    key: str = attrs.field(validator=refuses_odd_settings)


def test_a_provider_that_cannot_be_made_is_off_by_itself_and_says_nothing_of_its_settings(world: Any) -> None:
    plugin, _ = steady(world)
    kind = world.provider.make_provider(world.provider.Ledger(clock=lambda: world.now))
    kind.name, kind.__init__ = "unmade", lambda *_: HARMS["raises BaseException"]()
    odd: Any = world.provider.plugin(kind)
    odd.name = "unmade"
    world.open(odd, plugin)
    accounts = world.desk._services.accounts
    assert str(accounts.payment("default", "unmade", "default", Mode.LIVE)) == "its plugin broke when it was started"
    assert isinstance(accounts.payment("default", "steady", "default", Mode.LIVE), PaymentCaller)
    kind.settings_type = OddSettings
    accounts = Accounts(accounts._registry, lambda _: {"unmade": {"key": SECRET}})
    found = str(accounts.payment("default", "unmade", "default", Mode.LIVE))
    assert found == "its settings are wrong: unmade: cannot be read"
    with pytest.raises(InvalidSettings, match="unmade: cannot be read"):
        accounts.check("default")


def test_an_account_has_one_provider_however_often_it_is_asked_for(world: Any) -> None:
    assert caller(world.open()) is caller(world)


@attrs.frozen(kw_only=True)
class NoSettings:
    """No settings."""


@pytest.mark.parametrize("harm", [harm for harm in HARMS if harm != "returns None"])
@pytest.mark.parametrize("portal", [Support.PARTIAL, Support.NOT_YET])
def test_without_a_portal_that_works_the_customer_sends_it_himself(
    log: pytest.LogCaptureFixture, harm: str, portal: Support
) -> None:
    class Parcels:
        name = display_name = "parcels"
        api = 2
        settings_type = NoSettings
        capabilities = ShippingCapabilities(portal=portal)

        def __init__(self, settings: NoSettings, http: object) -> None:
            del settings, http

        def portal_url(self, order: object) -> object:
            del order
            return HARMS[harm]()

    class Plugin:
        name = "parcels"

        @hookimpl
        def shipping_providers(self) -> list[type]:
            return [Parcels]

    sent = Delivery(provider="parcels", paid=Paid.of("4.95", "EUR"))
    shop = MemoryShop([an_order(a_line("cup", 4, "100.00"), delivery=sent)])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=[Plugin()])
    assert [one.way.value for one in desk.shipping_options("1001")] == ["self"]
    assert ("plugin parcels (parcels) failed in portal_url" in log.text) is portal.usable
    assert SECRET not in log.text


def test_no_lock_is_held_while_a_provider_is_made(world: Any) -> None:
    plugin, _ = steady(world)
    kind = world.provider.make_provider(world.provider.Ledger(clock=lambda: world.now))
    kind.name = "slow"
    slow: Any = world.provider.plugin(kind)
    slow.name = "slow"
    made: list[object] = []

    def begin(*_: object) -> None:
        other = threading.Thread(
            target=lambda: made.append(world.desk._services.accounts.payment("default", "steady", "default", Mode.LIVE))
        )
        other.start()
        other.join(5)
        assert not other.is_alive()

    kind.__init__ = begin
    world.open(slow, plugin)
    assert isinstance(world.desk._services.accounts.payment("default", "slow", "default", Mode.LIVE), PaymentCaller)
    assert [type(one) for one in made] == [PaymentCaller]


# --- who asks, and what is known to be impossible --------------------------------------------------------


@attrs.define(kw_only=True)
class Asked:
    """A pending refund and a waiting one, what their provider is asked from then on, and the order's version then."""

    world: Any
    pending: str
    link: str
    calls: list[str] = attrs.field(factory=list)
    events: int = 0

    def nothing(self) -> bool:
        """Nothing was asked, and nothing was recorded."""
        return self.calls == [] and self.world.desk.dossier("1001").version == self.events


@pytest.fixture
def asked(world: Any) -> Asked:
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    asked = Asked(world=world, pending=world.refund("10.00").refund_id, link=world.open_link("5.00").refund_id)
    asked.events = world.desk.dossier("1001").version
    world.ledger.watch = lambda call, _: asked.calls.append(call)
    return asked


IMPOSSIBLE: dict[str, dict[str, object]] = {
    "by a customer": {"by": Actor.customer("c-1")},
    "by a provider": {"by": Actor.provider("ledger")},
    "by no actor": {"by": "anna"},
    "above what is left": {"amount": Money.of("85.01", "EUR")},
    "above what is left, replacing": {"amount": Money.of("90.01", "EUR"), "instead_of": "the link"},
    "nothing": {"amount": Money.of("0", "EUR")},
    "in another currency": {"amount": Money.of("1", "USD")},
    "no money": {"amount": "1.00"},
    "of another payment": {"payment": "p_9"},
    "for an unknown return": {"return_id": "rt1"},
    "instead of an unknown refund": {"instead_of": "rf1"},
    "instead of one that does not wait": {"instead_of": "the pending one"},
    "with a card number": {"note": "card 4111 1111 1111 1111"},
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_refund_that_cannot_be_is_refused_before_a_provider_is_asked(world: Any, asked: Asked, what: str) -> None:
    known = {"the link": asked.link, "the pending one": asked.pending}
    given = {"payment": "p_1", "amount": Money.of("1", "EUR"), "by": ANNA, **IMPOSSIBLE[what]}
    given["instead_of"] = known.get(str(given.get("instead_of")), given.get("instead_of"))
    with pytest.raises(RetourError):
        world.desk.refund("1001", given.pop("payment"), given.pop("amount"), request_id="form", **given)
    assert asked.nothing()


def test_a_cancel_that_cannot_be_takes_no_effect_out_of_a_workers_hands(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "slow down")]
    refund_id = world.refund().refund_id
    before = stored(world)
    for by in (Actor.customer("c-1"), "anna"):
        with pytest.raises(RetourError):
            world.desk.cancel_refund("1001", refund_id, by=by)
    assert stored(world) == before


def test_nothing_is_asked_about_money_of_which_it_is_unclear_whether_it_went_back(world: Any, asked: Asked) -> None:
    world.ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    assert world.refund("20.00").refund.state == "unknown"
    asked.calls.clear()
    with pytest.raises(WrongState, match="not clear yet"):
        world.refund("1.00")
    assert asked.calls == []


def test_every_command_checks_who_asks_before_a_provider_is_asked(world: Any, asked: Asked) -> None:
    """A command that is added fails here until it has a row."""
    money, lines = Money.of("1", "EUR"), {"cup": 1}
    arguments: dict[str, list[object]] = {
        "request_return": [lines],
        "add_evidence": ["rt1", [EvidenceFile(reference="file-1")]],
        "reopen_return": ["rt1"],
        "approve_return": ["rt1"],
        "reject_return": ["rt1"],
        "mark_sent": ["rt1"],
        "cancel_return": ["rt1"],
        "close_return": ["rt1"],
        "receive": ["rt1", lines],
        "mark_returned": [lines],
        "correct_receipt": ["rc1", lines],
        "inspect_receipt": ["rc1", lines],
        "answer_restock": ["rt1", RestockDecision.all()],
        "confirm_refund": ["p_1", money],
        "refund": ["p_1", money],
        "return_and_refund": ["p_1", money, lines],
        "open_refund_link": ["p_1", money],
        "reverse_refund": [asked.pending],
        "cancel_refund": [asked.pending],
        "set_refund_batch": [asked.link, "batch"],
        "retry_refund": [asked.pending],
        "match_refund": [asked.pending, asked.link],
        "settle_refund": [asked.pending],
        "explain_payment": ["p_1"],
        "acknowledge": ["refund_failed", asked.pending],
        "label_options": [],
        "order_label": ["rt1", OPTION],
        "label_document": ["lb1"],
        "can_do": [],
        "cancel_label": ["lb1"],
        "settle_label": ["lb1"],
        "retry_set_aside": [],
        "set_unreadable_aside": [],
        "take_unreadable_back": [],
    }
    more: dict[str, object] = {"because": "so", "reference": "bank 1", "happened": False, "became": None}
    more |= {"sender": HOME, "parcel": BOX, "made": False}
    taking = {
        name: inspect.signature(method).parameters
        for name, method in inspect.getmembers(ReturnDesk, inspect.isfunction)
        if not name.startswith("_") and "by" in inspect.signature(method).parameters
    }
    assert taking.keys() == arguments.keys()
    for name, parameters in taking.items():
        given = {key: value for key, value in more.items() if key in parameters}
        if "request_id" in parameters:
            given["request_id"] = name
        if name == "settle_refund":
            given["evidence"] = "looked"
        if "option" not in parameters and name != "label_options":
            given.pop("parcel", None)  # there it is what the parcel is called
        with pytest.raises(RetourError, match=r"Say who does this|no return|no receipt"):
            getattr(world.desk, name)("1001", *arguments[name], by="anna", **given)
        if "refund" in name:
            with pytest.raises(RetourError, match="a customer may not"):
                getattr(world.desk, name)("1001", *arguments[name], by=Actor.customer("c-1"), **given)
    assert asked.nothing()


# --- an outcome is no error ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cannot be asked", "broken", "gone"])
def test_a_waiting_refund_is_not_replaced_while_its_payment_cannot_be_looked_at(
    world: Any, broken: dict[str, Any], how: str
) -> None:
    """It may have been made in the dashboard. The payment that the money goes back on can be another one."""
    plugin, other = steady(world)
    world.open(plugin)
    payments = [
        a_payment("100.00", provider="ledger", reference="p_1"),
        a_payment("100.00", provider="steady", reference="s_1"),
    ]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "200.00"), payments=payments)
    link = world.open_link("40.00").refund_id
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    before = world.desk.dossier("1001").version
    if how == "cannot be asked":
        world.ledger.lookup_fails = 1
    elif how == "broken":
        broken["list_refunds"] = ("instead", raising(ValueError, WORDS))
    else:
        world._enter([plugin], 10.0)

    def instead() -> Any:
        return world.desk.refund("1001", "s_1", Money.of("40", "EUR"), by=ANNA, request_id="form", instead_of=link)

    with pytest.raises(ProviderUnavailable, match=r"on payment p_1 \(Ledger Pay\) may have been made already"):
        instead()
    assert world.desk.dossier("1001").version == before
    assert other.calls == 0
    broken.clear()
    if how != "gone":
        with pytest.raises(WrongState, match="is refunded"):
            instead()  # found now
        assert world.desk.dossier("1001").refund(link).reference == made.reference
        assert other.calls == 0
