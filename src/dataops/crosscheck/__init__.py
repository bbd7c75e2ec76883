"""Crosscheck: does an environment hold the same data as another one, and if not, what differs?

command_line.py   what was asked; exit codes
code.py           the models as the code of this folder has them: key, personal columns, thresholds, checksum
sides.py          the two warehouse files, and what was built in them
comparison.py     two relations compared, in SQL
judgement.py      whether two builds may be compared, and what a difference means
results.py        the result as plain values: its shape is docs/crosscheck.md's
terminal.py, markdown.py, page.py, report.html.j2    the result shown
"""

from dataops.errors import DataopsError


class CannotCompare(DataopsError):
    """Why something could not be compared, and what to type instead."""
