"""`make crosscheck`, end to end: dev against prod in a generated project, release files, and all that it must refuse."""

from __future__ import annotations

import html
import json
import re
import shutil
import signal
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from tests.browser import look_at
from tests.helpers import Done, clean_environment, copy_project, release, run, start, succeed
from tests.holder import holding
from tests.journeys.test_warehouse import DEV, PROD, change

WHOLE = "ARGS=--vars 'recent_days: 0'"
RESULTS = ("summary.md", "report.html", "result.json")


@pytest.fixture(scope="module")
def pair(ready_project, tmp_path_factory) -> Path:
    """A project with the same data in dev and prod, and none of the sample's thresholds: a test says what it allows."""
    project = copy_project(ready_project, tmp_path_factory.mktemp("pair"))
    for file in (project / "dbt_project.yml", *project.glob("models/**/*.yml")):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"^ *crosscheck: \{.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    succeed("make", "build", WHOLE, cwd=project)
    release(project)
    return project


@pytest.fixture
def project(pair, tmp_path) -> Path:
    return copy_project(pair, tmp_path)


def crosscheck(project: Path, *arguments: str, code: int, target: str = "dev", **environment: str) -> Done:
    """Runs it as the task does, with the exit code that is expected."""
    done = run(
        ".venv/bin/dataops",
        "crosscheck",
        *arguments,
        cwd=project,
        environment=clean_environment(DBT_TARGET=target, **environment),
    )
    assert done.code == code, done
    assert "Traceback" not in done.output, done
    return done


def outcome(project: Path) -> dict:
    return json.loads((project / "target/crosscheck/result.json").read_text(encoding="utf-8"))


def of_model(project: Path, name: str) -> dict:
    (model,) = (model for model in outcome(project)["models"] if model["name"] == name)
    return model


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# What it finds


def test_the_same_data_is_the_same(project):
    done = succeed("make", "crosscheck", cwd=project)
    assert "dev against prod, 23 models: 23 the same." in done.output
    assert done.output.splitlines()[-1].endswith("target/crosscheck/result.json. Nothing to do.")
    result = outcome(project)
    assert (result["version"], result["verdict"], result["exit_code"]) == (1, "same", 0)
    assert {model["verdict"] for model in result["models"]} == {"same"}
    orders = of_model(project, "orders")["comparison"]
    assert orders["rows_base"] == orders["rows_head"] > 1_000
    assert orders["columns_ignored"] == ["built_at", "built_by_invocation", "built_in_release"]
    assert all((project / "target/crosscheck" / name).stat().st_size for name in RESULTS)


def test_rows_added_removed_and_changed(project):
    """In a table and in an incremental model; a view over a changed table differs too."""
    change(
        project / DEV,
        """
        delete from dev_marts.products where product_id = (select min(product_id) from dev_marts.products);
        update dev_marts.products set units_sold = units_sold + 1, category = 'Elsewhere'
            where product_id = (select max(product_id) from dev_marts.products);
        insert into dev_marts.products by name
            select * replace (product_id + 9000 as product_id) from dev_marts.products order by product_id limit 2;
        update dev_marts.orders set net_amount = net_amount + 100 where order_id = (select max(order_id) from dev_marts.orders);
        update dev_staging.base_shop__products set unit_price = 999.99 where product_id = 3;
        """,
    )
    done = crosscheck(project, code=1)
    assert "19 the same, 4 different" in done.output
    products = of_model(project, "products")
    found = products["comparison"]
    assert (found["rows_added"], found["rows_removed"], found["rows_changed"]) == (2, 1, 1)
    assert found["changed_columns"] == {"units_sold": 1, "category": 1}
    assert (found["key"], found["matched_by"]) == (["product_id"], "key")
    assert products["same_code"] is True
    (changed,) = (example for example in found["examples"] if example["kind"] == "changed")
    before, after = changed["values"]["units_sold"].values()
    assert int(after) == int(before) + 1
    assert changed["values"]["category"]["head"] == "Elsewhere"
    orders = of_model(project, "orders")["comparison"]
    assert (orders["rows_changed"], orders["changed_columns"]) == (1, {"net_amount": 1})
    (drift,) = orders["drift"]
    assert drift["head"]["mean"] - drift["base"]["mean"] == pytest.approx(100 / orders["rows_head"])
    view = of_model(project, "stg_shop__products")["comparison"]
    assert (view["rows_changed"], list(view["changed_columns"])) == (1, ["unit_price"])
    # The same in every form
    page, summary = (
        (project / "target/crosscheck" / name).read_text(encoding="utf-8") for name in ("report.html", "summary.md")
    )
    for text in (done.output, page, summary):
        assert "2 rows added" in text
        assert "1 row removed" in text
    assert "Built from the same code, so the data upstream differs." in done.output


