"""Heads on text encoders: spans, labels, tags and numbers, against the library's own forward pass."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import small_text_models as small
from hypothesis import given
from hypothesis import strategies as st

from bench.config.build import build
from bench.data.source import DataSource
from bench.engine import feed
from bench.errors import BenchError
from bench.metrics.metric import Metric
from bench.models.base import Device, Model
from bench.models.classifier import Classifier
from bench.models.encoder_head import packed
from bench.models.own_labels import matched
from bench.models.regressor import Regressor
from bench.models.span_head import SpanHead
from bench.models.tagger import Tagger, first_tokens
from bench.types import Choose, Example, Prediction, Regress, Request, Span, Tag, Text
from tasks.deft_tags import DeftTags
from tasks.finentity import FinEntity
from tasks.tagging import tagged_pieces

CPU = Device("cpu", "float32", 1)
slow = pytest.mark.slow


@dataclass(frozen=True)
class Askable(Span):
    """A question that may have no answer."""

    may_be_unanswerable: bool = True


def loaded(model: Any) -> Any:
    model.load(CPU, seed=0)
    return model


def one_at_a_time(model: Model, requests: Sequence[Request]) -> list[Prediction]:
    return [prediction for request in requests for prediction in model.predict([request])]


# What is packed


@pytest.mark.slow
@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 200), st.integers(0, 50))
def test_each_item_is_packed_once_within_the_budget_and_never_worse_than_in_one_pass_each(
    lengths: list[int], budget: int, pass_costs: int
) -> None:
    groups = list(packed(lengths, budget, pass_costs))
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    areas = [len(group) * max(lengths[i] for i in group) for group in groups]
    assert all(area <= budget for area, group in zip(areas, groups, strict=True) if len(group) > 1)
    assert sum(areas) + pass_costs * len(groups) <= sum(lengths) + pass_costs * len(lengths)


def test_a_pass_that_costs_nothing_pads_nothing_and_a_dear_one_is_shared() -> None:
    assert list(packed([5, 9, 5], 100, 0)) == [[1], [0, 2]]
    assert list(packed([5, 9, 5], 100, 50)) == [[1, 0, 2]]
    assert list(packed([5, 9, 5], 10, 50)) == [[1], [0, 2]]
    assert list(packed([50], 10, 1)) == [[0]]


@pytest.mark.slow
def test_the_adapters_are_imported_without_torch() -> None:
    names = "classifier, regressor, seq2seq, span_head, tagger"
    code = f"from bench.models import {names}; import sys; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Labels


def test_labels_are_matched_whatever_their_case_and_renamed_where_they_differ() -> None:
    own = ["NEGATIVE", "neutral", "LABEL_2"]
    found = matched(own, ["positive", "Negative", "neutral"], {"label_2": "positive"}, "m")
    assert found == {"positive": 2, "Negative": 0, "neutral": 1}
    assert matched(["a", "b"], ["A"], {"b": ""}, "m") == {"A": 0}


@pytest.mark.parametrize(
    ("own", "wanted", "renamed", "line"),
    [
        (["pos", "neg"], ["positive", "negative"], {}, "nothing for 'positive', 'negative'; set model.labels"),
        (["a", "b", "c"], ["a", "b"], {}, "more than was asked for: 'c'"),
        (["a", "b"], ["a", "b"], {"x": "a"}, "model.labels renames 'x'; the labels of m are 'a', 'b'"),
        (["a", "b"], ["a", "b"], {"a": "b"}, "'a' and 'b' both stand for 'b'"),
    ],
)
def test_labels_that_do_not_match_are_one_line(
    own: list[str], wanted: list[str], renamed: dict[str, str], line: str
) -> None:
    with pytest.raises(BenchError) as error:
        matched(own, wanted, renamed, "m")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cls", "changes", "line"),
    [
        ("span_head.SpanHead", {"stride": -1}, "model.stride=-1"),
        ("span_head.SpanHead", {"max_answer_length": 0}, "max_answer_length=0"),
        ("span_head.SpanHead", {"max_length": 0}, "model.max_length=0 must be at least 1"),
        ("span_head.SpanHead", {"stride": "wide"}, "model.stride"),
        ("span_head.SpanHead", {"threshold": 1}, "model.threshold is not a key of SpanHead"),
        ("classifier.Classifier", {"hypothesis": "About."}, "needs {} once"),
        ("classifier.Classifier", {"hypothesis": "{}.", "labels": {"a": "b"}}, "no model.labels beside it"),
        ("classifier.Classifier", {"tokens_per_pass": 0}, "model.tokens_per_pass=0"),
        ("regressor.Regressor", {"low": [0.0]}, "must have as many numbers"),
        ("regressor.Regressor", {"low": [1.0], "high": [1.0]}, "each low below its high"),
        ("tagger.Tagger", {"labels": "x"}, "model.labels"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_before_anything_is_loaded(
    cls: str, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(BenchError) as error:
        build({"_target_": f"bench.models.{cls}", "source": "file:x", **changes}, "model")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


# Tags


def test_a_piece_has_the_token_that_holds_its_first_letter() -> None:
    pieces = ["Wells ", " Fargo", ")", ". ", "x"]  # of the text "Wells  Fargo). x"
    places = [(0, 2), (2, 5), (5, 12), (12, 14)]  # a token that begins with a space, one that spans two pieces
    assert first_tokens(pieces, places) == [0, 2, 3, 3, None]
    assert first_tokens(["a ", "b"], [(2, 3)]) == [None, 0]


NEWS = "Apple rose 2.5%; Apple Bank fell. U.S. Bancorp sued Apple."


def finentity(text: str, entities: list[list[Any]]) -> tuple[FinEntity, Example]:
    return FinEntity(DataSource("x.json")), Example(
        "0", {"text": text}, {"text": text, "entities": entities, "moved": []}, "0"
    )


def test_a_tagger_says_entities_in_pieces_that_are_the_text() -> None:
    entities = [[17, 27, "Negative"], [34, 46, "Neutral"], [52, 57, "Positive"]]
    task, example = finentity(NEWS, entities)
    output = task.request(example).output
    assert isinstance(output, Tag)
    assert "".join(output.pieces) == NEWS
    assert output.labels == ("Positive", "Negative", "Neutral")
    tags, at = [], 0
    for piece in output.pieces:
        start, label = next(((a, label) for a, b, label in entities if a <= at < b), (0, ""))
        tags.append(f"{'B' if at == start else 'I'}-{label}" if label else "O")
        at += len(piece)
    answer = task.answer(Prediction("0", text=json.dumps(list(zip(output.pieces, tags, strict=True)))))
    assert sorted(map(tuple, answer)) == [
        ("Apple", 2, "Positive"),
        ("Apple Bank", 1, "Negative"),
        ("U.S. Bancorp", 1, "Neutral"),
    ]
    metric = task.metrics[0]
    assert isinstance(metric, Metric)
    assert list(metric.measure(example.target, answer)) == list(metric.best(example.target))


@pytest.mark.slow
@given(st.text(min_size=1).filter(str.strip))
def test_the_pieces_of_any_news_are_the_news_and_none_is_blank(text: str) -> None:
    task, example = finentity(text, [])
    output = task.request(example).output
    assert isinstance(output, Tag)
    assert "".join(output.pieces) == text
    assert all(piece.strip() for piece in output.pieces)


_MARKS = st.lists(st.sampled_from(["O", "B-Term", "I-Term", "B-Definition", "I-Definition", "B-Qualifier"]), min_size=1)


@pytest.mark.slow
@given(_MARKS, st.data())
def test_the_tags_that_a_tagger_says_of_a_sentence_are_those_that_are_scored(
    tags: list[str], data: st.DataObject
) -> None:
    words = data.draw(
        st.lists(st.sampled_from(["a", "A", "weir", "is", "-", "dam"]), min_size=len(tags), max_size=len(tags))
    )
    task = DeftTags(DataSource("deft/"))
    example = Example("0", {"tokens": words}, {"tokens": words, "tags": tags}, "0")
    output = task.request(example).output
    assert isinstance(output, Tag)
    assert "".join(output.pieces).split() == words
    answer = task.answer(Prediction("0", text=json.dumps(list(zip(output.pieces, tags, strict=True)))))
    for metric in task.metrics:
        assert isinstance(metric, Metric)
        assert list(metric.measure(example.target, answer)) == list(metric.best(example.target))


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        [["a"]],
        [["a", "B-x", 1]],
        [["a", 1]],
        [[" ", "O"]],
        [["a", "Term"]],
        ["O", "O"],
        [["a", "O"], None],
    ],
)
def test_what_is_no_list_of_tagged_pieces_is_not_read_as_one(found: Any) -> None:
    assert tagged_pieces(found) is None


@pytest.mark.parametrize("text", ['[["a b", "B-Term"]]', '[["no such", "B-Term"], ["x", "I-Odd"]]', '[["x", "B-"]]'])
def test_a_generative_model_that_plays_the_tagger_breaks_no_score(text: str) -> None:
    target = {"tokens": ["a", "dam"], "tags": ["O", "B-Term"]}
    for metric in DeftTags.metrics:
        assert isinstance(metric, Metric)
        metric.measure(target, DeftTags(DataSource("deft/")).answer(Prediction("0", text=text)))
    task, example = finentity(NEWS, [])
    metric = task.metrics[0]
    assert isinstance(metric, Metric)
    metric.measure(example.target, task.answer(Prediction("0", text=text)))


# Spans

PASSAGE = "the river bank rose. it is the bank of the river and profit fell, the owner is not 'Ann'! who owns it? 12 $ or 5 %."
ASKED = ["who owns it?", "where is the bank", "who?"]
CONTEXTS = [PASSAGE, "Ann owns it.", PASSAGE * 3, "profit  fell and rose", " x "]
MAKERS = {"bert": small.bert, "roberta": small.roberta}


def span_requests(kind: type[Span] = Span) -> list[Request]:
    return [
        Request(f"{i}{j}", (Text("unused"),), kind(9, question=question, context=context))
        for i, question in enumerate(ASKED)
        for j, context in enumerate(CONTEXTS)
    ]


@pytest.fixture(scope="module", params=list(MAKERS))
def span_head(request: Any, tmp_path_factory: pytest.TempPathFactory) -> SpanHead:
    source = MAKERS[request.param](tmp_path_factory.mktemp(request.param), "ForQuestionAnswering")
    head: SpanHead = loaded(SpanHead(source, max_length=48, stride=10, max_answer_length=6, tokens_per_pass=200))
    return head


def by_hand(head: Any, question: str, context: str) -> tuple[float, tuple[int, int], float]:
    """(score, span, null score), from the library's own windows and a forward pass for each."""
    import torch

    found = head.tokenizer(
        [question], [context], truncation="only_second", max_length=48, stride=10, return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )  # fmt: skip
    names = [name for name in head.tokenizer.model_input_names if name in found]
    best, null = (-math.inf, (0, 0)), math.inf
    for window in range(len(found["input_ids"])):
        with torch.no_grad():
            out = head.model(**{name: torch.tensor([found[name][window]]) for name in names})
        starts, ends = out.start_logits[0].tolist(), out.end_logits[0].tolist()
        null = min(null, starts[0] + ends[0])
        inside = [i for i, owner in enumerate(found.sequence_ids(window)) if owner == 1]
        places = found["offset_mapping"][window]
        inside = [i for i in inside if context[slice(*places[i])].strip()]
        for i in inside:
            for j in inside:
                if i <= j < i + 6 and starts[i] + ends[j] > best[0]:
                    best = starts[i] + ends[j], (places[i][0], places[j][1])
    return *best, null


