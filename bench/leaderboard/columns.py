"""The columns of boards: what each is called, and how important it is where a terminal is too narrow for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.leaderboard import endings, readings
from bench.text.table import Column

# A board's columns behind its scores, in the order of its default; a board's file names those that it wants. The least important
# goes first: what the title says of all rows before what tells two rows apart.
DECLARED = {
    "n": Column("n", 20, right=True),
    "failed": Column("failures", 200, right=True, folds=10),
    "cut": Column("cut", 150, right=True, folds=12),
    "empty": Column("empty", 140, right=True),
    "unparsed": Column("unparsed", 145, right=True),
    "refused": Column("refused", 142, right=True),
    "flips": Column("flips", 60, right=True),
    "origin": Column("origin", 70, folds=14),
    "examples_per_second": Column("examples/s", 50, right=True),
    "seconds_per_answer": Column("ms/answer", 45, right=True),
    "offline_examples_per_second": Column("offline examples/s", 49, right=True, folds=10),
    "offline_tokens_per_second": Column("offline tokens/s", 48, right=True, folds=10),
    "single_stream_p50": Column("single p50 ms", 46, right=True, folds=10),
    "single_stream_p90": Column("single p90 ms", 47, right=True, folds=10),
    "single_stream_p99": Column("single p99 ms", 44, right=True, folds=10),
    "single_stream_ttft": Column("single TTFT ms", 43, right=True, folds=10),
    "single_stream_tpot": Column("single TPOT ms", 42, right=True, folds=10),
    "server_qps": Column("server qps", 41, right=True, folds=10),
    "timed": Column("timed", 40, folds=20),
    "cost_per_1000": Column("cost/1,000", 39, right=True, folds=14),
    "cost_per_correct": Column("cost/right answer", 38, right=True, folds=14),
    "energy": Column("energy", 37, right=True, folds=14),
    "device": Column("device", 25, folds=12),
    "dtype": Column("dtype", 80, folds=12),
    "commit": Column("commit", 10, folds=12),
    "date": Column("date", 30),
}
COSTS = ("cost_per_1000", "cost_per_correct")  # in the one currency of a board's rows, which stands in the heading
BY_THEMSELVES = (*endings.COLUMNS, "flips", *COSTS, "energy")  # stand where a row has something to tell there
ON_REQUEST = (*readings.COLUMNS, "timed")  # stand where a board's file names them; some also by themselves
# Those of boards of speed.
SPEED_COLUMNS = {
    "rank": Column("rank"), "model": Column("model"), "value": Column("", right=True), "n": Column("n", 60, right=True),
    "failed": Column("failures", 65, right=True, folds=10),
    "tokens_per_second": Column("tokens/s", 50, right=True), "p50": Column("p50 ms", 54, right=True),
    "p90": Column("p90 ms", 53, right=True), "p99": Column("p99 ms", 52, right=True), "ttft": Column("TTFT ms", 51, right=True),
    "tpot": Column("TPOT ms", 49, right=True), "achieved": Column("answers/s", 48, right=True),
    "verdict": Column("verdict", 900, folds=24), "audits": Column("audits", 70, folds=16),
    "threads": Column("threads", 45, right=True),
    "dtype": Column("dtype", 44, folds=12), "origin": Column("origin", 40, folds=14), "date": Column("date", 30),
}  # fmt: skip
MORE = 100  # the importance of further metrics, and of a suite's tasks


def ranking(metric: str) -> list[Column]:
    """The columns of a board that never go: rank, model and the score that ranks."""
    return [Column("rank"), Column("model"), Column(f"{metric} [95 %]", right=True)]


def declared(name: str, currency: str) -> Column:
    """A column by its name; of costs with the currency, "" where rows have several, which each figure then names."""
    column = DECLARED[name]
    return replace(column, heading=column.heading.replace("cost", currency)) if currency and name in COSTS else column


def further(names: Sequence[str]) -> list[Column]:
    """The columns of further scores, of which the last goes first."""
    return [Column(name, MORE + len(names) - place, right=True) for place, name in enumerate(names)]


def of_suite(tasks: Sequence[str]) -> list[Column]:
    """The columns of a suite's board."""
    return [
        Column("rank"), Column("model"), Column("mean rank", right=True), Column("normalised", right=True),
        Column("its rank", 90, right=True), Column("dtype", 80, folds=12), Column("origin", 70, folds=14), *further(tasks),
        Column("missing", 60, folds=16),
    ]  # fmt: skip


def of_profiles(scenarios: Sequence[str]) -> list[Column]:
    """The columns of a suite's profiles, a scenario each."""
    return [Column("model"), *(Column(name, right=True, folds=14) for name in scenarios)]
