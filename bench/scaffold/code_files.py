"""Models, metrics, suites, boards and packages of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from bench.config import compose as conf
from bench.config.build import task_class
from bench.errors import BenchError
from bench.scaffold.rendered import rendered
from bench.scaffold.task_files import CARDS, SCENARIOS, Asked, make_task, of_scenario
from bench.scaffold.written import Draft
from bench.task import Task
from bench.text.meant import meant


def model_names(name: str) -> list[str]:
    """The files of a model."""
    return [f"{name}/__init__.py", f"{name}/model.py", f"conf/model/{name}.yaml", f"tests/test_{name}_model.py"]


def make_model(draft: Draft, name: str) -> None:
    """A class, its file of conf/model, and a test."""
    told = {"name": name, "cls": camel(name), "package": name, "is_package": False}
    draft.write(f"{name}/__init__.py", f'"""{name}: of one\'s own."""\n')
    draft.write(f"{name}/model.py", rendered("model.py", **told))
    draft.write(f"conf/model/{name}.yaml", rendered("model.yaml", comment="FILL IN: what it is, in one line", **told))
    draft.write(f"tests/test_{name}_model.py", rendered("test_model.py", **told))


def metric_names(name: str) -> list[str]:
    """The files of a metric."""
    return [
        f"{name}/__init__.py",
        f"{name}/metric.py",
        f"{name}/task.py",
        f"conf/task/{name}_qa.yaml",
        f"tests/test_{name}_metric.py",
    ]


def make_metric(draft: Draft, name: str) -> None:
    """A metric, a task that shows it, and a test by values worked out by hand."""
    told = {"name": name, "cls": camel(name), "const": name.upper()}
    draft.write(f"{name}/__init__.py", f'"""{name}: of one\'s own."""\n')
    draft.write(f"{name}/metric.py", rendered("metric.py", **told))
    draft.write(f"{name}/task.py", rendered("metric_task.py", **told))
    draft.write(f"conf/task/{name}_qa.yaml", rendered("metric_task.yaml", **told))
    draft.write(f"tests/test_{name}_metric.py", rendered("test_metric.py", **told))


def suite_names(name: str, scenario: str | None) -> list[str]:
    """The files of a suite; of a scenario's the tasks' too."""
    own = [f"conf/suite/{name}.yaml", f"conf/leaderboards/{name}.yaml", f"tests/test_{name}_suite.py"]
    tasks = [f"{name}_{one[0]}" for one in SCENARIOS.get(scenario or "", ())]
    return [
        *own,
        *(path for task in tasks for path in (f"conf/task/{task}.yaml", f"data/{task}.csv", f"tests/test_{task}.py")),
    ]


def make_suite(draft: Draft, name: str, tasks: Sequence[str], scenario: str | None) -> list[str]:
    """A named set of tasks with its board and a test; of a `scenario` the tasks are made, too. The names of its tasks.

    Raises BenchError for a task that there is not.
    """
    made = []
    for place, (ending, *_) in enumerate(SCENARIOS.get(scenario or "", ())):
        make_task(draft, of_scenario(Asked(f"{name}_{ending}"), str(scenario), place))
        made.append(f"{name}_{ending}")
    for task in tasks:
        refuse_unknown(task)
    every = [*made, *tasks] or ["finmm_qa", "finmm_emotion"]
    title = f"FILL IN: {name.replace('_', ' ')}" + (f", {CARDS[scenario]}" if scenario else "")
    draft.write(
        f"conf/suite/{name}.yaml", rendered("suite.yaml", tasks=every, comment="FILL IN: what these tasks say together")
    )
    draft.write(f"conf/leaderboards/{name}.yaml", rendered("suite_board.yaml", name=name, title=title))
    draft.write(f"tests/test_{name}_suite.py", rendered("test_suite.py", name=name, tasks=_listed(every)))
    return every


def board_names(name: str) -> list[str]:
    """The files of a board."""
    return [f"conf/leaderboards/{name}.yaml", f"tests/test_{name}_board.py"]


def make_board(draft: Draft, name: str, task: str) -> None:
    """A board that says more of a task than the one that it has by itself, and a test; raises BenchError for an unknown task."""
    refuse_unknown(task)
    cls = task_class(task)
    if not issubclass(cls, Task):
        raise BenchError(f"task '{task}' ranks entries and has a board of its own; choose a task that models answer")
    first, *more = [metric.name for metric in cls.metrics[:4]]
    title = f"FILL IN: {cls.card.title.removeprefix('FILL IN: ')}"
    draft.write(
        f"conf/leaderboards/{name}.yaml", rendered("board.yaml", title=title, task=cls.name, metric=first, more=more)
    )
    draft.write(f"tests/test_{name}_board.py", rendered("test_board.py", name=name))


def package_names(name: str) -> list[str]:
    """The files of a package: where one is, none is written."""
    return ["pyproject.toml", "README.md", f"src/{name}/__init__.py"]


def make_package(draft: Draft, name: str) -> None:
    """A project that pip installs, with a task and a model that `bench` then finds by its entry points."""
    inside, told = (
        f"src/{name}/",
        {"name": f"{name}_model", "cls": camel(f"{name}_model"), "package": name, "is_package": True},
    )
    draft.write("pyproject.toml", rendered("pyproject.toml", name=name))
    draft.write("README.md", rendered("package_readme.md", name=name))
    draft.write(f"{inside}__init__.py", f'"""{name}: tasks and models for FinAI Bench."""\n')
    draft.write(f"{inside}model.py", rendered("model.py", **told))
    draft.write(f"{inside}conf/model/{name}_model.yaml", rendered("model.yaml", comment="FILL IN: what it is", **told))
    draft.write(f"tests/test_{name}_model.py", rendered("test_model.py", **told))
    make_task(draft, Asked(f"{name}_qa", kind="qa"), base=inside)


def camel(name: str) -> str:
    """The name of a class.

    >>> camel("last_number")
    'LastNumber'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def refuse_unknown(task: str) -> None:
    """Raise BenchError for a task that is not in conf/task."""
    if not conf.has("task", task):
        raise BenchError(
            f"task '{task}' is not in conf/task; `bench list tasks` shows what is{meant(task, conf.names('task'))}"
        )


def _listed(names: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
