"""Finds the pages of a shop as a person does, by following links, and asks for each kind of page many times."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle, islice

import requests
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

LINK = re.compile(r'(?:href|src|action|data-now)="(/[^"#]*)"')
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')

BEGINNINGS = (
    "/",
    "/orders?search=klant-2",
    "/orders?search=tr_0000000100",
    "/orders?status=returned&page=5",
    "/orders?from=2026-01-01&to=2026-06-30",
    "/login",
)
"""What is typed or searched for, so that no link leads there."""


class Visitor:
    """A merchant at the shop at ``address``, in a browser that keeps its connection."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        form = self.get("/login")
        token = TOKEN.search(form)
        if token is None:
            raise SystemExit("the login has no form")
        typed = {"csrf_token": token[1], "password": password, "next": "/orders"}
        self.session.post(f"{address}/login", data=typed, timeout=60).raise_for_status()

    def get(self, path: str) -> str:
        """A page's HTML; redirects are followed."""
        answer = self.session.get(f"{self.address}{path}", timeout=60)
        answer.raise_for_status()
        return answer.text if answer.headers["Content-Type"].startswith("text/html") else ""


def endpoint_of(app: Flask, path: str) -> str | None:
    """Which page of the shop an address is; None where it is none that can be opened, as one that only takes a form."""
    shop, path = app.url_map.bind("127.0.0.1"), path.partition("?")[0]
    try:
        opened, _ = shop.match(path, method="GET", return_rule=True)
    except (HTTPException, RequestRedirect):
        return None
    with suppress(HTTPException, RequestRedirect):
        sent, _ = shop.match(path, method="POST", return_rule=True)
        if sent.rule != opened.rule:
            return None
    return str(opened.endpoint)


def found_by(visitor: Visitor, app: Flask, *, most: int, orders: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Addresses of every kind of page that links lead to, by endpoint, at most so many of each. Somebody looks at these
    ``orders`` first: of thousands, links seldom lead to one of a few."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    seen: set[str] = set()
    first, to_see, dice = [f"/orders/{one}" for one in orders], list(BEGINNINGS), random.Random(1)
    while to_see:
        path = (first or to_see).pop(0 if first else dice.randrange(len(to_see))).replace("&amp;", "&")
        endpoint = endpoint_of(app, path)
        if path in seen or endpoint in (None, "static") or len(found[str(endpoint)]) >= most:
            continue
        seen.add(path)
        found[str(endpoint)].append(path)
        to_see.extend(LINK.findall(visitor.get(path)))
    return {endpoint: paths for endpoint, paths in found.items() if paths}


def visit(visitors: Sequence[Visitor], found: Mapping[str, Sequence[str]], *, times: int) -> None:
    """Open each kind of page so many times, by turns; the visitors do so side by side."""

    def asked() -> Iterator[str]:
        rounds = [islice(cycle(paths), times) for paths in found.values()]
        for one_of_each in zip(*rounds, strict=True):
            yield from one_of_each

    with ThreadPoolExecutor(len(visitors)) as at_once:
        shares = [islice(asked(), number, None, len(visitors)) for number in range(len(visitors))]
        list(at_once.map(lambda pair: [pair[0].get(path) for path in pair[1]], zip(visitors, shares, strict=True)))
