"""Every argument of every public method: what is wrong in kind gives one of our errors, and nothing is changed.

By reflection: each parameter of each method in turn gets values that it cannot have. The rest of the call is right, so
that it is that one parameter that is refused, or taken for what it is.
"""

from __future__ import annotations

import datetime
import inspect
import sqlite3
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import attrs
import pytest
from shipping.small_carrier import OPTION, Carrier, plugin_of
from shipping.world import BOX, HOME, SHOP
from sqlalchemy import create_engine
from sqlalchemy import inspect as inspect_database

from retour import (
    Actor,
    Counted,
    EvidenceFile,
    InvalidArgument,
    InvalidSettings,
    InvalidShop,
    MemoryShop,
    Money,
    Objection,
    Order,
    Outcome,
    RestockDecision,
    RetourError,
    ReturnDesk,
    hookimpl,
)
from retour.providers import Support
from retour.store import tables
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
AMOUNT = Money.of("10", "EUR")
ORDER = an_order(a_line("cup", 9, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="p_1")])


class Unshowable:
    """What cannot be shown, compared, counted or read."""

    def __repr__(self) -> str:
        raise ValueError("no words")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise ValueError("nothing to compare")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("neither")

    def __iter__(self) -> object:
        raise ValueError("nothing in it")


class Pretends:
    """What says of itself that it is a value of ours."""

    __class__ = Actor  # type: ignore[assignment]  # a Mock with a spec does the same


HOSTILE: Mapping[str, object] = {
    "None": None,
    "True": True,
    "0": 0,
    "-1": -1,
    "7": 7,
    "2**63": 2**63,
    "12.5": 12.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "a decimal": Decimal("NaN"),
    "bytes": b"x",
    "empty": "",
    "a word": "bogus",
    "too long": "x" * 20_000,
    "a NUL": "a\0b",
    "half a character": "\ud83d",
    "an empty list": [],
    "a list": ["bogus", None],
    "a list of lists": [["cup", 1]],
    "an empty mapping": {},
    "a mapping": {"cup": "many"},
    "a mapping of numbers": {7: None},
    "an object": object(),
    "a class": Order,
    "a function": lambda *_: None,
    "a generator that breaks": (1 / 0 for _ in range(1)),
    "a naive time": datetime.datetime(2026, 1, 1),  # noqa: DTZ001 - what is refused
    "a day": datetime.date(2026, 1, 1),
    "other money": Money.of("1", "USD"),
    "too much": Money.of("90000000000000000", "EUR"),
    "a refused decision": RestockDecision.ask(),
    "a count": Counted(line_id="cup", sellable=10**9),
    "Actor": Actor,
    "unshowable": Unshowable(),
    "pretends": Pretends(),
}


class Looks:
    """Nothing is approved and nothing restocked by itself."""

    name = "looks"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")

    @hookimpl
    def restock_policy(self) -> RestockDecision:
        return RestockDecision.ask()


@attrs.define
class State:
    """A desk with one of everything: returns in each state, refunds that wait, one that is pending."""

    desk: ReturnDesk
    requested: str = ""
    approved: str = ""
    rejected: str = ""
    counted: str = ""
    receipt: str = ""
    arrived: str = ""
    waiting: str = ""
    pending: str = ""
    external: str = ""
    label: str = ""
    outcome: Any = None
    _looks: sqlite3.Connection | None = None
    _version: int | None = None
    _rows: list[object] = attrs.field(factory=list)

    def rows(self) -> list[object]:
        """All that is stored; read anew where anybody committed anything since it was read last, as far as the database
        tells."""
        version = self._committed()
        if version is None or version != self._version:
            self._version, self._rows = version, self._read()
        return self._rows

    def _committed(self) -> int | None:
        """A number that SQLite changes for a connection with each commit of another one."""
        engine = self.desk._services.store.engine
        if engine.dialect.name != "sqlite":
            return None
        if self._looks is None:
            self._looks = sqlite3.connect(str(engine.url.database))
        return int(self._looks.execute("PRAGMA data_version").fetchone()[0])

    def _read(self) -> list[object]:
        """All rows, but that a plugin broke over a webhook, which is kept for who mends it."""
        kept = [table for table in tables.metadata.sorted_tables if table.name != "retour_problem"]
        with self.desk._services.store.engine.connect() as connection:
            return [sorted(map(str, connection.execute(table.select()))) for table in kept]

    def close(self) -> None:
        """Close the desk."""
        if self._looks is not None:
            self._looks.close()
        self.desk.close()


