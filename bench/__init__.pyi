from bench.errors import BenchError as BenchError
from bench.metrics.metric import Metric as Metric
from bench.metrics.metric import mean as mean
from bench.models.base import Device as Device
from bench.models.base import Model as Model
from bench.notebook.checking import check as check
from bench.notebook.comparing import compare as compare
from bench.notebook.evaluating import evaluate as evaluate
from bench.notebook.loading import load_run as load_run
from bench.notebook.ranking import board as board
from bench.task import Card as Card
from bench.task import DataTask as DataTask
from bench.task import Task as Task
from bench.types import Audio as Audio
from bench.types import Choose as Choose
from bench.types import Example as Example
from bench.types import Generate as Generate
from bench.types import Image as Image
from bench.types import ImageFile as ImageFile
from bench.types import Prediction as Prediction
from bench.types import Regress as Regress
from bench.types import Reply as Reply
from bench.types import Request as Request
from bench.types import Span as Span
from bench.types import Tag as Tag
from bench.types import Text as Text
from bench.types import Transcribe as Transcribe
from bench.types import Video as Video

__version__: str
__all__ = [
    "BenchError",
    "Card",
    "DataTask",
    "Example",
    "Generate",
    "Metric",
    "Model",
    "Prediction",
    "Request",
    "Task",
    "board",
    "check",
    "compare",
    "evaluate",
    "load_run",
]
