"""What a film looks like, in 1,536 numbers: which way edges run where it moves, and how much each place there moves."""

from __future__ import annotations

from typing import Any

from bench.models import video

SIDE = 64  # pixels of the part that moves
_CELL, _WAYS = 8, 8  # pixels of a cell; directions of edges
EDGES, MOVED = slice(0, 512), slice(512, 1_536)  # of the numbers
_WIDEST = 320  # pixels that frames are looked at with
_STILL = 0.05  # deviation of grey below which a place does not move: what an encoder makes of a still one
_RIMS = (0.05, 0.95)  # of all movement, across and down, that lies outside of the part
_MARGIN, _LEAST_SIDE = 1.1, 40.0  # of its size; pixels


def features(path: str, n_frames: int) -> Any:
    """The numbers [1536] of at most `n_frames` evenly spaced frames, grey from 0 to 1; raises ValueError as `video.shown`.

    They are of the square in which most of the movement is (of a person who talks, the head), or of the whole picture where
    nothing moves: edges by direction in cells [8, 8, 8] on average, and the deviation of each place over the frames [32, 32].
    """
    import numpy as np

    part = _moving([_grey(frame) for frame in video.shown(path, n_frames)])
    edges = np.mean([_edges(one) for one in part], axis=0)
    half = SIDE // 2
    moved = part.reshape(len(part), half, 2, half, 2).mean(axis=(2, 4)).std(axis=0)
    return np.concatenate([edges.ravel(), moved.ravel()])


def _grey(frame: Any) -> Any:
    """A frame as grey pixels [h, w], upright, at most 320 wide before it is turned."""
    width = min(_WIDEST, frame.width)
    height = max(1, round(frame.height * width / frame.width))
    return video.upright(frame, frame.reformat(width, height, "gray", interpolation="AREA").to_ndarray())


def _moving(frames: list[Any]) -> Any:
    """The square that moves, [n, 64, 64] from 0 to 1."""
    import numpy as np
    from PIL import Image

    height, width = frames[0].shape
    alike = np.stack([one for one in frames if one.shape == (height, width)])  # a film may change its size
    moved = alike.astype(np.float32).std(axis=0) / 255
    moved[moved < _STILL] = 0
    box = (0.0, 0.0, float(width), float(height))
    if moved.any():
        ends = [np.searchsorted(np.cumsum(one) / one.sum(), _RIMS) for one in (moved.sum(axis=0), moved.sum(axis=1))]
        reach = max(_LEAST_SIDE, *(float(b - a) for a, b in ends)) * _MARGIN / 2
        (x, y) = (float(a + b) / 2 for a, b in ends)
        box = (max(0.0, x - reach), max(0.0, y - reach), min(float(width), x + reach), min(float(height), y + reach))
    cut = [Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BOX, box) for one in alike]
    return np.stack([np.asarray(one, np.float64) for one in cut]) / 255


def _edges(grey: Any) -> Any:
    """How strong edges are in each cell by direction [8, 8, 8], as shares of the cell's edges as far as there are any.

    Source: Dalal and Triggs 2005, "Histograms of oriented gradients for human detection" (CVPR), without overlapping blocks.
    """
    import numpy as np

    down, right = np.gradient(grey)
    strength = np.hypot(down, right)
    way = (np.arctan2(down, right) % np.pi / np.pi * _WAYS).astype(int) % _WAYS
    n = len(grey) // _CELL
    cells = np.arange(len(grey)) // _CELL
    place = (cells[:, None] * n + cells[None]) * _WAYS + way
    found = np.bincount(place.ravel(), strength.ravel(), n * n * _WAYS).reshape(n, n, _WAYS)
    return found / (found.sum(axis=2, keepdims=True) + 0.5)
