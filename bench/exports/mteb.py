"""Results in the JSON form of MTEB's `TaskResult`, for tasks that are of one of its kinds.

They are named as tasks of this benchmark: MTEB's own task on the same data is asked otherwise (it fits a classifier on the model's
vectors of a few training texts), and a score of ours under its name would stand among those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bench.errors import BenchError
from bench.exports.item import CONFIDENCE, Item, chosen, cut_text, dataset_on_hub, own_and_claimed
from bench.leaderboard.alike import origin_of
from bench.runs.rates import computes
from bench.text.shown import json_text, visible
from bench.types import Choose, Json

_LANGUAGES = {"en": "eng-Latn", "zh": "zho-Hans", "de": "deu-Latn", "fr": "fra-Latn", "es": "spa-Latn"}


def result(one: Item, metrics: Sequence[str] = ()) -> dict[str, Json]:
    """A run as a `TaskResult`: main_score is the ranked metric, else the first that is named.

    Raises BenchError for a task that is none of MTEB's kinds, and for a main score without a value.
    """
    run, card = one.run, one.card
    if one.task is None or card is None:
        raise BenchError(
            f"{one.name}: this version has no task '{run.task}' of version {run.task_version}, so MTEB's kind of it is unknown"
        )
    if not issubclass(one.task.output, Choose) or one.task.parts != frozenset({"text"}):
        raise BenchError(
            f"task '{run.task}' is no task for MTEB: its results are of embeddings, and of our tasks only those that choose a "
            "label for a text are of a kind of its; --to eee takes every task"
        )
    scores = chosen(one, metrics)
    if scores[0].value is None:
        raise BenchError(
            f"{one.name}: {scores[0].metric} has no value ({scores[0].note or 'absent'}), and MTEB needs a main score"
        )
    own_seconds = (
        own_and_claimed(run, "seconds_per_answer", run.timings["seconds"]["total"])[0] if computes(run) else None
    )
    figures: dict[str, Json] = {score.metric: score.value for score in scores if score.value is not None}
    for score in scores:
        if score.low is not None and score.high is not None:
            figures[f"{score.metric}_interval"] = [score.low, score.high]
    figures |= {"confidence_level": CONFIDENCE, "n": scores[0].n, "n_failed": scores[0].n_failed}
    told = {"origin": origin_of(run), "claimed": one.claimed, "submitter": visible(one.submitter), "examples": cut_text(one),
            "data_fingerprint": run.data_fingerprint, "run_id": run.run_id}  # fmt: skip
    subset = {"main_score": scores[0].value, **figures, **{name: value for name, value in told.items() if value},
              "hf_subset": "default", "languages": [_LANGUAGES.get(card.language, card.language)]}  # fmt: skip
    return {
        "dataset_revision": dataset_on_hub(one)[1] or run.data_fingerprint, "task_name": f"FinAIBench-{run.task}",
        "mteb_version": None, "scores": {split_of(card.split): [subset]},
        "evaluation_time": None if run.submission else own_seconds, "kg_co2_emissions": None,
        "date": own_and_claimed(run, "date", run.created)[0],
    }  # fmt: skip


def split_of(text: str) -> str:
    """The split's name out of a card's words on it.

    >>> split_of("test (test.csv; ids are rows)"), split_of("all sentences of a file")
    ('test', 'all')
    """
    found = re.match(r"[\w.-]+", text)
    return found[0].rstrip(".") if found else "test"


def text_of(found: Json) -> str:
    """The result as JSON whose invisible signs are escaped."""
    return json_text(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def path_of(one: Item) -> str:
    """Where MTEB's folder of results has it: model, revision, task."""
    parts = (one.run.model, one.run.model_revision or "no_revision", f"FinAIBench-{one.run.task}")
    return "/".join(re.sub(r"[^\w.-]", "__", part).lstrip(".") or "unknown" for part in parts) + ".json"
