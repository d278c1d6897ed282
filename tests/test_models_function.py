"""A function of the user's own as a model: what it may return, and what is one line when it is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.engine import feed
from bench.engine.checked import checked
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.function import Function
from bench.models.values import as_prediction
from bench.runs.code import code_of
from bench.types import Choose, Generate, Output, Prediction, Regress, Request, Span, Text

LABELS = Choose(("very good", "bad"))
MOOD = Regress(("valence", "arousal"), (-1.0, 0.0), (1.0, 1.0))
SPAN = Span(8, question="Who?", context="Ann Lee left.")
Write = Callable[..., str]


def ask(output: Output, name: str = "a", text: str = "hello") -> Request:
    return Request(name, (Text(text),), output)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Write:
    """Writes a module of this test's own into the working folder and names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = f"own_{abs(hash(request.node.nodeid))}"

    def module(text: str, path: str = "") -> str:
        file = tmp_path / (path or f"{name}.py").format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return name

    return module


def loaded(function: str, **changes: Any) -> Function:
    model = Function(function, **changes)
    model.load(Device("cpu", "float32", 1), seed=0)
    return model


def test_a_function_may_yield_its_answers_one_by_one(write: Write) -> None:
    name = write("def predict(requests):\n    for r in requests:\n        yield r.parts[0].text\n")
    groups = list(feed.stream(loaded(f"{name}:predict"), [ask(Generate(8)), ask(Generate(8), "b", "you")], "function"))
    assert groups == [[Prediction("a", text="hello")], [Prediction("b", text="you")]]


@pytest.mark.parametrize(("n", "got"), [(1, "it gave 1"), (3, "it gave more")])
def test_a_function_that_yields_another_number_of_answers_is_refused_and_the_first_are_kept(
    write: Write, n: int, got: str
) -> None:
    name = write(f"def predict(requests):\n    yield from ['x'] * {n}\n")
    walk = feed.stream(loaded(f"{name}:predict"), [ask(Generate(8)), ask(Generate(8), "b")], "function")
    assert next(walk) == [Prediction("a", text="x")]
    with pytest.raises(BenchError, match=f"must yield 2 answers, one a request; {got}"):
        list(walk)


def test_a_function_answers_a_batch_of_requests(write: Write) -> None:
    name = write("def predict(requests, mark):\n    return [r.parts[0].text + mark for r in requests]\n")
    model = loaded(f"{name}:predict", options={"mark": "!"})
    found = feed.answer(model, [ask(Generate(8)), ask(Generate(8), "b", "you")], "function")
    assert found == [Prediction("a", text="hello!"), Prediction("b", text="you!")]
    assert (model.parts, model.outputs) == ({"text"}, (Generate,))


def test_a_class_is_made_once_and_called(write: Write) -> None:
    text = "made = []\nclass Net:\n    def __init__(self, device, k=1):\n        made.append((device.kind, k))\n"
    name = write(text + "    def __call__(self, requests):\n        return [str(len(made)) for _ in requests]\n")
    model = loaded(f"{name}:Net", options={"k": 3}, on_device=True, outputs=["Generate", "Choose"])
    assert [model.predict([ask(Generate(8))])[0].text for _ in range(2)] == ["1", "1"]
    assert sys.modules[name].made == [("cpu", 3)]
    assert model.uses_device
    assert model.outputs == (Generate, Choose)


@pytest.mark.parametrize(
    ("output", "value", "expected"),
    [
        (Generate(8), "yes", {"text": "yes"}),
        (Generate(8), {"text": "yes", "new_tokens": 2}, {"text": "yes", "new_tokens": 2}),
        (Generate(8), Prediction("a", text="yes"), {"text": "yes"}),
        (SPAN, "Ann", {"text": "Ann"}),
        (SPAN, (0, 7), {"text": "Ann Lee", "span": (0, 7)}),
        (SPAN, {"span": [0, 3], "no_answer": 0.25}, {"text": "Ann", "span": (0, 3), "no_answer": 0.25}),
        (LABELS, "Very_Good", {"label_scores": {"very good": 1.0, "bad": -1.0}}),
        (LABELS, ["bad", "very good"], {"label_scores": {"very good": 1.0, "bad": 1.0}}),
        (LABELS, {"very good": 0.75, "bad": 0.25}, {"label_scores": {"very good": 0.75, "bad": 0.25}}),
        (MOOD, {"valence": 0.5, "arousal": 0}, {"values": {"valence": 0.5, "arousal": 0.0}}),
        (MOOD, [0.5, 1], {"values": {"valence": 0.5, "arousal": 1.0}}),
        (Regress(("v",), (0.0,), (1.0,)), 0.5, {"values": {"v": 0.5}}),
    ],
)
def test_a_plain_value_becomes_the_prediction_that_was_asked_for(output: Output, value: Any, expected: Any) -> None:
    request = ask(output)
    assert checked(request, as_prediction(request, value)) == Prediction("a", **expected)


