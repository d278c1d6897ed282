"""Pages in folders beside one file of annotations each, as public sets of documents come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.types import Example, ImageFile

PICTURES: Mapping[str, str] = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}


def found_below(folder: Path, roots: Sequence[str], names: Sequence[str], obtain: str) -> Path:
    """The first of the folders ROOT/NAME that is there; raises BenchError that names them all."""
    tried = [folder / root / name for root in roots for name in names]
    for place in tried:
        if place.is_dir():
            return place
    shown = ", ".join(dict.fromkeys(str(place.relative_to(folder)) for place in tried))
    raise BenchError(f"{folder} holds none of the folders {shown}; {obtain}")


def page_files(folder: Path, endings: Sequence[str], obtain: str) -> list[Path]:
    """The files of a folder with these endings, in small letters or capitals, by name; raises BenchError where there is none."""
    found = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in endings and not path.name.startswith(".")
    )
    if not found:
        raise BenchError(f"{folder} holds no file *{' or *'.join(endings)}; {obtain}")
    return found


def annotation_files(folder: Path, endings: Sequence[str], obtain: str) -> list[Path]:
    """The `page_files` of a folder, a page each; raises BenchError where there are two of one name, too."""
    found = page_files(folder, endings, obtain)
    stems = [path.stem for path in found]
    if twice := [stem for stem in stems if stems.count(stem) > 1]:
        raise BenchError(f"{folder} holds two files called {twice[0]}; keep one of them")
    return found


def picture(folder: Path, name: str, obtain: str) -> ImageFile:
    """The picture of that name, whichever ending it has: NAME.jpg where it is not there, so that who reads it fails by that name.

    Raises BenchError where the folder holds no picture at all, or two of that name.
    """
    endings = {ending: kind for small, kind in PICTURES.items() for ending in (small, small.upper())}
    there = {
        path.resolve(): (path, kind)
        for ending, kind in endings.items()
        if (path := folder / f"{name}{ending}").is_file()
    }
    if len(there) > 1:
        raise BenchError(f"{folder} holds two pictures called {name}; keep one of them")
    if not there and not any(path.suffix.lower() in PICTURES for path in folder.iterdir()):
        raise BenchError(f"{folder} holds no picture *{' or *'.join(PICTURES)}; {obtain}")
    path, kind = next(iter(there.values()), (folder / f"{name}.jpg", PICTURES[".jpg"]))
    return ImageFile(str(path), kind)


def without_picture(examples: Sequence[Example], page: Callable[[Example], ImageFile], what: str) -> Iterator[str]:
    """A line where examples have no picture, with the first of them."""
    try:
        missing = [one.id for one in examples if not Path(page(one).path).is_file()]
    except BenchError as error:  # what is wrong with the folder
        yield str(error)
        return
    if missing:
        yield f"{len(missing):,} {what} have no picture, the first is {missing[0]}"
