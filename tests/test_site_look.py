"""What the site has for eyes and ears: sound and film, words with their errors, boxes, fields, and scales along time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from site_data import HOSTILE
from site_media import Calls, Forms, answered, calls, films, form
from small_data import built

from bench.data.look import Look
from bench.metrics.speech import marked
from bench.metrics.word_alignment import align, steps
from bench.record import Run
from bench.site import Item, examples, marks, media, write_site
from bench.site.folder import SiteFolder
from bench.site.media import MediaFiles
from bench.task import Task
from bench.types import Audio, Example, Image, ImageFile, Video

pytest.importorskip("av", reason="PyAV is not installed; no film can be made without it")
Make = Callable[..., Run]
HEARD = ["please move twelve hundred zeros", "the fee is for four percent", "thank you"]
FELT = [{"valence": 0.5, "arousal": 0.0}, {"valence": 0.0, "arousal": 0.5}, None, {"valence": 0.0, "arousal": 1.0}]
FOUND = json.dumps({"total": "12.50  eur", "payee": None, "note": "urgent", "date": "<b>today</b>"})


def _site(folder: Path, make: Make, task: Task, said: Any, **options: Any) -> Path:
    one: Item = answered(folder / "run", make, task, "model", said)
    write_site(folder / "site", [], [one], task_of=lambda name: task, **options)
    return folder / "site"


def _loaded(path: Path) -> Any:
    return json.loads("[" + path.read_text().removeprefix("FINAI.take(").removesuffix(");\n") + "]")[1]


def _examples(site: Path) -> tuple[list[Any], list[Any]]:
    """The data and the answers of the one run."""
    data = [_loaded(path) for path in site.glob("data/*/0.js")]
    return (data[0] if data else []), _loaded(next(site.glob("examples/*/0.js")))


def _texts(site: Path) -> str:
    return "".join(
        path.read_text("utf-8")
        for path in sorted(site.rglob("*"))
        if path.suffix in (".html", ".js") and "assets" not in path.parts
    )


def test_recordings_and_films_lie_beside_the_page_once_for_all_who_name_them(tmp_path: Path, run_record: Make) -> None:
    data, _ = _examples(_site(tmp_path, run_record, calls(tmp_path), HEARD))
    assert [one["media"][0]["kind"] for one in data] == ["audio"] * 3
    for i, one in enumerate(data):
        assert (tmp_path / "site" / one["media"][0]["file"]).read_bytes() == (tmp_path / f"c{i}.wav").read_bytes()
    again = tmp_path / "films"
    again.mkdir()
    task = films(again)
    (again / "f1.mp4").write_bytes((again / "f0.mp4").read_bytes())
    data, _ = _examples(_site(again, run_record, task, FELT))
    assert data[0]["media"] == data[1]["media"] != data[2]["media"]
    assert len([*(again / "site").rglob("*.mp4")]) == 3


@pytest.mark.parametrize(
    ("part", "data", "said"),
    [
        (Audio, b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (Audio, b"ID3\x04" + bytes(20), "mp3"),
        (Audio, b"\xff\xfb\x90\0" + bytes(20), "mp3"),
        (Video, b"\0\0\0\x18ftypmp42" + bytes(20), "mp4"),
        (Video, b"\x1a\x45\xdf\xa3" + bytes(20), "webm"),
        (Video, b"RIFF\0\0\0\0WAVEfmt ", "it is no film of a kind that browsers show"),
        (Audio, b"<html><script>alert(1)</script>", "it is no recording of a kind that browsers show"),
        (
            ImageFile,
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "it is no picture of a kind that browsers show",
        ),
        (ImageFile, b"II*\0" + bytes(20), "it is no picture of a kind that browsers show"),
        (Audio, b"", "it is no recording of a kind that browsers show"),
        (Video, None, "it was not on the machine that made this page"),
        (ImageFile, None, "it was not on the machine that made this page"),
    ],
)
def test_a_file_is_what_its_bytes_say_and_not_what_it_is_called(
    tmp_path: Path, part: Any, data: bytes | None, said: str
) -> None:
    path = tmp_path / "clip.exe"
    if data is not None:
        path.write_bytes(data)
    found = MediaFiles(SiteFolder(tmp_path / "site"), "data/x").of(part(str(path)))
    if "file" in found:
        assert found["file"].endswith(f".{said}")
        assert (tmp_path / "site" / found["file"]).read_bytes() == data
    else:
        assert found == {"kind": "named", "name": "clip.exe", "why": said}
        assert not (tmp_path / "site").exists()


def test_what_is_too_large_is_not_copied_and_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = MediaFiles(SiteFolder(tmp_path / "site"), "data/x")
    wav = b"RIFF\0\0\0\0WAVE"
    (tmp_path / "huge.wav").write_bytes(wav)
    with (tmp_path / "huge.wav").open("r+b") as file:
        file.truncate(media.MOST_BYTES["audio"] + 1)
    assert files.of(Audio(str(tmp_path / "huge.wav")))["why"] == "it is larger than 5 MB"
    files.left = 30
    for i in range(3):
        (tmp_path / f"{i}.wav").write_bytes(wav + bytes([i]) * 2)
    found = [files.of(Audio(str(tmp_path / f"{i}.wav"))) for i in (0, 1, 2, 0)]
    assert ["file" in one for one in found] == [True, True, False, True]
    assert found[2]["why"] == "this task has 300 MB of them here already"


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_picture_has_the_size_in_which_a_browser_shows_it(tmp_path: Path, orientation: int) -> None:
    found = MediaFiles(SiteFolder(tmp_path), "data/x").of(Image(form(orientation), "image/jpeg"))
    assert (found["width"], found["height"]) == ((400, 200) if orientation == 1 else (200, 400))


def test_a_picture_of_200_megapixels_stops_no_site(tmp_path: Path) -> None:
    from test_hostile_media import _png

    found = MediaFiles(SiteFolder(tmp_path), "data/x").of(Image(_png(20_000, 10_000)))
    assert (found["kind"], found["width"]) == ("image", 0)


def test_recognised_words_stand_beside_the_reference_with_every_error(tmp_path: Path, run_record: Make) -> None:
    _, said = _examples(_site(tmp_path, run_record, calls(tmp_path), HEARD))
    assert [one["words"] for one in said] == [
        [["right", "please move twelve hundred", "please move twelve hundred"], ["substituted", "euros", "zeros"]],
        [["right", "the fee is", "the fee is"], ["put in", "", "for"], ["right", "four percent", "four percent"]],
        [["left out", "no", ""], ["right", "thank you", "thank you"]],
    ]
    assert [(one["of"], one["substituted"], one["left out"], one["put in"]) for one in said] == [
        (5, 1, 0, 0),
        (5, 0, 0, 1),
        (3, 0, 1, 0),
    ]


SLOTS = st.lists(
    st.sampled_from(["a", "b", "c-d", "c", "d"])
    | st.just({"label": "MONEY", "alternatives": [["5", "b"], ["a", "b", "c"], ["c"]]}),
    max_size=8,
)


@pytest.mark.slow
@settings(max_examples=60)
@given(SLOTS, st.lists(st.sampled_from(["a", "b", "c-d", "c", "d", "5"]), max_size=8))
def test_the_marked_errors_are_those_that_the_metric_counts(reference: list[Any], said: list[str]) -> None:
    counts, found = align(reference, said), steps(reference, said)
    kinds = [step.kind for step in found]
    assert (kinds.count("substituted"), kinds.count("left out"), kinds.count("put in")) == (
        counts.substitutions,
        counts.deletions,
        counts.insertions,
    )
    assert [word for step in found for word in step.said] == said
    assert sum(len(step.reference) for step in found) == counts.words


def test_a_transcript_without_end_is_not_marked_and_says_why() -> None:
    assert marked(["yes"], "no " * 5_000) == []
    assert marks.words(["yes"], "no " * 5_000) == {"unmarked": "far more was said than the reference holds"}
    assert "more than 3,000 words" in str(marks.words(["yes"] * 3_001, "no"))
    assert marks.words(["yes"], "")["words"] == [["left out", "yes", ""]]


def test_boxes_of_the_reference_and_each_field_s_verdict_are_there(tmp_path: Path, run_record: Make) -> None:
    data, (said,) = _examples(_site(tmp_path, run_record, Forms(tmp_path), [FOUND]))
    assert data[0]["boxes"] == [["total", "12.50 EUR", 300, 150, 380, 170, 0], ["payee", "Ann Lee", 20, 30, 120, 50, 0]]
    assert said["fields"] == [
        ["total", "12.50 EUR", "12.50  eur", "right in another form"], ["payee", "Ann Lee", None, "left out"],
        ["note", None, "urgent", "put in"], ["date", None, "<b>today</b>", "put in"],
    ]  # fmt: skip


def test_numbers_along_time_are_drawn_without_scripts_in_the_order_of_their_times(
    tmp_path: Path, run_record: Make
) -> None:
    page = next((_site(tmp_path, run_record, films(tmp_path), FELT) / "runs").glob("*.html")).read_text()
    part = page.split('id="along"')[1].split('id="examples"')[0]
    assert part.count('<svg class="curve"') == 2
    assert "&lt;b&gt;film 0" in part
    assert "<b>film" not in part
    assert part.index(">f1<") < part.index(">f0<") < part.index(">f2<")  # f1 begins at 0 s, f0 at 2 s
    # valence: |0 - 0.25| for f1 and |0.5 - 0.5| for f0; arousal: |0.5 - 0.25| and |0 - 0|
    assert "2 examples in order; valence: off by 0.12 on average; arousal: off by 0.12 on average" in part
    guesses = [line.split('"')[0] for line in part.split('class="line guess" d="')[1:]]
    assert [path.count("M") + path.count("L") for path in guesses if "5L25" not in path] == [
        2,
        2,
        1,
        1,
    ]  # f2 failed: a gap
    assert "seconds" in part


def test_values_that_are_none_or_nobody_s_are_no_fault(tmp_path: Path, run_record: Make) -> None:
    page = next((_site(tmp_path, run_record, films(tmp_path), [None] * 4) / "runs").glob("*.html")).read_text()
    assert "valence: nothing to compare" in page


@pytest.mark.parametrize(("make", "said", "secret"), [
    (calls, ["<b>fine</b>", "", "x"], "twelve"), (films, FELT, '"valence":0.25'), (Forms, [FOUND], "Ann Lee"),
])  # fmt: skip
@pytest.mark.parametrize("kept", [{"obtain": "from the owner"}, {"held_out": True}])
def test_of_references_that_may_not_be_shown_nothing_is_marked_drawn_or_copied(
    tmp_path: Path, run_record: Make, make: Any, said: Any, secret: str, kept: Any
) -> None:
    site = _site(tmp_path, run_record, make(tmp_path, **kept), said)
    texts = _texts(site)
    assert secret not in texts
    assert '"words"' not in texts
    assert '"boxes"' not in texts
    assert '"fields"' not in texts
    assert 'id="along"' not in texts
    media_there = [path for path in site.rglob("*") if path.suffix in (".wav", ".mp4", ".jpg")]
    assert bool(media_there) == ("held_out" in kept)  # what is asked may be seen, its answer not
    assert ("may not be passed on" in texts) == ("obtain" in kept)


def test_whoever_has_the_data_sees_and_hears_them_when_asked_for(tmp_path: Path, run_record: Make) -> None:
    site = _site(tmp_path, run_record, calls(tmp_path, obtain="from the owner"), HEARD, all_data=True)
    assert len([*site.rglob("*.wav")]) == 3
    assert '"substituted","euros","zeros"' in _texts(site)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_and_fields_are_no_markup(tmp_path: Path, run_record: Make, text: str) -> None:
    site = _site(tmp_path, run_record, Forms(tmp_path), [json.dumps({text: text, "total": text})])
    for path in site.rglob("*"):
        if path.suffix == ".html":
            assert text not in path.read_text("utf-8") or len(text) > 1_000
        elif path.suffix == ".js" and path.parent.name not in ("assets", "vendor"):
            assert not {"<", ">", "\u2028"} & set(path.read_text("utf-8"))


def test_every_script_that_a_page_names_is_there_and_the_policy_lets_media_play(
    tmp_path: Path, run_record: Make
) -> None:
    site = _site(tmp_path, run_record, calls(tmp_path), HEARD)
    page = next((site / "runs").glob("*.html")).read_text()
    assert "assets/look.js" in page
    assert "media-src &#39;self&#39; file:" in page
    assert (site / "assets/look.js").is_file()


def test_a_recording_that_goes_away_before_the_site_is_made_is_named(tmp_path: Path, run_record: Make) -> None:
    task = calls(tmp_path)
    (tmp_path / "c1.wav").unlink()
    data, _ = _examples(_site(tmp_path, run_record, task, HEARD))
    assert [one["media"][0]["kind"] for one in data] == ["audio", "named", "audio"]


def test_the_values_that_answer_a_question_are_boxed_on_their_page() -> None:
    task = built("finmm_docvqa", Path("nowhere"), documents=1)
    assert isinstance(task, Task)
    for example in task.examples():
        look = task.look(example)
        assert look.boxes
        for one in look.boxes:
            left, top, right, bottom = one.box
            assert 0 <= left < right
            assert 0 <= top < bottom
        if len(look.boxes) == 1:
            assert look.boxes[0].value in example.target


def test_a_task_that_tells_nothing_has_nothing_to_look_at() -> None:
    assert Calls(Path("x")).look(Example("a", {}, None, "a")) == Look()
    assert examples.along(examples.TaskData("none", None, all_data=True), [], {}).pictures == ()


def test_key_fields_are_boxed_and_judged_by_the_rule_that_their_metric_counts_by() -> None:
    task = built("finmm_page_fields", Path("nowhere"), documents=2)
    assert isinstance(task, Task)
    for example in task.examples():
        target = {field["name"]: field for field in example.target}
        boxes = {box.name for box in task.look(example).boxes}
        assert boxes == {name for name, field in target.items() if field["texts"]}
        ideal = task.answer(task.ideal(example))
        rows = marks.of(task, example, {name: text for name, text in ideal.items() if text is not None})["fields"]
        assert {row[3] for row in rows} == {"right"}
        amount = next(field for field in example.target if field["kind"] == "amount" and field["texts"])
        (row,) = [row for row in marks.of(task, example, {amount["name"]: amount["value"]})["fields"] if row[2]]
        assert row[3].startswith("right")