def test_numbers_of_numpy_are_numbers() -> None:
    import numpy as np

    request = ask(Regress(("v",), (0.0,), (1.0,)))
    assert checked(request, as_prediction(request, np.float32(0.5))) == Prediction("a", values={"v": 0.5})


@pytest.mark.parametrize(
    ("output", "value", "why"),
    [(Generate(8), None, "it answered nothing"), (Generate(8), float("nan"), "it answered nothing"),
     (LABELS, "goodish", "label 'goodish' is not one of very good, bad")],
)  # fmt: skip
def test_a_value_that_is_no_answer_fails_its_request_alone(write: Write, output: Output, value: Any, why: str) -> None:
    good = {"Generate": "'ok'", "Choose": "'bad'"}[type(output).__name__]
    name = write(
        f"nan = float('nan')\ndef predict(requests):\n    return [{value!r}] + [{good}] * (len(requests) - 1)\n"
    )
    model = loaded(f"{name}:predict", outputs=["Generate", "Choose"])
    bad, fine = feed.answer(model, [ask(output), ask(output, "b")], "function")
    assert why in (bad.error or "")
    assert fine.error is None


@pytest.mark.parametrize(
    ("output", "value", "text"),
    [
        (Generate(8), "3", "answered request 'a' with a int, '3'; Generate takes a str"),
        (Generate(8), "(1, 2)", "answered request 'a' with a tuple, '(1, 2)'; Generate takes a str"),
        (LABELS, "0.5", "answered request 'a' with a float, '0.5'; Choose takes a label or {label: score}"),
        (MOOD, "'high'", "answered request 'a' with a str, 'high'; Regress takes {name: number} or 2 in the order of"),
        (MOOD, "[1]", "Regress takes {name: number} or 2 in the order of valence, arousal"),
    ],
)
def test_answers_of_a_wrong_type_end_the_run_in_one_line(write: Write, output: Output, value: str, text: str) -> None:
    model = loaded(f"{write(f'def predict(requests): return [{value}]')}:predict")
    with pytest.raises(BenchError) as caught:
        feed.answer(model, [ask(output)], "function")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "got"), [("return ['x']", "got 1"), ("return 'xy'", "got a str"), ("pass", "got a NoneType")]
)
def test_another_number_of_answers_ends_the_run_in_one_line(write: Write, body: str, got: str) -> None:
    model = loaded(f"{write(f'def predict(requests): {body}')}:predict")
    with pytest.raises(BenchError, match=f"predict must return a list of 2 answers, one a request; {got}"):
        feed.answer(model, [ask(Generate(8)), ask(Generate(8), "b")], "function")


