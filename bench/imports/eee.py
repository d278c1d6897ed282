"""Every Eval Ever 0.3: an aggregate JSON, with its samples beside it where it names them, or the JSON Lines of samples alone.

Names and meaning of the keys: https://github.com/evaleval/every_eval_ever.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.artifacts.digest import digest
from bench.errors import BenchError
from bench.imports import naming, reading
from bench.imports.direction import said_to_be_lower
from bench.imports.log import FRACTION, Log, Sample, clean, counted, dated, failed_line, listed, named, number, shortly
from bench.types import Json

HARNESS = "eee"
WHAT = "an Every Eval Ever 0.3 file: the aggregate .json, or the samples' .jsonl"
_SCHEMA = "0.3."
_SCORE = "score"
_PROPORTION = frozenset({"proportion", "fraction", "ratio", "probability"})
_ROUNDED, _ONE_SCALE = (
    1e-6,
    0.05,
)  # of a bound; of a figure and the mean of its samples, which another scale makes 100 times as much
_PERCENT = frozenset({"percent", "percentage", "%"})


class _Figure(NamedTuple):
    """A figure of an aggregate; `n` is the number of its samples, `low` and `high` the bounds of its scale, where stated.

    `failed` of the samples had no answer, as an export of ours says; `told` that the file says whether less is better.
    """

    value: float
    less: bool
    n: int | None
    scale: str
    low: float
    high: float
    failed: int = 0
    told: bool = False


def read(path: Path, evaluation: str | None = None) -> Log:
    """The log of one evaluation of a file, the one named where it holds several; raises BenchError for what is none."""
    reading.refuse_unread(path, WHAT)
    if path.suffix == ".jsonl":
        return _of_samples(path, evaluation, {})
    found = reading.document(path, WHAT)
    reading.needed(found, ("schema_version", "model_info", "eval_library", "evaluation_results"), str(path), WHAT)
    _refuse_version(found, str(path))
    results = found["evaluation_results"]
    if not isinstance(results, list) or not results:
        raise BenchError(f"{path}: 'evaluation_results' holds no result; give {WHAT}")
    rows = [reading.an_object(one, f"{path}: evaluation_results[{i}]", WHAT) for i, one in enumerate(results)]
    name = _chosen([str(one.get("evaluation_name")) for one in rows], evaluation, path)
    of_it = [one for one in rows if str(one.get("evaluation_name")) == name]
    figures = _figures(of_it, path)
    library = _mapping(found["eval_library"])
    model = str(_mapping(found["model_info"]).get("id") or _mapping(found["model_info"]).get("name") or "")
    about = {"model": model, "version": f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()}
    samples, notes = _beside(path, found, name, about)
    date = dated(found.get("evaluation_timestamp"))
    lower = frozenset(name for name, one in figures.items() if one.less)
    if samples is not None:
        _refuse_other(samples, _mapping(found["model_info"]), figures, path)
        samples = replace(samples, model=model or samples.model, date=date)
        return _with_figures(samples, figures, lower, notes)
    return Log(
        HARNESS, about["version"], name, model, tuple(figures), (), {one: found.value for one, found in figures.items()}, lower,
        n=next((one.n for one in figures.values() if one.n), None),
        counts={name: one.n for name, one in figures.items() if one.n},
        failed={name: one.failed for name, one in figures.items() if one.failed}, directed=_directed(figures), notes=tuple(notes),
        scales={name: one.scale for name, one in figures.items()},
        date=date, data=_data(of_it), asked=_asked(of_it),
    )  # fmt: skip


def _directed(figures: Mapping[str, _Figure]) -> frozenset[str]:
    return frozenset(name for name, one in figures.items() if one.told)


def _with_figures(log: Log, figures: Mapping[str, _Figure], lower: frozenset[str], notes: Sequence[str]) -> Log:
    """The samples' log, whose one metric bears the name that the aggregate gives it."""
    if list(log.metrics) == [_SCORE] and len(figures) == 1:
        name = next(iter(figures))
        renamed = tuple(
            replace(one, values={name: one.values[_SCORE]} if _SCORE in one.values else {}) for one in log.samples
        )
        log = replace(log, metrics=(name,), samples=renamed)
    return replace(
        log,
        lower=(lower | (log.lower - set(figures))) & set(log.metrics),
        directed=_directed(figures) & set(log.metrics),
        stated={name: one.value for name, one in figures.items()},
        scales=_scales_of_samples(log, figures),
        notes=(*notes, *log.notes),
    )


