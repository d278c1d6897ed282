"""Every task's final answers have one shape, whoever brings them: a parser, a journal, an official file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_data import NAMES, shipped, without_meteor, write

from bench.config.build import task_class
from bench.metrics import meteor
from bench.runs.settings import Settings
from bench.scoring.answers import final
from bench.scoring.measure import score
from bench.submissions.reading import Submission, evaluate, read
from bench.task import Malformed, Task
from bench.types import Example, Json, Prediction
from tasks.labels import LabelTask

Main = Callable[..., tuple[int, list[str], list[str]]]
Wrap = Callable[[str, Json], Json]

TEXT: list[Json] = [["Bohemia", "652 km"], {"answer": "x"}, 7, True, 0.5, [], "x" * 20_001]
LABEL: list[Json] = [
    7, True, [], "no such label", "x" * 1_000_000, {"label": 3}, {"label": ["a", "b"]}, {"confidence": 1.0},
]  # fmt: skip
VALUES: list[Json] = [
    {"valence": 0.1}, {"valence": 0.1, "arousal": "0.2"}, {"valence": True, "arousal": 0.2}, [0.1, 0.2], 0.1, "0.1",
    {"valence": 0.1, "arousal": 0.2, "anger": 1}, {"valence": 1e200, "arousal": 0.2}, {"valence": 10**400, "arousal": 0.2},
    {"valence": None, "arousal": 0.2},
]  # fmt: skip
TEXT_OR_NONE = [*TEXT, {"text": "x"}, {"text": ["x"], "no_answer": 0.1}, {"text": "x", "no_answer": True}]
ONE_LABEL = tuple(
    name for name in NAMES if issubclass(cls := task_class(name), LabelTask) and not cls.several
)  # whose answer is one label
HOSTILE: Mapping[str, list[Json]] = {
    **dict.fromkeys(("squad_v1", "squad_v1_parted", "xquad_en", "docvqa", "finmm_docvqa", "finmm_qa", "financebench"), TEXT),
    "finmm_video_qa": TEXT,
    "finmm_speech": [x if x != "x" * 20_001 else "x" * 1_000_001 for x in TEXT],
    **dict.fromkeys(("chitchat", "finmm_dialogue", "dstc7"), TEXT),
    **dict.fromkeys(
        ("squad_v2", "squad_v2_parted"), TEXT_OR_NONE
    ),
    "earnings21": [["a", "transcript"], {"text": "x"}, 7, "x " * 500_001],
    **dict.fromkeys(ONE_LABEL, LABEL),
    "finmm_ocr": TEXT,
    **{
        name: [
            "x", 7, True, ["x"], [{"a": "b"}], {field: ["1", "2"]}, {field: {"a": 1}}, {field: True}, {field: "x" * 1_001},
            {field: 10**400}, {field: "1", field.swapcase(): "2"},
        ]
        for name, field in (("finmm_page_fields", "total"), ("sroie", "total"), ("funsd", "TO:"))
    },
    "finmm_tables": [
        "x", 7, {"a": 1}, ["x"], [["x"], "y"], [["x", ["y"]]], [["x", True]], [[{"text": "x"}]], [["x"]] * 501, [["x"] * 61],
        [["x" * 501]], [["x" * 500] * 41], [[0.5, 10**400]],
    ],
    "goemotions": ["joy", {"label": "joy"}, {"labels": "joy"}, ["joy", 3], ["no such label"], {"joy": 1.0}, 7],
    "deft_sentence": ["2", "", 7, 0.5, ["0", "1"], {"label": "1"}],
    "deft_tags": ["O", 7, ["O"], ["O"] * 5_000, {"tags": ["O"]}, [["Term"]], [["Term", "x", -1]], [["Nothing", "x", 0]]],
    "deft_relations": [
        "x", 7, {"AKA": ["T1", "T2"]}, [["T1", "T2"]], [["T1", "T2", "Likes"]], [[1, 2, "AKA"]],
        [["T1", f"T{i}", "AKA"] for i in range(300)], [["T" * 1000, "T2", "AKA"]],
    ],
    "finentity": [
        "x", 7, [[0, 4, "Positive"], [0, 4, "Negative"]], [[0, 4, x] for x in ("Positive", "Negative", "Neutral")],
        [[4, 0, "Positive"]], [[0, 4]], [[0, 4, "Great"]], [[False, 4, "Positive"]], [[0, 4.0, "Positive"]],
        [[i, i + 1, "Neutral"] for i in range(1_001)],
    ],
    **{
        name: [
            "x", 7, {"a": 1}, [["x", 0]], [["x", -1, label]], [["x", True, label]], [["x", 0, "O"]], [[1, 0, label]], ["O"] * 99,
            [["x", 0, label], ["x", 0, other]], ["O", 3], [[f"x{i}", 0, label] for i in range(300)], [["x" * 5_001, 0, label]],
        ]
        for name, label, other in (("finer_ord", "PER", "ORG"), ("sec_ner", "PER", "LOC"), ("causal_detection", "CAUSE", "EFFECT"))
    },
    "finred": [
        "x", 7, {"a": 1}, [["x", "y"]], [["x", "y", "likes"]], [["x", 3, "brand"]], [["", "y", "brand"]],
        [[f"x{i}", "y", "brand"] for i in range(300)], [["x" * 1_001, "y", "brand"]],
    ],
    "tatqa": [
        "x", ["x"], ["a", "", "c"], [[{"a": 1}], ""], ["x", "thousand " * 5], ["x", 3], [True, ""], [["a", ["b"]], ""],
        [[str(i) for i in range(1_001)], ""], ["x" * 20_001, ""],
    ],
    "finqa": [{"a": 1}, True, [1, 2], ["EOF"] * 401],
    "fiqa_sentiment": [
        "x", True, [0.1], {}, 3.5, 1e200, 10**400, {"sentiment": "0.2"}, {"sentiment": True}, {"sentiment": None}, {"valence": 0.1},
        {"sentiment": 0.1, "anger": 1},
    ],
    "cflue": ["?", "H", 7, True, ["A", 3], ["AB"], "ABCDEFGH" * 3, {"labels": "H"}, {"label": "A"}, {"labels": ["A"], "best": 1}],
    "ectsum": [7, {"a": 1}, [["x"]], [1], ["x"] * 1_001, ["x" * 20_001], ["x" * 11_000] * 2],
    "convfinqa": [{"a": 1}, True, [1, 2], ["EOF"] * 401, 10**400, "9" * 20_001],
    "convfinqa_own": [{"a": 1}, None],
    "omg_emotion": VALUES,
    "finmm_video_emotion": VALUES,
    "finmm_voice_emotion": [*VALUES, {"valence": -1.5, "arousal": 0.2}],
    "finmm_emotion": [*VALUES, {"valence": -1.5, "arousal": 0.2}, {"valence": 0.5, "arousal": -0.1}],
}  # fmt: skip
# What only a journal can hold, as the official file has another form for it.
IN_JOURNALS: Mapping[str, list[Json]] = {
    **{
        name: [
            {"labels": ["x", "y"]}, {"label": "LABEL", "confidence": -5}, {"label": "LABEL", "confidence": 1.01},
            {"label": "LABEL", "confidence": True}, {"label": "LABEL", "other": 1}, {"label": "LABEL", "labels": []},
        ]
        for name in ONE_LABEL
    },
    "finqa": [{"program": ["EOF"], "value": 1.0}, {"program": None}, {"value": True, "program": None}],
    "tatqa": [{"answer": ["x"]}, {"answer": ["x"], "scale": "none of these " * 3}, {"answer": ["x"], "scale": "", "type": "span"}],
    "finentity": [[["Siemens", 0, "Positive"], ["Siemens", 0, "Negative"]], [["Siemens", -1, "Positive"]]],
}  # fmt: skip
OFFICIAL: Mapping[str, Wrap] = {  # how an official file holds an answer; elsewhere it is an object by id
    "docvqa": lambda key, answer: {"questionId": key, "answer": answer},
    "finqa": lambda key, answer: {"id": key, "predicted": answer},
    "ectsum": lambda key, answer: {"id": key, "summary": answer},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files."""
    return write(tmp_path_factory.mktemp("data"))