def test_a_function_that_raises_fails_only_the_request_that_makes_it(write: Write) -> None:
    name = write("def predict(requests):\n    return [str(1 / len(r.parts[0].text)) for r in requests]\n")
    good, bad = feed.answer(loaded(f"{name}:predict"), [ask(Generate(8)), ask(Generate(8), "b", "")], "function")
    assert good.text == "0.2"
    assert bad.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("source", "function", "text"),
    [
        ("x = 1", "{}", "must be MODULE:NAME, such as my_module:predict"),
        ("x = 1", "{}:a.b", "must be MODULE:NAME"),
        ("x = 1", "no_such_module_here:predict", "there is no module no_such_module_here in "),
        ("x = 1", "{}.deeper:predict", "there is no module "),
        ("x = 1", "{}:predict", "has no 'predict'"),
        ("x = 1", "{}:x", "is int, which cannot be called"),
        ("def predict(): pass", "{}:predict", "too many positional arguments"),
        ("def predict(requests, k): pass", "{}:predict", "missing a required argument: 'k'; see model.options"),
        ("class N:\n  pass", "{}:N", "is N, which cannot be called"),
        ("import nothing_of_this_name", "{}:predict", "cannot be imported: ModuleNotFoundError: No module named"),
        ("def predict(", "{}:predict", "cannot be imported: SyntaxError"),
        ("raise SystemError('x')", "{}:predict", "cannot be imported: SystemError: x"),
    ],
)
def test_a_function_that_cannot_be_had_is_one_line(write: Write, source: str, function: str, text: str) -> None:
    with pytest.raises(BenchError) as caught:
        loaded(function.format(write(source)))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"parts": ["words"]}, "model.parts: 'words' is not one of text, row, image, audio, video"),
     ({"outputs": ["Say"]}, "model.outputs: 'Say' is not one of Generate, Choose, Regress, Transcribe")],
)  # fmt: skip
def test_a_part_or_output_that_does_not_exist_is_one_line(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(BenchError, match=text):
        Function(**changes)


def test_without_a_function_it_is_one_line() -> None:
    with pytest.raises(BenchError, match=r"model\.function is not given"):
        Function().load(Device(), seed=0)


def test_the_module_does_not_run_before_the_model_loads(write: Write) -> None:
    assert Function(f"{write('raise RuntimeError')}:predict").revision


def test_an_edited_module_is_another_model(write: Write) -> None:
    name = write("def predict(requests): return []")
    first = Function(f"{name}:predict").revision
    assert Function(f"{name}:predict").revision == first
    write("def predict(requests): return [1]")
    assert Function(f"{name}:predict").revision != first
    assert first.startswith(f"{name}:predict ")


@pytest.mark.parametrize(
    "source",
    ["from {0}.sub.deep import x", "from {0} import sub\nimport {0}.sub.deep", "from .sub import deep", "from .sub.deep import *",
     "def predict(requests):\n    import {0}.sub.deep", "import importlib\nD = importlib.import_module('{0}.sub.deep')",
     "import importlib\nD = importlib.import_module('.sub.' + 'deep', __package__)"],
)  # fmt: skip
def test_an_edit_of_what_a_module_imports_from_its_package_is_another_model(write: Write, source: str) -> None:
    for path in ("{}/__init__.py", "{}/sub/__init__.py", "{}/sub/deep.py", "{}/other.py"):
        name = write("x = 1", path)
    write(source.format(name), "{}/net.py")
    first = Function(f"{name}.net:predict").revision
    write("x = 2", "beside.py")
    if "'.sub.'" not in source:  # a name that is put together may be any
        write("x = 2", "{}/other.py")
    assert Function(f"{name}.net:predict").revision == first
    write("x = 3", "{}/sub/deep.py")
    assert Function(f"{name}.net:predict").revision != first


def test_an_edit_of_a_module_elsewhere_on_the_path_is_another_model_and_one_of_a_library_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (
        ("mine/far_a.py", "import far_b, far_lib"),
        ("lib/far_b.py", "X = 1"),
        ("site-packages/far_lib.py", "X = 1"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for folder in ("mine", "lib", "site-packages"):
        monkeypatch.syspath_prepend(str(tmp_path / folder))
    first = code_of(["far_a"])["far_a"]["sha256"]
    (tmp_path / "site-packages/far_lib.py").write_text("X = 2")
    assert code_of(["far_a"])["far_a"]["sha256"] == first
    (tmp_path / "lib/far_b.py").write_text("X = 2")
    assert code_of(["far_a"])["far_a"]["sha256"] != first


def test_an_edit_of_a_file_beside_a_module_that_imports_it_is_another_model(write: Write) -> None:
    write("WORDS = 1", "helper_of_{}.py")
    name = write("import helper_of_{}\nfrom os import path")
    write(f"import helper_of_{name}\nfrom os import path")
    first = Function(f"{name}:predict").revision
    write("WORDS = 2", "helper_of_{}.py")
    assert Function(f"{name}:predict").revision != first


@pytest.mark.slow
def test_the_revision_of_an_installed_package_is_its_version() -> None:
    from importlib.metadata import version

    assert Function("yaml:safe_load").revision == f"yaml:safe_load of PyYAML {version('PyYAML')}"


@pytest.mark.slow
def test_a_function_runs_from_the_command_line(write: Write, bench_main: Any, own_package: Path) -> None:
    name = write("def predict(requests):\n    return [r.parts[-1].text.split()[-1] for r in requests]\n")
    call = ["run", "task=words", "model=function", f"model.function={name}:predict", "tracking=none", "resamples=5"]
    code, out, err = bench_main(*call, "runs_dir=runs", "--json")
    assert (code, err) == (0, [])
    assert '"value": 1.0' in out[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "model", "told"),
    [
        ("earnings21", "function", "model.parts=[audio] model.outputs=[Transcribe]"),
        ("phrasebank", "pyfunc", "model.outputs=[Choose]"),
        ("finmm_docvqa", "lexical", ""),
    ],
)
def test_who_may_say_what_a_model_takes_is_told_how_where_it_does_not_fit(
    task: str, model: str, told: str, bench_main: Callable[..., tuple[int, list[str], list[str]]]
) -> None:
    code, _, err = bench_main("run", f"task={task}", f"model={model}")
    assert (code, len(err)) == (2, 1)
    assert told in err[0]
    assert ("say so with" in err[0]) is bool(told)
