"""Exports: each holds what the run holds, in a form that its own reader takes, and nothing of any example."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundles import Guesser, Numbers, made, run
from small_data import reference_data

from bench.bundles.unpack import unpacked
from bench.cli import main
from bench.commands.export import _files
from bench.commands.shared.options.exports import FORMATS
from bench.errors import BenchError
from bench.exports import card, eee, hub, latex, long, markdown, mteb, paper
from bench.exports.item import Item, differing, item, repeated
from bench.models.base import Device
from bench.models.reference import Oracle
from bench.record import Run, Score
from bench.run import evaluate
from bench.runs import measurements
from bench.runs.folder import RECORD, read_run
from bench.runs.settings import Settings
from bench.types import Choose

SAID, ASKED = "VOICEOFTHEMODEL", "TEXTOFTHEDATA"
UGLY = "a&b_#%$^~{}\\[x]*|<i>`=cmd\u202e\u0007"
Maker = Callable[..., Run]
NUMBERS: dict[str, Any] = {"task": None, "model": None}  # what the files of these runs have, which say nothing


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of sixty numbers: `good` right for half of them, `failing` on one, `few` on the first 30, `oracle`, and a bundle."""
    place = tmp_path_factory.mktemp("exports")
    bundle = made(place, run(place / "theirs", "theirs", Guesser("c")), submitter="Ann")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(place / "cache"))
        handed = unpacked(bundle).runs[0][0]
    return {
        "good": run(place / "runs", "good", Guesser(SAID)),
        "failing": run(place / "runs", "failing", Guesser("b", error="broken")),
        "few": run(place / "runs", "good", Guesser(SAID), limit=30),
        "oracle": evaluate(Numbers(seen=f" {ASKED}"), Oracle(), "oracle", Device("cpu", "none", 1),
                           Settings(runs_dir=place / "runs", config={"seed": 0}))[1].path,
        "handed": handed,
    }  # fmt: skip


@pytest.fixture
def items(folders: dict[str, Path]) -> dict[str, Item]:
    """The runs as exports take them."""
    return {name: item(folder, read_run(folder / RECORD), Numbers, measurements.read(folder), NUMBERS)
            for name, folder in folders.items()}  # fmt: skip


def called(one: Item, **changes: Any) -> Item:
    """The item with other fields in its run."""
    return replace(one, run=replace(one.run, **changes))


def schema() -> dict[str, Any]:
    """The schema of Every Eval Ever, where the reference data have it."""
    return dict(eee.schema(reference_data()))


# Every Eval Ever


@pytest.mark.slow
@pytest.mark.parametrize("name", ["good", "failing", "few", "oracle", "handed"])
def test_a_record_of_every_eval_ever_fits_the_format_s_own_schema(items: dict[str, Item], name: str) -> None:
    one = called(items[name], model=UGLY) if name == "few" else items[name]
    found = eee.record(one, now=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    eee.refuse_unfit(found, schema(), name)
    assert json.loads(eee.text_of(found)) == found
    assert re.fullmatch(r"data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json",
                        eee.path_of(one))  # fmt: skip


def test_a_record_that_does_not_fit_is_refused_and_says_where(items: dict[str, Item]) -> None:
    found = eee.record(items["good"])
    found["evaluation_results"][0]["metric_config"]["lower_is_better"] = "no"
    with pytest.raises(BenchError, match=r"evaluation_results\.0\.metric_config\.lower_is_better"):
        eee.refuse_unfit(found, schema(), "good")


def test_a_record_has_the_score_its_interval_and_what_is_claimed(items: dict[str, Item]) -> None:
    first, score = eee.record(items["failing"])["evaluation_results"][0], items["failing"].run.scores[0]
    bounds = first["score_details"]["uncertainty"]["confidence_interval"]
    assert (first["score_details"]["score"], bounds["lower"], bounds["upper"]) == (score.value, score.low, score.high)
    assert (first["score_details"]["details"]["n_failed"], first["metric_config"]["lower_is_better"]) == ("1", False)
    assert first["generation_config"]["generation_args"]["temperature"] == 0.0
    handed = eee.record(items["handed"])
    told = handed["evaluation_results"][0]["generation_config"]["additional_details"]
    assert "evaluation_timestamp" not in handed
    assert handed["source_metadata"]["additional_details"]["claimed"] == "all"
    assert "device" not in told
    assert told["claimed_device"] == "cpu"


def test_a_schema_that_is_not_here_or_of_another_version_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        BenchError, match=r"does not exist, and BENCH_OFFLINE .* run this without BENCH_OFFLINE, or put"
    ):
        eee.schema(tmp_path)
    (tmp_path / "eee").mkdir()
    for text, line in (
        ('{"version": "0.2.2"}', "is version 0.2.2 of Every Eval Ever, this writes 0.3.0"),
        ("[", "is no schema"),
    ):
        (tmp_path / eee.LOCAL).write_text(text, encoding="utf-8")
        with pytest.raises(BenchError, match=re.escape(line)):
            eee.schema(tmp_path)


