"""Training to a target: what is asked, what is trained on, the ledger, the results, and a whole training of a tiny net."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_trainable import Net, Points

from bench.cli import main
from bench.errors import BenchError
from bench.metrics.reading import TOKEN_F1
from bench.metrics.speech import WER
from bench.models.base import Device
from bench.models.trainable import Recipe
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.training import checkpoint, ledger, loop, record
from bench.training.evaluation import Exam
from bench.training.ledger import Ledger, Reading, way
from bench.training.lesson import lesson
from bench.training.result import result
from bench.training.seed import Seed, refuse_same
from bench.training.settings import TrainSettings, parted
from bench.training.target import Target, target_of, too_easy
from bench.training.train import train

CPU = Device("cpu", "float32", 1)
BAR = Target("accuracy", 0.9)


class Several(Points):
    """With a metric whose fractions are better the smaller, and one of each kind."""

    metrics = (*Points.metrics, TOKEN_F1, WER)


# What is asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "target is not given; write target=accuracy:VALUE"),
        ("0.9", "no metric with a value"),
        ("accuracy", "no metric with a value"),
        ("f2:0.9", "has no metric 'f2'"),
        ("f1:75", "did you mean f1:0.75?"),
        ("f1:0.75%", "did you mean f1:0.0075?"),
        ("f1:750", "never 750"),
        ("f1:-0.1", "never -0.1"),
        ("f1:0", "every model has f1 0 or better"),
        ("wer:1", "every model has wer 1 or better"),
        ("f1:nan", "'nan' is no number"),
        ("f1:1_0", "'1_0' is no number"),
        ("f1:", "'' is no number"),
        ("f1:0.5:0.6", "has no metric 'f1:0.5'"),
    ],
)
def test_a_target_that_nobody_can_mean_is_refused_with_what_is_allowed(text: str | None, said: str) -> None:
    with pytest.raises(BenchError, match=r".") as raised:
        target_of(text, Several())
    assert said in str(raised.value)


def test_a_target_is_met_at_the_bar_and_from_the_side_that_is_better() -> None:
    f1, wer = target_of("f1:0.75", Several()), target_of("wer:0.2", Several())
    assert [f1.met(one) for one in (0.74, 0.75, 1.0)] == [False, True, True]
    assert [wer.met(one) for one in (0.3, 0.2, 0.0)] == [False, True, True]


def test_a_target_that_guessing_reaches_is_said_to_say_little() -> None:
    assert "no better than chance" in too_easy(Target("accuracy", 0.6), Points())
    assert too_easy(Target("accuracy", 0.61), Points()) == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("seeds=0", "seeds=0 must be from 1 to 100"),
        ("seeds=2.5", "must be a whole number"),
        ("seeds=3 seeds=4", "given twice"),
        ("limit_seconds=-1", "must be above 0"),
        ("limit_seconds=nan", "must be a number"),
        ("train.lr=1", "train.lr is not a key; known: train.learning_rate"),
        ("train.batch_size=1.5", "must be a whole number"),
        ("train.limit=0", "must be at least 1"),
        ("train.learning_rate", "without a value"),
        ("shots=3", "does not take 'shots=3'"),
        ("timing=offline", "does not take 'timing=offline'"),
    ],
)
def test_a_setting_that_no_training_has_is_refused_with_what_is_allowed(words: str, said: str) -> None:
    with pytest.raises(BenchError) as raised:
        parted(words.split())
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "word", ["learning_rate=0", "batch_size=0", "epochs=0", "warmup=1", "weight_decay=-1", "evaluations=0"]
)
def test_a_recipe_out_of_its_bounds_is_refused_by_its_key(word: str) -> None:
    wanted, rest = parted(["task=points", f"train.{word}", "device.threads=1"])
    assert rest == ["task=points", "device.threads=1"]
    with pytest.raises(BenchError, match=rf"train\.{word.partition('=')[0]}=.* must be"):
        wanted.recipe_of(Recipe())


# What is trained on


@pytest.mark.parametrize(("leak", "n"), [("id", 3), ("request", 3), ("", 0)])
def test_what_is_evaluated_is_not_trained_on_whether_it_has_the_same_id_or_the_same_request(leak: str, n: int) -> None:
    for limit in (None, 1):  # an example that a limit leaves out is evaluated all the same by whoever has none
        found = lesson(Points(leak), Settings(limit=limit), None)
        assert (found.leaked, len(found.taught)) == (n, 320)
    evaluated = {one.parts for one in map(Points().request, Points().examples())}
    assert not any(request.parts in evaluated for request, _ in found.taught)


def test_a_task_with_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(BenchError, match="each of its 3 training examples is evaluated too"):
        lesson(Points("all"), Settings(), None)
    with pytest.raises(BenchError, match="has no training examples here"):
        lesson(Points(taught=0), Settings(), None)


@pytest.mark.slow
def test_only_the_whole_official_split_is_comparable() -> None:
    whole = lesson(Points(), Settings(), None)
    assert (whole.comparable, whole.split) == (True, "official training split")
    for found, split in (
        (lesson(Points(training="four fifths"), Settings(), None), "four fifths"),
        (lesson(Points(), Settings(), 10), "10 of 320 examples of the official training split"),
        (lesson(Points(), Settings(limit=5), None), "official training split, the first 5 evaluated"),
    ):
        assert (found.comparable, found.split) == (False, split)
    labels = [said.label_scores for _, said in lesson(Points(), Settings(), 10).taught]
    assert labels != [said.label_scores for _, said in whole.taught[:10]]  # drawn: the first may be of one label


# The ledger


def trained(start: int, step: int, seconds: float = 1.0, attempt: int = 1) -> Reading:
    return Reading(attempt, "train", seconds, start, step)


def judged(step: int, value: float = 0.5) -> Reading:
    return Reading(1, "evaluate", 9.0, step=step, epoch=step / 10, value=value)


def test_the_clock_counts_the_way_that_led_to_the_end_and_no_work_twice() -> None:
    found = way(
        [judged(0), trained(0, 5, 2.0), judged(5), trained(5, 9, 4.0), judged(9, 0.9), Reading(1, "lost", 7.0),
         trained(5, 9, 3.0, 2), judged(9, 0.8), trained(9, 12, 1.0, 2)]
    )  # fmt: skip
    assert (found.seconds(), found.seconds(9), found.repeated, found.lost) == (6.0, 5.0, 4.0, 7.0)
    assert [(one.step, one.value) for one in found.evaluations] == [(0, 0.5), (5, 0.5), (9, 0.8)]


def test_steps_behind_a_gap_are_no_way_to_a_result() -> None:
    found = way([trained(0, 5, 2.0), trained(9, 12, 3.0)])
    assert (found.step, found.seconds(), found.repeated) == (5, 2.0, 3.0)


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf")])
def test_a_clock_that_runs_backwards_ends_the_training_with_a_line(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(BenchError, match="a monotonic clock is due"):
        Ledger(tmp_path, 1).write("train", seconds, start=0, step=1)
    assert not (tmp_path / ledger.FILE).exists()


def test_damaged_lines_of_a_ledger_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = [
        trained(0, 5).line(),
        "{",
        '{"attempt": 1, "phase": "train", "seconds": 1.0}',
        trained(5, 6).line().replace("1.0", "-1"),
    ]
    (tmp_path / ledger.FILE).write_text("\n".join(lines) + "\n" + '{"attempt": 1')
    found, bad = ledger.readings(tmp_path)
    assert ([one.step for one in found], bad) == ([5], 3)


def checkpoint_at(folder: Path, step: int, *, sealed: bool = True) -> Path:
    made = checkpoint.place(folder, step)
    made.mkdir(parents=True)
    (made / "weights").write_bytes(b"w" * step)
    if sealed:
        checkpoint.seal(folder, step)
    return made


def test_a_checkpoint_that_was_not_written_to_its_end_or_has_changed_is_not_gone_on_from(tmp_path: Path) -> None:
    checkpoint_at(tmp_path, 5)
    checkpoint_at(tmp_path, 10, sealed=False)
    assert checkpoint.last_whole(tmp_path, 10) == 5
    assert not checkpoint.place(tmp_path, 10).exists()
    (checkpoint.place(tmp_path, 5) / "weights").write_bytes(b"other")
    assert checkpoint.last_whole(tmp_path, 10) == 0


def test_a_new_checkpoint_replaces_the_last_and_one_behind_the_ledger_is_none(tmp_path: Path) -> None:
    checkpoint_at(tmp_path, 5)
    checkpoint_at(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]
    assert checkpoint.last_whole(tmp_path, 9) == 0  # nobody knows what it took


# The results


@pytest.mark.parametrize(
    ("times", "mlperf", "algoperf", "reason"),
    [
        ([10.0, 20.0, 30.0, 40.0, 100.0], 30.0, 30.0, "mean of 3 of 5 runs, without the fastest and the slowest"),
        ([10.0, 20.0, 30.0, None, 40.0], 30.0, 30.0, "the slowest, which misses the target"),
        ([10.0, 20.0, None, None, 40.0], None, 40.0, "2 of 5 runs miss the target"),
        ([10.0, None, None, None, 40.0], None, None, "3 of 5 runs miss the target"),
        ([10.0, 20.0, 60.0], 20.0, 20.0, "mean of 1 of 3 runs"),
        ([10.0, 20.0], None, 15.0, "2 runs; at least 3 are needed"),
        ([10.0, None], None, None, "2 runs, and one of them misses the target"),
        ([None], None, None, "1 run, and one of them misses the target"),
    ],
)
def test_results_follow_the_two_rules(times: list[Any], mlperf: Any, algoperf: Any, reason: str) -> None:
    found = result(times)
    assert (found["mlperf"]["seconds"], found["algoperf"]["seconds"]) == (mlperf, algoperf)
    assert found["mlperf"]["valid"] is (mlperf is not None)
    assert reason in found["mlperf"]["reason"]
    assert found["spread"]["n_reached"] == len([one for one in times if one is not None])


def test_a_course_is_evaluated_at_even_distances_and_at_the_end_of_each_epoch() -> None:
    def due(n_rows: int, evaluations: int) -> list[int]:
        recipe = Recipe(batch_size=4, epochs=2, evaluations=evaluations)
        common = {"folder": Path(), "seed": 0, "device": CPU, "target": BAR, "limit_seconds": None}
        return list(loop.Course.of(n_rows, recipe, **common).due)

    assert (due(37, 2), due(37, 1)) == ([5, 10, 15, 20], [10, 20])
    assert due(5, 9) == [1, 2, 3, 4]  # no more often than there are steps


# A whole training


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[record.TrainingRecord, Path, list[str]]:
    runs, said = tmp_path_factory.mktemp("runs"), list[str]()
    found, folder = train(
        Points(), Net, "net", CPU, Settings(runs_dir=runs), TrainSettings("accuracy:0.9", seeds=3), say=said.append
    )
    return found, folder, said


@pytest.mark.slow
def test_a_training_stops_at_the_first_evaluation_at_the_bar(done: Any) -> None:
    found, folder, _ = done
    for seed in found.seeds:
        values = [one["value"] for one in seed["curve"]]
        assert seed["reached"]
        assert values[-1] >= 0.9 > max(values[:-1])
        assert (
            seed["seconds"]
            == pytest.approx(3600 * seed["curve"][-1]["hours"])
            == pytest.approx(seed["phases"]["train"])
        )
        rows = [line.split("\t") for line in (folder / f"seed-{seed['seed']}" / "curve.tsv").read_text().splitlines()]
        assert rows[0] == ["epoch", "hours", "accuracy"]
        assert [float(row[2]) for row in rows[1:]] == pytest.approx(values)
    assert [seed["seed"] for seed in found.seeds] == [0, 1, 2]
    assert found.result == result(found.times)
    assert not list(folder.glob("seed-*/checkpoint-*"))


@pytest.mark.slow
def test_a_complete_training_answers_at_once(done: Any) -> None:
    found, folder, _ = done
    again = train(
        Points(),
        Net,
        "net",
        CPU,
        Settings(runs_dir=folder.parents[2]),
        TrainSettings("accuracy:0.9", seeds=3),
        say=pytest.fail,
    )
    assert again == (found, folder)


@pytest.mark.slow
def test_the_trained_model_has_in_a_run_the_score_that_it_had_last_in_training(done: Any, tmp_path: Path) -> None:
    found, folder, _ = done
    for seed in found.seeds:
        source = f"file:{folder / seed['model']}"
        run, _ = evaluate(
            Points(), Net(source), "trained", CPU, Settings(runs_dir=tmp_path, config={"model": {"s": source}})
        )
        assert run.scores[0].value == seed["value"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["seeds"][0].update(seconds=0.001), "after other seconds than its curve says"),
        (lambda one: one["result"]["algoperf"].update(seconds=0.001), "its result is not that of its seeds"),
        (lambda one: one["seeds"][0].update(value=0.5), "which is not accuracy:0.9"),
        (lambda one: one["seeds"][0].update(seconds=-1.0), "seeds"),
        (lambda one: one.update(extra=1), "extra"),
        (lambda one: one["result"]["mlperf"].update(seconds=float("nan")), "NaN is no number"),
    ],
)
def test_a_record_that_somebody_has_made_better_is_left_out(
    done: Any, tmp_path: Path, change: Callable[[Any], object], said: str
) -> None:
    whole = json.loads((done[1] / record.FILE).read_text())
    change(whole)
    (tmp_path / record.FILE).write_text(json.dumps(whole))
    with pytest.raises(BenchError, match="is no record of a training") as raised:
        record.read(tmp_path / record.FILE)
    assert said in str(raised.value)


class Stopped(BaseException):
    """A kill, as far as one process can do it to itself."""


class Ticks:
    """A clock on which each look takes a second; stops at its `last` one."""

    def __init__(self, last: int | None = None) -> None:
        self.now, self.last = 0, last

    def __call__(self) -> float:
        self.now += 1
        if self.now == self.last:
            raise Stopped
        return float(self.now)


SHORT = Recipe(learning_rate=0.05, batch_size=64, epochs=3, evaluations=2)


def one_seed(
    folder: Path, clock: Ticks, *, limit: float | None = None, bar: Target = BAR, seed: int = 0, **net: Any
) -> Seed:
    task, settings = Points(), Settings()
    exam = Exam(task, lesson(task, settings, None), settings, bar, CPU, "net")
    return Seed(folder / f"seed-{seed}", seed, lambda: Net(**net), exam, SHORT, limit, clock)


def go(seed: Seed, *others: Path) -> None:
    seed.train(others, first=False, progress=loop_silent(), say=lambda line: None)


def loop_silent() -> Any:
    from bench.engine.progress import SILENT

    return SILENT


def curve(seed: Seed) -> list[tuple[int | None, float | None]]:
    return [(one.step, one.value) for one in seed.way().evaluations]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Seed:
    seed = one_seed(tmp_path_factory.mktemp("whole"), Ticks())
    go(seed)
    return seed


@pytest.mark.slow
@pytest.mark.parametrize(("last", "again"), [(4, None), (9, 6), (16, None), (22, 6), (28, None)])
def test_a_training_that_is_stopped_anywhere_goes_on_to_the_same_curve_model_and_seconds(
    uninterrupted: Seed, tmp_path: Path, last: int, again: int | None
) -> None:
    """Once or twice, while it trains, is written and is evaluated."""
    looks = uninterrupted.clock.now  # type: ignore[attr-defined]
    assert last < looks
    seed = one_seed(tmp_path, Ticks(last))
    for clock in (seed.clock, Ticks(again) if again else Ticks(), Ticks()):
        seed.clock = clock
        try:
            go(seed) if not seed.done else None
        except Stopped:
            continue
    assert curve(seed) == curve(uninterrupted)
    assert seed.way().seconds() == uninterrupted.way().seconds()
    assert ledger.readings(seed.folder)[0][-1].weights == ledger.readings(uninterrupted.folder)[0][-1].weights


@pytest.mark.slow
def test_a_kill_while_a_checkpoint_is_written_costs_its_steps_which_are_counted_as_repeated(
    uninterrupted: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = checkpoint.seal
    seed = one_seed(tmp_path, Ticks())

    def half(folder: Path, step: int) -> None:
        if step > 2:
            shutil.rmtree(checkpoint.place(folder, step) / "optimizer.pt", ignore_errors=True)
            raise Stopped
        seal(folder, step)

    monkeypatch.setattr(checkpoint, "seal", half)
    with pytest.raises(Stopped):
        go(seed)
    monkeypatch.setattr(checkpoint, "seal", seal)
    seed.clock = Ticks()
    go(seed)
    found = seed.way()
    trained_in_all = ledger.totals(ledger.readings(seed.folder)[0])["train"]
    assert curve(seed) == curve(uninterrupted)
    assert found.repeated > 0
    assert trained_in_all == found.seconds() + found.repeated


@pytest.mark.slow
def test_a_training_ends_at_its_limit_with_an_evaluation_and_has_not_reached_what_it_reaches_behind_it(
    tmp_path: Path,
) -> None:
    seed = one_seed(tmp_path, Ticks(), limit=2.0)
    go(seed)
    assert ledger.readings(seed.folder)[0][-1].why == loop.LIMIT
    assert seed.way().seconds() >= 2.0
    late = replace(seed.way(), evaluations=(judged(seed.way().step, 1.0),))
    course = loop.Course.of(320, SHORT, folder=tmp_path, seed=0, device=CPU, target=BAR, limit_seconds=1.5)
    assert course.why(seed.way().step, late) == loop.LIMIT
    assert replace(course, limit_seconds=None).why(seed.way().step, late) == loop.REACHED


@pytest.mark.parametrize(
    ("weights", "order", "draws", "said"),
    [
        ("w", "other", True, "begins with the same weights as seed-0"),
        ("w", "other", False, ""),  # all of them are of a checkpoint
        ("w", "o", False, "takes the data in the same order as seed-0"),
        ("other", "o", True, "takes the data in the same order as seed-0"),
        ("other", "other", True, ""),
    ],
)
def test_seeds_that_are_one_training_are_refused(
    tmp_path: Path, weights: str, order: str, draws: bool, said: str
) -> None:
    first = tmp_path / "seed-0"
    first.mkdir()
    Ledger(first, 1).write("load", weights="w", order="o")
    with pytest.raises(BenchError, match=said) if said else nullcontext():
        refuse_same(tmp_path / "seed-1", [first], weights, order, draws=draws)


@pytest.mark.slow
def test_a_model_that_ignores_its_seed_ends_at_its_second_one(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="seed-1 begins with the same weights as seed-0"):
        train(
            Points(),
            lambda: Net(same=True),
            "net",
            CPU,
            Settings(runs_dir=tmp_path),
            TrainSettings("accuracy:0.9", seeds=2),
        )


@pytest.mark.slow
def test_a_target_that_the_untrained_model_reaches_is_refused_before_a_step_is_trained(tmp_path: Path) -> None:
    seed = one_seed(tmp_path, Ticks(), bar=Target("accuracy", 0.2))
    with pytest.raises(BenchError, match="is reached before a step is trained"):
        seed.train((), first=True, progress=loop_silent(), say=lambda line: None)
    assert not seed.way().segments


@pytest.mark.slow
def test_whoever_was_killed_last_is_written_down_once_as_lost(tmp_path: Path) -> None:
    seed = one_seed(tmp_path, Ticks(5))
    with pytest.raises(Stopped):
        go(seed)
    (seed.folder / ".alive").write_text("1 0000000123.0\n")
    for clock in (Ticks(5), Ticks()):
        seed.clock = clock
        try:
            go(seed)
        except Stopped:
            (seed.folder / ".alive").write_text("2 0000000050.0\n")
    lost = {one.attempt: one.seconds for one in ledger.readings(seed.folder)[0] if one.phase == "lost"}
    first = sum(one.seconds for one in ledger.readings(seed.folder)[0] if one.attempt == 1 and one.phase != "lost")
    assert lost[1] == 123.0 - first
    assert lost.keys() == {1, 2}


# The commands


OWN = "from small_trainable import Net as _Net, Points as _Points\nclass Net(_Net): ...\nclass Points(_Points): ...\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for group, name, kind in (("task", "points", "Points"), ("model", "net", "Net")):
        (tmp_path / "conf" / group).mkdir(parents=True)
        (tmp_path / "conf" / group / f"{name}.yaml").write_text(f"_target_: own_training.{kind}\n")
    (tmp_path / "own_training").mkdir()
    shutil.copy(Path(__file__).with_name("small_trainable.py"), tmp_path / "own_training" / "__init__.py")
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRAIN = ["train", "task=points", "model=net", "device=cpu", "device.threads=1", "tracking=none"]


@pytest.mark.slow
def test_a_missed_target_is_a_record_a_line_and_exit_code_1(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TRAIN, "target=accuracy:0.999", "train.epochs=1", "--json"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    found = json.loads(out.splitlines()[-1])
    assert "accuracy:0.999 missed, at the last epoch," in err
    assert not found["seeds"][0]["reached"]
    assert found["result"]["mlperf"]["seconds"] is None
    assert main(["board", "points"]) == 0
    out, _ = capsys.readouterr()
    assert "no result, 1 run, and one of them misses the target" in out
    page = (own / "leaderboards" / "time_to_accuracy_points.md").read_text()
    assert "| – | net | – | ∞ |" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("task=points model=net", "target is not given"),
        ("task=points model=lexical target=accuracy:0.9", "model 'lexical' cannot be trained; choose one of"),
        ("model=net target=accuracy:0.9", "task is not given"),
        ("task=points model=net target=accuracy:0.9 device=cpu device.dtype=float16", "trains on a GPU only"),
    ],
)
def test_a_training_that_cannot_be_is_refused_with_a_line(
    own: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(["train", *words.split(), "tracking=none"]) == 2
    assert said in capsys.readouterr().err


# Slow ones


@pytest.fixture
def whole_command(own: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `bench train` in the folder `own` with these words more."""
    begun: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.cli", *TRAIN, "target=accuracy:0.999", *words]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        begun.append(
            subprocess.Popen(
                command, cwd=own, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_kill_minus_nine_twice_changes_no_curve_and_the_ledger_adds_up(own: Path, whole_command: Any) -> None:
    words = ("train.epochs=4", "+model.slow=0.02", "--json")
    once = json.loads(whole_command(*words, "runs_dir=once").communicate()[0].splitlines()[-1])
    taken, draw = 0.0, random.Random(os.getpid())
    for _ in range(2):
        place = own / "killed" / "points" / "net"
        before = {path: path.stat().st_mtime_ns for path in place.glob("*/seed-0/.alive")}
        process = whole_command(*words, "runs_dir=killed")
        while process.poll() is None and not any(  # this attempt's sign of life, not that of the one before
            path.stat().st_mtime_ns != before.get(path) for path in place.glob("*/seed-0/.alive")
        ):
            time.sleep(0.02)
        began = time.monotonic()
        time.sleep(draw.uniform(1.0, 4.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        taken += time.monotonic() - began
    found = json.loads(whole_command(*words, "runs_dir=killed").communicate()[0].splitlines()[-1])
    ours, theirs = (read_record(own, one) for one in (found, once))
    assert [one["value"] for one in ours["curve"]] == [one["value"] for one in theirs["curve"]]
    assert ours["sha256"] == theirs["sha256"]
    assert ours["attempts"] == 3
    assert ours["trained_seconds"] + ours["repeated_seconds"] == pytest.approx(ours["phases"]["train"])
    folder = own / found["folder"] / "seed-0"
    killed = sum(one.seconds for one in ledger.readings(folder)[0] if one.attempt < 3)
    assert killed == pytest.approx(taken, abs=2.5)  # each is seen alive once a second


def read_record(own: Path, found: Any) -> Any:
    return json.loads((own / found["folder"] / record.FILE).read_text())["seeds"][0]


@pytest.mark.slow
def test_a_training_is_logged_once_with_its_curves(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mlflow import MlflowClient

    words = [*TRAIN[:-1], "target=accuracy:0.85", "seeds=3"]
    for _ in range(2):
        assert main(words) == 0
    client = MlflowClient(f"sqlite:///{own / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("time to accuracy 0.85 on points v1")
    (run,) = client.search_runs([experiment.experiment_id])
    seeds = json.loads(next(own.glob("runs/*/*/*/training.json")).read_text())["seeds"]
    assert run.data.metrics["time_to_target"] > 0
    for seed in seeds:
        history = client.get_metric_history(run.info.run_id, f"seed-{seed['seed']}.accuracy")
        assert [(one.step, one.value) for one in history] == [(one["step"], one["value"]) for one in seed["curve"]]
