"""What fills a cache with each kind of file, and the command that then stands on it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scripts.hard.offline import things
from scripts.hard.offline.served import Server
from scripts.hard.offline.warm import Warm

Kinds = Mapping[str, Sequence[str]]  # what a kind of file is called, and where such files lie in the cache


def _of_run(stdout: str) -> dict[str, object]:
    """What must be the same of a run: what it is, and its scores."""
    run = json.loads(stdout[stdout.find("{") :])
    return {name: run[name] for name in ("run_id", "scores")}


def _of_bundle(stdout: str) -> dict[str, object]:
    """What must be the same of a comparison of what a bundle holds: all of it."""
    return {"compared": json.loads(stdout[stdout.find("{") :])}


@dataclass(frozen=True)
class Case:
    """A command, the kinds of files that it leaves in the cache, how to fill it, and what of its output must stay the same.

    `needs` is a package that it cannot do without, `slow` one for the long version alone, `most` how often it is tried there.
    """

    name: str
    words: Sequence[str]
    kinds: Kinds
    fill: Callable[[Warm, Path, Server], tuple[Sequence[str], Mapping[str, str]]]
    read: Callable[[str], Mapping[str, object]] = _of_run
    more: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    slow: bool = False
    most: int = 200


def filled(warm: Warm, case: Case, cache: Path, server: Server) -> Case | None:
    """The case with the words that its source needs; None where the machine lacks a package."""
    if case.needs and importlib.util.find_spec(case.needs) is None:
        return None
    words, more = case.fill(warm, cache, server)
    more = {**more, "BENCH_LOCK": str(cache.with_suffix(".lock"))}
    done = replace(case, words=(*case.words, *words), more=more)
    if case.words[0] == "run":
        fetched = [word for word in done.words[1:] if "=" in word]
        one = warm.bench("fetch", *fetched, BENCH_CACHE=str(cache), **more)
        if one.returncode:
            raise RuntimeError(f"{case.name} cannot be fetched: {one.stderr[-1000:]}")
    return done


def _talk(name: str, *, pinned: bool) -> Callable[[Warm, Path, Server], tuple[Sequence[str], Mapping[str, str]]]:
    def fill(warm: Warm, cache: Path, server: Server) -> tuple[Sequence[str], Mapping[str, str]]:
        conf = things.configured(cache.with_suffix(".conf"), server, {name: things.talk(7, n=12)}, pinned=pinned)
        return [f"task={name}"], {"BENCH_CONF": str(conf)}

    return fill


def _wheel(warm: Warm, cache: Path, server: Server) -> tuple[Sequence[str], Mapping[str, str]]:
    data, wheels = things.talk(8, n=12), cache.with_suffix(".wheels")
    words = ["task=chitchat", f"task.source='{things.wheel(wheels, data)}'", f"task.sha256={things.sha256(data)}"]
    return words, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}


def _hub(warm: Warm, cache: Path, server: Server) -> tuple[Sequence[str], Mapping[str, str]]:
    """A file of the Hub, whose revision is its only pin, as it lies in a cache that was brought along."""
    place = cache / "hub" / "own--squad-abc" / "dev.json"
    answers = [
        {"id": f"q{i}", "question": f"What is {i}?", "answers": [{"text": "bank", "answer_start": 4}]} for i in range(8)
    ]
    data = {
        "version": "1.1",
        "data": [{"title": "t", "paragraphs": [{"context": "The bank is here.", "qas": answers}]}],
    }
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(data))
    return ["task=squad_v1", "task.data.remote='hub:own/squad@abc#dev.json'", "data_dir=nowhere"], {}


def _bundle(warm: Warm, cache: Path, server: Server) -> tuple[Sequence[str], Mapping[str, str]]:
    more: Any = {"BENCH_CACHE": str(cache), "BENCH_RUNS": str(cache.with_suffix(".runs"))}
    run = warm.bench("run", "task=hard_numbers", "model=hard_stub", "limit=20", "tracking=none", "--json", **more)
    if run.returncode:
        raise RuntimeError(run.stderr[-1000:])
    bundle = str(cache.with_suffix(".zip"))
    done = warm.bench("submit", json.loads(run.stdout)["run_id"], "-o", bundle, "--submitter", "trial", **more)
    if done.returncode:
        raise RuntimeError(done.stderr[-1000:])
    return [bundle, bundle], {}


def _model(warm: Warm, cache: Path, server: Server) -> tuple[Sequence[str], Mapping[str, str]]:
    """An encoder of a few thousand numbers, pickled, so that its weights are converted."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = cache.with_suffix(".model")
    folder.mkdir(parents=True)
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *sorted(set(things.WORDS)),
        *"abcdefghijklmnopqrstuvwxyz",
    ]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    model = BertModel(config)
    config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    members = {f"model/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
    server.files[f"/{cache.name}.zip"] = things.zipped(members)
    source = f"{server.address(f'/{cache.name}.zip')}#model"
    return [f"model.source='{source}'", "model.sha256=null"], {}


_RUN = ("run", "model=lexical", "limit=8", "resamples=100", "tracking=none", "--json")
CASES = (
    Case("pinned", _RUN, {"data with a pin": ["https/*/*"], "locks": ["turns/*"], "seals": ["seals/*"], "records": ["records/*"]},
         _talk("pinned_talk", pinned=True)),
    Case("unpinned", _RUN, {"data that bench.lock pins": ["https/*/*"]}, _talk("unpinned_talk", pinned=False)),
    Case("wheel", _RUN, {"data out of a wheel": ["pypi/*/*/*"]}, _wheel, slow=True),
    Case("hub", _RUN, {"data at a revision": ["hub/*/*"], "records of data without a digest": ["records/*"]}, _hub),
    Case("pages", ("run", "task=finmm_docvqa", "model=constant", "limit=8", "resamples=100", "tracking=none", "--json"),
         {"rendered pages": ["derived/*-pages/*"], "records of pages": ["records/*"]}, lambda *_: ((), {})),
    Case("voices", ("run", "task=finmm_speech", "model=constant", "limit=4", "resamples=100", "tracking=none", "--json"),
         {"rendered sounds": ["derived/*-voices/*"]}, lambda *_: ((), {}), needs="espeakng_loader", slow=True),
    Case("store", ("run", "task=hard_numbers", "model=hard_stub", "limit=8", "--json"),
         {"the empty MLflow store": ["mlflow/*.db"]}, lambda *_: ((), {}), slow=True, most=60),
    Case("bundle", ("compare", "--json"), {"unpacked bundles": ["bundles/*/**/*"], "records of bundles": ["records/*"]}, _bundle,
         read=_of_bundle),
    Case("model",
         ("run", "task=finmm_emotion", "model=minilm", "limit=4", "resamples=100", "tracking=none", "device=cpu", "--json"),
         {"weights and tokenizer": ["https/**/*"], "converted weights": ["derived/*-unpickled/*"],
          "records of weights": ["records/*"]}, _model, needs="torch", slow=True),
)  # fmt: skip
