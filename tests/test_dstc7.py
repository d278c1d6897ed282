"""DSTC7 track 2: cleaning, NIST, BLEU, METEOR, entropy and the task, worked by hand and against published scores."""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.artifacts.digest import digest
from bench.data.dstc7_format import official_references
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.metrics import meteor
from bench.metrics.dstc7 import bleu, clean, dstc7_metrics, mteval_tokens, nist
from bench.metrics.metric import AnyMetric, CorpusMetric, Metric
from bench.scoring.measure import score
from bench.task import Malformed
from bench.types import Prediction, Text
from tasks.dstc7 import Dstc7, comment

References = Sequence[Sequence[str]]
WORDS = st.lists(st.sampled_from(["rates", "rose", "the", "bank", ",", ".", "3.5", "!"]), min_size=1, max_size=7)
SENTENCES = WORDS.map(" ".join)


def value(metric: AnyMetric, references: References, answers: Sequence[str]) -> float:
    """The metric over the answers, fitted to the references, as scoring computes it."""
    if isinstance(metric, CorpusMetric):
        counts: Counter[Any] = Counter()
        for answer in answers:
            counts.update(metric.count(answer))
        return metric.summarise(np.array(list(counts.values()), dtype=np.float64))
    if isinstance(metric, Metric) and metric.fit is not None:
        metric = metric.fit(references)
    rows = np.array([metric.measure(*pair) for pair in zip(references, answers, strict=True)], dtype=np.float64)
    return float(metric.summarise(rows.sum(axis=0), np.array(float(len(rows)))))


def values(metrics: Sequence[AnyMetric], references: References, answers: Sequence[str]) -> dict[str, float]:
    return {metric.name: value(metric, references, answers) for metric in metrics if metric.name != "meteor"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I Don't KNOW", "i do n't know"),
        ("It's what we're at, they'll say I'm", "it 's what we 're at , they 'll say i 'm"),
        ("I can't.", "i can n't ."),
        ("won't", "will n't"),
        ("can't can't", "can n't ca n't"),  # they share the blank between them, so only the first is replaced
        ("won't won't won't", "will n't wo n't will n't"),
        ("see https://example.org/a?b=c now", "see __url__ now"),
        ("this?https://example.org", "this ? __url__"),
        ("[ the page ] ( https://example.org ) says", "the page says"),
        ("[ the page ](https://example.org) says", "the page ( __url__ says"),  # not as the script expects a link
        ("50% café — naïve", "50 caf na ve"),
        ("great :) ok", "great :) ok"),  # an emoticon is one token
        ('"quoted" word', '" quoted " word'),
        ("so ... what", "so ... what"),
        ("a_b", "a b"),
        ("URL", "url"),
        ("that 's", "that ' s"),  # tokenised text is not left alone
        ("  \t\n", ""),
        ("#😐", ""),
    ],
)
def test_clean_does_what_the_script_does(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_cleaned_text_is_lower_case_ascii_with_single_blanks(text: str) -> None:
    found = clean(text)
    assert found == " ".join(found.split())
    assert found == found.lower()
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789():,.!?\"'_ ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i do n't know .", "i do n't know ."),
        ("Well, yes.", "well , yes ."),
        ("3.5 and 1,000.", "3.5 and 1,000 ."),  # marks within numbers stay
        ("5, 6", "5 , 6"),
        ("it's (a) test!?", "it's ( a ) test ! ?"),
        ("see __url__ now", "see _ _ url _ _ now"),
        ("1990-95 well-known", "1990 - 95 well-known"),  # a dash is split off behind a digit only
        ("a & b <c>", "a b c >"),
        ("...", ". . ."),
        ("", "_ _ empty _ _"),  # what the script writes for an empty line
    ],
)
def test_mteval_splits_punctuation_but_not_within_numbers(text: str, expected: str) -> None:
    assert " ".join(mteval_tokens(text)) == expected


@pytest.mark.parametrize(
    ("order", "answer", "expected"),
    [
        # References "a b" and "a c": 4 words, information of a log2(4/2) = 1, of b and c 2, of "a b" and "a c" log2(2/1) = 1.
        (1, "a b", (1 + 2) / 2),
        (2, "a b", (1 + 2) / 2 + 1),
        (4, "a b", (1 + 2) / 2 + 1),  # no n-grams of orders 3 and 4
        (1, "b b", 2 / 2),  # only one b is in a reference
        (1, "a x", 1 / 2),
        (2, "b c", (2 + 2) / 2),
        (1, "x", 0.0),
        (1, "a", 1 * 0.5 ** (math.log(2) / math.log(1.5)) ** 2),  # half as long as the references
    ],
)
def test_nist_adds_the_information_of_matches_per_ngram(order: int, answer: str, expected: float) -> None:
    assert value(nist(order, str), [["a b", "a c"]], [answer]) == pytest.approx(expected, abs=1e-12)


