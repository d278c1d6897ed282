"""Earnings-21: word error rate worked by hand, against rapidfuzz and all paths, on real outputs, and bad files."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from bench.data.nlp_transcript import Token, read_nlp, read_reference
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.metric import Metric
from bench.metrics.speech import SPEECH, WER, as_it_stands
from bench.metrics.word_alignment import align
from bench.scoring.measure import score
from bench.task import Malformed
from bench.types import Audio, Prediction, Transcribe
from tasks.earnings21 import Earnings21
from tasks.transcripts import spoken_words

BY_NAME = {metric.name: metric for metric in SPEECH}
HEADER = "token|speaker|ts|endTs|punctuation|case|tags|wer_tags\n"
NORMS = {
    "0": {
        "candidates": [{"probability": 1.0, "verbalization": ["five", "dollars"]}, {"verbalization": ["Five"]}],
        "class": "MONEY",
    },
    "1": {"candidates": [{"verbalization": []}], "class": "FALLBACK"},
}


def said(*ways: str, label: str = "MONEY") -> dict[str, Any]:
    """An entity that may be said in several ways."""
    return {"label": label, "alternatives": [way.split() for way in ways]}


FIVE = said("five dollars", "five bucks", "$5")


@pytest.mark.parametrize(
    ("reference", "answer", "expected"),  # substitutions, deletions, insertions, reference words
    [
        (["we", "grew"], "we grew", (0, 0, 0, 2)),
        (["we", "grew"], "", (0, 2, 0, 2)),
        (["we", "grew"], "we really grew", (0, 0, 1, 2)),
        (["we", "grew", "fast"], "we drew", (1, 1, 0, 3)),
        # two errors either way: one substitution less is taken
        (["a", "b"], "b c", (0, 1, 1, 2)),
        # three substitutions are fewer errors than two deletions, a match and two insertions
        (["a", "b", "c"], "c d e", (3, 0, 0, 3)),
        (["it", "cost", FIVE, "then"], "it cost five bucks then", (0, 0, 0, 5)),
        (["it", "cost", FIVE, "then"], "it cost $5 then", (0, 0, 0, 4)),  # as it is written
        (
            ["it", "cost", FIVE, "then"],
            "it cost five then",
            (0, 1, 0, 5),
        ),  # of five and dollars, or bucks, one is missing
        (["it", "cost", FIVE, "then"], "it cost then", (0, 1, 0, 4)),  # the shortest way to say it is missing
        (["it", "cost", FIVE, "then"], "it cost nine dollars then", (1, 0, 0, 5)),
        ([FIVE, FIVE], "$5 five dollars", (0, 0, 0, 3)),  # each in its own way
        (["so", said("", "n-", label="FALLBACK"), "no"], "so no", (0, 0, 0, 2)),  # need not be said
        (["so", said("", "n-", label="FALLBACK"), "no"], "so n no", (0, 0, 0, 3)),
        ([said("one"), "two"], "one two", (0, 0, 0, 2)),
    ],
)
def test_the_best_path_through_the_alternatives_is_counted(
    reference: list[Any], answer: str, expected: tuple[int, ...]
) -> None:
    counts = align(reference, answer.split())
    assert (counts.substitutions, counts.deletions, counts.insertions, counts.words) == expected
    assert counts.errors == sum(expected[:3])


@pytest.mark.parametrize(
    ("reference", "answer", "errors", "words"),
    [
        ("our long-term plan", "our long term plan", 0, 4),
        ("our long term plan", "our long-term plan", 0, 3),
        ("a year-over-year rise", "a year over year rise", 0, 5),
        ("our long-term plan", "our long plan", 1, 3),  # in part is not at all: one substitution, in three words
        ("our longterm plan", "our long term plan", 2, 3),
        ("the th- the", "the th the", 0, 3),  # a word that was broken off
        ("the th the", "the th- the", 1, 3),  # but not the other way round
        ("so <inaudible> yes", "so <unk> yes", 0, 3),
        ("so <inaudible> yes", "so yes", 1, 3),  # a tag is a word of the reference
        ("so yes", "so <unk> yes", 1, 2),
    ],
)
def test_hyphens_cut_offs_and_tags_count_as_in_fstalign(reference: str, answer: str, errors: int, words: int) -> None:
    counts = align(reference.split(), answer.split())
    assert (counts.errors, counts.words) == (errors, words)


def test_a_compound_is_not_found_across_the_border_of_an_entity() -> None:
    assert align(["long", said("term", label="FALLBACK")], ["long-term"]).errors == 2
    assert align([said("long term", label="FALLBACK")], ["long-term"]).errors == 0


def test_errors_within_entities_are_counted_by_class() -> None:
    year = said("nineteen eighty eight", "1988", label="YEAR")
    counts = align(["in", year, "we", "paid", FIVE], "in nineteen uh eighty eight so we paid six bucks".split())
    assert (counts.class_errors["YEAR"], counts.class_words["YEAR"]) == (1, 3)  # "uh" between two of its words
    assert (counts.class_errors["MONEY"], counts.class_words["MONEY"]) == (1, 2)
    assert counts.errors == 3  # "so" stands outside of both


def value(metric: Metric, references: Sequence[Any], answers: Sequence[str]) -> float:
    rows = np.array([metric.measure(r, a) for r, a in zip(references, answers, strict=True)])
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def test_rates_are_of_all_calls_together_and_case_does_not_count() -> None:
    calls, answers = [["a", "b"], ["a", "b", "c", "d", "e", "f"]], ["A x", "b c d e f g"]
    assert value(WER, calls, answers) == 3 / 8  # not the mean of 1/2 and 2/6
    assert value(BY_NAME["substitutions"], calls, answers) == 1 / 8
    assert value(BY_NAME["deletions"], calls, answers) == 1 / 8
    assert value(BY_NAME["insertions"], calls, answers) == 1 / 8
    assert value(BY_NAME["reference_words"], calls, answers) == 8.0
    assert not any(metric.higher_is_better for metric in SPEECH)


def test_a_failure_counts_as_silence_and_the_reference_itself_as_perfect() -> None:
    assert WER.worst(["a", FIVE]) == (2.0, 2.0)  # the shortest way is missing
    assert WER.best(["a", FIVE]) == (0.0, 2.0)
    assert as_it_stands(["a", FIVE, "b"]) == "a $5 b"


def test_a_class_without_entities_is_absent_with_the_reason() -> None:
    fit = BY_NAME["wer_MONEY"].fit
    assert fit is not None
    assert fit([["a"], ["b", FIVE]]).absent([]) == ""
    assert fit([["a"], ["b"]]).absent([]) == "the references have no entity of class MONEY"


WORDS = st.lists(st.sampled_from("abcd"), max_size=6)
ENTITY = st.lists(WORDS, min_size=1, max_size=3).map(lambda ways: {"label": "MONEY", "alternatives": ways})
REFERENCES = st.lists(st.one_of(st.sampled_from("abcd"), ENTITY), max_size=6)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(reference=WORDS, answer=WORDS)
def test_without_alternatives_it_is_the_edit_distance(reference: list[str], answer: list[str]) -> None:
    counts = align(reference, answer)
    assert counts.errors == Levenshtein.distance(reference, answer)
    assert counts.words == len(reference)
    assert counts.insertions - counts.deletions == len(answer) - len(reference)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(reference=REFERENCES, answer=WORDS)
def test_with_alternatives_it_is_the_least_edit_distance_of_all_paths(reference: list[Any], answer: list[str]) -> None:
    ways = [[[slot]] if isinstance(slot, str) else slot["alternatives"] for slot in reference]
    paths = [list(itertools.chain(*path)) for path in itertools.product(*ways)]
    distances = [Levenshtein.distance(path, answer) for path in paths]
    counts = align(reference, answer)
    assert counts.errors == min(distances)
    assert counts.words in {len(p) for p, d in zip(paths, distances, strict=True) if d == counts.errors}
    assert sum(counts.class_errors.values()) <= counts.errors


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(reference=REFERENCES)
def test_the_reference_as_it_stands_has_no_error(reference: list[Any]) -> None:
    assert align(reference, as_it_stands(reference).split()).errors == 0


def test_an_nlp_file_is_read_with_its_entities(tmp_path: Path) -> None:
    nlp, norms = tmp_path / "1.nlp", tmp_path / "1.norm.json"
    rows = [
        "It|1||||UC|[]|[]", "Cost|1|||,|UC|[]|['7']", "$5|1||||LC|['0:MONEY']|['0', '7']", "ish|1||||LC|['0:MONEY']|[]",
        "w-|1||||LC|['1:FALLBACK']|[]", "<laugh>|1|||.|LC|[]|[]", "Q1|2||||CA|['2:ALPHANUMERIC']|[]",
    ]  # fmt: skip
    nlp.write_text("\ufeff" + HEADER.replace("\n", "\r\n") + "\r\n".join(rows) + "\r\n\n", encoding="utf-8")
    norms.write_text(json.dumps(NORMS), encoding="utf-8")
    assert read_nlp(nlp)[2:4] == [Token("$5", "0", "MONEY"), Token("ish", "0", "MONEY")]
    assert read_reference(nlp, norms) == [
        "it",
        "cost",
        {"label": "MONEY", "alternatives": [["five", "dollars"], ["five"], ["$5", "ish"]]},
        {"label": "FALLBACK", "alternatives": [[], ["w-"]]},
        "<laugh>",
        {"label": "ALPHANUMERIC", "alternatives": [["q1"]]},
    ]


@pytest.mark.parametrize(
    ("nlp", "norms", "message"),
    [
        ("", "{}", "line 1: the column 'token' is missing"),
        ("good day and welcome", "{}", "line 1: the column 'token' is missing"),
        (HEADER, "{}", "holds no word"),
        (HEADER + "a|1||||LC|[]|[]\nb|1||||LC|[]\n", "{}", "line 3: 7 columns, expected 8"),
        (HEADER + "a|1||||LC|MONEY|[]\n", "{}", "line 2: the tag 'MONEY' is not of the form"),
        (HEADER + "a|1||||LC|[]|[]\n", '{"0": {"candidates": [{"verb', "not JSON: line 1 column"),
        (HEADER + "a|1||||LC|[]|[]\n", "[]", "expected an object"),
        (HEADER + "a|1||||LC|[]|[]\n", '{"0": {"class": "MONEY"}}', "entity '0': the field 'candidates'"),
        (HEADER + "caf\xe9|1||||LC|[]|[]\n", "{}", "line 2: byte 0xe9 is not UTF-8"),
    ],
)
def test_a_damaged_reference_is_refused_with_its_place(tmp_path: Path, nlp: str, norms: str, message: str) -> None:
    (tmp_path / "1.nlp").write_text(nlp, encoding="latin-1")
    (tmp_path / "1.norm.json").write_text(norms, encoding="utf-8")
    with pytest.raises(BenchError, match=message.replace("[", r"\[")):
        read_reference(tmp_path / "1.nlp", tmp_path / "1.norm.json")


@pytest.fixture
def task(tmp_path: Path) -> Earnings21:
    for folder in ("references", "normalizations", "media"):
        (tmp_path / "earnings21" / folder).mkdir(parents=True)
    row = "{}|1|||.|LC|{}|[]\n"
    for call, word in (("11", "rose"), ("22", "fell")):
        text = HEADER + row.format("It", "[]") + row.format(word, "[]") + row.format("$5", "['0:MONEY']")
        (tmp_path / f"earnings21/references/{call}.nlp").write_text(text, encoding="utf-8")
        (tmp_path / f"earnings21/normalizations/{call}.norm.json").write_text(json.dumps(NORMS), encoding="utf-8")
    (tmp_path / "earnings21/media/11.wav").write_bytes(b"RIFF")
    return Earnings21(DataSource("earnings21/", str(tmp_path)))


def test_a_request_is_the_recording_and_nothing_of_the_reference(task: Earnings21, tmp_path: Path) -> None:
    first, second = task.examples()
    assert (first.id, first.cluster, second.id) == ("11", "11", "22")
    assert task.request(first).parts == (Audio(str(tmp_path / "earnings21/media/11.wav")),)
    assert task.request(second).parts == (Audio(str(tmp_path / "earnings21/media/22.mp3")),)
    assert task.request(first).output == Transcribe("en")


def test_doctor_names_the_recordings_that_are_missing(task: Earnings21) -> None:
    size, missing = task.problems()
    assert size.startswith("2 examples, where")
    assert "1 recordings are missing, the first is" in missing
    assert missing.count("22.mp3") == 1


def test_the_ideal_prediction_has_no_error_and_silence_only_errors(task: Earnings21) -> None:
    examples = task.examples()
    best = score(task, examples, [task.ideal(example) for example in examples], resamples=0, seed=0)
    worst = score(task, examples, [Prediction(example.id, text="") for example in examples], resamples=0, seed=0)
    assert (best[0].metric, best[0].value, worst[0].value) == ("wer", 0.0, 1.0)


def test_official_figures_are_those_of_fstalign(task: Earnings21) -> None:
    examples = task.examples()
    scores = score(task, examples, [Prediction("11", answer="it rose six dollars")], resamples=0, seed=0)
    values = {s.metric: s.official for s in scores if s.official is not None}
    assert task.official(values, examples[:1]) == {
        "bestWER": {
            "wer": 0.25, "numErrors": 1, "numWordsInReference": 4, "insertions": 0, "deletions": 0, "substitutions": 1,
        },
        "classWER": {"MONEY": {"wer": 0.5}},
    }  # fmt: skip
    assert scores[0].value == pytest.approx(4 / 7)  # the call that was left out counts as silence: 3 of 3 are missing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Good day, and welcome.", "Good day and welcome"),
        ('"We\'re up 5.2%," he said — twice…', "We're up 5.2% he said twice"),
        ("It’s J.J. from the U.S. (really)!", "It's J.J. from the U.S. really"),
        ("our 401(k) plan, -5 to +3; $1,452.4 million", "our 401(k) plan -5 to +3 $1,452.4 million"),
        ("**Operator:** <laugh> press * 1 -- now", "Operator <laugh> press * 1 now"),
        ('```json\n{"text": "Good day."}\n```', "Good day"),
        ('{"transcript": "Good day."}', "Good day"),
        ('{"transcription": "Good day."}', "Good day"),
        ('{"segments": [{"text": "Good"}, {"start": 1.0, "text": "day."}], "language": "en"}', "Good day"),
        ("[00:00.000 --> 00:04.000]  Good day.\n[00:04.000 --> 00:05.000]  Bye", "Good day Bye"),
        ("1\n00:00:00,000 --> 00:00:04,000\nGood day\n\n2\n00:00:04,000 --> 00:00:05,000\nBye\n", "Good day Bye"),
        ("WEBVTT\n\n00:00.000 --> 00:04.000 align:start\nGood day", "Good day"),
        ("<|0.00|>Good day<|4.00|>", "Good day"),
        ("[BLANK_AUDIO] Good [noise] day ♪", "Good day"),
        ("cut\u2011off", "cut-off"),
        ("room 12\nGood", "room 12 Good"),
        ('{"text": 5}', "text 5"),
        ("I can't help with audio.", "I can't help with audio"),
        ("...", ""),
        ("", ""),
        ("non-cash, year-over-year", "non-cash year-over-year"),
    ],
)
def test_a_transcript_loses_the_punctuation_around_its_words(text: str, expected: str) -> None:
    assert spoken_words(text) == expected


def test_a_submission_is_a_folder_a_file_or_an_object(task: Earnings21, tmp_path: Path) -> None:
    folder = tmp_path / "asr"
    folder.mkdir()
    (folder / "11.nlp").write_text("token|speaker|ts\nIt|1|0\nRose,|1|1\n", encoding="utf-8")
    (folder / "22.txt").write_text("It fell.\n", encoding="utf-8")
    (folder / "33.ctm").write_text(";; made by\nx 1 0.0 0.5 it 0.9\n\nx 1 0.5 0.5 fell\n", encoding="utf-8")
    (folder / ".hidden.txt").write_text("no", encoding="utf-8")
    found = [("11", "it rose,"), ("22", "It fell.\n"), ("33", "it fell")]  # words as they are, also their punctuation
    assert list(task.submitted(folder, ())) == found
    assert list(task.submitted(folder / "11.nlp", ())) == found[:1]
    (tmp_path / "all.json").write_text('{"11": "it rose", "22": null}', encoding="utf-8")
    first, second = task.submitted(tmp_path / "all.json", ())
    assert first == ("11", "it rose")
    assert second == ("22", Malformed("found null, expected a text"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("11.nlp", b"word|speaker\nit|1\n", "line 1: the column 'token' is missing"),
        ("11.nlp", b"token|speaker\nit|1\nrose\n", "line 3: 1 columns, expected 2"),
        ("11.ctm", b"x 1 0.0 0.5 it\nx 1 0.5\n", "line 2: 3 columns, expected recording"),
        ("11.txt", b"it\nros\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        ("all.json", b'{"11": "it ro', "not JSON: line 1 column"),
    ],
)
def test_a_damaged_submission_is_refused_with_its_place(
    task: Earnings21, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchError, match=message):
        list(task.submitted(tmp_path / name, ()))


def test_what_is_not_there_is_named(task: Earnings21, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchError, match="holds no transcript"):
        list(task.submitted(tmp_path / "empty", ()))
    (tmp_path / "earnings21/normalizations/22.norm.json").unlink()
    with pytest.raises(BenchError, match=r"22\.norm\.json cannot be read"):
        task.examples()
    with pytest.raises(BenchError, match="holds no folder references/"):
        Earnings21(DataSource("earnings21/", path=str(tmp_path / "empty"))).examples()


@pytest.fixture(scope="module")
def real() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "earnings21").is_dir():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


# Published for all 44 calls (the data set's README): Rev 12.8 and 13.2, Microsoft 15.8, Google 17.8. Here are four of them.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "published"),
    [
        ("rev", 0.132),
        pytest.param("microsoft", 0.158, marks=pytest.mark.slow),
        pytest.param("google", 0.178, marks=pytest.mark.slow),
    ],
)
def test_real_recognisers_come_near_their_published_rates(real: Path, system: str, published: float) -> None:
    task = Earnings21(DataSource("earnings21/", str(real)))
    examples = task.examples()
    answers = dict(task.submitted(real / "earnings21" / "asr" / system, examples))
    found = value(WER, [example.target for example in examples], [answers[example.id] for example in examples])
    assert found == pytest.approx(published, abs=0.02)


@pytest.mark.slow
def test_on_real_calls_the_reference_itself_has_no_error(real: Path) -> None:
    task = Earnings21(DataSource("earnings21/", str(real)))
    for example in task.examples():
        assert WER.measure(example.target, task.answer(task.ideal(example)))[0] == 0.0


@pytest.mark.slow
def test_on_a_real_call_without_alternatives_it_is_the_edit_distance(real: Path) -> None:
    words = [token.word.replace("-", "").strip("<>") for token in read_nlp(real / "earnings21/references/4386541.nlp")]
    heard = [token.word.replace("-", "") for token in read_nlp(real / "earnings21/asr/google/4386541.nlp")]
    assert align(words, heard).errors == Levenshtein.distance(words, heard)