# The Hub


def test_the_hub_s_own_library_reads_the_entries_and_the_index_back(items: dict[str, Item]) -> None:
    from huggingface_hub import parse_eval_result_entries
    from huggingface_hub.repocard_data import model_index_to_eval_results

    one, score = items["good"], items["good"].run.scores[0]
    text = hub.eval_results([one], dataset="a/numbers", task_id="n")
    (entry,) = parse_eval_result_entries(yaml.safe_load(text))
    assert (entry.dataset_id, entry.task_id, entry.value, entry.date) == (
        "a/numbers",
        "n",
        score.value,
        one.run.created,
    )
    assert f"95 % interval {score.low:.4f} to {score.high:.4f}" in str(entry.notes)
    index = yaml.safe_load(hub.front_matter(hub.model_index([one, called(items["few"], task="other")])))["model-index"]
    name, results = model_index_to_eval_results(index)
    assert (name, len(results)) == ("good", 4)
    assert [found.metric_value for found in results[:2]] == [found.value for found in one.run.scores]
    assert {found.dataset_args["n_examples"] for found in results if found.dataset_args} == {60, 30}  # each its own


def test_what_would_mislead_on_the_hub_is_said_or_refused(items: dict[str, Item]) -> None:
    with pytest.raises(BenchError, match="'numbers' has no data set on the Hub by its card"):
        hub.eval_results([items["good"]])
    with pytest.raises(BenchError, match="would both be the entry of a/b, task numbers"):
        hub.eval_results([items["good"], items["few"]], dataset="a/b")
    with pytest.raises(BenchError, match="an entry holds one value; name one --metric of"):
        hub.eval_results([items["good"]], ["f1", "exact_match"], dataset="a/b")
    assert "the first 30 of 60 examples only" in hub.eval_results([items["few"]], dataset="a/b")
    handed = yaml.safe_load(hub.eval_results([items["handed"]], dataset="a/b"))[0]
    assert "claimed (all): handed in by Ann (self-reported)" in handed["notes"]
    assert "date" not in handed
    other = hub.eval_results([called(items["good"], n_examples=20)], dataset="a/b")
    assert "20 examples, where the official data have 60" in other
    assert "1 failed and counted as wrong" in hub.eval_results([items["failing"]], dataset="a/b")
    (result,) = hub.model_index([items["handed"]])[0]["results"]
    assert result["metrics"][0]["name"].endswith("(claimed by Ann)")
    assert "verified" not in json.dumps(result).replace("not verified", "")


# MTEB


class Labels(Numbers):
    """The same numbers as labels of texts."""

    output = Choose


