"""The pages of docs/macros, and what their examples print when dbt runs them.

Every block of code on a page is one of these, so that nothing stands there which was not run:

- `sql` or `yaml` whose first line is a comment with a path (`-- models/prices.sql`, `# models/prices.yml`): a file of the
  examples' project. Blocks named `# dbt_project.yml` are added to the project's settings.
- `sql` without a path: a query. The `console` block after it holds its rows, as `dbt show` prints them.
- `console` after a `yaml` file: the rows that the one failing test in that file returns, sorted.
- `console` that starts with `$ dbt`: a command, and what it prints. Clock times are left out.

All pages share one project, so a file and a model have one page that names them.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from tests.helpers import REPOSITORY, clean_environment, run

PAGES = REPOSITORY / "docs" / "macros"
INDEX = PAGES / "README.md"
QUERIES = Path("models", "queries")
DBT = Path(sys.executable).parent / "dbt"

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?:--|#) (?P<path>[\w/]+\.(?:sql|yml|csv))\n")
FENCE = "```"

# What differs from run to run, and what a page shows in its place.
INVOCATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CLOCK = re.compile(r"^\d\d:\d\d:\d\d  ", re.MULTILINE)
SHOWN_INVOCATION = "714648e5-3162-4aa4-9861-0843b4218b77"
SHOWN_TIME = datetime(2026, 11, 22, 16, 54, 15)

PROFILE = {
    "pages": {
        "target": "dev",
        "outputs": {
            target: {"type": "duckdb", "path": f"{target}.duckdb", "schema": schema, "threads": 1}
            for target, schema in {"dev": "dev_ada", "ci": "ci", "integration": "integration", "prod": "main"}.items()
        },
    }
}
SETTINGS = {
    "name": "pages",
    "profile": "pages",
    "flags": {"send_anonymous_usage_stats": False, "use_colors": False},
    "models": {"+materialized": "table"},
}


class FaultyPage(Exception):
    """A page breaks the rules for examples. The message says which and what to write."""


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes:
        language: sql, yaml or console.
        text: what stands between the fences.
        file: the file of the examples' project that it is; None for a query and for what is printed.
        owner: for a console block, the file whose rows it shows; None for a command.
    """

    language: str
    text: str
    file: Path | None = None
    owner: Path | None = None

    @property
    def command(self) -> str:
        """The command of a console block, without the prompt; empty where the block only shows rows."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("$ ") if first.startswith("$ ") else ""


def pages() -> list[Path]:
    """The page of each macro and test, by name."""
    return sorted(page for page in PAGES.glob("*.md") if page != INDEX)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order.

    Raises:
        FaultyPage: a block is none of the kinds that the module's text lists.
    """
    found: list[Block] = []
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        language, text = match["language"], match["text"]
        name = FILE_NAME.match(text)
        if language == "console":
            before = found[-1] if found else Block("", "")
            owner = None if text.startswith("$ dbt ") else before.file
            if not text.startswith("$ dbt ") and (owner is None or before.language == "console"):
                raise FaultyPage(f"{page.name}: a console block follows no query or test. Start it with: $ dbt")
            found.append(Block(language, text, owner=owner))
        elif language in {"sql", "yaml"} and name:
            found.append(Block(language, text, Path(name["path"])))
        elif language == "sql":
            count = sum(block.file is not None and block.file.parent == QUERIES for block in found)
            found.append(Block(language, text, QUERIES / f"{page.stem}{f'_{count + 1}' if count else ''}.sql"))
        else:
            raise FaultyPage(f"{page.name}: a {language} block that nothing runs. Name its file in a first comment.")
    shown = {block.owner for block in found}
    for block in found:
        if block.file and block.file.parent == QUERIES and block.file not in shown:
            raise FaultyPage(f"{page.name}: a query whose rows are not shown. Put a console block after it.")
    return found