@cache
def first(task: Task) -> Example:
    """The first example."""
    return task.examples()[0]


def brought(task: Task, path: Path, content: str) -> Submission:
    """The submission in a file of this content, of the task's first example."""
    path.write_text(content, encoding="utf-8")
    return read(task, path, [first(task)])


def named(task: Task, hostile: Json) -> Json:
    """The shape with a label of the task where it needs a right one."""
    text = json.dumps(hostile)
    return json.loads(text.replace("LABEL", task.labels[0])) if "LABEL" in text else hostile  # type: ignore[attr-defined]


def test_every_task_has_hostile_shapes() -> None:
    assert set(HOSTILE) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_perfect_model_says_has_the_shape_and_passes_again_unchanged(name: str, folder: Path) -> None:
    task = shipped(name, folder)
    for example in task.examples()[:20]:
        once = final(task, example, task.ideal(example))
        assert not isinstance(once, Malformed), once
        assert task.checked(example, once) == once
        assert final(task, example, Prediction(example.id, answer=once)) == once


@pytest.mark.parametrize("name", NAMES)
def test_another_shape_is_malformed_in_a_journal_and_counts_as_wrong(name: str, folder: Path, tmp_path: Path) -> None:
    task = shipped(name, folder)
    example = first(task)
    for hostile in (*HOSTILE[name], *IN_JOURNALS.get(name, ())):
        answer = named(task, hostile)
        content = json.dumps({"id": example.id, "answer": answer})
        found = brought(task, tmp_path / "mine.jsonl", content)
        assert found.malformed == (example.id,), str(answer)[:200]
        assert "malformed: " in str(found.predictions[0].error)
        # What a bundle holds passes by the same check, without the door of `bench score`.
        assert isinstance(final(task, example, Prediction(example.id, answer=answer)), Malformed), str(answer)[:200]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "omg_emotion"])  # its CSV is refused by the line
