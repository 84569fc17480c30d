"""What happened to an order's returns: one class for each type of event, by track.

An event declares in its class who may read it, who announces it and what it is about (`event`). How it changes the
dossier stands beside it in its track's ``…_steps`` (`folding`), how it reads in its track's ``…_words`` (`telling`).
"""

from retour.model.events import attention, goods, money, stock  # noqa: F401 - every event is known once the package is
