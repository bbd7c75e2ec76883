"""A whole comparison of two environments on every engine."""

from __future__ import annotations

from datetime import datetime

import pytest
from click.testing import CliRunner

from dataops.crosscheck import CannotCompare, command, service
from dataops.crosscheck.datasets import Dataset, dataset_of, open_dataset
from dataops.crosscheck.results import ModelResult, Result
from dataops.engines import engine_of
from dataops.manifest import Code
from dataops.project import Project
from dataops.runner import Runner
from dataops.versions import Versions, write_facts
from tests.engines.kits import DUCKDB, TARGETS, DuckDBKit, Kit, MemoryKit, install_memory, write, write_project
from tests.helpers import project_at
from tests.unit.crosscheck.manifests import SHOWN, column, products

STARTED = datetime(2026, 11, 24, 6, 0)
RECORD = """
create table {} (
    unique_id varchar, relation_schema varchar, relation_name varchar, target_name varchar, code_checksum varchar,
    state varchar, run_started_at timestamp, recent_days integer
)
"""
Row = tuple[int | None, str | None, int | None]
ROWS: list[Row] = [(at, f"name {at}", at * 10) for at in range(1, 11)]


def literal(value: object, data_type: str) -> str:
    text = "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value)
    return f"cast({text} as {data_type})"


def select(rows: list[Row], **types: str) -> str:
    """SQL that gives some rows, with the columns id, name and amount."""
    columns = {"id": "integer", "name": "varchar", "amount": "integer"} | types
    return " union all ".join(
        "select "
        + ", ".join(f"{literal(one, columns[name])} as {name}" for one, name in zip(row, columns, strict=True))
        for row in rows
    )


CODE = products("id")


def relations(products: str = "", base_products: str = "") -> dict[str, str]:
    """What a build leaves: the three models, with other rows where they are given."""
    same = select(ROWS)
    return {
        "table marts.base_products": base_products or same,
        "table marts.products": products or same,
        "view marts.shown_products": "select * from {marts.products}",
    }


def record(kit: Kit, data, of: Code, target: str) -> None:
    """Notes in some data that everything in it was built from today's code."""
    with data.open(read_only=False) as session:
        kit.create_schema(session, "record")
        table = session.address("record", "dataops_builds")
        session.run(RECORD.format(table))
        for schema, name in session.relations():
            id = f"model.shop.{name}"
            if schema == "marts":
                checksum = of.models[id].checksum if id in of.models else "of earlier code"
                row = (id, schema, name, target, checksum, "success", STARTED.isoformat(sep=" "), 0)
                session.run(f"insert into {table} values ({', '.join('?' * len(row))})", row)


@pytest.fixture
def checked(kit, project, engine):
    """Compares dev, which has `head`, with ci, which has `base`."""

    def checked(head: dict[str, str], base: dict[str, str] | None = None, of: Code = CODE) -> Result:
        for environment, content in ((project.ci, base or relations()), (project.dev, head)):
            data = engine.environment(environment)
            kit.create(data)
            write(kit, data, content)
            record(kit, data, of, environment.name)
        datasets = (open_dataset(project, one.name) for one in (project.ci, project.dev))
        return service.compare(engine, *datasets, of, service.all_models(of), everything=True)

    return checked


def of_model(result: Result, name: str) -> ModelResult:
    (found,) = (model for model in result.models if model.name == name)
    return found


def verdicts(result: Result) -> dict[str, str]:
    return {model.name: model.verdict for model in result.models}


def test_the_same_data_is_the_same_in_whatever_order(checked):
    result = checked(relations(select(ROWS[::-1]), select(ROWS[::-1])))
    assert verdicts(result) == {"base_products": "same", "products": "same", "shown_products": "same"}
    assert result.headline == "development against integration, 3 models: 3 the same."
    assert of_model(result, "shown_products").comparison.rows_head == 10


def test_rows_added_removed_and_changed_in_a_table_and_in_a_view_of_it(checked):
    head = [*ROWS[1:9], (10, "Elsewhere", -1), (11, "new", 0), (12, "new", None)]
    result = checked(relations(select(head)))
    assert verdicts(result) == {"base_products": "same", "products": "different", "shown_products": "different"}
    for name in ("products", "shown_products"):
        found = of_model(result, name).comparison
        assert (found.matched_by, found.key) == ("key", ("id",))
        assert (found.rows_base, found.rows_head) == (10, 11)
        assert (found.rows_added, found.rows_removed, found.rows_changed) == (2, 1, 1)
        assert found.changed_columns == {"name": 1, "amount": 1}
        assert [drift.column for drift in found.drift] == ["id", "amount"]
        (changed,) = (one for one in found.examples if one.kind == "changed")
        assert changed.key == {"id": "10"}
        assert changed.values["amount"] == {"base": "100", "head": "-1"}
        assert [one.key["id"] for one in found.examples if one.kind == "added"] == ["11", "12"]
        (drift,) = (one for one in found.drift if one.column == "amount")
        assert (drift.base.mean, drift.base.minimum, drift.base.maximum) == (55.0, "10", "100")
        assert drift.head.null_share == pytest.approx(1 / 11)


