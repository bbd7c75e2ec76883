"""A result in the terminal, as Markdown and as a page."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from dataops.crosscheck.comparison import Comparison, Drift, Example, Figures
from dataops.crosscheck.markdown import as_markdown
from dataops.crosscheck.page import as_page
from dataops.crosscheck.results import ModelResult, Result
from dataops.crosscheck.terminal import show

PROD = {"name": "prod", "file": "warehouse/prod/current/prod.duckdb", "built_at": None}
DEV = PROD | {"name": "dev", "file": "warehouse/dev/dev_ada.duckdb"}


def result(*models: ModelResult) -> Result:
    return Result(PROD, DEV, list(models))


def model(verdict: str, comparison: Comparison | None = None, **values) -> ModelResult:
    return ModelResult("model.shop.orders", "orders", "models/orders.sql", verdict, comparison=comparison, **values)


def in_terminal(of: Result) -> str:
    console = Console(width=110, file=io.StringIO(), highlight=False)
    show(console, of, [Path("target/crosscheck/report.html")])
    return console.file.getvalue()


CHANGED = Comparison(rows_base=9, rows_head=9, rows_changed=1, matched_by="key", key=("id",))
EXAMPLE = Comparison(**{**vars(CHANGED), "examples": [Example("changed", {"id": "1"}, {})]})


@pytest.mark.parametrize(
    ("models", "last_line"),
    [
        ([model("same", Comparison())], "dev holds the same data as prod. Nothing to do."),
        (
            [model("same", Comparison()), model("allowed", EXAMPLE)],
            "All differences are within the thresholds. Is this what the change was meant to do? The page has examples.",
        ),
        ([model("different", EXAMPLE)], "Is this what the change was meant to do? The page has examples."),
        ([model("different", CHANGED)], "Is this what the change was meant to do?"),
        ([model("new", rows=3)], "Is this what the change was meant to do?"),
        (
            [model("same", Comparison()), model("not compared", problem="orders is older than the code.")],
            "Not everything was compared, so differences are possible. Fix what is named above, then run the command again.",
        ),
    ],
    ids=["same", "within thresholds", "different", "without examples", "new", "not compared"],
)
def test_the_last_line_is_true_and_names_the_next_step(models, last_line):
    assert in_terminal(result(*models)).splitlines()[-1] == f"target/crosscheck/report.html. {last_line}"


def drift(base: Figures, head: Figures) -> Result:
    found = Comparison(**{**vars(CHANGED), "drift": [Drift("net_amount", base, head)]})
    return result(model("different", found))


def test_the_figures_say_which_row_is_base_and_which_is_head():
    output = in_terminal(drift(Figures(0.0, 84.2, "1.00", "99.00"), Figures(0.0, 84.3, "1.00", "99.00")))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if " % │" in line]
    assert rows == [
        ["net_amount", "base: prod", "0.00 %", "84.20", "1.00", "99.00"],
        ["", "head: dev", "0.00 %", "84.30", "1.00", "99.00"],
    ], "a value that is the same is shown twice, not left blank"


def test_summary_and_page_name_base_and_head_above_the_figures():
    of = drift(Figures(0.0, 84.2, "1.00", "99.00"), Figures(0.0, 84.3, "1.00", "99.00"))
    assert "Numbers, prod → dev:" in as_markdown(of)
    assert "Numbers, prod → dev</h3>" in as_page(of)


def test_columns_that_are_left_out_are_counted_wherever_rows_are_shown():
    example = Example("added", {}, {"city": {"head": "Harbour"}}, columns_left_out=4)
    of = result(model("different", Comparison(rows_added=1, examples=[example])))
    for text in (in_terminal(of), as_markdown(of), as_page(of)):
        assert "… 4 columns more" in text


def test_new_and_gone_models_have_one_row_count():
    of = result(model("new", rows=7), ModelResult("model.shop.old", "old", None, "gone", rows=5))
    output, page = in_terminal(of), re.sub(r"\s+", " ", as_page(of))
    assert "1 only in dev, 1 only in prod" in output
    assert re.search(r"│ orders +│ new +│ +│ +7 │", output)
    assert re.search(r"│ old +│ gone +│ +5 │ +│", output)
    assert "| orders |  | 7 |" in as_markdown(of)
    assert '<td class="number"></td> <td class="number">7</td>' in page


def test_the_same_differences_are_in_every_form():
    found = Comparison(rows_base=40, rows_head=41, rows_added=2, rows_removed=1, matched_by="key", key=("id",))
    of = result(model("different", found, same_code=True))
    for text in (in_terminal(of), as_markdown(of), as_page(of)):
        assert "2 rows added" in text
        assert "1 row removed" in text
        assert "Built from the same code, so the data upstream differs." in text


@pytest.mark.parametrize(
    ("same_code", "other_code_before", "text"),
    [
        (False, [], "Built from different code."),
        (True, [], "Built from the same code, so the data upstream differs."),
        (True, ["a", "b"], "Built from the same code; what it reads was built from other code: a, b."),
        (True, list("abcde"), "what it reads was built from other code: a, b, c, 2 more."),
    ],
)
def test_a_difference_is_traced_to_the_code(same_code, other_code_before, text):
    of = result(model("different", CHANGED, same_code=same_code, other_code_before=other_code_before))
    assert text in " ".join(in_terminal(of).split())
    assert text in as_page(of)


NASTY = "| `x` @team <b> **bold** \n# title [a](http://b) ~~no~~"


def nasty_models() -> list[ModelResult]:
    example = Example("changed", {"id": "1"}, {"name": {"base": NASTY * 5, "head": None}})
    found = Comparison(**{**vars(CHANGED), "examples": [example] * 3, "changed_columns": {"name": 1}})
    return [ModelResult(f"model.x.m{at}", f"m{at}", "m.sql", "different", comparison=found) for at in range(400)]


def test_the_summary_fits_one_comment():
    summary = as_markdown(result(*nasty_models()))
    assert 40_000 < len(summary) < 65_536
    assert re.search(r"The details of \d+ models did not fit here", summary)
    many = as_markdown(result(*nasty_models() * 5))
    assert len(many) < 65_536
    assert re.search(r"\d+ more models did not fit here", many)


def test_values_have_no_meaning_in_markdown():
    summary = as_markdown(result(nasty_models()[0]))
    assert "did not fit" not in summary
    row = next(line for line in summary.splitlines() if line.startswith("| changed"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4, "no value makes a cell"
    assert "@team" not in summary
    assert "<b>" not in summary
