"""How a reply ended, in the words of servers and libraries, as one of `bench.types.FINISHES`."""

from __future__ import annotations

import re

_WORDS = {
    "stop": (
        "stop stop_sequence stop_sequences stop_token stop_string stop_str stop_word word eos eos_token end end_turn end_of_turn "
        "end_of_text end_of_sequence complete completed finished tool_calls tool_call tool_use function_call pause_turn"
    ),
    "length": (
        "length limit max_length max_tokens max_new_tokens max_output_tokens max_completion_tokens max_tokens_reached model_length "
        "context_length model_context_window_exceeded error_limit length_cap token_limit"
    ),
    "refused": (
        "refusal refused content_filter content_filtered safety recitation blocklist prohibited_content spii image_safety "
        "error_toxic guardrail_intervened responsible_ai_policy_violation"
    ),
    "error": (
        "error abort aborted cancelled canceled failed engine_error server_error timeout insufficient_system_resource "
        "malformed_function_call"
    ),
}  # fmt: skip


def _form(word: str) -> str:
    """Its letters alone: "FinishReason.MAX_TOKENS" and "maxTokens" are one word."""
    word = word.strip().rpartition(".")[2].casefold().removeprefix("finish_reason_")
    return re.sub("[^a-z]", "", word)


_FINISH = {_form(word): finish for finish, words in _WORDS.items() for word in words.split()}


def finish_of(reason: object) -> str:
    """What a server or library gives as the reason why a reply ended; "none" for what is not known, or tells nothing.

    >>> [finish_of(reason) for reason in ("eos", "FinishReason.MAX_TOKENS", "SAFETY", {"type": "length"}, "abort", "?", None)]
    ['stop', 'length', 'refused', 'length', 'error', 'none', 'none']
    """
    if isinstance(reason, dict):  # SGLang's own API: {"type": "length", "length": 8}
        reason = reason.get("type")
    return _FINISH.get(_form(reason), "none") if isinstance(reason, str) else "none"
