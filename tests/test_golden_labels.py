"""Every reference score of labels that others predicted, through the command, to four decimals."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from small_data import reference_data

pytestmark = pytest.mark.slow
FOLDERS = {"fomc": "fomc", "fpb_zero_shot": "phrasebank_zero_shot", "cfpb_complaints": "complaints_cfpb"}


@cache
def golden() -> dict[str, Any]:
    path = reference_data() / "finance" / "GOLDEN.json"
    if not path.is_file():
        pytest.skip("the reference data of finance are not here")
    return dict(json.loads(path.read_text()))


def scored(bench_main: Callable[..., Any], runs: Path, task: str, file: str, *more: str) -> dict[str, Any]:
    """What `bench score --json` says."""
    code, out, err = bench_main(
        "score", task, file, "--json", f"data_dir={reference_data()}", f"runs_dir={runs}", "resamples=1", *more
    )
    assert code == 0, err
    return dict(json.loads(out[-1]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_reference_scores_of_every_model_are_had_from_its_file(
    folder: str, bench_main: Callable[..., Any], tmp_path: Path
) -> None:
    place = reference_data() / "finance" / folder
    for name, expected in golden()[folder].items():
        if folder == "cfpb_complaints":
            found = scored(bench_main, tmp_path, FOLDERS[folder], f"{place / 'dataset.csv'}@{name}_prediction")
        else:
            split = f"task.split={name.rpartition('-')[2]}"
            found = scored(bench_main, tmp_path, FOLDERS[folder], str(place / "predictions" / f"{name}.jsonl"), split)
        official = found["official"]
        own = {key: value for key, value in expected.items() if not key.startswith("published_")}
        assert {key: official.get(key) for key in own} == pytest.approx(own, abs=5e-5), name
        for key, value in expected.items():
            if key.startswith("published_"):
                assert round(official[key.removeprefix("published_")], 4) == pytest.approx(value, abs=1e-9)
        if "gpt4" in name:  # a label in quotes is that label all the same
            assert found["scores"]["accuracy"]["value"] > official["accuracy"]
