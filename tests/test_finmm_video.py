"""finmm's films: what is fixed before they are drawn, what is in the files, and that one seed gives the same bytes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.models import sound
from bench.models.video import frames
from tasks.finmm.picture import make_document
from tasks.finmm.picture import page as pages
from tasks.finmm.video import KINDS, Clip, clip_file, clip_of, index_of, kept, make_clip, write_videos
from tasks.finmm.video.calls import TRAINING_FROM
from tasks.finmm.video.screens import Screen

CALLS = [clip_of("call", 7, number) for number in range(130)]
SCREENS = [clip_of("screen", 7, number) for number in range(60)]


def screen_of(clip: Clip) -> Screen:
    """What a recorded screen shows."""
    screen = clip.shown["screen"]
    assert isinstance(screen, Screen)
    return screen


def test_a_clip_depends_on_its_seed_and_index_alone() -> None:
    backwards = {index: make_clip(7, index) for index in reversed(range(30))}
    assert [make_clip(7, index) for index in range(30)] == [backwards[index] for index in range(30)]
    assert make_clip(7, 0) != make_clip(8, 0)


@pytest.mark.slow
def test_the_three_kinds_take_turns_and_ids_are_unique() -> None:
    found = [make_clip(7, index) for index in range(400)]
    assert [clip.kind for clip in found[:6]] == [*KINDS, *KINDS]
    assert len({clip.id for clip in found}) == len({clip.file for clip in found}) == 400
    assert all(make_clip(7, index_of(clip.kind, i // 3)) == clip for i, clip in enumerate(found[:60]))
    with pytest.raises(ValueError, match="counts from 0, got -1"):
        make_clip(7, -1)


def test_training_clips_say_nothing_that_evaluated_ones_say() -> None:
    taught = {clip_of("call", seed, number).text for seed in (TRAINING_FROM, 1_007) for number in range(200)}
    asked = {clip_of("call", seed, number).text for seed in (7, 8, TRAINING_FROM - 1) for number in range(200)}
    assert min(len(taught), len(asked)) > 100
    assert not taught & asked


def test_one_round_of_calls_says_each_utterance_once_and_the_next_shows_them_with_another_customer() -> None:
    said = Counter(clip.text for clip in CALLS[:125])
    assert set(said.values()) == {1}
    again = clip_of("call", 7, 125 + next(i for i in range(125) if clip_of("call", 7, 125 + i).text == CALLS[0].text))
    assert again.text == CALLS[0].text
    assert again.video != CALLS[0].video


def test_a_video_is_one_conversation_with_one_voice_and_at_least_two_utterances() -> None:
    videos: dict[str, list[Clip]] = {}
    for clip in CALLS[:125]:
        videos.setdefault(clip.video, []).append(clip)
    assert all(
        len({clip.speaker for clip in video}) == len({clip.conversation for clip in video}) == 1
        for video in videos.values()
    )
    assert min(map(len, videos.values())) >= 2


def test_the_number_of_an_utterance_does_not_tell_how_the_story_goes_on() -> None:
    """Stories get better turn by turn; in the films they come in mixed order."""
    places = np.array([int(clip.utterance.rpartition("_")[2]) for clip in CALLS[:125]])
    valence = np.array([clip.valence for clip in CALLS[:125]])
    assert abs(np.corrcoef(places, valence)[0, 1]) < 0.2


def test_faces_and_voices_follow_what_was_rated_but_do_not_give_it_away() -> None:
    for name in ("valence", "arousal"):
        rated = np.array([float(getattr(clip, name)) for clip in CALLS])
        face = np.array([float(str(clip.shown[name])) for clip in CALLS])
        voice = np.array([float(str(clip.shown[f"voice_{name}"])) for clip in CALLS])
        assert 0.7 < np.corrcoef(rated, face)[0, 1] < 0.97
        assert 0.7 < np.corrcoef(rated, voice)[0, 1] < 0.97
        assert abs(np.corrcoef(face - rated, voice - rated)[0, 1]) < 0.3  # each errs by itself


@pytest.mark.parametrize("clip", SCREENS, ids=lambda clip: clip.video)
def test_the_figures_of_a_screen_add_up(clip: Clip) -> None:
    screen = screen_of(clip)
    form = dict(screen.form)
    changes = [Decimal(b.replace(",", "")) - Decimal(a.replace(",", "")) for _, _, a, b in screen.rows]
    if screen.kind == "transfer":
        assert sorted(changes)[0] == -Decimal(form["Amount"].replace(",", ""))
        assert sum(change == 0 for change in changes) == 2
    elif screen.kind == "exchange":
        given = Decimal(form["Amount"].replace(",", ""))
        assert changes == [-given, (given * Decimal(form["Rate"])).quantize(Decimal("0.01")), 0]
    else:
        price = {symbol: Decimal(after.replace(",", "")) for symbol, _, _, after in screen.rows}[form["Symbol"]]
        cost = price * int(form["Quantity"])
        assert screen.done[2] == f"Cash left {Decimal(form['Cash'].replace(',', '')) - cost:,.2f}"


@pytest.mark.parametrize("clip", SCREENS[:12], ids=lambda clip: clip.video)
def test_the_answers_about_a_screen_stand_on_it(clip: Clip) -> None:
    screen = screen_of(clip)
    shown = {text for row in screen.rows for text in row} | {text for row in screen.form for text in row}
    for question in clip.questions:
        assert question.answers[0] in shown or any(question.answers[0] in line for line in screen.done)
        assert not question.text.count(question.answers[0]) or question.kind == "unchanged"


@pytest.mark.slow
def test_all_that_is_asked_about_a_document_is_printed_on_its_page() -> None:
    for clip in (clip_of("document", 7, number) for number in range(8)):
        document = make_document(int(str(clip.shown["page_seed"])), int(str(clip.shown["page"])))
        boxes = pages.boxes(pages.lay_out(document))
        assert 1 <= len(clip.questions) <= 3
        for question in clip.questions:
            assert document.field(question.evidence).value == question.answers[0]
            assert question.evidence in boxes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip of each kind, written."""
    place = tmp_path_factory.mktemp("videos")
    write_videos(place, 7, 3)
    return place


