"""The likelihood of labels: all of a request in one row, as a forward pass of each alone gives it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.errors import BenchError

LABELS = [[[7], [8, 9], [7, 3, 11]], [[5, 5], [1]], [[40, 41, 42, 43], [40], [2, 2]]]
ALONE = [[4, 5, 6], [30, 31, 32, 33, 34, 35], [9]]
BEGIN = [20, 21, 22, 23, 24]


@pytest.fixture(scope="module")
def model() -> Any:
    """A language model of two small layers with random weights."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.5,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def plain(model: Any, prompt: list[int], label: list[int]) -> float:
    """log P(label | prompt) from one forward pass without a cache."""
    import torch

    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + label])).logits[0].log_softmax(-1)
    return sum(float(logits[len(prompt) - 1 + i, token]) for i, token in enumerate(label))


def found(
    model: Any, prompts: list[list[int]], shared: int, labels: list[list[list[int]]] = LABELS
) -> list[list[float]]:
    from bench.models.label_choice import label_log_likelihoods

    return [scores.tolist() for scores in label_log_likelihoods(model, prompts, shared, labels)]


@pytest.mark.parametrize("shared", [0, 1, 4, 5])
def test_labels_have_the_likelihood_of_a_pass_of_their_own(model: Any, shared: int) -> None:
    prompts = [BEGIN + rest for rest in ALONE]
    for scores, prompt, labels in zip(found(model, prompts, shared), prompts, LABELS, strict=True):
        expected = [plain(model, prompt, label) for label in labels]
        assert scores == pytest.approx(expected, abs=1e-4)
        assert len({round(value, 3) for value in expected}) == len(expected)  # they can be told apart


def test_prompts_that_share_nothing_have_it_too(model: Any) -> None:
    for scores, prompt, labels in zip(found(model, ALONE, 0), ALONE, LABELS, strict=True):
        assert scores == pytest.approx([plain(model, prompt, label) for label in labels], abs=1e-4)


def test_a_label_does_not_see_the_others(model: Any) -> None:
    prompts = [BEGIN + ALONE[0]]
    (together,) = found(model, prompts, 3, [[[7], [8, 9], [7, 3, 11]]])
    (turned,) = found(model, prompts, 3, [[[7, 3, 11], [7], [8, 9]]])
    (single,) = found(model, prompts, 3, [[[8, 9]]])
    assert together == pytest.approx([turned[1], turned[2], turned[0]], abs=1e-5)
    assert together[1] == pytest.approx(single[0], abs=1e-5)


def test_a_prompt_does_not_see_those_before_it(model: Any) -> None:
    prompts = [BEGIN + rest for rest in ALONE]
    forwards = found(model, prompts, 5)
    backwards = found(model, prompts[::-1], 5, LABELS[::-1])
    for one, other in zip(forwards, backwards[::-1], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_the_probabilities_of_all_next_tokens_add_up_to_one(model: Any) -> None:
    import math

    (scores,) = found(model, [BEGIN], 2, [[[token] for token in range(50)]])
    assert sum(map(math.exp, scores)) == pytest.approx(1.0, abs=1e-5)


class _Letters:
    """A tokenizer of letters: a is 1, b is 2 and so on; other signs are 0, the end is 49."""

    eos_token_id = 49

    def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        return {"input_ids": [[max(0, ord(letter) - 96) for letter in text] for text in texts]}


@pytest.mark.parametrize("length", ["tokens", "characters", "none"])
def test_a_model_gives_a_share_to_each_label_by_its_likelihood_and_length(model: Any, length: str) -> None:
    import math

    from bench.models.causal import CausalLM
    from bench.types import Choose, Request, Text

    causal: Any = CausalLM("file:nowhere", chat=False, label_length=length, calibrated=False)
    causal.model, causal.tokenizer = model, _Letters()
    requests = [
        Request("1", (Text("news: up"),), Choose(("good", "bad"))),
        Request("2", (Text("news: down"),), Choose(("bad", "so so", "good"))),
    ]
    for request, prediction in zip(requests, causal.predict(requests), strict=True):
        (prompt,) = _Letters()([causal.prompt(request)], add_special_tokens=True)["input_ids"]
        assert isinstance(request.output, Choose)
        raw = []
        for label in request.output.labels:
            (reply,) = _Letters()([" " + label], add_special_tokens=False)["input_ids"]
            divisor = {"tokens": len(reply), "characters": len(label), "none": 1}[length]
            raw.append(math.exp(plain(model, prompt, reply) / divisor))
        expected = {label: value / sum(raw) for label, value in zip(request.output.labels, raw, strict=True)}
        assert prediction.label_scores == pytest.approx(expected, abs=1e-4)
        assert prediction.prompt_tokens == len(prompt)


def test_a_calibrated_label_is_judged_by_what_the_text_adds_to_its_likelihood(model: Any) -> None:
    import math

    from bench.models.causal import CausalLM
    from bench.types import Choose, Request, Text

    causal: Any = CausalLM("file:nowhere", chat=False)
    causal.model, causal.tokenizer = model, _Letters()
    labels, scene = ("good", "bad"), Text("is it", "system")
    requests = [Request(name, (scene, Text(name)), Choose(labels)) for name in ("up", "down", "N/A")]
    for request, prediction in zip(requests, causal.predict(requests), strict=True):
        blank = Request("blank", (scene, Text("N/A")), Choose(labels))
        prompts = _Letters()([causal.prompt(request), causal.prompt(blank)], add_special_tokens=True)["input_ids"]
        replies = _Letters()([f" {label}" for label in labels], add_special_tokens=False)["input_ids"]
        said, nothing = ([plain(model, prompt, reply) for reply in replies] for prompt in prompts)
        raw = [math.exp(a - b) for a, b in zip(said, nothing, strict=True)]
        expected = {label: value / sum(raw) for label, value in zip(labels, raw, strict=True)}
        assert prediction.label_scores == pytest.approx(expected, abs=1e-4)
    assert prediction.label_scores == pytest.approx({"good": 0.5, "bad": 0.5}, abs=1e-4)  # the text that says nothing


def test_a_prompt_that_leaves_no_room_for_a_label_is_refused(model: Any) -> None:
    from bench.models.causal import CausalLM
    from bench.types import Choose, Request, Text

    causal: Any = CausalLM("file:nowhere", chat=False)
    causal.model, causal.tokenizer = model, _Letters()
    with pytest.raises(ValueError, match=r"prompt has 61 tokens, the context has room for 59"):
        causal.predict([Request("1", (Text("a" * 61),), Choose(("good", "x")))])


def test_a_length_that_does_not_exist_is_refused() -> None:
    from bench.models.causal import CausalLM

    with pytest.raises(BenchError, match=r"^model\.label_length=words is none of tokens, characters, none$"):
        CausalLM("file:nowhere", label_length="words")
