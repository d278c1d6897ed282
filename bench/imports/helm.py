"""HELM: the folder of one run, with run_spec.json, per_instance_stats.json, scenario_state.json and, if it is there, stats.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import BenchError
from bench.imports import reading
from bench.imports.direction import said_to_be_lower
from bench.imports.log import Log, Sample, clean, failed_line, merged, named, number, shortly
from bench.runs.identity import fingerprint
from bench.types import Json

HARNESS = "helm"
WHAT = "the folder of one HELM run, which holds run_spec.json, per_instance_stats.json and scenario_state.json"
_COUNTED = re.compile(  # what HELM counts of each request beside what it measures
    r"num_|inference_|training_|batch_size|finish_reason_|prompt_truncated|max_prob|none_prob|logprob|estimated_num|predicted_index"
)
_UNWANTED = re.compile(  # of which less is better by HELM's own schema, beside what the generic names tell
    r"bbq_metric_\w*bias|bias_metric:|blacked_out_|copyright_human|lpips_score|longest_common_prefix|nsfw|toxic_prompt|watermark"
)
_WANTED = frozenset(("edit_distance",))  # from a protected text, which is to be far
# What the prompts were made of, without what HELM sets for a model: its window, its stop sequences, signs around the whole.
_ASKED = (
    "method", "instructions", "input_prefix", "input_suffix", "reference_prefix", "reference_suffix", "output_prefix",
    "output_suffix", "instance_prefix", "chain_of_thought_prefix", "chain_of_thought_suffix", "substitutions", "multi_label",
    "max_train_instances", "sample_train",
)  # fmt: skip
_Key: TypeAlias = tuple[str, int]  # instance and trial
_FIRST = ("exact_match", "quasi_exact_match", "f1_score")


def read(path: Path) -> Log:
    """The log of a run's folder; raises BenchError for what is none."""
    if not path.is_dir():
        raise BenchError(f"{path} is no folder; give {WHAT}")
    spec = reading.document(path / "run_spec.json", WHAT)
    reading.needed(spec, ("name",), str(path / "run_spec.json"), WHAT)
    adapter = _mapping(spec.get("adapter_spec"))
    states = _states(path / "scenario_state.json")
    stats = reading.value(path / "per_instance_stats.json", WHAT)
    values, notes = _values(stats, path / "per_instance_stats.json")
    notes += _test_alone(states, values)
    samples = [_sample(key, trial, state, values.pop((key, trial), {})) for (key, trial), state in states.items()]
    if values:
        first = next(iter(values))[0]
        raise BenchError(
            f"{path}: per_instance_stats.json measures {len(values):,} instances that scenario_state.json has not, the first is "
            f"{shortly(first, 40)!r}; the two are not of one run"
        )
    lost = [one for one, state in zip(samples, states.values(), strict=True) if _is_lost(state)]
    notes += failed_line(lost, "requests had no success")
    found, more = merged(samples, "trials")
    metrics = sorted(dict.fromkeys(name for one in found for name in one.values), key=lambda name: (
        _FIRST.index(name) if name in _FIRST else len(_FIRST)))  # fmt: skip
    if not metrics:
        raise BenchError(f"{path}: per_instance_stats.json measures nothing of an instance; give {WHAT}")
    model = str(adapter.get("model") or adapter.get("model_deployment") or "")
    name = re.sub(r",?model(_deployment)?=[^,]*", "", str(spec["name"])).rstrip(":,")
    lower = frozenset(one for one in metrics if _is_lower(one))
    return Log(HARNESS, "unknown", name, model, tuple(metrics), tuple(found), _stated(path), lower, "", len(found),
               (*notes, *more), **_asked(adapter))  # fmt: skip


def _asked(adapter: Mapping[str, Json]) -> dict[str, Any]:
    told = {name: adapter[name] for name in _ASKED if adapter.get(name) is not None}
    if "method" not in told:
        return {}
    shots = told.get("max_train_instances")
    words = [
        f"the method {shortly(told['method'], 40)}",
        *([f"up to {shots} solved examples"] if type(shots) is int else []),
    ]
    return {"asked": fingerprint(clean(told)), "asking": tuple(words)}


def _is_lower(metric: str) -> bool:
    return metric not in _WANTED and (_UNWANTED.search(metric) is not None or said_to_be_lower(metric))


def _states(path: Path) -> dict[_Key, Mapping[str, Json]]:
    """The requests of the unperturbed instances, by instance and trial; of several of one instance (choices) the first."""
    states = reading.document(path, WHAT).get("request_states")
    if not isinstance(states, list) or not states:
        raise BenchError(f"{path}: the key 'request_states' holds no list of requests; give {WHAT}")
    found: dict[_Key, Mapping[str, Json]] = {}
    seen: set[str] = set()
    for number_, state in enumerate(states):
        where = f"{path}: request_states[{number_}]"
        reading.needed(reading.an_object(state, where, WHAT), ("instance",), where, WHAT)
        instance = reading.an_object(state["instance"], f"{where}.instance", WHAT)
        if instance.get("perturbation") is None:
            key = (_key(instance.get("id"), where), _trial(state))
            if (one := _request(key, instance, state)) in seen:
                raise BenchError(
                    f"{where}: the request of instance {shortly(key[0], 40)!r} stands twice in trial {key[1]}; keep one"
                )
            seen.add(one)
            found.setdefault(key, state)
    return found


