"""make report: Elementary's report of every monitored environment, one self-contained page each."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ops.monitoring import ENVIRONMENTS, PROJECT, require, tables_version
from ops.monitoring.command_line import configure


@click.command()
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="How many days to show.")
@click.option("--open", "open_page", is_flag=True, help="Open the pages in the browser.")
def main(days: int, open_page: bool) -> None:
    """Write the report of prod, and of the other environments where monitoring was switched on."""
    require("prod")
    for target in ENVIRONMENTS:
        if tables_version(target) is None:
            continue
        print(f"Reading what Elementary kept of {target}, {days} days", flush=True)
        if not write_report(target, days, open_page):
            sys.exit(f"The report of {target} could not be made; the message above says why.")
        print(f"Report of {target}: {page(target).as_uri()}")


def page(target: str) -> Path:
    """Where the report of an environment is written."""
    return PROJECT / "target" / "report" / f"{target}.html"


def write_report(target: str, days: int, open_page: bool = False) -> bool:
    """Writes the report of one environment; returns whether that worked."""
    config = configure(target)
    from elementary.monitor.data_monitoring.report.data_monitoring_report import DataMonitoringReport

    file = page(target)
    file.parent.mkdir(parents=True, exist_ok=True)
    success, _ = DataMonitoringReport(config, tracking=None).generate_report(
        days_back=days, file_path=str(file), should_open_browser=open_page, exclude_elementary_models=True
    )
    return success


if __name__ == "__main__":
    main(prog_name="python -m ops.monitoring.report")
