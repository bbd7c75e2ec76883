"""The messages of `dataops alerts`: Elementary's, with its monitor's name, its candidate and a link to the runbook added.

Elementary finds the failures, words them and remembers which ones were sent. Only alerts.py imports this module, once it
knows that Elementary is installed.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from elementary.messages.blocks import HeaderBlock, LineBlock, LinesBlock, LinkBlock, TextBlock
from elementary.messages.formats.text import format_text
from elementary.messages.message_body import Color, MessageBody
from elementary.monitor.data_monitoring.alerts.data_monitoring_alerts import DataMonitoringAlerts
from elementary.monitor.data_monitoring.alerts.integrations.integrations import Integrations

from dataops.git import ask
from dataops.monitoring import candidates
from dataops.monitoring.edr import describe_anomalies
from dataops.monitoring.history import opened
from dataops.project import Environment, Project
from dataops.versions import Versions

DAYS = 7  # older failures are not sent: a webhook that is set up today does not bring last year's
SECONDS = 30  # for one message, including the wait for a rate limit
# The page of docs/runbook that says what to do, by Elementary's test.
RUNBOOK = {
    "volume_anomalies": "volume",
    "dimension_anomalies": "dimension",
    "freshness_anomalies": "freshness",
    "column_anomalies": "column-values",
    "schema_changes": "columns",
    "schema_changes_from_baseline": "columns",
    "exposure_schema_validity": "exposure",
}
# What a message shows unless a model's or test's meta.alert_fields says otherwise. The query and its parameters are left out.
FIELDS = ["table", "column", "description", "tags", "owners", "subscribers", "result_message", "test_results_sample"]


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raises TimeoutError if the block takes longer. Elementary calls a Teams webhook without a time limit."""

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
    """The page of docs/runbook for one of Elementary's alerts."""
    kind = type(alert).__name__
    if kind == "ModelAlertModel":
        return "model"
    if kind == "SourceFreshnessAlertModel":
        return "source-freshness"
    return RUNBOOK.get(getattr(alert, "test_short_name", None) or getattr(alert, "test_name", ""), "data-test")


def repository_address(project: Project) -> str | None:
    """Where the project's files can be read in a browser, from git's `origin`; None if that is not a web host."""
    origin = ask(project.root, "remote", "get-url", "origin") or ""
    found = re.fullmatch(r"(?:https?://(?:[^@/]+@)?|ssh://git@|git@)([^/:]+)[/:](.+?)(?:\.git)?/?", origin)
    if not found:
        return None
    host, path = found.groups()
    return f"https://{host}/{path}{'/-' if 'gitlab' in host else ''}/blob/HEAD"


def line(text: str) -> LineBlock:
    """A line of a message."""
    return LineBlock(inlines=[TextBlock(text=text)])


def what_to_do(project: Project, file: str) -> LineBlock:
    """The line of a message that names a page of the project's docs, linked if it can be read in a browser."""
    address = repository_address(project)
    link = LinkBlock(text=file, url=f"{address}/{file}") if address else TextBlock(text=file)
    return LineBlock(inlines=[TextBlock(text="What to do:"), link])


class Channel:
    """Where messages go.

    Args:
        config: Elementary's configuration of the environment, which gets the webhook.
        kind: `slack` or `teams`.
        webhook: the address that messages are posted to; None prints them.

    Attributes:
        failure: why a message could not be sent. No other is tried after that: it would only time out too.
    """

    def __init__(self, config, kind: str, webhook: str | None):
        self.config, self.kind, self.webhook = config, kind, webhook
        config.slack_webhook = webhook if kind == "slack" else None
        config.teams_webhook = webhook if kind == "teams" else None
        self.integration = Integrations.get_integration(config) if webhook else None
        self.failure: str | None = None

    def send(self, body: MessageBody, metadata: dict[str, Any]) -> bool:
        """Sends or prints a message, and returns whether that worked."""
        if not self.webhook:
            print(format_text(body), end="\n\n")
        elif not self.failure:
            try:
                with time_limit(SECONDS):
                    destination = Integrations.get_destination(self.integration, self.config, metadata)
                    self.integration.send_message(destination=destination, body=body)
            except Exception as error:  # noqa: BLE001 - a network can fail in any way
                self.failure = f"{type(error).__name__}: {error}".replace(self.webhook, "the webhook")
        return not self.failure


class Alerts(DataMonitoringAlerts):
    """Elementary's alerts of one environment.

    Args:
        project: the project.
        environment: whose alerts they are.
        channel: where they go. If it only prints, nothing is marked as sent.
        of_candidates: whether to send those of candidates that did not become prod, too.

    Attributes:
        held_back: how many alerts were not sent, by candidate as text.
    """

    def __init__(self, project: Project, environment: Environment, channel: Channel, of_candidates: bool):
        describe_anomalies(project, environment)
        self.project, self.channel, self.of_candidates = project, channel, of_candidates
        self.held_back: dict[str, int] = {}
        with opened(project, environment) as session:
            self.candidates = candidates.of_alerts(session, Versions(project), environment)
        super().__init__(channel.config, tracking=None)

    def _get_integration_client(self):
        return self.channel.integration

    def _filter_data(self, data):
        """Leaves out what failed in candidates. It stays pending, because a stopped candidate can be published later."""
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
        """Elementary's message, with its candidate if any, the monitor's own name and a link to the runbook."""
        alert.alert_fields = alert.alert_fields or FIELDS
        body = self.alert_message_builder.build(alert=alert)
        lines = [what_to_do(self.project, f"docs/runbook/{runbook_page(alert)}.md")]
        if test := getattr(alert, "test_unique_id", None):
            lines.insert(0, line(f"Monitor: {test.split('.')[2]}"))
        ids = [one.id for one in getattr(alert, "alerts", [alert])]
        for candidate in sorted({str(self.candidates[id]) for id in ids if id in self.candidates}):
            lines.insert(0, line(f"In {candidate}: no reader of {self.project.prod} sees this data."))
        return MessageBody(blocks=[*body.blocks, LinesBlock(lines=lines)], color=body.color, id=body.id)


def report_stopped(project: Project, channel: Channel) -> int:
    """Sends one message for each stopped release that was not reported yet. Returns how many."""
    count, versions = 0, Versions(project)
    for stop in candidates.to_report(versions, datetime.now(UTC) - timedelta(days=DAYS)):
        headline, lines = candidates.message(versions, stop)
        blocks = [
            HeaderBlock(text=headline),
            LinesBlock(lines=[*map(line, lines), what_to_do(project, candidates.RUNBOOK)]),
        ]
        if not channel.send(MessageBody(blocks=blocks, color=Color.RED), {}):
            break
        if channel.webhook:
            versions.record_reported(stop["id"])
        count += 1
    return count
