"""How often 95 % intervals hold the truth where one of two labels is rare: Matthews' correlation, AUC, differences of groups.

    python scripts/simulate_rare_labels.py [--simulations 400] [--seed 0]

Prints Markdown. The Monte-Carlo error of a share is sqrt(share (1 - share) / simulations).
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import special

from bench.metrics.binary import average_precision, mcc, roc_auc
from bench.metrics.fairness import fairness
from bench.metrics.metric import Array, Metric, RankedMetric
from bench.scoring.bounds import of_rows

LABELS, GROUPS = ("common", "rare"), ("a", "b")
WORLDS = (  # examples, share of the rare label, how often it is found, how often the other one is taken for it
    (200, 0.34, 0.5, 0.4), (200, 0.06, 0.5, 0.05), (1000, 0.06, 0.8, 0.15), (1000, 0.015, 0.4, 0.01), (200, 0.02, 0.5, 0.02),
    (200, 0.06, 0.02, 0.01),
)  # fmt: skip
RANKED = ((200, 0.34, 1.0), (200, 0.06, 1.0), (200, 0.02, 1.0), (200, 0.01, 1.0))  # examples, share, how far apart
SELECTED = ((200, 0.5, 0.5), (200, 0.5, 0.7), (60, 0.1, 0.1))  # examples, share selected of either group


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(
        "| metric | examples | of the rare label | truth | holds | too low | too high |\n|---|---|---|---|---|---|---|"
    )
    for n, share, found, alarms in WORLDS:
        rng = np.random.default_rng(args.seed)
        cells = np.array([[share * found, share * (1 - found)], [(1 - share) * alarms, (1 - share) * (1 - alarms)]])
        truth = float(np.linalg.det(cells) / np.sqrt(cells.sum(axis=0).prod() * cells.sum(axis=1).prod()))
        draws = [_labels(rng, n, share, (alarms, found)) for _ in range(args.simulations)]
        _print(mcc(LABELS), draws, truth, n, share)
    for n, share, apart in RANKED:
        rng = np.random.default_rng(args.seed)
        large = _scores(rng, 1_000_000, share, apart)
        truths = float(special.ndtr(apart / np.sqrt(2))), float(_value(average_precision("rare", LABELS), large))
        draws = [_scores(rng, n, share, apart) for _ in range(args.simulations)]
        draws = [rows for rows in draws if rows[:, 1].any()]
        for metric, truth in zip((roc_auc("rare", LABELS), average_precision("rare", LABELS)), truths, strict=True):
            _print(metric, draws, truth, n, share)
    for n, one, other in SELECTED:
        rng = np.random.default_rng(args.seed)
        metric = fairness({"group": GROUPS}, "rare")[0]
        draws = [_groups(metric, rng, n, (one, other)) for _ in range(args.simulations)]
        _print(metric, draws, abs(one - other), n, (one + other) / 2)


def _labels(rng: np.random.Generator, n: int, share: float, given: tuple[float, float]) -> Array:
    rare = rng.random(n) < share
    said = rng.random(n) < np.array(given)[rare.astype(int)]
    metric, pairs = mcc(LABELS), zip(rare.astype(int), said.astype(int), strict=True)
    return np.array([metric.measure(LABELS[w], {"label": LABELS[s]}) for w, s in pairs])


def _scores(rng: np.random.Generator, n: int, share: float, apart: float) -> Array:
    rare = rng.random(n) < share
    return np.stack([special.ndtr(rng.normal(size=n) + apart * rare), rare.astype(float)], axis=1)


def _groups(metric: Metric, rng: np.random.Generator, n: int, rates: tuple[float, float]) -> Array:
    second = rng.random(n) < 0.5
    said = rng.random(n) < np.array(rates)[second.astype(int)]
    pairs = zip(second.astype(int), said.astype(int), strict=True)
    return np.array(
        [metric.measure({"label": "rare", "groups": {"group": GROUPS[g]}}, {"label": LABELS[s]}) for g, s in pairs]
    )


def _value(metric: RankedMetric, rows: Array) -> float:
    return float(metric.summarise(rows, np.ones((1, len(rows))))[0])


def _print(metric: Metric | RankedMetric, draws: list[Array], truth: float, n: int, share: float) -> None:
    clusters = [str(i) for i in range(n)]
    bounds = [of_rows(metric, rows, clusters, resamples=1000, seed=0) for rows in draws]
    low = np.mean([bound.high is not None and bound.high < truth - 1e-9 for bound in bounds])
    high = np.mean([bound.low is not None and bound.low > truth + 1e-9 for bound in bounds])
    print(
        f"| {metric.name} | {n} | {share:.1%} | {truth:.3f} | {1 - low - high:.1%} | {low:.1%} | {high:.1%} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
