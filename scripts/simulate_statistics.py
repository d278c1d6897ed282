"""Checks by simulation what docs/statistics.md says of intervals, paired tests, detectable differences, the gate and ranks.

    python scripts/simulate_statistics.py [worlds|power|gate|ranks|speed ...] [--simulations 4000] [--seed 0] [--world NAME ...]

Every table names the share that was found; its Monte-Carlo error is sqrt(share (1 - share) / simulations). Two runs answer
the same examples: what they share, and what each has of its own, is alike within a cluster (intra-cluster correlation 0.7 of
what lies below the answers). Prints Markdown. Run it alone on the machine for `speed`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.metrics.classification import averaged
from bench.metrics.metric import Metric
from bench.stats.gate import Change, judge
from bench.stats.intervals import bootstrap_interval, cluster_sums, leave_one_out_interval
from bench.stats.paired import difference
from bench.stats.ranks import by_clusters
from bench.stats.swaps import sign_flip

Array = npt.NDArray[np.float64]
ICC, RESAMPLES = 0.7, 999
MEAN = Metric("mean", measure=lambda target, answer: (answer,))
LABELS, PRIOR = ("a", "b", "c"), np.array([0.6, 0.3, 0.1])
MACRO_F1 = averaged("f1", LABELS)


@dataclass(frozen=True)
class World:
    """How examples and answers come about: `draw(rng, effect)` gives the rows of two runs whose scores are truly `effect` apart.

    `truth` is the true score of the first run. `sizes` are those of the clusters.
    """

    name: str
    sizes: npt.NDArray[np.intp]
    draw: Callable[[np.random.Generator, float], tuple[Array, Array]]
    truth: float
    metric: Metric = MEAN

    @property
    def clusters(self) -> list[str]:
        """The cluster of each example."""
        return [str(i) for i in np.repeat(np.arange(len(self.sizes)), self.sizes)]


def latent(rng: np.random.Generator, sizes: npt.NDArray[np.intp], runs: int = 2) -> list[Array]:
    """Standard normal values [n] of each run: half what the examples have in common, half the run's own, both clustered."""

    def part() -> Array:
        common = rng.normal(size=len(sizes))
        return np.asarray(np.sqrt(ICC) * np.repeat(common, sizes) + np.sqrt(1 - ICC) * rng.normal(size=sizes.sum()))

    shared = part()
    return [(shared + part()) / np.sqrt(2) for _ in range(runs)]


def continuous(name: str, sizes: npt.NDArray[np.intp]) -> World:
    """Normal scores around 0.5, with a standard deviation of 0.1."""

    def draw(rng: np.random.Generator, effect: float) -> tuple[Array, Array]:
        a, b = latent(rng, sizes)
        return (0.5 + 0.1 * a)[:, None], (0.5 + effect + 0.1 * b)[:, None]

    return World(name, sizes, draw, 0.5)


def binary(name: str, sizes: npt.NDArray[np.intp], right: float = 0.6) -> World:
    """Right or wrong; an effect is half the first run's loss, half the second's gain."""

    def draw(rng: np.random.Generator, effect: float) -> tuple[Array, Array]:
        a, b = latent(rng, sizes)
        wanted = special.ndtri([right - effect / 2, right + effect / 2])
        return (a < wanted[0]).astype(float)[:, None], (b < wanted[1]).astype(float)[:, None]

    return World(name, sizes, draw, right)


def labelled(name: str, sizes: npt.NDArray[np.intp], *, alike: bool) -> World:
    """Macro F1 of three labels. Where not `alike`, the second run errs towards the commonest label, but scores the same."""
    other = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    common = np.array([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]])
    truth = _macro_f1(0.6, other)
    low, high = 0.0, 1.0
    for _ in range(50):  # bisection for the second run's accuracy
        middle = (low + high) / 2
        low, high = (middle, high) if _macro_f1(middle, common) < truth else (low, middle)
    accuracy = (0.6, 0.6 if alike else low)

    def draw(rng: np.random.Generator, effect: float) -> tuple[Array, Array]:
        target = rng.choice(3, size=sizes.sum(), p=PRIOR)
        found = []
        for x, right, wrong in zip(latent(rng, sizes), accuracy, (other, other if alike else common), strict=True):
            error = (rng.random(len(x))[:, None] > wrong.cumsum(axis=1)[target]).sum(axis=1)
            given = np.where(x < special.ndtri(right), target, error)
            eye = np.eye(3)
            found.append(np.hstack([eye[target] * (given == target)[:, None], eye[given], eye[target]]))
        return found[0], found[1]

    return World(name, sizes, draw, truth, MACRO_F1)


