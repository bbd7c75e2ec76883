"""Macros for environments: schema and database names, and what drop_orphans and drop_closed_schemas drop, keep and refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, Template

from tests.dbt_package.dbt_project import DbtProject, Outcome
from tests.helpers import REPOSITORY

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


class Refused(Exception):
    """What dbt's compiler error is, where a macro is run without dbt."""


def refuse(message: str) -> None:
    raise Refused(message)


class Returned(Exception):
    """Carries what a macro hands to dbt's `return` out of it."""


def hand_back(value: Any) -> None:
    raise Returned(value)


@cache
def template(name: str) -> Template:
    text = (REPOSITORY / f"macros/environments/{name}.sql").read_text(encoding="utf-8")
    return Environment(extensions=["jinja2.ext.do"]).from_string(text)


EXCEPTIONS = SimpleNamespace(raise_compiler_error=refuse)
RENAMED = {"dev": "development", "ci": "integration", "prod": "production"}


def returned_by(macro: Callable[..., None], *arguments: object) -> Any:
    """What a macro hands to dbt's `return`."""
    try:
        macro(*arguments)
    except Returned as returned:
        return returned.args[0]
    raise AssertionError(f"{macro} returned nothing")


def environment(settings: object, target_name: str) -> str:
    """What `environment` returns where the var `dataops` has this value, run by Jinja alone."""
    dataops = SimpleNamespace()
    context = {"var": lambda name, default: settings, "target": SimpleNamespace(name=target_name), "dataops": dataops}
    module = template("environment").make_module(context | {"exceptions": EXCEPTIONS, "return": hand_back})
    dataops.environment_targets = lambda: returned_by(module.environment_targets)
    return returned_by(module.default__environment)


def schema_name(target_name: str, schema: str, custom_schema: str | None, prod_schema: str) -> str:
    """What `schema_name` returns, run by Jinja alone: fast enough for a few hundred targets."""
    target = SimpleNamespace(name=target_name, schema=schema)
    targets = {name: name for name in ("dev", "ci", "prod")}
    dataops = SimpleNamespace(environment=lambda: target_name, environment_targets=lambda: targets)
    context = {"target": target, "dataops": dataops, "exceptions": EXCEPTIONS, "return": hand_back}
    module = template("schema_name").make_module(context)
    return returned_by(module.default__schema_name, custom_schema, None, prod_schema)


def test_schema_name(built):
    schemas = (
        "select distinct table_schema from information_schema.tables where table_name <> 'dataops_builds' order by 1"
    )
    assert built.sql(schemas) == [("dev_ada_columns",), ("dev_ada_environments",), ("dev_ada_rows",)]
    assert built.sql(schemas, target="prod") == [("columns",), ("rows",)]


@pytest.mark.parametrize(
    ("target", "variables", "message"),
    [
        ("dev", {"DEV_SCHEMA": ""}, "the target dev has no schema"),
        ("dev", {"DEV_SCHEMA": "main"}, "prod has a schema main, and the target dev with its schema main"),
        ("dev", {"DEV_SCHEMA": "Rows"}, "prod has a schema rows, and the target dev with its schema Rows"),
        ("dev", {"DEV_SCHEMA": "dev", "TRAP_SCHEMA": "dev_rows"}, "prod has a schema dev_rows, and the target dev"),
        (
            "production",
            {},
            "Or, if production is prod, write in dbt_project.yml: vars: {dataops: {environments: {prod: production}}}",
        ),
        ("prod", {"PROD_SCHEMA": "analytics"}, "Call it with prod_schema='analytics' in generate_schema_name"),
    ],
)
def test_schema_name_refuses_names_that_prod_could_have(copy, target, variables, message):
    done = copy.dbt("parse", "--no-partial-parse", DBT_TARGET=target, **variables)
    assert not done.success
    assert message in done.output


NAMES = st.lists(st.sampled_from(["a", "A", "b", ""]), min_size=1, max_size=3).map("_".join).filter(bool)


