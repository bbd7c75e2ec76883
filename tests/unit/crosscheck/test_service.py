"""What the crosscheck finds in two warehouse files, and what it refuses to compare."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dataops.crosscheck.markdown import as_markdown
from dataops.crosscheck.page import as_page
from dataops.crosscheck.results import Result
from dataops.crosscheck.terminal import show
from dataops.manifest import Code
from tests.unit.crosscheck.manifests import PRODUCTS, SHOWN, column, products
from tests.unit.crosscheck.warehouses import Built, compare, dataset, of_model, write

ROWS = "select i as product_id, 'name ' || i as product_name, i * 10 as units_sold from range(1, 41) as numbers(i)"


CODE = products("product_id")


def models(**changes: Built) -> dict[str, Built]:
    """What a build leaves: the three models, some of them otherwise."""
    built = {"base_products": Built(ROWS), "products": Built("from marts.base_products")}
    built |= {"shown_products": Built("from marts.products", kind="view")} | changes
    return {f"model.shop.{name}": one for name, one in built.items()}


def checked(folder: Path, head: dict[str, Built], base: dict[str, Built] | None = None, of: Code = CODE) -> Result:
    """The comparison of dev, which has `head`, with prod."""
    prod = write(folder / "prod.duckdb", of, base or models())
    dev = write(folder / "dev_ada.duckdb", of, head)
    return compare(dataset(prod, "prod"), dataset(dev, "dev"), of)


def verdicts(result: Result) -> dict[str, str]:
    return {model.name: model.verdict for model in result.models}


# What it finds


def test_the_same_data_is_the_same(tmp_path):
    result = checked(tmp_path, models())
    assert (result.verdict, result.exit_code) == ("same", 0)
    assert result.headline == "dev against prod, 3 models: 3 the same."
    assert of_model(result, "products").comparison.rows_head == 40


def test_rows_added_removed_and_changed_in_tables_and_in_views_of_them(tmp_path):
    changed = (
        "select * replace (if(product_id = 40, 'Elsewhere', product_name) as product_name,"
        " if(product_id = 40, -1, units_sold) as units_sold) from marts.base_products where product_id > 1"
        " union all select 9000 + i, 'new', 0 from range(2) as numbers(i)"
    )
    result = checked(tmp_path, models(products=Built(changed)))
    assert verdicts(result) == {"base_products": "same", "products": "different", "shown_products": "different"}
    for name in ("products", "shown_products"):
        found = of_model(result, name).comparison
        assert (found.rows_added, found.rows_removed, found.rows_changed) == (2, 1, 1)
        assert found.changed_columns == {"product_name": 1, "units_sold": 1}
        assert (found.key, found.matched_by) == (("product_id",), "key")
    (example,) = (one for one in found.examples if one.kind == "changed")
    assert example.values["units_sold"] == {"base": "400", "head": "-1"}
    assert [drift.column for drift in found.drift] == ["product_id", "units_sold"]
    assert of_model(result, "products").same_code is True


def test_columns_added_removed_and_retyped(tmp_path):
    select = "select cast(product_id as integer) as product_id, units_sold, 1 as shelf from marts.base_products"
    found = of_model(checked(tmp_path, models(products=Built(select))), "products").comparison
    assert [one.name for one in found.columns_added] == ["shelf"]
    assert [one.name for one in found.columns_removed] == ["product_name"]
    assert [vars(one) for one in found.columns_retyped] == [{"name": "product_id", "base": "BIGINT", "head": "INTEGER"}]
    assert found.rows_changed == 0, "a column of another type with the same values"


def test_a_model_that_is_new_or_gone_is_a_difference(tmp_path):
    base, head = models(), models()
    base["model.shop.cities"] = Built("select 1 as city from range(5)")
    del base[PRODUCTS], base[SHOWN]
    result = checked(tmp_path, head, base)
    assert verdicts(result) == {
        "base_products": "same",
        "products": "new",
        "shown_products": "new",
        "cities": "gone",
    }
    assert [of_model(result, name).rows for name in ("products", "cities")] == [40, 5]
    assert result.exit_code == 1


def test_without_a_key_whole_rows_are_compared(tmp_path):
    select = f"select * replace (if(product_id < 4, -1, units_sold) as units_sold) from ({ROWS})"
    found = of_model(checked(tmp_path, models(base_products=Built(select))), "base_products").comparison
    assert (found.matched_by, found.rows_added, found.rows_removed) == ("whole rows", 3, 3)
    assert found.changed_columns == {"units_sold": None}
    assert [one.column for one in found.drift] == ["units_sold"]
    removed = [one for one in found.examples if one.kind == "removed"]
    assert {next(iter(one.values)) for one in removed} == {"units_sold"}, "the column that differs comes first"


@pytest.mark.parametrize(
    ("thresholds", "verdict"),
    [
        ({"rows_changed": 2}, "allowed"),
        ({"rows_changed": 1}, "different"),
        ({"rows_changed": "5 %"}, "allowed"),  # 2 of 40
        ({"rows_changed": "4.9 %"}, "different"),
        ({"rows_added": "100 %"}, "different"),
        ({"ignore_columns": ["Units_Sold"]}, "same"),
    ],
)
def test_thresholds_allow_what_they_say_and_no_more(tmp_path, thresholds, verdict):
    of = products("product_id", meta={"crosscheck": thresholds})
    select = "select * replace (if(product_id < 3, -1, units_sold) as units_sold) from marts.base_products"
    result = checked(tmp_path, models(products=Built(select), shown_products=Built(ROWS)), of=of)
    assert of_model(result, "products").verdict == verdict
    assert result.exit_code == (verdict == "different")
    assert ("within their thresholds" in result.headline) == (verdict == "allowed")


def test_a_column_that_is_ignored_must_exist(tmp_path):
    result = checked(
        tmp_path, models(), of=products("product_id", meta={"crosscheck": {"ignore_columns": ["unit_sold"]}})
    )
    problem = "ignore_columns of products names unit_sold, which neither base nor head has."
    assert problem in of_model(result, "products").problem


def test_a_difference_is_traced_to_the_code_before_it(tmp_path):
    base = models(base_products=Built(ROWS, checksum="earlier"))
    head = models(products=Built("select product_id, product_name, 0 as units_sold from marts.base_products"))
    result = checked(tmp_path, head, base)
    found = of_model(result, "products")
    assert (found.same_code, found.other_code_before) == (True, ["base_products"])
    assert of_model(result, "base_products").same_code is False


# Personal data

PERSONAL = {"units_sold": column("units_sold"), "product_name": column("product_name", tags=["pii"])}


def every_form(result: Result) -> list[str]:
    console = Console(width=110, file=io.StringIO())
    show(console, result, [Path("report.html")])
    texts = (console.file.getvalue(), as_markdown(result), as_page(result), json.dumps(result.as_json()))
    return [html.unescape(text) for text in texts]


@pytest.mark.parametrize("key_too", [False, True])
def test_personal_data_is_shown_nowhere(tmp_path, key_too):
    ids = "select i + 20940000 as product_id, 'secret ' || i as product_name, i as units_sold from range({}) as numbers(i)"
    of = products(
        "product_id", columns=PERSONAL | ({"product_id": column("product_id", tags=["pii"])} if key_too else {})
    )
    base = models(base_products=Built("select 1 as a"), products=Built(ids.format("1, 41")), shown_products=Built(ROWS))
    changed = f"select * replace ('Secret Name ' || product_id as product_name, -77 as units_sold) from ({ids.format('1, 50')})"
    head = {**base, PRODUCTS: Built(changed)}
    result = checked(tmp_path, head, base, of)
    assert of_model(result, "products").verdict == "different"
    for text in every_form(result):
        assert "-77" in text, "what is not personal is shown"
        assert "product_name" in text
        assert "secret" not in text.lower()
        assert ("209400" in text) != key_too
        assert bool(re.search(r"hidden [0-9a-f]{8}", text)) == key_too


def test_an_error_of_the_warehouse_does_not_show_values(tmp_path):
    view = "select cast(product_name as integer) as product_id from marts.base_products"
    result = checked(tmp_path, models(shown_products=Built(view, kind="view")))
    found = of_model(result, "shown_products")
    assert found.problem == "shown_products cannot be read: DuckDB stopped with ConversionException."
    assert result.exit_code == 2
    assert not [text for text in every_form(result) if "name 1" in text]


def test_an_error_about_names_is_shown(tmp_path):
    """The view reads a database that is not there: the file was renamed since."""
    file = write(tmp_path / "prod.duckdb", CODE, models(shown_products=Built("from prod.marts.products", kind="view")))
    copied = file.rename(tmp_path / "copied.duckdb")
    dev = write(tmp_path / "dev_ada.duckdb", CODE, models())
    found = of_model(compare(dataset(copied, None), dataset(dev, "dev"), CODE), "shown_products")
    assert found.problem == 'shown_products cannot be read: Binder Error: Catalog "prod" does not exist.'
    assert found.remedy.startswith("To see the whole message, which may quote data: ")
    assert found.remedy.endswith("dbt show --select shown_products")


# It fails closed


@pytest.mark.parametrize(
    ("head", "problem", "remedy"),
    [
        (
            {"products": Built(ROWS, checksum="earlier")},
            "products of dev is older than the code: products.sql or a macro it calls was changed after the build.",
            "Type: make build",
        ),
        (
            {"base_products": Built(ROWS, checksum="earlier")},
            "products of dev is older than the code: base_products, which it reads, is older than its code: base_products.sql"
            + " or a macro it calls was changed after the build.",
            "Type: make build",
        ),
        (
            {"base_products": Built(ROWS, hours=1)},
            "products of dev is older than base_products, which it reads and which was built again since.",
            "Type: make build",
        ),
        (
            {"products": Built(ROWS, state="empty")},
            "products of dev was built without rows (--empty).",
            "Type: make build",
        ),
        (
            {"products": Built(ROWS, state="sample")},
            "products of dev was built from a sample of its rows (--sample).",
            "Type: make build",
        ),
        (
            {"products": Built(ROWS, state="error")},
            "products of dev was not built: its last build failed.",
            "Build again, and fix what that reports: make build",
        ),
        (
            {"products": Built(ROWS, state="skipped")},
            "products of dev was not built: its last build skipped it because something before it failed.",
            "Build again, and fix what that reports: make build",
        ),
        (
            {"products": Built(ROWS, state="started")},
            "products of dev was not built to the end: its last build was stopped, or skipped it because something before it failed.",
            "Build again, and fix what that reports: make build",
        ),
        (
            {"products": Built(ROWS, state="odd")},
            "products of dev was not built: its last build ended with 'odd'.",
            "Build again, and fix what that reports: make build",
        ),
        (
            {"products": Built(ROWS, kind=""), "shown_products": Built(ROWS)},
            "dev has no marts.products, though it was built: it was dropped since.",
            "Type: make build",
        ),
    ],
)
def test_what_is_not_todays_data_is_not_compared(tmp_path, head, problem, remedy):
    result = checked(tmp_path, models(**head))
    found = of_model(result, "products")
    assert (found.verdict, found.problem, found.remedy) == ("not compared", problem, remedy)
    assert result.exit_code == 2


def test_the_base_must_have_data_too(tmp_path):
    result = checked(tmp_path, models(), models(products=Built(ROWS, state="error")))
    assert of_model(result, "products").problem == "products of prod was not built: its last build failed."
    assert of_model(result, "base_products").verdict == "same", "the others are compared all the same"
    dropped = models(products=Built(ROWS, kind=""), shown_products=Built(ROWS))
    result = checked(tmp_path / "dropped", models(), dropped)
    assert of_model(result, "products").problem.startswith("prod has no marts.products, though it was built")
    assert of_model(result, "products").remedy == "Type: make release"


def test_a_model_that_was_not_built_is_not_compared(tmp_path):
    head = models(shown_products=Built(ROWS))
    del head[PRODUCTS]
    result = checked(tmp_path, head)
    assert of_model(result, "products").problem == "products was not built in dev."


def test_the_base_and_files_of_their_own_time_may_be_older_than_the_code(tmp_path):
    old = models(products=Built(ROWS, checksum="earlier"))
    result = checked(tmp_path, models(), old)
    assert verdicts(result)["products"] == "same"
    assert of_model(result, "products").same_code is False
    file = write(tmp_path / "kept.duckdb", CODE, old)
    result = compare(dataset(tmp_path / "prod.duckdb", "prod"), dataset(file, None), CODE)
    assert verdicts(result)["products"] == "same"


def test_a_window_that_differs_is_not_compared_and_the_remedy_says_how_to_build(tmp_path):
    of = products("product_id", macros=["macro.dataops.recent_rows"])
    result = checked(tmp_path, models(products=Built(ROWS, recent_days=30)), of=of)
    for name in ("products", "shown_products"):
        found = of_model(result, name)
        assert found.problem == f"{name} holds the last 30 days in dev and all days in prod (dataops.recent_rows)."
        assert found.remedy == """Build dev like prod: make build ARGS="--vars 'recent_days: 0'\""""
    assert of_model(result, "base_products").verdict == "same"


