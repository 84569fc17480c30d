"""The tables as they are now. Every name begins with ``retour_``; the shop is in every key.

Times are whole microseconds since 1970 UTC, bodies are JSON text: the same on both databases. A host with its own
migrations can exclude or adopt `metadata`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text
from sqlalchemy import text as sql

metadata = MetaData()


class _PartialIndex(Index):
    """An index of the rows ``where`` something is so.

    Told with ``sqlite_where`` and ``postgresql_where``, an index imports both dialects as it is defined, of which a
    process uses one; this says it when it is asked: for the index to be created, compared or copied.
    """

    def __init__(self, name: str, *columns: Any, where: Any, unique: bool = False) -> None:
        super().__init__(name, *columns, unique=unique)
        self._where = where

    @property
    def dialect_options(self) -> Any:
        """What SQLAlchemy asks for what is said to a dialect."""
        options = super().dialect_options
        for dialect in ("sqlite", "postgresql"):
            options[dialect]["where"] = self._where
        return options


class _SearchIndex(_PartialIndex):
    """An index by which a text is found, or all that begin with it, whatever the database's language: PostgreSQL sorts
    texts as people do, unless an index says otherwise."""

    def __init__(self, name: str, *columns: Any, by: Any, where: Any = None) -> None:
        super().__init__(name, *columns, where=where)
        self._by = by.name

    @property
    def dialect_options(self) -> Any:
        """What SQLAlchemy asks for what is said to a dialect."""
        options = super().dialect_options
        options["postgresql"]["ops"] = {self._by: "text_pattern_ops"}
        return options


dossier = Table(
    "retour_dossier",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("attention", Integer, nullable=False, server_default="0"),
    Column("amounts", Text, nullable=False, server_default=""),
)
"""One row per order that has events: what a command locks. ``version`` is the last event's ``seq``; ``attention`` is
the number of the rules by which its rows of ``retour_attention`` were made, 0 for those of a migration. ``amounts`` are
what is known of its money, as JSON; `NOT_YET` or `UNREADABLE` until all rows of the order were made anew since that is
kept, whatever was written meanwhile."""

NOT_YET, UNREADABLE = "", "?"
"""What stands in place of what rows of lists tell."""

_PartialIndex("retour_dossier_not_yet", dossier.c.shop, dossier.c.order_id, where=sql("amounts = ''"))

_SearchIndex("retour_dossier_search", dossier.c.shop, dossier.c.order_id, by=dossier.c.order_id).ddl_if(
    dialect="postgresql"  # SQLite finds the beginning of an order's id by the key
)

event = Table(
    "retour_event",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("command", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("request_id", Text),
    Column("request_digest", Text),
    Column("commit_id", Text, nullable=False, server_default=""),
)
"""What happened, for ever. The first event of a command carries its request_id; ``commit_id`` names the commit that
wrote it, empty for those of before commits had ids."""

_PartialIndex(
    "retour_event_request",
    event.c.shop,
    event.c.order_id,
    event.c.request_id,
    unique=True,
    where=event.c.request_id.is_not(None),
)

reference = Table(
    "retour_reference",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
)
"""How a payment's reference finds its order. ``mode`` is `ANY_MODE` in rows of before modes were kept."""

_SearchIndex(
    "retour_reference_search",
    reference.c.shop,
    reference.c.reference,
    reference.c.order_id,
    by=reference.c.reference,
)

ANY_MODE = "any"
"""The mode of a payment that was seen before modes were kept: whichever is asked for, until its order is seen again."""

