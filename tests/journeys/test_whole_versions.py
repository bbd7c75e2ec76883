"""A version of prod holds its own rows: nothing that lies outside it changes what its readers see."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataops import Versions, load, release
from tests.helpers import copy_project
from tests.small_project import commit, dataops, facts, in_folder, make_release, set_edition

SOURCES = """version: 2

sources:
  - name: erp
    config:
      meta:
        external_location: data/erp/{name}.csv
    tables:
      - name: invoices
      - name: people
  - name: legacy
    database: legacy
    schema: main
    tables:
      - name: debts
"""
MODEL_YAML = """
models:
  - name: invoices
    description: Invoices. One row per invoice.
    config:
      materialized: {kind}
      meta:
        owner: '@erp'
"""
MODELS = {
    "invoices": "select * from {{ source('erp', 'invoices') }}",
    "people": "select * from {{ source('erp', 'people') }}",
    "debts": "select * from {{ source('legacy', 'debts') }}",
    "invoice_total": "select sum(total) as total from {{ ref('invoices') }}",
}
FILES = {"data/erp/invoices.csv": "id,total\n1,10\n2,20\n", "data/erp/people.csv": "id,name\n1,Ada\n2,Bo\n"}
READING_OUTSIDE = ("invoices", "people", "debts")
VIEW = "{{{{ config(materialized='{kind}') }}}}\n\n{sql}\n"


def write_models(project: Path, kind: str) -> None:
    """Writes the models that read files and another database, as views or tables; the model on them is always a view."""
    for name, sql in MODELS.items():
        of_kind = VIEW.format(kind=kind if name in READING_OUTSIDE else "view", sql=sql)
        (project / f"models/staging/{name}.sql").write_text(
            f"{sql}\n" if name == "invoices" else of_kind, encoding="utf-8"
        )
    yaml = SOURCES + MODEL_YAML.format(kind=kind)  # of invoices
    (project / "models/staging/erp.yml").write_text(yaml, encoding="utf-8")


@pytest.fixture(scope="module")
def erp_project(small_project, tmp_path_factory) -> Path:
    """A project whose models read CSV files and another database. Nothing was released."""
    project = copy_project(small_project, tmp_path_factory.mktemp("erp"))
    (project / "data/erp").mkdir(parents=True)
    for name, content in FILES.items():
        (project / name).write_text(content, encoding="utf-8")
    with duckdb.connect(str(project / "data/legacy.duckdb")) as legacy:
        legacy.execute("create table debts as select 5 as debt")
    profiles = (project / "profiles.yml").read_text(encoding="utf-8")
    attach = "      attach:\n        - path: data/legacy.duckdb\n          alias: legacy\n"
    profiles = profiles.replace("      attach:\n", attach).replace("      threads:", f"{attach}      threads:", 1)
    (project / "profiles.yml").write_text(profiles, encoding="utf-8")
    with (project / ".gitignore").open("a", encoding="utf-8") as ignored:
        ignored.write("/data/\n")
    write_models(project, "view")
    commit(project, "feat: the ERP")
    return project


def rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    """What a connection reads of each model."""
    return {name: sorted(connection.execute(f"from staging.{name}").fetchall()) for name in (*MODELS, "shown")}


def read(file: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return rows(connection)


def test_views_that_read_outside_stop_a_release_and_ci(erp_project, tmp_path):
    project = copy_project(erp_project, tmp_path)
    done = make_release(project, code=1)
    lines = [line for line in done.output.splitlines() if "reads outside the warehouse" in line]
    assert [line.split()[1] for line in lines] == ["debts", "invoices", "people"], done
    assert 'Catalog "legacy" does not exist' in lines[0]
    assert lines[0].endswith("In the config(...) of models/staging/debts.sql, write materialized='table'")
    assert 'Cannot access file "data/erp/invoices.csv"); invoice_total reads it. Under its `config:` in' in lines[1]
    assert lines[1].endswith("models/staging/erp.yml, write `materialized: table`")
    assert "there is no prod yet" in done.output
    assert in_folder(project, "releases") == []

    ci = dataops(project, "ci", code=1).output
    assert "A release would refuse this: a view reads outside the warehouse." in ci
    assert lines[1].removeprefix("- ") in ci
    summary = (project / "target/ci/summary.md").read_text(encoding="utf-8")
    assert summary.count("is a view that reads outside the warehouse") == 3, summary


def test_an_older_version_that_reads_outside_is_named_where_it_is_read(erp_project, tmp_path, monkeypatch):
    """Older releases of the template did not refuse such views."""
    project = copy_project(erp_project, tmp_path)
    write_models(project, "table")
    commit(project, "feat: tables")
    make_release(project)
    folder = (project / "warehouse/prod/current").resolve()
    os.chmod(folder / "prod.duckdb", 0o644)
    monkeypatch.chdir(project)
    with duckdb.connect(str(folder / "prod.duckdb")) as prod:
        prod.execute("drop table staging.people")
        prod.execute("create view staging.people as from read_csv('data/erp/people.csv')")
    known = facts(project, "releases", folder.name)
    assert known.pop("views_reading_outside") == []
    known["size"] = (folder / "prod.duckdb").stat().st_size
    (folder / "release.json").write_text(json.dumps(known), encoding="utf-8")
    warning = f"{folder.name}: staging.people shows what lies outside the version now, not what was released."

    assert warning in dataops(project, "releases").output
    set_edition(project, 1, "feat: the same once more")
    stopped = make_release(project, code=1)
    assert "0001 holds no rows of people: there it is a view that reads outside the version" in stopped.output, stopped
    assert "people differs, and nobody accepted that" in stopped.output
    make_release(project, "--accept", "people, counted: people was a view of a file until now")
    assert warning in dataops(project, "rollback").output
    monkeypatch.setenv("WAREHOUSE_DIR", str(project / "warehouse"))
    with pytest.warns(UserWarning, match="staging.people shows what lies outside the version now"):
        release.open(1).close()


@pytest.fixture(scope="module")
def released_erp(erp_project, tmp_path_factory) -> tuple[Path, dict[str, dict]]:
    """Two versions made from different files, and what each version's readers saw before anything happened to the files."""
    project = copy_project(erp_project, tmp_path_factory.mktemp("released-erp"))
    write_models(project, "table")
    commit(project, "feat: tables")
    make_release(project)
    (project / "data/erp/invoices.csv").write_text("id,total\n1,10\n2,25\n3,5\n", encoding="utf-8")
    make_release(project, "--accept", "a new export")
    seen = {path.name: read(path / "prod.duckdb") for path in (project / "warehouse/prod/releases").iterdir()}
    assert len(seen) == 2
    assert len({json.dumps(one) for one in seen.values()}) == 2, (
        "both versions hold the same, so the test would prove nothing"
    )
    return project, seen


