"""lm-evaluation-harness 0.4: `samples_TASK_TIME.jsonl` of --log_samples, and `results_TIME.json` beside it.

A line of the samples is one document under one filter; its metrics are its own keys, named by `metrics` (by earlier versions, any
key that is not one of the known). All that was said is text there, likelihoods as well.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.imports import naming, reading
from bench.imports.direction import said_to_be_lower
from bench.imports.log import (
    Log,
    Sample,
    clean,
    commit_of,
    counted,
    dated,
    listed,
    named,
    number,
    refuse_version,
    shortly,
    texts_in,
)
from bench.runs.identity import fingerprint
from bench.types import Json

HARNESS = "lm-eval"
WHAT = "samples_TASK_TIME.jsonl, which `lm_eval --log_samples --output_path DIR` (0.4) writes"
RESULTS = "the results_TIME.json of the same run"
_NEEDED = ("doc_id", "doc", "target", "arguments", "resps", "filtered_resps")
_KNOWN = frozenset({*_NEEDED, "filter", "metrics", "doc_hash", "prompt_hash", "target_hash", "schema", "task_name"})
_NAME = re.compile(r"samples_(.+)_([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]+(?:\.[0-9]+)?)")
_HASHES = ("doc_hash", "prompt_hash", "target_hash")
_ARGUMENT = re.compile(r"(?:^|,)(pretrained|model)=([^,]+)")
_NONE = "none"  # the filter that leaves everything as it is
# What lm-eval calls a sample's perplexity is its log likelihood (`process_results`), of which less is worse, and only their
# aggregate is a perplexity, of which less is better: the mean of the samples would rank the worse model first.
_PERPLEXITY, LIKELIHOOD = "perplexity", "log_likelihood"


def read(path: Path, results: Path | None = None) -> Log:
    """The log of a samples file, with what its results file says where there is one; raises BenchError for what is none."""
    reading.refuse_unread(path, WHAT)
    if path.suffix != ".jsonl" and path.name.startswith("results"):
        raise BenchError(f"{path} holds the results; give {WHAT}, and this file with --results")
    task, found = _named(path)
    results = results or found
    said = reading.document(results, RESULTS) if results else {}
    refuse_version(said.get("lm_eval_version"), "lm-eval 0.4", str(results))
    if said:
        task = _task_of(said, task, results or path)
    task = task or path.stem
    samples, metrics, notes, told_hash = _samples(path)
    told = {named(name): one for name, one in _mapping(_mapping(said.get("higher_is_better")).get(task)).items()}
    lower = frozenset(name for name in metrics if _is_lower(name, told))
    directed = frozenset(name for name in metrics if _told(name, told) is not None)
    n = counted(_mapping(_mapping(said.get("n-samples")).get(task)).get("effective"), f"{results}: n-samples")
    _refuse_cut(path, len(samples), n)
    stated_hash = _mapping(said.get("task_hashes")).get(task)
    if stated_hash and told_hash and stated_hash != told_hash:
        notes.append(
            "the hash of its samples is not the one that its results state: they were changed, or are of another run"
        )
    version = _mapping(said.get("versions")).get(task)
    stated = {_short(name): float(value) for name, value in _mapping(_mapping(said.get("results")).get(task)).items()
              if "_stderr" not in name and name not in ("alias", "sample_len") and number(value) is not None}  # fmt: skip
    if not results:
        notes.append("no results file was given or lies beside it: the version and the model's settings are not known")
    return Log(
        HARNESS, str(said.get("lm_eval_version") or "unknown"), task, _model(said), metrics, tuple(samples), stated, lower,
        "" if version is None or isinstance(version, Mapping) else str(version), n, tuple(notes),
        folder=path.absolute().parent.name, **_asked(said, task, samples), directed=directed,
        commit=commit_of(said.get("git_hash")), date=dated(said.get("date")),
    )  # fmt: skip


def _samples(path: Path) -> tuple[list[Sample], tuple[str, ...], list[str], str]:
    """The samples with their values under every filter, the metrics, what is to be said, and lm-eval's hash of the task.

    That is the sha256 of the hashes of all lines, "" where a line has none.
    """
    by_doc: dict[str, list[Sample]] = {}
    seen: dict[tuple[str, str], str] = {}
    metrics: dict[str, None] = {}
    left_out: dict[str, str] = {}
    hashes: list[str] = []
    for where, record in reading.lines(path, WHAT):
        reading.needed(record, _NEEDED, where, WHAT)
        under = str(record.get("filter", _NONE))
        key = str(clean(record["doc_id"]))
        if (before := seen.setdefault((key, under), where)) is not where:
            place = before.rpartition(" ")[2]
            raise BenchError(
                f"{where}: doc_id {shortly(key, 60)} under the filter {under!r} stands in line {place} too; keep one"
            )
        values = dict(_values(record, under, where, left_out))
        metrics.update(dict.fromkeys(values))
        by_doc.setdefault(key, []).append(_sample(record, key, values, where))
        hashes += [str(record.get(name) or "") for name in _HASHES]
    if not by_doc:
        raise BenchError(f"{path} holds no samples; give {WHAT}")
    if not metrics and not left_out:
        raise BenchError(f"{path}: no line has a metric; give {WHAT}")
    samples = [_joined(group) for group in by_doc.values()]
    likelihoods = [name for name in metrics if name.partition(",")[0] == LIKELIHOOD]
    notes = [
        f"the perplexity of a sample is its log likelihood there, so {name} (more is better) stands for it"
        for name in likelihoods
    ]
    notes += [
        f"{name} is no number a sample ({what}), so it is left out"
        for name, what in left_out.items()
        if name not in metrics
    ]
    return (
        samples,
        tuple(metrics),
        notes,
        hashlib.sha256("".join(hashes).encode("utf-8", "replace")).hexdigest() if all(hashes) else "",
    )


def _values(
    record: Mapping[str, Json], under: str, where: str, left_out: dict[str, str]
) -> Sequence[tuple[str, float]]:
    """The metrics of a line that are numbers; what is none goes to `left_out`."""
    names = record.get("metrics")
    if names is None:
        names = [name for name in record if name not in _KNOWN]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BenchError(f"{where}: 'metrics' is no list of names; give {WHAT}")
    found = []
    for name in names:
        value = number(record.get(name))
        if name == _PERPLEXITY and value is not None and value <= 0:  # a perplexity is 1 or more, so this is none
            name = LIKELIHOOD
        full = named(name if under == _NONE else f"{name},{under}")
        if value is None:
            left_out.setdefault(full, f"{shortly(record.get(name), 40)}, {where.rpartition('/')[2]}")
        else:
            found.append((full, value))
    return found


def _sample(record: Mapping[str, Json], key: str, values: Mapping[str, float], where: str) -> Sample:
    arguments, doc = _arguments(record["arguments"]), record["doc"]
    first = arguments[0] if arguments else []
    said, choices = _said(record["resps"], arguments, where)
    own = (
        next((doc[name] for name in ("id", "ID", "qid", "question_id", "uid", "_id") if name in doc), "")
        if isinstance(doc, Mapping)
        else ""
    )
    return Sample(
        key, tuple(texts_in(doc)), _prompt(first), clean(record["target"]), said,
        choices, values, str(clean(own)), None if said is not None or choices else "the log holds no reply",
        doc=doc, digest="".join(str(record.get(name) or "")[:32] for name in ("doc_hash", "target_hash")),
    )  # fmt: skip


def _prompt(first: Sequence[Json]) -> str:
    """The prompt of a request; one of messages, which stand there as the text of their JSON, is what they say."""
    given = first[0] if first else ""
    if isinstance(given, str) and given.startswith("[{"):
        with suppress(ValueError, RecursionError):  # a prompt that only begins so
            given = [one.get("content") for one in json.loads(given) if isinstance(one, Mapping)]
    return "\n".join(texts_in(given))


def _arguments(given: Json) -> list[list[Json]]:
    """The arguments of each request: {"gen_args_0": {"arg_0": …}}, or lists of lists as earlier versions wrote them."""
    groups = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, list) else []
    return [
        list(one.values()) if isinstance(one, Mapping) else one if isinstance(one, list) else [one] for one in groups
    ]


def _said(resps: Json, arguments: Sequence[Sequence[Json]], where: str) -> tuple[str | None, dict[str, float] | None]:
    """What the model said, raw, or the likelihood of each choice, by the choice."""
    if not isinstance(resps, list):
        raise BenchError(f"{where}: 'resps' is a {type(resps).__name__}, expected a list a request; give {WHAT}")
    first = [one[0] if isinstance(one, list) and one else one for one in resps]  # of repeats the first
    if len(first) == 1 and isinstance(first[0], str):
        return clean(first[0]), None
    pairs = [(_likelihood(one), asked) for one, asked in zip(first, arguments, strict=False)]
    choices = {clean(asked[1]).strip(): found for found, asked in pairs
               if found is not None and len(asked) > 1 and isinstance(asked[1], str)}  # fmt: skip
    return None, choices if len(choices) == len(first) > 1 else None


def _likelihood(reply: Json) -> float | None:
    """The log likelihood of [log likelihood, is greedy], whose numbers are texts."""
    first = reply[0] if isinstance(reply, list) and reply else None
    try:
        return number(float(first)) if isinstance(first, str | int | float) else None
    except ValueError:
        return None


def _joined(group: Sequence[Sample]) -> Sample:
    """A document's lines under its filters as one sample."""
    values = {name: value for one in group for name, value in one.values.items()}
    return Sample(**{**vars(group[0]), "values": values})


