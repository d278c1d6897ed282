"""DeftEval: the corpus' files, F1 of tags against scikit-learn, submissions, ugly replies."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import deft_format as deft
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics.metric import Metric, RankedMetric
from bench.scoring.measure import score
from bench.task import Malformed, Unparsed
from bench.types import Choose, Generate, Prediction, Text
from tasks.deft import Deft
from tasks.deft_relations import DeftRelations
from tasks.deft_sentence import DeftSentence
from tasks.deft_tags import DeftTags, tagged


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@given(pairs=st.lists(st.tuples(*[st.sampled_from([*deft.TAGS[:4], "O", "B-Other"])] * 2), min_size=1, max_size=12))
def test_macro_f1_of_tags_is_that_of_scikit_learn_with_its_labels_given(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    golds, tags = ([pair[side] for pair in pairs] for side in (0, 1))
    target = {"tokens": ["x"] * len(pairs), "tags": golds}
    for metric, average in zip(DeftTags.metrics, ("macro", "micro"), strict=True):
        assert isinstance(metric, Metric)
        expected = metrics.f1_score(golds, tags, labels=list(deft.TAGS), average=average, zero_division=0)
        row = np.array(metric.measure(target, tags))
        assert metric.summarise(row, np.array(1.0)) == pytest.approx(expected, abs=1e-12)


TOKENS = """\
12\t data/x.deft\t 0\t 2\t O\t -1\t -1\t 0
.\t data/x.deft\t 2\t 3\t O\t -1\t -1\t 0

A\t data/x.deft\t 4\t 5\t B-Term\t T1\t 0\t 0
weir\t data/x.deft\t 6\t 10\t I-Term\t T1\t 0\t 0
is\t data/x.deft\t 11\t 13\t O\t -1\t -1\t 0
a\t data/x.deft\t 14\t 15\t B-Definition\t T2\t T1\t Direct-Defines
"\t data/x.deft\t 16\t 17\t I-Definition\t T2\t T1\t Direct-Defines
low\t data/x.deft\t 17\t 20\t I-Definition\t T2\t T1\t Direct-Defines
dam\t data/x.deft\t 21\t 24\t I-Definition\t T2\t T1\t Direct-Defines

It\t data/x.deft\t 25\t 27\t B-Secondary-Definition\t T3\t T2\t Supplements
leaks\t data/x.deft\t 28\t 33\t I-Secondary-Definition\t T3\t T2\t Supplements


13\t data/x.deft\t 40\t 42\t O\t -1\t -1\t 0
.\t data/x.deft\t 42\t 43\t O\t -1\t -1\t 0

Water\t data/x.deft\t 44\t 49\t O\t -1\t -1\t 0
flows\t data/x.deft\t 50\t 55\t O\t -1\t -1\t 0


"""
SENTENCES = '" 12 . A weir is a "" low dam"\t"1"\n"It leaks"\t"0"\n" 13 . Water flows"\t"0"\n'


def five_columns(text: str) -> str:
    return "\n".join("\t".join(line.split("\t")[:5]) for line in text.split("\n"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small corpus: two files of each subtask with the same ids, one development file."""
    for subtask, content in ((1, SENTENCES), (2, five_columns(TOKENS)), (3, TOKENS)):
        folder = tmp_path / f"deft/test_files/labeled/subtask_{subtask}"
        folder.mkdir(parents=True)
        for name in ("t1_rivers_0", "t2_seas_0"):
            (folder / f"task_{subtask}_{name}.deft").write_text(content, encoding="utf-8")
    (tmp_path / "deft/deft_files/dev").mkdir(parents=True)
    (tmp_path / "deft/deft_files/dev/t3_lakes_0.deft").write_text(TOKENS, encoding="utf-8")
    return tmp_path


def tasks(root: Path) -> list[Deft]:
    return [cls(DataSource("deft/", data_dir=str(root))) for cls in (DeftSentence, DeftTags, DeftRelations)]


