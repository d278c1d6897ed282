"""What a model gets: nothing but the content of a request tells one example from another."""

from __future__ import annotations

import os
import random
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import small_data

from bench.bundles import asked_again
from bench.engine import feed
from bench.engine.asking import Asking, asking
from bench.engine.bare import bare_copy
from bench.engine.history import waves
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Device, Model
from bench.models.reference import Oracle, Random
from bench.run import evaluate
from bench.runs.asked import files_of
from bench.scoring.measure import score
from bench.task import Task
from bench.types import Audio, Choose, Example, Generate, ImageFile, Prediction, Regress, Request, Text, Transcribe

CPU = Device("cpu", "none", 1)
Make = Callable[..., Any]


class Spy(Model):
    """Answers anything with the first of everything, and keeps what it was given; `during` is called with each batch."""

    parts = frozenset({"text", "image", "audio", "video"})
    outputs, uses_device, uses_libraries, revision = (Generate, Choose, Regress, Transcribe), False, False, "1"

    def __init__(self, during: Callable[[Sequence[Request]], None] = lambda batch: None) -> None:
        self.during = during
        self.given: list[Request] = []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        self.given += batch
        self.during(batch)
        return [answer(request) for request in batch]


def answer(request: Request) -> Prediction:
    match request.output:
        case Choose(labels=labels):
            return Prediction(request.id, label_scores={label: float(label == labels[0]) for label in labels})
        case Regress(names=names, low=low):
            return Prediction(request.id, values=dict(zip(names, low, strict=True)))
    return Prediction(request.id, text="")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_data.write(tmp_path_factory.mktemp("data"))


def ravdess(folder: Path, *, actors: int = 24, like: bytes = b"") -> Any:
    """Recordings of invented bytes under the official names, each file's time going with its emotion."""
    draw = random.Random(5)
    for actor in range(1, actors + 1):
        for emotion in range(1, 9):
            place = folder / "ravdess" / f"Actor_{actor:02d}" / f"03-01-0{emotion}-01-01-01-{actor:02d}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(like or draw.randbytes(64))
            os.utime(place, (emotion, emotion))
    return small_data.built("ravdess", folder)


def all_asked(task: Task, model: Model, asked: Asking, batch_size: int = 16) -> list[Prediction]:
    """What the model answers, asked as the loop asks it."""
    with Veiled(model, asked.asked) as veiled:
        found: list[Prediction] = []
        for wave in waves(asked.examples, asked.asked):
            plan = feed.units(
                wave, asked.request, veiled, batch_size=batch_size, batch_tokens=10**9, names=asked.asked.names
            )
            for unit in feed.ahead(plan, veiled):
                unit.wait()
                found += feed.answer(veiled, unit.requests, "spy")
            veiled.replies.add(found)
        return found


