"""Numbered migrations in code, and the check that a database is ours, complete and not newer than we are.

A released migration never changes; a test proves that all of them together give the tables of `retour.store.tables`.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from retour.model.errors import PerhapsSaved, StoreNewer, StoreNotMigrated, StoreNotOurs
from retour.model.return_number import return_number
from retour.model.text import text
from retour.store import tables
from retour.store.clock import NOW
from retour.store.connect import driver_errors_translated, lock_limit, perhaps_committed, reading

_ADVISORY_LOCK = 0x7265746F7572  # "retour": one migration at a time on PostgreSQL


def _run(connection: Connection, statements: str) -> None:
    """Run statements as they stand here, without parameters: to make a Core statement of each takes longer than they do
    on an empty SQLite file, which every new database is."""
    for statement in statements.split(";"):
        connection.exec_driver_sql(statement)


def _first_tables(connection: Connection) -> None:
    _run(connection, _FIRST_TABLES)


_FIRST_TABLES = """
CREATE TABLE retour_dossier (
    shop TEXT NOT NULL, order_id TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (shop, order_id)
);
CREATE TABLE retour_event (
    shop TEXT NOT NULL, order_id TEXT NOT NULL, seq INTEGER NOT NULL, command INTEGER NOT NULL,
    at BIGINT NOT NULL, actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL,
    type TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, request_id TEXT, request_digest TEXT,
    PRIMARY KEY (shop, order_id, seq)
);
CREATE UNIQUE INDEX retour_event_request ON retour_event (shop, order_id, request_id)
    WHERE request_id IS NOT NULL;
