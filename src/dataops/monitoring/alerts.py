"""make alerts: sends what failed since the last time to Slack or Teams, each failure once.

An endpoint that fails loses nothing: what could not be sent is sent the next time. What failed in a candidate that did not
become prod is not sent, because no reader can see that data. A stopped release has one message, which stopped.jsonl remembers.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

import click

from dataops.errors import DataopsError
from dataops.monitoring import ENVIRONMENTS, monitor
from dataops.project import settings

NOWHERE = "Alerts go nowhere: the setting alerts is {kind!r} in [tool.dataops] of pyproject.toml."


@dataclass(frozen=True)
class Sent:
    """What `send` did.

    Attributes:
        alerts: how many alerts were sent or printed.
        held_back: how many were not, by candidate as text.
    """

    alerts: int
    held_back: dict[str, int] = field(default_factory=dict)


def webhook_of(kind: str) -> str:
    """The address that alerts are posted to: ALERTS_WEBHOOK.

    Args:
        kind: the setting: `slack` or `teams`.

    Raises:
        DataopsError: alerts have no destination.
    """
    if kind not in ("slack", "teams"):
        raise DataopsError(NOWHERE.format(kind=kind), "Write slack or teams there.")
    webhook = os.environ.get("ALERTS_WEBHOOK")
    if not webhook:
        raise DataopsError(
            f"ALERTS_WEBHOOK is not set. It is the address that {kind} gives you for a webhook.",
            "To print the alerts instead: make alerts ARGS=--dry-run",
        )
    if not re.match(r"https?://.", webhook):
        raise DataopsError("ALERTS_WEBHOOK is not an address: it must begin with https://")
    return webhook


def send(environment: str, channel, of_candidates: bool) -> Sent:
    """Sends the new alerts of an environment.

    Args:
        environment: dev, ci or prod.
        channel: a `messages.Channel`.
        of_candidates: whether to send what failed in stopped candidates, too.

    Raises:
        DataopsError: they could not be read, or the endpoint did not take one.
    """
    from elementary.exceptions.exceptions import Error

    from dataops.monitoring import messages

    alerts = messages.Alerts(environment, channel, of_candidates)
    try:
        alerts.run_alerts(days_back=messages.DAYS)
    except Error as error:
        raise DataopsError(f"Elementary could not read what happened in {environment}: {error}") from error
    if channel.failure:
        raise DataopsError(
            f"{channel.kind} did not take an alert ({channel.failure}).",
            "What was not sent is sent by the next make alerts.",
        )
    if not alerts.success:
        raise DataopsError(f"The alerts of {environment} could not be read; the message above says why.")
    return Sent(alerts.sent_alert_count, alerts.held_back)


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the alerts. Nothing is sent or marked as sent.")
@click.option("--candidates", "of_candidates", is_flag=True, help="Send what failed in stopped candidates, too.")
@click.option("--environment", type=click.Choice(ENVIRONMENTS), default="prod", show_default=True)
def main(dry_run: bool, of_candidates: bool, environment: str) -> None:
    """Send new failures to Slack or Teams: [tool.dataops] in pyproject.toml chooses which, ALERTS_WEBHOOK is the address.

    A stopped release is one message. What failed in its candidate is not sent, because no reader can see that data.
    """
    monitor().require_package()
    kind = settings().alerts
    webhook = None if dry_run else webhook_of(kind)
    from dataops.monitoring.edr import configure
    from dataops.monitoring.messages import Channel, report_stopped

    channel = Channel(configure(environment), kind, webhook)
    # Stopped releases first: they are read from the versions' folders, and there may be no history yet.
    stopped = report_stopped(channel) if environment == "prod" else 0
    done = "to send" if dry_run else "sent"
    if stopped:
        print(f"{stopped} message{'' if stopped == 1 else 's'} about stopped releases {done}.", flush=True)
    monitor().require_history(environment)
    sent = send(environment, channel, of_candidates)
    print(f"{sent.alerts} new alert{'' if sent.alerts == 1 else 's'} of {environment} {done}.")
    for candidate, number in sent.held_back.items():
        print(f"{number} in {candidate} {'is' if number == 1 else 'are'} not sent: no reader of prod sees this data.")
    if sent.held_back and not of_candidates:
        print("To send them too: make alerts ARGS=--candidates")
