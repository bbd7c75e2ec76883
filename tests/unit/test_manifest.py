"""What is read from dbt's manifest: keys, personal data, thresholds and checksums."""

from __future__ import annotations

import pytest

from dataops.errors import DataopsError
from dataops.manifest import Code, Model, Threshold
from tests.unit.crosscheck.manifests import column, data_test, macro, manifest, node

NAMES = ("product_id", "product_name", "category")


def read(*nodes: dict, **options) -> dict[str, Model]:
    return {model.name: model for model in Code(manifest(*nodes, **options)).models.values()}


def products(*tests: dict, **values) -> Model:
    """The model `products` with some tests."""
    values.setdefault("columns", {name: column(name) for name in NAMES})
    return read(node("products", **values), *tests)["products"]


@pytest.mark.parametrize(
    ("key", "tests", "values"),
    [
        ((), [], {}),
        (("product_id",), [("unique", {"column_name": "product_id"})], {}),
        (
            ("product_name", "category"),
            [("unique_combination_of_columns", {"combination_of_columns": ["product_name", "category"]})],
            {},
        ),
        (("product_name", "category"), [("unique_combination", {"columns": ["product_name", "category"]})], {}),
        (("category",), [("unique", {"arguments": {"column_name": "category"}})], {}),
        (("product_name",), [], {"constraints": [{"type": "primary_key", "columns": ["product_name"]}]}),
        (
            ("product_name", "category"),
            [("unique", {"column_name": "product_id"})],
            {"constraints": [{"type": "primary_key", "columns": ["product_name", "category"]}]},
        ),
        (("product_name",), [], {"constraints": [{"type": "unique", "columns": ["product_name"]}]}),
        (("category",), [], {"columns": {"category": column("category", constraints=["primary_key"])}}),
        (
            ("product_name",),
            [("unique", {"column_name": one}) for one in ("product_id", "product_name")]
            + [("not_null", {"column_name": "product_name"})],
            {},
        ),
        (("product_id",), [("unique", {"column_name": one}) for one in ("product_name", "product_id")], {}),
        (
            ("category",),
            [
                ("unique_combination", {"columns": ["product_id", "product_name"]}),
                ("unique", {"column_name": "category"}),
            ],
            {},
        ),
    ],
    ids=[
        "nothing declares one",
        "unique",
        "dbt_utils' combination",
        "our combination",
        "arguments of dbt 1.10",
        "primary key",
        "primary key before tests",
        "unique constraint",
        "primary key of a column",
        "not_null first",
        "in the order of the columns",
        "the shortest",
    ],
)
def test_the_key_comes_from_constraints_and_tests(key, tests, values):
    assert products(*(data_test("products", kind, **arguments) for kind, arguments in tests), **values).key == key


def test_a_uniqueness_test_of_some_rows_declares_no_key():
    assert products(data_test("products", "unique", where="category = 'a'", column_name="product_id")).key == ()


def test_personal_data_is_tagged_on_columns_or_on_the_whole_model():
    columns = {"Email": column("Email", tags=["pii"]), "city": column("city")}
    columns["phone"] = column("phone") | {"tags": ["pii"]}
    model = products(columns=columns)
    assert [name for name in ("EMAIL", "phone", "city") if model.is_personal(name)] == ["EMAIL", "phone"]
    assert products(columns=columns, tags=["pii"]).is_personal("city")


def allowed(meta) -> Model:
    return products(meta={"crosscheck": meta})


