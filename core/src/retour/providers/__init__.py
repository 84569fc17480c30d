"""What a provider author imports: the contract, capabilities, settings, and the values that pass between."""

from retour.model.money import Money
from retour.model.order import BankAccount, Delivery, Mode, Order, Payment
from retour.model.refunds import LinkKind, LinkRequest, QrCode, RefundLink, TransferInstruction
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, TextDomain
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities, Support
from retour.providers.contract import PaymentProvider, ShippingProvider
from retour.providers.settings import Secret, choice

__all__ = [
    "BankAccount",
    "Delivery",
    "LinkKind",
    "LinkRequest",
    "Mode",
    "Money",
    "Order",
    "Payment",
    "PaymentCapabilities",
    "PaymentProvider",
    "QrCode",
    "RefundLink",
    "Secret",
    "ShippingCapabilities",
    "ShippingOption",
    "ShippingProvider",
    "ShippingWay",
    "Support",
    "Text",
    "TextDomain",
    "TransferInstruction",
    "choice",
]