def test_columns_added_removed_and_retyped_by_a_change_of_code(project):
    model = project / "models/staging/shop/stg_shop__products.sql"
    edit(
        model,
        "select * from final",
        "select * exclude (category) replace (cast(product_id as integer) as product_id), 1 as shelf from final",
    )
    marts = project / "models/marts/products.sql"
    edit(marts, "products.category", "'none' as category")
    edit(marts, "products.product_id,", "cast(products.product_id as bigint) as product_id,")
    only = " ".join(f"--exclude-resource-type {kind}" for kind in ("snapshot", "test", "unit_test"))
    succeed("make", "build", f"ARGS=--vars 'recent_days: 0' --select stg_shop__products+ {only}", cwd=project)
    crosscheck(project, "stg_shop__products", "products", code=1)
    found = of_model(project, "stg_shop__products")
    assert [column["name"] for column in found["comparison"]["columns_added"]] == ["shelf"]
    assert [column["name"] for column in found["comparison"]["columns_removed"]] == ["category"]
    assert found["comparison"]["columns_retyped"] == [{"name": "product_id", "base": "BIGINT", "head": "INTEGER"}]
    assert found["comparison"]["rows_changed"] == 0, "a column of another type with the same values"
    assert found["same_code"] is False
    assert of_model(project, "products")["comparison"]["changed_columns"] == {
        "category": of_model(project, "products")["comparison"]["rows_changed"]
    }


def test_a_model_that_is_new_or_gone_is_a_difference(project):
    (project / "models/marts/cities.sql").write_text(
        "select city, count(*) as customers from {{ ref('customers') }} group by 1\n"
    )
    (project / "models/marts/cities.yml").write_text(
        "version: 2\nmodels:\n  - name: cities\n    config: {contract: {enforced: false}}\n"
    )
    succeed("make", "build", "ARGS=--select cities", cwd=project)
    done = crosscheck(project, code=1)
    assert "23 the same, 1 only in dev" in done.output
    with duckdb.connect(str(project / DEV), read_only=True) as dev:
        (cities,) = dev.execute("select count(*) from dev_marts.cities").fetchone()
    assert (of_model(project, "cities")["verdict"], of_model(project, "cities")["rows"]) == ("new", cities)
    assert re.search(rf"│ cities +│ new +│ +│ +{cities} │", done.output)
    assert f"| cities |  | {cities} |" in (project / "target/crosscheck/summary.md").read_text(encoding="utf-8")
    page = re.sub(r"\s+", " ", (project / "target/crosscheck/report.html").read_text(encoding="utf-8"))
    assert f'<td class="number"></td> <td class="number">{cities}</td>' in page
    release(project)
    (project / "models/marts/cities.sql").unlink()
    (project / "models/marts/cities.yml").unlink()
    done = crosscheck(project, code=1)
    assert "23 the same, 1 only in prod" in done.output
    assert re.search(rf"│ cities +│ gone +│ +{cities} │ +│", done.output)


