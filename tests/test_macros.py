"""The dataops package: what its macros come to in a warehouse, and that their YAML tells the truth."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, Template

from tests.helpers import REPOSITORY, clean_environment, run, succeed, sys

MACRO_FILES = sorted((REPOSITORY / "macros").rglob("*.sql"))
SIGNATURE = re.compile(r"\{%-?\s*(macro|test)\s+(\w+)\((.*?)\)\s*-?%\}", re.DOTALL)
DBT = Path(sys.executable).parent / "dbt"
TYPES = {"any", "string", "integer", "float", "boolean", "dict", "relation", "list[string]", "list[dict]"}
# What test_generic_tests.py and test_quarantine.py build.
WITHOUT_DATA = ("--exclude", "path:models/generic_tests", "path:models/quarantine")


def signatures(file: Path) -> dict[str, list[str]]:
    """The macros of a file and the names of their arguments. A generic test `x` is to dbt a macro `test_x`."""
    return {
        f"test_{name}" if kind == "test" else name: [
            argument.split("=")[0].strip() for argument in arguments.split(",") if argument.strip()
        ]
        for kind, name, arguments in SIGNATURE.findall(file.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("file", MACRO_FILES, ids=lambda file: file.stem)
def test_the_yaml_of_a_macro_matches_its_signature(file):
    described = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["macros"]
    assert {macro["name"]: [a["name"] for a in macro["arguments"]] for macro in described} == signatures(file)
    for macro in described:
        assert macro["description"].strip()
        for argument in macro["arguments"]:
            assert argument["description"].strip()
            assert argument["type"] in TYPES, argument


@pytest.mark.parametrize("file", MACRO_FILES, ids=lambda file: file.stem)
def test_a_macro_file_has_the_form_of_the_package(file):
    """A dispatcher named after the file, then default__, then the adapters' own."""
    name = f"test_{file.stem}" if file.parent.name == "generic_tests" else file.stem
    first, second, *others = signatures(file)
    assert (first, second) == (name, f"default__{name}")
    assert all(other.endswith(f"__{name}") for other in others)
    assert f'adapter.dispatch("{name}", "dataops")' in file.read_text(encoding="utf-8")


class Refused(Exception):
    """What dbt's compiler error is, where a macro is run without dbt."""


def refuse(message: str) -> None:
    raise Refused(message)


class Returned(Exception):
    """Carries what a macro hands to dbt's `return` out of it."""


def hand_back(value: str) -> None:
    raise Returned(value)


@cache
def schema_name_template() -> Template:
    text = (REPOSITORY / "macros/environments/schema_name.sql").read_text(encoding="utf-8")
    return Environment(extensions=["jinja2.ext.do"]).from_string(text)


def schema_name(target_name: str, schema: str, custom_schema: str | None, prod_schema: str) -> str:
    """What `schema_name` returns, run by Jinja alone: fast enough for a few hundred targets."""
    target = SimpleNamespace(name=target_name, schema=schema)
    exceptions = SimpleNamespace(raise_compiler_error=refuse)
    module = schema_name_template().make_module({"target": target, "exceptions": exceptions, "return": hand_back})
    try:
        module.default__schema_name(custom_schema, None, prod_schema)
    except Returned as returned:
        return returned.args[0]
    raise AssertionError("schema_name returned nothing")


@pytest.fixture(scope="module")
def integration(tmp_path_factory) -> Path:
    """The integration project, with the package installed from the repository root by `dbt deps`, built in dev and prod."""
    project = tmp_path_factory.mktemp("integration") / "project"
    shutil.copytree(REPOSITORY / "tests/integration", project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "packages.yml").write_text(f"packages:\n  - local: {REPOSITORY}\n")
    succeed(DBT, "deps", cwd=project)
    for target in ("dev", "prod"):
        environment = clean_environment(DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}")
        command = ("--warn-error", "build", *WITHOUT_DATA)
        done = succeed(DBT, *command, cwd=project, environment=environment)
        assert "PASS=16 WARN=0 ERROR=0" in done.output
    return project


def compiled(project: Path, *calls: str, environment: dict[str, str] | None = None) -> list[str]:
    """The SQL that calls of the package's macros become, from one dbt command."""
    inline = "\n--next--\n".join(f"{{{{ dataops.{call} }}}}" for call in calls)
    command = (DBT, "--quiet", "compile", "--output", "json", "--inline", inline)
    printed = succeed(*command, cwd=project, environment=environment).output
    return json.loads(printed[printed.index("{") :])["compiled"].split("\n--next--\n")