def test_another_shape_is_malformed_in_an_official_file(name: str, folder: Path, tmp_path: Path) -> None:
    task = shipped(name, folder)
    key = first(task).id
    for hostile in (*HOSTILE[name], None):
        if name == "finmm_emotion" and hostile is None:
            continue
        one = OFFICIAL.get(name, lambda key, answer: {key: answer})(key, hostile)
        found = brought(task, tmp_path / "mine.json", json.dumps([one] if name in OFFICIAL else one))
        assert found.malformed == (key,), str(hostile)[:200]


def test_an_answer_beside_a_text_must_be_what_the_text_says(folder: Path, tmp_path: Path) -> None:
    task = shipped("squad_v1", folder)
    same = brought(task, tmp_path / "same.jsonl", '{"id": "elbe-1", "text": "Answer: Bohemia.", "answer": "Bohemia"}')
    assert same.malformed == ()
    other = brought(task, tmp_path / "other.jsonl", '{"id": "elbe-1", "text": "Saxony", "answer": "Bohemia"}')
    assert other.malformed == ("elbe-1",)
    assert "is not what its text says" in str(other.predictions[0].error)


@pytest.mark.parametrize(
    "line",
    [
        {"text": ["Bohemia"]}, {"text": 7}, {"label_scores": ["a"]}, {"label_scores": {"a": "1"}}, {"label_scores": {"a": True}},
        {"values": {"a": None}}, {"values": 3}, {"text": "x", "no_answer": 1.5}, {"text": "x", "no_answer": -1},
        {"text": "x", "no_answer": True},
    ],
)  # fmt: skip
def test_a_raw_prediction_of_another_type_is_malformed(line: dict[str, Json], folder: Path, tmp_path: Path) -> None:
    task = shipped("squad_v2", folder)
    found = brought(task, tmp_path / "mine.jsonl", json.dumps({"id": "elbe-1", **line}))
    assert found.malformed == ("elbe-1",)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ravdess", "phrasebank"])