@settings(deadline=None, max_examples=300)
@given(
    own=NAMES,
    custom_schemas=st.lists(NAMES, min_size=1, max_size=4),
    prod_schema=NAMES,
)
def test_no_name_outside_prod_is_ever_a_name_of_prod(own, custom_schemas, prod_schema):
    """Whatever the schemas are called: either the macro refuses, or the two sets of names have none in common."""

    def names(target_name: str, schema: str) -> set[str]:
        return {schema_name(target_name, schema, custom, prod_schema).lower() for custom in [None, *custom_schemas]}

    try:
        outside = names("dev", own)
    except Refused:
        return
    assert not outside & names("prod", prod_schema)


def test_database_name_writes_to_a_named_database_in_prod_alone(built):
    place = "select table_catalog, table_schema from information_schema.tables where table_name = 'own_database'"
    assert built.sql(place, target="dev") == [("dev", "dev_ada_environments")]
    assert built.sql(place, target="prod") == []
    assert built.sql(place, target="archive") == [("archive", "environments")]


def test_database_name_leaves_a_database_alone_that_each_environment_has(built):
    place = "select table_schema from information_schema.tables where table_name = 'monitored'"
    assert built.sql(place, target="dev_monitoring") == [("dev_ada_environments",)]
    assert built.sql(place, target="prod_monitoring") == [("environments",)]


def operation(project: DbtProject, macro: str, arguments: str = "{}", target: str = "dev") -> Outcome:
    return project.dbt("run-operation", macro, "--args", arguments, "--target", target)


def relations(project: DbtProject, target: str = "dev") -> set[str]:
    listed = "select table_schema || '.' || table_name from information_schema.tables"
    return {name for (name,) in project.sql(listed, target=target)}


def schemas(project: DbtProject) -> set[str]:
    listed = "select schema_name from information_schema.schemata where catalog_name = 'dev'"
    return {name for (name,) in project.sql(listed)}


def test_drop_orphans_first_only_says_what_it_would_drop(copy):
    copy.sql(ORPHANS)
    before = relations(copy)
    done = operation(copy, "drop_orphans")
    assert done.success, done
    assert done.output.splitlines() == [
        'Would drop the table "dev"."dev_ada_columns"."Old Orders"',
        'Would drop the view "dev"."dev_ada_columns"."old_view"',
        'Kept the table "dev"."dev_ada_rows"."old_history": it is a snapshot, and its history cannot be built again.'
        + KEPT,
        "Nothing was dropped. To drop, add to --args: dry_run: false",
    ]
    assert relations(copy) == before


def test_drop_orphans_drops_what_no_node_owns_and_nothing_else(copy):
    owned = relations(copy)
    copy.sql(ORPHANS)
    done = operation(copy, "drop_orphans", "{dry_run: false}")
    assert 'Dropped the table "dev"."dev_ada_columns"."Old Orders"' in done.output
    kept = {"dev_ada_rows.old_history", "dev_bob_marts.orders", "main.orders"}
    assert relations(copy) == owned | kept
    assert "Nothing to drop in dev." in operation(copy, "drop_orphans", "{dry_run: false}").output
    operation(copy, "drop_orphans", "{dry_run: false, drop_snapshots: true}")
    assert relations(copy) == owned | kept - {"dev_ada_rows.old_history"}


def test_drop_orphans_finds_the_table_of_a_model_that_is_gone(copy):
    (copy.folder / "models/columns/matches.sql").unlink()
    done = operation(copy, "drop_orphans", "{dry_run: false}")
    assert done.output == 'Dropped the table "dev"."dev_ada_columns"."matches"\n'