def official_folder(root: Path, task: Deft) -> Path:
    return root / f"deft/test_files/labeled/subtask_{task.subtask}"


def scored(task: Deft, path: Path) -> dict[str, float]:
    examples = task.examples()
    answers = [(key, answer) for key, answer in task.submitted(path, examples)]
    predictions = [Prediction(key, answer=answer) for key, answer in answers if not isinstance(answer, Malformed)]
    found = score(task, examples, predictions, resamples=0, seed=0)
    return {one.metric: one.value for one in found if one.value is not None}


def test_a_row_is_a_sentence_a_blank_line_ends_a_sentence_and_two_end_a_passage(root: Path) -> None:
    sentence, tags, relations = (task.examples() for task in tasks(root))
    assert [e.inputs["sentence"] for e in sentence[:3]] == [
        '12 . A weir is a " low dam',
        "It leaks",
        "13 . Water flows",
    ]
    assert [e.target for e in sentence] == ["1", "0", "0"] * 2
    assert [len(e.inputs["tokens"]) for e in tags] == [2, 7, 2, 2, 2] * 2
    assert [len(e.inputs["tokens"]) for e in relations] == [11, 4] * 2
    assert tags[1].target["tags"] == ["B-Term", "I-Term", "O", "B-Definition", *["I-Definition"] * 3]
    assert relations[0].target == [["T1", "T2", "Direct-Defines"], ["T2", "T3", "Supplements"]]
    assert relations[0].inputs["phrases"][1] == ["T2", "Definition", 'a " low dam']
    assert [e.id for e in relations] == ["t1_rivers_0:0", "t1_rivers_0:1", "t2_seas_0:0", "t2_seas_0:1"]
    assert relations[3].cluster == "t2_seas_0"


def test_development_files_are_for_training_and_have_the_numbers_of_sections_before_their_sentences(root: Path) -> None:
    sentence, tags, relations = (task.training() for task in tasks(root))
    assert [(e.inputs["sentence"], e.target) for e in sentence] == [
        ('12 . A weir is a " low dam', "1"), ("It leaks", "0"), ("13 . Water flows", "0")
    ]  # fmt: skip
    assert len(tags) == 5
    assert len(relations) == 2
    for task, examples in zip(tasks(root), (sentence, tags, relations), strict=True):
        assert not {e.id for e in examples} & {e.id for e in task.examples()}


def test_a_request_tells_all_but_the_target(root: Path) -> None:
    for task in tasks(root):
        for example in task.examples():
            request = task.request(example)
            assert request == task.request(replace(example, target=None))
            assert isinstance(request.output, task.output)
        last = request.parts[-1]
        assert isinstance(last, Text)
        assert "Water flows" in last.text  # what is asked about ends the prompt, after the worked examples
    asked = tasks(root)[2].request(tasks(root)[2].examples()[0]).parts[-1]
    assert isinstance(asked, Text)
    assert '\nT2 Definition: a " low dam\n' in asked.text
    assert "Direct-Defines" not in asked.text


def test_the_oracle_scores_one_and_so_do_the_gold_files(root: Path) -> None:
    for task in tasks(root):
        examples = task.examples()
        ideal = [(e, task.answer(task.ideal(e))) for e in examples]
        for metric in task.metrics:
            assert isinstance(metric, Metric | RankedMetric)
            for example, answer in ideal:
                assert metric.measure(example.target, answer) == metric.best(example.target)
    sentence, tags, relations = (scored(task, official_folder(root, task)) for task in tasks(root))
    assert sentence == {"f1": 1.0, "precision": 1.0, "recall": 1.0}
    # Term and Definition are there with B and I: 4 of 12 tags; Direct-Defines and Supplements: 2 of 5 relations
    assert tags == pytest.approx({"macro_f1": 4 / 12, "micro_f1": 1.0})
    assert relations == pytest.approx({"macro_f1": 2 / 5, "macro_f1_by_file": 2 / 5, "micro_f1_by_file": 1.0})