def state(world: Any) -> State:
    from retour.providers import RefundStatus

    ledger = world.provider.Ledger(clock=lambda: world.now, paid={"p_1": Money.of("100", "EUR")})
    kind = world.provider.make_provider(ledger, cancel_refund=Support.YES)
    desk = ReturnDesk(
        shop=MemoryShop([ORDER]),
        store=world.database,
        plugins=[world.provider.plugin(kind), Looks(), plugin_of(Carrier())],
        return_address=SHOP,
        settings={"ledger": {}},
        migrate=True,
        clock=lambda: world.now,
    )
    with desk._services.store.engine.begin() as connection:  # a state before may have left something
        for table in tables.metadata.sorted_tables:
            if table is not tables.migration:
                connection.execute(table.delete())
    made = State(desk)
    made.requested = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="s1").return_id
    made.approved = desk.request_return("1001", {"cup": 2}, by=ANNA, request_id="s2").return_id
    desk.approve_return("1001", made.approved, by=ANNA)
    made.rejected = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="s2b").return_id
    desk.reject_return("1001", made.rejected, by=ANNA, because="no")
    given: Any = {"sender": HOME, "parcel": BOX, "by": ANNA, "request_id": "s6 label"}
    made.label = desk.order_label("1001", made.approved, OPTION, **given).label_id or ""
    counted = desk.mark_returned("1001", {"cup": 4}, by=ANNA, request_id="s3")
    made.counted, made.receipt = counted.returns[-1].return_id, counted.returns[-1].receipt_id or ""
    to_inspect = [Counted(line_id="cup", to_inspect=2)]
    made.arrived = str(desk.mark_returned("1001", to_inspect, by=ANNA, request_id="s6").receipt_id)
    made.waiting = desk.open_refund_link("1001", "p_1", AMOUNT, by=ANNA, request_id="s4").refund_id or ""
    ledger.new_status = RefundStatus.PENDING
    made.pending = desk.refund("1001", "p_1", Money.of("5", "EUR"), by=ANNA, request_id="s5").refund_id or ""
    ledger.add("p_1", Money.of("3", "EUR"))
    desk.reconcile("1001")
    made.external = list(desk.dossier("1001").refunds)[-1]
    made.outcome = Outcome(order_id="1001", version=1, changed=False)
    return made


