"""Hydra's errors, which take several lines, as one line that says where, what was found and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from bench.text.meant import among

KnownKeys = Callable[[Sequence[str], str], Sequence[str]]


def explain(error: Exception, overrides: Sequence[str], choices: Mapping[str, Sequence[str]], known: KnownKeys) -> str:
    """One line for an error of composing `overrides`.

    `choices` are the names of each group; `known(overrides, parent)` gives the keys that exist below a parent.
    """
    text = str(error.__cause__ or error) if "Error merging" in str(error) or not str(error) else str(error)
    if match := re.search(r"Could not find '(\w+)/([^']*)'", text):
        group, asked = match.groups()
        return f"{group} '{asked}' does not exist; {among(asked, choices.get(group, ()))}"
    if match := re.search(r"Could not override '([^']*)'", text):
        return _unknown_key(match[1], error.__cause__, overrides, known)
    full_key = re.search(r"full_key: (\S+)", text)
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("full_key", "object_type", "reference_type"))]
    where = f"{full_key[1]}: " if full_key and full_key[1] else ""
    what = " ".join(said) or f"Hydra cannot read {' '.join(overrides)} ({type(error).__name__})"
    return f"{where}{what}; see `bench run --cfg job` for the known keys"


def _unknown_key(key: str, cause: BaseException | None, overrides: Sequence[str], known: KnownKeys) -> str:
    """An override of a key that is not there; without it the rest composes, and shows which keys are."""
    parent, _, name = key.rpartition(".")
    rest = [word for word in overrides if word.split("=", 1)[0].lstrip("+~") != key]
    found = known(rest, parent)
    while not found and parent:  # what is wrong may be a name further up
        above, _, upper = parent.rpartition(".")
        if upper in (found := known(rest, above)):
            break
        parent, name = above, upper
    else:
        upper = ""
    reason = str(cause).partition("\n")[0] if cause else "it does not exist"
    hint = f"is {parent} chosen?" if upper else among(name, found) if found else "it is no key of conf/config.yaml"
    return f"override '{key}' is refused ({reason}); {hint}"  # behind a colon Hydra's word Key would look like a secret
