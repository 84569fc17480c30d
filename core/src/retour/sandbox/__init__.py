"""What the providers' sandboxes share: a server on loopback with faults, books of refunds that go on by themselves, a
clock, a memory of keys; and what those of payment and of shipping providers offer. Standard library and attrs only."""

from retour.sandbox.bookkeeping import BookkeepingSandbox, spoilt
from retour.sandbox.faults import Fault
from retour.sandbox.label_books import LabellingSandbox, SandboxLabel
from retour.sandbox.ledger import Ledger, NoSuchPayment, SandboxChargeBack, SandboxPayment, SandboxRefund
from retour.sandbox.lifecycle import Lifecycle, Step
from retour.sandbox.loopback_sandbox import LoopbackSandbox
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.payments import (
    BookedRefund,
    ChargesBack,
    GivesBack,
    NamesPayments,
    PaymentSandbox,
    SandboxWebhook,
    TellsOfRefunds,
    sandbox_at,
)
from retour.sandbox.printed_page import a_page
from retour.sandbox.remembered import KeyInUse, KeyReused, Remembered
from retour.sandbox.server import Refused, SandboxRequest, SandboxResponse, SandboxServer, send_webhook
from retour.sandbox.shipping_sandbox import BookedLabel, HasPortal, ShippingSandbox

__all__ = [
    "BookedLabel",
    "BookedRefund",
    "BookkeepingSandbox",
    "ChargesBack",
    "Fault",
    "GivesBack",
    "HasPortal",
    "KeyInUse",
    "KeyReused",
    "LabellingSandbox",
    "Ledger",
    "Lifecycle",
    "LoopbackSandbox",
    "NamesPayments",
    "NoSuchPayment",
    "PaymentSandbox",
    "Refused",
    "Remembered",
    "SandboxChargeBack",
    "SandboxClock",
    "SandboxLabel",
    "SandboxPayment",
    "SandboxRefund",
    "SandboxRequest",
    "SandboxResponse",
    "SandboxServer",
    "SandboxWebhook",
    "ShippingSandbox",
    "Step",
    "TellsOfRefunds",
    "a_page",
    "sandbox_at",
    "send_webhook",
    "spoilt",
]
