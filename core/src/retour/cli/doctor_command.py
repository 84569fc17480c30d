"""`retour doctor`: which orders cannot be read and what can be done, and what else a developer has to look at."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import click
from sqlalchemy import Engine

from retour.cli.database_command import address, db_option, opened, refuse_missing_file
from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.listing import moment
from retour.cli.words import text, texts
from retour.desk import ReturnDesk
from retour.desk.doctor import Doctor
from retour.effects.kinds import KINDS
from retour.model.actor import Actor
from retour.model.errors import StoreNotMigrated
from retour.model.outcome import UnreadableOrder
from retour.model.text import Text
from retour.shop import MemoryShop
from retour.store.migrations import check
from retour.store.store import Store

DAYS_OF_PROBLEMS = 30
"""How long ago a problem that is of no order may have happened last: it is kept for ever, and perhaps mended."""

_PAGE = 100

_shop_option = click.option("--shop", metavar="ID", help="Look at this shop alone. Default: at all shops of the store.")
_one_order: list[Callable[[Callable[..., None]], Callable[..., None]]] = [
    db_option,
    click.option("--shop", required=True, metavar="ID", help="The shop, as the list names it."),
    click.option("--order", required=True, metavar="ID", help="The order, as the list names it."),
    click.option("--by", required=True, metavar="NAME", help="Who does this: it is kept with the order."),
    language_option,
    click.pass_context,
]


def _of_one_order(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_one_order):
        function = option(function)
    return function


@click.group(name="doctor", invoke_without_command=True)
@click.option("--db", "url", metavar="URL", help="The database: sqlite:///returns.db or postgresql+psycopg://…")
@_shop_option
@click.option("--all", "everything", is_flag=True, help="Read every order, also those that nobody has met yet.")
@language_option
@click.pass_context
def command(ctx: click.Context, url: str | None, shop: str | None, everything: bool, lang: str | None) -> None:
    """List the orders that cannot be read, why, and what can be done. No event is changed.

    Also: effects that were set aside, effects that only a newer retour can run, and what went wrong where there is no
    order to tell it of. Exit code 0: nothing. 1: something was found that nobody has set aside.
    """
    if ctx.invoked_subcommand is not None:
        return
    if url is None:
        raise click.UsageError("Missing option '--db'.", ctx)
    with _store(ctx, url, lang) as (store, language):
        report = _Report(address(store.engine), language)
        doctor = Doctor(store)
        if everything:
            doctor.examine_all(shop)
        for of_shop, order in doctor.unreadable(shop):
            report.unreadable(of_shop, order)
        report.effects_set_aside(store, shop)
        report.left_alone(store)
        report.problems(store, shop)
        report.end()
        ctx.exit(1 if report.found else 0)


@command.command("set-aside")
@_of_one_order
@click.option("--because", required=True, metavar="WORDS", help="Why, for whoever looks next.")
def set_aside(ctx: click.Context, url: str, shop: str, order: str, by: str, lang: str | None, because: str) -> None:
    """Say by name that you have seen an unreadable order: its effects rest, and it raises no alarm.

    Its commands are refused as before, in a sentence that says who set it aside and why.
    """
    with _store(ctx, url, lang) as (store, language):
        count = Doctor(store).set_aside(shop, order, Actor.staff(by), because)
        said = texts(
            "Order {order} is set aside. {count} effect of it waits until it is taken back.",
            "Order {order} is set aside. {count} effects of it wait until it is taken back.",
            count,
            order=order,
        )
        click.echo(said.render(language))


@command.command("take-back")
@_of_one_order
def take_back(ctx: click.Context, url: str, shop: str, order: str, by: str, lang: str | None) -> None:
    """Let the effects of an order that was set aside be tried again by the next worker."""
    with _store(ctx, url, lang) as (store, language):
        count = Doctor(store).take_back(shop, order, Actor.staff(by))
        said = texts(
            "Order {order} is taken back. {count} effect of it is tried again.",
            "Order {order} is taken back. {count} effects of it are tried again.",
            count,
            order=order,
        )
        click.echo(said.render(language))


@command.command("retry")
@_of_one_order
def retry(ctx: click.Context, url: str, shop: str, order: str, by: str, lang: str | None) -> None:
    """Let effects that ended three processes be tried again by the next worker, when you have mended what did it.

    Your name is on the order's timeline.
    """
    with _store(ctx, url, lang) as (store, language):
        desk = ReturnDesk(shop=MemoryShop(), store=store.engine, shop_id=shop, migrate=False)  # no shop is asked
        count = desk.retry_set_aside(order, by=Actor.staff(by))
        said = texts(
            "Order {order}: {count} effect is tried again.",
            "Order {order}: {count} effects are tried again.",
            count,
            order=order,
        )
        click.echo(said.render(language))


@contextmanager
def _store(ctx: click.Context, url: str, lang: str | None) -> Iterator[tuple[Store, str]]:
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    refuse_missing_file(url)
    with opened(url) as engine:
        _check_migrated(ctx, engine, language)
        yield Store(engine), language


def _check_migrated(ctx: click.Context, engine: Engine, language: str) -> None:
    """Nothing else can be looked at before the tables are those of this retour: that is what was found."""
    try:
        check(engine)
    except StoreNotMigrated as error:
        click.echo(error.text(language))
        ctx.exit(1)


@attrs.define
class _Report:
    """What was found, printed as it is found. ``found`` counts what nobody has set aside; the ``address`` of the store
    has no password in it."""

    address: str
    language: str
    found: int = 0
    aside: int = 0
    orders: int = 0

    def unreadable(self, shop: str, order: UnreadableOrder) -> None:
        self.orders += 1
        self._say(
            text(
                "shop {shop}, order {order}, known since {since}:",
                shop=shop,
                order=order.order_id,
                since=moment(order.since, self.language),
            )
        )
        for row in order.rows:
            raised = text("{why} ({error})", why=row.why, error=row.error) if row.error else row.why
            self._say(text("{row}: {why}.", row=row.name, why=raised), indent=2)
        where = ["--db", self.address, "--shop", shop, "--order", order.order_id]
        if order.set_aside is None:
            self.found += 1
            for words in dict.fromkeys([row.what_to_do.render(self.language) for row in order.rows]):
                click.echo(f"  {words}")
            self._command("set-aside", [*where, "--by", "…", "--because", "…"])
            return
        self._say(order.set_aside.words, indent=2)
        if order.rows:
            self.aside += 1
            return
        self.found += 1
        self._say(text("It reads again, and its effects wait until somebody takes it back:"), indent=2)
        self._command("take-back", [*where, "--by", "…"])

    def effects_set_aside(self, store: Store, shop: str | None) -> None:
        """What ended three processes; what waits with an order that a person set aside is told there."""
        after = ""
        while found := store.effects.set_aside(shop, after=after, limit=_PAGE):
            after = found[-1].id
            for effect in found:
                if store.unreadable.aside(effect.shop, effect.order_id) is not None:
                    continue
                self.found += 1
                self._say(
                    text(
                        "shop {shop}, order {order}: effect {kind} of {since} is set aside: {problem}",
                        shop=effect.shop,
                        order=effect.order_id,
                        kind=effect.kind,
                        since=moment(effect.created_at, self.language),
                        problem=effect.problem,
                    )
                )
                self._say(text("When you have mended what did it:"), indent=2)
                where = ["--db", self.address, "--shop", effect.shop, "--order", effect.order_id]
                self._command("retry", [*where, "--by", "…"])

    def left_alone(self, store: Store) -> None:
        for kind, count in store.effects.left_alone(KINDS).items():
            self.found += 1
            self._say(
                texts(
                    "{count} effect of kind {kind} is left alone: a newer retour made it. Upgrade retour.",
                    "{count} effects of kind {kind} are left alone: a newer retour made them. Upgrade retour.",
                    count,
                    kind=kind,
                )
            )

    def problems(self, store: Store, shop: str | None) -> None:
        recent = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS_OF_PROBLEMS)
        for problem in store.problems(shop):
            if problem.last_at < recent:
                continue
            self.found += 1
            self._say(
                texts(
                    "shop {shop}, {source}: {what} ({count} time, last on {last})",
                    "shop {shop}, {source}: {what} ({count} times, last on {last})",
                    problem.times,
                    shop=problem.shop,
                    source=problem.source,
                    what=problem.what,
                    last=moment(problem.last_at, self.language),
                )
            )

    def end(self) -> None:
        if self.orders:
            self._say(
                texts(
                    "{count} order, of which {aside} set aside and still unreadable.",
                    "{count} orders, of which {aside} set aside and still unreadable.",
                    self.orders,
                    aside=self.aside,
                )
            )
        elif not self.found:
            self._say(text("Nothing was found."))

    def _command(self, name: str, arguments: Sequence[str]) -> None:
        click.echo(f"    retour doctor {name} {shlex.join(arguments)}")

    def _say(self, words: Text, indent: int = 0) -> None:
        click.echo(" " * indent + words.render(self.language))