def test_all_labels_at_once_score_nothing_through_the_command(
    name: str, folder: Path, tmp_path: Path, bench_main: Main
) -> None:
    task = shipped(name, folder)
    every = list(task.labels)  # type: ignore[attr-defined]
    lines = [json.dumps({"id": example.id, "answer": {"labels": every}}) for example in task.examples()]
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    code, out, _ = bench_main(
        "score", name, "all.jsonl", "--json", f"data_dir='{folder}'", f"runs_dir='{tmp_path / 'runs'}'", "resamples=20"
    )
    found = json.loads(out[-1])
    assert code == 0
    assert found["submission"]["malformed"]["n"] == len(lines)
    assert found["scores"][task.metrics[0].name]["value"] == 0.0


def test_a_confidence_of_minus_five_makes_no_calibration_error(folder: Path, tmp_path: Path) -> None:
    task = shipped("phrasebank", folder)
    lines = [
        json.dumps({"id": example.id, "answer": {"label": example.target, "confidence": -5}})
        for example in task.examples()
    ]
    (tmp_path / "sure.jsonl").write_text("\n".join(lines))
    chosen = Settings(runs_dir=tmp_path / "runs", resamples=10)
    run, _, _ = evaluate(task, tmp_path / "sure.jsonl", "sure", chosen)
    values = {one.metric: one.value for one in run.scores}
    assert values["accuracy"] == 0.0
    assert 0.0 <= (values["ece"] or 0.0) <= 1.0


@pytest.mark.slow
def test_all_sentiments_of_every_capitalised_span_have_no_sentiment_accuracy(folder: Path) -> None:
    import re

    task = shipped("finentity", folder)
    examples = task.examples()[:50]
    said = []
    for example in examples:
        spans = [match.span() for match in re.finditer(r"[A-Z]\w*", example.inputs["text"])]
        answer = [[*span, label] for span in spans for label in ("Positive", "Negative", "Neutral")]
        said.append(Prediction(example.id, answer=answer))
    values = {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}
    assert values == {"f1": 0.0, "span_f1": 0.0, "sentiment_accuracy": 0.0}


def test_who_says_all_classes_of_a_place_is_right_once() -> None:
    from bench.metrics.labelling import label_accuracy

    metric = label_accuracy("x", lambda target: target, lambda target, answer: answer, signature="")
    every = [(0, 4, "a"), (0, 4, "b"), (0, 4, "c")]
    assert metric.measure([(0, 4, "a")], every) == (1.0, 3.0)


def test_a_span_on_which_annotators_differ_is_right_with_either_sentiment(folder: Path) -> None:
    task = shipped("finentity", folder)
    target = {"text": "Acme fell", "entities": [[0, 4, "Neutral"], [0, 4, "Positive"]], "moved": []}
    example = Example("0", {"text": "Acme fell"}, target, "0")
    for label, right in (("Neutral", 1.0), ("Positive", 1.0), ("Negative", 0.0)):
        (found, *_) = score(task, [example], [Prediction("0", answer=[[0, 4, label]])], resamples=0, seed=0)
        assert found.value == right


def test_a_model_that_names_an_entity_twice_has_the_first_sentiment(folder: Path) -> None:
    task = shipped("finentity", folder)
    said = task.answer(Prediction("0", text="Acme: Positive\nAcme: Negative\nAcme #2: Neutral"))
    assert said == [["Acme", 0, "Positive"], ["Acme", 2, "Neutral"]]
    target = {"text": "Acme, then Acme", "entities": [[0, 4, "Positive"], [11, 15, "Neutral"]], "moved": []}
    example = Example("0", {"text": target["text"]}, target, "0")
    (found, *_) = score(task, [example], [Prediction("0", answer=said)], resamples=0, seed=0)
    assert found.value == 1.0


