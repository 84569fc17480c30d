"""HTML that is safe by how it is made: whatever is not markup itself is escaped, in text and in attributes."""

from __future__ import annotations

from html import escape

_WITHOUT_END = frozenset({"input", "link", "meta"})


class Markup(str):
    """Text that is HTML already; only `tag` and `together` make it."""

    __slots__ = ()


def tag(name: str, /, *inside: str | None, **attributes: str | bool | None) -> Markup:
    """An element with what is ``inside``. An attribute is written without the underscore at its end, with dashes for
    the others; one that is False or None is left out, one that is True stands alone.

    >>> tag("a", "<b>", href="/?a&b", class_="name")
    '<a href="/?a&amp;b" class="name">&lt;b&gt;</a>'
    """
    opening = "".join([_attribute(key, value) for key, value in attributes.items() if value not in (None, False)])
    if name in _WITHOUT_END:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{together(*inside)}</{name}>")


def together(*pieces: str | None) -> Markup:
    """Pieces one after the other, each escaped that is no markup; None is nothing."""
    return Markup("".join([one if isinstance(one, Markup) else escape(one) for one in pieces if one is not None]))


def _attribute(key: str, value: str | bool | None) -> str:
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