def test_without_a_key_whole_rows_are_compared(project):
    edit(project / "models/marts/products.yml", "          - unique\n", "")
    change(project / DEV, "update dev_marts.products set units_sold = units_sold + 5 where product_id < 4")
    done = crosscheck(project, "products", code=1)
    found = of_model(project, "products")["comparison"]
    assert (found["matched_by"], found["rows_added"], found["rows_removed"]) == ("whole rows", 3, 3)
    assert found["changed_columns"] == {"units_sold": None}
    assert [drift["column"] for drift in found["drift"]] == ["units_sold"]
    assert "no key is declared or tested" in done.output.lower()
    (shown,) = {line.split(" units_sold ")[0] for line in done.output.splitlines() if line.startswith("  removed: ")}
    assert shown == "  removed:", "the column that differs comes first"


@pytest.mark.parametrize(
    ("key", "yaml"),
    [
        (
            ["product_name", "category"],
            "data_tests: [{dbt_utils.unique_combination_of_columns: {arguments: {combination_of_columns: [product_name, category]}}}]",
        ),
        (
            ["product_name", "category"],
            "data_tests: [{dataops.unique_combination: {arguments: {columns: [product_name, category]}}}]",
        ),
        (["product_name"], "constraints: [{type: primary_key, columns: [product_name]}]"),
        (["product_name", "category"], "constraints: [{type: primary_key, columns: [product_name, category]}]"),
        (["product_name"], "constraints: [{type: unique, columns: [product_name]}]"),
    ],
)
def test_the_key_comes_from_constraints_and_tests(project, key, yaml):
    edit(project / "models/marts/products.yml", "          - unique\n", "")
    edit(project / "models/marts/products.yml", "  - name: products\n", f"  - name: products\n    {yaml}\n")
    if "dbt_utils" in yaml:
        (project / "macros/combination.sql").write_text(
            "{% test unique_combination_of_columns(model, combination_of_columns) %}select 1 where false{% endtest %}\n"
        )
        edit(project / "models/marts/products.yml", "dbt_utils.", "")
    succeed("make", "build", "ARGS=--vars 'recent_days: 0' --select products", cwd=project)
    crosscheck(project, "products", code=0)
    assert of_model(project, "products")["comparison"]["key"] == key


def test_of_several_unique_columns_the_key_is_one_that_is_never_null(project):
    """`unique` of a column that comes first, and of another that is tested `not_null` too."""
    yaml = project / "models/marts/products.yml"
    edit(yaml, "          - unique\n          - not_null\n", "          - unique\n")
    edit(yaml, "      - name: category\n", "        data_tests: [unique, not_null]\n      - name: category\n")
    succeed("make", "build", WHOLE + " --select products", cwd=project)
    crosscheck(project, "products", code=0)
    assert of_model(project, "products")["comparison"]["key"] == ["product_name"]
    edit(yaml, "data_tests: [unique, not_null]", "data_tests: [unique]")
    crosscheck(project, "products", code=0)
    assert of_model(project, "products")["comparison"]["key"] == ["product_id"]


def test_seeds_and_snapshots_are_compared_when_selected(project):
    change(project / DEV, "delete from dev_raw.raw_products where product_id = '3'")
    crosscheck(project, "raw_products", code=1)
    assert of_model(project, "raw_products")["comparison"]["rows_removed"] == 1
    done = crosscheck(project, "--select", "product_prices raw_products products", code=1)
    assert of_model(project, "product_prices")["comparison"]["rows_base"] > 0
    assert "dev against prod, 1 model, 1 seed and 1 snapshot: " in done.output


# Personal data


