"""One honest bundle and many forged from it: each is refused with a line that says what differs, and none is a traceback."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import Files, with_key

from bench.commands.shared import bundle_verdicts as verify
from bench.commands.shared.bundle_verdicts import REFUSED, UNABLE, VERIFIED, Verdict
from tests import bundles

Edit = Callable[[Any], Any]
RUN, SAID, ROWS, TIMES, LIST = (
    "run.json", "predictions.jsonl", "measurements.json", "timings.jsonl", "manifest.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    return bundles.made(folder, bundles.run(folder / "made", model=bundles.Guesser(error="out of memory")))


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def judged(path: Path, tmp_path: Path) -> Verdict:
    """The one verdict on a bundle, with all that holds of every one."""
    (verdict,) = verify.judge([path], tmp_path / "room", bundles.Here(), tmp_path / "runs", add=True)
    assert len(verdict.text()) < 900
    return verdict


def refused(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str = REFUSED) -> str:
    verdict = judged(path, tmp_path)
    assert capsys.readouterr().err == ""  # no traceback
    assert (verdict.status, verdict.added) == (status, []), verdict.text()
    assert verdict.line.isprintable()
    assert not (tmp_path / "leaderboards").exists()
    assert not (tmp_path / "runs").exists()
    return verdict.line


@pytest.mark.slow
def test_the_bundle_that_all_are_forged_from_is_honest(honest: Path, tmp_path: Path) -> None:
    verdict = judged(honest, tmp_path)
    assert (verdict.status, len(verdict.added)) == (VERIFIED, 2)
    assert verdict.found is not None
    assert verdict.found.scores[0].n_failed == 1


def both(*edits: Edit) -> Edit:
    """Several edits of one file."""

    def edit(record: Any) -> Any:
        for one in edits:
            record = one(record)
        return record

    return edit


def every(name: str, value: Any) -> Edit:
    """A field of each line."""
    return lambda rows: [row | {name: value} for row in rows]


def on(index: int, **fields: Any) -> Edit:
    """A line with other fields: None takes one away."""

    def edit(rows: Any) -> Any:
        rows[index] = {key: value for key, value in (rows[index] | fields).items() if value is not None}
        return rows

    return edit


def deep(n: int) -> Any:
    found: Any = 1
    for _ in range(n):
        found = [found]
    return found


FUTURE = "2999-01-01T00:00:00+00:00"
PAST = {
    "created": "2020-01-01T00:00:00+00:00",
    "replaced": "2020-01-02T00:00:00+00:00",
    "scorer": {},
    "resamples": 50,
    "scores": [],
}
AUDIT = {"kind": "batch_invariance", "n": 10, "flips": 1, "flip_rate": 0.1, "ids": ["w1"]}
W5 = 5  # the line of the example that failed

# What, the file, the edit, and what the line says. Every digest is made to fit again, and the manifest says what the record says.
CONSISTENT: list[tuple[str, str, Edit, str]] = [
    # scores
    ("a better score", RUN, with_key("scores", 0, "value", value=0.99), "f1: value claimed 0.99, found"),
    ("a score by a hair", RUN, with_key("scores", 0, "value", value=0.74168), "f1: value claimed"),
    ("a score of 1e308", RUN, with_key("scores", 0, "value", value=1e308), "f1: value claimed 1e+308"),
    ("a score as a huge whole number", RUN, with_key("scores", 0, "value", value=10**24),
     "f1: value claimed 1000000000000000000000000"),
    ("a score of more digits than any", RUN, with_key("scores", 0, "value", value=10**30), "a number has 31 digits"),
    ("a score that is true", RUN, with_key("scores", 0, "value", value=True), "value: True is not of type"),
    ("a score in quotes", RUN, with_key("scores", 0, "value", value="0.9"), "value: '0.9' is not of type"),
    ("a score that is none", RUN, with_key("scores", 0, "value", value=None), "f1: value claimed none, found"),
    ("a negative score", RUN, with_key("scores", 0, "value", value=-0.75), "f1: value claimed -0.75"),
    ("a narrower interval", RUN, with_key("scores", 0, "low", value=0.74), "f1: low claimed 0.74"),
    ("an interval shopped for", RUN, both(with_key("resamples", value=1), with_key("seed", value=7)), "seed: its record says 7"),
    ("a better worst case", RUN, with_key("scores", 0, "worst", value=0.9), "f1: worst claimed 0.9"),
    ("an official figure", RUN, with_key("scores", 0, "official", value=0.9), "f1: official claimed 0.9, found none"),
    ("failures uncounted", RUN, with_key("scores", 0, "n_failed", value=0), "f1: n_failed claimed 0, found 1"),
    ("failures below zero", RUN, with_key("scores", 0, "n_failed", value=-1), "-1 is less than the minimum"),
    ("a score over fewer", RUN, with_key("scores", 0, "n", value=30), "f1: n claimed 30, found 60"),
    ("a score of no name", RUN, with_key("scores", 0, "metric", value=""), "metric: '' should be non-empty"),
    ("a score twice", RUN, lambda r: r | {"scores": [r["scores"][0], *r["scores"]]}, "it claims scores of f1, f1, exact_match"),
    ("one score of two", RUN, lambda r: r | {"scores": r["scores"][:1]}, "it claims scores of f1, the task has"),
    # predictions
    ("a right answer for a wrong one", SAID, on(4, text="word 4"), "example 'w4': f1 claimed 0.5, found 1"),
    ("an error hidden as an answer", SAID, on(W5, error=None, text="word 5"), "example 'w5': claimed failed, found an answer"),
    ("an answer hidden as an error", SAID, on(4, text=None, error="no"), "example 'w4': claimed an answer, found failed"),
    ("an id that is missing", SAID, lambda rows: rows[1:], "1 of 60 examples have no prediction"),
    ("an id twice", SAID, lambda rows: [*rows, rows[3]], "the prediction for 'w3' comes twice"),
    ("an id of another case", SAID, on(3, id="W3"), "'W3' is for no example of your data"),
    ("an id with a sign that nobody sees", SAID, on(3, id="w3\u200b"), "is for no example of your data"),
    ("an id that is a number", SAID, on(3, id=3), "not a prediction (id is 3)"),
    ("one more id", SAID, lambda rows: [*rows, rows[3] | {"id": "w60"}], "'w60' is for no example of your data"),
    ("two answers", SAID, on(3, answer="word 3"), "one answer is due, found text, answer"),
    ("no answer", SAID, on(3, text=None), "one answer is due, found none"),
    ("a final answer past the parser", SAID, on(3, text=None, answer="word 3"), "the prediction for 'w3' is a final answer"),
    ("an answer of another kind", SAID, on(3, text=None, values={"valence": 0.5}), "the answer to 'w3' cannot be scored"),
    ("labels as an answer", SAID, on(3, text=None, label_scores={"a": 1}), "the answer to 'w3' cannot be scored"),
    ("a span that is none", SAID, on(3, span=[0, 4]), "span 0:4 with the text 'word 3', which is no span of its context"),
    ("a span that runs backwards", SAID, on(3, span=[4, -1]), "not a prediction (span is [4, -1])"),
    ("an answer nested deep", SAID, on(3, text=None, answer=deep(900)), "nested too deep"),
    ("a prediction nested without end", SAID, on(3, text=None, answer=deep(41)), "nested too deep"),
    ("tokens that no reading has", SAID, on(3, prompt_tokens=1), "prompt_tokens is 236 by its readings, 233 by its predictions"),
    ("tokens below zero", SAID, on(3, new_tokens=-1), "not a prediction (new_tokens is -1)"),
    ("tokens that are true", SAID, on(3, new_tokens=True), "not a prediction (new_tokens is True)"),
    ("cut requests that no reading has", SAID, on(3, truncated=5), "truncated is 0 by its readings, 1 by its predictions"),
    ("answers of another request", SAID, on(3, asked="0" * 16), "asked: its record says"),
    ("answers of no request", SAID, every("asked", "0" * 16), "asked: its record says"),
    ("a request that is no digest", SAID, on(3, asked="zz"), "not a prediction (asked is 'zz')"),
    ("answers said to be another run's", SAID, on(3, reused="a" * 12),
     "reused: its record says {}, its predictions {'aaaaaaaaaaaa': 1}"),
    ("a field that no prediction has", SAID, on(3, trust=True), "not a prediction ('trust')"),
    ("a text of two million signs", SAID, on(3, text="".join(map(str, range(300_000)))), "not a prediction (text is"),
    # measurements
    ("a row that is better", ROWS, with_key("rows", "f1", "dense", 4, value=1.0), "example 'w4': f1 claimed 1, found 0.5"),
    ("a row in quotes", ROWS, with_key("rows", "f1", "dense", 4, value="0.5"), "rows of 'f1': '0.5' holds what is no number"),
    ("a row that is true", ROWS, with_key("rows", "f1", "dense", 3, value=True), "rows of 'f1': True holds what is no number"),
    ("a row that is none", ROWS, with_key("rows", "f1", "dense", 3, value=None), "rows of 'f1': None holds what is no number"),
    ("a row of 1e300", ROWS, with_key("rows", "f1", "dense", 4, value=1e300), "example 'w4': f1 claimed 1e+300"),
    ("a row missing", ROWS, lambda m: m | {"rows": m["rows"] | {"f1": {"k": 1, "dense": m["rows"]["f1"]["dense"][1:]}}},
     "another number than of ids"),
    ("rows of two columns", ROWS, lambda m: m | {"rows": m["rows"] | {"f1": {"k": 2, "dense": [[1, 1]] * 60}}},
     "f1: rows of 2 columns claimed"),
    ("rows of more columns than fit", ROWS, with_key("rows", "f1", "k", value=10**12), "is no number of columns"),
    ("a cluster for each example", ROWS, lambda m: m | {"clusters": [f"c{i}" for i in range(60)]},
     "cluster claimed 'c1', found 'c0'"),
    ("a digest of another example", ROWS, with_key("digests", 0, value="f" * 12), "digest claimed 'ffffffffffff'"),
    ("no failure", ROWS, with_key("failed", value=[]), "example 'w5': claimed an answer, found failed"),
    ("a failure of nobody", ROWS, with_key("failed", value=["zz"]), "'zz' failed, but is not among the ids"),
    ("a metric said to be fitted", ROWS, with_key("fitted", value=["f1"]), "has f1 fitted to all targets"),
    ("ids in another order", ROWS, lambda m: m | {"ids": m["ids"][::-1]}, "has 'w59' in place 1"),
    ("an id twice in the rows", ROWS, with_key("ids", 1, value="w0"), "an id comes twice"),
    ("one more key", ROWS, with_key("more", value=1), "the key 'more' is unknown"),
    ("rows nested deep", ROWS, with_key("slices", value={"a": deep(60)}), "nested too deep"),
    # the record
    ("another task", RUN, with_key("task", value="squad_v1"), "is not in manifest.json"),
    ("a task that is a path", RUN, with_key("task", value="../x"), "task: '../x' does not match"),
    ("other data", RUN, with_key("data_fingerprint", value="0" * 64), "it was made on data 000000000000"),
    ("a run that says it is brought", RUN, with_key("submission", value={"missing": {"n": 0, "first": []}}),
     "asked: its record says"),
    ("gaps in what was brought", RUN, both(with_key("submission", value={"missing": {"n": 0,
     "first": ["w3"]}}), with_key("asked", value="elsewhere")),
     "it says that 'w3' is missing, which is not"),
    ("a run of no request", RUN, with_key("asked", value="elsewhere"),
     "asked: its record says elsewhere, and not to be of predictions"),
    ("other requests", RUN, with_key("asked", value="0" * 64),
     "asked: its record says 000000000000, the requests of its predictions give"),
    ("answers taken over that none is", RUN, with_key("reused", value={"a" * 12: 3}),
     "reused: its record says {'aaaaaaaaaaaa': 3}, its predictions {}"),
    ("a seed that is another's", RUN, with_key("seed", value=3), "seed: its record says 3, its configuration 0"),
    ("a reference row", RUN, with_key("is_reference", value=True), "is a reference row, which no bundle has"),
    ("a word of who verified", RUN, with_key("origin", value={"verified": {"date": "x", "version": "1", "commit": "c"}}),
     "has an origin, which no bundle has"),
    ("tomorrow", RUN, with_key("created", value=FUTURE), "which is in the future"),
    ("a day that is none", RUN, with_key("created", value="2026-13-45T99:00:00+00:00"), "is no time"),
    ("a time that is a number", RUN, with_key("created", value=1), "created: 1 is not of type 'string'"),
    ("scores of before from tomorrow", RUN, with_key("history", value=[PAST | {"replaced": FUTURE}]), "which is in the future"),
    ("scores of before out of order", RUN, with_key("history", value=[PAST | {"created": "2021-01-01T00:00:00+00:00"}]),
     "do not follow one another"),
    ("scores of before that are none", RUN, with_key("history", value=[PAST | {"scores": [{"value": 1}]}]), "history[0].scores[0]"),
    ("an audit that does not add up", RUN, with_key("audit", value=AUDIT | {"flip_rate": 0.0}),
     "audit: 1 flips of 10 at a rate of 0.0"),
    ("an audit of more than there is", RUN, with_key("audit", value=AUDIT | {"n": 600, "flip_rate": 1 / 600}),
     "audit: 1 flips of 600"),
    ("an audit of ids that are none", RUN, with_key("audit", value=AUDIT | {"ids": ["zz"]}), "audit: 1 flips of 10"),
    ("no device", RUN, lambda r: r | {"environment": {k: v for k, v in r["environment"].items() if k != "device"}},
     "'device' is a required property"),
    ("a list of devices", RUN, with_key("environment", "device", value=["cuda", "cpu"]),
     "environment.device: ['cuda', 'cpu'] is not one of"),
    ("a device that is none", RUN, with_key("environment", "device", value="tpu"), "'tpu' is not one of"),
    ("a machine in a list", RUN, with_key("environment", "cpu", value=["a"]), "environment.cpu"),
    ("half a surrogate pair", RUN, with_key("environment", "cpu", value="\ud800"),
     "environment.cpu holds U+D800, which cannot be seen"),
    ("half a surrogate pair in a setting", RUN, with_key("config", "a", value="\ud800"),
     "has half a surrogate pair in a text"),
    ("one more field", RUN, with_key("rank", value=1), "'rank' was unexpected"),
    ("a configuration nested deep", RUN, with_key("config", value={"a": deep(100)}), "nested too deep"),
    ("a configuration of false for 0", RUN, with_key("config", "seed", value=False), "config.yaml is not the configuration"),
    ("another configuration", RUN, with_key("config", "seed", value=1), "config.yaml is not the configuration"),
    ("weights that are no digest", RUN, with_key("weights_sha256", value="x"), "weights_sha256: 'x' does not match"),
    ("more examples than there are", RUN, with_key("n_examples", value=10**9), "it says to have 1000000000 examples"),
    ("a resample too many", RUN, with_key("resamples", value=10**9), "resamples: 1000000000 is greater than the maximum"),
    ("no resample", RUN, with_key("resamples", value=0), "resamples: 0 is less than the minimum"),
    ("a run id that is a path", RUN, with_key("run_id", value="../../x"), "run_id"),
    # times
    ("a faster run", RUN, with_key("timings", "examples_per_second", value=1e9), "examples_per_second claimed 1e+09"),
    ("no time at all", RUN, with_key("timings", "seconds", "total", value=0.0), "seconds of total claimed 0"),
    ("a time below zero", RUN, with_key("timings", "seconds", "total", value=-1.0), "-1.0 is less than the minimum"),
    ("a reading below zero", TIMES, with_key(1, "seconds", value=-0.5), "not a timing (seconds is -0.5)"),
    ("a reading without end", TIMES, with_key(1, "seconds", value=1e300), "not a timing (seconds is 1e+300)"),
    ("a reading that is true", TIMES, with_key(1, "seconds", value=True), "not a timing (seconds is True)"),
    ("a reading of more", TIMES, with_key(2, "n", value=1000), "timings: "),
    ("a reading left out", TIMES, lambda rows: rows[:1] + rows[2:], "timings: "),
    ("a reading of no phase", TIMES, with_key(1, "phase", value="nap"), "not a timing (phase is 'nap')"),
    ("an attempt of none", TIMES, with_key(1, "attempt", value=-1), "not a timing (attempt is -1)"),
    # the manifest
    ("another format", LIST, with_key("format", value=2), "format: 1 was expected"),
    ("a manifest of tomorrow", LIST, with_key("created", value=FUTURE), f"says created {FUTURE}, its latest run"),
    ("a submitter who hides", LIST, with_key("submitter", value="An\u202ena"), "U+202E"),
    ("a submitter of two scripts", LIST, with_key("submitter", value="\u0410nna"), "mixes Latin and Cyrillic"),
    ("another ranked score", LIST, with_key("runs", 0, "value", value=0.99), "run.json says value"),
    ("a run twice", LIST, lambda m: m | {"runs": m["runs"] * 2}, "names two runs of one task and model"),
    ("no runs", LIST, with_key("runs", value=[]), "runs: [] should be non-empty"),
    ("a file of another size", LIST, with_key("runs", 0, "files", SAID, "bytes", value=1),
     "is not the file that manifest.json names"),
    ("a file outside", LIST, with_key("runs", 0, "files", "../x", value={"sha256": "0" * 64, "bytes": 1}), "'../x' is not one of"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "edit", "said"), [one[1:] for one in CONSISTENT], ids=[one[0] for one in CONSISTENT])
def test_a_forged_field_whose_digests_all_fit_is_refused(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, edit: Edit, said: str
) -> None:
    files = bundles.contents(honest)
    if file != LIST:
        bundles.changed(files, file, edit)
        bundles.put_right(files)
    else:
        bundles.changed(files, file, edit)
    assert said in refused(bundles.zipped(tmp_path / "bad.zip", files), tmp_path, capsys)


@pytest.mark.parametrize("name", [RUN, SAID, ROWS, TIMES, "config.yaml"])
def test_a_file_whose_digest_does_not_fit_is_refused(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    files = bundles.contents(honest)
    files[bundles.place(files, name)] += b"\n"
    line = refused(bundles.zipped(tmp_path / "bad.zip", files), tmp_path, capsys)
    assert f"{name}' is not the file that manifest.json names: sha256" in line


def test_another_version_or_an_unknown_task_is_no_verdict_on_the_submitter(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = bundles.contents(honest)
    bundles.changed(files, RUN, with_key("task_version", value=10**20))
    bundles.put_right(files)
    assert "yours is 1" in refused(bundles.zipped(tmp_path / "bad.zip", files), tmp_path, capsys, UNABLE)


def encoded(how: str) -> Callable[[bytes], bytes]:
    return lambda data: data.decode().encode(how)


BYTES: list[tuple[str, str, Callable[[bytes], bytes], str]] = [
    ("a byte order mark", RUN, lambda data: b"\xef\xbb\xbf" + data, "is not JSON"),
    ("UTF-16", RUN, encoded("utf-16"), "is not UTF-8"),
    ("UTF-16 of predictions", SAID, encoded("utf-16-le"), "is not"),
    ("bytes that are not UTF-8", RUN, lambda data: data.replace(b"numbers", b"numb\xffrs", 1), "is not UTF-8"),
    ("bytes that are not UTF-8 in a prediction", SAID, lambda data: data.replace(b"word", b"w\xc3rd", 1), "is not UTF-8"),
    ("line ends of two signs", SAID, lambda data: data.replace(b"\n", b"\r\n"), "line 1 ends with a carriage return"),
    ("an empty line", SAID, lambda data: data.replace(b"\n", b"\n\n", 1), "line 2 is not JSON"),
    ("a last line cut off", SAID, lambda data: data[:-1], "is cut off"),
    ("two records in a line", SAID, lambda data: data.replace(b"\n", b" ", 1), "is not JSON"),
    ("a key twice", SAID, lambda data: data.replace(b'{"id": "w1"', b'{"id": "w0", "id": "w1"'), "the key 'id' comes twice"),
    ("a key twice in the record", RUN, lambda data: data.replace(b'"seed":', b'"seed": 1, "seed":', 1), "comes twice"),
    ("NaN", RUN, lambda data: data.replace(b'"seed": 0', b'"seed": NaN', 1), "NaN is no number"),
    ("an infinity", ROWS, lambda data: data.replace(b'"dense": [', b'"dense": [-Infinity, ', 1), "-Infinity is no number"),
    ("1e999", RUN, lambda data: data.replace(b'"seed": 0', b'"seed": 1e999', 1), "1e999 is too large"),
    ("a whole number of a million digits", TIMES, lambda data: data.replace(b'"n":', b'"n":' + b"9" * 10**6, 1), "a number has"),
    ("brackets without end", SAID, lambda data: b'{"id": ' + b"[" * 100_000 + b"\n" + data, "nested too deep"),
    ("a list for a record", RUN, lambda data: b"[" + data + b"]", "run.json: the record"),
    ("nothing", RUN, lambda data: b"", "is not JSON"),
    ("a program in the configuration", "config.yaml", lambda data: b"!!python/object/apply:os.system ['a']\n", "is no plain value"),
    ("a tag that its value does not fit", "config.yaml", lambda data: b'a: !!int ""\n', "the tag '!!int'"),
    ("a number without digits in the configuration", "config.yaml", lambda data: b"a: 0b_\n", "invalid literal"),
    ("a deep configuration", "config.yaml", lambda data: b"a: " + b"[" * 100_000, "nested too deeply"),
    ("a configuration of minutes", "config.yaml", lambda data: b"a: 1" + b":59" * 80_000, "more than 4,300 signs"),
    ("a huge configuration", "config.yaml", lambda data: b"a: '" + b"x" * 300_000 + b"'", "at most 262,144 are read"),
    ("aliases in the configuration", "config.yaml", lambda data: b"a: &a [1]\nseed: *a\n", "has aliases"),
    ("a configuration of another encoding", "config.yaml", encoded("utf-16"), "is not"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "said"), [one[1:] for one in BYTES], ids=[one[0] for one in BYTES])
def test_forged_bytes_whose_digests_all_fit_are_refused(
    honest: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    change: Callable[[bytes], bytes],
    said: str,
) -> None:
    files = bundles.contents(honest)
    files = {
        path: json.dumps(json.loads(data)).encode() if path.endswith(ROWS) else data for path, data in files.items()
    }
    place = bundles.place(files, name)
    forged = change(files[place])
    assert forged != files[place]
    files[place] = forged
    if name != RUN:
        digests = {
            one: hashlib.sha256(files[bundles.place(files, one)]).hexdigest()
            for one in (SAID, ROWS, TIMES, "config.yaml")
        }
        bundles.changed(files, RUN, with_key("files", value=digests))
    bundles.changed(files, LIST, lambda m: _with_digests(m, files))
    assert said in refused(bundles.zipped(tmp_path / "bad.zip", files), tmp_path, capsys)


def _with_digests(manifest: Any, files: Files) -> Any:
    for name, told in manifest["runs"][0]["files"].items():
        data = files[bundles.place(files, name)]
        told |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    return manifest


def added(name: str, data: bytes = b"{}", mode: int = 0o100644) -> Callable[[Path], None]:
    """One more member in the archive."""

    def act(path: Path) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr, info.compress_type = 3, mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)

    return act


def patched(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Other bytes of the archive."""

    def act(path: Path) -> None:
        data = path.read_bytes()
        forged = change(data)
        assert forged != data
        path.write_bytes(forged)

    return act


