"""Decoding over a prefix tree: the numbers of a forward pass of each prompt alone, the tokens of `generate`."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from bench.decoding.prefix_tree import prefix_tree
from bench.runs import spans

pytestmark = pytest.mark.slow
SIZES = {
    "vocab_size": 60, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.3, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
LATENT = {
    "first_k_dense_replace": 2, "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "n_group": 1, "topk_group": 1, "n_routed_experts": 4, "num_experts_per_tok": 2, "num_key_value_heads": 4,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 64}
DYNAMIC = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 1e4}
TWO_SCALES = {
    "rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [4.0] * 4,
    "original_max_position_embeddings": 64,
}  # fmt: skip
CAN: list[tuple[str, dict[str, Any]]] = [
    ("Llama", {}), ("Llama", {"num_key_value_heads": 1}), ("Llama", {"num_key_value_heads": 4}),
    ("Llama", {"rope_parameters": YARN}), ("Qwen2", {}), ("Qwen3", {"head_dim": 8}), ("Mistral", {"sliding_window": None}),
    ("GPT2", GPT2), ("OPT", {"ffn_dim": 48, "word_embed_proj_dim": 32}), ("GPTNeoX", {}), ("Phi", {}), ("Phi3", {}),
    ("Mixtral", {"num_local_experts": 2}), ("DeepseekV3", {**LATENT, "v_head_dim": 16}),
]  # fmt: skip
CANNOT: list[tuple[str, dict[str, Any], str]] = [
    ("Mistral", {"sliding_window": 16}, "its layers are of the kind sliding_attention"),
    ("Gemma2", {"head_dim": 8}, "its layers are of the kind sliding_attention"),
    ("Gemma2", {"head_dim": 8, "layer_types": ["full_attention"] * 2, "use_sliding_window": False}, "soft cap"),
    ("Mamba", {}, "linear_attention"),
    ("Lfm2", {"layer_types": ["conv", "full_attention"]}, "its layers are of the kind conv"),
    ("Bloom", {}, "BloomForCausalLM takes no other attention"),
    ("DiffLlama", {}, "its answers change by"),  # says that it takes another attention, and keeps its own
    ("DeepseekV3", {**LATENT, "v_head_dim": 8}, "RuntimeError: .*same head size"),
    ("Llama", {"rope_parameters": DYNAMIC, "max_position_embeddings": 32}, "depends on the longest prompt"),
    ("Phi3", {"rope_parameters": TWO_SCALES, "original_max_position_embeddings": 64}, "depends on the longest prompt"),
]  # fmt: skip
NAMES = [f"{name}-{i}" for i, (name, _) in enumerate(CAN)]
Finished = Callable[[int, list[int]], bool]


def made(name: str, options: dict[str, Any]) -> Any:
    """A causal model of this kind with random weights, always the same; no token ends what it says."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**{**SIZES, **options})
    model = getattr(transformers, f"{name}LMHeadModel" if name == "GPT2" else f"{name}ForCausalLM")(config).eval()
    model.generation_config = transformers.GenerationConfig(pad_token_id=0)
    return model


@pytest.fixture(scope="module")
def own() -> Any:
    """A Llama as the library has it."""
    return made("Llama", {})


@pytest.fixture(scope="module")
def tree() -> Any:
    """The same Llama, reading trees."""
    from bench.decoding import tree_model

    model = made("Llama", {})
    assert tree_model.install(model) == ""
    return model


def some_prompts(seed: int, head: int = 0) -> list[list[int]]:
    """Questions on passages, and what is like nothing else; `head` tokens begin all of them."""
    rand = random.Random(seed)

    def words(least: int, most: int) -> list[int]:
        return [rand.randrange(3, 60) for _ in range(rand.randint(least, most))]

    first = words(head, head)
    prompts = [first + words(1, 30) for _ in range(rand.randint(1, 3))]
    for _ in range(rand.randint(1, 3)):
        passage = words(16, 40)
        prompts += [first + passage + words(1, 12) for _ in range(rand.randint(1, 4))]
        prompts.append(first + passage)
    rand.shuffle(prompts)
    return prompts


def limits(seed: int, n: int, most: int = 12) -> Finished:
    """Each prompt's own end: after so many tokens, or behind one that ends it."""
    rand = random.Random(seed)
    at_most = [rand.randint(1, most) for _ in range(n)]
    ends = [{rand.randrange(60), rand.randrange(60)} for _ in range(n)]
    return lambda i, tokens: len(tokens) >= at_most[i] or tokens[-1] in ends[i]


