"""What nobody waits for: the desk's own work, and deleting what has been kept long enough."""

from __future__ import annotations

from webshop.files import forget
from webshop.running import RunningShop


def keep_house(shop: RunningShop) -> None:
    """Do it once. A worker does it again and again: the one beside `make shop`, or ``flask keep-house`` from a
    scheduler."""
    shop.desk.work()
    forget(shop.engine, shop.clock() - shop.files_kept)