CREATE TABLE retour_reference (
    shop TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, reference TEXT NOT NULL,
    order_id TEXT NOT NULL,
    PRIMARY KEY (shop, provider, account, reference)
);
CREATE TABLE retour_return (
    shop TEXT NOT NULL, return_id TEXT NOT NULL, order_id TEXT NOT NULL,
    goods TEXT NOT NULL, stock TEXT NOT NULL, waits_for TEXT NOT NULL,
    since BIGINT NOT NULL, due TEXT, opened_at BIGINT NOT NULL,
    PRIMARY KEY (shop, return_id)
);
CREATE INDEX retour_return_opened ON retour_return (shop, opened_at, return_id);
CREATE INDEX retour_return_waits ON retour_return (shop, waits_for, opened_at, return_id);
CREATE INDEX retour_return_goods ON retour_return (shop, goods, opened_at, return_id);
CREATE INDEX retour_return_stock ON retour_return (shop, stock, opened_at, return_id);
CREATE INDEX retour_return_order ON retour_return (shop, order_id);
CREATE INDEX retour_return_due ON retour_return (due) WHERE due IS NOT NULL;
CREATE TABLE retour_refund (
    shop TEXT NOT NULL, refund_id TEXT NOT NULL, order_id TEXT NOT NULL, payment TEXT NOT NULL,
    minor BIGINT NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL, waits_for TEXT NOT NULL,
    since BIGINT NOT NULL, opened_at BIGINT NOT NULL,
    PRIMARY KEY (shop, refund_id)
);
CREATE INDEX retour_refund_opened ON retour_refund (shop, opened_at, refund_id);
CREATE INDEX retour_refund_waits ON retour_refund (shop, waits_for, opened_at, refund_id);
CREATE INDEX retour_refund_state ON retour_refund (shop, state, opened_at, refund_id);
CREATE INDEX retour_refund_order ON retour_refund (shop, order_id);
CREATE TABLE retour_effect (
    id TEXT NOT NULL, shop TEXT NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, plugin TEXT NOT NULL,
    body TEXT NOT NULL, state TEXT NOT NULL, owner TEXT, lease_until BIGINT NOT NULL,
    attempts INTEGER NOT NULL, settled INTEGER NOT NULL, not_before BIGINT NOT NULL,
    created_at BIGINT NOT NULL, problem TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX retour_effect_waiting ON retour_effect (not_before, id) WHERE state = 'waiting';
CREATE TABLE retour_personal (
    shop TEXT NOT NULL, id TEXT NOT NULL, order_id TEXT NOT NULL, customer TEXT NOT NULL,
    class TEXT NOT NULL, expires_at BIGINT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (shop, id)
);
CREATE INDEX retour_personal_order ON retour_personal (shop, order_id);
CREATE INDEX retour_personal_customer ON retour_personal (shop, customer);
CREATE INDEX retour_personal_expires ON retour_personal (expires_at)
"""


def _refund_batch(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE retour_refund ADD COLUMN batch TEXT NOT NULL DEFAULT ''")
    connection.exec_driver_sql(
        "CREATE INDEX retour_refund_batch ON retour_refund (shop, batch, opened_at, refund_id) WHERE batch <> ''"
    )


def _effects_of_an_order(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE INDEX retour_effect_order ON retour_effect (shop, order_id) WHERE state = 'waiting'"
    )


def _ids_of_commits(connection: Connection) -> None:
    for table in ("retour_event", "retour_effect"):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN commit_id TEXT NOT NULL DEFAULT ''")


def _problems(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TABLE retour_problem (shop TEXT NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, "
        "times INTEGER NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, "
        "PRIMARY KEY (shop, source, what))"
    )


def _modes_of_payments(connection: Connection) -> None:
    _run(connection, _MODES_OF_PAYMENTS)
    if connection.dialect.name == "postgresql":  # whose indexes keep their names
        connection.exec_driver_sql("ALTER INDEX retour_reference_by_mode_pkey RENAME TO retour_reference_pkey")


_MODES_OF_PAYMENTS = """
CREATE TABLE retour_reference_by_mode (
    shop TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, reference TEXT NOT NULL,
    mode TEXT NOT NULL, order_id TEXT NOT NULL,
    PRIMARY KEY (shop, provider, account, reference, mode)
);
INSERT INTO retour_reference_by_mode (shop, provider, account, reference, mode, order_id)
    SELECT shop, provider, account, reference, 'any', order_id FROM retour_reference;
DROP TABLE retour_reference;
ALTER TABLE retour_reference_by_mode RENAME TO retour_reference
"""


def _fair_turns(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE retour_effect ADD COLUMN died INTEGER NOT NULL DEFAULT 0")
    connection.exec_driver_sql(
        "CREATE INDEX retour_effect_shop ON retour_effect (shop, not_before, id) WHERE state = 'waiting'"
    )
    connection.exec_driver_sql(
        "CREATE INDEX retour_effect_owned ON retour_effect (lease_until, id) "
        "WHERE state = 'waiting' AND owner IS NOT NULL"
    )


def _unreadable_orders(connection: Connection) -> None:
    _run(connection, _UNREADABLE_ORDERS)


_UNREADABLE_ORDERS = """
CREATE TABLE retour_unreadable (
    shop TEXT NOT NULL, order_id TEXT NOT NULL, seq INTEGER NOT NULL, effect_id TEXT NOT NULL,
    kind TEXT NOT NULL, version INTEGER NOT NULL, reason TEXT NOT NULL, error TEXT NOT NULL, since BIGINT NOT NULL,
    PRIMARY KEY (shop, order_id, seq, effect_id)
);
CREATE TABLE retour_aside (
    shop TEXT NOT NULL, order_id TEXT NOT NULL, number INTEGER NOT NULL, aside INTEGER NOT NULL,
    actor_kind TEXT NOT NULL, actor_id TEXT NOT NULL, because TEXT NOT NULL, at BIGINT NOT NULL,
    PRIMARY KEY (shop, order_id, number)
)
"""


def _hints_behind(connection: Connection) -> None:
    _run(connection, _HINTS_BEHIND)


_HINTS_BEHIND = """
ALTER TABLE retour_effect ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
ALTER TABLE retour_effect ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
UPDATE retour_effect SET behind = 1 WHERE state = 'waiting' AND kind = 'reconcile';
DROP INDEX retour_effect_waiting;
DROP INDEX retour_effect_shop;
DROP INDEX retour_effect_order;
CREATE INDEX retour_effect_waiting ON retour_effect (not_before, id) WHERE state = 'waiting' AND behind = 0;
CREATE INDEX retour_effect_behind ON retour_effect (not_before, id) WHERE state = 'waiting' AND behind = 1;
CREATE INDEX retour_effect_shop ON retour_effect (shop, kind, not_before, id) WHERE state <> 'done' AND behind = 0;
CREATE INDEX retour_effect_order ON retour_effect (shop, order_id, not_before, id) WHERE state = 'waiting';
CREATE TABLE retour_hints (
    shop TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL, next_at BIGINT NOT NULL,
    PRIMARY KEY (shop, provider, account, mode)
)
"""


def _unknown_names(connection: Connection) -> None:
    _run(connection, _UNKNOWN_NAMES)


_UNKNOWN_NAMES = """
CREATE TABLE retour_unknown_account (
    shop TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL, next_at BIGINT NOT NULL,
    signed INTEGER NOT NULL, unsigned INTEGER NOT NULL,
    PRIMARY KEY (shop, provider, account, mode)
);
CREATE INDEX retour_unknown_account_next ON retour_unknown_account (next_at) WHERE signed + unsigned > 0;
CREATE TABLE retour_unknown_name (
    shop TEXT NOT NULL, provider TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL, identity TEXT NOT NULL,
    names TEXT NOT NULL, told TEXT NOT NULL, signed INTEGER NOT NULL, tries INTEGER NOT NULL,
    since BIGINT NOT NULL, not_before BIGINT NOT NULL, asked_at BIGINT NOT NULL,
    PRIMARY KEY (shop, provider, account, mode, identity)
)
"""


def _what_a_person_must_look_at(connection: Connection) -> None:
    _run(connection, _WHAT_A_PERSON_MUST_LOOK_AT)


_WHAT_A_PERSON_MUST_LOOK_AT = """
ALTER TABLE retour_dossier ADD COLUMN attention INTEGER NOT NULL DEFAULT 0;
ALTER TABLE retour_problem ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE retour_problem ADD COLUMN acknowledged_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE retour_problem ADD COLUMN actor_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE retour_problem ADD COLUMN actor_id TEXT NOT NULL DEFAULT '';
CREATE INDEX retour_effect_troubled ON retour_effect (shop, created_at, id) WHERE state = 'waiting' AND problem <> '';
CREATE TABLE retour_attention (
    shop TEXT NOT NULL, order_id TEXT NOT NULL, item TEXT NOT NULL, kind TEXT NOT NULL, about TEXT NOT NULL,
    since BIGINT NOT NULL, why TEXT NOT NULL, can_do TEXT NOT NULL,
    PRIMARY KEY (shop, order_id, item)
);
CREATE INDEX retour_attention_since ON retour_attention (shop, since, order_id, item);
CREATE INDEX retour_attention_kind ON retour_attention (shop, kind, since, order_id, item);
INSERT INTO retour_attention (shop, order_id, item, kind, about, since, why, can_do)
    SELECT shop, order_id, refund_id,
        CASE WHEN state IN ('unknown', 'pending') THEN 'refund_unknown' WHEN state = 'planned' THEN 'refund_held'
            WHEN state = 'failed' THEN 'refund_failed' WHEN state = 'reversed' THEN 'refund_reversed'
            ELSE 'another_answer' END,
        refund_id, since, '', '[]'
    FROM retour_refund
    WHERE waits_for = 'person' OR state IN ('unknown', 'planned', 'failed', 'reversed');
INSERT INTO retour_attention (shop, order_id, item, kind, about, since, why, can_do)
    SELECT shop, order_id, return_id, CASE WHEN waits_for = 'order' THEN 'beyond_order' ELSE 'stock_question' END,
        return_id, since, '', '[]'
    FROM retour_return
    WHERE waits_for = 'order' OR stock = 'undecided'
"""


def _late_failures(connection: Connection) -> None:
    _run(connection, _LATE_FAILURES.format(now=NOW[connection.dialect.name]))


_LATE_FAILURES = """
ALTER TABLE retour_effect ADD COLUMN account TEXT NOT NULL DEFAULT '';
CREATE INDEX retour_effect_look ON retour_effect (not_before, id) WHERE state = 'waiting' AND behind = 2;
DROP INDEX retour_effect_order;
CREATE INDEX retour_effect_order ON retour_effect (shop, behind, order_id, not_before, id) WHERE state = 'waiting';
CREATE INDEX retour_effect_account ON retour_effect (shop, account, not_before, id)
    WHERE state <> 'done' AND behind = 2;
CREATE TABLE retour_looks (
    shop TEXT NOT NULL, account TEXT NOT NULL, next_at BIGINT NOT NULL,
    PRIMARY KEY (shop, account)
);
INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, settled, not_before,
    created_at, problem, behind, account)
    SELECT 'la' || refund.refund_id, refund.shop, refund.order_id, 'look_again', '',
        '{{"refund_id":"' || refund.refund_id || '"}}', 'waiting', 0, 0, 0,
        {now} + 2000000 * row_number() OVER (ORDER BY refund.since DESC, refund.refund_id), {now}, '', 2,
        COALESCE(min(payment.provider || '/' || payment.account || '/'
            || CASE payment.mode WHEN 'any' THEN 'live' ELSE payment.mode END), '')
    FROM retour_refund refund LEFT JOIN retour_reference payment
        ON payment.shop = refund.shop AND payment.order_id = refund.order_id AND refund.payment = payment.provider
            || CASE payment.account WHEN 'default' THEN '' ELSE '/' || payment.account END
            || ':' || payment.reference
    WHERE refund.state = 'succeeded' AND refund.since > {now} - 7776000000000
    GROUP BY refund.shop, refund.refund_id, refund.order_id, refund.since
    ON CONFLICT DO NOTHING
