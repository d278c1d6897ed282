"""The tasks on finmm's voices: what is asked, what the reference is, and what a mishearing costs."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.scoring.measure import score
from bench.types import Audio, Prediction
from tasks.finmm.speech_task import FinmmSpeech
from tasks.finmm.voice_emotion_task import FinmmVoiceEmotion


@pytest.mark.slow
def test_each_task_has_the_examples_that_its_card_says_and_no_id_that_tells_of_what_is_said() -> None:
    for task in (FinmmSpeech(), FinmmVoiceEmotion()):
        examples = task.examples()
        assert len(examples) == task.card.n_examples
        assert len({one.id for one in examples}) == len(examples)
        assert all(one.id.startswith("finmm-voice-7-") for one in examples)


@pytest.mark.slow
def test_the_reference_as_written_has_no_error_and_all_values_and_so_has_it_as_spoken() -> None:
    task = FinmmSpeech(utterances=120)
    for said in (lambda one: task.ideal(one).text, lambda one: " ".join(task._spoken[one.id].words).lower()):
        found = score(
            task,
            task.examples(),
            [Prediction(one.id, text=said(one)) for one in task.examples()],
            resamples=10,
            seed=0,
        )
        values = {one.metric: one.value for one in found}
        assert values["wer"] == 0.0
        assert values["value_accuracy"] == 1.0


def test_a_wrong_digit_costs_the_value_and_little_of_the_words() -> None:
    task = FinmmSpeech(utterances=200)
    one = next(x for x in task.examples() if [e for e in x.target["entities"] if e["kind"] == "account"])
    written = next(e["written"] for e in one.target["entities"] if e["kind"] == "account")
    digit = next(sign for sign in written if sign.isdigit())
    text = one.target["text"].replace(written, written.replace(digit, str((int(digit) + 1) % 10), 1), 1)
    found = score(task, [one], [Prediction(one.id, text=text)], resamples=10, seed=0)
    values = {one.metric: one.value for one in found}
    assert values["value_accuracy"] is not None
    assert values["value_accuracy"] < 1.0


def test_a_model_gets_the_recording_alone() -> None:
    for task in (FinmmSpeech(utterances=1), FinmmVoiceEmotion(utterances=1)):
        (part,) = task.request(task.examples()[0]).parts
        assert isinstance(part, Audio)


@pytest.mark.slow
def test_what_is_learned_from_is_none_of_what_is_asked() -> None:
    task = FinmmVoiceEmotion()
    taught = task.training()
    assert len(taught) == 300
    assert not {one.id for one in taught} & {one.id for one in task.examples()}
    assert not {one.cluster for one in taught} & {one.cluster for one in task.examples()}


@pytest.mark.parametrize(
    ("changes", "said"), [({"utterances": 0}, "at least 1"), ({"utterance_seed": 1_000}, "for training")]
)
def test_a_number_or_seed_of_no_evaluation_is_refused(changes: dict[str, int], said: str) -> None:
    for task in (FinmmSpeech, FinmmVoiceEmotion):
        with pytest.raises(BenchError, match=said):
            task(**changes)