def rows(project: Path, target: str, sql: str) -> list[tuple]:
    with duckdb.connect(str(project / f"{target}.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def test_schema_name(integration):
    schemas = (
        "select distinct table_schema from information_schema.tables where table_name <> 'dataops_builds' order by 1"
    )
    assert rows(integration, "dev", schemas) == [("dev_ada_columns",), ("dev_ada_environments",), ("dev_ada_rows",)]
    assert rows(integration, "prod", schemas) == [("columns",), ("rows",)]


@pytest.mark.parametrize(
    ("target", "variables", "message"),
    [
        ("dev", {"DEV_SCHEMA": ""}, "the target dev has no schema"),
        ("dev", {"DEV_SCHEMA": "main"}, "prod has a schema main, and the target dev with its schema main"),
        ("dev", {"DEV_SCHEMA": "Rows"}, "prod has a schema rows, and the target dev with its schema Rows"),
        ("dev", {"DEV_SCHEMA": "dev", "TRAP_SCHEMA": "dev_rows"}, "prod has a schema dev_rows, and the target dev"),
        ("prod", {"PROD_SCHEMA": "analytics"}, "Call it with prod_schema='analytics' in generate_schema_name"),
    ],
)
def test_schema_name_refuses_a_target_whose_names_could_be_those_of_prod(integration, target, variables, message):
    environment = clean_environment(DBT_TARGET=target, **variables)
    done = run(DBT, "parse", "--no-partial-parse", cwd=integration, environment=environment)
    assert done.code != 0
    assert message in done.output
    assert "Traceback" not in done.output


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


def test_database_name_writes_to_a_named_database_in_prod_alone(integration):
    place = "select table_catalog, table_schema from information_schema.tables where table_name = 'own_database'"
    assert rows(integration, "dev", place) == [("dev", "dev_ada_environments")]
    assert rows(integration, "prod", place) == []
    assert rows(integration, "archive", place) == [("archive", "environments")]


def test_database_name_leaves_a_database_alone_that_each_environment_has(integration):
    place = "select table_schema from information_schema.tables where table_name = 'monitored'"
    assert rows(integration, "dev_monitoring", place) == [("dev_ada_environments",)]
    assert rows(integration, "prod_monitoring", place) == [("environments",)]


def test_surrogate_key_tells_rows_apart_that_look_alike(integration):
    keys = dict(rows(integration, "prod", "select row_id, surrogate_key from columns.surrogate_key"))
    assert keys[1] == keys[12], "the same values give the same key"
    assert len({key for row, key in keys.items() if row != 12}) == 15
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys.values())
    assert rows(integration, "prod", "select count(distinct key_of_a_number) from columns.surrogate_key") == [(16,)]


@pytest.mark.parametrize("columns", ["'order_id'", "[]", "12"])
def test_surrogate_key_refuses_what_is_no_list(integration, columns):
    done = run(DBT, "compile", "--inline", f"select {{{{ dataops.surrogate_key({columns}) }}}}", cwd=integration)
    assert done.code != 0
    assert "dataops.surrogate_key needs a list of at least one column" in done.output


def test_try_cast(integration):
    found = rows(integration, "prod", "from columns.try_cast")
    assert {text: tuple(None if value is None else str(value) for value in values) for text, *values in found} == {
        "2026-02-28": ("2026-02-28", "2026-02-28 00:00:00", None, None, None),
        "2026-02-30": (None, None, None, None, None),
        "12.50": (None, None, "12.50", "13", None),
        "12,50": (None, None, None, None, None),
        "1234.5": (None, None, None, "1235", None),
        "7": (None, None, "7.00", "7", None),
        "true": (None, None, None, None, "True"),
        "": (None, None, None, None, None),
        None: (None, None, None, None, None),
    }


# The text alone is checked: no such engine ran. Each is what the engine's manual says of a cast that gives null.
IN_THE_WORDS_OF = {
    "try_cast('a', 'date')": {
        "duckdb": "try_cast(a as date)",
        "postgres": "case when pg_input_is_valid(cast(a as text), 'date') then cast(cast(a as text) as date) end",
        "redshift": "try_cast(nullif(trim(cast(a as varchar)), '') as date)",
        "snowflake": "try_cast(cast(a as varchar) as date)",
        "bigquery": "safe_cast(a as date)",
        "spark": "try_cast(a as date)",
    },
    "matches('a', '^it\\'s \\\\d$')": {
        "duckdb": r"regexp_matches(a, '^it''s \d$')",
        "postgres": r"a ~ '^it''s \d$'",
        "redshift": r"a ~ '^it''s \\d$'",
        "snowflake": r"regexp_instr(a, '^it''s \\d$') > 0",
        "bigquery": r"regexp_contains(a, '^it\'s \\d$')",
        "spark": r"a rlike '^it\'s \\d$'",
    },
    "deduplicate('t', ['a', 'b'], ['c desc', 'd'])": {
        "default": "select * from t qualify row_number() over (partition by a, b order by c desc, d) = 1",
        "postgres": "select distinct on (a, b) * from t order by a, b, c desc, d",
        "redshift": "select * from t qualify row_number() over (partition by a, b order by c desc, d) = 1",
        "spark": "select kept_row.* from ( select struct(*) as kept_row, row_number() over (partition by a, b order by c"
        " desc, d) as place from t ) as numbered where place = 1",
    },
    "grant_schema_usage(['marts'], ['reporting', 'ada'])": {
        "default": 'grant usage on schema "marts" to reporting, ada;',
        "snowflake": 'grant usage on schema "marts" to role reporting; grant usage on schema "marts" to role ada;',
        "databricks": 'grant use schema on schema "marts" to reporting; grant use schema on schema "marts" to ada;',
        "duckdb": "",
        "spark": "",
        "bigquery": "",
    },
}


def test_other_engines_get_their_own_words(integration):
    calls = [(f"{adapter}__{call}", text) for call, texts in IN_THE_WORDS_OF.items() for adapter, text in texts.items()]
    found = compiled(integration, *(call for call, _ in calls))
    assert {call: " ".join(text.split()) for (call, _), text in zip(calls, found, strict=True)} == dict(calls)
    versions = {call.partition("(")[0]: set(texts) for call, texts in IN_THE_WORDS_OF.items()}
    for name, adapters in versions.items():
        (file,) = (file for file in MACRO_FILES if file.stem == name)
        own = {macro.partition("__")[0] for macro in signatures(file) if "__" in macro} - {"default"}
        assert adapters - {"default"} == own, f"{name}: an adapter's version that no test looks at"


@pytest.mark.parametrize("call", ["default__try_cast('a', 'date')", "default__matches('a', 'b')"])
def test_an_engine_that_is_not_known_is_refused_by_name(integration, call):
    done = run(DBT, "compile", "--inline", f"{{{{ dataops.{call} }}}}", cwd=integration)
    assert done.code != 0
    assert "does not know how duckdb" in done.output


def test_matches(integration):
    assert rows(integration, "prod", "from columns.matches order by row_id") == [
        (1, True, False),
        (2, False, False),
        (3, False, True),
        (4, None, None),
    ]


def test_deduplicate(integration):
    assert set(rows(integration, "prod", 'from "rows".deduplicate')) == {
        ("a", 1, 3, "latest"),
        ("a", None, 2, "latest of a key with a null"),
        (None, None, 1, "key of nulls"),
        ("b", 1, 5, "tie, first line"),
        ("c", 1, 1, "some time"),
    }


@pytest.mark.parametrize("arguments", ["'t', 'a', ['b']", "'t', ['a'], 'b'", "'t', [], ['b']", "'t', ['a'], []"])
def test_deduplicate_needs_two_lists(integration, arguments):
    done = run(DBT, "compile", "--inline", f"{{{{ dataops.deduplicate({arguments}) }}}}", cwd=integration)
    assert done.code != 0
    assert "dataops.deduplicate needs two lists of at least one column" in done.output


def test_as_of(integration, tmp_path):
    """A snapshot of three days: on the second a price changes, on the third a product is gone."""
    project = tmp_path / "project"
    shutil.copytree(integration, project, symlinks=True)
    for day in ("2", "3"):
        environment = clean_environment(CATALOGUE_DAY=day, DBT_TARGET_PATH="target/dev")
        succeed(DBT, "--quiet", "build", "--select", "+as_of", cwd=project, environment=environment)
    found = rows(project, "dev", "select moment, snapshot, product_id, price from dev_ada_rows.as_of")
    first, second = [(1, "1.00"), (2, "2.00"), (3, "3.00")], [(1, "1.00"), (2, "2.50"), (3, "3.00")]
    expected = {
        ("first day", "plain"): first,
        ("first day", "renamed"): first,
        ("just before the change", "plain"): first,
        ("just before the change", "renamed"): first,
        ("moment of the change", "plain"): second,
        ("moment of the change", "renamed"): second,
        ("now", "plain"): second,  # a snapshot that ignores hard deletes keeps what is gone
        ("now", "renamed"): second[:2],
    }
    by_time: dict[tuple, list[tuple]] = {}
    for at, snapshot, *row in sorted(found):
        by_time.setdefault((at, snapshot), []).append((row[0], str(row[1])))
    assert by_time == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'t', '2026-01-01'", "Write: \"cast('2026-01-01' as timestamp)\""),
        ("'t', 'now()', {'valid_to': 'x'}", "column_names is what the snapshot's snapshot_meta_column_names says"),
        ("'t', 'now()', {}, 'deleted'", "ignore, invalidate or new_record; got: deleted"),
    ],
)
def test_as_of_refuses_wrong_arguments(integration, arguments, message):
    done = run(DBT, "compile", "--inline", f"{{{{ dataops.as_of({arguments}) }}}}", cwd=integration)
    assert done.code != 0
    assert message in done.output