"""


def _numbers_of_returns(connection: Connection) -> None:
    """Each return has the number that follows from its id; of two that would have the same, the first that is read."""
    connection.exec_driver_sql("ALTER TABLE retour_return ADD COLUMN number TEXT")
    connection.exec_driver_sql("CREATE UNIQUE INDEX retour_return_number ON retour_return (shop, number)")
    after = {"shop": "", "return_id": ""}
    while rows := connection.execute(sql(_RETURNS_WITHOUT_NUMBER), after).all():
        for shop, return_id in rows:
            given = {"shop": shop, "return_id": return_id, "number": return_number(return_id)}
            connection.execute(sql(_NUMBER_A_RETURN), given)
        after = {"shop": rows[-1][0], "return_id": rows[-1][1]}


_RETURNS_WITHOUT_NUMBER = """
SELECT shop, return_id FROM retour_return WHERE (shop, return_id) > (:shop, :return_id)
    ORDER BY shop, return_id LIMIT 1000
"""
_NUMBER_A_RETURN = """
UPDATE retour_return SET number = :number WHERE shop = :shop AND return_id = :return_id
    AND NOT EXISTS (SELECT 1 FROM retour_return other WHERE other.shop = :shop AND other.number = :number)
"""


def _lists_of_an_order(connection: Connection) -> None:
    _run(connection, _LISTS_OF_AN_ORDER)


_LISTS_OF_AN_ORDER = """
DROP INDEX retour_return_order;
CREATE INDEX retour_return_order ON retour_return (shop, order_id, opened_at, return_id);
DROP INDEX retour_refund_order;
CREATE INDEX retour_refund_order ON retour_refund (shop, order_id, opened_at, refund_id)
"""


def _when_effects_ended(connection: Connection) -> None:
    _run(connection, _WHEN_EFFECTS_ENDED.format(now=NOW[connection.dialect.name]))


_WHEN_EFFECTS_ENDED = """
CREATE INDEX retour_effect_done ON retour_effect (not_before, id) WHERE state = 'done';
UPDATE retour_effect SET not_before = {now} WHERE state = 'done' AND not_before > {now}
"""


def _rows_of_lists(connection: Connection) -> None:
    """What rows of before lack is read from their orders' histories later, some at a time: nobody waits for it here."""
    postgresql = connection.dialect.name == "postgresql"
    _run(connection, _ROWS_OF_LISTS.format(by=" text_pattern_ops" if postgresql else ""))
    if postgresql:  # SQLite finds the beginning of an order's id by the key
        connection.exec_driver_sql(
            "CREATE INDEX retour_dossier_search ON retour_dossier (shop, order_id text_pattern_ops)"
        )


