"""From a clip to its film: the frames of its kind with the sound of its voice."""

from __future__ import annotations

from collections.abc import Callable

from tasks.finmm.video import call_film, document_film, screen_film
from tasks.finmm.video.clip import Clip
from tasks.finmm.video.encode import Film

_MAKERS: dict[str, Callable[[Clip], Film]] = {
    "call": call_film.film,
    "document": document_film.film,
    "screen": screen_film.film,
}


def film(clip: Clip) -> Film:
    """The film of a clip; its frames are drawn one by one, as they are asked for."""
    return _MAKERS[clip.kind](clip)
