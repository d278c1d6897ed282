"""FinAI Bench: a benchmark and evaluation harness for financial AI models.

What a task, model or metric of one's own needs can be imported from here; it is loaded when it is asked for.
"""

import importlib as _importlib

__version__ = "0.1.0"

_HOMES = {
    "bench.errors": ("BenchError",),
    "bench.metrics.metric": ("Metric", "mean"),
    "bench.models.base": ("Device", "Model"),
    "bench.task": ("Card", "DataTask", "Task"),
    "bench.types": (
        "Audio", "Choose", "Example", "Generate", "Image", "ImageFile", "Prediction", "Regress", "Reply", "Request", "Span", "Tag",
        "Text", "Transcribe", "Video",
    ),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> object:
    """A name of `__all__` out of the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'bench' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(_importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