RIGHT: Mapping[str, Callable[[State], dict[str, object]]] = {
    "request_return": lambda _: {"order_id": "1001", "lines": {"cup": 1}, "by": ANNA, "request_id": "new"},
    "approve_return": lambda s: {"order_id": "1001", "return_id": s.requested, "by": ANNA},
    "reject_return": lambda s: {"order_id": "1001", "return_id": s.requested, "by": ANNA, "because": "no"},
    "add_evidence": lambda s: {
        "order_id": "1001",
        "return_id": s.requested,
        "evidence": [EvidenceFile(reference="file-1")],
        "by": ANNA,
        "request_id": "new",
    },
    "evidence": lambda s: {"order_id": "1001", "return_id": s.requested},
    "find_return": lambda s: {"number": s.desk.dossier("1001").return_(s.requested).number},
    "reopen_return": lambda s: {"order_id": "1001", "return_id": s.rejected, "by": ANNA},
    "mark_sent": lambda s: {"order_id": "1001", "return_id": s.approved, "by": ANNA},
    "cancel_return": lambda s: {"order_id": "1001", "return_id": s.approved, "by": ANNA},
    "close_return": lambda s: {"order_id": "1001", "return_id": s.counted, "by": ANNA},
    "receive": lambda s: {
        "order_id": "1001",
        "return_id": s.approved,
        "lines": {"cup": 1},
        "by": ANNA,
        "request_id": "new",
    },
    "mark_returned": lambda _: {"order_id": "1001", "lines": {"cup": 1}, "by": ANNA, "request_id": "new"},
    "correct_receipt": lambda s: {"order_id": "1001", "receipt_id": s.receipt, "lines": {"cup": 1}, "by": ANNA},
    "inspect_receipt": lambda s: {
        "order_id": "1001",
        "receipt_id": s.arrived,
        "lines": {"cup": 1},
        "by": ANNA,
        "request_id": "new",
    },
    "answer_restock": lambda s: {
        "order_id": "1001",
        "return_id": s.counted,
        "decision": RestockDecision.all(),
        "by": ANNA,
    },
    "refund_options": lambda _: {"order_id": "1001"},
    "refund_link": lambda _: {"order_id": "1001", "payment": "p_1", "amount": AMOUNT},
    "confirm_refund": lambda _: {
        "order_id": "1001",
        "payment": "p_1",
        "amount": AMOUNT,
        "reference": "r",
        "by": ANNA,
        "request_id": "new",
    },
    "refund": lambda _: {"order_id": "1001", "payment": "p_1", "amount": AMOUNT, "by": ANNA, "request_id": "new"},
    "return_and_refund": lambda _: {
        "order_id": "1001",
        "payment": "p_1",
        "amount": AMOUNT,
        "lines": {"cup": 1},
        "by": ANNA,
        "request_id": "new",
    },
    "open_refund_link": lambda _: {
        "order_id": "1001",
        "payment": "p_1",
        "amount": AMOUNT,
        "by": ANNA,
        "request_id": "new",
    },
    "reverse_refund": lambda s: {"order_id": "1001", "refund_id": s.waiting, "reference": "r", "by": ANNA},
    "cancel_refund": lambda s: {"order_id": "1001", "refund_id": s.waiting, "by": ANNA},
    "set_refund_batch": lambda s: {"order_id": "1001", "refund_id": s.waiting, "batch": "b", "by": ANNA},
    "retry_refund": lambda s: {"order_id": "1001", "refund_id": s.pending, "by": ANNA},
    "match_refund": lambda s: {
        "order_id": "1001",
        "refund_id": s.waiting,
        "external_id": s.external,
        "by": ANNA,
    },
    "settle_refund": lambda s: {
        "order_id": "1001",
        "refund_id": s.waiting,
        "happened": True,
        "evidence": "I looked",
        "reference": "r",
        "by": ANNA,
    },
    "explain_payment": lambda _: {"order_id": "1001", "payment": "p_1", "became": None, "by": ANNA},
    "label_options": lambda _: {"order_id": "1001", "sender": HOME, "parcel": BOX, "by": ANNA},
    "order_label": lambda s: {
        "order_id": "1001",
        "return_id": s.approved,
        "option": OPTION,
        "sender": HOME,
        "parcel": BOX,
        "by": ANNA,
        "request_id": "new",
        "another_parcel": True,
    },
    "label_document": lambda s: {"order_id": "1001", "label_id": s.label, "by": ANNA},
    "cancel_label": lambda s: {"order_id": "1001", "label_id": s.label, "by": ANNA},
    "settle_label": lambda s: {"order_id": "1001", "label_id": s.label, "by": ANNA, "made": False},
    "tracking_page": lambda s: {"order_id": "1001", "return_id": s.approved},
    "reconcile_labels": lambda _: {"order_id": "1001"},
    "reconcile": lambda _: {"order_id": "1001"},
    "receive_webhook": lambda _: {"provider": "ledger", "headers": {"Signature": "right"}, "body": b"fetch:p_1"},
    "timeline": lambda _: {"order_id": "1001"},
    "dossier": lambda _: {"order_id": "1001"},
    "can_do": lambda _: {"order_id": "1001", "by": ANNA},
    "list_returns": lambda _: {},
    "list_refunds": lambda _: {},
    "list_labels": lambda _: {},
    "figures": lambda _: {},
    "count_returns": lambda _: {},
    "total_refunds": lambda _: {},
    "attention": lambda _: {},
    "acknowledge": lambda s: {"order_id": "1001", "kind": "perhaps_ours", "about": s.external, "by": ANNA},
    "find_order": lambda _: {"provider": "ledger", "reference": "p_1"},
    "shipping_options": lambda _: {"order_id": "1001"},
    "run": lambda s: {"outcome": s.outcome},
    "work": lambda _: {},
    "retry_set_aside": lambda _: {"order_id": "1001", "by": ANNA},
    "unreadable_orders": lambda _: {},
    "set_unreadable_aside": lambda _: {"order_id": "1001", "by": ANNA, "because": "asked"},
    "take_unreadable_back": lambda _: {"order_id": "1001", "by": ANNA},
    "for_shop": lambda _: {"shop_id": "default"},
    "check_settings": lambda _: {"provider": "ledger"},
}
"""A right call of each public method that takes anything."""


