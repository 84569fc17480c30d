"""What the contract's tests stand on: a shipping provider's class, its sandbox, and the shop's account there."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import pytest

from retour.model.labels import LabelForm, LabelOption
from retour.model.money import Money
from retour.model.parcels import Address, Parcel, ParcelItem
from retour.providers.capabilities import ShippingCapabilities
from retour.providers.contract import MakesLabels
from retour.providers.http import ProviderSession
from retour.providers.label_request import LabelRequest, Shipment
from retour.sandbox import BookedLabel, SandboxRequest, ShippingSandbox
from retour.testing.contracts.any_account import PATIENT, AnyAccount, handed_over, lacks, skip_what_is_lacked

A_WHILE = datetime.timedelta(hours=1)
"""After this long every label is announced or refused, and every cancellation through (`ShippingSandbox.advance`)."""

AT_THE_SAME_TIME = datetime.timedelta(minutes=5)
"""How far a time that is told may be from when it was: clocks differ, zones by more."""

ORDER = "1001"
"""The order that labels are made for."""

WEIGHT_GRAMS, ITEM_GRAMS, ITEM_PRICE = 1237, 379, Money.of("19.99", "EUR")
"""Figures that stand nowhere else, and that no rounding leaves as they are."""

CUSTOMER = Address(
    name="Wilhelmina Roodborst",
    street="Lindelaan",
    house_number="12",
    postal_code="3512 AB",
    city="Utrecht",
    country="NL",
    email="wilhelmina@roodborst.example",
    phone="+31301234567",
)
SHOP = Address(
    name="Returns department", street="Kade", house_number="1", postal_code="1011 AA", city="Amsterdam", country="NL"
)

SIDES_MM = (317, 215, 97)
"""The parcel's three sides."""

PARCEL = Parcel(
    weight_grams=WEIGHT_GRAMS,
    length_mm=SIDES_MM[0],
    width_mm=SIDES_MM[1],
    height_mm=SIDES_MM[2],
    items=[
        ParcelItem(
            line_id="line-1",
            description="Teapot",
            quantity=3,
            weight_grams=ITEM_GRAMS,
            price=ITEM_PRICE,
            sku="teapot-7",
            hs_code="691110",
            origin_country="CN",
        )
    ],
)


@attrs.frozen(kw_only=True)
class Made:
    """A label that was made for a ``request``, with what the provider calls it and its parcel."""

    request: LabelRequest
    shipment: Shipment

    @property
    def names(self) -> tuple[str, str]:
        """What every question about it is asked with."""
        return self.shipment.reference, self.shipment.parcel

    def is_meant_by(self, told: Shipment) -> bool:
        """Whether something that is told of a shipment can be about this one."""
        return told.label_id == self.request.label_id or not {*self.names, ""}.isdisjoint({*told.names} - {""})


