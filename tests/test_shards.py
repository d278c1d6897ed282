"""A run in parts: how it is cut, what each part asks, and that the one run of them is the run of one process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_data
from hypothesis import given
from hypothesis import strategies as st
from tiny import EchoModel, TinyTask

from bench import sharded
from bench.errors import BenchError
from bench.ground import Ground, ground_of
from bench.logs.log import into, log
from bench.models.base import Device
from bench.record import Span, Timing
from bench.run import evaluate
from bench.runs import journal, shards, timing
from bench.runs.folder import RunFolder
from bench.runs.locks import locked
from bench.runs.settings import Settings
from bench.runs.shards import Shard
from bench.runs.state import state_of
from bench.timeline.attempts import attempts
from bench.types import Example, Generate, Prediction, Request, Text

CPU = Device("cpu", "float32", 1)
Make = Callable[..., Settings]
Main = Callable[..., tuple[int, list[str], list[str]]]


class Plain(EchoModel):
    """Answers with the last word, whatever else is in the batch; counts what it was asked."""

    answers_alone = True

    def predict(self, batch: Any) -> list[Prediction]:
        ids = [request.parts[-1].text.split()[-1] for request in batch]
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        self.calls.append(ids)
        return [Prediction(one.id, text=f"word{name[1:]}") for one, name in zip(batch, ids, strict=True)]


def _ground(settings: Settings, n: int = 20, model: EchoModel | None = None) -> Ground:
    return ground_of(TinyTask(n), model or Plain(), "plain", CPU, settings)


def _asked(model: EchoModel) -> list[str]:
    return sorted(name for call in model.calls for name in call)


def _examples(*costs: tuple[str, int]) -> tuple[list[Example], Callable[[Example], Request], Callable[[Request], int]]:
    examples = [Example(f"{cluster}{i}", cost, "", cluster=cluster) for i, (cluster, cost) in enumerate(costs)]
    return (
        examples,
        lambda example: Request(example.id, (Text("x" * example.inputs),), Generate(1)),
        lambda request: len(request.parts[0].text),  # type: ignore[union-attr]
    )


def test_the_costliest_cluster_comes_first_each_into_the_part_that_has_the_least() -> None:
    # Clusters a 5, b 4, c 3, d 3: a to part 1, b to 2, c to 2 (4 < 5), d to 1 (5 < 7).
    examples, request, cost = _examples(("a", 2), ("b", 4), ("a", 3), ("c", 3), ("d", 3))
    assert list(shards.split(examples, request, cost, 2)) == [1, 2, 1, 2, 1]
    assert list(shards.split(examples, request, cost, 9)) == [1, 2, 1, 3, 4]  # what is left over has nothing


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 50)), min_size=1, max_size=60), st.integers(1, 12)
)
def test_each_example_is_in_one_part_with_its_cluster_and_no_part_has_more_than_a_cluster_too_much(
    costs: list[tuple[str, int]], of: int
) -> None:
    examples, request, cost = _examples(*costs)
    parts = shards.split(examples, request, cost, of)
    assert all(1 <= part <= of for part in parts)
    where: dict[str, set[int]] = {}
    for example, part in zip(examples, parts, strict=True):
        where.setdefault(example.cluster, set()).add(part)
    assert all(len(one) == 1 for one in where.values())
    loads, clusters = Counter[int](), Counter[str]()
    for (cluster, n), part in zip(costs, parts, strict=True):
        loads[part] += max(1, n)
        clusters[cluster] += max(1, n)
    assert max(loads.values()) - min(loads[one] for one in range(1, of + 1)) <= max(clusters.values())


@pytest.mark.parametrize(
    "text", ["0/3", "4/3", "3", "", "a/b", "1/0", "-1/2", "01/2", "1/2/3", " 1/2", "1/4097", "1/9999999"]
)
def test_what_is_no_part_is_one_line(text: str) -> None:
    with pytest.raises(BenchError, match="is no part: NUMBER/PARTS is due, from 1/8 to 8/8"):
        Shard.parsed(text)


@pytest.mark.slow
@pytest.mark.parametrize("of", [1, 2, 3, 7, 12])
def test_the_run_of_all_parts_is_the_run_of_one_process(quick_settings: Make, tmp_path: Path, of: int) -> None:
    whole, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, quick_settings(runs_dir=tmp_path / "whole"))
    asked: list[str] = []
    settings = quick_settings()
    for number in range(1, of + 1):
        model = Plain()
        part = sharded.answer(_ground(settings, model=model), Shard(of, number))
        assert part.path.name == f"{number}-of-{of}"
        asked += _asked(model)
    assert sorted(asked) == sorted(TinyTask(20).ids)
    model = Plain()
    run, merged = evaluate(TinyTask(20), model, "plain", CPU, settings)
    assert not model.calls
    assert model.loads == 0
    for name in ("predictions.jsonl", "measurements.json"):
        assert (merged.path / name).read_bytes() == (folder.path / name).read_bytes()
    assert (run.run_id, run.scores) == (whole.run_id, whole.scores)
    assert [path.name for path in (merged.path / "shards").iterdir() if not path.name.startswith(".")] == ["logs"]


@pytest.mark.slow
def test_the_ledger_adds_up_over_parts_killed_attempts_and_what_was_done_alone(quick_settings: Make) -> None:
    settings = quick_settings()
    with pytest.raises(KeyboardInterrupt):
        sharded.answer(_ground(settings, model=Plain(interrupt_at=1)), Shard(2, 1))
    readings = []
    for number in (1, 2):
        part = sharded.answer(_ground(settings), Shard(2, number))
        readings.append(RunFolder(part.path).timings())
    run, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    ledger = folder.timings()
    assert sorted({one.attempt for one in ledger}) == [1, 2, 3, 4]  # two of part 1, one of part 2, and the scores
    assert [one.part and one.part.split()[0] for one in ledger if one.phase == "begin"] == ["1/2", "1/2", "2/2", None]
    each = [sum(one.seconds for one in part) for part in readings]
    own = sum(one.seconds for one in ledger if one.part is None)
    assert run.timings["seconds"]["total"] == pytest.approx(sum(each) + own)
    assert run.timings["wall_seconds"] == pytest.approx(max(each) + own)
    assert (run.timings["parts"], run.timings["n"]) == (2, 20)


def test_the_longest_part_of_those_that_were_begun_together_is_the_wall_time() -> None:
    readings = [
        Timing(1, "predict", 3.0, places=(0,), part="1/2 0000000a"), Timing(2, "predict", 5.0, places=(1,), part="2/2 0000000a"),
        Timing(3, "predict", 2.0, places=(2,), part="1/1 0000000b"), Timing(4, "score", 1.0),
    ]  # fmt: skip
    found = timing.summarise(readings)
    assert (found["wall_seconds"], found["seconds"]["total"], found["parts"]) == (5.0 + 2.0 + 1.0, 11.0, 3)
    assert "wall_seconds" not in timing.summarise([replace(one, part=None) for one in readings])


def test_parts_stand_beside_each_other_on_a_timeline() -> None:
    at = "2026-01-01T00:00:0{}+00:00"
    readings = [
        Timing(1, "begin", 0.0, at=at.format(2), part="1/2 0000000a"), Timing(1, "predict", 30.0, start=0.0, part="1/2 0000000a"),
        Timing(2, "begin", 0.0, at=at.format(1), part="2/2 0000000a"), Timing(2, "predict", 20.0, start=0.0, part="2/2 0000000a"),
    ]  # fmt: skip
    found = attempts(readings)
    assert [(one.title, one.offset, list(one.notes)) for one in found] == [
        ("attempt 1 (part 1/2)", 1.0, []),
        ("attempt 2 (part 2/2)", 0.0, []),
    ]
    spans = (Span("import", -32.0, 2.0),)  # of the process that launched them, at whose end it goes on with the run
    own = [Timing(3, "begin", 0.0, at="2026-01-01T00:00:33+00:00", spans=spans), Timing(3, "score", 1.0, start=0.0)]
    last = attempts([*readings, *own])[-1]
    assert (last.title, last.offset, list(last.notes)) == ("attempt 3", 32.0, [])


@pytest.mark.slow
def test_another_count_of_parts_goes_on_with_what_those_of_before_have(quick_settings: Make) -> None:
    settings = quick_settings()
    first, second = Plain(), Plain(interrupt_at=1)
    sharded.answer(_ground(settings, model=first), Shard(4, 1))
    with pytest.raises(KeyboardInterrupt):
        sharded.answer(_ground(settings, model=second), Shard(4, 3))
    before = _asked(first) + _asked(second)
    assert 0 < len(before) < 20
    said: list[str] = []
    later: list[str] = []
    for number in (2, 3, 1):
        model = Plain()
        sharded.answer(_ground(settings, model=model), Shard(3, number), say=said.append)
        later += _asked(model)
    assert sorted(before + later) == sorted(TinyTask(20).ids)
    assert [line for line in said if "took in the answers of 2 parts of another count" in line] == said
    run, _ = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert run.timings["n"] == 20


@pytest.mark.slow
def test_a_run_goes_on_alone_with_what_its_parts_have_and_parts_with_what_a_run_has(quick_settings: Make) -> None:
    settings, one, two, three = quick_settings(), Plain(), Plain(interrupt_at=2), Plain()
    sharded.answer(_ground(settings, model=one), Shard(2, 2))
    with pytest.raises(KeyboardInterrupt):
        evaluate(TinyTask(20), two, "plain", CPU, settings)
    sharded.answer(_ground(settings, model=three), Shard(2, 1))
    assert sorted(_asked(one) + _asked(two) + _asked(three)) == sorted(TinyTask(20).ids)


@pytest.mark.slow
@pytest.mark.parametrize("step", range(12))
def test_a_kill_while_parts_are_taken_in_costs_nothing(
    quick_settings: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: int
) -> None:
    _whole, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, quick_settings(runs_dir=tmp_path / "whole"))
    settings = quick_settings()
    for number in (1, 2, 3):
        sharded.answer(_ground(settings), Shard(3, number))
    left = [step]

    def deadly(act: Callable[..., Any]) -> Callable[..., Any]:
        def done(*words: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise SystemError("killed")
            return act(*words, **more)

        return done

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_atomically", deadly(shards.write_atomically))
        patch.setattr(shards, "_remove", deadly(shards._remove))
        patch.setattr(shards.shutil, "rmtree", deadly(shutil.rmtree))
        patch.setattr(journal, "write_atomically", deadly(journal.write_atomically))
        with contextlib.suppress(SystemError):
            evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    model = Plain()
    run, merged = evaluate(TinyTask(20), model, "plain", CPU, settings)
    assert not model.calls
    assert (merged.path / "predictions.jsonl").read_bytes() == (folder.path / "predictions.jsonl").read_bytes()
    assert run.timings["parts"] == 3
    assert run.timings["n"] == 20
    assert Counter(place for one in merged.timings() for place in one.places or ()) == Counter(range(20))


@pytest.mark.slow
def test_a_part_of_other_data_or_another_model_is_refused_with_what_differs(
    quick_settings: Make, tmp_path: Path
) -> None:
    settings, other = quick_settings(), quick_settings(runs_dir=tmp_path / "other")
    sharded.answer(_ground(settings), Shard(2, 1))
    theirs = sharded.answer(_ground(other, n=19), Shard(2, 2))
    folder = _ground(settings).folder.path
    shutil.copytree(theirs.path, folder / "shards" / "2-of-2")
    with pytest.raises(BenchError, match=r"part 2/2 of tiny/plain/\w+ is of another run: its asked, data differ"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    with pytest.raises(BenchError, match=r"part 2/2 of tiny/plain/\w+ is of another run"):
        sharded.mergeable(_ground(settings), folder, print)
    shutil.rmtree(folder / "shards" / "2-of-2")
    run, _ = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert run.timings["n"] == 20


@pytest.mark.slow
def test_a_part_that_lies_under_another_number_is_refused(quick_settings: Make) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    shutil.copytree(part.path, part.path.with_name("2-of-2"))
    with pytest.raises(BenchError, match=r"2-of-2 is no part of the run \(it says to be part 1/2\)"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)


@pytest.mark.slow
def test_parts_that_answered_the_same_example_are_one_where_they_agree_and_refused_where_not(
    quick_settings: Make,
) -> None:
    settings = quick_settings()
    parts = [sharded.answer(_ground(settings), Shard(2, number)) for number in (1, 2)]
    first, second = (one.path / "predictions.jsonl" for one in parts)
    ledgers = [one.path / "timings.jsonl" for one in parts]
    line = first.read_text().split("\n")[0]
    second.write_text(
        second.read_text() + line + "\n"
    )  # with its reading, as a version that cuts otherwise would leave it
    reading = next(one for one in RunFolder(parts[0].path).timings() if one.phase == "predict")
    place = _ground(settings).asked.place[json.loads(line)["id"]]
    own = replace(reading, places=(place,), n=1, checks=None)
    ledgers[1].write_text(ledgers[1].read_text() + journal.of_timing(own) + "\n")
    ground = _ground(settings)
    _run, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert Counter(one.id for one in folder.predictions()) == Counter(TinyTask(20).ids)

    shutil.rmtree(ground.folder.path)
    parts = [sharded.answer(_ground(settings), Shard(2, number)) for number in (1, 2)]
    other = json.dumps(json.loads(line) | {"text": "otherwise"})
    second.write_text(second.read_text() + other + "\n")
    ledgers[1].write_text(ledgers[1].read_text() + journal.of_timing(own) + "\n")
    with pytest.raises(BenchError, match=r"parts 1/2 and 2/2 of tiny/plain/.* both answered example 't"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)


@pytest.mark.slow
def test_a_part_or_run_that_is_under_way_keeps_the_others_out(quick_settings: Make) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    with locked(part.path):
        for go_on in (
            lambda: evaluate(TinyTask(20), Plain(), "plain", CPU, settings),
            lambda: sharded.answer(_ground(settings), Shard(2, 1)),
            lambda: sharded.answer(_ground(settings), Shard(3, 1)),
            lambda: sharded.mergeable(_ground(settings), part.path.parents[1], print),
        ):
            with pytest.raises(BenchError, match="1-of-2 is in use by process"):
                go_on()
        sharded.answer(_ground(settings), Shard(2, 2))  # the other part goes on beside it
    with locked(part.path.parents[1]), pytest.raises(BenchError, match=r"is in use by process \d+"):
        sharded.answer(_ground(settings), Shard(2, 1))


_WHOLE = {
    "shard": "1/2", "together": "0123abcd", "seconds": 1.0, "computed": {}, "peak_memory_bytes": 1, "device_memory_bytes": None,
    "environment": {"commit": "a", "device": "cpu", "dtype": "none"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        "{", "[]", '{"shard": "1/2"}', '{"shard": "1/2", "together": "x"}', '{"shard": "2/2", "together": "0123abcd"}', None,
        *(json.dumps({**_WHOLE, **more}) for more in (
            {"seconds": float("nan")}, {"seconds": -1.0}, {"seconds": "1"}, {"environment": {}},
            {"environment": {"packages": "no"}},
            {"environment": {**_WHOLE["environment"], "packages": {"torch": {}}}}, {"computed": {"a": float("inf")}},  # type: ignore[dict-item]
            {"device_memory_bytes": True}, {"peak_memory_bytes": -1}, {"more": 1},
        )),
    ],
)  # fmt: skip
def test_a_damaged_part_is_one_line_that_names_it(quick_settings: Make, damage: str | None) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    kept = (part.path / "predictions.jsonl").read_bytes()
    (part.path / "part.json").unlink() if damage is None else (part.path / "part.json").write_text(damage)
    with pytest.raises(BenchError, match="is no part of the run") as raised:
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert str(part.path) in str(raised.value)
    assert (part.path / "predictions.jsonl").read_bytes() == kept


@pytest.mark.slow
def test_a_part_that_is_a_link_and_a_file_in_the_place_of_the_logs_are_refused(
    quick_settings: Make, tmp_path: Path
) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    (part.path.parent / "logs").write_text("mine")
    with pytest.raises(BenchError, match="logs cannot be made"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    (part.path.parent / "logs").unlink()
    part.path.rename(tmp_path / "elsewhere")
    part.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BenchError, match=r"1-of-2 is no part of the run \(it is a link\)"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    part.path.unlink()
    (tmp_path / "elsewhere").rename(part.path)
    assert evaluate(TinyTask(20), Plain(), "plain", CPU, settings)[0].timings["n"] == 20


@pytest.mark.parametrize("name", ["predictions.jsonl", "timings.jsonl", ".lock", "log.txt", ".alive", "config.yaml"])
@pytest.mark.parametrize("is_part", [True, False])
def test_nothing_is_written_through_a_link_in_a_folder_that_came_from_elsewhere(
    quick_settings: Make, tmp_path: Path, name: str, *, is_part: bool
) -> None:
    settings, precious = quick_settings(), tmp_path / "precious.txt"
    precious.write_text("precious, and without an end of line")
    part = sharded.answer(_ground(settings), Shard(2, 1))
    where = (part.path if is_part else part.path.parents[1]) / name
    where.unlink(missing_ok=True)
    where.symlink_to(precious)
    for go_on in (
        lambda: evaluate(TinyTask(20), Plain(), "plain", CPU, settings),
        lambda: sharded.mergeable(_ground(settings), part.path.parents[1], print),
        lambda: sharded.answer(_ground(settings), Shard(2, 1)),
    ):
        with pytest.raises(BenchError, match=rf"{name} is a link, and a run's own files are written to"):
            go_on()
    assert precious.read_text() == "precious, and without an end of line"
    where.unlink()
    os.mkfifo(where)  # which would keep a reader waiting for ever
    with pytest.raises(BenchError, match=f"{name} is no plain file"):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert state_of(part.path.parents[1]).name.startswith("tiny/plain/")


def test_the_log_and_lock_of_a_complete_run_are_no_links_and_its_answers_may_be(
    quick_settings: Make, tmp_path: Path
) -> None:
    settings = quick_settings()
    _run, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    journal_, store = folder.path / "predictions.jsonl", tmp_path / "store"
    journal_.rename(store)
    journal_.symlink_to(store)
    assert evaluate(TinyTask(20), Plain(), "plain", CPU, settings)[0].timings["n"] == 20
    with locked(folder.path):
        pass
    for name in (".lock", "log.txt"):
        (folder.path / name).unlink(missing_ok=True)
        (folder.path / name).symlink_to(store)
        with pytest.raises(BenchError, match=f"{name} is a link"), locked(folder.path):
            pass
        kept = store.read_bytes()
        with into(folder.path):
            log.warning("a line")
        assert store.read_bytes() == kept
        (folder.path / name).unlink()


def test_an_answer_that_a_part_brings_otherwise_than_the_run_has_it_is_refused(
    quick_settings: Make, tmp_path: Path
) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    shutil.copytree(part.path, tmp_path / "again")
    sharded.answer(_ground(settings), Shard(3, 1))  # which takes the part in
    shutil.copytree(tmp_path / "again", part.path)
    lines = (part.path / "predictions.jsonl").read_text().split("\n")
    (part.path / "timings.jsonl").unlink()  # with which the answer would not be what was written
    other = json.dumps(json.loads(lines[0]) | {"text": "otherwise"})
    (part.path / "predictions.jsonl").write_text("\n".join([other, *lines[1:]]))
    with pytest.raises(
        BenchError, match=r"part 1/2 of tiny/plain/\w+ answered example 't\d+' otherwise than the run has it"
    ):
        evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    (part.path / "predictions.jsonl").write_text("\n".join(lines))
    _run, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert [one.id for one in folder.predictions()] == TinyTask(20).ids


def test_an_answer_of_no_example_costs_its_part_and_not_the_run(quick_settings: Make) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(2, 1))
    path = part.path / "predictions.jsonl"
    path.write_text(path.read_text() + json.dumps({"id": "of-nobody", "text": "a"}) + "\n")
    for go_on in (
        lambda: evaluate(TinyTask(20), Plain(), "plain", CPU, settings),
        lambda: sharded.mergeable(_ground(settings), part.path.parents[1], print),
    ):
        with pytest.raises(
            BenchError, match="'of-nobody' is not in the data; remove the part's folder, and its examples"
        ):
            go_on()


def test_a_part_without_examples_says_which_parts_are_to_come(quick_settings: Make) -> None:
    settings = quick_settings()
    n = len({one.cluster for one in TinyTask(20).examples()})
    sharded.answer(_ground(settings), Shard(n + 1, n + 1))
    assert sharded.to_come(_ground(settings), n + 1) == tuple(f"{number}/{n + 1}" for number in range(1, n + 1))
    sharded.answer(_ground(settings), Shard(n + 1, 1))
    assert "1/" not in sharded.to_come(_ground(settings), n + 1)[0]
    evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert sharded.to_come(_ground(settings), 7) == ()


@pytest.mark.slow
def test_a_part_counts_its_own_examples_and_a_run_those_of_its_parts_once(quick_settings: Make) -> None:
    settings = quick_settings()
    with pytest.raises(KeyboardInterrupt):
        sharded.answer(_ground(settings, model=Plain(interrupt_at=2)), Shard(2, 1))
    folder = _ground(settings).folder.path
    (part,) = state_of(folder).parts
    n = sum(
        number == 1 for number in shards.split(_ground(settings).asked.examples, TinyTask().request, Plain().cost, 2)
    )
    assert (part.done, part.n) == (6, n)
    done = (folder / "shards" / "1-of-2" / "predictions.jsonl").read_bytes()
    (folder / "predictions.jsonl").write_bytes(done)  # as a kill while parts are taken in leaves it
    assert state_of(folder).done == 6


@pytest.mark.slow
def test_a_damaged_line_of_a_part_is_asked_again(quick_settings: Make) -> None:
    settings, model = quick_settings(), Plain()
    for number in (1, 2):
        part = sharded.answer(_ground(settings), Shard(2, number))
    lines = (part.path / "predictions.jsonl").read_text().split("\n")
    lines[0] = lines[0].replace("word", "wort")
    (part.path / "predictions.jsonl").write_text("\n".join(lines))
    said: list[str] = []
    _run, folder = evaluate(TinyTask(20), model, "plain", CPU, settings, say=said.append)
    assert "1 lines cannot be read or come a second time, or are not what was written" in said[0]
    assert len(_asked(model)) >= 1
    assert Counter(one.id for one in folder.predictions()) == Counter(TinyTask(20).ids)
    assert all("wort" not in (one.text or "") for one in folder.predictions())


@pytest.mark.slow
def test_what_parts_were_computed_on_stands_in_the_record_of_the_run(quick_settings: Make) -> None:
    settings = quick_settings()
    for number, cpu in ((1, "This One"), (2, "That One")):  # and on GPUs that are named so
        part = sharded.answer(_ground(settings), Shard(2, number))
        said = json.loads((part.path / "part.json").read_text())
        said["environment"] |= {"cpu": cpu, "device_name": cpu, "threads": number, "device": "cuda"}
        said["peak_memory_bytes"] = 10**12 * number
        (part.path / "part.json").write_text(json.dumps(said))
    run, folder = evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert run.environment["cpu"] == run.environment["device_name"] == "This One, That One"
    assert (run.environment["threads"], run.environment["device"]) == (
        None,
        "cpu",
    )  # of what kind is the run's identity
    assert run.timings["peak_memory_bytes"] == 2 * 10**12
    assert [one["key"].split()[0] for one in shards.taken_in(folder.path)] == ["1/2", "2/2"]


@pytest.mark.slow
def test_parts_are_merged_by_the_command_once_all_are_there(
    own_package: Path, bench_main: Main, tmp_path: Path
) -> None:
    words = ("run", "task=words", "task.n=40", "model=stub", "tracking=none")
    assert bench_main(*words, "runs_dir=whole")[0] == 0
    for number in (1, 3):
        code, out, err = bench_main(*words, f"shard={number}/3")
        assert (code, err) == (0, [])
    assert out[0].startswith("words / stub, part 3/3: ")
    assert out[1] == "  to come: part 2/3"
    code, _, err = bench_main("merge", "words/stub")
    assert code == 2
    assert (
        "part 2/3 is not there; `bench run` with the same settings and without shard= asks what is missing" in err[-1]
    )
    code, out, _ = bench_main("status", "words/stub")
    assert "  ended by: part 2/3 is not there" in out
    code, out, _ = bench_main(*words, "shard=2/3", "--json")
    assert json.loads(out[-1])["lacking"] == []
    code, out, err = bench_main("merge", "words/stub")
    assert code == 0
    assert any("took in the answers of 3 parts" in line for line in err)
    assert any(line.startswith("  answered in 3 parts: ") for line in out)
    record = json.loads(next(Path("runs/words/stub").glob("*/run.json")).read_text())
    assert "shard" not in record["config"]
    assert bench_main("merge", "words/stub", "--json")[0] == 0  # which is the run that is there
    assert bench_main(*words, "shard=1/3")[1][0].startswith("words / stub: ")  # as is any part of it


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("shard=4/3",), "shard=4/3 is no part: NUMBER/PARTS is due"),
        (("shard=1/3", "--fresh"), "shard=1/3 with --fresh: each part would begin another run"),
        (("shard=1/3", "launch=local"), "shard=1/3 with launch=local, which starts every part"),
        (("shard=1/3", "timing=offline"), "shard=1/3 with timing=: a scenario is measured of the whole model"),
        (("shard=1/3", "energy=auto"), "shard=1/3 with energy=auto: the counters are of a whole machine"),
        (("launch=local", "energy=auto"), "launch=local with energy=auto: the counters are of a whole machine"),
        (("launch.parts=3",), "launch.parts=3 needs launch=local"),
        (("launch=local", "launch.parts=0"), "launch.parts=0 must be at least 1"),
        (("launch=local", "launch.kind=x"), "launch.kind=x is not one of none, local"),
    ],
)
def test_what_cannot_be_with_parts_is_one_line(
    own_package: Path, bench_main: Main, more: tuple[str, ...], said: str
) -> None:
    code, _, err = bench_main("run", "task=words", "model=stub", "tracking=none", *more)
    assert code == 2
    assert err[-1].startswith(f"bench: {said}")


@pytest.mark.slow
def test_a_training_has_no_parts(bench_main: Main) -> None:
    code, _, err = bench_main("train", "task=digits", "model=digits_net", "target=accuracy:0.97", "shard=1/2")
    assert (code, "bench train does not take 'shard=1/2'" in err[-1]) == (2, True)


@pytest.mark.slow
def test_a_run_without_an_identity_or_configuration_cannot_be_merged(own_package: Path, bench_main: Main) -> None:
    words = ("run", "task=words", "model=stub", "tracking=none")
    bench_main(*words, "shard=1/1")
    folder = next(Path("runs/words/stub").iterdir())
    kept = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text("[]")
    assert "is not the configuration of a run" in bench_main("merge", str(folder))[2][-1]
    (folder / "config.yaml").write_text(kept.replace("n: 12", "n: 11"))
    assert "stands on another asked, data than there is now" in bench_main("merge", str(folder))[2][-1]
    (folder / "config.yaml").write_text(kept)
    (folder / "identity.json").unlink()
    assert "identity.json cannot be read" in bench_main("merge", str(folder))[2][-1]
    assert bench_main(*words)[0] == 0


@pytest.mark.slow
def test_a_part_of_which_all_failed_says_so_and_ends_with_1(bench_main: Main, own_package: Path) -> None:
    words = ("run", "task=words", "model=failing", "model.every=1", "tracking=none", "shard=1/1")
    code, out, _ = bench_main(*words)
    assert code == 1
    assert "12 answers (12 failed, the first by " in out[0]


@pytest.mark.slow
def test_the_run_that_has_parts_is_merged_and_not_a_later_one(own_package: Path, bench_main: Main) -> None:
    words = ("run", "task=words", "model=stub", "tracking=none")
    assert bench_main(*words, "shard=1/1")[0] == 0
    assert bench_main(*words, "limit=5")[0] == 0
    code, out, _ = bench_main("merge", "words/stub")
    assert code == 0
    assert any(line.startswith("  12 examples, ") for line in out)


@pytest.mark.slow
def test_parts_are_merged_where_the_data_lie_now(
    bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_data.write(tmp_path / "here")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "here"))
    assert bench_main("run", "task=phrasebank", "model=lexical", "tracking=none", "shard=1/1")[0] == 0
    (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "there"))
    assert bench_main("merge", "phrasebank/lexical")[0] == 0


@pytest.mark.slow
def test_the_speed_of_a_run_in_parts_is_none_of_one_process(own_package: Path, bench_main: Main) -> None:
    words = ("run", "task=words", "task.n=40", "model=stub", "tracking=none")
    for number in (1, 2):
        bench_main(*words, f"shard={number}/2")
    assert bench_main("merge", "words/stub")[0] == 0
    _, out, err = bench_main("check", "words/stub", "--update")
    assert "was answered in parts at the same time, whose speed is not that of one process" in " ".join((*out, *err))


@pytest.mark.slow
def test_what_a_kill_left_half_written_beside_a_run_goes(quick_settings: Make) -> None:
    settings = quick_settings()
    part = sharded.answer(_ground(settings), Shard(1, 1))
    draft = part.path.parents[1] / ".shards.json.99999"
    draft.write_text("[")
    evaluate(TinyTask(20), Plain(), "plain", CPU, settings)
    assert not draft.exists()
