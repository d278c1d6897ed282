"""vLLM as an adapter, against a stand-in with its API: the prompts and answers of our own engine, and what may go wrong."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_text_models import answered
from test_causal import CONTEXT, CPU, PASSAGE, ask, checkpoint, loaded

from bench.errors import BenchError
from bench.models import vllm_engine, vllm_settings
from bench.models.base import Device
from bench.models.vllm import VLLM
from bench.types import Choose, Generate, Regress, Request, Text

STAND_INS = Path(__file__).parent / "stand_ins"
SCALES = Regress(("valence", "risk"), (-1, 0), (1, 1))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return checkpoint(tmp_path_factory.mktemp("vllm") / "llama")


@pytest.fixture(scope="module")
def own(source: str) -> Any:
    return loaded(source)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Puts the stand-in where vLLM would be; what its engine saw."""
    monkeypatch.syspath_prepend(str(STAND_INS))

    def look() -> Any:
        from vllm.v1.engine.async_llm import AsyncLLM

        return AsyncLLM.seen

    yield look
    if vllm_engine.Engine.current is not None:
        vllm_engine.Engine.current.close()
    for name in [name for name in sys.modules if name.partition(".")[0] == "vllm"]:
        del sys.modules[name]


def faulty(monkeypatch: pytest.MonkeyPatch, **faults: Any) -> None:
    monkeypatch.setenv("STAND_IN_VLLM", json.dumps(faults))


def made(source: str, **options: Any) -> VLLM:
    return VLLM(source, **{"attention_backend": "CPU_ATTN", **options})


def started(source: str, output: Any = Choose, **options: Any) -> VLLM:
    model = made(source, **options)
    model.expects(output)
    model.load(CPU, seed=0)
    return model


def texts(n: int = 6) -> list[Request]:
    """Of many lengths, one of them cut; every second has a stop string."""
    said = [PASSAGE * i + "who owns it?" for i in range(n)]
    return [ask(f"r{i}", text, Generate(9, ("he",) if i % 2 else ())) for i, text in enumerate(said)]


def choices() -> list[Request]:
    return [ask(f"c{i}", PASSAGE[: 30 * i] + "which?", Choose(("yes", "no", "the bank"))) for i in range(4)]


@pytest.mark.slow
def test_the_engine_gets_the_very_tokens_that_our_own_engine_reads(source: str, own: Any, seen: Any) -> None:
    model = started(source, Generate)
    before = Text("Be brief.", "system")
    begun = Request("b", (Text("who?"), Text("It", "assistant")), Generate(4))
    batch = [*texts(), ask("s", "who?", Generate(4), before=[before]), begun]
    answered(model, batch)
    prompts = [prompt.ids for prompt in own._tokenised(batch)]
    assert max(map(len, prompts)) == CONTEXT - 9
    assert sorted(seen().prompts) == sorted(prompts)


@pytest.mark.slow
def test_a_label_stands_behind_the_very_prompt_of_our_own_engine(source: str, own: Any, seen: Any) -> None:
    model = started(source, calibrated=False)
    batch = choices()
    answered(model, batch)
    replies = own._replies(("yes", "no", "the bank"))
    assert sorted(seen().prompts) == sorted(prompt.ids + reply for prompt in own._tokenised(batch) for reply in replies)


@pytest.mark.slow
def test_only_a_prompt_that_fills_the_context_is_cut_by_one_token_more_for_a_label(
    source: str, own: Any, seen: Any
) -> None:
    model = started(source)
    long = [ask("l", PASSAGE * 5 + "which?", Choose(("yes", "no")))]
    assert [a.truncated - b.truncated for a, b in zip(answered(model, long), answered(own, long), strict=True)] == [1]
    assert max(map(len, seen().prompts)) == CONTEXT - 1


@pytest.mark.slow
def test_its_answers_are_those_of_our_own_engine(source: str, own: Any, seen: Any) -> None:
    model = started(source)
    batch = [*texts(), *choices(), ask("n", "so it goes", SCALES)]
    for mine, its in zip(answered(own, batch), answered(model, batch), strict=True):
        assert its.but(label_scores=None, values=None) == mine.but(label_scores=None, values=None)
        assert its.label_scores == (mine.label_scores and pytest.approx(mine.label_scores, abs=1e-5))
        assert its.values == (mine.values and pytest.approx(mine.values, abs=1e-5))


