"""Recompute every figure that tasks/finmm/text/qa.json quotes from a public series; exit 1 if one does not match.

Needs no network: the series come with the packages (`pip install vega_datasets==0.9.0 statsmodels==0.15.0`).
"""

import json
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import statsmodels.api as sm
from vega_datasets import local_data

Rows = Iterator[tuple[Any, ...]]  # passage, its words with a format for each figure, the figures recomputed
QA = Path(__file__).parents[1] / "tasks" / "finmm" / "text" / "qa.json"
NTH = ("zeroth", "first", "second", "third", "fourth")
FIGURE = r"(\S+?(?: \S+){0,3}?)"  # up to four words, such as "first quarter of 1986"
VEGA = {2: "iowa-electricity", 3: "us-employment", 28: "wheat"}  # by the number of the passage
STATS = {4: "elnino", 25: "macrodata", 26: "danish_data", 27: "longley", 33: "macrodata", 34: "nile", 35: "co2"}


def _united_states() -> Rows:  # thousand megawatt-hours a year; thousands of jobs, seasonally adjusted
    table = local_data.iowa_electricity().pivot(index="year", columns="source", values="net_generation")
    fossil, nuclear, green = (table[name].set_axis(table.index.year) for name in sorted(table))
    yield 2, "renewables was {:,} thousand megawatt-hours in 2001 and {:,} thousand in 2017", green[2001], green[2017]
    yield 2, "peaked at {:,} thousand in {} and gave {:,} thousand in 2017", max(fossil), fossil.idxmax(), fossil[2017]
    yield 2, "from {:,} thousand at the start of that span to {:,} thousand at its", nuclear[2001], nuclear[2017]
    table = local_data.us_employment().set_index("month").rename(index=pd.Timestamp)
    jobs, change, work = table["nonfarm"], table["nonfarm_change"], table["construction"]
    yield 3, "touched bottom at {:,} thousand in {:%B %Y}, and", jobs.min(), jobs.idxmin()
    yield 3, "worst single month was {:%B %Y}, with {} thousand jobs lost", change.idxmin(), -change.min()
    yield 3, "from {:,} thousand jobs in April 2006 to {:,} thousand in", work["2006-04-01"], work["2011-01-01"]


def _nature() -> Rows:  # degrees Celsius; 1e8 cubic metres a year (1e9 in the passage); parts per million
    table = sm.datasets.elnino.load_pandas().data.set_index("YEAR")
    march, december, years = table["MAR"], table["DEC"], table.index
    yield 4, "for {:.0f} to {:.0f} the average March is {:.2f} degrees Celsius", years.min(), years.max(), march.mean()
    yield 4, "1983 reached {:.2f} and March {:.0f}, the hottest of all, {:.2f}", march[1983], march.idxmax(), max(march)
    yield 4, "at {:.2f}, already stood {:.1f} degrees above", december[1997], december[1997] - december.mean()
    flow = sm.datasets.nile.load_pandas().data.set_index("year")["volume"] / 10
    yield 34, "averaged {:.1f} billion cubic metres from {:.0f} to 1898", flow.loc[:1898].mean(), flow.index.min()
    yield 34, "only {:.1f} billion from 1899 to {:.0f}", flow.loc[1899:].mean(), flow.index.max()
    yield 34, "record, {:.1f} billion, passed in {:.0f} and", flow.max(), flow.idxmax()
    yield 34, "the least, {:.1f} billion, in {:.0f}", flow.min(), flow.idxmin()
    air = sm.datasets.co2.load_pandas().data["co2"]
    yield 35, "opens on {:%d %B %Y} with {:.1f} parts per million", air.index[0], air.iloc[0]
    yield 35, "ends on {:%d %B %Y} at {:.1f}", air.index[-1], air.iloc[-1]
    yield 35, "peak of that spring having been {:.1f}", air["2001-03":"2001-06"].max()


def _macrodata() -> Rows:  # by quarter: percent, billions a year, an index
    table = sm.datasets.macrodata.load_pandas().data
    table.index = [f"{NTH[int(row.quarter)]} quarter of {row.year:.0f}" for row in table.itertuples()]
    bills, jobless, output, cpi = (table[name] for name in ("tbilrate", "unemp", "realgdp", "cpi"))
    start, low, then, last = "first quarter of 2007", "fourth quarter of 2008", "fourth quarter of 1980", cpi.index[-1]
    yield 25, "averaged {:.2f}% in the {}; in the last quarter of 2008 it gave {:.2f}%", bills[start], start, bills[low]
    yield 25, "it gave {:.2f}%, and three quarters later, in the {}, that low was seen again", bills[last], last
    yield 25, "from {:.1f}% to {:.1f}%. Real", jobless[start], jobless[last]
    yield 25, "was highest in the {}, at {:,.0f} billion", output.idxmax(), output.max()
    yield 25, "bottomed out four quarters later at {:,.0f} billion", output.iloc[output.argmax() + 4]
    yield 25, "later at {:,.0f} billion", output[output.idxmax() :].min()
    yield 33, "read {:.1f}; at the end of the {} it read {:.1f}", cpi[then], last, cpi[last]
    yield 33, "buying power would be ${:.2f}. Council", 2 * cpi[last] / cpi[then]
    yield 33, "averaged {:.2f}% in the last quarter of 1980, {:.2f}% at their height", bills[then], bills.max()
    yield 33, "at their height in the {}, and {:.2f}% in the {}. Pledges", bills.idxmax(), bills[last], last