def test_two_thirds_of_the_mean_reference_length_halve_nist() -> None:
    long, short = (
        value(nist(1, str), [["a b c", "d e f"]], ["a b c"]),
        value(nist(1, str), [["a b c", "d e f"]], ["a b"]),
    )
    assert long == pytest.approx(math.log2(6))
    assert short == pytest.approx(math.log2(6) / 2)
    # The lengths 2 and 4 have the mean 3, though the answer is as long as one of them.
    assert value(nist(1, str), [["a b", "c d e f"]], ["a b"]) == pytest.approx(math.log2(6) / 2)


def test_nist_weights_count_every_reference_also_repeated_ones() -> None:
    # "a b" thrice and "c" once are 7 words: a is worth log2(7/3).
    assert value(nist(1, str), [["a b", "a b", "a b", "c"]], ["a b"]) == pytest.approx(math.log2(7 / 3))
    # Of another example's references too: now 4 of 8 words are a.
    assert value(nist(1, str), [["a b", "a b", "a b"], ["a c"]], ["a a", "a c"]) == pytest.approx((1 + 1 + 3) / 4)


def test_after_the_word_0_nist_divides_by_all_words_as_perl_takes_0_for_nothing() -> None:
    # log2(4/1) for "0 b", where another word in its place has log2(2/1).
    assert value(nist(2, str), [["0 b"], ["0 c"]], ["0 b", ""]) > value(nist(2, str), [["a b"], ["a c"]], ["a b", ""])
    assert value(nist(2, str), [["0 b", "0 c"]], ["0 b"]) == pytest.approx((1 + 2) / 2 + 2)


def test_nist_needs_its_weights() -> None:
    with pytest.raises(ValueError, match="call fit"):
        nist(1, str).measure(["a"], "a")


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=4), st.integers(1, 4))
def test_nist_with_one_reference_each_is_nltks(pairs: list[tuple[str, str]], order: int) -> None:
    from nltk.translate.nist_score import corpus_nist

    golds, answers = ([list(mteval_tokens(pair[side])) for pair in pairs] for side in (0, 1))
    assume(all(len(answer) >= order for answer in answers))  # nltk does not divide by zero n-grams
    found = value(nist(order, str), [[gold] for gold, _ in pairs], [answer for _, answer in pairs])
    assert found == pytest.approx(corpus_nist([[gold] for gold in golds], answers, n=order), abs=1e-9)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        # "the cat sat" against "the cat ran off": 2 of 3, 1 of 2, 0 of 1 (counts 1/2), no 4-gram (counts 1); 3 words for 4.
        (1, 2 / 3),
        (2, (2 / 3 * 1 / 2) ** (1 / 2)),
        (3, (2 / 3 * 1 / 2 * 1 / 2) ** (1 / 3)),
        (4, (2 / 3 * 1 / 2 * 1 / 2 * 1) ** (1 / 4)),
    ],
)
def test_bleu_is_smoothed_and_penalises_short_answers(order: int, expected: float) -> None:
    found = value(bleu(order, str), [["the cat ran off"]], ["the cat sat"])
    assert found == pytest.approx(expected * math.exp(1 - 4 / 3), abs=1e-12)


def test_bleu_takes_the_closest_reference_length_and_of_two_the_shorter() -> None:
    references = ["a b c d e", "a b c"]
    assert bleu(1, str).measure(references, "a b c d")[-1] == 3  # 3 and 5 are as close to 4
    assert bleu(1, str).measure(references[::-1], "a b c d")[-1] == 3
    assert bleu(1, str).measure(references, "a b c d e f")[-1] == 5