@attrs.frozen(kw_only=True)
class ShippingAccount(AnyAccount):
    """The account of a shop at the shipping provider ``kind``, in its ``sandbox``. Parcels go from ``sender`` to
    ``recipient``, with the label ``chosen``, or the first of the provider's options."""

    sandbox: ShippingSandbox
    sender: Address
    recipient: Address
    chosen: LabelOption | None

    @property
    def capabilities(self) -> ShippingCapabilities:
        """What the provider declares."""
        found: ShippingCapabilities = self.kind.capabilities
        return found

    def provider(
        self,
        given: Mapping[str, object] | None = None,
        *,
        deadline: float = PATIENT,
        http: ProviderSession | None = None,
    ) -> MakesLabels:
        """A provider as the core makes it: the first time, or again after a crash."""
        made: MakesLabels = super().provider(given, deadline=deadline, http=http)
        return made

    # --- labels ------------------------------------------------------------------------------------------

    def option(self, form: LabelForm = LabelForm.PDF) -> LabelOption:
        """What is bought: the test module's own, or the first of the provider's options of this form, else of any."""
        if self.chosen is not None:
            return self.chosen
        if lacks(self.capabilities, "options"):
            pytest.fail(f"{self.kind.name} has no options: write a fixture label_option that gives a LabelOption.")
        options = self.provider().options(self.sender, self.recipient, PARCEL)
        if not options:
            pytest.fail(
                f"{self.kind.name} has no label for a parcel from {self.sender.city} to {self.recipient.city}: write a "
                "fixture label_route that gives two addresses."
            )
        return next((one for one in options if one.form is form), options[0])

    def request(self, number: int = 1, option: LabelOption | None = None, **others: Any) -> LabelRequest:
        """A label, as the core fixes it before it asks for it. Each ``number`` is another one."""
        option = option or self.option()
        given: dict[str, Any] = {
            "order_id": ORDER,
            "sender": self.sender,
            "recipient": self.recipient,
            "parcel": PARCEL,
            **others,
        }
        return LabelRequest(
            label_id=f"lb{number:026d}",
            return_number=f"rt{number:026d}",
            option=option.code,
            contract=option.contract,
            form=option.form,
            **given,
        )

    def made(self, number: int = 1, option: LabelOption | None = None, **others: Any) -> Made:
        """A label that is bought, and announced to its carrier."""
        request = self.request(number, option, **others)
        shipment = self.provider().create_label(request)
        self.sandbox.advance(A_WHILE)
        return Made(request=request, shipment=shipment)

    def now(self, made: Made) -> Shipment:
        """A label and its parcel as the provider says they are now."""
        return self.provider().fetch_shipment(*made.names)

    def booked(self, request: LabelRequest) -> list[BookedLabel]:
        """The labels in the sandbox's own books that carry the id of a request."""
        return [one for one in self.sandbox.books() if one.label_id == request.label_id]

    def reference(self, made: Made) -> str:
        """What the sandbox calls a label."""
        return self.booked(made.request)[0].reference

    def is_now(self, told: datetime.datetime | None) -> bool:
        """Whether a time that is told, if it is, is that of the sandbox's clock."""
        return told is None or abs(told - self.sandbox.clock.now()) <= AT_THE_SAME_TIME

    @property
    def since(self) -> datetime.datetime:
        """A moment before anything was made."""
        return self.sandbox.clock.now() - datetime.timedelta(days=30)

    def questions(self, provider: MakesLabels, made: Made) -> dict[str, Callable[[], object]]:
        """Everything that the provider declares that it can be asked, by method, about a label."""
        form = made.request.form
        asked: dict[str, Callable[[], object]] = {
            "check_settings": provider.check_settings,
            "options": lambda: provider.options(self.sender, self.recipient, PARCEL),
            "fetch_label": lambda: provider.fetch_label(*made.names, form),
            "fetch_shipment": lambda: provider.fetch_shipment(*made.names),
            "find_shipment": lambda: provider.find_shipment(made.request),
            "list_shipments": lambda: provider.list_shipments(made.request.order_id, self.since),
        }
        return {method: ask for method, ask in asked.items() if not lacks(self.capabilities, method)}

    # --- the wire ----------------------------------------------------------------------------------------

    def carries(self, sent: SandboxRequest, request: LabelRequest) -> bool:
        """Whether what was sent orders this label: our id of it is in the body, in a header or in the address."""
        said = "\n".join([sent.path, *sent.query.values(), *sent.headers.values()])
        return sent.method != "GET" and (request.label_id.encode() in sent.body or request.label_id in said)


def sent_since(account: ShippingAccount, began: int) -> list[SandboxRequest]:
    """What was sent after the first ``began`` requests."""
    return account.sandbox.server.requests[began:]


@pytest.fixture
def shipping_provider(shipping_sandbox: ShippingSandbox) -> type[Any]:
    """The provider's class: what an installed plugin hands over under the name that the sandbox plays. A test module
    that wants another class writes this fixture itself."""
    found = handed_over(shipping_sandbox.provider, "shipping_providers")
    if found is None:
        pytest.fail(
            f"No installed plugin hands over a shipping provider called {shipping_sandbox.provider}. Install yours "
            "(pip install -e .), or write a fixture shipping_provider that gives the class."
        )
    return found


@pytest.fixture
def other_shipping_sandbox(shipping_sandbox: ShippingSandbox) -> Iterator[ShippingSandbox]:
    """Another account at the same provider, as another shop in the same process has it. A test module whose sandbox is
    made with arguments writes this fixture itself."""
    try:
        made = type(shipping_sandbox)()
    except TypeError as error:
        pytest.fail(
            f"{type(shipping_sandbox).__name__} cannot be made without arguments ({error}). Write a fixture "
            "other_shipping_sandbox that gives a second one: rules about two accounts need it."
        )
    with made as sandbox:
        yield sandbox


@pytest.fixture
def shipping_deadline() -> float:
    """Seconds that a provider waits for an answer that is held back, in the tests that hold one back."""
    return 1.0


@pytest.fixture
def label_route() -> tuple[Address, Address]:
    """From where to where parcels go: the customer and the shop. A test module whose carrier is elsewhere writes this
    fixture itself."""
    return CUSTOMER, SHOP


@pytest.fixture
def label_option() -> LabelOption | None:
    """The label that is bought; None for the first of the provider's options."""
    return None


@pytest.fixture
def account(
    request: pytest.FixtureRequest,
    shipping_sandbox: ShippingSandbox,
    shipping_provider: type[Any],
    shipping_deadline: float,
    label_route: tuple[Address, Address],
    label_option: LabelOption | None,
) -> ShippingAccount:
    """The account that a test works with; skips the test where the provider declares that it cannot."""
    skip_what_is_lacked(request.function, shipping_provider)
    return ShippingAccount(
        sandbox=shipping_sandbox,
        kind=shipping_provider,
        deadline=shipping_deadline,
        sender=label_route[0],
        recipient=label_route[1],
        chosen=label_option,
    )


@pytest.fixture
def other_account(account: ShippingAccount, other_shipping_sandbox: ShippingSandbox) -> ShippingAccount:
    """Another shop's account at the same provider."""
    return attrs.evolve(account, sandbox=other_shipping_sandbox)
