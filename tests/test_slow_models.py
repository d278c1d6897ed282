"""The shipped models with their real weights on a handful of examples of each task they fit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
from small_data import NAMES, shipped, write
from small_data import built as small_task
from small_text_models import answered
from spoken import speak

from bench.config import compose as conf
from bench.config.build import build
from bench.engine.fitting import fits
from bench.errors import BenchError
from bench.models.base import Device, Model
from bench.run import evaluate
from bench.runs.settings import Settings
from bench.task import Task
from bench.types import Choose, Generate, Prediction, Regress, Request, Span, Text

pytestmark = pytest.mark.slow
CPU = Device("cpu", "float32", 1)
PAIRS = [
    ("smollm2", "finmm_emotion"), ("ocr_smollm2_base", "finmm_docvqa"), ("ocr_rag_smollm2", "finmm_emotion"),
    ("smollm2", "finmm_qa"), ("smollm2", "finmm_dialogue"), ("smollm2", "chitchat"), ("smollm2", "squad_v2"),
    ("smollm2", "phrasebank"), ("smollm2", "banking77"),
    ("minilm", "finmm_qa"), ("minilm", "finmm_emotion"), ("minilm", "squad_v1"), ("minilm", "goemotions"),
    ("minilm", "finmm_dialogue"),
    ("minilm", "docvqa"), ("rag_smollm2", "finmm_qa"), ("rag_smollm2", "squad_v1"),
    ("ocr_smollm2", "finmm_docvqa"), ("ocr_minilm", "finmm_docvqa"), ("ocr_rag_smollm2", "finmm_docvqa"),
    ("smollm2", "deft_tags"), ("sphinx", "earnings21"), ("sphinx_minilm", "ravdess"), ("sphinx_smollm2", "ravdess"),
    ("moonshine", "earnings21"), ("moonshine_minilm", "ravdess"), ("moonshine_smollm2", "ravdess"),
    ("whisper_tiny_en", "earnings21"), ("whisper_large_v3_turbo", "earnings21"), ("wav2vec2", "earnings21"),
    ("wav2vec2_emotion", "ravdess"), ("layoutlm_docqa", "finmm_docvqa"), ("roberta_squad2", "squad_v2"),
    ("finbert", "phrasebank"), ("roberta_goemotions", "goemotions"), ("deberta_zeroshot", "phrasebank"),
    ("flan_t5_base", "squad_v2"), ("flan_t5_base", "phrasebank"), ("flan_t5_base", "finmm_dialogue"),
    ("flan_t5_base", "deft_tags"), ("smolvlm_256m", "finmm_docvqa"), ("smolvlm_256m", "finmm_qa"),
    ("smolvlm_256m", "finmm_dialogue"), ("smolvlm_256m", "phrasebank"), ("smolvlm_256m", "finmm_emotion"),
    ("smolvlm_256m", "finentity"), ("smolvlm_256m", "digits"),
    ("donut_docvqa", "finmm_docvqa"), ("donut_cord", "finmm_page_fields"), ("donut_cord", "finmm_ocr"),
]  # fmt: skip
# What a pipeline passes on, and rows of tables, which are texts to who reads. One for each class of pipeline around each class of
# model: those of the same two classes answer one kind of task by the same lines.
ON_TEXT = ("ocr_minilm", "ocr_rag_smollm2", "ocr_smollm2")
READERS = (*ON_TEXT, "sphinx_minilm", "sphinx_smollm2", "watch_minilm", "rag_smollm2")
CHOOSERS = ("deberta_zeroshot", "finbert", "flan_t5_base", "minilm", "roberta_goemotions", "smollm2", "smolvlm_256m")
PASSED = {
    "credit_german": (*CHOOSERS, *READERS), "finer_ord": ("minilm", *READERS), "complaints_cfpb": READERS,
    "finmm_dialogue": READERS, "digits": ON_TEXT, "finmm_qa": READERS[:-1],
    "finmm_emotion": tuple(name for name in READERS if name != "ocr_rag_smollm2"),
}  # fmt: skip
PAIRS += [(model, task) for task, models in PASSED.items() for model in models]
FIELDS, RULES = "ocr_smollm2_fields", ("ocr_rules", "tesseract_rules")
ON_PAGES = {
    "finmm_ocr": (*ON_TEXT, FIELDS, "rapidocr", "smolvlm_256m", "tesseract"), "finmm_tables": (*ON_TEXT, FIELDS, "smolvlm_256m"),
    "finmm_page_fields": (*ON_TEXT, FIELDS, *RULES, "smolvlm_256m"), "finmm_page_class": (FIELDS, *RULES),
    "credit_german": (FIELDS, *RULES), "phrasebank": (FIELDS, *RULES), "causal_detection": (FIELDS,), "chitchat": (FIELDS,),
    "docvqa": (FIELDS,), "finmm_docvqa": (FIELDS,), "finmm_emotion": (FIELDS,),
}  # fmt: skip
BY_FRAMES = "watch_ocr_minilm"
IN_SCENES = {
    "finmm_voice_emotion": ("moonshine_minilm", "sphinx_smollm2"),
    "finmm_video_emotion": ("watch_minilm", BY_FRAMES), "finmm_video_qa": ("watch_minilm", BY_FRAMES),
    "finmm_tables": ("ocr_tables",),
}  # fmt: skip
PAIRS += [(model, task) for group in (ON_PAGES, IN_SCENES) for task, models in group.items() for model in models]
PAIRS += [
    (BY_FRAMES, task) for task in ("banking77", "causal_detection", "chitchat", "credit_german", "digits", "docvqa", "finmm_docvqa",
                                   "finmm_emotion", "finmm_ocr", "finmm_page_fields", "finmm_tables")
]  # fmt: skip
# They answer with weights of their user, are taught first (tests/test_trainable.py, test_tabular.py), or need a GPU (vllm, which
# tests/test_models_vllm.py tries against a stand-in).
ANY = (
    "endpoint", "function", "pyfunc", "trained", "digits_net", "minilm_classifier", "minilm_span", "logistic", "boosting",
    "prosody", "frames", "words", "fused", "vllm",
)  # fmt: skip
PAIRS.sort()  # each model is loaded once
LIMIT, FEW, FEW_TOKENS = 4, 2, 16
# A thousand tokens each; that two go together is tried with those of finmm_docvqa.
WHOLE_PAGES = ("finmm_ocr", "finmm_tables", "finmm_page_fields", "finmm_page_class")


@lru_cache(maxsize=2)  # all of them at once would be 12 GB
def real_model(name: str) -> Model:
    """The model with its weights loaded; skips where they can be had nowhere."""
    config, _ = conf.compose([f"model={name}"])
    model = build(conf.plain(config)["model"], "model")
    assert isinstance(model, Model)
    with pytest.MonkeyPatch.context() as patch:
        if "hub:" in str(
            conf.plain(config)["model"]
        ):  # tests reach this machine only: what `bench fetch` brought counts
            patch.setenv("BENCH_OFFLINE", "1")
        try:
            model.fetch()
        except BenchError as error:
            pytest.skip(f"the weights of {name} are not here: {error}")
        model.load(CPU, seed=0)
    model.loaded = CPU, 0  # else the first run would load it again
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory of small files; pages, films and voices of a task are made once for all models."""
    return write(tmp_path_factory.mktemp("data"))


