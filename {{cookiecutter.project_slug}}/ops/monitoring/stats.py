"""make stats: what Elementary's tables say of each environment, this week and the week before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.table import Table

from ops.monitoring import ENVIRONMENTS, opened, require, tables_version

DAYS = 7
NOT_ELEMENTARY = "unique_id not like '%.elementary.%'"

# One number each, for what happened in some days. Rows: those in the tables that were built (macros/elementary.sql).
MEASURES = {
    "runs": "select count(*) from dbt_invocations where {when} and coalesce(selected, '') not like '%elementary%'",
    "runs with a failure": """
        select count(distinct invocation_id) from dbt_run_results
        where {when} and status in ('error', 'fail', 'runtime error')
    """,
    "models built": """
        select count(*) from dbt_run_results where {when} and {own} and resource_type = 'model' and status = 'success'
    """,
    "models failed or skipped": """
        select count(*) from dbt_run_results
        where {when} and {own} and resource_type = 'model' and status in ('error', 'skipped')
    """,
    "tests run": """
        select count(*) from dbt_run_results
        where {when} and {own} and resource_type in ('test', 'unit_test') and status != 'skipped'
    """,
    "tests failed": """
        select count(*) from dbt_run_results
        where {when} and {own} and resource_type in ('test', 'unit_test') and status in ('fail', 'error', 'runtime error')
    """,
    "tests warned": """
        select count(*) from dbt_run_results where {when} and {own} and resource_type = 'test' and status = 'warn'
    """,
    "rows built": "select coalesce(sum(rows_affected), 0) from dbt_run_results where {when} and {own}",
    "minutes spent": "select round(sum(execution_time) / 60, 1) from dbt_run_results where {when} and {own}",
}
SLOWEST = """
    select name, count(*), median(execution_time), max(execution_time) from dbt_run_results
    where {when} and {own} and resource_type in ({kinds}) and status not in ('skipped', 'error')
    group by name order by median(execution_time) desc, name limit 5
"""
COVERAGE = """
    select count(*), count(*) filter (unique_id in (select parent_model_unique_id from dbt_tests))
    from dbt_models where {own}
"""


def statistics(target: str) -> list[Table]:
    """The tables to print for one environment."""
    now = datetime.now(UTC).replace(tzinfo=None)
    weeks = [(now - timedelta(days=DAYS), now), (now - timedelta(days=2 * DAYS), now - timedelta(days=DAYS))]
    when = [
        f"cast(generated_at as timestamp) > '{since}' and cast(generated_at as timestamp) <= '{until}'"
        for since, until in weeks
    ]
    with opened(target) as connection:

        def ask(sql: str, **parts: str) -> list[tuple]:
            return connection.execute(sql.format(own=NOT_ELEMENTARY, **parts)).fetchall()

        trend = Table("", "last 7 days", "7 days before", "change", title=f"{target}: trend", title_justify="left")
        for name, sql in MEASURES.items():
            this, before = (ask(sql, when=week)[0][0] or 0 for week in when)
            trend.add_row(name, f"{this:,}", f"{before:,}", f"{this - before:+,.6g}" if this != before else "")
        models, tested = ask(COVERAGE)[0]
        share = f"{100 * tested / models:.0f} %" if models else "no models"
        trend.add_row("models with a test", f"{tested} of {models} ({share})", "", "")
        tables = [trend]
        for title, kinds in (("slowest models", "'model'"), ("slowest tests", "'test', 'unit_test'")):
            table = Table(
                title, "runs", "median s", "longest s", title=f"{target}: {title}, last 7 days", title_justify="left"
            )
            for name, runs, typical, longest in ask(SLOWEST, when=when[0], kinds=kinds):
                table.add_row(name, str(runs), f"{typical:.2f}", f"{longest:.2f}")
            tables.append(table)
    for table in tables:
        for column in table.columns[1:]:
            column.justify = "right"
    return tables


@click.command()
def main() -> None:
    """Print statistics of prod, and of the other environments where monitoring was switched on."""
    require("prod")
    console = Console(highlight=False)
    for target in ENVIRONMENTS:
        if tables_version(target) is None:
            continue
        for table in statistics(target):
            console.print(table)
            console.print()


if __name__ == "__main__":
    main(prog_name="python -m ops.monitoring.stats")
