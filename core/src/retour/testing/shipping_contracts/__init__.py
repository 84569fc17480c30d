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
    "before_buying",
    "cancelling",
    "choosing",
    "customers_and_keys",
    "finding",
    "label_documents",
    "labels_declared",
    "lost_answers",
    "making_labels",
    "portal",
    "shipping_account",
    "standing_still",
    "two_shops",
    "webhooks",
    "where_parcels_are",
)
pytest.register_assert_rewrite(
    *[f"{__name__}.{part}" for part in _PARTS]
)  # before their import: a failure shows values

from retour.testing.contracts.of_settings import *  # noqa: E402
from retour.testing.contracts.promises import rule  # noqa: E402
from retour.testing.shipping_contracts.before_buying import *  # noqa: E402
from retour.testing.shipping_contracts.cancelling import *  # noqa: E402
from retour.testing.shipping_contracts.choosing import *  # noqa: E402
from retour.testing.shipping_contracts.customers_and_keys import *  # noqa: E402
from retour.testing.shipping_contracts.finding import *  # noqa: E402
from retour.testing.shipping_contracts.label_documents import *  # noqa: E402
from retour.testing.shipping_contracts.labels_declared import *  # noqa: E402
from retour.testing.shipping_contracts.lost_answers import *  # noqa: E402
from retour.testing.shipping_contracts.making_labels import *  # noqa: E402
from retour.testing.shipping_contracts.portal import *  # noqa: E402
from retour.testing.shipping_contracts.shipping_account import *  # noqa: E402
from retour.testing.shipping_contracts.standing_still import *  # noqa: E402
from retour.testing.shipping_contracts.two_shops import *  # noqa: E402
from retour.testing.shipping_contracts.webhooks import *  # noqa: E402
from retour.testing.shipping_contracts.where_parcels_are import *  # noqa: E402

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
