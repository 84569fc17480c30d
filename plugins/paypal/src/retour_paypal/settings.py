"""Settings of PayPal."""

from __future__ import annotations

import attrs

from retour.providers import Mode, Secret, choice


def _is_filled(_: object, __: attrs.Attribute[str], value: str) -> None:
    if not value.strip():
        raise ValueError("is empty")


@attrs.frozen(kw_only=True)
class Settings:
    """``client_id`` and ``client_secret`` of the merchant's app, and the ``environment`` that they are of.

    Nothing in the credentials tells live from sandbox, so ``environment`` must be said: ``"live"`` or ``"sandbox"``.
    ``reference_is`` says what the shop stores of a payment, since PayPal's ids look alike: the id of the ``"capture"``
    or of the ``"order"``.
    """

    client_id: str = attrs.field(validator=_is_filled)
    client_secret: Secret
    environment: str = attrs.field(validator=choice("live", "sandbox"))
    reference_is: str = attrs.field(default="capture", validator=choice("capture", "order"))

    @property
    def mode(self) -> Mode:
        """The mode that the credentials work in."""
        return Mode.TEST if self.environment == "sandbox" else Mode.LIVE