def write_project(folder: Path) -> None:
    """Writes the project of all pages' examples into an empty folder.

    Raises:
        FaultyPage: two pages have a file of the same name.
    """
    settings: dict[str, Any] = dict(SETTINGS)
    for page in pages():
        for block in blocks(page):
            if block.file == Path("dbt_project.yml"):
                settings |= yaml.safe_load(block.text)
            elif block.file:
                file = folder / block.file
                if file.exists():
                    raise FaultyPage(f"{page.name}: another page has a file {block.file} too. Choose another name.")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")
    contents = {
        "dbt_project.yml": settings,
        "profiles.yml": PROFILE,
        "packages.yml": {"packages": [{"local": str(REPOSITORY)}]},
    }
    for name, content in contents.items():
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def steady(value: Any, since: datetime) -> Any:
    """A value as a page shows it: the times and ids of this very run are always the same ones, and so are its last days."""
    if isinstance(value, datetime) and value >= since:
        return SHOWN_TIME
    if isinstance(value, datetime) and value >= since - timedelta(days=3):
        return value + (SHOWN_TIME.date() - since.date())
    return INVOCATION.sub(SHOWN_INVOCATION, value) if isinstance(value, str) else value


def as_text(table: Any, since: datetime, in_order: bool) -> str:
    """An agate table in the form in which `dbt show` prints one, nothing cut off.

    Args:
        table: dbt's result.
        since: when the run started, in UTC; later times differ from run to run.
        in_order: whether the rows have an order; if not they are sorted.
    """
    import agate

    rows = [[steady(value, since) for value in row] for row in table.rows]
    if not in_order:
        rows.sort(key=lambda row: [(value is not None, str(value)) for value in row])
    types = [
        agate.Text(cast_nulls=False) if any(isinstance(row[place], str) for row in rows) else kind
        for place, kind in enumerate(table.column_types)
    ]
    output = io.StringIO()
    agate.Table(rows, table.column_names, types).print_table(
        output=output, max_rows=None, max_columns=None, max_column_width=None
    )
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


def build_and_show(folder: Path) -> dict[Path, str]:
    """Builds the examples and returns, by file, the rows of each query and of each file's one failing test.

    Runs in a process of its own: dbt holds the warehouse until its process ends.

    Raises:
        FaultyPage: an example does not run, or two tests of a file find something.
    """
    from dbt.cli.main import dbtRunner

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(clean_environment())
    since = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    dbt = dbtRunner()
    dbt.invoke(["--quiet", "deps"])
    built = dbt.invoke(["--quiet", "build", "--exclude-resource-type", "test"])
    if built.exception:
        raise FaultyPage(f"The examples do not build: {built.exception}")
    faults = [f"{one.node.name}: {one.message}" for one in built.result.results if one.status in {"error", "skipped"}]
    if faults:
        raise FaultyPage("\n".join(["Examples that do not run:", *faults]))
    shown: dict[Path, str] = {}
    queries = dbt.invoke(["--quiet", "show", "--select", f"path:{QUERIES}", "test_type:generic", "--limit", "-1"])
    for one in queries.result.results:
        is_query = one.node.resource_type == "model"
        file = Path(one.node.original_file_path)
        if not is_query and not one.agate_table.rows:
            continue
        if file in shown:
            raise FaultyPage(f"{file}: more than one test finds something, and a console block shows the rows of one.")
        shown[file] = as_text(one.agate_table, since, in_order=is_query)
    return shown


def rendered_pages(folder: Path) -> dict[Path, str]:
    """Each page with its console blocks made anew, from a run in an empty folder.

    Raises:
        FaultyPage: an example breaks the rules, or does not run.
    """
    write_project(folder)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        shown = process.submit(build_and_show, folder).result()
    return {page: rendered(page, folder, shown) for page in pages()}


def printed(page: Path, folder: Path, shown: dict[Path, str], block: Block) -> str:
    """What a console block should hold."""
    if block.command:
        arguments = shlex.split(block.command)[1:]
        output = run(DBT, *arguments, cwd=folder).output
        output = CLOCK.sub("", INVOCATION.sub(SHOWN_INVOCATION, output))
        lines = [f"$ {block.command}", *output.strip("\n").splitlines()]
        return "".join(f"{line.rstrip()}\n" for line in lines)
    if block.owner not in shown:
        raise FaultyPage(f"{page.name}: no test in {block.owner} finds anything, so there are no rows to show.")
    return shown[block.owner]


def rendered(page: Path, folder: Path, shown: dict[Path, str]) -> str:
    """A page with its console blocks made anew."""
    consoles = iter([printed(page, folder, shown, block) for block in blocks(page) if block.language == "console"])

    def fill(consoles, match: re.Match) -> str:
        text = next(consoles) if match["language"] == "console" else match["text"]
        return f"{FENCE}{match['language']}\n{text}{FENCE}"

    return BLOCK.sub(partial(fill, consoles), page.read_text(encoding="utf-8"))
