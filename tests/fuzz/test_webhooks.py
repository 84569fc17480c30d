"""Webhooks from anybody: nothing but a refusal is raised, and nobody is believed who did not sign."""

from __future__ import annotations

import copy
import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, given, note, settings
from hypothesis import strategies as st

from retour import Actor, AttentionKind, InvalidWebhook, MemoryShop, Mode, Money, ReturnDesk, UnreadableWebhook
from retour.providers import ProviderError, RawWebhook, ToFetch, VerifiedEvents, WebhookRejected
from retour.sandbox import Fault
from retour.testing import a_line, a_payment, an_order

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
"""How many webhooks for each test and provider; ``make fuzz`` tries many more."""

ANNA = Actor.staff("anna")
HEADERS = (
    "content-type",
    "stripe-signature",
    "x-mollie-signature",
    "paypal-transmission-id",
    "paypal-transmission-time",
    "paypal-transmission-sig",
    "paypal-cert-url",
    "paypal-auth-algo",
)

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


# --- what comes in ---------------------------------------------------------------------------------------


@attrs.frozen
class Literal:
    """JSON as it stands, which Python would not write."""

    words: str


LITERALS = (
    "NaN",
    "-Infinity",
    "1e999999999",
    "-0",
    "12.9",
    "1" * 30,
    "9" * 5000,
    '"\\ud800"',
    '"tr_\\udc00"',
    '"\\u0000"',
    '"' + "9" * 5000 + '"',
    '"' + "9" * 30 + '.00"',
    '"-1.00"',
    '"1e3"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
    '"EUR"',
    '"XXX"',
    '"live"',
    '"succeeded"',
    '"failed"',
    '"refund.failed"',
    '"charge.refunded"',
    '"PAYMENT.REFUND.FAILED"',
    '"PAYMENT.CAPTURE.REVERSED"',
    '""',
    "[" * 70 + "]" * 70,
    "{" + '"a":{' * 63 + "}" * 63 + "}",
    '{"a":1,"a":2}',
    "9223372036854775808",
)
READ = frozenset(
    """id type event_type object livemode data mode resource entity _embedded paymentId payment_intent charge metadata
    refund_id custom_id links href rel amount value currency currency_code status created createdAt create_time
    status_details reason failure_reason amount_captured amount_refunded captured disputed refunded""".split()  # noqa: SIM905 - a page of quotes otherwise
)
"""The fields that the plugins read: most of what is changed is one of these."""

texts = st.text(st.characters(), max_size=20)
values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(LITERALS).map(Literal),
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.lists(texts, max_size=2),
    st.dictionaries(texts, texts, max_size=2),
)


def written(value: Any, *, ascii_only: bool = True) -> bytes:
    """A value as JSON, with literals as they stand."""
    literals: list[str] = []

    def stand_in(literal: Literal) -> str:
        literals.append(literal.words)
        return f"<literal {len(literals) - 1}>"

    words = json.dumps(value, default=stand_in, ensure_ascii=ascii_only)
    for number, literal in enumerate(literals):
        words = words.replace(f'"<literal {number}>"', literal)
    return words.encode(errors="surrogatepass")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value, with each key in it."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@st.composite
def near_misses(draw: st.DrawFn, genuine: list[bytes]) -> bytes:
    """A genuine body with some of its fields missing, mistyped, huge or new."""
    original = draw(st.sampled_from(genuine))
    try:
        body = json.loads(original)
    except ValueError:
        field = draw(st.sampled_from([original.decode(), "id=tr_1", "", "id", "testByMollie=1"]))
        other = draw(st.lists(st.tuples(st.sampled_from(["id", "a", ""]), texts), max_size=3))
        return "&".join([field, urlencode(other, errors="replace")]).strip("&").encode()
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        everywhere = list(places(body))
        if not everywhere:
            break
        read = [place for place in everywhere if place[1] in READ]
        found = read if read and draw(st.integers(0, 3)) else everywhere
        container, key = draw(st.sampled_from(found))
        if draw(st.integers(0, 3)) == 0:
            del container[key]
        else:
            container[key] = draw(values)
    return written(body, ascii_only=draw(st.booleans()))