def _scales_of_samples(log: Log, figures: Mapping[str, _Figure]) -> dict[str, str]:
    """The stated scales, as far as the samples are on them: an aggregate in percent may be of samples that are 0 or 1.

    Raises BenchError for a sample that is beyond the bounds of its scale.
    """
    found = {}
    for name in set(figures) & set(log.metrics):
        one = figures[name]
        values = {sample.id: sample.values[name] for sample in log.samples if name in sample.values}
        if not math.isclose(one.value, math.fsum(values.values()) / len(values), rel_tol=_ONE_SCALE, abs_tol=1e-9):
            continue
        found[name] = one.scale
        for key, value in values.items():
            _refuse_beyond(value, one, f"sample {shortly(key, 60)!r}: {shortly(name, 60)}")
    return found


def _refuse_other(log: Log, model: Mapping[str, Json], figures: Mapping[str, _Figure], path: Path) -> None:
    """Raise BenchError where an aggregate speaks of another model, or another number of samples, than the samples beside it."""
    names = [str(model[key]) for key in ("id", "name") if model.get(key)]
    if names and not any(_is_same(name, log.model) for name in names):
        raise BenchError(
            f"{path} is of the model {shortly(naming.shown(names[0]), 60)!r}, the samples beside it are of "
            f"{shortly(naming.shown(log.model), 60)!r}: they are of two evaluations; bring both again"
        )
    known = set(figures) & set(log.metrics)
    for name, n in ((name, one.n) for name, one in figures.items()):
        have = {len(log.samples)} | ({sum(name in one.values for one in log.samples)} if name in known else set())
        if n is not None and (name in known or not known) and n not in have:
            raise BenchError(
                f"{path}: {shortly(name, 60)} is of {n:,} samples, beside it lie {len(log.samples):,}: one was cut, or they are of "
                "two evaluations; bring both again"
            )


def _is_same(one: str, other: str) -> bool:
    """Whether two names are one model's; an organisation may stand before one of them alone."""
    if "/" in one and "/" in other:
        return one.casefold() == other.casefold()
    return one.rpartition("/")[2].casefold() == other.rpartition("/")[2].casefold()


def _figures(rows: Sequence[Mapping[str, Json]], path: Path) -> dict[str, _Figure]:
    """The figures by metric; raises BenchError for one that is none, stands twice or is beyond its own bounds."""
    found: dict[str, _Figure] = {}
    for row in rows:
        config, details = _mapping(row.get("metric_config")), _mapping(row.get("score_details"))
        name = _metric(row)
        if (value := number(details.get("score"))) is None:
            raise BenchError(
                f"{path}: {shortly(name, 60)}: 'score' is {shortly(details.get('score'), 40)}, expected a number"
            )
        if name in found:
            raise BenchError(f"{path}: the result {shortly(name, 60)!r} stands twice; keep one")
        n = counted(
            _mapping(details.get("uncertainty")).get("num_samples"), f"{path}: {shortly(name, 60)}: num_samples"
        )
        where = f"{path}: {shortly(name, 60)}"
        told = config.get("lower_is_better")
        less = told if isinstance(told, bool) else said_to_be_lower(name)
        failed = str(_mapping(details.get("details")).get("n_failed"))
        n_failed = int(failed) if re.fullmatch("[0-9]{1,9}", failed) else 0
        found[name] = _Figure(value, less, n, *_scale(config, where), min(n_failed, n or 0), isinstance(told, bool))
        _refuse_beyond(value, found[name], where)
    return found