def test_the_official_scores_have_their_official_names(root: Path) -> None:
    names = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "macro_f1": 0.25, "micro_f1": 0.5}
    assert [dict(task.official(names, ())) for task in tasks(root)] == [
        {"subtask_1_f1-score": 0.5}, {"subtask_2_f1-score_macro": 0.25}, {"subtask_3_f1-score_macro": 0.25}
    ]  # fmt: skip


def test_equal_ids_of_two_files_are_one_relation_for_the_official_score(root: Path) -> None:
    task, folder = tasks(root)[2], root / "mine"
    folder.mkdir()
    (folder / "task_3_t1_rivers_0.deft").write_text(TOKENS)
    (folder / "task_3_t2_seas_0.deft").write_text(TOKENS.replace("T1\t Direct-Defines", "0\t 0"))
    found = scored(task, folder)
    assert found["macro_f1"] == pytest.approx(2 / 5)  # T2 Direct-Defines T1 is found in one file, which is enough
    assert found["macro_f1_by_file"] == pytest.approx((2 / 3 + 1) / 5)


def test_files_are_matched_by_name_and_rows_by_place(root: Path) -> None:
    sentence, tags, relations = tasks(root)
    folder = root / "mine"
    folder.mkdir()
    # Plain names, CRLF, a byte order mark, no blank lines, no spaces, quoted cells and all columns are fine.
    rows = [[cell.strip() for cell in line.split("\t")] for line in TOKENS.split("\n") if line.strip()]
    quoted = ["\t".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    (folder / "t2_seas_0.deft").write_bytes(("\ufeff" + "\r\n".join(quoted)).encode())
    (folder / "task_1_t1_rivers_0.deft").write_text(SENTENCES.replace(" 13", "13").replace('"1"', "1"))
    (folder / "task_2_t9_ponds_0.deft").write_text("x\ty\t0\t1\tO\n")
    said = dict(tags.submitted(folder, tags.examples()))
    assert {key for key in said if key.startswith("t2_seas_0")} == {f"t2_seas_0:{i}" for i in range(5)}
    assert said["t2_seas_0:1"] == tags.examples()[6].target["tags"]
    assert isinstance(said["t9_ponds_0"], Malformed)
    assert not any(key.startswith("t1") for key in said)  # a file that is not there: its sentences are missing
    assert dict(relations.submitted(folder, relations.examples()))["t2_seas_0:0"] == relations.examples()[0].target
    assert dict(relations.submitted(folder / "t2_seas_0.deft", relations.examples()[2:3])).keys() == {"t2_seas_0:0"}
    (folder / "t2_seas_0.deft").unlink()
    assert next(iter(sentence.submitted(folder, sentence.examples()))) == ("t1_rivers_0:0", "1")


def test_a_folder_for_all_three_subtasks_will_do(root: Path) -> None:
    for task in tasks(root):
        found = list(task.submitted(root / "deft/test_files/labeled", task.examples()))
        assert [key for key, _ in found] == [example.id for example in task.examples()]


NAME = "task_{n}_t1_rivers_0.deft"


@pytest.mark.parametrize(
    ("subtask", "content", "message"),
    [
        (
            1,
            SENTENCES.replace("It leaks", "It holds"),
            r"_0\.deft line 2: found the sentence 'It holds', expected 'It leak",
        ),
        (1, '"It leaks"\n', r"_0\.deft line 1: 1 column, expected a sentence and its label"),
        (1, "\n".join(SENTENCES.split("\n")[:2]), r"the row of t1_rivers_0:2 is missing"),
        (1, SENTENCES + '"More"\t"1"\n', r"_0\.deft line 4: more rows than the 3 gold sentences"),
        (2, TOKENS.replace("weir", "dyke"), r"_0\.deft line 5: found the token 'dyke', expected 'weir'"),
        (2, TOKENS.split("\n13\t")[0], r"_0\.deft: 11 tokens, expected 15; the first missing one is '13'"),
        (2, TOKENS + "end\tx\t0\t1\tO\n", r"_0\.deft line 23: 16 tokens, expected 15"),
        (2, "12\tx\t0\tO\n", r"_0\.deft line 1: 4 columns, expected 5 \(TOKEN FILE START END TAG\)"),
        (3, five_columns(TOKENS), r"_0\.deft line 1: 5 columns, expected 8 .*RELATION\)"),
    ],
)
def test_a_file_that_does_not_fit_the_gold_one_is_refused_by_name_and_line(
    root: Path, subtask: int, content: str, message: str
) -> None:
    task = tasks(root)[subtask - 1]
    folder = root / "mine"
    folder.mkdir()
    (folder / NAME.format(n=subtask)).write_text(content)
    with pytest.raises(BenchError, match=message):
        list(task.submitted(folder, task.examples()))


def test_a_latin_1_file_an_empty_folder_and_foreign_names_are_refused(root: Path) -> None:
    task = tasks(root)[1]
    folder = root / "mine"
    folder.mkdir()
    with pytest.raises(BenchError, match=r"mine holds no file task_2_NAME\.deft and no NAME\.deft"):
        list(task.submitted(folder, task.examples()))
    (folder / "other.deft").write_text(TOKENS)
    with pytest.raises(
        BenchError, match=r"no file is named as a gold one \(found other\.deft, expected e\.g\. task_2_t1"
    ):
        list(task.submitted(folder, task.examples()))
    (folder / "t1_rivers_0.deft").write_bytes(TOKENS.replace("weir", "wéir").encode("latin-1"))
    with pytest.raises(BenchError, match=r"t1_rivers_0\.deft line 5: byte 0xe9 is not UTF-8"):
        list(task.submitted(folder, task.examples()))
    (folder / "task_2_t1_rivers_0.deft").write_text(TOKENS)
    with pytest.raises(BenchError, match=r"mine holds both t1_rivers_0\.deft and task_2_t1_rivers_0\.deft"):
        list(task.submitted(folder, task.examples()))


def test_a_data_folder_without_the_corpus_is_named(root: Path) -> None:
    task = DeftSentence(DataSource("deft/", data_dir=str(root), path=str(root / "deft/deft_files")))
    with pytest.raises(BenchError, match="deft_files holds no folder test_files/labeled/subtask_1"):
        task.examples()


@pytest.mark.parametrize(
    ("subtask", "content", "key", "reason"),
    [
        (1, SENTENCES.replace('"1"', '"HasDef"'), "t1_rivers_0:0", "line 1: found 'HasDef', expected '0' or '1'"),
        (2, TOKENS.replace("B-Term", "B-Trem"), "t1_rivers_0:1", "line 4: found the tag 'B-Trem'"),
        (3, TOKENS.replace("Direct-Defines", "Defines"), "t1_rivers_0:0", "line 7: found the relation 'Defines'"),
    ],
)
def test_a_label_that_is_none_makes_one_answer_malformed(
    root: Path, subtask: int, content: str, key: str, reason: str
) -> None:
    task = tasks(root)[subtask - 1]
    folder = root / "mine"
    folder.mkdir()
    (folder / NAME.format(n=subtask)).write_text(content)
    said = dict(task.submitted(folder, task.examples()))
    assert [name for name, answer in said.items() if isinstance(answer, Malformed)] == [key]
    assert said[key].reason.startswith(reason)


@pytest.mark.parametrize(
    ("subtask", "answer", "expected"),
    [
        (1, "true", "1"), (1, "0", "0"), (1, '"1"', "1"), (1, "2", None), (1, '"yes"', None), (1, "null", None),
        (2, '["B-Term", "O"]', ["B-Term", "O"]), (2, '["O"]', None), (2, '["O", 1]', None), (2, '"O O"', None),
        (2, '["O", "Term"]', None), (2, '["O", "I-Secondary-Definition"]', ["O", "I-Secondary-Definition"]),
        (3, "[]", []), (3, '[["T1", "T2", "AKA"]]', [["T1", "T2", "AKA"]]), (3, '[["T1", "T2"]]', None),
        (3, '[["T1", "T2", "aka"]]', None), (3, '["T1 AKA T2"]', None), (3, "{}", None),
    ],
)  # fmt: skip
def test_answers_in_json_are_taken_or_malformed(root: Path, subtask: int, answer: str, expected: Any) -> None:
    task, path = tasks(root)[subtask - 1], root / "answers.json"
    path.write_text('{"t1_rivers_0:0": ' + answer + ', "unknown": 1}')
    found = dict(task.submitted(path, task.examples()))
    assert found["unknown"] == 1
    if expected is None:
        assert isinstance(found["t1_rivers_0:0"], Malformed)
    else:
        assert found["t1_rivers_0:0"] == expected


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ({"label_scores": {"no definition": -3.2, "definition": -1.5}}, "1"),
        ({"label_scores": {"no definition": 0.5, "definition": 0.5}}, "0"),
        ({"text": "Definition"}, "1"), ({"text": "**Yes**, it defines the term."}, "1"), ({"text": "1"}, "1"),
        ({"text": "\n No definition. The sentence …"}, "0"), ({"text": "It does not define anything"}, Unparsed("0")),
        ({"text": "No.\nA definition would say more."}, "0"), ({"text": ""}, Unparsed("0")),
        ({"text": "I cannot tell."}, Unparsed("0")),
    ],
)  # fmt: skip
def test_a_sentence_is_judged_by_scores_or_by_what_the_first_line_says(prediction: Any, expected: str) -> None:
    assert DeftSentence(DataSource("deft/")).answer(Prediction("x", **prediction)) == expected
    assert DeftSentence.output is Choose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Term: A weir\nDefinition: a low dam", [["Term", "A weir", 0], ["Definition", "a low dam", 0]]),
        ("- **Term**: weir\n2. **Alias Term:** dam.", [["Term", "weir", 0], ["Alias-Term", "dam.", 0]]),
        ("referential_definition - this wall", [["Referential-Definition", "this wall", 0]]),
        ("I-Definition: low dam #2\nB-Term: weir", [["I-Definition", "low dam", 2], ["Term", "weir", 0]]),
        ('```json\n{"Term": "weir", "Definition": ["a dam", "a wall"]}\n```',
         [["Term", "weir", 0], ["Definition", "a dam", 0], ["Definition", "a wall", 0]]),
        ("Sure! Here they are:\n\nTerm: weir\nHope this helps", [["Term", "weir", 0]]),
        ("none", []), ("Term: none\nDefinition: N/A", []), ("[]", []), ('{"Term": []}', []), ("No terms are defined.", []),
        *((said, Unparsed([])) for said in (
            "", "I can't help with that.", "{", "Secondary-Definition: it leaks", "The term: weir"
        )),
    ],
)  # fmt: skip
def test_phrases_are_read_from_ugly_replies(text: str, expected: list[Any]) -> None:
    assert DeftTags(DataSource("deft/")).answer(Prediction("x", text=text)) == expected


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        ([["Term", "weir", 0]], "O B O O O O O"),
        ([["Term", '"WEIR".', 0]], "O B O O O O O"),  # capitals, quotes and a full stop where there is no such place
        ([["Term", "a", 0]], "O O O B O O O"),  # the capital A is another word while there is a small one
        ([["Term", "a low -  dam", 0]], "O O O B I I I"),
        ([["Term", "low-dam", 0]], "O O O O B I I"),  # white space does not count
        ([["Term", "lo", 0]], "O O O O O O O"),  # no part of a word
        ([["Term", "river", 0]], "O O O O O O O"),
        ([["Term", "dam", 2]], "O O O O O O O"),  # there is no second one
        ([["Term", "weir is", 0], ["Term", "is a", 0]], "O B I O O O O"),  # taken by the first
        ([["I-Term", "weir is", 0]], "O I I O O O O"),
    ],
)
def test_a_phrase_takes_the_first_free_place(phrases: list[Any], expected: str) -> None:
    tokens = ["A", "weir", "is", "a", "low", "-", "dam"]
    names = {"O": "O", "B": "B-Term", "I": "I-Term"}
    assert tagged(tokens, phrases) == [names[mark] for mark in expected.split()]


