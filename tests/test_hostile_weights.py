"""Files of weights that a stranger made: none runs anything, and what is odd about each is one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.models import checkpoint, shards, weights
from bench.models.config_json import MOST_JSON_BYTES

Main = Callable[..., tuple[int, list[str], list[str]]]


class Plant:
    """Makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def _saved(path: Path, content: Any, **options: Any) -> None:
    import torch

    torch.save(content, path, **options)


def _plain(path: Path, plant: Plant) -> None:
    path.write_bytes(pickle.dumps(plant))


def _protocol_0(path: Path, plant: Plant) -> None:
    path.write_bytes(pickle.dumps(plant, protocol=0))


def _zip(path: Path, plant: Plant) -> None:
    _saved(path, {"w": plant})


def _legacy(path: Path, plant: Plant) -> None:
    _saved(path, {"w": plant}, _use_new_zipfile_serialization=False)


def _beside_tensors(path: Path, plant: Plant) -> None:
    import torch

    _saved(path, {"state_dict": {"w": torch.zeros(2)}, "callbacks": [plant]})


def _in_metadata(path: Path, plant: Plant) -> None:
    import collections

    import torch

    state = collections.OrderedDict(w=torch.zeros(2))
    state._metadata = plant  # type: ignore[attr-defined]
    _saved(path, state)


def _tar(path: Path, plant: Plant) -> None:
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            data = pickle.dumps(plant)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def _script(path: Path, plant: Plant) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl"):
            archive.writestr(f"model/{name}", pickle.dumps(plant, protocol=2))
        archive.writestr("model/version", "3\n")
        archive.writestr("model/code/__torch__.py", f"import os; os.mkdir({str(plant.marker)!r})")


def _module(path: Path, plant: Plant) -> None:
    import torch

    _saved(path, torch.nn.Linear(2, 2))


FORMS = (_plain, _protocol_0, _zip, _legacy, _beside_tensors, _in_metadata, _tar, _script, _module)


def one_line(call: Callable[[], object]) -> str:
    with pytest.raises(BenchError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("file:")
    assert "weights_only" not in line  # torch advises to turn it off
    return line


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__[1:])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "last.ckpt", "shard"])
def test_a_pickle_that_would_run_code_is_refused_and_runs_none(form: Any, name: str, tmp_path: Path) -> None:
    folder, marker = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    if name == "shard":
        name = "pytorch_model-00001-of-00001.bin"
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"w": name}}))
    form(folder / name, Plant(marker))
    line = one_line(lambda: weights.folder(f"file:{folder}", None))
    assert name in line
    assert not marker.exists()
    assert "trust whoever made it" in line or "cannot be read as weights" in line


def test_files_of_training_beside_the_weights_are_not_opened(tmp_path: Path) -> None:
    import torch

    folder, marker = tmp_path / "model", tmp_path / "ran"
    folder.mkdir()
    _saved(folder / "pytorch_model.bin", {"w": torch.ones(2)})
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        _plain(folder / name, Plant(marker))
    made = weights.folder(f"file:{folder}", None)
    assert [path.name for path in made.iterdir()] == [shards.WHOLE]
    assert not marker.exists()


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", b"\0" * 3_000_000)


def _expanded(path: Path) -> None:
    import torch

    _saved(path, {"w": torch.zeros(1).expand(1_000_000, 1_000_000)})


def _sparse(path: Path) -> None:
    import torch

    _saved(path, {"w": torch.eye(3).to_sparse()})


