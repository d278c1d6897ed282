"""What TAB offers, asked as the shells ask: of the functions in the fast part, of real shells in the slow one."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import parser
from bench.commands.shared import completing, override_words

Main = Callable[..., tuple[int, list[str], list[str]]]
HEAVY = ("torch", "transformers", "mlflow", "hydra", "omegaconf", "numpy", "requests")


@pytest.mark.parametrize(
    ("begun", "words", "offered"),
    [
        ("task=finmm_q", (), ["task=finmm_qa"]),
        ("model=lexical,orac", (), ["model=lexical,oracle"]),
        ("launch.slurm.part", (), ["launch.slurm.partition="]),
        ("timing.perc", (), ["timing.percentile="]),
        ("timing.sc", (), ["timing.scenario="]),
        ("timing.rules=ml", (), ["timing.rules=mlperf"]),
        ("device.dtype=f", (), ["device.dtype=float32", "device.dtype=float16"]),
        ("tracking.enabled=f", (), ["tracking.enabled=false"]),
        ("model.cal", ("model=smollm2",), ["model.calibrated="]),
        ("model.tr", ("model=lexical", "model=smollm2"), ["model.trust="]),  # an argument that its file leaves out
        ("model.cal", (), []),
        ("+max_new", (), ["+max_new_tokens="]),
        ("data.path=", (), []),  # the shell completes paths
        ("energy=c", (), ["energy=codecarbon"]),
        ("model.", ("model=../../etc/passwd",), []),
    ],
)
def test_an_override_becomes_what_there_is(begun: str, words: tuple[str, ...], offered: list[str]) -> None:
    assert [one for one in override_words.offered(begun, words) if one.startswith(begun)] == offered


def test_a_training_is_offered_its_own_keys_and_none_of_scenarios() -> None:
    keys = override_words.offered("", (), "train")
    assert {"target=", "seeds=", "train.learning_rate=", "task="} <= set(keys)
    assert not [key for key in keys if key.startswith(("timing", "suite", "shard"))]


def test_the_keys_of_somebodys_own_model_are_read_from_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/__init__.py").write_text("raise RuntimeError('imported for a TAB')")
    (tmp_path / "conf/model/mine.yaml").write_text("_target_: mine.Model\nlayers: 3\nhead: {width: 2}\n")
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "conf"))
    found = override_words.offered("model.", ["model=mine"])
    assert [key for key in found if key.startswith("model.")] == ["model.layers=", "model.head.width="]


@pytest.fixture
def offers(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What argcomplete finds for a line, as in a shell that it asks for no spaces."""
    monkeypatch.setenv("_ARGCOMPLETE_SHELL", "fish")
    monkeypatch.setenv("_ARGCOMPLETE_SUPPRESS_SPACE", "1")

    def asked(line: str) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        *words, begun = line.split(" ")
        return completing.finder(parser()).offered(words, begun)

    return asked


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("bench bo", ["board"]),
        ("bench data ag", ["agreement"]),
        ("bench list ta", ["tasks"]),
        ("bench list tasks --lic", ["--licence"]),
        ("bench list tasks --fits ora", ["oracle"]),
        ("bench list models --fits finmm_q", ["finmm_qa"]),
        ("bench list tasks --scenario mark", ["marketing", "market"]),
        ("bench list tasks --parts au", ["audio"]),
        ("bench data check a.json --spec v", ["voice", "video"]),
        ("bench run --fre", ["--fresh"]),
        ("bench run --fresh task=finmm_q", ["task=finmm_qa"]),
        ("bench run task=finmm_qa --json model=orac", ["model=oracle"]),
        ("bench run task=finmm_qa --log-level war", ["warning"]),
        ("bench score finmm_q", ["finmm_qa"]),
        ("bench score finmm_qa file task.", []),
        ("bench board squad_v1_p", ["squad_v1_parted"]),
        ("bench nothing task=", []),
        ("bench run --nothing task=finmm_q", ["task=finmm_qa"]),
    ],
)
def test_a_line_is_completed(offers: Callable[[str], list[str]], line: str, some: list[str]) -> None:
    assert offers(line) == some


def test_words_that_are_offered_without_their_modules_are_those_of_their_modules() -> None:
    from bench import types
    from bench.data.check import KINDS
    from bench.task import SCENARIOS

    assert tuple(KINDS) == completing.SPECS
    assert tuple(name.split()[0] for name in SCENARIOS) == completing.SCENARIOS
    assert completing.PARTS == ("text", "row", "image", "audio", "video")
    assert all(hasattr(types, name.title()) for name in completing.PARTS)


