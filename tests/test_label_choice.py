"""The likelihood of labels: all of a request in one row, as a forward pass of each alone gives it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from small_text_models import answered

from bench.errors import BenchError

LABELS = [[[7], [8, 9], [7, 3, 11]], [[5, 5], [1]], [[40, 41, 42, 43], [40], [2, 2]]]
ALONE = [[4, 5, 6], [30, 31, 32, 33, 34, 35], [9]]
BEGIN = [20, 21, 22, 23, 24]


def small_model() -> Any:
    """A language model of two small layers with random weights."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@pytest.fixture(scope="module")
def own() -> Any:
    """The model as the library has it."""
    return small_model()


@pytest.fixture(scope="module")
def model() -> Any:
    """The same, reading trees."""
    found = small_model()
    from bench.decoding import tree_model

    assert tree_model.install(found) == ""
    return found


def plain(own: Any, prompt: list[int], label: list[int]) -> float:
    """log P(label | prompt) from one forward pass without a cache."""
    import torch

    with torch.inference_mode():
        logits = own(input_ids=torch.tensor([prompt + label])).logits[0].log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + i, token]) for i, token in enumerate(label))


def found(model: Any, prompts: list[list[int]], labels: list[list[list[int]]] = LABELS) -> list[list[float]]:
    from bench.decoding.label_choice import label_log_likelihoods

    return [scores.tolist() for scores in label_log_likelihoods(model, prompts, labels)]


@pytest.mark.parametrize("at_once", [1, 20, 2048])  # a pass for each prompt, for some, one for all
@pytest.mark.parametrize("shared", [0, 1, 5, 31, 32, 40])  # from 32 on they are a head
def test_labels_have_the_likelihood_of_a_pass_of_their_own(
    own: Any, model: Any, shared: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import label_choice

    monkeypatch.setitem(label_choice.PASS_TOKENS, "cpu", at_once)
    prompts = [[20 + i % 9 for i in range(shared)] + rest for rest in ALONE]
    for scores, prompt, labels in zip(found(model, prompts), prompts, LABELS, strict=True):
        expected = [plain(own, prompt, label) for label in labels]
        assert scores == pytest.approx(expected, abs=1e-4)
        assert len({round(value, 3) for value in expected}) == len(expected)  # they can be told apart


@pytest.mark.parametrize("labels", [
    [[7]],
    [[7], [8], [9]],  # tokens that nothing follows: none of them has to be read
    [[7, 8], [7, 9], [7, 8, 1], [7]],  # one begins the other
    [[7, 8, 9], [6, 8, 9], [6, 8, 9, 9]],  # alike behind another first token
    [[7, 7, 7], [7, 7], [7]],
    [[7, 8], [7, 8]],  # the same twice
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 11], [3]],
])  # fmt: skip
def test_labels_that_share_tokens_have_it_too(own: Any, model: Any, labels: list[list[int]]) -> None:
    prompts = [BEGIN + rest for rest in ALONE]
    together = found(model, prompts, [labels, labels[::-1], [[9, 8]]])
    for scores, prompt, asked in zip(together, prompts, [labels, labels[::-1], [[9, 8]]], strict=True):
        assert scores == pytest.approx([plain(own, prompt, label) for label in asked], abs=1e-4)


def test_prompts_that_share_nothing_or_everything_have_it_too(own: Any, model: Any) -> None:
    same = [list(range(40))] * 3
    for prompts in (ALONE, same, [[3], [4], [5]]):
        for scores, prompt, labels in zip(found(model, prompts), prompts, LABELS, strict=True):
            assert scores == pytest.approx([plain(own, prompt, label) for label in labels], abs=1e-4)


def test_a_label_does_not_see_the_others(model: Any) -> None:
    prompts = [BEGIN + ALONE[0]]
    (together,) = found(model, prompts, [[[7], [8, 9], [7, 3, 11]]])
    (turned,) = found(model, prompts, [[[7, 3, 11], [7], [8, 9]]])
    (single,) = found(model, prompts, [[[8, 9]]])
    assert together == pytest.approx([turned[1], turned[2], turned[0]], abs=1e-5)
    assert together[1] == pytest.approx(single[0], abs=1e-5)


def test_a_prompt_does_not_see_those_before_it(model: Any) -> None:
    prompts = [BEGIN + rest for rest in ALONE]
    forwards = found(model, prompts)
    backwards = found(model, prompts[::-1], LABELS[::-1])
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_the_probabilities_of_all_next_tokens_add_up_to_one(model: Any) -> None:
    (scores,) = found(model, [BEGIN], [[[token] for token in range(50)]])
    assert sum(map(math.exp, scores)) == pytest.approx(1.0, abs=1e-5)


def test_labels_that_follow_each_other_add_up_to_what_they_follow(model: Any) -> None:
    """P(7) is the sum of P(7, token) over all tokens."""
    (scores,) = found(model, [BEGIN], [[[7], *([7, token] for token in range(50))]])
    assert sum(map(math.exp, scores[1:])) == pytest.approx(math.exp(scores[0]), rel=1e-4)


@pytest.mark.parametrize(("shared", "read"), [(31, 3 * 31), (32, 32)])
def test_what_all_prompts_begin_with_is_read_once_where_it_is_worth_it(
    model: Any, shared: int, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda **given: sizes.append(given["input_ids"].numel()) or forward(**given))
    found(model, [list(range(shared)) + rest for rest in ALONE])
    # behind it 3 + 6 + 1 tokens of the prompts, and 3 (8; 7, 3), 1 (5) and 4 (40, 41, 42; 2) of their labels
    assert sum(sizes) == read + 10 + 8


