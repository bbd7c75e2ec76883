"""make alerts: what failed since the last time, to Slack or Teams, each failure once.

Elementary finds the failures, words them and remembers what was sent. Added here: a dry run, a time limit on an endpoint
that does not answer, a link to the runbook, and that an endpoint which fails in any way loses nothing: what could not be
sent is sent the next time.

What failed in a candidate that did not become prod is not sent, because no reader can see that data. A release that was stopped
has one message of its own, which stopped.jsonl remembers.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from elementary.exceptions.exceptions import Error
from elementary.messages.blocks import HeaderBlock, LineBlock, LinesBlock, LinkBlock, TextBlock
from elementary.messages.formats.text import format_text
from elementary.messages.message_body import Color, MessageBody
from elementary.monitor.data_monitoring.alerts.data_monitoring_alerts import DataMonitoringAlerts
from elementary.monitor.data_monitoring.alerts.integrations.integrations import Integrations

from dataops.errors import DataopsError
from dataops.git import ask
from dataops.monitoring import ENVIRONMENTS, candidates, opened, package_problem, require
from dataops.monitoring.edr import configure, describe_anomalies
from dataops.project import settings
from dataops.release import store

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
    origin = ask("remote", "get-url", "origin") or ""
    found = re.fullmatch(r"(?:https?://(?:[^@/]+@)?|ssh://git@|git@)([^/:]+)[/:](.+?)(?:\.git)?/?", origin)
    if not found:
        return None
    host, path = found.groups()
    return f"https://{host}/{path}{'/-' if 'gitlab' in host else ''}/blob/HEAD"


def line(text: str) -> LineBlock:
    """A line of a message."""
    return LineBlock(inlines=[TextBlock(text=text)])


def what_to_do(file: str) -> LineBlock:
    """The line of a message that names a page of the project's docs, and links it where it can be read in a browser."""
    address = repository_address()
    link = LinkBlock(text=file, url=f"{address}/{file}") if address else TextBlock(text=file)
    return LineBlock(inlines=[TextBlock(text="What to do:"), link])


class Channel:
    """Where messages go.

    Args:
        config: Elementary's, of the environment; it learns of the webhook.
        kind: slack or teams.
        webhook: where messages are posted; None prints them.

    Attributes:
        failure: why a message could not be sent. After that none is tried: it would only wait too.
    """

    def __init__(self, config, kind: str, webhook: str | None):
        self.config, self.webhook = config, webhook
        config.slack_webhook = webhook if kind == "slack" else None
        config.teams_webhook = webhook if kind == "teams" else None
        self.integration = Integrations.get_integration(config) if webhook else None
        self.failure: str | None = None

    def send(self, body: MessageBody, metadata: dict[str, Any]) -> bool:
        """Sends or prints a message, and returns whether that was done."""
        if not self.webhook:
            print(format_text(body), end="\n\n")
        elif not self.failure:
            try:
                with time_limit(SECONDS):
                    destination = Integrations.get_destination(self.integration, self.config, metadata)
                    self.integration.send_message(destination=destination, body=body)
            except Exception as error:  # noqa: BLE001 - whatever a network can come up with
                self.failure = f"{type(error).__name__}: {error}".replace(self.webhook, "the webhook")
        return not self.failure