def test_without_a_key_whole_rows_are_compared(checked):
    head = [*ROWS[:9], (10, "name 10", -1), (10, "name 10", -1)]
    found = of_model(checked(relations(base_products=select(head))), "base_products").comparison
    assert (found.matched_by, found.rows_added, found.rows_removed) == ("whole rows", 2, 1)
    assert {one.kind: one.values["amount"] for one in found.examples} == {
        "removed": {"base": "100"},
        "added": {"head": "-1"},
    }


@pytest.mark.parametrize(
    ("base", "head", "problem"),
    [
        ([*ROWS, (None, "a", 1)], [*ROWS, (None, "b", 1)], "the key id is null in 2 rows that differ"),
        ([*ROWS, (1, "a", 1)], ROWS, "the key id is not unique in base"),
        (ROWS, [*ROWS, (1, "a", 1)], "the key id is not unique in head"),
    ],
)
def test_a_key_that_identifies_no_rows_is_not_used(checked, base, head, problem):
    found = of_model(checked(relations(select(head)), relations(select(base))), "products").comparison
    assert found.key_problem == f"{problem}, so whole rows were compared"
    assert found.matched_by == "whole rows"
    assert found.rows_added - found.rows_removed == len(head) - len(base)


def test_columns_added_removed_and_retyped(checked):
    head = "select id, cast(amount as double) as amount, name as label from {marts.base_products}"
    result = checked(relations(head))
    found = of_model(result, "products").comparison
    assert [one.name for one in found.columns_added] == ["label"]
    assert [one.name for one in found.columns_removed] == ["name"]
    assert found.rows_changed == 0, "the same values in another type"
    assert of_model(result, "products").verdict == "different"


@pytest.mark.parametrize(("other", "shown"), [("varchar", ("100", "7")), ("double", ("100.0", "7.0"))])
def test_columns_of_types_that_differ_are_compared_by_value(checked, other, shown):
    rows = [*ROWS[:9], (10, "name 10", 7)]
    found = of_model(checked(relations(select(rows, amount=other))), "products").comparison
    assert [one.name for one in found.columns_retyped] == ["amount"]
    assert (found.rows_changed, found.changed_columns) == (1, {"amount": 1})
    (example,) = found.examples
    assert tuple(example.values["amount"].values()) == shown


def test_tables_without_a_column_in_common_are_counted(checked):
    found = of_model(checked(relations("select 1 as other")), "products").comparison
    assert (found.rows_base, found.rows_head, found.rows_removed) == (10, 1, 9)
    assert found.key_problem == "base and head have no column in common, so rows were only counted"


def test_personal_data_is_hidden_in_values_and_in_the_key(checked):
    personal = {name: column(name, tags=["pii"]) for name in ("id", "name")}
    head = [*ROWS[1:9], (10, "Secret", -1), (98765, "Secret", 0)]
    result = checked(relations(select(head)), of=products("id", columns=personal | {"amount": column("amount")}))
    found = of_model(result, "products").comparison
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (1, 1, 1)
    assert {example.values["name"].get("head", "hidden") for example in found.examples} == {"hidden"}
    assert all(example.key["id"].startswith("hidden ") for example in found.examples)
    assert len({example.key["id"] for example in found.examples}) == 3, "rows can be told apart"
    text = repr(found)
    assert "Secret" not in text
    assert "98765" not in text
    assert "-1" in text, "what is not personal is shown"


def test_a_model_that_is_new_or_gone(checked):
    head = {name: rows for name, rows in relations().items() if "base" not in name}
    base = {name: rows for name, rows in relations().items() if "base" in name} | {"table marts.cities": select(ROWS)}
    result = checked(head, base)
    assert verdicts(result) == {
        "base_products": "not compared",
        "products": "new",
        "shown_products": "new",
        "cities": "gone",
    }
    assert of_model(result, "base_products").problem == "base_products was not built in development."
    assert [of_model(result, name).rows for name in ("products", "cities")] == [10, 10]


