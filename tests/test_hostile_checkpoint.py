"""What lies beside a checkpoint's weights, and other forms of weights: nothing of a stranger runs, none of it is believed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_hostile_weights import Plant, in_zip, saved, vectors

from bench.errors import BenchError
from bench.models import checkpoint, gguf_head, shards, weights
from bench.models.config_json import MOST_JSON_BYTES

Main = Callable[..., tuple[int, list[str], list[str]]]


@pytest.mark.parametrize(
    ("name", "content", "trust", "said"),
    [
        ("config.json", {"auto_map": {"AutoModel": "own.Model"}}, (), "has auto_map"),
        ("config.json", {"text_config": {"auto_map": {"AutoConfig": "own.C"}}}, (), "has auto_map"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.T", None]}}, (), "has auto_map"),
        ("preprocessor_config.json", {"auto_map": {"AutoImageProcessor": "own.P"}}, (), "has auto_map"),
        ("processor_config.json", {"image_processor": {"auto_map": {"A": "own.P"}}}, (), "has auto_map"),
        ("video_preprocessor_config.json", {"auto_map": {"A": "own.P"}}, (), "has auto_map"),
        ("config.json", {"auto_map": {"AutoModel": "evil/code--own.Model"}}, ("remote_code",), "of another repository"),
        ("tokenizer_config.json", {"auto_map": {"A": [None, "e/c--t.T"]}}, ("remote_code",), "of another repository"),
        ("config.json", {"auto_map": {"AutoModel": "/tmp/own.Model"}}, ("remote_code",), "of another repository"),
        ("config.json", {"attn_implementation": "evil/kernel"}, ("remote_code",), "code of the Hub and never run"),
        ("config.json", {"text_config": {"_attn_implementation": {"": "e/k@v1:f"}}}, (), "code of the Hub and never run"),
        ("config.json", {"transformers_weights": "../x.safetensors"}, (), "transformers_weights"),
        ("config.json", {"num_hidden_layers": 10**9}, (), "has num_hidden_layers=1,000,000,000; at most 10,000 are made"),
        ("config.json", {"text_config": {"n_layer": 10**9}}, (), "has n_layer=1,000,000,000; at most 10,000 are made"),
        ("config.json", {"num_labels": 10**9}, (), "has num_labels=1,000,000,000; at most 1,000,000 are made"),
        ("audio_tokenizer_config.json", {"audio_tokenizer_name_or_path": "../evil"}, (), "names another model"),
        ("adapter_config.json", {"base_model_name_or_path": "../evil"}, ("remote_code",), "merge the two"),
    ],
)  # fmt: skip
def test_what_a_configuration_may_not_name_is_one_line(
    name: str, content: Any, trust: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / shards.WHOLE).write_bytes(vectors({"w": 2}))
    with pytest.raises(BenchError, match=said):
        checkpoint.check(tmp_path, "file:x", ("pickle", *trust), text=True)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", shards.WHOLE, shards.INDEX, shards.BIN])
def test_a_pipe_or_device_in_place_of_a_file_is_one_line(name: str, tmp_path: Path) -> None:
    for place in (tmp_path / "pipe", tmp_path / "device", tmp_path / "folder"):
        place.mkdir()
        (place / "config.json").write_text("{}")
        (place / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe" / name)
    (tmp_path / "device" / name).symlink_to("/dev/zero")
    (tmp_path / "folder" / name).mkdir()
    for place in (tmp_path / "pipe", tmp_path / "device", tmp_path / "folder"):
        with pytest.raises(BenchError, match=f"file:x: {name} cannot be read|has no weights"):
            checkpoint.check(weights.folder(f"file:{place}", None), "file:x", (), text=True)


def test_a_file_that_transformers_does_not_read_may_be_anything(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "data_config.json").write_text("[1]")  # as sentence-transformers leave behind
    (tmp_path / "old_config.json").write_text("no JSON")
    checkpoint.refuse_code(tmp_path, "file:x", ())


@pytest.mark.parametrize("kind", [{"a": 1}, ["llama"], 5, None, "os.system"])
def test_a_type_of_model_that_is_no_known_name_is_one_line(kind: Any) -> None:
    with pytest.raises(BenchError, match=r"file:x: config.json has model_type="):
        checkpoint.refuse_misfit("file:x", {"model_type": kind, "architectures": 5}, "AutoModelForCausalLM")


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, " " * (MOST_JSON_BYTES + 1), "\ud800", '"x"'])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", shards.INDEX])
def test_a_configuration_that_is_nested_long_or_no_object_is_one_line(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(BenchError, match=f"file:x: {name} cannot be read"):
        checkpoint.check(tmp_path, "file:x", (), text=True)


def test_a_conversion_in_the_cache_that_was_exchanged_is_made_anew(tmp_path: Path, capsys: Any) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    saved(tmp_path / "pytorch_model.bin", {"w": torch.ones(2)})
    made = weights.folder(f"file:{tmp_path}", None)
    save_file({"w": torch.zeros(2)}, made / shards.WHOLE)
    assert weights.folder(f"file:{tmp_path}", None) == made
    assert load_file(made / shards.WHOLE)["w"].tolist() == [1.0, 1.0]
    assert "it is made anew" in capsys.readouterr().err
    (made / "config.json").write_text('{"auto_map": 1}')  # an added file is an exchange too
    assert not (weights.folder(f"file:{tmp_path}", None) / "config.json").exists()


def test_no_shipped_model_carries_trust(conf_models: Mapping[str, Any]) -> None:
    def trusts(node: Any) -> bool:
        return isinstance(node, Mapping) and any((key == "trust" and node[key]) or trusts(node[key]) for key in node)

    assert [name for name, content in conf_models.items() if trusts(content)] == []


@pytest.fixture
def conf_models() -> Mapping[str, Any]:
    """The shipped files of models as they stand."""
    import yaml

    from bench.config.compose import conf_dir

    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (conf_dir() / "model").glob("*.yaml")}


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["model.trust=[pickle,remote_code]"]])
@pytest.mark.parametrize(
    "command",
    [
        ["run", "task=finmm_docvqa", "limit=2", "device=cpu", "tracking=none", "runs_dir=runs", "model=layoutlm_docqa"],
        ["fetch", "model=finbert"],
    ],
)
def test_a_hostile_folder_in_place_of_a_shipped_model_ends_in_one_line(
    command: list[str], more: list[str], tmp_path: Path, bench_main: Main
) -> None:
    folder, marker = tmp_path / "evil", tmp_path / "ran"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "bert"}')
    (folder / "tokenizer.json").write_text("{}")
    in_zip(folder / "pytorch_model.bin", Plant(marker))
    code, out, err = bench_main(*command, f"model.source=file:{folder}", *more)
    assert (code, out) == (2, [])
    assert "holds more than tensors (posix.mkdir), which could run code and is never opened" in err[-1]
    assert not marker.exists()


# --- GGUF -----------------------------------------------------------------------------------------------------------------


def _gguf(path: Path) -> bytes:
    """A small file with an array of texts and one tensor."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_array("tokens", ["a", "b"])
    writer.add_tensor("w", np.ones((8, 8), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.mark.slow
def test_a_gguf_file_that_lies_about_itself_is_one_line_at_once(tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    whole = _gguf(path)
    weights._refuse_cut(path, "file:x")
    head, n_taken = whole.index(b"w\x02\0\0\0"), 0
    for at in range(8, head + 24, 3):  # whichever number it is: a count, a length, a type, a shape, a place
        for value in (0xFF, 0x7F):
            path.write_bytes(whole[:at] + bytes([value]) * 4 + whole[at + 4 :])
            with contextlib.suppress(BenchError):
                weights._refuse_cut(path, "file:x")
                n_taken += 1
    assert n_taken < (head + 16) / 3  # most are refused, no other error comes
    for size in range(0, head + 30, 7):
        path.write_bytes(whole[:size])
        with pytest.raises(BenchError, match="is no complete GGUF file"):
            weights._refuse_cut(path, "file:x")


def test_what_lies_beside_a_gguf_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    import transformers

    _gguf(tmp_path / "small.gguf")
    for name in ("config.json", "tokenizer_config.json", "adapter_config.json"):
        (tmp_path / name).write_text('{"auto_map": {"AutoTokenizer": ["own.T", null]}}')
    seen: list[Any] = []
    before = huggingface_hub.constants.HF_HUB_OFFLINE

    def look(folder: str, **options: Any) -> None:
        seen.append(
            ([path.name for path in Path(folder).iterdir()], options["trust_remote_code"], options["local_files_only"])
        )
        raise ValueError("no tokenizer")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", look)
    with pytest.raises(BenchError, match=r"small.gguf: no tokenizer"):
        weights.folder(f"file:{tmp_path / 'small.gguf'}", None)
    assert seen == [(["small.gguf"], False, True)]
    assert huggingface_hub.constants.HF_HUB_OFFLINE is before
    gguf_head.walk(tmp_path / "small.gguf")


# --- ONNX -----------------------------------------------------------------------------------------------------------------


def _field(number: int, value: bytes | str | int) -> bytes:
    """A field of a protocol buffer with a number below 128 or a short text."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def _onnx(data_in: str = "", domain: str = "", operator: str = "Identity") -> bytes:
    """A model that gives its only weights, which may lie in another file, through one operator."""
    tensor = _field(1, 4) + _field(2, 1) + _field(8, "w")
    outside = _field(13, _field(1, "location") + _field(2, data_in)) + _field(14, 1)
    tensor += outside if data_in else _field(9, bytes(16))
    output = _field(1, "y") + _field(2, _field(1, _field(1, 1) + _field(2, _field(1, _field(1, 4)))))
    node = _field(1, "w") + _field(2, "y") + _field(4, operator) + (_field(7, domain) if domain else b"")
    graph = _field(1, node) + _field(2, "g") + _field(5, tensor) + _field(12, output)
    versions = _field(8, _field(1, "") + _field(2, 17)) + (
        _field(8, _field(1, domain) + _field(2, 1)) if domain else b""
    )
    return _field(1, 8) + _field(7, graph) + versions


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        _onnx(data_in="../secret.bin"), _onnx(data_in="/etc/passwd"), _onnx(data_in="link.bin"), _onnx(data_in="/dev/zero"),
        _onnx(domain="ai.onnx.contrib", operator="PyOp"), _onnx(domain="own", operator="Evil"), b"", b"no model", bytes(99),
    ],
)  # fmt: skip
def test_an_onnx_model_with_data_elsewhere_or_operators_of_its_own_is_one_line(content: bytes, tmp_path: Path) -> None:
    from bench.artifacts.digest import digest
    from bench.models.base import Device
    from bench.models.pages import PageReader

    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to("../secret.bin")
    path = folder / "own.onnx"
    path.write_bytes(content)
    reader = PageReader(f"file:{path}", digest(path), f"file:{path}", digest(path))
    with pytest.raises(BenchError, match=r"own.onnx cannot be read as a model") as caught:
        reader.load(Device())
    assert "\n" not in str(caught.value)
