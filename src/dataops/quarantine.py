"""dataops rejected: the rows that break a rule, by model, rule and day; --rows shows some of them.

The models are read from dbt's manifest: every model whose name ends in __rejected, with the columns of
`dataops.rejected_rows`. Values of columns that are tagged pii are not printed.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from datetime import date, datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dataops.console import measure, new_console, print_whole
from dataops.crosscheck.datasets import RECORD
from dataops.engines import EngineError, Session, engine_of
from dataops.errors import DataopsError
from dataops.manifest import PERSONAL, lineage_of
from dataops.project import Environment, Project
from dataops.typed import guide, how_to_build, shown, typed
from dataops.versions import MANIFEST, Versions

SUFFIX = "__rejected"
WITHHELD = "(pii)"
DAYS = 5  # with a column each
COUNTS = """
    select rule, cast(loaded_at as date) as day, count(*) as rows
    from (select loaded_at, unnest(string_split(broken_rules, ', ')) as rule from {relation})
    group by all
"""
ROW_COLUMNS = ("loaded_at", "broken_rules", "messages", "raw_row")
ROWS = """
    select loaded_at, broken_rules, messages, raw_row from {relation}
    where $rule is null or list_contains(string_split(broken_rules, ', '), $rule)
    order by loaded_at desc nulls last, rejected_row_id
    limit $limit
