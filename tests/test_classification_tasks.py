"""PhraseBank, Banking77, GoEmotions and RAVDESS: their files, requests, answers and submissions."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.data.source import DataSource
from bench.errors import BenchError
from bench.scoring.measure import score
from bench.task import Malformed, Unparsed
from bench.text.reply import labels_said
from bench.types import Audio, Choose, Prediction, Text
from tasks.banking77 import LABELS as INTENTS
from tasks.banking77 import Banking77
from tasks.goemotions import LABELS as EMOTIONS
from tasks.goemotions import GoEmotions
from tasks.labels import LabelTask, readable
from tasks.phrasebank import PhraseBank
from tasks.ravdess import LABELS as VOICES
from tasks.ravdess import Ravdess

LOCAL: Mapping[type[LabelTask], str] = {
    PhraseBank: "phrasebank/Sentences_50Agree.txt",
    Banking77: "banking77/test.csv",
    GoEmotions: "goemotions/test.tsv",
    Ravdess: "ravdess/",
}
TASKS = list(LOCAL)
RECORDINGS = ("03-01-05-01-01-01-02", "03-01-01-01-02-01-10", "03-01-08-02-01-02-02")
FILES = {
    "phrasebank/Sentences_50Agree.txt": "Sales at Café Ärlig rose .@positive\r\nMail to a@b.com .@neutral\r\n"
    "Mail to a@b.com .@neutral\r\n\r\nProfit fell .@negative\r\n",
    "banking77/test.csv": 'text,category\r\n"Where is my card, please?",card_arrival\r\n'
    '"\nMy ""new"" card\nis gone",lost_or_stolen_card\r\nPaid back?,reverted_card_payment?\r\n',
    "banking77/train.csv": "text,category\nRefund?,Refund_not_showing_up\n",
    "goemotions/test.tsv": 'So "kind of you\t18,15\tc1\r\nOk.\t27\tc2\nWow\u2028no\t26\tc3\n',
    "goemotions/dev.tsv": "Yes\t4\td1\n",
}


def build(kind: type[LabelTask], folder: Path) -> Any:
    return kind(DataSource(LOCAL[kind], data_dir=str(folder)))


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory of three to four invented examples a task."""
    write(tmp_path, FILES | {f"ravdess/{name}.wav": b"RIFF" for name in RECORDINGS})
    return tmp_path


@pytest.fixture(params=TASKS, ids=lambda kind: kind.name)
def task(request: pytest.FixtureRequest, folder: Path) -> Any:
    return build(request.param, folder)


def facts(examples: Any) -> list[tuple[str, Any, str]]:
    return sorted((example.id, example.target, example.cluster) for example in examples)


def by_id(task: Any) -> dict[str, Any]:
    return {example.id: example for example in task.examples()}


def test_a_sentence_ends_at_its_last_at_sign_and_one_that_comes_twice_is_one_cluster(folder: Path) -> None:
    task = build(PhraseBank, folder)
    assert facts(task.examples()) == [
        ("0", "positive", "0"), ("1", "neutral", "1"), ("2", "neutral", "1"), ("3", "negative", "3"),
    ]  # fmt: skip
    assert by_id(task)["0"].inputs["text"] == "Sales at Café Ärlig rose ."
    assert by_id(task)["1"].inputs["text"] == "Mail to a@b.com ."


@pytest.mark.parametrize("kind", [PhraseBank, Banking77], ids=lambda kind: kind.name)
def test_a_file_that_is_sorted_by_label_is_read_in_a_fixed_order_that_is_not(kind: Any, folder: Path) -> None:
    if kind is PhraseBank:
        text = "".join(f"Sentence number {i} .@{'positive' if i < 50 else 'negative'}\n" for i in range(100))
    else:
        rows = (f"question {i},{'card_arrival' if i < 50 else 'age_limit'}\n" for i in range(100))
        text = "text,category\n" + "".join(rows)
    (folder / LOCAL[kind]).write_text(text)
    targets = [example.target for example in build(kind, folder).examples()]
    assert targets == [example.target for example in build(kind, folder).examples()]
    assert len(set(targets[:10])) == len(set(targets[-10:])) == 2