def test_personal_data_is_shown_nowhere(project):
    with duckdb.connect(str(project / PROD), read_only=True) as prod:
        emails = [
            row[0] for row in prod.execute("select email from marts.customers where email is not null").fetchall()
        ]
    change(
        project / DEV,
        """
        update dev_marts.customers set email = 'secret-' || email, customer_name = 'Secret Name', city = 'Nowhere'
            where customer_id % 2 = 0;
        delete from dev_marts.customers where customer_id % 7 = 0;
        """,
    )
    done = crosscheck(project, "customers", "--examples", "100", code=1)
    said = [done.output, *((project / "target/crosscheck" / name).read_text(encoding="utf-8") for name in RESULTS)]
    for text in said:
        text = html.unescape(text)
        assert "Nowhere" in text, "what is not personal is shown"
        assert "email" in text
        assert not [email for email in emails if email in text]
        assert "secret-" not in text
        assert "Secret Name" not in text
    # A personal key
    edit(
        project / "models/marts/customers.yml",
        "      - name: customer_id\n",
        "      - name: customer_id\n        config: {tags: [pii]}\n",
    )
    done = crosscheck(project, "customers", code=1)
    with duckdb.connect(str(project / PROD), read_only=True) as prod:
        ids = [str(row[0]) for row in prod.execute("select customer_id from marts.customers").fetchall()]
    said = [done.output, *((project / "target/crosscheck" / name).read_text(encoding="utf-8") for name in RESULTS)]
    for text in said:
        assert not [one for one in ids if one in text]
        assert re.search(r"hidden [0-9a-f]{8}", text)


def test_an_error_of_the_warehouse_does_not_show_values(project):
    change(
        project / DEV,
        "create or replace view dev_staging.stg_shop__customers as select cast(email as integer) as customer_id from dev_raw.raw_customers",
    )
    done = crosscheck(project, "stg_shop__customers", code=2)
    assert "stg_shop__customers cannot be read: DuckDB stopped with ConversionException." in done.output
    assert "@" not in done.output


# Thresholds


def allow(project: Path, thresholds: str) -> None:
    edit(
        project / "models/marts/products.yml",
        "        owner: \"{{ var('owner_team') }}\"\n",
        f"        owner: \"{{{{ var('owner_team') }}}}\"\n        crosscheck: {thresholds}\n",
    )


def test_thresholds_allow_what_they_say_and_no_more(project):
    change(project / DEV, "update dev_marts.products set units_sold = -1 where product_id in (1, 2)")
    for thresholds, code in (
        ("{rows_changed: 2}", 0),
        ("{rows_changed: 1}", 1),
        ("{rows_changed: 5 %}", 0),  # 2 of 40
        ("{rows_changed: 4.9 %}", 1),
        ("{rows_added: 100 %}", 1),
        ("{ignore_columns: [Units_Sold]}", 0),
    ):
        allow(project, thresholds)
        done = crosscheck(project, "products", code=code)
        verdict = of_model(project, "products")["verdict"]
        assert verdict == ("different" if code else "same" if "ignore" in thresholds else "allowed")
        assert ("within their thresholds" in done.output) == (verdict == "allowed")
        edit(project / "models/marts/products.yml", f"        crosscheck: {thresholds}\n", "")


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ("{row_changed: 2}", "has no threshold 'row_changed'. Did you mean rows_changed?"),
        ("{rows_changed: many}", "'many' is neither a number of rows (12) nor a share of the base's rows ('5 %')"),
        ("{rows_added: -1}", "-1 is neither a number"),
        ("{rows_added: 101 %}", "'101 %' is neither a number"),
        ("{ignore_columns: units_sold}", "'units_sold' is not a list of column names"),
        ("{ignore_columns: [unit_sold]}", "ignore_columns of products names unit_sold, which is on neither side"),
        ("5 %", "is '5 %', not a list of thresholds"),
    ],
)
def test_a_faulty_threshold_is_an_error(project, thresholds, message):
    allow(project, thresholds)
    assert message in crosscheck(project, "products", code=2).output


# It fails closed


