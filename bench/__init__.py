"""FinAI Bench: a benchmark and evaluation harness for financial AI models.

`__all__` is what a notebook or a program begins with. The other nouns that a task, model or metric of one's own may need can be
imported from here as well (`_MORE`). All is loaded when it is asked for.
"""

import importlib as _importlib

__version__ = "0.1.0"

_HOMES = {
    "bench.notebook.evaluating": ("evaluate",),
    "bench.notebook.comparing": ("compare",),
    "bench.notebook.ranking": ("board",),
    "bench.notebook.checking": ("check",),
    "bench.notebook.loading": ("load_run",),
    "bench.errors": ("BenchError",),
    "bench.metrics.metric": ("Metric",),
    "bench.models.base": ("Model",),
    "bench.task": ("Card", "DataTask", "Task"),
    "bench.types": ("Example", "Generate", "Prediction", "Request"),
}
_MORE = {
    "bench.metrics.metric": ("mean",),
    "bench.models.base": ("Device",),
    "bench.types": (
        "Audio", "Choose", "Image", "ImageFile", "Regress", "Reply", "Span", "Tag", "Text", "Transcribe", "Video",
    ),
}  # fmt: skip
_HOME = {name: home for homes in (_HOMES, _MORE) for home, names in homes.items() for name in names}
__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> object:
    """A name out of the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'bench' has no attribute {name!r}; it has {', '.join(sorted(_HOME))}")
    return getattr(_importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
