"""make alerts: what failed since the last time, to Slack or Teams, each failure once.

Elementary finds the failures, words them and remembers what was sent. Added here: a dry run, a time limit on an endpoint
that does not answer, a link to the runbook, and that an endpoint which fails in any way loses nothing: what could not be
sent is sent the next time.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager

import click
from elementary.exceptions.exceptions import Error
from elementary.messages.blocks import LineBlock, LinesBlock, LinkBlock, TextBlock
from elementary.messages.formats.text import format_text
from elementary.messages.message_body import MessageBody
from elementary.monitor.data_monitoring.alerts.data_monitoring_alerts import DataMonitoringAlerts

from ops.installed import PROJECT
from ops.monitoring import ENVIRONMENTS, require
from ops.monitoring.command_line import configure

DAYS = 7  # Failures that are older are not sent any more: a webhook set up today does not bring last year's.
SECONDS = 30  # how long one message may take, waiting for a rate limit included
# Elementary's tests, and what dbt itself reports, by the page of docs/runbook that says what to do.
RUNBOOK = {
    "volume_anomalies": "volume",
    "dimension_anomalies": "dimension",
    "freshness_anomalies": "freshness",
    "column_anomalies": "column-values",
    "schema_changes": "columns",
    "schema_changes_from_baseline": "columns",
    "exposure_schema_validity": "exposure",
}
# What a message shows unless a model's or test's meta.alert_fields says otherwise: not its query and parameters.
FIELDS = ["table", "column", "description", "tags", "owners", "subscribers", "result_message", "test_results_sample"]


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raises TimeoutError where the block takes longer: a Teams webhook is called without any limit otherwise."""

    def stop(_signal, _frame):
        raise TimeoutError(f"no answer within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def runbook_page(alert) -> str:
    """The page of docs/runbook for an alert of Elementary's."""
    kind = type(alert).__name__
    if kind == "ModelAlertModel":
        return "model"
    if kind == "SourceFreshnessAlertModel":
        return "source-freshness"
    return RUNBOOK.get(getattr(alert, "test_short_name", None) or getattr(alert, "test_name", ""), "data-test")


def repository_address() -> str | None:
    """Where the project's files can be read in a browser, from git's `origin`, or None where that is no web host."""
    command = ["git", "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    found = re.fullmatch(r"(?:https?://(?:[^@/]+@)?|ssh://git@|git@)([^/:]+)[/:](.+?)(?:\.git)?/?", done.stdout.strip())
    if not found:
        return None
    host, path = found.groups()
    return f"https://{host}/{path}{'/-' if 'gitlab' in host else ''}/blob/HEAD"


class Alerts(DataMonitoringAlerts):
    """Elementary's alerts of one environment.

    Args:
        target: the environment.
        kind: slack or teams.
        webhook: where messages are posted; None prints them instead and remembers nothing.
    """

    def __init__(self, target: str, kind: str, webhook: str | None):
        config = configure(target)
        config.slack_webhook = webhook if kind == "slack" else None
        config.teams_webhook = webhook if kind == "teams" else None
        self.webhook = webhook
        self.failure: str | None = None
        self.repository = repository_address()
        super().__init__(config, tracking=None)

    def _get_integration_client(self):
        return super()._get_integration_client() if self.webhook else None

    def _skip_alerts(self, alerts):
        if self.webhook and alerts:
            super()._skip_alerts(alerts)

    def _send_alerts(self, alerts):
        if self.webhook:
            super()._send_alerts(alerts)
        for alert in [] if self.webhook else alerts:
            print(format_text(self.message(alert)), end="\n\n")
        self.sent_alert_count = self.sent_alert_count if self.webhook else len(alerts)

    def _send_alert(self, alert) -> bool:
        if self.failure:  # The endpoint is down: the rest would only wait for it too.
            return False
        try:
            with time_limit(SECONDS):
                self._send_message(self.alerts_integration, self.message(alert), alert.unified_meta)
        except Exception as error:  # noqa: BLE001 - whatever a network can come up with
            self.failure = f"{type(error).__name__}: {error}".replace(self.webhook, "the webhook")
        return not self.failure

    def message(self, alert) -> MessageBody:
        """Elementary's message, with the monitor's own name and a link to the runbook."""
        alert.alert_fields = alert.alert_fields or FIELDS
        body = self.alert_message_builder.build(alert=alert)
        file = f"docs/runbook/{runbook_page(alert)}.md"
        link = LinkBlock(text=file, url=f"{self.repository}/{file}") if self.repository else TextBlock(text=file)
        lines = [LineBlock(inlines=[TextBlock(text="What to do:"), link])]
        if test := getattr(alert, "test_unique_id", None):
            lines.insert(0, LineBlock(inlines=[TextBlock(text=f"Monitor: {test.split('.')[2]}")]))
        return MessageBody(blocks=[*body.blocks, LinesBlock(lines=lines)], color=body.color, id=body.id)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be sent; nothing is sent or marked as sent.")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="prod", show_default=True)
def main(dry_run: bool, environment: str) -> None:
    """Send new failures to Slack or Teams: [tool.alerts] in pyproject.toml says which, ALERTS_WEBHOOK where."""
    require(environment)
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    kind = settings.get("tool", {}).get("alerts", {}).get("to", "none")
    webhook = None if dry_run else os.environ.get("ALERTS_WEBHOOK")
    if not dry_run and kind not in ("slack", "teams"):
        sys.exit(f"Alerts go nowhere: [tool.alerts] in pyproject.toml has to = {kind!r}. Write slack or teams there.")
    if not dry_run and not webhook:
        sys.exit(
            f"ALERTS_WEBHOOK is not set: it is the address that {kind} gave you for a webhook. To look: make alerts"
            " ARGS=--dry-run"
        )
    if webhook and not re.match(r"https?://.", webhook):
        sys.exit("ALERTS_WEBHOOK is no address: it must begin with https://")
    alerts = Alerts(environment, kind, webhook)
    try:
        alerts.run_alerts(days_back=DAYS)
    except Error as error:
        sys.exit(f"Elementary could not read what happened in {environment}: {error}")
    if alerts.failure:
        sys.exit(f"{kind} did not take an alert ({alerts.failure}). What was not sent is sent by the next make alerts.")
    if not alerts.success:
        sys.exit(f"The alerts of {environment} could not be read; the message above says why.")
    count = alerts.sent_alert_count
    print(f"{count} new alert{'' if count == 1 else 's'} of {environment} {'to send' if dry_run else 'sent'}.")


if __name__ == "__main__":
    main(prog_name="python -m ops.monitoring.alerts")