def test_every_public_method_is_tried() -> None:
    takes = {
        name
        for name, method in inspect.getmembers(ReturnDesk, inspect.isfunction)
        if not name.startswith("_") and len(inspect.signature(method).parameters) > 1
    }
    assert takes == RIGHT.keys()


def test_whatever_changes_is_seen(world: Any) -> None:
    """Without that, that nothing was changed would prove nothing."""
    now = state(world)
    before = now.rows()
    assert now.rows() == before
    now.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="new")
    assert now.rows() != before
    now.close()


def tried(what: str, call: Callable[..., object], arguments: dict[str, object]) -> str:
    """Nothing, or which error of ours it raises; any other is a fault."""
    try:
        call(**arguments)
    except RetourError as error:
        shown = [error.text(language).encode() for language in ("en", "nl")]
        return type(error).__name__ if all(shown) else ""
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    return ""


STORED = ("2**63", "a word", "too long", "a NUL", "half a character")
"""What a database may be asked about: the rest is refused before one is, and tried on one of them."""


@pytest.mark.parametrize("method", RIGHT)
def test_a_wrong_argument_is_refused_and_changes_nothing(world: Any, method: str) -> None:
    hostile = HOSTILE if world.database.startswith("sqlite") else {name: HOSTILE[name] for name in STORED}
    now = state(world)
    before = now.rows()
    for name in set(inspect.signature(getattr(ReturnDesk, method)).parameters) - {"self"}:
        for said, value in hostile.items():
            call = f"{method}({name}={said})"
            refused = tried(call, getattr(now.desk, method), {**RIGHT[method](now), name: value})
            changed = now.rows() != before
            assert not (refused and changed), f"{call}: {refused}, and something was changed"
            if changed:
                now.desk.timeline("1001")
                now.desk.work()
                if hostile is HOSTILE:  # a right call again, for the next argument
                    now.close()
                    now = state(world)
                before = now.rows()
    now.close()