def tells(features: Sequence[Sequence[Any]], labels: Sequence[str]) -> float:
    """How often the best of these features gives the label away: a majority learnt on one half, tried on the other."""
    half = random.Random(1).sample(range(len(labels)), len(labels) // 2)
    other = sorted(set(range(len(labels))) - set(half))
    found = []
    for column in zip(*features, strict=True):
        seen: dict[Any, Counter[str]] = defaultdict(Counter)
        for i in half:
            seen[column[i]][labels[i]] += 1
        guessed = [seen[column[i]].most_common(1)[0][0] if column[i] in seen else "" for i in other]
        found.append(sum(labels[i] == guess for i, guess in zip(other, guessed, strict=True)) / len(other))
    return max(found)


@pytest.mark.slow
def test_neither_id_nor_path_nor_file_time_nor_order_tells_an_emotion(tmp_path: Path) -> None:
    task = ravdess(tmp_path)
    asked = asking(task, None, 0, 0)
    label = {example.id: example.target for example in asked.examples}
    seen: list[tuple[Any, ...]] = []

    def features(request: Request, place: int) -> tuple[Any, ...]:
        path = files_of(request).__next__()
        name = path.stem.ljust(40)
        return (
            *request.id[:16].ljust(16), *name, path.suffix, path.parent.name, path.stat().st_mtime,
            *(place % k for k in (2, 3, 5, 8, 16)), *(place // k for k in (8, 16, 24)),
        )  # fmt: skip

    def during(batch: Sequence[Request]) -> None:
        seen.extend(features(request, len(seen)) for request in batch)

    predictions = all_asked(task, Spy(during), asked)
    told = [label[one.id] for one in predictions]
    bare = [features(asked.request(example), i) for i, example in enumerate(asked.examples)]
    assert tells(bare, [example.target for example in asked.examples]) == 1.0
    assert tells(seen, told) < 1 / 8 + 4 * (1 / 8 * 7 / 8 / (len(told) / 2)) ** 0.5


def test_a_copy_has_the_bytes_of_the_recording_and_goes_when_the_run_is_over(tmp_path: Path) -> None:
    task = ravdess(tmp_path, actors=3)
    asked = asking(task, None, 0, 0)
    kept: dict[Path, bytes] = {}
    at_once: list[int] = []

    def during(batch: Sequence[Request]) -> None:
        for path in (path for request in batch for path in files_of(request)):
            kept[path] = path.read_bytes()
            assert not path.is_symlink()
            assert path.stat().st_nlink == 1
        at_once.append(len(list(path.parent.iterdir())))

    all_asked(task, Spy(during), asked, batch_size=4)
    assert sorted(kept.values()) == sorted(path.read_bytes() for path in tmp_path.rglob("*.wav"))
    assert max(at_once) <= 8  # of the batch that is answered and of the next
    assert not next(iter(kept)).parent.exists()


def test_two_recordings_of_the_same_bytes_are_two_requests_and_one_file(tmp_path: Path) -> None:
    task = ravdess(tmp_path, actors=1, like=b"the same")
    spy = Spy()
    predictions = all_asked(task, spy, asking(task, None, 0, 0))
    assert len({request.id for request in spy.given}) == len({one.id for one in predictions}) == 8
    assert len({path for request in spy.given for path in files_of(request)}) == 1


@pytest.mark.parametrize("name", small_data.NAMES)
def test_what_a_model_gets_names_no_example_and_no_file_of_the_data(name: str, folder: Path) -> None:
    task = small_data.shipped(name, folder)
    asked = asking(task, 20, 0, 0)
    spy = Spy()
    predictions = all_asked(task, spy, asked)
    assert {one.id for one in predictions} == {example.id for example in asked.examples}
    own = {example.id for example in asked.examples}
    stems = {path.stem for example in asked.examples for path in files_of(asked.request(example))}
    for request in spy.given:
        bare = " ".join([request.id, *(path.name for path in files_of(request))])
        assert not [word for word in own | stems if len(word) > 3 and word in bare]
        assert not any(isinstance(part, ImageFile) for part in request.parts if asked.asked.media)
        held = [part for part in request.parts if isinstance(part, Text)]
        assert not [word for word in own if len(word) > 8 and any(word in part.text for part in held)]


def test_a_name_is_made_of_the_content_alone(tiny_task: Make) -> None:
    first, renamed = (asking(tiny_task(ids=ids), None, 0, 0) for ids in (["a b", "c b"], ["c b", "a b"]))
    assert set(first.asked.names.values()).isdisjoint({"a b", "c b"})
    assert first.asked.digest != renamed.asked.digest


def test_the_oracle_finds_its_answers_and_random_says_the_same_alone_as_among_others(tmp_path: Path) -> None:
    task = ravdess(tmp_path, actors=2)
    asked = asking(task, None, 0, 0)
    oracle = Oracle()
    with Veiled(oracle, asked.asked) as veiled:
        veiled.reveal({example.id: task.ideal(example) for example in asked.examples})
        found = feed.answer(veiled, [asked.request(example) for example in asked.examples], "oracle")
    assert score(task, asked.examples, found, resamples=0, seed=0)[0].value == 1.0
    drawn = []
    for limit in (None, 3):
        model = Random()
        model.load(CPU, seed=7)
        drawn.append({one.id: one for one in all_asked(task, model, asking(task, limit, 0, 0), batch_size=5)})
    assert drawn[1] == {key: drawn[0][key] for key in drawn[1]}


def test_a_model_that_is_asked_again_knows_the_examples_by_the_same_names(tmp_path: Path) -> None:
    task = ravdess(tmp_path, actors=3)
    asked = asking(task, None, 0, 0)
    first, again = Random(), Random()
    first.load(CPU, seed=7)
    before = {one.id: one for one in all_asked(task, first, asked)}
    chosen = asked_again.sample(asked.examples, 7, seed=3)
    found = asked_again.ask(asked, chosen, again, CPU, seed=7, batch_size=3, batch_tokens=10**9, name="random")
    assert {key: one.label_scores for key, one in found.predictions.items()} == {
        example.id: before[example.id].label_scores for example in chosen
    }


def test_what_a_model_says_of_a_request_names_the_example_and_its_own_file(tmp_path: Path) -> None:
    task = ravdess(tmp_path, actors=1)
    asked = asking(task, 3, 0, 0)

    def wrong(batch: Sequence[Request]) -> None:
        (path,) = files_of(batch[0])
        raise ValueError(f"{path} of request {batch[0].id!r} is no sound")

    for one in all_asked(task, Spy(wrong), asked):
        assert one.error == f"ValueError: {next(tmp_path.rglob(one.id + '.wav'))} of request {one.id!r} is no sound"

    def refuse(batch: Sequence[Request]) -> None:
        raise BenchError(f"request {batch[0].id!r} has no text")

    with pytest.raises(BenchError, match=r"request '03-01-0.-01-01-01-01' has no text"):
        all_asked(task, Spy(refuse), asked)

    def lost(batch: Sequence[Request]) -> None:
        files_of(batch[0]).__next__().with_suffix(".txt").open()

    (first, *_) = all_asked(task, Spy(lost), asked)
    assert first.error is not None
    assert first.error.startswith("FileNotFoundError: ")


def test_a_recording_that_is_not_there_fails_by_its_own_name(tmp_path: Path) -> None:
    there = ravdess(tmp_path, actors=1)

    class Missing(type(there)):  # type: ignore[misc]
        def request(self, example: Example) -> Request:
            path = tmp_path / f"{example.target}.wav"
            return Request(example.id, (Audio(str(path)),), Choose(self.labels))

    def read(batch: Sequence[Request]) -> None:
        for request in batch:
            files_of(request).__next__().read_bytes()

    task = Missing(there.data)
    emotion = {example.id: example.target for example in task.examples()}
    for one in all_asked(task, Spy(read), asking(task, None, 0, 0)):
        assert one.error is not None
        assert str(tmp_path / f"{emotion[one.id]}.wav") in one.error


@pytest.mark.parametrize("part", [Audio, ImageFile])
def test_a_file_that_goes_while_the_run_is_at_it_is_said_to_have_gone(tmp_path: Path, part: Any) -> None:
    there = ravdess(tmp_path, actors=1)

    class Shown(type(there)):  # type: ignore[misc]
        def request(self, example: Example) -> Request:
            return Request(example.id, (part(str(next(tmp_path.rglob(f"{example.id}.wav")))),), Choose(self.labels))

    task = Shown(there.data)
    asked = asking(task, 3, 0, 0)
    gone = next(tmp_path.rglob(f"{asked.examples[0].id}.wav"))
    request = asked.request(asked.examples[0])
    gone.unlink()
    with Veiled(Spy(), asked.asked) as veiled, pytest.raises(BenchError, match=f"{gone.name} disappeared"):
        veiled.predict([request])


def test_a_model_is_asked_the_very_requests_that_it_was_told_of(tmp_path: Path) -> None:
    told: list[int] = []

    class Told(Spy):
        def prepare(self, batch: Sequence[Request]) -> None:
            assert threading.current_thread() is not threading.main_thread()
            told.extend(map(id, batch))

    spy = Told()
    task = ravdess(tmp_path, actors=2)
    all_asked(task, spy, asking(task, None, 0, 0), batch_size=3)
    assert told == list(map(id, spy.given))


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_a_run_goes_on_behind_it(
    tmp_path: Path, quick_settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    task, settings = ravdess(tmp_path, actors=1), quick_settings()
    with monkeypatch.context() as patch:
        patch.setattr("bench.engine.veil.bare_copy", full)
        with pytest.raises(BenchError, match=r"No space left on device.*set TMPDIR"):
            evaluate(task, Spy(), "spy", CPU, settings)
    run, _ = evaluate(task, Spy(), "spy", CPU, settings)
    assert run.n_examples == 8


def test_a_strange_ending_is_left_out_of_a_copys_name(tmp_path: Path) -> None:
    class Strange(type(ravdess(tmp_path, actors=1))):  # type: ignore[misc]
        def request(self, example: Example) -> Request:
            path = tmp_path / f"{example.id}.is {example.target}"
            path.write_bytes(example.id.encode())
            return Request(example.id, (Audio(str(path)),), Choose(self.labels))

    task = Strange(ravdess(tmp_path, actors=1).data)
    spy = Spy()
    all_asked(task, spy, asking(task, None, 0, 0))
    assert {path.suffix for request in spy.given for path in files_of(request)} == {""}


def wav(*parts: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for name, data in parts)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE" + body


FMT = (b"fmt ", b"\x01\0\x01\0" + (8000).to_bytes(4, "little") + (16000).to_bytes(4, "little") + b"\x02\0\x10\0")
SOUND = (b"data", bytes(range(200)) * 8)
TOLD = b"angry 2013-11-02"
MP3 = b"\xff\xfb" + b"m" * 400


def id3(length: int) -> bytes:
    return b"ID3\x04\0\0\0\0" + bytes([length >> 7, length & 0x7F]) + (TOLD * 20)[:length]


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (wav(FMT, (b"FLLR", TOLD), SOUND, (b"LIST", b"INFO" + TOLD), (b"_PMX", TOLD + b"!")), wav(FMT, SOUND)),
        (wav((b"JUNK", TOLD), FMT, SOUND), wav(FMT, SOUND)),
        (wav(FMT, SOUND), wav(FMT, SOUND)),
        (id3(200) + MP3, MP3),
        (id3(100) + id3(30) + MP3 + b"TAG" + (TOLD * 9)[:125], MP3),
        (b"ID3", b"ID3"),
        (id3(50), id3(50)),
        (wav(FMT, SOUND, (b"LIST", TOLD))[:-3], wav(FMT, SOUND, (b"LIST", TOLD))[:-3]),  # cut off: the model is to see that
        (wav(FMT), wav(FMT)),
        (b"RIFF\0\0\0\0WAVE" + SOUND[1], b"RIFF\0\0\0\0WAVE" + SOUND[1]),
        (b"", b""),
        (b"OggS" + SOUND[1], b"OggS" + SOUND[1]),
    ],
)  # fmt: skip
def test_a_copy_holds_the_sound_and_nothing_that_is_said_about_it(tmp_path: Path, given: bytes, got: bytes) -> None:
    (tmp_path / "a").write_bytes(given)
    bare_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == got


def test_a_bare_copy_of_a_recording_sounds_the_same(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    pytest.importorskip("av")
    data = small_data.reference_data() / "ravdess"
    source = min(data.rglob("*.wav"))
    bare_copy(source, tmp_path / "b.wav")
    assert np.array_equal(sound.read(str(source), 16_000), sound.read(str(tmp_path / "b.wav"), 16_000))
    assert not re.search(rb"2013|xmp|Adobe", (tmp_path / "b.wav").read_bytes())
