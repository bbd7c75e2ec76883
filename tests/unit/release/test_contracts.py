"""Which contracts the code breaks: the verdicts on manifest.json are those of dbt's own classes on the same manifests."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.base import BaseAdapter
from dbt.adapters.duckdb.impl import DuckDBAdapter
from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode
from dbt.exceptions import ContractBreakingChangeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataops.release.contracts import ALL, CONSTRAINT, ENFORCED, ENFORCED_ELSEWHERE, broken_contracts
from dataops.versions import CannotRelease

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop: {target: prod, outputs: {prod: {type: duckdb, path: ':memory:'}}}\n",
    "models/customers.sql": (
        "{{ config(materialized='table') }} select 1 as id, 'Oslo'::varchar as city, 1::decimal(18, 2) as amount"
    ),
    "models/orders.sql": "{{ config(materialized='table') }} select 7 as id",
    "models/plans_v1.sql": "{{ config(materialized='table', alias='plans') }} select 1 as id",
    "models/plans_v2.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/models.yml": """
models:
  - name: customers
    config: {contract: {enforced: true}}
    constraints: [{type: primary_key, columns: [id]}]
    columns:
      - {name: id, data_type: integer, constraints: [{type: not_null}, {type: check, name: positive, expression: id > 0}]}
      - {name: city, data_type: varchar}
      - {name: amount, data_type: 'decimal(18, 2)'}
  - name: orders
    config: {contract: {enforced: true}}
    columns:
      - {name: id, data_type: integer}
      - {name: customer, data_type: integer, constraints: [{type: foreign_key, to: "ref('customers')", to_columns: [id]}]}
      - {name: buyer, data_type: integer, constraints: [{type: foreign_key, to: 'ref("shop", "customers")', to_columns: [id]}]}
      - {name: plan, data_type: integer, constraints: [{type: foreign_key, to: "ref('plans')", to_columns: [id]}]}
      - {name: plan_2, data_type: integer, constraints: [{type: foreign_key, to: "ref('plans', v=2)", to_columns: [id]}]}
      - {name: plan_1, data_type: integer, constraints: [{type: foreign_key, to: "ref('plans', version='1')", to_columns: [id]}]}
      - {name: city, data_type: integer, constraints: [{type: foreign_key, to: "source('raw', 'cities')", to_columns: [id]}]}
  - name: plans
    latest_version: 1
    config: {contract: {enforced: true}}
    columns: [{name: id, data_type: integer}]
    versions: [{v: 1}, {v: 2}]
sources:
  - name: raw
    tables: [{name: cities, identifier: all_cities}, {name: customers}]
""",
}
CUSTOMERS, ORDERS, PLANS = "model.shop.customers", "model.shop.orders", "model.shop.plans"
NOT_NULL, UNIQUE, CHECK = {"type": "not_null"}, {"type": "unique"}, {"type": "check", "expression": "id > 1"}
POSITIVE = {"type": "check", "name": "positive", "expression": "id > 0"}
PRIMARY = {"type": "primary_key", "columns": ["id"]}
TABLE, VIEW = {"config": {"materialized": "table"}}, {"config": {"materialized": "view"}}
INCREMENTAL = {"config": {"materialized": "incremental", "on_schema_change": "fail"}}
LOOSE = {"contract": {"enforced": False}}
GONE = "gone"


@pytest.fixture(scope="module")
def manifests(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """A project's manifest.json as dbt writes it when it parses and when it compiles, without macros and docs; and what dbt's
    object of the parsed manifest becomes as a dictionary."""
    folder, found = tmp_path_factory.mktemp("shop"), {}
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    for command in ("parse", "compile"):
        done = dbtRunner().invoke(["--quiet", command, "--project-dir", str(folder), "--profiles-dir", str(folder)])
        assert done.success, done
        manifest = json.loads((folder / "target/manifest.json").read_text(encoding="utf-8"))
        found[command] = manifest | {"macros": {}, "docs": {}}
        if command == "parse":
            found["object"] = done.result.writable_manifest().to_dict(omit_none=False)
    return found


@pytest.fixture(scope="module")
def parsed(manifests) -> dict[str, Any]:
    return manifests["parse"]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Where the manifest of prod's version is."""
    return tmp_path_factory.mktemp("prod") / "manifest.json"


