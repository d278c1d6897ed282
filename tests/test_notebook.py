"""The five functions for a notebook, what they find again, and the notebook that shows them."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import BenchError, Generate, Model, Prediction, board, check, compare, evaluate, load_run
from bench.models.called import Called
from bench.notebook.evaluation import Evaluation as _Evaluation
from bench.notebook.overrides import overrides_of
from bench.notebook.plainly import plainly
from bench.runs.live import described, seen
from bench.types import Choose, Regress, Request, Text

ROOT = Path(__file__).resolve().parents[1]
WORD = "a"


class Say(Model):
    """Says its word; what it makes when it is loaded cannot be looked at."""

    outputs, uses_device = (Generate,), False

    def __init__(self, word: str) -> None:
        self.word = word

    def load(self, device: Any, *, seed: int) -> None:
        self.made = iter([])

    def predict(self, batch: Any) -> list[Prediction]:
        return [Prediction(request.id, text=self.word) for request in batch]


class Louder(Say):
    """Another class with the same state."""

    def predict(self, batch: Any) -> list[Prediction]:
        return [Prediction(request.id, text=self.word + "!") for request in batch]


@dataclass
class Saying:
    """An object that can be called."""

    word: str = "a"

    def __call__(self, prompt: str) -> str:
        return self.word

    def method(self, prompt: str) -> str:
        return self.word


def nearest(prompt: str) -> str:
    """The sentence of the passage that has most of the question's words."""
    passage, _, question = prompt.rpartition("\nQuestion: ")
    asked = set(question.lower().split())
    return max(passage.split(". "), key=lambda sentence: len(asked & set(sentence.lower().split())))


def _typed(source: str, **given: Any) -> Callable[[str], str]:
    """The function `f` of a source that can be read, as of a cell of a notebook; `given` are its globals."""
    import linecache

    name = f"<cell {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    there = {"__name__": "__main__", **given}
    exec(compile(source, name, "exec"), there)
    found: Callable[[str], str] = there["f"]
    return found


def _closed(word: Any) -> Callable[[str], str]:
    def f(prompt: str) -> str:
        return str(word)

    return f


def _module(source: str) -> types.ModuleType:
    made = types.ModuleType("helpers_of_a_test")
    exec(source, vars(made))
    return made


PLAIN = "def f(prompt): return 'a'"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: _typed(PLAIN), lambda: _typed("def f(prompt): return 'b'")),
        (lambda: _typed("def f(prompt): return W", W="a"), lambda: _typed("def f(prompt): return W", W="b")),
        (lambda: _typed("def f(p): return W['x']", W={"x": 1}), lambda: _typed("def f(p): return W['x']", W={"x": 2})),
        (lambda: _typed("def f(p, w='a'): return w"), lambda: _typed("def f(p, w='b'): return w")),
        (
            lambda: _typed("def f(p): return g(p)", g=_typed(PLAIN)),
            lambda: _typed("def f(p): return g(p)", g=_closed("b")),
        ),
        (lambda: _closed("a"), lambda: _closed("b")),
        (lambda: _closed(1), lambda: _closed(True)),
        (lambda: Saying("a"), lambda: Saying("b")),
        (lambda: Saying("a").method, lambda: Saying("b").method),
        (lambda: functools.partial(_closed("a"), "x"), lambda: functools.partial(_closed("a"), "y")),
        (lambda: Say("a"), lambda: Say("b")),
        (lambda: Say("a"), lambda: Louder("a")),
        (lambda: functools.lru_cache(_closed("a")), lambda: functools.lru_cache(_closed("b"))),
        (lambda: _closed(re.compile("a")), lambda: _closed(re.compile("b"))),
        (lambda: _closed({"a", "b"}), lambda: _closed({"a", "c"})),
        (lambda: _closed(__import__("numpy").zeros(2)), lambda: _closed(__import__("numpy").ones(2))),
    ],
)
def test_what_answers_otherwise_is_never_taken_for_the_same_and_the_same_always_is(
    one: Callable[[], object], other: Callable[[], object]
) -> None:
    a, same, b = seen(one()), seen(one()), seen(other())
    assert not a.unseen
    assert not b.unseen
    assert a.sha256 == same.sha256 != b.sha256


