"""A webhook that a provider signed and that cannot be read waits for a person; one that anybody can send never does."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from retour import Actor, InvalidWebhook, MemoryShop, Mode, Money, ReturnDesk, UnreadableWebhook, provider_name
from retour.effects.whose_payment import MOST_TRIES
from retour.providers import Secret, Support, WebhookTrust, hmac_sha256
from retour.sandbox import SandboxWebhook
from retour.store.store import AND_MORE, MOST_UNREADABLE
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
GENUINE, FORGED = {"Signature": "right"}, {"Signature": "wrong"}
KIND = "webhook_unreadable"


def told(world: Any, body: str, headers: dict[str, str] = GENUINE) -> Any:
    return world.desk.receive_webhook("ledger", headers, body.encode())


def unreadable(world: Any, event: str) -> None:
    with pytest.raises(UnreadableWebhook, match=r"signed as it should be, and cannot be read.*Answer 503"):
        told(world, f"unreadable:{event}")


def listed(world: Any) -> list[str]:
    return [one.why.render("en") for one in world.desk.attention(KIND).items]


def test_it_is_listed_with_since_when_whose_it_is_and_what_to_do_until_somebody_acknowledges_it(world: Any) -> None:
    world.open()
    unreadable(world, "evt_1")
    unreadable(world, "evt_1")
    [item] = world.desk.attention(KIND).items
    assert (item.kind, item.order_id, item.can_do) == (KIND, "", ("acknowledge",))
    assert item.since is not None
    said = item.why.render("en")
    assert said.startswith("a signed webhook from Ledger Pay cannot be read, and is sent again for some days.")
    assert "have that order checked" in said
    assert "evt_1" not in said, "what a plugin raised is for `retour doctor`"
    assert said.endswith("(2 times)")
    assert item.why.render("nl").startswith("een echte webhook van Ledger Pay kan niet worden gelezen")
    assert world.desk.acknowledge("", item.kind, item.about, by=ANNA).changed
    assert listed(world) == []


def test_what_somebody_acknowledged_need_not_be_sent_again_and_another_is_listed_all_the_same(world: Any) -> None:
    world.open()
    unreadable(world, "evt_1")
    [item] = world.desk.attention(KIND).items
    world.desk.acknowledge("", item.kind, item.about, by=ANNA)
    assert told(world, "unreadable:evt_1").kept == 0  # answered 200: he knows of it
    assert listed(world) == []
    unreadable(world, "evt_2")
    assert len(listed(world)) == 1


def test_a_forged_one_is_never_listed(world: Any) -> None:
    world.open()
    for number in range(3):
        with pytest.raises(InvalidWebhook):
            told(world, f"unreadable:evt_{number}", FORGED)
    assert listed(world) == []


def test_a_bounded_number_is_listed_and_those_beyond_are_one_line(world: Any) -> None:
    world.open()
    for number in range(MOST_UNREADABLE + 3):
        unreadable(world, f"evt_{number}")
    assert world.desk.attention_counts() == {KIND: MOST_UNREADABLE + 1}
    [beyond] = [one for one in world.desk.attention(KIND, limit=200).items if AND_MORE in one.about]
    assert beyond.why.render("en").endswith("(3 times)")


def test_what_was_acknowledged_makes_room_for_the_next(world: Any) -> None:
    world.open()
    for number in range(MOST_UNREADABLE):
        unreadable(world, f"evt_{number}")
    [item] = [one for one in world.desk.attention(KIND, limit=200).items if "evt_7:" in one.about]
    world.desk.acknowledge("", item.kind, item.about, by=ANNA)
    unreadable(world, "evt_new")
    assert any("evt_new" in one.about for one in world.desk.attention(KIND, limit=200).items)
    assert world.desk.attention_counts() == {KIND: MOST_UNREADABLE}


def test_an_event_whose_payment_can_be_told_is_looked_at_and_listed_once(world: Any) -> None:
    """A type that came into the world after the plugin: the books say what it was about."""
    world.open()
    world.ledger.add("p_1", Money.of("40", "EUR"))
    for _ in range(2):
        assert told(world, "unread:p_1").kept == 1
    assert len(world.states) == 1, "the refund that it was about is on the order"
    [said] = listed(world)
    assert said.startswith(
        "what a signed webhook from Ledger Pay says cannot be read, and its payment was looked at instead"
    )


def test_of_a_provider_whose_webhooks_are_hints_nobody_fills_the_list_that_way(world: Any) -> None:
    world.open(webhooks=WebhookTrust.FETCH)
    told(world, "unread:p_1")
    assert listed(world) == []


def test_names_that_anybody_sent_and_nobody_could_be_asked_about_are_one_line(world: Any) -> None:
    world.open(inline_seconds=0, payment_names=Support.YES, webhooks=WebhookTrust.FETCH)
    world.ledger.lookup_fails = 10_000
    world.shop.orders["1001"] = an_order(
        a_line("cup", 4, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="s_1")]
    )
    for number in range(3):
        told(world, f"fetch:made_up_{number}")
    for _ in range(3 * MOST_TRIES + 3):
        world.desk.work()
        world.now += datetime.timedelta(hours=7)
    assert len(listed(world)) == 1
    assert "made_up" not in listed(world)[0]


# --- at each provider ------------------------------------------------------------------------------------


BROKEN = b'{"type": "refund.failed", "event_type": "PAYMENT.REFUND.FAILED", "action": "return_created"}'
"""Something about money or goods that lacks nearly everything."""


@pytest.fixture(params=["mollie", "stripe", "paypal", "sendcloud"])
def sandbox(request: pytest.FixtureRequest) -> Any:
    made = {"mollie": MollieSandbox, "stripe": StripeSandbox, "paypal": PayPalSandbox, "sendcloud": SendcloudSandbox}
    with made[request.param]() as running:
        yield request.param, running


def signed(provider: str, sandbox: Any, body: bytes) -> SandboxWebhook:
    """The body as this provider signs it."""
    if provider in ("stripe", "paypal"):
        signed_one: SandboxWebhook = sandbox.sign(SandboxWebhook(headers={}, body=body))
        return signed_one
    if provider == "mollie":
        secret = Secret(sandbox.settings["webhook_secrets"][0])
        return SandboxWebhook(headers={"x-mollie-signature": f"sha256={hmac_sha256(body, secret)}"}, body=body)
    secret = Secret(sandbox.settings["secret_key"])
    return SandboxWebhook(headers={"sendcloud-signature": hmac_sha256(body, secret)}, body=body)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", json.dumps({"id": "evt_1"}).encode(), BROKEN])
def test_at_each_provider_a_signed_one_is_listed_and_an_unsigned_one_is_not(
    sandbox: tuple[str, Any], body: bytes
) -> None:
    provider, running = sandbox
    desk = ReturnDesk(
        shop=MemoryShop(), store="sqlite://", plugins=[provider], settings={f"{provider}:second": running.settings}
    )
    mode = Mode.LIVE if provider == "sendcloud" else Mode.TEST
    account = {"account": "second", "mode": mode}
    genuine = signed(provider, running, body)
    for forged in ({}, running.with_spoilt_signature(genuine).headers):
        with pytest.raises(InvalidWebhook):
            desk.receive_webhook(provider, forged, body, **account)
    assert desk.attention(KIND).items == ()
    with pytest.raises(UnreadableWebhook):
        desk.receive_webhook(provider, genuine.headers, body, **account)
    [item] = desk.attention(KIND).items
    assert f"from {provider_name(provider)} (second) cannot be read" in item.why.render("en")
    desk.acknowledge("", KIND, item.about, by=ANNA)
    assert desk.receive_webhook(provider, genuine.headers, body, **account).kept == 0
    assert desk.attention(KIND).items == ()


WITHOUT: dict[str, tuple[str, list[object]]] = {
    "mollie": ("webhook_secrets", [None, [], [""], [" "]]),
    "stripe": ("webhook_secrets", [None, [], [""], [" "]]),
    "paypal": ("webhook_id", [None, "", " "]),
    "sendcloud": ("webhook_keys", [[""], [" "]]),
}
"""The setting that a webhook is checked with, at each provider, and ways to leave it out. Sendcloud signs with a key
that its API needs too: what can be empty is the list of others."""


def test_at_each_provider_a_webhook_without_a_secret_is_refused_and_the_setting_is_named(
    sandbox: tuple[str, Any],
) -> None:
    provider, running = sandbox
    name, ways = WITHOUT[provider]
    mode = Mode.LIVE if provider == "sendcloud" else Mode.TEST
    body = b'{"id": "evt_1"}'
    genuine = signed(provider, running, body)
    for left_out in ways:
        settings = {key: value for key, value in running.settings.items() if key != name}
        settings |= {} if left_out is None else {name: left_out}
        desk = ReturnDesk(
            shop=lambda _: MemoryShop(),
            shop_id="north",
            store="sqlite://",
            plugins=[provider],
            settings=lambda _, given=settings: {provider: given},  # type: ignore[misc]
        )
        with pytest.raises(InvalidWebhook, match=rf"{name}.* is empty"):
            desk.receive_webhook(provider, genuine.headers, body, mode=mode)
        assert KIND not in desk.attention_counts()
        desk.close()
