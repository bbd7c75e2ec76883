"""Crosscheck: does an environment hold the same data as another one, and if not, what differs?

command.py        the command: options, progress, exit codes
service.py        the models that a selection names, and their comparison
datasets.py       base and head: where their data is, and what was built in it
verdicts.py       whether two builds may be compared, and what a difference means
compare.py        compares two relations: what is read, and in which order
queries.py        the SQL for it; an engine's dialect has the parts that differ from engine to engine
examples.py       example rows of what differs
comparison.py     what differs between two relations, as plain values
results.py        the result as plain values, in the shape that docs/crosscheck.md describes
files.py          the files that a result is written to
formatting.py, terminal.py, markdown.py, page.py, report.html.j2    how a result is shown
"""

from dataops.errors import DataopsError


class CannotCompare(DataopsError):
    """Why something could not be compared, and what to do instead."""
