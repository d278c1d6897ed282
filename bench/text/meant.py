"""What somebody meant who wrote a name that there is not: one way for commands, options, tasks, models, keys and runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def meant(asked: str, known: Iterable[str]) -> str:
    """The nearest of the known names as the end of a message, "" where none is near; case and dashes count for nothing.

    >>> meant("Finmm-QA", ["finmm_qa", "fomc"]), meant("fo", ["finmm_qa", "fomc"]), meant("x", ["fomc"])
    ('; did you mean finmm_qa?', '; did you mean fomc?', '')
    """
    plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(asked), plain, n=1)
    if not near and asked:
        begun = [one for one in plain if one.startswith(_plain(asked))]
        near = begun if len(begun) == 1 else []
    return f"; did you mean {plain[near[0]]}?" if near else ""


def among(asked: str, known: Sequence[str]) -> str:
    """What there is, and the nearest to what was asked for.

    >>> among("orakle", ["oracle", "random"])
    'known: oracle, random; did you mean oracle?'
    """
    return f"known: {', '.join(known) or 'none'}{meant(asked, known)}"


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")
