"""The summary of `ci`: what it says, and that it fits into a comment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dataops.ci import summary as module
from dataops.ci.builds import describe_build, failures, reason
from dataops.ci.summary import Step, Summary, write_summary
from dataops.crosscheck.results import ModelResult, Result


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


def test_the_whole_summary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    steps = [Step("Parse the project", "passed", "2 models.", 1.25), Step("Compare", "not needed", "None changed.")]
    write_summary(Summary("All is well.", steps, built=["orders", "stock"], notes=["a note"]))
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
    assert reason(SimpleNamespace(status=status, message=message)) == expected


def test_a_build_is_described_in_a_sentence_and_its_failures_are_listed():
    def ran(name: str, kind: str, status: str) -> SimpleNamespace:
        node = SimpleNamespace(name=name, resource_type=kind, original_file_path=f"models/{name}.sql")
        return SimpleNamespace(node=node, status=status, message="Got 1 result")

    results = [ran("orders", "model", "success"), ran("raw", "seed", "success"), ran("unique", "test", "pass")]
    done = SimpleNamespace(success=True, result=SimpleNamespace(results=results))
    assert describe_build(done) == "2 built, 1 tests passed."
    assert failures(done) == []
    results += [ran("not_null", "test", "fail"), ran("late", "test", "warn"), ran("stock", "model", "skipped")]
    failed = SimpleNamespace(success=False, result=SimpleNamespace(results=results))
    assert describe_build(failed) == "2 built, 1 tests passed, 1 warned, 1 failed, 1 skipped."
    assert failures(failed) == ["not_null (models/not_null.sql): Got 1 result"]
    assert describe_build(SimpleNamespace(success=False, result=None)) == "dbt stopped before it built anything."