def test_progress_is_reported_and_a_relation_that_was_dropped_is_named(kit, project, engine, checked):
    checked(relations())
    engine.drop(engine.environment(project.dev), {("marts", "products"): "table"})
    datasets = [open_dataset(project, one.name) for one in (project.ci, project.dev)]
    seen: list[tuple[int, int, str]] = []
    models = service.all_models(CODE)
    result = service.compare(engine, *datasets, CODE, models, everything=False, progress=lambda *one: seen.append(one))
    assert seen == [(0, 3, "base_products"), (1, 3, "products"), (2, 3, "shown_products"), (3, 3, "")]
    assert verdicts(result)["base_products"] == "same"
    dropped = of_model(result, "products")
    assert dropped.problem == "development has no marts.products, though it was built: it was dropped since."
    assert dropped.remedy == "Type: make build"
    view = of_model(result, "shown_products")
    assert view.verdict == "not compared"
    assert view.problem.startswith("shown_products cannot be read: ")


def test_data_without_a_record_is_refused(kit, project, engine):
    data = engine.environment(project.ci)
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, project.ci.name)
    assert error.value.problem == f"integration was not built: {data.shown} is missing."
    assert error.value.remedy == "Type: make build TARGET=integration"
    kit.create(data)
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, project.ci.name)
    assert error.value.problem == f"integration ({data.shown}) has no record of what was built in it."


def test_a_name_that_is_unknown_is_refused_with_the_names_of_the_environments(project, engine):
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, "producton")
    assert error.value.problem == (
        "'producton' is neither an environment (development, integration, production) nor a"
        f" {engine.data_word} that exists. Did you mean production?"
    )


def publish(kit: Kit, project: Project, **facts) -> Dataset:
    """A version of prod with the three models."""
    versions = Versions(project)
    versions.candidate.mkdir(parents=True)
    versions.engine.create_empty(versions.candidate)
    data = versions.engine.version(versions.candidate)
    write(kit, data, relations())
    record(kit, data, CODE, project.prod.name)
    versions.engine.finish(versions.candidate)
    write_facts(versions.candidate, {"id": "0001-2026-11-24"} | versions.engine.state(versions.candidate) | facts)
    version = versions.admit(versions.candidate, "0001-2026-11-24")
    versions.publish(version)
    return dataset_of(version, version.shown)


def test_a_version_of_prod_is_a_dataset(kit, project, engine):
    version = publish(kit, project, views_reading_outside=["marts.shown_products"])
    prod = open_dataset(project, project.prod.name)
    assert (version.name, version.target, prod.name) == ("0001", "production", "production")
    assert version.data.is_same(prod.data)
    for dataset in (version, prod):
        assert dataset.outside == {"marts.shown_products"}
        assert dataset.how_to_build() == "make release"
        assert dataset.kind(dataset.builds[SHOWN]) == "view"
    result = service.compare(engine, version, version, CODE, service.all_models(CODE), everything=True)
    assert of_model(result, "shown_products").problem.startswith("0001 holds no rows of shown_products")


def test_prod_that_was_damaged_is_refused_with_the_way_out(kit, project, engine):
    prod = publish(kit, project)
    kit.damage(prod.data)
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, project.prod.name)
    assert error.value.problem == "0001-2026-11-24 is prod, and its data is damaged."


def test_the_command_compares_the_target_with_prod(kit, project, engine, monkeypatch):
    """With dbt's parsing replaced, which has tests of its own."""
    publish(kit, project)
    dev = engine.environment(project.dev)
    kit.create(dev)
    write(kit, dev, relations(select([*ROWS[:9], (10, "name 10", 7)])))
    record(kit, dev, CODE, project.dev.name)
    monkeypatch.setattr(Runner, "parse", lambda self: CODE)
    done = CliRunner().invoke(command.main, [], obj=project, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 1), done.output
    assert "development against production, 3 models: 1 the same, 2 different." in done.output
    assert done.output.splitlines()[-1].endswith("Is this what the change was meant to do? The page has examples.")


def test_two_engines_cannot_be_compared(tmp_path, monkeypatch):
    """dev is on DuckDB here, and prod is not."""
    write_project(tmp_path, DUCKDB.partition("    production:")[0] + "    production: {type: memory}\n")
    install_memory(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    project = project_at(tmp_path, targets=TARGETS)
    publish(MemoryKit(), project)
    dev = engine_of(project, project.dev).environment(project.dev)
    DuckDBKit().create(dev)
    write(DuckDBKit(), dev, relations())
    record(DuckDBKit(), dev, CODE, project.dev.name)
    done = CliRunner().invoke(command.main, [], obj=project, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, 2), done.output
    assert "production is on SQLite in memory and development on DuckDB." in done.output
