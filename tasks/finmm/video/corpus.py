"""What leaves the package: films, annotation records, OMG-Emotion's files and whole folders."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.finmm import LICENCE
from tasks.finmm.video.clip import KINDS, Clip
from tasks.finmm.video.generate import make_clip

if TYPE_CHECKING:
    from tasks.finmm.video.encode import Film

EMOTIONS = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # OMG-Emotion's classes, in their order
_GOLD = ("link", "start", "end", "video", "utterance", "arousal", "valence", "EmotionMaxVote")
_RECORDS = {"Train": "_train", "Validation": "", "Test": "_test"}
_SAID = ("link", "video", "utterance", "transcript")


def annotate(clip: Clip) -> dict[str, Any]:
    """The annotation record of a clip: what is said and when, how it is felt, what may be asked."""
    from tasks.finmm.video import films

    return _record(clip, films.film(clip))


def _record(clip: Clip, film: Film) -> dict[str, Any]:
    from tasks.finmm.video import sounds
    from tasks.finmm.video.encode import RATE

    who = sounds.speaker(clip)
    end = max((word[2] for word in film.words), default=film.seconds)
    felt = {} if clip.valence is None else {"valence": clip.valence, "arousal": clip.arousal, "emotion": clip.emotion}
    return {
        "id": clip.id,
        "file": clip.file,
        "kind": clip.kind,
        "seconds": round(film.seconds, 3),
        "width": film.size[0],
        "height": film.size[1],
        "frame_rate": film.fps,
        "rate": RATE,
        "channel": "room",
        "language": "en",
        "licence": LICENCE,
        "source": "synthetic",
        "consent": "no person is filmed or heard",
        "conversation": clip.conversation or clip.video,
        "speakers": [sounds.described(who, "customer" if clip.kind == "call" else "narrator")],
        "segments": [
            {
                "speaker": who.name,
                "start": min((word[1] for word in film.words), default=0.0),
                "end": min(end, film.seconds),
                "text": clip.text,
                "words": [{"word": word, "start": start, "end": stop} for word, start, stop in film.words],
                **felt,
            }
        ],
        "questions": [
            {
                "id": question.id,
                "question": question.text,
                "answers": list(question.answers),
                "from": film.seen[question.id][0],
                "to": film.seen[question.id][1],
            }
            for question in clip.questions
        ],
        "agreement": "assigned",
    }


def clips(seed: int, kinds: Sequence[str] = KINDS) -> Iterator[Clip]:
    """The clips of these kinds in order, without end."""
    return (clip for clip in (make_clip(seed, index) for index in itertools.count()) if clip.kind in kinds)


def write_videos(folder: Path, seed: int, n: int, kinds: Sequence[str] = KINDS, split: str = "Validation") -> None:
    """Write n clips of these kinds in OMG-Emotion's layout, one clip in memory at a time.

    `VIDEO/UTTERANCE.mp4`, `annotations.jsonl`, and of the calls `omg_<split>Videos.csv` and `omg_<split>Transcripts.csv`, whose
    link, start and end are those of the film itself. `split` is Train, Validation or Test; the annotations of the first and the
    last have it in their file's name, so that all lie in one folder.
    """
    from tasks.finmm.video import films
    from tasks.finmm.video.encode import encode

    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / f"annotations{_RECORDS[split]}.jsonl").open("w", encoding="utf-8") as records,
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
            encode(film, place)
            records.write(json.dumps({**_record(clip, film), "split": split.lower()}, ensure_ascii=False) + "\n")
            if clip.kind == "call":
                name = clip.video, f"{clip.utterance}.mp4"
                vote = EMOTIONS.index(str(clip.emotion))
                gold_rows.writerow((clip.file, 0.0, round(film.seconds, 3), *name, clip.arousal, clip.valence, vote))
                said_rows.writerow((clip.file, *name, clip.text))