@st.composite
def mangled(draw: st.DrawFn, original: bytes) -> bytes:
    """Bytes that were damaged on their way: bits flipped, cut, doubled, something put in."""
    body = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        to = draw(st.integers(at, min(len(body), at + 40)))
        how = draw(st.sampled_from(["flip", "cut", "cut out", "double", "insert"]))
        if how == "flip" and at < len(body):
            body[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del body[at:]
        elif how == "cut out":
            del body[at:to]
        elif how == "double":
            body[at:at] = body[at:to]
        elif how == "insert":
            body[at:at] = draw(st.binary(max_size=8))
    return bytes(body)


@st.composite
def odd_headers(draw: st.DrawFn, original: Mapping[str, str]) -> dict[str, str]:
    """Headers in other case, with blanks, twice, damaged or missing."""
    headers = dict(original)
    for name in draw(st.lists(st.sampled_from(sorted(headers)), max_size=2)) if headers else ():
        value = headers.get(name, "")
        how = draw(st.sampled_from(["case", "blanks", "twice", "damage", "drop", "replace"]))
        if how == "case":
            headers[draw(st.sampled_from([name.upper(), name.title()]))] = headers.pop(name, value)
        elif how == "blanks":
            headers[name] = draw(st.sampled_from([" ", "\t", "\r\n", "\xa0"])) + value + " "
        elif how == "twice":
            headers[name] = draw(st.sampled_from([f"{value},{value}", f"{value}, {value}", f",{value}", f"{value};"]))
        elif how == "damage":
            headers[name] = draw(mangled(value.encode(errors="replace"))).decode("latin-1")
        elif how == "drop":
            headers.pop(name, None)
        else:
            headers[name] = draw(texts)
    return headers


anything = st.builds(
    RawWebhook,
    headers=st.dictionaries(st.one_of(st.sampled_from(HEADERS), texts), texts, max_size=4),
    body=st.one_of(st.binary(max_size=200), texts.map(lambda words: words.encode(errors="surrogatepass"))),
)


@st.composite
def damaged(draw: st.DrawFn, genuine: list[RawWebhook]) -> RawWebhook:
    """A genuine webhook of which the body, the headers or both changed on its way."""
    webhook = draw(st.sampled_from(genuine))
    what = draw(st.sampled_from(["body", "headers", "both", "another's headers"]))
    body = draw(mangled(webhook.body)) if what in ("body", "both") else webhook.body
    headers = draw(odd_headers(webhook.headers)) if what in ("headers", "both") else webhook.headers
    if what == "another's headers":
        headers = draw(st.sampled_from(genuine)).headers
    return RawWebhook(headers=headers, body=body)


@st.composite
def signed(draw: st.DrawFn, sender: Any) -> RawWebhook:
    """A body that the provider would not send, with a signature that is right."""
    bodies = [one.body for one in sender.genuine]
    return sender.signed(draw(st.one_of(near_misses(bodies), st.sampled_from(bodies).flatmap(mangled))))  # type: ignore[no-any-return]


@st.composite
def forged(draw: st.DrawFn, sender: Any) -> RawWebhook:
    """What the provider said, or nearly, signed by somebody else, too long ago, or not at all."""
    bodies = [one.body for one in sender.genuine]
    body = draw(st.one_of(st.sampled_from(bodies), near_misses(bodies)))
    how = draw(st.sampled_from(["other secret", "unsigned", *(["old"] if sender.says_when else [])]))
    if how == "unsigned":
        kind = draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
        return RawWebhook(headers={"content-type": kind}, body=body)
    return sender.forged(body, how)  # type: ignore[no-any-return]


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# --- what a provider makes of it -------------------------------------------------------------------------


def check_parse(sender: Any, webhook: RawWebhook) -> None:
    """Nothing but a refusal is raised; what is not signed tells nothing, and is at most a classic hint of Mollie's."""
    show(webhook)
    webhook = RawWebhook(headers=lower(webhook.headers), body=webhook.body)
    genuine = sender.is_signed(webhook.headers, webhook.body)
    try:
        told = sender.parse(webhook)
    except (WebhookRejected, ProviderError):
        return
    if isinstance(told, ToFetch):
        hint = sender.name == "mollie" and "x-mollie-signature" not in webhook.headers
        assert genuine or hint
        assert len(told.targets) <= 2
        for target in told.targets:
            check_words(target)
        return
    assert isinstance(told, VerifiedEvents)
    assert genuine
    for event in told.events:
        for words in (event.event_id, *event.payments, event.refund.reference, event.refund.refund_id):
            check_words(words)
        check_words(event.refund.provider_status + event.refund.reason)
        assert event.refund.reference
        assert 0 <= event.refund.amount.minor < 2**63


def show(webhook: RawWebhook) -> None:
    """Where a test fails, the body too, which no webhook shows by itself."""
    if currently_in_test_context():
        note(f"{webhook.body!r}")


def check_words(words: str) -> None:
    """Text that either database can keep."""
    assert isinstance(words, str)
    assert "\x00" not in words
    words.encode()


@many
@given(webhook=anything)
def test_of_arbitrary_bytes_a_provider_says_nothing_but_no(sender: Any, webhook: RawWebhook) -> None:
    check_parse(sender, webhook)


@many
@given(data=st.data())
def test_of_a_webhook_that_was_damaged_a_provider_believes_what_is_still_signed(
    sender: Any, data: st.DataObject
) -> None:
    check_parse(sender, data.draw(damaged(sender.genuine)))


@many
@given(data=st.data())
def test_a_signed_body_of_any_shape_raises_nothing_but_a_refusal(sender: Any, data: st.DataObject) -> None:
    check_parse(sender, data.draw(signed(sender)))


def test_each_field_that_is_read_may_hold_anything(sender: Any) -> None:
    """Every literal in every place: half a character, a NUL, an amount below zero or of thirty digits, no reference,
    each of which once came through."""
    bodies = [json.loads(one.body) for one in sender.genuine if one.body[:1] == b"{"]
    for number in (0, -1):
        for place in range(len(list(places(bodies[number])))):
            for words in LITERALS:
                body = copy.deepcopy(bodies[number])
                container, key = list(places(body))[place]
                if key in READ:
                    container[key] = Literal(words)
                    check_parse(sender, sender.signed(written(body)))


@many
@given(data=st.data())
def test_what_somebody_else_signed_or_signed_long_ago_tells_a_provider_nothing(
    sender: Any, data: st.DataObject
) -> None:
    webhook = data.draw(forged(sender))
    assert not sender.is_signed(webhook.headers, webhook.body)
    check_parse(sender, webhook)


def test_what_the_provider_really_sent_is_believed(sender: Any) -> None:
    """Else all of the above would prove nothing."""
    told = [sender.parse(webhook) for webhook in sender.genuine]
    references = {event.refund.reference for one in told if isinstance(one, VerifiedEvents) for event in one.events}
    assert references <= {one.reference for one in sender.sandbox.books(sender.reference)}
    assert references
    assert all(isinstance(one, VerifiedEvents) or one.targets for one in told)


def test_a_webhook_of_the_other_mode_tells_a_provider_nothing(sender: Any) -> None:
    tried = 0
    for webhook in sender.of_the_other_mode():
        tried += 1
        with suppress(WebhookRejected):
            assert sender.parse(webhook) == VerifiedEvents(events=())
    assert tried


# --- what the desk makes of it ---------------------------------------------------------------------------


NOTHING_TAKEN = ("failed", "cancelled", "reversed")


class Desk:
    """A desk that waits for a refund at the provider, and knows less than the provider does.

    Every webhook meets the same state: the database is put back before each.
    """

    def __init__(self, sender: Any) -> None:
        self.sender = sender
        sandbox, reference = sender.sandbox, sender.reference
        payment = a_payment("100.00", provider=sender.name, reference=reference, mode=Mode.TEST)
        self.desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", 4, "100.00"), payments=[payment])]),
            store="sqlite://",
            plugins=[sender.name],
            settings={sender.name: sender.settings},
            clock=sandbox.clock.now,
        )
        confirm = self.desk.confirm_refund
        confirm("1001", reference, Money.of("7.00", "EUR"), reference="by hand", by=ANNA, request_id="form-1")
        usual, sandbox.server.faulty = sandbox.server.faulty, lambda _: True
        sandbox.server.faults.append(Fault.ERROR_500_BEFORE)  # so that the books are not read when the link is opened
        self.desk.open_refund_link("1001", reference, Money.of("20.00", "EUR"), by=ANNA, request_id="form-2")
        sandbox.server.faults.clear()
        sandbox.server.faulty = usual
        self._kept = sqlite3.connect(":memory:")
        self._copy(to_kept=True)
        self.at_first = self.refunds()
        self.desk.reconcile("1001")
        self.as_the_provider_says = self.refunds()
        assert self.as_the_provider_says != self.at_first

    def _copy(self, *, to_kept: bool) -> None:
        borrowed = self.desk._services.store.engine.raw_connection()
        live: Any = borrowed.driver_connection
        if to_kept:
            live.backup(self._kept)
        else:
            self._kept.backup(live)
        borrowed.close()

    def put_back(self) -> None:
        """As it was before any webhook came."""
        self._copy(to_kept=False)

    def refunds(self) -> list[tuple[str, str, str, str]]:
        """What the dossier says of money, without ids of our own."""
        found = self.desk.dossier("1001").refunds.values()
        return sorted((one.reference, str(one.amount), one.state.value, one.source.value) for one in found)

    def listed(self) -> int:
        """How many webhooks that cannot be read wait for a person."""
        return self.desk.attention_counts().get(AttentionKind.WEBHOOK_UNREADABLE, 0)

    def kept(self, *kinds: str) -> list[Any]:
        """The events, and the effects of these kinds or of all."""
        with self.desk._services.store.engine.connect() as connection:
            events = connection.exec_driver_sql("SELECT * FROM retour_event ORDER BY seq").all()
            effects = connection.exec_driver_sql("SELECT * FROM retour_effect ORDER BY id").all()
        return [events, [one for one in effects if not kinds or one.kind in kinds]]

    def money(self, refunds: list[tuple[str, str, str, str]] | None = None) -> list[tuple[str, str, str, str]]:
        """The refunds that take money: of a failed one, a report alone cannot tell whether it had succeeded first."""
        return [one for one in (self.refunds() if refunds is None else refunds) if one[2] not in NOTHING_TAKEN]

    def close(self) -> None:
        self.desk.close()
        self._kept.close()


