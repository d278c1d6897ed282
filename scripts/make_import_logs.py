"""Make the logs that the tests of `bench import` read: other harnesses on finmm (CC0), with the small model.

    python scripts/make_import_logs.py MODEL_FOLDER OUT [N]

Run by a Python in whose environment lm-eval 0.4.13 and inspect_ai 0.3 are installed; MODEL_FOLDER holds a model of
transformers. What lands in OUT, of N questions of finmm_qa (6): lm-eval's samples and results of a generating task under two
filters and of a task of choices, and inspect_ai's log of the generating one in two epochs. Names of folders, facts of the
machine and what no reader looks at are taken out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TEXT = Path(__file__).resolve().parent.parent / "tasks" / "finmm" / "text" / "qa.json"
MACHINE = ("pretty_env_info", "configs")  # what is left out of the results: nothing reads it
LM_EVAL = """\
task: finmm_questions
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{context}}}}\\nQuestion: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 16, do_sample: false}}
filter_list:
  - {{name: none, filter: [{{function: take_first}}]}}
  - {{name: number, filter: [{{function: regex, regex_pattern: "([0-9][0-9.,]*)"}}, {{function: take_first}}]}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: true}}]
metadata: {{version: 1.0}}
"""
CHOICES = """\
task: finmm_answerable
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{context}}}}\\nQuestion: {{{{question}}}}\\nDoes the passage say? Answer:"
doc_to_choice: ["yes", "no"]
doc_to_target: "{{{{0 if answer else 1}}}}"
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
metadata: {{version: 1.0}}
"""


def main() -> None:
    """Run both harnesses and keep what they wrote."""
    model, out, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 6
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        data = work / "questions.jsonl"
        data.write_text("".join(json.dumps(one) + "\n" for one in questions(n)), encoding="utf-8")
        lm_eval(work, data, model, out)
        inspect(data, model, out)


def questions(n: int) -> list[dict[str, str]]:
    """The shortest passages' questions, as flat documents."""
    found = [
        {"id": one["id"], "context": paragraph["context"], "question": one["question"],
         "answer": one["answers"][0]["text"] if one["answers"] else ""}
        for article in json.loads(TEXT.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"] for one in paragraph["qas"]
    ]  # fmt: skip
    return sorted(found, key=lambda one: (len(one["context"]), one["id"]))[:n]


def lm_eval(work: Path, data: Path, model: str, out: Path) -> None:
    """lm-eval by its command, with its samples."""
    tasks = work / "tasks"
    tasks.mkdir()
    for name, text in (("questions", LM_EVAL), ("choices", CHOICES)):
        (tasks / f"{name}.yaml").write_text(text.format(data=data), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", f"pretrained={model},dtype=float32", "--tasks",
         "finmm_questions,finmm_answerable", "--include_path", str(tasks), "--log_samples", "--output_path", str(work / "lm"),
         "--device", "cpu", "--batch_size", "4"], check=True,
    )  # fmt: skip
    for path in (work / "lm").rglob("*.json*"):
        text = path.read_text(encoding="utf-8")
        for told, instead in ((model, "smollm2-135m"), (str(data), "questions.jsonl"), (str(tasks), "tasks")):
            text = text.replace(told, instead).replace(told.replace("/", "__"), instead)
        if path.name.startswith("results"):
            text = json.dumps(
                {name: value for name, value in json.loads(text).items() if name not in MACHINE}, indent=1
            )
        (out / path.name).write_text(text, encoding="utf-8")


def inspect(data: Path, model: str, out: Path) -> None:
    """inspect_ai by its API, two epochs; its log, trimmed."""
    from inspect_ai import Task
    from inspect_ai import eval as run
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import get_model
    from inspect_ai.scorer import includes, match
    from inspect_ai.solver import generate

    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").split("\n") if line]
    samples = [
        Sample(f"{row['context']}\n\n{row['question']}", target=row["answer"] or "unanswerable", id=row["id"])
        for row in rows
    ]
    task = Task(MemoryDataset(samples, name="questions"), solver=generate(), scorer=[match(location="any"), includes()],
                name="finmm_questions", epochs=2)  # fmt: skip
    local = get_model("hf/smollm2-135m", model_path=model, tokenizer_path=model, device="cpu")
    with tempfile.TemporaryDirectory() as place:
        run(task, model=local, log_dir=place, max_tokens=16, temperature=0.01, seed=1, display="none")
        log = read_eval_log(str(next(Path(place).glob("*.eval"))))
    log.eval.model_args = {}
    for one in log.samples or []:  # what no reader here looks at, by far the most of it
        one.events, one.attachments, one.messages, one.store = [], {}, [], {}
    write_eval_log(log, str(out / "finmm_questions.eval"))


if __name__ == "__main__":
    main()