def gathered(groups: Iterable[list[tuple[int, list[int]]]]) -> list[list[int]]:
    """Each prompt's new tokens, in the order of the prompts; each is given once."""
    given = [one for group in groups for one in group]
    found = dict(given)
    assert sorted(found) == list(range(len(given)))
    return [found[i] for i in range(len(given))]


def alone(model: Any, prompts: Sequence[list[int]], new_tokens: int, finished: Finished) -> list[list[int]]:
    """What `generate` says to one prompt after the other, each cut where it is finished."""
    import torch
    from transformers import GenerationConfig

    settings = GenerationConfig(max_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
    found = []
    for i, prompt in enumerate(prompts):
        ids = torch.tensor([prompt])
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=settings)
        said = out[0, len(prompt) :].tolist()
        found.append(said[: next((n for n in range(1, len(said) + 1) if finished(i, said[:n])), len(said))])
    return found


def passes_of(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any, Any]]:
    """Each forward pass from now on: its tokens, what it is a pass over, its logits [kept, vocabulary]."""
    seen: list[tuple[int, Any, Any]] = []
    forward = model.forward

    def noted(*args: Any, **given: Any) -> Any:
        out = forward(*args, **given)
        seen.append((given["input_ids"].numel(), given.get("tree"), out.logits[0]))
        return out

    monkeypatch.setattr(model, "forward", noted)
    return seen


def first_of(seen: Sequence[tuple[int, Any, Any]]) -> Any:
    """Of these passes, the logits of the first over groups."""
    from bench.decoding.tree_attention import Branch

    return next(logits for _, over, logits in seen if isinstance(over, Branch))


# -- attention ---------------------------------------------------------------------------------------------------------


