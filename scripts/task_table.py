"""Writes docs/tasks.md: every public task with its source, licence, metric, cluster and references, and what runs of the reference
rows and small models scored.

    BENCH_DATA=DATA bench run -m suite=public model=oracle,constant,majority,random,lexical,logistic,boosting,minilm,smollm2 \
        limit=200
    python scripts/task_table.py RUNS > docs/tasks.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.config import compose as conf
from bench.config.build import build
from bench.leaderboard.cells import interval, shown
from bench.record import Run
from bench.runs.folder import find_runs
from bench.task import Task

MODELS = ("oracle", "constant", "majority", "random", "lexical", "logistic", "boosting", "minilm", "smollm2")


def main() -> None:
    """Print the page."""
    runs: dict[tuple[str, str], Run] = {}
    for _, run in sorted(find_runs(Path(sys.argv[1])), key=lambda pair: pair[1].created):
        runs[run.task, run.model] = run
    names = conf.plain(conf.compose(["suite=public"])[0])["suite"]["tasks"]
    tasks = {name: build(conf.plain(conf.compose([f"task={name}"])[0])["task"], "task") for name in names}
    print("# The public tasks\n")
    print("Written by `scripts/task_table.py` from the tasks' cards and from runs of this project.\n")
    print("| task | data set | split | examples | licence | scenario | source |")
    print("|---|---|---|---|---|---|---|")
    for name, task in tasks.items():
        card = task.card
        cells = (
            name,
            card.title,
            card.split,
            f"{card.n_examples:,}",
            card.licence,
            card.scenario,
            _source(card.source),
        )
        print("| " + " | ".join(cells) + " |")
    _scores(tasks, runs)


def _source(source: str) -> str:
    return f"<{source}>" if source.startswith("https:") else source


def _scores(tasks: dict[str, Task], runs: dict[tuple[str, str], Run]) -> None:
    some = next(iter(runs.values()))
    device = next((run.environment for run in runs.values() if run.model in ("smollm2", "minilm")), some.environment)
    print(f"\n## What baselines and small models score on the first {some.limit} examples\n")
    print(
        f"The ranked metric in percent (word error rate: less is better) with its 95 % interval over the "
        f"cluster. {device['cpu']}, {device['cores']} cores, {device['device']}, {device['dtype']}, {some.created[:10]}. "
        f"logistic and boosting are fitted on the task's training split, where it is here; smollm2 is SmolLM2-135M-Instruct, "
        f"minilm is all-MiniLM-L6-v2; – means that the model cannot do the task, or that "
        f"its clips or recordings are not here. Where a macro F1 of `oracle` is below 100, some classes do not occur among "
        f"these examples. References are of the whole split, as published.\n"
    )
    print("| task | metric | cluster | " + " | ".join(MODELS) + " | references |")
    print("|---|---|---|" + "---|" * len(MODELS) + "---|")
    for name, task in tasks.items():
        if not any(task_run == name for task_run, _ in runs):
            continue
        metric = task.metrics[0]
        cells = [name, metric.name, task.card.cluster]
        for model in MODELS:
            run = runs.get((name, model))
            score = run.scores[0] if run else None
            short = model in ("oracle", "constant", "majority", "random")
            cells.append("–" if score is None else shown(score, score.value) if short else interval(score))
        scale = 100 if metric.is_fraction else 1
        cells.append(", ".join(f"{who} {value * scale:.4g}" for who, value in task.card.references.items()) or "–")
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
