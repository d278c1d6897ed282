"""Code of one's own that breaks when it is imported or made is one line of its owner, never a success, and costs no other job."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Main = Callable[..., tuple[int, list[str], list[str]]]
MODEL = """from bench import Generate, Model
class M(Model):
    parts, outputs, uses_device, revision = frozenset({'text'}), (Generate,), False, '1'
    def predict(self, batch): return []
    def __init__(self): """


def written(folder: Path, package: str, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of one's own beside its configuration."""
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "model" / "mine.yaml").write_text(f"# Mine\n_target_: {package}.model.M\n")
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    (folder / package / "model.py").write_text(body)
    monkeypatch.setenv("BENCH_CONF", str(folder / "conf"))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "body", "said"),
    [
        ("leaves", "import sys\nsys.exit(0)\n", "cannot be imported: SystemExit: 0 (model.py line 2)"),
        ("leaves3", "raise SystemExit(3)\n", "cannot be imported: SystemExit: 3 (model.py line 1)"),
        ("typo", "x = 1\ndef x(:\n", "cannot be imported: SyntaxError: invalid syntax (model.py, line 2) (model.py line 2)"),
        ("divides", "1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero (model.py line 1)"),
        ("needs", "import nosuchmodule\n", "cannot be imported: ModuleNotFoundError: No module named 'nosuchmodule' (model.py"),
        ("empty", "", "cannot be found (empty.model has no M); correct the path"),
        ("init", MODEL + "raise SystemExit(0)", "__init__ raised SystemExit: 0 (model.py line 5)"),
        ("init2", MODEL + "[][1]", "__init__ raised IndexError: list index out of range (model.py"),
    ],
)  # fmt: skip
def test_what_breaks_is_one_line_and_the_other_jobs_run(
    package: str, body: str, said: str, bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, package, body, monkeypatch)
    words = ["limit=2", "tracking=none", f"runs_dir={tmp_path / 'runs'}"]
    code, out, err = bench_main("run", "task=finmm_qa", "model=mine", *words)
    assert (code, out) == (2, [])
    assert len(err) == 1
    assert said in err[0]
    code, out, err = bench_main("run", "-m", "task=finmm_qa", "model=mine,constant", *words)
    assert code == 2
    assert any("finmm_qa / constant" in line for line in out)
    assert said in err[-1]


def test_code_that_ends_the_program_anywhere_else_is_no_exit_code_of_a_command(
    bench_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.commands import doctor

    def ended(options: object) -> int:
        raise SystemExit(0)

    monkeypatch.setattr(doctor, "main", ended)
    code, out, err = bench_main("doctor")
    assert (code, out) == (2, [])
    assert "ended the program (SystemExit: 0, test_own_code.py line" in err[0]
