"""Models that are trained here: what they learn from, what they leave, and how that is loaded and evaluated again."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_text_models as small
import yaml

from bench.artifacts.digest import digest
from bench.config.build import build
from bench.data import squad_format
from bench.data.source import DataSource
from bench.errors import BenchError
from bench.models import taught_names
from bench.models.base import Device
from bench.models.image_classifier import ImageClassifier
from bench.models.picture_net import PictureNet
from bench.models.taught_heads import TaughtClassifier, TaughtSpan, answer_place
from bench.models.taught_labels import TaughtLabels
from bench.models.trainable import Taught, Trainable
from bench.models.trained import Trained
from bench.types import Choose, Image, Prediction, Request, Span, Text
from tasks import squad
from tasks.squad import SquadV1, SquadV2

LABELS = ("river", "bank", "profit")
SENTENCES = ("the river rose", "the bank fell", "profit of the bank", "where is the river", "who owns it")


def chosen(text: str, *right: str, several: bool = False) -> Taught:
    scores = {label: float(label in right) for label in LABELS}
    return Request(text, (Text(text),), Choose(LABELS, several)), Prediction(text, label_scores=scores)


TAUGHT = [chosen(text, LABELS[i % 3]) for i, text in enumerate(SENTENCES)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny BERT without a head."""
    return small.bert(tmp_path_factory.mktemp("encoder"), "Model")


def picture(grey: int) -> Image:
    from PIL import Image as Pillow

    memory = io.BytesIO()
    Pillow.new("L", (40, 40), grey).save(memory, "PNG")
    return Image(memory.getvalue())


PICTURES = [
    (replace(request, parts=(Text("Which?", "system"), picture(40 * i))), ideal)
    for i, (request, ideal) in enumerate(TAUGHT)
]


def learned(model: Trainable, taught: Sequence[Taught], steps: int = 30, seed: int = 0) -> Any:
    """The network after some steps over all rows."""
    import torch

    network = model.begin(Device(), seed=seed, taught=taught)
    batch = model.collate(model.rows(taught))
    optimiser = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=3e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        network(**batch).loss.backward()
        optimiser.step()
    return network.eval()


def loaded(model: Trainable, folder: Path) -> Any:
    """What the model saved, as `bench run` makes it."""
    folder.mkdir(exist_ok=True)
    model.save(folder)
    found = build(model.trained_config(folder), "model")
    found.load(Device(), seed=0)
    return found


def best(prediction: Prediction) -> str:
    assert prediction.label_scores is not None
    return max(prediction.label_scores, key=prediction.label_scores.__getitem__)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text", "picture"])
def test_a_head_learns_its_labels_and_what_it_saves_answers_alike(kind: str, encoder: str, tmp_path: Path) -> None:
    taught = TAUGHT if kind == "text" else PICTURES
    model = TaughtClassifier(encoder, max_length=None) if kind == "text" else PictureNet(widths=[4, 8])
    learned(model, taught, 60)
    requests = [request for request, _ in taught]
    said = model.predict(requests)
    if kind == "text":  # the norms of a network for pictures have not settled after so few steps
        assert [best(one) for one in said] == [best(ideal) for _, ideal in taught]
    again = loaded(model, tmp_path / "model").predict(requests)
    for a, b in zip(said, again, strict=True):
        assert a.label_scores == pytest.approx(b.label_scores, abs=1e-6)
    assert {path.suffix for path in (tmp_path / "model").iterdir()} <= {".safetensors", ".json", ".txt"}