def test_sentences_are_read_in_latin_1_and_in_utf_8_alike(folder: Path) -> None:
    path = folder / LOCAL[PhraseBank]
    expected = build(PhraseBank, folder).examples()
    text = path.read_bytes().decode("utf-8")
    for encoding in ("latin-1", "utf-8-sig"):
        path.write_bytes(text.encode(encoding))
        assert build(PhraseBank, folder).examples() == expected
    path.write_bytes("a\u0085 é .@neutral\n".encode("latin-1"))  # 0x85 ends no line
    assert [x.inputs["text"] for x in build(PhraseBank, folder).examples()] == ["a\u0085 é ."]


def test_questions_have_the_ids_of_their_rows_and_may_hold_line_breaks(folder: Path) -> None:
    task = build(Banking77, folder)
    assert facts(task.examples()) == [
        ("test-0", "card_arrival", "test-0"),
        ("test-1", "lost_or_stolen_card", "test-1"),
        ("test-2", "reverted_card_payment?", "test-2"),
    ]
    assert by_id(task)["test-1"].inputs["text"] == 'My "new" card\nis gone'
    assert facts(task.training()) == [("train-0", "Refund_not_showing_up", "train-0")]


def test_comments_have_the_ids_of_reddit_and_several_emotions(folder: Path) -> None:
    task = build(GoEmotions, folder)
    assert facts(task.examples()) == [
        ("c1", ["gratitude", "love"], "c1"), ("c2", ["neutral"], "c2"), ("c3", ["surprise"], "c3"),
    ]  # fmt: skip
    assert task.examples()[0].inputs["text"] == 'So "kind of you'  # a quotation mark means nothing
    assert facts(task.training()) == [("d1", ["approval"], "d1")]
    write(folder, {"goemotions/train.tsv": "No\t3\tt1\n"})
    assert facts(task.training()) == [("t1", ["annoyance"], "t1")]


@pytest.mark.parametrize(("kind", "name"), [(Banking77, "train.csv"), (GoEmotions, "dev.tsv")])
def test_a_training_file_that_is_itself_evaluated_is_not_trained_on(
    kind: type[LabelTask], name: str, folder: Path
) -> None:
    own = (folder / LOCAL[kind]).with_name(name)
    task: Any = kind(DataSource(LOCAL[kind], path=str(own)))
    assert len(task.examples()) == 1
    assert task.training() == ()


def test_recordings_are_found_in_one_folder_and_in_one_an_actor_alike(folder: Path) -> None:
    flat = build(Ravdess, folder)
    expected = flat.examples()
    assert facts(expected) == [
        (RECORDINGS[1], "neutral", "actor 10"), (RECORDINGS[0], "angry", "actor 02"), (RECORDINGS[2], "surprised", "actor 02"),
    ]  # fmt: skip
    assert flat.request(expected[0]).parts == (Audio(str(folder / "ravdess" / f"{RECORDINGS[0]}.wav")),)
    for name in RECORDINGS:
        place = folder / "ravdess" / f"Actor_{name[-2:]}"
        place.mkdir(exist_ok=True)
        (folder / "ravdess" / f"{name}.wav").rename(place / f"{name}.wav")
    nested = build(Ravdess, folder)
    assert nested.examples() == expected
    assert nested.request(expected[0]).parts == (Audio(str(folder / f"ravdess/Actor_02/{RECORDINGS[0]}.wav")),)


def test_song_film_and_hidden_files_are_passed_over(folder: Path) -> None:
    before = build(Ravdess, folder).examples()
    others = ("03-02-05-01-01-01-02.wav", "01-01-05-01-01-01-02.wav", "._03-01-05-01-01-01-02.wav", "notes.txt")
    write(folder, {f"ravdess/{name}": b"RIFF" for name in others})
    assert build(Ravdess, folder).examples() == before