def _long_ago() -> Rows:  # a fraction (percent in the passage); shillings; thousands, prices as an index
    rates = 100 * sm.datasets.danish_data.load_pandas().data
    rates.index = [f"{NTH[day.quarter]} quarter of {day.year}" for day in rates.index]
    bond, paid, peak, early = rates["ibo"], rates["ide"], rates["ibo"].idxmax(), "first quarter of 1986"
    best = [quarter.split()[0] for quarter in paid.index[paid == paid.max()]]
    yield 26, "In the {} the bond rate stood at {:.2f}% and deposits paid {:.2f}%", peak, bond[peak], paid[peak]
    yield 26, "In the {} bonds gave {:.2f}% and deposits {:.2f}%", early, bond[early], paid[early]
    gap, later = {2.5: "two and a half"}.get(round(bond[early] - paid[early], 1)), {"second quarter of 1986": "One"}
    yield 26, "about {}. {} quarter later the deposit rate touched {:.2f}%", gap, later.get(paid.idxmin()), paid.min()
    yield 26, "top rate, {:.2f}%, belongs to the {} and {} quarters of {}", paid.max(), *best, paid.idxmax()[-4:]
    table = local_data.wheat().set_index("year")
    wheat, wage = table["wheat"], table["wages"].dropna()
    yield 28, "In {} the wheat cost {:.0f} and the man drew {:.0f}", wheat.index[0], wheat.iloc[0], wage.iloc[0]
    yield 28, "so he worked more than {} weeks for it", {8: "eight"}.get(wheat.iloc[0] // wage.iloc[0])
    yield 28, "By 1760 wheat had come down to {:.0f} and the wage was {}", wheat[1760], wage[1760]
    yield 28, "cheapest wheat on the sheet, {:.0f}, falls in {}", wheat.min(), wheat.idxmin()
    yield 28, "dearest, {:.0f}, in {}, against a wage of {:.0f}", wheat.max(), wheat.idxmax(), wage[wheat.idxmax()]
    yield 28, "in {}, against a wage of 30. There the line of wages stops", wage.index[-1]
    yield 28, "wheat goes on to {}, when it is {:.0f}", wheat.index[-1], wheat.iloc[-1]
    table = sm.datasets.longley.load_pandas().data.set_index("YEAR").rename(index=int)
    work, idle, army, people, price = (table[name] for name in ("TOTEMP", "UNEMP", "ARMED", "POP", "GNPDEFL"))
    yield 27, "was {:.1f} million in 1947 and {:.1f} million in 1962", work[1947] / 1000, work[1962] / 1000
    yield 27, "was {:,.0f} in the first of these years and {:,.0f} in the last", idle[1947], idle[1962]
    yield 27, "of {:,.0f}, in {:.0f}, and a peak of {:,.0f}, in {:.0f}", *idle.agg(["min", "idxmin", "max", "idxmax"])
    yield 27, "grew from {:,.0f} to {:,.0f} thousand", people[1947], people[1962]
    yield 27, "swelled to {:,.0f} thousand in {} and were down to {:,.0f}", army[1952], army.idxmax(), army[1962]
    yield 27, "with {} put at 100, ran from {} to {}", price[price == 100].index[0], price[1947], price[1962]


def main() -> int:
    """Print a line a row; 1 if the recomputed words do not stand in their passage."""
    passages = [article["paragraphs"][0]["context"] for article in json.loads(QA.read_text(encoding="utf-8"))["data"]]
    wrong = 0
    print("passage id | series | statement | value recomputed | as quoted | ok")
    for number, words, *values in chain(_united_states(), _nature(), _macrodata(), _long_ago()):
        parts = re.split(r"\{.*?\}", words)
        form = re.compile(FIGURE.join(map(re.escape, parts)) + r"(?!\w|[.,]\d)")
        fresh, quoted = form.search(words.format(*values)), form.search(passages[number - 1])
        ok = fresh is not None and quoted is not None and quoted.group() == fresh.group()
        wrong += not ok
        series = f"vega_datasets {VEGA[number]}" if number in VEGA else f"statsmodels {STATS[number]}"
        cells = ["; ".join(found.groups()) if found else "absent" for found in (fresh, quoted)]
        print(" | ".join([f"finmm-qa-{number:03d}", series, "...".join(parts), *cells, ("WRONG", "ok")[ok]]))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
