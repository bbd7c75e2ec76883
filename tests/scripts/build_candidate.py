"""Runs a dbt command in prod's candidate as a release does, with none of a release's other steps.

.venv/bin/python build_candidate.py build --select orders+

With the Python of a project, in its folder. Monitoring takes what fails for a failure of prod.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dataops.dbt import Result
from dataops.project import load
from dataops.runner import Runner


class Nightly(Runner):
    """Without the cause that a release gives its runs, by which alerts and report know what no reader of prod sees."""

    def _execute(self, arguments: Sequence[str], variables: dict[str, str], parsed: object = None) -> Result:
        cause = {"DBT_CAUSE_CATEGORY": "nightly", "DBT_CAUSE": "nightly"}
        return super()._execute(arguments, {**variables, **cause}, parsed)


if __name__ == "__main__":
    project = load().as_candidate("nightly")
    sys.exit(Nightly(project, project.prod).run(*sys.argv[1:]).exit_code)