@pytest.mark.parametrize(
    ("kind", "files", "message"),
    [
        (PhraseBank, {"phrasebank/Sentences_50Agree.txt": "Up .@positive\nDown .@bad\n"}, r"line 2: label 'bad' is not one of"),
        (PhraseBank, {"phrasebank/Sentences_50Agree.txt": "Up\n"}, r"line 1: found 'Up', expected text@label"),
        (PhraseBank, {"phrasebank/Sentences_50Agree.txt": "@positive\n"}, r"line 1: found '@positive', expected"),
        (Banking77, {"banking77/test.csv": "question,label\n"}, r"line 1: found 'question,label', expected the header"),
        (Banking77, {"banking77/test.csv": "text,category\nHi,no_label\n"}, r"line 2: 'no_label' is not one of the 77"),
        (Banking77, {"banking77/test.csv": "text,category\nHi\n"}, r"line 2: found \['Hi'\], expected text,category"),
        (Banking77, {"banking77/test.csv": 'text,category\n"Hi,age_limit\n'}, r"line 2: a quotation mark is opened here"),
        (Banking77, {"banking77/test.csv": b"text,category\nCaf\xe9,age_limit\n"}, r"line 2: byte 0xe9 is not UTF-8"),
        (GoEmotions, {"goemotions/test.tsv": "Hi\t27\tc1\nHi\t28\tc2\n"}, r"line 2: label '28' is not a number from 0 to 27"),
        (GoEmotions, {"goemotions/test.tsv": "Hi\tjoy\tc1\n"}, r"line 1: label 'joy' is not a number"),
        (GoEmotions, {"goemotions/test.tsv": "Hi\t2\tc0\nHi\t\tc1\n"}, r"1 of 2 examples have no answer, the first is 'c1'"),
        (GoEmotions, {"goemotions/test.tsv": "Hi\t2\n"}, r"line 1: found 'Hi\\t2', expected text, label numbers and id"),
        (Ravdess, {"ravdess/03-01-09-01-01-01-02.wav": ""}, r"03-01-09-01-01-01-02.wav: the name is not modality"),
        (Ravdess, {"ravdess/Actor_02/03-01-05-01-01-01-02.wav": ""}, r"03-01-05-01-01-01-02.wav lies also at"),
    ],
)  # fmt: skip
def test_damaged_data_are_refused_with_their_place(
    kind: type[LabelTask], files: dict[str, str], message: str, folder: Path
) -> None:
    write(folder, files)
    with pytest.raises(BenchError, match=message) as caught:
        build(kind, folder).examples()
    assert "\n" not in str(caught.value)


def test_a_folder_without_recordings_says_where_they_are_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "ravdess").mkdir()
    with pytest.raises(BenchError, match=r"holds no recording such as .*zenodo"):
        build(Ravdess, tmp_path).examples()


def test_a_request_asks_for_all_labels_as_words_and_ends_with_the_text(task: Any) -> None:
    for example in task.examples():
        request = task.request(example)
        assert request.output == Choose(tuple(readable(label) for label in task.labels), isinstance(task, GoEmotions))
        assert {part.kind for part in request.parts} == task.parts
        if not isinstance(task, Ravdess):
            assert request.parts[-1] == Text(example.inputs["text"])
            assert all(readable(label) in request.parts[0].text for label in task.labels)


def test_the_target_of_an_example_is_read_from_its_ideal_prediction(task: Any) -> None:
    examples = task.examples()
    scores = score(task, examples, [task.ideal(example) for example in examples], resamples=0, seed=0)
    for found in scores:
        if not found.metric.startswith("macro"):  # that is over all labels, most of which do not occur here
            assert found.value == pytest.approx(float(found.higher_is_better)), found.metric


@pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.name)
def test_labels_are_told_apart_by_their_words(kind: type[LabelTask]) -> None:
    words = [labels_said(readable(label), kind.labels) for label in kind.labels]
    assert words == [[label] for label in kind.labels]
    assert (len(INTENTS), len(EMOTIONS), len(VOICES)) == (77, 28, 8)


