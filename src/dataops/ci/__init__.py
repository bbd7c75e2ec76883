"""CI: what runs on a pull request, and what a runner that loses its disk needs around it.

command.py      dataops ci, and dataops ci state push|pull
pipeline.py     the steps of `ci`, one after another
prod.py         a copy of prod's version
changes.py      what changed since prod's version, and what must be in CI's environment before that is built
builds.py       what a dbt command built, and what failed in it, in words
comparison.py   what was built, compared with prod's version
summary.py      the result as Markdown
state.py        prod as an archive that a later run finds
hosts/          the code host, GitHub or GitLab: it keeps that archive, and shows the comment on a pull request
"""

from pathlib import Path

SUMMARY = Path("target", "ci", "summary.md")  # from the project's root
