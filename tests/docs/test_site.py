"""The site of the documentation: it is built without a warning, every page is reached from its index, every public name
is on it, and its search needs no server."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

import retour
import retour.providers
import retour.sandbox
import retour.testing

ROOT = Path(__file__).parent.parent.parent
HOMES = (retour, retour.providers, retour.sandbox, retour.testing)

pytestmark = pytest.mark.long


class Page(HTMLParser):
    """What a page of the site links to, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: set[tuple[Path, str]] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if name := given.get("id"):
            self.anchors.add(name)
        target = given.get("href")
        if tag == "a" and target and not urlsplit(target).scheme:
            file, anchor = urldefrag(target)
            there = (self.path.parent / unquote(file)).resolve() if file else self.path
            self.links.add((there, unquote(anchor)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Path:
    """The site, built as ``make docs`` does."""
    if any(importlib.util.find_spec(tool) is None for tool in ("sphinx", "myst_parser", "furo")):
        missing("what makes the site (pip install -r requirements-docs.txt)")
    made = tmp_path_factory.mktemp("site").resolve()
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--conf-dir", "docs"]
    built = subprocess.run([*command, ".", made], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stderr
    return made


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site, by its file."""
    return {file: Page(file) for file in site.rglob("*.html")}


def test_every_page_is_reached_from_the_index(site: Path, pages: dict[Path, Page]) -> None:
    waiting, reached = [site / "docs/index.html"], set()
    while waiting:
        page = waiting.pop()
        if page in pages and page not in reached:
            reached.add(page)
            waiting += [there for there, _ in pages[page].links]
    assert reached | {site / "search.html"} == pages.keys()  # its box is on every page
    assert {"README.html", "docs/embed.html", "docs/reference/orders.html", "plugins/mollie/README.html"} <= {
        str(page.relative_to(site)) for page in reached
    }


def test_every_link_leads_to_a_place_that_is_there(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        for there, anchor in page.links:
            assert there.exists(), f"{page.path} links to {there}"
            if anchor and there in pages:
                assert anchor in pages[there].anchors, f"{page.path} links to {there}#{anchor}"


def test_every_public_name_is_on_it(site: Path) -> None:
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    described = {line.partition(" ")[0] for line in inventory.splitlines() if " py:" in line}
    missing_there = [
        f"{home.__name__}.{name}"
        for home in HOMES
        for name in home.__all__
        if not any(f"{one.__name__}.{name}" in described for one in HOMES)
    ]
    assert missing_there == []


def test_its_search_needs_no_server_and_finds_a_name_a_field_and_a_word_of_a_page(site: Path) -> None:
    """It is a script that a page loads, not a file that it fetches: a browser fetches none from a folder."""
    index = (site / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    for term in ("returndesk", "spread_over", "withdraw"):
        assert f'"{term}' in index or f"{term}:" in index, term
    assert 'src="searchindex.js"' in (site / "search.html").read_text()


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    """Who reads the documentation tells nobody."""
    for page in pages:
        for script_or_style in ('<script src="http', '<link rel="stylesheet" href="http', "@import url(http"):
            assert script_or_style not in page.read_text(), page
