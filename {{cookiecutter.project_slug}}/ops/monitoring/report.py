"""make report: Elementary's report of every monitored environment, one self-contained page each."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ops.installed import PROJECT
from ops.monitoring import ENVIRONMENTS, require, tables_version
from ops.monitoring.command_line import configure

# Elementary's page asks Google for its typefaces and holds code for sending statistics. With this as its first line a
# browser lets it ask nobody for anything: all that the page needs is in it.
NO_NETWORK = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data:; font-src data:">
"""


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
        file = write_report(target, days)
        if not file:
            sys.exit(f"The report of {target} could not be made; the message above says why.")
        print(f"Report of {target}: {file.as_uri()}")
        if open_page:
            click.launch(file.as_uri())


def write_report(target: str, days: int) -> Path | None:
    """Writes the report of one environment into target/report and returns the file, or None where that failed."""
    config = configure(target)
    from elementary.monitor.data_monitoring.report.data_monitoring_report import DataMonitoringReport

    made = Path(config.target_dir, "report.html")
    success, _ = DataMonitoringReport(config, tracking=None).generate_report(
        days_back=days, file_path=str(made), should_open_browser=False, exclude_elementary_models=True
    )
    if not success:
        return None
    made.write_text(NO_NETWORK + made.read_text(encoding="utf-8"), encoding="utf-8")
    page = PROJECT / "target" / "report" / f"{target}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, page)
    return page


if __name__ == "__main__":
    main(prog_name="python -m ops.monitoring.report")
