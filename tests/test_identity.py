"""A run found again is the same run: whatever can change an answer makes another one, through the whole command."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_study import Study

from bench.artifacts.seals import ABSENT, Seal, Sealer, seal_read, state_of
from bench.engine.asking import asking
from bench.errors import BenchError
from bench.models.base import Device
from bench.run import evaluate
from bench.runs import environment
from bench.runs.asked import request_digest
from bench.runs.folder import RunFolder
from bench.runs.identity import Identity
from bench.runs.settings import Settings
from bench.types import (
    Audio,
    Choose,
    Generate,
    Image,
    ImageFile,
    Prediction,
    Regress,
    Request,
    Span,
    Tag,
    Text,
    Transcribe,
    Video,
)

OUTPUTS = [
    (Generate(8, ("x",)), {"max_new_tokens": 9, "stop": ("y",)}),
    (Span(8, ("x",), "q", "c", False), {"question": "r", "context": None, "may_be_unanswerable": True, "stop": ()}),
    (Tag(8, (), ("a", "b"), ("L",)), {"pieces": ("a b",), "labels": ("M",), "max_new_tokens": 1}),
    (Choose(("a", "b")), {"labels": ("b", "a"), "several": True}),
    (Regress(("v",), (0.0,), (1.0,)), {"names": ("w",), "low": (0.5,), "high": (2.0,)}),
    (Transcribe("en"), {"language": "de"}),
]


def digest(request: Request) -> str:
    return request_digest(request, lambda path: f"sha256 of {path}")


@pytest.mark.parametrize(("output", "changes"), OUTPUTS, ids=[type(output).__name__ for output, _ in OUTPUTS])
def test_every_field_of_an_output_is_in_the_digest_of_a_request(output: Any, changes: dict[str, Any]) -> None:
    seen = {digest(Request("a", (Text("t"),), output))}
    for name, value in changes.items():
        seen.add(digest(Request("a", (Text("t"),), dataclasses.replace(output, **{name: value}))))
    assert len(seen) == 1 + len(changes)
    if not isinstance(output, Span | Tag):  # of these the fields of Generate are tried above
        assert set(changes) == {field.name for field in dataclasses.fields(output)}


def test_every_part_its_role_its_order_and_its_bytes_are_in_the_digest_of_a_request() -> None:
    parts: list[tuple[Any, ...]] = [
        (Text("a"), Text("b")), (Text("b"), Text("a")), (Text("a b"),), (Text("a", "system"), Text("b")), (Text("ab"),),
        (Text("a"), Text("b"), Text("")), (Image(b"1"),), (Image(b"2"),), (Image(b"1", "image/jpeg"),), (ImageFile("p"),),
        (ImageFile("q"),), (ImageFile("p", "image/jpeg"),), (Audio("p"),), (Video("p"),), (Video("q"),), (),
    ]  # fmt: skip
    seen = {digest(Request("a", one, Generate(8))) for one in parts}
    assert len(seen) == len(parts)
    assert digest(Request("b", (Text("a"),), Generate(8))) != digest(Request("a", (Text("a"),), Generate(8)))
    kinds = {digest(Request("a", (Text("t"),), output)) for output in (Generate(8), Span(8), Tag(8))}
    assert len(kinds) == 3  # the same fields, but another kind of answer


def test_a_picture_in_a_file_is_asked_as_the_same_picture_in_memory(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"pixels")
    sealer = Sealer()
    found = [
        request_digest(Request("a", (one,), Generate(8)), lambda path: sealer.seal(path).sha256)
        for one in (Image(b"pixels"), ImageFile(str(tmp_path / "p")))
    ]
    assert found[0] == found[1]
    assert ImageFile(str(tmp_path / "p")) == ImageFile(str(tmp_path / "p"))


def test_every_field_of_an_identity_changes_the_run_id() -> None:
    plain = Identity(
        task="t", version=1, asked="a", data="d", files={"f": "1"}, model="m", revision="r", weights_sha256="w", config={"k": 1},
        code={"c": "1"}, device="cpu", dtype="float32", seed=0, batch_size=1, batch_tokens=2, ideal="",
    )  # fmt: skip
    others: dict[str, Any] = {
        "task": "u", "version": 2, "asked": "b", "data": "e", "files": {"f": "2"}, "model": "n", "revision": "s",
        "weights_sha256": "x", "config": {"k": 2}, "code": {"c": "2"}, "device": "cuda", "dtype": "bfloat16", "seed": 1,
        "batch_size": 2, "batch_tokens": 3, "ideal": "i",
    }  # fmt: skip
    assert set(others) == {field.name for field in dataclasses.fields(Identity)}
    ids = {dataclasses.replace(plain, **{name: value}).run_id for name, value in others.items()}
    assert len(ids | {plain.run_id}) == 1 + len(others)


@pytest.mark.slow
def test_whatever_the_loop_is_given_that_can_change_an_answer_makes_another_run(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], tmp_path: Path
) -> None:
    """A mutant that leaves one of these out of `evaluate` finds a run of before, and so repeats an id."""

    def run(
        task: Any = None, model: Any = None, device: Device | None = None, name: str = "echo", **settings: Any
    ) -> str:
        asked = Settings(**{"runs_dir": tmp_path, "batch_size": 3, "resamples": 10} | settings)
        return evaluate(
            task or tiny_task(), model or echo_model(), name, device or Device("cpu", "float32", 1), asked
        )[1].path.name  # fmt: skip

    def changed(thing: Any, **values: Any) -> Any:
        for key, value in values.items():
            setattr(thing, key, value)
        return thing

    first = run()
    assert run() == first
    ids = [
        run(name="other"), run(batch_size=4), run(batch_tokens=50), run(seed=1),
        run(device=Device("cpu", "bfloat16", 1)), run(device=Device("cuda", "float32", 1)), run(tiny_task(9)),
        run(changed(tiny_task(), version=2)), run(changed(tiny_task(), name="tiny2")),
        run(model=changed(echo_model(), revision="2")),
        run(model=changed(echo_model(), weights_sha256="ab")), run(config={"model": {"k": 1}}), run(config={"model": {"k": 2}}),
        run(model=changed(echo_model(), reads_targets=True)),
    ]  # fmt: skip
    assert len({first, *ids}) == 1 + len(ids)
    assert run(config={"model": {"k": 1}, "runs_dir": "elsewhere"}) == ids[11]
    assert run(resamples=11, audit="none") == first  # these change scores and reports, and no answer


@pytest.mark.slow
def test_an_edit_of_any_prompt_role_or_output_is_another_run(study: Study) -> None:
    runs = [study.run()]
    assert study.run()["run_id"] == runs[0]["run_id"]
    for path, old, new in [
        ("NAME/tasks.py", 'END}"))', "END}\" if example.id != 's11' else '1 + 2 ='))"),  # the last prompt alone
        ("NAME/tasks.py", 'Text("Add.", "system")', 'Text("Add.", "user")'),
        ("NAME/tasks.py", 'Text("Add.", "user")', 'Text("Add!", "user")'),
        ("NAME/tasks.py", 'Generate(4, ("#",))', 'Generate(5, ("#",))'),
        ("NAME/tasks.py", 'Generate(5, ("#",))', "Generate(5)"),
        ("NAME/words.py", " =", "  ="),  # what a prompt imports
    ]:
        study.edit(path, old, new)
        runs.append(study.run())
    runs += [study.run("shots=1"), study.run("shots=2"), study.run("shots=1", "seed=5")]
    assert len({run["run_id"] for run in runs}) == len(runs)
    assert len({study.record(run)["asked"] for run in runs}) == len(runs)
    assert study.texts(runs[1])["s11"] == "3"
    assert len({study.record(run)["data_fingerprint"] for run in runs}) == 1  # the data are the same


@pytest.mark.slow
def test_rows_of_two_prompts_never_share_a_table(study: Study) -> None:
    study.run()
    study.edit("NAME/words.py", " =", "  =")
    study.run("model.plus=1")
    study.write("leaderboards/sums.yaml", "title: Sums\ntask: sums\nversion: 1\nmetric: exact\n")
    code, _, err = study.bench("board", "sums", "--json")
    assert (code, err) == (0, [])
    assert "asked: " in (study.folder / "leaderboards/sums.md").read_text()
    text = (study.folder / "leaderboards/sums.md").read_text()
    assert text.count("## ") == 2


@pytest.mark.slow
def test_a_picture_that_is_overwritten_by_another_is_another_run(study: Study) -> None:
    pages = study.folder / "pages"
    pages.mkdir()
    for i in range(12):
        (pages / f"s{i}.png").write_bytes(b"a%d" % i)
    first = study.run(f"task.media={pages}")
    assert study.run(f"task.media={pages}")["run_id"] == first["run_id"]
    page, before = pages / "s7.png", (pages / "s7.png").stat()
    with page.open("r+b") as file:  # in place: the same inode and size, and the old times put back
        file.write(b"b")
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = study.run(f"task.media={pages}")
    assert second["run_id"] != first["run_id"]
    records = [study.record(run) for run in (first, second)]
    assert records[0]["data_fingerprint"] != records[1]["data_fingerprint"]
    assert (study.texts(first)["s7"], study.texts(second)["s7"]) == ("a21", "b21")


@pytest.mark.slow
def test_a_picture_that_changes_or_disappears_under_a_run_stops_it_and_what_was_answered_is_kept(study: Study) -> None:
    pages = study.folder / "pages"
    pages.mkdir()
    for i in range(12):
        (pages / f"s{i}.png").write_bytes(b"a")
    study.edit(
        "NAME/models.py", "    def said(self, request):\n",
        "    def said(self, request):\n        import pathlib\n        p = pathlib.Path('pages/s7.png')\n"
        "        hit = pathlib.Path('hit')\n        if request.parts[-1].text.startswith('7 ') and hit.exists():\n"
        "            p.unlink() if hit.read_text() == 'gone' else p.write_bytes(b'bb')\n"
        "            hit.unlink()\n            return ''\n",
    )  # fmt: skip
    for word, what in (("gone", "disappeared"), ("other", "changed")):
        (study.folder / "hit").write_text(word)
        line = study.fails(f"task.media={pages}", "batch_size=2", f"model.plus={len(word)}")
        assert f"s7.png {what} while the run was at it; what was answered before is kept" in line
        (pages / "s7.png").write_bytes(b"a")
        run = study.run(f"task.media={pages}", "batch_size=2", f"model.plus={len(word)}")
        assert set(map(len, study.texts(run).values())) <= {2, 3}
        assert study.record(run)["timings"]["attempts"] == 2


@pytest.mark.slow
def test_a_data_file_whose_bytes_change_is_another_run_and_stops_a_run_that_is_at_it(study: Study) -> None:
    data = study.write("numbers.json", "[0, 1, 2]")
    study.edit("NAME/tasks.py", "    def examples(self):\n        return [Ex",
               f"    def examples(self):\n        from bench.data.files import read_json\n        read_json(Path({str(data)!r}))\n"
               "        return [Ex")  # fmt: skip
    first = study.run()
    assert list(study.record(first)["data_files"]) == ["numbers.json"]
    data.write_text("[0, 1,  2]")
    second = study.run()
    assert second["run_id"] != first["run_id"]
    study.edit("NAME/adding.py", "    a, b", f"    open({str(data)!r}, 'a').write(' ')\n    a, b")
    assert "numbers.json changed while the run was at it" in study.fails()
    study.edit(
        "NAME/tasks.py",
        f"read_json(Path({str(data)!r}))",
        f"read_json(Path({str(data)!r})); open({str(data)!r}, 'a').write(' ')",
    )
    assert "numbers.json changed while it was read" in study.fails()


@pytest.mark.slow
def test_an_edit_of_a_model_or_of_what_it_imports_is_another_run_and_one_of_the_task_s_parser_is_not(
    study: Study,
) -> None:
    first = study.run()
    study.edit("NAME/adding.py", "int(b) + plus", "int(b) + plus + 1")
    second = study.run()
    study.edit("NAME/models.py", "return seen +", "return seen + '' +")
    third = study.run()
    assert len({first["run_id"], second["run_id"], third["run_id"]}) == 3
    assert study.texts(second)["s1"] == "4"
    study.edit("NAME/tasks.py", "prediction.text.strip()", "str(int(prediction.text) - 1)")
    again = study.run()
    assert again["run_id"] == third["run_id"]
    assert (third["scores"]["exact"]["value"], again["scores"]["exact"]["value"]) == (0.0, 1.0)
    assert "scored anew (the parser changed): exact 0.0000 → 1.0000" in again["said"][-1]


@pytest.mark.slow
def test_the_record_names_the_commit_and_dirt_of_the_code_s_own_checkout(study: Study) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(study.folder), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    name = study.name
    assert "commit" not in study.record(study.run())["code"][f"{name}.models"]
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    commit = git("rev-parse", "--short=12", "HEAD")
    code = study.record(study.run("model.plus=1"))["code"]
    assert set(code) == {f"{name}.models", f"{name}.tasks"}
    assert {found["commit"] for found in code.values()} == {commit}
    study.edit("NAME/adding.py", "return", "return ''  +")
    code = study.record(study.run())["code"]
    assert (code[f"{name}.models"]["commit"], code[f"{name}.tasks"]["commit"]) == (f"{commit}-dirty", commit)


@pytest.mark.slow
def test_a_model_without_a_source_says_so_and_is_never_taken_for_the_same_in_silence(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], tmp_path: Path
) -> None:
    typed = type("Typed", (echo_model,), {"__module__": "__main__"})  # as in a notebook's cell
    settings = Settings(runs_dir=tmp_path, resamples=10)
    said: list[str] = []

    def run(**changes: Any) -> RunFolder:
        chosen = dataclasses.replace(settings, **changes)
        return evaluate(tiny_task(), typed(), "typed", Device("cpu", "float32", 1), chosen, say=said.append)[1]

    import sys

    main = sys.modules["__main__"]
    sys.modules["__main__"] = type(sys)("__main__")
    try:
        first = run()
        assert said == []
        assert run().path == first.path
        strict = run(strict=True)
    finally:
        sys.modules["__main__"] = main
    assert "the source of __main__ cannot be read, so nobody can tell whether it is what answered then" in said[0]
    assert strict.path != first.path
    assert first.read().code["__main__"] == {
        "sha256": "",
        "note": "its source cannot be read (typed in, or made while running)",
    }


@pytest.mark.slow
def test_a_compiled_module_stands_by_the_bytes_of_its_file_and_the_record_says_so(study: Study) -> None:
    import py_compile

    place = study.folder / study.name
    py_compile.compile(str(place / "adding.py"), cfile=str(place / "adding.pyc"), doraise=True)
    (place / "adding.py").unlink()
    first = study.run()
    found = study.record(first)["code"][f"{study.name}.models"]
    assert found["note"] == f"compiled, its source cannot be read: {study.name}.adding"
    source = study.write("other.py", "def add(text, plus):\n    return 'x'\n")
    py_compile.compile(str(source), cfile=str(place / "adding.pyc"), doraise=True)
    second = study.run()
    assert second["run_id"] != first["run_id"]
    assert set(study.texts(second).values()) == {"x"}


@pytest.mark.slow
def test_a_run_under_other_versions_says_so_and_strict_makes_it_another_run(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = study.run()
    assert first["said"] == []
    here = dict(environment.computing(True))
    assert study.record(first)["libraries"] == here
    assert {"python", "torch", "transformers", "tokenizers", "numpy", "finai-bench"} <= set(here)
    monkeypatch.setattr(environment, "computing", lambda with_libraries: here | {"torch": "99.0"})
    second = study.run()
    assert second["run_id"] == first["run_id"]
    (line,) = second["said"]
    assert (
        f"is complete and was computed under torch {here['torch']} (here 99.0); --strict makes it another run" in line
    )
    strict = study.run("--strict")
    assert (strict["run_id"], strict["said"]) == (f"{first['run_id']}-2", [])
    assert study.run("--strict")["run_id"] == strict["run_id"]
    monkeypatch.setattr(environment, "computing", lambda with_libraries: here)
    assert study.run("--strict")["run_id"] == first["run_id"]


@pytest.mark.slow
def test_a_check_of_a_run_under_other_versions_is_no_check_of_what_is_installed(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.run()
    assert study.bench("check", "sums/adder", "--update")[0] == 0
    assert study.bench("check", "sums/adder", "--no-speed")[0] == 0
    here = dict(environment.computing(True))
    monkeypatch.setattr(environment, "computing", lambda with_libraries: here | {"torch": "99.0"})
    code, _, err = study.bench("check", "sums/adder", "--no-speed")
    assert (code, len(err)) == (2, 1)
    assert f"was computed under torch {here['torch']} (here 99.0)" in err[0]
    study.run("--strict")
    assert study.bench("check", "sums/adder", "--no-speed")[0] == 0


@pytest.mark.slow
def test_answers_to_requests_that_are_the_same_are_taken_over_on_demand(study: Study) -> None:
    first = study.run("model.plus=1")
    study.edit("NAME/tasks.py", 'END}"))', "END}\" if example.id != 's11' else '1 + 2 ='))")
    line = study.fails("model.plus=1", "--reuse")
    assert "--reuse: in none an answer of model 'adder' may depend on the others in its batch" in line
    study.edit("NAME/models.py", "uses_device = frozenset({\"text\", \"image\"}), (Generate,), False",
               "uses_device = frozenset({\"text\", \"image\"}), (Generate,), False\n    answers_alone = True")  # fmt: skip
    study.edit("NAME/tasks.py", "'1 + 2 ='", "'1 + 3 ='")
    one = study.run("model.plus=1")  # of this code
    study.edit("NAME/tasks.py", "'1 + 3 ='", "'1 + 4 ='")
    found = study.run("model.plus=1", "--reuse")
    assert "--reuse: 11 of 12 answers are taken from" in found["said"][0]
    assert study.record(found)["reused"] == {one["run_id"]: 11}
    assert study.record(found)["timings"]["n"] == 1
    assert study.texts(found) == {**study.texts(one), "s11": "6"}
    assert study.run("model.plus=1")["run_id"] == found["run_id"] != first["run_id"]
    assert "--reuse: 0 of 12 answers are taken from no earlier run" in study.run("model.plus=2", "--reuse")["said"][0]


@pytest.mark.slow
def test_a_failed_answer_is_not_taken_over(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], tmp_path: Path
) -> None:
    device, settings = Device("cpu", "float32", 1), Settings(runs_dir=tmp_path, resamples=10, batch_size=3)
    evaluate(tiny_task(), echo_model(fails=["t4"]), "echo", device, settings)
    run, folder = evaluate(tiny_task(9), echo_model(), "echo", device, dataclasses.replace(settings, reuse=True))
    assert sum(run.reused.values()) == 8
    assert [one.id for one in folder.predictions() if not one.reused] == ["t4"]
    assert all(one.error is None for one in folder.predictions())


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["edited", "other versions", "no record"])
def test_what_was_edited_or_computed_otherwise_is_not_taken_over(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], tmp_path: Path, fault: str
) -> None:
    device, settings = Device("cpu", "float32", 1), Settings(runs_dir=tmp_path, resamples=10, batch_size=3)
    model = echo_model()
    model.uses_libraries = True
    first, folder = evaluate(tiny_task(), model, "echo", device, settings)
    if fault == "edited":
        journal = folder.path / "predictions.jsonl"
        journal.write_text(journal.read_text().replace(" of ", " off ", 1))
        reason = f"{first.run_id} has another predictions.jsonl than it wrote"
    elif fault == "no record":
        (folder.path / "run.json").write_text("{")
        reason = f"{first.run_id} has a run.json that cannot be read"
    else:
        identity = json.loads((folder.path / "identity.json").read_text())
        identity["libraries"][0]["numpy"] = "0.1"
        (folder.path / "identity.json").write_text(json.dumps(identity))
        reason = f"{first.run_id} was computed under numpy 0.1 (here "
    said: list[str] = []
    again = dataclasses.replace(settings, reuse=True)
    run, _ = evaluate(tiny_task(9), model, "echo", device, again, say=said.append)
    assert run.reused == {}
    assert f"0 of 9 answers are taken from no earlier run; left out: {reason}" in said[0]


@pytest.mark.slow
def test_a_run_that_took_answers_over_and_was_cut_off_goes_on(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], tmp_path: Path
) -> None:
    device, settings = Device("cpu", "float32", 1), Settings(runs_dir=tmp_path, resamples=10, batch_size=2)
    first, _ = evaluate(tiny_task(5), echo_model(), "echo", device, settings)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny_task(10), echo_model(interrupt_at=1), "echo", device, dataclasses.replace(settings, reuse=True))
    run, folder = evaluate(tiny_task(10), echo_model(), "echo", device, settings)
    assert run.reused == {first.run_id: 5}
    assert sorted(one.id for one in folder.predictions()) == sorted(f"t{i}" for i in range(10))
    assert run.timings["n"] == 5


@pytest.mark.slow
def test_a_request_that_is_another_each_time_is_one_line(study: Study) -> None:
    study.edit("NAME/tasks.py", 'END}"))', 'END}" + str(id(object()) and next(COUNT))))')
    study.edit("NAME/tasks.py", "def right", "import itertools\nCOUNT = itertools.count()\n\n\ndef right")
    assert "example 's0' was asked otherwise than at first: `request` must give the same" in study.fails()


@pytest.mark.slow
def test_a_folder_of_before_is_shown_as_unknown_and_never_resumed_or_mixed(study: Study) -> None:
    import json

    run = study.run()
    folder = Path(run["run_dir"])
    record = study.record(run)
    for name in ("asked", "data_files", "code", "libraries", "scorer", "history", "reused"):
        del record[name]
    old = folder.with_name("0123456789ab")
    folder.rename(old)
    (old / "identity.json").unlink()
    (old / "run.json").write_text(json.dumps(record | {"run_id": old.name}))
    assert study.run()["run_id"] != old.name
    study.write("leaderboards/sums.yaml", "title: Sums\ntask: sums\nversion: 1\nmetric: exact\n")
    assert study.bench("board", "sums")[0] == 0
    text = (study.folder / "leaderboards/sums.md").read_text()
    assert text.count("asked: unknown") == 1
    assert text.count("## ") == 2
    (old / "run.json").unlink()  # as if it had been cut off
    again = study.run()
    assert again["run_id"] == run["run_id"] != old.name


def test_media_that_are_not_here_are_said_to_be_absent(tmp_path: Path) -> None:
    seal = Sealer().seal(tmp_path / "none.wav")
    assert (seal.sha256, seal.state) == (ABSENT, None)


def test_what_was_asked_is_in_each_line_of_the_journal(
    tiny_task: Callable[..., Any], echo_model: Callable[..., Any], quick_settings: Callable[..., Settings]
) -> None:
    task = tiny_task()
    _, folder = evaluate(task, echo_model(), "echo", Device("cpu", "float32", 1), quick_settings())
    asked = asking(task, None, 0, 0).asked
    assert {one.id: one.asked for one in folder.predictions()} == dict(asked.by_id)
    assert isinstance(next(folder.predictions()), Prediction)


def test_what_was_read_is_what_is_sealed_and_a_touch_changes_nothing_that_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    kept: dict[Path, Seal] = {}
    (seal,) = seal_read(Sealer(), {path: state_of(path)}, kept).values()
    path.touch()
    assert seal_read(Sealer(), {}, kept)[path].sha256 == seal.sha256
    before = state_of(path)
    path.write_text("two, while it was read")
    for read in ({path: before}, {}):
        with pytest.raises(BenchError, match=r"a\.txt changed while it was read"):
            seal_read(Sealer(), read, dict(kept))
    assert seal_read(Sealer(), {path: state_of(path)}, kept)[path].sha256 != seal.sha256  # it was read again as a whole
    before = state_of(path)
    path.unlink()
    with pytest.raises(BenchError, match=r"a\.txt disappeared while it was read"):
        seal_read(Sealer(), {path: before}, {})