def changed(manifest: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy of a manifest in which some nodes differ, and have no checksum of their contract.

    Args:
        manifest: is left as it is.
        changes: values by the node's id; those of inner dictionaries are merged, and GONE removes a key.
    """
    manifest = copy.deepcopy(manifest)
    merge(manifest["nodes"], copy.deepcopy(changes))
    for id in changes.keys() & manifest["nodes"].keys():
        manifest["nodes"][id]["contract"]["checksum"] = None
    return manifest


def merge(values: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, change in changes.items():
        if change == GONE:
            del values[key]
        elif isinstance(change, dict) and isinstance(values.get(key), dict):
            merge(values[key], change)
        else:
            values[key] = change


def read_by_dbt(manifest: dict[str, Any]) -> Manifest:
    """dbt's object of a manifest, with the checksums that its parser would have written."""
    found = Manifest.from_writable_manifest(WritableManifest.upgrade_schema_version(copy.deepcopy(manifest)))
    for node in found.nodes.values():
        if isinstance(node, ModelNode):
            node.contract.checksum = None
            node.build_contract_checksum()
    return found


def as_json(manifest: Manifest) -> dict[str, Any]:
    return json.loads(json.dumps(manifest.writable_manifest().to_dict(omit_none=False)))


def without_defaults(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest as dbt 2.0 writes it: no checksums, fewer keys, no time zone, and null where nothing is configured."""
    manifest = copy.deepcopy(manifest)
    for node in manifest["nodes"].values():
        del node["contract"]["checksum"]
        if node["deprecation_date"]:
            node["deprecation_date"] = node["deprecation_date"].partition("T")[0]
        else:
            del node["deprecation_date"]
        for one in (node, *node["columns"].values()):
            for constraint in one["constraints"]:
                constraint |= {key: None for key, value in constraint.items() if value == CONSTRAINT[key]}
    return manifest


def verdicts_of_dbt(manifest: Manifest, before: Manifest) -> dict[str, str]:
    """What dbt finds broken, by id. Of a model without versions it would only warn."""
    broken = {}
    for id, old in before.nodes.items():
        new = manifest.nodes.get(id)
        judged = copy.copy(new or old)
        judged.version = judged.version or 1
        try:
            if new:
                judged.same_contract(old, manifest.metadata.adapter_type)
            else:
                judged.same_contract_removed()
        except ContractBreakingChangeError as error:
            broken[id] = "; ".join(map(in_one_line, error.breaking_changes))
    return broken


def in_one_line(change: str) -> str:
    """A breaking change in one line, as dbt describes it in many."""
    heading, *items = (line.strip().removeprefix("- ") for line in change.splitlines())
    heading = re.sub(r"^Contracted model '.*' was", "The model was", heading).split(": Previously")[0].rstrip(".")
    listed = re.sub(r"'(?:ConstraintType\.)?(\w+)' constraint on", r"\1 on", ", ".join(items))
    return f"{heading[:1].lower()}{heading[1:]} {listed}".strip()


def verdicts(manifest: dict[str, Any], before: dict[str, Any], file: Path) -> dict[str, str]:
    file.write_text(json.dumps(before), encoding="utf-8")
    return broken_contracts(manifest, file)


def assert_as_dbt(manifest: dict[str, Any], before: dict[str, Any], file: Path) -> dict[str, str]:
    """What is broken: the same for dbt, and with one manifest or both of dbt 2.0."""
    new, old = read_by_dbt(manifest), read_by_dbt(before)
    expected = verdicts_of_dbt(new, old)
    new, old = as_json(new), as_json(old)
    newer, older = without_defaults(new), without_defaults(old)
    assert verdicts(new, old, file) == expected
    assert verdicts(newer, old, file) == expected
    assert verdicts(newer, older, file) == expected
    return expected


def column(name: str = "id", **changes: Any) -> dict[str, Any]:
    return {"columns": {name: changes}}


DELETED = "the model was deleted or renamed"
UNENFORCED = "contract enforcement was removed"
CITY_GONE = "columns were removed: city"
TEXT = "columns with data_type changes: id (integer -> text)"
NOT_NULL_GONE = "enforced column level constraints were removed: not_null on column id"
VIEWED = "materialization changed with enforced constraints: incremental -> view"
PRIMARY_GONE = "enforced model level constraints were removed: primary_key on columns ['id']"
# What is changed in customers of prod's version, what in the code's, and what is broken then.
CASES = {
    "nothing changed": ({}, {}, ""),
    "not enforced before": (LOOSE, {"columns": {"city": GONE}}, ""),
    "not enforced before, gone": (LOOSE, GONE, ""),
    "never enforced": (LOOSE, LOOSE | {"columns": {"city": GONE}}, ""),
    "no longer enforced": ({}, LOOSE, UNENFORCED),
    "no longer enforced, and more": (
        {},
        LOOSE | {"columns": {"city": GONE, "amount": {"data_type": GONE}}},
        f"{UNENFORCED}; columns were removed: city; columns with data_type changes: amount (decimal(18, 2) -> None)",
    ),
    "gone": ({}, GONE, DELETED),
    "gone after its deprecation date": ({"deprecation_date": "2020-02-03T00:00:00+00:00"}, GONE, ""),
    "gone before its deprecation date": (
        {"deprecation_date": "2999-02-03T00:00:00+00:00"},
        GONE,
        DELETED,
    ),
    "deprecated, and a column is gone": (
        {"deprecation_date": "2020-02-03T00:00:00+00:00"},
        {"columns": {"city": GONE}},
        CITY_GONE,
    ),
    "a column is new": ({"columns": {"city": GONE}}, {}, ""),
    "columns are gone": ({}, {"columns": {"city": GONE, "amount": GONE}}, "columns were removed: amount, city"),
    "a column is spelled differently": (
        {},
        {"columns": {"city": GONE, "City": {"name": "City", "data_type": "varchar"}}},
        CITY_GONE,
    ),
    "a type is another": (
        {},
        column("id", data_type="bigint"),
        "columns with data_type changes: id (integer -> bigint)",
    ),
    "a type has a synonym": ({}, column("id", data_type="int"), "columns with data_type changes: id (integer -> int)"),
    "a type in upper case": ({}, column("id", data_type="INTEGER"), ""),
    "a type of another precision": ({}, column("amount", data_type="Decimal (10)"), ""),
    "a type without its precision": ({}, column("amount", data_type="decimal"), ""),
    "a constraint is new": ({}, column("city", constraints=[NOT_NULL]), ""),
    "a constraint of a column is gone": (
        {},
        column("id", constraints=[POSITIVE]),
        NOT_NULL_GONE,
    ),
    "a constraint with a name is gone": (
        {},
        column("id", constraints=[NOT_NULL]),
        "enforced column level constraints were removed: positive on column id",
    ),
    "a constraint is another": (
        column("id", constraints=[NOT_NULL, CHECK]),
        column("id", constraints=[NOT_NULL, CHECK | {"expression": "id > 2"}]),
        "enforced column level constraints were removed: check on column id",
    ),
    "a constraint without warnings": (
        {},
        column("id", constraints=[NOT_NULL | {"warn_unenforced": False}, POSITIVE]),
        NOT_NULL_GONE,
    ),
    "constraints in another order": ({}, column("id", constraints=[POSITIVE, NOT_NULL]), ""),
    "a constraint of a view's column is gone": (VIEW, VIEW | column("id", constraints=[]), ""),
    "a constraint of a gone column": ({}, {"columns": {"id": GONE}}, "columns were removed: id"),
    "a constraint of the model is gone": ({}, {"constraints": []}, PRIMARY_GONE),
    "a constraint of a view is gone": (VIEW, VIEW | {"constraints": []}, ""),
    "a constraint of the model has other columns": (
        {},
        {"constraints": [PRIMARY | {"columns": ["id", "city"]}]},
        PRIMARY_GONE,
    ),
    "a table becomes incremental": ({}, INCREMENTAL, ""),
    "a table becomes a view": ({}, VIEW, "materialization changed with enforced constraints: table -> view"),
    "a table without constraints becomes a view": (
        {"constraints": []} | column("id", constraints=[]),
        {"constraints": []} | column("id", constraints=[]) | VIEW,
        "",
    ),
    "a table with constraints of columns alone becomes a view": (
        {"constraints": []},
        {"constraints": []} | VIEW,
        "materialization changed with enforced constraints: table -> view",
    ),
    "a view becomes a table": (VIEW, TABLE, ""),
    "everything at once": (
        INCREMENTAL,
        VIEW | {"constraints": [], "columns": {"city": GONE, "id": {"data_type": "text", "constraints": []}}},
        "; ".join([CITY_GONE, TEXT, NOT_NULL_GONE + ", positive on column id", PRIMARY_GONE, VIEWED]),
    ),
}


@pytest.mark.parametrize(("before", "after", "broken"), CASES.values(), ids=CASES.keys())
def test_the_verdict_is_dbts(parsed, file, before, after, broken):
    new, old = ({CUSTOMERS: changes, ORDERS: GONE} for changes in (after, before))  # orders refer to customers
    assert assert_as_dbt(changed(parsed, new), changed(parsed, old), file) == ({CUSTOMERS: broken} if broken else {})


def test_dbts_object_as_a_dictionary_is_judged_like_the_file(manifests, file):
    note = {"note": {"name": "note", "data_type": "text"}}
    before = changed(manifests["parse"], {id: {"columns": note} for id in (CUSTOMERS, ORDERS)})
    gone = "columns were removed: note"
    assert verdicts(manifests["object"], before, file) == {CUSTOMERS: gone, ORDERS: gone}


COLUMNS = st.fixed_dictionaries(
    {
        "data_type": st.sampled_from(["integer", "INTEGER", "int", "decimal(18, 2)", "decimal (9)", "text"]),
        "constraints": st.lists(
            st.sampled_from([NOT_NULL, UNIQUE, CHECK, POSITIVE, {"type": "primary_key"}]), max_size=3
        ),
    }
)
MODELS = st.fixed_dictionaries(
    {
        "contract": st.fixed_dictionaries({"enforced": st.sampled_from([True, True, True, False])}),
        "config": st.sampled_from([one["config"] for one in (TABLE, VIEW, INCREMENTAL)]),
        "deprecation_date": st.sampled_from([None, "2020-02-03T00:00:00+00:00", "2999-02-03T00:00:00+00:00"]),
        "columns": st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "ID", "city", "amount"), COLUMNS)),
        "constraints": st.lists(st.sampled_from([PRIMARY, UNIQUE | {"columns": ["city"]}, CHECK]), max_size=3),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=MODELS, after=st.one_of(MODELS, st.just(GONE)))
def test_the_verdict_is_dbts_whatever_changes(parsed, file, before, after):
    emptied = changed(parsed, {CUSTOMERS: {"columns": None}, ORDERS: GONE})
    named = [one if one == GONE else one | {"columns": with_names(one["columns"])} for one in (after, before)]
    assert_as_dbt(*(changed(emptied, {CUSTOMERS: one}) for one in named), file)


def with_names(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: values | {"name": name} for name, values in columns.items()}


# Versions of models


def test_a_version_that_takes_over_the_relation_keeps_the_contract(parsed, file):
    first = f"{PLANS}.v1"
    unversioned = parsed["nodes"][first] | {"unique_id": PLANS, "version": None, "latest_version": None}
    before = changed(parsed, {first: GONE, f"{PLANS}.v2": GONE, PLANS: unversioned})
    assert verdicts(parsed, before, file) == {}
    older_orders = {ORDERS: {"columns": {"plan_1": GONE, "plan_2": GONE}}}
    assert verdicts(parsed, changed(before, older_orders), file) == {}, "the foreign key refers to the same table"
    other_type = changed(parsed, {first: column("id", data_type="text")})
    assert verdicts(other_type, before, file) == {first: TEXT}
    other_relation = changed(parsed, {first: {"alias": "plans_v1"}})
    assert verdicts(other_relation, before, file) == {PLANS: DELETED}


def test_a_version_is_not_changed_in_place(parsed, file):
    after = changed(parsed, {ORDERS: GONE, f"{PLANS}.v1": LOOSE, f"{PLANS}.v2": GONE})
    assert assert_as_dbt(after, changed(parsed, {ORDERS: GONE}), file) == {
        f"{PLANS}.v1": UNENFORCED,
        f"{PLANS}.v2": DELETED,
    }


def test_contracts_of_packages_are_not_judged(parsed, file):
    before = changed(parsed, {f"{PLANS}.v2": {"package_name": "elementary"}})
    assert verdicts(changed(parsed, {f"{PLANS}.v2": GONE}), before, file) == {}


# Foreign keys, which dbt replaces when it compiles

FOREIGN_KEYS = ("customer", "buyer", "plan", "plan_1", "plan_2", "city")


def test_a_foreign_key_is_the_same_before_and_after_dbt_compiles_it(manifests, file):
    parsed, compiled = manifests["parse"], manifests["compile"]
    written, names = (
        {name: one["nodes"][ORDERS]["columns"][name]["constraints"][0]["to"] for name in FOREIGN_KEYS}
        for one in (parsed, compiled)
    )
    assert not set(written.values()) & set(names.values()), "dbt replaces each of them"
    wider = {ORDERS: {"columns": {"note": {"name": "note", "data_type": "text"}}}}
    assert verdicts(changed(parsed, wider), compiled, file) == {}
    elsewhere = json.loads(json.dumps(compiled).replace(r"\"memory\"", r"\"prod\""))
    assert elsewhere["nodes"][CUSTOMERS]["relation_name"] == '"prod"."main"."customers"'
    assert verdicts(changed(parsed, wider), elsewhere, file) == {}


def test_a_reference_to_the_latest_version_is_judged_as_dbt_does(parsed, file):
    """By dbt's checksum, which covers what is written. Where there is none, the tables are compared."""
    after = changed(parsed, {f"{PLANS}.v1": {"latest_version": 2}, f"{PLANS}.v2": {"latest_version": 2}})
    assert verdicts(after, parsed, file) == verdicts_of_dbt(read_by_dbt(after), read_by_dbt(parsed)) == {}
    broken = "enforced column level constraints were removed: foreign_key on column plan"
    assert verdicts(changed(after, {ORDERS: {}}), parsed, file) == {ORDERS: broken}


@pytest.mark.parametrize("name", FOREIGN_KEYS)
@pytest.mark.parametrize(
    "to", ["ref('orders')", "source('raw', 'customers')", "ref('plans', v=3)", "ref('other', 'plans')"]
)
def test_a_foreign_key_to_another_table_is_another(manifests, file, name, to):
    key = {"type": "foreign_key", "to": to, "to_columns": ["id"]}
    after = changed(manifests["parse"], {ORDERS: column(name, constraints=[key])})
    broken = f"enforced column level constraints were removed: foreign_key on column {name}"
    assert verdicts(after, manifests["compile"], file) == {ORDERS: broken}


# What an adapter enforces


def test_what_an_adapter_enforces_is_what_dbt_says():
    def enforced(adapter: type[BaseAdapter]) -> set[str]:
        return {kind.value for kind, support in adapter.CONSTRAINT_SUPPORT.items() if support == "enforced"}

    assert enforced(DuckDBAdapter) == ENFORCED["duckdb"] == ALL
    assert enforced(BaseAdapter) == ENFORCED_ELSEWHERE


@pytest.mark.parametrize(
    ("adapter", "broken"),
    [
        (
            "postgres",
            f"enforced column level constraints were removed: not_null on column id, check on column id; {PRIMARY_GONE}",
        ),
        ("trino", NOT_NULL_GONE),
        ("spark", ""),
    ],
)
def test_only_what_the_database_enforces_is_missed(parsed, file, adapter, broken):
    before = changed(parsed, {CUSTOMERS: column("id", constraints=[NOT_NULL, CHECK])})
    after = changed(parsed, {CUSTOMERS: column("id", constraints=[]) | {"constraints": []}})
    after["metadata"]["adapter_type"] = adapter
    assert verdicts(after, before, file) == ({CUSTOMERS: broken} if broken else {})


def test_a_custom_constraint_guarantees_nothing(parsed, file):
    """dbt 1.11 ends with a KeyError."""
    masked = {"type": "custom", "expression": "masking policy hidden"}
    before = changed(parsed, {CUSTOMERS: column("city", constraints=[masked])})
    assert verdicts(parsed, before, file) == {}


def test_a_type_of_several_lines_is_shown_in_one(parsed, file):
    changes = {CUSTOMERS: column("city", data_type="struct(\n  a integer\n)")}
    broken = "columns with data_type changes: city (varchar -> struct( a integer ))"
    assert verdicts(changed(parsed, changes), parsed, file) == {CUSTOMERS: broken}


# A manifest that cannot be judged

DAMAGED = {
    "not JSON": ("{", "JSONDecodeError"),
    "not text": (b"\xff", "UnicodeDecodeError"),
    "empty": ("{}", "KeyError"),
    "a list": ("[]", "TypeError"),
    "a list of nodes": ('{"nodes": []}', "AttributeError"),
    "a node without a type": ('{"nodes": {"model.shop.a": {}}}', "KeyError"),
}


@pytest.mark.parametrize(("content", "error"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_manifest_of_prod_stops_the_comparison(parsed, file, content, error):
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_cannot_be_read(parsed, file, error)


def test_a_missing_manifest_of_prod_stops_the_comparison(parsed, tmp_path):
    assert_cannot_be_read(parsed, tmp_path / "manifest.json", "FileNotFoundError")


def test_a_deprecation_date_that_is_none_stops_the_comparison(parsed, file):
    file.write_text(json.dumps(changed(parsed, {CUSTOMERS: {"deprecation_date": "soon"}})), encoding="utf-8")
    assert_cannot_be_read(parsed, file, "ValueError")


def assert_cannot_be_read(manifest: dict[str, Any], file: Path, error: str) -> None:
    with pytest.raises(CannotRelease) as stopped:
        broken_contracts(manifest, file)
    assert stopped.value.problem.endswith(
        f"manifest.json cannot be read ({error}), so nothing shows which contracts are broken."
    )
    assert stopped.value.remedy == "Type: make rollback TO=<another version> (make releases lists them)"