def test_runs_are_offered_by_name_and_once_begun_by_id(
    offers: Callable[[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "finmm_qa/lexical/0a1b",
        "finmm_qa/oracle/0a2c",
        "digits/words/77",
        "mlflow/x/1",
        ".hidden/x/1",
        "digits/a\x1b[2J/9",
    ):
        (tmp_path / "runs" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert offers("bench compare fin") == ["finmm_qa/lexical", "finmm_qa/oracle"]
    assert offers("bench compare finmm_qa/lexical finmm_qa/o") == ["finmm_qa/oracle"]
    assert offers("bench status 0a1") == ["0a1b"]
    assert offers("bench check digits/") == ["digits/words"]  # no sign that moves the cursor
    monkeypatch.setenv("BENCH_RUNS", "elsewhere")
    assert offers("bench trace --runs runs digits/w") == ["digits/words"]


def test_folders_that_are_not_there_offer_nothing(
    offers: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CONF", "/no/such/folder")
    monkeypatch.setenv("BENCH_RUNS", "/no/such/folder")
    assert offers("bench run task=fin") == []
    assert offers("bench status fin") == []


@pytest.mark.slow
def test_completing_imports_nothing_heavy_even_for_the_keys_of_a_model() -> None:
    code = (
        "import sys\nfrom bench.cli import parser\nfrom bench.commands.shared import completing\n"
        "words = 'bench run model=smollm2'.split()\nassert completing.finder(parser()).offered(words, 'model.')\n"
        f"print('HEAVY', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    line = "bench run model=smollm2 model."
    env = os.environ | {"COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split("\n")[-2] == "HEAVY"


@pytest.mark.parametrize(
    ("shell", "said"), [("bash", "complete "), ("zsh", "compdef "), ("fish", "complete --command bench")]
)
def test_the_code_for_a_shell_is_printed(bench_main: Main, shell: str, said: str) -> None:
    code, out, err = bench_main("completion", shell)
    assert (code, err) == (0, [])
    assert any(said in line for line in out)


@pytest.fixture
def path(tmp_path: Path) -> dict[str, str]:
    """An environment whose `bench` is this one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench.cli "$@"\n')
    (tmp_path / "bin/bench").chmod(0o755)
    return os.environ | {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PS1": "> ",
        "TERM": "dumb",
    }


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


@pytest.mark.slow
def test_tab_completes_in_a_real_bash_and_prints_no_error(path: dict[str, str], tmp_path: Path) -> None:
    bash = needs("bash")
    (tmp_path / "runs/finmm_qa/lexical/0a").mkdir(parents=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(bash, [bash, "--norc", "--noprofile", "-i"], path)
    typed = Typed(terminal)
    try:
        typed.until("> ")
        typed("source <(bench completion bash); echo rea''dy\n", "ready\r\n")
        for line, becomes in [
            ("bench stat", "bench status "),
            ("bench run task=finmm_q", "bench run task=finmm_qa "),
            ("bench run task=finmm_qa --json model=smollm2 model.cali", "model.calibrated="),
            ("bench status finmm", "bench status finmm_qa/lexical "),
            ("bench run timing.sc", "bench run timing.scenario="),
            ("BENCH_CONF=/no bench run task=fi", "task=fi"),
        ]:
            typed(f"{line}\t", becomes)
            typed("\x15echo do''ne\n", "done\r\n")  # Ctrl-U: the line away
        assert "rror" not in typed.seen, typed.seen
        assert "Traceback" not in typed.seen
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


class Typed:
    """A terminal that is typed into."""

    def __init__(self, terminal: int) -> None:
        self.terminal, self.seen, self._at = terminal, "", 0

    def __call__(self, text: str, then: str) -> None:
        os.write(self.terminal, text.encode())
        self.until(then)

    def until(self, text: str) -> None:
        """Read on until the text has come; fails behind a minute."""
        end = time.monotonic() + 60
        while text not in self.seen[self._at :]:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{text!r} did not come behind {self.seen[self._at :]!r}"
            self.seen += os.read(self.terminal, 4096).decode(errors="replace")
        self._at = self.seen.index(text, self._at) + len(text)


ZSH = """
compdef() { }
eval "$(bench completion zsh)"
_describe() { print -l -- ${(P)2} }
BUFFER="$1"; CURSOR=${#BUFFER}; words=(${(z)BUFFER})
_python_argcomplete bench
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("zsh", ["-f", "-c", ZSH, "zsh"]),
        ("fish", ["--no-config", "-c", "bench completion fish | source; complete -C $argv[1]"]),
    ],
)
def test_other_shells_are_offered_the_same_with_what_it_is(shell: str, words: list[str], path: dict[str, str]) -> None:
    command = [needs(shell), *words, "bench run task=finmm_q"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path, timeout=60)
    assert "task=finmm_qa" in done.stdout
    assert "passages about inclusive finance" in done.stdout
    assert done.stderr == ""
