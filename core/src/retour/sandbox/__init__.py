"""What the providers' sandboxes share: a server on loopback with faults, books of refunds that go on by themselves, a
clock, a memory of keys; what those of payment and of shipping providers offer; and a dashboard of each for a browser.
Standard library, attrs, and Babel where amounts and times are shown."""

from retour.sandbox.bookkeeping import BookkeepingSandbox, spoilt
from retour.sandbox.dashboard_contract import (
    DashboardAction,
    DashboardField,
    DashboardFile,
    DashboardTable,
    FieldKind,
    HasDashboard,
)
from retour.sandbox.every_dashboard import EVERYWHERE, HOLD
from retour.sandbox.faults import Fault
from retour.sandbox.label_books import LabellingSandbox, SandboxLabel
from retour.sandbox.label_dashboard import LABEL_ACTIONS, LABEL_TABLES
from retour.sandbox.ledger import (
    Ledger,
    NoSuchPayment,
    SandboxChargeBack,
    SandboxPayment,
    SandboxPayout,
    SandboxRefund,
)
from retour.sandbox.lifecycle import Lifecycle, Step
from retour.sandbox.loopback_sandbox import LoopbackSandbox
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.not_possible import NotPossible
from retour.sandbox.payment_dashboard import PAYMENT_ACTIONS, PAYMENT_TABLES
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
    "EVERYWHERE",
    "HOLD",
    "LABEL_ACTIONS",
    "LABEL_TABLES",
    "PAYMENT_ACTIONS",
    "PAYMENT_TABLES",
    "BookedLabel",
    "BookedRefund",
    "BookkeepingSandbox",
    "ChargesBack",
    "DashboardAction",
    "DashboardField",
    "DashboardFile",
    "DashboardTable",
    "Fault",
    "FieldKind",
    "GivesBack",
    "HasDashboard",
    "HasPortal",
    "KeyInUse",
    "KeyReused",
    "LabellingSandbox",
    "Ledger",
    "Lifecycle",
    "LoopbackSandbox",
    "NamesPayments",
    "NoSuchPayment",
    "NotPossible",
    "PaymentSandbox",
    "Refused",
    "Remembered",
    "SandboxChargeBack",
    "SandboxClock",
    "SandboxLabel",
    "SandboxPayment",
    "SandboxPayout",
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
