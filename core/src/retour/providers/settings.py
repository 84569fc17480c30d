"""Settings of plugins: checked all at once, with the path of every fault, and secrets never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar, get_type_hints

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError

from retour.model.exact_types import exactly
from retour.model.order import Mode
from retour.model.text import Text, text
from retour.providers.addresses import refuse_other_addresses
from retour.providers.data_faults import data_faults
from retour.providers.exact_lists import from_a_list, is_list_of_any_length
from retour.providers.wrong_setting import WrongSetting

_T = TypeVar("_T")


class Secret:
    """A key or password: masked wherever it is shown, and refused wherever it is written.

    >>> Secret("live_1234")
    Secret(***)
    >>> Secret("live_1234").reveal()
    'live_1234'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str) or not value.strip():
            raise WrongSetting(text("is empty"))
        self._value = value.strip()

    def reveal(self) -> str:
        """The secret itself; only for the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


def _no_writing(_: Secret) -> NoReturn:
    raise TypeError("a Secret is not written anywhere")


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, exactly(kind))
    converter.register_structure_hook(Secret, lambda value, _: value if isinstance(value, Secret) else Secret(value))
    converter.register_structure_hook_factory(is_list_of_any_length, from_a_list)
    converter.register_unstructure_hook(Secret, _no_writing)
    return converter


_converter = _make_converter()


def read_settings(kind: type[_T], given: object, path: str) -> tuple[_T | None, list[Text]]:
    """Settings of type ``kind`` from what the host gave, or every fault in them: ``mollie.api_key: is missing``.

    Each field is read and validated on its own, so that all faults are told at once; no value is repeated, since it
    may be a secret.
    """
    if isinstance(given, kind):
        return given, []
    if not isinstance(given, Mapping):
        return None, [setting_fault(path, text("must be a mapping of settings"))]
    fields: Any = attrs.fields(kind)  # type: ignore[arg-type]
    types = get_type_hints(kind)
    known = [field.name for field in fields] or [text("none")]
    unknown = text("is no setting; there are {known}", known=known)
    found = [setting_fault(f"{path}.{name}", unknown) for name in given if name not in types]
    values: dict[str, Any] = {}
    for field in fields:
        if field.name in given:
            try:
                values[field.name] = _converter.structure(given[field.name], types[field.name])
                if field.validator is not None:
                    field.validator(None, field, values[field.name])
            except (ValueError, TypeError) as error:
                found.append(setting_fault(f"{path}.{field.name}", _why(error)))
            except BaseValidationError as error:
                found += [_within(f"{path}.{field.name}", told) for told in data_faults(error, "")]
        elif field.default is attrs.NOTHING:
            found.append(setting_fault(f"{path}.{field.name}", text("is missing")))
    if found:
        return None, found
    try:
        return kind(**values), []
    except (ValueError, TypeError) as error:
        return None, [setting_fault(path, _why(error))]


def setting_fault(setting: str, fault: Text | str) -> Text:
    """One fault of a setting, or of a provider's settings together."""
    return text("{setting}: {fault}", setting=setting, fault=fault)


def _why(error: Exception) -> Text | str:
    """Why a value is refused. The words of what is not ours are as whoever wrote the check put them."""
    if isinstance(error, WrongSetting):
        return error.words
    said = str(error.args[0]) if error.args else ""
    return _OF_TYPES.get(said, said)


_OF_TYPES = {
    "must be a text": text("must be a text"),
    "must be a whole number": text("must be a whole number"),
    "must be true or false": text("must be true or false"),
    "must be a list": text("must be a list"),
}
"""What is said of a value of another type, by the words of the check that all data from outside goes through."""


def _within(setting: str, told: str) -> Text:
    """A fault of one entry of a list."""
    fault, _, place = told.partition(" @ ")
    words = {"expected Secret": text("is empty or no text"), "is missing": text("is missing")}
    return setting_fault(f"{setting}{place}", words.get(fault, text("is not as expected")))


def mode_of(settings: object) -> Mode | None:
    """The mode that settings work in, where they tell it: by ``mode``, or by ``mode_used`` where their key can do
    both. What verifies a webhook of that mode verifies none of the other."""
    mode = getattr(settings, "mode_used", None) or getattr(settings, "mode", None)
    return mode if isinstance(mode, Mode) else None


def choice(*allowed: str) -> Any:
    """A validator for a setting that takes one of a few words: ``attrs.field(validator=choice("live", "sandbox"))``.

    >>> @attrs.frozen(kw_only=True)
    ... class Settings:
    ...     region: str = attrs.field(default="eu", validator=choice("eu", "us"))
    >>> Settings(region="mars")
    Traceback (most recent call last):
    ...
    retour.providers.wrong_setting.WrongSetting: must be one of eu, us
    """

    def check(_: object, __: attrs.Attribute[str], value: str) -> None:
        if value not in allowed:
            raise WrongSetting(text("must be one of {choices}", choices=list(allowed)))

    return check


def api_address(_: object, __: attrs.Attribute[str], value: str) -> None:
    """A validator for the address of a provider's API: https, or plain http to a sandbox on this machine, with nothing
    else in it than a host, a port and a path. `ProviderSession` calls no other, whatever settings take.

    >>> @attrs.frozen(kw_only=True)
    ... class Settings:
    ...     api_url: str = attrs.field(default="https://api.acmepay.example", validator=api_address)
    >>> Settings(api_url="http://api.acmepay.example")
    Traceback (most recent call last):
    ...
    retour.providers.wrong_setting.WrongSetting: must be an address that begins with https:// (http:// only ...
    """
    refuse_other_addresses(value)
    if "?" in value:
        raise WrongSetting(text("must be an address without a question mark in it"))