def test_bleu_clips_a_count_at_the_reference_that_holds_most() -> None:
    assert bleu(1, str).measure(["a a b", "a c"], "a a a c")[0] == 3  # two a, one c


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.lists(SENTENCES, min_size=2, max_size=2), SENTENCES), min_size=1, max_size=4),
)
def test_bleu_4_is_sacrebleus(pairs: list[tuple[list[str], str]]) -> None:
    from sacrebleu.metrics import BLEU

    references, answers = [gold for gold, _ in pairs], [answer for _, answer in pairs]
    library = BLEU(lowercase=True, tokenize="13a", force=True)
    expected = library.corpus_score(answers, [[gold[i] for gold in references] for i in range(2)])
    assume(expected.totals[3] and expected.counts[0])  # sacrebleu calls the rest 0, mteval does not
    assert value(bleu(4, str), references, answers) == pytest.approx(expected.score / 100, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@settings(deadline=None, max_examples=30)
@given(pairs=st.lists(st.tuples(st.lists(SENTENCES, min_size=1, max_size=3), SENTENCES), min_size=1, max_size=4))
def test_scores_lie_in_their_range_and_the_order_of_examples_and_references_does_not_matter(
    order: int, pairs: list[tuple[list[str], str]]
) -> None:
    references, answers = [gold for gold, _ in pairs], [answer for _, answer in pairs]
    for make in (nist, bleu):
        found = value(make(order, clean), references, answers)
        turned = value(make(order, clean), [gold[::-1] for gold in references[::-1]], answers[::-1])
        assert found == pytest.approx(turned, abs=1e-12)
        assert found >= 0.0
    assert value(bleu(order, clean), references, answers) <= 1.0 + 1e-12
    assert value(bleu(order, clean), references, [gold[0] for gold in references]) == pytest.approx(1.0)


def test_examples_without_references_change_neither_nist_nor_bleu() -> None:
    for metric in (nist(2, clean), bleu(2, clean)):
        with_them = value(metric, [["rates rose"], []], ["rates rose", "anything at all"])
        assert with_them == value(metric, [["rates rose"]], ["rates rose"]) > 0


def test_one_string_for_a_list_of_references_is_refused() -> None:
    with pytest.raises(TypeError, match="list of strings"):
        bleu(1, clean).measure("rates", "rates")


@pytest.mark.slow
def test_the_constant_baseline_has_the_entropies_of_its_eight_tokens() -> None:
    said = ["I don't know what you mean."] * 2208
    found = values(dstc7_metrics(), [["rates rose"]] * 2208, said)
    assert [found[f"entropy_{n}"] for n in (1, 2, 3, 4)] == pytest.approx(
        [math.log(n) for n in (8, 7, 6, 5)], abs=1e-12
    )
    assert found["div_1"] == found["div_2"] == 1 / 2208
    assert found["avg_len"] == 8.0


# What METEOR 1.5 (-l en, without -norm) printed for four sentences that were made up for this, and its total of them.
SEGMENTS = (
    "7 6 2 2 3 3 2 2 0 0 0 0 0 0 0 0 0 0 0 0 3 5 5",
    "2 2 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
    "4 4 3 3 1 1 3 3 0 0 0 0 0 0 0 0 0 0 0 0 1 4 4",
    "8 6 3 1 2 2 1 1 0 0 0 0 0 0 0 0 1 2 2 0 2 6 5",
)
SCORES, TOTAL = (0.3488573716572273, 0.0, 1.0, 0.3283282645538716), 0.33371267840693447


def test_meteors_formula_gives_the_programs_scores_and_its_total() -> None:
    rows = np.array([meteor.weighted(line) for line in SEGMENTS])
    # The first: 3 content and 2 function words match of 5 and 2, in 3 chunks of 5 matched words.
    assert rows[0].tolist() == [0.75 * 3 + 0.25 * 2, 0.75 * 5 + 0.25 * 2, 2.75, 0.75 * 4 + 0.25 * 2, 3.0, 5.0]
    assert rows[2, 4] == 0.0  # matched whole: no chunks
    assert meteor.meteor_from_sums(rows, np.ones(4)) == pytest.approx(SCORES, abs=1e-12)
    assert float(meteor.meteor_from_sums(rows.sum(axis=0), np.array(4.0))) == pytest.approx(TOTAL, abs=1e-12)


@pytest.mark.parametrize("line", ["", "0.5", "a b c"])
def test_another_answer_of_meteors_program_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"METEOR|convert"):
        meteor.weighted(line)