def test_a_second_equal_phrase_takes_the_second_place_and_a_number_any() -> None:
    tokens = ["dam", "or", "dam", "or", "dam"]
    assert tagged(tokens, [["Term", "dam", 0], ["Qualifier", "dam", 0]])[:3] == ["B-Term", "O", "B-Qualifier"]
    assert tagged(tokens, [["Term", "dam", 3]]) == ["O"] * 4 + ["B-Term"]


def test_tags_of_another_length_than_the_sentence_are_refused() -> None:
    metric = DeftTags.metrics[0]
    assert isinstance(metric, Metric)
    with pytest.raises(ValueError, match="found 1 tags, expected 2"):
        metric.measure({"tokens": ["a", "b"], "tags": ["O", "O"]}, ["O"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T2 Direct-Defines T1", [["T1", "T2", "Direct-Defines"]]),
        ("1. **T2** indirect defines T1.\n2. T3 -> T2: Supplements",
         [["T1", "T2", "Indirect-Defines"], ["T2", "T3", "Supplements"]]),
        ("(T3, aka, T1) because T4 is a term", [["T1", "T3", "AKA"]]),
        ("T2 refers to T1\nT2 Refers-To T1", [["T1", "T2", "Refers-To"]]),
        ("t12-FRAG Supplements t2", [["T2", "T12-frag", "Supplements"]]),
        ('```json\n[["T1", "T2", "AKA"]]\n```', [["T1", "T2", "AKA"]]),
        ("none", []), ("[]", []), ("T2 AKA T1\nT2 Refers-To T1", []),
        *((said, Unparsed([])) for said in ("", "T2 defines T1", "T2 AKA", "Refers-To T1", "[[1]]")),
    ],
)  # fmt: skip
def test_relations_are_read_from_ugly_replies(text: str, expected: list[Any]) -> None:
    assert DeftRelations(DataSource("deft/")).answer(Prediction("x", text=text)) == expected
    assert DeftRelations.output is Generate


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "deft").exists():
        pytest.skip(f"the DEFT corpus is not in {folder}; set BENCH_DATA to its folder")
    return folder


