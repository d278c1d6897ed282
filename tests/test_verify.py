"""Verifying bundles: the good one, and every way to lie that we could think of, each with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.bundles import admit
from bench.commands.shared import bundle_verdicts as verify
from bench.commands.shared.bundle_verdicts import REFUSED, UNABLE, VERIFIED, Verdict
from bench.errors import BenchError
from bench.record import Score
from bench.runs import environment
from bench.runs.folder import find_runs
from bench.types import Example, Prediction
from tests import bundles

BenchMain = Callable[..., tuple[int, list[str], list[str]]]
SCRIPT = Path(__file__).parents[1] / "scripts" / "check_submissions.py"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.made(tmp_path_factory.mktemp("good"))


def _judged(tmp_path: Path, *paths: Path, ground: bundles.Here | None = None, add: bool = False) -> list[Verdict]:
    room = tmp_path / f"room{sum(1 for _ in tmp_path.iterdir())}"
    return verify.judge(paths, room, ground or bundles.Here(), tmp_path / "runs", add=add)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_a_good_bundle_is_verified(tmp_path: Path, good: Path) -> None:
    (verdict,) = _judged(tmp_path, good)
    assert verdict.status == VERIFIED
    # 30 of 60 are right; the others share one word of two with the target ("a", an article, does not count): (30 + 30 / 2) / 60
    assert verdict.line.startswith("f1 75.0 [")
    assert verdict.line.endswith("] scored again on your data, 60 predictions")
    assert verdict.found is not None
    assert verdict.found.telling == 30
    assert not list((tmp_path).glob("runs/*"))


def _set(name: str, *path: str | int, value: Any) -> tuple[str, Callable[[Any], Any]]:
    return name, bundles.with_key(*path, value=value)


# A forger edits one thing and makes every digest fit again.
LIES: list[tuple[str, tuple[str, Callable[[Any], Any]], str]] = [
    ("a changed answer", _set("predictions.jsonl", 4, "text", value="word 4"), "example 'w4': f1 claimed 0.5, found 1"),
    ("a changed score", _set("run.json", "scores", 0, "value", value=0.9), "f1: value claimed 0.9, found 0.75"),
    ("a changed bound", _set("run.json", "scores", 0, "high", value=0.95), "f1: high claimed 0.95, found 0."),
    ("a changed bound", _set("run.json", "scores", 1, "low", value=None), "exact_match: low claimed none, found 0."),
    ("a score of other things", _set("run.json", "scores", 0, "metric", value="fl"),
     "it claims scores of fl, exact_match, the task has f1"),
    ("fewer failures", _set("run.json", "scores", 0, "n_failed", value=1), "f1: n_failed claimed 1, found 0"),
    ("the other direction", _set("run.json", "scores", 0, "higher_is_better", value=False),
     "higher_is_better claimed False, found True"),
    ("a changed row", _set("measurements.json", "rows", "f1", "dense", 4, value=1),
     "example 'w4': f1 claimed 1, found 0.5"),
    ("a failure hidden", _set("measurements.json", "failed", value=["w3"]),
     "example 'w3': claimed failed, found an answer"),
    ("another cluster", _set("measurements.json", "clusters", 3, value="c9"),
     "example 'w3': cluster claimed 'c9', found 'c1'"),
    ("another digest", _set("measurements.json", "digests", 3, value="0" * 12),
     "example 'w3': digest claimed '000000000000', found"),
    ("a slice", _set("measurements.json", "slices", value={"kind": ["x"] * 60}),
     "example 'w0': slice 'kind' claimed 'x', found ''"),
    ("another order", ("measurements.json", lambda m: m | {"ids": [*m["ids"][1:], "w0"]}),
     "has 'w1' in place 1, where your data have 'w0'"),
    ("no rows", _set("measurements.json", "rows", value={}),
     "has rows of no metric, the task's metrics give exact_match, f1"),
    ("a dropped id", ("predictions.jsonl", lambda rows: rows[:7] + rows[8:]),
     "1 of 60 examples have no prediction, its record says 0; the first without one is 'w7'"),
    ("a foreign id", _set("predictions.jsonl", 7, "id", value="x7"),
     "the prediction for 'x7' is for no example of your data (1 such)"),
    ("a faster model", _set("run.json", "timings", "examples_per_second", value=1e6),
     "timings: examples_per_second claimed 1e+06, its readings"),
    ("a faster model", _set("timings.jsonl", 2, "seconds", value=0.0), "timings: examples_per_second claimed"),
    ("a phase", _set("run.json", "timings", "seconds", "nap", value=0.0),
     "timings: seconds of nap claimed 0, its readings add up to none"),
    ("fewer tokens", _set("predictions.jsonl", 7, "new_tokens", value=0),
     "timings: new_tokens is 120 by its readings, 118 by its predictions"),
    ("other data", _set("run.json", "data_fingerprint", value="0" * 64),
     "it was made on data 000000000000 (60 examples), yours are"),
    ("fewer examples", _set("run.json", "n_examples", value=50), "it says to have 50 examples, the data have 60"),
    ("less data", _set("run.json", "limit", value=50), "(60 examples), yours are"),
    ("another seed", _set("run.json", "seed", value=1), "seed: its record says 1, its configuration 0"),
    ("the future", _set("run.json", "created", value="2999-01-01T00:00:00+00:00"),
     "2999-01-01T00:00:00+00:00, which is in the future"),
    ("a submission's gaps", _set("run.json", "submission", value={"missing": {"n": 2, "first": []}}),
     "0 of 60 examples have no prediction, its record says 2"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "lie", "line"), LIES)
def test_a_lie_whose_digests_all_fit_is_refused(
    tmp_path: Path, good: Path, what: str, lie: tuple[str, Callable[[Any], Any]], line: str
) -> None:
    files = bundles.contents(good)
    bundles.changed(files, *lie)
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.status == REFUSED
    assert line in verdict.line
    assert verdict.text().count("\n") == 0


def test_a_dropped_id_with_all_that_counts_it_is_named(tmp_path: Path, good: Path) -> None:
    files = bundles.contents(good)
    bundles.changed(files, "predictions.jsonl", lambda rows: rows[:7] + rows[8:])
    bundles.changed(files, "run.json", bundles.with_key("n_examples", value=59))
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.line == "it says to have 59 examples, the data have 60"
    bundles.changed(files, "run.json", bundles.with_key("n_examples", value=60))
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.line == "1 of 60 examples have no prediction, its record says 0; the first without one is 'w7'"


def test_a_changed_answer_whose_digests_do_not_fit_is_refused_by_its_hash(tmp_path: Path, good: Path) -> None:
    files = bundles.contents(good)
    bundles.changed(files, "predictions.jsonl", bundles.with_key(4, "text", value="word 4"))
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.status == REFUSED
    assert "predictions.jsonl' is not the file that manifest.json names: sha256" in verdict.line


def test_an_answer_of_a_kind_that_the_task_never_asks_for_is_named(tmp_path: Path, good: Path) -> None:
    files = bundles.contents(good)
    bundles.changed(files, "predictions.jsonl", lambda rows: [
        {key: value for key, value in row.items() if key != "text"} | {"values": {"x": 1.0}} if row["id"] == "w9" else row
        for row in rows
    ])  # fmt: skip
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.status == REFUSED
    assert verdict.line.startswith("the answer to 'w9' cannot be scored (AttributeError: ")


def test_a_verifier_s_other_data_are_named_with_both_fingerprints(tmp_path: Path, good: Path) -> None:
    (verdict,) = _judged(tmp_path, good, ground=bundles.Here(own=bundles.Numbers(seen="?")))
    assert verdict.status == REFUSED
    assert verdict.line.startswith("it was made on data ")
    assert verdict.line.endswith(" (60)")


def test_what_a_verifier_cannot_judge_is_not_refused(tmp_path: Path, good: Path) -> None:
    class Gone(bundles.Numbers):
        def examples(self) -> Sequence[Example]:
            raise BenchError("data/numbers.json does not exist; run `bench fetch`")

    class Newer(bundles.Numbers):
        version = 2

    (verdict,) = _judged(tmp_path, good, ground=bundles.Here(own=Gone()))
    assert (verdict.status, verdict.line) == (UNABLE, "data/numbers.json does not exist; run `bench fetch`")
    (verdict,) = _judged(tmp_path, good, ground=bundles.Here(own=Newer()))
    assert (verdict.status, verdict.line) == (
        UNABLE,
        "it is of version 1 of task 'numbers', yours is 2; update one of the two",
    )


COPIES = "says the very same as numbers/guesser"


@pytest.mark.slow
def test_another_model_s_predictions_are_refused_with_the_name_of_that_model(tmp_path: Path, good: Path) -> None:
    """The forger renames the run, gives it other weights and makes everything consistent: the claims are true, but not theirs."""
    files = bundles.renamed(bundles.contents(good), "thief")
    bundles.changed(files, "run.json", bundles.with_key("weights_sha256", value="f" * 64))
    bundles.put_right(files)
    stolen = bundles.zipped(tmp_path / "stolen.zip", files)
    (verdict,) = _judged(tmp_path, stolen)
    assert verdict.status == VERIFIED  # nobody here knows the other
    one, two = _judged(tmp_path, good, stolen)
    assert {one.status, two.status} == {UNABLE}  # nobody can tell which was first: the honest one is not refused
    assert f"it {COPIES} in {good}, 30 different wrong answers among it; one of the two is a copy" in two.line
    bundles.run(tmp_path / "runs")
    (verdict,) = _judged(tmp_path, stolen)
    assert verdict.status == REFUSED
    assert f"{COPIES}/" in verdict.line


@pytest.mark.slow
def test_another_model_s_predictions_are_known_from_an_entry(tmp_path: Path, good: Path) -> None:
    _judged(tmp_path, good, add=True)
    for _, run in find_runs(tmp_path / "runs"):
        assert run.origin["verified"]
    files = bundles.renamed(bundles.contents(good), "thief")
    bundles.changed(files, "run.json", bundles.with_key("weights_sha256", value="f" * 64))
    bundles.put_right(files)
    verdicts = verify.judge(
        [bundles.zipped(tmp_path / "stolen.zip", files)], tmp_path / "in", bundles.Here(), tmp_path / "elsewhere"
    )
    assert "says the very same as leaderboards/submissions/numbers/anna/guesser.json" in verdicts[0].line


@pytest.mark.slow
def test_claims_copied_from_another_model_are_refused_by_its_own_answers(tmp_path: Path, good: Path) -> None:
    theirs = bundles.contents(
        bundles.made(tmp_path, bundles.run(tmp_path / "r", "weak", bundles.Guesser("b b b b")), name="b.zip")
    )
    files = bundles.contents(good)
    files[bundles.place(files, "predictions.jsonl")] = theirs[bundles.place(theirs, "predictions.jsonl")]
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.line.startswith("example 'w0': f1 claimed 0.5, found 0.25")
    assert verdict.line.endswith("(30 examples differ)")


@pytest.mark.slow
def test_copies_of_one_model_and_trivially_equal_answers_are_no_theft(tmp_path: Path, good: Path) -> None:
    twin = bundles.renamed(bundles.contents(good), "twin")
    verdicts = _judged(tmp_path, good, bundles.zipped(tmp_path / "same.zip", twin))
    assert [(verdict.status, "same model under" in verdict.text()) for verdict in verdicts] == [(VERIFIED, False)] * 2
    bundles.changed(twin, "manifest.json", bundles.with_key("submitter", value="Mallory"))
    verdicts = _judged(tmp_path, good, bundles.zipped(tmp_path / "theirs.zip", twin))
    said = [verdict.text() for verdict in verdicts]
    assert [verdict.status for verdict in verdicts] == [VERIFIED, VERIFIED]
    assert "note: it is the same model under another name as numbers/twin in " in said[0]
    assert " by Anna, and says the very same" in said[1]

    class Mute(bundles.Guesser):
        def predict(self, batch: Sequence[Any]) -> list[Prediction]:
            return [Prediction(request.id, text="word") for request in batch]

    folders = [bundles.run(tmp_path / "made", name, Mute(name)) for name in ("one", "two")]
    verdicts = _judged(tmp_path, bundles.made(tmp_path, *folders))
    assert [verdict.status for verdict in verdicts] == [VERIFIED, VERIFIED]
    assert "note: it says the very same as numbers/two in" in verdicts[0].text()


@pytest.mark.slow
def test_a_scored_submission_may_have_gaps_that_its_record_names(tmp_path: Path) -> None:
    from bench.runs.settings import Settings
    from bench.submissions import reading as submission

    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({f"w{i}": f"word {i}" for i in range(50)}))

    class Official(bundles.Numbers):
        def answer(self, prediction: Prediction) -> str:
            return str(prediction.answer or prediction.text)

    settings = Settings(runs_dir=tmp_path / "made", resamples=50, config={"submission": "answers.json"})
    folder = submission.evaluate(Official(), answers, "team", settings)[1].path
    path = bundles.made(tmp_path, folder)
    (verdict,) = _judged(tmp_path, path, ground=bundles.Here(own=Official()))
    assert (verdict.status, verdict.line[:9]) == (VERIFIED, "f1 83.3 [")
    files = bundles.contents(path)
    bundles.changed(files, "predictions.jsonl", lambda rows: rows[1:])
    bundles.put_right(files)
    (verdict,) = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files), ground=bundles.Here(own=Official()))
    assert verdict.line == "11 of 60 examples have no prediction, its record says 10; the first without one is 'w0'"


class _HeldOut(bundles.Numbers):
    def examples(self) -> Sequence[Example]:
        return [Example(one.id, one.inputs, None, one.cluster) for one in super().examples()]


@pytest.mark.slow
def test_a_run_that_nobody_scored_is_not_taken_in_and_can_be_once_it_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "Numbers", _HeldOut)
    path = bundles.made(tmp_path)
    (verdict,) = _judged(tmp_path, path, add=True)
    assert (verdict.status, verdict.added[0][:10]) == (VERIFIED, "not added:")
    assert not list(find_runs(tmp_path / "runs"))
    rounded = tuple(Score(name, 0.7, None, None, 60, 0) for name in ("f1", "exact_match"))
    _judged(tmp_path, path, ground=bundles.Here(told=(rounded, 1)), add=True)
    assert [run.scores for _, run in find_runs(tmp_path / "runs")] == [rounded]


@pytest.mark.slow
def test_held_out_references_score_a_run_that_could_not_score_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "Numbers", _HeldOut)
    path = bundles.made(tmp_path)
    (verdict,) = _judged(tmp_path, path)
    assert verdict.status == VERIFIED
    assert verdict.text().endswith(
        "its ids are those on your data, 60 predictions\n  note: the references are held out: nothing was scored"
    )
    rounded = tuple(Score(name, 0.7, None, None, 60, 0, note="held out") for name in ("f1", "exact_match"))
    (verdict,) = _judged(tmp_path, path, ground=bundles.Here(told=(rounded, 2)), add=True)
    assert verdict.text().startswith("VERIFIED  numbers / guesser: f1 70.0 [–] scored again")
    assert "note: the references are held out: rounded scores, attempt 2" in verdict.text()
    ((_, run),) = find_runs(tmp_path / "runs")
    assert run.scores == rounded
    assert run.origin["verified"]["attempt"] == 2
    files = bundles.contents(path)
    bundles.changed(files, "run.json", bundles.with_key("scores", 0, "value", value=0.9))
    bundles.put_right(files)
    bad = bundles.zipped(tmp_path / "bad.zip", files)
    (verdict,) = _judged(tmp_path, bad)
    assert verdict.status == UNABLE
    assert "claims scores on references that are held out" in verdict.line
    (verdict,) = _judged(tmp_path, bad, ground=bundles.Here(told=(rounded, 3)))
    assert (verdict.status, verdict.line) == (REFUSED, "f1: value claimed 0.9, found 0.7")


@pytest.mark.slow
def test_a_bundle_is_taken_in_once_and_beside_what_was_made_here(tmp_path: Path, good: Path) -> None:
    own = bundles.run(tmp_path / "runs", model=bundles.Guesser("b"))  # the same name, other answers
    before = (own / "run.json").read_bytes()
    (verdict,) = _judged(tmp_path, good, add=True)
    assert len(verdict.added) == 2
    added = [run for _, run in find_runs(tmp_path / "runs") if run.origin]
    assert len(added) == 1
    assert sorted(added[0].origin) == ["bundle", "predictions", "submitter", "verified"]
    assert added[0].origin["verified"].keys() == {"date", "version", "commit"}
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "room" not in str(path)}
    (verdict,) = _judged(tmp_path, good, add=True)
    assert verdict.added == ["nothing to add: it is here already"]
    assert files == {
        path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "room" not in str(path)
    }
    assert (own / "run.json").read_bytes() == before


@pytest.mark.slow
def test_who_verifies_a_bundle_of_their_own_keeps_one_run(tmp_path: Path) -> None:
    path = bundles.made(tmp_path, bundles.run(tmp_path / "runs"))
    (verdict,) = _judged(tmp_path, path, add=True)
    assert verdict.added == ["wrote leaderboards/submissions/numbers/anna/guesser.json"]
    assert [run.origin for _, run in find_runs(tmp_path / "runs")] == [{}]


@pytest.mark.slow
def test_nothing_is_taken_in_of_a_bundle_with_one_bad_run(tmp_path: Path, good: Path) -> None:
    both = bundles.made(tmp_path, *(bundles.run(tmp_path / "made", name, bundles.Guesser(name)) for name in ("a", "b")))
    files = bundles.contents(both)
    name = next(name for name in files if "/b/" in name and name.endswith("run.json"))
    bundles.changed(files, name, bundles.with_key("timings", "n", value=1))
    data = files[name]
    bundles.changed(files, "manifest.json", bundles.with_key("runs", 1, "files", "run.json", value={
        "sha256": __import__("hashlib").sha256(data).hexdigest(), "bytes": len(data)}))  # fmt: skip
    verdicts = _judged(tmp_path, bundles.zipped(tmp_path / "bad.zip", files), add=True)
    assert [verdict.status for verdict in verdicts] == [VERIFIED, REFUSED]
    assert not (tmp_path / "runs").exists()
    assert not Path("leaderboards").exists()


def test_what_cannot_be_written_adds_nothing(tmp_path: Path, good: Path) -> None:
    Path("leaderboards").write_text("in the way")
    (verdict,) = _judged(tmp_path, good, add=True)
    assert (verdict.status, verdict.left_out) == (VERIFIED, True)
    assert verdict.added[0].startswith("nothing was added: leaderboards/submissions")
    assert list(find_runs(tmp_path / "runs")) == []


@pytest.mark.slow
def test_two_verifiers_get_the_same_entry(tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for who in ("one", "two"):
        (tmp_path / who).mkdir()
        monkeypatch.chdir(tmp_path / who)
        verify.judge([good], tmp_path / who / "room", bundles.Here(), tmp_path / who / "runs", add=True)
        folder = next(path for path, _ in find_runs(tmp_path / who / "runs"))
        entry = Path("leaderboards/submissions/numbers/anna/guesser.json")
        found.append([path.read_bytes() for path in (entry, *sorted(folder.iterdir()))])
    assert found[0] == found[1]
    assert len(found[0]) == 7


# The commands themselves, with a package of somebody's own.


@pytest.fixture
def bundle_of_words(own_package: Path, bench_main: BenchMain) -> str:
    assert bench_main("run", "task=words", "model=stub", "tracking=none", "runs_dir=made")[0] == 0
    assert bench_main("submit", "words/stub", "-o", "words.zip", "--submitter", "Anna", "--runs", "made")[0] == 0
    return "words.zip"


@pytest.mark.slow
def test_the_commands_say_what_became_of_each_bundle(bundle_of_words: str, bench_main: BenchMain) -> None:
    code, out, err = bench_main("verify", bundle_of_words)
    assert (code, err) == (0, [])
    assert out == ["VERIFIED  words / stub: exact_match 0.0 [–] scored again on your data, 12 predictions"]
    Path("bad.zip").write_bytes(b"PK" + Path(bundle_of_words).read_bytes())
    code, out, _ = bench_main("verify", bundle_of_words, "bad.zip", "--json")
    said = json.loads(out[-1])
    assert code == 1
    assert (said["verified"], said["refused"], said["unable"]) == (1, 1, 0)
    assert [one["status"] for one in said["runs"]] == ["verified", "refused"]
    assert said["runs"][1]["line"] == "something stands before the archive, or between its directory and its end"
    assert bench_main("verify", "bad.zip")[1] == [f"REFUSED  bad.zip: {said['runs'][1]['line']}"]
    assert bench_main("verify", "bad.zip", bundle_of_words)[1][1].startswith(
        "VERIFIED  words / stub in words.zip: exact_match"
    )
    code, out, err = bench_main("verify", "none.zip", bundle_of_words)
    assert (code, err) == (2, [])
    assert out[0] == "NOT VERIFIED  none.zip: none.zip is not a file; give a bundle that `bench submit` made"
    assert out[1].startswith("VERIFIED  words / stub in words.zip: exact_match")


def _raise(error: Exception) -> Callable[..., Any]:
    def act(*given: Any, **more: Any) -> Any:
        raise error

    return act


@pytest.mark.slow
def test_a_fault_of_ours_over_one_bundle_is_said_of_it_alone(
    bundle_of_words: str, bench_main: BenchMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.bundles import verify as verifying

    files = bundles.renamed(bundles.contents(Path(bundle_of_words)), "unlucky")
    bundles.zipped(Path("fault.zip"), files)
    Path("bad.zip").write_bytes(b"PK")
    scored = verifying.measured

    def measured(task: Any, examples: Any, predictions: Any, **more: Any) -> Any:
        if "unlucky" in asked:
            raise KeyError("weights")
        return scored(task, examples, predictions, **more)

    asked: list[str] = []
    judged = verifying.verified
    monkeypatch.setattr(verifying, "measured", measured)
    monkeypatch.setattr(verifying, "verified", lambda run, *rest: (asked.append(run.model), judged(run, *rest))[1])
    code, out, err = bench_main("verify", "bad.zip", "none.zip", "fault.zip")
    assert code == 70
    assert err[0] == "Traceback (most recent call last):"
    asked.clear()
    code, out, _ = bench_main("verify", bundle_of_words, "bad.zip", "fault.zip", "none.zip", "--json")
    said = json.loads(out[-1])
    assert code == 70
    assert [one["status"] for one in said["runs"]] == ["verified", "refused", "broken", "unable"]
    assert [said[one] for one in ("verified", "refused", "unable", "broken")] == [1, 1, 1, 1]
    line = said["runs"][2]["line"]
    assert line.startswith("a fault of bench itself, which says nothing of the bundle: KeyError: 'weights' (")
    assert "\n" not in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [("good", 0), ("good none", 2), ("none bad", 1), ("bad none good", 1), ("good bad", 1)],
)
def test_of_several_verdicts_the_worst_gives_the_exit_code(
    bundle_of_words: str, bench_main: BenchMain, words: str, code: int
) -> None:
    Path("bad.zip").write_bytes(b"PK")
    names = {"good": bundle_of_words, "bad": "bad.zip", "none": "none.zip"}
    found, out, err = bench_main("verify", *(names[word] for word in words.split()))
    starts = {"good": "VERIFIED", "bad": "REFUSED", "none": "NOT VERIFIED"}
    assert (found, err) == (code, [])
    assert [line.startswith(starts[word]) for line, word in zip(out, words.split(), strict=True)] == [True] * len(out)


def test_a_fault_of_ours_in_any_command_ends_with_a_code_of_its_own(
    bench_main: BenchMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.commands.list.main", _raise(ValueError("a\nb")))
    code, out, err = bench_main("list", "tasks")
    assert (code, out) == (70, [])
    assert err[0] == "Traceback (most recent call last):"
    assert err[-1].startswith("bench: a fault of bench itself, not yours: ValueError: a b (")


@pytest.mark.slow
def test_what_is_damaged_here_takes_no_verdict_from_a_bundle(
    tmp_path: Path, good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bundles.run(tmp_path / "runs", "other", bundles.Guesser("b"))
    (folder / "run.json").write_text("[")
    Path("leaderboards/submissions/numbers").mkdir(parents=True)
    Path("leaderboards/submissions/numbers/odd.json").write_text("{}")
    (verdict,) = _judged(tmp_path, good)
    assert verdict.status == VERIFIED
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("bench: not compared with what lies here: ") for line in said)


@pytest.mark.slow
def test_a_copy_whose_own_claims_are_false_takes_no_other_bundle_down(tmp_path: Path, good: Path) -> None:
    files = bundles.renamed(bundles.contents(good), "thief")
    bundles.changed(files, "run.json", bundles.with_key("weights_sha256", value="f" * 64))
    bundles.changed(files, "run.json", bundles.with_key("scores", 0, "value", value=0.9))
    bundles.put_right(files)
    verdicts = _judged(tmp_path, bundles.zipped(tmp_path / "stolen.zip", files), good)
    assert [verdict.status for verdict in verdicts] == [REFUSED, VERIFIED]
    _judged(tmp_path, good, add=True)  # and where the first is known here, a sound copy takes it down no more
    bundles.changed(files, "run.json", bundles.with_key("scores", 0, "value", value=0.75))
    bundles.put_right(files)
    verdicts = _judged(tmp_path, bundles.zipped(tmp_path / "stolen.zip", files), good)
    assert [verdict.status for verdict in verdicts] == [REFUSED, VERIFIED]


@pytest.mark.slow
def test_a_task_that_is_not_known_here_is_no_refusal(
    bundle_of_words: str, bench_main: BenchMain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_CONF")
    code, out, _ = bench_main("verify", bundle_of_words)
    assert code == 2
    assert out == [
        "NOT VERIFIED  words / stub: task 'words' is not known here; `bench list tasks` shows those that are"
    ]


AGAIN = {
    "n": 9, "seed": 1, "equal": 9, "examples_per_second": 1.0, "claimed": 1.0, "processor": "one", "reproduced": True,
}  # fmt: skip


def _script(*words: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def _git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


@pytest.fixture
def entry(bundle_of_words: str) -> Path:
    """An entry that a branch adds to an empty repository, with its bundle beside it."""
    path = Path("leaderboards/submissions/words/anna/stub.json")
    whole = path.read_text()
    path.unlink()
    _git("init", "-b", "main")
    _git("commit", "--allow-empty", "-m", "first")
    path.write_text(whole)
    return path


@pytest.mark.slow
def test_the_script_checks_what_a_pull_request_changes(entry: Path) -> None:
    shown = f"ok    {entry}: exact_match 0.0000 over 12 examples"
    code, out = _script("--since", "main")
    assert (code, len(out)) == (0, 1)
    assert out[0].startswith(f"{shown}; self-reported, its bundle ")
    code, out = _script("--since", "main", "--bundles", ".")
    assert out == [f"{shown}; its bundle words.zip exact_match 0.0 [–] scored again on your data, 12 predictions"]
    (entry.parent / "notes.txt").write_text("hello")
    _git("add", "leaderboards")
    _git("commit", "-m", "second")
    code, out = _script("--since", "HEAD~1")
    assert (code, len(out)) == (1, 2)
    assert out[0].startswith(f"FAIL  {entry.parent}/notes.txt: not an entry")
    whole = json.loads(entry.read_text())
    whole["run"]["origin"] |= {"verified": admit.seal() | {"rerun": AGAIN}}
    entry.write_text(json.dumps(whole))
    code, out = _script("--since", "HEAD", "--bundles", ".", "--rerun", "12")
    assert code == 1  # too quick to say anything of its speed, which the entry says was reproduced
    assert (
        "it says that its model was run again, and here its speed was not reproduced: run again on 12 examples"
        in out[0]
    )
    whole["run"]["origin"]["verified"]["rerun"]["reproduced"] = False
    entry.write_text(json.dumps(whole))
    code, out = _script("--since", "HEAD", "--bundles", ".", "--rerun", "12")
    assert code == 0
    assert "12 of 12 answers equal" in out[0]
    entry.unlink()
    code, (line,) = _script("--since", "HEAD")
    assert code == 0
    assert line.startswith(f"ok    {entry}: is taken away; it was that of 'Anna', self-reported, of 2")


@pytest.mark.slow
def test_the_script_gives_each_entry_a_verdict_of_its_own(entry: Path) -> None:
    whole = json.loads(entry.read_text())
    for name, change in (("nomeas", None), ("norows", {"rows": {}})):
        other = whole | {"run": whole["run"] | {"model": name}}
        other["measurements"] = whole["measurements"] | (change or {})
        if change is None:
            del other["measurements"]
        entry.with_name(f"{name}.json").write_text(json.dumps(other))
    code, out = _script("--since", "main")
    assert (code, sorted(line[:4] for line in out)) == (1, ["FAIL", "FAIL", "ok  "])
    assert any(
        line.endswith("norows.json: it has no rows of exact_match, which every score of it comes from") for line in out
    )


@pytest.mark.slow
def test_the_script_refuses_what_takes_another_s_place_or_name(entry: Path) -> None:
    _git("add", "leaderboards")
    _git("commit", "-m", "Anna's")
    record = json.loads(entry.read_text())
    again = record | {"run": record["run"] | {"origin": record["run"]["origin"] | {"bundle": "1" * 64}}}
    entry.write_text(json.dumps(again))
    code, (line,) = _script("--since", "HEAD")
    assert code == 0
    assert "; it was that of 'Anna', self-reported" in line
    theirs = again | {"run": again["run"] | {"origin": again["run"]["origin"] | {"submitter": "ANNA"}}}
    entry.write_text(json.dumps(theirs))
    code, (line,) = _script("--since", "HEAD")
    assert (code, line.partition(": ")[2]) == (1, "it takes the place of an entry of 'Anna'")
    entry.write_text(json.dumps(record))
    for model, submitter, said in [
        ("stub", "Ben", "the name 'stub' is taken by 'Anna' (leaderboards/submissions/words/anna/stub.json)"),
        (
            "Stub",
            "Ben",
            "the model's name 'Stub' would be taken for 'stub' (leaderboards/submissions/words/anna/stub.json)",
        ),
        ("oracle", "Ben", "the name 'oracle' is that of a reference row"),
        ("st\u043eb", "Ben", "mixes Latin and Cyrillic letters"),
    ]:
        path = Path(f"leaderboards/submissions/words/ben/{model}.json")
        path.parent.mkdir(exist_ok=True)
        origin = again["run"]["origin"] | {"submitter": submitter}
        path.write_text(json.dumps(again | {"run": again["run"] | {"model": model, "origin": origin}}))
        code, lines = _script("--since", "HEAD")
        path.unlink()
        assert code == 1
        assert said in lines[-1]


@pytest.mark.slow
def test_the_script_refuses_an_entry_that_somebody_edited(entry: Path) -> None:
    whole = entry.read_text()
    record = json.loads(whole)["run"]
    origin = record["origin"]
    sealed = origin | {"verified": admit.seal(), "bundle": "0" * 64}
    edits: list[tuple[dict[str, Any], str]] = [
        ({"scores": [record["scores"][0] | {"value": 0.5}]}, "exact_match says 0.5, its own rows give 0"),
        ({"seed": 9}, "it is not the run that its bundle holds"),
        ({"model": "other"}, "whose only place is leaderboards/submissions/words/anna/other.json"),
        ({"task": "none"}, "whose only place is leaderboards/submissions/none/anna/stub.json"),
        (
            {"origin": origin | {"submitter": "Bert"}},
            "it is of words/stub by 'Bert', whose only place is leaderboards/submissions/words/bert/stub.json",
        ),
        ({"origin": origin | {"predictions": "0" * 64}}, "another fingerprint of the predictions than its bundle"),
        ({"origin": sealed}, "it says that it was verified, but its bundle 000000000000… is not here"),
        (
            {"origin": origin | {"verified": admit.seal() | {"rerun": AGAIN}}},
            "give --rerun N, which does that here, or leave",
        ),
        ({"origin": {}}, "it names no bundle; `bench submit` makes entries"),
        ({"limit": "all"}, "run: limit: 'all' is not of type 'integer', 'null'"),
    ]
    for change, line in edits:
        entry.write_text(json.dumps(json.loads(whole) | {"run": record | change}))
        code, out = _script("--since", "main", "--bundles", ".")
        assert code == 1
        assert out[0].startswith(f"FAIL  {entry}: ")
        assert line in out[0]


def test_a_seal_says_when_and_with_which_code() -> None:
    assert admit.seal().keys() == {"date", "version", "commit"}
    assert admit.seal()["commit"] == environment.commit()