@pytest.mark.parametrize(
    ("scores", "label", "confidence"),
    [
        ((0.2, 0.7, 0.1), "neutral", 0.7),
        ((0.2, 0.7005, 0.1), "neutral", 0.7005),  # adds up to 1.0005
        ((0.2, 0.71, 0.1), "neutral", None),  # to 1.01
        ((-1.5, -0.2, -3.0), "neutral", None),  # log-probabilities
        ((-0.2, 0.7, 0.5), "neutral", None),  # add up to 1, but one is negative
        ((0.4, 0.2, 0.4), "negative", 0.4),  # the first of equals
        ((12.0, 3.0, 40.0), "positive", None),
    ],
)
def test_a_confidence_is_given_where_the_scores_are_probabilities(
    scores: tuple[float, ...], label: str, confidence: float | None, folder: Path
) -> None:
    prediction = Prediction("0", label_scores=dict(zip(PhraseBank.labels, scores, strict=True)))
    assert build(PhraseBank, folder).answer(prediction) == {"label": label, "confidence": confidence}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"joy": 0.5, "love": 0.9, "fear": 0.49}, ["joy", "love"]),
        ({"joy": 0.2, "love": 0.4}, ["love"]),
        ({"joy": 3.0, "love": 1.0}, ["joy"]),  # no probabilities: only the best
    ],
)
def test_of_several_labels_those_more_likely_than_not_are_given_else_the_best(
    scores: dict[str, float], expected: list[str], folder: Path
) -> None:
    given = {label: scores.get(label, 0.0) for label in EMOTIONS}
    assert build(GoEmotions, folder).answer(Prediction("c1", label_scores=given)) == {"labels": expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("positive", "positive"),
        (" Positive.\n", "positive"),
        ("The answer is: positive", "positive"),
        ("Sentiment: **Neutral**", "neutral"),
        ("The sentiment is negative because costs rose.", "negative"),
        ("Negative. Although profits were positive.", "negative"),
        ("neutral\n\nThe sentence states facts.", "neutral"),
        ('"Neutral"', "neutral"),
        ('```json\n{"label": "positive"}\n```', "positive"),
        ('{"answer": "Negative"}', "negative"),
        ("not positive", ""),
        ("positive or neutral", ""),
        ("positive/negative", ""),
        ("I cannot tell whether this is positive.", ""),
        ('["positive", "negative"]', ""),
        ('{"mood": "positive"}', ""),
        ("[" * 5000, ""),
        ("42", ""),
        ("", ""),
    ],
)
def test_a_label_is_read_out_of_text_where_it_stands_alone(text: str, expected: str, folder: Path) -> None:
    answer = build(PhraseBank, folder).answer(Prediction("0", text=text))
    due = {"label": expected, "confidence": None}
    assert answer == (due if expected else Unparsed(due))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("joy, love", ["joy", "love"]),
        ("Emotions: love and JOY.", ["joy", "love"]),
        ("- joy\n- love\n", ["joy", "love"]),
        ('{"labels": ["joy", "hope"]}', ["joy"]),
        ("none of these", []),
        ("", []),
    ],
)
def test_several_labels_are_read_out_of_a_text(text: str, expected: list[str], folder: Path) -> None:
    due = {"labels": expected}
    assert build(GoEmotions, folder).answer(Prediction("c1", text=text)) == (due if expected else Unparsed(due))


def submitted(task: Any, folder: Path, name: str, content: str | bytes) -> list[tuple[str, Any]]:
    write(folder, {name: content})
    return list(task.submitted(folder / name, task.examples()))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"test-0": "card_arrival", "test-9": "age limit", "test-0": "Refund_not_showing_up"}'),
        ("a.csv", "id,label\ntest-0,card_arrival\ntest-9,Age_Limit\ntest-0,refund_not_showing_up\n"),
        ("a.CSV", b"\xef\xbb\xbflabel,id\r\ncard_arrival,test-0\r\nage_limit,test-9\r\nRefund_not_showing_up,test-0\r\n"),
    ],
)  # fmt: skip
def test_a_submission_gives_labels_by_id_also_unknown_ones_and_those_that_come_twice(
    name: str, content: str | bytes, folder: Path
) -> None:
    found = submitted(build(Banking77, folder), folder, name, content)
    labels = ("card_arrival", "age_limit", "Refund_not_showing_up")
    expected = [{"label": label, "confidence": None} for label in labels]
    assert found == list(zip(("test-0", "test-9", "test-0"), expected, strict=True))


