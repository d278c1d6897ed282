"""Short films of financial services: made on demand, the same in every process."""

from __future__ import annotations

from tasks.finmm.video.clip import KINDS, Clip, Question
from tasks.finmm.video.corpus import annotate, write_videos
from tasks.finmm.video.generate import clip_of, index_of, make_clip
from tasks.finmm.video.kept import clip_file

__all__ = ["KINDS", "Clip", "Question", "annotate", "clip_file", "clip_of", "index_of", "make_clip", "write_videos"]