CHANGES = ("overwritten", "emptied", "moved", "deleted", "a folder")
SOURCE_FILES = (*FILES, "data/legacy.duckdb")


def change(file: Path, how: str) -> None:
    """Does something to a source file that a version must not notice."""
    if not file.is_file():
        return
    if how == "overwritten":
        file.write_text("id,total,name,debt\n9,999,Eve,9\n", encoding="utf-8")
    elif how == "emptied":
        file.write_bytes(b"")
    elif how == "moved":
        file.rename(file.with_name(f"moved-{file.name}"))
    else:
        file.unlink()
        if how == "a folder":
            file.mkdir()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(SOURCE_FILES), st.sampled_from(CHANGES)), min_size=1, max_size=5),
    st.sampled_from(["the project", "elsewhere", "a copy of the version"]),
)
def test_what_happens_to_source_files_changes_nothing_for_readers(released_erp, monkeypatch, changes, reader):
    original, seen = released_erp
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(original, Path(folder))
        for name, how in changes:
            change(project / name, how)
        versions = project / "warehouse/prod/releases"
        if reader == "a copy of the version":
            shutil.copytree(versions, Path(folder, "copied"))
            versions = Path(folder, "copied")
        monkeypatch.chdir(project if reader == "the project" else folder)
        assert {path.name: read(path / "prod.duckdb") for path in versions.iterdir()} == seen
        monkeypatch.setenv("WAREHOUSE_DIR", str(project / "warehouse"))
        older, newer = sorted(seen)
        assert read(project / "warehouse/prod/current/prod.duckdb") == seen[newer]
        releases = Versions(load(checked=False))
        releases.publish(releases.find(older, releases.kept()))  # as a rollback does
        assert read(project / "warehouse/prod/current/prod.duckdb") == seen[older]
        with release.open(newer) as opened:
            assert rows(opened) == seen[newer]
        monkeypatch.chdir("/")