def _meta(path: Path) -> None:
    import torch

    _saved(path, {"w": torch.empty(10**6, 10**6, device="meta")})


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (_bomb, "would unpack to 3,000,000 bytes"),
        (_expanded, "w would have 4,000,000,000,000 bytes out of 4"),
        (_sparse, "w is a tensor of another kind"),
        (_meta, "w is a tensor of another kind"),
        (lambda path: path.write_bytes(b""), "cannot be read as weights"),
        (lambda path: path.write_bytes(b"PK\x03\x04 cut"), "cannot be read as weights"),
        (lambda path: path.write_bytes(pickle.dumps([1, 2])), "cannot be read as weights"),
        (lambda path: _saved(path, {}), "holds a dict without tensors"),
        (lambda path: path.write_bytes(b"\x80\x02" + b"(" * 100_000 + b"l." * 9), "cannot be read as weights"),
    ],
    ids=["bomb", "expanded", "sparse", "meta", "empty", "cut", "list", "no tensors", "nested"],
)
def test_pickled_weights_are_no_larger_than_their_file_and_plain(form: Any, said: str, tmp_path: Path) -> None:
    form(tmp_path / "pytorch_model.bin")
    assert said in one_line(lambda: weights.folder(f"file:{tmp_path}", None))


# --- shards ------------------------------------------------------------------------------------------------------------


def _file(tensors: Mapping[str, int]) -> bytes:
    """A safetensors file with vectors of float32 of these lengths."""
    at, header = 0, {}
    for name, n in tensors.items():
        header[name] = {"dtype": "F32", "shape": [n], "data_offsets": [at, at + 4 * n]}
        at += 4 * n
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at)


def _sharded(folder: Path, places: Any, **files: Mapping[str, int]) -> Path:
    (folder / shards.INDEX).write_text(json.dumps({"weight_map": places}))
    for name, tensors in files.items():
        (folder / f"{name}.safetensors").write_bytes(_file(tensors))
    return folder


ONE, TWO = {"v": "one.safetensors", "w": "two.safetensors"}, {"one": {"v": 2}, "two": {"w": 3}}


def test_shards_that_are_as_their_index_says_are_taken(tmp_path: Path) -> None:
    found = shards.safetensors(_sharded(tmp_path, ONE, **TWO), "file:x")
    assert [path.name for path in found] == ["one.safetensors", "two.safetensors"]


@pytest.mark.parametrize(
    ("places", "files", "said"),
    [
        (ONE, {"one": {"v": 2}}, r"lacks 1 of 2 shards \(two.safetensors\)"),
        (ONE | {"u": "two.safetensors"}, TWO, "two.safetensors lacks u, of which .* says that it is there"),
        (ONE, TWO | {"two": {"w": 3, "x": 1}}, "does not name x, which is in two.safetensors"),
        ({"v": "one.safetensors"}, {"one": {"v": 2, "w": 2}}, "does not name w, which is in one.safetensors"),
        (
            ONE | {"w": "../../x.safetensors"},
            TWO,
            r"says that w is in '../../x.safetensors'; a shard is a .safetensors file",
        ),
        (ONE | {"w": "/etc/x.safetensors"}, TWO, "says that w is in '/etc/x.safetensors'"),
        (ONE | {"w": "sub/x.safetensors"}, TWO, "says that w is in 'sub/x.safetensors'"),
        (ONE | {"w": "..\\x.safetensors"}, TWO, "says that w is in"),
        (ONE | {"w": "pytorch_model.bin"}, TWO, "says that w is in 'pytorch_model.bin'"),
        (ONE | {"w": None}, TWO, "says that w is in 'None'"),
        (ONE | {"w": ["two.safetensors"]}, TWO, "says that w is in"),
        (ONE | {"w": ""}, TWO, "says that w is in ''"),
        ({}, TWO, "it has no weight_map"),
        ("one.safetensors", TWO, "it has no weight_map"),
        (["one.safetensors"], TWO, "it has no weight_map"),
    ],
)
def test_what_an_index_says_that_is_not_so_is_one_line(places: Any, files: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=said):
        shards.safetensors(_sharded(tmp_path, places, **files), "file:x")


