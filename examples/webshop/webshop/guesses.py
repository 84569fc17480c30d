"""How often somebody may be wrong: about the merchant's password, about whose order a number is. Wrong guesses are
counted in the database, for every process that serves the shop, in a fixed number of rows however many there are."""

from __future__ import annotations

import datetime
import hmac
import ipaddress
from collections.abc import Callable, Sequence

import attrs
from flask import current_app, request
from sqlalchemy import Connection, Engine, bindparam, case, select
from sqlalchemy.dialects import postgresql, sqlite

from retour import reading
from webshop import tables

BUCKETS = 2**16
"""Rows of one limit at most. What is counted falls into one of them by a keyed hash, so nobody can choose whose."""


@attrs.frozen(kw_only=True)
class Limit:
    """At most so many wrong guesses ``within`` a time, which begins with the first of them: who is refused waits that
    long at most, whatever somebody else does meanwhile. ``name`` tells it from the others."""

    name: str
    most: int
    within: datetime.timedelta


class TooManyGuesses(Exception):
    """There were as many wrong guesses as may be. Whether this one is right, nobody has looked."""


def guess(engine: Engine, limits: Sequence[tuple[Limit, str]], is_right: Callable[[Connection], bool]) -> bool:
    """Whether a guess is right; one that is wrong counts, for each limit by what it is counted for: an address, an
    order's number. One that is right takes nothing back: else who knows one answer could guess another for ever.
    Raises `TooManyGuesses`, which counts nothing."""
    counted = [(limit, _bucket(limit, value)) for limit, value in limits]
    now = datetime.datetime.now(datetime.UTC)
    with reading(engine) as connection:  # who is refused does not keep others from writing
        if _are_used_up(connection, counted, now):
            raise TooManyGuesses
    with engine.begin() as connection:  # counted before it is looked at: guesses at the same time count too
        if any(_count(connection, limit, bucket, now) > limit.most for limit, bucket in counted):
            raise TooManyGuesses
        right = is_right(connection)
        if right:
            connection.rollback()
    return right


def reader_address() -> str:
    """Where a request came from, as it is counted: of an IPv6 address the network of the one who has it. What a header
    says of it is anybody's to say; behind a proxy of one's own, werkzeug's ProxyFix makes it the address here."""
    given = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else given


_COUNTED = select(tables.wrong_guess.c.bucket, tables.wrong_guess.c.wrong, tables.wrong_guess.c.since).where(
    tables.wrong_guess.c.bucket.in_(bindparam("buckets", expanding=True))
)
"""One statement for all limits, made once: it is what a guess costs that is refused."""


def _are_used_up(connection: Connection, counted: Sequence[tuple[Limit, str]], now: datetime.datetime) -> bool:
    """Whether for one of the limits there were as many wrong guesses as may be."""
    within = {bucket: limit for limit, bucket in counted}
    rows = connection.execute(_COUNTED, {"buckets": list(within)}).all()
    return any(wrong >= within[bucket].most and since > now - within[bucket].within for bucket, wrong, since in rows)


def _count(connection: Connection, limit: Limit, bucket: str, now: datetime.datetime) -> int:
    """One more in a bucket, or the first again where its time is over; gives how many there are. Nobody else counts in
    it until this transaction ends."""
    rows = tables.wrong_guess
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    over = rows.c.since <= now - limit.within
    counted = insert(rows).values(bucket=bucket, wrong=1, since=now)
    changed = counted.on_conflict_do_update(
        index_elements=[rows.c.bucket],
        set_={
            "wrong": case((over, 1), else_=rows.c.wrong + 1),
            "since": case((over, counted.excluded.since), else_=rows.c.since),
        },
    )
    wrong: int = connection.execute(changed.returning(rows.c.wrong)).scalar_one()
    return wrong


def _bucket(limit: Limit, value: str) -> str:
    secret = str(current_app.secret_key).encode()
    hashed = hmac.digest(secret, f"{limit.name}:{value}".encode(errors="surrogatepass"), "sha256")
    return f"{limit.name}:{int.from_bytes(hashed[:8], 'big') % BUCKETS}"