@pytest.mark.slow
def test_of_several_labels_each_is_learned_for_itself(encoder: str) -> None:
    taught = [
        chosen("the river", "river", several=True),
        chosen("the bank", "bank", "profit", several=True),
        chosen("it", several=True),
    ]
    model = TaughtClassifier(encoder, max_length=None)
    learned(model, taught, 60)
    assert [row["labels"] for row in model.rows(taught)] == [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    scores = [list((one.label_scores or {}).values()) for one in model.predict([request for request, _ in taught])]
    assert [[score > 0.5 for score in row] for row in scores] == [
        [True, False, False],
        [False, True, True],
        [False] * 3,
    ]


@pytest.mark.slow
def test_a_seed_draws_the_head_and_the_rest_is_that_of_the_source(encoder: str) -> None:
    import torch

    made = [TaughtClassifier(encoder, max_length=None).begin(Device(), seed=seed, taught=TAUGHT) for seed in (0, 0, 1)]
    heads = [network.classifier.weight for network in made]  # type: ignore[union-attr]
    assert torch.equal(heads[0], heads[1])  # type: ignore[arg-type]
    assert not torch.equal(heads[0], heads[2])  # type: ignore[arg-type]
    bodies = [network.bert.embeddings.word_embeddings.weight for network in made]  # type: ignore[union-attr]
    assert torch.equal(bodies[0], bodies[2])  # type: ignore[arg-type]


@pytest.mark.slow
def test_layers_that_are_held_stay_as_they_are(encoder: str) -> None:
    import torch

    model = TaughtClassifier(encoder, trained_layers=1, max_length=None)
    before = {name: value.clone() for name, value in model.begin(Device(), seed=0, taught=TAUGHT).state_dict().items()}
    after = learned(model, TAUGHT, 2).state_dict()
    moved = {name.split(".")[3] for name in before if ".layer." in name and not torch.equal(before[name], after[name])}
    assert moved == {"1"}
    assert torch.equal(
        before["bert.embeddings.word_embeddings.weight"], after["bert.embeddings.word_embeddings.weight"]
    )
    with pytest.raises(BenchError, match=r"trained_layers=3: the encoder at .* has 2 layers"):
        TaughtClassifier(encoder, trained_layers=3, max_length=None).begin(Device(), seed=0, taught=TAUGHT)


@pytest.mark.parametrize("model", [PictureNet, lambda: TaughtClassifier("file:."), lambda: TaughtSpan("file:.")])
def test_what_has_learned_nothing_yet_is_not_asked(model: Any) -> None:
    with pytest.raises(BenchError, match="has learned nothing yet; train it with `bench train"):
        model().load(Device(), seed=0)


@pytest.mark.parametrize(
    ("taught", "said"),
    [
        ([TAUGHT[0], chosen("x", "bank", several=True)], "do not all ask for the same one"),
        ([(Request("q", (Text("x"),), Choose(("one",))), Prediction("q"))], "has 1 label"),
        ([(Request("q", (Text("x"),), Span(4)), Prediction("q"))], "do not all ask for the same one"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(taught: list[Taught], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        TaughtLabels.of(taught)


def test_a_training_example_without_its_label_is_refused() -> None:
    with pytest.raises(BenchError, match="'x' has no label to learn"):
        TaughtLabels(LABELS, several=False).target(Prediction("x", label_scores=dict.fromkeys(LABELS, 0.0)))


# Spans

PASSAGE = "the river rose and the bank fell and profit of the river rose"


def asked(passage: str = PASSAGE, *, unanswerable: bool = False) -> Request:
    output = Span(8, (), "where is it", passage, unanswerable)
    return Request("q", (Text(passage), Text("where is it")), output)


def spans(model: TaughtSpan, ideal: Prediction, **more: Any) -> list[str]:
    """What each training row points at."""
    request = asked(**more)
    rows = model.rows([(request, ideal)])
    return [model.tokenizer.decode(row["row"].ids[row["start_positions"] : row["end_positions"] + 1]) for row in rows]


@pytest.fixture(scope="module")
def span_model(encoder: str) -> TaughtSpan:
    model = TaughtSpan(encoder, max_length=16, stride=2)
    model.begin(Device(), seed=0, taught=[])
    return model


def test_an_answer_is_learned_in_the_windows_that_hold_it_and_no_answer_in_the_others(span_model: TaughtSpan) -> None:
    # 16 tokens: [CLS] where is it [SEP], 10 of the 13 of the passage, [SEP]; the next window begins 8 on
    assert spans(span_model, Prediction("q", text="the bank")) == ["the bank", "[CLS]"]
    assert spans(span_model, Prediction("q", text="profit of the")) == ["[CLS]", "profit of the"]


def test_a_place_that_is_told_comes_before_the_first_place_of_the_text(span_model: TaughtSpan) -> None:
    at = PASSAGE.rindex("river")
    assert spans(span_model, Prediction("q", text="river", span=(at, at + 5))) == ["[CLS]", "river"]
    assert answer_place(PASSAGE, Prediction("q", text=" river ")) == (4, 9)


def test_a_question_without_an_answer_points_at_the_class_token_where_that_is_allowed(span_model: TaughtSpan) -> None:
    nothing = Prediction("q", text="unanswerable")
    assert spans(span_model, nothing, passage="the river rose", unanswerable=True) == ["[CLS]"]
    assert spans(span_model, nothing, passage="the river rose") == []


@pytest.mark.slow
def test_spans_are_learned_and_what_is_saved_points_alike(encoder: str, tmp_path: Path) -> None:
    model = TaughtSpan(encoder, max_length=32, stride=4)
    answers = ("bank fell", "profit of")
    taught = [(asked(f"{PASSAGE} {text}"), Prediction("q", text=text)) for text in answers]
    learned(model, taught, 120)
    requests = [request for request, _ in taught]
    said = model.predict(requests)
    assert [r.output.context[slice(*one.span)] for r, one in zip(requests, said, strict=True)] == list(answers)  # type: ignore[union-attr,misc]
    assert [one.span for one in loaded(model, tmp_path / "model").predict(requests)] == [one.span for one in said]


def test_the_place_of_an_answer_is_believed_only_where_the_text_stands_there() -> None:
    one = squad_format.Located("q", {"context": "of 10 in 10"}, ["10"], "c", start=9)
    assert (one.place, replace(one, start=2).place, replace(one, start=None).place) == ((9, 11), None, None)


def squad_file(folder: Path, name: str, titles: Sequence[str], version: int = 1) -> DataSource:
    articles = [
        {"title": title, "paragraphs": [{"context": f"{title} is {i} {p}", "qas": [
            {"id": f"{i}-{p}", "question": "?", "answers": [{"text": str(p), "answer_start": len(f"{title} is {i} ")}]}
        ]} for p in range(2)]} for i, title in enumerate(titles)
    ]  # fmt: skip
    path = folder / "squad" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"data": articles}))
    return DataSource("squad/dev-v1.1.json", str(folder))


def test_the_articles_of_a_file_are_looked_through_once_and_not_for_each_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, tells = [], squad._tells_articles
    monkeypatch.setattr(squad, "_tells_articles", lambda found: looks.append(len(found)) or tells(found))
    task = SquadV1(squad_file(tmp_path, "dev-v1.1.json", "abcdefghijk")).to_train()
    assert len(task.examples()) == 4
    assert looks == [22]


@pytest.mark.parametrize("kind", [SquadV1, SquadV2])
def test_without_its_training_file_squad_is_trained_on_four_fifths_of_its_articles(
    kind: type[SquadV1], tmp_path: Path
) -> None:
    data = squad_file(tmp_path, "dev-v1.1.json", "abcdefghijk")
    task = kind(data).to_train()
    assert task.name == f"{kind.name}_parted"
    assert {one.inputs["title"] for one in task.examples()} == {"j", "k"}  # 11 // 5 articles
    assert {one.inputs["title"] for one in task.training()} == set("abcdefghi")
    assert task.training_is.startswith("four fifths of the dev articles")
    first = task.training()[1]
    assert task.ideal(first).span == (7, 8)
    assert len(task.examples()) + len(task.training()) == len(kind(data).examples()) == 22


def test_a_file_that_tells_no_articles_apart_is_cut_between_paragraphs_and_says_so(tmp_path: Path) -> None:
    task = SquadV1(squad_file(tmp_path, "dev-v1.1.json", ["x"] * 5)).to_train()
    assert [one.id for one in task.examples()] == ["4-0", "4-1"]
    assert "dev paragraphs" in task.training_is


def test_with_its_training_file_squad_is_itself(tmp_path: Path) -> None:
    data = squad_file(tmp_path, "dev-v1.1.json", "abcdef")
    squad_file(tmp_path, "train-v1.1.json", "gh")
    task = SquadV1(data)
    assert task.to_train() is task
    assert {one.inputs["title"] for one in task.training()} == {"g", "h"}


# Pictures


def test_a_classifier_of_pictures_says_which_request_it_cannot_read(tmp_path: Path) -> None:
    model = PictureNet(widths=[4, 8])
    learned(model, PICTURES, 1)
    found = loaded(model, tmp_path / "model")
    assert isinstance(found, ImageClassifier)
    both = Request("two", (picture(1), picture(2)), Choose(LABELS))
    with pytest.raises(ValueError, match="request 'two' has 2"):
        found.predict([both])
    with pytest.raises(ValueError, match="cannot be read"):
        found.predict([Request("bad", (Image(b"\x89PNG"),), Choose(LABELS))])
    with pytest.raises(BenchError, match="nothing for 'other'"):
        found.predict([Request("q", (picture(1),), Choose((*LABELS, "other")))])


@pytest.mark.parametrize("wrong", [{"side": 16}, {"widths": [8], "depths": [1, 1]}, {"widths": [0], "depths": [1]}])
def test_a_net_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match=r"model\.side="):
        PictureNet(**wrong)


# What a training left


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """The folder of a training of two seeds, with its record."""
    folder = tmp_path / "runs" / "points" / "net" / "train-0123456789ab"
    seeds = []
    for seed, value in ((0, 0.91), (1, 0.95)):
        place = folder / f"seed-{seed}" / "model"
        place.mkdir(parents=True)
        model = PictureNet(widths=[4, 8])
        model.begin(Device(), seed=seed, taught=PICTURES)
        model.save(place)
        taught_names.write(place, [request for request, _ in PICTURES[:2]])
        (place / "model.yaml").write_text(yaml.safe_dump(model.trained_config(Path())))
        seeds.append({"seed": seed, "value": value, "model": f"seed-{seed}/model", "sha256": digest(place)})
    record = {
        "task": "points",
        "model": "net",
        "seeds": seeds,
        "target": {"metric": "accuracy", "higher_is_better": True},
    }
    (folder / "training.json").write_text(json.dumps(record))
    return folder


def made(path: Path, **more: Any) -> Trained:
    found = build({"_target_": "bench.models.trained.Trained", "path": str(path), **more}, "model")
    assert isinstance(found, Trained)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("below", "seed", "name"),
    [
        ("", 0, "net-0123456789ab-seed-0"),
        ("..", 0, "net-0123456789ab-seed-0"),
        ("", "best", "net-0123456789ab-seed-1-best-of-2"),
        ("seed-1", None, "net-0123456789ab-seed-1"),
        ("seed-0/model", None, "net-0123456789ab-seed-0"),
    ],
)
def test_a_trained_model_is_named_after_its_training_and_says_if_it_was_chosen_by_its_score(
    training: Path, below: str, seed: Any, name: str
) -> None:
    model = made(training / below, **({} if seed is None else {"seed": seed}))
    assert model.variant == name
    assert model.outputs == (Choose,)
    assert model.weights_sha256 == digest(training / f"seed-{name.split('-')[3]}" / "model")
    assert model.telling({"path": "a", "seed": 1, "_target_": "t"}) == {"_target_": "t"}
    model.load(Device(), seed=0)
    assert best(next(iter(model.predict([PICTURES[0][0]])))) in LABELS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seed", "said"),
    [(None, r"has 2 models and model\.seed is not given; .*0 \(0\.9100\), 1 \(0\.9500\)"), (7, "7 is none of them")],
)
def test_which_of_several_models_is_meant_must_be_said(training: Path, seed: Any, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        made(training, **({} if seed is None else {"seed": seed}))


def test_of_several_trainings_one_must_be_named(training: Path) -> None:
    shutil.copytree(training, training.with_name("train-ba9876543210"))
    with pytest.raises(
        BenchError, match="has 2 trainings; give the folder of one: train-0123456789ab, train-ba9876543210"
    ):
        made(training.parent, seed=0)


def test_weights_that_changed_since_are_refused(training: Path) -> None:
    with (training / "seed-0" / "model" / "config.json").open("a") as file:
        file.write(" ")
    with pytest.raises(BenchError, match="is not the model that the training left"):
        made(training, seed=0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "file:/etc"}, "must name a class"),
        ({"source": "hub:a/b"}, "must name a class"),
        ({"trust": ["remote_code"]}, "asks for trust"),
        ({"labels": {"x": {"_target_": "bench.models.function.Function"}}}, "another model inside"),
    ],
)
def test_the_settings_beside_trained_weights_load_nothing_from_elsewhere(
    training: Path, change: dict[str, Any], said: str
) -> None:
    place = training / "seed-0" / "model"
    told = yaml.safe_load((place / "model.yaml").read_text())
    (place / "model.yaml").write_text(yaml.safe_dump({**told, **change}))
    sealed_anew(training)
    with pytest.raises(BenchError, match=said):
        made(training, seed=0)