@pytest.fixture
def fake_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a shell script in the place of Java, "" for none at all, and a jar into a cache of its own."""
    meteor.ready.cache_clear()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))

    def put(script: str) -> None:
        folder = tmp_path / "cache/pypi/pycocoevalcap-1.2/pycocoevalcap/meteor"
        folder.mkdir(parents=True)
        (folder / "meteor-1.5.jar").touch()
        monkeypatch.setattr(meteor, "_SHA256", digest(folder))
        if script:
            path = tmp_path / "bin/java"
            path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    yield put
    meteor.ready.cache_clear()


def test_meteor_is_absent_without_java(fake_java: Callable[[str], None]) -> None:
    fake_java("")
    assert "install a Java runtime" in meteor.meteor(clean).absent(["yes"])


def test_meteor_is_absent_without_its_program_and_nothing_is_fetched(
    fake_java: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java("exit 0")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "empty"))
    assert "bench fetch task=dstc7" in meteor.meteor(clean).absent(["yes"])
    assert not (tmp_path / "empty").exists()
    assert "BENCH_OFFLINE" not in os.environ


def test_meteor_is_absent_where_its_program_ends_at_once(fake_java: Callable[[str], None]) -> None:
    fake_java("exit 1")
    assert "ended before it answered" in meteor.meteor(clean).absent(["yes"])


def test_meteor_asks_one_program_a_line_for_each_example(fake_java: Callable[[str], None], tmp_path: Path) -> None:
    fake_java(f'while read -r line; do echo "$line" >> {tmp_path}/asked; echo "{SEGMENTS[0]}"; done')
    metric = meteor.meteor(clean)
    assert metric.absent([]) == ""
    assert metric.measure(["Good question", "a|||b"], "No idea!") == meteor.weighted(SEGMENTS[0])
    assert metric.measure([], "No idea!") == (0.0,) * 6
    assert (tmp_path / "asked").read_text().splitlines()[1] == "SCORE ||| good question ||| a b ||| no idea !"
    meteor.ready().close()


def real_meteor() -> None:
    """Skip where METEOR cannot run: these start Java."""
    if reason := meteor.meteor(clean).absent([]):
        pytest.skip(reason)


@pytest.mark.slow
def test_the_formula_over_rows_is_the_programs_own_total() -> None:
    real_meteor()
    pairs = [("No idea.", ["Good question, no idea!"]), ("It fell", ["it has fallen"]), ("Same here.", ["Same here."])]
    metric = meteor.meteor(clean)
    lines = [meteor._segment([clean(gold) for gold in golds], clean(said)) for said, golds in pairs]
    *each, total = meteor.ready().ask(" ||| ".join(["EVAL", *lines]), len(lines) + 1)
    for (said, golds), expected in zip(pairs, each, strict=True):
        assert value(metric, [golds], [said]) == pytest.approx(float(expected), abs=1e-12)
    found = value(metric, [golds for _, golds in pairs], [said for said, _ in pairs])
    assert found == pytest.approx(float(total), abs=1e-12)
    assert each[2] == "1.0"


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (folder / "GOLDEN.json").exists():
        pytest.skip(f"the reference data are not in {folder}; set BENCH_DATA to their folder")
    return folder


def demo(data: Path) -> tuple[References, list[str], dict[str, Any]]:
    """The references and answers of the organisers' fixture, which is tokenised, and what their script prints."""
    one, two, answers = ((data / f"dstc7/demo/{name}.txt").read_text().split("\n") for name in ("ref0", "ref1", "hyp"))
    golden = json.loads((data / "GOLDEN.json").read_text())["dstc7_demo"]
    return list(zip(one, two, strict=True)), answers, golden


def test_the_organisers_fixture_gets_its_published_scores(data: Path) -> None:
    references, answers, golden = demo(data)
    found = values(dstc7_metrics(str), references, answers)
    for key, name in (("nist", "nist"), ("bleu", "bleu"), ("entropy", "entropy"), ("diversity", "div")):
        for order, expected in enumerate(golden[key], start=1):
            assert round(found[f"{name}_{order}"], 4) == expected, (name, order)
    assert found["avg_len"] == golden["avg_len"]


@pytest.mark.slow
def test_the_organisers_fixture_gets_its_published_meteor(data: Path) -> None:
    real_meteor()
    references, answers, golden = demo(data)
    assert round(value(meteor.meteor(str), references, answers), 4) == golden["meteor"]


def human_table(path: Path) -> dict[str, list[float]]:
    """The means of relevance, of interest and of the two by system, over judges and instances."""
    judgments: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8-sig").splitlines()[1:]:
        _, _, system, relevance, interest = line.split("\t")
        judgments[system].append((float(relevance), float(interest)))
    means = {system: np.mean(rows, axis=0) for system, rows in judgments.items()}
    return {system: [*pair.tolist(), float(pair.mean())] for system, pair in means.items()}


@pytest.mark.slow
def test_the_judgments_give_the_published_human_evaluation(data: Path) -> None:
    golden = json.loads((data / "GOLDEN.json").read_text())["dstc7_human_table"]
    found = human_table(data / "dstc7/dstc7-task2-human-eval-per-judge.tsv")
    for system, name in (("Human", "Human"), ("Baseline", "seq2seq")):
        assert [round(mean, 3) for mean in found[system]] == golden[name]


@pytest.mark.slow
def test_the_release_is_read_whole_and_every_system_has_an_answer_to_each_context(data: Path) -> None:
    task = Dstc7(DataSource("dstc7/", data_dir=str(data)))
    examples = task.examples()
    assert len(examples) == task.card.n_examples
    assert Counter(len(example.target) for example in examples) == {6: 954, 0: 46}
    assert list(task.problems()) == []
    file = data / "dstc7/dstc7-task2-system_responses.tsv"
    for system in ("Human", "TeamB"):
        found = dict(task.submitted(Path(f"{file}@{system}"), examples))
        assert set(found) == {example.id for example in examples}


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ("abcdef", "accdef"),  # the second is the human's own; the third takes its place
        ("abcdefgh", "accdef"),
        ("abcd", "accdac"),  # in turns: a, c for b, c, d, a, c for b
        ("abc", "accacc"),
        ("ab", "aaaaaa"),
        ("a", "aaaaaa"),
        ("", ""),
    ],
)
def test_six_references_count_without_the_second(references: str, expected: str) -> None:
    assert "".join(official_references(list(references))) == expected


