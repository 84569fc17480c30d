"""A worker in a process of its own: eight orders side by side, until nothing is due. Prints what it did."""

from __future__ import annotations

import json
import sys

from retour import MemoryShop, ReturnDesk


def main() -> None:
    store, settings = sys.argv[1], json.loads(sys.argv[2])
    desk = ReturnDesk(shop=MemoryShop(), store=store, plugins=["stripe"], settings={"stripe": settings})
    done = failed = 0
    while not (report := desk.work(concurrency=8)).idle:
        done, failed = done + report.done, failed + report.failed
    desk.close()
    print(json.dumps({"done": done, "failed": failed}))


if __name__ == "__main__":
    main()
