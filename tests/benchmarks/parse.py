"""Parse: what the package's macros and tests add to `dbt parse` of a large project, against dbt's own in their place."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.benchmarks.bare_project import write_yaml
from tests.benchmarks.measure import Result, alternate, command, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import REPOSITORY, Done

MODELS = 1000
MOST = 1.05  # times the parse of the plain project
SMALL_MODEL = "select 1 as id, 'a' as name, cast('{{ run_started_at }}' as timestamp) as loaded_at"

AUDIT_BY_HAND = """select
    1 as id,
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as {{ dbt.type_timestamp() }}) as built_at,
    cast('{{ invocation_id }}' as {{ dbt.type_string() }}) as built_by_invocation,
    cast('{{ env_var("DATAOPS_RELEASE", "") }}' as {{ dbt.type_string() }}) as built_in_release"""
KEY_BY_HAND = """select {{ dbt.hash(dbt.concat([
    "coalesce(cast(id as " ~ dbt.type_string() ~ "), '')",
    "'-'",
    "coalesce(cast(name as " ~ dbt.type_string() ~ "), '')",
])) }} as key"""

# The body of a model with a macro, and with about the same written by hand, for any engine, with dbt's own macros.
IN_MODELS = {
    "audit_columns": ("select 1 as id, {{ dataops.audit_columns() }}", AUDIT_BY_HAND),
    "surrogate_key": ("select {{ dataops.surrogate_key(['id', 'name']) }} as key", KEY_BY_HAND),
    "try_cast": (
        "select {{ dataops.try_cast('name', 'date') }} as day",
        "select {{ dbt.safe_cast('name', 'date') }} as day",
    ),
    "matches": (
        "select {{ dataops.matches('name', '^a+$') }} as is_right",
        "select {{ dbt.position(\"'a'\", 'name') }} as is_right",
    ),
    "recent_rows": (
        "select * from one where {{ dataops.recent_rows('one', 'loaded_at') }}",
        "select * from one where loaded_at >= {{ dbt.dateadd('day', -30, 'loaded_at') }}",
    ),
    "deduplicate": (
        "{{ dataops.deduplicate('one', ['id'], ['name']) }}",
        "select * from one qualify row_number() over (partition by cast(id as {{ dbt.type_int() }}) order by name) = 1",
    ),
    "as_of": (
        "{{ dataops.as_of('one', 'now()') }}",
        "select * from one where dbt_valid_from <= {{ dbt.current_timestamp() }}",
    ),
}
# The arguments of a test of the package. In its place stands dbt's own accepted_values, which takes arguments too.
AT_A_COLUMN = {
    "accepted_range": {"min_value": 0},
    "matches_pattern": {"pattern": "[a-z]+"},
    "no_gaps": {"period": "day"},
    "not_empty_since": {"days": 1},
}
AT_A_MODEL = {
    "no_overlaps": {"valid_from": "loaded_at", "valid_to": "ended_at", "group_by_columns": ["id"]},
    "reconciles_with": {"compare_model": "ref('model_0')", "expression": "count(*)", "group_by_columns": ["id"]},
    "row_count_between": {"min_value": 1},
    "unique_combination": {"columns": ["id", "name"]},
}
NAMES = """{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ dataops.schema_name(custom_schema_name, node) }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name, node) -%}
    {{ dataops.database_name(custom_database_name, node) }}
{%- endmacro %}
"""

Tests = dict[str, list[dict[str, Any]]]


def tests_of_the_package() -> list[Tests]:
    """Each test of the package, at a column (`id`) or at the model."""
    at_columns = [{"id": [{f"dataops.{name}": {"arguments": given}}]} for name, given in AT_A_COLUMN.items()]
    return at_columns + [{"": [{f"dataops.{name}": {"arguments": given}}]} for name, given in AT_A_MODEL.items()]


def write_project(
    folder: Path, bodies: Sequence[str], tests: Sequence[Tests], package: Path | None = None, names: bool = False
) -> Path:
    """Writes a project of `MODELS` models. Models take the bodies and the tests in turn.

    Args:
        folder: an empty folder.
        bodies: the SQL of models.
        tests: for a model, tests by column; the column "" is the model itself.
        package: the folder of the package to install, with `dbt_project.yml` and `macros`; None installs none.
        names: whether it names schemas and databases.
    """
    (folder / "models").mkdir()
    entries = []
    for number, body, own in zip(
        range(MODELS), islice(cycle(bodies), MODELS), islice(cycle(tests), MODELS), strict=True
    ):
        name = f"model_{number}"
        (folder / "models" / f"{name}.sql").write_text(f"{body}\n", encoding="utf-8")
        columns = [{"name": "id", "description": "Identifies the row."}]
        if own.get("id"):
            columns[0] |= {"data_tests": own["id"]}
        entry = {"name": name, "description": "One row per id.", "columns": columns}
        entries.append(entry | ({"data_tests": own[""]} if own.get("") else {}))
    write_yaml(folder / "models" / "models.yml", {"models": entries})
    write_yaml(folder / "dbt_project.yml", {"name": "large", "profile": "large", "models": {"+schema": "marts"}})
    target = {"type": "duckdb", "path": "large.duckdb", "schema": "dev", "threads": 4}
    write_yaml(folder / "profiles.yml", {"large": {"target": "dev", "outputs": {"dev": target}}})
    if package:
        installed = folder / "dbt_packages" / "dataops"
        installed.mkdir(parents=True)
        shutil.copy(package / "dbt_project.yml", installed)
        shutil.copytree(package / "macros", installed / "macros")
    if names:
        (folder / "macros").mkdir()
        (folder / "macros" / "names.sql").write_text(NAMES, encoding="utf-8")
    return folder


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of a full parse of 1000 models with the package, and how many times the plain project's they are."""
    dbt = workshop.ready_project / ".venv" / "bin" / "dbt"
    none, plain_test = [{}], [{"id": [{"accepted_values": {"arguments": {"values": ["a", "b"]}}}]}]
    own_bodies, plain_bodies = zip(*IN_MODELS.values(), strict=True)
    groups = {
        "schema_name, database_name": ([SMALL_MODEL], none, [SMALL_MODEL], none, True),
        "macros in models": (own_bodies, none, plain_bodies, none, False),
        "generic tests": ([SMALL_MODEL], tests_of_the_package(), [SMALL_MODEL], plain_test, False),
    }

    def parse(project: Path) -> Done:
        return command(dbt, "--quiet", "parse", "--no-partial-parse", cwd=project)

    results = []
    for number, (name, (own, own_tests, plain, plain_tests, names)) in enumerate(groups.items()):
        with_package = write_project(workshop.space(f"package_{number}"), own, own_tests, REPOSITORY, names)
        without = write_project(workshop.space(f"plain_{number}"), plain, plain_tests)
        sides = {
            f"{name}, with the package": lambda project=with_package: parse(project),
            f"{name}, plain": lambda project=without: parse(project),
        }
        ours, others = alternate(sides, workshop.runs, workshop.show).values()
        results += [
            Result(f"dbt parse, {MODELS} models: {name}", seconds(ours)),
            Result("  with dbt's own in their place", seconds(others)),
            Result("  ratio", ratios(ours, others), "times", MOST),
        ]
    return results
