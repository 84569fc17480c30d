"""What the providers' sandboxes share: a small server on loopback, with a clock and faults. Standard library only."""

from retour.sandbox.faults import Fault
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.payments import BookedRefund, PaymentSandbox, SandboxWebhook, sandbox_at
from retour.sandbox.server import SandboxRequest, SandboxResponse, SandboxServer, send_webhook

__all__ = [
    "BookedRefund",
    "Fault",
    "PaymentSandbox",
    "SandboxClock",
    "SandboxRequest",
    "SandboxResponse",
    "SandboxServer",
    "SandboxWebhook",
    "sandbox_at",
    "send_webhook",
]