class Alerts(DataMonitoringAlerts):
    """Elementary's alerts of one environment.

    Args:
        target: the environment.
        channel: where they go. Where it only prints, nothing is remembered.
        of_candidates: whether those of candidates that did not become prod are sent, too.

    Attributes:
        held_back: the candidates that have alerts which were not sent, as text, and how many each.
    """

    def __init__(self, target: str, channel: Channel, of_candidates: bool):
        describe_anomalies(target)
        self.channel, self.of_candidates = channel, of_candidates
        self.held_back: dict[str, int] = {}
        with opened(target) as connection:
            self.candidates = candidates.of_alerts(connection, target)
        super().__init__(channel.config, tracking=None)

    def _get_integration_client(self):
        return self.channel.integration

    def _filter_data(self, data):
        """Leaves out what failed in candidates. It stays pending: a candidate that was stopped can be published later."""
        sent = []
        for alert in super()._filter_data(data):
            candidate = self.candidates.get(alert.id)
            if candidate and not (self.of_candidates and candidate.outcome != candidates.UNDER_WAY):
                self.held_back[str(candidate)] = self.held_back.get(str(candidate), 0) + 1
            else:
                sent.append(alert)
        return sent

    def _skip_alerts(self, alerts):
        if self.channel.webhook and alerts:
            super()._skip_alerts(alerts)

    def _send_alerts(self, alerts):
        if self.channel.webhook:
            super()._send_alerts(alerts)
            return
        for alert in alerts:
            self._send_alert(alert)
        self.sent_alert_count = len(alerts)

    def _send_alert(self, alert) -> bool:
        return self.channel.send(self.message(alert), alert.unified_meta)

    def message(self, alert) -> MessageBody:
        """Elementary's message, with the candidate where it is of one, the monitor's own name and a link to the runbook."""
        alert.alert_fields = alert.alert_fields or FIELDS
        body = self.alert_message_builder.build(alert=alert)
        lines = [what_to_do(f"docs/runbook/{runbook_page(alert)}.md")]
        if test := getattr(alert, "test_unique_id", None):
            lines.insert(0, line(f"Monitor: {test.split('.')[2]}"))
        ids = [one.id for one in getattr(alert, "alerts", [alert])]
        for candidate in sorted({str(self.candidates[id]) for id in ids if id in self.candidates}):
            lines.insert(0, line(f"In {candidate}: no reader of prod sees this data."))
        return MessageBody(blocks=[*body.blocks, LinesBlock(lines=lines)], color=body.color, id=body.id)


def report_stopped(channel: Channel) -> int:
    """Sends a message of its own for each release that was stopped and not reported yet. Returns how many."""
    count = 0
    for stop in candidates.to_report(datetime.now(UTC) - timedelta(days=DAYS)):
        headline, lines = candidates.message(stop)
        blocks = [
            HeaderBlock(text=headline),
            LinesBlock(lines=[*map(line, lines), what_to_do(candidates.RUNBOOK)]),
        ]
        if not channel.send(MessageBody(blocks=blocks, color=Color.RED), {}):
            break
        if channel.webhook:
            store.record_reported(stop["id"])
        count += 1
    return count


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be sent; nothing is sent or marked as sent.")
@click.option("--candidates", "of_candidates", is_flag=True, help="Send what failed in stopped candidates, too.")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="prod", show_default=True)
def main(dry_run: bool, of_candidates: bool, environment: str) -> None:
    """Send new failures to Slack or Teams: [tool.dataops] in pyproject.toml says which, ALERTS_WEBHOOK where.

    A release that was stopped is one message. What failed in its candidate is not sent, because no reader can see that data.
    """
    if problem := package_problem():
        raise DataopsError(problem)
    kind = settings().alerts
    webhook = None if dry_run else os.environ.get("ALERTS_WEBHOOK")
    if not dry_run and kind not in ("slack", "teams"):
        raise DataopsError(
            f"Alerts go nowhere: [tool.dataops] in pyproject.toml has alerts = {kind!r}. Write slack or teams there."
        )
    if not dry_run and not webhook:
        raise DataopsError(
            f"ALERTS_WEBHOOK is not set: it is the address that {kind} gave you for a webhook. To look: make alerts"
            " ARGS=--dry-run"
        )
    if webhook and not re.match(r"https?://.", webhook):
        raise DataopsError("ALERTS_WEBHOOK is no address: it must begin with https://")
    channel = Channel(configure(environment), kind, webhook)
    # First, and of the versions' folders alone: monitoring may hold nothing yet.
    stopped = report_stopped(channel) if environment == "prod" else 0
    sent = "to send" if dry_run else "sent"
    if stopped:
        print(f"{stopped} message{'' if stopped == 1 else 's'} about stopped releases {sent}.", flush=True)
    require(environment)
    alerts = Alerts(environment, channel, of_candidates)
    try:
        alerts.run_alerts(days_back=DAYS)
    except Error as error:
        raise DataopsError(f"Elementary could not read what happened in {environment}: {error}") from error
    if channel.failure:
        raise DataopsError(
            f"{kind} did not take an alert ({channel.failure}). What was not sent is sent by the next make alerts."
        )
    if not alerts.success:
        raise DataopsError(f"The alerts of {environment} could not be read; the message above says why.")
    count = alerts.sent_alert_count
    print(f"{count} new alert{'' if count == 1 else 's'} of {environment} {sent}.")
    for candidate, number in alerts.held_back.items():
        print(f"{number} in {candidate} {'is' if number == 1 else 'are'} not sent: no reader of prod sees this data.")
    if alerts.held_back and not of_candidates:
        print("To send them too: make alerts ARGS=--candidates")
