"""What runs in a process of its own: the sandbox of a provider, so that its processor time is not the client's.

``python -m benchmarks.refund_sandbox stripe``
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.partner import answer
from benchmarks.refund_provider import sandbox_class
from retour.providers import Money
from retour.sandbox import PaymentSandbox, SandboxRequest


class ServedSandbox:
    """A sandbox with its books. ``new_books`` puts new ones in their place, at the same address: a sandbox goes
    through all its refunds for each new one, and that is not what is measured."""

    def __init__(self, provider: str) -> None:
        self._kind: type[PaymentSandbox] = sandbox_class(provider)
        self._at = self._kind()
        self._books: PaymentSandbox = self._at
        self._references: list[str] = []

    def serve(self) -> None:
        """Answer until nobody asks any more."""
        with self._at:
            answer(self.reply)

    def reply(
        self, *, pay: int = 0, amount: str = "", new_books: bool = False, refunds: bool = False, last: int = 0
    ) -> dict[str, Any]:
        """``pay``: so many customers do; ``refunds``: how many each payment got; ``last``: so many requests.
        ``requests`` are how many there were."""
        if new_books:
            self._books = self._kind()
            self._at.server.handle = self._books.server.handle
            self._at.server.requests.clear()
            self._references = []
        paid = [self._books.pay(Money.of(amount, "EUR")) for _ in range(pay)]
        self._references += paid
        return {
            "url": self._at.url,
            "settings": dict(self._at.settings),
            "references": paid,
            "refunds": [len(self._books.books(one)) for one in self._references] if refunds else [],
            "last": [_as_json(one) for one in self._at.server.requests[-last:]] if last else [],
            "requests": len(self._at.server.requests),
            "cpu": time.process_time(),
        }


def _as_json(request: SandboxRequest) -> dict[str, Any]:
    """A request; of what it authorises itself with only the length, since an access token is another each time."""
    headers = {**request.headers, "authorization": len(request.headers["authorization"])}
    return {
        "method": request.method,
        "path": request.path,
        "query": dict(request.query),
        "headers": headers,
        "body": request.body.decode(),
    }


if __name__ == "__main__":
    ServedSandbox(sys.argv[1]).serve()
