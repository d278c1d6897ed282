"""A model's own history: turns are asked in waves, each sees what the model itself said, and nothing else can get between."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import TinyTask

from bench.engine import history
from bench.engine.asking import asking
from bench.engine.history import FAILED, LONGEST, Replies, as_turn, standing
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.run import evaluate
from bench.runs.folder import RunFolder
from bench.runs.journal import JOURNAL, LEDGER
from bench.task import Task
from bench.types import Example, Generate, Prediction, Reply, Request, Text

CPU, HALF = Device("cpu", "float32", 1), Device("cpu", "bfloat16", 1)
Make = Callable[..., Any]
SHAPE = (3, 1, 2)  # turns of each dialogue


class Talk(TinyTask):
    """Dialogues whose turns see the model's own replies; `shape` counts their turns, `shows` changes what a turn shows."""

    name, output = "talk", Generate

    def __init__(self, shape: Sequence[int] = SHAPE, shows: dict[str, str] | None = None) -> None:
        self.shape, self.shows = shape, shows or {}

    def examples(self) -> Sequence[Example]:
        return [
            Example(f"d{d}-{t}", {"d": d, "t": t}, [f"{d}.{t}"], f"d{d}")
            for d, n in enumerate(self.shape)
            for t in range(n)
        ]

    def request(self, example: Example) -> Request:
        d, t = example.inputs["d"], example.inputs["t"]
        parts: list[Any] = []
        for turn in range(t):
            parts += [Text(f"{d}.{turn}?"), Reply(of=f"d{d}-{turn}")]
        if example.id in self.shows:
            parts.append(Reply(of=self.shows[example.id]))
        return Request(example.id, (*parts, Text(f"{d}.{t}?")), Generate(8))


class Hears(Model):
    """Says the number of its call and all that it was told; fails on what it is told to, dies at its nth request."""

    outputs, uses_device = (Generate,), True

    def __init__(self, *, fails: str = "", dies: int = 0, says: Callable[[Request], str] | None = None) -> None:
        self.fails, self.dies, self.says = fails, dies, says
        self.calls: list[list[Request]] = []
        self.n = 0

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        self.calls.append(list(batch))
        for one in batch:
            self.n += 1
            if self.n == self.dies:
                raise KeyboardInterrupt
            if self.fails and one.parts[-1].text == self.fails:  # type: ignore[union-attr]
                raise ValueError("no idea")
            yield Prediction(one.id, text=self.says(one) if self.says else f"[{'|'.join(_texts(one))}]", finish="stop")


def _texts(request: Request) -> list[str]:
    return [part.text for part in request.parts if isinstance(part, Text)]


@pytest.fixture
def go(quick_settings: Make) -> Make:
    def run(task: Task, model: Model, device: Device = CPU, **settings: Any) -> RunFolder:
        said: list[str] = []
        folder = evaluate(task, model, "hears", device, quick_settings(**settings), say=said.append)[1]
        vars(folder)["said"] = said
        return folder

    return run


def told(folder: RunFolder) -> dict[str, str | None]:
    return {one.id: one.text for one in folder.predictions()}


def test_a_turn_sees_what_the_model_itself_said_and_many_dialogues_are_asked_side_by_side(go: Make) -> None:
    model = Hears()
    found = told(go(Talk(), model))
    assert found["d0-0"] == "[0.0?]"
    assert found["d0-1"] == "[0.0?|[0.0?]|0.1?]"
    assert found["d0-2"] == f"[0.0?|[0.0?]|0.1?|{found['d0-1']}|0.2?]"
    assert [len(batch) for batch in model.calls] == [3, 2, 1]
    given = [part for batch in model.calls for one in batch for part in one.parts]
    assert {type(part) for part in given} == {Text}  # no placeholder ever reaches a model
    assert not any("d0" in one.id for batch in model.calls for one in batch)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 64])
