"""A run as exports take it: without secrets and paths, its scores with the intervals of boards, and what is known of its task."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bundles.public import public_config, public_run
from bench.errors import BenchError
from bench.leaderboard.alike import origin_of
from bench.record import Run, Score
from bench.runs.claimed import LEGEND, MARK, is_claimed, is_own
from bench.runs.measurements import Measurements
from bench.runs.settings import RESAMPLES, SEED
from bench.scoring.bounds import by_rule
from bench.scoring.foreign import class_of, imported, is_foreign
from bench.task import Card, Task
from bench.text.shown import visible
from bench.types import Json

CONFIDENCE = 0.95  # of every interval of ours
_LONGEST = 120  # characters of a setting that is told as it is
_HUB = re.compile(r"(?:hub:|https?://huggingface\.co/datasets/)([\w.-]+/[\w.-]+)")
_HUB_MODEL = re.compile(r"(?:hub:|https?://huggingface\.co/)(?!datasets/)([\w.-]+/[\w.-]+)")
_AT = re.compile(r"(?:@|/resolve/)([0-9a-f]{7,64})(?=[#/]|$)")
_SETTINGS = {
    "limit": None, "seed": SEED, "shots": 0, "max_new_tokens": None, "batch_size": 256, "batch_tokens": 65536,
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A run of a folder. `task` is its class, None where this version has none of its name and version.

    `changed` are the keys of its task and model that are not as their files in conf/ have them; None where there is no such file.
    """

    folder: Path
    run: Run
    task: type[Task] | None = None
    changed: Mapping[str, Json] | None = None

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.run.task}/{self.run.model} ({self.run.run_id})"

    @property
    def card(self) -> Card | None:
        """The card of its task."""
        return getattr(self.task, "card", None)

    @property
    def title(self) -> str:
        """What its data are called."""
        return self.card.title if self.card else self.run.task

    @property
    def claimed(self) -> str:
        """What of the run is somebody's word only, in words; "" for a run of our own."""
        if is_own(self.run):
            return ""
        scored_here = origin_of(self.run) == "verified" or (imported(self.run) and not is_foreign(self.run))
        return "all but the scores" if scored_here else "all"

    @property
    def claimant(self) -> str:
        """Who claims what is claimed."""
        return "another harness" if imported(self.run) else self.submitter or "unknown"

    @property
    def whose(self) -> str:
        """On whose word the claims of a run stand, for readers."""
        if log := imported(self.run):
            return f"imported from a log of {log.get('harness', 'another harness')} {log.get('version', '')}".rstrip()
        return f"handed in by {self.submitter or 'unknown'} ({origin_of(self.run)})"

    @property
    def legend(self) -> str:
        """What the mark of a claimed figure means."""
        said = f"{MARK} claimed: said by another harness' log and measured by nobody here."
        return said if imported(self.run) else LEGEND

    @property
    def submitter(self) -> str:
        """Who handed it in, "" for nobody."""
        return str(self.run.origin.get("submitter", "") or self.run.submission.get("submitter", "") or "")


def item(
    folder: Path, run: Run, task: type[Task] | None, measured: Measurements | None,
    usual: Mapping[str, Json] | None = None,
) -> Item:  # fmt: skip
    """The run with what `measured` gives of its intervals, by the fixed resamples and seed of all boards.

    `usual` are the configurations of its task and model as their files have them, None where one has none.
    """
    known = task if task is not None and task.version == run.task_version else None
    scores = tuple(_ruled(run, one, task, measured) for one in run.scores)
    public = public_run(replace(run, scores=scores))
    if usual is None:
        return Item(folder, public, known)
    before = public_config(usual)
    changed = {key: value for group in ("task", "model")
               for key, value in differing(public.config.get(group), before.get(group), group).items()}  # fmt: skip
    return Item(
        folder, public, known, {key: value for key, value in changed.items() if not key.startswith("task.data.")}
    )


def _ruled(run: Run, score: Score, task: type[Task] | None, measured: Measurements | None) -> Score:
    """The score with the interval that every board gives it, whatever its run asked for."""
    if score.low is None or (is_own(run) and (run.resamples, run.seed) == (RESAMPLES, SEED)):
        return score
    known = class_of(run) if is_foreign(run) else task
    metric = next((one for one in (known.metrics if known else ()) if one.name == score.metric), None)
    why = (
        "the metric is not known here"
        if metric is None
        else "its measurements are not here"
        if measured is None
        else ""
    )
    if metric is None or why:
        return replace(score, low=None, high=None, note=f"no interval: {why}")
    return by_rule(score, metric, measured)


