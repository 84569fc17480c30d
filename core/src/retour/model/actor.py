"""Who did something."""

from __future__ import annotations

from enum import StrEnum

from retour.model.fields import Reference, checked
from retour.model.frozen import frozen


class ActorKind(StrEnum):
    """The four kinds of actors."""

    CUSTOMER = "customer"  #: who bought
    STAFF = "staff"  #: who works at the shop
    PROVIDER = "provider"  #: a payment or shipping provider that told something
    SYSTEM = "system"  #: retour itself, or the host, where no person did it


@frozen(field_transformer=checked())
class Actor:
    """Who does something: a kind, and an id that means something to the host only (opaque to retour). It is empty
    where a reader is not told who it was.

    >>> Actor.staff("anna")
    Actor(kind=<ActorKind.STAFF: 'staff'>, id='anna')
    """

    kind: ActorKind
    """Customer, staff, provider, or the system itself."""

    id: Reference
    """The host's own id of him, up to 200 characters."""

    @classmethod
    def customer(cls, id: str) -> Actor:  # noqa: A002 - the field's own name
        """The consumer who bought the goods."""
        return cls(ActorKind.CUSTOMER, id)

    @classmethod
    def staff(cls, id: str) -> Actor:  # noqa: A002 - the field's own name
        """Somebody who works for the merchant."""
        return cls(ActorKind.STAFF, id)

    @classmethod
    def provider(cls, id: str) -> Actor:  # noqa: A002 - the field's own name
        """A payment or shipping provider, by its name."""
        return cls(ActorKind.PROVIDER, id)

    @classmethod
    def system(cls, id: str = "retour") -> Actor:  # noqa: A002 - the field's own name
        """retour itself, or a policy that answered by itself."""
        return cls(ActorKind.SYSTEM, id)
