"""What a provider author imports: the contract, capabilities, settings, and the values that pass between."""

from retour.model.destinations import Destination
from retour.model.ids import is_batch_name
from retour.model.labels import Charged, LabelForm, LabelOption, ParcelState, Told
from retour.model.money import Money
from retour.model.order import BankAccount, Delivery, Mode, Order, Payment
from retour.model.parcels import Address, Parcel, ParcelItem
from retour.model.personal import PERSONAL
from retour.model.refunds import LinkKind, LinkRequest, QrCode, RefundLink, TransferInstruction
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text, TextDomain
from retour.providers.capabilities import (
    AmountStep,
    Idempotency,
    PaymentCapabilities,
    ShippingCapabilities,
    Support,
)
from retour.providers.contract import MakesLabels, PaymentProvider, RefundsByApi, ShippingProvider
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import Answer, ProviderSession
from retour.providers.label_request import (
    LabelDocument,
    LabelRequest,
    SentItem,
    Shipment,
    ShipmentEvent,
    ShipmentEvents,
)
from retour.providers.references import refuse_another, refuse_another_refund, segment, unless_unknown
from retour.providers.refund_request import Refundable, RefundRequest, RefundResult, RefundStatus
from retour.providers.refusals import Refusals, Said, own_words, refusal
from retour.providers.settings import Secret, api_address, choice
from retour.providers.signatures import Encoding, check_age, check_signed, hmac_sha256, hmac_sha512, needs_setting
from retour.providers.webhooks import (
    RawWebhook,
    RefundEvent,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    WebhookUnreadable,
    reading_signed,
)
from retour.providers.wire import read_json, read_wire
from retour.providers.wrong_setting import WrongSetting

__all__ = [
    "PERSONAL",
    "Address",
    "AmountStep",
    "Answer",
    "BankAccount",
    "Charged",
    "Delivery",
    "Destination",
    "Disposition",
    "Encoding",
    "ErrorCode",
    "Idempotency",
    "LabelDocument",
    "LabelForm",
    "LabelOption",
    "LabelRequest",
    "LinkKind",
    "LinkRequest",
    "MakesLabels",
    "Mode",
    "Money",
    "Order",
    "Parcel",
    "ParcelItem",
    "ParcelState",
    "Payment",
    "PaymentCapabilities",
    "PaymentProvider",
    "ProviderError",
    "ProviderSession",
    "QrCode",
    "RawWebhook",
    "RefundEvent",
    "RefundLink",
    "RefundRequest",
    "RefundResult",
    "RefundStatus",
    "Refundable",
    "RefundsByApi",
    "Refusals",
    "Said",
    "Secret",
    "SentItem",
    "Shipment",
    "ShipmentEvent",
    "ShipmentEvents",
    "ShippingCapabilities",
    "ShippingOption",
    "ShippingProvider",
    "ShippingWay",
    "Support",
    "Text",
    "TextDomain",
    "ToFetch",
    "Told",
    "TransferInstruction",
    "VerifiedEvents",
    "WebhookRejected",
    "WebhookTrust",
    "WebhookUnreadable",
    "WrongSetting",
    "api_address",
    "check_age",
    "check_signed",
    "choice",
    "hmac_sha256",
    "hmac_sha512",
    "is_batch_name",
    "needs_setting",
    "own_words",
    "read_json",
    "read_wire",
    "reading_signed",
    "refusal",
    "refuse_another",
    "refuse_another_refund",
    "segment",
    "unless_unknown",
]