def test_a_pickle_beside_trained_weights_is_refused(training: Path) -> None:
    (training / "seed-0" / "model" / "optimizer.pt").write_bytes(b"x")
    sealed_anew(training)
    with pytest.raises(BenchError, match=r"holds optimizer\.pt, which may be pickled"):
        made(training, seed=0)


def sealed_anew(training: Path) -> None:
    """A record that vouches for what was put there: somebody may hand on both."""
    record = json.loads((training / "training.json").read_text())
    for one in record["seeds"]:
        one["sha256"] = digest(training / one["model"])
    (training / "training.json").write_text(json.dumps(record))


def test_a_folder_without_a_record_is_no_training_that_has_ended(training: Path) -> None:
    (training / "training.json").unlink()
    with pytest.raises(BenchError, match="is no training that has ended"):
        made(training, seed=0)


def test_a_model_is_not_evaluated_on_what_it_was_taught(training: Path) -> None:
    model = made(training, seed=0)
    requests = [replace(request, id=f"other-{i}") for i, (request, _) in enumerate(PICTURES)]
    with pytest.raises(BenchError, match=r"was trained on 2 of the 5 examples that task 'points' evaluates"):
        taught_names.refuse_taught("net", model.taught, requests, "points")
    taught_names.refuse_taught("net", model.taught, requests[2:], "points")
    source = ImageClassifier(f"file:{training / 'seed-0' / 'model'}")
    assert source.taught == model.taught  # also where it is given by its folder