def _scale(config: Mapping[str, Json], where: str) -> tuple[str, float, float]:
    """The scale of a metric in words, "" where the file says none, and its bounds; raises BenchError for bounds that are none."""
    bounds = []
    for key, unbounded in (("min_score", -math.inf), ("max_score", math.inf)):
        given = config.get(key)
        if (bound := number(given)) is None and given is not None:
            raise BenchError(f"{where}: {key} is {shortly(given, 40)}, expected a number")
        bounds.append(unbounded if bound is None else bound)
    low, high = bounds
    if low > high:
        raise BenchError(f"{where}: min_score {low:g} is above max_score {high:g}; correct the file")
    unit = shortly(config.get("metric_unit") or "", 40).casefold()
    if unit in {"", *_PROPORTION} and ((low >= -1 and high <= 1) or (unit and math.inf in (-low, high))):
        return FRACTION, low, high
    if unit in {"", *_PERCENT} and ((low, high) == (0, 100) or (unit and math.inf in (-low, high))):
        return "percent", low, high
    if math.isfinite(low) and math.isfinite(high):
        return f"{unit or 'numbers'} from {low:g} to {high:g}", low, high
    return unit, low, high


def _refuse_beyond(value: float, figure: _Figure, where: str) -> None:
    if not figure.low - _ROUNDED <= value <= figure.high + _ROUNDED:
        bounds = " and ".join(
            f"{name} {bound:g}"
            for name, bound in (("min_score", figure.low), ("max_score", figure.high))
            if math.isfinite(bound)
        )
        raise BenchError(f"{where} is {value:g}, beyond its own {bounds}; correct the file")


def _data(rows: Sequence[Mapping[str, Json]]) -> tuple[str, ...]:
    """What the results say of the data that they are of."""
    found = [_mapping(row.get("source_data")) for row in rows]
    texts = {
        f"{key} {clean(one[key])}" for one in found for key in ("dataset_name", "hf_repo", "hf_split") if one.get(key)
    }
    for more in (_mapping(one.get("additional_details")) for one in found):  # as `bench export --to eee` says it
        texts |= {f"{key} {shortly(more[key], 60)}" for key in ("split", "revision", "limit") if more.get(key)}
        if more.get("data_fingerprint"):
            texts.add(f"fingerprint {shortly(more['data_fingerprint'], 80)[:12]}")
    return tuple(sorted(texts))


def _asked(rows: Sequence[Mapping[str, Json]]) -> str:
    """The digest of the requests that a record of `bench export` says, "" where it says none or several."""
    found = {str(_mapping(_mapping(row.get("source_data")).get("additional_details")).get("asked")) for row in rows}
    one = found.pop() if len(found) == 1 else ""
    return one if re.fullmatch(r"[0-9a-f]{64}", one) else ""


def _metric(row: Mapping[str, Json]) -> str:
    """The metric of a result. The result's own id may be of one run alone, so it names nothing that two runs share."""
    config = _mapping(row.get("metric_config"))
    given = (config.get("metric_id"), config.get("metric_name"), row.get("evaluation_result_id"), _SCORE)
    return named(next(one for one in given if one))


def _beside(path: Path, found: Mapping[str, Json], name: str, about: Mapping[str, str]) -> tuple[Log | None, list[str]]:
    """The samples that an aggregate names, where they lie beside it; else why there are none."""
    named = _mapping(found.get("detailed_evaluation_results"))
    if not isinstance(named.get("file_path"), str):
        return None, []
    name_there = named["file_path"].replace("\\", "/").rpartition("/")[2]
    try:
        beside = path.with_name(name_there)
        lies_there = beside.is_file()
    except (OSError, ValueError):  # no name that a file may have
        lies_there = False
    if not lies_there:
        return None, [f"its samples, {shortly(name_there, 80)}, do not lie beside it"]
    stated = named.get("checksum")
    if named.get("hash_algorithm") == "sha256" and isinstance(stated, str) and stated != digest(beside):
        raise BenchError(f"{beside} is not the file that {path.name} names (its sha256 differs); bring both again")
    rows = map(_mapping, found["evaluation_results"])
    names = {str(one["evaluation_result_id"]): _metric(one) for one in rows if one.get("evaluation_result_id")}
    log = _of_samples(beside, name, about, names, stated=counted(named.get("total_rows"), f"{path}: total_rows"))
    return log, []


