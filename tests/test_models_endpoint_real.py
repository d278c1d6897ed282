"""A real server, `transformers serve` with SmolLM2: its greedy answers are those of the same weights loaded here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from faulty_server import Answer, FaultyServer, error, says
from small_text_models import answered

from bench.config import compose as conf
from bench.errors import BenchError
from bench.models.base import Device
from bench.models.causal import CausalLM
from bench.models.endpoint import Endpoint
from bench.models.endpoint_client import Limits
from bench.types import Choose, Generate, Request, Text

pytestmark = pytest.mark.slow
KEY = "sk-a-key-that-nobody-may-see-0123456789"
CHAT = [
    Request(f"c{i}", (Text("Answer in a few words.", "system"), Text(question)), Generate(12))
    for i, question in enumerate(["What is a bank?", "Name a colour.", "What is 2+2?", "Where is Paris?", "Say hello."])
]
BASE = [
    Request("b", (Text("The capital of France is"),), Generate(8, ("\n",))),
    Request("t", (Text("One, two,"),), Generate(6)),
]


@pytest.fixture(scope="module")
def weights() -> Path:
    """The folder of SmolLM2's weights; skips where they can be had nowhere."""
    from bench.models.weights import folder

    settings = yaml.safe_load((conf.conf_dir() / "model" / "smollm2.yaml").read_text())
    try:
        return folder(settings["source"], settings["sha256"])
    except BenchError as failed:
        pytest.skip(f"the weights of smollm2 cannot be had: {failed}")


@pytest.fixture(scope="module")
def server(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `transformers serve` with these weights."""
    for name in ("openai", "fastapi", "uvicorn"):
        pytest.importorskip(name, reason="transformers serve needs it: pip install 'transformers[serving]'")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    program = shutil.which("transformers", path=str(Path(sys.executable).parent)) or "transformers"
    log = tmp_path_factory.mktemp("serve") / "log"
    command = [
        program,
        "serve",
        str(weights),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--dtype",
        "float32",
    ]
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not come up: {log.read_text()[-2000:]}")


def texts(model: Any, requests: list[Request]) -> list[tuple[str | None, int, int]]:
    model.load(Device("cpu", "float32", 1), seed=0)
    return [(one.text, one.prompt_tokens, one.new_tokens) for one in answered(model, requests)]


@pytest.mark.parametrize(("chat", "requests"), [(True, CHAT), (False, BASE)])
def test_an_endpoint_answers_as_the_same_weights_here(
    server: str, weights: Path, chat: bool, requests: list[Request]
) -> None:
    far = texts(Endpoint(server, Limits(concurrency=2), str(weights), chat=chat, key_env=None), requests)
    near = texts(CausalLM(f"file:{weights}", chat=chat), requests)
    assert [text for text, _, _ in far] == [text for text, _, _ in near]
    assert [tokens for _, tokens, _ in far] == [tokens for _, tokens, _ in near]
    assert all(text for text, _, _ in far)
    assert all(new > 0 for _, _, new in far)


def test_an_endpoint_chooses_a_label_in_words(server: str, weights: Path) -> None:
    model = Endpoint(server, Limits(), str(weights), key_env=None)
    model.load(Device(), seed=0)
    labels = Choose(("positive", "negative"))
    found = answered(model, [Request("p", (Text("Sentiment of: Profit rose sharply, a great year."),), labels)])[0]
    assert (found.error is None) == (found.label_scores is not None)
    assert found.new_tokens > 0


def test_a_real_server_that_does_not_know_the_model_ends_the_run_or_fails_the_request(server: str) -> None:
    model = Endpoint(server, Limits(max_tries=1, timeout_seconds=30.0), "nobody/nothing", key_env=None)
    model.load(Device(), seed=0)
    try:
        (found,) = answered(model, CHAT[:1])
    except BenchError as ended:
        assert "check model.model=nobody/nothing" in str(ended)  # noqa: PT017 - which of the two is the server's choice
    else:
        assert "HTTP " in (found.error or "")


def test_no_file_and_no_line_of_a_run_shows_the_key(
    monkeypatch: pytest.MonkeyPatch, bench_main: Callable[..., Any], own_package: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    echoes = [says(f"you are {KEY}"), error(400, f"Bearer {KEY} may not"), error(500, KEY), Answer(KEY.encode())]
    run = [
        "run",
        "task=words",
        "model=endpoint",
        "model.model=m",
        "model.key_env=MY_KEY",
        "runs_dir=runs",
        "resamples=5",
    ]
    run += ["model.limits.backoff_seconds=0.001", "model.limits.concurrency=1"]
    with FaultyServer(echoes) as faulty:
        code, out, err = bench_main(*run, "task.n=6", f"model.base_url={faulty.url}", "--json")
        assert code == 0, err
        assert {asked.headers["authorization"] for asked in faulty.asked} == {f"Bearer {KEY}"}
    said = [*out, *err]
    for fault in (error(401, f"bad key {KEY}"), Answer(KEY.encode(), 404)):
        with FaultyServer(then=lambda asked, fault=fault: fault) as faulty:  # type: ignore[misc]
            code, out, err = bench_main(*run, "task.n=3", f"model.base_url={faulty.url}")
        assert (code, out, len(err)) == (2, [], 1)
        said += err
    assert any("[key]" in line for line in said)
    assert not [line for line in said if KEY[:20] in line]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5  # the run's, and MLflow's copies
    assert [path for path in files if KEY[:20].encode() in path.read_bytes()] == []
