"""What heads share whose numbers are those of labels: the head's own names, and which of them a request's labels are."""

from __future__ import annotations

from bench.models.base import Device
from bench.models.encoder_head import EncoderHead
from bench.models.own_labels import matched, names_of


class LabelledHead(EncoderHead):
    """A head with a number for each of its `own` labels; `labels` maps these to those of the request where they differ."""

    def __init__(
        self,
        source: str,
        sha256: str | None = None,
        *,
        labels: dict[str, str] | None = None,
        max_length: int | None = None,
        tokens_per_pass: int | None = None,
        trust: list[str] | None = None,
    ) -> None:
        super().__init__(source, sha256, max_length=max_length, tokens_per_pass=tokens_per_pass, trust=trust)
        self.labels = labels or {}
        self._matched: dict[tuple[str, ...], dict[str, int]] = {}

    def load(self, device: Device, *, seed: int) -> None:
        """Load, and take the head's own names of its numbers."""
        super().load(device, seed=seed)
        self.own = names_of(self.model.config)
        self._matched.clear()

    def places(self, wanted: tuple[str, ...], *, all_wanted: bool = True, all_own: bool = True) -> dict[str, int]:
        """Which of the head's own labels each wanted one is, as `matched` says, which is asked once."""
        if wanted not in self._matched:
            self._matched[wanted] = matched(
                self.own, wanted, self.labels, self.source, all_wanted=all_wanted, all_own=all_own
            )
        return self._matched[wanted]
