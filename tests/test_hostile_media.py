"""Pictures, recordings and films that a stranger made: bounded in size and length, and none makes a library open anything else."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.models import pictures, sound, video
from bench.types import Image, ImageFile


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, pixels: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")


def _eps(marker: Path) -> bytes:
    return (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
        + f"({marker}) (w) file closefile\nshowpage\n%%EOF\n".encode()
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_png(60_000, 60_000), "it has more than 80,000,000 pixels"),
        (_png(2**31 - 1, 1), "it has more than 80,000,000 pixels"),
        (_png(9_000, 9_000), "it has more than 80,000,000 pixels"),
        (_png(0, 0), "cannot be read"),
        (_png(900, 800), "cannot be read: OSError"),
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "UnidentifiedImageError"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 100, "cannot be read"),
        (b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2", "it has more than 80,000,000 pixels"),
    ],
)
def test_a_picture_that_is_a_bomb_or_damaged_is_one_line(data: bytes, said: str, recwarn: Any) -> None:
    with pytest.raises(ValueError, match=f"the picture .*{said}") as caught:
        pictures.decoded(Image(data))
    assert "\n" not in str(caught.value)
    assert not recwarn.list


def test_a_picture_of_a_format_that_starts_a_program_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="UnidentifiedImageError"):
        pictures.decoded(Image(_eps(tmp_path / "ran")))
    assert not (tmp_path / "ran").exists()


def test_a_picture_s_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "page.png").open("wb") as file:
        file.truncate(pictures.MOST_PICTURE_BYTES + 1)
    with pytest.raises(ValueError, match="its file is larger than"):
        pictures.decoded(ImageFile(str(tmp_path / "page.png")))
    with pytest.raises(ValueError, match="FileNotFoundError"):
        pictures.decoded(ImageFile(str(tmp_path / "none.png")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_pictures_of_the_usual_formats_are_read(kind: str) -> None:
    from PIL import Image as Pillow

    data = io.BytesIO()
    Pillow.new("RGB", (8, 4), "white").save(data, kind)
    assert pictures.decoded(Image(data.getvalue())).size == (8, 4)


def _wav(path: Path, *, rate: int = 16_000, channels: int = 1, n: int = 1_600) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * channels * n))
    return path


@pytest.mark.parametrize("name", ["plain.wav", "concat:a|b.wav", "http:x.wav", "é 1, 'x' [~].wav", "pipe:0.wav"])
def test_a_name_is_a_file_whatever_it_looks_like(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _wav(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (name, str(tmp_path / name)):
        assert len(sound.read(path, 16_000)) == 1_600


_LISTS: dict[str, Callable[[Path], str]] = {
    "hls.m3u8": lambda path: f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "hls.wav": lambda path: f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path.name}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": lambda path: f"ffconcat version 1.0\nfile {path.name}\n",
    "list.mp3": lambda path: f"ffconcat version 1.0\nfile '{path}'\n",
    "call.sdp": lambda path: "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash.mpd": lambda path: f'<?xml version="1.0"?><MPD><Period><BaseURL>file://{path}</BaseURL></Period></MPD>',
    "edit.wav": lambda path: f"imagesequence {path}\n",
}


@pytest.mark.parametrize("name", _LISTS)
@pytest.mark.parametrize("read", [lambda path: sound.read(path, 16_000), lambda path: video.frames(path, 2, 64)])
def test_a_file_that_names_other_files_or_addresses_is_not_followed(name: str, read: Any, tmp_path: Path) -> None:
    secret = _wav(tmp_path / "secret.wav")
    (tmp_path / name).write_text(_LISTS[name](secret))
    with pytest.raises(ValueError, match="holds no sound or film that FFmpeg can read"):
        read(str(tmp_path / name))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 8}, "1 channels of 8 samples a second; 1 to 64 of 1,000 to 768,000 can be read"),
        ({"rate": 2_000_000}, "of 2,000,000 samples a second"),
        ({"channels": 100}, "100 channels of|can read"),
    ],
)
def test_a_recording_with_odd_rates_or_channels_is_one_line(options: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        sound.read(str(_wav(tmp_path / "odd.wav", **options)), 16_000)


def test_a_recording_without_end_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MOST_SECONDS", 1.0)
    pieces, read = sound.pieces(str(_wav(tmp_path / "long.wav", n=200_000)), 16_000), []
    with pytest.raises(ValueError, match="lasts more than"):
        read.extend(map(len, pieces))
    assert sum(read) <= 17_000


def _film(path: Path, side: int = 64, n: int = 6) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w") as file:
        track = file.add_stream("mpeg4", rate=25)
        track.width = track.height = side
        track.pix_fmt = "yuv420p"
        for i in range(n):
            frame = av.VideoFrame.from_ndarray(np.full((side, side, 3), 9 * i, np.uint8), format="rgb24")
            file.mux(track.encode(frame))
        file.mux(track.encode())
    return path


@pytest.mark.parametrize(
    ("owner", "name", "value", "said"),
    [
        (video, "MOST_PIXELS", 64 * 64 - 1, "64 x 64 are more than 4,095 pixels a frame"),
        (video, "MOST_FRAMES", 2, "has more than 2 frames"),
        (sound, "MOST_SECONDS", 0.1, "lasts more than"),
    ],
)
def test_a_film_is_bounded_in_size_frames_and_length(
    owner: Any, name: str, value: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(_film(tmp_path / "film.mp4"))
    assert len(video.frames(path, 4, 64)) == 4
    monkeypatch.setattr(owner, name, value)
    with pytest.raises(ValueError, match=said):
        video.frames(path, 4, 64)