def say_nothing_was_compared(project: Path, done: Done) -> None:
    assert "Nothing was compared: " in done.output
    assert outcome(project)["models"] == []
    assert outcome(project)["problem"]
    assert "Nothing was compared: " in html.unescape(
        (project / "target/crosscheck/report.html").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("arguments", "target", "message"),
    [
        (["--base", "prud"], "dev", "'prud' is neither an environment (dev, ci, prod) nor a file that exists."),
        (["--base", "warehouse/prod/gone.duckdb"], "dev", "nor a file that exists"),
        (
            ["--base", "warehouse/prod/current"],
            "dev",
            "Name a file in it: warehouse/prod/current/prod.duckdb",
        ),
        ([], "prod", "prod would be compared with itself."),
        (["--base", PROD], "prod", "are the same file"),
        ([], "ci", "ci was not built: warehouse/ci/ci_local.duckdb is missing.\nType: make build TARGET=ci"),
        (["--select", "orders odrers"], "dev", "dbt cannot select 'orders odrers'"),
        (["--exclude", "odrers"], "dev", "dbt cannot select '--exclude odrers'"),
        (["orders", "--exclude", "orders"], "dev", "No model is selected"),
        (["--select", "source:shop"], "dev", "No model is selected"),
    ],
)
def test_what_is_not_there_is_an_error(project, arguments, target, message):
    done = crosscheck(project, *arguments, code=2, target=target)
    assert message in done.output, done
    say_nothing_was_compared(project, done)


def test_an_unknown_option_is_an_error(project):
    assert "No such option" in crosscheck(project, "--treshold", code=2).output


def test_prod_that_lost_its_data_is_an_error(project):
    (project / PROD).unlink()
    done = crosscheck(project, code=2)
    assert "is prod, and its data is missing.\nNo other version is whole." in done.output
    assert "Type: make release" not in done.output, "it would refuse"
    duckdb.connect(str(project / PROD)).close()
    assert "is prod, and its data is damaged." in crosscheck(project, code=2).output
    facts = (project / PROD).with_name("release.json")
    told = json.loads(facts.read_text(encoding="utf-8"))
    facts.write_text(json.dumps(told | {"size": (project / PROD).stat().st_size}), encoding="utf-8")
    done = crosscheck(project, code=2)
    assert f"prod ({PROD}) has no record of what was built in it.\nType: make release" in done.output
    (project / PROD).write_bytes(b"x" * (project / PROD).stat().st_size)
    assert f"{PROD} cannot be opened" in crosscheck(project, code=2).output
    say_nothing_was_compared(project, done)


def test_results_of_an_earlier_run_do_not_stay(project):
    crosscheck(project, "products", code=0)
    (project / PROD).unlink()
    crosscheck(project, code=2)
    assert outcome(project)["exit_code"] == 2
    assert "could not compare" in (project / "target/crosscheck/report.html").read_text(encoding="utf-8")


def test_a_build_that_is_older_than_the_code_is_an_error(project):
    """Its own file, a macro that it calls, and a model before it."""
    model = project / "models/marts/products.sql"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace("products.category", "upper(products.category) as category"), encoding="utf-8")
    done = crosscheck(project, "products", "customers", code=2)
    assert "products of dev is older than the code: products.sql or a macro it calls was changed" in done.output
    assert "Type: make build" in done.output
    assert of_model(project, "customers")["verdict"] == "same", "the others are compared all the same"
    model.write_text(text, encoding="utf-8")
    crosscheck(project, "products", code=0)

    macro = project / "packages/dataops/macros/columns/audit_columns.sql"
    text = macro.read_text(encoding="utf-8")
    macro.write_text(text.replace("built_at,", "built_at ,"), encoding="utf-8")
    assert "products of dev is older than the code" in crosscheck(project, "products", code=2).output
    macro.write_text(text, encoding="utf-8")

    view = project / "models/staging/shop/stg_shop__products.sql"
    view.write_text(view.read_text(encoding="utf-8") + "\n-- changed\n", encoding="utf-8")
    done = crosscheck(project, "products", code=2)
    assert (
        "products of dev is older than the code: stg_shop__products, which it reads, is older than its code"
        in done.output
    )
    succeed("make", "build", "ARGS=--select stg_shop__products", cwd=project)
    done = crosscheck(project, "products", code=2)
    assert (
        "products of dev is older than stg_shop__products, which it reads and which was built again since."
        in done.output
    )
    succeed("make", "build", "ARGS=--vars 'recent_days: 0' --select stg_shop__products+", cwd=project)
    crosscheck(project, "products", code=0)


