"""`desk.check_settings`: the settings are read and the provider is asked whether they work; nothing is ever raised."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from retour import Actor, LinkKind, MemoryShop, Mode, Money, ReturnDesk, SettingsCheck, WrongState, hookimpl
from retour.plugins.registry import load
from retour.providers import ErrorCode, ProviderError, Support
from retour.sandbox import PaymentSandbox, sandbox_at

ANNA = Actor.staff("anna")
OURS = ("mollie", "stripe", "paypal", "manual_transfer")


def sandbox_of(provider: str) -> PaymentSandbox:
    """The sandbox that a provider's class names."""
    kind: Any = load([provider]).payment[provider][0]
    return sandbox_at(kind.sandbox)()


def answer(check: SettingsCheck) -> tuple[bool, bool, str]:
    return check.ok, check.asked, check.reason.render("en") if check.reason is not None else ""


# --- ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", OURS)
def test_right_settings_work_and_the_provider_says_so_where_it_can_be_asked(provider: str) -> None:
    with sandbox_of(provider) as sandbox:
        right: dict[str, object] = json.loads(json.dumps(sandbox.settings))
        desk = ReturnDesk(
            shop=MemoryShop(),
            store="sqlite://",
            plugins=[provider],
            settings=lambda _: {provider: right, f"{provider}:second": {"no such": "setting"}},
        )
        said = answer(desk.check_settings(provider, mode=Mode.TEST))
        asked = provider != "manual_transfer"  # of a bank there is nothing to ask
        assert said[:2] == (True, asked)
        assert said[2] == (
            "" if asked else "Bank transfer has nothing to ask: its settings were read, and they are right"
        )
        told = answer(desk.check_settings(provider, "second", mode=Mode.TEST))
        assert told[:2] == (False, False)
        assert f"its settings are wrong: {provider}:second.no such: is no setting" in told[2]


@pytest.mark.parametrize("provider", ["mollie", "stripe", "paypal"])
def test_a_key_that_the_provider_does_not_know_is_told(provider: str) -> None:
    with sandbox_of(provider) as sandbox:
        right: dict[str, Any] = json.loads(json.dumps(sandbox.settings))
        key = "client_secret" if provider == "paypal" else "api_key"
        wrong = {**right, key: right[key][:-4] + "XXXX"}
        given = [wrong]
        desk = ReturnDesk(
            shop=MemoryShop(), store="sqlite://", plugins=[provider], settings=lambda _: {provider: given[0]}
        )
        check = desk.check_settings(provider, mode=Mode.TEST)
        assert answer(check)[:2] == (False, True)
        assert check.reason is not None
        assert check.reason.render("nl")
        assert right[key] not in str(check)
        assert wrong[key] not in str(check)
        given[0] = right
        assert answer(desk.check_settings(provider, mode=Mode.TEST)) == (True, True, "")


@pytest.mark.parametrize("provider", ["mollie", "stripe", "paypal"])
def test_a_key_of_the_other_mode_is_told_and_the_provider_is_not_asked(provider: str) -> None:
    with sandbox_of(provider) as sandbox:
        settings = {provider: json.loads(json.dumps(sandbox.settings))}
        desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=[provider], settings=settings)
        said = answer(desk.check_settings(provider))
        assert said == (False, False, "its settings are for test payments, not for live ones")


def test_a_shipping_provider_with_a_portal_alone_is_read_and_has_nothing_to_ask_about() -> None:
    given: dict[str, object] = {"sendcloud": {"brand": "our-shop"}}
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["sendcloud"], settings=lambda _: given)
    assert answer(desk.check_settings("sendcloud"))[0] is True
    given["sendcloud"] = {"brand": "Our Shop!"}
    ok, asked, why = answer(desk.check_settings("sendcloud"))
    assert (ok, asked) == (False, False)
    assert "sendcloud.brand" in why


# --- what can go wrong -----------------------------------------------------------------------------------


def harm(what: str) -> object:
    if what == "is refused":
        raise ProviderError(ErrorCode.AUTHENTICATION, "no such key")
    if what == "raises":
        raise ValueError("password hunter2")
    if what == "exits":
        raise SystemExit(3)
    return object()


HARMS = [
    (where, what)
    for where in ("check_settings", "__init__")
    for what in ("is refused", "raises", "exits", "answers nonsense")
    if (where, what) != ("__init__", "answers nonsense")  # Python itself refuses that
]