WRONG_CALLS: list[tuple[str, dict[str, object], str]] = [
    ("work", {"limit": 0}, "does 1 to 1000000 of each kind at once, not 0"),
    ("work", {"limit": "x"}, "limit must be a whole number from .*, not a text of 1 characters"),
    ("work", {"limit": True}, "limit must be a whole number from .*, not True"),
    ("work", {"concurrency": 65}, "does 1 to 64 orders side by side, not 65"),
    ("work", {"concurrency": None}, "concurrency must be a whole number from .*, not nothing"),
    ("work", {"stop": "now"}, "stop= is a function that says whether to stop, and no str"),
    ("list_returns", {"waits_for": "bogus"}, "waits_for is one of .*, not bogus"),
    ("attention", {"kind": "bogus"}, "kind is one of provider_off, .*, not bogus"),
    ("acknowledge", {"kind": 7}, "Order 1001: kind must be"),
    ("list_returns", {"goods": b"x"}, "goods must be a Sequence, not bytes"),
    ("list_returns", {"reason": "bogus"}, "reason is one of too_small, .*, not bogus"),
    ("list_returns", {"reason": 7}, "reason must be a Sequence, not 7"),
    ("list_returns", {"search": 7}, "search must be a text .*, not 7"),
    ("list_returns", {"opened_from": datetime.datetime(2026, 1, 1)}, "opened_from must be a time with its zone"),  # noqa: DTZ001
    ("count_returns", {"waits_for": ""}, "is counted over a period: give opened_from"),
    ("total_refunds", {"waits_for": ["", "person"]}, "is counted over a period: give opened_from"),
    ("total_refunds", {"state": "paid"}, "state is one of planned, .*, not paid"),
    ("list_returns", {"limit": 501}, "A page holds 1 to 500 rows, not 501"),
    ("list_refunds", {"state": [7]}, "state must be a Sequence in which each is a text .*, not 7"),
    ("list_labels", {"provider": "bogus"}, "provider is one of .*, not bogus"),
    ("list_labels", {"waits_for": "bogus"}, "waits_for is one of person, .*, not bogus"),
    ("list_refunds", {"order_id": 1001}, "order_id must be a text .*, not 1001"),
    ("receive_webhook", {"mode": "live"}, "mode must be one of Mode.LIVE, Mode.TEST, not a text of 4 characters"),
    ("receive_webhook", {"account": None}, "account must be a text .*, not nothing"),
    ("receive_webhook", {"headers": [(b"a", b"b")]}, "headers must be a mapping of texts to texts"),
    ("receive_webhook", {"headers": {b"a": b"b"}}, "headers must be a mapping of texts to texts"),
    ("receive_webhook", {"body": "{}"}, "body must be bytes"),
    ("run", {"outcome": None}, "outcome must be Outcome as it is made by its class, not nothing"),
    ("answer_restock", {"decision": "all"}, "Order 1001: decision must be RestockDecision as it is made by its class"),
    ("refund", {"payment": 7}, "Order 1001: payment must be a text"),
    ("for_shop", {"shop_id": ""}, "shop_id must be a text of 1 to 255 characters.*, not an empty text"),
]


