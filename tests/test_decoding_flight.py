"""Rows that join others which are under way: the tokens of each prompt alone, within the bounds, and in fewer steps."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

import pytest
from test_decoding import alone, divided, limits, made, passes_of, some_prompts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own() -> Any:
    return made("Llama", {})


@pytest.fixture(scope="module")
def tree() -> Any:
    from bench.decoding import tree_model

    model = made("Llama", {})
    assert tree_model.install(model) == ""
    return model


def flown(
    model: Any, prompts: Sequence[list[int]], most: Sequence[int], finished: Callable[[int, list[int]], bool],
    most_work: int | None, see: Callable[[Any], None] = lambda flight: None,
) -> list[list[int]]:  # fmt: skip
    """What a flight says to the prompts, `see` told of it behind each go."""
    import torch

    from bench.decoding.flight import Asked, Flight, alike
    from bench.decoding.kept_head import KeptHead

    asked = [
        Asked(p, m, lambda said, i=i: finished(i, said)) for i, (p, m) in enumerate(zip(prompts, most, strict=True))
    ]
    flight, waiting, ended = Flight(model, KeptHead(), most_work), alike(asked), []
    with torch.inference_mode():
        while waiting or flight:
            ended += flight.join(waiting)
            see(flight)
            ended += flight.steps()
    assert sorted(map(id, ended)) == sorted(map(id, asked))
    assert (list(flight), flight.work) == ([], 0)
    return [one.said for one in asked]


@pytest.mark.parametrize("look_every", [1, 8])
@pytest.mark.parametrize("most_work", [1, 60, 200, None])
@pytest.mark.parametrize(("seed", "head"), [(20, 0), (21, 66), (24, 0)])
def test_what_joins_later_says_what_it_says_alone(
    own: Any, tree: Any, seed: int, head: int, most_work: int | None, look_every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import flight

    monkeypatch.setitem(flight.LOOK_EVERY, "cpu", look_every)
    prompts = divided(seed, head)
    rand = random.Random(seed)
    most = [rand.choice([1, 2, 5, 15]) for _ in prompts]
    ends = limits(seed, len(prompts), most=17)
    over = lambda i, said: len(said) >= most[i] or ends(i, said)  # noqa: E731
    assert flown(tree, prompts, most, ends, most_work) == alone(own, prompts, 15, over)


def test_places_of_rows_that_ended_are_taken_by_longer_ones(own: Any, tree: Any) -> None:
    prompts = [[5 + i, *range(10, 30), *range(40, 41 + 5 * (i % 4))] for i in range(12)]
    most = [1 + 7 * (i % 3) for i in range(12)]
    expected = alone(own, prompts, 15, lambda i, said: len(said) == most[i])
    assert flown(tree, prompts, most, lambda *_: False, 90) == expected


def test_what_is_under_way_stays_within_its_bounds_of_work_and_of_memory(
    tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import flight

    prompts = some_prompts(31) + some_prompts(32) + some_prompts(33)
    of_a_token = flight.KEPT_BYTES["cpu"] // flight.kept_tokens(tree)
    for work, tokens in ((150, 10_000), (None, 250)):
        seen: list[tuple[float, int, int]] = []
        monkeypatch.setitem(flight.KEPT_BYTES, "cpu", tokens * of_a_token)

        def see(one: Any, seen: list[tuple[float, int, int]] = seen) -> None:
            kept = sum(share.size for share in one._shares) + len(one._rows.known) * one._rows.slots
            seen.append((one.work, kept, len(list(one))))

        flown(tree, prompts, [12] * len(prompts), limits(31, len(prompts)), work, see)
        assert max(n for *_, n in seen) > 4  # else nothing is tried
        assert all(w <= (work or w) for w, *_ in seen)
        # keys of shared parts are padded to the longest of a pass, also when that one has left
        assert max(kept for _, kept, _ in seen) <= 1.6 * tokens


def test_rows_that_join_save_the_steps_that_a_batch_takes_for_its_slowest(
    tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import greedy
    from bench.decoding.tree_attention import Step

    prompts = [[5 + i, *range(10, 30), 40 + i % 9] for i in range(40)]
    most = [30 if i % 8 == 0 else 3 for i in range(40)]
    never = lambda *_: False  # noqa: E731
    seen = passes_of(tree, monkeypatch)

    def steps() -> list[int]:
        found = [n for n, over, _ in seen if isinstance(over, Step)]
        seen.clear()
        return found

    for start in range(0, 40, 8):  # eight at a time, one behind the other
        list(greedy.greedy(tree, prompts[start : start + 8], most[start : start + 8], never))
    in_turn = steps()
    flown(tree, prompts, most, never, 8 * (22 + 16))
    joined = steps()
    assert sum(joined) == sum(in_turn) == sum(most) - 40  # no row is computed behind its end, either way
    assert len(in_turn) == 5 * 29
    assert len(joined) < 0.6 * len(in_turn)


def test_single_prompts_share_what_the_one_before_began_with(
    own: Any, tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding.serving import Pending, Serving

    head = [3 + i % 50 for i in range(128)]
    prompts = [[*head, 5 + i, 6, 7 + i] for i in range(6)]
    seen = passes_of(tree, monkeypatch)
    serving = Serving(tree, None)
    said = []
    for prompt in prompts:
        one = Pending(prompt, 4, lambda tokens: False, list)
        serving.ask([one])
        said.append(one.future.result(60))
    assert said == alone(own, prompts, 4, lambda i, tokens: False)
    first = sum(n for n, _, _ in seen)
    assert first <= 131 + 128 + 6 * (3 + 4)  # the beginning alone, once as a head, and what is each prompt's own
    serving.forget()
    seen.clear()
    one = Pending(prompts[0], 4, lambda tokens: False, list)
    serving.ask([one])
    one.future.result(60)
    assert sum(n for n, _, _ in seen) == 131 + 3  # computed again


# -- in a thread -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_work", [1, 150, None])
def test_prompts_that_come_from_many_threads_are_each_answered_once(own: Any, tree: Any, most_work: int | None) -> None:
    from bench.decoding.serving import Pending, Serving

    prompts = some_prompts(41, 66) + some_prompts(42) + some_prompts(43)
    finished = limits(41, len(prompts))
    expected = alone(own, prompts, 12, finished)
    serving, found = Serving(tree, most_work), dict[int, list[int]]()

    def ask(first: int) -> None:
        rand = random.Random(first)
        for start in range(first, len(prompts), 8):
            mine = [i for i in (start, start + 4) if i < len(prompts)]
            asked = [Pending(prompts[i], 12, lambda said, i=i: finished(i, said), list) for i in mine]
            serving.ask(asked)
            time.sleep(rand.random() / 50)
            for i, one in zip(mine, asked, strict=True):
                assert i not in found
                found[i] = one.future.result(60)

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert [found[i] for i in range(len(prompts))] == expected


def test_what_is_cancelled_leaves_and_the_others_go_on(own: Any, tree: Any) -> None:
    from bench.decoding.serving import Pending, Serving

    serving, prompts = Serving(tree, 60), some_prompts(44)
    begun, go_on = threading.Event(), threading.Event()

    def slow(said: list[int]) -> bool:
        begun.set()
        go_on.wait(60)
        return False

    first = Pending(prompts[0], 12, slow, list)
    others = [Pending(prompt, 12, lambda said: False, list) for prompt in prompts[1:]]
    serving.ask([first])
    serving.ask(others)
    assert begun.wait(60)
    assert first.future.cancel()
    assert others[-1].future.cancel()  # which only waits
    go_on.set()
    kept = others[:-1]
    assert [one.future.result(60) for one in kept] == alone(own, prompts[1:-1], 12, lambda i, said: False)
    assert len(first.said) <= 2
    with pytest.raises(CancelledError):
        first.future.result(1)


def test_what_fails_is_told_to_those_under_way_alone_and_less_is_under_way_then(
    own: Any, tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding.serving import Pending, Serving

    prompts = [[5 + i, *range(10, 30), 40 + i % 9] for i in range(24)]
    forward, most = tree.forward, 6

    def full(*args: Any, **given: Any) -> Any:
        if len(list(serving._flight)) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate too much")
        return forward(*args, **given)

    monkeypatch.setattr(tree, "forward", full)
    serving = Serving(tree, None)
    asked = [Pending(prompt, 5, lambda said: False, list) for prompt in prompts]
    serving.ask(asked[:12])
    serving.ask(asked[12:])
    errors = [one.future.exception(60) for one in asked]
    left = list(range(24))
    for _ in range(6):  # as the feed asks again what failed
        left = [i for i in left if asked[i].future.exception(60)]
        for i in left:
            asked[i] = Pending(prompts[i], 5, lambda said: False, list)
        serving.ask([asked[i] for i in left])
    assert any(isinstance(one, RuntimeError) and one.__traceback__ is None for one in errors)
    assert [one.future.result(60) for one in asked] == alone(own, prompts, 5, lambda i, said: False)


@pytest.mark.parametrize("where", ["over", "made", "empty"])
def test_an_error_of_one_prompt_reaches_who_waits_for_it_and_the_thread_lives_on(tree: Any, where: str) -> None:
    from bench.decoding.serving import Pending, Serving

    def fail(said: list[int]) -> Any:
        raise SystemExit("no")

    serving = Serving(tree, None)
    prompt = [] if where == "empty" else [5, 6, 7]
    bad = Pending(prompt, 4, fail if where == "over" else lambda said: False, fail if where == "made" else list)
    serving.ask([bad])
    assert isinstance(bad.future.exception(60), ValueError if where == "empty" else SystemExit)
    good = Pending([5, 6, 7], 4, lambda said: False, list)
    serving.ask([good])
    assert len(good.future.result(60)) == 4


def test_a_thread_without_work_ends_and_another_is_there_when_work_comes(
    tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import serving as module

    monkeypatch.setattr(module, "_LINGERS", 0.01)
    serving = module.Serving(tree, None)

    def alive() -> list[str]:
        return [one.name for one in threading.enumerate() if one.name == "batching"]

    before = alive()
    for _ in range(3):
        one = module.Pending([5, 6, 7], 4, lambda said: False, list)
        serving.ask([one])
        one.future.result(60)
        ends = time.monotonic() + 60
        while alive() != before and time.monotonic() < ends:
            time.sleep(0.01)
        assert alive() == before
    assert serving.run(lambda: 7).result(60) == 7


# -- what a stranger's use of it must not do ---------------------------------------------------------------------------


def in_turn(tree: Any, prompts: Sequence[list[int]], limit: int = 4, most_work: int | None = None) -> Any:
    """A serving and prompts that were asked together: the first waits, in its first look, for the event that is given."""
    from bench.decoding.serving import Pending, Serving

    begun, go_on = threading.Event(), threading.Event()

    def held(said: list[int]) -> bool:
        begun.set()
        go_on.wait(60)
        return False

    serving = Serving(tree, most_work)
    asked = [Pending(one, limit, held if not i else lambda said: False, list) for i, one in enumerate(prompts)]
    serving.ask(asked[:1])
    assert begun.wait(60)
    serving.ask(asked[1:])
    return serving, asked, go_on


def test_what_is_cancelled_while_it_waits_is_never_computed(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = passes_of(tree, monkeypatch)
    prompts = [[5 + i, *range(10, 30), 40 + i % 9] for i in range(30)]
    serving, asked, go_on = in_turn(tree, prompts, 4, most_work=30)
    later = serving.run(threading.Event)  # until it is done, all have been taken in
    go_on.set()
    later.result(60)
    for one in asked[3:-1]:
        one.future.cancel()
    job = serving.run(threading.Event)
    assert [len(one.future.result(60)) for one in (*asked[:3], asked[-1])] == [4] * 4
    job.result(60)
    assert sum(n for n, *_ in seen) <= 6 * 25  # one or two more may have joined before


def test_a_job_that_is_cancelled_while_it_waits_is_not_done(tree: Any) -> None:
    serving, asked, go_on = in_turn(tree, [[5, 6, 7]])
    done: list[int] = []
    jobs = [serving.run(lambda i=i: done.append(i)) for i in range(20)]
    for one in jobs[:-1]:
        one.cancel()
    go_on.set()
    jobs[-1].result(60)
    asked[0].future.result(60)
    assert done == [19]


def test_an_error_in_the_end_of_one_reply_is_its_own_and_bounds_nothing(own: Any, tree: Any) -> None:
    from bench.decoding.serving import Pending, Serving

    def fail(said: list[int]) -> bool:
        raise ValueError("no text")

    serving, prompts = Serving(tree, 500), [[5 + i, *range(10, 30), 40 + i] for i in range(8)]
    asked = [Pending(one, 5, fail if i == 3 else lambda said: False, list) for i, one in enumerate(prompts)]
    serving.ask(asked)
    assert isinstance(asked.pop(3).future.exception(60), ValueError)
    del prompts[3]
    assert [one.future.result(60) for one in asked] == alone(own, prompts, 5, lambda i, said: False)
    assert serving._most_work == 500


@pytest.mark.parametrize(
    ("error", "n", "bound"),
    [
        (ValueError("index out of range"), 8, 400),  # says nothing of the memory
        (MemoryError(), 8, (21 + 8 * (1 + 5)) // 2),  # half of what was too much
        (MemoryError(), 1, 400),  # what is too much alone says nothing of the others
    ],
)
def test_only_what_was_too_much_for_the_memory_bounds_what_is_under_way(
    tree: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, n: int, bound: int
) -> None:
    from bench.decoding.serving import Pending, Serving

    def fails(*args: Any, **given: Any) -> Any:
        raise error

    serving = Serving(tree, 400)
    asked = [Pending([*range(10, 31), 40 + i], 5, lambda said: False, list) for i in range(n)]
    with monkeypatch.context() as patch:
        patch.setattr(tree, "forward", fails)
        serving.ask(asked)
        assert all(one.future.exception(60) is error for one in asked)
    assert serving._most_work == bound


def test_who_waits_is_told_when_the_device_is_lost_and_the_next_who_asks_gets_another_thread(
    own: Any, tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import serving as module

    def lost(*args: Any, **given: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    prompts = [[5 + i, *range(10, 30), 40 + i % 9] for i in range(30)]
    serving, asked, go_on = in_turn(tree, prompts, 4, most_work=30)
    with monkeypatch.context() as patch:
        patch.setattr(tree, "forward", lost)
        patch.setattr(module, "Flight", lost)  # which makes tensors on the device
        go_on.set()
        errors = [one.future.exception(60) for one in asked]
        assert {type(one) for one in errors} == {RuntimeError}, errors
    again = module.Pending(prompts[0], 4, lambda said: False, list)
    serving.ask([again])
    assert [again.future.result(60)] == alone(own, prompts[:1], 4, lambda i, said: False)


def test_where_no_thread_can_be_started_who_asks_is_told_and_may_ask_again(
    tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding.serving import Pending, Serving

    def full(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    serving = Serving(tree, None)
    one = Pending([5, 6, 7], 4, lambda said: False, list)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError, match="new thread"):
            serving.ask([one])
    serving.ask([one])
    assert len(one.future.result(60)) == 4


def test_a_long_prompt_whose_first_token_ends_it_leaves_those_beside_it_readable(own: Any, tree: Any) -> None:
    import torch

    from bench.decoding.flight import Asked, Flight, alike
    from bench.decoding.kept_head import KeptHead

    prompts, most = [[5, *range(10, 30)], [6, *range(9, 59)], [7, *range(20, 35)]], [6, 1, 6]
    asked = [Asked(one, limit, lambda said: False) for one, limit in zip(prompts, most, strict=True)]
    flight = Flight(tree, KeptHead())
    with torch.inference_mode():
        flight.join(alike(asked[:1]))
        flight.steps()
        assert flight.join(alike(asked[1:])) == asked[1:2]  # joined, put together with what is under way, and left
        while flight:
            flight.steps()
    assert [one.said for one in asked] == alone(own, prompts, 6, lambda i, said: len(said) == most[i])


def test_a_long_prompt_among_short_ones_has_their_keys_padded_to_its_length_in_few(own: Any, tree: Any) -> None:
    import torch

    from bench.decoding.first_pass import PASS_TOKENS
    from bench.decoding.flight import Asked, Flight, alike
    from bench.decoding.kept_head import KeptHead

    rand = random.Random(7)
    prompts = [[rand.randrange(3, 60) for _ in range(n)] for n in (1500, *[12] * 45)]
    asked, kept = [Asked(one, 3, lambda said: False) for one in prompts], []
    flight, waiting = Flight(tree, KeptHead()), alike(asked)
    with torch.inference_mode():
        while waiting or flight:
            flight.join(waiting)
            kept.append(sum(share.size for share in flight._shares))
            flight.steps()
    assert max(kept) <= sum(map(len, prompts)) + 2 * PASS_TOKENS["cpu"]  # 46 times 1,500 in one
    assert [one.said for one in asked] == alone(own, prompts, 3, lambda i, said: False)


def test_slots_of_a_long_row_that_ended_are_given_to_those_that_wait(
    tree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import flight

    tokens = 400
    monkeypatch.setitem(flight.KEPT_BYTES, "cpu", tokens * (flight.KEPT_BYTES["cpu"] // flight.kept_tokens(tree)))
    prompts = [[5 + i % 40, 6 + i // 40] for i in range(60)]
    most = [60, *[4] * 59]
    seen: list[int] = []
    said = flown(
        tree, prompts, most, lambda i, said: i == 0 and len(said) == 2, None, lambda one: seen.append(len(list(one)))
    )
    assert [len(one) for one in said] == [2, *most[1:]]
    assert max(seen) > 30  # a row of six slots: with 62 for each there are six


def test_what_a_thread_computes_is_told_once_beside_who_listens_and_steps_together(tree: Any) -> None:
    from bench.decoding.serving import Pending, Serving
    from bench.runs import spans

    with spans.told():
        spans.taken(spans.clock())
        serving = Serving(tree, None)
        for first in (5, 6):
            one = Pending([first, 6, 7], 20, lambda said: False, list)
            serving.ask([one])
            one.future.result(60)
            time.sleep(0.05)  # nothing is under way meanwhile
        serving.forget()
        found = [one for one in spans.taken(0.0) if one.name in ("prefill", "decode") and (one.rows or one.tokens)]
    assert [one.name for one in found] == ["prefill", "decode"] * 2
    assert {one.track for one in found} == {"batching"}
    assert [one.tokens for one in found if one.name == "decode"] == [20, 20]
    for one, then in itertools.pairwise(found):
        assert one.start + one.seconds <= then.start + 1e-5
