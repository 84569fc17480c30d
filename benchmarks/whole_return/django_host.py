"""The partner that is written by hand with Django, with no safety at all: what a shop writes that wants no framework.

It runs in the environment that `make sdks` makes: ``python -m benchmarks.whole_return.django_host URL``
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

from benchmarks.whole_return.partner import be_partner
from benchmarks.whole_return.provider import InstantProvider


def database(url: str) -> dict[str, object]:
    """Django's settings for an address of SQLAlchemy's."""
    given = urlsplit(url)
    if given.scheme.startswith("sqlite"):
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": given.path.removeprefix("/")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.path.removeprefix("/"),
        "HOST": given.hostname or "",
        "PORT": str(given.port or ""),
        "USER": unquote(given.username or ""),
        "PASSWORD": unquote(given.password or ""),
    }


settings.configure(DATABASES={"default": database(sys.argv[1])}, USE_TZ=True)
django.setup()

from django.db import connection, models  # noqa: E402 - models need the settings


class Product(models.Model):
    id = models.TextField(primary_key=True)
    name = models.TextField()
    stock = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "shop_product"


class Order(models.Model):
    id = models.TextField(primary_key=True)
    currency = models.TextField()
    customer = models.TextField()
    status = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "shop_order"


class Line(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    number = models.TextField()
    name = models.TextField()
    product = models.ForeignKey(Product, models.PROTECT)
    kind = models.TextField()
    units = models.IntegerField()
    gross = models.IntegerField()
    net = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "shop_line"


class Payment(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="payments")
    reference = models.TextField()
    captured = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "shop_payment"


class Return(models.Model):
    order = models.ForeignKey(Order, models.CASCADE, related_name="returns")
    refund = models.TextField(default="")
    refunded = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "shop"
        db_table = "shop_return"


class ReturnLine(models.Model):
    of = models.ForeignKey(Return, models.CASCADE, related_name="lines")
    line = models.ForeignKey(Line, models.CASCADE)
    units = models.IntegerField()

    class Meta:
        app_label = "shop"
        db_table = "shop_return_line"


class DjangoHost:
    """A view's worth of code: whatever breaks in the middle stays half done."""

    version = django.get_version()

    def __init__(self) -> None:
        self.provider = InstantProvider()

    def make_tables(self) -> None:
        """Its returns."""
        with connection.schema_editor() as editor:
            for model in (Return, ReturnLine):
                editor.create_model(model)

    def give_back(self, order_id: str) -> None:
        """Each statement is saved by itself."""
        order = Order.objects.get(pk=order_id)
        returned = Return.objects.create(order=order)
        for line in order.lines.filter(kind="goods").select_related("product"):
            returned.lines.create(line=line, units=line.units)
            line.product.stock += line.units
            line.product.save()
        payment = order.payments.get()
        made = self.provider.refund(payment.reference, payment.captured, f"refund-{order_id}")
        returned.refund, returned.refunded = made.reference, made.amount
        returned.save()
        order.status = "returned"
        order.save()

    def costs(self, order_id: str) -> Mapping[str, int]:
        """Statements."""
        statements = 0

        def count(execute: Callable[..., Any], *given: Any) -> Any:
            nonlocal statements
            statements += 1
            return execute(*given)

        with connection.execute_wrapper(count):
            self.give_back(order_id)
        return {"statements": statements}


if __name__ == "__main__":
    be_partner(DjangoHost())
