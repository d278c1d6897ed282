"""What secrets are called."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NO_SECRET = frozenset({"max_tokens_key"})  # says how an endpoint calls its limit
_ENDS = ("key", "keys", "token", "tokens", "secret", "password", "passwd", "pwd", "passphrase", "auth", "jwt")
_BEGINS = ("secret", "passw", "credential", "authoriz", "cookie", "header", "bearer")
_ORDINARY = frozenset({"monkey", "turkey", "hockey", "jockey", "donkey", "whiskey", "keynote"})
# Whose key or token it is, where that makes it a secret: a sort_key and a pad_token are none.
_WHOSE = frozenset(
    """access account admin api app application auth authentication aws azure bot client consumer csrf deploy deployment
    encryption gateway github gitlab google hf hub huggingface id identity jwt license master mistral oauth openai anthropic org
    organization personal private project proxy refresh repo sas secret security server service session shared signing slack ssh
    storage subscription svc team tenant user wandb webhook x xsrf ocp apim cohere groq together replicate deepseek
    gemini""".split()
)


@functools.lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether a key's name says that its value is nobody else's: any of its words is one for secrets.

    The wide rule, for what leaves this machine; of tokens that are counted the value tells (see `is_secret`).
    """
    if name in _NO_SECRET:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    return any((word.endswith(_ENDS) or word.startswith(_BEGINS)) and word not in _ORDINARY for word in words)


@functools.lru_cache(maxsize=4096)
def _kind(name: str) -> str:
    """ "sure" where such a value is always a secret, "maybe" where the value decides, "" where it is none."""
    if not names_a_secret(name):
        return ""
    words = [word.lower() for word in _WORDS.findall(name)]
    if any(word.startswith(_BEGINS) for word in words):
        return "sure"
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if not last.endswith(_ENDS):
        return ""  # key_env, token_type, auth_method
    if last.endswith(("key", "keys", "token", "tokens")):
        stem = re.sub(r"(keys?|tokens?)$", "", last)
        alone = not stem and len(words) == 1 and last in ("token", "key")
        sure = stem in _WHOSE or (not stem and before in _WHOSE) or (alone and last == "token")
        return "sure" if sure else "maybe"
    return "sure"


def is_secret(name: str, value: Any) -> bool:
    """Whether the value of this key is a secret. Switches, nothing, and numbers of tokens are none.

    Where the name alone does not say (`sort_key`, `pad_token`, `key`), a text of at least 6 characters with a digit in it is one:
    two settings that differ must not look alike.

    >>> is_secret("X-Api-Key", "abc"), is_secret("max_new_tokens", 5), is_secret("pad_token", "</s>"), is_secret("key", "k9fj3hd")
    (True, False, False, True)
    """
    if value is None or isinstance(value, bool) or value == "" or not (kind := _kind(name)):
        return False
    if isinstance(value, int | float) and name.lower().endswith("tokens"):
        return False
    if kind == "sure":
        return True
    if isinstance(value, Mapping | list | tuple):
        return False  # what is in it is looked at by itself
    text = str(value)
    return (
        isinstance(value, str) and len(text) >= 6 and any(c.isdigit() for c in text) and not text.startswith(("<", "["))
    )