def some_task(name: str, folder: Path) -> Task:
    """The task, on small files where its data lie elsewhere."""
    if name == "earnings21":  # its calls last an hour each
        return spoken_calls(folder)
    return shipped(name, folder)


CALLS = ["good morning and welcome to the call", "sales rose in the second quarter"]


@cache
def spoken_calls(folder: Path) -> Task:
    """Earnings-21 of two calls of one sentence; skips where nothing can say them."""
    files: dict[str, str] = {}
    for number, sentence in enumerate(CALLS):
        rows = "".join(f"{word}|1|||||LC|[]|[]\n" for word in sentence.split())
        files |= {
            f"references/{number}.nlp": f"token|speaker|ts|endTs|punctuation|prepunctuation|case|tags|wer_tags\n{rows}",
            f"normalizations/{number}.norm.json": "{}",
        }
    there = write(folder / "earnings21", files)
    (there / "media").mkdir()
    for number, sentence in enumerate(CALLS):
        speak(there / "media" / f"{number}.wav", sentence)
    return small_task("earnings21", there.parent)


def built(group: str, name: str) -> Any:
    """conf/GROUP/NAME, without weights or data."""
    return build(conf.choice(group, name), group)


def test_each_kind_of_task_that_a_shipped_model_fits_is_looked_at_here() -> None:
    tasks = {name: built("task", name) for name in NAMES}
    models = {name: built("model", name) for name in conf.names("model") if name not in ANY}

    def kind(model: str, task: str) -> tuple[str, str, tuple[str, ...]]:
        around, inner = models[model], getattr(models[model], "text_model", None)
        who = model if inner is None else f"{type(around).__name__} around {type(inner).__name__}"
        return who, tasks[task].output.__name__, tuple(sorted(tasks[task].parts))

    fitting = {(m, t) for m, model in models.items() for t in tasks if fits(tasks[t], model) and not model.is_reference}
    assert set(PAIRS) <= fitting
    assert {model for model, _ in PAIRS} == {model for model, _ in fitting}
    assert {kind(*pair) for pair in PAIRS} == {kind(*pair) for pair in fitting}


