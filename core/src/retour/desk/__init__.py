"""ReturnDesk: one object that a host embeds, one method for each thing a person does."""

from retour.desk.desk import ReturnDesk

__all__ = ["ReturnDesk"]
