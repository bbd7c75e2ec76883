"""What runs on a pull request, and what a runner without a disk of its own needs around it.

__main__.py   make ci: the steps, one after another, and the verdict
prod.py       prod's version, copied
slim.py       what changed, and the warehouse that it is built in
summary.py    the result as Markdown

Where the project has a code host:

state.py      make prod-pack, make prod-fetch: prod as an archive that a later run finds
host.py       what is asked of a code host: that archive, and the comment on a pull request
github.py or gitlab.py    how that one is asked
"""

from pathlib import Path

SUMMARY = Path("target", "ci", "summary.md")