def _request(key: _Key, instance: Mapping[str, Json], state: Mapping[str, Json]) -> str:
    """What tells one request from another: of an instance there is one a trial, choice (alone or for calibration) and seed."""
    parts = (
        instance.get("split"),
        state.get("reference_index"),
        state.get("request_mode"),
        _mapping(state.get("request")).get("random"),
    )
    return json.dumps([*key, *parts], sort_keys=True)


def _test_alone(states: dict[_Key, Mapping[str, Json]], values: dict[_Key, dict[str, float]]) -> Iterator[str]:
    """Leave out instances of other splits where there are some of the test split, and say so."""
    others = [key for key, one in states.items() if _mapping(one["instance"]).get("split") != "test"]
    if not others or len(others) == len(states):
        return
    for key in others:
        states.pop(key)
        values.pop(key, None)
    yield f"{len(others):,} instances of other splits than test are left out"


def _values(stats: Json, path: Path) -> tuple[dict[_Key, dict[str, float]], list[str]]:
    if not isinstance(stats, list):
        raise BenchError(f"{path}: found a {type(stats).__name__}, expected a list of instances; give {WHAT}")
    found: dict[_Key, dict[str, float]] = {}
    n_perturbed = 0
    for number_, one in enumerate(stats):
        where = f"{path}: [{number_}]"
        reading.needed(reading.an_object(one, where, WHAT), ("instance_id", "stats"), where, WHAT)
        if one.get("perturbation") is not None:
            n_perturbed += 1
            continue
        key = (_key(one["instance_id"], where), _trial(one))
        # HELM writes an instance again for each group of metrics, with what all groups share.
        of_it = found.setdefault(key, {})
        for metric, value in _measured(one["stats"], where).items():
            if of_it.setdefault(metric, value) != value:
                two = f"{of_it[metric]:g} and {value:g}"
                raise BenchError(
                    f"{where}: instance {shortly(key[0], 40)!r} has two values of {metric}, {two}; keep one"
                )
    notes = [f"{n_perturbed:,} measurements of perturbed instances are left out"] if n_perturbed else []
    return found, notes


def _measured(stats: Json, where: str) -> dict[str, float]:
    """{metric: mean} of an instance, without what HELM counts of its requests."""
    found: dict[str, float] = {}
    for one in stats if isinstance(stats, list) else ():
        name = _mapping(_mapping(one).get("name"))
        metric, value = name.get("name"), number(_mapping(one).get("mean"))
        if not isinstance(metric, str):
            raise BenchError(f"{where}: a measurement has no name; give {WHAT}")
        if value is not None and name.get("perturbation") is None and not _COUNTED.match(metric):
            found[named(metric)] = value
    return found


def _sample(key: str, trial: int, state: Mapping[str, Json], values: Mapping[str, float]) -> Sample:
    instance, result = _mapping(state.get("instance")), _mapping(state.get("result"))
    text = _text(instance.get("input"))
    references = list(instance["references"]) if isinstance(instance.get("references"), list) else []
    right = [_text(one.get("output")) for one in map(_mapping, references) if "correct" in _tags(one)]
    prompt = _mapping(state.get("request")).get("prompt")
    completions = result.get("completions")
    first = _mapping(completions[0]) if isinstance(completions, list) and completions else {}
    said = first.get("text") if state.get("reference_index") is None else None  # else it was asked once a choice
    mapped = _mapping(state.get("output_mapping")).get(str(said).strip())
    failed = _is_lost(state) or not isinstance(said, str)
    error = (
        shortly(result.get("error") or ("it had no success" if _is_lost(state) else "the log holds no reply"))
        if failed
        else None
    )
    answer = mapped if isinstance(mapped, str) else said  # of a choice by letter, what the letter stands for
    return Sample(
        key, (text, *(_text(one.get("output")) for one in map(_mapping, references))),
        clean(prompt) if isinstance(prompt, str) else "", clean(right), clean(answer) if isinstance(answer, str) else None, None,
        {} if _is_lost(state) else values, key, error, doc=dict(instance),
    )  # fmt: skip


def _tags(reference: Mapping[str, Json]) -> Sequence[Json]:
    found = reference.get("tags")
    return found if isinstance(found, list) else ()


def _is_lost(state: Mapping[str, Json]) -> bool:
    return not _mapping(state.get("result")).get("success", True)


def _stated(path: Path) -> dict[str, float]:
    """HELM's own figures of the unperturbed instances, where stats.json is there; of several splits the test split's."""
    if not (path / "stats.json").is_file():
        return {}
    found: dict[str, float] = {}
    stats = reading.value(path / "stats.json", WHAT)
    for one in map(_mapping, stats if isinstance(stats, list) else ()):
        name = _mapping(one.get("name"))
        metric, value = str(name.get("name")), number(one.get("mean"))
        plain = value is not None and name.get("perturbation") is None and not _COUNTED.match(metric)
        if plain and value is not None and (name.get("split") == "test" or metric not in found):
            found[named(metric)] = value
    return found


def _key(value: Json, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise BenchError(f"{where}: an instance has no id; give {WHAT}")
    return str(clean(value))


def _trial(record: Mapping[str, Json]) -> int:
    found = record.get("train_trial_index", 0)
    return found if type(found) is int else 0


def _text(value: Json) -> str:
    """The text of {"text": …}, which early versions wrote as the text alone."""
    found = value.get("text") if isinstance(value, Mapping) else value
    return str(clean(found)) if isinstance(found, str) else ""


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