@pytest.fixture
def desk(sender: Any, caplog: pytest.LogCaptureFixture) -> Iterator[Desk]:
    caplog.set_level(logging.CRITICAL, "retour")
    made = Desk(sender)
    yield made
    made.close()


def check_desk(desk: Desk, webhook: RawWebhook) -> None:
    """What is refused changes nothing. What is not signed changes at most what the provider says itself, when asked;
    what is signed counts once, and leaves an order that can be read."""
    show(webhook)
    desk.put_back()
    before, listed = desk.kept(), desk.listed()
    try:
        desk.sender.receive(desk.desk, webhook)
    except InvalidWebhook:
        assert desk.kept() == before
        assert desk.listed() == listed, "anybody could fill the list of what staff must look at"
        return
    except UnreadableWebhook:
        assert desk.kept() == before
        assert desk.sender.is_signed(lower(webhook.headers), webhook.body)
        return
    if not desk.sender.is_signed(lower(webhook.headers), webhook.body):
        assert desk.kept("provider_event")[1] == []
        assert desk.refunds() in (desk.at_first, desk.as_the_provider_says)
        return
    once = desk.refunds()
    desk.sender.receive(desk.desk, webhook)
    assert desk.refunds() == once
    assert len(desk.desk.list_refunds().refunds) == len(once)
    for entry in desk.desk.timeline("1001"):
        assert entry.text("en")
        assert entry.text("nl")