def test_a_submission_may_carry_confidences_which_feed_the_calibration_error(folder: Path) -> None:
    task = build(PhraseBank, folder)
    table = "id,label,confidence\n0,positive,0.9\n1,neutral,1\n2,neutral, \n3,positive,1.2\n"
    found = dict(submitted(task, folder, "a.csv", table))
    assert found["0"] == {"label": "positive", "confidence": 0.9}
    assert found["2"] == {"label": "neutral", "confidence": None}
    assert found["3"] == Malformed("confidence: found '1.2', expected a number from 0 to 1")
    given = json.dumps({str(i): {"label": "neutral", "confidence": 0.75} for i in range(4)})
    answers = [Prediction(name, answer=answer) for name, answer in submitted(task, folder, "a.json", given)]
    scores = {s.metric: s.value for s in score(task, task.examples(), answers, resamples=0, seed=0)}
    assert scores["ece"] == pytest.approx(0.25)  # half are right
    assert scores["aurc"] == pytest.approx(0.5)


def test_a_submission_without_confidences_has_no_calibration_error_and_says_why(folder: Path) -> None:
    task = build(PhraseBank, folder)
    answers = [Prediction(str(i), answer={"label": "neutral", "confidence": None}) for i in range(4)]
    notes = {s.metric: s.note for s in score(task, task.examples(), answers, resamples=0, seed=0) if s.value is None}
    assert notes == dict.fromkeys(("ece", "aurc"), "absent: 4 of 4 answers carry no confidence")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("card_arival", "found 'card_arival', which is no label; the nearest allowed one is 'card_arrival'"),
        ("%%%", "found '%%%', which is no label; allowed are card_arrival, card_linking,"),
        (3, "found 3, expected a label"),
        (None, "found null, expected a label"),
        (["age_limit"], "found a list, expected a label"),
        ({"label": "age_limit", "confidence": -0.1}, "confidence: found -0.1, expected a number from 0 to 1"),
        ({"label": 3}, "found 3, expected a label"),
        ({"intent": "age_limit"}, "found an object, expected a label"),
    ],
)
def test_an_answer_that_is_no_label_is_malformed_and_the_nearest_is_named(
    answer: Any, reason: str, folder: Path
) -> None:
    [(_, found)] = submitted(build(Banking77, folder), folder, "a.json", json.dumps({"test-0": answer}))
    assert isinstance(found, Malformed)
    assert found.reason.startswith(reason)


def test_several_labels_are_submitted_as_a_list(folder: Path) -> None:
    task = build(GoEmotions, folder)
    given = {"c1": ["love", "gratitude", "love"], "c2": [], "c3": "joy", "c4": ["joi"], "c5": [1]}
    assert submitted(task, folder, "a.json", json.dumps(given)) == [
        ("c1", {"labels": ["gratitude", "love"]}),
        ("c2", {"labels": []}),
        ("c3", Malformed("found a text, expected a list of labels")),
        ("c4", Malformed("found 'joi', which is no label; the nearest allowed one is 'joy'")),
        ("c5", Malformed("found 1, expected a label")),
    ]
    assert submitted(task, folder, "a.csv", 'id,label\nc1,"love, gratitude"\nc2,\nc3,joy;love\n') == [
        ("c1", {"labels": ["gratitude", "love"]}),
        ("c2", {"labels": []}),
        ("c3", {"labels": ["joy", "love"]}),
    ]


