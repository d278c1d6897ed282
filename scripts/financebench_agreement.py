"""Prints how well FinanceBench's metrics agree with people: accuracy and Cohen's kappa, by set-up and by kind of question.

`majority` is the accuracy of the more frequent verdict on these answers, given to all of them (kappa 0).

    BENCH_DATA=DATA python scripts/financebench_agreement.py [FOLDER]

FOLDER holds the organisers' results, a file SET-UP.jsonl each of {"financebench_id", "answer", "label"}; without it that is
finance/financebench_predictions of the data directory. The rules were made on every second set-up by name, from the first on;
the others were not looked at.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.config import compose as conf
from bench.config.build import build
from bench.data.files import read_jsonl
from bench.metrics.commitment import stated_polarity
from bench.metrics.numbers import NUMERIC_MATCH
from bench.metrics.reading import token_f1
from bench.metrics.verdict import CORRECT
from bench.scoring.answers import final
from bench.task import Task
from bench.text.quantities import sole_number
from bench.types import Example, Prediction

RIGHT = "Correct Answer"
Matcher = Callable[[Example, str], bool]


@dataclass(frozen=True)
class Verdict:
    """What a person said of an answer, and what both matchers say."""

    setup: str
    kinds: tuple[str, ...]
    person: bool
    before: bool
    now: bool


def main() -> None:
    """Print the tables."""
    data = Path(os.environ.get("BENCH_DATA", "data"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else data / "finance" / "financebench_predictions"
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        sys.exit(f"{folder} holds no SET-UP.jsonl; name the folder of the organisers' results")
    task = build(conf.plain(conf.compose(["task=financebench", f"data_dir={data}"])[0])["task"], "task")
    verdicts = [list(_verdicts(path, task)) for path in paths]
    tuned = [one for group in verdicts[0::2] for one in group]
    kept = [one for group in verdicts[1::2] for one in group]
    for title, groups, every in (
        ("the rules were made on", verdicts[0::2], tuned), ("were kept apart", verdicts[1::2], kept),
    ):  # fmt: skip
        print(f"\n## Set-ups that {title}\n")
        print("| | answers | right for people | majority | accuracy before | kappa before | accuracy | kappa |")
        print("|---|---|---|---|---|---|---|---|")
        for group in groups:
            print(_row(group[0].setup, group))
        print(_row("**all**", every))
        for kind in dict.fromkeys(kind for one in every for kind in one.kinds):
            print(_row(kind, [one for one in every if kind in one.kinds]))
    print(f"\n## All\n\n{_row('**all set-ups**', [*tuned, *kept])}")


def _verdicts(path: Path, task: Task) -> Iterator[Verdict]:
    examples = {example.id: example for example in task.examples()}
    for _, record in read_jsonl(path):
        example = examples[record["financebench_id"]]
        answer = final(task, example, Prediction(example.id, text=str(record["answer"])))
        yield Verdict(
            path.stem, _kinds(example, task), record["label"] == RIGHT, _before(example, answer), _now(example, answer)
        )


def _kinds(example: Example, task: Task) -> tuple[str, ...]:
    gold = example.target["text"]
    form = "yes or no" if stated_polarity(gold) else "text"
    slices = task.slices(example)
    own = (f"{name}: {slices[name]}" for name in ("question type", "reasoning") if name in slices)
    return ("answer: number" if sole_number(gold) else f"answer: {form}", *own)


def _before(example: Example, answer: str) -> bool:
    """Version 1: the number within 1 %; of a text, half of the words."""
    if sole_number(example.target["text"]):
        return NUMERIC_MATCH.measure(example.target, answer)[0] == 1.0
    return token_f1(answer, example.target["text"]) >= 0.5


def _now(example: Example, answer: str) -> bool:
    return CORRECT.measure(example.target, answer)[0] == 1.0


def _row(name: str, verdicts: Iterable[Verdict]) -> str:
    found = list(verdicts)
    before = _agreement([(one.before, one.person) for one in found])
    now = _agreement([(one.now, one.person) for one in found])
    right = sum(one.person for one in found) / len(found)
    cells = [
        name,
        str(len(found)),
        f"{right:.1%}",
        f"{max(right, 1 - right):.1%}",
        f"{before[0]:.1%}",
        f"{before[1]:.2f}",
        f"{now[0]:.1%}",
        f"{now[1]:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _agreement(pairs: list[tuple[bool, bool]]) -> tuple[float, float]:
    """Accuracy and Cohen's kappa (1 where one side says the same of all and both agree)."""
    n = len(pairs)
    accuracy = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[value] * second[value] for value in (True, False)) / n**2
    return accuracy, (accuracy - chance) / (1 - chance) if chance < 1 else 1.0


if __name__ == "__main__":
    main()
