"""Every rule that a payment provider must keep, as tests. A provider's author imports them and names the sandbox::

    # tests/test_contract.py
    from retour.testing.contracts import *

    @pytest.fixture
    def payment_sandbox():
        with AcmePaySandbox() as sandbox:
            yield sandbox

The provider's class is the one that the installed plugin hands over; a fixture ``payment_provider`` gives another.
Each test names the capabilities that it is about and is skipped where a provider declares that it lacks them; what is
declared and not kept fails. Each docstring is a promise, and says what it saves the merchant from.
"""

import pytest

_PARTS = (
    "account",
    "answers",
    "any_account",
    "charge_backs",
    "declared",
    "identity",
    "in_threads",
    "provider_modules",
    "refund_links",
    "lookups",
    "of_settings",
    "on_the_way",
    "making_refunds",
    "payment_names",
    "promises",
    "secrecy",
    "signing",
    "statuses",
    "two_accounts",
    "waiting",
    "webhooks",
)
pytest.register_assert_rewrite(
    *[f"{__name__}.{part}" for part in _PARTS]
)  # before their import: a failure shows values

from retour.testing.contracts.account import *  # noqa: E402
from retour.testing.contracts.answers import *  # noqa: E402
from retour.testing.contracts.charge_backs import *  # noqa: E402
from retour.testing.contracts.declared import *  # noqa: E402
from retour.testing.contracts.identity import *  # noqa: E402
from retour.testing.contracts.lookups import *  # noqa: E402
from retour.testing.contracts.making_refunds import *  # noqa: E402
from retour.testing.contracts.of_settings import *  # noqa: E402
from retour.testing.contracts.on_the_way import *  # noqa: E402
from retour.testing.contracts.payment_names import *  # noqa: E402
from retour.testing.contracts.promises import rule  # noqa: E402
from retour.testing.contracts.refund_links import *  # noqa: E402
from retour.testing.contracts.secrecy import *  # noqa: E402
from retour.testing.contracts.statuses import *  # noqa: E402
from retour.testing.contracts.two_accounts import *  # noqa: E402
from retour.testing.contracts.waiting import *  # noqa: E402
from retour.testing.contracts.webhooks import *  # noqa: E402

FIXTURES = ("account", "other_account", "other_payment_sandbox", "payment_deadline", "payment_provider")

RULES = tuple(name for name in dir() if name.startswith("test_"))
for _rule in RULES:
    globals()[_rule] = rule(globals()[_rule])

__all__ = [*RULES, *FIXTURES]
