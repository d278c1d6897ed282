"""The task of handwritten digits: its pictures, its split and its scores, worked by hand."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from bench.scoring.measure import score
from bench.types import Example, Image, Prediction
from tasks import digits
from tasks.digits import Digits

BLANK = [[0] * 8 for _ in range(8)]


def pixels(ink: list[list[int]]) -> np.ndarray:
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(digits.picture(ink))) as opened:
        assert (opened.size, opened.mode, opened.format) == ((128, 128), "L", "PNG")
        return np.asarray(opened).copy()


def test_no_ink_is_white_and_full_ink_black() -> None:
    assert (pixels(BLANK) == 255).all()
    assert (pixels([[16] * 8 for _ in range(8)]) == 0).all()


def test_ink_fades_in_a_straight_line_from_one_cells_centre_to_the_next() -> None:
    rows = [
        [16, *[0] * 7] for _ in range(8)
    ]  # the first column is full; cells are 16 pixels, so centres lie at 7.5 and 23.5
    line = pixels(rows)[50]
    # pixel 8 is 1/32 of the way: 255 · 31/32 = 247.03 of ink; pixel 15 is 15/32: 255 · 17/32 = 135.47; 23 is 31/32: 7.97
    assert line[[0, 7, 8, 15, 23, 24, 127]].tolist() == [0, 0, 255 - 247, 255 - 135, 255 - 8, 255, 255]
    assert (pixels(rows) == line).all()


def test_a_picture_has_the_same_bytes_whatever_library_packs_it() -> None:
    found = Digits().request(Digits().training()[0]).parts[1]
    assert isinstance(found, Image)
    assert hashlib.sha256(found.data).hexdigest()[:16] == "ff3c1204f82a3322"


def test_no_picture_is_on_both_sides_and_each_digit_is_on_both() -> None:
    task = Digits()
    taught, evaluated = task.training(), task.examples()
    assert (len(taught), len(evaluated)) == (1297, 500)
    assert not {one.id for one in taught} & {one.id for one in evaluated}
    assert {int(one.id.removeprefix("digit-")) for one in evaluated} == set(range(1297, 1797))
    assert min(Counter(one.target for one in evaluated).values()) >= 40
    assert not list(task.problems())


def test_the_evaluated_order_does_not_count_from_nought_to_nine() -> None:
    targets = [int(one.target) for one in Digits().examples()]
    assert sum((b - a) % 10 == 1 for a, b in pairwise(targets)) < 80  # by chance 50 of 499


def test_other_pictures_in_scikit_learn_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "_checksum", lambda: 7)
    assert "other pictures than this task was made of" in next(iter(Digits().problems()))


def test_scores_are_those_worked_by_hand() -> None:
    task = Digits()
    examples = [Example(str(i), {"ink": BLANK}, target, str(i)) for i, target in enumerate("0011")]
    said = [Prediction(str(i), text=text) for i, text in enumerate(("0", "1", "1", "1"))]
    found = {one.metric: one.value for one in score(task, examples, said, resamples=0, seed=0)}
    assert found["accuracy"] == 0.75
    # of 0: 1 right, 1 given, 2 wanted: F1 2/3; of 1: 2 right, 3 given, 2 wanted: 4/5; the other eight have none
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 10)
