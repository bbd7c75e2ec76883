"""python -m dataops.ci.hosts: writes the comment of `make ci`. Needs only Python: the job that may write comments installs nothing."""

import sys

from dataops.ci.hosts import explained
from dataops.errors import DataopsError
from dataops.project import load

try:
    project = load(checked=False)
    with explained(project, "comment") as host:
        print(host.comment(project))
except DataopsError as error:
    print(error.problem, error.remedy, sep="\n", file=sys.stderr)
    sys.exit(error.exit_code)