def test_audit_columns(integration):
    ((_, built_at, invocation, release),) = rows(integration, "prod", "from columns.audit_columns")
    assert abs(datetime.now(UTC).replace(tzinfo=None) - built_at) < timedelta(minutes=15)
    assert re.fullmatch("[0-9a-f-]{36}", invocation)
    assert release is None


def test_audit_columns_name_the_release(integration):
    environment = clean_environment(DATAOPS_RELEASE="2026-01-31 it's")
    (text,) = compiled(integration, "audit_columns()", environment=environment)
    with duckdb.connect() as warehouse:
        assert warehouse.execute(f"select built_in_release from (select {text})").fetchall() == [("2026-01-31 it's",)]


def test_recent_rows(integration):
    found: dict[str, list[int]] = {}
    for window, row in rows(
        integration, "dev", "select window_from, row_id from dev_ada_rows.recent_rows order by all"
    ):
        found.setdefault(window, []).append(row)
    assert found == {"var": [3, 4], "argument": [1, 2, 3, 4], "off": [1, 2, 3, 4, 5]}
    in_prod = rows(integration, "prod", 'select count(*) from "rows".recent_rows')
    assert in_prod == [(15,)], "in prod every row is recent"


def test_installing_the_package_takes_macros_only(integration):
    listed = succeed(DBT, "--quiet", "ls", "--output", "name", *WITHOUT_DATA, cwd=integration).output.split()
    files = [
        *REPOSITORY.glob("tests/integration/models/*/*.sql"),
        *REPOSITORY.glob("tests/integration/snapshots/*.yml"),
    ]
    names = {file.stem for file in files if file.parent.name not in {"generic_tests", "quarantine"}} | {
        "catalogue_history_renamed"
    }
    assert sorted(listed) == sorted(names)


