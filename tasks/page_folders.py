"""Pages in folders beside one file of annotations each, as public sets of documents come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.types import ImageFile

PICTURES: Mapping[str, str] = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


def found_below(folder: Path, roots: Sequence[str], names: Sequence[str], obtain: str) -> Path:
    """The first of the folders ROOT/NAME that is there; raises BenchError that names them all."""
    tried = [folder / root / name for root in roots for name in names]
    for place in tried:
        if place.is_dir():
            return place
    shown = ", ".join(dict.fromkeys(str(place.relative_to(folder)) for place in tried))
    raise BenchError(f"{folder} holds none of the folders {shown}; {obtain}")


def annotation_files(folder: Path, endings: Sequence[str], obtain: str) -> list[Path]:
    """The files of a folder with these endings by name; raises BenchError where there is none, or two of one name."""
    found = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith(".")
    )
    if not found:
        raise BenchError(f"{folder} holds no file *{' or *'.join(endings)}; {obtain}")
    stems = [path.stem for path in found]
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise BenchError(f"{folder} holds two files called {twice[0]}; keep one of them")
    return found


def picture(folder: Path, name: str, obtain: str) -> ImageFile:
    """The picture of that name, whichever ending it has; raises BenchError where it is not there, or there are two."""
    found: dict[int, ImageFile] = {}  # by the file itself: some disks know no capitals
    for ending, media_type in PICTURES.items():
        for path in (folder / f"{name}{ending}", folder / f"{name}{ending.upper()}"):
            if path.is_file():
                found.setdefault(path.stat().st_ino, ImageFile(str(path), media_type))
    if len(found) > 1:
        both = " and ".join(Path(one.path).name for one in found.values())
        raise BenchError(f"{folder} holds {both}, pictures of one page; keep one of them")
    if found:
        return next(iter(found.values()))
    raise BenchError(f"{folder / name}.jpg cannot be read (no such file, nor .png); {obtain}")
