"""The check of voice and video records: good ones pass; for a wrong one, the line, the field and the rule."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import VIDEO, VOICE, write_film, write_sound
from test_data_check import changed, seen, write
from test_data_check_properties import required_places, without

from bench.cli import main
from bench.data.check import check_file, format_problem
from bench.data.spec_schema import load
from bench.models.sound import opened

GOOD = {"voice": VOICE, "video": VIDEO}
S, W, E, A = "segments/0", "segments/0/words/2", "segments/0/entities/0", "annotations/0"
# kind, path, new value, field, rule
BAD_FIELDS: list[tuple[str, str, Any, str, str]] = [
    ("voice", "seconds", 0, "seconds", "range"),
    ("voice", "seconds", 1e308, "seconds", "range"),
    ("voice", "seconds", "4", "seconds", "type"),
    ("voice", "seconds", 3.0, "segments[1].end", "time-inside"),
    ("voice", "rate", 8000.0, "rate", "type"),
    ("voice", "rate", 10**400, "rate", "range"),
    ("voice", "channel", "phone", "channel", "enum"),
    ("voice", "licence", ..., "licence", "required"),
    ("voice", "sha256", "A" * 64, "sha256", "pattern"),
    ("voice", "source", "recorded", "source", "speaker-source"),
    ("voice", "speakers", [], "speakers", "count"),
    ("voice", "speakers/0/synthetic", False, "speakers[0].synthetic", "speaker-source"),
    ("voice", "speakers/0/synthetic", "yes", "speakers[0].synthetic", "type"),
    ("voice", "speakers/0/sex", "F", "speakers[0].sex", "enum"),
    ("voice", "segments", [], "segments", "count"),
    ("voice", f"{S}/speaker", "s3", "segments[0].speaker", "speaker-known"),
    ("voice", f"{S}/speaker", 3, "segments[0].speaker", "type"),
    ("voice", f"{S}/start", 2.45, "segments[1].start", "time-order"),
    ("voice", f"{S}/end", 0.2, "segments[0].end", "time-order"),
    ("voice", f"{S}/end", 2.0, "segments[0].words[9].end", "time-inside"),
    ("voice", f"{S}/start", 0.25, "segments[0].words[0].start", "time-inside"),
    ("voice", f"{S}/end", 10**400, "segments[0].end", "range"),
    ("voice", f"{S}/start", True, "segments[0].start", "type"),
    ("voice", "segments/1/speaker", "s1", "segments[1].start", "time-order"),
    ("voice", f"{W}/end", 0.5, "segments[0].words[2].end", "time-order"),
    ("voice", f"{W}/start", 0.3, "segments[0].words[2].start", "time-order"),
    ("voice", f"{W}/word", "", "segments[0].words[2].word", "empty-text"),
    ("voice", f"{E}/kind", "money", "segments[0].entities[0].kind", "enum"),
    ("voice", f"{E}/spoken", "twelve pounds", "segments[0].entities[0].spoken", "entity-words"),
    ("voice", f"{E}/last_word", 10**400, "segments[0].entities[0].last_word", "entity-words"),
    ("voice", f"{E}/first_word", -1, "segments[0].entities[0].first_word", "range"),
    ("voice", f"{E}/first_word", 5, "segments[0].entities[0].last_word", "entity-words"),
    ("voice", f"{E}/written", "£12.05", "segments[0].entities[0].written", "entity-written"),
    ("voice", f"{E}/value", "12.50", "segments[0].entities[0].value", "entity-value"),
    ("voice", f"{E}/value", 12.5, "segments[0].entities[0].value", "type"),
    ("voice", "segments/0/entities/1/value", "--02-30", "segments[0].entities[1].value", "entity-value"),
    ("voice", "segments/0/entities/1/value", "2023-02-29", "segments[0].entities[1].value", "entity-value"),
    ("voice", f"{S}/valence", -1.1, "segments[0].valence", "range"),
    ("voice", f"{S}/valence", -0.7, "segments[0].valence", "agreement"),
    ("voice", f"{S}/emotion", "fear", "segments[0].emotion", "agreement"),
    ("voice", f"{S}/emotion", "Anger", "segments[0].emotion", "enum"),
    ("voice", "segments/1/emotion", "sad", "segments[1].emotion", "agreement"),
    ("voice", "segments/1/valence", 0.1, "segments[1].arousal", "scale-pair"),
    ("voice", f"{A}/segment", 2, "annotations[0].segment", "annotation-segment"),
    ("voice", f"{A}/segment", -1, "annotations[0].segment", "range"),
    ("voice", f"{A}/annotator", "a2", "annotations[1].annotator", "annotator-once"),
    ("voice", "agreement", ..., "agreement", "agreement"),
    ("voice", "agreement", "single", "agreement", "agreement"),
    ("voice", "agreement", "vote", "agreement", "enum"),
    ("voice", "note", "x", "note", "unknown-field"),
    ("video", "kind", "film", "kind", "enum"),
    ("video", "frame_rate", 0, "frame_rate", "range"),
    ("video", "rate", ..., "rate", "no-sound"),
    ("video", "questions/0/to", 4.1, "questions[0].to", "time-inside"),
    ("video", "questions/0/from", 4.0, "questions[0].to", "time-order"),
    ("video", "questions/0/evidence", ["sum"], "questions[0].evidence[0]", "evidence-known"),
    ("video", "questions/0/answers", [], "questions[0].answers", "count"),
    ("video", "boxes/1/from", 1.0, "boxes[1].from", "time-order"),
    ("video", "boxes/1/box", [9, 0, 65, 48], "boxes[1].box", "box-inside-page"),
    ("video", "boxes/1/value", "", "boxes[1].value", "empty-text"),
]


@pytest.mark.parametrize("spec", GOOD)
def test_a_good_record_passes_with_its_file_looked_at(tmp_path: Path, spec: str) -> None:
    write_sound(tmp_path / VOICE["file"])
    write_film(tmp_path / VIDEO["file"])
    digest = hashlib.sha256((tmp_path / GOOD[spec]["file"]).read_bytes()).hexdigest()
    assert check_file(write(tmp_path, {**GOOD[spec], "sha256": digest}, "a.jsonl"), spec, opened=opened) == []


@pytest.mark.parametrize(("kind", "path", "value", "where", "rule"), BAD_FIELDS)
def test_a_wrong_field_of_a_recording_is_named_with_line_path_and_rule(
    tmp_path: Path, kind: str, path: str, value: Any, where: str, rule: str
) -> None:
    first = json.dumps(GOOD[kind]).replace('"f1-q1"', '"z-q1"') + "\n"
    bad = changed({**GOOD[kind], "id": "bad"}, path, value)
    if value == "recorded":
        bad["consent"] = "by letter"
    file = write(tmp_path, first + json.dumps(bad) + "\n", "bad.jsonl")
    problems = check_file(file, kind, check_images=False)
    assert (2, where, rule) in seen(problems)
    assert len({rule for _, _, rule in seen(problems)}) <= 2  # what follows from it, and no more
    assert all(line == 2 for line, _, _ in seen(problems))
    assert all("\n" not in format_problem(problem) for problem in problems)


def test_a_recorded_voice_needs_consent_and_an_annotation_a_value(tmp_path: Path) -> None:
    people = [{**speaker, "synthetic": False} for speaker in VOICE["speakers"]]
    recorded = {**VOICE, "source": "recorded", "speakers": people}
    found = check_file(write(tmp_path, recorded, "a.jsonl"), "voice", check_images=False)
    assert seen(found) == [(1, "consent", "consent")]
    assert check_file(write(tmp_path, {**recorded, "consent": "signed"}, "a.jsonl"), "voice", check_images=False) == []
    empty = [*VOICE["annotations"], {"annotator": "a3", "segment": 1}]
    found = check_file(write(tmp_path, {**VOICE, "annotations": empty}, "a.jsonl"), "voice", check_images=False)
    assert seen(found) == [(1, "annotations[2]", "annotation-empty")]


def test_assigned_values_need_not_agree_and_two_speakers_of_one_id_are_found(tmp_path: Path) -> None:
    assigned = changed({**VOICE, "agreement": "assigned"}, f"{S}/emotion", "happy")
    assert check_file(write(tmp_path, assigned, "a.jsonl"), "voice", check_images=False) == []
    twice = changed(VOICE, "speakers/1/id", "s1")
    found = check_file(
        write(tmp_path, changed(twice, "segments/1/speaker", "s1"), "a.jsonl"), "voice", check_images=False
    )
    assert (1, "speakers[1].id", "unique-id") in seen(found)


def test_entities_share_no_word_and_need_words(tmp_path: Path) -> None:
    two = changed(VOICE, "segments/0/entities/1", VOICE["segments"][0]["entities"][0])
    assert seen(check_file(write(tmp_path, two, "a.jsonl"), "voice", check_images=False)) == [
        (1, "segments[0].entities[1].first_word", "entity-words")
    ]
    none = check_file(write(tmp_path, changed(VOICE, f"{S}/words", ...), "a.jsonl"), "voice", check_images=False)
    assert [problem.rule for problem in none] == ["entity-words", "entity-words"]
    assert "without words" in none[0].message


FILES = [  # spec, what is made of the file, changes of the record, field, rule
    ("voice", lambda path: path.unlink(), {}, "file", "file-missing"),
    ("voice", lambda path: None, {"file": "../v1.wav"}, "file", "file-path"),
    ("voice", lambda path: None, {"file": "n" * 5000}, "file", "file-missing"),
    ("voice", lambda path: None, {"file": "a\0b"}, "file", "file-missing"),
    ("voice", lambda path: None, {"sha256": "0" * 64}, "sha256", "file-digest"),
    ("voice", lambda path: path.write_bytes(b""), {}, "file", "file-unreadable"),
    ("voice", lambda path: path.write_bytes(b"#EXTM3U\nhttp://localhost/a.ts\n"), {}, "file", "file-unreadable"),
    ("voice", lambda path: write_sound(path, 3.8), {}, "seconds", "file-length"),
    ("voice", lambda path: write_sound(path, rate=16000), {}, "rate", "file-rate"),
    ("voice", lambda path: path.write_bytes(path.read_bytes()[:40_000]), {}, "file", "file-unreadable"),
    ("video", lambda path: path.write_bytes(path.read_bytes()[:3_000]), {}, "file", "file-unreadable"),
    ("video", lambda path: write_film(path, 3.0), {}, "seconds", "file-length"),
    ("video", lambda path: write_film(path, rate=None), {}, "rate", "file-sound"),
    ("video", lambda path: write_film(path, rate=16000), {}, "rate", "file-rate"),
    ("video", lambda path: write_film(path, size=(80, 48)), {}, "width", "file-frame"),
    ("video", lambda path: None, {"frame_rate": 25}, "frame_rate", "file-frame"),
    ("video", lambda path: None, {"rate": ..., "segments": [], "annotations": []}, "rate", "file-sound"),
    ("video", lambda path: shutil.copy(path.parent.parent / VOICE["file"], path), {}, "file", "file-unreadable"),
]  # fmt: skip


@pytest.fixture(scope="module")
def media() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        write_sound(Path(folder) / VOICE["file"])
        write_film(Path(folder) / VIDEO["file"])
        yield Path(folder)


@pytest.mark.parametrize(("spec", "spoil", "changes", "where", "rule"), FILES)
def test_a_file_that_is_not_what_its_record_says_is_one_problem(
    tmp_path: Path, media: Path, spec: str, spoil: Any, changes: dict[str, Any], where: str, rule: str
) -> None:
    shutil.copytree(media, tmp_path, dirs_exist_ok=True)
    record = {key: value for key, value in {**GOOD[spec], **changes}.items() if value is not ...}
    spoil(tmp_path / GOOD[spec]["file"])
    file = write(tmp_path, record, "a.jsonl")
    assert seen(check_file(file, spec, opened=opened)) == [(1, where, rule)]
    assert check_file(file, spec, check_images=False) == []


@pytest.mark.slow
def test_the_command_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, VOICE, "a.jsonl")
    assert main(["data", "check", str(file), "--spec", "voice"]) == 1
    assert "file-missing" in capsys.readouterr().out
    assert main(["data", "check", str(file), "--spec", "voice", "--no-files"]) == 0
    assert "were not looked at" in capsys.readouterr().out
    write_sound(tmp_path / VOICE["file"], 1.0)
    assert main(["data", "check", str(file), "--spec", "voice", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["rule"] == "file-length"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["data", "check", str(file), "--spec", "voice"]) == 0
    assert "install PyAV" in capsys.readouterr().out


def judged(content: str | bytes, spec: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.jsonl"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [format_problem(problem) for problem in check_file(file, spec, check_images=False)]


# At no place of a record does a value of a wrong kind crash the check, or pass.
ODD = [None, True, -1, 10**400, 0.5, "x", "", [], {}, [[]], {"id": []}, float("nan"), float("-inf")]


@pytest.mark.slow
@pytest.mark.parametrize("spec", GOOD)
def test_no_value_at_any_required_place_crashes_the_check_and_none_can_be_left_out(spec: str) -> None:
    optional = ("words", "entities", "valence", "arousal", "emotion", "annotations", "agreement", "voice", "evidence",
                "value", "boxes", "rate", "channel")  # fmt: skip
    for place in (place for place in required_places(GOOD[spec]) if not {1, 2, 3, 4, 5, 6, 7, 8, 9} & set(place)):
        lines = []
        for number, odd in enumerate(ODD):
            record = changed({**GOOD[spec], "id": str(number)}, "/".join(map(str, place)), odd)
            lines.append(json.dumps(record))
        problems = judged("\n".join(lines), spec)
        assert all("\n" not in problem for problem in problems)
        if place[-1] not in optional:
            assert judged(json.dumps(without(GOOD[spec], place)), spec) != [], place


OUR_KEYS = sorted({key for spec in GOOD for each in load(spec)["$defs"].values() for key in each.get("properties", ())})
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(OUR_KEYS), inner, max_size=6),
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(ANY | st.binary(max_size=100), st.sampled_from(sorted(GOOD)))
def test_anything_is_judged_on_single_lines_without_a_crash(value: Any, spec: str) -> None:
    problems = judged(value if isinstance(value, bytes) else json.dumps(value), spec)
    assert problems
    assert all("\n" not in problem for problem in problems)


def test_an_empty_recording_is_said_to_be_empty(tmp_path: Path) -> None:
    write_sound(tmp_path / VOICE["file"], 0.0)
    (tmp_path / "a.jsonl").write_text(json.dumps(VOICE) + "\n")
    (found,) = check_file(tmp_path / "a.jsonl", "voice", opened=opened)
    assert (found.field, found.rule) == ("file", "file-length")
    assert found.message == "found a file that lasts 0 s; one that lasts longer is allowed"


def test_a_file_is_named_as_it_lies_in_the_folder_wherever_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("no sound")
    place = tmp_path / "data" / VOICE["file"]
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "outside.txt")
    (tmp_path / "data/a.jsonl").write_text(json.dumps(VOICE) + "\n")
    (found,) = check_file(tmp_path / "data/a.jsonl", "voice", opened=opened)
    assert found.rule == "file-unreadable"
    assert "sounds/v1.wav" in found.message
    assert "outside.txt" not in found.message


def test_the_column_of_a_line_that_is_cut_off_is_one_of_that_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "v1",\n' + json.dumps(VOICE) + "\n")
    found = check_file(tmp_path / "a.jsonl", "voice", check_images=False)[0]
    assert (found.line, found.rule) == (1, "json")
    assert "(column 13)" in found.message