def test_two_files_of_one_name_are_compared_views_too(tmp_path):
    """A view names its database, so next to a file of the same name it would read the other file's tables."""
    view = Built("from prod.marts.products", kind="view")  # with the database, as dbt writes it
    changed = Built("select * replace (-1 as units_sold) from marts.base_products where product_id = 3")
    contents = {"1": models(shown_products=view), "2": models(shown_products=view, products=changed)}
    files = [write(tmp_path / number / "prod.duckdb", CODE, one) for number, one in contents.items()]
    result = compare(*(dataset(file, None) for file in files), CODE)
    for name in ("products", "shown_products"):
        found = of_model(result, name).comparison
        assert (found.rows_changed, found.rows_removed, found.changed_columns) == (1, 39, {"units_sold": 1})
        assert [one.values["units_sold"]["head"] for one in found.examples if one.kind == "changed"] == ["-1"]


def test_a_view_of_rows_outside_the_version_differs(tmp_path):
    prod = write(tmp_path / "prod.duckdb", CODE, models())
    dev = write(tmp_path / "dev_ada.duckdb", CODE, models())
    base = replace(dataset(prod, "prod"), outside=frozenset({"marts.shown_products"}))
    found = of_model(compare(base, dataset(dev, "dev"), CODE), "shown_products")
    assert found.verdict == "different"
    assert found.problem.startswith(
        "prod holds no rows of shown_products: there it is a view that reads outside the version"
    )