def test_prod_may_be_older_than_the_code(project):
    model = project / "models/marts/products.sql"
    edit(model, "products.category", "upper(products.category) as category")
    succeed("make", "build", "ARGS=--vars 'recent_days: 0' --select products", cwd=project)
    assert "Built from different code." in crosscheck(project, "products", code=1).output


def test_a_difference_is_traced_to_the_code_before_it(project):
    change(project / DEV, "update dev_marts.products set units_sold = units_sold + 5 where product_id < 4")
    crosscheck(project, "products", code=1)
    said = (project / "target/crosscheck/report.html").read_text(encoding="utf-8")
    assert "Built from the same code, so the data upstream differs." in said
    edit(project / "models/staging/shop/base/base_shop__products.sql", "trim(category)", "upper(trim(category))")
    succeed("make", "build", WHOLE + " --select base_shop__products+", cwd=project)
    done = crosscheck(project, "products", "base_shop__products", code=1)
    said = " ".join(done.output.split())  # lines are broken at the width of a page
    assert "Built from the same code; what it reads was built from other code: base_shop__products." in said
    assert "Built from different code." in said
    products = of_model(project, "products")
    assert (products["same_code"], products["other_code_before"]) == (True, ["base_shop__products"])


def test_a_build_without_data_is_an_error(project):
    succeed(".venv/bin/dbt", "build", "--empty", "--select", "products", cwd=project)
    done = crosscheck(project, "products", code=2)
    assert "products of dev was built without rows (--empty)." in done.output


def test_a_build_that_failed_is_an_error(project):
    edit(project / "models/marts/products.sql", "products.product_name,", "error('no') as product_name,")
    assert run("make", "build", "ARGS=--select products", cwd=project).code != 0
    assert "products of dev was not built: its last build failed." in crosscheck(project, "products", code=2).output


def test_a_build_that_was_stopped_is_an_error(project):
    """What on-run-start has marked, and nothing else, remains of it."""
    edit(project / "dbt_project.yml", 'on-run-end: "{{ dataops.record_build() }}"', "")
    succeed("make", "build", "ARGS=--select products", cwd=project)
    assert "products of dev was not built to the end" in crosscheck(project, "products", code=2).output


def test_a_table_that_was_dropped_is_an_error(project):
    change(project / PROD, "drop table marts.products")
    done = crosscheck(project, "products", code=2)
    assert "prod has no marts.products, though it was built: it was dropped since.\n" in done.output


def test_a_window_that_differs_is_an_error_whose_remedy_works(project):
    """What anybody meets first: dev holds the last days, prod all."""
    succeed("make", "build", cwd=project)
    done = crosscheck(project, code=2)
    assert "orders holds the last 30 days in dev and all days in prod (dataops.recent_rows)." in done.output
    assert "17 the same, 6 could not be compared" in done.output
    (remedy,) = re.findall(r"^Build dev like prod: (make build .*)$", done.output, re.MULTILINE)
    succeed("sh", "-c", remedy, cwd=project)
    assert "23 the same" in crosscheck(project, code=0).output


def started(project: Path):
    """A crosscheck of dev with prod that has said that it waits for prod's file."""
    environment = clean_environment(DBT_TARGET="dev")
    process = start(".venv/bin/dataops", "crosscheck", cwd=project, environment=environment)
    line = process.stdout.readline()
    assert f"has {PROD} open. Waiting for it, at most 60 seconds" in line
    return process


def test_a_file_that_somebody_writes_is_waited_for(project):
    with holding(project / PROD, seconds=60):
        process = started(project)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "23 the same" in output


