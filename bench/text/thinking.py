"""What of a reply is thinking, and where the answer behind it ends.

Models of reasoning think aloud before they answer, in a block of their own: `<think>…</think>` and its like. What stands
there is no answer. A block counts where it opens a line or follows another block, so that an answer may hold the signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMES = (
    "think|thinking|thoughts?|plan|cot|chain[_ ]of[_ ]thought|reason|reasoning|reflection|analysis|rationale|scratchpad|seed:think|"
    "(?:inner|internal)[_ ]monologue"
)
_TAG = re.compile(
    rf"(?P<open><\s*(?:{_NAMES})(?:\s[^<>/]{{0,80}})?\s*>|\[(?:THINK|THINKING|REASONING)\]|◁think▷"
    r"|<[|｜]begin[▁_]of[▁_]think[|｜]>|<\|(?:begin_of_thought|start_thinking|think|thinking)\|>)"
    rf"|(?P<close><\s*/\s*(?:{_NAMES})\s*>|\[/(?:THINK|THINKING|REASONING)\]|◁/think▷"
    r"|<[|｜]end[▁_]of[▁_]think[|｜]>|<\|(?:end_of_thought|end_thinking|/think|/thinking)\|>)",
    re.IGNORECASE,
)
_CHANNEL = "<|channel|>"  # OpenAI's harmony: each message names its channel, and the answer is the last of "final"
_FINAL = re.compile(r"<\|channel\|>\s*final\b.*?<\|message\|>", re.DOTALL)
_MESSAGE_ENDS = re.compile(r"<\|(?:end|return|call|start)\|>")
_HARMONY_BARE = re.compile(r"\s*analysis(?=\S).*assistantfinal", re.DOTALL)  # the same without its special tokens
_FENCE = r"\s*```(?:think|thinking|thoughts?|reasoning|cot|scratchpad)[ \t]*\n"
_FENCE_OPENS = re.compile(_FENCE, re.IGNORECASE)
_FENCED = re.compile(_FENCE + r".*?^```[ \t]*$", re.IGNORECASE | re.DOTALL | re.MULTILINE)
_END_MARKS = (
    "</s>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|eos|>", "<eos>",
    "<end_of_turn>", "<|end_of_turn|>", "<|end_of_sentence|>", "<｜end▁of▁sentence｜>", "<|END_OF_TURN_TOKEN|>",
    "<pad>", "<|return|>",
)  # fmt: skip
_WRAPPED = re.compile(r"\s*<answer>(?P<answer>(?:(?!</?answer>).)*)</answer>\s*", re.DOTALL | re.IGNORECASE)

_SIGN = re.compile("[<[◁`]|assistantfinal")  # one of which is in every mark above

Spans = list[tuple[int, int]]
MOST_KEPT = 100_000  # characters of one reply's thinking


def behind_thinking(text: str) -> str | None:
    """The text without its thinking, and out of its `<answer>` if it is one; None where the thinking does not end.

    A text without thinking is itself, but for a mark at its end ("</s>"). A closing tag alone ends what the prompt began.

    >>> behind_thinking("<think>positive? no</think>\\n\\nneutral"), behind_thinking("a < b"), behind_thinking("<think>so")
    ('neutral', 'a < b', None)
    """
    if _SIGN.search(text) is None:  # as most answers are
        return text
    text = _without_end_marks(text)
    spans, open_at = thinking(text)
    if open_at is not None:
        return None
    if spans:
        text = _outside(text, spans)
    return wrapped["answer"].strip() if (wrapped := _WRAPPED.fullmatch(text)) else text


def apart(text: str) -> tuple[str | None, str | None]:
    """The thinking of a text (None where there is none) and the answer behind it (None where the thinking does not end).

    The answer is read as before by `behind_thinking`; a text whose thinking cannot be taken out without that stays whole.

    >>> apart("<think>3 or 4?</think>\\n5"), apart("5</s>"), apart("<think>3 or")
    (('3 or 4?', '5'), (None, '5</s>'), ('3 or', None))
    """
    answer = behind_thinking(text)
    if answer is None:
        return _inner(text), None
    plain = _without_end_marks(text)
    spans, _ = thinking(plain)
    for rest in (answer, _outside(plain, spans)) if spans else ():
        if behind_thinking(rest) == answer:
            return "\n\n".join(filter(None, (_inner(plain[start:end]) for start, end in spans))), rest
    return None, text


def _inner(block: str) -> str:
    """What a block of thinking says, without the tags around it."""
    block = block.strip()
    if (tag := _TAG.match(block)) and tag["open"]:
        block = block[tag.end() :]
    last = None
    for last in _TAG.finditer(block):  # noqa: B007 - the last of them is what counts
        pass
    if last and last["close"] and last.end() == len(block):
        block = block[: last.start()]
    return block.strip()


def _outside(text: str, spans: Spans) -> str:
    ends = [0, *(end for _, end in spans)]
    begins = [*(start for start, _ in spans), len(text)]
    return "".join(text[end:start] for end, start in zip(ends, begins, strict=True)).strip()


def joined(*thoughts: str | None) -> str | None:
    """Thinking that came in several ways as one text, of its end at most `MOST_KEPT` characters; None where there was none."""
    said = [one for one in thoughts if one is not None]
    return "\n\n".join(filter(None, said))[-MOST_KEPT:] if said else None


def _without_end_marks(text: str) -> str:
    while (said := text.rstrip()).endswith(_END_MARKS):
        mark = next(mark for mark in _END_MARKS if said.endswith(mark))
        if mark == "</s>" and "<s>" in said:  # struck out, not ended
            break
        text = said[: -len(mark)]
    return text


def thinking(text: str) -> tuple[Spans, int | None]:
    """Where the blocks of thinking stand, (start, end) by rising start, and where one begins that does not end."""
    if _SIGN.search(text) is None:
        return [], None
    if _CHANNEL in text:
        return _channels(text)
    if whole := _HARMONY_BARE.match(text) or _FENCED.match(text):
        return [(0, whole.end())], None
    return ([], 0) if _FENCE_OPENS.match(text) else _tagged(text)


def _tagged(text: str) -> tuple[Spans, int | None]:
    spans: Spans = []
    depth = start = quoted = 0
    for tag in _TAG.finditer(text):
        if tag["open"]:
            if depth:
                depth += 1
            elif spans or not text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].strip():
                depth, start = 1, tag.start()
            else:
                quoted += 1  # an answer that speaks of the sign
        elif depth:
            depth -= 1
            if not depth:
                spans.append((start, tag.end()))
        elif quoted:
            quoted -= 1
        else:
            spans = [(0, tag.end())]
    return spans, start if depth else None


def _channels(text: str) -> tuple[Spans, int | None]:
    finals = list(_FINAL.finditer(text))
    if not finals:
        return [], 0
    final = finals[-1]
    end = _MESSAGE_ENDS.search(text, final.end())
    return [(0, final.end()), *([(end.start(), len(text))] if end else [])], None


def opens(prompt: str) -> str:
    """The tag of thinking that a prompt ends with, as some chat templates begin the reply; "" mostly.

    >>> opens("<|assistant|>\\n<think>\\n"), opens("What does <think> mean? ")
    ('<think>', '')
    """
    tags = list(_TAG.finditer(prompt, max(0, len(prompt) - 200)))
    last = tags[-1] if tags else None
    return last["open"] if last and last["open"] and not prompt[last.end() :].strip() else ""


def cut(text: str, stop: Sequence[str]) -> str:
    """The text before the first of the stop strings that ends its answer.

    White space that an answer begins with never ends it, nor does anything in its thinking, which stays in the text.

    >>> cut("\\n\\n14.8\\nBecause", ["\\n"]), cut("<think>a\\nb</think>\\n5\\n6", ["\\n"])
    ('\\n\\n14.8', '<think>a\\nb</think>\\n5')
    """
    if not any(end in text for end in stop):
        return text
    spans, open_at = thinking(text)
    first, last = _answer_begins(text, spans), len(text) if open_at is None else open_at
    ends = (found for end in stop if (found := _found(text, end, first, spans)) is not None)
    return text[: min((found for found in ends if found < last), default=len(text))]


def _answer_begins(text: str, spans: Spans) -> int:
    """The place of the first sign outside the thinking that is no white space."""
    place = 0
    for start, end in [*spans, (len(text), len(text))]:
        if said := text[place:start].lstrip():
            return start - len(said)
        place = end
    return len(text)


def _found(text: str, end: str, first: int, spans: Spans) -> int | None:
    """The first place of a stop string whose own first sign stands at `first` or behind, outside the thinking."""
    lead = len(end) - len(end.lstrip()) if end.strip() else 0
    place = text.find(end, max(0, first - lead))
    while place >= 0 and (inside := next((b for a, b in spans if a <= place < b), None)) is not None:
        place = text.find(end, inside)
    return place if place >= 0 else None
