"""A path on the command line is that path, whatever letters it has."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from small_data import FILES

from bench.config import compose as conf
from bench.config.overrides import override, readable
from bench.errors import BenchError

Main = Callable[..., tuple[int, list[str], list[str]]]
SIGNS = "aé= ,#'\"()[]{}~&!$%:@;\\|?*<>^`+-.\n\t…0\u2028"
ODD = "é = ,#'\"([{~&!$%:@;\\"


def read_by_hydra(word: str) -> Any:
    """What comes out of Hydra and OmegaConf for one override."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    (found,) = OverridesParser.create().parse_overrides(readable([word], conf.GROUPS, sweeps=False))
    config = OmegaConf.create({"x": found.value()})
    return OmegaConf.to_container(config, resolve=True)["x"]


@pytest.mark.slow
@given(st.text(st.sampled_from(SIGNS), min_size=1, max_size=12))
@example(" ''")
def test_any_text_is_read_as_that_text(text: str) -> None:
    key = "data.path"
    words = [override(key, text)]
    bare = text.strip()  # as Hydra reads it
    may_be_quoted = bare[:1] == bare[-1:] and bare[:1] in ("'", '"')
    if not may_be_quoted and "${" not in text:  # else it is read as what is quoted, or looked up
        words.append(f"{key}={text}")
    for word in words:
        assert read_by_hydra(word) == text


@pytest.mark.parametrize(
    "text", ["007", "1e3", "true", "2024_01", "[x]", "{a:b}", "a,b", "${a}", "\\${a}", "a\\", "\\'", "x "]
)
def test_a_place_is_no_number_list_or_lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(text).touch()
    for key in (
        "data.path",
        "data_dir",
        "runs_dir",
        "model.source",
        "task.data.path",
        "model.text_model.source",
        "tracking.uri",
    ):
        assert read_by_hydra(f"{key}={text}") == text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("data.path=null", None),
        ("data.path='a,b'", "a,b"),
        ('data.path="é"', "é"),
        ("limit=5", 5),
        ("suite.tasks=[a,b]", ["a", "b"]),
        ("model.labels={a:b}", {"a": "b"}),
        ("model.source=pypi:chitchat-dataset==0.9.0#a/b.json", "pypi:chitchat-dataset==0.9.0#a/b.json"),
    ],
)
def test_what_hydra_is_meant_to_read_it_still_reads(word: str, expected: Any) -> None:
    assert read_by_hydra(word) == expected


@pytest.mark.slow
def test_a_lookup_in_a_path_is_still_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    config, _ = conf.compose(["task=squad_v1", "data_dir=a", "data.path=${data_dir}/é (1)"])
    assert conf.plain(config)["task"]["data"]["path"] == "a/é (1)"


def test_a_choice_that_hydra_cannot_read_does_not_exist() -> None:
    with pytest.raises(BenchError, match=r"^task 'é\(' does not exist"):
        conf.compose(["task=é("])


def test_a_value_that_hydra_cannot_read_shows_how_to_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    word = "model.instruction=What's (in) it, é?"
    with pytest.raises(BenchError) as caught:
        conf.compose(["model=smollm2", word])
    shown = str(caught.value).rpartition("write ")[2]
    (written,) = shlex.split(shown)
    assert read_by_hydra(written) == "What's (in) it, é?"
    Path("What's (in) it, é?").touch()
    assert read_by_hydra(word) == "What's (in) it, é?"


@pytest.mark.slow
def test_a_sweep_over_paths_parts_them_at_the_commas_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a,b (1).json", "é", "a,b"):
        Path(name).touch()

    def paths(value: str) -> list[Any]:
        jobs = conf.sweep(["task=squad_v1", f"data.path={value}"])
        return [conf.plain(conf.compose(job)[0])["data"]["path"] for job in jobs]

    assert paths("a,b (1).json,é") == ["a,b (1).json", "é"]
    assert paths("é,a,b,x=y") == ["é", "a,b", "x=y"]
    assert paths("a,b") == ["a,b"]
    assert paths("'a,c',é2,\"d'e\"") == ["a,c", "é2", "d'e"]
    assert paths("c,d") == ["c", "d"]
    assert paths("choice(c,d)") == ["c", "d"]
    sources = conf.sweep(["model=smollm2", "model.source=file:a,b (1).json,file:é", "seed=0,1"])
    assert len(sources) == 4
    assert conf.plain(conf.compose(sources[0])[0])["model"]["source"] == "file:a,b (1).json"


@pytest.mark.slow
def test_the_folders_of_the_environment_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BENCH_DATA", "BENCH_RUNS"):
        monkeypatch.setenv(name, f"/x/{ODD}${{a}}")
    config = conf.plain(conf.compose(["task=squad_v1"])[0])
    assert (config["data_dir"], config["runs_dir"]) == (f"/x/{ODD}${{a}}",) * 2
    assert config["task"]["data"]["data_dir"] == f"/x/{ODD}${{a}}"


@pytest.mark.slow
def test_a_whole_run_among_odd_paths(tmp_path: Path, bench_main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / ODD
    (place / "conf/task").mkdir(parents=True)
    (place / "conf/task/own_squad.yaml").write_text(
        "# SQuAD of one's own\n_target_: tasks.squad.SquadV1\ndata:\n  _target_: bench.data.source.DataSource\n"
        "  local: squad/dev-v1.1.json\n  data_dir: ${data_dir}\n  path: ${data.path}\n"
    )
    (data := place / f"{ODD}.json").write_text(str(FILES["squad/dev-v1.1.json"]))
    (place / "squad").mkdir()
    (place / "squad/dev-v1.1.json").write_text(str(FILES["squad/dev-v1.1.json"]))
    (said := place / f"said {ODD}.json").write_text('{"elbe-1": "Bohemia"}')
    monkeypatch.setenv("BENCH_CONF", str(place / "conf"))
    monkeypatch.setenv("BENCH_RUNS", str(runs := place / "runs"))
    more = (f"data.path={data}", "resamples=20")
    assert bench_main("run", "task=own_squad", "model=lexical", *more)[0] == 0
    assert bench_main("score", "squad_v1", str(said), "--data", str(data), "--model", "mine", "resamples=20")[0] == 0
    (record,) = runs.glob("squad_v1/lexical/*/run.json")
    for command in (
        ["board"], ["compare", str(record.parent), str(record)], ["compare", "squad_v1/lexical", "squad_v1/mine"], ["sync"],
        ["submit", "squad_v1/mine", "-o", str(place / "b.zip")],
        ["compare", f"{place}/b.zip", f"{place}/b.zip#squad_v1/mine"],
        ["verify", f"{place}/b.zip", "--data-dir", str(place)],
        ["doctor", "task=squad_v1", f"data.path={data}"],
    ):  # fmt: skip
        code, _, err = bench_main(*command)
        assert code == (command[0] == "doctor"), (command, err)  # so few examples are not the official ones
    assert (runs / "mlflow.db").is_file()
    code, _, err = bench_main("board", "--runs", "a\udce9")
    assert (code, err) == (
        2,
        ["bench: 'a\\udce9' is not UTF-8, and a record could not hold it; rename the file or folder"],
    )
    assert not [name for name in os.listdir(tmp_path) if name not in ("conf", ODD, "leaderboards")]  # noqa: PTH208