@slow
def test_the_best_span_is_that_of_the_librarys_windows_compared_by_hand(span_head: SpanHead) -> None:
    spans = set()
    for request, found in zip(span_requests(), span_head.predict(span_requests()), strict=True):
        assert isinstance(request.output, Span)
        context = request.output.context or ""
        score, (start, end), _ = by_hand(span_head, request.output.question, context)
        assert math.isfinite(score)
        assert found.span is not None
        assert context[slice(*found.span)] == context[start:end].strip() != ""
        assert (found.no_answer, found.truncated) == (None, 0)
        spans.add(found.span)
    assert len(spans) > 5


@slow
def test_no_answer_is_the_sigmoid_of_the_lowest_null_score_less_the_best_span(span_head: SpanHead) -> None:
    empty = set()
    for request, found in zip(span_requests(Askable), span_head.predict(span_requests(Askable)), strict=True):
        assert isinstance(request.output, Span)
        score, _, null = by_hand(span_head, request.output.question, request.output.context or "")
        assert found.no_answer == pytest.approx(1 / (1 + math.exp(score - null)), abs=1e-5)
        assert (found.text == "") == (null > score) == (found.span is None)
        empty.add(found.span is None)
    span_head.null_threshold = -1e9
    assert all(found.text == "" for found in span_head.predict(span_requests(Askable)))
    assert all(found.span for found in span_head.predict(span_requests())), "a question with an answer is never refused"
    span_head.null_threshold = 0.0
    assert empty == {False, True}