def by_definition(q: Any, k: Any, v: Any, scale: float, sees: Any) -> tuple[Any, Any]:
    """Softmax attention in float64 and its log-sum-exp, head by head; `sees` [n, q, c]."""
    k, v = (x.double().repeat_interleave(q.shape[2] // x.shape[2], 2) for x in (k, v))
    scores = (scale * q.double().transpose(1, 2) @ k.permute(0, 2, 3, 1)).masked_fill(~sees[:, None], float("-inf"))
    out = scores.softmax(-1) @ v.transpose(1, 2)
    return out.transpose(1, 2), scores.logsumexp(-1).transpose(1, 2)


def of_torch_2_6(q: Any, k: Any, v: Any, *told: Any, **more: Any) -> Any:
    """That version's kernel: it steps from key head to key head as often as there are query heads, through whatever lies there."""
    import torch

    k, v = (
        x.as_strided((x.shape[0], q.shape[1], *x.shape[2:]), x.stride()) for x in (k, v)
    )  # an error beyond the storage
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, *told, **more)


@pytest.fixture
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[None, None, None]:
    """torch's own kernel for attention on a CPU, or that of an older torch."""
    from bench.decoding import tree_attention as ta

    if request.param == "torch 2.6":
        monkeypatch.setattr(ta, "_flash", lambda: of_torch_2_6)
    ta._shares_key_heads.cache_clear()
    yield
    ta._shares_key_heads.cache_clear()


@pytest.mark.parametrize("kernel", ["installed", "torch 2.6"], indirect=True)
@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize(("asked", "there", "kind"), [
    (5, 5, "causal"), (1, 1, "causal"), (1, 7, "all"), (5, 7, "all"), (1, 7, "lengths"), (5, 7, "lengths"), (6, 6, "tree"),
])  # fmt: skip
def test_all_ways_to_read_keys_are_attention_by_its_definition(
    kernel: None, heads: tuple[int, int], asked: int, there: int, kind: str
) -> None:
    import torch

    from bench.decoding import tree_attention as ta

    torch.manual_seed(1)
    q = torch.randn(3, asked, heads[0], 8)
    k, v = torch.randn(2, 3, there, heads[1], 8)
    mask, sees = None, torch.ones(3, asked, there, dtype=torch.bool)
    if kind == "causal":
        sees = sees.tril()
    if kind == "lengths":
        lengths = torch.tensor([7, 1, 4])
        mask = ta._up_to(lengths, there, q.dtype)
        sees = sees & (torch.arange(there) < lengths[:, None, None])
    if kind == "tree":
        sees = (torch.rand(3, asked, there) < 0.4) | torch.eye(asked, dtype=torch.bool)
        mask = ta._additive(sees[:, None], q.dtype)
    expected, weight = by_definition(q, k, v, 0.3, sees)
    masks = {"mask": mask, "causal": kind == "causal"}
    plain, products = (
        read(*(x.transpose(1, 2) for x in (q, k, v)), 0.3, **masks) for read in (ta.plain_attention, ta.by_products)
    )
    for out, lse in (
        ta._read(q, k, v, 0.3, mask=mask, causal=kind == "causal"),
        (plain[0].transpose(1, 2), plain[1].transpose(1, 2)),
        (products[0].transpose(1, 2), products[1].transpose(1, 2)),
    ):
        assert (out - expected).abs().max() < 1e-5
        assert (lse - weight).abs().max() < 1e-5


def test_results_over_pieces_of_the_keys_merge_to_that_over_all_of_them() -> None:
    import torch

    from bench.decoding import tree_attention as ta

    torch.manual_seed(2)
    q, (k, v) = 3 * torch.randn(2, 4, 4, 8), torch.randn(2, 2, 12, 2, 8)
    whole, weight = ta._read(q, k, v, 1.0)
    for cuts in ([0, 1, 12], [0, 5, 12], [0, 11, 12], [0, 3, 4, 9, 12]):
        pieces = [ta._read(q, k[:, a:b], v[:, a:b], 1.0) for a, b in pairwise(cuts)]
        out, lse = pieces[0]
        for piece in pieces[1:]:
            out, lse = ta._merge(out, lse, *piece)
        assert (out - whole).abs().max() < 1e-5
        assert (lse - weight).abs().max() < 1e-5


def test_keys_that_nobody_may_see_weigh_nothing_in_a_merge() -> None:
    import torch

    from bench.decoding import tree_attention as ta

    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        q, (k, v) = torch.randn(1, 2, 4, 8).to(dtype), torch.randn(2, 1, 5, 4, 8).to(dtype)
        out, lse = ta._read(q, k, v, 1.0)
        hidden = ta._read(q, k, 1e3 * v, 1.0, mask=ta._up_to(torch.tensor([0]), 5, dtype))
        assert torch.equal(ta._merge(out, lse, *hidden)[0], out)


# -- models that can ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options"), CAN, ids=NAMES)
def test_a_model_says_over_a_tree_what_it_says_to_each_prompt_alone(
    name: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from bench.decoding import greedy, tree_model

    own, model = made(name, options), made(name, options)
    assert tree_model.install(model) == ""
    for seed, head in ((1, 0), (2, 70)):
        prompts = some_prompts(seed, head)
        finished = limits(seed, len(prompts))
        with monkeypatch.context() as patch:
            seen = passes_of(model, patch)
            found = gathered(greedy.greedy(model, prompts, [12] * len(prompts), finished))
        layout = prefix_tree(prompts)
        assert len(layout.head) == head
        # the first passes are of the head, the next of all groups: it gives the logits behind each prompt
        order = [row.index for group in layout.groups for row in group.rows]
        for index, logits in zip(order, first_of(seen), strict=True):
            with torch.inference_mode():
                expected = own(input_ids=torch.tensor([prompts[index]]), use_cache=False).logits[0, -1]
            assert (logits - expected).abs().max() < 1e-4 * max(1.0, float(expected.abs().max()))
        assert found == alone(own, prompts, 12, finished)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("head", [0, 66])
def test_the_tokens_of_many_prompts_are_those_of_generate_one_at_a_time(
    own: Any, tree: Any, seed: int, head: int
) -> None:
    from bench.decoding import greedy

    prompts = some_prompts(seed, head)
    finished = limits(seed, len(prompts), most=20)
    found = gathered(greedy.greedy(tree, prompts, [20] * len(prompts), finished))
    assert found == alone(own, prompts, 20, finished)


HOW = [
    {"PASS_TOKENS": 1}, {"PASS_TOKENS": 60}, {"LOOK_EVERY": 3}, {"LOOK_EVERY": 8}, {"LOOK_EVERY": 100},
    {"KEPT_BYTES": 1}, {"KEPT_BYTES": 100_000}, {"SHRINK": 0.0}, {"SHRINK": 1.0}, {"PLAIN": True},
    {"PASS_TOKENS": 60, "LOOK_EVERY": 4, "SHRINK": 1.0, "PLAIN": True}, {"PASS_TOKENS": 1, "SHRINK": 0.5},
]  # fmt: skip


@pytest.fixture(scope="module")
def one_by_one(own: Any) -> Callable[[int, int], list[list[int]]]:
    """What the library's `generate` says to the prompts of a seed and head, each alone: the same however the work is divided."""
    known: dict[tuple[int, int], list[list[int]]] = {}

    def said(seed: int, head: int) -> list[list[int]]:
        if (seed, head) not in known:
            prompts = divided(seed, head)
            known[seed, head] = alone(own, prompts, 15, limits(seed, len(prompts), most=17))
        return known[seed, head]

    return said


def divided(seed: int, head: int) -> list[list[int]]:
    """Prompts with a beginning in common of this length, or of two kinds."""
    return some_prompts(seed, head) + some_prompts(seed + 100, 0)[: 0 if head else None]


@pytest.mark.parametrize("how", HOW, ids=[" ".join(f"{k}={v}" for k, v in how.items()) for how in HOW])
@pytest.mark.parametrize(("seed", "head"), [(20, 0), (21, 66), (22, 0), (23, 80)])
def test_how_the_work_is_divided_changes_no_token(
    one_by_one: Callable[[int, int], list[list[int]]], tree: Any, how: dict[str, Any], seed: int, head: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from bench.decoding import first_pass, flight, greedy, tree_attention

    expected = one_by_one(seed, head)

    def as_on_a_gpu(q: Any, k: Any, v: Any, scale: float, **masks: Any) -> tuple[Any, Any]:
        out, lse = tree_attention.plain_attention(*(x.transpose(1, 2) for x in (q, k, v)), scale, **masks)
        return out.transpose(1, 2), lse.transpose(1, 2)

    for name, value in how.items():
        if name == "PLAIN":
            monkeypatch.setattr(tree_attention, "_read", as_on_a_gpu)
        elif name == "SHRINK":
            monkeypatch.setattr(flight, name, value)
        else:
            monkeypatch.setitem(getattr(first_pass if name == "PASS_TOKENS" else flight, name), "cpu", value)
    prompts = divided(seed, head)
    finished = limits(seed, len(prompts), most=17)
    asked: list[tuple[int, int]] = []

    def noted(index: int, tokens: list[int]) -> bool:
        asked.append((index, len(tokens)))
        return finished(index, tokens)

    found = gathered(greedy.greedy(tree, prompts, [15] * len(prompts), noted))
    assert found == expected
    # each token is shown once, in order, and none behind the end
    assert sorted(asked) == [(i, n) for i, tokens in enumerate(found) for n in range(1, len(tokens) + 1)]


def test_the_order_of_prompts_changes_no_token(tree: Any) -> None:
    from bench.decoding import greedy

    prompts = some_prompts(5) + some_prompts(6)
    turned = list(range(len(prompts)))
    random.Random(0).shuffle(turned)
    forwards = gathered(greedy.greedy(tree, prompts, [9] * len(prompts), lambda i, tokens: False))
    other = gathered(greedy.greedy(tree, [prompts[i] for i in turned], [9] * len(prompts), lambda i, tokens: False))
    assert [forwards[i] for i in turned] == other


def test_no_row_is_computed_behind_its_end(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.decoding import greedy
    from bench.decoding.tree_attention import Step

    prompts = some_prompts(7, 70)
    seen = passes_of(tree, monkeypatch)
    found = gathered(greedy.greedy(tree, prompts, [10] * len(prompts), limits(7, len(prompts))))
    steps = [n for n, over, _ in seen if isinstance(over, Step)]
    first = [n for n, over, _ in seen if not isinstance(over, Step)]
    assert sum(first) == prefix_tree(prompts).size
    longest = max(map(len, found))
    assert steps == [sum(len(tokens) > before for tokens in found) for before in range(1, longest)]


def test_a_row_is_given_as_soon_as_it_is_finished(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.decoding import greedy

    prompts = some_prompts(7, 70)
    seen = passes_of(tree, monkeypatch)
    ends = {i: 1 + i % 4 for i in range(len(prompts))}
    steps: dict[int, int] = {}
    for group in greedy.greedy(tree, prompts, [10] * len(prompts), lambda i, tokens: len(tokens) == ends[i]):
        steps |= {i: len(seen) for i, _ in group}
    passes = len(seen) - 3  # before the last three steps: what precedes the first token
    assert steps == {i: passes + end - 1 for i, end in ends.items()}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_head_that_is_kept_changes_no_bit_and_is_not_computed_again(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from bench.decoding import greedy, kept_head, tree_model

    monkeypatch.setitem(kept_head.BLOCK, "cpu", 16)
    model = made("Llama", {}).to(getattr(torch, dtype))
    assert tree_model.install(model) == ""
    one, two = some_prompts(7, 75), some_prompts(8, 75)
    two = [one[0][:70] + prompt[70:] for prompt in two]  # 70 tokens begin both, which makes four blocks
    seen = passes_of(model, monkeypatch)

    def logits_of(prompts: Sequence[list[int]], kept: Any) -> tuple[int, list[Any]]:
        seen.clear()
        gathered(greedy.greedy(model, prompts, [5] * len(prompts), lambda i, tokens: False, kept))
        behind = [logits for _, over, logits in seen if not isinstance(over, kept_head.Head)]
        return sum(n for n, over, _ in seen if isinstance(over, kept_head.Head)), behind

    expected = [logits_of(prompts, None) for prompts in (one, two, two)]
    assert [n for n, _ in expected] == [75] * 3
    kept = kept_head.KeptHead()
    found = [logits_of(prompts, kept) for prompts in (one, two, two)]
    assert [n for n, _ in found] == [75, 75 - 64, 0]
    for (_, mine), (_, theirs) in zip(found, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))
    kept.let_go()
    assert logits_of(two, kept)[0] == 75


@pytest.mark.parametrize("new_tokens", [1, 2])
def test_few_tokens_are_as_many_as_asked_for(own: Any, tree: Any, new_tokens: int) -> None:
    from bench.decoding import greedy

    prompts = some_prompts(8)
    found = gathered(greedy.greedy(tree, prompts, [new_tokens] * len(prompts), lambda i, tokens: False))
    assert found == alone(own, prompts, new_tokens, lambda i, tokens: False)
    assert {len(tokens) for tokens in found} == {new_tokens}


def test_a_prompt_of_one_token_is_answered(own: Any, tree: Any) -> None:
    from bench.decoding import greedy

    for prompts in ([[7]], [[7], [8], [9, 10]]):
        found = gathered(greedy.greedy(tree, prompts, [6] * len(prompts), lambda i, tokens: False))
        assert found == alone(own, prompts, 6, lambda i, tokens: False)


def test_in_bfloat16_the_logits_over_a_tree_are_as_near_as_its_own(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from bench.decoding import greedy, tree_model

    model = made("Llama", {}).to(torch.bfloat16)
    assert tree_model.install(model) == ""
    prompts = some_prompts(9, 70)
    seen = passes_of(model, monkeypatch)
    gathered(greedy.greedy(model, prompts, [1] * len(prompts), lambda i, tokens: True))
    order = [row.index for group in prefix_tree(prompts).groups for row in group.rows]
    whole = made("Llama", {}).to(torch.bfloat16)
    mine, theirs = [], []
    for index, logits in zip(order, first_of(seen), strict=True):
        ids = torch.tensor([prompts[index]])
        with torch.inference_mode():
            exact, near = (m(input_ids=ids, use_cache=False).logits[0, -1].float() for m in (own, whole))
        mine.append(float((logits.float() - exact).norm()))
        theirs.append(float((near - exact).norm()))
    assert sum(mine) < 1.5 * sum(theirs)


# -- models that cannot ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options", "why"), CANNOT, ids=[f"{c[0]}-{i}" for i, c in enumerate(CANNOT)])
def test_a_model_that_cannot_read_a_tree_says_why_and_answers_as_it_did(
    name: str, options: dict[str, Any], why: str
) -> None:
    import re

    from bench.decoding import plain, tree_model

    own, model = made(name, options), made(name, options)
    assert re.search(why, tree_model.install(model))
    assert model.config._attn_implementation == own.config._attn_implementation
    # of one length, since some of these models look at what pads a prompt
    prompts = [prompt[:17] for prompt in some_prompts(3) if len(prompt) >= 17]
    finished = limits(3, len(prompts))
    assert len(prompts) > 2
    assert gathered(plain.greedy(model, prompts, [12] * len(prompts), finished, 0)) == alone(own, prompts, 12, finished)


@pytest.mark.parametrize("broken", ["_merge", "_up_to", "_padded"])
def test_a_model_whose_answers_change_keeps_its_own_attention(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.decoding import tree_attention as ta
    from bench.decoding import tree_model

    wrong = {
        "_merge": lambda a, a_lse, b, b_lse: (a, a_lse),
        "_up_to": lambda lengths, width, dtype: right(lengths - 1, width, dtype),
        "_padded": lambda lengths: tuple(places.flip(-1) for places in right(lengths)),
    }
    right: Any = getattr(ta, broken)
    monkeypatch.setattr(ta, broken, wrong[broken])
    model = made("Llama", {})
    before = model.config._attn_implementation
    assert tree_model.install(model).startswith("its answers change by ")
    assert model.config._attn_implementation == before


def test_a_model_that_fails_on_a_tree_keeps_its_own_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.decoding import tree_attention as ta
    from bench.decoding import tree_model

    for error, said in ((NotImplementedError(), "no message"), (KeyError("tree"), "'tree'"), (ValueError("a\nb"), "a")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(ta, "_read", fail)
        model = made("Llama", {})
        assert tree_model.install(model) == f"{type(error).__name__}: {said}"
        assert model.config._attn_implementation == made("Llama", {}).config._attn_implementation


# -- the library's way -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 90, 4096])
def test_padded_prompts_get_the_tokens_of_generate_one_at_a_time(
    own: Any, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import plain

    monkeypatch.setitem(plain._PASS_TOKENS, "cpu", tokens)
    prompts = some_prompts(11) + some_prompts(12)
    finished = limits(11, len(prompts))
    assert gathered(plain.greedy(own, prompts, [10] * len(prompts), finished, 0)) == alone(own, prompts, 10, finished)


@pytest.mark.parametrize("tokens", [1, 30, 4096])
def test_labels_behind_copies_of_a_prompt_have_the_likelihood_over_a_tree(
    own: Any, tree: Any, tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import label_choice, plain

    monkeypatch.setitem(plain._PASS_TOKENS, "cpu", tokens)
    prompts = some_prompts(13, 40)
    rand = random.Random(13)
    labels = [
        [[rand.randrange(60) for _ in range(rand.randint(1, 5))] for _ in range(rand.randint(1, 6))] for _ in prompts
    ]
    there = label_choice.label_log_likelihoods(tree, prompts, labels)
    for one, other in zip(plain.label_log_likelihoods(own, prompts, labels), there, strict=True):
        assert one.tolist() == pytest.approx(other.tolist(), abs=1e-3)


# -- what is told of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["tree", "plain"])
def test_the_phases_that_are_told_hold_all_prompts_and_all_new_tokens(own: Any, tree: Any, way: str) -> None:
    from bench.decoding import greedy, plain

    prompts = some_prompts(11, 66)
    limit = [10] * len(prompts)
    with spans.told():
        if way == "tree":
            answers = gathered(greedy.greedy(tree, prompts, limit, limits(11, len(prompts))))
        else:
            answers = gathered(plain.greedy(own, prompts, limit, limits(11, len(prompts)), 0))
        told = spans.taken(0.0)
    prefill, decode = ([one for one in told if one.name == name] for name in ("prefill", "decode"))
    assert len(prefill) + len(decode) == len(told)
    assert sum(one.rows for one in prefill) == len(prompts)
    layout = prefix_tree(prompts)
    if way == "tree":  # rows leave when they are finished, and what prompts begin with is computed once
        assert sum(one.tokens for one in decode) == sum(map(len, answers))
        assert sum(one.tokens for one in prefill) == layout.size
    for before, after in pairwise(told):
        assert after.start >= before.start + before.seconds - 1e-5


def test_choosing_labels_is_prefill_alone_and_on_a_gpu_a_pass_is_called_submitted(own: Any, tree: Any) -> None:
    from bench.decoding import label_choice, plain
    from bench.decoding.phases import tell_prefill

    prompts = some_prompts(13, 40)
    labels = [[[7], [8, 9]]] * len(prompts)
    for found in (
        label_choice.label_log_likelihoods(tree, prompts, labels),
        plain.label_log_likelihoods(own, prompts, labels),
    ):
        with spans.told():
            assert len(list(found)) == len(prompts)
            assert {one.name for one in spans.taken(0.0)} == {"prefill"}
    with spans.told():
        tell_prefill("cuda", 0.0, 1, 1)
        assert spans.taken(0.0)[0].name == "prefill submitted"