@pytest.mark.slow
def test_relations_said_of_other_passages_count_for_nothing_in_what_ranks(folder: Path) -> None:
    task = shipped("deft_relations", folder)
    examples = task.examples()
    empty = [example.id for example in examples if not example.target]
    put: list[dict[frozenset[str], list[str]]] = [{} for _ in empty]  # one relation for two phrases of a passage
    for relation in (relation for example in examples for relation in example.target):
        pair = frozenset(relation[:2])
        next(one for one in put if pair not in one and len(one) < 250)[pair] = relation
    said = [Prediction(key, answer=list(one.values())) for key, one in zip(empty, put, strict=True)]
    found = {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}
    assert (found["macro_f1"] or 0.0) > 0.9  # the official score pools them
    assert task.metrics[0].name == "macro_f1_by_file"
    assert found["macro_f1_by_file"] == 0.0


def test_a_bundle_is_scored_by_the_same_shape(folder: Path) -> None:
    task = shipped("ravdess", folder)
    examples = task.examples()
    every = {"labels": list(task.labels)}  # type: ignore[attr-defined]
    found = score(task, examples, [Prediction(one.id, answer=every) for one in examples], resamples=0, seed=0)
    assert (found[0].value, found[0].n_failed) == (0.0, len(examples))


def test_the_rule_of_confidences_holds_for_strings_of_a_csv_too(folder: Path, tmp_path: Path) -> None:
    task = shipped("phrasebank", folder)
    key = first(task).id
    path = tmp_path / "mine.csv"
    path.write_text(f"id,label,confidence\n{key},positive,-5\n")
    assert read(task, path, [first(task)]).malformed == (key,)


SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**30), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
    st.sampled_from("Positive T1 AKA O B-Term percent million yes add( exp( ) EOF #0 const_1 1e400 999999999".split()),
)  # fmt: skip
KEY = st.sampled_from(
    ["text", "no_answer", "rank", "label", "labels", "confidence", "answer", "scale", "program", "value"]
)
ANY = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=3), max_leaves=8
)


def mutated(value: Json, put: Json, at: int) -> Json:
    """The value with one of its parts, counted from the outside, replaced."""
    if at == 0 or not isinstance(value, dict | list) or not value:
        return put
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[at % len(keys)]
    changed = mutated(value[key], put, at // len(keys))
    return value | {key: changed} if isinstance(value, dict) else [*value[:key], changed, *value[key + 1 :]]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(put=ANY, at=st.integers(0, 40))
def test_whatever_has_the_shape_can_be_measured_and_passes_again(name: str, put: Json, at: int, folder: Path) -> None:
    task = shipped(name, folder)
    example = first(task)
    if name == "earnings21":
        example = replace(example, target=example.target[:50])
    with patch.object(meteor, "ready", without_meteor):
        answer = mutated(task.checked(example, task.answer(task.ideal(example))), put, at)
        found = final(task, example, Prediction(example.id, answer=answer)) if answer is not None else Malformed("")
        if not isinstance(found, Malformed):
            assert task.checked(example, found) == found
        for one in score(task, [example], [Prediction(example.id, answer=answer)], resamples=0, seed=0):
            assert one.value is None or math.isfinite(one.value)


@pytest.mark.parametrize("name", ["finmm_emotion", "finmm_voice_emotion", "finmm_video_emotion", "omg_emotion"])
@pytest.mark.parametrize(
    ("said", "right"),
    [
        ('{"valence": 0.1, "arousal": 0.5}', True), ('Sure: {"Arousal": "0.5", "valence": 0.1}', True),
        ("I cannot tell.", False), ('{"valence": 0.1}', False), ('{"valence": 0.1, "arousal": NaN}', False),
    ],
)  # fmt: skip
def test_a_text_that_says_numbers_on_scales_is_read_and_one_that_does_not_is_told(
    name: str, said: str, right: bool, tmp_path: Path
) -> None:
    task = shipped(name, write(tmp_path))
    example = task.examples()[0]
    found = final(task, example, Prediction(example.id, text=said))
    if right:
        assert found == {"valence": 0.1, "arousal": 0.5}
    else:
        assert isinstance(found, Malformed)
        assert "expected a number" in found.reason
