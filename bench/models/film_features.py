"""What a film looks like, in 2,578 numbers: its picture on average, where it moves, and which way its edges run."""

from __future__ import annotations

from typing import Any

from bench.models import video

SIDE = 32  # pixels of the small pictures
_CELL, _WAYS = 8, 8  # pixels of a cell of the pictures twice as large; directions of edges
_BLOCKS = 4  # squares a side, of each of which the movement is told


def features(path: str, n_frames: int) -> Any:
    """The numbers [2578] of at most `n_frames` evenly spaced frames, grey from 0 to 1; raises ValueError as `video.shown`.

    The mean picture [32, 32] and its deviation over the frames, edges by direction in cells [8, 8, 8] on average, movement from
    frame to frame in squares [4, 4], and the brightness and its change. A film of one frame does not move.
    """
    import numpy as np

    large = np.stack([_grey(frame) for frame in video.shown(path, n_frames)])
    small = large.reshape(len(large), SIDE, 2, SIDE, 2).mean(axis=(2, 4))
    moved = np.abs(np.diff(small, axis=0)) if len(small) > 1 else np.zeros((1, SIDE, SIDE))
    side = SIDE // _BLOCKS
    squares = moved.mean(axis=0).reshape(_BLOCKS, side, _BLOCKS, side).mean(axis=(1, 3))
    edges = np.mean([_edges(one) for one in large], axis=0)
    light = small.mean(axis=(1, 2))
    parts = [small.mean(axis=0), small.std(axis=0), edges, squares, np.array([light.mean(), light.std()])]
    return np.concatenate([part.ravel() for part in parts])


def _grey(frame: Any) -> Any:
    """A frame as grey pixels [64, 64], whatever its shape."""
    import numpy as np

    return frame.reformat(2 * SIDE, 2 * SIDE, "gray", interpolation="AREA").to_ndarray().astype(np.float64) / 255


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