RELEASE = {
    "dstc7-task2-context.tsv": 'InstanceID\tDepth\tContext\nk2\t2\tThe "old bank" closed .\nk1\t3\tSnow fell.\nk3\t2\tSnow fell.\n',
    "dstc7-task2-gold_responses.tsv": 'InstanceID\tReference1\t...\nk1\tCold\tme\tSo "cold\nk2\tWhich one ?\tmine\nk3\t\n',
}
OFFICIAL = {
    "test.convos.txt": "".join(
        f"{key}\ttil\t{conversation}\t7\t{turn}\t{context}\t__UNDISCLOSED__\n"
        for key, conversation, turn, context in (
            ("h1", "c1", 2, "START EOS til snow is white ."),
            ("h2", "c1", 3, "START EOS til snow is white . EOS is it ?"),
            ("h3", "c2", 2, "... rest of it EOS why EOS because"),
            ("h4", "c2", 2, "START EOS no references"),
        )
    ),
    "test.facts.txt": (
        "f1\ttil\tc1\texample.org\t<h1> weather </h1>\nf2\ttil\tc1\texample.org\t<anchor> snow </anchor>\n"
        "f3\ttil\tc1\texample.org\t<p> it is white . </p>\n"
    ),
    "test.refs": "h1\t3|one|cut\t1|human\t2|three\nh2\t5|yes\nh3\t1|a\t2|b\n",
    "valid.convos.txt": "v1\ttil\tc9\t4\t2\tSTART EOS hello\thello to you\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Dstc7]:
    """A task on files of these names and texts."""

    def make(files: dict[str, str], **changes: str) -> Dstc7:
        (tmp_path / "dstc7").mkdir(exist_ok=True)
        for name, text in {**files, **changes}.items():
            (tmp_path / "dstc7" / name).write_text(text, encoding="utf-8")
        return Dstc7(DataSource("dstc7/", data_dir=str(tmp_path)))

    return make


def test_the_release_gives_the_page_and_the_references_without_the_humans(folder: Callable[..., Dstc7]) -> None:
    two, one, three = folder(RELEASE).examples()
    assert two.inputs == {"page": 'The "old bank" closed .', "turns": []}
    assert two.target == ["Which one ?"] * 6
    assert one.target == ["Cold", 'So "cold', 'So "cold'] * 2
    assert (three.target, three.cluster, one.cluster) == ([], "k1", "k1")  # one page, one discussion
    assert two.cluster == "k2"


def test_the_official_files_come_before_the_release(folder: Callable[..., Dstc7]) -> None:
    task = folder(RELEASE | OFFICIAL)
    one, two, three = task.examples()
    assert one.target == ["one", "three", "three"] * 2
    assert one.inputs == {"page": "snow it is white .", "turns": ["til snow is white ."]}
    assert (one.cluster, two.cluster, three.cluster) == ("c1", "c1", "c2")
    assert three.inputs == {"page": "", "turns": ["... rest of it", "why", "because"]}
    assert task.training() == ()  # a worked example has no place in the middle of a conversation
    assert list(task.problems()) == ["3 examples, where the evaluation has 2,208"]


def test_the_organisers_list_of_keys_selects_examples(folder: Callable[..., Dstc7]) -> None:
    assert [example.id for example in folder(OFFICIAL, **{"test.2k.txt": "h3\nh1\n"}).examples()] == ["h1", "h3"]


def test_a_request_is_the_page_and_a_chat_that_ends_with_the_user_and_holds_no_target(
    folder: Callable[..., Dstc7],
) -> None:
    for files in (RELEASE, OFFICIAL):
        task = folder(files)
        for example in task.examples():
            parts = task.request(example).parts
            assert all(isinstance(part, Text) for part in parts)
            roles = [part.role for part in parts if isinstance(part, Text)]
            assert roles[0] == "system"
            assert roles[1:] == ["user", "assistant", "user"][: len(roles) - 1]
            assert roles[-1] == "user"
            text = "\n".join(part.text for part in parts if isinstance(part, Text))
            assert example.inputs["page"] in text
            assert not [gold for gold in example.target if len(gold) > 3 and gold in text]


def test_examples_of_one_page_share_their_beginning(folder: Callable[..., Dstc7]) -> None:
    task = folder(OFFICIAL)
    one, two, _ = (task.request(example).parts for example in task.examples())
    assert one[0] == two[0]
    assert two[1] == Text("til snow is white .\nis it ?")  # two turns: the user's, for a chat starts with one


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("dstc7-task2-context.tsv", "Id\tText\n", "line 1: found 'Id\\tText', expected the columns InstanceID Depth"),
        ("dstc7-task2-context.tsv", "InstanceID\tDepth\tContext\nk1\t2\n", "line 2: 2 columns, expected 3"),
        (
            "dstc7-task2-context.tsv",
            "InstanceID\tDepth\tContext\nk9\t2\tx\n",
            "line 2: 'k9' is not in dstc7-task2-gold",
        ),
        (
            "dstc7-task2-gold_responses.tsv",
            "InstanceID\tReference1\t...\nk1\ta\nk1\tb\n",
            "line 3: the key 'k1' stands at",
        ),
    ],
)
def test_a_damaged_release_is_refused_with_its_line(
    folder: Callable[..., Dstc7], name: str, text: str, reason: str
) -> None:
    with pytest.raises(BenchError) as refused:
        folder(RELEASE, **{name: text}).examples()
    assert reason in str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("test.refs", "h1\tno score\n", "test.refs line 1: found the reference 'no score', expected score|text"),
        ("test.convos.txt", "h1\ttil\tc1\t7\t2\tSTART\n", "test.convos.txt line 1: 6 columns, expected 7"),
        ("test.facts.txt", "f1\ttil\n", "test.facts.txt line 1: 2 columns, expected 5"),
    ],
)
def test_damaged_official_files_are_refused_with_their_line(
    folder: Callable[..., Dstc7], name: str, text: str, reason: str
) -> None:
    with pytest.raises(BenchError) as refused:
        folder(OFFICIAL, **{name: text}).examples()
    assert reason in str(refused.value)


