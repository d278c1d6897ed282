"""The typefaces, all from installed packages, none from the system, so that every machine draws the same page."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont
from PIL.ImageFont import FreeTypeFont, Layout

_MATPLOTLIB, _BUILTIN = "matplotlib:mpl-data/fonts/ttf/", "builtin"
_ARIMO = "fontpkg_arimo:files/Arimo[wght].ttf"
# family: regular, bold, italic; a weight after "@" is set on a variable font
FAMILIES: dict[str, tuple[str, ...]] = {
    "arimo": (_ARIMO, f"{_ARIMO}@700", "fontpkg_arimo:files/Arimo-Italic[wght].ttf"),
    "dejavu_sans": tuple(f"{_MATPLOTLIB}DejaVuSans{style}.ttf" for style in ("", "-Bold", "-Oblique")),
    "dejavu_serif": tuple(f"{_MATPLOTLIB}DejaVuSerif{style}.ttf" for style in ("", "-Bold", "-Italic")),
    "dejavu_mono": tuple(f"{_MATPLOTLIB}DejaVuSansMono{style}.ttf" for style in ("", "-Bold", "-Oblique")),
    "stix": tuple(f"{_MATPLOTLIB}STIXGeneral{style}.ttf" for style in ("", "Bol", "Italic")),
    "cm": tuple(f"{_MATPLOTLIB}{name}.ttf" for name in ("cmr10", "cmb10", "cmti10")),
    "cm_sans": tuple(f"{_MATPLOTLIB}{name}.ttf" for name in ("cmss10", "cmb10", "cmss10")),
    "cm_mono": tuple(f"{_MATPLOTLIB}{name}.ttf" for name in ("cmtt10", "cmtt10", "cmtt10")),
    "builtin": (_BUILTIN, _BUILTIN, _BUILTIN),
    "caveat": ("fontpkg_caveat:files/Caveat[wght].ttf@500",) * 3,
    "kalam": ("fontpkg_kalam:files/Kalam-Light.ttf",) * 3,
    "signature": ("fontpkg_dancing_script:files/DancingScript[wght].ttf",) * 3,
}
# How much larger a family must be set to look as large as Arimo.
SCALE = {
    "dejavu_sans": 0.9, "dejavu_serif": 0.9, "dejavu_mono": 0.9, "stix": 1.06, "cm": 1.04, "cm_sans": 1.03,
    "cm_mono": 1.02, "caveat": 1.42, "kalam": 1.12, "signature": 1.7,
}  # fmt: skip
_ASCII = ("cm", "cm_sans", "cm_mono", "builtin")
_MISSING = {"stix": "₹₦₺₱₩", "dejavu_mono": "₺", "caveat": "₱", "kalam": "₦₱₩", "dejavu_serif": "₩"}


def covers(family: str, text: str) -> bool:
    """Whether a family has all the letters of a text.

    >>> covers("cm", "Müller"), covers("stix", "€5")
    (False, True)
    """
    if family in _ASCII:
        return text.isascii()
    return not set(text) & set(_MISSING.get(family, ""))


@lru_cache(maxsize=160)
def load(family: str, style: int, pixels: int) -> FreeTypeFont:
    """A font of that height; style 0 is regular, 1 bold, 2 italic.

    Raises FileNotFoundError naming the package that is to be installed.
    """
    source = FAMILIES[family][style]
    if source == _BUILTIN:
        font = ImageFont.load_default(pixels)
        if not isinstance(font, FreeTypeFont):
            raise FileNotFoundError("Pillow was built without FreeType; install the wheel from the package index")
        return font
    name, _, weight = source.partition("@")
    font = ImageFont.truetype(_path(name), pixels, layout_engine=Layout.BASIC)
    if weight:
        font.set_variation_by_axes([int(weight)])
    return font


@lru_cache(maxsize=64)
def _path(source: str) -> str:
    package, _, inside = source.partition(":")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"a typeface needs the package {package.replace('_', '-')}; install it")
    return str(Path(spec.submodule_search_locations[0]) / inside)