_ROWS_OF_LISTS = """
ALTER TABLE retour_dossier ADD COLUMN refunded TEXT NOT NULL DEFAULT '';
ALTER TABLE retour_return ADD COLUMN details TEXT NOT NULL DEFAULT '';
ALTER TABLE retour_refund ADD COLUMN reference TEXT NOT NULL DEFAULT '';
ALTER TABLE retour_refund ADD COLUMN details TEXT NOT NULL DEFAULT '';
CREATE INDEX retour_return_not_yet ON retour_return (shop, order_id) WHERE details = '';
CREATE INDEX retour_refund_not_yet ON retour_refund (shop, order_id) WHERE details = '';
CREATE TABLE retour_return_reason (
    shop TEXT NOT NULL, reason TEXT NOT NULL, opened_at BIGINT NOT NULL, return_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    PRIMARY KEY (shop, reason, opened_at, return_id)
);
CREATE INDEX retour_reference_search ON retour_reference (shop, reference{by}, order_id);
CREATE INDEX retour_refund_search ON retour_refund (shop, reference{by}, order_id)
    WHERE reference <> ''
"""


def _amounts_and_labels(connection: Connection) -> None:
    """What rows of before lack is read from their orders' histories later, as what they tell was."""
    _run(connection, _AMOUNTS_AND_LABELS)


