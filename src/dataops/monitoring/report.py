"""dataops report: Elementary's report of every monitored environment, one self-contained page each.

What failed in a candidate that did not become prod is marked, and the foot of the page lists those candidates.
"""

from __future__ import annotations

import html
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from dataops.engines import Data, Session, engine_of
from dataops.errors import DataopsError
from dataops.monitoring import candidates, monitor
from dataops.monitoring.edr import configured, describe_anomalies, folder_of
from dataops.monitoring.history import history, tables_version, use_schema
from dataops.project import Environment, Project
from dataops.versions import Versions

# Elementary's page asks Google for its fonts and has code that sends statistics. With this first line, the browser blocks
# every request; the page is complete without them.
NO_NETWORK = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data:; font-src data:">
"""
# On top of the page, whose own layout fills the window.
BANNER = """<details open style="position: fixed; bottom: 0; left: 0; right: 0; z-index: 9999; max-height: 30vh; overflow: auto;
padding: 8px 16px; background: #fff4d6; border-top: 1px solid #d9a400; font: 14px sans-serif; color: #222">
<summary>{summary}</summary><ul style="margin: 4px 0 0; padding-left: 24px; list-style: disc">{items}</ul></details>
"""
MARK_RESULTS = """
    update elementary_test_results set test_results_description = concat_ws(' ', ?, test_results_description)
    where invocation_id = ? and status != 'pass'
"""
MARK_RUNS = (
    "update dbt_run_results set message = concat_ws(' ', ?, message) where invocation_id = ? and status != 'success'"
)


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="How many days to show.")
@click.option("--open", "open_page", is_flag=True, help="Open the pages in the browser.")
@click.pass_obj
def main(project: Project, days: int, open_page: bool) -> None:
    """Write the report of prod, and of the other environments where monitoring was switched on."""
    monitor(project).require_history(project.prod)
    for environment in project.environments:
        if tables_version(project, environment) is None:
            continue
        print(f"Reading what Elementary kept of {environment}, {days} days", flush=True)
        file = write_report(project, environment, days)
        print(f"Report of {environment}: {file.as_uri()}")
        if open_page:
            click.launch(file.as_uri())


def write_report(project: Project, environment: Environment, days: int) -> Path:
    """Writes the report of one environment into target/report and returns the file.

    Raises:
        DataopsError: Elementary could not make it, and has printed why.
    """
    describe_anomalies(project, environment)
    engine, folder = engine_of(project, environment), folder_of(project, environment) / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    copy = engine.copy_into(history(project, environment), folder)
    try:
        with copy.open(read_only=False) as session:
            use_schema(session)
            banner = mark_candidates(session, Versions(project), environment, days)
        made = _elementarys_page(project, environment, copy, days)
    finally:
        engine.forget(folder)
        shutil.rmtree(folder)
    page = made.read_text(encoding="utf-8").replace("<body>", f"<body>{banner}")
    made.write_text(NO_NETWORK + page, encoding="utf-8")
    file = project.path("target", "report", f"{environment}.html")
    file.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, file)
    return file


def _elementarys_page(project: Project, environment: Environment, data: Data, days: int) -> Path:
    """Lets Elementary write its page about a copy of an environment's history, and returns the file."""
    with configured(project, environment, data) as config:
        from elementary.monitor.data_monitoring.report.data_monitoring_report import DataMonitoringReport

        made = Path(config.target_dir, "report.html")
        success, _ = DataMonitoringReport(config, tracking=None).generate_report(
            days_back=days, file_path=str(made), should_open_browser=False, exclude_elementary_models=True
        )
    if not success:
        raise DataopsError(f"The report of {environment} could not be made; the message above says why.")
    return made


def mark_candidates(session: Session, versions: Versions, environment: Environment, days: int) -> str:
    """Marks what failed in candidates that never became prod. Returns a banner that lists those candidates, or an empty text.

    Args:
        session: that changes a copy of Elementary's tables, because a candidate can still be published.
        versions: of prod.
        environment: whose tables they are.
        days: how many the report shows.
    """
    by_run = candidates.of_runs(session, versions, environment)
    for run, candidate in by_run.items():
        for mark in (MARK_RESULTS, MARK_RUNS):
            session.run(mark, [f"[In {candidate}: no reader of {versions.environment} sees this data.]", run])
    since = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None)
    recent = session.rows(
        "select distinct invocation_id from dbt_invocations where cast(generated_at as timestamp) > ?", [since]
    )
    shown = sorted({by_run[run] for (run,) in recent if run in by_run}, key=lambda one: one.id, reverse=True)
    reasons = candidates.reasons(versions)
    items = [f"{one} ({one.id})" + (f": {reasons[one.id]}" if reasons.get(one.id) else "") for one in shown]
    if not items:
        return ""
    summary = (
        f"{len(items)} of the builds in this report never became {versions.environment}. Their failures are marked"
        " [In ...]."
    )
    return BANNER.format(summary=summary, items="".join(f"<li>{html.escape(item)}</li>" for item in items))
