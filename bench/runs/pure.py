"""Which libraries compute alone: what they give depends on what they are given, and on nothing of the world.

The list is of what is known to be so, since a list of all that reads the world (clocks, chance, files, the environment, a server)
would never be whole: what is on neither list is taken for reading it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.runs.code import is_outside

_STANDARD = frozenset(
    "__future__ abc array ast base64 binascii bisect builtins calendar cmath codecs collections contextlib contextvars copy "
    "csv dataclasses datetime decimal difflib enum errno fractions functools graphlib hashlib heapq hmac html inspect "
    "itertools json keyword logging math numbers operator pprint queue re reprlib sre_compile sre_constants sre_parse statistics "
    "string struct textwrap thread threading token traceback types typing unicodedata urllib warnings weakref zlib".split()
)  # logging and threading: they write and wait; builtins: see BUILTINS
_INSTALLED = frozenset("bench tasks numpy rapidfuzz regex sacrebleu typing_extensions".split())
_BUT = frozenset(
    "urllib.request urllib.robotparser numpy.random numpy.load numpy.loadtxt numpy.fromfile numpy.genfromtxt numpy.memmap "
    "numpy.rec numpy.ctypeslib builtins.open builtins.input logging.config logging.handlers".split()
)  # parts of these that do read it
BUILTINS = frozenset({"open", "input", "id", "hash", "breakpoint", "__builtins__", "__loader__", "__spec__"})
_OF_FILES = (
    "open exists is_file is_dir is_symlink iterdir glob rglob stat lstat walk read_text read_bytes cwd home expanduser"
)
_OF_CLOCKS = "now today utcnow"
_OF_PYTHON = "__subclasses__ __globals__ __builtins__ f_globals f_builtins"  # ways to all that is loaded
ATTRIBUTES = frozenset(
    f"{_OF_FILES} {_OF_CLOCKS} {_OF_PYTHON}".split()
)  # of whatever value, as its class may not be known


def is_pure(module: str, name: str = "") -> bool:
    """Whether a library's module, or what it gives by this name, computes alone."""
    parts = module.split(".")
    top = parts[0] if is_outside(parts[0]) or parts[0] in _STANDARD else parts[0].lstrip("_")  # _json is json's, in C
    if top not in _STANDARD | _INSTALLED:
        return False
    whole = ".".join([top, *parts[1:], *filter(None, name.split("."))])
    return not any(whole == one or whole.startswith(f"{one}.") for one in _BUT)


def reading(names: Iterable[str], attributes: Iterable[str], own: frozenset[str]) -> Iterator[str]:
    """What of the names that code looks up reads the world by itself; `own` are those that its program defined."""
    yield from sorted((set(names) - own) & BUILTINS)
    yield from (f".{name}" for name in sorted(set(attributes) & ATTRIBUTES))