def test_record_build(integration, tmp_path):
    """One row for each model, its last build: whole, empty, failed or stopped; what was not built keeps its row."""
    project = shutil.copytree(integration, tmp_path / "project")
    builds = (
        "select relation_name, state, recent_days, code_checksum, invocation_id from {}.dataops_builds order by all"
    )
    recorded = {name: rest for name, *rest in rows(project, "prod", builds.format("main"))}
    listed = succeed(DBT, "--quiet", "ls", "--output", "name", *WITHOUT_DATA, cwd=project).output.split()
    elsewhere = {"monitored", "own_database"}  # In prod they are in databases of their own, which keep no record.
    assert set(recorded) == set(listed) - elsewhere
    assert {(state, days) for state, days, *_ in recorded.values()} == {("success", 0)}
    in_dev = builds.format("dev_ada")
    before = {name: rest for name, *rest in rows(project, "dev", in_dev) if name not in elsewhere}
    assert {(state, days) for state, days, *_ in before.values()} == {("success", 3)}
    assert {name: rest[2] for name, rest in before.items()} == {name: rest[2] for name, rest in recorded.items()}
    assert len({rest[3] for rest in before.values()}) == 1

    for builds_nothing in (("compile",), ("docs", "generate"), ("test", "--select", "all_rows")):
        succeed(DBT, *builds_nothing, cwd=project)
    assert {name: rest for name, *rest in rows(project, "dev", in_dev) if name not in elsewhere} == before

    succeed(DBT, "run", "--empty", "--select", "all_rows", cwd=project)
    (project / "models/columns/try_cast.sql").write_text("select no_such_column")
    assert run(DBT, "run", "--select", "try_cast", cwd=project).code != 0
    after = {name: rest for name, *rest in rows(project, "dev", in_dev) if name not in elsewhere}
    assert {name: rest[0] for name, rest in after.items() if rest != before[name]} == {
        "all_rows": "empty",
        "try_cast": "error",
    }
    assert after["try_cast"][2] != before["try_cast"][2], "another code"
