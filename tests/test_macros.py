"""The dataops package: what its macros come to in a warehouse, and that their YAML tells the truth."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.helpers import REPOSITORY, clean_environment, run, succeed, sys

MACRO_FILES = sorted((REPOSITORY / "macros").rglob("*.sql"))
SIGNATURE = re.compile(r"\{%-?\s*macro\s+(\w+)\((.*?)\)\s*-?%\}", re.DOTALL)
DBT = Path(sys.executable).parent / "dbt"
TYPES = {"string", "integer", "boolean", "dict", "relation", "list[string]"}


def signatures(file: Path) -> dict[str, list[str]]:
    """The macros of a file and the names of their arguments."""
    return {
        name: [argument.split("=")[0].strip() for argument in arguments.split(",") if argument.strip()]
        for name, arguments in SIGNATURE.findall(file.read_text(encoding="utf-8"))
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
    first, second, *others = signatures(file)
    assert (first, second) == (file.stem, f"default__{file.stem}")
    assert all(other.endswith(f"__{file.stem}") for other in others)
    assert f'adapter.dispatch("{file.stem}", "dataops")' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", MACRO_FILES, ids=lambda file: file.stem)
def test_the_guide_describes_every_macro(file):
    assert f"## {file.stem}\n" in (REPOSITORY / "docs/macros.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def integration(tmp_path_factory) -> Path:
    """The integration project, with the package installed from the repository root by `dbt deps`, built in dev and prod."""
    project = tmp_path_factory.mktemp("integration") / "project"
    shutil.copytree(REPOSITORY / "tests/integration", project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "packages.yml").write_text(f"packages:\n  - local: {REPOSITORY}\n")
    succeed(DBT, "deps", cwd=project)
    for target in ("dev", "prod"):
        environment = clean_environment(DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}")
        done = succeed(DBT, "--warn-error", "build", cwd=project, environment=environment)
        assert "PASS=7 WARN=0 ERROR=0" in done.output, "five models and two hooks"
    return project


def rows(project: Path, target: str, sql: str) -> list[tuple]:
    with duckdb.connect(str(project / f"{target}.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def test_schema_name(integration):
    schemas = (
        "select distinct table_schema from information_schema.tables where table_name <> 'dataops_builds' order by 1"
    )
    assert rows(integration, "dev", schemas) == [("dev_ada_columns",), ("dev_ada_rows",)]
    assert rows(integration, "prod", schemas) == [("columns",), ("rows",)]


def test_surrogate_key_tells_rows_apart_that_look_alike(integration):
    keys = dict(rows(integration, "prod", "select row_id, surrogate_key from columns.surrogate_key"))
    assert keys[1] == keys[12], "the same values give the same key"
    assert len({key for row, key in keys.items() if row != 12}) == 11
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys.values())
    assert rows(integration, "prod", "select count(distinct key_of_a_number) from columns.surrogate_key") == [(12,)]


def test_surrogate_key_refuses_what_is_no_list(integration):
    done = run(DBT, "compile", "--inline", "select {{ dataops.surrogate_key('order_id') }}", cwd=integration)
    assert done.code != 0
    assert "dataops.surrogate_key needs a list of at least one column" in done.output


def test_try_cast(integration):
    ((good_date, bad_date, good_amount, bad_amount, none),) = rows(integration, "prod", "from columns.try_cast")
    assert (str(good_date), str(good_amount)) == ("2026-02-28", "12.50")
    assert (bad_date, bad_amount, none) == (None, None, None)


def test_audit_columns(integration):
    ((_, built_at, invocation),) = rows(integration, "prod", "from columns.audit_columns")
    assert abs(datetime.now(UTC).replace(tzinfo=None) - built_at) < timedelta(minutes=15)
    assert re.fullmatch("[0-9a-f-]{36}", invocation)


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
    listed = succeed(DBT, "--quiet", "ls", "--output", "name", cwd=integration).output.split()
    assert sorted(listed) == ["all_rows", "audit_columns", "recent_rows", "surrogate_key", "try_cast"]


def test_record_build(integration, tmp_path):
    """One row for each model, its last build: whole, empty, failed or stopped; who was not built keeps its row."""
    project = shutil.copytree(integration, tmp_path / "project")
    builds = (
        "select relation_name, state, recent_days, code_checksum, invocation_id from {}.dataops_builds order by all"
    )
    recorded = {name: rest for name, *rest in rows(project, "prod", builds.format("main"))}
    assert sorted(recorded) == ["all_rows", "audit_columns", "recent_rows", "surrogate_key", "try_cast"]
    assert {(state, days) for state, days, *_ in recorded.values()} == {("success", 0)}
    before = {name: rest for name, *rest in rows(project, "dev", builds.format("dev_ada"))}
    assert {(state, days) for state, days, *_ in before.values()} == {("success", 3)}
    assert {name: rest[2] for name, rest in before.items()} == {name: rest[2] for name, rest in recorded.items()}
    assert len({rest[3] for rest in before.values()}) == 1

    succeed(DBT, "run", "--empty", "--select", "all_rows", cwd=project)
    (project / "models/columns/try_cast.sql").write_text("select no_such_column")
    assert run(DBT, "run", "--select", "try_cast", cwd=project).code != 0
    after = {name: rest for name, *rest in rows(project, "dev", builds.format("dev_ada"))}
    assert {name: rest[0] for name, rest in after.items() if rest != before[name]} == {
        "all_rows": "empty",
        "try_cast": "error",
    }
    assert after["try_cast"][2] != before["try_cast"][2], "another code"