@pytest.mark.slow
def test_a_corpus_is_in_the_layout_of_omg_emotion(folder: Path) -> None:
    with (folder / "omg_ValidationVideos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["link", "start", "end", "video", "utterance", "arousal", "valence", "EmotionMaxVote"]
    assert [row["video"] for row in rows] == [make_clip(7, 0).video]
    assert (folder / rows[0]["video"] / rows[0]["utterance"]).is_file()
    with (folder / "omg_ValidationTranscripts.csv").open(encoding="utf-8", newline="") as file:
        assert [row["transcript"] for row in csv.DictReader(file)] == [make_clip(7, 0).text]


def records(folder: Path) -> list[dict[str, Any]]:
    """The annotations of a corpus."""
    return [json.loads(line) for line in (folder / "annotations.jsonl").read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.slow
def test_the_licence_of_a_film_is_an_spdx_identifier(folder: Path) -> None:
    assert {record["licence"] for record in records(folder)} == {"CC0-1.0"}


@pytest.mark.slow
def test_the_films_are_as_long_and_as_large_as_their_records_say_and_have_sound(folder: Path) -> None:
    for record in records(folder):
        path = str(folder / record["file"])
        assert len(sound.read(path, 16_000)) / 16_000 == pytest.approx(record["seconds"], abs=0.1)
        with sound.opened(path) as film:
            track = film.streams.video[0]
            assert (track.width, track.height, float(track.average_rate)) == (
                record["width"],
                record["height"],
                record["frame_rate"],
            )
            assert track.frames == round(record["seconds"] * record["frame_rate"])
            assert not {key for key in film.metadata if "time" in key or key == "title"}
        assert 2 < record["seconds"] < 12
        assert len(frames(path, 3, 64)) == 3
        assert all(0 <= one["from"] < one["to"] <= record["seconds"] for one in record["questions"])
        words = [word for segment in record["segments"] for word in segment["words"]]
        assert all(word["end"] <= record["seconds"] for word in words)


@pytest.mark.slow
def test_a_film_is_rendered_once_and_comes_again_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    path = Path(clip_file(7, 2))
    assert path.parent == tmp_path
    assert path.read_bytes() == (folder / make_clip(7, 2).file).read_bytes()
    made = path.stat().st_mtime_ns
    assert Path(clip_file(7, 2)).stat().st_mtime_ns == made
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


_DIGEST = """
import hashlib, sys, tempfile
from pathlib import Path
from tasks.finmm.video import write_videos
with tempfile.TemporaryDirectory() as folder:
    write_videos(Path(folder), 7, 3)
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    print(hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest())
"""


@pytest.mark.slow
def test_films_are_the_same_in_every_process_whatever_lies_in_its_memory() -> None:
    """glibc fills memory that is handed out with MALLOC_PERTURB_: an encoder that reads what it has not written is caught."""
    found = set()
    for fill in ("1", "200"):
        env = os.environ | {"MALLOC_PERTURB_": fill, "PYTHONHASHSEED": fill}
        found.add(subprocess.run([sys.executable, "-c", _DIGEST], env=env, check=True, capture_output=True).stdout)
    assert len(found) == 1
