"""What leaves the package: films, annotation records, OMG-Emotion's files and whole folders."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tasks.finmm.video.clip import KINDS, Clip
from tasks.finmm.video.generate import make_clip

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # OMG-Emotion's classes, in their order
_GOLD = ("link", "start", "end", "video", "utterance", "arousal", "valence", "EmotionMaxVote")
_SAID = ("link", "video", "utterance", "transcript")


def annotate(clip: Clip) -> dict[str, Any]:
    """The annotation record of a clip: what is said and when, how it is felt, what may be asked."""
    from tasks.finmm.video import films

    return _record(clip, films.film(clip))


def _record(clip: Clip, film: Any) -> dict[str, Any]:
    return {}


def clips(seed: int, kinds: Sequence[str] = KINDS) -> Iterator[Clip]:
    """The clips of these kinds in order, without end."""
    return (clip for clip in map(lambda index: make_clip(seed, index), itertools.count()) if clip.kind in kinds)


def write_videos(folder: Path, seed: int, n: int, kinds: Sequence[str] = KINDS, split: str = "Validation") -> None:
    """Write n clips of these kinds in OMG-Emotion's layout, one clip in memory at a time.

    `VIDEO/UTTERANCE.mp4`, `annotations.jsonl`, and of the calls `omg_<split>Videos.csv` and `omg_<split>Transcripts.csv`, whose
    link, start and end are those of the film itself. `split` is Train, Validation or Test.
    """
    from tasks.finmm.video import films, kept

    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "annotations.jsonl").open("w", encoding="utf-8") as records,
        (folder / f"omg_{split}Videos.csv").open("w", encoding="utf-8", newline="") as gold,
        (folder / f"omg_{split}Transcripts.csv").open("w", encoding="utf-8", newline="") as said,
    ):
        gold_rows, said_rows = (csv.writer(file, lineterminator="\n") for file in (gold, said))
        gold_rows.writerow(_GOLD)
        said_rows.writerow(_SAID)
        for clip in itertools.islice(clips(seed, kinds), n):
            place = folder / clip.file
            place.parent.mkdir(exist_ok=True)
            film = films.film(clip)
            kept.write(film, place)
            records.write(json.dumps(_record(clip, film), ensure_ascii=False) + "\n")
            if clip.kind == "call":
                name = clip.video, f"{clip.utterance}.mp4"
                vote = EMOTIONS.index(str(clip.emotion))
                gold_rows.writerow((clip.file, 0.0, round(film.seconds, 3), *name, clip.arousal, clip.valence, vote))
                said_rows.writerow((clip.file, *name, clip.text))