def _named(path: Path) -> tuple[str, Path | None]:
    """The task that a file's name says, "" for none, and the results file that lies beside it."""
    found = _NAME.fullmatch(path.stem)
    if found is None:
        return "", None
    beside = path.with_name(f"results_{found[2]}.json")
    return found[1], beside if beside.is_file() else None


def _task_of(said: Mapping[str, Json], named: str, results: Path) -> str:
    """The task of a results file that a samples file is of."""
    tasks = [str(name) for name in _mapping(said.get("results"))]
    if not tasks:
        raise BenchError(f"{results}: the key 'results' holds no task; give {RESULTS}")
    if named in tasks:
        return named
    only = [name for name in tasks if name in _mapping(said.get("n-samples"))] or tasks  # else a group of tasks
    if not named and len(only) == 1:
        return only[0]
    of = (
        f"the samples of {shortly(named, 60)!r}"
        if named
        else "the name of the samples file does not say which they are of"
    )
    raise BenchError(f"{results} is of {listed(only)}, {of}; give {RESULTS}")


def _model(said: Mapping[str, Json]) -> str:
    """The model's name in the results, "" for none; weights are of a hub's ORG/NAME, or a path of which the last part is left."""
    args = _mapping(said.get("config")).get("model_args")
    found = args if isinstance(args, Mapping) else dict(_ARGUMENT.findall(str(args or "")))
    weights = found.get("pretrained") or ""
    name = str(
        said.get("model_name") or weights or found.get("model") or _mapping(said.get("config")).get("model") or ""
    )
    return naming.without_place(name, most=2) if name == weights else name