def test_the_size_of_batches_changes_no_answer(go: Make, size: int) -> None:
    assert told(go(Talk((4, 3, 1, 2)), Hears(), batch_size=size)) == told(go(Talk((4, 3, 1, 2)), Hears(), batch_size=3))


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_cuts_to_whole_beginnings_of_dialogues(go: Make, limit: int) -> None:
    whole = told(go(Talk(), Hears()))
    assert told(go(Talk(), Hears(), limit=limit)) == dict(list(whole.items())[:limit])


@pytest.mark.slow
@pytest.mark.parametrize("device", [CPU, HALF], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("dies", [1, 3, 4, 5, 6])
def test_a_run_that_is_cut_off_anywhere_gives_the_predictions_of_an_unbroken_one(
    go: Make, tmp_path: Path, dies: int, device: Device
) -> None:
    whole = go(Talk(), Hears(), device, batch_size=2)
    broken = {"runs_dir": tmp_path / "broken", "batch_size": 2}
    with pytest.raises(KeyboardInterrupt):
        go(Talk(), Hears(dies=dies), device, **broken)
    again = go(Talk(), Hears(), device, **broken)
    assert (again.path / JOURNAL).read_bytes() == (whole.path / JOURNAL).read_bytes()


def test_an_answer_to_a_history_that_the_journal_has_no_more_is_asked_again(go: Make) -> None:
    folder = go(Talk(), Hears())
    journal = folder.path / JOURNAL
    lines = journal.read_text().splitlines()
    (folder.path / "run.json").unlink()
    changed = [line.replace("[0.0?]", "a lie") if '"d0-0"' in line else line for line in lines]
    journal.write_text("\n".join(changed) + "\n")
    ledger = folder.path / LEDGER  # whose checks would tell that nobody has said so
    ledger.write_text(re.sub(r'"checks":\[[0-9,]*\],', "", ledger.read_text()))
    model = Hears()
    found = told(go(Talk(), model))
    assert found["d0-1"] == "[0.0?|a lie|0.1?]"
    assert "a lie" in str(found["d0-2"])


def test_a_failed_turn_is_shown_by_a_fixed_sentence_and_the_dialogue_goes_on(go: Make) -> None:
    found = {one.id: one for one in go(Talk((3,)), Hears(fails="0.1?")).predictions()}
    assert found["d0-1"].error == "ValueError: no idea"
    assert found["d0-2"].text == f"[0.0?|[0.0?]|0.1?|{FAILED}|0.2?]"


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("5\n\nUser: and the answer?\nAssistant: 7", "5 User: and the answer? Assistant: 7"),
        ("5<|im_end|>\n<|im_start|>user", "5< |im_end| > < |im_start| >user"),
        ("x " * 5_000, None),
        ("x" * 500_000, None),
        (" \n ", FAILED),
        ("", FAILED),
    ],
)
def test_a_reply_stands_on_one_short_line_whatever_it_imitates(reply: str, shown: str | None) -> None:
    found = as_turn(Prediction("a", text=reply))
    assert shown is None or found == shown
    assert len(found) <= LONGEST
    assert len(found.splitlines()) == 1


def test_what_was_no_text_is_shown_in_words_and_thinking_is_not() -> None:
    assert as_turn(Prediction("a", label_scores={"no": 0.1, "yes": 0.9})) == "yes"
    assert as_turn(Prediction("a", values={"joy": 0.5, "fear": 1})) == "joy 0.5, fear 1"
    assert as_turn(Prediction("a", text="7", thinking="let me see")) == "7"


@pytest.mark.parametrize(("of", "named"), [("d0-0", "itself"), ("d1-0", "'d1-0'"), ("nobody", "'nobody'")])
def test_a_reply_to_what_comes_not_before_is_refused_in_one_line(go: Make, of: str, named: str) -> None:
    with pytest.raises(BenchError, match=f"'d0-0' shows the reply to {named}, which is no example before it") as error:
        go(Talk(shows={"d0-0": of}), Hears())  # a cycle has such a one, too
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_the_run_s_id_stands_on_who_is_quoted_and_not_on_what_was_said(go: Make) -> None:
    one, other = go(Talk(), Hears()), go(Talk(), Hears(says=lambda request: "0"))
    assert one.path == other.path
    assert go(Talk(shows={"d1-0": "d0-0"}), Hears()).path != one.path


