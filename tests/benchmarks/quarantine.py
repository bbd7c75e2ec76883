"""Quarantine: the rows of a staging model judged, kept and set aside, against the same model with a plain `where`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import duckdb

from tests.benchmarks.bare_project import write_yaml
from tests.benchmarks.measure import MeasurementFailed, Result, alternate, command, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import REPOSITORY, Done

ROWS = 10_000_000
DBT = Path(sys.executable).parent / "dbt"

# One row in 100 is an earlier row delivered again; about one in 250 has a date and one in 500 an amount that cannot be read.
RAW = """
    create table raw_orders as
    select
        cast(row - (row % 100 = 0)::bigint as varchar) as order_id,
        cast(hash(row) % 1000000 as varchar) as customer_id,
        case when hash(row) % 250 = 0 then 'yesterday'
            else strftime(timestamp '2026-01-01' + to_seconds(row), '%Y-%m-%d %H:%M:%S') end as ordered_at,
        case when hash(row) % 33 = 0 then 'cancelled' else 'Completed ' end as status,
        case when hash(row) % 500 = 1 then 'n/a' else cast(hash(row) % 10000 / 100 as varchar) end as amount,
        timestamp '2026-01-01' + to_days(cast(row // 100000 as integer)) as _loaded_at
    from range($rows) as rows (row)
"""
RENAMED = """
with source as (

    select * from raw_orders

),

renamed as (

    select
        {{ dataops.try_cast('order_id', 'bigint') }} as order_id,
        {{ dataops.try_cast('customer_id', 'bigint') }} as customer_id,
        lower(trim(status)) as status,
        {{ dataops.try_cast('amount', 'decimal(18, 2)') }} as amount,
        {{ dataops.try_cast('ordered_at', 'timestamp') }} as ordered_at,
        _loaded_at as loaded_at""".lstrip()
NUMBERED = """
    from source

),

numbered as (

    select
        *,
        row_number() over (partition by order_id order by loaded_at desc) as delivery
    from renamed

)
"""
NOT_NUMBERED = """
    from source

)
"""
COLUMNS = ("order_id", "customer_id", "status", "amount", "ordered_at", "loaded_at")
RULES = {
    "readable_key": "order_id is not null",
    "readable_date": "ordered_at is not null",
    "readable_amount": "amount >= 0",
}
NEWEST = {"newest_delivery": "delivery = 1"}


def plain_model(rules: dict[str, str]) -> str:
    """The staging model that leaves out what breaks a rule."""
    numbered = "newest_delivery" in rules
    return (
        f"{RENAMED}{NUMBERED if numbered else NOT_NUMBERED}\nselect {', '.join(COLUMNS)}"
        f"\nfrom {'numbered' if numbered else 'renamed'}\nwhere {' and '.join(rules.values())}\n"
    )


def base_model(rules: dict[str, str]) -> str:
    """The base model that judges the same rows by the same rules."""
    numbered = "newest_delivery" in rules
    stated = [{"name": name, "condition": rule, "message": f"{name} is broken."} for name, rule in rules.items()]
    return (
        f"{{%- set rules = {stated} %}}\n{RENAMED},\n        {{{{ dataops.raw_row('source') }}}} as raw_row"
        f"{NUMBERED if numbered else NOT_NUMBERED}\nselect {', '.join(COLUMNS)}, {{{{ dataops.quarantine_columns(rules) }}}}"
        f"\nfrom {'numbered' if numbered else 'renamed'}\n"
    )


def make_project(folder: Path) -> None:
    """A dbt project with both sides of both comparisons, each in a folder of its own, and the raw table."""
    write_yaml(folder / "packages.yml", {"packages": [{"local": str(REPOSITORY)}]})
    target = {"type": "duckdb", "path": "warehouse.duckdb", "schema": "main", "threads": 2, "settings": {"threads": 2}}
    write_yaml(folder / "profiles.yml", {"bench": {"target": "dev", "outputs": {"dev": target}}})
    settings = {"name": "bench", "profile": "bench", "flags": {"send_anonymous_usage_stats": False}}
    write_yaml(folder / "dbt_project.yml", settings | {"models": {"+materialized": "table"}})
    for case, rules in (("rows", RULES), ("deliveries", RULES | NEWEST)):
        plain, quarantine = folder / "models" / f"{case}_plain", folder / "models" / f"{case}_quarantine"
        plain.mkdir(parents=True)
        quarantine.mkdir()
        (plain / f"{case}_plain.sql").write_text(plain_model(rules), encoding="utf-8")
        view = "{{ config(materialized='view') }}\n"
        models = {
            f"base_{case}": base_model(rules),
            f"stg_{case}": f"{view}select {', '.join(COLUMNS)} from {{{{ ref('base_{case}') }}}} where broken_rules is null\n",
            f"stg_{case}__rejected": f"{view}{{{{ dataops.rejected_rows(ref('base_{case}'), keys=['order_id']) }}}}\n",
        }
        for name, sql in models.items():
            (quarantine / f"{name}.sql").write_text(sql, encoding="utf-8")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute(RAW, {"rows": ROWS})
    command(DBT, "deps", cwd=folder)


def run_models(folder: Path, models: str) -> Done:
    """One `dbt run`; its seconds are those of its models, first to last, without dbt's start."""
    done = command(DBT, "run", "--select", f"path:models/{models}", cwd=folder)
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return replace(done, seconds=sum(result["execution_time"] for result in results))


def check_conserved(folder: Path, case: str) -> None:
    """Raises MeasurementFailed unless both sides have the same clean rows, and quarantine has all others."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:

        def count(relation: str) -> int:
            return warehouse.execute(f"select count(*) from {relation}").fetchone()[0]

        plain, clean, rejected = count(f"{case}_plain"), count(f"stg_{case}"), count(f"stg_{case}__rejected")
    if clean != plain or clean + rejected != ROWS:
        raise MeasurementFailed(f"{case}: {plain} rows by where, {clean} clean, {rejected} rejected of {ROWS}")


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of both sides and their ratio: with rules on each row alone, and with one that compares deliveries."""
    folder = workshop.space("quarantine")
    workshop.show(f"preparing: a raw table of {ROWS:,} rows")
    make_project(folder)
    results = []
    for case, what in (("rows", "rules on a row alone"), ("deliveries", "and its newest delivery counts")):
        sides = {
            f"quarantine, {what}": lambda case=case: run_models(folder, f"{case}_quarantine"),
            f"plain where, {what}": lambda case=case: run_models(folder, f"{case}_plain"),
        }
        ours, plain = alternate(sides, workshop.runs, workshop.show).values()
        check_conserved(folder, case)
        results += [
            Result(f"quarantine, {what}", seconds(ours)),
            Result(f"plain where, {what}", seconds(plain)),
            Result(f"quarantine / plain where, {what}", ratios(ours, plain), "times", target=1.3),
        ]
    return results
