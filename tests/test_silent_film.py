"""Films without their sound: what cannot be had so fails its own example by its own name, and nothing of the sound is given."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from recordings import write_film, write_sound

from bench.commands.shared.media_files import faults
from bench.data.source import DataSource
from bench.engine import feed
from bench.engine.asking import Asking, asking
from bench.engine.fitting import fits, refuse_misfit
from bench.engine.veil import Veiled
from bench.errors import BenchError
from bench.models import sound
from bench.models.base import Model
from bench.models.late_fusion import LateFusion
from bench.models.listen import SoundOff
from bench.models.video import WatchThenRead
from bench.runs.asked import files_of
from bench.site.folder import SiteFolder
from bench.site.media import MediaFiles
from bench.types import Choose, Generate, Prediction, Regress, Request, Video
from tasks.omg_emotion import OmgEmotion

GOLD = "link,start,end,video,utterance,arousal,valence,EmotionMaxVote\n"


class Watcher(Model):
    """Answers every film that it can open, and keeps what is in it."""

    parts, outputs = frozenset({"text", "video"}), (Generate, Choose, Regress)
    uses_device = uses_libraries = False

    def __init__(self, parts: frozenset[str] | None = None) -> None:
        self.parts = parts or self.parts
        self.held: list[list[str]] = []

    def predict(self, batch: Sequence[Request]) -> list[Prediction]:
        for path in (path for request in batch for path in files_of(request)):
            with sound.opened(str(path)) as film:
                self.held.append([stream.type for stream in film.streams])
        return [Prediction(one.id, values={"valence": 0.0, "arousal": 0.5}) for one in batch]


def vp8(path: Path) -> None:
    """A film of pictures that MP4 does not take, with sound, whatever it is called."""
    import av

    made = io.BytesIO()
    with av.open(made, "w", format="matroska") as file:
        picture = file.add_stream("libvpx", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for i in range(5):
            pixels = np.full((48, 64, 3), 40 * i, np.uint8)
            file.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(picture.encode())
    path.write_bytes(made.getvalue())


def front(path: Path) -> bytes:
    """A film whose head stands first, so that its beginning can be watched."""
    import av

    with (
        av.open(str(path)) as film,
        av.open(str(path.with_suffix(".a.mp4")), "w", options={"movflags": "faststart"}) as made,
    ):
        tracks = {one.index: made.add_stream_from_template(one) for one in film.streams}
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = tracks[packet.stream.index]
                made.mux(packet)
    return path.with_suffix(".a.mp4").read_bytes()


@pytest.fixture
def omg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OmgEmotion:
    """Clips of every kind: two good ones, and such as cannot be shown without their sound."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "omg_emotion" / "v"
    folder.mkdir(parents=True)
    whole = front(write_film(tmp_path / "whole.mp4", 2.0))
    (folder / "good.mp4").write_bytes(whole)
    write_film(folder / "fine.mp4", 1.0)
    (folder / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "heard.mp4").write_bytes(write_sound(tmp_path / "a.wav", 0.5).read_bytes())
    vp8(folder / "vp8.mp4")
    (folder / "words.mp4").write_text("not a film\n" * 20)
    names = "good cut heard fine vp8 words gone".split()
    rows = "".join(f"l,0,0.5,v,{name}.mp4,0.5,0.{i},4\n" for i, name in enumerate(names))
    (tmp_path / "omg_emotion" / "omg_ValidationVideos.csv").write_text(GOLD + rows)
    return OmgEmotion(DataSource("omg_emotion/", str(tmp_path)), "picture")


def answered(task: OmgEmotion, model: Model) -> dict[str, str]:
    """The error of each example by the name of its clip, "" where it was answered."""
    asked: Asking = asking(task, None, 0, 0)
    with Veiled(model, asked.asked) as veiled:
        found = feed.answer(veiled, [task.request(example) for example in asked.examples], "watcher")
    return {one.id.removeprefix("v/").removesuffix(".mp4"): one.error or "" for one in found}