def test_drop_orphans_leaves_alone_what_packages_have(copy):
    """A package's models, wherever they are, and all that it keeps in a schema of its own: its state need be no model."""
    package = copy.folder / "visits"
    (package / "models").mkdir(parents=True)
    (package / "dbt_project.yml").write_text(
        "name: visits\nversion: 0.1.0\nmodels: {visits: {own: {+schema: visits}, shared: {+schema: columns}}}\n"
    )
    for place in ("own", "shared"):
        (package / "models" / place).mkdir()
        (package / "models" / place / f"visits_{place}.sql").write_text("select 1 as id\n")
    packages = copy.folder / "packages.yml"
    packages.write_text(packages.read_text() + "  - local: visits\n")
    copy.succeed("deps")
    copy.succeed("run", "--select", "package:visits")
    copy.sql("create table dev_ada_visits.state as select 1 as id")
    copy.sql(ORPHANS)
    owned = {"dev_ada_visits.visits_own", "dev_ada_visits.state", "dev_ada_columns.visits_shared"}
    assert owned < relations(copy)
    done = operation(copy, "drop_orphans", "{dry_run: false}")
    assert 'Dropped the table "dev"."dev_ada_columns"."Old Orders"' in done.output
    assert owned < relations(copy), done


def test_drop_orphans_keeps_the_record_of_builds(copy):
    (copy.folder / "models/plain.sql").write_text("select 1 as id\n")  # in the target's own schema, where the record is
    copy.succeed("run", "--select", "plain")
    assert {"dev_ada.plain", "dev_ada.dataops_builds"} <= relations(copy)
    assert "Nothing to drop in dev." in operation(copy, "drop_orphans", "{dry_run: false}").output
    assert "dev_ada.dataops_builds" in relations(copy)


def test_drop_orphans_leaves_prod_alone_unless_it_is_named(copy):
    copy.sql("create table columns.old_orders as select 1 as id", target="prod")
    before = relations(copy, "prod")
    refused = operation(copy, "drop_orphans", "{dry_run: false}", target="prod")
    assert not refused.success
    assert "leaves prod alone unless it is named. Add to --args: target_name: prod" in refused.output
    named = operation(copy, "drop_orphans", "{dry_run: true, target_name: prod}", target="prod")
    assert 'Would drop the table "prod"."columns"."old_orders"' in named.output
    assert relations(copy, "prod") == before
    operation(copy, "drop_orphans", "{dry_run: false, target_name: prod}", target="prod")
    assert relations(copy, "prod") == before - {"columns.old_orders"}


def test_drop_closed_schemas_first_only_says_what_it_would_drop(copy):
    copy.sql(CLOSED)
    before = schemas(copy)
    done = operation(copy, "drop_closed_schemas", "{keep: [dev_ada_12]}")
    assert done.success, done
    assert sorted(done.output.splitlines()) == [
        'Kept the schema of "dev"."dev_ada_history"."prices": that is a snapshot, and its history cannot be built again.'
        + KEPT,
        "Nothing was dropped. To drop, add to --args: dry_run: false",
        'Would drop the schema "dev"."dev_ada_123" with 0 tables and views',
        'Would drop the schema "dev"."dev_ada_Branch 7" with 2 tables and views',
    ]
    assert schemas(copy) == before


def test_drop_closed_schemas_drops_those_of_this_target_and_keeps_the_rest(copy):
    own = schemas(copy)
    copy.sql(CLOSED)
    done = operation(copy, "drop_closed_schemas", "{keep: [DEV_ADA_12], dry_run: false}")
    assert done.success, done
    others = {"dev_adalbert", "dev_bob_marts"}
    assert schemas(copy) == own | others | {"dev_ada_12_marts", "dev_ada_history"}
    operation(copy, "drop_closed_schemas", "{prefix: dev_ada_h, dry_run: false, drop_snapshots: true}")
    assert schemas(copy) == own | others | {"dev_ada_12_marts"}
    assert {"dev_ada_columns", "dev_ada_rows"} <= schemas(copy), "a schema that models are built in"


def test_drop_closed_schemas_refuses_prod(copy):
    refused = operation(copy, "drop_closed_schemas", "{prefix: main_}", target="prod")
    assert not refused.success
    assert "the schemas of prod have plain names" in refused.output