def test_thresholds_are_rows_or_percentages():
    thresholds = allowed({"rows_added": 2, "rows_changed": "4.9 %", "ignore_columns": ["Units"]}).thresholds
    assert (thresholds.rows_added, thresholds.rows_changed) == (Threshold(rows=2), Threshold(percent=4.9))
    assert thresholds.rows_removed == Threshold()
    assert thresholds.ignore_columns == {"units"}


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"row_changed": 2}, "has no threshold 'row_changed'. Did you mean rows_changed?"),
        ({"rows_changed": "many"}, "'many' is neither a number of rows (12) nor a share of the base's rows ('5 %')"),
        ({"rows_added": -1}, "-1 is neither a number"),
        ({"rows_added": "101 %"}, "'101 %' is neither a number"),
        ({"ignore_columns": "units_sold"}, "'units_sold' is not a list of column names"),
        ("5 %", "is '5 %', not a list of thresholds"),
    ],
)
def test_a_faulty_threshold_is_an_error(meta, message):
    with pytest.raises(DataopsError) as error:
        allowed(meta)
    assert message in error.value.problem
    assert error.value.problem.startswith("models/products.yml: meta.crosscheck")
    assert error.value.remedy.startswith("Valid thresholds are rows_added, ")


def test_columns_that_differ_in_every_run_are_ignored_in_all_that_reads_them():
    models = read(
        node("orders", macros=["macro.dataops.audit_columns"]),
        node("daily", parents=["model.shop.orders"], meta={"crosscheck": {"ignore_columns": ["Loaded"]}}),
        node("other"),
    )
    assert models["daily"].ignored_columns == {"built_at", "built_by_invocation", "built_in_release", "loaded"}
    assert not models["other"].ignored_columns


def test_windows_are_found_in_the_lineage():
    models = read(
        node("recent", macros=["macro.dataops.recent_rows"]), node("daily", parents=["model.shop.recent"]), node("all")
    )
    assert models["daily"].windowed == {"model.shop.recent"}
    assert not models["all"].windowed


def test_only_relations_of_this_project_are_compared():
    models = read(
        node("orders", version=2),
        node("helper", materialized="ephemeral"),
        node("prices", kind="snapshot"),
        node("elementary") | {"unique_id": "model.elementary.elementary", "database": "monitoring"},
        data_test("orders", "unique", column_name="id"),
    )
    assert list(models) == ["orders.v2", "prices"]


# Checksums

CALLED = macro("macro.shop.called", "{% macro called() %}1{% endmacro %}", ["macro.shop.deeper", "macro.dbt.ref"])
DEEPER = macro("macro.shop.deeper", "{% macro deeper() %}2{% endmacro %}")
OTHER = macro("macro.shop.other", "{% macro other() %}3{% endmacro %}")
DBT = macro("macro.dbt.ref", "dbt's own")


def checksums(base: dict | None = None, macros: list[dict] | None = None, **values) -> dict[str, str]:
    """Of a model that calls a macro and reads a table and an ephemeral model."""
    return {
        name: model.checksum
        for name, model in read(
            base or node("base", materialized="ephemeral"),
            node("table"),
            node("orders", parents=["model.shop.base", "model.shop.table"], macros=["macro.shop.called"], **values),
            macros=macros or [CALLED, DEEPER, OTHER, DBT],
        ).items()
    }


def test_a_checksum_covers_the_file_the_macros_and_the_ephemeral_models():
    before = checksums()["orders"]
    assert before == "efd79158b73f4f041811e10d4386d977", "a checksum that changes makes every build older than its code"
    changed = [
        checksums(checksum={"checksum": "another"}),
        checksums(materialized="view"),
        checksums(contract={"checksum": "a contract"}),
        checksums(macros=[CALLED | {"macro_sql": "another"}, DEEPER, DBT]),
        checksums(macros=[CALLED, DEEPER | {"macro_sql": "another"}, DBT]),
        checksums(base=node("base", materialized="ephemeral", checksum={"checksum": "another"})),
    ]
    assert len({before, *(one["orders"] for one in changed)}) == 7
    same = [
        checksums(macros=[CALLED, DEEPER, OTHER | {"macro_sql": "another"}, DBT]),
        checksums(macros=[CALLED, DEEPER, DBT | {"macro_sql": "another"}]),
    ]
    assert {one["orders"] for one in same} == {before}


def test_without_the_macro_there_is_no_checksum():
    known = manifest(node("orders"))
    known["macros"].clear()
    with pytest.raises(DataopsError, match="it has no macro code_checksum"):
        _ = Code(known).models