_AMOUNTS_AND_LABELS = """
ALTER TABLE retour_dossier ADD COLUMN amounts TEXT NOT NULL DEFAULT '';
ALTER TABLE retour_dossier DROP COLUMN refunded;
CREATE INDEX retour_dossier_not_yet ON retour_dossier (shop, order_id) WHERE amounts = '';
CREATE INDEX retour_return_reason_opened ON retour_return_reason (shop, opened_at, reason);
CREATE TABLE retour_label (
    shop TEXT NOT NULL, label_id TEXT NOT NULL, order_id TEXT NOT NULL, return_id TEXT NOT NULL,
    provider TEXT NOT NULL, state TEXT NOT NULL, waits_for TEXT NOT NULL, since BIGINT NOT NULL,
    opened_at BIGINT NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (shop, label_id)
);
CREATE INDEX retour_label_opened ON retour_label (shop, opened_at, label_id);
CREATE INDEX retour_label_waits ON retour_label (shop, waits_for, opened_at, label_id);
CREATE INDEX retour_label_state ON retour_label (shop, state, opened_at, label_id);
CREATE INDEX retour_label_provider ON retour_label (shop, provider, opened_at, label_id);
CREATE INDEX retour_label_order ON retour_label (shop, order_id, opened_at, label_id)
"""


MIGRATIONS: tuple[tuple[int, str, Callable[[Connection], None]], ...] = (
    (1, "first tables", _first_tables),
    (2, "the bank's batch of a refund", _refund_batch),
    (3, "the waiting effects of an order", _effects_of_an_order),
    (4, "the ids of commits", _ids_of_commits),
    (5, "problems that are of no order", _problems),
    (6, "the modes of payments", _modes_of_payments),
    (7, "whose turn it is, and which effects end processes", _fair_turns),
    (8, "orders that cannot be read, and who set them aside", _unreadable_orders),
    (9, "hints go behind", _hints_behind),
    (10, "payments that webhooks name and nobody knows", _unknown_names),
    (11, "what a person must look at", _what_a_person_must_look_at),
    (12, "looks at refunds that succeeded", _late_failures),
    (13, "the numbers of returns", _numbers_of_returns),
    (14, "the lists of an order", _lists_of_an_order),
    (15, "when effects ended", _when_effects_ended),
    (16, "what the rows of lists tell", _rows_of_lists),
    (17, "the amounts and the labels of orders", _amounts_and_labels),
)
"""Every migration: its number, what it does in words, and the function that does it."""

NEWEST = MIGRATIONS[-1][0]

NEWEST_APPLIED = f"SELECT max(number) FROM {tables.migration.name}"  # noqa: S608 - our own name
"""What each transaction asks before it writes.

Whoever has asked keeps PostgreSQL's table locked for a migration until his transaction ends; on SQLite only one writes.
"""


_NEWEST_ROW = select(tables.migration).order_by(tables.migration.c.number.desc()).limit(1)


@driver_errors_translated
def migrate(engine: Engine) -> list[str]:
    """Bring the database up to date; gives the names of the migrations that were applied, none if it was.

    One process at a time; each run is one transaction. Raises `StoreNewer` and `StoreNotOurs`, and `PerhapsSaved` where
    the connection ends while that is saved and nobody can be asked any more.
    """
    if _is_newest(engine):
        return []
    done: list[str] = []
    try:
        return _migrate(engine, done)
    except DBAPIError as error:
        if not done or not perhaps_committed(error):
            raise
    try:
        return _migrate(engine, []) or done
    except SQLAlchemyError:
        pass
    raise PerhapsSaved(
        text(
            "The connection to the database ended while a migration was being saved, and the database cannot be asked "
            "now whether it was. Run it again: what was done is not done twice."
        )
    )