@pytest.mark.slow
def test_a_stop_string_ends_a_request_and_aborts_what_is_left_of_it(source: str, own: Any, seen: Any) -> None:
    (plain,) = answered(own, [ask("r", "who?", Generate(12))])
    stop = (plain.text or "")[2]
    model = started(source, Generate)
    (found,) = answered(model, [ask("r", "who?", Generate(12, (stop,)))])
    assert (found.text, found.finish) == ((plain.text or "")[: (plain.text or "").index(stop)], "stop")
    assert seen().aborted == 1
    assert answered(own, [ask("r", "who?", Generate(12, (stop,)))]) == [found]


@pytest.mark.slow
def test_an_end_token_ends_a_reply_whatever_generation_config_names_it(tmp_path: Path, own: Any, seen: Any) -> None:
    (plain,) = answered(own, [ask("r", "who?", Generate(12))])
    other = checkpoint(tmp_path / "other", generation={"eos_token_id": [2, own.tokenizer(plain.text)["input_ids"][-1]]})
    model, same = started(other, Generate), loaded(other)
    assert answered(model, texts()) == answered(same, texts())
    assert seen().params[0].stop_token_ids == sorted(same.ends)


@pytest.mark.slow
def test_the_prefix_cache_is_on_for_texts_and_off_where_something_is_chosen(source: str, seen: Any) -> None:
    model = started(source, Generate)
    assert seen().args.enable_prefix_caching is True
    (wrong,) = answered(model, choices()[:1])
    assert wrong.error == "ValueError: a label was asked for beside texts; set model.prefix_caching=false"
    for output in (Choose, Regress):
        model.expects(output)
        assert model.loaded is None  # the loop starts another engine
        model.load(CPU, seed=0)
        assert seen().args.enable_prefix_caching is False
    assert (model.describe()["prefix_caching"], seen().args.load_format) == (False, "safetensors")


@pytest.mark.slow
def test_label_likelihoods_do_not_depend_on_the_order_of_requests(source: str, seen: Any) -> None:
    model = started(source)
    batch = choices()
    assert answered(model, batch) == answered(model, batch[::-1])[::-1]


def test_a_prefix_cache_for_likelihoods_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(BenchError, match=r"model.prefix_caching=true, but this task asks for Choose.*42019"):
        made("file:x", prefix_caching=True).expects(Choose)


@pytest.mark.slow
def test_answers_come_as_they_are_finished_and_many_are_under_way(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty(monkeypatch, shuffled=True)
    model = started(source, Generate, max_num_seqs=16)
    batch = [ask(f"r{i}", f"who {i}?", Generate(4)) for i in range(40)]
    model.prepare(batch[:20])
    order = [one.id for one in model.predict(batch[:20])] + [one.id for one in model.predict(batch[20:])]
    assert sorted(order) == sorted(one.id for one in batch)
    assert order != [one.id for one in batch]
    assert (seen().most, seen().finished, seen().now) == (16, 40, 0)
    assert model.units(batch) == [batch]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "asked", "why"),
    [
        ({"part": True}, Generate(9), "vLLM says 'length' after 4 of 9 tokens"),
        ({"reason": "abort"}, Generate(9), r"vLLM ended the request (abort) after 9 tokens"),
        ({"reason": "error"}, Generate(9), r"vLLM ended the request (error) after 9 tokens"),
        ({"reason": "stop"}, Generate(9), "vLLM says 'stop' after 9 of 9 tokens"),
        ({"lacks": True}, Choose(("yes", "no")), "vLLM gave log-likelihoods of"),
        ({"fails": "no room"}, Generate(9), "vLLM failed the request: EngineGenerateError: no room"),
    ],
)
def test_what_the_engine_leaves_out_is_an_error_and_never_an_answer(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch, faults: dict[str, Any], asked: Any, why: str
) -> None:
    faulty(monkeypatch, **faults)
    model = started(source)
    (found,) = answered(model, [ask("r", "who?", asked)])
    assert (found.text, found.label_scores, found.finish) == (None, None, "error")
    assert (found.error or "").startswith(why)
    assert seen().now == 0


@pytest.mark.slow
def test_a_prompt_that_cannot_be_cut_fails_alone(source: str, own: Any, seen: Any) -> None:
    model = started(source)
    batch = [ask("ok", "who?", Generate(4)), ask("no", "who?", Generate(CONTEXT)), ask("also", "why?", Generate(4))]
    assert answered(model, batch) == answered(own, batch)
    assert answered(model, batch)[1].error


