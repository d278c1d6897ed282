"""Scores as the Hub of Hugging Face takes them: entries of `.eval_results/*.yaml`, and the model-index of a model card.

The forms are those of `huggingface_hub` itself. Values are what a run's record says, fractions never in percent; an entry says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.errors import BenchError
from bench.exports.item import CONFIDENCE, Item, chosen, cut_text, dataset_on_hub, model_on_hub, settings
from bench.leaderboard.alike import origin_of
from bench.record import Score
from bench.runs.claimed import is_claimed
from bench.text.shown import visible
from bench.types import Choose, Fields, Generate, Json, Read, Regress, Rows, Span, Tag, Transcribe

_KINDS = (  # an output and the Hub's name of such a task, of text; the first that fits
    (Span, "question-answering"), (Tag, "token-classification"), (Read, "image-to-text"), (Fields, "image-text-to-text"),
    (Rows, "image-text-to-text"), (Generate, "text-generation"), (Choose, "text-classification"),
    (Regress, "text-classification"), (Transcribe, "automatic-speech-recognition"),
)  # fmt: skip
_OTHER_PARTS = {  # by the part of the request that is no text
    ("image", "question-answering"): "document-question-answering", ("image", "text-generation"): "image-text-to-text",
    ("image", "text-classification"): "image-classification", ("audio", "text-classification"): "audio-classification",
    ("video", "text-classification"): "video-classification", ("row", "text-classification"): "tabular-classification",
}  # fmt: skip
FILE = ".eval_results/finai-bench.yaml"


def model_name(one: Item) -> str:
    """The model's repository on the Hub, else its name here."""
    return model_on_hub(one.run) or one.run.model


def by_model(items: Sequence[Item]) -> dict[str, list[Item]]:
    """The runs of each model, by its name."""
    found: dict[str, list[Item]] = {}
    for one in items:
        found.setdefault(model_name(one), []).append(one)
    return found


def eval_results(items: Sequence[Item], metrics: Sequence[str] = (), *, dataset: str = "", task_id: str = "") -> str:
    """The entries of one model's runs as YAML: of each the ranked metric, else the one that is named.

    `dataset` and `task_id` are those of the benchmark on the Hub, where a run's own data say none and the task's name is not it.
    Raises BenchError for a run that has no data set there or no value, and for two that would be one entry.
    """
    from huggingface_hub import eval_result_entries_to_yaml

    entries = []
    seen: dict[tuple[str, str], str] = {}
    for one in items:
        entry = _entry(one, _one_score(one, metrics), dataset, task_id)
        key = entry.dataset_id, entry.task_id
        if key in seen:
            raise BenchError(
                f"{one.name} and {seen[key]} would both be the entry of {key[0]}, task {key[1]}, which has one value a model; "
                "export them one by one"
            )
        seen[key] = one.name
        entries.append(entry)
    return _yaml(_seen(eval_result_entries_to_yaml(entries)))


def _one_score(one: Item, metrics: Sequence[str]) -> Score:
    scores = chosen(one, metrics) if metrics else [one.run.scores[0]]
    if len(scores) != 1:
        have = ", ".join(score.metric for score in one.run.scores)
        raise BenchError(f"{one.name}: an entry holds one value; name one --metric of {have}")
    if scores[0].value is None:
        raise BenchError(
            f"{one.name}: {scores[0].metric} has no value ({scores[0].note or 'absent'}); name another --metric"
        )
    return scores[0]


def _entry(one: Item, score: Score, dataset: str, task_id: str) -> Any:
    from huggingface_hub import EvalResultEntry

    repository, revision = dataset_on_hub(one)
    if not (dataset or repository):
        raise BenchError(
            f"task '{one.run.task}' has no data set on the Hub by its card, and an entry belongs to one; say it with "
            "--dataset OWNER/NAME, or use --to model-index"
        )
    same = dataset in ("", repository)
    return EvalResultEntry(
        dataset_id=dataset or repository, task_id=task_id or one.run.task, value=score.value,
        dataset_revision=(revision or None) if same else None, notes=notes(one, score),
        date=None if is_claimed(one.run, "date") else one.run.created,
    )  # fmt: skip