@many
@given(webhook=anything)
def test_arbitrary_bytes_change_nothing_at_a_desk(desk: Desk, webhook: RawWebhook) -> None:
    check_desk(desk, webhook)


@many
@given(data=st.data())
def test_a_damaged_webhook_changes_at_a_desk_what_is_still_signed_or_what_the_provider_says(
    desk: Desk, data: st.DataObject
) -> None:
    check_desk(desk, data.draw(damaged(desk.sender.genuine)))


@many
@given(data=st.data())
def test_a_signed_webhook_of_any_shape_is_refused_or_counts_once_at_a_desk(desk: Desk, data: st.DataObject) -> None:
    check_desk(desk, data.draw(signed(desk.sender)))


@many
@given(data=st.data())
def test_what_somebody_else_signed_changes_nothing_at_a_desk_that_the_provider_does_not_say(
    desk: Desk, data: st.DataObject
) -> None:
    check_desk(desk, data.draw(forged(desk.sender)))


def test_what_the_provider_really_sent_is_what_the_desk_knows_then(desk: Desk) -> None:
    """Else all of the above would prove nothing."""
    desk.put_back()
    for webhook in desk.sender.genuine:
        desk.sender.receive(desk.desk, webhook)
    assert desk.money() == desk.money(desk.as_the_provider_says) != desk.money(desk.at_first)


def test_what_the_provider_really_sent_may_come_in_reverse(desk: Desk) -> None:
    desk.put_back()
    for webhook in reversed(desk.sender.genuine):
        desk.sender.receive(desk.desk, webhook)
    assert desk.money() == desk.money(desk.as_the_provider_says)