@pytest.mark.slow
def test_the_real_corpus_is_whole_and_its_gold_files_and_oracle_score_one(data: Path) -> None:
    for task in tasks(data):
        assert list(task.problems()) == []
        assert set(scored(task, official_folder(data, task)).values()) == {1.0}
        for example in task.examples():
            answer = task.answer(task.ideal(example))
            for metric in task.metrics:
                assert isinstance(metric, Metric | RankedMetric)
                assert metric.measure(example.target, answer) == metric.best(example.target), example.id


@pytest.mark.slow
def test_sentences_of_the_real_corpus_are_labelled_by_their_tags(data: Path) -> None:
    sentence = {" ".join(e.inputs["sentence"].split()): e.target for e in tasks(data)[0].examples()}
    derived = {}
    for path in deft.files(deft.labelled(data / "deft", 3), 3).values():
        for passage in deft.passages(path, full=True):
            derived |= {" ".join(t.text for t in one): str(int(deft.defines(one))) for one in deft.merged(passage)}
    both = sentence.keys() & derived.keys()
    assert len(both) > 0.95 * len(sentence)
    assert sum(sentence[one] != derived[one] for one in both) <= 0.01 * len(both)


@pytest.mark.parametrize("token", ["", "two words", "sub\x0cstance"])
def test_a_token_that_is_no_word_is_named_with_its_line(token: str, tmp_path: Path) -> None:
    path = tmp_path / "t3_lakes_0.deft"
    path.write_text(f"Lakes\tt3.txt\t0\t5\tO\n{token}\tt3.txt\t6\t9\tO\n", encoding="utf-8")
    with pytest.raises(BenchError, match=r"t3_lakes_0\.deft line 2: found the token"):
        deft.passages(path, full=False)
