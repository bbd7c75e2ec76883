"""python -m dataops.ci.hosts: writes the comment of `make ci`. Needs only Python, because the job that may write installs nothing."""

import sys

from dataops.ci.hosts import explained
from dataops.errors import DataopsError

try:
    with explained("comment") as host:
        print(host.comment())
except DataopsError as error:
    print(error.problem, error.remedy, sep="\n", file=sys.stderr)
    sys.exit(error.exit_code)
