"""The test kit: builders for orders that read like the sentence a test proves."""

from retour.testing.builders import a_line, a_payment, a_service, an_order

__all__ = ["a_line", "a_payment", "a_service", "an_order"]
