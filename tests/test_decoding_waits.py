"""How often generation reads a number back from the device: on a GPU each such read waits for all that was handed to it."""

from __future__ import annotations

from typing import Any

import pytest
from test_causal import checkpoint, loaded

pytestmark = pytest.mark.slow
_READS = ("aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal", "aten::is_nonzero")


class Reads:
    """Counts reads of single numbers and lists, and indexing by masks, while it is entered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode

        self.names: list[str] = []
        self.lists = 0
        outer, tolist = self, torch.Tensor.tolist

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                name = func._schema.name
                by_mask = name.startswith("aten::index") and any(
                    one is not None and one.dtype == torch.bool
                    for places in args
                    if isinstance(places, list | tuple)
                    for one in places
                )
                if name in _READS or by_mask:
                    outer.names.append(name)
                return func(*args, **(kwargs or {}))

        def counted(tensor: Any) -> Any:
            self.lists += 1
            return tolist(tensor)

        monkeypatch.setattr(torch.Tensor, "tolist", counted)
        self.mode = Mode()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(checkpoint(tmp_path_factory.mktemp("waits") / "llama", generation={"eos_token_id": None}))


@pytest.mark.parametrize("most", [9, 33, 65])
def test_tokens_are_looked_at_every_eighth_step_and_nothing_else_is_read_back(
    model: Any, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    from bench.decoding import flight, greedy

    monkeypatch.setitem(flight.LOOK_EVERY, "cpu", 8)  # as on a GPU
    prompts = [[5 + i, *range(10, 30), 40 + i] for i in range(5)]
    limits = [most, most, most, most - 3, 2]  # rows that leave in between, and the rest copied together
    reads = Reads(monkeypatch)
    with reads.mode:
        found = dict(one for group in greedy.greedy(model.model, prompts, limits, lambda *_: False) for one in group)
    assert [len(found[i]) for i in range(5)] == limits
    # Only the tables of `_padded`, made on the host when rows begin or leave: as many, however many steps there are.
    assert reads.names == ["aten::index"] * 6
    assert reads.lists <= 1 + -(-most // 8) + 2  # the first token, each eighth, and one for each row that leaves early


def test_a_read_is_noticed_where_there_is_one(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    reads = Reads(monkeypatch)
    with reads.mode:
        some = torch.arange(3)
        assert int(some.max()) == 2
        some[some > 1].tolist()
    assert reads.names[:1] == ["aten::_local_scalar_dense"]
    assert any(name.startswith("aten::index") or name == "aten::nonzero" for name in reads.names[1:])
    assert reads.lists == 1


def test_looking_seldom_gives_the_tokens_of_looking_always(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.decoding import flight, greedy

    prompts = [[5 + i, *range(10, 30 + i), 40 + i] for i in range(7)]
    limits = [3, 40, 17, 8, 9, 1, 25]

    def said() -> dict[int, list[int]]:
        over = lambda index, tokens: len(tokens) == 5 + index  # noqa: E731
        return dict(one for group in greedy.greedy(model.model, prompts, limits, over) for one in group)

    always = said()
    monkeypatch.setitem(flight.LOOK_EVERY, "cpu", 8)
    assert said() == always
