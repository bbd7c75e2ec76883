"""Crosscheck: does an environment hold the same data as another one, and if not, what differs?

command.py        the command: options, files, exit codes
parse.py          the code as dbt parses it, and the models that a selection names
datasets.py       base and head: their warehouse files, and what was built in them
results.py        compares model by model; the result as plain values, in the shape that docs/crosscheck.md describes
verdicts.py       whether two builds may be compared, and what a difference means
compare.py        compares two relations: what is read, and in which order
queries.py        the SQL for it; dialect.py has the parts that differ from engine to engine
examples.py       example rows of what differs
comparison.py     what differs between two relations, as plain values
formatting.py, terminal.py, markdown.py, page.py, report.html.j2    how a result is shown
"""

from dataops.errors import DataopsError


class CannotCompare(DataopsError):
    """Why something could not be compared, and what to do instead."""
