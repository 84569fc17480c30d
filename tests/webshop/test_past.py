"""What `make shop` begins with: returns in every state, made by the desk's commands at their times in the past."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from flask import Flask
from scriptless_browser import ShopBrowser

from retour import AttentionKind, GoodsState, LabelState, RefundState, RefundWait, ReturnWait
from webshop import create_app
from webshop.application import PLUGINS
from webshop.past import NO_ADDRESS, RETURNS, live_through
from webshop.running import RunningShop
from webshop.sandboxes import sandboxes_of
from webshop.seed import fill
from webshop.statuses import Status

ORDERS = 120
MOMENT = datetime.timedelta(minutes=5)


@attrs.frozen
class Begun:
    """A shop as `make shop` begins it."""

    app: Flask
    lived: int

    @property
    def shop(self) -> RunningShop:
        shop: RunningShop = self.app.extensions["webshop"]
        return shop


def begun(folder: Path, orders: int) -> Iterator[Begun]:
    with sandboxes_of(PLUGINS) as sandboxes:
        app = create_app(
            f"sqlite:///{folder}/shop.db",
            password="open sesame",
            secret_key="only of this test",
            settings=sandboxes.settings,
            sandboxes=sandboxes,
            https=False,
        )
        shop: RunningShop = app.extensions["webshop"]
        fill(shop.engine, sandboxes.pay, orders=orders)
        yield Begun(app, live_through(shop))
        shop.engine.dispose()


@pytest.fixture(scope="module")
def begun_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Begun]:
    yield from begun(tmp_path_factory.mktemp("shop"), ORDERS)


def test_each_return_finds_an_order(begun_shop: Begun) -> None:
    page = begun_shop.shop.desk.list_returns(limit=500, opened_from=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    assert begun_shop.lived == len(RETURNS) == len(page.returns) == len({one.order_id for one in page.returns})


def test_a_page_has_something_of_whatever_it_can_show(begun_shop: Begun) -> None:
    desk = begun_shop.shop.desk
    ever = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    returns = desk.list_returns(limit=500, opened_from=ever).returns
    assert {one.waits_for for one in returns} >= {
        ReturnWait.REVIEW,
        ReturnWait.GOODS,
        ReturnWait.COUNTING,
        ReturnWait.ANSWER,
        ReturnWait.NOTHING,
    }
    assert {one.goods for one in returns} >= {
        GoodsState.REQUESTED,
        GoodsState.APPROVED,
        GoodsState.IN_TRANSIT,
        GoodsState.RECEIVED,
        GoodsState.REJECTED,
        GoodsState.CANCELLED,
    }
    assert {one.state for one in desk.list_labels(limit=500, opened_from=ever).labels} >= {
        LabelState.READY,
        LabelState.REFUSED,
    }
    refunds = desk.list_refunds(limit=500, opened_from=ever).refunds
    assert {one.state for one in refunds} == {RefundState.SUCCEEDED, RefundState.FAILED, RefundState.AWAITING_MERCHANT}
    assert {one.waits_for for one in refunds} >= {RefundWait.TRANSFER, RefundWait.MERCHANT}
    assert desk.attention_counts().keys() == {
        AttentionKind.STOCK_QUESTION,
        AttentionKind.REFUND_FAILED,
        AttentionKind.LABEL_REFUSED,
        AttentionKind.PARCEL,
    }


def test_a_label_was_refused_for_a_reason(begun_shop: Begun) -> None:
    [refused] = begun_shop.shop.desk.attention(AttentionKind.LABEL_REFUSED).items
    assert NO_ADDRESS in refused.why.render("nl")


def test_all_of_it_was_at_its_time_in_the_past_and_the_clock_is_right_again(begun_shop: Begun) -> None:
    shop = begun_shop.shop
    now = datetime.datetime.now(datetime.UTC)
    assert shop.sandboxes is not None
    assert abs(shop.sandboxes.clock.now() - now) < MOMENT
    weeks = shop.desk.figures(weeks=6).weeks
    assert [bool(one.returns) for one in weeks] == [False, *[True] * 5]
    for one in shop.desk.list_returns(limit=500, opened_from=now - datetime.timedelta(days=60)).returns:
        history = shop.desk.timeline(one.order_id)
        assert [entry.at for entry in history] == sorted(entry.at for entry in history)
        assert one.order is not None
        assert one.order.placed_at < one.opened_at
        assert history[-1].at < now
    assert len(shop.desk.figures(weeks=6).days_to_refund) >= 3


def test_the_status_of_each_order_says_what_came_back(begun_shop: Begun) -> None:
    shop = begun_shop.shop
    ended = shop.desk.list_returns(goods=GoodsState.RECEIVED, limit=500)
    assert ended.returns
    merchant = ShopBrowser(begun_shop.app)
    merchant.log_in("open sesame")
    page = merchant.get(f"/orders?status={Status.RETURNED.value}")
    for one in ended.returns:
        assert f"/orders/{one.order_id}" in [given.get("href") for tag, given in page.elements if tag == "a"]


def test_it_is_the_same_each_time(begun_shop: Begun, tmp_path: Path) -> None:
    def told(shop: RunningShop) -> Counter[tuple[object, ...]]:
        ever = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        rows = shop.desk.list_returns(limit=500, opened_from=ever).returns
        return Counter(
            (one.order_id, one.goods, one.stock, one.waits_for, one.opened_at.replace(second=0, microsecond=0))
            for one in rows
        )

    for again in begun(tmp_path, ORDERS):
        assert told(again.shop) == told(begun_shop.shop)


@pytest.mark.parametrize("orders", [0, 3, 30])
def test_with_fewer_orders_less_came_back(tmp_path: Path, orders: int) -> None:
    for few in begun(tmp_path, orders):
        assert few.lived < len(RETURNS)
        assert (few.lived > 0) is (orders == 30)