@pytest.fixture
def renamed(copy) -> DbtProject:
    """The project with targets of other names, prod guarded by require_release, and a package whose model calls the macro."""
    settings = copy.folder / "dbt_project.yml"
    project = yaml.safe_load(settings.read_text(encoding="utf-8"))
    project["vars"]["dataops"] = {"environments": RENAMED}
    project["on-run-start"] = ["{{ dataops.require_release() }}", project["on-run-start"]]
    settings.write_text(yaml.safe_dump(project), encoding="utf-8")
    (copy.folder / "visits/models").mkdir(parents=True)
    (copy.folder / "visits/dbt_project.yml").write_text("name: visits\nversion: 0.1.0\n", encoding="utf-8")
    model = "select '{{ dataops.environment() }}' as environment\n"
    (copy.folder / "visits/models/visits.sql").write_text(model, encoding="utf-8")
    packages = copy.folder / "packages.yml"
    packages.write_text(f"{packages.read_text(encoding='utf-8')}  - local: visits\n", encoding="utf-8")
    copy.succeed("deps")
    return copy


def test_renamed_prod_is_prod_in_models_and_hooks_of_any_package(renamed):
    models = ("visits", "recent_rows", "own_database")
    renamed.succeed("run", "--select", *models, "--target", "production", DATAOPS_CANDIDATE="1")
    assert renamed.sql("select environment from main.visits", target="prod") == [("prod",)]
    assert renamed.sql('select count(*) from "rows".recent_rows', target="prod") == [(15,)], "every row is recent"
    recorded = "select target_name, recent_days from main.dataops_builds where relation_name = 'recent_rows'"
    assert renamed.sql(recorded, target="prod") == [("production", 0)]
    assert renamed.sql("from environments.own_database", target="archive") == [(1,)]


def test_renamed_prod_is_guarded_under_its_own_name(renamed):
    refused = renamed.dbt("run", "--select", "all_rows", "--target", "production")
    assert not refused.success
    assert "production is written by releases only. Type: make release" in refused.output
    orphans = operation(renamed, "drop_orphans", "{dry_run: false}", target="production")
    assert not orphans.success
    assert "leaves production alone unless it is named. Add to --args: target_name: production" in orphans.output
    assert operation(renamed, "drop_orphans", "{target_name: production}", target="production").success
    closed = operation(renamed, "drop_closed_schemas", target="production")
    assert not closed.success
    assert "the schemas of production have plain names" in closed.output
    trapped = renamed.dbt("parse", "--no-partial-parse", DBT_TARGET="development", DEV_SCHEMA="main")
    assert "production has a schema main, and the target development with its schema main" in trapped.output


@pytest.mark.parametrize(
    ("settings", "targets"),
    [
        ({}, {"dev": "dev", "ci": "ci", "prod": "prod", "production": "dev"}),
        ({"environments": RENAMED}, {"development": "dev", "integration": "ci", "production": "prod", "prod": "dev"}),
        ({"environments": {"prod": "live"}}, {"dev": "dev", "ci": "ci", "live": "prod", "prod": "dev"}),
    ],
)
def test_environment_is_dev_for_each_target_without_a_role(settings, targets):
    assert {name: environment(settings, name) for name in targets} == targets


@pytest.mark.parametrize(
    ("settings", "got"),
    [
        ({"environments": {"production": "prod"}}, "{'production': 'prod'}"),  # the wrong way round
        ({"environments": {"dev": "prod"}}, "{'dev': 'prod'}"),  # one target would be both
        ({"environments": {"prod": ""}}, "{'prod': ''}"),
        ({"environments": {"prod": ["production"]}}, "{'prod': ['production']}"),
        ({"environments": "production"}, "production"),
        ({"environments": None}, "None"),
        ("production", "production"),
    ],
)
def test_names_that_leave_an_environment_in_doubt_are_refused(settings, got):
    with pytest.raises(Refused) as refused:
        environment(settings, "dev")
    message = str(refused.value)
    assert message.startswith("dataops.environment needs a target name for each of dev, ci and prod, no two the same.")
    assert message.endswith(f"; got: {got}")
