"""dataops stats: statistics of each monitored environment, this week and the week before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from dataops.lint.governance import TESTED_KEY, has_tested_key, rules_of
from dataops.monitoring import candidates, monitor
from dataops.monitoring.history import opened, tables_version
from dataops.project import Environment, Project
from dataops.versions import Versions

DAYS = 7
SHOWN = 5
NOT_ELEMENTARY = "unique_id not like '%.elementary.%'"

# One number each, for a period. Rows are those in the tables that were built (macros/elementary.sql). What happened in a
# candidate that did not become prod is counted separately.
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
IN_CANDIDATES = {
    "runs": "runs not published",
    "models failed or skipped": "models failed in them",
    "tests failed": "tests failed in them",
}
SECONDS = """
    select name, execution_time from dbt_run_results
    where {when} and {own} and resource_type in ({kinds}) and status not in ('skipped', 'error')
        and execution_time is not null
"""
TESTS_OF_MODELS = """
    select model.unique_id, model.original_path, test.test_namespace, test.test_original_name, test.short_name
    from (select unique_id, original_path from dbt_models where {own}) as model
    left join dbt_tests as test on test.parent_model_unique_id = model.unique_id
"""


def slowest(runs: Iterable[tuple[str, float]]) -> list[tuple[str, list[float]]]:
    """The five names with the longest median run, the slowest first, each with the seconds of its runs.

    >>> slowest([("orders", 2.0), ("orders", 1.0), ("prices", 9.0)])
    [('prices', [9.0]), ('orders', [2.0, 1.0])]
    """
    seconds: dict[str, list[float]] = {}
    for name, duration in runs:
        seconds.setdefault(name, []).append(duration)
    return sorted(seconds.items(), key=lambda one: (-median(one[1]), one[0]))[:SHOWN]


def tests_of_models(rows: Iterable[tuple[str, str, str | None, str | None, str | None]]) -> list[tuple[str, list[str]]]:
    """Each model's file, and its data tests as dbt-bouncer.yml names them.

    >>> tests_of_models([("m.a", "models/a.sql", "dataops", "no_gaps", "no_gaps"), ("m.b", "models/b.sql", None, None, None)])
    [('models/a.sql', ['dataops.no_gaps']), ('models/b.sql', [])]
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for model, path, package, name, short_name in rows:
        _, tests = found.setdefault(model, (path, []))
        if test := name or short_name:
            tests.append(f"{package}.{test}" if package else test)
    return list(found.values())


def coverage(project: Project, models: list[tuple[str, list[str]]]) -> str:
    """How many models have a tested key, by the rule of dbt-bouncer.yml that lint checks.

    Args:
        project: the project.
        models: each model's file and its data tests.
    """
    rules = rules_of(TESTED_KEY, project.path("dbt-bouncer.yml"))
    tested = [has_tested_key(path, tests, rules) for path, tests in models]
    counted = [one for one in tested if one is not None]
    exempt = f", {len(tested) - len(counted)} exempt" if len(counted) < len(tested) else ""
    return f"{sum(counted)} of {len(counted)}{exempt}"


def statistics(project: Project, environment: Environment) -> list[Table]:
    """The tables to print for one environment."""
    now = datetime.now(UTC).replace(tzinfo=None)
    weeks = [(now - timedelta(days=DAYS), now), (now - timedelta(days=2 * DAYS), now - timedelta(days=DAYS))]
    when = [
        f"cast(generated_at as timestamp) > '{since}' and cast(generated_at as timestamp) <= '{until}'"
        for since, until in weeks
    ]
    with opened(project, environment) as session:

        def ask(sql: str, **parts: str) -> list[tuple]:
            return session.rows(sql.format(own=NOT_ELEMENTARY, **parts))

        unpublished = candidates.of_runs(session, Versions(project), environment)
        tables = [_trend(project, environment, ask, when, list(unpublished))]
        for title, kinds in (("slowest models", "'model'"), ("slowest tests", "'test', 'unit_test'")):
            heading = f"{environment}: {title}, last 7 days"
            table = Table(title, "runs", "median s", "longest s", title=heading, title_justify="left")
            for name, seconds in slowest(ask(SECONDS, when=when[0], kinds=kinds)):
                table.add_row(name, str(len(seconds)), f"{median(seconds):.2f}", f"{max(seconds):.2f}")
            tables.append(table)
    for table in tables:
        for column in table.columns[1:]:
            column.justify = "right"
    return tables


def _trend(
    project: Project, environment: Environment, ask: Callable[..., list[tuple]], when: list[str], unpublished: list[str]
) -> Table:
    """The table of this week's numbers and those of the week before.

    Args:
        project: the project.
        environment: whose numbers these are.
        ask: runs a query.
        when: the condition of each week.
        unpublished: the runs of candidates that did not become prod.
    """
    runs = ", ".join(f"'{run}'" for run in unpublished) or "''"
    rows = [(name, name, f"invocation_id not in ({runs})") for name in MEASURES]
    if environment.is_prod:
        rows += [(label, name, f"invocation_id in ({runs})") for name, label in IN_CANDIDATES.items()]
    heading = f"{environment}: trend"
    table = Table("", "last 7 days", "7 days before", "change", title=heading, title_justify="left")
    for label, name, among in rows:
        this, before = (ask(MEASURES[name], when=f"{week} and {among}")[0][0] or 0 for week in when)
        table.add_row(label, f"{this:,}", f"{before:,}", f"{this - before:+,.6g}" if this != before else "")
    table.add_row("models with a tested key", coverage(project, tests_of_models(ask(TESTS_OF_MODELS))), "", "")
    return table


@click.command()
@click.pass_obj
def main(project: Project) -> None:
    """Print statistics of prod, and of the other environments where monitoring was switched on."""
    monitor(project).require_history(project.prod)
    console = Console(highlight=False)
    for environment in project.environments:
        if tables_version(project, environment) is None:
            continue
        for table in statistics(project, environment):
            console.print(table)
            console.print()