@slow
def test_spans_do_not_depend_on_batch_order_or_what_was_prepared(
    span_head: SpanHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = span_requests(Askable)
    together, alone = span_head.predict(requests), one_at_a_time(span_head, requests)
    span_head.prepare(requests)
    monkeypatch.setattr(span_head, "tokenizer", Untouchable(span_head.tokenizer))
    backwards = span_head.predict(requests[::-1])[::-1]
    span_head._ready.clear()
    for a, b, c in zip(together, alone, backwards, strict=True):
        assert (a.id, a.span, a.text, a.prompt_tokens) == (b.id, b.span, b.text, b.prompt_tokens)
        assert (a.id, a.span, a.text, a.prompt_tokens) == (c.id, c.span, c.text, c.prompt_tokens)
        assert a.no_answer == pytest.approx(b.no_answer, abs=1e-5)


class Untouchable:
    """A tokenizer that says its tokens' numbers and tokenises nothing."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)

    def __call__(self, *texts: Any, **options: Any) -> Any:
        raise AssertionError("what was prepared is tokenised again")


@slow
def test_what_cannot_be_answered_fails_alone_with_a_clear_line(span_head: SpanHead) -> None:
    def ask(name: str, question: str, context: str | None, kind: type[Span] = Span) -> Request:
        return Request(name, (Text("unused"),), kind(9, question=question, context=context))

    long = "who owns the bank? " * 12
    asked = [
        ask("good", "who?", PASSAGE), ask("long", long, PASSAGE), ask("blank", "who?", " \n"), ask("page", "who?", None),
        ask("none", "who?", "", Askable), ask("nothing", "", PASSAGE),
    ]  # fmt: skip
    good, long_, blank, page, none, nothing = feed.answer(span_head, asked, "head")
    assert good.text
    assert nothing.text
    assert "the question has" in (long_.error or "")
    assert "model.stride=10" in (long_.error or "")
    assert "'blank' has an empty passage" in (blank.error or "")
    assert "put an OCR reader before this model" in (page.error or "")
    assert (none.text, none.no_answer) == ("", 1.0)
    span_head.prepare(asked)  # a hint, which no bad request may break
    span_head._ready.clear()


@slow
def test_a_window_is_no_longer_than_the_model_and_no_shorter_than_its_overlap(tmp_path: Path) -> None:
    source = small.roberta(tmp_path / "r", "ForQuestionAnswering")
    assert loaded(SpanHead(source, stride=8)).limit == 64  # of 66 places two are not used
    with pytest.raises(BenchError, match=r"max_length=65 is more than the 64 tokens"):
        loaded(SpanHead(source, max_length=65))
    with pytest.raises(BenchError, match=r"model.stride=128 leaves nothing new in a window of 64"):
        loaded(SpanHead(source))
    with pytest.raises(BenchError, match="random: classifier"):
        loaded(Classifier(source))


# Labels of texts

TEXTS = [
    "profit rose",
    "the bank fell. " * 3,
    "x",
    "the river rose and profit fell - it is not the bank of the river! " * 4,
    "?",
]
EMOTIONS = ("not sure", "Rise", "fall")


def text_requests(output: Any) -> list[Request]:
    return [
        Request(f"t{i}", (Text("Say it.", "system"), Text("x"), Text("y", "assistant"), Text(text)), output)
        for i, text in enumerate(TEXTS)
    ]


def own_logits(head: Any, texts: Sequence[Any], **options: Any) -> Any:
    """The library's numbers, a forward pass a text."""
    import torch

    with torch.no_grad():
        tokens = [head.tokenizer(*text, return_tensors="pt", max_length=64, **options) for text in texts]
        return torch.cat([head.model(**one).logits for one in tokens])


@pytest.fixture(scope="module", params=list(MAKERS))
def three_labels(request: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    labels = {0: "fall", 1: "NOT_SURE", 2: "up"}
    folder = tmp_path_factory.mktemp(request.param)
    return MAKERS[request.param](folder, "ForSequenceClassification", labels=labels)


@slow
@pytest.mark.parametrize("several", [False, True])
def test_the_labels_probabilities_are_those_of_the_librarys_numbers(three_labels: str, several: bool) -> None:
    head = loaded(Classifier(three_labels, labels={"up": "rise"}))
    requests = text_requests(Choose(EMOTIONS, several))
    numbers = own_logits(head, [[text] for text in TEXTS], truncation=True)[:, [1, 2, 0]]
    expected = (numbers.sigmoid() if several else numbers.softmax(1)).tolist()
    together = head.predict(requests)
    for found, alone, values, text in zip(together, one_at_a_time(head, requests), expected, TEXTS, strict=True):
        assert list(found.label_scores or {}) == list(EMOTIONS)
        assert list((found.label_scores or {}).values()) == pytest.approx(values, abs=1e-5)
        assert dict(found.label_scores or {}) == pytest.approx(dict(alone.label_scores or {}), abs=1e-5)
        assert found.truncated == max(len(head.tokenizer(text)["input_ids"]) - 64, 0) == alone.truncated
    assert together[3].truncated > 0


@slow
def test_labels_that_a_classifier_does_not_have_end_the_run_with_one_line(three_labels: str) -> None:
    head = loaded(Classifier(three_labels))
    with pytest.raises(BenchError, match="nothing for 'Rise'; set model\\.labels"):
        feed.answer(head, text_requests(Choose(EMOTIONS)), "head")
    (bad,) = feed.answer(head, [Request("q", (Text("Be kind.", "system"),), Choose(EMOTIONS))], "head")
    assert "'q' has no text of the user" in (bad.error or "")


@slow
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("names", [("contradiction", "neutral", "ENTAILMENT"), ("entailment", "not_entailment")])
def test_labels_of_any_name_are_judged_by_entailment(tmp_path: Path, names: tuple[str, ...], several: bool) -> None:
    source = small.bert(tmp_path, "ForSequenceClassification", labels=dict(enumerate(names)))
    head = loaded(Classifier(source, hypothesis="it is {}."))
    requests = text_requests(Choose(EMOTIONS, several))
    yes, no = (2, 0) if len(names) == 3 else (0, 1)
    for text, found, alone in zip(TEXTS, head.predict(requests), one_at_a_time(head, requests), strict=True):
        pairs = [(text, f"it is {label}.") for label in EMOTIONS]
        numbers = own_logits(head, pairs, truncation="only_first")
        expected = numbers[:, [no, yes]].softmax(1)[:, 1] if several else numbers[:, yes].softmax(0)
        assert list((found.label_scores or {}).values()) == pytest.approx(expected.tolist(), abs=1e-5)
        assert dict(found.label_scores or {}) == pytest.approx(dict(alone.label_scores or {}), abs=1e-5)


@slow
def test_hypotheses_need_a_model_of_inference_and_room_for_the_text(three_labels: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no label begins with 'entail' among fall, NOT_SURE, up"):
        loaded(Classifier(three_labels, hypothesis="{}"))
    source = small.bert(tmp_path, "ForSequenceClassification", labels={0: "entailment", 1: "other"})
    head = loaded(Classifier(source, hypothesis="{}"))
    (bad,) = feed.answer(head, [Request("q", (Text("x"),), Choose(("the bank " * 40, "b")))], "head")
    assert "leaves no room" in (bad.error or "")


# Numbers for texts


@slow
def test_values_are_moved_from_the_heads_scale_to_the_requests_and_clipped(tmp_path: Path) -> None:
    source = small.bert(tmp_path, "ForSequenceClassification", labels={0: "Arousal", 1: "Valence", 2: "other"}, seed=3)
    head = loaded(Regressor(source, low=[-2.0, -1.0, 0.0], high=[2.0, 3.0, 1.0]))
    asked = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))
    numbers = own_logits(head, [[text] for text in TEXTS], truncation=True).tolist()
    requests = text_requests(asked)
    for found, alone, (arousal, valence, _) in zip(
        head.predict(requests), one_at_a_time(head, requests), numbers, strict=True
    ):
        expected = {  # the head's -1…3 to -1…1, its -2…2 to 0…1
            "valence": min(max((valence + 1) / 2 - 1, -1.0), 1.0), "arousal": min(max((arousal + 2) / 4, 0.0), 1.0),
        }  # fmt: skip
        assert dict(found.values or {}) == pytest.approx(expected, abs=1e-5)
        assert dict(alone.values or {}) == pytest.approx(expected, abs=1e-5)
    plain = loaded(Regressor(source))
    for found, (arousal, _, _) in zip(plain.predict(requests), numbers, strict=True):
        assert (found.values or {})["arousal"] == pytest.approx(min(max(arousal, 0.0), 1.0), abs=1e-5)


@slow
def test_a_head_without_names_gives_its_numbers_in_order_or_is_refused(tmp_path: Path) -> None:
    source = small.roberta(tmp_path, "ForSequenceClassification", labels={0: "LABEL_0", 1: "LABEL_1"})
    head = loaded(Regressor(source))
    first, second = own_logits(head, [[TEXTS[0]]], truncation=True)[0].tolist()
    (found, *_) = head.predict(text_requests(Regress(("a", "b"), (-99.0, -99.0), (99.0, 99.0))))
    assert dict(found.values or {}) == pytest.approx({"a": first, "b": second}, abs=1e-5)
    with pytest.raises(BenchError, match="nothing for 'c'"):
        head.predict(text_requests(Regress(("c",), (0.0,), (1.0,))))
    with pytest.raises(BenchError, match="give one, or one each"):
        loaded(Regressor(source, low=[0.0] * 3, high=[1.0] * 3)).predict(
            text_requests(Regress(("a", "b"), (0.0, 0.0), (1.0, 1.0)))
        )


# Tags of texts

BIO = {0: "O", 1: "B-ORG", 2: "I-ORG", 3: "B-LOC", 4: "I-LOC"}
SENTENCES = [
    ["the ", "bankers ", "fell", "."],
    ["x"],
    ["who ", "owns ", "it", "? "] * 20,
    ["Profit ", "of ", "$", "12"],
]


def tag_requests(labels: tuple[str, ...] = ("Bank", "River")) -> list[Request]:
    return [
        Request(f"s{i}", (Text("unused"),), Tag(9, pieces=tuple(pieces), labels=labels))
        for i, pieces in enumerate(SENTENCES)
    ]


@slow
def test_a_word_has_the_label_of_its_first_token_as_the_library_counts_words(tmp_path: Path) -> None:
    head = loaded(
        Tagger(
            small.bert(tmp_path, "ForTokenClassification", labels=BIO, seed=1), labels={"ORG": "bank", "loc": "River"}
        )
    )
    names = {"B-ORG": "B-Bank", "I-ORG": "I-Bank", "B-LOC": "B-River", "I-LOC": "I-River", "O": "O"}
    requests = tag_requests()
    together, seen = head.predict(requests), set()
    assert together == one_at_a_time(head, requests)
    for pieces, found in zip(SENTENCES, together, strict=True):
        words = [piece.strip() for piece in pieces]
        tokens = head.tokenizer(words, is_split_into_words=True, return_tensors="pt", truncation=True, max_length=64)
        labels = head.model(**tokens).logits[0].argmax(-1).tolist()
        owners = tokens.word_ids(0)
        expected = [names[BIO[labels[owners.index(i)]]] if i in owners else "O" for i in range(len(words))]
        assert json.loads(found.text or "") == [[piece, tag] for piece, tag in zip(pieces, expected, strict=True)]
        assert found.truncated == max(len(head.tokenizer(words, is_split_into_words=True)["input_ids"]) - 64, 0)
        seen |= set(expected)
    assert len(seen) > 2


@slow
def test_labels_without_a_prefix_or_with_more_of_them_become_bio(tmp_path: Path) -> None:
    labels = {0: "O", 1: "S-ORG", 2: "E-ORG", 3: "ORG", 4: "L-ORG", 5: "U-ORG", 6: "I_ORG"}
    head = loaded(Tagger(small.roberta(tmp_path, "ForTokenClassification", labels=labels)))
    pieces = ["a "] * 8
    tokens = head.tokens(["".join(pieces)])["".join(pieces)]
    firsts = [token for token in first_tokens(pieces, tokens.places) if token is not None]
    assert len(firsts) == 8
    chosen = [0] * len(tokens.ids)
    for token, label in zip(firsts, [3, 3, 0, 3, 1, 2, 4, 6], strict=True):
        chosen[token] = label
    tags = head._tags(Tag(9, pieces=tuple(pieces), labels=("org",)), tokens, chosen)
    assert tags == ["B-org", "I-org", "O", "B-org", "B-org", "I-org", "I-org", "I-org"]


@slow
def test_a_tagger_with_labels_of_another_kind_is_one_line_and_needs_pieces(tmp_path: Path) -> None:
    head = loaded(Tagger(small.bert(tmp_path, "ForTokenClassification", labels=BIO)))
    with pytest.raises(BenchError, match="more than was asked for: 'LOC'"):
        head.predict(tag_requests(("ORG",)))
    assert head.predict(tag_requests(("org", "loc", "person")))
    (bad,) = feed.answer(head, [Request("q", (Text("x"),), Tag(9, labels=("ORG", "LOC")))], "head")
    assert "'q' has no pieces" in (bad.error or "")


@slow
def test_the_next_batch_can_be_prepared_while_one_is_computed(three_labels: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    head = loaded(Classifier(three_labels, labels={"up": "rise"}))
    batches = [text_requests(Choose(EMOTIONS)), tag_requests(), text_requests(Choose(EMOTIONS, True))] * 8
    expected = head.predict(batches[0])
    with ThreadPoolExecutor(2) as pool:
        prepared = pool.map(head.prepare, batches)
        found = list(pool.map(head.predict, [batches[0]] * 8))
        assert list(prepared) == [None] * len(batches)
    assert all(one == expected for one in found)
    assert len(head._ready) == 2
