"""What runs in a process of its own: Sendcloud's sandbox, so that its processor time is not the client's.

``python -m benchmarks.label_sandbox``
"""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.partner import answer
from retour.sandbox import SandboxRequest
from retour_sendcloud.sandbox import SendcloudSandbox

_ANNOUNCED = datetime.timedelta(minutes=1)


class ServedSandbox:
    """A sandbox with its books. ``new_books`` puts new ones in their place, at the same address: a sandbox goes
    through all its labels for each request, and that is not what is measured."""

    def __init__(self) -> None:
        self._at = SendcloudSandbox()
        self._books = self._at

    def serve(self) -> None:
        """Answer until nobody asks any more."""
        with self._at:
            answer(self.reply)

    def reply(
        self,
        *,
        new_books: bool = False,
        labels: int = 0,
        last: int = 0,
        announce: bool = False,
        deliver: Sequence[str] = (),
    ) -> dict[str, Any]:
        """``labels``: so many are made, and announced; ``last``: so many requests. Told to ``announce`` all that were
        made, or to ``deliver`` some, it gives the webhooks about them. ``books`` are how many labels there are of each
        id, and how many are as they are."""
        if new_books:
            self._books = SendcloudSandbox()
            self._at.server.handle = self._books.server.handle
            self._at.server.requests.clear()
            self._books.send("1001", postal_code="1012 LM")
        made = [self._books.return_in_portal("1001", {"cup": 1}) for _ in range(labels)]
        if labels:
            self._books.advance(_ANNOUNCED)
        if announce:
            self._books.advance(_ANNOUNCED)
        for reference in deliver:
            self._books.deliver(reference)
        told = self._books.take_webhooks() if announce or deliver else []
        books = self._books.books()
        return {
            "settings": dict(self._at.settings),
            "references": made,
            "ids": [one.label_id for one in books if one.label_id],
            "parcels": [one.parcel for one in books],
            "webhooks": [[dict(one.headers), one.body.decode()] for one in told],
            "told": Counter(one.told.value for one in books),
            "last": [_as_json(one) for one in self._at.server.requests[-last:]] if last else [],
            "cpu": time.process_time(),
        }


def _as_json(request: SandboxRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "headers": dict(request.headers),
        "body": request.body.decode(),
    }


if __name__ == "__main__":
    ServedSandbox().serve()
