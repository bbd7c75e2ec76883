"""drop_orphans and drop_closed_schemas: what they drop, what they keep, and what they refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.helpers import REPOSITORY, Done, clean_environment, copy_project, run, succeed, sys

DBT = Path(sys.executable).parent / "dbt"
ORPHANS = """
    create table dev_ada_columns."Old Orders" as select 1 as id;
    create view dev_ada_columns.old_view as select * from dev_ada_columns."Old Orders";
    create table dev_ada_rows.old_history as select 1 as DBT_SCD_ID;
    create schema dev_bob_marts;
    create table dev_bob_marts.orders as select 1 as id;
    create table main.orders as select 1 as id;
"""
CLOSED = """
    create schema "dev_ada_Branch 7";
    create table "dev_ada_Branch 7"."T" as select 1 as id;
    create view "dev_ada_Branch 7".v as select 1 as id;
    create schema dev_ada_12_marts;
    create schema dev_ada_123;
    create schema dev_ada_history;
    create table dev_ada_history.prices as select 1 as dbt_scd_id;
    create schema dev_adalbert;
    create schema dev_bob_marts;
"""
KEPT = " To drop it too: drop_snapshots: true"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The integration project, built in dev and prod."""
    project = tmp_path_factory.mktemp("orphans") / "project"
    shutil.copytree(REPOSITORY / "tests/integration", project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "packages.yml").write_text(f"packages:\n  - local: {REPOSITORY}\n", encoding="utf-8")
    succeed(DBT, "deps", cwd=project)
    for target in ("dev", "prod"):
        succeed(DBT, "--quiet", "run", "--select", "columns", "rows.all_rows", "--target", target, cwd=project)
    return project


@pytest.fixture
def project(built, tmp_path) -> Path:
    (built / ".venv").mkdir(exist_ok=True)
    return copy_project(built, tmp_path)


def operation(project: Path, macro: str, arguments: str = "{}", target: str = "dev") -> Done:
    command = ("--quiet", "run-operation", macro, "--args", arguments, "--target", target)
    return run(DBT, *command, cwd=project, environment=clean_environment(DBT_USE_COLORS="false"))


def execute(project: Path, sql: str, target: str = "dev") -> list[tuple]:
    with duckdb.connect(str(project / f"{target}.duckdb")) as warehouse:
        return warehouse.execute(sql).fetchall()


def relations(project: Path, target: str = "dev") -> set[str]:
    listed = "select table_schema || '.' || table_name from information_schema.tables"
    return {name for (name,) in execute(project, listed, target)}


def schemas(project: Path) -> set[str]:
    listed = "select schema_name from information_schema.schemata where catalog_name = 'dev'"
    return {name for (name,) in execute(project, listed)}


def test_drop_orphans_first_only_says_what_it_would_drop(project):
    execute(project, ORPHANS)
    before = relations(project)
    done = operation(project, "drop_orphans")
    assert done.code == 0, done
    assert done.output.splitlines() == [
        'Would drop the table "dev"."dev_ada_columns"."Old Orders"',
        'Would drop the view "dev"."dev_ada_columns"."old_view"',
        'Kept the table "dev"."dev_ada_rows"."old_history": it is a snapshot, and its history cannot be built again.'
        + KEPT,
        "Nothing was dropped. To drop, add to --args: dry_run: false",
    ]
    assert relations(project) == before


def test_drop_orphans_drops_what_no_node_owns_and_nothing_else(project):
    owned = relations(project)
    execute(project, ORPHANS)
    done = operation(project, "drop_orphans", "{dry_run: false}")
    assert 'Dropped the table "dev"."dev_ada_columns"."Old Orders"' in done.output
    kept = {"dev_ada_rows.old_history", "dev_bob_marts.orders", "main.orders"}
    assert relations(project) == owned | kept
    assert "Nothing to drop in dev." in operation(project, "drop_orphans", "{dry_run: false}").output
    operation(project, "drop_orphans", "{dry_run: false, drop_snapshots: true}")
    assert relations(project) == owned | kept - {"dev_ada_rows.old_history"}


def test_drop_orphans_finds_the_table_of_a_model_that_is_gone(project):
    (project / "models/columns/matches.sql").unlink()
    done = operation(project, "drop_orphans", "{dry_run: false}")
    assert done.output == 'Dropped the table "dev"."dev_ada_columns"."matches"\n'


