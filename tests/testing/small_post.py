"""Small Post, the carrier of docs/add-a-shipping-provider.md, as modules that can be imported: `smallpost` and
`smallpost_sandbox` are the page's own blocks. With a return portal it is here."""

from __future__ import annotations

import atexit
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

PAGE = Path(__file__).parents[2] / "docs/add-a-shipping-provider.md"

_FILE = re.compile(r"^```python\n(# (small\w+\.py)\n.*?)^```$", re.MULTILINE | re.DOTALL)


def _write() -> str:
    """The page's files in a folder that is gone at the end of the process."""
    place = tempfile.TemporaryDirectory()
    atexit.register(place.cleanup)
    for block in _FILE.finditer(PAGE.read_text()):
        (Path(place.name) / block[2]).write_text(block[1])
    return place.name


sys.path.append(_write())

import smallpost  # noqa: E402
import smallpost_sandbox  # noqa: E402
from smallpost import SmallPost  # noqa: E402
from smallpost_sandbox import SmallPostSandbox  # noqa: E402

from retour.providers import Order, ShippingCapabilities, ShippingOption, ShippingWay, Support, TextDomain  # noqa: E402
from retour.sandbox import SandboxRequest, SandboxResponse  # noqa: E402

text = TextDomain("retour_smallpost").text


class PortalPostSandbox(SmallPostSandbox):  # type: ignore[misc]  # the page has no annotations
    """Small Post with a return portal."""

    def send(self, order_id: str, *, postal_code: str) -> str:
        return f"out-{order_id}-{postal_code[:4]}"

    def return_in_portal(self, order_id: str, items: Mapping[str, int], *, reason: str = "") -> str:
        with self.lock:
            costs = smallpost_sandbox.SERVICES["parcel"]
            asked = {"from": {"name": "Customer"}, "to": {"name": "Webshop"}, "items": dict(items)}
            return str(self.make(order_id=order_id, label_id="", price=costs, asked=asked).reference)

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if (request.method, request.path) == ("GET", "/portal"):
            return SandboxResponse(status=200, body={"url": "https://smallpost.example/returns"})
        answered: SandboxResponse = super().handle(request)
        return answered


@attrs.frozen(kw_only=True)
class WirePortal:
    url: str


class PortalPost(SmallPost):  # type: ignore[misc]  # the page has no annotations
    """Small Post with a return portal."""

    capabilities = attrs.evolve(SmallPost.capabilities, portal=Support.YES)

    def portal_url(self, order: Order) -> ShippingOption | None:
        url = self.read(WirePortal, "portal").url
        return self.portal(url) if url.startswith("https://") else None

    def portal(self, url: Any) -> ShippingOption:
        return ShippingOption(
            way=ShippingWay.PORTAL,
            provider=self.name,
            label=text("Get a label"),
            instruction=text("Open the link."),
            url=url,
        )


class PortalOnly:
    """A carrier of which the shop has the portal and nothing else."""

    name = "smallpost"
    display_name = "Small Post"
    api = 2
    settings_type = smallpost.Settings
    capabilities = ShippingCapabilities(portal=Support.YES)

    def __init__(self, settings: Any, http: Any) -> None:
        self._made = PortalPost(settings, http)

    def portal_url(self, order: Order) -> ShippingOption | None:
        return self._made.portal_url(order)


__all__ = ["PortalOnly", "PortalPost", "PortalPostSandbox", "SmallPost", "SmallPostSandbox", "WirePortal", "smallpost"]