@pytest.mark.parametrize(
    ("index", "files", "said"),
    [
        ({"v": "a.bin", "w": "b.bin"}, {"a.bin": "v", "b.bin": "w"}, None),
        ({"v": "a.bin", "w": "b.bin"}, {"a.bin": "v"}, r"lacks 1 of 2 shards \(b.bin\)"),
        ({"v": "a.bin", "w": "b.bin"}, {"a.bin": "v", "b.bin": "u"}, "b.bin lacks w"),
        ({"v": "a.bin"}, {"a.bin": "vw"}, "does not name w, which is in a.bin"),
        ({"v": "a.bin", "w": "../b.bin"}, {"a.bin": "v", "../b.bin": "w"}, "says that w is in '../b.bin'"),
    ],
)
def test_pickled_shards_are_held_against_their_index_too(index: Any, files: Any, said: str, tmp_path: Path) -> None:
    import torch

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": index}))
    for name, tensors in files.items():
        _saved(folder / name, {tensor: torch.ones(2) for tensor in tensors})
    if said is None:
        assert sorted(shards.tensors_of(weights.folder(f"file:{folder}", None) / shards.WHOLE, "file:x")) == ["v", "w"]
    else:
        with pytest.raises(BenchError, match=said):
            weights.folder(f"file:{folder}", None)


@pytest.mark.parametrize("more", [b"x", b"\0" * 4096])
def test_a_shard_that_is_larger_than_its_head_says_is_one_line(more: bytes, tmp_path: Path) -> None:
    _sharded(tmp_path, ONE, **TWO)
    path = tmp_path / "two.safetensors"
    path.write_bytes(path.read_bytes() + more)
    with pytest.raises(BenchError, match=r"two.safetensors is cut off or damaged \(\d+ of \d+ bytes\)"):
        shards.safetensors(tmp_path, "file:x")


def _lying(header: Any, data: int = 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


@pytest.mark.parametrize(
    "content",
    [
        (2**63).to_bytes(8, "little") + bytes(100),
        _lying({"w": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 8]}}),
        _lying({"w": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 8]}}),
        _lying({"w": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}),
        _lying({"w": {"dtype": "PICKLE", "shape": [2], "data_offsets": [0, 8]}}),
        _lying({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}),
        _lying({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "vw"}),
        _lying({"w": {"dtype": "F32", "shape": [2], "data_offsets": ["0", "8"]}}),
        _lying({"w": [0, 8]}),
        _lying(b"[" * 200_000 + b"]" * 200_000),
        _lying(b'{"w": NaN}'),
    ],
    ids=["length", "negative", "huge", "minus", "dtype", "gap", "overlap", "texts", "list", "nested", "nan"],
)
def test_a_safetensors_file_whose_head_lies_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / shards.WHOLE).write_bytes(content)
    with pytest.raises(BenchError, match=r"file:x: model.safetensors is ") as caught:
        shards.safetensors(tmp_path, "file:x")
    assert "\n" not in str(caught.value)


# --- what lies beside the weights --------------------------------------------------------------------------------------


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
        ("adapter_config.json", {"base_model_name_or_path": "../evil"}, ("remote_code",), "merge the two"),
    ],
)  # fmt: skip
def test_what_a_configuration_may_not_name_is_one_line(
    name: str, content: Any, trust: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / shards.WHOLE).write_bytes(_file({"w": 2}))
    with pytest.raises(BenchError, match=said):
        checkpoint.check(tmp_path, "file:x", ("pickle", *trust), text=True)


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

    _saved(tmp_path / "pytorch_model.bin", {"w": torch.ones(2)})
    made = weights.folder(f"file:{tmp_path}", None)
    save_file({"w": torch.zeros(2)}, made / shards.WHOLE)
    assert weights.folder(f"file:{tmp_path}", None) == made
    assert load_file(made / shards.WHOLE)["w"].tolist() == [1.0, 1.0]
    assert "it is converted anew" in capsys.readouterr().err
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
    _zip(folder / "pytorch_model.bin", Plant(marker))
    code, out, err = bench_main(*command, f"model.source=file:{folder}", *more)
    assert (code, out) == (2, [])
    assert "holds more than tensors (posix.mkdir), which could run code and is never opened" in err[-1]
    assert not marker.exists()