def _asked(said: Mapping[str, Json], task: str, samples: Sequence[Sample]) -> dict[str, Any]:
    """How the samples were asked: their prompts, or what made them where a model's own template stands around each."""
    shots = _mapping(said.get("n-shot")).get(task)
    system = said.get("system_instruction")
    words = [f"{shots} solved examples"] if type(shots) is int else []
    words += ["a system instruction"] if system else []
    if said.get("chat_template"):
        seed = _mapping(said.get("config")).get("fewshot_seed") if shots else None
        return {"asked": fingerprint(clean([shots, system, seed])), "asking": (*words, "a chat template")}
    prompts = sorted(
        (one.id, one.prompt) for one in samples
    )  # one after the other, as together they may be as large as the file
    return (
        {"asked": fingerprint(*map(list, prompts)), "asking": tuple(words)} if all(text for _, text in prompts) else {}
    )


def _is_lower(name: str, told: Mapping[str, Json]) -> bool:
    higher = _told(name, told)
    return said_to_be_lower(name) if higher is None else not higher


def _told(name: str, told: Mapping[str, Json]) -> bool | None:
    """Whether more is better by the results; None where they do not say."""
    higher = told.get(name.partition(",")[0])
    return higher if isinstance(higher, bool) else None


def _short(name: str) -> str:
    return named(name).removesuffix(f",{_NONE}")


def _refuse_cut(path: Path, n: int, stated: int | None) -> None:
    """Raise BenchError where the results speak of another number of samples than the file holds."""
    if stated is not None and stated != n:
        raise BenchError(
            f"{path} holds {n:,} samples, its results say {stated:,}: one was cut, or they are of two runs; bring both again"
        )


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