def test_a_value_that_a_function_reaches_is_looked_at_each_time_it_is_evaluated() -> None:
    held: list[str] = []
    f = _typed(
        "def f(prompt): return helpers.WORD + str(len(held))", held=held, helpers=(module := _module("WORD = 'a'"))
    )
    first = seen(f)
    module.WORD = "b"  # type: ignore[attr-defined]
    second = seen(f)
    held.append("x")
    assert len({first.sha256, second.sha256, seen(f).sha256}) == 3


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        (lambda: types.FunctionType(compile("lambda p: p", "<made>", "eval").co_consts[0], {}), "no source"),
        (lambda: str.upper, "no Python"),
        (lambda: functools.partial(str.replace, "a"), "no Python"),
        (lambda: _closed(iter([])), "cannot be seen"),
        (lambda: _closed(threading.Event()), "cannot be seen"),
        (lambda: _typed("def f(p): return eval(p)"), "looks things up"),
        (lambda: _typed("def f(p): return getattr(m, p)", m=_module("")), "looks things up"),
        (lambda: _typed("def f(p): return getattr(re, p).sys", re=re), "looks things up"),
    ],
)
def test_what_cannot_be_seen_is_never_the_same_unless_its_user_vouches_for_it(
    thing: Callable[[], object], why: str
) -> None:
    made = thing()
    assert why in seen(made).unseen[0]
    (first, _), (second, _) = described(made, "", "1"), described(made, "", "2")
    assert not first["sha256"]
    assert first["note"] != second["note"]
    assert described(made, "v1", "1")[0] == described(made, "v1", "2")[0] != described(made, "v2", "1")[0]


READS = {
    "random": "random.random()", "secrets": "secrets.randbelow(2)", "time": "time.time()", "datetime": "datetime.datetime.now()",
    "datetime as d": "d.date.today()", "os": "os.environ['A']", "os.path": "os.path.exists(p)", "sys": "sys.modules['random']",
    "subprocess": "subprocess.run(p)", "urllib.request": "urllib.request.urlopen(p)", "numpy": "numpy.random.rand()",
    "numpy as np": "np.load(p)", "socket": "socket.socket()", "pathlib": "pathlib.Path(p)", "json": "json.load(open(p))",
    "re": "re.enum.sys.argv", "logging": "logging.os.environ", "uuid": "uuid.uuid4()", "requests": "requests.get(p)",
    "math": "input()", "string": "hash(p)", "openai": "openai.OpenAI()", "builtins": "builtins.open(p)",
    "yaml": "__builtins__['open'](p)",
}  # fmt: skip


@pytest.mark.parametrize(("module", "reads"), READS.items())
def test_what_may_read_the_world_is_never_the_same_wherever_it_is_imported(module: str, reads: str) -> None:
    loaded = pytest.importorskip(module.partition(" ")[0]) and sys.modules[module.partition(" ")[0].partition(".")[0]]
    called = module.rpartition(" ")[2].partition(".")[0]
    within = f"def f(p):\n    import {module}\n    return {reads}"
    for found in (seen(_typed(f"def f(p): return {reads}", **{called: loaded})), seen(_typed(within))):
        assert "give something else each time" in found.unseen[0]