"""


@dataclass(frozen=True)
class RejectedModel:
    """A model with rejected rows.

    Attributes:
        name: of the model that rejects them, such as `stg_shop__orders`.
        relation: the rejected rows in the warehouse, as SQL names them.
        personal: the columns, and fields of the raw rows, with personal data.
        lineage: dbt's ids of the model and of everything upstream of it.
    """

    name: str
    relation: str
    personal: frozenset[str]
    lineage: frozenset[str]


def is_personal(part: dict) -> bool:
    """Whether a node or column of the manifest is tagged pii."""
    return PERSONAL in {*part.get("tags", []), *part.get("config", {}).get("tags", [])}


def personal_names(manifest: dict, node: dict, lineage: frozenset[str]) -> frozenset[str]:
    """The columns of a rejected model, and the fields of its raw rows, whose values are not printed.

    These are the columns tagged pii, and those of the same name as a tagged column of a source upstream, because the raw row has
    its values. If the whole model or source is tagged, all columns are.
    """
    parts = [node, *(manifest["sources"][one] for one in lineage if one in manifest["sources"])]
    names = {name for part in parts for name, column in part["columns"].items() if is_personal(column)}
    if any(map(is_personal, parts)):
        names |= {"raw_row", *node["columns"]}
    return frozenset(names)


def rejected_models(manifest: dict) -> list[RejectedModel]:
    """The models with rejected rows, by name."""
    nodes = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["name"].endswith(SUFFIX)
    ]
    models = []
    for node in nodes:
        lineage = lineage_of(manifest, node["unique_id"])
        name = node["name"].removesuffix(SUFFIX)
        models.append(RejectedModel(name, node["relation_name"], personal_names(manifest, node, lineage), lineage))
    return sorted(models, key=lambda model: model.name)


def read_manifest(project: Project, environment: Environment) -> dict:
    """dbt's manifest of an environment; for prod, the one of its version.

    Raises:
        DataopsError: it is missing.
    """
    if environment.is_prod:
        file = Versions(project).require_prod().folder / MANIFEST
    else:
        file = project.path(project.target_path(environment), MANIFEST)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _not_built(environment, shown(file)) from None


def _not_built(environment: Environment, missing: str) -> DataopsError:
    return DataopsError(
        f"Nothing was built in {environment} yet: {missing} is missing.", f"Type: {how_to_build(environment)}"
    )


def one_of(what: str, name: str, names: list[str]) -> str:
    """Returns a name if it is one of some names.

    Args:
        what: what would have it, for the message: `model named {name}`.
        name: to look up.
        names: the valid ones.

    Raises:
        DataopsError: it is not, with the nearest names.
    """
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=3)
    suggestion = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(names) or 'none'}."
    raise DataopsError(f"No {what.format(name=name)}.", suggestion)


def connect(project: Project, environment: Environment) -> Session:
    """A session that reads the warehouse of an environment.

    Raises:
        DataopsError: there is no warehouse, or another process keeps it open.
    """
    data = engine_of(project, environment).environment(environment)
    if not data.exists():
        raise _not_built(environment, data.shown)
    if problem := data.wait():
        raise DataopsError(problem)
    return data.open()


def not_built(session: Session, models: list[RejectedModel]) -> list[str]:
    """The names of the models upstream of these that the last build did not finish, from the record of builds."""
    unfinished = [
        row
        for schema, name in session.relations()
        if name == RECORD
        for row in session.rows(
            f"select relation_name, unique_id from {session.address(schema, name)} where state <> 'success'"
        )
    ]
    return sorted(name for name, id in unfinished if any(id in model.lineage for model in models))


def read(session: Session, model: RejectedModel, sql: str, values: dict[str, object] | None = None) -> list[tuple]:
    """The rows of a query on a model.

    Raises:
        DataopsError: the model was not built.
    """
    try:
        return session.rows(sql.format(relation=model.relation), values or {})
    except EngineError as error:
        if not error.only_names:
            raise
        raise DataopsError(
            f"{model.name}{SUFFIX} cannot be read: either it was not built since it was added or changed, or it lacks a column"
            f" of dataops.rejected_rows. {error.whole_text}"
        ) from None


Count = tuple[str, str, date | None, int]  # model, rule, day of the load, rows


def counts(session: Session, models: list[RejectedModel], rule: str | None) -> list[Count]:
    """How many rows of each model break each rule, by day. A row that breaks two rules counts for both.

    Raises:
        DataopsError: no row breaks the given rule.
    """
    result = [(model.name, *row) for model in models for row in read(session, model, COUNTS)]
    if rule:
        one_of("rule named {name} has rejected rows", rule, sorted({count[1] for count in result}))
    return [count for count in result if rule in (None, count[1])]


def counts_table(found: list[Count], days_shown: int = DAYS) -> Table:
    """The rows by model and rule, with a column for each of the newest days, newest first."""
    days = sorted({day for *_, day, _ in found if day}, reverse=True)
    shown = days[:days_shown]
    has_earlier = bool(shown) and (len(days) > len(shown) or any(day is None for *_, day, _ in found))
    table = Table()
    for heading in ("model", "rule"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", *(f"{day:%b %d}" for day in shown), *(["earlier"] if has_earlier else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for model, rule in sorted({(model, rule) for model, rule, *_ in found}):
        by_day = {day: rows for of_model, of_rule, day, rows in found if (of_model, of_rule) == (model, rule)}
        figures = [by_day.get(day, 0) for day in shown]
        total = sum(by_day.values())
        figures = [total, *figures, *([total - sum(figures)] if has_earlier else [])]
        table.add_row(model, rule, *(f"{figure:,}" if figure else "" for figure in figures))
    return table


def print_counts(console: Console, found: list[Count]) -> None:
    """Prints the counts, with as many days as fit into the terminal."""
    tables = [counts_table(found, days) for days in range(DAYS, -1, -1)]
    table = next((one for one in tables if measure(console, one).maximum <= console.width), tables[-1])
    print_whole(console, table)


def printable(model: RejectedModel, column: str, value: object) -> str:
    """A value as it is printed: personal values and fields of a raw row are withheld."""
    if column in model.personal:
        return WITHHELD
    if column != "raw_row":
        return str(value)
    fields = json.loads(str(value))
    shown = {name: WITHHELD if name in model.personal else field for name, field in fields.items()}
    return json.dumps(shown, ensure_ascii=False)


def print_rows(console: Console, session: Session, models: list[RejectedModel], rule: str | None, limit: int) -> None:
    """Prints the newest rejected rows of the models together, at most `limit`."""
    found = [(model, row) for model in models for row in read(session, model, ROWS, {"rule": rule, "limit": limit})]
    found.sort(key=lambda one: one[1][0] or datetime.min, reverse=True)
    rows = []
    for model, row in found[:limit]:
        loaded_at, broken_rules, *rest = (printable(model, *one) for one in zip(ROW_COLUMNS, row, strict=True))
        rows.append([model.name, loaded_at, broken_rules.replace(", ", ",\n"), *rest])
    table = Table(show_lines=True)
    for number, heading in enumerate(("model", *ROW_COLUMNS)):
        of_names = heading not in ("messages", "raw_row")
        lines = [line for row in rows for line in row[number].splitlines()] if of_names else []
        table.add_column(
            heading, no_wrap=of_names, overflow="fold", min_width=max(map(len, [heading, *lines, " " * 12]))
        )
    for row in rows:
        table.add_row(*map(escape, row))
    print_whole(console, table)


@click.command()
@click.option("--model", metavar="NAME", help="Only of this model: stg_shop__orders, or stg_shop__orders__rejected.")
@click.option("--rule", metavar="NAME", help="Only of this rule.")
@click.option("--rows", type=click.IntRange(min=1), metavar="N", help="Show the newest N rows instead of counts.")
@click.pass_obj
def main(project: Project, model: str | None, rule: str | None, rows: int | None) -> None:
    """Count the rows that break a rule, by model, rule and day of the load. TARGET chooses the environment."""
    environment = project.target
    models = rejected_models(read_manifest(project, environment))
    if not models:
        raise DataopsError(
            f"No model of this project has a name that ends in {SUFFIX}, so no rows are rejected.",
            f"How to add one: {guide('docs/quarantine.md')}",
        )
    if model:
        name = one_of("model named {name} has rejected rows", model.removesuffix(SUFFIX), [one.name for one in models])
        models = [one for one in models if one.name == name]
    console = new_console()
    with connect(project, environment) as session:
        if unfinished := not_built(session, models):
            click.echo(
                f"The last build did not finish {', '.join(unfinished)}, so these rows may be older than the source."
                f" Type: {how_to_build(environment)}",
                err=True,
            )
        found = counts(session, models, rule)
        if not found:
            console.print(f"No rows are rejected in {environment}.")
        elif rows:
            print_rows(console, session, models, rule, rows)
        else:
            print_counts(console, found)
            console.print(f"To see rows: {typed('rejected', '--model NAME --rows 5')}", soft_wrap=True)
