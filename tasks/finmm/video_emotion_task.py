"""Valence and arousal of customers in rendered service calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from bench.errors import BenchError
from bench.task import Card
from bench.types import Example
from tasks.clip_emotion import ClipEmotion
from tasks.finmm import LICENCE
from tasks.finmm.video import Clip, clip_file, clip_of, write_videos
from tasks.finmm.video.calls import TRAINING_FROM


class FinmmVideoEmotion(ClipEmotion):
    """The feeling a customer shows in a call, on OMG-Emotion's scales; clips are rendered when they are asked for."""

    name, version = "finmm_video_emotion", 1
    makes_media = True
    card = Card(
        title="finmm: emotion in filmed service calls",
        source="tasks/finmm/video (rendered)",
        revision="1",
        licence=LICENCE,
        split="test (clip_seed 7)",
        n_examples=80,
        language="en",
        chance=(-0.25, 0.25),
        scenario="operations",
        cluster="video",
    )

    def __init__(self, clips: int = 80, clip_seed: int = 7, modality: str = "all", training_clips: int = 240) -> None:
        super().__init__(modality)
        for name, n in (("clips", clips), ("training_clips", training_clips)):
            if n < 1:
                raise BenchError(f"task.{name}={n} must be at least 1")
        if not 0 <= clip_seed < TRAINING_FROM:
            raise BenchError(
                f"task.clip_seed={clip_seed} must be from 0 to {TRAINING_FROM - 1}; those above are for training"
            )
        self.clips, self.training_clips, self.clip_seed = clips, training_clips, clip_seed

    def examples(self) -> Sequence[Example]:
        """The calls in order, several a video; nothing is rendered for that."""
        return self._examples(self._calls(self.clip_seed, self.clips))

    def training(self) -> Sequence[Example]:
        """Calls of another seed: other words, said by others."""
        return self._examples(self._calls(self.clip_seed + TRAINING_FROM, self.training_clips))

    def clip(self, example: Example) -> str:
        """The rendered call."""
        return clip_file(example.inputs["seed"], example.inputs["index"])

    def emotion(self, example: Example) -> dict[str, str]:
        """What the annotators called the emotion of what is said."""
        found = self._emotions.get(example.id)
        return {} if found is None else {"emotion": found}

    def write(self, folder: Path) -> None:
        """Write the calls in OMG-Emotion's layout, which `omg_emotion` reads."""
        write_videos(folder, self.clip_seed, self.clips, ("call",))

    def _calls(self, seed: int, n: int) -> list[Clip]:
        return [clip_of("call", seed, number) for number in range(n)]

    def _examples(self, clips: Sequence[Clip]) -> list[Example]:
        videos: dict[str, int] = {}
        found = []
        for clip in clips:
            number = videos.setdefault(clip.video, len(videos))
            target = {"valence": clip.valence, "arousal": clip.arousal, "video": number}
            inputs = {"seed": clip.seed, "index": clip.index, "transcript": clip.text}
            found.append(Example(clip.id, inputs, target, clip.video))
        return found

    @cached_property
    def _emotions(self) -> dict[str, str]:
        asked = self._calls(self.clip_seed, self.clips)
        taught = self._calls(self.clip_seed + TRAINING_FROM, self.training_clips)
        return {clip.id: str(clip.emotion) for clip in (*asked, *taught)}
