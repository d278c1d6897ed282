"""Where weights come from, what pins them, and what is refused, each in one line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.artifacts import mlflow_registry
from bench.artifacts.digest import _known_digest, digest
from bench.artifacts.fetch import locate
from bench.artifacts.uri import parse
from bench.errors import BenchError
from bench.models import checkpoint, shards, weights
from bench.models.base import Device
from bench.models.torch_model import TorchModel
from bench.types import Generate, Prediction, Request

CPU = Device("cpu", "float32", 1)
Main = Callable[..., tuple[int, list[str], list[str]]]
QUIET = ["task=finmm_qa", "limit=2", "device=cpu", "tracking=none", "runs_dir=runs"]


class Reader(TorchModel):
    """Loads a causal model and says nothing."""

    auto_class = "AutoModelForCausalLM"
    outputs = (Generate,)

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        return [Prediction(request.id, text="") for request in batch]


class Encoder(Reader):
    """Loads an encoder whose pooler is not used."""

    auto_class = "AutoModel"
    spare_weights = ("pooler.",)


def small(folder: Path, kind: str = "LlamaForCausalLM", **options: Any) -> Path:
    """A folder with a tiny random model of this class and a tokenizer of words."""
    import tokenizers
    import transformers

    transformers.utils.logging.disable_progress_bar()
    vocab = {word: i for i, word in enumerate(["<unk>", "<s>", "</s>", "[MASK]", "how", "much", "is", "it", "?", "12"])}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocab, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    cls = getattr(transformers, kind)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = cls.config_class(
        vocab_size=len(vocab), max_position_embeddings=64, eos_token_id=2, bos_token_id=1, **sizes
    )
    cls(config).save_pretrained(folder, **options)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama, not to be changed."""
    return small(tmp_path_factory.mktemp("weights") / "llama")


def loaded(source: str, *trust: str, sha256: str | None = None, cls: type[TorchModel] = Reader) -> Any:
    model = cls(source, sha256, list(trust))
    model.load(CPU, seed=0)
    return model


def refused(folder: Path, *trust: str, cls: type[TorchModel] = Reader) -> str:
    """The one line of a folder that is not loaded."""
    with pytest.raises(BenchError) as caught:
        loaded(f"file:{folder}", *trust, cls=cls)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"file:{folder}")
    return line


def same(one: Any, other: Any) -> bool:
    """Whether two models have the same weights."""
    import torch

    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_an_unknown_word_of_trust_is_refused() -> None:
    with pytest.raises(
        BenchError, match=r"model\.trust=\['Pickle'\] is not known; it is a list of pickle and remote_code"
    ):
        Reader("file:x", trust=["Pickle"])


@pytest.mark.parametrize("trust", [None, [], ["pickle"], ["remote_code", "pickle"]])
def test_the_known_words_of_trust_are_taken(trust: list[str] | None) -> None:
    assert Reader("file:x", trust=trust).trust == frozenset(trust or [])


def test_the_digest_of_a_folder_follows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    digests = [Reader(f"file:{tmp_path / 'a'}").weights_sha256]
    (tmp_path / "a" / "x").write_text("2")
    digests.append(Reader(f"file:{tmp_path / 'a'}").weights_sha256)
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    digests.append(Reader(f"file:{tmp_path / 'a'}").weights_sha256)
    (tmp_path / "a" / ".git").mkdir()
    (tmp_path / "a" / ".git" / "HEAD").write_text("not of the model")
    assert Reader(f"file:{tmp_path / 'a'}").weights_sha256 == digests[-1]
    assert len(set(digests)) == 3


def test_a_given_digest_is_the_digest_and_needs_no_weights() -> None:
    assert Reader("file:nowhere", "ab" * 32).weights_sha256 == "ab" * 32


