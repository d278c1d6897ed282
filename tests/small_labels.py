"""Small invented data of the labelled texts and examinations, in the layout of the data directory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

LABELLED = (
    "fomc", "phrasebank_zero_shot", "complaints_cfpb", "headlines_gold", "stock_bigdata22", "stock_cikm18", "fiqa_sentiment",
    "cflue",
)  # fmt: skip


def lines(*records: Mapping[str, object]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


def sentences(*texts: str, label: Sequence[int] = (0, 1, 2)) -> str:
    """Lines of a test split; a text's label goes round."""
    return lines(*({"id": i, "sentence": text, "label": label[i % len(label)]} for i, text in enumerate(texts)))


def table(*rows: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def prompt(stock: str, day: str, posts: str = "") -> str:
    """A prompt as FinBen writes it."""
    prices = "date,open,high,low,close\n2020-10-29,-0.2,1.1,-1.1,0.1\n2020-10-30,1.9,3.3,-1.9,-2.6"
    asked = f"Guess whether the closing price of ${stock} will rise at {day}. Say Rise or Fall."
    return f"{asked}\nContext: {prices}\n\n{posts}\nAnswer:"


HEADLINES = (
    "Gold rises",
    "Gold falls &#36;9",
    "Gold is flat",
    "Silver beats gold",
    "gold to shine",
    "Mines open",
)  # 2 are evaluated
STOCKS = (("ba", "2020-11-02", "Rise"), ("v", "2020-11-02", "Fall"), ("ba", "2020-11-03", "Fall"))


def stocks(before: str, posts: str = "") -> str:
    return lines(
        *(
            {"id": f"{before}{i}", "query": prompt(stock, day, posts), "choices": ["Rise", "Fall"], "answer": answer}
            for i, (stock, day, answer) in enumerate(STOCKS)
        )
    )


def opinions(**scores: float) -> str:
    """FiQA's object by id, each text of one company."""
    return json.dumps(
        {
            str(i): {"sentence": text.replace("_", " "), "info": [{"target": "Acme", "sentiment_score": score}]}
            for i, (text, score) in enumerate(scores.items())
        }
    )


def question(kind: str, answer: str, options: str = "ABCD") -> dict[str, object]:
    texts = {letter: ("对", "错")[i] if kind == "判断题" else f"第{i}项" for i, letter in enumerate(options)}
    return {
        "名称": "基金从业资格",
        "task": kind,
        "question": f"{kind}{answer}（ ）",
        "choices": str(texts),
        "answer": answer,
    }


CFPB = (
    ("id", "product", "narrative", "one_prediction", "time-one", "two_prediction", "time-two"),
    (1, "credit_card", "my card was charged twice", "credit_card", 0.1, "auto_loan", 0.1),
    (2, "debt_collection", "they call me, day and night", "debt_collection", 0.1, "credit_card", 0.1),
    (3, "retail_banking", 'the "bank" closed my account', "credit_card", 0.1, "retail_banking", 0.1),
)
FILES: Mapping[str, str] = {
    "finance/fomc/test-5768.jsonl": sentences("Rates may fall.", "Rates may rise.", "Rates may stay.", "Rates  may fall."),
    "finance/fomc/train-5768.jsonl": lines(
        {"sentence": "Inflation is high.", "label": 1}, {"sentence": "rates may rise.", "label": 2}
    ),
    "finance/fomc/test-78516.jsonl": sentences("Jobs are lost.", "Wages soar.", "We met.", label=(2, 0, 1)),
    "finance/fpb_zero_shot/test-5768.jsonl": sentences("Sales rose .", "Sales fell .", "It is in Espoo ."),
    "finance/cfpb_complaints/dataset.csv": table(*CFPB),
    "finance/gold_headlines/headlines.csv": "\ufeff"
    + table(
        ("Dates", "URL", "News", "PriceOrNot", "DirectionUp", "DirectionConstant", "DirectionDown", "PastPrice", "FuturePrice",
         "PastNews", "FutureNews", "AssetComparision"),
        *(("2016-01-28", "http://x", text, *(int(i % 3 == j % 3) for j in range(9))) for i, text in enumerate(HEADLINES)),
    ),
    "finance/bigdata22/test.jsonl": stocks("b"),
    "finance/cikm18/valid.jsonl": stocks("c", "2020-10-29: $ba is &gt; 9"),
    "finance/fiqa_sentiment/test.json": opinions(Acme_wins_an_order=0.5, Acme_warns=-0.4),
    "finance/fiqa_sentiment/train.json": opinions(Acme_grows=0.3, acme_warns=-0.5),
    "finance/cflue/knowledge.json": json.dumps(
        [question("单项选择题", "D"), question("多项选择题", "AC", "ABCDE"), question("判断题", "B", "AB")]
    ),
}  # fmt: skip
