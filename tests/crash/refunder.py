"""A merchant's process that refunds one payment by API, or a worker that looks again at what succeeded; it kills itself
at the moment it is told to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from retour import Actor, BankAccount, Consent, ConsentWay, MemoryShop, Mode, Money, Outcome, ReturnDesk
from retour.store.store import Store
from retour.testing import a_line, a_payment, an_order


def a_desk(database: str, provider: str, reference: str, settings: dict[str, object]) -> ReturnDesk:
    """The desk of a shop with one order of EUR 100.00, paid by ``reference`` at ``provider``."""
    payment = a_payment("100.00", provider=provider, reference=reference, mode=Mode.TEST)
    shop = MemoryShop([an_order(a_line("cup", 4, "100.00"), payments=[payment])])
    plugins = [provider, "manual_transfer"]
    return ReturnDesk(shop=shop, store=database, plugins=plugins, settings={provider: settings}, migrate=True)


def transfer(desk: ReturnDesk, reference: str) -> Outcome:
    """EUR 40.00 of it go by bank transfer."""
    return desk.refund(
        "1001",
        reference,
        Money.of("40", "EUR"),
        to=BankAccount(name="J. Jansen", iban="NL91ABNA0417164300"),
        consent=Consent(how=ConsentWay.PHONE, note="he called"),
        by=Actor.staff("anna"),
        request_id="form-1",
    )


def dies(when: bool, function: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """``function``, at which the process is killed ``when`` it is asked to, before or ``after`` it ran."""

    def call(*arguments: Any, **more: Any) -> Any:
        if when and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **more)
        if when and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def refund(database: str, provider: str, reference: str, settings: dict[str, object], moment: str) -> None:
    """Refund EUR 40.00, or look again at what succeeded, and be killed at a moment of that."""
    desk = a_desk(database, provider, reference, settings)
    after = moment.startswith("after")
    kind: Any = desk._services.registry.payment[provider][0]
    if "look" in moment:
        kind.fetch_refund = dies(True, kind.fetch_refund, after=after)
        desk.work()
        return
    kind.refund = dies("provider" in moment, kind.refund, after=after)
    save, saved = Store.save, []

    def counting(*arguments: Any) -> Any:
        saved.append(1)
        now = (("intent" in moment or "transfer" in moment) and len(saved) == 1) or (
            "outcome" in moment and len(saved) == 2
        )
        return dies(now, save, after=after)(*arguments)

    Store.save = counting  # type: ignore[method-assign]
    if "transfer" in moment:
        transfer(desk, reference)
        return
    desk.refund("1001", reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
