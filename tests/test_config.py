"""Configuration: every shipped file composes and builds, and what is wrong is named by its key."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from bench.config import compose as conf
from bench.config.build import build
from bench.errors import BenchError
from bench.models.base import Model
from bench.task import BaseTask
from bench.text import secrets


def made(group: str, *overrides: str) -> Any:
    """What `group` of the composed configuration builds."""
    config, _ = conf.compose(overrides)
    return build(conf.plain(config)[group], group, {"task": BaseTask, "model": Model}[group])


@pytest.mark.slow
def test_every_task_and_every_model_composes_and_builds() -> None:
    tasks, models = conf.names("task"), conf.names("model")
    assert {"squad_v1", "chitchat", "finmm_qa", "finmm_docvqa", "finmm_emotion", "finmm_dialogue"} <= set(tasks)
    assert {"oracle", "constant", "random", "failing", "lexical", "smollm2", "minilm"} <= set(models)
    pairs = zip(itertools.cycle(tasks), itertools.cycle(models), strict=False)
    for task_name, model_name in itertools.islice(pairs, max(len(tasks), len(models))):  # each at least once
        config = conf.plain(conf.compose([f"task={task_name}", f"model={model_name}"])[0])
        task, model = build(config["task"], "task", BaseTask), build(config["model"], "model", Model)
        assert isinstance(task, BaseTask), task_name
        assert isinstance(model, Model), model_name
        assert task.name == task_name
        assert conf.choice("model", model_name) == config["model"]
    for group, names in (("task", tasks), ("model", models)):
        assert all(names.values()), f"a file in conf/{group} begins with no comment"


@pytest.mark.slow
def test_every_suite_names_tasks_that_exist() -> None:
    tasks = conf.names("task")
    for name in conf.names("suite"):
        config, choices = conf.compose([f"suite={name}"])
        assert choices["suite"] == name
        assert config.suite.tasks, name
        assert set(config.suite.tasks) <= set(tasks), name


@pytest.mark.slow
@pytest.mark.parametrize("group", ["device", "tracking", "price"])
def test_every_device_tracking_and_price_file_composes(group: str) -> None:
    for name in conf.names(group):
        _, choices = conf.compose([f"{group}={name}"])
        assert choices[group] == name


def test_the_defaults_are_the_schema() -> None:
    config, choices = conf.compose([])
    found = conf.plain(config)
    assert choices == {"device": "auto", "launch": "none", "price": "none", "timing": "none", "tracking": "mlflow"}
    assert (found["limit"], found["seed"], found["batch_size"], found["resamples"]) == (None, 0, 256, 2000)
    assert (found["runs_dir"], found["data_dir"]) == ("runs", "data")
    assert found["tracking"] == {"enabled": True, "uri": None}
    assert "hydra" not in found


@pytest.mark.slow
def test_the_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_RUNS", "/r")
    monkeypatch.setenv("BENCH_DATA", "/d")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    found = conf.plain(conf.compose(["task=squad_v1"])[0])
    assert (found["runs_dir"], found["data_dir"], found["tracking"]["uri"]) == ("/r", "/d", "http://127.0.0.1:9")
    assert (found["task"]["data"]["data_dir"], found["task"]["data"]["local"]) == ("/d", "squad/dev-v1.1.json")


@pytest.mark.slow
def test_a_path_of_ones_own_reaches_the_data_source() -> None:
    assert made("task", "task=squad_v1", "data.path=my.json").data.own == "my.json"
    assert made("task", "task=squad_v1").data.own is None


@pytest.mark.slow
def test_an_override_reaches_a_nested_model() -> None:
    model = made("model", "model=ocr_smollm2", "model.text_model.chat=false", "model.lines_kept=0.5")
    assert (model.text_model.chat, model.lines_kept) == (False, 0.5)


KNOWN_TASKS = f"known: {', '.join(sorted(path.stem for path in (conf.conf_dir() / 'task').glob('*.yaml')))}"


@pytest.mark.parametrize(
    ("overrides", "texts"),
    [
        (["task=finmm_q"], ["task 'finmm_q' does not exist", KNOWN_TASKS, "did you mean finmm_qa?"]),
        (["task=zzz"], ["task 'zzz' does not exist", KNOWN_TASKS]),
        (["model=orakle"], ["model 'orakle' does not exist", "known: ", "did you mean oracle?"]),
        (["suite=mono"], ["suite 'mono' does not exist", "mini"]),
        (["device=tpu"], ["device 'tpu' does not exist", "known: auto, cpu, cuda"]),
        (["tracking=wandb"], ["tracking 'wandb' does not exist", "known: mlflow, none"]),
        (["limt=3"], ["'limt'"]),
        (["tasks=finmm_qa"], ["'tasks'"]),
        (["device.kin=cpu"], ["'device.kin'"]),
        (["task=finmm_docvqa", "task.document=3"], ["'task.document'"]),
        (["model=ocr_smollm2", "model.text_model.chatty=true"], ["'model.text_model.chatty'"]),
        (["limit=many"], ["limit: ", "'many'", "Integer"]),
        (["limit=1.5"], ["limit: ", "'1.5'", "Integer"]),
        (["seed=null"], ["seed: ", "not Optional"]),
        (["batch_size=[4]"], ["batch_size", "Integer"]),
        (["device.threads=all"], ["device.threads: ", "'all'", "Integer"]),
        (["tracking.enabled=maybe"], ["tracking.enabled: ", "'maybe'", "bool"]),
        (["task=finmm_qa,squad_v1"], ["task=finmm_qa,squad_v1", "--multirun"]),
        (["task.x"], ["'task.x'"]),
        (["runs_dir=${nowhere}"], ["'nowhere' not found"]),
        (["suite=mini", "suite.tasks=finmm_qa"], ["suite.tasks: ", "list"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and "=" in value[0] else None,
)
def test_an_override_that_does_not_compose_is_named(overrides: list[str], texts: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        conf.compose(overrides)
    for text in texts:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "overrides", "texts"),
    [
        ("task", [], ["task is not given", "task=NAME", "`bench list tasks`"]),
        ("model", [], ["model is not given", "model=NAME", "`bench list models`"]),
        ("task", ["task=finmm_docvqa", "task.documents=ten"], ["task.documents: ", "'ten'", "Integer"]),
        ("task", ["task=finmm_docvqa", "task.documents=null"], ["task.documents: ", "None", "int"]),
        ("task", ["task=finmm_docvqa", "task.documents=0"], ["task.documents=0 must be at least 1"]),
        ("task", ["task=finmm_docvqa", "+task.document=3"],
         ["task.document is not a key of FinmmDocVQA", "known: documents, document_seed", "did you mean documents?"]),
        ("task", ["task=finmm_qa", "+task.colour=red"], ["task.colour is not a key of FinmmQA", "known: none"]),
        ("task", ["task=squad_v1", "task.data=file:x"], ["task.data"]),
        ("task", ["task=squad_v1", "+task.data.pth=x"],
         ["task.data.pth is not a key of DataSource", "did you mean path?"]),
        ("task", ["task=squad_v1", "~task.data.local"], ["task.data.local is missing", "DataSource needs it"]),
        ("task", ["task=docvqa", "task.pages=both"], ["task.pages=both is none of auto, image, text"]),
        ("task", ["task=chitchat", "~task.source"], ["task.source is missing", "Chitchat needs it"]),
        ("model", ["model=constant", "model.at=high"], ["model.at: ", "'high'", "Float"]),
        ("model", ["model=minilm", "model.nearest=few"], ["model.nearest: ", "'few'", "Integer"]),
        ("model", ["model=smollm2", "model.source=nowhere"],
         ["source 'nowhere'", "file:PATH, pypi:PACKAGE==VERSION#PATH, hub:OWNER/NAME@REVISION"]),
        ("model", ["model=smollm2", "model.source=hub:owner"], ["source 'hub:owner'", "@REVISION"]),
        ("model", ["model=smollm2", "model.label_length=words"],
         ["model.label_length=words is none of none, tokens, characters"]),
        ("model", ["model=ocr_smollm2", "model.lines_kept=0"], ["model.lines_kept=0", "above 0 and at most 1"]),
        ("model", ["model=ocr_smollm2", "model.text_model.chat=perhaps"], ["model.text_model.chat: ", "'perhaps'", "bool"]),
        ("model", ["model=ocr_smollm2", "+model.text_model.chatty=true"],
         ["model.text_model.chatty is not a key of CausalLM", "known: source, sha256, chat", "did you mean chat?"]),
        ("model", ["model=rag_smollm2", "model.n_sentences=0"], ["model.n_sentences=0 must be at least 1"]),
        ("model", ["model=oracle", "model._target_=os.system"], ["model._target_=os.system is outside bench, tasks"]),
        ("task", ["task=finmm_qa", "task._target_=pathlib.Path"], ["task._target_=pathlib.Path is outside bench, tasks"]),
        ("model", ["model=ocr_minilm", "model.text_model._target_=builtins.eval"],
         ["model.text_model._target_=builtins.eval is outside bench, tasks"]),
        ("model", ["model=oracle", "model._target_=oracle"], ["model._target_=oracle is outside"]),
        ("model", ["model=oracle", "model._target_=bench.models.reference.Orakel"],
         ["model._target_=bench.models.reference.Orakel cannot be found", "correct the path"]),
        ("model", ["model=oracle", "model._target_=bench.nowhere.Oracle"],
         ["model._target_=bench.nowhere.Oracle cannot be found", "No module named"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value and "=" in value[0] else None,
)  # fmt: skip
def test_what_cannot_be_built_is_named_with_what_is_allowed(group: str, overrides: list[str], texts: list[str]) -> None:
    with pytest.raises(BenchError) as caught:
        made(group, *overrides)
    for text in texts:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "nearest"),
    [
        (["limt=3"], "limit"),
        (["tasks=finmm_qa"], "task"),
        (["device.kin=cpu"], "kind"),
        (["task=finmm_docvqa", "task.document=3"], "documents"),
    ],
)
def test_an_unknown_key_gets_the_nearest_known_one(overrides: list[str], nearest: str) -> None:
    with pytest.raises(BenchError) as caught:
        conf.compose(overrides)
    assert f"did you mean {nearest}?" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("override", ["+limt=3", "+tasks=finmm_qa", "+device.kin=cpu"])
def test_a_new_key_outside_task_and_model_is_refused(override: str) -> None:
    with pytest.raises(BenchError):
        conf.compose([override])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "overrides"),
    [
        ("model", ["model=oracle", "model._target_=tasks.finmm.qa.FinmmQA"]),
        ("task", ["task=finmm_qa", "task._target_=bench.models.reference.Oracle"]),
        ("model", ["model=oracle", "model._target_=bench.models.base.Model"]),
        ("model", ["model=ocr_minilm", "model.text_model=hello"]),
    ],
    ids=["task as model", "model as task", "abstract", "text as text_model"],
)
def test_only_a_task_can_be_a_task_and_only_a_model_a_model(group: str, overrides: list[str]) -> None:
    with pytest.raises(BenchError, match=group):
        made(group, *overrides)


@pytest.mark.parametrize("override", ["task=3", "model=2.5", "task=true", "=3", "suite.tasks=[finmm_qa]"])
def test_an_override_of_a_group_that_is_no_name_is_refused(override: str) -> None:
    with pytest.raises(BenchError):
        conf.compose([override])


@pytest.mark.slow
@pytest.mark.parametrize(
    "override", ["model=[oracle]", "model=[oracle,random]", "model=../model/oracle", "suite=[mini,demo]"]
)
def test_a_choice_is_one_plain_name(override: str) -> None:
    with pytest.raises(BenchError):
        conf.compose([override])


def test_a_sweep_is_the_product_of_its_choices() -> None:
    jobs = conf.sweep(["task=finmm_qa,finmm_emotion", "model=oracle,random", "limit=5"])
    assert [tuple(job) for job in jobs] == [
        ("task=finmm_qa", "model=oracle", "limit=5"), ("task=finmm_qa", "model=random", "limit=5"),
        ("task=finmm_emotion", "model=oracle", "limit=5"), ("task=finmm_emotion", "model=random", "limit=5"),
    ]  # fmt: skip


def test_a_sweep_takes_ranges() -> None:
    assert conf.sweep(["seed=range(0,3)"]) == [["seed=0"], ["seed=1"], ["seed=2"]]


def test_a_sweep_takes_globs_over_the_files_of_a_group() -> None:
    found = {job[0] for job in conf.sweep(["task=glob(finmm_*)"])}
    assert found == {f"task={name}" for name in conf.names("task") if name.startswith("finmm_")}
    assert {job[0] for job in conf.sweep(["task=glob(*,exclude=finmm_*)"])} == {
        f"task={name}" for name in conf.names("task") if not name.startswith("finmm_")
    }


def test_a_sweep_without_choices_is_one_job() -> None:
    assert conf.sweep(["task=finmm_qa", "model=oracle"]) == [["task=finmm_qa", "model=oracle"]]


def test_a_sweep_that_cannot_be_parsed_is_named() -> None:
    with pytest.raises(BenchError, match="range"):
        conf.sweep(["seed=range(0,"])


@pytest.mark.slow
def test_somebodys_own_task_and_model_compose_and_build(own_package: Path) -> None:
    task, model = made("task", "task=words", "task.n=5"), made("model", "model=stub", "model.habit=drops")
    assert [type(task).__name__, type(model).__name__] == ["Words", "Stub"]
    assert len(task.examples()) == 5
    assert model.habit == "drops"
    assert {"words", "finmm_qa"} <= set(conf.names("task"))
    assert conf.names("model")["stub"] == "Sleeps, then answers"


@pytest.mark.slow
def test_the_arguments_of_somebodys_own_class_are_checked_too(own_package: Path) -> None:
    with pytest.raises(
        BenchError, match=r"^model\.second is not a key of Stub; known: seconds, .* did you mean seconds\?$"
    ):
        made("model", "model=stub", "+model.second=1")
    with pytest.raises(BenchError, match=r"^model\.seconds: .*'long'"):
        made("model", "model=stub", "model.seconds=long")


@pytest.mark.slow
def test_somebodys_own_configuration_does_not_open_other_packages(own_package: Path) -> None:
    with pytest.raises(
        BenchError, match=r"^model\._target_=json\.JSONDecoder is outside bench, bench_own_stubs, tasks"
    ):
        made("model", "model=stub", "model._target_=json.JSONDecoder")


def test_a_configuration_folder_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CONF", str(tmp_path / "nowhere"))
    with pytest.raises(BenchError, match=r"BENCH_CONF names .*nowhere, which is not a folder"):
        conf.compose([])


def own_model(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`BENCH_CONF` at `folder`, with a constant model of that name."""
    (folder / "model").mkdir(parents=True)
    (folder / "model" / f"{name}.yaml").write_text(text + "_target_: bench.models.reference.Constant\ntext: mine\n")
    monkeypatch.setenv("BENCH_CONF", str(folder))


