"""Telling a listener of the tokens that the library's `generate` makes, as each step makes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from typing import Any

Told = Callable[[str, int], None]


class Tokens:
    """What each row of a `generate` has made by now, told under the row's name; its first end token among them.

    Behind its end a row has padding, and so has one that a stop string ended: of `padding` a token counts only where another comes
    behind it, and `over` ends a row without counting. `unheard` are other tokens that never count.
    """

    def __init__(
        self, told: Told, names: Sequence[str], ends: Container[int], *, padding: int | None = None,
        over: Container[int] = (), unheard: Container[int] = (),
    ) -> None:  # fmt: skip
        self.told, self.names, self.ends, self.padding = told, names, ends, padding
        self.over, self.unheard = over, unheard
        self.counted: Counter[int] = Counter()
        self._held = dict.fromkeys(range(len(names)), 0)  # padding by row, of those that go on

    @property
    def criterion(self) -> Any:
        """One for `generate`, which ends no row."""
        import torch
        from transformers import StoppingCriteria

        class Telling(StoppingCriteria):  # type: ignore[misc]
            def __call__(criterion, ids: Any, scores: Any, **_: Any) -> Any:
                for row, token in enumerate(ids[:, -1].tolist()):
                    self._made(row, token)
                return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

        return Telling()

    def _made(self, row: int, token: int) -> None:
        if row not in self._held or token in self.unheard:
            return
        if token == self.padding and token not in self.ends:
            self._held[row] += 1
            return
        if token not in self.over:
            self.tell(row, 1 + self._held[row])
            self._held[row] = 0
        if token in self.over or token in self.ends:
            del self._held[row]

    def tell(self, row: int, n: int) -> None:
        """So many more of this row."""
        self.counted[row] += n
        self.told(self.names[row], n)
