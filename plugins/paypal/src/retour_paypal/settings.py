"""Settings of PayPal."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

from retour.providers import Mode, Secret, TextDomain, WrongSetting, api_address, choice

text = TextDomain("retour_paypal").text

API = {"live": "https://api-m.paypal.com", "sandbox": "https://api-m.sandbox.paypal.com"}
"""PayPal's servers (``servers`` in its description of Payments v2)."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _is_filled(_: object, __: attrs.Attribute[str], value: str) -> None:
    if not value.strip():
        raise WrongSetting(text("is empty"))


def _address_of(settings: Settings) -> str:
    return API.get(settings.environment, "")


def _stripped(value: str) -> str:
    return value.strip()


@attrs.frozen(kw_only=True)
class Settings:
    """What a shop enters of its app at PayPal."""

    client_id: str = attrs.field(validator=_is_filled)
    """The app's."""

    client_secret: Secret
    """The app's."""

    environment: str = attrs.field(validator=choice("live", "sandbox"))
    """``"live"`` or ``"sandbox"``: nothing in the credentials tells which."""

    reference_is: str = attrs.field(default="capture", validator=choice("capture", "order"))
    """What the shop stores of a payment, the id of the ``"capture"`` or of the ``"order"``: PayPal's ids look alike."""

    webhook_id: str = attrs.field(default="", converter=_stripped, repr=False)
    """The id that PayPal shows for the webhook in the app; without it every webhook is rejected."""

    webhook_check: str = attrs.field(default="local", validator=choice("local", "api"), repr=False)
    """Who checks a signature: ``"local"`` does it here with PayPal's certificate, ``"api"`` asks PayPal about each
    webhook."""

    api_url: str = attrs.field(default=attrs.Factory(_address_of, takes_self=True), validator=api_address, repr=False)
    """Another address than PayPal's: that of a sandbox on this machine."""

    webhook_root: str = attrs.field(default="", repr=False)
    """The root certificate (PEM) of such a sandbox; refused for any other address."""

    def __attrs_post_init__(self) -> None:
        if self.webhook_root and not self.is_local:
            raise WrongSetting(text("webhook_root is for an api_url on this machine only"))

    @property
    def mode(self) -> Mode:
        """The mode that the credentials work in."""
        return Mode.TEST if self.environment == "sandbox" else Mode.LIVE

    @property
    def is_local(self) -> bool:
        """Whether ``api_url`` is a sandbox on this machine."""
        return urlsplit(self.api_url).hostname in LOOPBACK
