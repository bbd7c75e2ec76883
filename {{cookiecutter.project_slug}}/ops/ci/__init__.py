"""What runs on a pull request, and what a runner without a disk of its own needs around it.

__main__.py    make ci: the steps, one after another, and the verdict
prod.py        prod's last version, copied
slim.py        what changed, and the warehouse that it is built in
summary.py     the result as Markdown, for the comment on the pull request
state.py       make prod-pack, make prod-fetch: prod as a file that a later run finds
github.py, gitlab.py    what is asked of the code host: that file, and the comment (the project has the one it was made for)
"""
