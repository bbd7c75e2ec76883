"""dataops monitor-clean: removes old rows from the history of monitoring."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click

from dataops.errors import DataopsError
from dataops.monitoring import chosen, environment_option, monitor
from dataops.monitoring.history import opened, schema_of
from dataops.project import Project
from dataops.typed import typed

# Elementary's tables that grow with every run, and the column that dates a row. The newest snapshot of a table is the
# baseline of its schema test, so it stays whatever its age.
GROWING = {
    "alerts_v2": "detected_at",
    "data_monitoring_metrics": "bucket_end",
    "dbt_invocations": "generated_at",
    "dbt_run_results": "generated_at",
    "dbt_source_freshness_results": "generated_at",
    "elementary_test_results": "detected_at",
    "schema_columns_snapshot": "detected_at",
    "test_result_rows": "detected_at",
}
KEPT = {
    "schema_columns_snapshot": """
        and detected_at < (select max(newer.detected_at) from schema_columns_snapshot as newer
            where newer.full_table_name = schema_columns_snapshot.full_table_name)
    """
}


@click.command()
@click.option("--days", type=click.IntRange(min=30), default=180, show_default=True, help="How many days to keep.")
@environment_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.pass_obj
def main(project: Project, days: int, environment_name: str | None, yes: bool) -> None:
    """Remove rows that are older than some days from the monitoring data of an environment. Asks first.

    Keeps at least 30 days: anomaly tests learn from the weeks before.
    """
    environment = chosen(project, environment_name)
    monitor(project).require_history(environment)
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=days)
    with opened(project, environment, read_only=False) as session:
        schema = schema_of(session)
        present = {name for place, name in session.relations() if place == schema}
        old = {
            table: f"from {table} where cast({column} as timestamp) < '{before}' {KEPT.get(table, '')}"
            for table, column in GROWING.items()
            if table in present
        }
        counts = {table: session.row(f"select count(*) {sql}")[0] for table, sql in old.items()}
        for table, count in counts.items():
            print(f"{table:30} {count:>12,} rows from before {before:%Y-%m-%d}")
        if not any(counts.values()):
            print("Nothing to remove.")
            return
        if not yes and not (sys.stdin.isatty() and click.confirm("Remove them?")):
            raise DataopsError("Nothing was removed.", f"To remove them: {typed('monitor-clean', '--yes')}")
        session.run("begin")
        for sql in old.values():
            session.run(f"delete {sql}")
        session.run("commit")
        session.run("checkpoint")
    print(f"{sum(counts.values()):,} rows removed; the last {days} days are kept.")
