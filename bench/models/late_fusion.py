"""Baselines for sound and film that are fitted on a task's training split: a ridge regression a sense, and their weighted sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Device, Model
from bench.models.fused_senses import LEAST, Fused, Learned, fused, learned
from bench.models.senses import BLANK, chosen
from bench.models.side_by_side import answers
from bench.types import Audio, Choose, Json, Prediction, Regress, Request, Text, Video

_SPREADS = ("targets", "least_squares")


class LateFusion(Model):
    """Learns from the training split each time it is loaded what each of `senses` (sound, frames, words) says of the answer.

    Each sense has a ridge regression of its own; its penalty, and the weights of the senses in each number, are those that fit
    best the training examples of clusters which were not learned from (five folds). Where some are missing in an example (a film
    without sound, an empty text) the others have the weights that they would have among themselves. What holds nothing but
    silence gets the mean of the training split; what has no part for any sense fails.

    Least squares gives numbers that spread less than the targets do, which a concordance counts as an error: with `spread`
    "targets" they are spread as wide as these, by the same folds; with "least_squares" they stay. A label's score is the ridge
    of its indicator, above 0, in shares of 1 unless several labels may be right.
    """

    parts = frozenset({"text", "audio", "video"})
    outputs = (Choose, Regress)
    learns = folds_clusters = answers_alone = True
    uses_device = False
    revision = "1"

    def __init__(self, senses: list[str], n_frames: int = 12, spread: str = "targets") -> None:
        if not 1 <= n_frames <= 100:
            raise BenchError(f"model.n_frames={n_frames} must be from 1 to 100")
        if spread not in _SPREADS:
            raise BenchError(f"model.spread={spread} must be {' or '.join(_SPREADS)}")
        self.senses, self.spread = chosen(senses, n_frames), spread
        self.needs_any = frozenset().union(*(sense.parts for sense in self.senses))
        self.watches = any(sense.name == "frames" for sense in self.senses)
        self._lesson: Sequence[tuple[Request, Prediction]] = ()
        self._told: dict[str, Json] = {}

    def learn(self, taught: Sequence[tuple[Request, Prediction]]) -> None:
        """Keep the lesson for `load`."""
        self._lesson, self.loaded = taught, None

    def cost(self, request: Request) -> int:
        """The size of the files and the length of the texts."""
        files = [part.path for part in request.parts if isinstance(part, Audio | Video)]
        return sound.n_tokens(files) + sum(len(part.text) // 4 for part in request.parts if isinstance(part, Text))

    def load(self, device: Device, *, seed: int) -> None:
        """Fit to the lesson; raises BenchError where too little of it can be perceived. Bad files of the lesson are left out."""
        import numpy as np

        if not self._lesson:
            raise BenchError("this model learns from the training split of its task, and got none")
        if self.needs_any & {"audio", "video"}:
            sound.library()
        self._threads = device.threads
        self._names = _names(self._lesson[0][0])
        perceived, reasons = self._all_perceived()
        targets = np.array([_target(ideal, self._names) for _, ideal in self._lesson])
        clusters = self.clusters or tuple(map(str, range(len(targets))))
        together = isinstance(self._lesson[0][0].output, Choose)
        known: dict[str, Learned] = {}
        with _limited(self._threads):
            for i, sense in enumerate(self.senses):
                rows = [j for j, found in enumerate(perceived) if found[i] is not None and found[i] is not BLANK]
                if len(rows) >= LEAST:
                    found = sense.gathered([perceived[j][i] for j in rows])
                    known[sense.name] = learned(sense, found, rows, targets, clusters, seed=seed, together=together)
            if not known:
                why = f"; the first that failed: {reasons[0]}" if reasons else ""
                raise BenchError(
                    f"{' and '.join(sense.name for sense in self.senses)} can be perceived in fewer than {LEAST} training "
                    f"examples, from which nothing can be learned{why}"
                )
            wide = self.spread == "targets" and not together
            self._fused: Fused = fused(known, targets, together=together, wide=wide)
        self._told = {
            "fitted_on": len(targets) - len(reasons), "left_out": self.left_out, "unreadable": len(reasons),
            **{f"learned_{name}": one.told(self._names) for name, one in known.items()},
            "weights": self._fused.told(self._names),
        }  # fmt: skip

    def _all_perceived(self) -> tuple[list[list[Any]], list[str]]:
        """What each sense perceives of each request of the lesson, and the reasons of those that cannot be read."""

        def looked(request: Request) -> list[Any] | str:
            try:
                return self._perceived(request)
            except (ValueError, OSError) as error:
                return str(error)

        with ThreadPoolExecutor(self._threads) as pool:
            found = list(pool.map(looked, [request for request, _ in self._lesson]))
        nothing: list[Any] = [None] * len(self.senses)
        return [nothing if isinstance(one, str) else one for one in found], [
            one for one in found if isinstance(one, str)
        ]

    def _perceived(self, request: Request) -> list[Any]:
        return [sense.perceived(request) for sense in self.senses]

    def predict(self, batch: Sequence[Request]) -> Iterator[Prediction]:
        """As many examples at once as there are threads, each by itself; each prediction in its turn."""
        return answers(self._answer, batch, self._threads)

    def _answer(self, request: Request) -> Prediction:
        if _names(request) != self._names:
            raise ValueError(f"request {request.id!r} asks for {_names(request)}; {self._names} were learned")
        found = dict(zip((sense.name for sense in self.senses), self._perceived(request), strict=True))
        if all(one is None for one in found.values()):
            raise ValueError(
                f"request {request.id!r} holds nothing for {' or '.join(found)}: a film may lack a track of that kind"
            )
        numbers = self._fused.of({name: one for name, one in found.items() if one is not None and one is not BLANK})
        output = request.output
        if isinstance(output, Regress):
            scales = zip(output.names, numbers, output.low, output.high, strict=True)
            return Prediction(request.id, values={name: min(max(v, low), high) for name, v, low, high in scales})
        several = isinstance(output, Choose) and output.several
        return Prediction(
            request.id, label_scores=dict(zip(self._names, _shares(numbers, several=several), strict=True))
        )

    def describe(self) -> Mapping[str, Json]:
        """On how many it was fitted, and of each sense its penalty and how well it foretold clusters that it had not seen."""
        return self._told


def _names(request: Request) -> tuple[str, ...]:
    """What numbers are asked for: the scales, or the labels."""
    output = request.output
    if isinstance(output, Regress):
        return output.names
    if isinstance(output, Choose):
        return output.labels
    raise TypeError(f"these baselines give labels and numbers; request {request.id!r} asks for {output!r}")


def _target(ideal: Prediction, names: tuple[str, ...]) -> list[float]:
    values = ideal.values if ideal.values is not None else ideal.label_scores
    return [float((values or {}).get(name, 0.0)) for name in names]


def _shares(numbers: Sequence[float], *, several: bool) -> list[float]:
    """Scores of labels as probabilities, none of them nothing."""
    held = [min(max(number, 1e-6), 1.0) for number in numbers]
    return held if several else [number / sum(held) for number in held]


def _limited(threads: int) -> Any:
    """As many threads of linear algebra as the device has."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=threads)
