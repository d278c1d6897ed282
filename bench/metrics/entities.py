"""Key information of a page: precision, recall and F1 of the values that are given for its fields.

A target is a list of fields {"name", "kind", "texts", …} as `field_values.same_value` takes them; no texts where the page does not
say. An answer is {name: text}, without the fields that it says nothing of. A value given for a field that the page does not say
is wrong, and so is one that the page says elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from bench.metrics.field_values import KINDS, same_printed, same_value
from bench.metrics.labelling import Ratio, f1, precision, recall
from bench.metrics.metric import Metric, Row, lacking

Field: TypeAlias = Mapping[str, Any]
Same: TypeAlias = Callable[[Field, str], bool]


def entity_metric(name: str, ratio: Ratio, same: Same, signature: str, kind: str | None = None) -> Metric:
    """The ratio over the fields of all pages together, of one `kind` of value where it is given."""

    def asked(target: Sequence[Field]) -> list[Field]:
        return [field for field in target if kind is None or field["kind"] == kind]

    def measure(target: Sequence[Field], answer: Mapping[str, str]) -> Row:
        fields = asked(target)
        said = [(field, answer[field["name"]]) for field in fields if answer.get(field["name"])]
        hits = sum(bool(field["texts"]) and same(field, text) for field, text in said)
        return float(hits), float(len(said)), float(sum(bool(field["texts"]) for field in fields))

    def best(target: Sequence[Field]) -> Row:
        return measure(target, {field["name"]: field["texts"][0] for field in asked(target) if field["texts"]})

    return Metric(
        name,
        measure,
        summarise=lambda totals, n: ratio(totals[..., 0], totals[..., 1], totals[..., 2]),
        worst=lambda target: measure(target, {}),
        best=best,
        signature=signature,
        undefined=lacking(f"these pages have no {'value' if kind is None else kind} to find", 2),
    )


_EXACT = "exact: sign for sign, white space folded"
_NORMALISED = "normalised: amounts as numbers, dates as days, numbers without marks, names without case and blanks"
F1 = entity_metric("f1", f1, same_value, _NORMALISED)
EXACT_F1 = entity_metric("exact_f1", f1, same_printed, _EXACT)
ENTITIES = (
    F1,
    EXACT_F1,
    entity_metric("precision", precision, same_value, _NORMALISED),
    entity_metric("recall", recall, same_value, _NORMALISED),
    *(entity_metric(f"f1_{kind}", f1, same_value, _NORMALISED, kind) for kind in KINDS),
)
OFFICIAL = (
    entity_metric("f1", f1, same_printed, _EXACT),
    entity_metric("precision", precision, same_printed, _EXACT),
    entity_metric("recall", recall, same_printed, _EXACT),
    entity_metric("normalised_f1", f1, same_value, _NORMALISED),
)  # what is compared with papers: exact values
LINKS = (F1, EXACT_F1, *ENTITIES[2:4])  # where all values are texts