def test_probabilities_by_row_are_cut_where_the_official_script_cuts_them(folder: Path) -> None:
    lines = ["\t".join(EMOTIONS)]
    for chances in ({"joy": 0.31, "love": 0.3}, {"joy": "nan"}, {}, {"fear": 1}):
        lines.append("\t".join(str(chances.get(label, 0.0)) for label in EMOTIONS))
    found = submitted(build(GoEmotions, folder), folder, "a.tsv", "\n".join(lines) + "\n")
    assert found == [
        ("c1", {"labels": ["joy"]}),  # more than 0.3
        ("c2", Malformed("found 'nan', expected a finite number")),
        ("c3", {"labels": []}),
        ("row 3", {"labels": ["fear"]}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"c1": ["joy"', r"a\.json is not JSON: line 1 column"),
        ("a.json", "3", r"a\.json"),
        ("a.csv", "id,emotion\nc1,joy\n", r"a\.csv line 1: the column 'label' is missing"),
        ("a.csv", "id,label\nc1,joy,love\n", r"a\.csv line 2: 3 columns, expected 2"),
        ("a.csv", b"id,label\nc1,\xe9\n", r"a\.csv line 2: byte 0xe9 is not UTF-8"),
        ("a.tsv", "joy\tlove\n0\t1\n", r"a\.tsv line 1: the column 'admiration' is missing"),
    ],
)
def test_a_file_that_is_no_submission_is_refused(name: str, content: str | bytes, message: str, folder: Path) -> None:
    with pytest.raises(BenchError, match=message):
        submitted(build(GoEmotions, folder), folder, name, content)


def test_problems_tell_of_missing_examples_and_of_other_categories(folder: Path) -> None:
    task = build(Banking77, folder)
    short = "3 examples, where the test (test.csv; ids are test-0, test-1, … by row) has 3,080"
    assert list(task.problems()) == [short]
    write(folder, {"banking77/categories.json": json.dumps(INTENTS)})
    assert list(task.problems()) == [short]
    write(folder, {"banking77/categories.json": json.dumps(INTENTS[1:])})
    assert [problem.rpartition(": ")[2] for problem in task.problems()][1:] == [
        "does not hold the 77 labels of Banking77"
    ]


@pytest.fixture(scope="module")
def reference() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


SIZES: list[tuple[type[LabelTask], int, int, Callable[[Any], int], int]] = [
    (PhraseBank, 4_846, 4_838, lambda t: t == "neutral", 2_879),
    (Banking77, 3_080, 3_080, lambda t: t == "card_arrival", 40),
    (GoEmotions, 5_427, 5_427, len, 6_329),
    (Ravdess, 14, 2, lambda t: t == "calm", 0),
]


@pytest.mark.parametrize(("kind", "n", "clusters", "count", "counted"), SIZES, ids=lambda x: getattr(x, "name", ""))
def test_the_published_files_hold_the_published_numbers_of_examples(
    reference: Path, kind: type[LabelTask], n: int, clusters: int, count: Callable[[Any], int], counted: int
) -> None:
    task = build(kind, reference)
    examples = task.examples()
    assert len({example.id for example in examples}) == len(examples) == n
    assert len({example.cluster for example in examples}) == clusters
    assert sum(count(example.target) for example in examples) == counted
    assert list(task.problems()) == (
        [] if n == task.card.n_examples else [f"14 examples, where the {task.card.split} has 1,440"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", [PhraseBank, Banking77, GoEmotions], ids=lambda kind: kind.name)
def test_the_ideal_predictions_of_the_published_files_get_the_best_scores(
    reference: Path, kind: type[LabelTask]
) -> None:
    task = build(kind, reference)
    examples = task.examples()
    for found in score(task, examples, [task.ideal(example) for example in examples], resamples=0, seed=0):
        assert found.value == pytest.approx(float(found.higher_is_better)), found.metric


@pytest.mark.slow
def test_the_splits_for_training_are_those_published_and_share_no_id_with_the_test(reference: Path) -> None:
    for kind, n in ((Banking77, 10_003), (GoEmotions, 5_426)):
        task = build(kind, reference)
        training = task.training()
        assert len(training) == n
        assert not {example.id for example in training} & {example.id for example in task.examples()}
    assert set(Counter(example.target for example in build(Banking77, reference).training())) == set(INTENTS)
    assert build(PhraseBank, reference).training() == ()


def test_labels_stand_in_the_order_of_the_published_files(reference: Path) -> None:
    assert json.loads((reference / "banking77/categories.json").read_text(encoding="utf-8")) == list(INTENTS)
    assert (reference / "goemotions/labels.txt").read_text(encoding="utf-8").split() == list(EMOTIONS)