def test_the_name_of_a_request_hides_which_example_it_quotes() -> None:
    names = asking(Talk(), None, 0, 0).asked.names

    class Renamed(Talk):
        def examples(self) -> Sequence[Example]:
            return [replace(one, id=f"other-{one.id}") for one in super().examples()]

        def request(self, example: Example) -> Request:
            found = super().request(example)
            parts = (replace(p, of=f"other-{p.of}") if isinstance(p, Reply) else p for p in found.parts)
            return replace(found, parts=tuple(parts))

    assert list(asking(Renamed(), None, 0, 0).asked.names.values()) == list(names.values())


@pytest.mark.slow
def test_reuse_takes_over_what_was_asked_the_very_same(go: Make) -> None:
    before = go(Talk((3, 1)), Hears())
    after = go(Talk((3, 1, 2)), Hears(), reuse=True)
    assert {one.id for one in after.predictions() if one.reused} == {"d0-0", "d0-1", "d0-2", "d1-0"}
    assert told(after).items() >= told(before).items()


@pytest.mark.slow
def test_reuse_leaves_out_what_stands_behind_a_turn_that_is_asked_again(go: Make) -> None:
    go(Talk((3, 1)), Hears(fails="0.1?"))  # a failure is not taken over
    after = go(Talk((3, 1, 2)), Hears(), reuse=True)
    assert {one.id for one in after.predictions() if one.reused} == {"d0-0", "d1-0"}
    assert FAILED not in str(told(after)["d0-2"])


@pytest.mark.slow
def test_a_larger_limit_takes_over_first_turns_only(go: Make) -> None:
    go(Talk(), Hears(), max_new_tokens=4)
    after = go(Talk(), Hears(), max_new_tokens=6)
    taken = {one.id for one in after.predictions() if one.reused}
    assert not taken & {"d0-1", "d0-2", "d2-1"}
    assert told(after) == told(go(Talk(), Hears(), max_new_tokens=6, fresh=True))


@pytest.mark.parametrize("later", [False, True])
def test_the_audit_asks_with_the_histories_of_the_run(go: Make, later: bool) -> None:
    if later:
        go(Talk(), Hears())
    folder = go(Talk(), Hears(), audit="batch_invariance", audit_size=99)
    assert folder.read().audit["flips"] == 0
    assert folder.read().audit["n"] == sum(SHAPE)


def test_answers_stand_only_with_the_histories_they_were_given(go: Make) -> None:
    asked = asking(Talk(), None, 0, 0)
    found = {one.id: one for one in go(Talk(), Hears()).predictions()}
    assert standing(asked.examples, asked.request, asked.asked, found) == found
    forged = found | {"d0-1": found["d0-1"].but(text="better")}
    assert set(found) - set(standing(asked.examples, asked.request, asked.asked, forged)) == {"d0-2"}
    lost = {key: one for key, one in found.items() if key != "d0-0"}
    assert set(standing(asked.examples, asked.request, asked.asked, lost)) == {"d1-0", "d2-0", "d2-1"}


def test_a_request_whose_replies_are_not_here_cannot_be_asked() -> None:
    asked = asking(Talk(), None, 0, 0)
    with pytest.raises(BenchError, match="shows the model's own reply to 'd0-0', which is not here"):
        Replies().filled(asked.request(asked.examples[1]))


def test_a_task_without_replies_is_one_wave(tiny_task: Make) -> None:
    asked = asking(tiny_task(), None, 0, 0)
    assert list(history.waves(asked.examples, asked.asked)) == [list(asked.examples)]
    assert all("heard" not in json.dumps(one.to_json()) for one in [Prediction("a", text="x")])
