"""Small invented data of the tasks of phrases and relations, in the layout of the data directory."""

from __future__ import annotations

import json
from collections.abc import Mapping

SPANS = ("finer_ord", "sec_ner", "causal_detection", "finred", "fnxl")

# "Apple" is a name by itself and a part of another one; an I- without B- begins a phrase; one token holds a colon.
FINER = [
    ("Ann Lee left Apple Bank".split(), [1, 2, 0, 5, 6], "0", "0"),
    ("Apple sued Apple Bank of Oslo".split(), [5, 0, 5, 6, 0, 4], "0", "1"),
    ("At 7:30 it rained".split(), [0, 0, 0, 0], "1", "0"),
]
NAMED = [
    ("The Lender : Orlin Mills".split(), ["O", "B-PER", "O", "B-ORG", "I-ORG"]),
    ("Orlin Mills pays Orlin".split(), ["B-ORG", "I-ORG", "O", "B-LOC"]),
]
CAUSES = [
    {"tokens": "Prices rose as frost came".split(), "tags": ["B-EFFECT", "I-EFFECT", "O", "B-CAUSE", "I-CAUSE"]},
    {"tokens": "Frost came : prices rose".split(), "tags": ["B-CAUSE", "I-CAUSE", "O", "B-EFFECT", "I-EFFECT"]},
]


def lines(*records: Mapping[str, object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


# A stroke in a sentence, another spelling of a relation, and two relations of one pair.
RELATED = """Ann Lee founded Talus Gold in Oslo. | Talus Gold ; Ann Lee ; founded_by | Talus Gold ; Oslo ; location_of_formation
News | Bravia makes tea. | Bravia ; tea ; product_or_material_produced
Ann Lee runs and owns Bravia. | Bravia ; Ann Lee ; director_/_manager | Bravia ; Ann Lee ; owned_by
"""
TAGS = (
    "InterestPaidNet",
    "IncomeTaxesPaid",
    "Revenues",
    "Goodwill",
    "LongTermDebt",
    "AssetsNet",
    "IPOCosts",
    "LeaseCost",
    "Cash",
)

FILES: Mapping[str, str] = {
    "finance/finer_ord/test.csv": "gold_label,gold_token,doc_idx,sent_idx\n"
    + "".join(f"{label},{token},{doc},{sent}\n" for tokens, labels, doc, sent in FINER
              for token, label in zip(tokens, labels, strict=True)),
    "finance/sec_ner/test.jsonl": lines(*({"tokens": tokens, "label": tags} for tokens, tags in NAMED)),
    "finance/sec_ner/valid.jsonl": lines(
        {"tokens": ["BORROWER", ":"], "label": ["B-PER", "O"]}, {"tokens": NAMED[0][0], "label": NAMED[0][1]}
    ),
    "finance/finred/test.txt": RELATED,
    "finance/fnxl/test_sample.csv": "sentence,numerals-tags,company\n"
    + "".join(f"We paid {i} of {i} million.,{{'us-gaap:{tag}': ['{i}']}},Acme {i % 2}\n" for i, tag in enumerate(TAGS)),
    "finance/causal_detection/test.json": json.dumps(CAUSES),
}  # fmt: skip