# The whole command


@pytest.mark.slow
def test_a_training_of_the_digits_is_evaluated_registered_and_loaded_from_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)  # the registry is a file here
    asked = ["train", "task=digits", "model=digits_net", "target=accuracy:0.9", "register=figures", "device=cpu"]
    assert main(asked) == 0
    assert "registered as mlflow:models/figures/1" in capsys.readouterr().err
    assert main(asked) == 0
    assert "registered as mlflow:models/figures/1;" in capsys.readouterr().err  # once
    left = next((tmp_path / "runs" / "digits" / "digits_net").glob("train-*"))
    values = []
    for path in (str(left), "mlflow:models/figures/1"):
        given = [
            "run",
            "task=digits",
            "model=trained",
            f"model.path={path}",
            "device=cpu",
            "device.dtype=float32",
            "--json",
        ]
        assert main(given) == 0
        values.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert values[0]["scores"]["accuracy"] == values[1]["scores"]["accuracy"]
    records = [json.loads((Path(one["run_dir"]) / "run.json").read_text()) for one in values]
    assert records[0]["weights_sha256"] == records[1]["weights_sha256"]


@pytest.mark.slow
def test_minilm_learns_the_intents_of_banking77(tmp_path: Path) -> None:
    """Real weights, 30 questions of each of four intents: what is learned holds for questions that it has not seen."""
    from small_data import reference_data

    from bench.config.compose import choice
    from tasks.banking77 import Banking77

    task = Banking77(DataSource("banking77/test.csv", str(reference_data())))
    few = sorted({one.target for one in task.training()})[:4]
    taught = [one for name in few for one in [each for each in task.training() if each.target == name][:30]]
    model = build(choice("model", "minilm_classifier") | {"trained_layers": 2}, "model")
    assert isinstance(model, TaughtClassifier)
    learned_from = [(task.request(one), task.ideal(one)) for one in taught]
    network = model.begin(Device(), seed=0, taught=learned_from)
    import torch

    rows = model.rows(learned_from)
    optimiser = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=5e-4)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()
    for start in [*range(0, len(rows), 32)] * 3:
        optimiser.zero_grad()
        network(**model.collate([rows[i] for i in order[start : start + 32]])).loss.backward()
        optimiser.step()
    network.eval()
    held = [one for one in task.examples() if one.target in few]
    said = model.predict([task.request(one) for one in held])
    right = sum(task.answer(p)["label"] == one.target for p, one in zip(said, held, strict=True))
    assert right > 0.8 * len(held)