def _macro_f1(accuracy: float, wrong: Array) -> float:
    """Of the population: each label's right, given and wanted shares."""
    right = PRIOR * accuracy
    given = right + (PRIOR * (1 - accuracy)) @ wrong
    return float((2 * right / (given + PRIOR)).mean())


def worlds() -> list[World]:
    """The worlds of the tables."""
    ten, eight = np.full(50, 10), np.full(8, 25)
    unequal = np.random.default_rng(1).geometric(0.1, 50)  # 1 to some 40 examples, 10 on average
    return [
        continuous("continuous, 50 clusters of 10", ten),
        binary("right or wrong, 50 clusters of 10", ten),
        binary("right or wrong, 500 alone", np.full(500, 1)),
        continuous(f"continuous, 50 clusters of {unequal.min()} to {unequal.max()}", unequal),
        binary(f"right or wrong, 50 clusters of {unequal.min()} to {unequal.max()}", unequal),
        continuous("continuous, 8 clusters of 25", eight),
        binary("right or wrong, 8 clusters of 25", eight),
        labelled("macro F1, 50 clusters of 10", ten, alike=True),
        labelled("macro F1, runs that err in other ways", ten, alike=False),
    ]


def share(hits: Sequence[bool]) -> str:
    """The share in percent with its Monte-Carlo error."""
    p = float(np.mean(hits))
    return f"{100 * p:.1f} ± {100 * np.sqrt(p * (1 - p) / len(hits)):.1f}"


def under_null(world: World, simulations: int, seed: int) -> dict[str, list[bool]]:
    """Two runs of equal score: whether the intervals hold the truth, and whether tests with and without clusters reject."""
    rng = np.random.default_rng(seed)
    clusters, n = world.clusters, int(world.sizes.sum())
    found: dict[str, list[bool]] = {"one run": [], "difference": [], "rejects": [], "naive": []}
    for i in range(simulations):
        a, b = world.draw(rng, 0.0)
        interval = leave_one_out_interval if world.metric.jackknife else _bootstrap
        low, high = interval(*cluster_sums(a, clusters), world.metric.summarise)
        found["one run"].append(low <= world.truth <= high)
        paired = difference(world.metric, a, b, clusters, resamples=RESAMPLES, seed=i)
        assert paired.low is not None  # eight clusters or more
        assert paired.high is not None
        found["difference"].append(paired.low <= 0 <= paired.high)
        found["rejects"].append(paired.p <= 0.05)
        alone = sign_flip(world.metric, a, b, np.arange(n), resamples=RESAMPLES, seed=i)
        found["naive"].append(alone[0] <= 0.05)
    return found


def _bootstrap(sums: Array, sizes: Array, summarise: Callable[[Array, Array], Array]) -> tuple[float, float]:
    return bootstrap_interval(sums, sizes, summarise, resamples=RESAMPLES)


def power(world: World, simulations: int, seed: int) -> tuple[float, list[bool]]:
    """The mean of the smallest detectable difference that is stated, and how often the test finds one of just that size."""
    rng = np.random.default_rng(seed)
    clusters = world.clusters
    pilot = [difference(world.metric, *world.draw(rng, 0.0), clusters, resamples=RESAMPLES) for _ in range(200)]
    effect = float(np.mean([one.detectable for one in pilot if one.detectable is not None]))
    pairs = (world.draw(rng, effect) for _ in range(simulations))
    tested = (difference(world.metric, a, b, clusters, resamples=RESAMPLES, seed=i) for i, (a, b) in enumerate(pairs))
    return effect, [one.p <= 0.05 for one in tested]


def gate(world: World, truth: float, margin: float, simulations: int, seed: int) -> list[str]:
    """The gate's verdicts where the second run truly differs by `truth`."""
    rng = np.random.default_rng(seed)
    clusters, found = world.clusters, []
    for i in range(simulations):
        a, b = world.draw(rng, truth)
        one = difference(world.metric, a, b, clusters, resamples=RESAMPLES, seed=i)
        change = Change(one.value, one.standard_error, one.n, one.g, identical=bool((a == b).all()))
        found.append(judge(change, margin=margin, level=0.05).outcome)
    return found