@pytest.mark.slow
def test_who_listens_hears_each_token_once_and_gets_the_same_answers(source: str, own: Any, seen: Any) -> None:
    model = started(source)
    heard: dict[str, int] = {}
    model.hear(lambda name, n: heard.update({name: heard.get(name, 0) + n}))
    model.prepare(texts())  # begins nothing while somebody measures
    assert seen().prompts == []
    asked = [model.submit(request) for request in texts()]
    found = [one.result(60) for one in asked]
    model.hear(None)
    assert found == answered(own, texts())
    ended = [one.id for one in found if one.finish == "stop"]
    for one in found:
        assert heard[one.id] - one.new_tokens in ((0, 1) if one.id in ended else (0,))


@pytest.mark.slow
def test_a_request_whose_future_is_cancelled_is_aborted(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty(monkeypatch, seconds=0.05)
    model = started(source)
    one = model.submit(ask("r", "who?", Generate(100)))
    chosen = model.submit(choices()[0])
    wait_for(lambda: seen().now > 1)
    assert one.cancel()
    assert chosen.cancel()
    wait_for(lambda: seen().now == 0 or not chosen.cancelled())
    assert seen().aborted >= 1
    assert seen().finished < 100


@pytest.mark.slow
def test_an_iterator_that_is_closed_aborts_what_is_under_way(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty(monkeypatch, seconds=0.02)
    model = started(source)
    batch = [ask("short", "who?", Generate(1)), *(ask(f"r{i}", "who?", Generate(99)) for i in range(5))]
    found = model.predict(batch)
    assert next(found).id == "short"
    found.close()  # type: ignore[attr-defined]
    wait_for(lambda: seen().now == 0)
    assert (seen().finished, seen().aborted) == (1, 5)


@pytest.mark.slow
def test_what_was_computed_is_forgotten_or_a_line_says_that_it_is_not(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = started(source, Generate)
    answered(model, texts())
    model.forget()
    assert seen().emptied == 1
    monkeypatch.setattr(vllm_engine, "_FREED_SECONDS", 0.05)
    faulty(monkeypatch, stuck=True)
    model.load(CPU, seed=0)
    with pytest.raises(BenchError, match="does not empty its prefix cache"):
        model.forget()


@pytest.mark.slow
def test_a_process_has_one_engine_at_a_time(source: str, seen: Any) -> None:
    first = started(source, Generate)
    answered(first, texts(2))
    before = seen()
    second = started(source, Generate)
    assert (before.shut, seen().shut) == (1, 0)
    with pytest.raises(BenchError, match="engine does not run any more"):
        list(first.predict(texts(2)))
    assert first.device_memory_bytes() is None
    assert len(answered(second, texts(2))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "faults", "why"),
    [
        (
            {},
            {"starts": "Free memory on device cuda:0\n (1/80 GiB) is less than desired"},
            r"vLLM does not start: Free memory on device cuda:0 \(1/80 GiB\)",
        ),
        ({"attention_backend": "NO_SUCH"}, {}, "Unknown attention backend: 'NO_SUCH'. Valid options are: FLASH_ATTN, "),
        ({}, {"uses": "TRITON_ATTN"}, "model.attention_backend=CPU_ATTN, but vLLM uses TRITON_ATTN"),
        ({"options": {"no_such": 1}}, {}, "vLLM does not start: .*no_such"),
    ],
)
def test_an_engine_that_does_not_start_is_one_line(
    source: str, seen: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], faults: dict[str, Any], why: str
) -> None:
    faulty(monkeypatch, **faults)
    with pytest.raises(BenchError, match=why) as caught:
        started(source, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_weights_of_another_architecture_are_refused_before_the_engine_starts(tmp_path: Path, seen: Any) -> None:
    from small_text_models import bert

    seen().args = None
    with pytest.raises(BenchError, match="which AutoModelForCausalLM cannot run"):
        started(bert(tmp_path / "bert", "ForMaskedLM"))
    assert seen().args is None


def test_without_vllm_a_run_is_refused_with_the_command_that_installs_it() -> None:
    with pytest.raises(BenchError, match=r"needs vLLM, which is not installed; `pip install 'finai-bench\[vllm\]'`"):
        made("file:x").telling({"source": "file:x"})


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            {"attention_backend": None},
            "model.attention_backend=None must be one of vLLM's, in capitals, such as FLASH_ATTN",
        ),
        ({"attention_backend": "AUTO"}, "model.attention_backend=AUTO must be one of vLLM's"),
        ({"tensor_parallel_size": 0}, "model.tensor_parallel_size=0 must be a whole number of at least 1"),
        ({"max_num_seqs": True}, "model.max_num_seqs=True must be a whole number"),
        ({"gpu_memory_utilization": 0}, "model.gpu_memory_utilization=0 must be a share"),
        ({"options": {"dtype": "half"}}, "model.options.dtype is given by device.dtype"),
        ({"options": {"load_format": "pt"}}, "model.options.load_format is given by this adapter alone"),
        ({"options": {"data_parallel_size": 2}}, r"model.options.data_parallel_size: .*\(launch=local\)"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(options: dict[str, Any], why: str) -> None:
    with pytest.raises(BenchError, match=why):
        made("file:x", **options)


def test_every_setting_that_can_change_an_answer_is_told_and_memory_is_not(
    seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"attention_backend": "FLASH_ATTN", "batch_invariant": True, "gpu_memory_utilization": 0.5}
    monkeypatch.setenv("VLLM_FLASH_ATTN_VERSION", "2")
    for name in ("VLLM_LOGGING_LEVEL", "VLLM_API_KEY", "VLLM_CACHE_ROOT", "VLLM_NO_USAGE_STATS"):
        monkeypatch.setenv(name, "x")
    model = made("file:x", batch_invariant=True)
    model.expects(Generate)
    assert model.telling(config) == {
        "attention_backend": "FLASH_ATTN",
        "batch_invariant": True,
        "engine": {"vllm": "0.33.0+stand.in", "prefix_caching": True, "environment": {"VLLM_FLASH_ATTN_VERSION": "2"}},
    }
    model.expects(Choose)
    assert model.telling(config)["engine"]["prefix_caching"] is False
    seen()  # vLLM is imported, and sets variables of its own
    monkeypatch.setenv("VLLM_USE_BREAKABLE_CUDAGRAPH", "1")
    assert model.telling(config)["engine"]["environment"] == {"VLLM_FLASH_ATTN_VERSION": "2"}


def test_the_device_is_refused_where_vllm_cannot_compute_on_it(seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from vllm import platforms

    monkeypatch.setattr(platforms.current_platform, "device_type", "cuda")
    with pytest.raises(BenchError, match="vLLM computes on a GPU here, and the device is cpu; give device=cuda"):
        vllm_settings.refuse_device(CPU, 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    vllm_settings.refuse_device(Device("cuda"), 1)
    with pytest.raises(BenchError, match="tensor_parallel_size=2, but this process sees 1 GPU; lower it"):
        vllm_settings.refuse_device(Device("cuda"), 2)


def test_batch_invariance_is_set_before_vllm_is_imported_and_cannot_change_behind_it(
    seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")  # of the user's shell: the key of the model rules
    vllm_settings.set_environment(batch_invariant=False)
    assert (os.environ["VLLM_BATCH_INVARIANT"], os.environ["VLLM_NO_USAGE_STATS"]) == ("0", "1")
    vllm_settings.set_environment(batch_invariant=True)
    seen()
    vllm_settings.set_environment(batch_invariant=True)
    with pytest.raises(BenchError, match="batch_invariant=false cannot be had in this process"):
        vllm_settings.set_environment(batch_invariant=False)


@pytest.mark.slow
def test_with_batch_invariance_answers_are_taken_to_be_a_requests_own(source: str, seen: Any) -> None:
    model = started(source, Generate, batch_invariant=True)
    assert "HF_HUB_OFFLINE" not in os.environ  # of the engine's start alone: a later job may fetch
    assert (seen().invariant, model.answers_alone, model.describe()["batch_invariant"]) == ("1", True, True)
    assert made(source).answers_alone is False


def wait_for(there: Callable[[], bool], seconds: float = 20.0) -> None:
    ends_at = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


CONF = """
_target_: bench.models.vllm.VLLM
source: SOURCE
attention_backend: CPU_ATTN
batch_invariant: false
"""


@pytest.fixture
def bench(
    source: str, seen: Any, bench_main: Any, own_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Runs `bench run` with this model on a task of numbers: exit code, JSON or lines of stderr."""
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "conf" / "model" / "served.yaml").write_text(CONF.replace("SOURCE", source))
    monkeypatch.setenv("BENCH_CONF", f"{tmp_path / 'conf'}:{os.environ['BENCH_CONF']}")

    def run(*words: str) -> tuple[int, Any]:
        code, out, err = bench_main(
            "run", "task=words", "model=served", "tracking=none", "device=cpu", "device.dtype=float32", "resamples=20", "--json",
            *words,
        )  # fmt: skip
        return code, json.loads(out[-1]) if code == 0 else err

    return run


@pytest.mark.slow
def test_an_engine_that_dies_ends_a_run_in_one_line_and_costs_only_what_it_had_not_answered(
    bench: Any, seen: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faulty(monkeypatch, dies_after=5)
    code, err = bench("+model.max_num_seqs=2")
    assert code == 2
    assert [line for line in err if "engine died" in line] == [err[-1]]
    journal = next(tmp_path.glob("runs/words/served/*/predictions.jsonl"))
    kept = [json.loads(line) for line in journal.read_text().split("\n") if line]
    assert len(kept) >= 5
    assert not any(one.get("error") for one in kept)
    faulty(monkeypatch)
    code, found = bench("+model.max_num_seqs=2")
    assert code == 0
    assert len(seen().prompts) == 12 - len(kept)  # nothing that was answered is asked again
    assert Path(found["run_dir"]).resolve() == journal.parent
    run = json.loads((journal.parent / "run.json").read_text())
    assert run["computed"]["engine"] == "vLLM 0.33.0+stand.in"
    assert run["computed"]["attention"] == "CPU_ATTN"
    whole = [json.loads(line) for line in journal.read_text().split("\n") if line]
    assert sorted(one["id"] for one in whole) == sorted(f"w{i}" for i in range(12))
    assert all(one in whole for one in kept)


@pytest.mark.slow
def test_another_version_backend_or_invariance_is_another_run_and_memory_is_not(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_of(*words: str) -> str:
        code, found = bench(*words)
        assert code == 0, found
        return str(found["run_dir"])

    first = run_of()
    assert run_of("+model.gpu_memory_utilization=0.5") == first
    others = [run_of("model.attention_backend=FLASH_ATTN"), run_of("+model.prefix_caching=false")]
    monkeypatch.setattr(vllm_settings, "version", lambda: "0.34.0")
    others.append(run_of())
    monkeypatch.undo()
    assert len({first, *others}) == 4


@pytest.mark.slow
def test_a_run_without_vllm_is_one_line_and_exit_code_2(
    bench: Any, bench_main: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(STAND_INS)])
    code, err = bench()
    assert (code, len(err)) == (2, 1)
    assert "pip install 'finai-bench[vllm]'" in err[0]


@pytest.mark.slow
def test_batch_invariance_is_audited_through_the_whole_command(bench: Any) -> None:
    code, found = bench("model.batch_invariant=true", "audit=batch_invariance", "audit_size=5")
    assert code == 0
    run = json.loads((Path(found["run_dir"]) / "run.json").read_text())
    assert (run["audit"]["n"], run["audit"]["flips"], run["computed"]["batch_invariant"]) == (5, 0, True)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["single_stream", "server"])
def test_a_timing_reads_first_tokens_and_its_audits_pass(bench: Any, scenario: str) -> None:
    rate = ["timing.qps=40"] if scenario == "server" else []
    code, found = bench("task.n=70", f"timing={scenario}", "timing.min_seconds=0", "timing.min_count=64", *rate)
    assert code == 0
    reading = found["scenarios"][scenario]
    assert reading["ttft"]["p50"] > 0
    assert reading["tpot"]["p50"] > 0
    assert reading["latency"]["p50"] > reading["ttft"]["p50"]
    assert reading["audit"]["same_answers"]["differ"] == 0


@pytest.mark.slow
def test_a_run_in_two_parts_has_the_answers_of_one_process(bench: Any, tmp_path: Path) -> None:
    for part in ("shard=1/2", "shard=2/2"):
        code, found = bench(part)
        assert code == 0, found
    code, found = bench()
    assert code == 0
    both = (Path(found["run_dir"]) / "predictions.jsonl").read_bytes()
    code, alone = bench("--fresh")
    assert code == 0
    assert (Path(alone["run_dir"]) / "predictions.jsonl").read_bytes() == both
