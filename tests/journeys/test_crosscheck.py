"""`make crosscheck` as its user runs it: one story in a generated project, and what needs dbt or a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.browser import look_at
from tests.helpers import Done, clean_environment, copy_project, release, start, succeed
from tests.holder import holding
from tests.small_project import dataops

DEV = "warehouse/dev/dev_ada.duckdb"
PROD = "warehouse/prod/current/prod.duckdb"
RESULTS = ("summary.md", "report.html", "result.json")


def crosscheck(project: Path, *arguments: str, code: int, target: str = "dev") -> Done:
    """Runs it as the task does, with the exit code that is expected."""
    return dataops(project, "crosscheck", *arguments, code=code, DBT_TARGET=target)


def outcome(project: Path) -> dict:
    return json.loads((project / "target/crosscheck/result.json").read_text(encoding="utf-8"))


def of_model(project: Path, name: str) -> dict:
    (model,) = (model for model in outcome(project)["models"] if model["name"] == name)
    return model


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def change(file: Path, sql: str) -> None:
    file.chmod(0o644)  # a version is read-only
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(sql)


def test_a_change_from_the_first_comparison_to_the_page(ready_project, tmp_path):
    """dev has the last days only; the remedy works; then code changes, is built and is compared."""
    project = copy_project(ready_project, tmp_path)
    release(project)
    done = crosscheck(project, code=2)
    assert "orders holds the last 30 days in dev and all days in prod (dataops.recent_rows)." in done.output
    assert "17 the same, 6 could not be compared" in done.output
    (remedy,) = re.findall(r"^Build dev like prod: (make build .*)$", done.output, re.MULTILINE)
    succeed("sh", "-c", remedy, cwd=project)
    done = succeed("make", "crosscheck", cwd=project)
    assert "dev against prod, 23 models: 23 the same." in done.output
    assert done.output.splitlines()[-1].endswith(
        "target/crosscheck/result.json. dev holds the same data as prod. Nothing to do."
    )
    orders = of_model(project, "orders")["comparison"]
    assert orders["rows_base"] == orders["rows_head"] > 1_000
    assert (orders["key"], orders["columns_ignored"]) == (
        ["order_id"],
        ["built_at", "built_by_invocation", "built_in_release"],
    )
    assert all((project / "target/crosscheck" / name).stat().st_size for name in RESULTS)

    edit(project / "models/marts/products.sql", "products.category", "upper(products.category) as category")
    done = crosscheck(project, "products", "customers", code=2)
    assert "products of dev is older than the code: products.sql or a macro it calls was changed" in done.output
    assert of_model(project, "customers")["verdict"] == "same", "the others are compared all the same"
    succeed("make", "build", "ARGS=--vars 'recent_days: 0' --select products", cwd=project)
    change(
        project / DEV,
        """update dev_marts.products set product_name = '<script>document.title = "taken"</script>' where product_id = 1;
        update dev_marts.customers set email = 'secret-' || email where customer_id % 2 = 0;
        delete from dev_raw.raw_products where product_id = '3';""",
    )
    done = crosscheck(project, "--select", "product_prices raw_products products customers", code=1)
    assert "dev against prod, 2 models, 1 seed and 1 snapshot: " in done.output
    products = of_model(project, "products")
    assert (products["verdict"], products["same_code"]) == ("allowed", False), "the sample's thresholds allow it"
    assert "secret-" not in done.output, "an email is personal data"
    assert of_model(project, "raw_products")["comparison"]["rows_removed"] == 1
    assert products["comparison"]["changed_columns"] == {"category": 40, "product_name": 1}
    assert done.output.splitlines()[-1].endswith("Is this what the change was meant to do? The page has examples.")

    page = project / "target/crosscheck/report.html"
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=[\"'](?!#|data:)", text), "nothing is loaded"
    assert "http" not in text.replace("http-equiv", "")
    assert "secret-" not in text
    seen = look_at(page, tmp_path)
    assert "<title>Crosscheck: dev against prod, different</title>" in seen.dom
    assert '<script>document.title = "taken"</script>' in seen.text, "what the data says is shown, not done"
    assert seen.asked == set()


# What needs dbt


@pytest.fixture(scope="module")
def built_project(released_project, tmp_path_factory) -> Path:
    """The small project with the same data in dev and prod, but for a model that counts releases."""
    project = copy_project(released_project, tmp_path_factory.mktemp("built"))
    dataops(project, "build", DBT_TARGET="dev")
    return project


@pytest.fixture
def project(built_project, tmp_path) -> Path:
    return copy_project(built_project, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--select", "first secnd"], "dbt cannot select 'first secnd'"),
        (["--exclude", "secnd"], "dbt cannot select '--exclude secnd'"),
        (["first", "--exclude", "first"], "No model is selected by 'first --exclude first'"),
    ],
)
def test_a_selection_of_nothing_is_an_error(built_project, arguments, problem):
    done = crosscheck(built_project, *arguments, code=2)
    assert f"Nothing was compared: {problem}" in done.output
    assert outcome(built_project)["models"] == []


def test_thresholds_are_read_from_the_yaml(project):
    yaml = project / "models/staging/small.yml"
    thresholds = "crosscheck: {rows_added: 1, rows_removed: 1}"
    edit(yaml, "    columns:\n", f"    config: {{meta: {{owner: ada, {thresholds}}}}}\n    columns:\n")
    change(project / DEV, "update dev_staging.first set number = 7")
    assert "1 within their thresholds" in crosscheck(project, "first", code=0).output
    edit(yaml, "rows_added: 1", "row_added: 1")
    done = crosscheck(project, "first", code=2)
    assert "small.yml: meta.crosscheck of first has no threshold 'row_added'. Did you mean rows_added?" in done.output


def test_a_macro_of_the_project_that_changed_makes_a_build_old(project):
    macro, model = project / "macros/one.sql", project / "models/staging/first.sql"
    macro.write_text("{% macro one() %}1{% endmacro %}\n", encoding="utf-8")
    edit(model, "select number", "select number * {{ one() }} as number")
    dataops(project, "build", "--select", "first", DBT_TARGET="dev")
    crosscheck(project, "first", code=0)
    edit(macro, "1", "2")
    done = crosscheck(project, "first", code=2)
    assert (
        "first of dev is older than the code: first.sql or a macro it calls was changed after the build." in done.output
    )
    dataops(project, "build", "--select", "first", code=0, DBT_TARGET="dev")
    crosscheck(project, "first", code=1)


def test_a_build_that_was_stopped_is_an_error(project):
    """Nothing of it remains but what on-run-start has marked."""
    edit(project / "dbt_project.yml", 'on-run-end: "{{ dataops.record_build() }}"', "")
    dataops(project, "build", "--select", "first", DBT_TARGET="dev")
    assert (
        "first of dev was not built to the end: its last build was stopped, or skipped it because something before it failed."
        in crosscheck(project, "first", code=2).output
    )


def test_prod_that_lost_its_data_is_an_error(project):
    prod = project / PROD
    prod.chmod(0o644)
    prod.unlink()
    done = crosscheck(project, code=2)
    assert "is prod, and its data is missing.\nNo other version is whole." in done.output
    assert "Type: make release" not in done.output, "it would refuse"
    duckdb.connect(str(prod)).close()
    assert "is prod, and its data is damaged." in crosscheck(project, code=2).output
    facts = prod.with_name("release.json")
    recorded = json.loads(facts.read_text(encoding="utf-8"))
    facts.chmod(0o644)
    facts.write_text(json.dumps(recorded | {"size": prod.stat().st_size}), encoding="utf-8")
    prod.write_bytes(b"x" * prod.stat().st_size)
    assert f"{PROD} cannot be opened" in crosscheck(project, code=2).output


# What needs a process of its own


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Another process has a DuckDB file open."""
    file.chmod(0o644)
    with holding(file, seconds=120):
        yield


def started(project: Path) -> subprocess.Popen:
    """A crosscheck that has reported that it waits for prod's file."""
    environment = clean_environment(DBT_TARGET="dev")
    process = start(".venv/bin/dataops", "crosscheck", "first", cwd=project, environment=environment)
    assert f"has {PROD} open. Waiting for it, at most 60 seconds" in process.stdout.readline()
    return process


def test_a_file_that_somebody_writes_is_waited_for(project):
    with held(project / PROD):
        process = started(project)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "1 the same" in output


def test_ctrl_c_stops_it_without_a_traceback(project):
    with held(project / PROD):
        process = started(project)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Stopped: " in output
    assert "Traceback" not in output
    assert not list((project / "target/crosscheck").glob("*"))
