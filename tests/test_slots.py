"""Who holds a name on the boards: a second submitter gets none that is taken, reserved, or looks like one that is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.bundles import slots
from bench.commands.shared import bundle_verdicts as verify
from bench.commands.shared.bundle_verdicts import REFUSED, UNABLE, VERIFIED, Verdict
from bench.errors import BenchError
from bench.leaderboard import entry
from bench.models.shipped import models
from tests import bundles

ANNA = Path("leaderboards/submissions/numbers/anna/guesser.json")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles: Anna's, a second of hers, and those of others, of the same model's name and of ones that look like it."""
    folder = tmp_path_factory.mktemp("shelf")
    first = bundles.run(folder / "a")
    second = bundles.run(folder / "b", model=bundles.Guesser("b"))
    found = {
        name: bundles.made(folder, run, submitter=submitter, name=f"{name}.zip")
        for name, run, submitter in [
            ("anna", first, "Anna"), ("again", second, "Anna"), ("ben", second, "Ben"), ("nobody", second, ""),
            ("slug", second, "ANNA"),
        ]
    }  # fmt: skip
    for name, model in [("case", "Guesser"), ("other", "guesser-2")]:
        files = bundles.renamed(bundles.contents(found["ben"]), model)
        found[name] = bundles.zipped(folder / f"{name}.zip", files)
    return found


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _added(tmp_path: Path, *paths: Path, replace: bool = False) -> list[Verdict]:
    room = tmp_path / f"room{sum(1 for _ in tmp_path.iterdir())}"
    return verify.judge(paths, room, bundles.Here(), tmp_path / "runs", add=True, replace=replace)


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path("leaderboards").rglob("*.json")}


@pytest.mark.slow
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("who", ["ben", "nobody", "slug", "case"])
def test_a_name_that_is_taken_is_refused_and_nothing_is_overwritten(
    tmp_path: Path, shelf: dict[str, Path], who: str, replace: bool
) -> None:
    (verdict,) = _added(tmp_path, shelf["anna"])
    assert verdict.added[0] == f"wrote {ANNA}"
    before = _files()
    (verdict,) = _added(tmp_path, shelf[who], replace=replace)
    assert verdict.status == REFUSED
    taken = "would be taken for 'guesser'" if who == "case" else "the name 'guesser' is taken by 'Anna'"
    assert taken in verdict.line
    assert "give the model another name" in verdict.line
    assert _files() == before


def test_an_entry_that_is_damaged_here_is_no_fault_of_whoever_bears_its_name(
    tmp_path: Path, shelf: dict[str, Path]
) -> None:
    ANNA.parent.mkdir(parents=True)
    ANNA.write_text("{")
    (verdict,) = _added(tmp_path, shelf["anna"])
    assert (verdict.status, verdict.added) == (UNABLE, [])
    assert f"{ANNA} is not an entry" in verdict.line
    assert ANNA.read_text() == "{"


@pytest.mark.slow
def test_another_name_stands_beside_it(tmp_path: Path, shelf: dict[str, Path]) -> None:
    verdicts = _added(tmp_path, shelf["anna"], shelf["other"])
    assert [verdict.status for verdict in verdicts] == [VERIFIED, VERIFIED]
    assert sorted(_files()) == [str(ANNA), "leaderboards/submissions/numbers/ben/guesser-2.json"]


@pytest.mark.slow
def test_of_two_on_one_command_line_the_first_gets_the_name(tmp_path: Path, shelf: dict[str, Path]) -> None:
    one, two = _added(tmp_path, shelf["anna"], shelf["ben"])
    assert (one.left_out, two.left_out) == (False, True)
    assert two.added[0].startswith("nothing was added: the name 'guesser' is taken by 'Anna'")
    assert list(_files()) == [str(ANNA)]


@pytest.mark.slow
def test_a_submitter_s_own_entry_is_replaced_on_demand_and_what_goes_is_shown(
    tmp_path: Path, shelf: dict[str, Path]
) -> None:
    _added(tmp_path, shelf["anna"])
    before = _files()
    (verdict,) = _added(tmp_path, shelf["again"])
    assert (verdict.status, verdict.left_out) == (VERIFIED, True)
    assert verdict.added[0].startswith(f"nothing was added: 'Anna' has an entry of this name: {ANNA}, verified, of 20")
    assert verdict.added[0].endswith("; --replace puts this one in its place".replace("this", "the new"))
    assert _files() == before
    (verdict,) = _added(tmp_path, shelf["again"], replace=True)
    assert verdict.added[0].startswith(f"replaced {ANNA}, verified, of 20")
    assert list(_files()) == [str(ANNA)]
    assert _files() != before


