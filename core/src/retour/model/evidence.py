"""Evidence: files of the host's that belong to a return, as photos of what is broken. Retour keeps where they are."""

from __future__ import annotations

import json

import attrs

from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.personal import PERSONAL

MOST_EVIDENCE = 50
"""Files of one return."""


@frozen(kw_only=True, field_transformer=checked())
class EvidenceFile:
    """One file of the host's, which retour knows by its name alone.

    Both names can be about a person (a name that a phone or a customer gave), so they are kept as notes are: apart from
    the events, and forgotten in their time. The file itself stays where it is.

    >>> EvidenceFile(reference="uploads/17.jpg", name="The broken handle").reference
    'uploads/17.jpg'
    """

    reference: Id = attrs.field(repr=False, metadata=PERSONAL)
    """What the host finds it by, such as a path or a key of its own."""

    name: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """What people call it; may be empty."""


def evidence_as_words(evidence: EvidenceFile) -> str:
    """A file as it is kept among the order's personal data."""
    return json.dumps({"reference": evidence.reference, "name": evidence.name}, ensure_ascii=False)


def evidence_of_words(words: str) -> EvidenceFile:
    """The file that was kept as these words."""
    return EvidenceFile(**json.loads(words))