def _of_samples(
    path: Path,
    evaluation: str | None,
    about: Mapping[str, str],
    names: Mapping[str, str] | None = None,
    *,
    stated: int | None = None,
) -> Log:
    """The samples of a file; `names` are those of metrics by the ids of results, `stated` the lines that an aggregate counts."""
    rows = list(reading.lines(path, WHAT))
    for where, row in rows:
        reading.needed(
            row, ("schema_version", "model_id", "evaluation_name", "sample_id", "input", "evaluation"), where, WHAT
        )
        _refuse_version(row, where)
    if not rows:
        raise BenchError(f"{path} holds no samples; give {WHAT}")
    if stated is not None and stated != len(rows):
        raise BenchError(
            f"{path} holds {len(rows):,} lines, the aggregate says {stated:,} (total_rows): one was cut; bring both again"
        )
    name = _chosen([str(row["evaluation_name"]) for _, row in rows], evaluation, path)
    of_it = [(where, row) for where, row in rows if str(row["evaluation_name"]) == name]
    if len(models := list(dict.fromkeys(str(row["model_id"]) for _, row in of_it))) > 1:
        raise BenchError(
            f"{path} is of several models ({listed([naming.shown(one) for one in models])}); give a file a model"
        )
    ids = {str(row.get("evaluation_result_id")) for _, row in of_it}
    known = {one: named(one) if len(ids) > 1 and one != "None" else _SCORE for one in ids} | dict(names or {})
    samples: dict[str, Sample] = {}
    for where, row in of_it:
        metric = known[str(row.get("evaluation_result_id"))]
        one = _sample(row, metric, where)
        before = samples.get(one.id)
        if before is not None and metric in before.values:
            raise BenchError(f"{where}: sample {shortly(one.id, 60)!r} stands twice; keep one")
        samples[one.id] = replace(before, values={**before.values, **one.values}) if before else one
    failed = {str(clean(row["sample_id"])) for _, row in of_it if row.get("error")}
    notes = failed_line([one for one in samples.values() if one.id in failed], "samples ended in an error")
    metrics = tuple(dict.fromkeys(name for one in samples.values() for name in one.values))
    if not metrics:
        raise BenchError(f"{path}: no sample has a score that is a number; give {WHAT}")
    lower = frozenset(one for one in metrics if said_to_be_lower(one))  # where no aggregate says which
    return Log(HARNESS, about.get("version", "unknown"), name, models[0], metrics, tuple(samples.values()), lower=lower,
               n=len(samples), notes=tuple(notes))  # fmt: skip


def _sample(row: Mapping[str, Json], metric: str, where: str) -> Sample:
    given = reading.an_object(row["input"], f"{where}: input", WHAT)
    scored = reading.an_object(row["evaluation"], f"{where}: evaluation", WHAT)
    value = None if row.get("error") else number(scored.get("score"))
    raw = _mapping(row.get("output")).get("raw")
    said = raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], str) else None
    answers = row.get("answer_attribution")
    last = _mapping(answers[-1]) if isinstance(answers, list) and answers else {}
    said = last.get("extracted_value") if said is None else said  # of a conversation what was taken from its end
    text = clean(given.get("raw")) if isinstance(given.get("raw"), str) else ""
    error = shortly(row["error"]) if row.get("error") else None if isinstance(said, str) else "the log holds no reply"
    choices = [one for one in given.get("choices") or () if isinstance(one, str)]
    prompt = given.get("formatted")
    return Sample(
        str(clean(row["sample_id"])), (text, *map(clean, choices)), clean(prompt) if isinstance(prompt, str) else text,
        clean(given.get("reference")), clean(said) if isinstance(said, str) else None, None,
        {} if value is None else {metric: value},
        str(clean(row["sample_id"])), error, doc=_mapping(row.get("metadata")),
    )  # fmt: skip


def _chosen(names: Sequence[str], evaluation: str | None, path: Path) -> str:
    known = list(dict.fromkeys(names))
    if evaluation is not None and evaluation not in known:
        raise BenchError(f"--evaluation: {path} has no {shortly(evaluation, 60)!r}; it has {listed(known)}")
    if evaluation is None and len(known) > 1:
        raise BenchError(f"{path} is of several evaluations; choose one with --evaluation: {listed(known)}")
    return evaluation or known[0]


def _refuse_version(record: Mapping[str, Json], where: str) -> None:
    version = record.get("schema_version")
    if not isinstance(version, str) or not version.startswith(_SCHEMA):
        raise BenchError(f"{where}: schema_version is {shortly(version, 20)}, this version reads {_SCHEMA}x")


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