def test_a_missing_folder_says_where_the_data_are(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="does not exist"):
        Dstc7(DataSource("dstc7/", data_dir=str(tmp_path))).examples()


SYSTEMS = 'SystemID\tInstanceID\tResponse\nB\tk1\tyes, "it\nA\tk1\tno\nB\tk2\tmaybe\n'


@pytest.mark.parametrize(
    ("text", "system", "expected"),
    [
        ("k1\tyes\nk2\tno\n", "", [("k1", "yes"), ("k2", "no")]),
        ("\ufeffk1\tyes\r\n\r\nk2\tno", "", [("k1", "yes"), ("k2", "no")]),
        ("h1\ttil\tc1\t7\t2\tSTART EOS hi\thello", "", [("h1", "hello")]),  # test.convos.txt with the response put in
        ("k1\tone\nk1\ttwo\nx\t\n", "", [("k1", "one"), ("k1", "two"), ("x", "")]),  # kept: the caller counts
        ('k1\t"it\u2028is" \x85 so\n', "", [("k1", '"it\u2028is" \x85 so')]),  # no quoting; lines end with \n only
        (SYSTEMS, "B", [("k1", 'yes, "it'), ("k2", "maybe")]),
        (SYSTEMS, "A", [("k1", "no")]),
        ("SystemID\tInstanceID\tResponse\nA\tk1\tno\n", "", [("k1", "no")]),  # a single system needs no name
        ('{"k1": "yes", "k2": ""}', "", [("k1", "yes"), ("k2", "")]),
        ('[{"id": "k1", "answer": "yes"}]', "", [("k1", "yes")]),
    ],
)
def test_submissions_are_read_in_every_form(
    folder: Callable[..., Dstc7], tmp_path: Path, text: str, system: str, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / "said.tsv"
    path.write_bytes(text.encode())
    named = Path(f"{path}@{system}") if system else path
    assert list(folder(RELEASE).submitted(named, ())) == expected


def test_a_file_whose_name_has_an_at_is_read_as_it_is(folder: Callable[..., Dstc7], tmp_path: Path) -> None:
    (tmp_path / "me@work.tsv").write_text("k1\tyes\n", encoding="utf-8")
    assert list(folder(RELEASE).submitted(tmp_path / "me@work.tsv", ())) == [("k1", "yes")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("k1\tyes\nk2", "found no response"),
        ('{"k1": "yes", "k2": 5}', "found 5"),
        ('{"k1": "", "k2": null}', "no resp"),
    ],
)
def test_a_bad_answer_is_malformed(folder: Callable[..., Dstc7], tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "said.tsv"
    path.write_text(text, encoding="utf-8")
    (_, good), (_, bad) = folder(RELEASE).submitted(path, ())
    assert isinstance(good, str)
    assert isinstance(bad, Malformed)
    assert reason in bad.reason


@pytest.mark.parametrize(
    ("content", "system", "reason"),
    [
        (SYSTEMS.encode(), "", "several systems; name one of A, B behind an @: said.tsv@A"),
        (SYSTEMS.encode(), "C", "the system 'C' is not in it; name one of A, B"),
        (b"k1\tyes\n", "A", "holds one system only; leave @A out"),
        (b"yes\nno\n", "", "no line has a TAB"),
        (b"", "", "no line has a TAB"),
        (b"SystemID\tInstanceID\tResponse\nA\tk1\n", "A", "line 2: 2 columns, expected 3"),
        ("k1\tyes\nk2\tcafé".encode("latin-1"), "", "line 2: byte 0xe9 is not UTF-8"),
        (b'{"k1": "yes', "", "is not JSON: line 1"),
        (b'{"k1": NaN}', "", "NaN is not a JSON number"),
        (b'[{"id": "k1"}]', "", "the key 'answer' is missing"),
    ],
)
def test_a_file_in_no_format_is_refused(
    folder: Callable[..., Dstc7], tmp_path: Path, content: bytes, system: str, reason: str
) -> None:
    path = tmp_path / "said.tsv"
    path.write_bytes(content)
    with pytest.raises(BenchError) as refused:
        list(folder(RELEASE).submitted(Path(f"{path}@{system}") if system else path, ()))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Snow again!\n\nWho knew?", "Snow again! Who knew?"),
        ("Comment: Snow again!", "Snow again!"),
        ('Reply: "Snow again!"', "Snow again!"),
        ('"Snow" and "ice"', '"Snow" and "ice"'),
        ('"Snow again!"', '"Snow again!"'),  # as many comments of people are
        ('Reply: "Snow" and "ice"', '"Snow" and "ice"'),
        ('```json\n{"comment": "Snow again!"}\n```', "Snow again!"),
        ('{"comment": "Snow", "why": "cold"}', '{"comment": "Snow", "why": "cold"}'),  # which of them is not known
        ("{not JSON", "{not JSON"),
        ("I'm sorry, I can't help with that.", "I'm sorry, I can't help with that."),  # a reply as any other
        ("$1,452.4 million?!", "$1,452.4 million?!"),
        ("Response:", ""),
        ("", ""),
    ],
)
def test_a_comment_is_read_out_of_what_a_model_wrote(text: str, expected: str) -> None:
    assert comment(text) == expected