@pytest.mark.slow
def test_a_clip_that_cannot_be_shown_without_its_sound_fails_alone_by_its_own_name(
    omg: OmgEmotion, tmp_path: Path
) -> None:
    model = Watcher()
    found = answered(omg, model)
    said = {
        "cut": "is cut off: it has", "heard": "has no pictures", "vp8": "has pictures of the codec vp8, which cannot be copied",
        "words": "holds no film that FFmpeg can read", "gone": "does not exist",
    }  # fmt: skip
    assert {name for name, error in found.items() if not error} == {"good", "fine"}
    for name, reason in said.items():
        assert f"{tmp_path / 'omg_emotion' / 'v' / name}.mp4 {reason}" in found[name]
        assert "cache" not in found[name]
    assert set(map(tuple, model.held)) == {("video",)}


@pytest.mark.slow
def test_what_was_copied_of_a_cut_film_before_is_not_shown(omg: OmgEmotion, tmp_path: Path) -> None:
    import av

    from bench.artifacts.digest import derived, digest

    clip = tmp_path / "omg_emotion" / "v" / "cut.mp4"
    place = derived(digest(clip), f"silent-av{av.__version__}.mp4")
    place.parent.mkdir(parents=True)
    write_film(place, 1.0, rate=None)
    assert "is cut off" in answered(omg, Watcher())["cut"]


@pytest.mark.slow
def test_what_a_model_says_of_a_silent_film_names_the_clip(omg: OmgEmotion, tmp_path: Path) -> None:
    class Deaf(Watcher):
        def predict(self, batch: Sequence[Request]) -> list[Prediction]:
            raise ValueError(f"{next(files_of(batch[0]))} has no sound track")

    assert answered(omg, Deaf())["fine"] == f"ValueError: {tmp_path}/omg_emotion/v/fine.mp4 has no sound track"


def test_a_film_that_cannot_be_shown_is_no_answer_of_a_model_that_takes_requests_one_by_one(omg: OmgEmotion) -> None:
    asked = asking(omg, None, 0, 0)
    with Veiled(Watcher(), asked.asked) as veiled:
        found = veiled.submit(omg.request(asked.examples[2])).result(60)
    assert found.id == "v/heard.mp4"
    assert "v/heard.mp4 has no pictures" in str(found.error)


@pytest.mark.slow
def test_a_model_gets_neither_the_place_nor_the_fault_of_a_clip(omg: OmgEmotion) -> None:
    asked = asking(omg, None, 0, 0)
    with Veiled(Watcher(), asked.asked) as veiled:
        parts = [part for given in veiled.ready(list(map(omg.request, asked.examples))) for part in given.parts]
    assert all(isinstance(part, Video) and not part.made_from and not part.fault for part in parts)
    assert len(parts) == 7


def test_doctor_names_the_clips_that_cannot_be_shown_without_their_sound(omg: OmgEmotion) -> None:
    found = "\n".join(faults(omg))
    assert [name for name in ("good", "cut", "heard", "fine", "vp8", "words") if f"v/{name}.mp4" in found] == [
        "cut", "heard", "vp8", "words",
    ]  # fmt: skip


def test_a_model_that_only_hears_films_is_refused_where_they_have_no_sound(omg: OmgEmotion) -> None:
    reads, sees = Watcher(frozenset({"text"})), Watcher(frozenset({"text", "image"}))
    for deaf in (WatchThenRead(SoundOff(), reads), LateFusion(["sound", "words"])):
        assert not fits(omg, deaf)
        with pytest.raises(BenchError, match="shows films without their sound, and model 'm' goes by the sound"):
            refuse_misfit(omg, deaf, "m")
        assert fits(OmgEmotion(omg.data, "video"), deaf)
    for other in (WatchThenRead(SoundOff(), sees), LateFusion(["sound", "frames"]), Watcher()):
        assert fits(omg, other)
        refuse_misfit(omg, other, "m")


def test_a_page_names_the_clip_that_cannot_be_shown_and_not_the_file_that_there_is_not(
    omg: OmgEmotion, tmp_path: Path
) -> None:
    media = MediaFiles(SiteFolder(tmp_path / "site"), "media")
    (clip,) = omg.request(omg.examples()[2]).parts
    assert isinstance(clip, Video)
    found = media.of(clip)
    assert (found["kind"], found["name"]) == ("named", "heard.mp4")
    assert str(tmp_path) not in found["why"]
