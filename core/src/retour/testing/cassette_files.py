"""How a cassette lies in its file: YAML in vcrpy's shape, with bodies to read, the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.serialize import deserialize, serialize

_INDENT = "  "
_LINE = 88


def written_json(value: Any, before: str = "", *, on_one_line: bool = False) -> str:
    """JSON for people: what does not fit on a line is indented; letters as they are, decimals with all their digits."""
    short = _on_one_line(value)
    if on_one_line or not isinstance(value, dict | list) or (before and len(before) + len(short) <= _LINE):
        return short
    inside = before + _INDENT
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {written_json(one, inside)}" for key, one in value.items()]
    else:
        parts = [written_json(one, inside) for one in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n{inside}" + f",\n{inside}".join(parts) + f"\n{before}{closed}" if parts else opened + closed


def _on_one_line(value: Any) -> str:
    if isinstance(value, dict):
        fields = [f"{json.dumps(key, ensure_ascii=False)}: {_on_one_line(one)}" for key, one in value.items()]
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_on_one_line(one) for one in value) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines are written as blocks."""


def _block(dumper: yaml.SafeDumper, words: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", words, style="|" if "\n" in words else None)


_Dumper.add_representer(str, _block)


class CassetteYaml:
    """vcrpy's serializer: its shape, with what we say of the recording at the top."""

    @staticmethod
    def serialize(cassette: Mapping[str, Any]) -> str:
        """The text of a cassette."""
        ordered = {name: cassette[name] for name in ("version", "metadata", "interactions") if name in cassette}
        return str(yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))

    @staticmethod
    def deserialize(words: str) -> Any:
        """A cassette from its text."""
        return yaml.safe_load(words)


class CassetteFile:
    """vcrpy's persister for one test: plays what is there; or starts empty, and writes if the test passed.

    ``keep`` says whether what was recorded is worth keeping. ``look`` says what must not be in a text and is:
    then nothing is written, and it is in ``left``.
    """

    def __init__(self, path: Path, *, record: bool, look: Callable[[str], list[str]]) -> None:
        self.path = path
        self.keep = False
        self.left: list[str] = []
        self._record = record
        self._look = look

    def load_cassette(self, path: str, serializer: Any) -> Any:
        """What was recorded; nothing while it is recorded anew."""
        del path
        if self._record or not self.path.is_file():
            raise CassetteNotFoundError
        return deserialize(self.path.read_text(encoding="utf-8"), serializer)

    def save_cassette(self, path: str, cassette: Mapping[str, Any], serializer: Any) -> None:
        """Write what was recorded, unless only its date is new: then the file stays as it is, to the byte."""
        del path
        if not self.keep:
            return
        words = serialize(cassette, serializer)
        self.left = self._look(words)
        if self.left:
            return
        if self.path.is_file() and _undated(words) == _undated(self.path.read_text(encoding="utf-8")):
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(words, encoding="utf-8", newline="\n")


def _undated(words: str) -> Any:
    try:
        cassette = CassetteYaml.deserialize(words)
        del cassette["metadata"]["recorded"]["date"]
    except (yaml.YAMLError, KeyError, TypeError):
        return words
    return CassetteYaml.serialize(cassette)