return_ = Table(
    "retour_return",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("return_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("goods", Text, nullable=False),
    Column("stock", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("due", Text),
    Column("opened_at", BigInteger, nullable=False),
    Column("number", Text),
    Column("details", Text, nullable=False, server_default=""),
)
"""How lists are made: the states of every return, what it waits for and since when, and its last day to send; and how
its ``number`` finds it, which no two returns of a shop have. ``details`` are what its row tells besides, `NOT_YET` in
rows of before that was kept and `UNREADABLE` where the order could not be read."""

Index("retour_return_number", return_.c.shop, return_.c.number, unique=True)

Index("retour_return_opened", return_.c.shop, return_.c.opened_at, return_.c.return_id)
Index("retour_return_waits", return_.c.shop, return_.c.waits_for, return_.c.opened_at, return_.c.return_id)
Index("retour_return_goods", return_.c.shop, return_.c.goods, return_.c.opened_at, return_.c.return_id)
Index("retour_return_stock", return_.c.shop, return_.c.stock, return_.c.opened_at, return_.c.return_id)
Index("retour_return_order", return_.c.shop, return_.c.order_id, return_.c.opened_at, return_.c.return_id)
_PartialIndex(
    "retour_return_due",
    return_.c.due,
    where=return_.c.due.is_not(None),
)
_PartialIndex(
    "retour_return_not_yet",
    return_.c.shop,
    return_.c.order_id,
    where=sql("details = ''"),
)

return_reason = Table(
    "retour_return_reason",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("opened_at", BigInteger, primary_key=True, autoincrement=False),
    Column("return_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
)
"""The codes of a shop's list that were chosen for lines of a return: how returns are found by them, and how they are
counted over a period."""

Index("retour_return_reason_opened", return_reason.c.shop, return_reason.c.opened_at, return_reason.c.reason)

refund = Table(
    "retour_refund",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("refund_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("payment", Text, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("batch", Text, nullable=False, server_default=""),
    Column("reference", Text, nullable=False, server_default=""),
    Column("details", Text, nullable=False, server_default=""),
)
"""The state of every refund, and what it waits for: how lists of money are made. ``reference`` is what the provider or
the bank calls it; ``details`` are as those of returns."""

Index("retour_refund_opened", refund.c.shop, refund.c.opened_at, refund.c.refund_id)
Index("retour_refund_waits", refund.c.shop, refund.c.waits_for, refund.c.opened_at, refund.c.refund_id)
Index("retour_refund_state", refund.c.shop, refund.c.state, refund.c.opened_at, refund.c.refund_id)
Index("retour_refund_order", refund.c.shop, refund.c.order_id, refund.c.opened_at, refund.c.refund_id)
_PartialIndex(
    "retour_refund_batch",
    refund.c.shop,
    refund.c.batch,
    refund.c.opened_at,
    refund.c.refund_id,
    where=sql("batch <> ''"),
)
_SearchIndex(
    "retour_refund_search",
    refund.c.shop,
    refund.c.reference,
    refund.c.order_id,
    by=refund.c.reference,
    where=sql("reference <> ''"),
)
_PartialIndex(
    "retour_refund_not_yet",
    refund.c.shop,
    refund.c.order_id,
    where=sql("details = ''"),
)

label = Table(
    "retour_label",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("label_id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("return_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("waits_for", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
)
"""The state of every label, and what it waits for: how lists of labels are made. An order of before it was kept has its
rows when its ``amounts`` are told."""

Index("retour_label_opened", label.c.shop, label.c.opened_at, label.c.label_id)
Index("retour_label_waits", label.c.shop, label.c.waits_for, label.c.opened_at, label.c.label_id)
Index("retour_label_state", label.c.shop, label.c.state, label.c.opened_at, label.c.label_id)
Index("retour_label_provider", label.c.shop, label.c.provider, label.c.opened_at, label.c.label_id)
Index("retour_label_order", label.c.shop, label.c.order_id, label.c.opened_at, label.c.label_id)

attention = Table(
    "retour_attention",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("can_do", Text, nullable=False),
)
"""What a person must look at: ``item`` stands for the ``kind`` and what it is ``about``. ``why`` is empty in rows of a
migration, which could not know it."""

Index("retour_attention_since", attention.c.shop, attention.c.since, attention.c.order_id, attention.c.item)
Index(
    "retour_attention_kind",
    attention.c.shop,
    attention.c.kind,
    attention.c.since,
    attention.c.order_id,
    attention.c.item,
)

effect = Table(
    "retour_effect",
    metadata,
    Column("id", Text, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("plugin", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settled", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("problem", Text, nullable=False),
    Column("commit_id", Text, nullable=False, server_default=""),
    Column("died", Integer, nullable=False, server_default="0"),
    Column("behind", Integer, nullable=False, server_default="0"),
    Column("again", BigInteger, nullable=False, server_default="0"),
    Column("account", Text, nullable=False, server_default=""),
)
"""What has to be done outside the database. While ``waiting`` it belongs to ``owner`` until ``lease_until``;
``commit_id`` names the commit that made it, or last settled it.

``attempts`` counts every claim, ``settled`` is that number when one last ended: where they differ by more than the
claim that runs now, a worker died, or could not record what it did. ``died`` counts the claims in a row that ended
without a word: those whose lease ran out while it had an ``owner``.

``behind`` is 1 for what anybody can ask for without a signature, and 2 for looks at a pace: each is served
behind what is below it, and those with 2 at the pace of the ``account`` that they ask. The ``not_before`` of one that
is done is when it ended. Of an effect that is
asked for again and again there is one row: its ``not_before`` is when it was last done, and ``again`` is when it has to
be done once more after the claim that runs now, 0 where it has not.

``account`` is that of the provider which the effect asks, so that a worker knows how many of them ask one; empty where
it asks none, or where an older retour made it.
"""

_PartialIndex(
    "retour_effect_waiting",
    effect.c.not_before,
    effect.c.id,
    where=sql("state = 'waiting' AND behind = 0"),
)
_PartialIndex(
    "retour_effect_behind",
    effect.c.not_before,
    effect.c.id,
    where=sql("state = 'waiting' AND behind = 1"),
)
_PartialIndex(
    "retour_effect_look",
    effect.c.not_before,
    effect.c.id,
    where=sql("state = 'waiting' AND behind = 2"),
)
_PartialIndex(
    "retour_effect_account",
    effect.c.shop,
    effect.c.account,
    effect.c.not_before,
    effect.c.id,
    where=sql("state <> 'done' AND behind = 2"),
)
_PartialIndex(
    "retour_effect_shop",
    effect.c.shop,
    effect.c.kind,
    effect.c.not_before,
    effect.c.id,
    where=sql("state <> 'done' AND behind = 0"),
)
_PartialIndex(
    "retour_effect_owned",
    effect.c.lease_until,
    effect.c.id,
    where=sql("state = 'waiting' AND owner IS NOT NULL"),
)
_PartialIndex(
    "retour_effect_order",
    effect.c.shop,
    effect.c.behind,
    effect.c.order_id,
    effect.c.not_before,
    effect.c.id,
    where=sql("state = 'waiting'"),
)

_PartialIndex(
    "retour_effect_troubled",
    effect.c.shop,
    effect.c.created_at,
    effect.c.id,
    where=sql("state = 'waiting' AND problem <> ''"),
)

_PartialIndex(
    "retour_effect_done",
    effect.c.not_before,
    effect.c.id,
    where=sql("state = 'done'"),
)

hints = Table(
    "retour_hints",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("next_at", BigInteger, nullable=False),
)
"""How many questions unsigned hints of an account have asked: ``next_at`` is when all of them would be through, one
after the other at the pace that an account has."""

unknown_account = Table(
    "retour_unknown_account",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("next_at", BigInteger, nullable=False),
    Column("signed", Integer, nullable=False),
    Column("unsigned", Integer, nullable=False),
)
"""Accounts whose webhooks named payments that nobody knows: how many of these wait, and when its provider may be asked
about the next."""

_PartialIndex(
    "retour_unknown_account_next",
    unknown_account.c.next_at,
    where=sql("signed + unsigned > 0"),
)

unknown_name = Table(
    "retour_unknown_name",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("names", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("signed", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
)
"""What webhooks say of payments that nobody knows by these ``names``. ``asked_at`` is 0 while it waits to be asked
about, else when its provider said that it does not know it either: so long it is remembered."""

looks = Table(
    "retour_looks",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("next_at", BigInteger, nullable=False),
)
"""When an account of a provider is next asked about refunds that succeeded: after each look it rests a while."""

personal = Table(
    "retour_personal",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
"""Personal data, apart: who it is about, why it is kept, until when. Events hold its id and read without it."""

Index("retour_personal_order", personal.c.shop, personal.c.order_id)
Index("retour_personal_customer", personal.c.shop, personal.c.customer)
Index("retour_personal_expires", personal.c.expires_at)

problem = Table(
    "retour_problem",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("acknowledged", Integer, nullable=False, server_default="0"),
    Column("acknowledged_at", BigInteger, nullable=False, server_default="0"),
    Column("actor_kind", Text, nullable=False, server_default=""),
    Column("actor_id", Text, nullable=False, server_default=""),
)
"""What went wrong where there is no order to tell it of: one row for each kind, however often it happens; who last
acknowledged it, when, and how many ``times`` it had happened then."""

unreadable = Table(
    "retour_unreadable",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("effect_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)
"""What could not be read when it was last met: the event ``seq`` of an order, or with 0 the effect ``effect_id``.
It is forgotten when a doctor finds that it reads again."""

aside = Table(
    "retour_aside",
    metadata,
    Column("shop", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("aside", Integer, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("because", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Who set an unreadable order aside (``aside`` 1) or took it back (0): the last ``number`` counts, none is removed."""

migration = Table(
    "retour_migration",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)
"""Which migrations were applied."""