@pytest.mark.parametrize("method, wrong, said", WRONG_CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_with_an_argument_is_said(world: Any, method: str, wrong: dict[str, object], said: str) -> None:
    world.open()
    right = RIGHT[method](State(world.desk, outcome=Outcome(order_id="1001", version=1, changed=False)))
    with pytest.raises(InvalidArgument, match=said):
        getattr(world.desk, method)(**{**right, **wrong})


# --- the desk itself -------------------------------------------------------------------------------------


class OfMany(MemoryShop):
    def __init__(self, engine: object, name: str) -> None:
        super().__init__([ORDER])


REFUSED: list[tuple[str, object, type[RetourError], str]] = [
    ("shop", OfMany, InvalidShop, "OfMany cannot be called with a shop's id. Hand over an object, shop=OfMany"),
    ("shop", Order, InvalidShop, "Order cannot be called with a shop's id"),
    ("shop", lambda: MemoryShop(), InvalidShop, "cannot be called with a shop's id"),
    ("shop", object(), InvalidShop, "object is no Shop: it has no order, find_order, book_stock"),
    ("shop", None, InvalidShop, "NoneType is no Shop"),
    ("store", None, InvalidArgument, "store must be a text of .*, not nothing"),
    ("store", 7, InvalidArgument, "store must be a text"),
    ("store", "a\0b", InvalidArgument, "store must be a text"),
    ("plugins", None, InvalidArgument, r'plugins=\["mollie"\], and no NoneType'),
    ("plugins", 7, InvalidArgument, "and no int"),
    ("plugins", "mollie", InvalidArgument, "and no text"),
    ("plugins", [None], InvalidArgument, "plugins= has a None in it"),
    ("settings", "sk_live_topsecret", InvalidSettings, "and no str"),
    ("settings", 7, InvalidSettings, "and no int"),
    ("settings", ["ledger"], InvalidSettings, "and no list"),
    ("settings", {7: {}}, InvalidSettings, "7: no plugin of this name is loaded"),
    ("shop_id", "", InvalidArgument, "shop_id must be a text of 1 to 255 characters.*, not an empty text"),
    ("shop_id", "a\0b", InvalidArgument, "shop_id must be a text of 1 to 255"),
    ("shop_id", "\ud83d", InvalidArgument, "shop_id must be a text of 1 to 255"),
    ("shop_id", "x" * 256, InvalidArgument, "not a text of 256 characters"),
    ("shop_id", None, InvalidArgument, "not nothing"),
    ("shop_id", 7, InvalidArgument, "not 7"),
    ("zone", "Europe/Amsterdan", InvalidArgument, "as Europe/Amsterdam, and not Europe/Amsterdan"),
    ("zone", "", InvalidArgument, "zone= is the name of a time zone"),
    ("zone", "/etc/passwd", InvalidArgument, "zone= is the name of a time zone"),
    ("zone", None, InvalidArgument, "not None"),
    ("zone", datetime.UTC, InvalidArgument, "not UTC"),
    ("inline_seconds", -1, InvalidArgument, "0 or more, not -1"),
    ("inline_seconds", float("nan"), InvalidArgument, "not nan"),
    ("inline_seconds", "10", InvalidArgument, "not 10"),
    ("inline_seconds", None, InvalidArgument, "not None"),
    ("inline_seconds", True, InvalidArgument, "not True"),
    ("keep_done_effects", datetime.timedelta(days=29), InvalidArgument, "30 days at least"),
    ("keep_done_effects", 90, InvalidArgument, "keep_done_effects must be timedelta"),
    ("migrate", "yes", InvalidArgument, "migrate must be true or false or nothing"),
    ("clock", None, InvalidArgument, "clock= is a function that gives the time with its zone"),
    ("clock", datetime.datetime.now, InvalidArgument, "as datetime.now"),
    ("clock", lambda: 7, InvalidArgument, "and no int"),
    ("elapsed", None, InvalidArgument, "elapsed= is a function that gives the seconds that go by"),
    ("elapsed", 7.0, InvalidArgument, "as time.monotonic does"),
    ("elapsed", datetime.datetime.now, InvalidArgument, "and no datetime"),
    ("elapsed", lambda: True, InvalidArgument, "and no bool"),
    ("elapsed", lambda: float("nan"), InvalidArgument, "and no float"),
]


def named(value: object) -> str:
    """What a parameter is called in a test's name."""
    return ascii(value) if isinstance(value, str | int | float) else type(value).__name__


@pytest.mark.parametrize("name, value, error, said", REFUSED, ids=named)
def test_what_a_desk_cannot_be_made_with_is_refused_before_anything_is_opened(
    bare_database: str, name: str, value: object, error: type[RetourError], said: str
) -> None:
    right: dict[str, Any] = {"shop": MemoryShop(), "store": bare_database}
    with pytest.raises(error, match=said) as caught:
        ReturnDesk(**{**right, name: value})
    assert caught.value.text("nl") != caught.value.text("en")
    assert "topsecret" not in str(caught.value)
    engine = create_engine(bare_database)
    assert inspect_database(engine).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("name", inspect.signature(ReturnDesk).parameters)
def test_a_desk_is_refused_or_works(name: str) -> None:
    """What is taken serves: a desk that is made answers, whatever it was made with."""
    for said, value in HOSTILE.items():
        desk: list[ReturnDesk] = []
        right: dict[str, Any] = {"shop": MemoryShop([ORDER]), "store": "sqlite://", "migrate": True}

        def make(made: list[ReturnDesk] = desk, **arguments: Any) -> None:
            made.append(ReturnDesk(**arguments))

        refused = tried(f"{name}={said}", make, {**right, name: value})
        if not refused and name != "shop":  # what a host's function gives is met when it is asked
            desk[0].mark_returned("1001", by=ANNA)
            desk[0].refund_options("1001")
            desk[0].work()
            desk[0].close()