@pytest.mark.parametrize(
    "name", ["random.choice", "time.time", "os.getenv", "datetime.datetime", "numpy.load", "re.sub"]
)
def test_a_function_of_a_library_is_seen_where_it_computes_alone(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    given = getattr(sys.modules.get(module) or __import__(module.partition(".")[0]), attribute)
    alone = not seen(_typed("def f(p): return g(p)", g=given)).unseen
    assert alone == (name in ("re.sub", "datetime.datetime"))
    assert seen(_typed("def f(p): return g.now()", g=given)).unseen
    pure = "def f(p):\n    import re, math, json\n    from urllib.parse import quote\n    return quote(json.dumps(p))"
    assert not seen(_typed(pure)).unseen


def test_keyword_arguments_are_the_overrides_of_a_command_line() -> None:
    given = {
        "seed": 1,
        "limit": None,
        "runs_dir": Path("a b"),
        "device": {"kind": "cpu"},
        "timing": "none",
        "strict": True,
    }
    given |= {"model": {"parts": ["text", "x,y"]}}
    assert overrides_of(given, model_is_made=False) == [
        "seed=1", "limit=null", "runs_dir='a b'", "device.kind=cpu".replace("cpu", "'cpu'"), "timing=none", "strict=true",
        "model.parts=['text','x,y']",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shard": "1/2"}, "no scores yet"), ({"launch": "local"}, "other processes"), ({"suite": "mini"}, "once for each"),
        ({"model.x": 1}, "has its own"), ({"a=b": 1}, "not a key"), ({"limit": object()}, "of type object"),
        ({"seed": float("nan")}, "finite"), ({"device": "cpu,cuda"}, "name is that of its file"), ({"x": "\ud800"}, "UTF-8"),
    ],
)  # fmt: skip
def test_a_keyword_that_means_nothing_is_one_line(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchError, match=says):
        overrides_of(given, model_is_made=True)


def test_a_function_is_given_a_prompt_and_its_text_is_read_as_that_of_any_model() -> None:
    asked: list[str] = []

    def f(prompt: str) -> object:
        asked.append(prompt)
        return given.pop(0)

    label = Request("1", (Text("How?"),), Choose(("good", "bad")))
    number = Request("2", (Text("How?"),), Regress(("x",), (0.0,), (1.0,)))
    given: list[object] = ["The answer is: good", {"bad": 1.0, "good": 0.0}, '{"x": 0.5}', {"x": 0.5}, None]
    found = list(Called(f, "f").predict([label, label, number, number, label]))  # type: ignore[arg-type]
    assert [one.label_scores for one in found[:2]] == [{"good": 1.0, "bad": -1.0}, {"bad": 1.0, "good": 0.0}]
    assert [one.values for one in found[2:4]] == [{"x": 0.5}] * 2
    assert "answered nothing" in str(found[4].error)
    assert asked[0] == "How?\nAnswer with exactly one of these labels and nothing else: good; bad"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def pair(runs: Path) -> tuple[_Evaluation, _Evaluation]:
    """Word matching and a function of one's own on as many examples as intervals need."""
    given: dict[str, Any] = {"limit": 40, "runs_dir": runs, "tracking": "none", "resamples": 200}
    return evaluate("finmm_qa", "lexical", **given), evaluate("finmm_qa", nearest, **given)


def _small(model: Any, runs: Path, **more: Any) -> _Evaluation:
    found: _Evaluation = evaluate("finmm_qa", model, limit=2, runs_dir=runs, tracking="none", **more)
    return found


@pytest.mark.slow
def test_a_run_has_scores_times_and_predictions_and_answers_at_once_the_second_time(
    pair: tuple[_Evaluation, _Evaluation], runs: Path
) -> None:
    words, mine = pair
    assert (words.task, words.model, mine.model) == ("finmm_qa", "lexical", "nearest")
    f1 = words.scores["f1"]
    assert f1.low is not None
    assert f1.high is not None
    assert f1.low <= f1.value <= f1.high  # type: ignore[operator]
    assert len(words.predictions) == 40 == words.timings["n"]
    again = load_run(words.folder)
    assert again.run == words.run == load_run("finmm_qa/lexical", runs_dir=runs).run
    with pytest.raises(BenchError, match="is no run"):
        load_run("nothing", runs_dir=runs)


