"""Pictures and recordings of requests that no model could read, found before any is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from bench.models import sound
from bench.models.pictures import decoded
from bench.types import Audio, ImageFile, Request

_RATE = 16_000  # samples a second, at which a recording is tried


def unread(requests: Iterable[Request]) -> Iterator[str]:
    """A line for each file that cannot be read as models read it, whichever requests name it.

    Recordings are tried where PyAV is installed, without which no model reads any.
    """
    seen = set()
    hears = find_spec("av") is not None
    for part in (one for request in requests for one in request.parts):
        if not isinstance(part, ImageFile | Audio) or part.path in seen or (isinstance(part, Audio) and not hears):
            continue
        seen.add(part.path)
        try:
            if isinstance(part, ImageFile):
                decoded(part)
            else:
                for _ in sound.pieces(part.path, _RATE):
                    pass
        except ValueError as error:
            yield f"{error}; correct the file, or take its rows out"
