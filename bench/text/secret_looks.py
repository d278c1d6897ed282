"""How secrets look."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

from bench.text.secret_names import is_secret, names_a_secret

WITHHELD = "withheld"
_KNOWN = re.compile(
    r"\b[spr]k[-_](?:live|test|proj|ant|or|svcacct|admin)?[-_]?(?:(?=[\w-]{0,200}\d)[\w-]{16,}|[A-Za-z0-9]{20,})"
    r"|\bhf_[A-Za-z0-9]{16,}|\bapi_org_[A-Za-z0-9]{16,}|\bgh[a-z]_\w{16,}|\bgithub_pat_\w{10,}|\bgl[a-z]{2,6}-[\w-]{16,}"
    r"|\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{10,}|\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}|\bAIza[\w-]{20,}|\bya29\.[\w-]{10,}"
    r"|\beyJ[\w-]{8,2000}\.[\w.-]+|\bgsk_\w{16,}|\bnvapi-[\w-]{16,}|\bxai-\w{16,}|\br8_\w{16,}|\bpplx-\w{16,}|\bnpm_\w{20,}"
    r"|\bpypi-Ag[\w-]{16,}|\bdop_v1_\w{16,}|\bSG\.[\w-]{10,}\.[\w-]+|\bdapi[0-9a-f]{30,}|\bdckr_pat_[\w-]{10,}"
    r"|\bsh(?:pat|pss|pca|ppa)_\w{16,}|\bsq0[a-z]{3}-[\w-]{16,}|\bAGE-SECRET-KEY-\w+|\bwhsec_\w{16,}|\bfw_\w{16,}|\btvly-[\w-]{16,}"
    r"|-----BEGIN [^-]*PRIVATE KEY(?:(?!-----END).)*(?:-----END [^-]*-----)?"
    r"|(?<=Bearer )(?:[\w.~+/=-]{16,}|(?=[\w.~+/=-]{0,16}\d)[\w.~+/=-]{6,})|(?<=Basic )[\w+/=]{8,}|(?<=AccountKey=)[\w+/=]+",
    re.DOTALL,
)
_SAID = re.compile(
    r"(?<![\w.-])(?P<name>-{0,2}(?:(?:api|access|auth|secret|private)[ ])?[A-Za-z_][\w.-]{0,100})"
    r"(?P<mid>\\?[\"']?\s*(?P<sign>=|:(?!//))\s*)"
    r"(?:(?P<open>\\?[\"'])(?P<quoted>[^\"'\n]+)|(?P<kind>(?:Bearer|Basic|Token) )?(?P<plain>[^\s,;&\"'(){}\[\]<>\\]+))",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w+=/.~@:-]{20,}")
_DIGEST = re.compile(r"[0-9a-f]+|[0-9A-F]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def without_known(text: str) -> str:
    """The text with `WITHHELD` for whatever has the form of somebody's keys: sk-…, hf_…, ghp_…, a JWT, a private key in PEM."""
    return _KNOWN.sub(WITHHELD, text)


def without_said(text: str) -> str:
    """The text with `WITHHELD` behind `api_key=`, `password:` and the like."""
    if "=" not in text and ":" not in text:
        return text  # most texts
    pieces, done, at = list[str](), 0, 0
    while found := _SAID.search(text, at):
        said = _said(found)
        if said is None:  # a value may be a name itself: "ValueError: password=…"
            at = found.start("plain" if found["quoted"] is None else "quoted")
            continue
        pieces += [text[done : found.start()], said]
        done = at = found.end()
    return "".join([*pieces, text[done:]])


def _said(found: re.Match[str]) -> str | None:
    """What stands in the place of a secret with its name; None for what is none."""
    quoted = found["quoted"] is not None
    name, value = found["name"], found["quoted"] if quoted else found["plain"]
    last = name.rsplit(".", 1)[-1].replace(" ", "_").lstrip("-")
    if (
        value == WITHHELD
        or value in ("None", "null", "true", "false", "True", "False")
        or not _is_said(last, found["sign"], value)
    ):
        return None
    return f"{name}{found['mid']}{found['open'] if quoted else found['kind'] or ''}{WITHHELD}"


def _is_said(name: str, sign: str, value: str) -> bool:
    """Whether what stands behind a name and a sign is a secret; "key: a word" is how people write."""
    end, number = name.lower(), re.fullmatch(r"-?[\d.]+", value) is not None
    if re.fullmatch(r"[A-Z_]+|\.+", value):  # KEY=VALUE, as instructions have it
        return False
    if sign == "=" and names_a_secret(name) and end.endswith(("key", "token", "secret", "pwd", "passwd")):
        return not number or len(value) > 6
    secret = is_secret(name, 0 if number and end.endswith("tokens") else value)
    if end.endswith(("header", "headers")) or (sign == ":" and end in ("token", "key", "auth", "cookie", "bearer")):
        return secret and any(one.isdigit() for one in value) and len(value) >= 6
    return secret


def without_random(text: str) -> str:
    """The text with `WITHHELD` for words that nobody chose: for configurations, whose words are names, paths and digests."""
    return _WORD.sub(_without_random, text)


def _without_random(found: re.Match[str]) -> str:
    """The word with what of it was drawn by chance withheld; nothing of a path, a version or an address."""
    word = found[0].rstrip(".:")
    if re.search(r"[/.~@:]", word):
        return found[0]
    parts = re.split(r"(=+(?=[^=]))", word)
    return "".join(WITHHELD if len(part) >= 20 and is_random(part) else part for part in parts) + found[0][len(word) :]


def is_random(word: str) -> bool:
    """Whether a word looks drawn by chance, and is no digest (which is of hexadecimal digits) and no name of parts.

    >>> is_random("kJ8s0Qz3LmN7bV2xC5tR9wYp"), is_random("SmolLM2-135M-Instruct-AWQ-INT4"), is_random("9f2c" * 16)
    (True, False, False)
    """
    if _DIGEST.fullmatch(word):
        return False
    part = max(re.split(r"[-_=+.]", word), key=len)
    if _DIGEST.fullmatch(part) and len(part) >= 12:
        return False
    if len(part) < 16 and not (len(word) >= 32 and _bits(word) > 4.2 and _turns(word) >= 12):
        return False
    part = part if len(part) >= 16 else word
    mixed = part.lower() != part != part.upper()
    turns = _turns(part)
    return any(sign.isdigit() for sign in part) and _bits(part) > 3.2 and turns >= (4 if mixed else 6)


def _turns(word: str) -> int:
    """How often a letter stands beside a digit."""
    return sum(a.isdigit() is not b.isdigit() for a, b in pairwise(word))


def _bits(word: str) -> float:
    """The entropy of the word's signs, in bits a sign."""
    n = len(word)
    return -sum(count / n * math.log2(count / n) for count in Counter(word).values())
