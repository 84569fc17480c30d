"""The fields of public values that can hold a text, and that are not said to be about a person."""

from __future__ import annotations

from plain.any_value import KINDS

from retour.plain.annotations import Record, shape_of
from retour.plain.shapes import AsItIs, OrNothing, Row, Several, Shape, Table


def text_fields() -> list[str]:
    """Their names, with those of their classes."""
    records = {name: shape_of(kind) for name, kind in KINDS.items()}
    return [
        f"{name}.{part.name}"
        for name, shape in records.items()
        if isinstance(shape, Record)
        for part in shape.parts.values()
        if holds_text(part.shape) and not part.personal
    ]


def holds_text(shape: Shape) -> bool:
    """Whether a text of somebody's can stand in a value of this shape itself, or in the keys of it."""
    if isinstance(shape, OrNothing):
        return holds_text(shape.shape)
    if isinstance(shape, Several):
        return holds_text(shape.each)
    if isinstance(shape, Table):
        return holds_text(shape.key) or holds_text(shape.each)
    if isinstance(shape, Row):
        return any(holds_text(one) for one in shape.shapes)
    return isinstance(shape, AsItIs) and shape.kind is str
