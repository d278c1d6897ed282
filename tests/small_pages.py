"""Small invented pages in the layouts of SROIE and FUNSD: a picture and a file of annotations each."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

PAGES = ("sroie", "funsd")


def blank(shade: int, kind: str) -> bytes:
    """A picture of one shade."""
    with io.BytesIO() as file:
        Image.new("L", (40, 60), shade).save(file, kind)
        return file.getvalue()


def entity(number: int, label: str, text: str, top: int, links: Sequence[tuple[int, int]] = ()) -> dict[str, Any]:
    """An entity of a form, 10 pixels high."""
    words = [{"box": [0, top, 9, top + 10], "text": word} for word in text.split()]
    return {
        "id": number, "label": label, "text": text, "box": [10 * number, top, 10 * number + 9, top + 10], "words": words,
        "linking": [list(link) for link in links],
    }  # fmt: skip


RECEIPTS: Mapping[str, Mapping[str, str]] = {
    "X00016469670": {
        "company": "OJC MARKETING SDN BHD",
        "date": "15/01/2019",
        "address": "NO 2, JALAN BAYU 4",
        "total": "193.00",
    },
    "X00016469671": {"company": "BOOK TA .K", "date": "25-DEC-2018", "address": "LOT 5, JALAN 1", "total": "9.00"},
    "X51005200931": {"company": "PERNIAGAAN ZHENG HUI", "date": "", "address": "NO.59 JALAN PERMAS", "total": "112.45"},
}
FORMS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "82092117": [
        entity(0, "header", "REQUEST", 0), entity(1, "question", "TO:", 20, [(1, 2)]),
        entity(2, "answer", "George Baroody", 20, [(1, 2)]),
        entity(3, "question", "DATE:", 40, [(3, 5), (3, 4)]), entity(4, "answer", "12,", 40), entity(5, "answer", "1998", 40),
        entity(6, "question", "FAX:", 60, [(6, 7)]), entity(7, "answer", "", 60), entity(8, "question", "PHONE:", 80),
        entity(9, "other", "confidential", 90, [(9, 99)]),
    ],
    "83594639": [entity(0, "question", "Brand", 0, [(0, 1)]), entity(1, "answer", "Old Gold", 0)],
}  # fmt: skip
FILES: Mapping[str, str | bytes] = {
    **{f"sroie/key/{name}.json": json.dumps(fields) for name, fields in RECEIPTS.items()},
    **{f"sroie/img/{name}.jpg": blank(200 + 9 * i, "JPEG") for i, name in enumerate(RECEIPTS)},
    **{f"funsd/testing_data/annotations/{name}.json": json.dumps({"form": list(form)}) for name, form in FORMS.items()},
    **{f"funsd/testing_data/images/{name}.png": blank(180 + 9 * i, "PNG") for i, name in enumerate(FORMS)},
}
