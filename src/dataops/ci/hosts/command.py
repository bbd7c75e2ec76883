"""make ci-comment: the summary of `make ci` as a comment on the pull request."""

from __future__ import annotations

import click

from dataops.ci.hosts import explained


@click.command()
def comment() -> None:
    """Write the summary of `make ci` on the pull request, replacing the previous one. For CI jobs (docs/ci.md)."""
    with explained("comment") as host:
        print(host.comment())
