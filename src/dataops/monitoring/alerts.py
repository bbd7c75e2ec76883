"""dataops alerts: sends what failed since the last time to Slack or Teams, each failure once.

An endpoint that fails loses nothing: what could not be sent is sent the next time. What failed in a candidate that did not
become prod is not sent, because no reader can see that data. A stopped release has one message, which stopped.jsonl remembers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from dataops.errors import DataopsError
from dataops.monitoring import chosen, environment_option, monitor
from dataops.project import Environment, Project, place_of_settings
from dataops.typed import typed

if TYPE_CHECKING:
    from dataops.monitoring.messages import Channel

NOWHERE = "Alerts go nowhere: the setting alerts is {kind!r} in {place}."


@dataclass(frozen=True)
class Sent:
    """What `send` did.

    Attributes:
        alerts: how many alerts were sent or printed.
        held_back: how many were not, by candidate as text.
    """

    alerts: int
    held_back: dict[str, int] = field(default_factory=dict)


def webhook_of(project: Project) -> str:
    """The address that alerts are posted to: ALERTS_WEBHOOK.

    Raises:
        DataopsError: alerts have no destination.
    """
    kind = project.settings.alerts
    if kind not in ("slack", "teams"):
        raise DataopsError(
            NOWHERE.format(kind=kind, place=place_of_settings(project.root)), "Write slack or teams there."
        )
    webhook = project.variables.get("ALERTS_WEBHOOK")
    if not webhook:
        raise DataopsError(
            f"ALERTS_WEBHOOK is not set. It is the address that {kind} gives you for a webhook.",
            f"To print the alerts instead: {typed('alerts', '--dry-run')}",
        )
    if not re.match(r"https?://.", webhook):
        raise DataopsError("ALERTS_WEBHOOK is not an address: it must begin with https://")
    return webhook


def send(project: Project, environment: Environment, channel: Channel, of_candidates: bool) -> Sent:
    """Sends the new alerts of an environment.

    Args:
        project: the project.
        environment: whose alerts are sent.
        channel: where they go.
        of_candidates: whether to send what failed in stopped candidates, too.

    Raises:
        DataopsError: they could not be read, or the endpoint did not take one.
    """
    from elementary.exceptions.exceptions import Error

    from dataops.monitoring import messages

    alerts = messages.Alerts(project, environment, channel, of_candidates)
    try:
        alerts.run_alerts(days_back=messages.DAYS)
    except Error as error:
        raise DataopsError(f"Elementary could not read what happened in {environment}: {error}") from error
    if channel.failure:
        raise DataopsError(
            f"{channel.kind} did not accept an alert ({channel.failure}).",
            f"What was not sent is sent by the next {typed('alerts')}.",
        )
    if not alerts.success:
        raise DataopsError(f"The alerts of {environment} could not be read; the message above says why.")
    return Sent(alerts.sent_alert_count, alerts.held_back)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the alerts. Nothing is sent or marked as sent.")
@click.option("--candidates", "of_candidates", is_flag=True, help="Send what failed in stopped candidates, too.")
@environment_option
@click.pass_obj
def main(project: Project, dry_run: bool, of_candidates: bool, environment_name: str | None) -> None:
    """Send new failures to Slack or Teams: the setting `alerts` chooses which, ALERTS_WEBHOOK is the address.

    A stopped release is one message. What failed in its candidate is not sent, because no reader can see that data.
    """
    environment = chosen(project, environment_name)
    monitor(project).require_package()
    webhook = None if dry_run else webhook_of(project)
    from dataops.monitoring.edr import configured
    from dataops.monitoring.messages import Channel

    with configured(project, environment) as config:
        channel = Channel(config, project.settings.alerts, webhook)
        send_all(project, environment, channel, of_candidates, "to send" if dry_run else "sent")


def send_all(project: Project, environment: Environment, channel: Channel, of_candidates: bool, done: str) -> None:
    """Sends what is new, and prints how much that was.

    Args:
        project: the project.
        environment: whose alerts are sent.
        channel: where they go.
        of_candidates: whether to send what failed in stopped candidates, too.
        done: what is printed of a message: that it was sent, or would be.
    """
    from dataops.monitoring.messages import report_stopped

    # Stopped releases first: they are read from the versions' folders, and there may be no history yet.
    stopped = report_stopped(project, channel) if environment.is_prod else 0
    if stopped:
        print(f"{stopped} message{'' if stopped == 1 else 's'} about stopped releases {done}.", flush=True)
    monitor(project).require_history(environment)
    sent = send(project, environment, channel, of_candidates)
    print(f"{sent.alerts} new alert{'' if sent.alerts == 1 else 's'} of {environment} {done}.")
    for candidate, number in sent.held_back.items():
        are = "is" if number == 1 else "are"
        print(f"{number} in {candidate} {are} not sent: no reader of {project.prod} sees this data.")
    if sent.held_back and not of_candidates:
        print(f"To send them too: {typed('alerts', '--candidates')}")
