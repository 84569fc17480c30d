"""Settings of Stripe."""

from __future__ import annotations

import attrs

from retour.providers import Mode, Secret, TextDomain, WrongSetting, api_address

text = TextDomain("retour_stripe").text

_PREFIXES = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
"""How secret and restricted keys begin: https://docs.stripe.com/keys."""


def _is_key(_: object, __: attrs.Attribute[Secret], key: Secret) -> None:
    if key.reveal().startswith("pk_"):
        raise WrongSetting(
            text(
                "is the publishable key (pk_), which cannot refund; give the secret key (sk_) or a restricted key (rk_)"
            )
        )
    if not key.reveal().startswith(_PREFIXES):
        raise WrongSetting(text("must begin with sk_test_, sk_live_, rk_test_ or rk_live_"))


def _are_signing_secrets(_: object, __: attrs.Attribute[tuple[Secret, ...]], secrets: tuple[Secret, ...]) -> None:
    if not all(secret.reveal().startswith("whsec_") for secret in secrets):
        raise WrongSetting(text("must be a list of signing secrets, which begin with whsec_"))


@attrs.frozen(kw_only=True)
class Settings:
    """What a shop enters of its Stripe account."""

    api_key: Secret = attrs.field(validator=_is_key)
    """A secret key (``sk_test_…``, ``sk_live_…``) or a restricted one (``rk_test_…``, ``rk_live_…``)."""

    webhook_secrets: tuple[Secret, ...] = attrs.field(default=(), validator=_are_signing_secrets)
    """The signing secrets (``whsec_…``) of the webhook endpoint in Stripe's dashboard: two while one is being replaced
    by the other. Without any, every webhook is refused."""

    api_url: str = attrs.field(default="https://api.stripe.com", validator=api_address)
    """Stripe's address, or that of a sandbox on this machine."""

    @property
    def mode(self) -> Mode:
        """The mode that the key works in."""
        return Mode(self.api_key.reveal().split("_")[1])
