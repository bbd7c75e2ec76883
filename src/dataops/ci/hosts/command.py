"""make ci-comment and make prod-fetch: what CI jobs ask of the code host."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from dataops.ci.hosts import explained


@click.command()
def comment() -> None:
    """Write the summary of `make ci` on the pull request, in place of the last one. For CI jobs (docs/ci.md)."""
    with explained("comment") as host:
        print(host.comment())


@click.command()
@click.option("--current", is_flag=True, help="Only the version that is prod, for reading.")
@click.option("--anew", is_flag=True, help="Start without a prod where the last one is no longer kept.")
def fetch(current: bool, anew: bool) -> None:
    """Get prod from the last release's artifacts, unless it is here. For CI jobs (docs/ci.md)."""
    from dataops.ci import state

    with explained("fetch") as host, tempfile.TemporaryDirectory() as folder:
        print(state.fetch(host.fetch, current, anew and host.CAN_EXPIRE, Path(folder)))
