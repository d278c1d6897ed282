"""Texts of strangers made safe to be shown: in a terminal, in Markdown, in HTML, in LaTeX and in CSV.

One rule: what cannot be seen is shown by its number (`\\x1b`, `\\u202e`), a line break as ⏎, and no text becomes anything else than
text where it stands. Letters stay what they are, of whatever script; signs that turn the direction of others do not.
"""

from __future__ import annotations

import re
import sys
import unicodedata

from bench.text import secrets

LONGEST_NAME = 120  # characters of a name: of a model, a submitter, a dtype
_LONGEST_LINE = 8000  # characters of a line that is printed
_MARKS = 4  # combining marks on one letter, as many as scripts need; more only cover what stands beside
# Letters and marks that show nothing: fillers, joiners of marks, selectors of variants, blank Braille.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SEEN = re.compile(rf"[^{_BLANK}]")
_PILE = re.compile(rf"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{{{_MARKS}}})"
                   r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+)")  # fmt: skip


def _number(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_hidden(sign: str) -> bool:
    """Whether a sign shows nothing of itself: controls, signs of direction, halves of pairs, fillers, unassigned numbers."""
    return not (sign.isprintable() and _SEEN.match(sign)) and unicodedata.category(sign) != "Zs"


def visible(text: str, *, lines: bool = False) -> str:
    """The text with every sign that cannot be seen as its number; with `lines`, line breaks and tabs stay.

    >>> visible("a\\x1b[31m\\u202eb\\r\\nc")
    'a\\\\x1b[31m\\\\u202eb⏎c'
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    kept = "\n\t" if lines else ""
    text = _PILE.sub(lambda found: found[1] + "".join(map(_number, found[2])), text)
    return "".join(
        sign if sign in kept else _one(sign) if not (sign.isascii() and sign.isprintable()) else sign for sign in text
    )


def _one(sign: str) -> str:
    if sign == "\n":
        return "⏎"
    if sign == "\t":
        return " "
    if unicodedata.category(sign) == "Zs":
        return " "
    return _number(sign) if _is_hidden(sign) else sign


def terminal(text: object, most: int = _LONGEST_LINE) -> str:
    """One line for a terminal or a log, of at most `most` characters: nothing in it that a terminal would obey."""
    line = visible(str(text)[: most + 1])
    return line if len(line) <= most else line[: most - 1] + "…"


def of_name(name: object, text: object) -> str:
    """`name: text` for a line, where `name` is one of a model, a task or a metric: with a dash where the two look like a secret.

    Whatever is a secret in either of them is withheld as ever.

    >>> of_name("a / lexical", "f1 37.5"), of_name("a / passwd", "f1 37.5")
    ('a / lexical: f1 37.5', 'a / passwd – f1 37.5')
    """
    line = f"{name}: {text}"
    taken = secrets.clean(line) != f"{secrets.clean(str(name))}: {secrets.clean(str(text))}"
    return f"{name} – {text}" if taken else line


def tell(line: object, *, err: bool = False) -> None:
    """Print one line, without secrets and without what a terminal would obey; with `err`, to stderr."""
    text = terminal(secrets.clean(str(line)[: 4 * _LONGEST_LINE]))
    # With its end in one piece, so that two threads' lines never mix.
    print(text + "\n", end="", file=sys.stderr if err else sys.stdout, flush=err)


def json_text(text: str) -> str:
    r"""JSON whose signs that cannot be seen are escaped, as JSON may have them: the same value.

    >>> json_text('"a\u202eb"')
    '"a\\u202eb"'
    """
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(_pair(sign) if not sign.isascii() and _is_hidden(sign) else sign for sign in text).replace(
        "\x7f", "\\u007f"
    )


def _pair(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


# What GitHub makes links of even where it is escaped: addresses, @names, #12, emoji. In code they stay text.
_LINKS = re.compile(r"://|www\.|@|#\d|\bGH-\d|:[\w+-]+:|\b(?:mailto|xmpp|javascript|data|vbscript):\S", re.IGNORECASE)
_SIGNS = re.compile(r"[\\`*{}|~$]")
_MARKUP = re.compile(r"[\\`*{}|~$\[\]_&<]")
_FIGURES = re.compile(r"\[(?=[^\[\]]*[\d–])[-\d.,%– ]+\](?![(\[:])")  # an interval is no link


def markdown(text: object, most: int = _LONGEST_LINE) -> str:
    """Text inside a line or a cell of a table that stays text: no link, picture, markup, mention, break or heading.

    >>> print(markdown("[x](http://y) *b* @ann"), markdown("a_b <i> | 80.0 [70.1, 90.2] [1](2)"))
    `[x](http://y) *b* @ann` a_b &lt;i> \\| 80.0 [70.1, 90.2] \\[1\\](2)
    """
    line = " ".join(terminal(text, most).split())
    if _LINKS.search(line):
        return code(line)
    parts = line.split("`")
    if len(parts) > 2 and len(parts) % 2 and all(parts[1:-1]):  # what stands between backticks is code, and stays text
        found = "".join(code(part) if i % 2 else _escaped(part) for i, part in enumerate(parts))
    else:
        found = _escaped(line)
    return re.sub(r"^([-+>#=!]|\d+(?=[.)]( |$)))", _begin, found)


def _escaped(line: str) -> str:
    """Text whose signs of markup are escaped; an interval in brackets, as boards have them, needs none."""
    if not _MARKUP.search(_FIGURES.sub("", line) if "[" in line else line):
        return line  # most cells
    figures = [found.span() for found in _FIGURES.finditer(line)]
    found = []
    for at, sign in enumerate(line):
        if sign in "[]" and any(start <= at < end for start, end in figures):
            found.append(sign)
        elif sign in "[]" or _SIGNS.match(sign) or (sign == "_" and not _within(line, at)):
            found.append("\\" + sign)
        else:
            found.append({"&": "&amp;", "<": "&lt;"}.get(sign, sign))
    return "".join(found)


def _begin(found: re.Match[str]) -> str:
    """What would begin a list, a quotation or a heading."""
    return f"\\{found[0]}" if not found[0].isdigit() else f"{found[0]}\\"


def _within(line: str, at: int) -> bool:
    """Whether both neighbours are letters or digits: there a _ marks nothing."""
    return 0 < at < len(line) - 1 and line[at - 1].isalnum() and line[at + 1].isalnum()


def code(text: object, most: int = _LONGEST_LINE) -> str:
    """Text as code in Markdown, also in a cell of a table, where a bar or a backtick would end it: these stand as numbers."""
    line = terminal(text, most).replace("`", "\\x60").replace("|", "\\x7c").strip() or " "
    return f"`{line}{' ' if line.endswith(chr(92)) else ''}`"


# What a spreadsheet takes for the beginning of a formula, also where it parts cells at semicolons or tabs.
_FORMULA = re.compile(r"(^\s*|[;\t])(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def csv_text(text: object) -> str:
    r"""Text as a cell of CSV that no spreadsheet computes: an apostrophe stands before what would begin a formula.

    >>> csv_text("=cmd|' /C calc'!A0"), csv_text("a\nb;@x"), csv_text("plain-text")
    ("'=cmd|' /C calc'!A0", "a⏎b;'@x", 'plain-text')
    """
    return _FORMULA.sub(r"\1'", visible(str(text)))


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "`": r"\textasciigrave{}", "[": "{[}", "]": "{]}", "*": "{*}", "–": r"\textendash{}", "—": r"\textemdash{}", "−": "$-$",
    "…": r"\ldots{}", "⏎": r"$\hookleftarrow$", "×": r"$\times$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
}  # fmt: skip


def latex(text: object, most: int = _LONGEST_LINE) -> str:
    r"""Text that LaTeX sets as it stands, in a paragraph or in a cell of a table: no command, comment, column or ligature.

    >>> print(latex("50% of a_b & \\input{x}"))
    50\% of a\_b \& \textbackslash{}input\{x\}
    """
    return re.sub("-(?=-)", "-{}", "".join(_LATEX.get(sign, sign) for sign in terminal(text, most)))


def name_problem(text: str, most: int = LONGEST_NAME) -> str:
    """Why a text is no name to be claimed, in words that show it; "" for one that is.

    >>> name_problem("Ann Lee"), name_problem("a\\u202eb")
    ('', "holds U+202E, which cannot be seen ('a\\\\u202eb')")
    """
    if len(text) > most:
        return f"has {len(text):,} characters, at most {most} are taken ('{terminal(text, 60)}')"
    if text.isascii() and text.isprintable():
        return ""
    for sign in text:
        if sign in "\n\r\t" or _is_hidden(sign):
            return f"holds U+{ord(sign):04X}, which cannot be seen ('{terminal(text, 60)}')"
    return "" if visible(text) == "".join(" " if unicodedata.category(s) == "Zs" else s for s in text) else (
        f"has more than {_MARKS} marks on a letter ('{terminal(text, 60)}')"
    )  # fmt: skip