@pytest.mark.slow
def test_an_entry_of_the_earlier_layout_is_read_holds_its_name_and_moves(
    tmp_path: Path, shelf: dict[str, Path]
) -> None:
    _added(tmp_path, shelf["anna"])
    old = Path("leaderboards/submissions/numbers/guesser.json")
    shutil.move(ANNA, old)
    assert [path for path, _ in entry.find(entry.SUBMISSIONS)] == [old]
    (verdict,) = _added(tmp_path, shelf["ben"])
    assert f"is taken by 'Anna' ({old})" in verdict.line
    assert _added(tmp_path, shelf["anna"])[0].added == ["nothing to add: it is here already"]
    _added(tmp_path, shelf["again"], replace=True)
    assert [path for path, _ in entry.find(entry.SUBMISSIONS)] == [ANNA]


@pytest.mark.slow
def test_a_model_s_name_is_held_on_every_board(tmp_path: Path, shelf: dict[str, Path]) -> None:
    _added(tmp_path, shelf["anna"])
    Path("leaderboards/submissions/other").mkdir()
    shutil.move(ANNA.parent, "leaderboards/submissions/other/anna")
    assert "is taken by 'Anna'" in _added(tmp_path, shelf["ben"])[0].line
    assert _added(tmp_path, shelf["again"])[0].added[0] == f"wrote {ANNA}"


RESERVED = [(name, f"the name '{name}' is that of a reference row") for name, is_row in models().items() if is_row]
RESERVED += [
    ("0racle", "would be taken for the reference row 'oracle'"), ("Constant", "the reference row 'constant'"),
    ("smo11m2", "would be taken for the model 'smollm2'"), ("srnollm2", "would be taken for the model 'smollm2'"),
    ("guess\u0435r", "mixes Latin and Cyrillic letters"), ("gu\u200bess", "invisible or unknown sign U+200B"),
    ("con", "what a system calls a device"), ("\uff47uesser", "write 'guesser'"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "said"), RESERVED)
def test_a_name_that_is_reserved_or_deceives_is_refused_everywhere(
    tmp_path: Path, shelf: dict[str, Path], model: str, said: str
) -> None:
    assert said in slots.name_problem(model)
    files = bundles.renamed(bundles.contents(shelf["anna"]), model)
    (verdict,) = _added(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.status == REFUSED
    assert said in verdict.line or "in its name" in verdict.line or "in a form that is not normal" in verdict.line
    assert verdict.line.isprintable()
    with pytest.raises(BenchError, match="name"):
        bundles.made(tmp_path, bundles.run(tmp_path / "made", model))


def test_two_names_of_one_bundle_that_look_alike_are_refused() -> None:
    assert "would be taken for 'm1' in the same bundle" in slots.names_problem(["m1", "ml"], "Anna")


@pytest.mark.parametrize("submitter", ["A\u043dna", "An\u200bna", "Anna\n", " Anna", "x" * 200, "\u202eannA"])
def test_a_submitter_who_hides_or_mixes_is_refused(tmp_path: Path, shelf: dict[str, Path], submitter: str) -> None:
    files = bundles.contents(shelf["anna"])
    bundles.changed(files, "manifest.json", bundles.with_key("submitter", value=submitter))
    (verdict,) = _added(tmp_path, bundles.zipped(tmp_path / "bad.zip", files))
    assert verdict.status == REFUSED
    assert verdict.line.startswith(("the submitter's name '", "manifest.json: submitter holds U+"))


@pytest.mark.slow
def test_a_name_in_another_script_is_added_and_one_that_looks_latin_is_shown_with_it(
    tmp_path: Path, shelf: dict[str, Path]
) -> None:
    for model, shown in [("百川", "百川"), ("Яндекс", "Яндекс"), ("асе", "асе (Cyrillic letters)")]:
        path = bundles.zipped(tmp_path / "own.zip", bundles.renamed(bundles.contents(shelf["other"]), model))
        (verdict,) = _added(tmp_path, path)
        assert (verdict.status, verdict.left_out) == (VERIFIED, False)
        assert verdict.text().startswith(f"VERIFIED  numbers / {shown}: f1")
    assert json.loads(Path("leaderboards/submissions/numbers/ben/百川.json").read_text())["run"]["model"] == "百川"


def test_scoring_a_file_under_a_reserved_name_is_refused(tmp_path: Path) -> None:
    from bench.runs.settings import Settings
    from bench.submissions import reading

    path = tmp_path / "answers.json"
    path.write_text("{}")
    with pytest.raises(BenchError, match="the name 'oracle' is that of a reference row; give the model another name"):
        reading.evaluate(bundles.Numbers(), path, "oracle", Settings(runs_dir=tmp_path))