@pytest.mark.slow
def test_a_model_of_ones_own_is_found_again_and_stays_as_it_was(runs: Path) -> None:
    said = Say("a")
    first = _small(said, runs)
    assert vars(said) == {"word": "a"}
    assert _small(Say("a"), runs).folder == first.folder
    said.word = "b"
    assert _small(said, runs).folder != first.folder
    assert _small(Louder("a"), runs).folder != first.folder
    unseen = _closed(iter([]))
    assert _small(unseen, runs, name="unseen").folder != _small(unseen, runs, name="unseen").folder


@pytest.mark.parametrize(
    ("model", "more", "says"),
    [
        (Say, {}, "is a class"), (3, {}, "of type int"), (nearest, {"name": "lexical"}, "conf/model/lexical.yaml"),
        (nearest, {"name": "a/b"}, "name has '/'"), ("lexical", {"name": "x"}, "for an object"), ("a,b", {}, "does not exist"),
        (nearest, {"timing": {"scenario": "offline", "alone": True}}, "timing.alone"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_one_line(model: Any, more: dict[str, Any], says: str, runs: Path) -> None:
    with pytest.raises(BenchError, match=re.escape(says)) as caught:
        _small(model, runs, **more)
    assert caught.value._render_traceback_() == [f"bench: {caught.value}"]


@pytest.mark.slow
def test_a_refusal_names_what_python_takes_and_an_empty_runs_dir_is_none(runs: Path) -> None:
    with (
        pytest.raises(BenchError, match=r"^fresh=True, runs_dir= or most=\{'cut': …\}; `bench run --fresh`$"),
        plainly(),
    ):
        raise BenchError("--fresh, --runs or --max-cut; `bench run --fresh`")
    for call in (
        lambda: evaluate("finmm_qa", nearest, limit=2, runs_dir="", tracking="none"),
        lambda: load_run("finmm_qa/lexical", runs_dir=""),
        lambda: evaluate("finmm_qa", "lexical", limit=2, runs_dir=" ", tracking="none"),
    ):
        with pytest.raises(BenchError, match="runs_dir is empty"):
            call()


async def _later(prompt: str) -> str:
    return prompt


def _raising(prompt: str) -> str:
    raise ValueError(prompt[:1])


@pytest.mark.slow
def test_a_function_that_answers_later_is_refused_and_one_that_raises_fails_its_requests(
    runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BenchError, match=r"answers later \(async\)"):
        _small(_later, runs)
    found = _small(lambda prompt: 1 / 0, runs, name="raises")
    assert "no result" in repr(found)
    capfd.readouterr()
    found = _small(lambda prompt: 1 / 0, runs, name="raises", revision="1")
    assert "asks them again" not in capfd.readouterr().err
    assert _small(lambda prompt: 2 / 0, runs, name="raises", revision="1").folder != found.folder
    capfd.readouterr()
    for _ in range(2):
        _small(_raising, runs)
    assert capfd.readouterr().err.count("; fresh=True asks them again") == 1
    assert "ZeroDivisionError" in str(found.predictions[0].error)


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_answered_and_the_same_call_goes_on(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_TEST_STOPS", "2")
    with pytest.raises(KeyboardInterrupt):
        evaluate("finmm_qa", _stopping, revision="1", limit=4, runs_dir=runs, tracking="none")
    assert "1 of 4 predictions of finmm_qa / _stopping are kept, the same call goes on" in capfd.readouterr().err
    found = evaluate("finmm_qa", _stopping, revision="1", limit=4, runs_dir=runs, tracking="none")
    assert (found.timings["attempts"], len(found.predictions)) == (2, 4)


def _stopping(prompt: str) -> str:
    left = int(os.environ["BENCH_TEST_STOPS"]) - 1
    os.environ["BENCH_TEST_STOPS"] = str(left)
    if not left:
        raise KeyboardInterrupt
    return "a"


_BEGUN, _GO = threading.Event(), threading.Event()


def _waiting(prompt: str) -> str:
    _BEGUN.set()
    assert _GO.wait(60)
    return "a"


@pytest.mark.slow
def test_a_second_thread_waits_its_turn_on_the_same_run_and_on_another(runs: Path) -> None:
    _GO.clear()
    found: dict[str, object] = {}

    def run(name: str, model: Any, **more: Any) -> None:
        try:
            found[name] = _small(model, runs, **more)
        except BenchError as error:
            found[name] = str(error)

    first = threading.Thread(target=run, args=("first", _waiting), kwargs={"revision": "1"})
    other = threading.Thread(target=run, args=("other", "oracle"))
    first.start()
    assert _BEGUN.wait(60)
    second = threading.Thread(target=run, args=("second", _waiting), kwargs={"revision": "1"})
    second.start()
    other.start()
    other.join(0.3)
    assert second.is_alive()
    assert other.is_alive()
    _GO.set()
    for one in (first, second, other):
        one.join(60)
    assert isinstance(found["first"], _Evaluation)
    assert isinstance(found["second"], _Evaluation)
    assert found["first"].folder == found["second"].folder
    assert found["second"].timings["attempts"] == 1
    assert isinstance(found["other"], _Evaluation)


@pytest.mark.slow
def test_it_works_in_a_running_event_loop_and_leaves_the_process_as_it_was(runs: Path) -> None:
    def state() -> object:
        handlers = [logging.getLogger(name).handlers[:] for name in (None, "bench")]
        levels = [logging.getLogger(name).level for name in (None, "bench")]
        return Path.cwd(), handlers, levels, [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    before = state()

    async def both() -> list[_Evaluation]:
        here = _small("constant", runs)
        return [here, await asyncio.to_thread(_small, "constant", runs)]

    here, beside = asyncio.run(both())
    assert here.folder == beside.folder
    assert state() == before


@pytest.mark.slow
def test_two_runs_are_compared_judged_and_ranked_as_the_commands_do(
    pair: tuple[_Evaluation, _Evaluation], runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words, mine = pair
    gap = compare(words, str(mine.folder), resamples=500)
    assert gap.verdict in repr(gap)
    assert gap.better in ("A", "")
    frame = gap.to_frame()
    assert frame["difference"][0] == pytest.approx(mine.scores["f1"].value - words.scores["f1"].value)  # type: ignore[operator]
    assert check(words, words, speed_margin=None)
    verdict = check(mine, words, speed_margin=None)
    assert bool(verdict) is (verdict.outcome == "PASS") is (verdict.to_frame()["verdict"][0] == "PASS")
    ranked = board("finmm_qa", runs_dir=runs)
    assert {"lexical", "nearest"} <= set(ranked.to_frame()["model"])
    assert "nearest" in repr(ranked)
    assert not list(tmp_path.iterdir())  # nothing is written
    assert "no complete runs" in repr(board("finmm_emotion", runs_dir=runs))
    for name, says in (("nothing", "does not exist"), ("dawnbench", "bench board dawnbench"), ("", "has a name")):
        with pytest.raises(BenchError, match=says):
            board(name, runs_dir=runs)


@pytest.mark.slow
def test_every_result_has_frames_and_pictures_and_says_which_it_has(
    pair: tuple[_Evaluation, _Evaluation], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, mine = pair
    gap, ranked = compare(words, mine, resamples=200), board("finmm_qa", runs_dir=runs)
    frames = [words.to_frame(of) for of in ("scores", "predictions", "slices", "timings")]
    frames += [gap.to_frame(of) for of in ("metrics", "slices", "changes")]
    assert all(len(one) for one in frames)
    assert list(frames[1]["f1"]) == pytest.approx(list(words.measurements.rows["f1"][:, 0]))
    pictures = [words.plot(), words.plot("slices"), gap.plot(), gap.plot("slices"), ranked.plot(), ranked.plot("ranks")]
    assert all(one.axes[0].get_lines() and one.axes[0].get_title() for one in pictures)
    assert pictures[-1]._repr_png_().startswith(b"\x89PNG")
    for refused, says in (
        (lambda: words.plot("calibration"), "no confidences"), (lambda: ranked.plot("latency"), "timing='single_stream'"),
        (lambda: ranked.plot(table=9), "counted from 0"), (lambda: words.plot("x"), "scores, slices, calibration"),
        (lambda: gap.to_frame("x"), "metrics, slices, changes"),
    ):  # fmt: skip
        with pytest.raises(BenchError, match=says):
            refused()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BenchError, match="plots need matplotlib, which is not installed"):
        words.plot()


def test_confidences_in_labels_are_held_against_what_was_right(pair: tuple[_Evaluation, _Evaluation]) -> None:
    import numpy as np

    sure = _Evaluation(pair[0].run, pair[0].folder)
    rows = {"aurc": np.array([[0.95, 0.0], [0.95, 1.0], [0.15, 1.0], [1.0, 0.0]])}
    sure.__dict__["measurements"] = replace(pair[0].measurements, rows=rows)
    dots = [
        line.get_xydata().tolist() for line in sure.plot("calibration").axes[0].get_lines() if line.get_marker() == "o"
    ]
    assert dots == [[[0.15, 0.0]], [[pytest.approx(2.9 / 3), pytest.approx(2 / 3)]]]


@pytest.mark.slow
def test_the_score_is_drawn_against_latency_where_a_timing_scenario_read_one(
    pair: tuple[_Evaluation, _Evaluation], runs: Path
) -> None:
    given: dict[str, Any] = {"limit": 40, "runs_dir": runs, "tracking": "none", "resamples": 200}
    timed = evaluate(
        "finmm_qa", nearest, timing="single_stream", **given, **{"timing.min_seconds": 0, "timing.percentile": 50}
    )
    assert timed.folder == pair[1].folder
    assert timed.run.scenarios["single_stream"]["latency"]["p50"] > 0
    (axes,) = board("finmm_qa", runs_dir=runs).plot("latency").axes
    assert [text.get_text() for text in axes.texts] == ["nearest"]


@pytest.mark.slow
def test_texts_of_strangers_stay_text(pair: tuple[_Evaluation, _Evaluation]) -> None:
    evil = "<script>x</script>\x1b[31m\u202e$\\frac$"
    run = replace(pair[0].run, model=evil, scores=tuple(replace(one, note=evil) for one in pair[0].run.scores))
    found = _Evaluation(run, pair[0].folder)
    assert "<script" not in found._repr_html_()
    assert "&lt;script&gt;x" in found._repr_html_()
    assert not set("\x1b\u202e") & set(repr(found) + found._repr_html_())
    assert found.plot()._repr_png_()
    gap = compare(*pair, resamples=200)
    changed = replace(gap.changes.worst[0], id=evil, a_answer=evil)
    shown = type(gap)(gap.comparison, replace(gap.changes, worst=(changed,)))._repr_html_()
    assert "<script" not in shown
    assert "&lt;script" in shown


@pytest.mark.slow
def test_at_most_15_names_are_shown_and_none_of_them_is_loaded_before_it_is_asked_for() -> None:
    assert {"evaluate", "compare", "board", "check", "load_run", "Model", "Task", "Metric", "BenchError"} <= set(
        bench.__all__
    )
    assert len(bench.__all__) <= 15
    script = (
        "import sys, bench; from bench import evaluate, compare, board, check, load_run; "
        "print(sorted({'numpy', 'torch', 'hydra', 'mlflow', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _quickstart() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs/quickstart.ipynb").read_text(encoding="utf-8"))
    return found


def test_the_quickstart_has_ten_cells_and_no_outputs() -> None:
    cells = _quickstart()["cells"]
    assert len(cells) == 10
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
def test_the_quickstart_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed; it is in the extra dev")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed; it is in the extra dev")
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=command, display_name="this Python", language="python")
    book = nbformat.read(ROOT / "docs/quickstart.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, km=manager, timeout=300, resources=place).execute()
    outputs = [one for cell in book.cells if cell.cell_type == "code" for one in cell.outputs if "data" in one]
    assert [sorted(one["data"]) for one in outputs].count(["image/png", "text/plain"]) == 3
    assert [sorted(one["data"]) for one in outputs].count(["text/html", "text/plain"]) == 6