@pytest.mark.parametrize("where, what", HARMS)
def test_a_provider_that_breaks_over_it_is_an_answer(world: Any, where: str, what: str) -> None:
    kind = world.provider.make_provider(world.provider.Ledger(clock=lambda: world.now))
    setattr(kind, where, lambda *_: harm(what))
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=[world.provider.plugin(kind)])
    check = desk.check_settings("ledger")
    assert (check.ok, check.reason is not None) == (False, True)
    assert check.asked == (where == "check_settings")
    assert "hunter2" not in str(check)


NONSENSE: list[tuple[object, ...]] = [
    ("nobody",),
    ("",),
    (None,),
    (7,),
    ([],),
    ({},),
    (b"ledger",),
    (object(),),
    ("led\0ger",),
    ("\ud800",),
    ("ledger", None),
    ("ledger", ["x"]),
    ("ledger", "\ud800"),
    ("ledger", "default", None),
    ("ledger", "default", "bogus"),
    ("ledger", "default", []),
]


def test_nonsense_gets_an_answer_too(world: Any) -> None:
    world.open(check_settings=Support.PROVIDER_CANNOT)
    for arguments in NONSENSE:
        check = world.desk.check_settings(*arguments)
        assert not check.asked
        assert check.reason is not None
        for language in ("en", "nl"):
            assert check.reason.render(language).encode()


@attrs.frozen(kw_only=True)
class Strict:
    key: str


def test_wrong_settings_are_told_where_the_provider_is_needed_and_right_ones_work_at_once(world: Any) -> None:
    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("100", "EUR")})
    kind = world.provider.make_provider(ledger, cancel_refund=Support.YES)
    kind.settings_type = Strict
    given: dict[str, object] = {"ledger": {"kye": "k"}}
    world.open()
    world.desk.close()
    world.desk = ReturnDesk(
        shop=lambda _: world.shop,
        store=world.database,
        plugins=[world.provider.plugin(kind)],
        settings=lambda _: given,
        migrate=True,
        clock=lambda: world.now,
    )
    desk = world.desk.for_shop("north")

    def refund() -> Any:
        return desk.refund("1001", "p_1", Money.of("10", "EUR"), by=ANNA, request_id="r")

    wrong = "its settings are wrong: ledger.kye: is no setting; there are key"
    assert desk.mark_returned("1001", by=ANNA).changed
    with pytest.raises(WrongState, match=f"cannot be refunded by API: {wrong}"):
        refund()
    assert wrong in desk.refund_link("1001", "p_1").instruction.render("en")
    assert wrong in desk.refund_options("1001")[0].link.instruction.render("en")
    assert wrong in str(desk.reconcile("1001").not_asked[0].why)
    assert wrong in answer(desk.check_settings("ledger"))[2]
    assert "ledger.kye: is no setting" in str(desk.plugins[0].settings_faults[0])
    given["ledger"] = {"key": "k"}
    assert desk.plugins[0].settings_faults == ()
    assert refund().refund.state == "succeeded"
    assert desk.refund_link("1001", "p_1").kind is LinkKind.PROVIDER_PAGE


def test_settings_that_were_changed_are_used_from_the_check_that_found_them_right(world: Any) -> None:
    made: list[str] = []
    kind = world.provider.make_provider(
        world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("1", "EUR")})
    )
    kind.settings_type = Strict
    kind.__init__ = lambda self, settings, _: made.append(settings.key)
    kind.check_settings = lambda _: harm("is refused") if made[-1] == "bad" else None
    given = {"ledger": {"key": "old"}}
    world.open()
    desk = ReturnDesk(
        shop=world.shop, store="sqlite://", plugins=[world.provider.plugin(kind)], settings=lambda _: given
    )
    accounts = desk._services.accounts
    first = accounts.payment("default", "ledger", "default", Mode.LIVE)
    given["ledger"] = {"key": "bad"}
    assert not desk.check_settings("ledger").ok
    assert accounts.payment("default", "ledger", "default", Mode.LIVE) is first
    given["ledger"] = {"key": "new"}
    assert desk.check_settings("ledger").ok
    assert accounts.payment("default", "ledger", "default", Mode.LIVE) is not first
    assert made == ["old", "bad", "new"]


class Broken:
    """A plugin that cannot be loaded."""

    name = "acme"

    @hookimpl
    def payment_providers(self) -> list[type]:
        raise ValueError("password hunter2")


def test_a_plugin_that_is_off_is_told_without_its_words() -> None:
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=[Broken()])
    assert answer(desk.check_settings("acme")) == (False, False, "its plugin cannot be loaded")