@pytest.fixture
def _no_java(fake_java: Callable[[str], None]) -> None:
    fake_java("")


@pytest.mark.usefixtures("_no_java")
def test_the_ideal_answers_are_perfect_and_meteor_is_absent_with_the_reason(folder: Callable[..., Dstc7]) -> None:
    task = folder(OFFICIAL)
    examples = task.examples()
    found = {s.metric: s for s in score(task, examples, map(task.ideal, examples), resamples=0, seed=0)}
    assert [found[f"bleu_{n}"].value for n in (1, 2, 3, 4)] == [1.0] * 4
    assert found["meteor"].value is None
    assert "Java" in found["meteor"].note
    failed = {s.metric: s for s in score(task, examples, (), resamples=0, seed=0)}
    assert failed["nist_4"].worst == failed["nist_4"].value == 0.0
    for metric in ("nist_4", "bleu_4", "avg_len"):
        assert failed[metric].best == found[metric].value


@pytest.mark.usefixtures("_no_java")
def test_the_official_figures_have_the_scripts_keys_and_arrays(folder: Callable[..., Dstc7]) -> None:
    task = folder(OFFICIAL)
    examples = task.examples()
    said = [Prediction("h1", answer="One thing"), Prediction("h2", answer="yes"), Prediction("h3", answer="b a")]
    found = {s.metric: s.value for s in score(task, examples, said, resamples=0, seed=0) if s.value is not None}
    official = task.official(found, examples)
    assert {key: len(value) for key, value in official.items() if isinstance(value, list)} == {
        "nist": 4, "bleu": 4, "entropy": 4, "diversity": 2,
    }  # fmt: skip
    # Of 5 words match one, yes and a; the references (one three three twice, yes, a) have 1 word throughout.
    assert official["bleu"][0] == 3 / 5
    assert official["avg_len"] == pytest.approx(5 / 3)
    assert official["diversity"] == [1.0, 1.0]
    assert official["entropy"][:2] == pytest.approx([math.log(5), math.log(2)])
    assert "meteor" not in official
    assert task.official({**found, "meteor": 0.25}, examples)["meteor"] == 0.25
    assert all(value == round(value, 4) for value in official["nist"])


PLAIN = {
    "ref0.txt": "it 's cold\nno\n",
    "ref1.txt": "Snow , again\n\n",
    "ref10.txt": "ten\nten",
    "ref2.txt": "two\r\ntwo",
}


def test_plain_references_are_lines_that_belong_together(folder: Callable[..., Dstc7]) -> None:
    task = folder(PLAIN)
    one, two = task.examples()
    assert (one.id, one.target) == ("1", ["it 's cold", "Snow , again", "two", "ten"])  # all count, by their numbers
    assert (two.id, two.target) == ("2", ["no", "", "two", "ten"])
    assert (one.cluster, two.cluster) == ("1", "2")
    assert list(task.problems()) == []
    assert task.request(one).parts[-1].role == "user"  # type: ignore[union-attr]