def test_a_large_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.artifacts.digest.LARGE", 4)
    monkeypatch.setattr(time, "time", lambda: path.stat().st_ctime + 3)  # not fresh any more
    path = tmp_path / "large"
    path.write_bytes(b"first")
    hashed = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: hashed.append(a) or real(*a))
    first = digest(path)
    assert (digest(path), len(hashed)) == (first, 1)
    before = path.stat()
    path.write_bytes(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the change time shows what these two hide
    assert digest(path) != first
    assert len(hashed) == 2


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.artifacts.digest.LARGE", 4)
    (tmp_path / "fresh").write_bytes(b"first")
    assert _known_digest(tmp_path / "fresh") is None


def safetensors(header: Any, data: bytes = b"") -> bytes:
    """A file of the format with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


HEADER = {"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "its header does not fit into its 0 bytes"),
        (b"1234567", "its header does not fit into its 7 bytes"),
        (safetensors(HEADER, b"8 bytes.")[:40], "its header does not fit into its 40 bytes"),
        (safetensors(b"{not json"), "is no complete safetensors file"),
        (safetensors(b"[1, 2]"), "is no complete safetensors file"),
        (safetensors({"w": {}}), "is no complete safetensors file"),
        (safetensors(HEADER, b"8 byte"), "is cut off or damaged"),
        (safetensors(HEADER, b"8 bytes.and more"), "is cut off or damaged"),
    ],
)
def test_a_damaged_safetensors_file_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(BenchError, match=said):
        shards.safetensors(tmp_path, "file:x")


def test_a_whole_safetensors_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(safetensors(HEADER, b"8 bytes."))
    assert shards.safetensors(tmp_path, "file:x") == [tmp_path / "model.safetensors"]


def test_a_checkpoint_with_a_shard_missing_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "one.safetensors").write_bytes(safetensors(HEADER, b"8 bytes."))
    places = {"w": "one.safetensors", "v": "two.safetensors", "u": "two.safetensors"}
    (tmp_path / shards.INDEX).write_text(json.dumps({"weight_map": places}))
    with pytest.raises(BenchError, match=r"lacks 1 of 2 shards \(two.safetensors\)"):
        shards.safetensors(tmp_path, "file:x")
    (tmp_path / shards.INDEX).write_text("[]")
    with pytest.raises(BenchError, match=r"index.json cannot be read"):
        shards.safetensors(tmp_path, "file:x")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has no weights: model.safetensors or model.safetensors.index.json is due, found none"),
        (["consolidated.safetensors"], "found consolidated.safetensors"),
        (["adapter_config.json", "adapter_model.safetensors"], "merge the two"),
        (["training_args.bin", "optimizer.pt"], "has no weights"),
        (["pytorch_model.bin"], "pytorch_model.bin cannot be read as weights"),
        (["weights.pt"], "weights.pt cannot be read as weights"),
        (["a.pt", "b.pt"], r"several weight files \(a.pt, b.pt\)"),
    ],
)
def test_a_folder_without_weights_that_can_be_loaded_is_one_line(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(BenchError, match=said):
        checkpoint.check(weights.folder(f"file:{tmp_path}", None), "file:x", (), text=True)


@pytest.mark.parametrize("name", [shards.WHOLE, shards.INDEX, shards.BIN])
def test_weights_that_are_no_file_are_said_to_be_none(tmp_path: Path, name: str) -> None:
    for make, said in ((Path.mkdir, "a folder"), (os.mkfifo, "no plain file"), (_to_nothing, "a link to nothing")):
        make(tmp_path / name)
        with pytest.raises(BenchError, match=f"has no weights: {name} is {said}; put the file itself there"):
            shards.safetensors(tmp_path, "file:x")
        (tmp_path / name).rmdir() if make is Path.mkdir else (tmp_path / name).unlink()


def _to_nothing(path: Path) -> None:
    path.symlink_to("nothing")


@pytest.mark.parametrize("text", ["{", "[]", '"llama"'])
def test_a_config_that_is_no_object_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BenchError, match=r"file:x: config.json "):
        checkpoint.settings(tmp_path, "file:x")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "preprocessor_config.json"])
def test_code_of_a_repository_runs_only_if_it_is_trusted(tmp_path: Path, name: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_text('{"auto_map": {"AutoConfig": "own.Config"}}')
    with pytest.raises(BenchError, match=rf"{name} has auto_map.*\+\+model\.trust=\[remote_code\]"):
        checkpoint.check(tmp_path, "file:x", ["pickle"], text=True)
    with pytest.raises(BenchError, match="has no weights"):
        checkpoint.check(tmp_path, "file:x", ["remote_code"], text=True)


@pytest.mark.slow
def test_a_local_folder_is_loaded_as_transformers_loads_it(llama: Path) -> None:
    import transformers

    model = loaded(f"file:{llama}")
    assert same(model.model, transformers.AutoModelForCausalLM.from_pretrained(llama))
    assert not model.model.training
    assert model.tokenizer("how much")["input_ids"] == [4, 5]
    assert loaded(f"file:{llama}", sha256=model.weights_sha256).weights_sha256 == model.weights_sha256


@pytest.mark.slow
def test_another_digest_than_the_given_one_is_refused(llama: Path) -> None:
    with pytest.raises(BenchError, match=r"has sha256 .*…, expected 0000000000000000…"):
        loaded(f"file:{llama}", sha256="0" * 64)


@pytest.mark.slow
def test_a_folder_without_config_tokenizer_or_weights_is_one_line(llama: Path, tmp_path: Path) -> None:
    for names, said in ((["config.json"], "has no config.json"), (["model.safetensors"], "has no weights"),
                        (["tokenizer.json", "tokenizer_config.json"], "has no tokenizer")):  # fmt: skip
        folder = shutil.copytree(llama, tmp_path / names[0])
        for name in names:
            (folder / name).unlink()
        assert said in refused(folder)
    assert "is a file; give the folder" in refused(llama / "model.safetensors")


@pytest.mark.slow
def test_weights_that_the_checkpoint_lacks_are_refused_and_not_drawn_at_random(tmp_path: Path) -> None:
    bare = small(tmp_path / "bare", "LlamaModel")
    assert "lacks weights that this model needs, which would be random: lm_head.weight" in refused(bare)
    assert loaded(f"file:{bare}", cls=Encoder).model.config.hidden_size == 16


@pytest.mark.slow
def test_tied_weights_are_not_missing(tmp_path: Path) -> None:
    import transformers

    folder = small(tmp_path / "tied", "LlamaModel")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    model = loaded(f"file:{folder}").model
    assert isinstance(model, transformers.LlamaForCausalLM)
    assert model.lm_head.weight is model.model.embed_tokens.weight


@pytest.mark.slow
def test_an_encoder_is_refused_where_a_text_is_to_be_written(tmp_path: Path) -> None:
    masked = small(tmp_path / "masked", "BertForMaskedLM")  # it lacks nothing, yet it cannot write
    assert "model of type bert (BertForMaskedLM), which AutoModelForCausalLM cannot run" in refused(masked)
    assert "lacks weights" in refused(small(tmp_path / "bare", "BertModel"))
    pooled = small(tmp_path / "layers", "BertForMaskedLM")
    assert loaded(f"file:{pooled}", cls=Encoder).model.config.model_type == "bert"


@pytest.mark.slow
def test_a_model_type_that_is_unknown_or_has_no_such_head_is_one_line(llama: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(llama, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    for kind, said in (("nonesuch", "has model_type='nonesuch', which transformers"), (None, "has model_type=None"),
                       ("vit", "a model of type vit (LlamaForCausalLM), which AutoModelForCausalLM cannot run")):  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))
        assert said in refused(folder)


@pytest.mark.slow
def test_a_tokenizer_of_another_model_is_one_line(llama: Path, tmp_path: Path) -> None:
    import safetensors.torch

    folder = shutil.copytree(llama, tmp_path / "cut")
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    tensors = {n: t[:6].clone() if t.shape[0] == 10 else t for n, t in tensors.items()}
    safetensors.torch.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert "would be random: lm_head.weight ([6, 16], due [10, 16]), model.embed_tokens.weight" in refused(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 6}))
    assert "the tokenizer has 10 tokens, the model embeddings of 6" in refused(folder)


@pytest.mark.slow
def test_pickled_weights_are_read_as_tensors_in_one_file_or_several(llama: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    whole = transformers.AutoModelForCausalLM.from_pretrained(llama)
    state = whole.state_dict()
    names = sorted(state)
    shards = [{n: state[n] for n in names[:3]}, {n: state[n] for n in names[3:]}]
    for number, content in enumerate((state, {"model_state_dict": state, "epoch": 3}, shards)):
        folder = shutil.copytree(llama, tmp_path / str(number), ignore=shutil.ignore_patterns("*.safetensors"))
        if isinstance(content, list):
            places = {n: f"shard-{i}.bin" for i, shard in enumerate(shards) for n in shard}
            (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
            for i, shard in enumerate(shards):
                torch.save(shard, folder / f"shard-{i}.bin")
        else:
            torch.save(content, folder / ("pytorch_model.bin" if number == 0 else "mine.pt"))
        assert same(loaded(f"file:{folder}").model, whole)


OWN_CODE = """
from transformers import LlamaConfig, LlamaForCausalLM
class OwnConfig(LlamaConfig):
    model_type = "our_own"
class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""


@pytest.mark.slow
def test_a_model_with_code_of_its_own_is_loaded_where_that_is_trusted(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    folder = shutil.copytree(llama, tmp_path / "own")
    (folder / "own.py").write_text(OWN_CODE)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "our_own",
        "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    assert "has auto_map" in refused(folder)
    assert type(loaded(f"file:{folder}", "remote_code").model).__name__ == "OwnModel"


@pytest.mark.slow
def test_a_run_of_an_edited_checkpoint_is_another_run(llama: Path, bench_main: Main, tmp_path: Path) -> None:
    folder = shutil.copytree(llama, tmp_path / "mine")
    arguments = [*QUIET, "model=smollm2", f"model.source=file:{folder}", "model.sha256=null", "model.chat=false"]

    def runs() -> int:
        assert bench_main("run", *arguments)[0] == 1  # its context is too short for the prompts: every example fails
        return len(list((tmp_path / "runs").rglob("run.json")))

    assert (runs(), runs()) == (1, 1)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert runs() == 2
    record = json.loads(next((tmp_path / "runs").rglob("run.json")).read_text())
    assert len(record["weights_sha256"]) == 64


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_loaded_ends_the_run_with_one_line(
    llama: Path, bench_main: Main, tmp_path: Path
) -> None:
    folder = shutil.copytree(llama, tmp_path / "mine")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    code, out, err = bench_main(
        "run", *QUIET, "model=smollm2", f"model.source=file:{folder}", "model.sha256=null", "model.chat=false"
    )
    assert (code, out, len(err)) == (2, [], 1)
    assert "model.safetensors is cut off or damaged" in err[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "needs more than 1 s"),
        ("{{ 'x' * 10**12 }}", "bytes of memory"),
    ],
)
def test_a_chat_template_without_end_ends_the_run_with_one_line(
    template: str, said: str, llama: Path, bench_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.models.chat_template.MOST_SECONDS", 1.0)
    folder = shutil.copytree(llama, tmp_path / "mine")
    (folder / "chat_template.jinja").write_text(template)
    code, out, err = bench_main("run", *QUIET, "model=smollm2", f"model.source=file:{folder}", "model.sha256=null")
    assert (code, out) == (2, [])
    assert said in err[-1]


@pytest.mark.slow
def test_a_gguf_file_that_is_cut_in_its_data_is_one_line(tmp_path: Path) -> None:
    import gguf
    import numpy as np

    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("w", np.ones((64, 64), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights._refuse_cut(path, "file:x")
    content = path.read_bytes()
    for size in (len(content) - 100, len(content) // 2, 40, 10, 0):
        path.write_bytes(content[:size])
        with pytest.raises(BenchError, match=r"is no complete GGUF file \(.*copy it again"):
            weights._refuse_cut(path, "file:x")


def test_an_mlflow_source_is_a_model_and_a_version() -> None:
    source = parse("mlflow:models/fin-lm/3")
    assert (source.scheme, source.name, source.revision) == ("mlflow", "fin-lm", "3")
    for wrong in ("mlflow:models/fin-lm", "mlflow:models/fin-lm/latest", "mlflow:runs/1/2"):
        with pytest.raises(BenchError, match="is none of"):
            parse(wrong)


def test_without_an_mlflow_store_the_line_says_where_one_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match=r"no MLflow store at sqlite:///.*runs/mlflow.db; set MLFLOW_TRACKING_URI"):
        weights.folder("mlflow:models/none/1", None)


@pytest.mark.parametrize("n", [0, 2])
def test_a_registered_model_must_hold_one_checkpoint(tmp_path: Path, n: int) -> None:
    for i in range(n):
        (tmp_path / str(i)).mkdir()
        (tmp_path / str(i) / "config.json").touch()
    with pytest.raises(BenchError, match=f"holds {n} folders with a config.json"):
        mlflow_registry._one_folder(tmp_path, "mlflow:models/x/1")


@pytest.mark.slow
def test_a_model_of_the_registry_is_loaded_and_pinned(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    flavour = tmp_path / "logged"  # what mlflow.transformers lays down
    shutil.copytree(llama, flavour / "model", ignore=shutil.ignore_patterns("tokenizer*"))
    shutil.copytree(
        llama, flavour / "components" / "tokenizer", ignore=shutil.ignore_patterns("*.safetensors", "config.json")
    )
    (flavour / "MLmodel").write_text("flavors: {transformers: {}}\n")
    code = (
        "import sys; from mlflow import MlflowClient; c = MlflowClient(sys.argv[1]); c.create_registered_model('fin');"
        "c.create_model_version('fin', sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, store, flavour.as_uri()], check=True, capture_output=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    model = loaded("mlflow:models/fin/1")
    assert same(model.model, loaded(f"file:{llama}").model)
    assert (model.revision, len(model.weights_sha256)) == ("1", 64)
    shutil.rmtree(flavour)
    assert loaded("mlflow:models/fin/1").weights_sha256 == model.weights_sha256  # out of the cache
    with pytest.raises(BenchError, match=r"mlflow:models/fin/7 could not be fetched \(.*not found"):
        weights.folder("mlflow:models/fin/7", None)


def test_offline_the_hub_s_own_cache_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    revision = "a" * 40
    (tmp_path / "config.json").write_text("{}")

    def held(name: str, *, revision: str, repo_type: str, local_files_only: bool) -> str:
        if (name, revision) != ("owner/name", "a" * 40) or not local_files_only:
            raise FileNotFoundError
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", held)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    assert locate(f"hub:owner/name@{revision}") == tmp_path
    assert locate(f"hub:owner/name@{revision}#config.json") == tmp_path / "config.json"
    with pytest.raises(BenchError, match="has sha256"):
        locate(f"hub:owner/name@{revision}", sha256="0" * 64)
    with pytest.raises(BenchError, match="--offline forbids"):
        locate(f"hub:other/name@{revision}")