def test_drop_orphans_leaves_alone_what_packages_have(project):
    """A package's models, wherever they are, and all that it keeps in a schema of its own: its state need be no model."""
    package = project / "visits"
    (package / "models").mkdir(parents=True)
    (package / "dbt_project.yml").write_text(
        "name: visits\nversion: 0.1.0\nmodels: {visits: {own: {+schema: visits}, shared: {+schema: columns}}}\n"
    )
    for place in ("own", "shared"):
        (package / "models" / place).mkdir()
        (package / "models" / place / f"visits_{place}.sql").write_text("select 1 as id\n")
    packages = project / "packages.yml"
    packages.write_text(packages.read_text() + "  - local: visits\n")
    succeed(DBT, "deps", cwd=project)
    succeed(DBT, "--quiet", "run", "--select", "package:visits", cwd=project)
    execute(project, "create table dev_ada_visits.state as select 1 as id")
    execute(project, ORPHANS)
    owned = {"dev_ada_visits.visits_own", "dev_ada_visits.state", "dev_ada_columns.visits_shared"}
    assert owned < relations(project)
    done = operation(project, "drop_orphans", "{dry_run: false}")
    assert 'Dropped the table "dev"."dev_ada_columns"."Old Orders"' in done.output
    assert owned < relations(project), done


def test_drop_orphans_keeps_the_record_of_builds(project):
    (project / "models/plain.sql").write_text("select 1 as id\n")  # in the target's own schema, where the record is
    succeed(DBT, "--quiet", "run", "--select", "plain", cwd=project)
    assert {"dev_ada.plain", "dev_ada.dataops_builds"} <= relations(project)
    assert "Nothing to drop in dev." in operation(project, "drop_orphans", "{dry_run: false}").output
    assert "dev_ada.dataops_builds" in relations(project)


def test_drop_orphans_leaves_prod_alone_unless_it_is_named(project):
    execute(project, "create table columns.old_orders as select 1 as id", "prod")
    before = relations(project, "prod")
    refused = operation(project, "drop_orphans", "{dry_run: false}", target="prod")
    assert refused.code != 0
    assert "leaves prod alone unless it is named. Add to --args: target_name: prod" in refused.output
    named = operation(project, "drop_orphans", "{dry_run: true, target_name: prod}", target="prod")
    assert 'Would drop the table "prod"."columns"."old_orders"' in named.output
    assert relations(project, "prod") == before
    operation(project, "drop_orphans", "{dry_run: false, target_name: prod}", target="prod")
    assert relations(project, "prod") == before - {"columns.old_orders"}


def test_drop_closed_schemas_first_only_says_what_it_would_drop(project):
    execute(project, CLOSED)
    before = schemas(project)
    done = operation(project, "drop_closed_schemas", "{keep: [dev_ada_12]}")
    assert done.code == 0, done
    assert sorted(done.output.splitlines()) == [
        'Kept the schema of "dev"."dev_ada_history"."prices": that is a snapshot, and its history cannot be built again.'
        + KEPT,
        "Nothing was dropped. To drop, add to --args: dry_run: false",
        'Would drop the schema "dev"."dev_ada_123" with 0 tables and views',
        'Would drop the schema "dev"."dev_ada_Branch 7" with 2 tables and views',
    ]
    assert schemas(project) == before


def test_drop_closed_schemas_drops_those_of_this_target_and_keeps_the_rest(project):
    own = schemas(project)
    execute(project, CLOSED)
    done = operation(project, "drop_closed_schemas", "{keep: [DEV_ADA_12], dry_run: false}")
    assert done.code == 0, done
    others = {"dev_adalbert", "dev_bob_marts"}
    assert schemas(project) == own | others | {"dev_ada_12_marts", "dev_ada_history"}
    operation(project, "drop_closed_schemas", "{prefix: dev_ada_h, dry_run: false, drop_snapshots: true}")
    assert schemas(project) == own | others | {"dev_ada_12_marts"}
    assert {"dev_ada_columns", "dev_ada_rows"} <= schemas(project), "a schema that models are built in"


@pytest.mark.parametrize(
    ("macro", "arguments", "target", "message"),
    [
        ("drop_orphans", "{dry_run: 'no'}", "dev", "dry_run and drop_snapshots are true or false; got: no"),
        ("drop_orphans", "{target_name: prod}", "dev", "target_name says prod, and the target is dev"),
        ("drop_orphans", "{dry_run: false}", "prod", "leaves prod alone unless it is named"),
        ("drop_closed_schemas", "{prefix: ''}", "dev", "A prefix starts with the target's schema and an underscore"),
        ("drop_closed_schemas", "{prefix: dev_}", "dev", "what starts with 'dev_' need not be this target's"),
        ("drop_closed_schemas", "{prefix: dev_ada}", "dev", "for example: prefix: dev_ada_"),
        ("drop_closed_schemas", "{keep: dev_ada_12}", "dev", "keep is a list of schemas"),
        ("drop_closed_schemas", "{keep: ['']}", "dev", "keep is a list of schemas"),
        ("drop_closed_schemas", "{dry_run: 0}", "dev", "dry_run and drop_snapshots are true or false; got: 0"),
        ("drop_closed_schemas", "{prefix: main_}", "prod", "the schemas of prod have plain names"),
    ],
)
def test_what_could_reach_too_far_is_refused(built, macro, arguments, target, message):
    done = operation(built, macro, arguments, target)
    assert done.code != 0
    assert message in done.output
    assert "Traceback" not in done.output