def notes(one: Item, score: Score) -> str:
    """What belongs to a value that has no field: metric, unit, interval, failures, how it was asked, on whose word it stands."""
    run, asked = one.run, settings(one.run)
    told = [
        f"{score.metric}{', a fraction' if score.is_fraction else ''}{'' if score.higher_is_better else ', lower is better'}"
    ]
    if score.low is not None and score.high is not None:
        told.append(f"95 % interval {score.low:.4f} to {score.high:.4f}")
    told.append(
        f"n {score.n or 'unknown'}" + (f", {score.n_failed} failed and counted as wrong" if score.n_failed else "")
    )
    told += [text] if (text := cut_text(one)) else []
    told += [f"{asked['shots']} shots"] if asked["shots"] else []
    told += ["references held out: rounded"] if "held out" in score.note else []
    told += [f"claimed ({one.claimed}): {one.whose}"] if one.claimed else []
    told += ["predictions were brought"] if run.submission else []
    return "; ".join(
        [*told, f"finai-bench {run.task} v{run.task_version}, data {run.data_fingerprint[:16]}, run {run.run_id}"]
    )


def task_type(one: Item) -> str:
    """What the Hub calls a task of this kind; "other" for a task that is not known here."""
    if one.task is None:
        return "other"
    kind = next((name for output, name in _KINDS if issubclass(one.task.output, output)), "other")
    if issubclass(one.task.output, Regress) and "row" in one.task.parts:
        return "tabular-regression"
    return next((name for (part, of), name in _OTHER_PARTS.items() if of == kind and part in one.task.parts), kind)


def model_index(items: Sequence[Item], metrics: Sequence[str] = ()) -> list[dict[str, Json]]:
    """The model-index of these runs: a model, and for each of its runs the scores that have a value.

    Raises BenchError where a run has none. Nothing in it is "verified", which is the Hub's own word.
    """
    return [
        {"name": visible(name), "results": [_seen(_results(name, one, metrics)) for one in those]}
        for name, those in by_model(items).items()
    ]


def _results(name: str, one: Item, metrics: Sequence[str]) -> Json:
    """A run's result; each by itself, as the library puts all of a data set into one whatever they ran on."""
    from huggingface_hub.repocard_data import eval_results_to_model_index

    results = [_result(one, score) for score in chosen(one, metrics) if score.value is not None]
    if not results:
        raise BenchError(
            f"{one.name} has no score with a value ({one.run.scores[0].note or 'absent'}); a model-index takes no other"
        )
    return eval_results_to_model_index(name, results)[0]["results"][0]


def _result(one: Item, score: Score) -> Any:
    from huggingface_hub import EvalResult

    run, asked = one.run, settings(one.run)
    repository, revision = dataset_on_hub(one)
    data = {
        "fingerprint": run.data_fingerprint,
        "n_examples": run.n_examples or None,  # 0: a log of figures that does not say
        "limit": run.limit,
        "task_version": run.task_version,
    }
    return EvalResult(
        task_type=task_type(one), task_name=run.task, dataset_type=repository or run.task, dataset_name=one.title,
        dataset_split=one.card.split if one.card else None, dataset_revision=revision or None,
        dataset_args={**{key: value for key, value in data.items() if value is not None}, "run": run.run_id,
                      **({"shots": asked["shots"]} if asked["shots"] else {}), "origin": origin_of(run),
                      **({"claimed": one.claimed} if one.claimed else {})},
        metric_type=score.metric, metric_value=score.value,
        metric_name=score.metric + (f" (claimed by {one.claimant})" if one.claimed == "all" else ""),
        metric_args=_metric_args(score),
    )  # fmt: skip


def _metric_args(score: Score) -> dict[str, Json]:
    told: dict[str, Json] = {
        "unit": "fraction" if score.is_fraction else "points",
        "n": score.n or None,
        "n_failed": score.n_failed,
        "higher_is_better": score.higher_is_better,
    }
    if score.low is not None and score.high is not None:
        told |= {"low": score.low, "high": score.high, "confidence_level": CONFIDENCE}
    return told | ({"signature": score.signature} if score.signature else {})


def front_matter(index: Sequence[Mapping[str, Json]]) -> str:
    """The model-index as the YAML of a card's front matter, without its rules."""
    return _yaml({"model-index": list(index)})


def _seen(value: Json) -> Json:
    """The same with every text as it can be seen."""
    if isinstance(value, Mapping):
        return {_seen(name): _seen(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_seen(one) for one in value]
    return visible(value) if isinstance(value, str) else value


def _yaml(value: Json) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1_000))
