"""The share of dialogues whose turns are all answered with the gold text, in [0, 1].

Predictions: a text each; references: {"dialogue": its name, "answer": the gold text}.
"""

from bench.metrics.dialogues import whole_dialogues
from bench.metrics.evaluate_module import module

_EXACT = whole_dialogues("whole_dialogues", lambda target, answer: float(target["answer"] == answer))
WholeDialogues = module(__name__, [_EXACT], __doc__, references={"dialogue": "string", "answer": "string"})