def ranks(truth: Array, sizes: npt.NDArray[np.intp], simulations: int, seed: int) -> Iterator[bool]:
    """Whether all rank intervals of models with these true scores hold at once: nobody's true rank, or tie, is left out."""
    rng = np.random.default_rng(seed)
    clusters = [str(i) for i in np.repeat(np.arange(len(sizes)), sizes)]
    first = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    last = len(truth) - (truth[None, :] < truth[:, None]).sum(axis=1)
    for i in range(simulations):
        right = [
            (x < special.ndtri(p)).astype(float)[:, None]
            for x, p in zip(latent(rng, sizes, len(truth)), truth, strict=True)
        ]
        pairs = [cluster_sums(rows, clusters) for rows in right]
        found = by_clusters(np.stack([sums for sums, _ in pairs]), pairs[0][1], MEAN.summarise, seed=i)
        yield found is not None and bool((found.low <= first).all() and (found.high >= last).all())


def speed() -> Iterator[tuple[str, float]]:
    """Seconds for an interval and a test of 10,000 examples, each its own cluster, with 10,000 resamples: the best of 3."""
    rng = np.random.default_rng(0)
    a = rng.random((10_000, 1))
    clusters = [str(i) for i in range(10_000)]
    for name, b in (("any score", rng.random((10_000, 1))), ("right or wrong", np.round(rng.random((10_000, 1))))):
        first = a if name == "any score" else np.round(a)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            difference(MEAN, first, b, clusters, resamples=10_000)
            seconds.append(time.perf_counter() - start)
        yield name, min(seconds)


def _print_worlds(chosen: Sequence[World], simulations: int, seed: int) -> None:
    print("| world | covers, one run | covers, difference | test rejects | without clusters |\n|---|---|---|---|---|")
    for world in chosen:
        found = under_null(world, simulations, seed)
        print(f"| {world.name} | {' | '.join(share(hits) for hits in found.values())} |", flush=True)


def _print_power(chosen: Sequence[World], simulations: int, seed: int) -> None:
    print("| world | stated detectable difference | found |\n|---|---|---|")
    for world in chosen:
        if world.metric is MEAN:
            effect, hits = power(world, simulations, seed)
            print(f"| {world.name} | {100 * effect:.1f} points | {share(hits)} |", flush=True)


def _print_gate(chosen: Sequence[World], simulations: int, seed: int) -> None:
    print("| world | margin | true change | FAIL | PASS |\n|---|---|---|---|---|")
    for world in chosen:
        for margin, truth in ((0.0, 0.0), (0.02, 0.0), (0.02, -0.02), (0.02, -0.1)):
            if world.metric is MEAN:
                found = gate(world, truth, margin, simulations, seed)
                fails, passes = (share([one == outcome for one in found]) for outcome in ("FAIL", "PASS"))
                print(f"| {world.name} | {100 * margin:.0f} | {100 * truth:+.0f} | {fails} | {passes} |", flush=True)


def _print_ranks(simulations: int, seed: int) -> None:
    print("| 10 models, right or wrong, true scores | clusters | all rank intervals hold |\n|---|---|---|")
    for name, truth in (("all equal", np.full(10, 0.6)), ("five pairs", np.repeat([0.5, 0.55, 0.6, 0.65, 0.7], 2))):
        for sizes in (np.full(50, 10), np.full(8, 25)):
            hits = list(ranks(truth, sizes, simulations, seed))
            print(f"| {name} | {len(sizes)} of {sizes[0]} | {share(hits)} |", flush=True)


def main() -> None:
    """Print the tables asked for, all of them without a name."""
    parts = ("worlds", "power", "gate", "ranks", "speed")
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parts", nargs="*", choices=[[], *parts], default=[])
    arguments.add_argument("--simulations", type=int, default=4000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--world", nargs="*", default=[], help="only those whose name has one of these texts in it")
    options = arguments.parse_args()
    chosen = [one for one in worlds() if not options.world or any(text in one.name for text in options.world)]
    start = time.perf_counter()
    for part in options.parts or parts:
        if part == "speed":
            for name, seconds in speed():
                print(f"{name}: {seconds:.2f} s")
        elif part == "ranks":
            _print_ranks(options.simulations, options.seed)
        else:
            {"worlds": _print_worlds, "power": _print_power, "gate": _print_gate}[part](
                chosen, options.simulations, options.seed
            )
        print(
            f"\n{options.simulations} simulations, seed {options.seed}, {time.perf_counter() - start:.0f} s\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