def shortly(request: Request) -> Request:
    """The request, answered by so few tokens that a small model which writes a whole page ends soon."""
    if not isinstance(request.output, Generate):
        return request
    few = min(FEW_TOKENS, request.output.max_new_tokens)
    return replace(request, output=replace(request.output, max_new_tokens=few))


@pytest.mark.parametrize(("model_name", "task_name"), PAIRS)
def test_a_shipped_model_answers_every_task_it_fits(
    folder: Path, tmp_path: Path, model_name: str, task_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, task = real_model(model_name), some_task(task_name, folder)
    asked = task.request
    monkeypatch.setattr(task, "request", lambda example: shortly(asked(example)))
    slowly = "smollm2" in model_name or not task.parts.isdisjoint({"image", "video"})  # to read one takes long
    limit = 1 if "smollm2" in model_name and task_name in WHOLE_PAGES else FEW if slowly else LIMIT
    settings = Settings(runs_dir=tmp_path / "runs", limit=limit, resamples=20)
    run, kept = evaluate(task, model, model_name, CPU, settings)
    assert run.scores[0].n_failed == 0, [p.error for p in kept.predictions()]
    assert run.scores[0].n == min(limit, len(task.examples()))
    assert run.model_revision
    assert run.weights_sha256
    if "smollm2" in model_name and not issubclass(task.output, Choose | Regress):
        assert 0 < run.timings["new_tokens"] < run.timings["prompt_tokens"]


def requests_of(task_name: str, folder: Path, n: int = 4) -> list[Request]:
    task = some_task(task_name, folder)
    return [task.request(example) for example in task.examples()[:n]]


def one_at_a_time(model: Model, requests: list[Request]) -> list[Prediction]:
    return [prediction for request in requests for prediction in answered(model, [request])]


def test_a_reader_with_a_retriever_answers_a_batch_as_its_examples_alone(folder: Path) -> None:
    model = real_model("rag_smollm2")
    requests = requests_of("finmm_qa", folder)
    assert answered(model, requests) == one_at_a_time(model, requests)


@pytest.mark.parametrize("task_name", ["finmm_qa", "finmm_dialogue"])
def test_the_token_ids_of_a_batch_are_those_of_its_examples_alone(
    folder: Path, task_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.decoding import greedy

    model = real_model("smollm2")
    said: list[list[int]] = []
    generate = greedy.greedy

    def keep(*arguments: Any) -> Iterator[list[tuple[int, list[int]]]]:
        found = list(generate(*arguments))
        said.extend(tokens for _, tokens in sorted(row for group in found for row in group))
        yield from found

    monkeypatch.setattr(greedy, "greedy", keep)
    requests = list(map(shortly, requests_of(task_name, folder)))
    texts = answered(model, requests)
    together = said.copy()
    said.clear()
    assert one_at_a_time(model, requests) == texts
    assert together == said
    assert len(said) == 4
    assert all(said)


def test_the_order_in_a_batch_does_not_matter(folder: Path) -> None:
    model = real_model("smollm2")
    requests = requests_of("finmm_qa", folder)
    forwards, backwards = answered(model, requests), answered(model, requests[::-1])
    assert forwards == backwards[::-1]


def test_a_stop_string_ends_the_answer_before_it(folder: Path) -> None:
    model = real_model("smollm2")
    for prediction in answered(model, requests_of("finmm_qa", folder)):
        assert prediction.text is not None
        assert not {"\n", '"'} & set(prediction.text)
        assert 0 < prediction.new_tokens <= 24


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_bit_of_an_embedding_depends_on_its_company(folder: Path, dtype: str) -> None:
    model: Any = real_model("minilm")
    model.load(replace(CPU, dtype=dtype), seed=0)
    task, draw = some_task("finmm_qa", folder), random.Random(0)
    texts = sorted({text for example in task.examples() for text in model._texts(task.request(example))})[::7]
    texts += [" ".join(texts[i : i + n]) for i, n in ((0, 5), (9, 8), (40, 12), (50, 20))]
    together = dict(zip(texts, model.embed(texts), strict=True))
    for n in (1, 2, 7, 40):
        model._vectors.clear()
        some = draw.sample(texts, n)
        assert all(vector.equal(together[text]) for text, vector in zip(some, model.embed(some), strict=True))
    assert all(abs(vector.norm() - 1) < 1e-5 for vector in together.values())
    model.load(CPU, seed=0)


def test_the_nearest_label_and_sentence_win() -> None:
    model = real_model("minilm")
    (chosen,) = answered(model, [Request("c", (Text("I paid with my credit card."),), Choose(("weather", "payment")))])
    scores = dict(chosen.label_scores or {})
    assert scores["payment"] > scores["weather"]
    context = "It rained in Paris. The fee is 12.50 euros. Birds sing."
    (found,) = answered(
        model, [Request("s", (Text(context),), Span(8, question="How much is the fee?", context=context))]
    )
    assert found.text == "The fee is 12.50 euros."


def test_a_language_model_gives_probabilities_of_the_labels_in_any_order_and_batch(folder: Path) -> None:
    model = real_model("smollm2")
    requests = requests_of("phrasebank", folder)
    together, alone = answered(model, requests), one_at_a_time(model, requests)
    for one, other, request in zip(together, alone, requests, strict=True):
        assert isinstance(request.output, Choose)
        assert one.label_scores is not None
        assert other.label_scores is not None
        assert list(one.label_scores) == list(request.output.labels)
        assert sum(one.label_scores.values()) == pytest.approx(1.0, abs=1e-6)
        assert dict(one.label_scores) == pytest.approx(dict(other.label_scores), abs=1e-4)


def test_a_prompt_that_is_too_long_is_cut_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.engine import feed

    model: Any = real_model("smollm2")
    short = requests_of("finmm_dialogue", folder)[0]
    assert isinstance(short.output, Generate)
    (alone,) = answered(model, [short])
    monkeypatch.setattr(model, "context", 500)
    long = Request("long", (Text("money " * 1_000),), short.output)
    good, cut = feed.answer(model, [short, long], "smollm2")
    assert good == alone
    assert good.truncated == 0
    assert cut.error is None
    assert cut.prompt_tokens <= 500 - short.output.max_new_tokens
    assert cut.prompt_tokens + cut.truncated > 1_000


Main = Callable[..., tuple[int, list[str], list[str]]]
QUIET = ["task=finmm_qa", "limit=2", "device=cpu", "tracking=none", "runs_dir=runs"]


def weights_of(name: str) -> Path:
    """The folder of a model's weights."""
    from bench.models import weights

    model: Any = real_model(name)
    return weights.folder(model.source, model.weights_sha256)


def refused(bench_main: Main, *arguments: str) -> str:
    """The one line of a run that a user can fix."""
    code, out, err = bench_main("run", *QUIET, *arguments)
    assert (code, out, len(err)) == (2, [], 1), err
    assert err[0].startswith("bench: ")
    return err[0]


def test_weights_of_another_digest_are_one_line(bench_main: Main) -> None:
    folder = weights_of("minilm")
    line = refused(bench_main, "model=minilm", f"model.source=file:{folder}", f"model.sha256={'0' * 64}")
    assert "expected 0000000000000000…" in line


def test_a_gguf_file_that_is_cut_off_is_one_line(bench_main: Main, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    line = refused(bench_main, "model=smollm2", "model.source=file:cut.gguf", f"model.sha256={'0' * 64}")
    assert "file:cut.gguf has sha256 " in line


def test_a_gguf_file_without_a_digest_is_one_line(bench_main: Main, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    assert "add sha256" in refused(bench_main, "model=smollm2", "model.source=file:cut.gguf", "model.sha256=null")


def damaged_copy(name: str, folder: Path) -> str:
    """A copy of a model's folder with half of its safetensors, as a source."""
    import shutil

    shutil.copytree(weights_of(name), folder)
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return f"file:{folder}"


def test_safetensors_that_differ_from_their_pin_are_one_line(bench_main: Main, tmp_path: Path) -> None:
    source = damaged_copy("minilm", tmp_path / "cut")
    assert "has sha256" in refused(bench_main, "model=minilm", f"model.source={source}")


def test_safetensors_that_are_cut_off_are_one_line(bench_main: Main, tmp_path: Path) -> None:
    source = damaged_copy("minilm", tmp_path / "cut")
    assert source in refused(bench_main, "model=minilm", f"model.source={source}", "model.sha256=null")


def test_a_folder_without_weights_is_one_line(bench_main: Main, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "file:empty" in refused(bench_main, "model=minilm", "model.source=file:empty", "model.sha256=null")


def test_a_resumed_run_of_a_real_model_is_the_uninterrupted_one(folder: Path, tmp_path: Path) -> None:
    model = real_model("smollm2")
    task = some_task("finmm_qa", folder)
    whole = Settings(runs_dir=tmp_path / "whole", limit=4, batch_size=2, resamples=20)
    _, kept = evaluate(task, model, "smollm2", CPU, whole)
    journal = kept.path / "predictions.jsonl"
    expected = journal.read_bytes()
    (kept.path / "run.json").unlink()
    journal.write_bytes(expected[: len(expected) // 2])
    run, _ = evaluate(task, model, "smollm2", CPU, whole)
    assert journal.read_bytes() == expected
    assert run.timings["attempts"] == 2
