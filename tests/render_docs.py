"""Writes the generated parts of the docs: the list of questions, from cookiecutter.json, and the output of the examples in
docs/macros.

`--check` writes nothing and fails if the list is stale; tests/dbt_package/test_pages.py checks the examples.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

import click

from tests.dbt_package.pages import FaultyPage, rendered_pages
from tests.helpers import REPOSITORY

README = REPOSITORY / "README.md"


def questions() -> str:
    """The questions as a Markdown table, in the order in which they are asked."""
    context = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
    prompts = context["__prompts__"]
    rows = ["| Question | Asked as | Answers (the first is the default) |", "|---|---|---|"]
    for name, default in context.items():
        if name.startswith("_"):
            continue
        prompt = prompts[name]
        if isinstance(default, list):
            answers = "<br>".join(f"`{value}`: {prompt[value]}" for value in default)
            prompt = prompt["__prompt__"]
        elif "{%" in default:
            answers = "today"
        elif "{{" in default:
            answers = "derived from the answers above"
        else:
            answers = f"`{default}`"
        rows.append(f"| `{name}` | {prompt} | {answers} |")
    return "\n".join(rows)


def render(text: str) -> str:
    """The README with its generated part regenerated."""
    start, end = "<!-- questions: make docs -->", "<!-- /questions -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"README.md has lost the markers {start} and {end}")
    return pattern.sub(lambda _: f"{start}\n{questions()}\n{end}", text)


@click.command(help=__doc__)
@click.option("--check", is_flag=True, help="Write nothing; fail if the README is stale.")
def main(check: bool) -> None:
    """See the module."""
    old = README.read_text(encoding="utf-8")
    new = render(old)
    if check and new != old:
        sys.exit("README.md does not match the questions in cookiecutter.json. Run: make docs")
    if not check:
        README.write_text(new, encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            try:
                rendered = rendered_pages(Path(folder))
            except FaultyPage as fault:
                sys.exit(str(fault))
        for page, text in rendered.items():
            page.write_text(text, encoding="utf-8")
        click.echo("README.md and the pages of docs/macros are up to date.")


if __name__ == "__main__":
    main()