@pytest.mark.slow
def test_somebodys_own_file_comes_before_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_model(tmp_path, "oracle", "# Mine\n", monkeypatch)
    assert conf.names("model")["oracle"] == "Mine"
    assert getattr(made("model", "model=oracle"), "text", "") == "mine"


@pytest.mark.slow
def test_a_configuration_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_model(tmp_path / "it's a=b, (c) [d] {e} naïve", "mine", "# Mine\n", monkeypatch)
    assert made("model", "model=mine").text == "mine"


def test_a_file_without_a_comment_has_no_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_model(tmp_path, "mine", "", monkeypatch)
    assert conf.names("model")["mine"] == ""


@pytest.mark.slow
def test_a_key_that_is_not_there_is_said_to_be_one_and_not_withheld() -> None:
    with pytest.raises(BenchError) as caught:
        conf.compose(["model=smollm2", "model.api_key=x"])
    assert "override 'model.api_key' is refused (Key 'api_key' is not in" in secrets.clean(str(caught.value))


def test_a_number_of_thousands_of_digits_is_refused_in_one_line() -> None:
    with pytest.raises(BenchError, match="override 'limit': a number of thousands of digits"):
        conf.compose(["limit=" + "1" * 5_000])


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{}", "", "# @package _global_\n", "# @package _global_\nsuite:\n  tasks: []\n"])
def test_a_suite_that_names_no_task_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "own.yaml").write_text(text)
    monkeypatch.setenv("BENCH_CONF", str(tmp_path))
    with pytest.raises(
        BenchError, match=r"^conf/suite/own\.yaml names no task; give it the first line `# @package _global_`"
    ):
        conf.compose(["suite=own", "model=constant"])