@pytest.mark.parametrize("files", [RELEASE, OFFICIAL])
def test_plain_references_count_only_where_nothing_else_lies(
    folder: Callable[..., Dstc7], files: dict[str, str]
) -> None:
    assert next(example.id for example in folder(files | PLAIN).examples()) != "1"


def test_plain_references_of_different_length_are_refused(folder: Callable[..., Dstc7]) -> None:
    with pytest.raises(BenchError, match=r"ref1\.txt: 3 lines, where ref0\.txt has 2"):
        folder(PLAIN, **{"ref1.txt": "a\nb\nc\n"}).examples()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("hyp.txt", "one\ntwo\n", [("1", "one"), ("2", "two")]),
        ("hyp.txt", "\ufeffone\r\ntwo", [("1", "one"), ("2", "two")]),
        ("hyp.txt", "one\n\nthree", [("1", "one"), ("2", ""), ("3", "three")]),  # the caller counts what is unknown
        ("hyp.txt", "a\tb \u2028c\n[ d ]\n", [("1", "a\tb \u2028c"), ("2", "[ d ]")]),
        ("hyp.json", '{"2": "two", "1": "one"}', [("2", "two"), ("1", "one")]),
    ],
)
def test_hypotheses_for_plain_references_are_lines(
    folder: Callable[..., Dstc7], tmp_path: Path, name: str, text: str, expected: list[tuple[str, str]]
) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert list(folder(PLAIN).submitted(tmp_path / name, ())) == expected


@pytest.mark.parametrize(
    ("files", "clean", "expected"),
    [
        (PLAIN, None, 2),  # "it 's" as it stands
        (PLAIN, True, 3),  # "it ' s"
        (OFFICIAL, None, 3),
        (OFFICIAL, False, 2),
    ],
)
def test_conversations_are_cleaned_and_plain_lines_are_not_unless_asked(
    folder: Callable[..., Dstc7], files: dict[str, str], clean: bool | None, expected: int
) -> None:
    task = Dstc7(folder(files).data, clean=clean)
    (length,) = (metric for metric in task.metrics if metric.name == "avg_len")
    assert isinstance(length, Metric)
    assert tuple(length.measure([""], "it 's")) == (expected,)


Main = Callable[..., tuple[int, list[str], list[str]]]


@pytest.mark.slow
def test_the_command_gives_the_organisers_demo_its_published_scores(
    data: Path, bench_main: Main, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("_no_java")
    folder, golden = data / "dstc7" / "demo", demo(data)[2]
    code, out, _ = bench_main("score", "dstc7", str(folder / "hyp.txt"), "--data", str(folder), "--json")
    official = json.loads(out[-1])["official"]
    assert code == 0
    for key in ("nist", "bleu", "entropy", "diversity"):
        assert [round(number, 4) for number in official[key]] == golden[key], key
    assert official["avg_len"] == golden["avg_len"]


@pytest.mark.slow
def test_the_command_gives_the_organisers_demo_its_published_meteor(data: Path, bench_main: Main) -> None:
    real_meteor()
    folder, golden = data / "dstc7" / "demo", demo(data)[2]
    _, out, _ = bench_main("score", "dstc7", str(folder / "hyp.txt"), "--data", str(folder), "--json")
    assert round(json.loads(out[-1])["official"]["meteor"], 4) == golden["meteor"]


@pytest.mark.slow
@pytest.mark.usefixtures("_no_java")
@pytest.mark.parametrize("n", [3, 2_208])
def test_the_same_eight_tokens_throughout_have_their_entropy(tmp_path: Path, bench_main: Main, n: int) -> None:
    """The constant baseline, on the official layout: div-1 is 8 tokens of 8 n, div-2 7 bigrams of 7 n."""
    keys, folder = [f"h{i}" for i in range(n)], tmp_path / "dstc7"
    folder.mkdir()
    rows = [f"{key}\ttil\tc{i % 97}\t1\t2\tSTART EOS what of {i} ?\t__UNDISCLOSED__" for i, key in enumerate(keys)]
    (folder / "test.convos.txt").write_text("\n".join(rows) + "\n")
    (folder / "test.refs").write_text("".join(f"{key}\t1|yes , {i}\t2|no\n" for i, key in enumerate(keys)))
    hypotheses = tmp_path / "same.tsv"
    hypotheses.write_text("".join(f"{key}\tI am not sure what that means .\n" for key in keys))
    code, out, _ = bench_main(
        "score", "dstc7", str(hypotheses), "--data", str(folder), "resamples=10", "--json", f"runs_dir={tmp_path}/runs"
    )
    official = json.loads(out[-1])["official"]
    assert code == 0
    assert official["entropy"] == pytest.approx([math.log(8), math.log(7), math.log(6), math.log(5)], abs=1e-12)
    assert official["diversity"] == pytest.approx([1 / n, 1 / n], abs=1e-15)
    assert official["avg_len"] == 8.0
