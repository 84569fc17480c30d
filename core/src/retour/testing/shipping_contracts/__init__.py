"""Every rule that a shipping provider must keep, as tests. A provider's author imports them and names the sandbox::

    # tests/test_contract.py
    from retour.testing.shipping_contracts import *

    @pytest.fixture
    def shipping_sandbox():
        with SmallPostSandbox() as sandbox:
            yield sandbox

The provider's class is the one that the installed plugin hands over; a fixture ``shipping_provider`` gives another.
Fixtures ``label_route`` and ``label_option`` say with which addresses and which label the rules are tried.
Each test names the capabilities that it is about and is skipped where a provider declares that it lacks them; what is
declared and not kept fails. Each docstring is a promise, and says what it saves the merchant from.
"""

import pytest

_PARTS = (
    "account",
    "cancelling",
    "choosing",
    "declared",
    "documents",
    "finding",
    "making_labels",
    "on_the_way",
    "parcels",
    "portal",
    "secrecy",
    "two_accounts",
    "waiting",
    "webhooks",
)
pytest.register_assert_rewrite(
    *[f"{__name__}.{part}" for part in _PARTS]
)  # before their import: a failure shows values

from retour.testing.contracts.of_settings import *  # noqa: E402
from retour.testing.contracts.promises import rule  # noqa: E402
from retour.testing.shipping_contracts.account import *  # noqa: E402
from retour.testing.shipping_contracts.cancelling import *  # noqa: E402
from retour.testing.shipping_contracts.choosing import *  # noqa: E402
from retour.testing.shipping_contracts.declared import *  # noqa: E402
from retour.testing.shipping_contracts.documents import *  # noqa: E402
from retour.testing.shipping_contracts.finding import *  # noqa: E402
from retour.testing.shipping_contracts.making_labels import *  # noqa: E402
from retour.testing.shipping_contracts.on_the_way import *  # noqa: E402
from retour.testing.shipping_contracts.parcels import *  # noqa: E402
from retour.testing.shipping_contracts.portal import *  # noqa: E402
from retour.testing.shipping_contracts.secrecy import *  # noqa: E402
from retour.testing.shipping_contracts.two_accounts import *  # noqa: E402
from retour.testing.shipping_contracts.waiting import *  # noqa: E402
from retour.testing.shipping_contracts.webhooks import *  # noqa: E402

FIXTURES = (
    "account",
    "label_option",
    "label_route",
    "other_account",
    "other_shipping_sandbox",
    "shipping_deadline",
    "shipping_provider",
)

RULES = tuple(name for name in dir() if name.startswith("test_"))
for _rule in RULES:
    globals()[_rule] = rule(globals()[_rule])

__all__ = [*RULES, *FIXTURES]