def _twice(path: Path) -> None:
    info = zipfile.ZipInfo(LIST)
    info.create_system, info.external_attr = 3, 0o100644 << 16
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(info, b"{}")


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for i in range(1001):
            archive.writestr(f"runs/{i}", b"")


def _flagged(data: bytes) -> bytes:
    """The first member said to be encrypted, in both of its headers."""
    at = data.index(b"PK\x01\x02")
    return data[:6] + struct.pack("<H", 1) + data[8 : at + 8] + struct.pack("<H", 1) + data[at + 10 :]


def _larger(data: bytes) -> bytes:
    """The first member said to hold four gigabytes, as the 64-bit form does."""
    at = data.index(b"PK\x01\x02")
    return data[: at + 24] + b"\xff\xff\xff\xff" + data[at + 28 :]


def _count(data: bytes) -> bytes:
    """The end record says the 64-bit form."""
    return data[:-12] + b"\xff\xff" + data[-10:]


ZIPS: list[tuple[str, Callable[[Path], None], str]] = [
    ("a path that leaves", added("../../evil.json"), "leaves the folder"),
    ("an absolute path", added("/etc/cron.d/x"), "has an absolute path"),
    ("a drive", added("C:/x"), "has an absolute path"),
    ("a backslash", added("runs\\..\\x"), "in its name"),
    ("a link", added("runs/link", b"/etc/passwd", stat.S_IFLNK | 0o777), "is a symbolic link"),
    ("a device", added("runs/null", b"", stat.S_IFCHR | 0o666), "is not a plain file"),
    ("a program that runs as another", added("runs/x", b"#!", 0o104755), "is not a plain file"),
    ("a folder", added("runs/more/", b""), "is not a plain file"),
    ("one more file", added("runs/more.json"), "member 'runs/more.json' is not in manifest.json"),
    ("a name in other capitals", added("Manifest.JSON"), "stands twice (as 'manifest.json')"),
    ("a name that stands twice", _twice, "stands twice"),
    ("a name that reads from right to left", added("runs/\u202enosj.x"), "in its name"),
    ("a name with a sign that nobody sees", added("runs/a\u200b.json"), "in its name"),
    ("a name with a zero byte", patched(lambda data: data.replace(b"config.yaml", b"conf\x00g.yaml")), "in its name"),
    ("a name of a thousand signs", added("x" * 1000), "has a name of more than"),
    ("an archive in the archive", added("runs/x.zip", b"PK"), "is an archive in the archive"),
    ("an archive by its first bytes", added("runs/x.json", b"PK\x03\x04 and more"), "is not in manifest.json"),
    ("a bomb", added("runs/x.json", b"\0" * 30_000_000), "unpacks to"),
    ("a bomb of many", lambda path: _many(path), "at most 1000 are read"),
    ("bytes behind it", patched(lambda data: data + b"more"), "something stands behind its end"),
    ("bytes before it", patched(lambda data: b"#!/bin/sh\n" + data), "something stands before the archive"),
    ("an end that lies", patched(lambda data: data[:-6] + b"\0\0\0\0" + data[-2:]), "something stands before the archive"),
    ("a member that is encrypted", patched(_flagged), "is encrypted"),
    ("sizes of the 64-bit form", patched(_larger), ""),
    ("an end of the 64-bit form", patched(_count), "in parts or in the 64-bit form"),
    ("a byte of a member", patched(lambda data: data[:200] + bytes([data[200] ^ 0xFF]) + data[201:]), ""),
    ("half of it", patched(lambda data: data[: len(data) // 2]), "not a zip archive"),
    ("nothing", patched(lambda data: b""), "too short"),
    ("no archive", patched(lambda data: b"x" * len(data)), "not a zip archive"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "said"), [one[1:] for one in ZIPS], ids=[one[0] for one in ZIPS])
def test_a_forged_archive_is_refused(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], act: Callable[[Path], None], said: str
) -> None:
    path = bundles.zipped(tmp_path / "bad.zip", bundles.contents(honest))
    act(path)
    assert said in refused(path, tmp_path, capsys)
    assert [one.name for one in tmp_path.rglob("*evil*")] == []


NAMES = [
    "oracle",
    "Oracle",
    "0racle",
    "guess\u0435r",
    "gues\u00ad ser",
    "GUESSER.",
    "con",
    "smo11m2",
    "..",
    "-x",
    "a" * 121,
    "x\u0000y",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_deceives_is_refused(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = bundles.zipped(tmp_path / "bad.zip", bundles.renamed(bundles.contents(honest), name))
    assert refused(path, tmp_path, capsys)


# What nobody here can see: it is verified, and shown as what the submitter says.
CLAIMED: list[tuple[str, Edit]] = [
    ("another revision", with_key("model_revision", value="v2")),
    ("another commit", with_key("environment", "commit", value="0" * 40)),
    ("another processor", with_key("environment", "cpu", value="a fast one")),
    ("another note on a score", with_key("scores", 0, "note", value="the best of all")),
    ("a version of a library", with_key("libraries", value={"torch": "9.9"})),
]


@pytest.mark.slow
@pytest.mark.parametrize("edit", [one[1] for one in CLAIMED], ids=[one[0] for one in CLAIMED])
def test_what_nobody_can_see_changes_no_score(honest: Path, tmp_path: Path, edit: Edit) -> None:
    files = bundles.contents(honest)
    bundles.changed(files, RUN, edit)
    bundles.put_right(files)
    verdict = judged(bundles.zipped(tmp_path / "other.zip", files), tmp_path)
    assert verdict.status == VERIFIED
    assert verdict.line == judged(honest, tmp_path / "own").line
