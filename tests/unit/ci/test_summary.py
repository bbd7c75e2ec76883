"""The summary of `ci`: what it says, and that it fits into a comment."""

from __future__ import annotations

import pytest

from dataops.ci import summary as module
from dataops.ci.builds import describe_build, failures, reason
from dataops.ci.summary import Step, Summary, write_summary
from dataops.crosscheck.results import ModelResult, Result
from dataops.dbt import Result as DbtResult
from tests.helpers import project_at


def test_a_summary_fits_into_a_comment():
    models = [
        ModelResult(f"model.shop.m{n}", f"model_{n}" * 4, None, "not compared", problem="_" * 380) for n in range(300)
    ]
    comparison = Result({"name": "prod"}, {"name": "ci"}, models=models)
    summary = Summary("x" * 100, [Step("a step", "failed", "y" * 100, 1.0)], crosscheck=comparison)
    assert len(summary.as_markdown()) < module.MOST
    assert "300 could not be compared" in summary.as_markdown()
    summary.problems = ["*" * 500] * 100
    text = summary.as_markdown()
    assert len(text) < module.MOST
    assert "- and 60 more" in text
    assert "The comparison does not fit here" in text


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "not needed"], "passed"),
        (["passed", "accepted"], "accepted"),
        (["accepted", "failed"], "failed"),
        (["failed", "not run"], "failed"),
    ],
)
def test_the_verdict_is_the_worst_of_the_steps(verdicts, expected):
    assert Summary(steps=[Step("a step", verdict) for verdict in verdicts]).verdict == expected


def test_the_whole_summary(tmp_path):
    project = project_at(tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path / "page.md"))
    steps = [Step("Parse the project", "passed", "2 models.", 1.25), Step("Compare", "not needed", "None changed.")]
    write_summary(project, Summary("All is well.", steps, built=["orders", "stock"], notes=["a note"]))
    text = (tmp_path / "target/ci/summary.md").read_text(encoding="utf-8")
    assert text == (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text == (
        "## 🟢 make ci\n\nAll is well.\n\n| | Step | Outcome | |\n|---|---|---|--:|\n"
        "| 🟢 | Parse the project | 2 models. | 1.2 s |\n| ⚪ | Compare | None changed. |  |\n\n"
        "**Note**\n\n- a note\n\n<details><summary>Built: 2</summary>\n\norders, stock\n\n</details>\n"
    )


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        ("fail", "Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        (
            "error",
            "Compilation Error in model a\n  'b' was not found",
            "Compilation Error in model a 'b' was not found",
        ),
        (
            "error",
            "Runtime Error in model a (a.sql)\n  Conversion Error: Could not convert string 'Ada'",
            "Conversion Error; the log of the run has its text",
        ),
        ("error", "Database Error in model a", "Database Error; the log of the run has its text"),
        ("error", None, "error; the log of the run has its text"),
    ],
)
def test_why_a_node_failed_is_told_without_data(status, message, expected):
    assert reason({"status": status, "message": message}) == expected


def test_a_build_is_described_in_a_sentence_and_its_failures_are_listed():
    def ran(name: str, kind: str, status: str) -> dict[str, str]:
        return {"unique_id": f"{kind}.shop.{name}", "status": status, "message": "Got 1 result"}

    nodes = {
        f"test.shop.{name}.1a2b": {"name": name, "original_file_path": f"models/{name}.sql"}
        for name in ("not_null", "unique")
    }
    unit_tests = {"unit_test.shop.orders.adds": {"name": "adds", "original_file_path": "models/orders.yml"}}
    manifest = {"nodes": nodes, "unit_tests": unit_tests}
    results = [ran("orders", "model", "success"), ran("raw", "seed", "success"), ran("unique.1a2b", "test", "pass")]
    done = DbtResult(0, nodes=results)
    assert describe_build(done) == "2 built, 1 test passed."
    assert failures(manifest, done) == []
    results += [
        ran("not_null.1a2b", "test", "fail"),
        ran("late.3c4d", "test", "warn"),
        ran("stock", "model", "skipped"),
    ]
    results += [ran("orders.adds", "unit_test", "fail"), ran("shop-on-run-end-0", "operation", "error")]
    failed = DbtResult(1, nodes=results)
    assert describe_build(failed) == "2 built, 1 test passed, 1 warned, 3 failed, 1 skipped."
    assert failures(manifest, failed) == [
        "not_null (models/not_null.sql): Got 1 result",
        "adds (models/orders.yml): Got 1 result",
        "shop-on-run-end-0: Got 1 result; the log of the run has its text",
    ]
    assert describe_build(DbtResult(2)) == "dbt stopped before it built anything."