def test_mteb_s_form_has_its_fields_and_other_tasks_are_one_line(items: dict[str, Item]) -> None:
    found = mteb.result(replace(items["good"], task=Labels))
    assert set(found) == {
        "dataset_revision",
        "task_name",
        "mteb_version",
        "scores",
        "evaluation_time",
        "kg_co2_emissions",
        "date",
    }
    ((subset,),) = found["scores"].values()
    assert (subset["main_score"], subset["hf_subset"], subset["languages"]) == (
        items["good"].run.scores[0].value,
        "default",
        ["eng-Latn"],
    )
    assert found["task_name"] == "FinAIBench-numbers"
    assert mteb.result(replace(items["handed"], task=Labels))["evaluation_time"] is None
    with pytest.raises(BenchError, match="task 'numbers' is no task for MTEB"):
        mteb.result(items["good"])


# Lines


def test_a_csv_has_a_line_a_score_and_parquet_the_same(items: dict[str, Item]) -> None:
    import pyarrow.parquet

    chosen = [items["good"], items["handed"]]
    rows = list(csv.DictReader(io.StringIO(long.csv_of(chosen))))
    assert [(row["model"], row["metric"]) for row in rows] == [
        (one.run.model, s.metric) for one in chosen for s in one.run.scores
    ]
    assert float(rows[0]["value"]) == items["good"].run.scores[0].value
    assert (rows[0]["device"], rows[0]["claimed_device"], rows[0]["claimed"]) == ("cpu", "", "")
    assert (rows[-1]["device"], rows[-1]["claimed_device"], rows[-1]["claimed"]) == ("", "cpu", "all")
    table = pyarrow.parquet.read_table(io.BytesIO(long.parquet_of(chosen)))
    assert table.to_pylist() == long.rows(chosen)
    assert [str(table.schema.field(name).type) for name in ("value", "n", "ranks", "model")] == [
        "double",
        "int64",
        "bool",
        "string",
    ]


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", " =x", "a;=x", "\uff1dx", UGLY])
def test_no_text_of_a_csv_begins_a_formula(items: dict[str, Item], name: str) -> None:
    row = next(csv.DictReader(io.StringIO(long.csv_of([called(items["good"], model=name)]))))
    cells = [cell for part in row["model"].split(";") for cell in [part.strip()]]
    assert not any(cell.startswith(("=", "+", "-", "@", "\uff1d")) for cell in cells)
    assert row["model"].isprintable()


# Tables


def braces(text: str) -> int:
    """The depth at the end of a LaTeX text, its escaped braces left out; never below 0 on the way."""
    depth = 0
    for sign in re.sub(r"\\[\\{}]", "", text):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    return depth