@pytest.mark.parametrize(
    ("labels", "read", "sees"),
    [
        (((7, 8), (7, 9), (5,)), [7], [[1]]),
        (((7, 8, 1), (7, 9, 2), (6, 3)), [7, 8, 9, 6], [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]),
        (((7, 8, 9, 1),), [7, 8, 9], [[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
        (((7,), (8,)), [7], [[1]]),  # nothing has to be read, but a row has a token
    ],
)
def test_what_labels_begin_with_is_read_once_and_sees_what_stands_above_it(
    labels: tuple[tuple[int, ...], ...], read: list[int], sees: list[list[int]]
) -> None:
    from bench.decoding.label_choice import label_trie

    trie = label_trie(labels)
    assert trie.tokens == read
    assert trie.sees().int().tolist() == sees
    assert trie.depths == [sum(row) - 1 for row in sees]
    assert trie.lengths == [len(label) for label in labels]
    assert trie.asked == [token for label in labels for token in label]


class _Letters:
    """A tokenizer of letters: a is 1, b is 2 and so on; other signs are 0, the end is 49."""

    bos_token_id, eos_token_id = None, 49

    def __call__(self, texts: Any, add_special_tokens: bool, return_offsets_mapping: bool = False) -> dict[str, Any]:
        if isinstance(texts, str):
            ids = self([texts], add_special_tokens)["input_ids"][0]
            return {"input_ids": ids, "offset_mapping": [(i, i + 1) for i in range(len(texts))]}
        return {"input_ids": [[max(0, ord(letter) - 96) for letter in text] for text in texts]}


def reader(model: Any, **options: Any) -> Any:
    """The adapter on this model, as if it had been loaded."""
    from bench.models.causal import CausalLM

    causal: Any = CausalLM("file:nowhere", chat=False, **options)
    causal.model, causal.tokenizer, causal.context, causal.no_tree = model, _Letters(), 64, ""
    return causal


@pytest.mark.parametrize("length", ["tokens", "characters", "none"])
def test_a_model_gives_a_share_to_each_label_by_its_likelihood_and_length(own: Any, model: Any, length: str) -> None:
    from bench.types import Choose, Request, Text

    causal = reader(model, label_length=length, calibrated=False)
    requests = [
        Request("1", (Text("news: up"),), Choose(("good", "bad"))),
        Request("2", (Text("news: down"),), Choose(("bad", "so so", "good"))),
    ]
    for request, prediction in zip(requests, answered(causal, requests), strict=True):
        (prompt,) = _Letters()([causal.prompt(request)], add_special_tokens=True)["input_ids"]
        assert isinstance(request.output, Choose)
        raw = []
        for label in request.output.labels:
            (reply,) = _Letters()([" " + label], add_special_tokens=False)["input_ids"]
            divisor = {"tokens": len(reply), "characters": len(label), "none": 1}[length]
            raw.append(math.exp(plain(own, prompt, reply) / divisor))
        expected = {label: value / sum(raw) for label, value in zip(request.output.labels, raw, strict=True)}
        assert prediction.label_scores == pytest.approx(expected, abs=1e-4)
        assert prediction.prompt_tokens == len(prompt)


def test_a_calibrated_label_is_judged_by_what_the_text_adds_to_its_likelihood(own: Any, model: Any) -> None:
    from bench.types import Choose, Request, Text

    causal = reader(model)
    labels, scene = ("good", "bad"), Text("is it", "system")
    requests = [Request(name, (scene, Text(name)), Choose(labels)) for name in ("up", "down", "N/A")]
    for request, prediction in zip(requests, answered(causal, requests), strict=True):
        blank = Request("blank", (scene, Text("N/A")), Choose(labels))
        prompts = _Letters()([causal.prompt(request), causal.prompt(blank)], add_special_tokens=True)["input_ids"]
        replies = _Letters()([f" {label}" for label in labels], add_special_tokens=False)["input_ids"]
        said, nothing = ([plain(own, prompt, reply) for reply in replies] for prompt in prompts)
        raw = [math.exp(a - b) for a, b in zip(said, nothing, strict=True)]
        expected = {label: value / sum(raw) for label, value in zip(labels, raw, strict=True)}
        assert prediction.label_scores == pytest.approx(expected, abs=1e-4)
    assert prediction.label_scores == pytest.approx({"good": 0.5, "bad": 0.5}, abs=1e-4)  # the text that says nothing


def test_a_prompt_that_leaves_no_room_for_a_label_loses_its_middle(own: Any, model: Any) -> None:
    from bench.types import Choose, Request, Text

    labels = ("good", "x")
    # 64 places less the 5 of " good" are 59: of 31 + 30 letters two are cut out of the middle
    (found,) = answered(reader(model, calibrated=False), [Request("1", (Text("a" * 31 + "b" * 30),), Choose(labels))])
    assert (found.prompt_tokens, found.truncated) == (59, 2)
    raw = [math.exp(plain(own, [1] * 29 + [2] * 30, _Letters()([f" {x}"], False)["input_ids"][0])) for x in labels]
    assert found.label_scores == pytest.approx({x: r / sum(raw) for x, r in zip(labels, raw, strict=True)}, abs=1e-4)


def test_a_length_that_does_not_exist_is_refused() -> None:
    from bench.models.causal import CausalLM

    with pytest.raises(BenchError, match=r"^model\.label_length=words is none of none, tokens, characters$"):
        CausalLM("file:nowhere", label_length="words")
