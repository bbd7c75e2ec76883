"""dataops ci-comment: the summary of `dataops ci` as a comment on the pull request."""

from __future__ import annotations

import click

from dataops.ci.hosts import explained
from dataops.project import Project


@click.command()
@click.pass_obj
def comment(project: Project) -> None:
    """Write the summary of `make ci` on the pull request, replacing the previous one. For CI jobs (docs/ci.md)."""
    with explained(project, "comment") as host:
        print(host.comment(project))
