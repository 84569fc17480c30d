"""What is wrong with a setting, in the words of whoever has to mend it."""

from __future__ import annotations

from retour.model.text import Text


class WrongSetting(ValueError):
    """A setting that cannot be used: what a validator of a settings class raises, with a sentence that goes on what the
    setting is called and repeats no value. The sentence is read in the reader's language, from the catalogue of the
    package that wrote it; a plain ValueError is read as it is.

    >>> from retour import TextDomain
    >>> text = TextDomain("retour_acmepay").text
    >>> raise WrongSetting(text("must begin with ak_"))
    Traceback (most recent call last):
    ...
    retour.providers.wrong_setting.WrongSetting: must begin with ak_
    """

    def __init__(self, words: Text) -> None:
        super().__init__(str(words))
        self.words = words