def test_ctrl_c_stops_it_without_a_traceback(project):
    with holding(project / PROD, seconds=60):
        process = started(project)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "Stopped: " in output
    assert "Traceback" not in output
    assert not list((project / "target/crosscheck").glob("*"))


# Release files


def test_two_release_files_of_one_name_are_compared_views_too(project):
    """A view names its database, so beside a file of the same name it would read the other file's tables."""
    for number in ("1", "2"):
        folder = project / "warehouse/prod/releases" / number
        folder.mkdir(parents=True)
        shutil.copy(project / PROD, folder / "prod.duckdb")
    newer = "warehouse/prod/releases/2/prod.duckdb"
    files = ["--base", "warehouse/prod/releases/1/prod.duckdb", "--head", newer]
    assert "23 the same" in crosscheck(project, *files, code=0).output
    change(project / newer, "update staging.base_shop__products set unit_price = 999.99 where product_id = 3")
    crosscheck(project, *files, code=1)
    found = of_model(project, "stg_shop__products")["comparison"]
    assert (found["rows_changed"], found["changed_columns"]) == (1, {"unit_price": 1})
    (example,) = found["examples"]
    assert example["values"]["unit_price"]["head"] == "999.99"
    # A release was built in its own time
    edit(project / "models/marts/products.sql", "products.category", "upper(products.category) as category")
    crosscheck(project, *files, "products", code=0)
    crosscheck(project, "--base", files[1], "--head", "dev", "customers", code=0)


# How it looks


def test_the_page_is_whole_without_a_network_and_runs_nothing_of_the_data(project, tmp_path):
    change(
        project / DEV,
        """update dev_marts.products set product_name = '<script>document.title = "taken"</script><img src=x onerror="document.title=1">'
        where product_id = 1""",
    )
    crosscheck(project, code=1)
    page = project / "target/crosscheck/report.html"
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=[\"'](?!#|data:)", text), "nothing is loaded"
    assert "http" not in text.replace("http-equiv", "")
    seen = look_at(page, tmp_path)
    assert "<title>Crosscheck: dev against prod, different</title>" in seen.dom
    assert '<script>document.title = "taken"</script>' in seen.text, "what the data says is shown, not done"
    assert seen.asked == set()


def test_the_summary_fits_one_comment_and_means_nothing_to_markdown():
    comparison, results, markdown = (
        import_module(f"dataops.crosscheck.{name}") for name in ("comparison", "results", "markdown")
    )
    nasty = "| `x` @team <b> **bold** \n# title [a](http://b) ~~no~~"
    models = []
    for number in range(400):
        example = comparison.Example("changed", {"id": str(number)}, {"name": {"base": nasty * 5, "head": None}})
        found = comparison.Comparison(
            rows_base=9,
            rows_head=9,
            rows_changed=1,
            matched_by="key",
            key=("id",),
            examples=[example] * 3,
            changed_columns={"name": 1},
        )
        models.append(results.ModelResult(f"model.x.m{number}", f"m{number}", "m.sql", "different", comparison=found))
    side = {"name": "dev", "file": "dev.duckdb", "built_at": None}
    summary = markdown.as_markdown(results.Result(side, {**side, "name": "prod"}, models))
    assert 40_000 < len(summary) < 65_536
    assert re.search(r"The details of \d+ models did not fit here", summary)
    few = markdown.as_markdown(results.Result(side, {**side, "name": "prod"}, models[:1]))
    assert "did not fit" not in few
    row = next(line for line in few.splitlines() if line.startswith("| changed"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4, "no value makes a cell"
    assert "@team" not in few
    assert "<b>" not in few
    many = markdown.as_markdown(results.Result(side, {**side, "name": "prod"}, models * 5))
    assert len(many) < 65_536
    assert re.search(r"\d+ more models did not fit here", many)


def test_help_names_the_exit_codes(project):
    done = crosscheck(project, "--help", code=0)
    assert "Exit codes: 0 the same" in done.output
