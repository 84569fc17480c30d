"""Words on a terminal: sentences, buttons, addresses, in lines that fit."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text as Styled

from retour.model.frozen import frozen
from retour.model.text import Text


@frozen(kw_only=True)
class Terminal:
    """A terminal in one language. Nothing is cut: what does not fit goes on a line of its own."""

    console: Console
    language: str

    @property
    def width(self) -> int:
        """The cells of a line."""
        return self.console.width

    def words(self, words: Text | str) -> str:
        """``words`` in this terminal's language."""
        return words if isinstance(words, str) else words.render(self.language)

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

    def rule(self, title: str) -> None:
        """A title with a line behind it, below an empty one."""
        self.blank()
        self.console.rule(Styled(title, style="bold"), align="left", style="dim")

    def line(self, words: Text | str, *, indent: int = 0, style: str = "") -> None:
        """A sentence, in as many lines as it needs."""
        self.hanging("", self.words(words), indent=indent, style=style)

    def hanging(self, start: str, words: str, *, indent: int, style: str = "") -> None:
        """``words`` after ``start``; further lines begin below the first word."""
        margin = indent + cell_len(start)
        for number, line in enumerate(_wrapped(words, max(20, self.width - margin))):
            before = " " * indent + start if number == 0 else " " * margin
            self.whole(Styled(before + line, style=style))

    def button(self, label: Text, url: str = "") -> None:
        """A button's words, with the address that it opens beside it, or below where that does not fit."""
        words = f"[{self.words(label)}]"
        if url and 4 + cell_len(words) + 2 + cell_len(url) > self.width:
            self.line(words, indent=4, style="bold cyan")
            self.url(url, indent=6)
        else:
            line = Styled(" " * 4).append(words, style="bold cyan")
            self.whole(line.append(f"  {url}", style="cyan") if url else line)

    def chosen(self, words: Text | str) -> None:
        """What somebody chose."""
        self.hanging("→ ", self.words(words), indent=4, style="green")

    def url(self, url: str, indent: int) -> None:
        """An address on one line, whole, so that it can be copied and clicked."""
        if url:
            fits = indent + cell_len(url) <= self.width
            self.whole(Styled(" " * (indent if fits else 4) + url, style="cyan"))

    def command(self, words: Text, command: str) -> None:
        """A command to type, whole on its own line."""
        self.line(words)
        self.whole(Styled(f"  {command}"))

    def whole(self, line: Styled) -> None:
        """A line as it is: neither wrapped nor cut."""
        self.console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)


def _wrapped(words: str, width: int) -> list[str]:
    """``words`` in lines of at most ``width`` cells. ``2 × Cup`` and ``€ 4,95`` stay together."""
    lines: list[str] = []
    for paragraph in words.split("\n"):
        line = ""
        for piece in re.split(r"(?<!×) (?!×)", paragraph):
            longer = f"{line} {piece}" if line else piece
            if cell_len(longer) <= width:
                line = longer
                continue
            lines += [line] if line else []
            *whole, line = chop_cells(piece, width) or [""]
            lines += whole
        lines.append(line)
    return lines