def _is_newest(engine: Engine) -> bool:
    """Whether there is nothing to do, in one statement and without a lock: so it is nearly always when a desk is made.
    Whatever else is the matter is found by who takes the lock."""
    with reading(engine) as connection:
        try:
            newest = connection.execute(_NEWEST_ROW).first()
        except DBAPIError:
            return False
    return newest is not None and newest.number == MIGRATIONS[-1][0]


def _migrate(engine: Engine, all_done: list[str]) -> list[str]:
    """Apply in one transaction what is missing; its names are ``all_done`` when nothing but its COMMIT is left."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sql("SET LOCAL lock_timeout = 0"))  # another process may be at it for long
            connection.execute(sql("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            connection.execute(sql("SET LOCAL lock_timeout TO DEFAULT"))
            connection.exec_driver_sql(lock_limit())
        done = applied(connection)
        if done is None:
            tables.migration.create(connection)
            done = 0
        if done < MIGRATIONS[-1][0] and connection.dialect.name == "postgresql":
            # Those who write end first; who begins now waits, and sees it.
            connection.execute(sql(f"LOCK TABLE {tables.migration.name} IN ACCESS EXCLUSIVE MODE"))
        names = []
        for number, name, change in MIGRATIONS:
            if number > done:
                change(connection)
                connection.execute(
                    tables.migration.insert().values(
                        number=number, name=name, applied_at=sql(NOW[connection.dialect.name])
                    )
                )
                names.append(name)
        all_done += names
    return names


def applied(connection: Connection) -> int | None:
    """The number of the newest migration in the database; None when it has no tables of ours.

    Raises `StoreNewer` when it is newer than this code, `StoreNotOurs` when our names are taken by other tables.
    """
    inspector = inspect(connection)
    if not inspector.has_table(tables.migration.name):
        taken = sorted(name for name in inspector.get_table_names() if name in tables.metadata.tables)
        if taken:
            raise StoreNotOurs(
                text(
                    "The database has {tables} but no record of retour's migrations, so it was not made by retour. "
                    "Use another database or schema.",
                    tables=list(taken),
                )
            )
        return None
    columns = {column["name"] for column in inspector.get_columns(tables.migration.name)}
    if columns != set(tables.migration.columns.keys()):
        raise StoreNotOurs(
            text("The database has a retour_migration table that retour did not make. Use another database.")
        )
    newest = connection.execute(
        select(tables.migration.c.number).order_by(tables.migration.c.number.desc()).limit(1)
    ).scalar()
    if newest is not None:
        refuse_newer(newest)
    return newest or 0


def refuse_newer(number: int) -> None:
    """Raise `StoreNewer` for the ``number`` of a migration that this code does not know."""
    if number > NEWEST:
        raise StoreNewer(
            text(
                "The database was made by a newer retour (migration {number}; this one knows {newest}). "
                "Upgrade retour; nothing was changed.",
                number=number,
                newest=NEWEST,
            )
        )


def refuse_other(number: int | None) -> None:
    """Raise `StoreNewer` or `StoreNotMigrated` unless ``number``, which a transaction read before it writes, is the
    newest migration of this code: somebody has migrated the database since it was opened, or put an old one back."""
    if number == NEWEST:
        return
    if number is not None:
        refuse_newer(number)
    raise StoreNotMigrated(
        text(
            "The database has become older than this retour (migration {number}; this one needs {newest}). Nothing was "
            "changed. Run: retour db upgrade.",
            number=number or 0,
            newest=NEWEST,
        )
    )


@driver_errors_translated
def check(engine: Engine) -> None:
    """Raise `StoreNotMigrated` unless the database is exactly as new as this code."""
    with engine.connect() as connection:
        done = applied(connection)
        connection.rollback()
    if done != NEWEST:
        raise StoreNotMigrated(
            text(
                "The database has no tables of this retour yet. Run: retour db upgrade --db {url} "
                "(or make the desk with migrate=True).",
                url=engine.url.render_as_string(hide_password=True),
            )
        )
