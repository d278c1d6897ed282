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
from bench.models import shards, weights


class Plant:
    """Makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def saved(path: Path, content: Any, **options: Any) -> None:
    import torch

    torch.save(content, path, **options)


def _plain(path: Path, plant: Plant) -> None:
    path.write_bytes(pickle.dumps(plant))


def _protocol_0(path: Path, plant: Plant) -> None:
    path.write_bytes(pickle.dumps(plant, protocol=0))


def in_zip(path: Path, plant: Plant) -> None:
    saved(path, {"w": plant})


def _legacy(path: Path, plant: Plant) -> None:
    saved(path, {"w": plant}, _use_new_zipfile_serialization=False)


def _beside_tensors(path: Path, plant: Plant) -> None:
    import torch

    saved(path, {"state_dict": {"w": torch.zeros(2)}, "callbacks": [plant]})


def _in_metadata(path: Path, plant: Plant) -> None:
    import collections

    import torch

    state = collections.OrderedDict(w=torch.zeros(2))
    state._metadata = plant  # type: ignore[attr-defined]
    saved(path, state)


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

    saved(path, torch.nn.Linear(2, 2))


FORMS = (_plain, _protocol_0, in_zip, _legacy, _beside_tensors, _in_metadata, _tar, _script, _module)


def one_line(call: Callable[[], object]) -> str:
    with pytest.raises(BenchError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("file:")
    assert "weights_only" not in line  # torch advises to turn it off
    return line


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__.strip("_"))
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
    saved(folder / "pytorch_model.bin", {"w": torch.ones(2)})
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

    saved(path, {"w": torch.zeros(1).expand(1_000_000, 1_000_000)})


def _sparse(path: Path) -> None:
    import torch

    saved(path, {"w": torch.eye(3).to_sparse()})


def _meta(path: Path) -> None:
    import torch

    saved(path, {"w": torch.empty(10**6, 10**6, device="meta")})


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
        (lambda path: saved(path, {}), "holds a dict without tensors"),
        (lambda path: path.write_bytes(b"\x80\x02" + b"(" * 100_000 + b"l." * 9), "cannot be read as weights"),
    ],
    ids=["bomb", "expanded", "sparse", "meta", "empty", "cut", "list", "no tensors", "nested"],
)
def test_pickled_weights_are_no_larger_than_their_file_and_plain(form: Any, said: str, tmp_path: Path) -> None:
    form(tmp_path / "pytorch_model.bin")
    assert said in one_line(lambda: weights.folder(f"file:{tmp_path}", None))


# --- shards ------------------------------------------------------------------------------------------------------------


def vectors(tensors: Mapping[str, int]) -> bytes:
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
        (folder / f"{name}.safetensors").write_bytes(vectors(tensors))
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
        saved(folder / name, {tensor: torch.ones(2) for tensor in tensors})
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