@pytest.mark.parametrize("name", ["plain", UGLY, "[2pt]", "*", "a -- b", "\\input{/etc/passwd}", "100 % \\\\ & x"])
def test_latex_and_markdown_have_as_many_cells_in_each_row_whatever_a_name_is(
    items: dict[str, Item], name: str
) -> None:
    tables = paper.papers([called(items["good"], model=name), items["few"], items["oracle"]], ["f1", "exact_match"])
    text = latex.latex_of(tables)
    assert braces(text) == 0
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.split("\n") if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {4 + 2}  # data of three kinds, two metrics each
    assert not any(re.search(r"\\\\\s*[\[*]", f"{one}\n{two}") for one, two in pairwise(lines))
    assert re.search(r"(?<!\\)%", "\n".join(lines)) is None
    assert r"\input" not in text
    rows = [line for line in markdown.markdown_of(tables).split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {8}
    assert "\u202e" not in text + "".join(rows)


def test_runs_on_other_data_never_share_a_column_and_rows_say_what_sets_them_apart(items: dict[str, Item]) -> None:
    (table,) = paper.papers([items["good"], items["few"], items["failing"]])
    assert len(table.heads) == 2
    assert all("data" in what for _, _, what in table.heads)
    assert [tuple(cell is not None for cell in cells) for _, cells in table.rows] == [(True, True), (True, False)]
    assert "numbers f1 % ↑: its columns are of other examples, prompts or scorers, and do not compare." in table.notes
    assert any(note.startswith("numbers: failed answers, which count as wrong: 1 of failing") for note in table.notes)
    plain, sharp = (replace(called(items[name], config={"model": {"x": n}}), changed={"model.x": n} if n else {})
                    for n, name in enumerate(("good", "few")))  # fmt: skip
    assert [name for name, _ in paper.papers([plain, sharp])[0].rows] == ["good (settings of its file)", "good (x=1)"]
    seeded = called(items["good"], seed=7, run_id="ffff")
    (table,) = paper.papers([items["good"], seeded])
    assert [name for name, _ in table.rows] == ["good (seed 0)", "good (seed 7)"]
    again = called(items["good"], run_id="ffff")
    (table,) = paper.papers([items["good"], again])
    assert [name for name, _ in table.rows] == [f"good (run {items['good'].run.run_id})", "good (run ffff)"]


def test_ties_are_told_and_a_claimed_score_is_marked_and_never_bold(items: dict[str, Item]) -> None:
    good = items["good"].run
    best = called(
        items["oracle"], model="best", is_reference=False, data_fingerprint=good.data_fingerprint, asked=good.asked
    )
    (table,) = paper.papers([items["good"], items["failing"], items["handed"]])
    cells = {name: cells[0] for name, cells in table.rows}
    assert cells["good"] is not None
    assert cells["failing"] is not None
    assert cells["theirs"] is not None
    assert (cells["good"].letter, cells["good"].best, cells["failing"].letter) == ("a", True, "a")
    assert (cells["theirs"].claimed, cells["theirs"].best, cells["theirs"].group) == (True, False, None)
    cell = paper.Cell("-0.5", "[-1.0, 0.2]", 2, True, True)
    bold = r"\textasciitilde{}\textbf{$-$0.5}\textsuperscript{b} {\footnotesize {[}$-$1.0, 0.2{]}} \\"
    assert bold in latex.latex_of([paper.Paper("cpu", (("t", "m", "n=1"),), (("a", (cell,)),), ())])
    assert r"\textasciitilde{}" in latex.latex_of([table])
    assert r"\~" in markdown.markdown_of([table])
    (table,) = paper.papers([items["good"], best])  # their rows are of other examples: no word on ties
    assert all(cell is not None and not cell.best for _, cells in table.rows for cell in cells)


def test_cpu_and_gpu_have_a_table_each_and_what_is_less_is_better_is_said(tmp_path: Path, run_record: Maker) -> None:
    wer = Score("wer", 1.25, 1.0, 1.5, 10, 0, False, False)
    found = paper.papers([Item(tmp_path, run_record("a", kind=kind, scores=(wer,))) for kind in ("cpu", "cuda")])
    assert [table.title for table in found] == ["cpu", "cuda"]
    assert found[0].heads == (("squad_v1", "wer ↓", "n=100"),)
    cell = found[0].rows[0][1][0]
    assert cell is not None
    assert (cell.value, cell.interval) == ("1.25", "[1.00, 1.50]")


# A model card


HEAD = "license: mit  # keep this\ntags:\n- a\nmodel-index:\n- name: other\n  results: []\nlanguage: en\n"
CARD = f"---\n{HEAD}---\n# Mine\n\ntext | x\n"


@pytest.mark.slow
def test_a_card_keeps_all_else_and_the_same_run_again_changes_nothing(items: dict[str, Item]) -> None:
    once = card.appended(CARD, [items["good"]], "C.md")
    both = card.appended(once, [called(items["good"], task="second")], "C.md")
    assert card.appended(both, [items["good"]], "C.md") == both
    head = yaml.safe_load(once.split("---\n")[1])
    assert (head["license"], head["language"], head["model-index"][0]) == (
        "mit",
        "en",
        {"name": "other", "results": []},
    )
    assert "license: mit  # keep this\n" in once
    assert "# Mine\n\ntext | x\n" in both
    assert both.count("<!-- finai-bench begin") == 2
    assert items["good"].run.data_fingerprint in once
    two = card.appended(
        card.appended("", [called(items["good"], model="a b")], ""), [called(items["good"], model="a--b")], ""
    )
    assert two.count("<!-- finai-bench begin") == 2
    assert not re.search(r"<!--(?:(?!-->).)*--(?!>)", two)
    windows = card.appended("\ufeff" + CARD.replace("\n", "\r\n"), [items["good"]], "C.md")
    assert windows == "\ufeff" + once.replace("\n", "\r\n")


THEIRS = """model-index:
  # ours, keep
  - name: good   # theirs
    results:
      - {task: {type: x, name: y}, metrics: [{type: acc, value: 1.10, 'n': 0o7}]}  # by hand
      # the end
  - name: 'other'
    results: []
"""


@pytest.mark.slow
def test_what_others_wrote_in_an_index_stays_letter_for_letter_or_the_card_is_refused(items: dict[str, Item]) -> None:
    good = items["good"]
    for head in (THEIRS, f"license: mit\n{THEIRS}tags: [a]  # z\n", HEAD, "model-index: []\na: 1\n", "model-index:\n"):
        text = f"---  \n{head}---\t\n# Mine\n\n\n"
        once = card.appended(text, [good, called(good, task="t2")], "C.md")
        assert card.appended(once, [called(good, task="t2"), good], "C.md") == once
        left = iter(once.split("\n"))
        kept = text.replace("model-index: []\n", "").split("\n")
        assert all(line in left for line in kept)  # each behind the one before it
    for head in ("model-index: [{name: good, results: []}]\n", "model-index:\n- name: good\n  results: []\n"):
        with pytest.raises(BenchError, match="bench export RUN --to model-index"):
            card.appended(f"---\n{head}---\n", [good], "C.md")
    once = card.appended(f"---\n{THEIRS}---\n", [good], "C.md")
    with pytest.raises(BenchError, match="has comments"):
        card.appended(once.replace("\n        metrics:\n", "\n        metrics: # x\n"), [good], "")
    with pytest.raises(BenchError, match="CR LF"):
        card.appended("a\r\nb\n", [good], "")


def test_marks_that_are_quoted_are_no_section(items: dict[str, Item]) -> None:
    section = card.section(items["good"])
    quoted = f"# Mine\n\n````md\n{section}````\n\nand `{section.split(chr(10))[0]}`\n"
    once = card.appended(quoted, [items["good"]], "C.md")
    assert quoted in once
    assert once.count(section) == 2
    assert card.appended(once, [items["good"]], "C.md") == once
    with pytest.raises(BenchError, match="does not end; close it"):
        card.appended("```\nx\n", [items["good"]], "C.md")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\na: 1\na: 2\n---\n", "C.md: its front matter is not plain YAML (line 3:"), ("---\na: 1\n", "does not end"),
        ("---\n- a\n---\n", "expected keys and values"), ("---\nmodel-index: 3\n---\n", "no list of models"),
        ("---\n{model-index: [], a: 1}\n---\n", "shares its line"), ('---\n"model-index": []\n---\n', "by hand"),
        ("<!-- finai-bench begin numbers/good -->\n", "are not a pair"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_read_is_one_line(items: dict[str, Item], text: str, line: str) -> None:
    with pytest.raises(BenchError, match=re.escape(line)):
        card.appended(text, [items["good"]], "C.md")


def test_a_section_says_what_failed_what_is_claimed_and_how_to_repeat_it(items: dict[str, Item]) -> None:
    text = card.section(items["handed"])
    assert "\\~ Handed in by Ann (self-reported): all is claimed." in text
    assert re.search(r"\| f1 % \| \\~\d", text)
    assert "- Device: \\~cpu" in text
    assert "| f1 % | " in card.section(items["failing"])
    assert "| higher | 60 | 1 |" in card.section(items["failing"])
    assert "bench run task=numbers model=good limit=30" in card.section(items["few"])


# What is not in any, and the command


def test_the_command_that_repeats_a_run_has_what_differs_from_the_files(items: dict[str, Item]) -> None:
    changed = differing({"a": 1, "b": {"c": "x y", "d": None}}, {"a": 1, "b": {"c": "z", "d": 3}}, "model")
    assert changed == {"model.b.c": "x y", "model.b.d": None}
    assert "'model.b.c=\"x y\"' model.b.d=null" in repeated(replace(items["good"], changed=changed))
    assert repeated(replace(items["good"], changed=None)) == ""


@pytest.mark.parametrize("to", FORMATS)
def test_no_format_holds_a_text_of_an_example_or_an_answer(
    items: dict[str, Item], to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argparse import Namespace

    monkeypatch.setattr(eee, "schema", lambda data_dir: {})
    asked = Namespace(to=to, metric=[], dataset="a/b", task_id=None, organization=None, relationship=None)
    for name in ("good", "oracle"):
        prompt = {**items[name].run.config, "model": {"system": f"{SAID} " * 50}}
        one = called(replace(items[name], task=Labels), config=prompt)
        text = str(_files(asked, [one])) + card.whole([one])
        assert SAID not in text
        assert ASKED not in text


@pytest.mark.slow
def test_the_command_writes_what_was_asked_and_refuses_the_rest_in_a_line(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = str(folders["good"].parents[2])

    def bench(*words: str) -> tuple[int, str, list[str]]:
        code = main([*words, "--runs", runs])
        said = capsys.readouterr()
        return code, said.out, said.err.split("\n")[:-1]

    good, failing = folders["good"].name, "numbers/failing"
    code, text, _ = bench("export", good, failing, good, "--to", "csv")
    assert (code, len(list(csv.DictReader(io.StringIO(text))))) == (0, 4)
    code, text, _ = bench("export", good, failing, "--to", "csv", "-o", "x.csv", "--json")
    assert (code, json.loads(text)["files"]) == (0, ["x.csv"])
    assert bench("export", good, "--to", "csv", "-o", "x.csv")[0] == 0
    for _ in range(2):  # the same again takes nothing from anybody
        assert bench("export", good, "--to", "csv", "-o", "x")[0] == 0
    (tmp_path / "C.md").touch()
    (tmp_path / "C.md").chmod(0o604)
    code, text, _ = bench("card", good, "--append", "C.md")
    assert (tmp_path / "C.md").stat().st_mode & 0o777 == 0o604
    assert (code, (tmp_path / "C.md").read_text(encoding="utf-8").count("finai-bench begin")) == (0, 1)
    (folders["good"].parents[1] / "begun" / "0").mkdir(parents=True, exist_ok=True)
    (folders["good"].parents[1] / "begun" / "0" / "config.yaml").write_text("", encoding="utf-8")
    for words, line in (
        (["export", "no/body", "--to", "csv"], "no/body is no run"),
        (["export", "numbers/begun", "--to", "csv"], "is not complete"),
        (["export", good, "--to", "csv", "--metric", "nope"], "--metric nope: no run here has it"),
        (["export", good, "--to", "csv", "--task-id", "x"], "--task-id belongs to --to hf-eval-results"),
        (["export", good, "--to", "hf-eval-results", "--dataset", "../x"], "is no data set of the Hub"),
        (["export", good, "--to", "csv", "-o", f"{folders['good']}/run.json"], "lies in the folder of"),
        (["export", good, failing, "--to", "hf-eval-results", "--dataset", "a/b"], "makes a file for each of 2"),
        (["export", good, "--to", "csv", "-o", "C.md"], "C.md is there, and its ending is not that of csv"),
        (["export", good, "--to", "pdf"], "invalid choice: 'pdf'"),
        (["card", good, failing], "a model card is of one model"),
    ):
        code, text, errors = bench(*words)
        assert (code, text, len(errors)) == (2, "", 1), words
        assert line in errors[0]
    path = folders["failing"] / RECORD
    path.write_text(path.read_text(encoding="utf-8").replace('"n_failed": 1', '"n_failed": 0'), encoding="utf-8")
    (folders["failing"] / "predictions.jsonl").open("a").write(" ")
    assert "is not the file that the run wrote" in bench("export", failing, "--to", "csv")[2][0]