def chosen(one: Item, metrics: Sequence[str]) -> list[Score]:
    """The scores of these metrics, in the order of the record; all of them where none is named."""
    return [score for score in one.run.scores if not metrics or score.metric in metrics]


def refuse_unknown(items: Sequence[Item], metrics: Sequence[str]) -> None:
    """Raise BenchError for a metric that no run has."""
    known = list(dict.fromkeys(score.metric for one in items for score in one.run.scores))
    if unknown := [name for name in metrics if name not in known]:
        raise BenchError(f"--metric {unknown[0]}: no run here has it; they have {', '.join(known)}")


def own_and_claimed(run: Run, name: str, value: Json) -> tuple[Json, Json]:
    """A figure as (measured here, claimed): one of the two is None."""
    return (None, value) if is_claimed(run, name) else (value, None)


def settings(run: Run) -> dict[str, Json]:
    """What the run was asked beside its task and model, by the keys of the command line; what it does not say is None."""
    return {name: run.config.get(name) for name in _SETTINGS} | {"limit": run.limit, "seed": run.seed}


def model_settings(run: Run) -> Mapping[str, Json]:
    """The configuration of the model."""
    found = run.config.get("model")
    return found if isinstance(found, Mapping) else {}


def told_settings(run: Run) -> Json:
    """The model's configuration without long texts: a prompt that somebody wrote into it may quote what may not be passed on."""
    return _without_texts(dict(model_settings(run)))


def _without_texts(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _without_texts(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_texts(one) for one in value]
    if not isinstance(value, str) or (len(value) <= _LONGEST and "\n" not in value):
        return value
    return f"a text of {len(value):,} characters, sha256 {hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def dataset_on_hub(one: Item) -> tuple[str, str]:
    """Repository and revision on the Hub that the task's data are of, "" for each that is not known."""
    task = one.run.config.get("task")
    data = task.get("data") if isinstance(task, Mapping) else None
    remote = str(data.get("remote") or "") if isinstance(data, Mapping) else ""
    for text in (remote, one.card.source if one.card else ""):
        if found := _HUB.match(text):
            at = _AT.search(text)
            revision = at[1] if at else ""
            return found[1], revision or (
                one.card.revision if one.card and re.fullmatch("[0-9a-f]{40}", one.card.revision) else ""
            )
    return "", ""


def model_on_hub(run: Run) -> str:
    """The model's repository on the Hub, "" for one of elsewhere."""
    found = _HUB_MODEL.match(str(model_settings(run).get("source") or ""))
    return found[1] if found else ""


def cut_text(one: Item) -> str:
    """That the run is of other examples than all of its data, "" where it is of all, or nobody can know."""
    n, whole = one.run.n_examples, one.card.n_examples if one.card else None
    if one.run.limit is not None and (whole is None or n < whole):
        return f"the first {n:,}{'' if whole is None else f' of {whole:,}'} examples only"
    return "" if whole in (None, n) else f"{n:,} examples, where the official data have {whole:,}"


def repeated(one: Item) -> str:
    """The command that makes the run again; "" for predictions that were brought, and for a model that is no file of conf/model."""
    run = one.run
    if run.submission or one.changed is None:
        return ""
    given, environment = settings(run), run.environment
    words = [f"task={run.task}", f"model={run.model}"]
    words += [f"{key}={_word(value)}" for key, value in one.changed.items()]
    words += [f"{name}={given[name]}" for name, usual in _SETTINGS.items() if given[name] not in (None, usual)]
    device = {name: environment.get(found) for name, found in (("kind", "device"), ("dtype", "dtype"))}
    words += [f"device.{name}={value}" for name, value in device.items() if value not in (None, "", "none")]
    return visible(" ".join(["bench run", *(shlex.quote(word) for word in words)]))


def _word(value: Json) -> str:
    """A value as an override has it."""
    if isinstance(value, str):
        return value if re.fullmatch(r"[\w./-]+", value) else json.dumps(value, ensure_ascii=False)
    return "null" if value is None else json.dumps(value, ensure_ascii=False)


def differing(told: Json, usual: Json, key: str) -> dict[str, Json]:
    """The keys of a configuration below `key` whose values are not those of its file, by their place on the command line."""
    if isinstance(told, Mapping) and isinstance(usual, Mapping):
        return {
            name: value
            for part, one in told.items()
            for name, value in (
                differing(one, usual[part], f"{key}.{part}") if part in usual else {f"+{key}.{part}": one}
            ).items()
        }
    return {} if told == usual else {key: told}
