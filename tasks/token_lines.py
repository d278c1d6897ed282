"""Replies that tag a text in lines of "token:Label", read as the authors of FiNER-ORD read them, and the figures of that reading.

Source: the evaluation of generating models in the zero-shot study of Shah et al. (2023), whose scores are met to six decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from bench.metrics.labelling import counts, f1
from bench.metrics.published import label_figures
from bench.types import Json
from tasks.tagging import phrases

UNREAD = ""  # the tag of a token for which no line is found, or a label that is none


def as_published(tokens: Sequence[str], reply: str, words: Mapping[str, str]) -> list[str]:
    """A tag for each token, `UNREAD` where there is none; `words` are {code: its word in the reply}, in the order looked for.

    Tokens wait for their line: the text before its first colon is the token or has it inside, and the line is used up once
    that text ends with the token. So a line that is left out costs its own token alone, one that is added costs all after it. The
    label is what stands up to the next colon, in any case, with anything around it: "Organisation" without B or I is none. The
    line of a token that begins with a colon is never used up, so that it costs all after it.

    >>> as_published(["Ana", "Li", "left", "Oz"], "Ana Li:Person_B\\nOz:location_b.", {"PER": "Person", "LOC": "Location"})
    ['B-PER', 'B-PER', '', 'B-LOC']
    """
    tags = {f"{word}_{begin}".lower(): f"{begin}-{code}" for code, word in words.items() for begin in "BI"}
    known = {"other": "O", **tags}
    lines = [line.split(":") for line in reply.split("\n")]
    at, found = 0, []
    for token in tokens:
        word, *rest = lines[at] if at < len(lines) else [""]
        said = rest[0].lower() if rest and token in word else ""
        found.append(next((tag for name, tag in known.items() if name in said), UNREAD))
        at += word.endswith(token)
    return found


def published_figures(
    wanted: Sequence[Sequence[str]], given: Sequence[Sequence[str]], tags: Sequence[str]
) -> dict[str, Json]:
    """Figures over the tokens of all sentences, in order, by `tags`, the first of which is O; unread tokens are a class.

    `f1_macro_without_O` is the mean over the other tags. Of `entity_f1_spans_start_at_B` a phrase begins with B- alone and may run
    on into the next sentence, as the tokens are one row there; the task's own F1 has neither.
    """
    gold, said = list(chain.from_iterable(wanted)), list(chain.from_iterable(given))
    if len(gold) != len(said):
        raise ValueError(f"found {len(said):,} tags, expected {len(gold):,}, one for each token")
    found: dict[str, Json] = dict(label_figures(gold, said, tags))
    found["unparsed_tokens"] = found.pop("unparsed")
    inside = np.split(np.array(counts(tags[1:], enumerate(gold), enumerate(said))), 3)
    found["f1_macro_without_O"] = float(f1(*inside).mean())
    spans = [{one for one in phrases(row) if one[2].startswith("B-")} for row in (gold, said)]
    totals = [np.array(float(len(one))) for one in (spans[0] & spans[1], spans[1], spans[0])]
    found["entity_f1_spans_start_at_B"] = float(f1(*totals))
    return found
